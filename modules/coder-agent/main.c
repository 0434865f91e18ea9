/*
 * hakim-agent-fetch - has the Coder agent that the server offers in DIR/current/coder, checked, or
 * what comes closest to it.
 *
 * Runs as the agent's user, as the ExecStartPre= of modules/coder-agent; and, with --probe-token,
 * as its StatusExec=. It gives up all privileges, then forks the process that runs --version, then
 * takes the system call filter, then reads the secrets, and only then speaks to the network.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "modules/coder-agent/confine.h"
#include "modules/coder-agent/fetch.h"
#include "modules/coder-agent/headers.h"
#include "modules/coder-agent/run.h"
#include "modules/coder-agent/secret.h"
#include "modules/coder-agent/token.h"
#include "modules/coder-agent/url.h"

#define EXIT_USAGE         2
#define HEADER_COMMAND_MS  10000
#define HEADER_COMMAND_MAX 65536
#define TOKEN_MAX          4096

static const char help[] =
	"Usage: hakim-agent-fetch [--dir DIR] [--baked PATH] [--arch ARCH] [--once]\n"
	"       hakim-agent-fetch --probe-token\n"
	"\n"
	"Has the agent that the Coder server offers in DIR/current/coder, checked; tries for ever. "
	"If the\n"
	"server does not answer, or does not give an agent, for 3 s: the last one, else the "
	"image's.\n"
	"\n"
	"  --dir DIR      the cache; default: $CACHE_DIRECTORY, else /var/cache/hakim/coder\n"
	"  --baked PATH   the image's own agent, called coder; default: /usr/local/bin/coder\n"
	"  --arch ARCH    amd64, arm64 or armv7; default: this machine's\n"
	"  --once         one try only\n"
	"  --probe-token  print one line about what the server says to the agent's token\n"
	"  --help, --version\n"
	"\n"
	"Environment: CODER_AGENT_URL; CODER_AGENT_HEADER, CODER_AGENT_HEADER_COMMAND; "
	"HTTP_PROXY,\n"
	"HTTPS_PROXY, NO_PROXY; SSL_CERT_FILE, SSL_CERT_DIR; CODER_AGENT_TOKEN or "
	"CODER_AGENT_TOKEN_FILE\n"
	"(--probe-token); HAKIM_SECRET_FD: a pipe with NAME=VALUE NUL ..., whose values come "
	"first.\n"
	"\n"
	"Exit status: 0 there is an agent to run (--probe-token: the server was asked); 1 there is "
	"none\n"
	"(--probe-token: it could not be asked); 2 a wrong option or CODER_AGENT_URL.\n";

struct options {
	const char *dir, *baked;
	const struct machine *machine;
	bool once, probe_token;
};

#if defined(__SANITIZE_ADDRESS__)
/* The leak checker needs ptrace and clone at the exit, which the filter is there to deny. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static int fail(int status, const char *text)
{
	dprintf(STDERR_FILENO, "hakim-agent-fetch: %s\n", text);
	return status;
}

static int parse_machine(const char *name, struct options *o)
{
	struct utsname uts;

	if (!name)
		name = uname(&uts) == 0 ? uts.machine : "";
	o->machine = machine_find(name);
	return o->machine
		       ? 0
		       : fail(EXIT_USAGE,
			      "Coder has no agent for this machine: --arch amd64, arm64 or armv7");
}

static int parse_baked(const struct options *o)
{
	const char *slash = strrchr(o->baked, '/');

	/* `current` names a directory, and in it a program called coder is run. */
	if (o->baked[0] == '/' && slash && strcmp(slash, "/coder") == 0)
		return 0;
	return fail(EXIT_USAGE, "--baked needs an absolute path that ends in /coder");
}

/* Returns -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"arch", required_argument, NULL, 'a'}, {"baked", required_argument, NULL, 'b'},
		{"dir", required_argument, NULL, 'd'},  {"help", no_argument, NULL, 'h'},
		{"once", no_argument, NULL, 'o'},       {"probe-token", no_argument, NULL, 'p'},
		{"version", no_argument, NULL, 'v'},    {0},
	};
	const char *cache = getenv("CACHE_DIRECTORY"), *arch = NULL;
	int c;

	o->dir = cache && *cache ? cache : "/var/cache/hakim/coder";
	o->baked = "/usr/local/bin/coder";
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'a':
			arch = optarg;
			break;
		case 'b':
			o->baked = optarg;
			break;
		case 'd':
			o->dir = optarg;
			break;
		case 'o':
			o->once = true;
			break;
		case 'p':
			o->probe_token = true;
			break;
		case 'h':
			return fputs(help, stdout) < 0;
		case 'v':
			return puts("hakim-agent-fetch " HAKIM_VERSION) < 0;
		default:
			return fail(EXIT_USAGE, "see --help");
		}
	}
	if (optind < argc)
		return fail(EXIT_USAGE, "it takes no arguments, see --help");
	/* systemd separates several directories by colons; ours is the first. */
	if (strchr(o->dir, ':') && o->dir == cache)
		return fail(EXIT_USAGE, "CACHE_DIRECTORY names several directories: use --dir");
	if (parse_machine(arch, o) || parse_baked(o))
		return EXIT_USAGE;
	return -1;
}

/* As Coder does: by sh, with CODER_URL set. Before anything is given up: it may need sudo, or
 * another program's rights. */
static int ask_header_command(const char *url, struct strv *headers, struct err *err)
{
	const char *command = getenv("CODER_AGENT_HEADER_COMMAND");
	char *argv[] = {"sh", "-c", (char *)command, NULL};
	struct run run = {.path = "/bin/sh",
			  .argv = argv,
			  .envp = environ,
			  .abort_fd = -1,
			  .deadline_ms = HEADER_COMMAND_MS};
	_cleanup_free_ char *output = NULL;
	int r;

	if (!command || !*command)
		return 0;
	output = calloc(1, HEADER_COMMAND_MAX);
	if (!output || setenv("CODER_URL", url, 1) < 0)
		return err_sys(err, -ENOMEM, "CODER_AGENT_HEADER_COMMAND");
	run.envp = environ;
	r = run_bounded(&run, output, HEADER_COMMAND_MAX, err);
	if (r < 0) {
		err_prefix(err, "CODER_AGENT_HEADER_COMMAND");
		return r;
	}
	r = headers_add_lines(headers, output, err);
	explicit_bzero(output, HEADER_COMMAND_MAX);
	return r;
}

/* What this container does not allow is said, and left out. */
static void confine(struct progress *progress, int (*step)(struct err *))
{
	struct err err = {0};

	if (step(&err) < 0)
		progress_say(progress, "going on without a part of the protection: %s", err.text);
}

static int read_secrets(struct secrets *secrets, struct strv *headers, struct err *err)
{
	const char *extra;
	int r = secrets_read(secrets, err);

	extra = r == 0 ? secrets_get(secrets, "CODER_AGENT_HEADER") : NULL;
	return extra ? headers_add_csv(headers, extra, err) : r;
}

static int do_fetch(const struct options *o, struct fetch *f, struct err *err)
{
	_cleanup_(secrets_free) struct secrets secrets = {0};
	int r;

	f->machine = o->machine;
	f->baked = o->baked;
	f->once = o->once;
	confine(&f->progress, confine_privileges);
	r = runner_start(&f->runner, err);
	if (r < 0)
		return r;
	confine(&f->progress, confine_syscalls);
	r = read_secrets(&secrets, &f->http.headers, err);
	if (r == 0)
		r = http_init(err);
	if (r == 0)
		r = store_open(&f->store, o->dir, err);
	if (r == 0)
		r = fetch_run(f, err);
	store_close(&f->store);
	runner_stop(&f->runner);
	return r;
}

/* CODER_AGENT_TOKEN_FILE, trimmed; empty when there is none. */
static void read_token_file(char token[TOKEN_MAX])
{
	const char *path = getenv("CODER_AGENT_TOKEN_FILE");
	_cleanup_close_ int fd = path && *path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	ssize_t n = fd < 0 ? 0 : read(fd, token, TOKEN_MAX - 1);
	size_t blank;

	token[n > 0 ? n : 0] = '\0';
	while (n > 0 && isspace((unsigned char)token[n - 1]))
		token[--n] = '\0';
	blank = strspn(token, " \t\r\n");
	memmove(token, token + blank, strlen(token + blank) + 1);
}

static int do_probe(struct http *http, struct progress *progress)
{
	_cleanup_(secrets_free) struct secrets secrets = {0};
	char from_file[TOKEN_MAX], line[ERR_TEXT_MAX];
	struct err err = {0};
	const char *token;
	int r;

	confine(progress, confine_privileges);
	confine(progress, confine_syscalls);
	r = read_secrets(&secrets, &http->headers, &err);
	if (r == 0)
		r = http_init(&err);
	if (r < 0) {
		printf("%s\n", err.text);
		return r;
	}
	read_token_file(from_file);
	token = secrets_get(&secrets, "CODER_AGENT_TOKEN");
	if (!token)
		token = from_file;
	if (*token) {
		r = token_probe(http, token, line, sizeof(line));
	} else {
		snprintf(line, sizeof(line), "there is no token: CODER_AGENT_TOKEN is not set");
		r = -ENOENT;
	}
	explicit_bzero(from_file, sizeof(from_file));
	printf("%s\n", line);
	return r;
}

int main(int argc, char **argv)
{
	struct fetch f = {.store = {.fd = -EBADF, .lock_fd = -EBADF},
			  .runner = {.fd = -1, .pid = -1}};
	const char *base = getenv("CODER_AGENT_URL");
	_cleanup_free_ char *url = NULL;
	_cleanup_free_ char *shown = NULL;
	struct options o = {0};
	struct err err = {0};
	char path[64];
	int r = parse_options(argc, argv, &o);

	if (r >= 0)
		return r;
	if (!base || !*base)
		return fail(EXIT_USAGE, "CODER_AGENT_URL is not set");
	snprintf(path, sizeof(path), "bin/coder-linux-%s", o.machine->coder);
	if (url_build(base, o.probe_token ? TOKEN_PATH : path, &url, &err) < 0)
		return fail(EXIT_USAGE, err.text);
	shown = url_shown(url);
	f.http.url = url;
	f.shown = shown ? shown : "the server";
	if (!o.probe_token)
		progress_open(&f.progress);
	else
		f.progress.notify.fd = -1;
	r = ask_header_command(base, &f.http.headers, &err);
	if (r < 0 && o.probe_token)
		puts(err.text);
	else if (r == 0)
		r = o.probe_token ? do_probe(&f.http, &f.progress) : do_fetch(&o, &f, &err);
	if (r < 0 && !o.probe_token)
		progress_say(&f.progress, "%s", err.text);
	progress_close(&f.progress);
	for (size_t i = 0; i < f.http.headers.n; i++)
		explicit_bzero(f.http.headers.v[i], strlen(f.http.headers.v[i]));
	strv_free(&f.http.headers);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
