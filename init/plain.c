#include "init/plain.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "init/child.h"
#include "init/exec.h"
#include "init/forward.h"
#include "init/plain_words.h"

#define BATCH       4096 /* so that a storm of orphans cannot keep a signal waiting */
#define FORK_TRIES  50   /* times 10 ms: no process can be had for a moment */
#define LAST_SIGNAL 31   /* that is no real-time signal */

struct plain {
	const struct plain_options *how;
	struct plain_voice voice;
	uint64_t mask;    /* as we found it */
	uint64_t ignored; /* as we found them */
	pid_t child;      /* 0: it has ended */
	int status;       /* then: its end, as of wait4(2) */
};

static int wait_signal(siginfo_t *info, const uint64_t *set, bool now)
{
	const struct timespec none = {0, 0};

	info->si_pid = 0;
	return (int)syscall(SYS_rt_sigtimedwait, set, info, now ? &none : NULL, sizeof(*set));
}

/*
 * The child's session can have a terminal only if we have none. When a session's leader gives it
 * up, the kernel sends SIGHUP and SIGCONT to who is in the foreground, which may be us: they are
 * there when the call returns, and are not for the program.
 */
static void give_up_terminal(struct plain *plain)
{
	const uint64_t both = 1ull << (SIGHUP - 1) | 1ull << (SIGCONT - 1);
	siginfo_t info;
	int sig;

	if (ioctl(0, TIOCNOTTY) < 0) {
		plain_say_text(&plain->voice, PLAIN_NO_TERMINAL, NULL, strerror(errno));
		return;
	}
	plain_say(&plain->voice, PLAIN_DETACHED, 0, 0);
	while ((sig = wait_signal(&info, &both, true)) > 0)
		plain_say(&plain->voice, PLAIN_HANDED, sig, 0);
}

/* In the child. All signals are blocked here, so that no SIGTTOU can stop it. */
static void take_terminal(struct plain *plain)
{
	if (plain->how->like != LIKE_DUMB_INIT) {
		setpgid(0, 0);
		if (tcsetpgrp(0, getpid()) < 0)
			plain_say_text(&plain->voice, PLAIN_NO_TERMINAL, NULL, strerror(errno));
		return;
	}
	if (!plain->how->session)
		return;
	setsid();
	ioctl(0, TIOCSCTTY, 0);
	plain_say(&plain->voice, PLAIN_SESSION, 0, 0);
}

/* In the child: the program finds what we found. dumb-init's finds nothing blocked, and nothing but
 * real-time signals ignored. */
static void restore_signals(const struct plain *plain)
{
	const uint64_t none = 0, broken_pipe = 1ull << (SIGPIPE - 1);
	siginfo_t info;

	/* Whoever read our messages has gone: not the program's pipe. */
	wait_signal(&info, &broken_pipe, true);
	if (plain->how->like == LIKE_DUMB_INIT) {
		for (int sig = 1; sig <= LAST_SIGNAL; sig++)
			if (plain->ignored & 1ull << (sig - 1))
				signal(sig, SIG_DFL);
		signal_mask_set(&none, NULL);
		return;
	}
	if (plain->ignored & 1ull << (SIGCHLD - 1))
		signal(SIGCHLD, SIG_IGN);
	signal_mask_set(&plain->mask, NULL);
}

static void run_child(struct plain *plain, char **command)
{
	const char *name = command[0];
	int error;

	take_terminal(plain);
	restore_signals(plain);
	error = -exec_program(command, environ, true);
	plain_say_text(&plain->voice, PLAIN_CANNOT_RUN, name, strerror(error));
	_exit(forward_exec_code(plain->how, error));
}

static void pass_on(struct plain *plain, int sig)
{
	const struct plain_options *how = plain->how;
	int as = forward_as(how, sig);
	int r;

	if (as != sig && as)
		plain_say(&plain->voice, PLAIN_REWRITTEN, sig, as);
	if (!as) {
		plain_say(&plain->voice, PLAIN_DROPPED, sig, 0);
		return;
	}
	r = kill(how->group ? -plain->child : plain->child, as);
	/* Before the child has its group there is only itself. */
	if (r < 0 && errno == ESRCH && how->group)
		r = kill(plain->child, as);
	if (r < 0)
		plain_say_text(&plain->voice, PLAIN_REFUSED, NULL, strerror(errno));
	else
		plain_say(&plain->voice, PLAIN_PASSED, as, 0);
}

static void take_signal(struct plain *plain, int sig, const siginfo_t *info)
{
	/* As in restore_signals(). */
	if (sig == SIGPIPE && info->si_pid == getpid())
		return;
	plain_say(&plain->voice, PLAIN_SIGNAL, sig, 0);
	pass_on(plain, sig);
	/* PID 1 has no shell that could say fg. */
	if (forward_suspends(plain->how, sig) && getpid() != 1) {
		plain_say(&plain->voice, PLAIN_SUSPEND, 0, 0);
		kill(getpid(), SIGSTOP);
	}
}

static void say_end(struct plain *plain, pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		plain_say(&plain->voice, PLAIN_KILLED, pid, WTERMSIG(status));
	else
		plain_say(&plain->voice, PLAIN_EXITED, pid, WEXITSTATUS(status));
	if (pid != plain->child && plain->how->warn_reaped)
		plain_say(&plain->voice, PLAIN_ORPHAN, pid, 0);
}

/* dumb-init: what the program leaves in its group is told to end. As long as the program is a
 * zombie the group is certainly its own. */
static bool group_is_told(struct plain *plain)
{
	siginfo_t info = {.si_pid = 0};
	int status;

	if (waitid(P_PID, (id_t)plain->child, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    !info.si_pid)
		return false;
	status = info.si_code == CLD_EXITED ? (info.si_status & 255) << 8 : info.si_status & 127;
	say_end(plain, plain->child, status);
	pass_on(plain, SIGTERM);
	return true;
}

/* True when there may be more. */
static bool reap(struct plain *plain)
{
	bool told = plain->how->like == LIKE_DUMB_INIT && group_is_told(plain);

	for (unsigned n = 0; n < BATCH; n++) {
		int status = 0;
		pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);

		if (pid <= 0)
			return false;
		if (pid != plain->child || !told)
			say_end(plain, pid, status);
		if (pid == plain->child) {
			plain->status = status;
			plain->child = 0;
		}
	}
	return true;
}

static pid_t spawn(struct plain *plain, char **command)
{
	pid_t pid = fork();

	for (int i = 0; pid < 0 && errno == EAGAIN && i < FORK_TRIES; i++) {
		poll(NULL, 0, 10);
		pid = fork();
	}
	if (pid == 0)
		run_child(plain, command);
	if (pid < 0)
		plain_say_text(&plain->voice, PLAIN_CANNOT_FORK, NULL, strerror(errno));
	/* It does the same: whoever comes first, no signal to the group is too early. */
	else if (plain->how->like != LIKE_DUMB_INIT)
		setpgid(pid, pid);
	return pid;
}

static void prepare(struct plain *plain)
{
	const struct plain_options *how = plain->how;
	bool is_pid1 = getpid() == 1;
	int subreaper = 0;

	if (how->death_signal)
		prctl(PR_SET_PDEATHSIG, how->death_signal, 0, 0, 0);
	if (how->subreaper || (how->like == LIKE_HAKIM && !is_pid1))
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (how->like == LIKE_DUMB_INIT) {
		if (how->session)
			give_up_terminal(plain);
		return;
	}
	if (!is_pid1 && prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0) == 0 && !subreaper)
		plain_say(&plain->voice, PLAIN_NO_REAPER, 0, 0);
}

int plain_main(const struct options *options)
{
	const uint64_t all = ~0ull;
	struct plain plain = {
		.how = &options->how, .voice.how = &options->how, .ignored = signal_ignored()};
	bool more = true; /* what we were given with our own start may be dead already */
	int code;

	signal_mask_set(&all, &plain.mask);
	/* An ignored SIGCHLD would have the kernel reap our children behind our back. */
	signal(SIGCHLD, SIG_DFL);
	prepare(&plain);
	plain.child = spawn(&plain, options->command);
	if (plain.child < 0)
		return forward_exec_code(plain.how, EACCES);
	plain_say(&plain.voice, PLAIN_SPAWNED, plain.child, 0);
	/* As dumb-init does: it keeps no directory from being unmounted. */
	if (plain.how->like == LIKE_DUMB_INIT && chdir("/") < 0)
		errno = 0;
	while (plain.child) {
		siginfo_t info;
		int sig = wait_signal(&info, &all, more);

		if (sig == SIGCHLD)
			plain_say(&plain.voice, PLAIN_CHILD, sig, 0);
		else if (sig > 0)
			take_signal(&plain, sig, &info);
		if (sig == SIGCHLD || more)
			more = reap(&plain);
	}
	code = forward_exit_code(plain.how, plain.status);
	plain_say(&plain.voice, PLAIN_END, code, 0);
	return code;
}
