#include "init/options.h"

#include <string.h>

#include "init/console.h"
#include "init/option_walk.h"
#include "init/options_drop_in.h"

static const char usage[] =
	"hakim-init " HAKIM_VERSION " - the init of development containers\n"
	"\n"
	"usage: hakim-init [--] [PROGRAM [ARGUMENT…]]\n"
	"       hakim-init --plain [-gsvw] [-p SIGNAL] [-e CODE]… [--] PROGRAM [ARGUMENT…]\n"
	"       hakim-init --quirks [--fix]\n"
	"\n"
	"With CODER_AGENT_URL and CODER_AGENT_TOKEN in its environment it is a Coder workspace: it "
	"starts\n"
	"the supervisor with all modules, the agent among them, and PROGRAM is ignored. Without "
	"them it\n"
	"runs PROGRAM in the foreground beside the modules and ends with its status; without a "
	"PROGRAM,\n"
	"the coder user's login shell if there is a terminal.\n"
	"\n"
	"Where another hakim-init is at work in the container already, PROGRAM is run as it is.\n"
	"\n"
	"  --plain     only an init: forward signals, reap, exit with the program's status\n";

static const char usage_end[] =
	"  --quirks    ask in a running container what it lacks, and print it as JSON (hakimctl "
	"doctor)\n"
	"  --fix       with --quirks: and remedy what can be\n"
	"  --help      this text\n"
	"  --version   the version\n"
	"\n"
	"HAKIM_STOP_TIMEOUT   how long a stop may take (50s in LXC, 8s elsewhere)\n"
	"HAKIM_SECRET_ENV     names of variables that only units listing them in PassEnvironment= "
	"get\n"
	"HAKIM_QUIRKS         -NAME,-NAME: what is not to be asked at boot\n"
	"CODER_AGENT_BOOTSTRAP  base64 of 'url|token', where those two are not set\n"
	"\n"
	"Called tini, docker-init or dumb-init it takes the place of that program.\n";

enum {
	PLAIN = 1,
	QUIRKS,
	FIX,
	VERSION
};

static const struct option_word words[] = {
	{PLAIN, false, "plain"},
	{QUIRKS, false, "quirks"},
	{FIX, false, "fix"},
	{VERSION, false, "version"},
	{'h', false, "help"},
	{'g', false, NULL},
	{'s', false, NULL},
	{'v', false, NULL},
	{'w', false, NULL},
	{'p', true, NULL},
	{'e', true, NULL},
	{'l', false, NULL},
	{0},
};

static int bad(const char *what, const char *about)
{
	console_text(2, "hakim-init: ");
	console_text(2, what);
	console_text(2, about);
	console_text(2, "\nTry 'hakim-init --help'.\n");
	return 2;
}

enum like options_like(const char *argv0)
{
	static const struct {
		const char *name;
		enum like like;
	} names[] = {
		{"tini", LIKE_TINI},
		{"tini-static", LIKE_TINI},
		{"docker-init", LIKE_TINI},
		{"dumb-init", LIKE_DUMB_INIT},
	};
	const char *base = strrchr(argv0, '/');

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(base ? base + 1 : argv0, names[i].name) == 0)
			return names[i].like;
	return LIKE_HAKIM;
}

/* 0, or what options_parse() is to return. */
static int take(struct options *options, int letter, const struct option_walk *walk)
{
	const char *problem;

	switch (letter) {
	case 'h':
		console_text(1, usage);
		console_text(1, options_tini_help);
		console_text(1, usage_end);
		return -1;
	case VERSION:
		console_text(1, "hakim-init " HAKIM_VERSION "\n");
		return -1;
	case PLAIN:
		options->plain = true;
		return 0;
	case QUIRKS:
		options->quirks = true;
		return 0;
	case FIX:
		options->fix = true;
		return 0;
	case '?':
		return bad(walk->problem, "");
	case 'l':
		console_text(1, options_licence);
		return -1;
	default:
		if (!options->plain)
			return bad("first --plain, then the options of a plain init", "");
		problem = options_tini_take(&options->how, letter, walk->value);
		return problem ? bad(problem, walk->value) : 0;
	}
}

static int parse_own(int argc, char **argv, struct options *options)
{
	struct option_walk walk = {.argc = argc, .argv = argv, .at = 1};
	int letter, r;

	while ((letter = option_next(&walk, words)) != 0) {
		r = take(options, letter, &walk);
		if (r)
			return r;
	}
	if (walk.at < argc)
		options->command = argv + walk.at;
	if (options->quirks ? options->plain || options->command : options->fix)
		return bad("--quirks stands alone, or with --fix", "");
	if (options->plain && !options->command)
		return bad("--plain needs a program to run", "");
	options_tini_variables(&options->how);
	return 0;
}

int options_parse(int argc, char **argv, struct options *options)
{
	*options = (struct options){.how.like = argc > 0 ? options_like(argv[0]) : LIKE_HAKIM,
				    .how.verbosity = 1};
	options->plain = options->how.like != LIKE_HAKIM;
	switch (options->how.like) {
	case LIKE_TINI:
		return options_tini(argc, argv, options);
	case LIKE_DUMB_INIT:
		return options_dumb_init(argc, argv, options);
	default:
		return parse_own(argc, argv, options);
	}
}
