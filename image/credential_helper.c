/*
 * credential_helper.c - `docker-credential-NAME get`: the registry on its stdin, JSON on its
 * stdout. https://github.com/docker/docker-credential-helpers: a helper that has nothing exits 1
 * and says "credentials not found in native keychain".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "common/cleanup.h"
#include "image/clock.h"
#include "image/credential.h"
#include "image/document.h"

#define ANSWER_MAX 65536
#define SECONDS    30

static int start(const char *program, int in, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	char *const argv[] = {(char *)program, (char *)"get", NULL};
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	r = posix_spawnp(pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* All that it prints until it closes its stdout. Negative errno. */
static ssize_t read_answer(int fd, char *answer)
{
	long long deadline = clock_ms() + SECONDS * 1000LL;
	size_t len = 0;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		long long left = deadline - clock_ms();
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return -ETIMEDOUT;
		n = read(fd, answer + len, ANSWER_MAX - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : (ssize_t)len;
		len += (size_t)n;
		if (len == ANSWER_MAX)
			return -EMSGSIZE;
	}
}

static int read_json(const char *program, const char *answer, size_t len,
		     struct credential *credential, struct err *err)
{
	_cleanup_(document_drop) json_t *object =
		json_loadb(answer, len, JSON_REJECT_DUPLICATES, NULL);
	const char *user = json_string_value(json_object_get(object, "Username"));
	const char *secret = json_string_value(json_object_get(object, "Secret"));

	if (!user || !secret)
		return err_set(err, -EINVAL, "%s gave no credentials that can be read", program);
	if (strcmp(user, "<token>") == 0) {
		credential->identity = strdup(secret);
		return credential->identity ? 1 : -ENOMEM;
	}
	credential->user = strdup(user);
	credential->password = strdup(secret);
	if (credential->user && credential->password)
		return 1;
	credential_free(credential);
	return err_set(err, -ENOMEM, "no memory for credentials");
}

static int end(pid_t pid, bool kill_it)
{
	int status = 0;

	if (kill_it)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int ask(const char *program, const char *registry, char *answer, ssize_t *len,
	       struct err *err)
{
	/* Docker Hub's credentials are kept under its oldest name. */
	const char *name =
		strcmp(registry, "docker.io") == 0 ? "https://index.docker.io/v1/" : registry;
	int in[2];
	int out[2];
	pid_t pid;
	int r;

	if (pipe2(in, O_CLOEXEC) < 0)
		return err_sys(err, -errno, "cannot ask %s", program);
	if (pipe2(out, O_CLOEXEC) < 0) {
		r = -errno;
		close(in[0]);
		close(in[1]);
		return err_sys(err, r, "cannot ask %s", program);
	}
	r = start(program, in[0], out[1], &pid);
	close(in[0]);
	close(out[1]);
	/* A name is shorter than a pipe, so this never blocks. SIGPIPE is the caller's: ignored. */
	if (r >= 0 && write(in[1], name, strlen(name)) < 0)
		r = 0;
	close(in[1]);
	if (r >= 0) {
		*len = read_answer(out[0], answer);
		r = end(pid, *len < 0);
		if (*len < 0)
			r = (int)*len;
	}
	close(out[0]);
	return r < 0 ? err_sys(err, r, "cannot ask %s", program) : r;
}

int credential_helper(const char *name, const char *registry, struct credential *credential,
		      struct err *err)
{
	_cleanup_free_ char *program = NULL;
	_cleanup_free_ char *answer = calloc(1, ANSWER_MAX);
	ssize_t len = 0;
	int r;

	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") !=
		    strlen(name) ||
	    strlen(name) > 64)
		return err_set(err, -EINVAL, "the name of a credential helper is no good");
	if (!answer || asprintf(&program, "docker-credential-%s", name) < 0)
		return err_set(err, -ENOMEM, "no memory for credentials");
	r = ask(program, registry, answer, &len, err);
	if (r == 0)
		r = read_json(program, answer, (size_t)len, credential, err);
	else if (r > 0 && strncmp(answer, "credentials not found", 21) == 0)
		r = 0;
	else if (r > 0)
		r = err_set(err, -EACCES, "%s failed with status %d", program, r);
	explicit_bzero(answer, ANSWER_MAX);
	return r;
}
