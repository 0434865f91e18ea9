#include "modules/coder-agent/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "modules/coder-agent/clock.h"

#define SECRETS_MAX     65536u
#define SECRETS_WAIT_MS 5000

static int secret_fd(struct err *err)
{
	const char *text = getenv("HAKIM_SECRET_FD");
	char *end = NULL;
	long fd;

	if (!text || !*text)
		return -1;
	fd = strtol(text, &end, 10);
	if (*end || fd < 3 || fd > 65535 || fcntl((int)fd, F_GETFD) < 0)
		return err_set(err, -EBADF, "HAKIM_SECRET_FD names no open file descriptor");
	return (int)fd;
}

int secrets_read(struct secrets *secrets, struct err *err)
{
	uint64_t deadline = clock_ms() + SECRETS_WAIT_MS;
	_cleanup_close_ int fd = secret_fd(err);

	if (fd == -1)
		return 0;
	if (fd < 0)
		return fd;
	unsetenv("HAKIM_SECRET_FD");
	/* One byte more than is read: the last value has its NUL in any case. */
	secrets->buf = calloc(1, SECRETS_MAX + 1);
	if (!secrets->buf)
		return err_sys(err, -ENOMEM, "the secrets cannot be read");
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = clock_ms();
		ssize_t n;

		if (now >= deadline)
			return err_set(err, -ETIMEDOUT, "the pipe with the secrets does not end");
		if (poll(&p, 1, (int)(deadline - now)) <= 0)
			continue;
		n = read(fd, secrets->buf + secrets->len, SECRETS_MAX - secrets->len);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return err_sys(err, -errno, "the pipe with the secrets cannot be read");
		if (n == 0)
			break;
		if (n > 0)
			secrets->len += (size_t)n;
		if (secrets->len == SECRETS_MAX)
			return err_set(err, -E2BIG, "the pipe with the secrets holds too much");
	}
	return 0;
}

const char *secrets_get(const struct secrets *secrets, const char *name)
{
	size_t len = strlen(name), at = 0;
	const char *value;

	while (at < secrets->len) {
		const char *entry = secrets->buf + at;

		if (strncmp(entry, name, len) == 0 && entry[len] == '=' && entry[len + 1])
			return entry + len + 1;
		at += strlen(entry) + 1;
	}
	value = getenv(name);
	return value && *value ? value : NULL;
}

void secrets_free(struct secrets *secrets)
{
	if (secrets->buf)
		explicit_bzero(secrets->buf, SECRETS_MAX);
	free(secrets->buf);
	*secrets = (struct secrets){0};
}
