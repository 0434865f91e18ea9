#include "modules/coder-agent/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "modules/coder-agent/clock.h"

#define POLL_MS 20

/* Never returns. The errno of a failed execve goes through `fail`, which a successful one closes.
 */
static void __attribute__((noreturn)) child(const struct run *run, pid_t parent, int out, int fail)
{
	struct rlimit no_core = {0, 0};
	int null, error;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	setrlimit(RLIMIT_CORE, &no_core);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0 && dup2(null, 0) >= 0 && dup2(out, 1) >= 0 && dup2(null, 2) >= 0 &&
	    (fail == 3 || dup3(fail, 3, O_CLOEXEC) >= 0)) {
		fail = 3;
		syscall(SYS_close_range, 4u, ~0u, 0u);
		execve(run->path, run->argv, run->envp);
	}
	error = errno;
	(void)!write(fail, &error, sizeof(error));
	_exit(127);
}

/* Reads what is there; returns false at the end of it. What does not fit is read and dropped. */
static bool drain(int fd, char *out, size_t size, size_t *len)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	if ((size_t)n > size - 1 - *len)
		n = (ssize_t)(size - 1 - *len);
	memcpy(out + *len, buf, (size_t)n);
	*len += (size_t)n;
	return true;
}

/* Waits for its end; returns 0, -ETIMEDOUT or -ECANCELED. The child is not reaped: its process
 * group stays its own. */
static int watch(const struct run *run, pid_t pid, int fd, char *out, size_t size, size_t *len)
{
	uint64_t deadline = clock_ms() + run->deadline_ms;
	bool open = true;

	for (;;) {
		struct pollfd p[2] = {{.fd = open ? fd : -1, .events = POLLIN},
				      {.fd = run->abort_fd, .events = POLLIN}};
		siginfo_t info = {0};

		poll(p, 2, POLL_MS);
		if (p[1].revents)
			return -ECANCELED;
		if (p[0].revents)
			open = drain(fd, out, size, len);
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    info.si_pid == pid)
			return 0;
		if (clock_ms() >= deadline)
			return -ETIMEDOUT;
	}
}

static int judge(const struct run *run, int status, int exec_errno, struct err *err)
{
	if (exec_errno)
		return err_sys(err, -exec_errno, "it cannot be executed");
	if (WIFSIGNALED(status))
		return err_set(err, -ECHILD, "it was killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, -ECHILD, "it exited with %d", WEXITSTATUS(status));
	return 0;
}

int run_bounded(const struct run *run, char *out, size_t size, struct err *err)
{
	_cleanup_close_ int out_read = -EBADF;
	_cleanup_close_ int fail_read = -EBADF;
	int pipes[2], exec_errno = 0, status = 0, r;
	_cleanup_close_ int out_write = -EBADF;
	_cleanup_close_ int fail_write = -EBADF;
	pid_t parent = getpid(), pid;
	size_t len = 0;

	*out = '\0';
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, -errno, "no pipe can be made");
	out_read = pipes[0];
	out_write = pipes[1];
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(err, -errno, "no pipe can be made");
	fail_read = pipes[0];
	fail_write = pipes[1];
	/* Only our end shall never block. */
	fcntl(out_write, F_SETFL, O_WRONLY);
	pid = fork();
	if (pid < 0)
		return err_sys(err, -errno, "no process can be made");
	if (pid == 0)
		child(run, parent, out_write, fail_write);
	close(steal_fd(&out_write));
	close(steal_fd(&fail_write));
	/* Ends when the program is executed or has failed to be. */
	if (read(fail_read, &exec_errno, sizeof(exec_errno)) != (ssize_t)sizeof(exec_errno))
		exec_errno = 0;
	r = watch(run, pid, out_read, out, size, &len);
	/* It, and what it has left in its process group; the pid cannot be another's before it is
	 * reaped. */
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	for (size_t before = len + 1; before != len && drain(out_read, out, size, &len);)
		before = len;
	out[len] = '\0';
	if (r == -ECANCELED)
		return err_set(err, r, "it was not waited for");
	if (r == -ETIMEDOUT)
		return err_set(err, r, "it did not end within %u s", run->deadline_ms / 1000);
	return judge(run, status, exec_errno, err);
}
