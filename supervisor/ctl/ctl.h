/*
 * ctl.h - hakimctl: what a person says to the supervisor, and what they see of it. The subcommands,
 * and what they share.
 *
 * A subcommand asks (client.h), and shows what came back (view.h, table.h, show.h). It trusts no
 * answer: a field that is missing or odd is shown as "-", and no byte of it reaches a terminal as a
 * control character. It prints its result on stdout, and each error as one sentence on stderr.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include "supervisor/ctl/args.h"
#include "supervisor/ctl/show.h"

/* Exit statuses; docs/hakimctl.1 explains them to people. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,        /* refused, or it was tried and failed */
	CTL_USAGE = 2,         /* the command line is wrong */
	CTL_INACTIVE = 3,      /* `status NAME` of a unit that is not active, as in systemctl */
	CTL_NO_UNIT = 4,       /* there is no unit of that name, as in systemctl */
	CTL_NO_SUPERVISOR = 5, /* nobody answers */
	CTL_TIMED_OUT = 124,   /* `wait`: not in time, as timeout(1) says it */
};

/* The one context of the program. */
struct ctl {
	struct look look; /* of stdout */
	struct args args; /* what main() has read from the command line */
	const struct ctl_command *command;
};

/* Under which heading `hakimctl help` shows a command. */
enum ctl_group {
	CTL_LOOK = 0, /* what there is and what it does */
	CTL_ACT,      /* units start, stop … */
	CTL_FILES,    /* unit files */
	CTL_WHOLE,    /* the supervisor, and hakimctl itself */
	CTL_GROUPS,
};

struct ctl_command {
	const char *name;
	int (*run)(struct ctl *ctl); /* returns an exit status */
	enum ctl_group group;
	struct args_spec spec;
	const char *synopsis; /* what follows the name */
	const char *help;     /* one line */
	const char *more;     /* for `hakimctl help NAME`; may be NULL */
};

extern const struct ctl_command ctl_commands[];
extern const unsigned ctl_commands_n;

const struct ctl_command *ctl_find(const char *name); /* NULL: there is none */
int ctl_main(int argc, char **argv);

/* The sentence on stderr behind `who`, without control characters. */
void ctl_complain_as(const char *who, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0), cold));
/* "hakimctl: SENTENCE" on stderr, without control characters. Returns `status`. */
int ctl_complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/* The sentence of a question that failed, and its exit status; with the unit that was meant where a
 * name is nearly one. */
int ctl_fail(int error, const struct err *err);

/* help.c */
void help_put(FILE *out, const struct ctl_command *command);
void help_put_all(FILE *out);
int help_no_command(const char *word);

/* The subcommands. */
int ctl_status(struct ctl *ctl);
/* start, stop, restart, try-restart, reload-or-restart, reset-failed, shutdown: asked in their own
 * words */
int ctl_job(struct ctl *ctl);
int ctl_kill(struct ctl *ctl);
int ctl_reload_units(struct ctl *ctl); /* what ctl_reload() does with names */
int ctl_reload(struct ctl *ctl);       /* of the unit files, or of the units that are named */
int ctl_enable(struct ctl *ctl);       /* enable, disable, mask, unmask */
int ctl_reexec(struct ctl *ctl);
int ctl_wait(struct ctl *ctl);
int ctl_boot(struct ctl *ctl);
int ctl_cat(struct ctl *ctl);
int ctl_doctor(struct ctl *ctl);
int ctl_module(struct ctl *ctl);
int ctl_deps(struct ctl *ctl);
int ctl_metrics(struct ctl *ctl);
int ctl_top(struct ctl *ctl);
int ctl_show(struct ctl *ctl);
int ctl_logs(struct ctl *ctl);
int ctl_check(struct ctl *ctl);
int ctl_security(struct ctl *ctl);
int ctl_help(struct ctl *ctl);
int ctl_version(struct ctl *ctl);
