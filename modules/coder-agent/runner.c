#include "modules/coder-agent/runner.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "modules/coder-agent/run.h"

#define DEADLINE_MS 10000
#define OUTPUT_MAX  16384

struct answer_packet {
	int result;
	char version[RUNNER_VERSION_MAX];
	char text[ERR_TEXT_MAX];
};

int runner_judge(const char *output, char version[RUNNER_VERSION_MAX], struct err *err)
{
	size_t len = strcspn(output, "\r\n");

	if (len > RUNNER_VERSION_MAX - 1)
		len = RUNNER_VERSION_MAX - 1;
	for (size_t i = 0; i < len; i++)
		version[i] = (char)((unsigned char)output[i] < 0x20 ? ' ' : output[i]);
	version[len] = '\0';
	if (strstr(version, "Coder"))
		return 0;
	return err_set(err, -ENOEXEC, "its --version does not say Coder: it is another program");
}

static void check(const char *path, int abort_fd, struct answer_packet *answer)
{
	static char home[PATH_MAX], search[PATH_MAX];
	char *argv[] = {"coder", "--version", NULL};
	char *envp[] = {search, home, NULL};
	struct run run = {.path = path,
			  .argv = argv,
			  .envp = envp,
			  .deadline_ms = DEADLINE_MS,
			  .abort_fd = abort_fd};
	char output[OUTPUT_MAX];
	struct err err = {0};

	snprintf(search, sizeof(search), "PATH=%s",
		 getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin");
	snprintf(home, sizeof(home), "HOME=%s", getenv("HOME") ?: "/");
	answer->result = run_bounded(&run, output, sizeof(output), &err);
	if (answer->result == 0)
		answer->result = runner_judge(output, answer->version, &err);
	/* A program of another libc or machine: execve says so, and that does not pass. */
	else if (answer->result == -ECHILD)
		err_prefix(&err, "its --version fails");
	else
		err_prefix(&err, "its --version cannot be asked");
	if (answer->result == -EACCES)
		err_set(&err, -EACCES,
			"its --version cannot be asked: permission denied (is the directory "
			"mounted noexec?)");
	memcpy(answer->text, err.text, sizeof(answer->text));
}

static void __attribute__((noreturn)) serve(int fd)
{
	for (;;) {
		struct answer_packet answer = {0};
		char path[PATH_MAX];
		ssize_t n = recv(fd, path, sizeof(path) - 1, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		path[n] = '\0';
		check(path, fd, &answer);
		if (answer.result == -ECANCELED ||
		    send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			_exit(0);
	}
}

int runner_start(struct runner *runner, struct err *err)
{
	int fds[2];

	*runner = (struct runner){.fd = -1, .pid = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_sys(err, -errno, "no socket can be made");
	runner->pid = fork();
	if (runner->pid == 0) {
		close(fds[0]);
		serve(fds[1]);
	}
	close(fds[1]);
	if (runner->pid < 0) {
		close(fds[0]);
		return err_sys(err, -errno, "no process can be made");
	}
	runner->fd = fds[0];
	return 0;
}

int runner_version(struct runner *runner, const char *path, char version[RUNNER_VERSION_MAX],
		   struct err *err)
{
	struct pollfd p = {.fd = runner->fd, .events = POLLIN};
	struct answer_packet answer = {0};

	if (send(runner->fd, path, strlen(path), MSG_NOSIGNAL) < 0)
		return err_sys(err, -errno, "its --version cannot be asked");
	/* The runner has the deadline; this one is for a runner that hangs. */
	if (poll(&p, 1, DEADLINE_MS * 2) <= 0)
		return err_set(err, -ETIMEDOUT, "its --version cannot be asked: no answer");
	if (recv(runner->fd, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer))
		return err_set(err, -EPIPE,
			       "its --version cannot be asked: the process for it is gone");
	memcpy(version, answer.version, RUNNER_VERSION_MAX);
	return answer.result == 0 ? 0 : err_set(err, answer.result, "%s", answer.text);
}

void runner_stop(struct runner *runner)
{
	if (runner->fd >= 0)
		close(runner->fd);
	if (runner->pid > 0)
		waitpid(runner->pid, NULL, 0);
	*runner = (struct runner){.fd = -1, .pid = -1};
}
