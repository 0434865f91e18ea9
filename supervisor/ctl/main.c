/*
 * main.c - hakimctl; and where it is called so, systemctl.
 */
#include <string.h>

#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/systemctl.h"

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;

	if (argc > 0 && strcmp(slash ? slash + 1 : argv[0], "systemctl") == 0)
		return systemctl_main(argc, argv);
	return ctl_main(argc, argv);
}
