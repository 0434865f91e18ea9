#include "init/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/child.h"
#include "init/end.h"
#include "init/init.h"
#include "init/note.h"

#define WATCH_SECONDS                                                              \
	10 /* a wake-up that is unread for so long means that the supervisor hangs \
	    */

static void epoll_set(struct init *init, int op, int fd, uint32_t source)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = source};

	epoll_ctl(init->epoll_fd, op, fd, &e);
}

/* Begins or ends reading the log pipes away. */
static void drain_set(struct init *init, bool on)
{
	if (init->draining == on)
		return;
	init->draining = on;
	init->keep.draining = on;
	for (unsigned i = 0; i < init->keep.high_water; i++) {
		const struct kept *k = &init->keep.v[i];

		if (on)
			keep_drain(&init->keep, k);
		else if (k->name[0])
			epoll_ctl(init->epoll_fd, EPOLL_CTL_DEL, k->fd, NULL);
	}
	if (on)
		console_warn(&init->console,
			     "the supervisor crashes again and again: services go on without it, "
			     "their logs are "
			     "thrown away, and it is tried again every 5 s",
			     NULL, NULL);
}

void supervise_drain(struct init *init, unsigned i)
{
	ssize_t n;

	if (i >= init->keep.high_water || !init->keep.v[i].name[0])
		return;
	/* SPLICE_F_NONBLOCK, whatever the flags of the description are: it is shared with the
	 * services' supervisor. */
	n = splice(init->keep.v[i].fd, NULL, init->null_fd, NULL, 65536, SPLICE_F_NONBLOCK);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		epoll_ctl(init->epoll_fd, EPOLL_CTL_DEL, init->keep.v[i].fd, NULL);
}

static void child_fds(struct init *init, int keeper)
{
	const int want[BOARD_FD_END - BOARD_FD_KEEPER] = {
		keeper, init->board_fd, init->state_fd, init->wake_fd, init->watch_fd,
	};
	int high[BOARD_FD_END - BOARD_FD_KEEPER];

	/* First all out of the way of the numbers 3 … 7, then all into their places. */
	for (unsigned i = 0; i < BOARD_FD_END - BOARD_FD_KEEPER; i++)
		high[i] = fcntl(want[i], F_DUPFD_CLOEXEC, BOARD_FD_END);
	for (unsigned i = 0; i < BOARD_FD_END - BOARD_FD_KEEPER; i++)
		dup2(high[i], BOARD_FD_KEEPER + (int)i);
	/* All that is ours is CLOEXEC; this is for what the container's runtime left open. */
	if (syscall(SYS_close_range, BOARD_FD_END, ~0u, 0) < 0)
		for (int fd = BOARD_FD_END; fd < 1024; fd++)
			close(fd);
}

static void supervisor_child(struct init *init, int keeper)
{
	char *argv[] = {(char *)init->supervisor_path, NULL};
	uint64_t none = 0;

	setsid();
	/* It decides itself about signals; what we were given is for the program and the services.
	 */
	signal(SIGCHLD, SIG_DFL);
	signal_mask_set(&none, NULL);
	child_fds(init, keeper);
	setrlimit(RLIMIT_NOFILE, &init->nofile);
	execve(init->supervisor_path, argv, init->env.vars);
	_exit(127);
}

void supervise_start(struct init *init)
{
	int pair[2] = {-1, -1};
	uint64_t unread;
	int error = 0;

	init->supervisor_at_ns = 0;
	/* Later on it is an upgrade that is just replacing the file. */
	if (!init->board->supervisor_starts && access(init->supervisor_path, X_OK) < 0 &&
	    errno == ENOENT) {
		init->supervisor_missing = true;
		if (!init->program && !init->login_shell)
			note_add(init, "there is no supervisor in this image (hakim-supervisor): "
				       "no services are run");
		return;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		error = errno;
	} else {
		pid_t pid = child_fork(init);

		if (pid == 0)
			supervisor_child(init, pair[1]);
		close(pair[1]);
		if (pid < 0) {
			error = (int)-pid;
			close(pair[0]);
		} else {
			init->supervisor = pid;
			init->supervisor_ready = false;
			init->supervisor_killed = false;
			init->supervisor_reexec = false;
			init->supervisor_since_ns = 0;
			init->keeper_fd = pair[0];
			epoll_set(init, EPOLL_CTL_ADD, pair[0], SOURCE_KEEPER);
			board_store(&init->board->supervisor_starts,
				    init->board->supervisor_starts + 1);
			init->gone_by_ns = 0;
			/* What the last one left unread, and its deadline, are not this one's. */
			if (read(init->wake_fd, &unread, sizeof(unread)) < 0)
				unread = 0;
			/* A start that never gets so far as to read its first wake-up is a hang,
			 * too. */
			supervise_wake(init);
			return;
		}
	}
	/* EAGAIN of fork, EMFILE: neither is a reason to give up. */
	note_add_errno(init, "the supervisor could not be started, trying again", error);
	init->supervisor_at_ns = now_ns() + 1000000000ull;
}

void supervise_wake(struct init *init)
{
	struct pollfd p = {.fd = init->wake_fd, .events = POLLIN};
	struct itimerspec left = {.it_interval = {0, 0}};
	uint64_t one = 1;
	bool unread;

	if (!init->supervisor)
		return;
	unread = poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
	if (write(init->wake_fd, &one, sizeof(one)) < 0)
		unread = true; /* full, at 2^64-2 of them: only see that the timer is armed */
	/*
	 * After the write, so that who disarms later reads this wake-up too. A deadline that runs
	 * already stays: else a stream of wake-ups would put it off for ever.
	 */
	timerfd_gettime(init->watch_fd, &left);
	if (!unread || (!left.it_value.tv_sec && !left.it_value.tv_nsec)) {
		struct itimerspec in = {.it_value = {.tv_sec = WATCH_SECONDS}};

		timerfd_settime(init->watch_fd, 0, &in, NULL);
	}
}

void supervise_stopped(struct init *init)
{
	console_warn(&init->console,
		     "the supervisor was stopped by a signal: it is replaced if it does not go on",
		     NULL, NULL);
	supervise_wake(init);
}

void supervise_watch(struct init *init)
{
	struct pollfd p = {.fd = init->wake_fd, .events = POLLIN};
	uint64_t times;

	if (read(init->watch_fd, &times, sizeof(times)) < 0 || !init->supervisor)
		return;
	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLIN))
		return;
	console_warn(&init->console, "the supervisor has not answered for 10 s: it is replaced",
		     NULL, NULL);
	init->supervisor_killed = true;
	kill(init->supervisor, SIGKILL);
}

void supervise_gone(struct init *init)
{
	init->gone_by_ns = 0;
	if (!init->supervisor)
		return;
	init->supervisor_killed = true;
	init->supervisor_reexec = false;
	kill(init->supervisor, SIGKILL);
}

static void describe_end(struct init *init, int status, uint64_t delay_ns)
{
	struct line line = {.len = 0};

	line_add(&line, "the supervisor ");
	if (WIFSIGNALED(status)) {
		line_add(&line, "was killed by signal ");
		line_add_u64(&line, (uint64_t)WTERMSIG(status));
	} else {
		line_add(&line, "exited with status ");
		line_add_u64(&line, (uint64_t)WEXITSTATUS(status));
	}
	line_add(&line, ": services go on, a new one starts in ");
	line_add_u64(&line, delay_ns / 1000000);
	line_add(&line, " ms");
	line.text[line.len] = '\0';
	console_warn(&init->console, line.text, NULL, NULL);
}

static enum supervise_end how_ended(const struct init *init, int status)
{
	if (init->supervisor_reexec)
		return SUPERVISE_ON_PURPOSE;
	if (init->supervisor_killed)
		return SUPERVISE_HUNG;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return SUPERVISE_KILLED;
	return SUPERVISE_CRASHED;
}

void supervise_reaped(struct init *init, int status)
{
	uint64_t now = now_ns();
	uint64_t lived = init->supervisor_ready ? now - init->supervisor_since_ns : 0;
	struct supervise_decision d;
	enum supervise_end end;
	bool shutdown;

	init->supervisor = 0;
	/* Its last words may be queued still: STOPPED, REEXEC. */
	shutdown = init->keeper_fd >= 0 && supervise_serve(init);
	init->supervisor_ready = false;
	init->gone_by_ns = 0;
	if (init->keeper_fd >= 0)
		close(init->keeper_fd);
	init->keeper_fd = -1;
	if (shutdown)
		end_event(init, STOP_EVENT_REQUEST);
	end = how_ended(init, status);
	d = supervise_next(&init->history, end, now, lived);
	if (init->phase > STOP_ORDERED || init->ordered_done)
		return;
	if (end != SUPERVISE_ON_PURPOSE)
		describe_end(init, status, d.delay_ns);
	board_store(&init->board->fresh_start, d.fresh);
	if (d.drain)
		drain_set(init, true);
	/* Never from here: the caller starts it when its time has come, so that a crash loop cannot
	 * keep us from reaping. */
	init->supervisor_at_ns = now + d.delay_ns;
}

bool supervise_serve(struct init *init)
{
	bool shutdown = false;

	for (unsigned i = 0; i < 64 && init->keeper_fd >= 0; i++) {
		switch (keep_serve(&init->keep, init->keeper_fd, init->env.secrets,
				   init->env.secrets_len)) {
		case KEEPER_EVENT_EMPTY:
			return shutdown;
		case KEEPER_EVENT_GONE:
			/* Its end is told by wait4; a supervisor that closed its socket and lives
			 * is of no use. */
			epoll_set(init, EPOLL_CTL_DEL, init->keeper_fd, 0);
			close(init->keeper_fd);
			init->keeper_fd = -1;
			if (init->supervisor && init->phase == STOP_NONE)
				init->gone_by_ns = now_ns() + 500000000ull;
			return shutdown;
		case KEEPER_EVENT_READY:
			init->supervisor_ready = true;
			init->supervisor_since_ns = now_ns();
			drain_set(init, false);
			break;
		case KEEPER_EVENT_STOPPED:
			init->ordered_done = true;
			break;
		case KEEPER_EVENT_SHUTDOWN:
			shutdown = true;
			break;
		case KEEPER_EVENT_REEXEC:
			init->supervisor_reexec = true;
			break;
		case KEEPER_EVENT_NONE:
			break;
		}
	}
	return shutdown;
}

bool supervise_lost(const struct init *init)
{
	return init->supervisor_missing || (init->history.level >= 1 && !init->supervisor_ready);
}
