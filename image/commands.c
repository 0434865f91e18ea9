/*
 * commands.c - the table of all subcommands.
 */
#include "common/cleanup.h"
#include "image/hakim.h"

const struct hakim_command hakim_commands[] = {
	{"help", hakim_help, "", "show this"},
	{"version", hakim_version, "", "show the version"},
};
const unsigned hakim_commands_n = ARRAY_LEN(hakim_commands);
