/*
 * commands.c - the table of all subcommands.
 */
#include "common/cleanup.h"
#include "image/hakim.h"

const struct hakim_command hakim_commands[] = {
	{"pull", hakim_pull, "[OPTIONS]", "pull images into the templates of Proxmox"},
	{"list", hakim_list, "[OPTIONS]", "the templates of a store"},
	{"prune", hakim_prune, "[OPTIONS]", "remove templates that nothing needs"},
	{"home", hakim_home, "CTID", "the mount source of a container's /home/coder"},
	{"help", hakim_help, "", "show this"},
	{"version", hakim_version, "", "show the version"},
};
const unsigned hakim_commands_n = ARRAY_LEN(hakim_commands);
