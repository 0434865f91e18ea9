/*
 * hakim-openclaw-node - what modules/openclaw-node runs: `openclaw node run` with the options that
 * the variables ask for, and the question whether it still talks to its gateway.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/notify.h"
#include "modules/openclaw-node/connection.h"
#include "modules/openclaw-node/options.h"
#include "modules/openclaw-node/reach.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char help[] =
	"Usage: hakim-openclaw-node check | run DIRECTORIES | connected\n"
	"\n"
	"check      are the variables right?\n"
	"run        becomes `openclaw node run`, looked for in DIRECTORIES (with colons) before "
	"the PATH\n"
	"connected  does the process MAINPID, or one that it has started, have a connection to "
	"the\n"
	"           gateway's port? A gateway that is not there is no fault of it.\n"
	"\n"
	"Environment: OPENCLAW_BRIDGE_HOST, OPENCLAW_BRIDGE_PORT (18790), OPENCLAW_BRIDGE_TLS "
	"(no),\n"
	"OPENCLAW_BRIDGE_TLS_FINGERPRINT, OPENCLAW_DISPLAY_NAME.\n"
	"\n"
	"Exit status: 0 yes; 1 no, or it cannot be run; 2 a wrong option or variable.\n";

static int run(const struct openclaw_options *o, const char *directories, struct err *err)
{
	_cleanup_(strv_free) struct strv words = {0};
	_cleanup_free_ char *path = NULL;
	const char *old = getenv("PATH");
	int r = openclaw_options_words(o, &words);

	if (r < 0)
		return err_sys(err, r, "its command line");
	/* It finds its node there, too. */
	if (asprintf(&path, "%s:%s", directories, old && *old ? old : PATH_DEFAULT) < 0) {
		path = NULL;
		return err_sys(err, -ENOMEM, "its PATH");
	}
	if (setenv("PATH", path, 1) < 0)
		return err_sys(err, -errno, "its PATH");
	execvp(words.v[0], words.v);
	return err_sys(err, -errno, "openclaw cannot be run");
}

/* The last line is what the status shows. */
static int connected(const struct openclaw_options *o, struct err *err)
{
	const char *text = getenv("MAINPID");
	pid_t pid = text ? (pid_t)strtol(text, NULL, 10) : 0;
	struct err unreached = {0};

	if (pid <= 0)
		return err_set(err, -EINVAL, "MAINPID is not set: only the supervisor asks this");
	if (openclaw_connection_has("/proc", pid, o->port)) {
		printf("connected to %s:%u\n", o->host, o->port);
		return 0;
	}
	if (openclaw_reach(o->host, o->port, &unreached) < 0) {
		puts(unreached.text);
		return 0;
	}
	return err_set(err, -ENOTCONN, "it has no connection to %s:%u, which can be reached",
		       o->host, o->port);
}

static int finish(int r, bool tell, const struct err *err)
{
	struct notify notify;

	if (r == 0)
		return 0;
	fprintf(stderr, "hakim-openclaw-node: %s\n", err->text);
	if (tell) {
		notify_open(&notify);
		notify_status(&notify, err->text);
		notify_close(&notify);
	}
	return r == -EINVAL ? 2 : 1;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "--help";
	struct openclaw_options options;
	struct err err = {0};
	int r;

	if (strcmp(verb, "--help") == 0)
		return fputs(help, stdout) < 0;
	if (strcmp(verb, "--version") == 0)
		return puts("hakim-openclaw-node " HAKIM_VERSION) < 0;
	if (argc != (strcmp(verb, "run") == 0 ? 3 : 2)) {
		fputs(help, stderr);
		return 2;
	}
	r = openclaw_options_read(&options, getenv, &err);
	if (r < 0 || strcmp(verb, "check") == 0)
		return finish(r, true, &err);
	if (strcmp(verb, "run") == 0)
		return finish(run(&options, argv[2], &err), false, &err);
	if (strcmp(verb, "connected") == 0)
		return finish(connected(&options, &err), false, &err);
	fputs(help, stderr);
	return 2;
}
