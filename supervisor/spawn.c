#include "supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/degrade.h"

static void __attribute__((noreturn))
child_fail(struct board_slot *slot, enum exec_stage stage, int error)
{
	slot->exec_errno = error;
	board_store(&slot->exec_stage, stage);
	_exit(200 + (int)stage);
}

/*
 * What is passed on goes to SPAWN_FIRST_FD and up. First everything out of the way of the others: a
 * number may be the place of another one, or the pipe's that tells of the execve. Returns the first
 * number behind.
 */
static unsigned child_fds(const struct spawn *s, struct board_slot *slot)
{
	int end = SPAWN_FIRST_FD + (int)s->n_fds + (s->secret_fd >= 0);
	int secret = -1;

	if (end == SPAWN_FIRST_FD)
		return SPAWN_FIRST_FD;
	if (s->exec_fd >= 0 && fcntl(s->exec_fd, F_DUPFD_CLOEXEC, end) < 0)
		child_fail(slot, EXEC_STDIO, errno);
	if (s->secret_fd >= 0 && (secret = fcntl(s->secret_fd, F_DUPFD_CLOEXEC, end)) < 0)
		child_fail(slot, EXEC_STDIO, errno);
	/* The array is the child's own copy here: the clone shares no memory. */
	for (unsigned i = 0; i < s->n_fds; i++)
		if ((s->fds[i] = fcntl(s->fds[i], F_DUPFD_CLOEXEC, end)) < 0)
			child_fail(slot, EXEC_STDIO, errno);
	for (unsigned i = 0; i < s->n_fds; i++)
		if (dup2(s->fds[i], SPAWN_FIRST_FD + (int)i) < 0)
			child_fail(slot, EXEC_STDIO, errno);
	if (secret >= 0 && dup2(secret, end - 1) < 0)
		child_fail(slot, EXEC_STDIO, errno);
	return (unsigned)end;
}

/* Digits without libc: between clone and execve only system calls are safe. */
static void child_listen_pid(char *digits)
{
	long pid = syscall(SYS_getpid);
	unsigned n = 1;

	for (long rest = pid; rest >= 10; rest /= 10)
		n++;
	digits[n] = '\0';
	for (; n; pid /= 10)
		digits[--n] = (char)('0' + pid % 10);
}

/* -1 on an error. Opened as the manager's user, as systemd does: a symbolic link in a directory of
 * the user's is theirs, and the unit's author chose the path. */
static int output_open(const struct spawn_output *out, int otherwise)
{
	if (out->fd >= 0)
		return out->fd;
	return out->path ? open(out->path, out->flags, 0666) : otherwise;
}

/* systemd's order: stdio, limits, group, identity last of all that needs privileges, then the
 * directory as that user. */
static void child_stdio(const struct spawn *s, struct board_slot *slot)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int in, out, error;
	unsigned first;

	/* A chroot without /dev/null: an fd that reads as the end of file and cannot be written. */
	if (null < 0)
		null = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	umask(s->umask);
	in = s->in_path ? open(s->in_path, O_RDONLY | O_NOCTTY | O_CLOEXEC) : s->in_fd;
	if (in < 0 && !s->in_path)
		in = null;
	out = output_open(&s->out, null);
	error = output_open(&s->error, out);
	if (in < 0 || out < 0 || error < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(error, 2) < 0)
		child_fail(slot, EXEC_STDIO, errno);
	first = child_fds(s, slot);
	/* Everything of ours is CLOEXEC; this is for what a library may have opened otherwise. Not
	 * fatal where it is missing. */
	syscall(SYS_close_range, first, ~0u, CLOSE_RANGE_CLOEXEC);
}

/* Raw: libc's sigaction() refuses its own 32 and 33, and glibc's posix_spawn() (spawni.c) leaves
 * those ignored in what it starts, which may be what started PID 1. */
static void child_signals(void)
{
	static const unsigned long dfl[8]; /* the kernel's struct sigaction: SIG_DFL, no flags */
	uint64_t none = 0;

	for (int sig = 1; sig <= 64; sig++)
		syscall(SYS_rt_sigaction, sig, dfl, NULL, sizeof(none));
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

static void child_cgroup(const struct spawn *s, struct board_slot *slot)
{
	int fd;

	if (!s->cgroup_procs)
		return;
	fd = open(s->cgroup_procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) < 0)
		child_fail(slot, EXEC_CGROUP, errno);
	close(fd);
}

/* `users`: as of sandbox_enter(). */
static void child_identity(const struct spawn *s, struct board_slot *slot, int users)
{
	const struct identity *id = s->identity;
	enum exec_stage stage;
	int r;

	/* The raw calls: glibc's would try to reach the other threads of the parent. */
	if (id->set && syscall(SYS_setgroups, (size_t)id->n_groups, id->groups) < 0)
		child_fail(slot, EXEC_GROUP, errno);
	r = s->sandbox ? sandbox_confine(s->sandbox, slot, users, &stage) : 0;
	if (r < 0)
		child_fail(slot, stage, -r);
	if (!id->set)
		return;
	if (syscall(SYS_setresgid, id->gid, id->gid, id->gid) < 0)
		child_fail(slot, EXEC_GROUP, errno);
	if (syscall(SYS_setresuid, id->uid, id->uid, id->uid) < 0)
		child_fail(slot, EXEC_USER, errno);
}

/* A session keyring of its own, as the user that it belongs to. */
static void child_keyring(const struct spawn *s, struct board_slot *slot)
{
	long r = 0;

	if (s->keyring == KEYRING_INHERIT)
		return;
	r = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	if (r >= 0 && s->keyring == KEYRING_SHARED)
		r = syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING,
			    KEY_SPEC_SESSION_KEYRING, 0, 0);
	if (r < 0 && degrade_note(slot, DEGRADE_KEYRING, errno, s->strict) < 0)
		child_fail(slot, EXEC_KEYRING, errno);
}

static void __attribute__((noreturn))
child_run(const struct board *board, const struct spawn *s, struct board_slot *slot)
{
	struct rlimit nofile = {.rlim_cur = board->nofile_soft, .rlim_max = board->nofile_hard};
	enum exec_stage stage;
	int users = -1;
	int r;

	setsid();
	child_signals();
	child_stdio(s, slot);
	r = limits_apply(s->limits, &nofile, s->oom_default, s->strict, slot);
	if (r < 0)
		child_fail(slot, EXEC_LIMITS, -r);
	/* So that it may open /dev/stderr (moby#31243); not fatal where it is refused. */
	if (s->identity->set && s->out.fd >= 0 && !s->out.foreign)
		(void)!fchown(1, s->identity->uid, s->identity->gid);
	if (s->identity->set && s->error.fd >= 0 && !s->error.foreign)
		(void)!fchown(2, s->identity->uid, s->identity->gid);
	child_cgroup(s, slot);
	if (s->sandbox) {
		r = sandbox_enter(s->sandbox, slot, &users, &stage);
		if (r < 0)
			child_fail(slot, stage, -r);
	}
	child_identity(s, slot, users);
	if (s->listen_pid)
		child_listen_pid(s->listen_pid);
	child_keyring(s, slot);
	if (chdir(s->cwd ? s->cwd : "/") < 0) {
		int error = errno;

		if (!s->cwd_fallback || (chdir(s->cwd_fallback) < 0 && chdir("/") < 0))
			child_fail(slot, EXEC_CHDIR, error);
	}
	if (s->sandbox) {
		r = sandbox_finish(s->sandbox, &stage);
		if (r < 0)
			child_fail(slot, stage, -r);
	}
	execve(s->path, s->argv, s->envp);
	child_fail(slot, EXEC_EXEC, errno);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int slot_take(struct board *board, const struct spawn *s)
{
	for (uint32_t i = 0; i < BOARD_SLOTS; i++) {
		struct board_slot *slot = &board->slot[i];

		if (slot->role != ROLE_NONE)
			continue;
		board_store(&board->pid[i], 0);
		*slot = (struct board_slot){.command = s->command, .started_ns = now_ns()};
		strncpy(slot->unit, s->unit, sizeof(slot->unit) - 1);
		slot->role = s->role;
		if (i >= board->high_water)
			board_store(&board->high_water, i + 1);
		return (int)i;
	}
	return -ENOSPC;
}

/*
 * Docker's default seccomp profile answers clone3 with ENOSYS, an older kernel does not know
 * CLONE_INTO_CGROUP. Not CLONE_VFORK: a slow execve would stop the loop.
 */
static long clone_child(struct board *board, int index, int cgroup_fd, int *pidfd, bool *in_cgroup)
{
	struct clone_args args = {
		.flags = CLONE_PARENT | CLONE_PARENT_SETTID | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.parent_tid = (uint64_t)(uintptr_t)&board->pid[index],
	};
	long pid = -1;

	*in_cgroup = cgroup_fd >= 0;
	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
		pid = syscall(SYS_clone3, &args, sizeof(args));
		if (pid >= 0 || errno == EAGAIN || errno == ENOMEM)
			return pid;
		args.flags &= ~(uint64_t)CLONE_INTO_CGROUP;
		args.cgroup = 0;
		*in_cgroup = false;
	}
	pid = syscall(SYS_clone3, &args, CLONE_ARGS_SIZE_VER0);
	if (pid >= 0 || errno == EAGAIN || errno == ENOMEM)
		return pid;
	*pidfd = -1;
	/* clone(2) has one place for both pidfd and parent_tid: the pid matters more, the pidfd is
	 * opened afterwards. */
#if defined(__s390__) || defined(__CRIS__)
#error "the order of clone's arguments differs here"
#endif
	return syscall(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID, NULL, &board->pid[index],
		       NULL, NULL);
}

int spawn_process(struct board *board, const struct spawn *spawn, int *pidfd, struct err *err)
{
	int index = slot_take(board, spawn);
	struct spawn child = *spawn;
	bool in_cgroup = false;
	int fd = -1;
	long pid;

	*pidfd = -1;
	if (index < 0)
		return err_set(err, index, "there is no room for more than %d processes",
			       BOARD_SLOTS);
	pid = clone_child(board, index, spawn->cgroup_fd, &fd, &in_cgroup);
	if (pid == 0) {
		if (in_cgroup)
			child.cgroup_procs = NULL;
		child_run(board, &child, &board->slot[index]);
	}
	if (pid < 0) {
		int error = errno;

		board->slot[index].role = ROLE_NONE;
		return err_sys(err, -error, "no process could be made");
	}
	if (fd < 0) {
		fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
		/* If it has ended meanwhile, the pid may be another's by now. */
		if (fd >= 0 && board_load(&board->slot[index].ended)) {
			close(fd);
			fd = -1;
		}
	}
	*pidfd = fd;
	return index;
}

int spawn_find_program(const char *name, const char *search, char **path, struct err *err)
{
	if (strchr(name, '/')) {
		*path = strdup(name);
		return *path ? 0 : err_sys(err, -ENOMEM, "%s", name);
	}
	if (!search || !*search)
		search = SPAWN_PATH_DEFAULT;
	while (*search) {
		size_t len = strcspn(search, ":");
		_cleanup_free_ char *candidate = NULL;

		if (len && asprintf(&candidate, "%.*s/%s", (int)len, search, name) < 0) {
			candidate = NULL;
			return err_sys(err, -ENOMEM, "%s", name);
		}
		if (candidate && access(candidate, X_OK) == 0) {
			*path = steal_ptr(&candidate);
			return 0;
		}
		search += len;
		search += *search == ':';
	}
	return err_set(err, SPAWN_NO_PROGRAM, "%s: there is no such program in PATH", name);
}

const char *spawn_stage_name(uint32_t stage)
{
	static const char *const names[] = {
		[EXEC_OK] = "start",
		[EXEC_STDIO] = "standard input and output",
		[EXEC_LIMITS] = "resource limits",
		[EXEC_CGROUP] = "cgroup",
		[EXEC_GROUP] = "Group=",
		[EXEC_CAPABILITIES] = "capabilities",
		[EXEC_USER] = "User=",
		[EXEC_CHDIR] = "WorkingDirectory=",
		[EXEC_NO_NEW_PRIVILEGES] = "NoNewPrivileges=",
		[EXEC_SECCOMP] = "SystemCallFilter=",
		[EXEC_EXEC] = "execve",
		[EXEC_KEYRING] = "KeyringMode=",
		[EXEC_NAMESPACE] = "file system namespace",
		[EXEC_NETWORK] = "PrivateNetwork=",
		[EXEC_SECUREBITS] = "SecureBits=",
		[EXEC_PERSONALITY] = "Personality=",
		[EXEC_AMBIENT] = "AmbientCapabilities=",
		[EXEC_CREDENTIALS] = "LoadCredential=",
		[EXEC_USERS] = "PrivateUsers=",
	};

	return stage < ARRAY_LEN(names) ? names[stage] : "start";
}
