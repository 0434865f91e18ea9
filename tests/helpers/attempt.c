/*
 * attempt - does what a service may be kept from, and says how it went, one line each:
 *
 *	attempt WHAT…	-> "WHAT ok" or "WHAT EPERM"
 *
 * WHAT: ptrace, mount, clock, exec-memory, suid, namespace, inet6, unix, mount-call; write:PATH,
 * read:PATH, list:PATH, exec:PATH, pause (waits for a signal).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int do_ptrace(const char *path)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int do_mount(const char *path)
{
	return mount("none", "/mnt", "tmpfs", 0, NULL);
}

static int do_clock(const char *path)
{
	struct timeval now = {.tv_sec = 1000000000};

	return settimeofday(&now, NULL);
}

static int do_exec_memory(const char *path)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED
		       ? -1
		       : 0;
}

static int do_suid(const char *path)
{
	int fd = memfd_create("suid", MFD_CLOEXEC);

	return fd < 0 ? -1 : fchmod(fd, 04755);
}

static int do_namespace(const char *path)
{
	return unshare(CLONE_NEWUTS);
}

static int do_inet6(const char *path)
{
	return socket(AF_INET6, SOCK_STREAM, 0);
}

static int do_unix(const char *path)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int do_write(const char *path)
{
	char name[4096];
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		snprintf(name, sizeof(name), "%s/attempt-was-here", path);
	else
		snprintf(name, sizeof(name), "%s", path);
	return open(name, O_WRONLY | O_CREAT, 0644);
}

static int do_read(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, &byte, 1);

	/* ENODATA tells an empty one from one without. */
	if (n == 0)
		errno = ENODATA;
	return n > 0 ? 0 : -1;
}

/* ENOTEMPTY tells one with something in it from one without. */
static int do_list(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			errno = ENOTEMPTY;
			return -1;
		}
	return dir ? 0 : -1;
}

static int do_exec(const char *path)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execl(path, path, (char *)NULL);
		_exit(errno);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static int do_pause(const char *path)
{
	fflush(stdout);
	return pause();
}

static const struct {
	const char *name;
	int (*attempt)(const char *path);
} attempts[] = {
	{"ptrace", do_ptrace}, {"mount", do_mount},
	{"clock", do_clock},   {"exec-memory", do_exec_memory},
	{"suid", do_suid},     {"namespace", do_namespace},
	{"inet6", do_inet6},   {"unix", do_unix},
	{"write", do_write},   {"read", do_read},
	{"list", do_list},     {"exec", do_exec},
	{"pause", do_pause},
};

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *colon = strchr(argv[i], ':');
		size_t len = colon ? (size_t)(colon - argv[i]) : strlen(argv[i]);
		int r = -1;

		errno = ENOTSUP;
		for (size_t k = 0; k < sizeof(attempts) / sizeof(*attempts); k++)
			if (strlen(attempts[k].name) == len &&
			    strncmp(attempts[k].name, argv[i], len) == 0)
				r = attempts[k].attempt(colon ? colon + 1 : "");
		printf("%s %s\n", argv[i], r < 0 ? strerrorname_np(errno) : "ok");
	}
	return 0;
}
