#include "supervisor/ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

const struct ctl_command ctl_commands[] = {
	{"status",
	 ctl_status,
	 {ARGS_JSON, 0, ARGS_ANY},
	 "[NAME...] [--json]",
	 "show all units, or all about some",
	 "Without NAME: a table. With NAME: everything that is known, and the last lines of the "
	 "log;\n"
	 "the exit status is 3 if one of them is not active.\n"
	 "  --json        what the supervisor said, as one JSON object\n"},
	{"start",
	 ctl_job,
	 {ARGS_NO_BLOCK, 1, ARGS_ANY},
	 "NAME... [--no-block]",
	 "start units, with what they require, and wait until they are ready",
	 "  --no-block    do not wait\n"},
	{"stop",
	 ctl_job,
	 {ARGS_NO_BLOCK, 1, ARGS_ANY},
	 "NAME... [--no-block]",
	 "stop units, with what requires them, and wait until they have stopped",
	 "  --no-block    do not wait\n"},
	{"restart",
	 ctl_job,
	 {ARGS_NO_BLOCK, 1, ARGS_ANY},
	 "NAME... [--no-block]",
	 "stop and start units, and wait until they are ready",
	 "  --no-block    do not wait\n"},
	{"logs",
	 ctl_logs,
	 {ARGS_FOLLOW | ARGS_LINES, 1, 1},
	 "NAME [-f] [-n N]",
	 "print the log of a unit",
	 "NAME may also be \"hakim\", for what the supervisor itself says.\n"
	 "  -n, --lines=N     the last N lines, or all (default: 100)\n"
	 "  -f, --follow      go on with what is added, until it is interrupted\n"},
	{"check",
	 ctl_check,
	 {ARGS_JSON, 0, ARGS_ANY},
	 "[FILE...] [--json]",
	 "check unit files, without a supervisor",
	 "Without FILE: all of /etc/hakim/modules and " HAKIM_LIBDIR
	 "/modules, with their drop-ins\n"
	 "(or of the directories in HAKIM_MODULE_DIRS, with colons between).\n"
	 "  --json        what was found, as one JSON object\n"},
	{"reload", ctl_job, {0, 0, 0}, "", "read the unit files anew; what runs goes on", NULL},
	{"reexec",
	 ctl_reexec,
	 {0, 0, 0},
	 "",
	 "replace the supervisor by a new one; services go on",
	 NULL},
	{"shutdown", ctl_job, {0, 0, 0}, "", "stop all units and then the container", NULL},
	{"help", ctl_help, {0, 0, 1}, "[COMMAND]", "show this, or more about a command", NULL},
	{"version", ctl_version, {0, 0, 0}, "", "show the version", NULL},
};
const unsigned ctl_commands_n = ARRAY_LEN(ctl_commands);

const struct ctl_command *ctl_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ctl_commands); i++)
		if (strcmp(ctl_commands[i].name, name) == 0)
			return &ctl_commands[i];
	return NULL;
}

int ctl_complain(int status, const char *fmt, ...)
{
	struct look look = look_of_stdout();
	_cleanup_free_ char *text = NULL, *clean = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	clean = text ? show_clean(text, &look, false) : NULL;
	fflush(stdout);
	fprintf(stderr, "hakimctl: %s\n", clean ? clean : "there is not enough memory");
	return status;
}

/* ---- help ---- */

static void put_command(const struct ctl_command *c)
{
	printf("Usage: hakimctl %s%s%s\n\n%c%s.\n", c->name, *c->synopsis ? " " : "", c->synopsis,
	       c->help[0] - 'a' + 'A', c->help + 1);
	if (c->more)
		printf("%s", c->more);
	printf("  -h, --help    show this\n");
}

static void put_help(FILE *out)
{
	fputs("Usage: hakimctl COMMAND [NAME...] [OPTION...]\n\n"
	      "Asks the supervisor of hakim-init about the services of this container.\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(ctl_commands); i++) {
		const struct ctl_command *c = &ctl_commands[i];

		fprintf(out, "  %-9s %-22s %s\n", c->name, c->synopsis, c->help);
	}
	fputs("\n\"hakimctl COMMAND --help\" says more. A NAME may lack its \".service\".\n"
	      "Exit status: 0 ok, 1 failed, 2 wrong usage, 3 not active, 4 no such unit, "
	      "5 no supervisor answers.\n",
	      out);
}

int ctl_help(struct ctl *ctl)
{
	const struct ctl_command *about;

	if (!ctl->args.n_names) {
		put_help(stdout);
		return CTL_OK;
	}
	about = ctl_find(ctl->args.names[0]);
	if (!about)
		return ctl_complain(CTL_USAGE,
				    "there is no command \"%s\"; 'hakimctl help' lists them",
				    ctl->args.names[0]);
	put_command(about);
	return CTL_OK;
}

int ctl_version(struct ctl *ctl)
{
	puts("hakimctl " HAKIM_VERSION);
	return CTL_OK;
}

/* ---- the program ---- */

/* What was printed must have arrived. Who reads only the beginning ("| head") is content with it.
 */
static int finish_output(int status)
{
	struct pollfd p = {.fd = STDOUT_FILENO};

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	/* The write that failed may be long ago, and its errno gone. */
	if (errno == EPIPE || (poll(&p, 1, 0) == 1 && p.revents & POLLERR))
		return status;
	return ctl_complain(CTL_FAILED, "the output cannot be written: %s", strerror(errno));
}

static int run_command(const struct ctl_command *command, int argc, char **argv)
{
	struct ctl ctl = {.look = look_of_stdout(), .command = command};
	struct err err = {0};
	int status;

	if (args_parse(&command->spec, argc, argv, &ctl.args, &err) < 0)
		return ctl_complain(CTL_USAGE, "%s: %s; see 'hakimctl %s --help'", command->name,
				    err.text, command->name);
	if (ctl.args.given & ARGS_HELP) {
		put_command(command);
		status = CTL_OK;
	} else {
		status = command->run(&ctl);
	}
	args_free(&ctl.args);
	return finish_output(status);
}

int ctl_main(int argc, char **argv)
{
	const struct ctl_command *command;
	const char *word = argc > 1 ? argv[1] : NULL;

	/* A reader that has gone is an error of write(2), which is handled. */
	signal(SIGPIPE, SIG_IGN);
	if (!word) {
		put_help(stderr);
		return CTL_USAGE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		word = "help";
	else if (strcmp(word, "--version") == 0)
		word = "version";
	command = ctl_find(word);
	if (!command)
		return ctl_complain(CTL_USAGE,
				    "there is no command \"%s\"; 'hakimctl help' lists them", word);
	return run_command(command, argc - 2, argv + 2);
}
