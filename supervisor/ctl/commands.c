/*
 * commands.c - the table of all commands: a row is what a command takes, and what its help says.
 */
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/ctl.h"

const struct ctl_command ctl_commands[] = {
	/* ---- look ---- */
	{
		.name = "status",
		.run = ctl_status,
		.group = CTL_LOOK,
		.spec = {ARGS_JSON, 0, ARGS_ANY},
		.synopsis = "[NAME...] [--json]",
		.help = "show all units, or all about some",
		.more = "Without NAME: a table. With NAME: everything that is known, and the last "
			"lines of the log;\n"
			"the exit status is 3 if one of them is not active.\n"
			"  --json        what the supervisor said, as one JSON object\n",
	},
	{
		.name = "logs",
		.run = ctl_logs,
		.group = CTL_LOOK,
		.spec = {ARGS_FOLLOW | ARGS_LINES | ARGS_SINCE | ARGS_UNTIL | ARGS_GREP |
				 ARGS_IGNORE_CASE | ARGS_OUTPUT | ARGS_JSON | ARGS_REVERSE |
				 ARGS_ALL | ARGS_NO_PAGER,
			 0, ARGS_ANY},
		.synopsis = "NAME...|--all [-f|-r] [-n N] [-S TIME] [-U TIME] [-g PATTERN] [-o "
			    "FORMAT]",
		.help = "print the logs of units, by time",
		.more = "NAME may be a pattern, or \"hakim\", for what the supervisor itself "
			"says.\n"
			"  -a, --all             all that there are\n"
			"  -n, --lines=N         the last N lines, or all (default: 100)\n"
			"  -S, --since=TIME      all from then on: \"2026-11-25 10:00\", 10:00, "
			"today, -1h,\n"
			"                        \"10 min ago\", @SECONDS; with -n at most N of "
			"it\n"
			"  -U, --until=TIME      all until then\n"
			"  -g, --grep=PATTERN    lines in which it is; without a capital letter in "
			"it the case is ignored\n"
			"  -i, --ignore-case     ... always\n"
			"  -o, --output=FORMAT   short, short-iso, cat or json\n"
			"      --json            one JSON object a line\n"
			"  -r, --reverse         the newest first\n"
			"  -f, --follow          go on with what is added, until it is "
			"interrupted\n"
			"      --no-pager        nothing: there is none\n",
	},
	{
		.name = "doctor",
		.run = ctl_doctor,
		.group = CTL_LOOK,
		.spec = {ARGS_JSON | ARGS_FIX, 0, 0},
		.synopsis = "[--fix] [--json]",
		.help = "say what this container lacks, what the host must do, and what is wrong "
			"with units",
		.more = "It also does so where no supervisor answers. The exit status is 1 where "
			"the host must do\n"
			"something, 5 where hakim-init has not looked (it is not PID 1, or not "
			"root).\n"
			"  --fix         as root: look again, remedy what can be, and show what "
			"has "
			"changed\n"
			"  --json        all of it, as one JSON object\n",
	},
	{
		.name = "boot",
		.run = ctl_boot,
		.group = CTL_LOOK,
		.spec = {ARGS_JSON | ARGS_SVG, 0, 0},
		.synopsis = "[--svg[=FILE] | --json]",
		.help = "show the boot as a timeline, and what the last unit had to wait for",
		.more = "  --svg[=FILE]  as a picture, on standard output or in FILE\n"
			"  --json        as one JSON object\n",
	},
	{
		.name = "list-dependencies",
		.run = ctl_deps,
		.group = CTL_LOOK,
		.spec = {ARGS_REVERSE | ARGS_ALL, 0, ARGS_ANY},
		.synopsis = "[NAME...] [--reverse] [--all]",
		.help = "show what units require and want, as a tree",
		.more = "Without NAME: of all that nothing else pulls in.\n"
			"  -r, --reverse who requires and wants them\n"
			"  -a, --all     each branch in full, also where it was shown already\n",
	},
	{
		.name = "show",
		.run = ctl_show,
		.group = CTL_LOOK,
		.spec = {ARGS_JSON | ARGS_PROPERTY | ARGS_VALUE, 1, ARGS_ANY},
		.synopsis = "NAME... [-p NAME[,NAME...]] [--value | --json]",
		.help = "print properties of units as NAME=VALUE, for scripts",
		.more = "The names are systemd's, and [X-Hakim]'s own.\n"
			"  -p, --property=NAMES  only these\n"
			"  --value               without \"NAME=\"\n"
			"  --json                as one JSON object\n",
	},
	{
		.name = "top",
		.run = ctl_top,
		.group = CTL_LOOK,
		.spec = {ARGS_JSON | ARGS_ONCE | ARGS_ROUNDS | ARGS_DELAY | ARGS_SORT, 0, 0},
		.synopsis = "[-s ORDER] [-d SECONDS] [-n N] [-1] [--json]",
		.help = "show what units use, live",
		.more = "On a terminal until q is pressed; c, m, n and r change the order. Else, "
			"and "
			"with -1 or --json: one round.\n"
			"  -s, --sort=ORDER      cpu (default), memory, name or restarts\n"
			"  -d, --delay=SECONDS   between two rounds (default: 2, at least 0.1)\n"
			"  -n, --rounds=N        end after N rounds\n"
			"  -1, --once            one round, as plain text\n"
			"  --json                each round as one JSON object on a line\n",
	},
	{
		.name = "metrics",
		.run = ctl_metrics,
		.group = CTL_LOOK,
		.synopsis = "",
		.help = "print numbers about all units as OpenMetrics text",
	},
	/* ---- act ---- */
	{
		.name = "start",
		.run = ctl_job,
		.group = CTL_ACT,
		.spec = {ARGS_NO_BLOCK, 1, ARGS_ANY},
		.synopsis = "NAME... [--no-block]",
		.help = "start units, with what they require, and wait until they are ready",
		.more = "  --no-block    do not wait\n",
	},
	{
		.name = "stop",
		.run = ctl_job,
		.group = CTL_ACT,
		.spec = {ARGS_NO_BLOCK, 1, ARGS_ANY},
		.synopsis = "NAME... [--no-block]",
		.help = "stop units, with what requires them, and wait until they have stopped",
		.more = "  --no-block    do not wait\n",
	},
	{
		.name = "restart",
		.run = ctl_job,
		.group = CTL_ACT,
		.spec = {ARGS_NO_BLOCK, 1, ARGS_ANY},
		.synopsis = "NAME... [--no-block]",
		.help = "stop and start units, and wait until they are ready",
		.more = "  --no-block    do not wait\n",
	},
	{
		.name = "try-restart",
		.run = ctl_job,
		.group = CTL_ACT,
		.spec = {ARGS_NO_BLOCK, 1, ARGS_ANY},
		.synopsis = "NAME... [--no-block]",
		.help = "restart units that run, and leave the others alone",
		.more = "  --no-block    do not wait\n",
	},
	{
		.name = "reload-or-restart",
		.run = ctl_job,
		.group = CTL_ACT,
		.spec = {ARGS_NO_BLOCK, 1, ARGS_ANY},
		.synopsis = "NAME... [--no-block]",
		.help = "reload units, or restart them where they cannot be reloaded",
		.more = "  --no-block    do not wait\n",
	},
	{
		.name = "kill",
		.run = ctl_kill,
		.group = CTL_ACT,
		.spec = {ARGS_SIGNAL | ARGS_WHOM, 1, ARGS_ANY},
		.synopsis = "NAME... [-s SIGNAL] [--whom=WHOM]",
		.help = "send a signal to the processes of units",
		.more = "What follows when they end is up to Restart=.\n"
			"  -s, --signal=SIGNAL   SIGHUP, HUP, 1 ... (default: SIGTERM)\n"
			"  --whom=WHOM           main, control (a command of the unit) or all "
			"(default)\n",
	},
	{
		.name = "reset-failed",
		.run = ctl_job,
		.group = CTL_ACT,
		.spec = {0, 0, ARGS_ANY},
		.synopsis = "[NAME...]",
		.help = "forget that units have failed, and how often they were started",
		.more = "Without NAME: all that have failed.\n",
	},
	{
		.name = "wait",
		.run = ctl_wait,
		.group = CTL_ACT,
		.spec = {ARGS_ALL | ARGS_TIMEOUT, 0, ARGS_ANY},
		.synopsis = "NAME... | --all [--timeout=SECONDS]",
		.help = "wait until units are ready",
		.more = "Also while the supervisor is only just starting. The exit status is 0 "
			"when "
			"all are ready, 1 when\n"
			"one has failed, 124 when the time was over.\n"
			"  --all             all that are to run\n"
			"  --timeout=SECONDS no longer than this (default: for ever)\n",
	},
	/* ---- unit files ---- */
	{
		.name = "check",
		.run = ctl_check,
		.group = CTL_FILES,
		.spec = {ARGS_JSON, 0, ARGS_ANY},
		.synopsis = "[FILE...] [--json]",
		.help = "check unit files, without a supervisor",
		.more = "Without FILE: all of /etc/hakim/modules and " HAKIM_LIBDIR
			"/modules and all\n"
			"that they pull in, with their drop-ins (HAKIM_MODULE_DIRS and "
			"HAKIM_UNIT_DIRS name\n"
			"other directories, with colons between).\n"
			"  --json        what was found, as one JSON object\n",
	},
	{
		.name = "cat",
		.run = ctl_cat,
		.group = CTL_FILES,
		.spec = {0, 1, ARGS_ANY},
		.synopsis = "NAME...",
		.help = "print the files of units, with their drop-ins",
	},
	{
		.name = "module",
		.run = ctl_module,
		.group = CTL_FILES,
		.spec = {ARGS_DRY_RUN, 2, 2},
		.synopsis = "new NAME [-n]",
		.help = "write a commented unit file to begin with",
		.more = "It is /etc/hakim/modules/NAME.service; a file that is there is left as it "
			"is.\n"
			"  -n, --dry-run     print it instead\n",
	},
	{
		.name = "security",
		.run = ctl_security,
		.group = CTL_FILES,
		.spec = {ARGS_JSON, 0, ARGS_ANY},
		.synopsis = "[NAME...] [--json]",
		.help = "rate how exposed services are, by their unit files",
		.more = "From 0.0 (nothing) to 10.0 (everything that root may do), as "
			"systemd-analyze rates it.\nWithout NAME: a table. With NAME, or the path "
			"of a "
			"file: each check of it.\n"
			"  --json        the checks of all, as one JSON object\n",
	},
	{
		.name = "reload",
		.run = ctl_reload,
		.group = CTL_FILES,
		.spec = {ARGS_DRY_RUN | ARGS_NO_RESTART | ARGS_JSON | ARGS_NO_BLOCK, 0, ARGS_ANY},
		.synopsis = "[--dry-run] [--no-restart] [--json] | NAME... [--no-block]",
		.help = "read the unit files anew, and start, restart and stop what has changed",
		.more = "With NAME: these units read their own configuration anew (ExecReload=).\n"
			"Else what is new, changed and gone is shown before it is acted on. Units "
			"that "
			"are "
			"as they were are\nnot touched. If a known unit cannot be read any more, "
			"nothing "
			"at all is changed.\n"
			"  -n, --dry-run     only show it\n"
			"  --no-restart      read the files, but let everything run as it does\n"
			"  --json            what the supervisor said, as one JSON object\n",
	},
	{
		.name = "enable",
		.run = ctl_enable,
		.group = CTL_FILES,
		.spec = {ARGS_NOW, 1, ARGS_ANY},
		.synopsis = "NAME... [--now]",
		.help = "let units start with the container",
		.more = "  --now         start them, too\n",
	},
	{
		.name = "disable",
		.run = ctl_enable,
		.group = CTL_FILES,
		.spec = {ARGS_NOW, 1, ARGS_ANY},
		.synopsis = "NAME... [--now]",
		.help = "let units not start with the container any more",
		.more = "  --now         stop them, too\n",
	},
	{
		.name = "mask",
		.run = ctl_enable,
		.group = CTL_FILES,
		.spec = {ARGS_NOW, 1, ARGS_ANY},
		.synopsis = "NAME... [--now]",
		.help = "hide units, so that nothing can start them",
		.more = "  --now         stop them, too\n",
	},
	{
		.name = "unmask",
		.run = ctl_enable,
		.group = CTL_FILES,
		.spec = {0, 1, ARGS_ANY},
		.synopsis = "NAME...",
		.help = "take a mask back",
	},
	/* ---- the whole ---- */
	{
		.name = "reexec",
		.run = ctl_reexec,
		.group = CTL_WHOLE,
		.synopsis = "",
		.help = "replace the supervisor by a new one; services go on",
	},
	{
		.name = "shutdown",
		.run = ctl_job,
		.group = CTL_WHOLE,
		.synopsis = "",
		.help = "stop all units and then the container",
	},
	{
		.name = "help",
		.run = ctl_help,
		.group = CTL_WHOLE,
		.spec = {0, 0, 1},
		.synopsis = "[COMMAND]",
		.help = "show this, or more about a command",
	},
	{
		.name = "version",
		.run = ctl_version,
		.group = CTL_WHOLE,
		.synopsis = "",
		.help = "show the version",
	},
};
const unsigned ctl_commands_n = ARRAY_LEN(ctl_commands);

const struct ctl_command *ctl_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ctl_commands); i++)
		if (strcmp(ctl_commands[i].name, name) == 0)
			return &ctl_commands[i];
	return NULL;
}
