#include "init/second.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "init/console.h"
#include "init/exec.h"
#include "init/format.h"
#include "init/options.h"
#include "init/quirk_file.h"

#define LOCK_NAME "init.lock"
#define RUNTIME   "/run/hakim"

static bool called(const char *path, const char *name)
{
	const char *base = strrchr(path, '/');

	return strcmp(base ? base + 1 : path, name) == 0;
}

bool second_is_init(const char *text, unsigned long len, bool same)
{
	const char *first = text + strnlen(text, len) + 1;

	if (!len || options_like(text) != LIKE_HAKIM)
		return false;
	if (!same && !called(text, "hakim-init"))
		return false;
	return (unsigned long)(first - text) >= len ||
	       (strcmp(first, "--plain") != 0 && strcmp(first, "--quirks") != 0);
}

static bool pid1_is_init(void)
{
	char text[1024];
	struct stat one, self;
	ssize_t len = file_read("", "/proc/1/cmdline", text, sizeof(text));
	bool same = stat("/proc/1/exe", &one) == 0 && stat("/proc/self/exe", &self) == 0 &&
		    one.st_dev == self.st_dev && one.st_ino == self.st_ino;

	return len > 0 && second_is_init(text, (unsigned long)len, same);
}

/* 1: another has it; 0: it is ours; negative: it cannot be had in this directory. */
static int take_lock(const char *dir)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat st;
	char path[160];
	int fd, r;

	/* As the supervisor makes and checks it (supervisor/main.c). */
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	format_text(path, sizeof(path), "%s/" LOCK_NAME, dir);
	if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return -EPERM;
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0; /* stays open, and so locked, as long as we live; no child gets it */
	r = errno == EAGAIN || errno == EACCES ? 1 : -errno;
	close(fd);
	return r;
}

/* For another user, who sees neither the program of root's nor its lock: does it answer? */
static bool root_has_one(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = RUNTIME "/control.sock"};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
			       errno == EACCES || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return has;
}

bool second_found(void)
{
	const char *given = getenv("HAKIM_RUNTIME_DIR");
	char own[48];
	int r;

	if (given && *given == '/')
		return take_lock(given) == 1;
	if (pid1_is_init())
		return true;
	r = take_lock(RUNTIME);
	if (r >= 0)
		return r == 1;
	if (geteuid() != 0 && root_has_one())
		return true;
	format_text(own, sizeof(own), "/tmp/hakim-%u", geteuid());
	return take_lock(own) == 1;
}

int second_main(const struct options *options)
{
	int error;

	if (!options->command) {
		console_text(2, "hakim-init: another hakim-init is at work in this container "
				"already: ask it "
				"by hakimctl\n");
		return 1;
	}
	error = -exec_program(options->command, environ, false);
	console_text(2, "hakim-init: ");
	console_text(2, options->command[0]);
	console_text(2, error == ENOENT ? ": command not found\n" : ": cannot be executed\n");
	return error == ENOENT || error == ENOTDIR ? 127 : 126;
}
