#include "image/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "common/cleanup.h"
#include "image/clock.h"

#define TICK_MS  100
#define GRACE_MS 5000

struct stream {
	int fd;
	char *buf;
	size_t len, cap, told; /* `told`: up to here lines were given away */
	bool cut;
};

struct run {
	const struct child *child;
	struct stream out, errors;
	pid_t pid;
};

void child_result_free(struct child_result *result)
{
	free(result->out);
	free(result->errors);
	*result = (struct child_result){0};
}

static void stream_free(struct stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream->buf);
}

static void run_free(struct run *run)
{
	stream_free(&run->out);
	stream_free(&run->errors);
}

static int stream_add(struct stream *stream, const char *bytes, size_t n, size_t max)
{
	if (n > max - stream->len) {
		n = max - stream->len;
		stream->cut = true;
	}
	if (stream->len + n + 1 > stream->cap) {
		size_t cap = 2 * (stream->len + n + 1);
		char *grown = realloc(stream->buf, cap);

		if (!grown)
			return -ENOMEM;
		stream->buf = grown;
		stream->cap = cap;
	}
	memcpy(stream->buf + stream->len, bytes, n);
	stream->len += n;
	stream->buf[stream->len] = '\0';
	return 0;
}

/* Gives whole lines away; at the end also one without an end. */
static void tell_lines(struct run *run, bool end)
{
	struct stream *out = &run->out;

	while (run->child->line && out->told < out->len) {
		char *from = out->buf + out->told;
		char *stop = memchr(from, '\n', out->len - out->told);

		if (!stop && !end)
			return;
		out->told = stop ? (size_t)(stop + 1 - out->buf) : out->len;
		if (stop)
			*stop = '\0';
		run->child->line(run->child->arg, from);
		if (stop)
			*stop = '\n';
	}
}

/* 1: something came. 0: nothing. The stream is closed at its end. */
static int stream_read(struct run *run, struct stream *stream)
{
	char bytes[4096];
	ssize_t n;

	if (stream->fd < 0)
		return 0;
	n = read(stream->fd, bytes, sizeof(bytes));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0) {
		close(stream->fd);
		stream->fd = -EBADF;
		return 0;
	}
	return stream_add(stream, bytes, (size_t)n, run->child->max) < 0 ? -ENOMEM : 1;
}

static int follow(struct run *run, struct err *err)
{
	const struct child *child = run->child;
	long long heard = clock_ms();

	while (run->out.fd >= 0 || run->errors.fd >= 0) {
		struct pollfd fds[] = {{.fd = run->out.fd, .events = POLLIN},
				       {.fd = run->errors.fd, .events = POLLIN}};
		int a, b;

		(void)poll(fds, 2, TICK_MS);
		a = stream_read(run, &run->out);
		b = stream_read(run, &run->errors);
		if (a < 0 || b < 0)
			return err_sys(err, a < 0 ? a : b, "cannot read what %s says",
				       child->argv[0]);
		if (a || b)
			heard = clock_ms();
		tell_lines(run, false);
		if (child->cancelled && child->cancelled(child->cancelled_arg))
			return err_set(err, -ECANCELED, "%s was interrupted", child->argv[0]);
		if (clock_ms() - heard > (long long)child->silence * 1000)
			return err_set(err, -ETIMEDOUT,
				       "%s has said nothing for %u seconds, and was killed",
				       child->argv[0], child->silence);
	}
	tell_lines(run, true);
	return 0;
}

static int start(struct run *run, struct err *err)
{
	int out[2] = {-1, -1}, errors[2] = {-1, -1};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r;

	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, -errno, "cannot make a pipe");
	run->out.fd = out[0];
	if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0) {
		close(out[1]);
		return err_sys(err, -errno, "cannot make a pipe");
	}
	run->errors.fd = errors[0];
	/* The child's ends block, as programs expect. */
	fcntl(out[1], F_SETFL, 0);
	fcntl(errors[1], F_SETFL, 0);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_adddup2(&actions, errors[1], 2);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	r = posix_spawnp(&run->pid, run->child->argv[0], &actions, &attr,
			 (char *const *)run->child->argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	close(out[1]);
	close(errors[1]);
	if (r == ENOENT)
		return err_set(err, -ENOENT, "there is no program %s here", run->child->argv[0]);
	return r ? err_sys(err, -r, "cannot run %s", run->child->argv[0]) : 0;
}

static bool is_over(const struct run *run)
{
	siginfo_t info = {0};

	/* It stays a zombie: its number is no other's while signals are sent to it. */
	return waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == run->pid;
}

/* The worker of a task has a session of its own: pvesh passes a SIGTERM on to it (pve-common,
 * RESTEnvironment.pm), and by a SIGKILL it would be left running. */
static void end(struct run *run)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
	long long until = clock_ms() + GRACE_MS;

	kill(-run->pid, SIGTERM);
	while (!is_over(run) && clock_ms() < until) {
		/* What it still says is read, or it might wait for us. */
		int a = stream_read(run, &run->out), b = stream_read(run, &run->errors);

		if (a <= 0 && b <= 0)
			nanosleep(&tick, NULL);
	}
	kill(-run->pid, SIGKILL);
}

static char *text_of(struct stream *stream)
{
	return stream->buf ? steal_ptr(&stream->buf) : strdup("");
}

int child_run(const struct child *child, struct child_result *result, struct err *err)
{
	_cleanup_(run_free) struct run run = {
		.child = child, .out.fd = -EBADF, .errors.fd = -EBADF};
	int status = 0, r = start(&run, err);

	*result = (struct child_result){0};
	if (r < 0)
		return r;
	r = follow(&run, err);
	if (r < 0)
		end(&run);
	while (waitpid(run.pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, -errno, "cannot wait for %s", child->argv[0]);
	if (r < 0)
		return r;
	result->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	result->out_len = run.out.len;
	result->cut = run.out.cut || run.errors.cut;
	result->out = text_of(&run.out);
	result->errors = text_of(&run.errors);
	if (result->out && result->errors)
		return 0;
	child_result_free(result);
	return err_set(err, -ENOMEM, "out of memory");
}
