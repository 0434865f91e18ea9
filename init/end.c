#include "init/end.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/child.h"
#include "init/exit_code.h"
#include "init/init.h"
#include "init/note.h"
#include "init/program.h"
#include "init/supervise.h"

#define MS(n) ((n)*1000000ull)
#define TERM_NS \
	MS(1000) /* what is left after the ordered stop gets this long between TERM and KILL */
#define KILL_NS MS(1000) /* and this long to vanish after KILL */
#define TICK_NS                                                                                    \
	MS(10) /* how often we look whether all is gone: nobody tells about processes that are not \
		  ours */
#define PROGRAM_AGAIN_NS MS(1000)
#define TREE_DEPTH       16
#define SHORTEN_NS       MS(2000)

uint64_t end_limit_ns(const char *text, uint64_t fallback)
{
	uint64_t value = 0;
	const char *p = text;
	uint64_t unit = MS(1000);

	if (!text || !*text)
		return fallback;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (value > 1000000)
			return fallback;
		value = value * 10 + (uint64_t)(*p - '0');
	}
	if (p == text)
		return fallback;
	if (strcmp(p, "ms") == 0)
		unit = MS(1);
	else if (strcmp(p, "min") == 0 || strcmp(p, "m") == 0)
		unit = MS(60000);
	else if (*p && strcmp(p, "s") != 0)
		return fallback;
	/* TERM and KILL need their two seconds in any case. */
	return value * unit < MS(1) ? MS(1) : value * unit;
}

/* The path of a process's list of children (those of its other threads are not in it). */
static void children_path(struct line *line, pid_t pid)
{
	*line = (struct line){.len = 0};
	line_add(line, "/proc/");
	line_add_u64(line, (uint64_t)pid);
	line_add(line, "/task/");
	line_add_u64(line, (uint64_t)pid);
	line_add(line, "/children");
	line->text[line->len] = '\0';
}

/* All below `parent`, the lowest first: while its parent lives, a child is where we look for it. */
static void signal_tree(pid_t parent, int sig, unsigned depth)
{
	struct line path;
	char buf[512];
	pid_t pid = 0;
	ssize_t n;
	int fd;

	children_path(&path, parent);
	fd = open(path.text, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				pid = pid * 10 + (buf[i] - '0');
				continue;
			}
			if (pid > 1) {
				if (depth)
					signal_tree(pid, sig, depth - 1);
				kill(pid, sig);
			}
			pid = 0;
		}
	}
	if (fd >= 0)
		close(fd);
}

/*
 * A signal to all that is left. Only as PID 1 may that be kill(-1): with a shared pid namespace it
 * would hit the host (s6-overlay's experience with --pid=host); and in a child, since it goes over
 * every process of the namespace.
 */
static void signal_all(struct init *init, int sig)
{
	pid_t pid;

	if (!init->is_pid1) {
		signal_tree(getpid(), sig, TREE_DEPTH);
		if (sig != SIGKILL)
			signal_tree(getpid(), SIGCONT, TREE_DEPTH);
		return;
	}
	pid = child_fork(init);
	if (pid == 0) {
		kill(-1, sig);
		/* A stopped process takes SIGTERM only when it goes on. */
		if (sig != SIGKILL)
			kill(-1, SIGCONT);
		_exit(0);
	}
	if (pid < 0)
		kill(-1, sig);
}

/* True when no process but us is left. ECHILD alone does not say so: lxc-attach's processes are not
 * our children. */
static bool empty(const struct init *init)
{
	siginfo_t info = {.si_pid = 0};

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD)
		return false;
	return !init->is_pid1 || (kill(-1, 0) < 0 && errno == ESRCH);
}

static void arm_phase(struct init *init, unsigned actions)
{
	uint64_t now = now_ns();
	uint64_t last = init->stop_by_ns > now + KILL_NS ? init->stop_by_ns - KILL_NS : now;

	switch (init->phase) {
	case STOP_ORDERED:
		init->stop_by_ns = now + init->stop_limit_ns;
		/* The last two seconds are for TERM and KILL to what is left; of a very short
		 * limit, half. */
		init->phase_by_ns = init->stop_limit_ns > 2 * SHORTEN_NS
					    ? init->stop_by_ns - SHORTEN_NS
					    : now + init->stop_limit_ns / 2;
		break;
	case STOP_TERM:
		init->phase_by_ns =
			actions & STOP_ACT_LONG_TERM || last < now + TERM_NS ? last : now + TERM_NS;
		break;
	case STOP_KILL:
		init->phase_by_ns = now + KILL_NS;
		break;
	case STOP_NONE:
	case STOP_DONE:
	case STOP_PHASES:
		break;
	}
}

static const char *const phase_text[STOP_PHASES] = {
	[STOP_ORDERED] = "stopping: services in order",
	[STOP_TERM] = NULL,
	[STOP_KILL] = "stopping: SIGKILL to what did not end",
};

void end_event(struct init *init, enum stop_event event)
{
	enum stop_phase old = init->phase;
	unsigned actions = 0;

	init->phase = stop_step(old, event, &actions);
	if (init->phase != old) {
		arm_phase(init, actions);
		if (init->phase < STOP_PHASES && phase_text[init->phase])
			console_say(&init->console, phase_text[init->phase], NULL, NULL);
	}
	if (actions & STOP_ACT_SHORTEN && init->stop_by_ns > now_ns() + SHORTEN_NS)
		init->stop_by_ns = now_ns() + SHORTEN_NS;
	if (actions & STOP_ACT_TELL) {
		/* The supervisor's own limit: what PID 1 does afterwards is not its business. */
		board_store(&init->board->stop_by_ns, init->phase_by_ns);
		board_or(&init->board->request, REQUEST_STOP);
		supervise_wake(init);
	}
	if (actions & STOP_ACT_PROGRAM) {
		/* A login shell that nobody asked for by name: what counts is that the stop was in
		 * order. */
		if (init->login_shell)
			init->status_from_program = false;
		program_stop(init);
	}
	if (actions & STOP_ACT_TERM_ALL)
		signal_all(init, SIGTERM);
	if (actions & STOP_ACT_KILL_ALL)
		signal_all(init, SIGKILL);
}

void end_check(struct init *init)
{
	uint64_t now = now_ns();

	if (init->program_ended && init->phase == STOP_NONE)
		end_event(init, STOP_EVENT_PROGRAM_ENDED);
	if (init->phase == STOP_NONE || init->phase == STOP_DONE)
		return;
	if (init->phase == STOP_ORDERED) {
		bool program_gone = !init->program_pid;

		/* A shell that is just reading its profile may swallow it: asked again every
		 * second. */
		if (init->login_shell && !program_gone &&
		    now >= init->program_asked_ns + PROGRAM_AGAIN_NS)
			program_stop(init);

		if (program_gone &&
		    (init->ordered_done || (init->supervisor_missing && !init->supervisor)))
			end_event(init, STOP_EVENT_ORDERED_DONE);
		else if (!init->ordered_done && !init->supervisor_missing && supervise_lost(init))
			end_event(init, STOP_EVENT_LOST);
	}
	if (init->phase != STOP_ORDERED && empty(init)) {
		end_event(init, STOP_EVENT_EMPTY);
	} else if (now >= init->phase_by_ns) {
		end_event(init, STOP_EVENT_TIMEOUT);
	} else if (init->phase == STOP_KILL && now >= init->kill_again_ns) {
		init->kill_again_ns = now + TICK_NS;
		/* Loop: a fork may have run ahead of the signal, and a subreaper gets its
		 * grandchildren one by one. */
		signal_all(init, SIGKILL);
	}
	if (init->phase == STOP_DONE && init->keep.exit_asked)
		init->exit_status = init->keep.exit_status;
	else if (init->phase == STOP_DONE)
		init->exit_status = init->status_from_program && init->program_ended
					    ? exit_code_of(init->program_status)
					    : 0;
}

uint64_t end_next_ns(const struct init *init)
{
	uint64_t tick = now_ns() + TICK_NS;

	if (init->phase == STOP_NONE || init->phase == STOP_DONE)
		return 0;
	if (init->phase == STOP_ORDERED) {
		uint64_t again = init->program_asked_ns + PROGRAM_AGAIN_NS;

		return init->login_shell && init->program_pid && again < init->phase_by_ns
			       ? again
			       : init->phase_by_ns;
	}
	return tick < init->phase_by_ns ? tick : init->phase_by_ns;
}
