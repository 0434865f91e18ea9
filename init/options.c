#include "init/options.h"

#include <string.h>
#include <unistd.h>

static const char usage[] =
	"hakim-init " HAKIM_VERSION " - the init of development containers\n"
	"\n"
	"usage: hakim-init [--] [PROGRAM [ARGUMENT…]]\n"
	"       hakim-init --plain [-g] [-s] [--] PROGRAM [ARGUMENT…]\n"
	"\n"
	"With CODER_AGENT_URL and CODER_AGENT_TOKEN in its environment it is a Coder workspace: it "
	"starts\n"
	"the supervisor with all modules, the agent among them, and PROGRAM is ignored. Without "
	"them it\n"
	"runs PROGRAM in the foreground beside the modules and ends with its status; without a "
	"PROGRAM,\n"
	"the coder user's login shell if there is a terminal.\n"
	"\n"
	"  --plain     only an init: forward signals, reap, exit with the program's status\n"
	"  -g          with --plain: signals go to the program's whole process group\n"
	"  -s          with --plain: be a subreaper (is one anyway when not PID 1)\n"
	"  --help      this text\n"
	"  --version   the version\n"
	"\n"
	"HAKIM_STOP_TIMEOUT   how long a stop may take (50s in LXC, 8s elsewhere)\n"
	"HAKIM_SECRET_ENV     names of variables that only units listing them in PassEnvironment= "
	"get\n"
	"CODER_AGENT_BOOTSTRAP  base64 of 'url|token', where those two are not set\n";

static void say(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static int bad(const char *what, const char *option)
{
	say(2, "hakim-init: ");
	say(2, what);
	say(2, option ? option : "");
	say(2, "\nTry 'hakim-init --help'.\n");
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
			say(1, usage);
			return -1;
		}
		if (strcmp(argv[i], "--version") == 0) {
			say(1, "hakim-init " HAKIM_VERSION "\n");
			return -1;
		}
		if (strcmp(argv[i], "--plain") == 0)
			options->plain = true;
		else if (options->plain && strcmp(argv[i], "-g") == 0)
			options->group = true;
		else if (options->plain && strcmp(argv[i], "-s") == 0)
			options->subreaper = true;
		else
			return bad("unknown option ", argv[i]);
	}
	if (i < argc)
		options->command = argv + i;
	if (options->plain && !options->command)
		return bad("--plain needs a program to run", NULL);
	return 0;
}
