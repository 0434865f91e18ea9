/*
 * hakim-init: PID 1. What happens is what main() lists.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "init/child.h"
#include "init/end.h"
#include "init/init.h"
#include "init/note.h"
#include "init/options.h"
#include "init/plain.h"
#include "init/program.h"
#include "init/quirk.h"
#include "init/reap.h"
#include "init/second.h"
#include "init/setup.h"
#include "init/supervise.h"

#define STATE_BYTES (8u << 20) /* sparse; the supervisor uses what it needs */

/* All zero, so that it costs nothing in the file and no memory where it is not used. */
static struct init init_context;

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Closed stdio would give its numbers to our own fds. */
static void open_stdio(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (open("/dev/null", O_RDWR) < 0 && open("/", O_RDONLY | O_DIRECTORY) < 0)
			return;
	}
}

static void block_signals(struct init *init)
{
	uint64_t all = ~0ull;

	init->ignored = signal_ignored();
	signal_mask_set(&all, &init->kernel_mask);
	/* An ignored SIGCHLD would have the kernel reap our children behind our back. */
	signal(SIGCHLD, SIG_DFL);
}

static void raise_nofile(struct init *init)
{
	struct rlimit raised;

	if (getrlimit(RLIMIT_NOFILE, &init->nofile) < 0)
		return;
	init->nofile_found = init->nofile.rlim_cur;
	raised = init->nofile;
	raised.rlim_cur = raised.rlim_max;
	setrlimit(RLIMIT_NOFILE, &raised);
	if (raised.rlim_max < 65536) {
		raised.rlim_cur = raised.rlim_max = 65536;
		setrlimit(RLIMIT_NOFILE, &raised);
	}
	/* A socket pair, a fork and what a child opens must always be possible. */
	if (getrlimit(RLIMIT_NOFILE, &raised) == 0 && raised.rlim_cur > 64 &&
	    raised.rlim_cur < INT32_MAX)
		init->keep.fd_limit = (int)raised.rlim_cur - 32;
	/* Services get the original hard limit, and all of it: a soft limit of 1024 makes builds
	 * fail. */
	init->nofile.rlim_cur = init->nofile.rlim_max;
}

static int memfd(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)size) < 0) {
		close(fd);
		return -1;
	}
	/* The supervisor maps it: it must never shrink under anybody. */
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	return fd;
}

static int make_board(struct init *init, uint64_t started_ns)
{
	struct board *board;

	init->board_fd = memfd("hakim-board", sizeof(struct board));
	init->state_fd = memfd("hakim-state", STATE_BYTES);
	init->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	init->watch_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (init->board_fd < 0 || init->state_fd < 0 || init->wake_fd < 0 || init->watch_fd < 0)
		return -errno;
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, init->board_fd, 0);
	if (board == MAP_FAILED)
		return -errno;
	board->magic = BOARD_MAGIC;
	board->version = BOARD_VERSION;
	board->slots = BOARD_SLOTS;
	board->boot_ns = started_ns;
	board->boot_realtime_ns = realtime_ns();
	board->init_pid = getpid();
	board->place = init->place;
	board->quiet = init->console.quiet;
	board->nofile_soft = init->nofile.rlim_cur;
	board->nofile_hard = init->nofile.rlim_max;
	init->board = board;
	init->console.dropped = &board->console_dropped;
	return 0;
}

static int make_loop(struct init *init)
{
	uint64_t all = ~0ull;
	struct epoll_event e = {.events = EPOLLIN};

	/* The raw call: a sigset_t of the C library may leave out real-time signals. */
	init->signal_fd =
		(int)syscall(SYS_signalfd4, -1, &all, sizeof(all), SFD_CLOEXEC | SFD_NONBLOCK);
	init->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	init->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (init->signal_fd < 0 || init->timer_fd < 0 || init->epoll_fd < 0)
		return -errno;
	e.data.u32 = SOURCE_SIGNAL;
	if (epoll_ctl(init->epoll_fd, EPOLL_CTL_ADD, init->signal_fd, &e) < 0)
		return -errno;
	e.data.u32 = SOURCE_TIMER;
	if (epoll_ctl(init->epoll_fd, EPOLL_CTL_ADD, init->timer_fd, &e) < 0)
		return -errno;
	e.data.u32 = SOURCE_WATCH;
	init->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	init->keep.epoll_fd = init->epoll_fd;
	init->keep.drain_base = SOURCE_DRAIN_BASE;
	return epoll_ctl(init->epoll_fd, EPOLL_CTL_ADD, init->watch_fd, &e) < 0 ? -errno : 0;
}

static void take_signal(struct init *init, unsigned sig, bool *reap)
{
	switch (sig) {
	case SIGCHLD:
		*reap = true;
		return;
	case SIGTERM:
	case SIGPWR:
	case 37: /* SIGRTMIN+3 of glibc: LXC's and systemd's "halt"; musl's SIGRTMIN is 35 */
		end_event(init, STOP_EVENT_REQUEST);
		return;
	case SIGHUP:
		/* Some packages' scripts send it to PID 1: never die of it. */
		board_or(&init->board->request, REQUEST_RELOAD);
		supervise_wake(init);
		return;
	case SIGINT:
		if (!init->interactive) {
			end_event(init, STOP_EVENT_REQUEST);
			return;
		}
		break;
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGCONT:
	case SIGPIPE:
	case SIGALRM:
		return;
	default:
		break;
	}
	/* What is not ours is the program's: SIGUSR1, SIGWINCH, … */
	if (init->program_pid)
		kill(init->program_pid, (int)sig);
}

static void take_signals(struct init *init, bool *reap)
{
	struct signalfd_siginfo info[8];
	ssize_t n;

	while ((n = read(init->signal_fd, info, sizeof(info))) > 0)
		for (size_t i = 0; i < (size_t)n / sizeof(info[0]); i++)
			take_signal(init, info[i].ssi_signo, reap);
}

/* One timer for all deadlines of our own: the next start of the supervisor, the end of a stop's
 * phase. */
static void arm_timer(struct init *init)
{
	uint64_t at = end_next_ns(init);
	struct itimerspec when = {.it_interval = {0, 0}};

	if (init->phase <= STOP_ORDERED && init->supervisor_at_ns &&
	    (!at || init->supervisor_at_ns < at))
		at = init->supervisor_at_ns;
	if (init->gone_by_ns && (!at || init->gone_by_ns < at))
		at = init->gone_by_ns;
	if (at == init->timer_at_ns)
		return;
	init->timer_at_ns = at;
	when.it_value.tv_sec = (time_t)(at / 1000000000u);
	when.it_value.tv_nsec = (long)(at % 1000000000u);
	timerfd_settime(init->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void take_event(struct init *init, uint32_t source, bool *reap)
{
	uint64_t times;

	switch (source) {
	case SOURCE_SIGNAL:
		take_signals(init, reap);
		break;
	case SOURCE_KEEPER:
		if (supervise_serve(init))
			end_event(init, STOP_EVENT_REQUEST);
		break;
	case SOURCE_WATCH:
		supervise_watch(init);
		break;
	case SOURCE_TIMER:
		if (read(init->timer_fd, &times, sizeof(times)) > 0)
			init->timer_at_ns = 0;
		break;
	default:
		supervise_drain(init, source - SOURCE_DRAIN_BASE);
	}
}

static void run(struct init *init)
{
	bool reap = true;

	while (init->phase != STOP_DONE) {
		struct epoll_event events[16];
		int n;

		arm_timer(init);
		n = epoll_wait(init->epoll_fd, events, 16, reap ? 0 : -1);
		for (int i = 0; i < n; i++)
			take_event(init, events[i].data.u32, &reap);
		if (reap)
			reap = reap_all(init);
		if (init->supervisor_at_ns && now_ns() >= init->supervisor_at_ns &&
		    init->phase <= STOP_ORDERED)
			supervise_start(init);
		if (init->gone_by_ns && now_ns() >= init->gone_by_ns)
			supervise_gone(init);
		end_check(init);
	}
}

int main(int argc, char **argv)
{
	struct init *init = &init_context;
	uint64_t started = now_ns();
	/* Without a kernel that can do more, a container without a program stays up all the same.
	 */
	char *nothing[] = {NULL, (char *)"sleep", (char *)"infinity", NULL};
	struct options options;
	int r;

	r = options_parse(argc, argv, &options);
	if (r != 0)
		return r < 0 ? 0 : r;
	if (options.quirks)
		return quirk_main(options.fix);
	if (options.plain)
		return plain_main(&options);
	open_stdio();
	if (getpid() != 1 && second_found())
		return second_main(&options);

	init->keeper_fd = -1;
	block_signals(init);
	raise_nofile(init);
	console_open(&init->console);
	environment_sort(&init->env, environ);
	init->is_pid1 = getpid() == 1;
	init->place = place_by_environment(init->env.container, init->env.kubernetes);
	init->supervisor_path =
		init->env.supervisor ? init->env.supervisor : HAKIM_LIBDIR "/hakim-supervisor";
	if (!init->is_pid1)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	program_prepare(init, options.command);

	r = make_board(init, started);
	if (r == 0)
		r = make_loop(init);
	if (r < 0) {
		/* Without memfd or epoll there is no supervisor; the program that we were given
		 * runs all the same. */
		note_add_errno(init, "no supervisor: the kernel refuses memfd, eventfd or epoll",
			       -r);
		if (!options.command)
			options.command = nothing + 1;
		signal_mask_set(&init->kernel_mask, NULL);
		if (init->ignored & 1ull << (SIGCHLD - 1))
			signal(SIGCHLD, SIG_IGN);
		setrlimit(RLIMIT_NOFILE, &init->nofile);
		environ = init->env.vars;
		return plain_main(&options);
	}
	if (init->env.problem)
		note_add(init, init->env.problem);
	setup_run(init);
	init->stop_limit_ns =
		end_limit_ns(init->env.stop_timeout, place_stop_limit_ns(init->place));
	init->board->setup_done_ns = now_ns();
	supervise_start(init);
	program_start(init);
	run(init);
	console_say(&init->console, "stopped", NULL, NULL);
	return init->exit_status;
}
