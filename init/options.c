#include "init/options.h"

#include <string.h>

#include "init/console.h"

static const char usage[] =
	"hakim-init " HAKIM_VERSION " - the init of development containers\n"
	"\n"
	"usage: hakim-init [--] [PROGRAM [ARGUMENT…]]\n"
	"       hakim-init --plain [-g] [-s] [--] PROGRAM [ARGUMENT…]\n"
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
	"  --plain     only an init: forward signals, reap, exit with the program's status\n"
	"  -g          with --plain: signals go to the program's whole process group\n"
	"  -s          with --plain: be a subreaper (is one anyway when not PID 1)\n"
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
	"CODER_AGENT_BOOTSTRAP  base64 of 'url|token', where those two are not set\n";

static int bad(const char *what, const char *option)
{
	console_text(2, "hakim-init: ");
	console_text(2, what);
	console_text(2, option ? option : "");
	console_text(2, "\nTry 'hakim-init --help'.\n");
	return 2;
}

int options_parse(int argc, char **argv, struct options *options)
{
	const char *base = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = base ? base + 1 : argc > 0 ? argv[0] : "";
	int i = 1;

	*options = (struct options){0};
	if (strcmp(name, "tini") == 0)
		options->plain = true;
	if (strcmp(name, "dumb-init") == 0)
		options->plain = options->group = options->setsid = true;
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			console_text(1, usage);
			return -1;
		}
		if (strcmp(argv[i], "--version") == 0) {
			console_text(1, "hakim-init " HAKIM_VERSION "\n");
			return -1;
		}
		if (strcmp(argv[i], "--plain") == 0)
			options->plain = true;
		else if (strcmp(argv[i], "--quirks") == 0)
			options->quirks = true;
		else if (options->quirks && strcmp(argv[i], "--fix") == 0)
			options->fix = true;
		else if (options->plain && strcmp(argv[i], "-g") == 0)
			options->group = true;
		else if (options->plain && strcmp(argv[i], "-s") == 0)
			options->subreaper = true;
		else
			return bad("unknown option ", argv[i]);
	}
	if (i < argc)
		options->command = argv + i;
	if (options->quirks && (options->plain || options->command))
		return bad("--quirks stands alone, or with --fix", NULL);
	if (options->plain && !options->command)
		return bad("--plain needs a program to run", NULL);
	return 0;
}
