/*
 * main.c - hakim, the command of the host: finds the subcommand.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "image/hakim.h"

static int flush_stdout(int status)
{
	/* A full disk behind stdout must not look like success. */
	if (fflush(stdout) != 0 || ferror(stdout))
		return hakim_complain(HAKIM_FAILED, "cannot write to standard output");
	return status;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "help";

	/* A reader that went away is an error of a write. */
	signal(SIGPIPE, SIG_IGN);

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0)
		name = "version";
	for (unsigned i = 0; i < hakim_commands_n; i++)
		if (strcmp(hakim_commands[i].name, name) == 0)
			return flush_stdout(
				hakim_commands[i].run(argc > 1 ? argc - 1 : 0, argv + 1));
	return hakim_complain(HAKIM_USAGE, "there is no command \"%s\": see hakim help", name);
}
