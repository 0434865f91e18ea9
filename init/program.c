#include "init/program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "init/child.h"
#include "init/exec.h"
#include "init/exit_code.h"
#include "init/init.h"
#include "init/note.h"
#include "init/user.h"

void program_prepare(struct init *init, char **argv)
{
	bool terminal = isatty(0) == 1;

	if (init->env.agent)
		return;
	if (argv && argv[0])
		init->program = argv;
	else if (terminal)
		init->login_shell = true;
	init->interactive = terminal && (init->program || init->login_shell);
	/* The output is the program's now: warnings only. */
	init->console.quiet = init->program || init->login_shell;
	init->console.raw = init->interactive;
}

/*
 * The terminal goes to the program's process group. In podman PID 1's session owns it already; in
 * LXC nobody's does, so the program gets a session of its own and makes it its controlling
 * terminal.
 */
static void take_terminal(void)
{
	uint64_t ttou = 1ull << (SIGTTOU - 1);
	uint64_t old = 0;

	if (tcgetpgrp(0) < 0) {
		setsid();
		ioctl(0, TIOCSCTTY, 0);
		return;
	}
	setpgid(0, 0);
	/* We are in the background now; without this the next call would stop us. */
	signal_mask_set(&ttou, &old);
	tcsetpgrp(0, getpid());
	signal_mask_set(&old, NULL);
}

/* Puts NAME=VALUE in the place of an older one; the string must stay. In the child only. */
static void child_setenv(struct environment *env, char *entry)
{
	size_t len = strcspn(entry, "=") + 1;

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->vars[i], entry, len) == 0) {
			env->vars[i] = entry;
			return;
		}
	}
	if (env->n < ENVIRONMENT_MAX) {
		env->vars[env->n++] = entry;
		env->vars[env->n] = NULL;
	}
}

static void set_user_env(struct environment *env, const char *name, const char *value)
{
	static char room[4][320];
	static unsigned used;
	struct line line = {.len = 0};

	if (used == 4)
		return;
	line_add(&line, name);
	line_add(&line, "=");
	line_add(&line, value);
	line.text[line.len < 319 ? line.len : 319] = '\0';
	memcpy(room[used], line.text, sizeof(room[used]));
	child_setenv(env, room[used++]);
}

/* Becomes the coder user (or stays who we are, when we are not root) and runs its shell as a login
 * shell. */
static void login_shell(struct init *init)
{
	static struct user user;
	static char arg0[64];
	char *argv[] = {arg0, NULL};
	const char *wanted = init->env.user ? init->env.user : "coder";
	const char *base;
	bool found = false;

	if (geteuid() == 0)
		found = user_find(wanted, 0, &user) == 0;
	if (!found)
		found = user_find(NULL, geteuid(), &user) == 0;
	if (!found) {
		memcpy(user.shell, "/bin/sh", sizeof("/bin/sh"));
		memcpy(user.home, "/", sizeof("/"));
	} else if (user.uid != geteuid()) {
		/* The terminal of /dev/console belongs to root: tools of the user open /dev/tty and
		 * reopen /dev/stdin. */
		if (fchown(0, user.uid, (gid_t)-1) < 0)
			errno = 0;
		if (syscall(SYS_setgroups, (size_t)user.n_groups, user.groups) < 0 ||
		    setresgid(user.gid, user.gid, user.gid) < 0 ||
		    setresuid(user.uid, user.uid, user.uid) < 0) {
			note_add_errno(init, "the login shell's user could not be taken on", errno);
			_exit(EXIT_CANNOT_RUN);
		}
	}
	if (found) {
		set_user_env(&init->env, "HOME", user.home);
		set_user_env(&init->env, "USER", user.name);
		set_user_env(&init->env, "LOGNAME", user.name);
		set_user_env(&init->env, "SHELL", user.shell);
	}
	if (chdir(user.home) < 0 && chdir("/") < 0)
		errno = 0;
	base = strrchr(user.shell, '/');
	arg0[0] = '-';
	memcpy(arg0 + 1, base ? base + 1 : user.shell,
	       strnlen(base ? base + 1 : user.shell, sizeof(arg0) - 2));
	execve(user.shell, argv, init->env.vars);
	execve("/bin/sh", argv, init->env.vars);
	note_add_errno(init, "the login shell could not be started", errno);
	_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

static void program_child(struct init *init)
{
	struct line line = {.len = 0};
	int error;

	setrlimit(RLIMIT_NOFILE, &init->nofile);
	if (init->interactive)
		take_terminal();
	else
		setpgid(0, 0);
	if (init->login_shell)
		login_shell(init);
	error = -exec_program(init->program, init->env.vars, false);
	line_add(&line, init->program[0]);
	line_add(&line, error == ENOENT ? ": command not found" : ": cannot be executed");
	line.text[line.len] = '\0';
	note_add_errno(init, line.text, error);
	_exit(error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

void program_start(struct init *init)
{
	pid_t pid;

	if (!init->program && !init->login_shell)
		return;
	init->status_from_program = true;
	pid = child_fork(init);
	/* No process can be had for a moment: it is what the container is there for, so half a
	 * second is well spent. */
	for (int i = 0; pid == -EAGAIN && i < 50; i++) {
		poll(NULL, 0, 10);
		pid = child_fork(init);
	}
	if (pid == 0) {
		program_child(init);
		_exit(EXIT_CANNOT_RUN);
	}
	if (pid < 0) {
		note_add_errno(init, "the program could not be started: fork failed", -pid);
		init->program_ended = true;
		init->program_status = EXIT_CANNOT_RUN << 8;
		return;
	}
	init->program_pid = pid;
	board_store(&init->board->program_pid, pid);
}

void program_stopped(struct init *init, int sig)
{
	/* ^Z in a program without a shell: nobody could ever say fg. */
	if (sig == SIGTSTP)
		kill(-init->program_pid, SIGCONT);
}

void program_reaped(struct init *init, int status)
{
	init->program_pid = 0;
	init->program_ended = true;
	init->program_status = status;
	board_store(&init->board->program_pid, 0);
	/* The terminal is ours again, so that a last message does not stop us. */
	if (init->interactive && tcgetpgrp(0) >= 0)
		tcsetpgrp(0, getpgrp());
}

void program_stop(struct init *init)
{
	if (!init->program_pid)
		return;
	init->program_asked_ns = now_ns();
	kill(init->program_pid, SIGTERM);
	if (init->interactive) {
		kill(-init->program_pid, SIGHUP);
		kill(-init->program_pid, SIGCONT);
	}
}
