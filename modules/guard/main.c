/*
 * hakim-guard - what stands in the way of a service is found before it starts, as an ExecStartPre=:
 * sockets and pid files of a dead life are removed, and who has the port is named. It also makes
 * the directory for sockets that a service of a user cannot make itself.
 *
 * What belongs to somebody who lives is never removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/notify.h"
#include "modules/guard/holder.h"

static const char help[] =
	"Usage: hakim-guard [OPTION]...\n"
	"\n"
	"Before a service starts: removes what a dead life has left, and says who is in the way.\n"
	"\n"
	"  --socket PATH             a Unix socket on which nobody listens is removed\n"
	"  --pid-file PATH=PROGRAM   a pid file whose process is not PROGRAM any more is removed\n"
	"  --left-socket PATH, --left-pid-file PATH=PROGRAM\n"
	"                            the same, but what is in use is left alone and in nobody's "
	"way\n"
	"  --port NUMBER=VARIABLE    a TCP port that VARIABLE sets must be free\n"
	"  --choice WORD=VARIABLE=A,B,C  VARIABLE's value WORD must be one of these\n"
	"  --sticky-directory PATH   a directory for everybody's files, mode 1777, is made; no "
	"link\n"
	"                            is followed\n"
	"  --match WORD=VARIABLE=EXAMPLE=REGEX  VARIABLE's value WORD must match, as EXAMPLE does\n"
	"  --status TEXT             only sets the status of the service; for shell scripts\n"
	"  --help, --version\n"
	"\n"
	"Each may be given several times. Exit status: 0 nothing is in the way; 1 something is, "
	"and\n"
	"what to do is said; 2 a wrong option.\n";

/* `may_live`: whoever listens is no obstacle. */
static int guard_socket(const char *path, bool may_live, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -EBADF;
	struct ucred who = {0};
	socklen_t len = sizeof(who);
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_sys(err, -errno, "%s cannot be looked at", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EEXIST, "%s is in the way and is no socket: remove it", path);
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "%s is too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, -errno, "no socket can be made");
	/* EAGAIN: its queue is full, so somebody has it. */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN) {
		if (may_live)
			return 0;
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
		return err_set(err, -EADDRINUSE,
			       "something else listens on %s already (pid %d): stop it", path,
			       who.pid);
	}
	if (errno != ECONNREFUSED && errno != EPROTOTYPE)
		return err_sys(err, -errno, "%s cannot be asked", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(err, -errno, "%s, left by an earlier life, cannot be removed", path);
	dprintf(STDERR_FILENO, "hakim-guard: removed %s, on which nobody listens\n", path);
	return 0;
}

/* Is the process there, and is it this program? */
static bool runs(long pid, const char *program)
{
	char path[40], name[32] = "";
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, sizeof(name), f))
		return false;
	name[strcspn(name, "\n")] = '\0';
	/* The kernel keeps 15 letters of a name. */
	return strncmp(name, program, 15) == 0;
}

static int guard_pid_file(char *option, bool may_live, struct err *err)
{
	char *program = strrchr(option, '=');
	char text[32] = "";
	_cleanup_close_ int fd = -EBADF;
	long pid;

	if (!program || !program[1])
		return err_set(err, -EINVAL, "--pid-file %s: it is PATH=PROGRAM", option);
	*program++ = '\0';
	fd = open(option, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_sys(err, -errno, "%s cannot be read", option);
	if (read(fd, text, sizeof(text) - 1) < 0)
		return err_sys(err, -errno, "%s cannot be read", option);
	pid = strtol(text, NULL, 10);
	if (pid > 0 && runs(pid, program))
		return may_live ? 0
				: err_set(err, -EEXIST,
					  "%s runs already (pid %ld), says %s: stop it", program,
					  pid, option);
	if (unlink(option) < 0 && errno != ENOENT)
		return err_sys(err, -errno, "%s, left by an earlier life, cannot be removed",
			       option);
	dprintf(STDERR_FILENO, "hakim-guard: removed %s, whose process is gone\n", option);
	return 0;
}

static int guard_port(char *option, struct err *err)
{
	char *variable = strchr(option, '=');
	struct holder holder;
	unsigned long port;
	char *end;

	if (!variable || !variable[1])
		return err_set(err, -EINVAL, "--port %s: it is NUMBER=VARIABLE", option);
	*variable++ = '\0';
	port = strtoul(option, &end, 10);
	if (*option < '0' || *option > '9' || *end || port == 0 || port > UINT16_MAX)
		return err_set(err, -ERANGE,
			       "%s=%.40s is no port: set it to a number from 1 to 65535", variable,
			       option);
	if (!holder_find("/proc", (uint16_t)port, &holder))
		return 0;
	if (!holder.pid)
		return err_set(err, -EADDRINUSE,
			       "port %lu is in use by another user's process: set %s to another "
			       "port",
			       port, variable);
	return err_set(err, -EADDRINUSE,
		       "port %lu is in use by %s (pid %d): stop it, or set %s to another "
		       "port",
		       port, holder.name, holder.pid, variable);
}

static int guard_choice(char *option, struct err *err)
{
	char *variable = strchr(option, '=');
	char *list = variable ? strchr(variable + 1, '=') : NULL;
	size_t len;

	if (!list)
		return err_set(err, -EINVAL, "--choice %s: it is WORD=VARIABLE=A,B,C", option);
	*variable++ = '\0';
	*list++ = '\0';
	len = strlen(option);
	for (const char *at = list; len && *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == len && strncmp(at, option, len) == 0)
			return 0;
	return err_set(err, -ERANGE, "%s=%.40s is none of %s", variable, option, list);
}

static int guard_match(char *option, struct err *err)
{
	char *variable = strchr(option, '=');
	char *example = variable ? strchr(variable + 1, '=') : NULL;
	char *regex = example ? strchr(example + 1, '=') : NULL;
	regex_t compiled;
	int r;

	if (!regex)
		return err_set(err, -EINVAL, "--match %s: it is WORD=VARIABLE=EXAMPLE=REGEX",
			       option);
	*variable++ = '\0';
	*example++ = '\0';
	*regex++ = '\0';
	if (regcomp(&compiled, regex, REG_EXTENDED | REG_NOSUB) != 0)
		return err_set(err, -EINVAL, "--match: %s is no regular expression", regex);
	r = regexec(&compiled, option, 0, NULL, 0);
	regfree(&compiled);
	return r == 0 ? 0
		      : err_set(err, -ERANGE, "%s=%.40s makes no sense: it is something like %s",
				variable, option, example);
}

/* Whoever may write its parent may have put a link there, before us or while we are at it. */
static int guard_sticky_directory(const char *path, struct err *err)
{
	_cleanup_close_ int fd = -EBADF;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(err, -errno, "%s cannot be made", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return err_set(err, -EEXIST, "%s is in the way and is no directory: remove it",
			       path);
	if (fd < 0)
		return err_sys(err, -errno, "%s cannot be opened", path);
	if (fchmod(fd, S_ISVTX | 0777) < 0)
		return err_sys(err, -errno, "%s cannot be opened to everybody", path);
	return 0;
}

static void set_status(const char *text)
{
	struct notify notify;

	notify_open(&notify);
	notify_status(&notify, text);
	notify_barrier(&notify, 1000);
	notify_close(&notify);
}

static int finish(int r, const struct err *err)
{
	if (r == 0)
		return 0;
	dprintf(STDERR_FILENO, "hakim-guard: %s\n", err->text);
	set_status(err->text);
	return r == -EINVAL ? 2 : 1;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"choice", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"left-pid-file", required_argument, NULL, 'F'},
		{"left-socket", required_argument, NULL, 'S'},
		{"match", required_argument, NULL, 'm'},
		{"pid-file", required_argument, NULL, 'f'},
		{"port", required_argument, NULL, 'p'},
		{"socket", required_argument, NULL, 's'},
		{"status", required_argument, NULL, 't'},
		{"sticky-directory", required_argument, NULL, 'd'},
		{"version", no_argument, NULL, 'v'},
		{0},
	};
	struct err err = {0};
	int r = 0;
	int c;

	while (r == 0 && (c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			r = guard_choice(optarg, &err);
			break;
		case 'd':
			r = guard_sticky_directory(optarg, &err);
			break;
		case 'f':
		case 'F':
			r = guard_pid_file(optarg, c == 'F', &err);
			break;
		case 'm':
			r = guard_match(optarg, &err);
			break;
		case 't':
			set_status(optarg);
			break;
		case 'p':
			r = guard_port(optarg, &err);
			break;
		case 's':
		case 'S':
			r = guard_socket(optarg, c == 'S', &err);
			break;
		case 'h':
			return fputs(help, stdout) < 0;
		case 'v':
			return puts("hakim-guard " HAKIM_VERSION) < 0;
		default:
			return 2;
		}
	}
	if (r == 0 && optind < argc)
		r = err_set(&err, -EINVAL, "%s: it takes options only, see --help", argv[optind]);
	return finish(r, &err);
}
