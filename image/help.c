#include <stdio.h>

#include "image/hakim.h"

int hakim_help(int argc, char **argv)
{
	printf("Usage: hakim COMMAND [OPTIONS] [ARGUMENTS]\n\n"
	       "Images of a registry as templates of Proxmox.\n\n");
	for (unsigned i = 0; i < hakim_commands_n; i++) {
		const struct hakim_command *command = &hakim_commands[i];

		printf("  %-8s %s\n", command->name, command->help);
	}
	return HAKIM_OK;
}

int hakim_version(int argc, char **argv)
{
	printf("hakim %s\n", HAKIM_VERSION);
	return HAKIM_OK;
}
