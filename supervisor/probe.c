#include "supervisor/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/probe_target.h"

#define BODY_MAX 16384 /* of an answer whose body is looked at; the rest is not read */

enum probe_state {
	STATE_CLOSED = 0,
	STATE_CONNECTING,
	STATE_SENDING,
	STATE_READING,
};

/* A Unix socket says only by refusing which kind it is not. */
static const int unix_types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

static enum probe_result tell(struct probe *p, enum probe_result result, const char *why)
{
	const char *text = p->target->text;
	bool cut = strlen(text) > TARGET_SHOWN;

	snprintf(p->text, sizeof(p->text), "%.*s%s: %s", TARGET_SHOWN, text, cut ? "..." : "", why);
	probe_close(p);
	return result;
}

static enum probe_result bad(struct probe *p, const char *why)
{
	return tell(p, PROBE_BAD, why);
}

/* One attempt. 0: it is connected or will be. */
static int connect_once(struct probe *p, const struct sockaddr *to, socklen_t len, int type)
{
	probe_close(p);
	p->fd = socket(to->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		return -errno;
	return connect(p->fd, to, len) == 0 || errno == EINPROGRESS ? 0 : -errno;
}

static int connect_unix(struct probe *p, const struct sockaddr *to, socklen_t len)
{
	size_t types = p->target->request ? 1 : ARRAY_LEN(unix_types);
	int r = -EPROTOTYPE;

	for (size_t i = 0; i < types && r == -EPROTOTYPE; i++)
		r = connect_once(p, to, len, unix_types[i]);
	return r;
}

/* Begins with the address p->address, or the first one after it with which one can begin. */
static enum probe_result try_connect(struct probe *p)
{
	const struct probe_target *t = p->target;
	int error = EADDRNOTAVAIL;

	for (; p->address < t->addresses; p->address++) {
		const struct sockaddr *to = (const struct sockaddr *)&t->address[p->address];
		socklen_t len = t->address_len[p->address];
		int r = to->sa_family == AF_UNIX ? connect_unix(p, to, len)
						 : connect_once(p, to, len, SOCK_STREAM);

		if (r < 0) {
			error = -r;
			continue;
		}
		p->sent = p->got = 0;
		p->state = t->request ? STATE_SENDING : STATE_CONNECTING;
		if (to->sa_family == AF_UNIX && !t->request)
			return tell(p, PROBE_OK, "connected");
		return PROBE_AGAIN;
	}
	/* A queue of clients that is full is the only reason for EAGAIN (unix(7)). */
	return bad(p, error == EAGAIN ? "its queue is full" : strerror(error));
}

/* The connection could not be made: "localhost" has another address. */
static enum probe_result connect_failed(struct probe *p, int error)
{
	if (p->address + 1 >= p->target->addresses)
		return bad(p, strerror(error));
	p->address++;
	return try_connect(p);
}

/*
 * A connection to an own port that nobody listens on can meet itself, when the kernel picks that
 * very port as the source (RFC 9293, 3.5, simultaneous open). It would hear its own question, and
 * hold the port that the service wants.
 */
static bool met_itself(const struct probe *p)
{
	struct sockaddr_storage here = {0}, there = {0};
	socklen_t here_len = sizeof(here), there_len = sizeof(there);

	return getsockname(p->fd, (struct sockaddr *)&here, &here_len) == 0 &&
	       getpeername(p->fd, (struct sockaddr *)&there, &there_len) == 0 &&
	       here.ss_family != AF_UNIX && here_len == there_len &&
	       memcmp(&here, &there, here_len) == 0;
}

static enum probe_result refuse_itself(struct probe *p)
{
	const struct linger at_once = {.l_onoff = 1};

	/* Reset, not closed: TIME_WAIT would keep the service from its port for a minute. */
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	return connect_failed(p, ECONNREFUSED);
}

static enum probe_result step_connecting(struct probe *p)
{
	struct sockaddr_storage there;
	socklen_t len = sizeof(there);
	int error = 0;
	socklen_t error_len = sizeof(error);

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0)
		error = errno;
	if (error)
		return connect_failed(p, error);
	if (getpeername(p->fd, (struct sockaddr *)&there, &len) < 0)
		return PROBE_AGAIN;
	return met_itself(p) ? refuse_itself(p) : tell(p, PROBE_OK, "connected");
}

static enum probe_result step_sending(struct probe *p)
{
	const struct probe_target *t = p->target;

	while (p->sent < t->request_len) {
		ssize_t n = send(p->fd, t->request + p->sent, t->request_len - p->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			p->sent += (unsigned)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN)
			return PROBE_AGAIN;
		return p->sent ? bad(p, strerror(errno)) : connect_failed(p, errno);
	}
	if (met_itself(p))
		return refuse_itself(p);
	p->state = STATE_READING;
	return PROBE_AGAIN;
}

static enum probe_result judge(struct probe *p, bool ended)
{
	int status;
	char why[40];

	switch (probe_answer_judge(p->target, p->bytes, p->got, ended, &status)) {
	case ANSWER_MORE:
		return ended ? bad(p, "closed without an answer") : PROBE_AGAIN;
	case ANSWER_NO_HTTP:
		return bad(p, "what answers is no HTTP server");
	case ANSWER_TOO_LONG:
		return bad(p, "the first line of the answer is too long");
	case ANSWER_BAD_BODY:
		snprintf(why, sizeof(why), "%d, but with another body", status);
		return bad(p, why);
	case ANSWER_BAD_STATUS:
		snprintf(why, sizeof(why), "%d", status);
		return bad(p, why);
	case ANSWER_GOOD:
		break;
	}
	snprintf(why, sizeof(why), "%d", status);
	return tell(p, PROBE_OK, why);
}

static enum probe_result step_reading(struct probe *p)
{
	size_t size = p->target->body ? BODY_MAX : sizeof(p->line);
	enum probe_result result = PROBE_AGAIN;

	if (!p->bytes)
		p->bytes = p->target->body ? p->body = malloc(BODY_MAX) : p->line;
	if (!p->bytes)
		return bad(p, strerror(ENOMEM));
	while (result == PROBE_AGAIN) {
		ssize_t n = recv(p->fd, p->bytes + p->got, size - p->got, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return PROBE_AGAIN;
		if (n < 0)
			return bad(p, strerror(errno));
		p->got += (unsigned)n;
		result = judge(p, n == 0 || p->got == size);
	}
	return result;
}

enum probe_result probe_start(struct probe *probe, const struct probe_target *target)
{
	*probe = (struct probe){.fd = -1, .target = target};
	return try_connect(probe);
}

enum probe_result probe_step(struct probe *probe)
{
	enum probe_result result = PROBE_BAD;

	if (probe->state == STATE_CONNECTING)
		return step_connecting(probe);
	if (probe->state == STATE_SENDING)
		result = step_sending(probe);
	/* The answer is never there yet; but a step too many costs less than one too few. */
	if (probe->state == STATE_READING)
		result = step_reading(probe);
	return result;
}

uint32_t probe_events(const struct probe *probe)
{
	return probe->state == STATE_READING ? EPOLLIN : EPOLLOUT;
}

void probe_close(struct probe *probe)
{
	if (probe->fd >= 0)
		close(probe->fd);
	free(probe->body);
	probe->body = probe->bytes = NULL;
	probe->fd = -1;
	probe->state = STATE_CLOSED;
}
