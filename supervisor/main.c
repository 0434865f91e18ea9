/*
 * hakim-supervisor: all policy. PID 1 starts it with the fds of common/board.h and starts it again
 * when it dies; it may die at any instruction. What happens is what main() lists.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/control.h"
#include "supervisor/connections.h"
#include "supervisor/manager.h"
#include "supervisor/trim.h"
#include "supervisor/sockets.h"
#include "supervisor/user_access.h"

/* The one context. */
static struct manager manager;

static int map_board(struct manager *m, struct err *err)
{
	struct stat st;

	if (fstat(BOARD_FD_BOARD, &st) < 0 || (size_t)st.st_size < sizeof(struct board))
		return err_set(err, -EINVAL,
			       "hakim-supervisor is started by hakim-init only: there is no board "
			       "on fd %d",
			       BOARD_FD_BOARD);
	m->board = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED,
			BOARD_FD_BOARD, 0);
	if (m->board == MAP_FAILED)
		return err_sys(err, -errno, "the board cannot be mapped");
	if (m->board->magic != BOARD_MAGIC || m->board->version != BOARD_VERSION ||
	    m->board->slots != BOARD_SLOTS)
		return err_set(
			err, -EPROTO,
			"the running hakim-init speaks another version of the board (%u, here %u)",
			m->board->version, BOARD_VERSION);
	for (int fd = BOARD_FD_KEEPER; fd < BOARD_FD_END; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	m->keeper.fd = BOARD_FD_KEEPER;
	return 0;
}

/* The console, as a description of our own that never blocks; as in PID 1. */
static void open_console(struct manager *m)
{
	struct stat st;

	m->console_fd = -1;
	/* When a program has the foreground, the output is the program's. */
	if (!m->board->quiet && fstat(2, &st) == 0 && !S_ISSOCK(st.st_mode))
		m->console_fd =
			open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool writable_dir(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return false;
	return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       access(dir, W_OK) == 0;
}

static void choose_dirs(struct manager *m)
{
	const char *given = getenv("HAKIM_RUNTIME_DIR");
	const char *log = getenv("HAKIM_LOG_DIR");

	snprintf(m->runtime_dir, sizeof(m->runtime_dir), "%s",
		 given && *given == '/' ? given : "/run/hakim");
	if (!writable_dir(m->runtime_dir))
		snprintf(m->runtime_dir, sizeof(m->runtime_dir), "/tmp/hakim-%u", geteuid());
	if (!writable_dir(m->runtime_dir))
		m->runtime_dir[0] = '\0';
	snprintf(m->log_dir, sizeof(m->log_dir), "%s", log && *log == '/' ? log : "/var/log/hakim");
	if (!writable_dir(m->log_dir) && m->runtime_dir[0])
		snprintf(m->log_dir, sizeof(m->log_dir), "%.90s/log", m->runtime_dir);
}

static int take_environment(struct manager *m, struct err *err)
{
	_cleanup_free_ char *secrets = NULL;
	size_t len = 0;
	int r = 0;

	for (char **e = environ; *e && r == 0; e++)
		r = strv_add(&m->env, *e);
	if (r == 0)
		r = keeper_secrets(&m->keeper, &secrets, &len, err);
	if (r < 0)
		return r;
	for (size_t at = 0; secrets && at < len && r == 0;
	     at += strnlen(secrets + at, len - at) + 1) {
		size_t entry = strnlen(secrets + at, len - at);
		const char *equals = memchr(secrets + at, '=', entry);

		/* An empty secret is as good as none. */
		if (!equals || equals == secrets + at + entry - 1)
			continue;
		r = strv_add_len(&m->secrets, secrets + at, entry);
		if (r == 0)
			r = strv_add_len(&m->secret_names, secrets + at,
					 (size_t)(equals - (secrets + at)));
	}
	if (secrets)
		explicit_bzero(secrets, len);
	return r < 0 ? err_sys(err, r, "the environment") : 0;
}

static void find_coder(struct manager *m)
{
	/* No such user: then only root may ask. */
	if (user_find(&m->coder, NULL) < 0)
		m->coder = (struct identity){0};
	/* Who is root has no need of units of an own scope. */
	m->paths.user = m->coder.home[0] && m->coder.uid != 0 ? &m->coder : NULL;
	/* Looking for units there would hang us, too; a service that needs it hangs alone. */
	if (board_load(&m->board->request) & REQUEST_NO_HOME)
		m->paths.user = NULL;
}

/* Our own log is a stream like the others, so that what we said is there after we are not. */
static void open_say(struct manager *m)
{
	struct journal_stream stream = {
		.name = SAY_NAME, .max_bytes = 2u << 20, .keep = 2, .taken_over = m->say_read >= 0};
	int fds[2] = {m->say_read, -1};
	char path[40];

	m->say_fd = -1;
	m->say_index = state_log_index(&m->state, SAY_NAME);
	if (m->say_index < 0)
		return;
	if (fds[0] < 0) {
		if (pipe2(fds, O_CLOEXEC) < 0)
			return;
		keeper_store(&m->keeper, "log:" SAY_NAME, fds[0], NULL);
		m->say_read = fds[0];
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	m->say_fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (fds[1] >= 0)
		close(fds[1]);
	stream.index = (unsigned)m->say_index;
	stream.fd = fds[0];
	journal_add(m->journal, &stream, NULL);
	/* What a library or the kernel's abort says of us goes there, too. */
	if (m->say_fd >= 0)
		dup2(m->say_fd, 2);
}

/*
 * For the logs of services. A program in the foreground has the console: on a terminal nothing but
 * HAKIM_LOG_FORWARD= brings them there, too.
 */
static int open_forward(const struct manager *m)
{
	const char *asked = getenv("HAKIM_LOG_FORWARD");
	struct stat st;

	if (m->console_fd >= 0)
		return m->console_fd;
	if (fstat(2, &st) < 0 || S_ISSOCK(st.st_mode) || (isatty(2) && !(asked && *asked)))
		return -1;
	return open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static int open_journal(struct manager *m, struct err *err)
{
	struct journal_config config = {
		.dir = m->log_dir,
		.cursors = state_cursors(&m->state),
		.console_fd = open_forward(m),
		.console_raw = m->board->quiet,
		.compressor = HAKIM_LIBDIR "/hakim-log-zstd",
		.wake_fd = ready_log_open(m, err),
		.group = m->coder.set ? m->coder.gid : (gid_t)-1,
	};

	if (config.wake_fd < 0)
		return config.wake_fd;
	return journal_start(&m->journal, &config, err);
}

static void wake_ready(void *owner, uint32_t events)
{
	struct manager *m = owner;
	struct itimerspec off = {.it_value = {0}};
	uint64_t count;

	/* Disarm first, then read: a wake-up that comes in between leaves the timer armed, never
	 * the other way round. */
	timerfd_settime(BOARD_FD_WATCH, 0, &off, NULL);
	if (read(BOARD_FD_WAKE, &count, sizeof(count)) < 0)
		return;
	manager_read_board(m);
}

static void keeper_gone(void *owner, uint32_t events)
{
	/* Only PID 1's end closes it, and then the container is over; or it has started another in
	 * our place. */
	_exit(1);
}

static int open_sources(struct manager *m, struct err *err)
{
	int r = loop_add(&m->loop, &m->wake_source, BOARD_FD_WAKE, EPOLLIN, wake_ready, m, err);

	return r < 0 ? r
		     : loop_add(&m->loop, &m->keeper_source, BOARD_FD_KEEPER, EPOLLRDHUP,
				keeper_gone, m, err);
}

static uint64_t next_timer(const struct manager *m)
{
	uint64_t service = manager_next_timer(m);
	uint64_t client = control_next_timer(m);

	return service && (!client || service < client) ? service : client;
}

static void run(struct manager *m)
{
	manager_read_board(m);
	for (;;) {
		/* The intent first: what is to start or stop is known to a successor before the
		 * first of it happens. */
		if (m->dirty)
			takeover_save(m);
		order_run(m);
		if (m->dirty)
			takeover_save(m);
		if (m->exit_now && !m->order_pending)
			return;
		sockets_watch(m);
		bus_update(m);
		connections_forget(m);
		if (m->order_pending)
			continue;
		if (m->trim) {
			m->trim = false;
			trim_memory();
		}
		loop_run_once(&m->loop, next_timer(m));
		service_timers_due(m);
		control_timers_due(m);
	}
}

/* Services get the container's own limits back; we need a handful of fds for each of them. */
static void raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < 65536) {
		limit.rlim_cur = limit.rlim_max = 65536;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int start(struct manager *m, struct err *err)
{
	bool taken_over;
	int r;

	apart_init(&m->apart, sizeof(struct service));
	m->say_fd = m->say_read = m->say_index = m->control_kept = m->console_fd = -1;
	raise_nofile();
	m->oom_default = limits_oom_default();
	r = map_board(m, err);
	if (r == 0)
		r = state_map(&m->state, BOARD_FD_STATE, err);
	if (r == 0)
		r = loop_open(&m->loop, err);
	if (r == 0)
		r = take_environment(m, err);
	if (r == 0)
		r = unit_paths_default(&m->paths);
	if (r < 0)
		return r;
	open_console(m);
	choose_dirs(m);
	find_coder(m);
	cgroups_open(&m->cgroups);
	r = manager_load_units(m, err);
	if (r == 0)
		r = open_journal(m, err);
	if (r == 0)
		r = open_sources(m, err);
	if (r < 0)
		return r;
	taken_over = takeover_restore(m);
	open_say(m);
	if (control_open(m, m->control_kept, err) < 0)
		say(m, "hakimctl cannot be used: %s", err->text);
	if (taken_over) {
		takeover_resume(m, board_load(&m->board->fresh_start));
		say(m, "a new supervisor (pid %d) has taken over", getpid());
		m->trim = true;
	} else {
		manager_say_notes(m);
		order_boot(m);
	}
	return keeper_tell(&m->keeper, KEEPER_READY, err);
}

int main(void)
{
	struct manager *m = &manager;
	struct err err = {0};

	signal(SIGPIPE, SIG_IGN);
	if (start(m, &err) < 0) {
		dprintf(2, "hakim-supervisor: %s\n", err.text);
		return 1;
	}
	run(m);
	journal_stop(m->journal, 1000);
	if (m->stopped_told)
		keeper_tell(&m->keeper, KEEPER_STOPPED, NULL);
	control_close(m);
	return 0;
}
