/*
 * module.c - `hakimctl module new NAME`: a commented unit file to begin with. It asks no
 * supervisor, so that it works in an image that is being built, and never writes over a file.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/unit_name.h"

#define DIRECTORY "/etc/hakim/modules"

/* Each @ is the name; "@@" is an @. What a person most often wants is there, the rest in a comment.
 */
static const char template[] =
	"# The service @, a module of hakim-init. The words are systemd's: systemd.service(5), "
	"systemd.exec(5);\n"
	"# `hakimctl check` says which are supported, docs/write-a-module.md is a guide of ten "
	"minutes.\n"
	"[Unit]\n"
	"Description=@\n"
	"# It runs in the home of the workspace's user, which this makes. It may wait for others "
	"in the same way.\n"
	"Wants=home.service\n"
	"After=home.service\n"
	"\n"
	"[Service]\n"
	"# Who it is. Without this line: root.\n"
	"User=coder\n"
	"WorkingDirectory=-/home/coder/project\n"
	"# A program that stays in the foreground. ${VARIABLES} are the container's.\n"
	"ExecStart=@\n"
	"# What is in its way is said in one sentence before it starts:\n"
	"#ExecStartPre=+/usr/lib/hakim/hakim-guard --port ${@@_PORT}=@@_PORT\n"
	"#NotifyAccess=exec\n"
	"# When it ends it is started again, after 1 s, later and later up to 30 s.\n"
	"Restart=always\n"
	"RestartSec=1\n"
	"RestartSteps=5\n"
	"RestartMaxDelaySec=30\n"
	"# A password reaches it only if it is named here, and in HAKIM_SECRET_ENV of the "
	"container.\n"
	"#PassEnvironment=@@_PASSWORD\n"
	"# It may be held to some memory, and to less of the system:\n"
	"#MemoryMax=1G\n"
	"#NoNewPrivileges=yes\n"
	"#ProtectSystem=full\n"
	"\n"
	"[X-Hakim]\n"
	"# It is skipped where its program is not installed, and where the container has "
	"START_@@=0.\n"
	"ConditionProgram=@\n"
	"ConditionEnabled=START_@@=yes\n"
	"UserFrom=CODER_USER\n"
	"WorkingDirectoryFrom=CODER_PROJECT_DIR\n"
	"# What a variable is where the container does not set it:\n"
	"#EnvironmentDefault=@@_PORT=8080\n"
	"# When it is ready: others wait for that, and so do `hakimctl start` and `hakimctl "
	"wait`.\n"
	"#ReadyHTTP=http://127.0.0.1:${@@_PORT}/\n"
	"# Asked now and then; three bad answers in a row restart it.\n"
	"#HealthHTTP=http://127.0.0.1:${@@_PORT}/\n"
	"# People's sessions get it while this module is on:\n"
	"#SessionEnvironment=@@_URL=http://127.0.0.1:${@@_PORT}/\n";

/* "my-tool.service" is my-tool, and MY_TOOL in the name of a variable. */
static int names_make(const char *given, char name[256], char variable[256])
{
	size_t len = strlen(given);
	static const char suffix[] = ".service";
	size_t cut =
		len > sizeof(suffix) - 1 && strcmp(given + len - (sizeof(suffix) - 1), suffix) == 0
			? len - (sizeof(suffix) - 1)
			: len;
	_cleanup_free_ char *full = NULL;

	if (asprintf(&full, "%.*s.service", (int)cut, given) < 0) {
		full = NULL;
		return -ENOMEM;
	}
	if (cut == 0 || cut >= 240 || !unit_name_valid(full) || strpbrk(full, "@\\:"))
		return -EINVAL;
	memcpy(name, given, cut);
	name[cut] = variable[cut] = '\0';
	for (size_t i = 0; i < cut; i++) {
		char c = name[i];

		variable[i] = isalnum((unsigned char)c) ? (char)toupper((unsigned char)c) : '_';
	}
	return 0;
}

static void put(FILE *out, const char *name, const char *variable)
{
	for (const char *p = template; *p; p++) {
		if (p[0] == '@' && p[1] == '@') {
			fputs(variable, out);
			p++;
		} else if (*p == '@') {
			fputs(name, out);
		} else {
			fputc(*p, out);
		}
	}
}

static int make(const char *path, const char *name, const char *variable, struct err *err)
{
	_cleanup_fclose_ FILE *out = NULL;
	/* Read-only file systems, and a file that is there, are told apart by errno. */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0 && errno == EEXIST)
		return err_set(err, -EEXIST, "%s is there already, and was left as it is", path);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out)
		return err_sys(err, -errno, "%s cannot be written", path);
	put(out, name, variable);
	if (fflush(out) != 0) {
		int r = err_sys(err, -errno, "%s cannot be written", path);

		unlink(path);
		return r;
	}
	return 0;
}

/* The first of HAKIM_MODULE_DIRS, as for the supervisor. */
static void directory_of(char *out, size_t size)
{
	const char *list = getenv("HAKIM_MODULE_DIRS");

	snprintf(out, size, "%.*s",
		 list && *list ? (int)strcspn(list, ":") : (int)strlen(DIRECTORY),
		 list && *list ? list : DIRECTORY);
}

int ctl_module(struct ctl *ctl)
{
	const struct args *args = &ctl->args;
	char name[256], variable[256], directory[3000], path[4096];
	struct err err = {0};

	if (strcmp(args->names[0], "new") != 0)
		return ctl_complain(CTL_USAGE, "module %.60s: it is `hakimctl module new NAME`",
				    args->names[0]);
	if (names_make(args->names[1], name, variable) < 0)
		return ctl_complain(
			CTL_USAGE,
			"\"%.200s\" is no name of a service: letters, digits, and - _ . are",
			args->names[1]);
	if (args->given & ARGS_DRY_RUN) {
		put(stdout, name, variable);
		return CTL_OK;
	}
	directory_of(directory, sizeof(directory));
	snprintf(path, sizeof(path), "%s/%s.service", directory, name);
	if ((mkdir("/etc/hakim", 0755) < 0 && errno != EEXIST) ||
	    (mkdir(directory, 0755) < 0 && errno != EEXIST))
		return ctl_complain(CTL_FAILED, "%s cannot be made: %s", directory,
				    strerror(errno));
	if (make(path, name, variable, &err) < 0)
		return ctl_complain(CTL_FAILED, "%s", err.text);
	printf("%s\n", path);
	fprintf(stderr,
		"Say in it what is to run, then:\n"
		"  hakimctl check %s\n"
		"  hakimctl reload\n",
		path);
	return CTL_OK;
}
