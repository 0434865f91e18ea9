#include "init/options_drop_in.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "init/console.h"
#include "init/format.h"
#include "init/options.h"

/* The versions whose behaviour this is: scripts ask for them, and Docker shows tini's. */
#define TINI_VERSION      "tini version 0.19.0\n"
#define DUMB_INIT_VERSION "dumb-init v1.2.5\n"
#define DUMB_INIT_SIGNALS 31 /* -r knows no real-time signals */

const char options_licence[] =
	"hakim-init " HAKIM_VERSION ", MIT License: use it as you like, keep the notice, there is "
	"no warranty.\n"
	"Copyright (c) 2026 The hakim-init authors\n";

const char options_tini_help[] =
	"  -s          be a subreaper: orphans come to us, also when we are not PID 1\n"
	"  -g          signals go to the program's whole process group\n"
	"  -p SIGNAL   what we get when our parent dies, such as SIGKILL\n"
	"  -e CODE     an exit code of the program that becomes 0 (more than once)\n"
	"  -w          say each orphan that was reaped\n"
	"  -v          say more, up to -vvv\n"
	"  -l          the licence\n"
	"              TINI_SUBREAPER, TINI_KILL_PROCESS_GROUP: as -s, -g; TINI_VERBOSITY: 0 to "
	"4, else 1\n";

static const char dumb_init_help[] =
	"  -c, --single-child  no session of its own; signals go to the program alone\n"
	"  -r, --rewrite S:R   signal S goes on as R, with 0 not at all (more than once)\n"
	"  -v, --verbose       say what is done\n"
	"  -V, --version       the version\n"
	"  -h, --help          this text\n"
	"                      DUMB_INIT_SETSID=0: as -c; DUMB_INIT_DEBUG=1: as -v\n";

static const struct option_word tini_words[] = {
	{'h', false, NULL}, {'s', false, NULL}, {'g', false, NULL},
	{'v', false, NULL}, {'w', false, NULL}, {'l', false, NULL},
	{'p', true, NULL},  {'e', true, NULL},  {0},
};

static const struct option_word dumb_init_words[] = {
	{'h', false, "help"},    {'c', false, "single-child"}, {'r', true, "rewrite"},
	{'v', false, "verbose"}, {'V', false, "version"},      {0},
};

int options_signal(const char *name)
{
	/* In the order of their numbers. */
	static const char names[] =
		"HUP  INT  QUIT ILL  TRAP ABRT BUS  FPE  KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT "
		"CHLD CONT STOP TSTP TTIN TTOU URG  XCPU XFSZ VTALRM PROF WINCH IO   PWR  SYS  ";
	size_t len;
	int sig = 1;

	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	len = strlen(name);
	for (const char *at = names; *at; sig++) {
		size_t n = strcspn(at, " ");

		if (n == len && strncmp(at, name, n) == 0)
			return sig;
		at += n + strspn(at + n, " ");
	}
	return 0;
}

const char *options_tini_take(struct plain_options *how, int letter, const char *value)
{
	char *end;
	long code;

	switch (letter) {
	case 's':
		how->subreaper = true;
		return NULL;
	case 'g':
		how->group = true;
		return NULL;
	case 'w':
		how->warn_reaped = true;
		return NULL;
	case 'v':
		how->verbosity++;
		return NULL;
	case 'p':
		how->death_signal = options_signal(value);
		return how->death_signal ? NULL : "Not a valid option for -p: ";
	default:
		code = strtol(value, &end, 10);
		if (end == value || *end || code < 0 || code > 255)
			return "Not a valid option for -e: ";
		how->zero[code / 32] |= 1u << (code % 32);
		return NULL;
	}
}

void options_tini_variables(struct plain_options *how)
{
	const char *verbosity = getenv("TINI_VERBOSITY");

	how->subreaper |= getenv("TINI_SUBREAPER") != NULL;
	how->group |= getenv("TINI_KILL_PROCESS_GROUP") != NULL;
	if (verbosity)
		how->verbosity = (int)strtol(verbosity, NULL, 10);
}

/* NAME: PROBLEM, as getopt(3) writes it. */
static void complain(const struct option_walk *walk)
{
	console_text(2, walk->argv[0]);
	console_text(2, ": ");
	console_text(2, walk->problem);
	console_text(2, "\n");
}

static void tini_usage(int fd)
{
	console_text(fd, TINI_VERSION "(hakim-init " HAKIM_VERSION " in its place)\n\n"
				      "usage: tini [OPTION…] [--] PROGRAM [ARGUMENT…]\n\n");
	console_text(fd, options_tini_help);
}

int options_tini(int argc, char **argv, struct options *options)
{
	struct option_walk walk = {.argc = argc, .argv = argv, .at = 1};
	const char *problem;
	int letter;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		console_text(1, TINI_VERSION);
		return -1;
	}
	while ((letter = option_next(&walk, tini_words)) != 0) {
		switch (letter) {
		case 'h':
			tini_usage(1);
			return -1;
		case 'l':
			console_text(1, options_licence);
			return -1;
		case '?':
			complain(&walk);
			tini_usage(2);
			return 1;
		default:
			problem = options_tini_take(&options->how, letter, walk.value);
			if (!problem)
				break;
			console_text(2, "tini: ");
			console_text(2, problem);
			console_text(2, walk.value);
			console_text(2, "\n");
			return 1;
		}
	}
	if (walk.at >= argc) {
		tini_usage(2);
		return 1;
	}
	options->command = argv + walk.at;
	/*
	 * "tini PROGRAM -- ARGUMENTS" is what tini's own help shows, and works because glibc's
	 * getopt(3) sorts the words. We do not sort, as musl's does not; this one line works.
	 */
	if (walk.at + 1 < argc && strcmp(argv[walk.at - 1], "--") != 0 &&
	    strcmp(argv[walk.at + 1], "--") == 0 && !getenv("POSIXLY_CORRECT")) {
		argv[walk.at + 1] = argv[walk.at];
		options->command++;
	}
	options_tini_variables(&options->how);
	return 0;
}

/* S:R */
static bool take_rewrite(struct plain_options *how, const char *text)
{
	char *end;
	long from = strtol(text, &end, 10), to;

	if (end == text || *end != ':' || from < 1 || from > DUMB_INIT_SIGNALS)
		return false;
	text = end + 1;
	to = strtol(text, &end, 10);
	if (end == text || *end || to < 0 || to > DUMB_INIT_SIGNALS)
		return false;
	how->rewrite[from] = (int8_t)(to ? to : -1);
	return true;
}

static bool variable_is(const char *name, const char *value)
{
	const char *found = getenv(name);

	return found && strcmp(found, value) == 0;
}

/* In a session of its own nobody could continue what a terminal's stop has stopped, and a process
 * group without a shell ignores SIGTSTP: so it is SIGSTOP, unless -r says otherwise. */
static void rewrite_stops(struct plain_options *how)
{
	static const int8_t stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};

	for (unsigned i = 0; i < sizeof(stops); i++)
		if (!how->rewrite[stops[i]])
			how->rewrite[stops[i]] = SIGSTOP;
}

int options_dumb_init(int argc, char **argv, struct options *options)
{
	struct option_walk walk = {.argc = argc, .argv = argv, .abbreviate = true, .at = 1};
	struct plain_options *how = &options->how;
	int letter;

	how->group = how->session = true;
	how->verbosity = 0;
	while ((letter = option_next(&walk, dumb_init_words)) != 0) {
		switch (letter) {
		case 'h':
			console_text(2, DUMB_INIT_VERSION "(hakim-init " HAKIM_VERSION
							  " in its place)\n\nusage: dumb-init "
							  "[OPTION…] [--] PROGRAM [ARGUMENT…]\n\n");
			console_text(2, dumb_init_help);
			return -1;
		case 'V':
			console_text(2, DUMB_INIT_VERSION);
			return -1;
		case 'v':
			how->verbosity = 1;
			break;
		case 'c':
			how->group = how->session = false;
			break;
		case 'r':
			if (take_rewrite(how, walk.value))
				break;
			console_text(2, "Usage: -r option takes <signum>:<signum>, where <signum> "
					"is between 1 and 31.\n"
					"This option can be specified multiple times.\n"
					"Use --help for full usage.\n");
			return 1;
		default:
			complain(&walk);
			return 1;
		}
	}
	if (walk.at >= argc) {
		console_text(2, "Usage: ");
		console_text(2, argc ? argv[0] : "dumb-init");
		console_text(2, " [option] program [args]\nTry ");
		console_text(2, argc ? argv[0] : "dumb-init");
		console_text(2, " --help for full usage.\n");
		return 1;
	}
	options->command = argv + walk.at;
	if (variable_is("DUMB_INIT_DEBUG", "1"))
		how->verbosity = 1;
	if (variable_is("DUMB_INIT_SETSID", "0"))
		how->group = how->session = false;
	if (how->session)
		rewrite_stops(how);
	return 0;
}
