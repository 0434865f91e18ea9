/*
 * rpc.c - the stand-in agent's connection to the server: GET …/rpc as a WebSocket, which it holds
 * and of which it knows no more than ping, pong and close. What fails is tried again after 100 ms,
 * then twice as long, at most 10 s, for ever.
 */
#include "tests/stand-ins/agent/agent.h"
#include "common/cleanup.h"

#include <ctype.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 10000
#define ANSWER_MS      10000
#define SILENCE_MS     60000 /* the server pings every 15 s */
#define API_VERSION    "2.7"

/* The WebSocket opcodes that matter here (RFC 6455, 5.2). */
enum opcode {
	OP_CLOSE = 8,
	OP_PING = 9,
	OP_PONG = 10,
};

int rpc_init(struct rpc *r, const char *url, const char *token)
{
	static const struct {
		const char *scheme, *port;
	} schemes[] = {{"http://", ":80"}, {"https://", NULL}};
	const char *rest = NULL, *port = NULL;
	char address[sizeof(r->host) + 8];
	const char *bracket;
	size_t host, path;

	*r = (struct rpc){.fd = -EBADF, .token = token, .backoff_ms = BACKOFF_MIN_MS};
	for (size_t i = 0; i < ARRAY_LEN(schemes) && !rest; i++) {
		if (strncmp(url, schemes[i].scheme, strlen(schemes[i].scheme)) == 0) {
			rest = url + strlen(schemes[i].scheme);
			port = schemes[i].port;
		}
	}
	if (!rest)
		return -EINVAL;
	host = strcspn(rest, "/?#");
	path = strcspn(rest + host, "?#");
	while (path > 0 && rest[host + path - 1] == '/')
		path--;
	if (host == 0 || host >= sizeof(r->host) || path >= sizeof(r->path))
		return -EINVAL;
	memcpy(r->host, rest, host);
	memcpy(r->path, rest + host, path);
	if (!port)
		return 0; /* TLS: said at each attempt, as a server that cannot be reached is */
	bracket = strchr(r->host, ']');
	snprintf(address, sizeof(address), "%s%s", r->host,
		 strchr(bracket ? bracket : r->host, ':') ? "" : port);
	if (debug_parse_address(address, &r->addr, &r->addr_len) < 0)
		r->addr_len = 0;
	return 0;
}

void rpc_poll(const struct rpc *r, struct pollfd *p, int64_t *deadline_ms)
{
	*p = (struct pollfd){.fd = r->fd, .events = r->state == RPC_CONNECT ? POLLOUT : POLLIN};
	if (r->deadline_ms < *deadline_ms)
		*deadline_ms = r->deadline_ms;
}

static void rpc_fail(struct rpc *r, const char *why)
{
	agent_log("erro", "agent: run exited with error  error=\"%s\"  retry_ms=%lld", why,
		  (long long)r->backoff_ms);
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -EBADF;
	r->state = RPC_WAIT;
	r->len = 0;
	r->skip = 0;
	r->deadline_ms = agent_now_ms() + r->backoff_ms;
	r->backoff_ms = r->backoff_ms * 2 < BACKOFF_MAX_MS ? r->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void rpc_connect(struct rpc *r)
{
	for (const char *c = r->token; *c; c++) {
		if (iscntrl((unsigned char)*c)) {
			rpc_fail(r, "invalid header field value for \"Coder-Session-Token\"");
			return;
		}
	}
	if (r->addr_len == 0) {
		rpc_fail(r, "dial: the stand-in speaks http:// to an address or localhost only");
		return;
	}
	r->fd = socket(r->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->fd < 0 || (connect(r->fd, (struct sockaddr *)&r->addr, r->addr_len) < 0 &&
			  errno != EINPROGRESS)) {
		rpc_fail(r, strerror(errno));
		return;
	}
	r->state = RPC_CONNECT;
	r->deadline_ms = agent_now_ms() + ANSWER_MS;
}

/* 16 random bytes, as base64. Nobody here checks the answer to it. */
static void rpc_key(char key[25])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char raw[21] = {0};

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		memset(raw, 7, sizeof(raw));
	for (int i = 0; i < 21; i++)
		key[i] = digits[raw[i] & 63];
	memcpy(key + 21, "A==", 4); /* of the 22nd digit only two bits count */
}

static void rpc_ask(struct rpc *r)
{
	const char *version = getenv("HAKIM_STANDIN_API_VERSION");
	char request[8192], key[25];
	int code = 0, n;
	socklen_t len = sizeof(code);

	getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &code, &len);
	if (code != 0) {
		rpc_fail(r, strerror(code));
		return;
	}
	rpc_key(key);
	n = snprintf(request, sizeof(request),
		     "GET %s/api/v2/workspaceagents/me/rpc?role=agent&version=%s HTTP/1.1\r\n"
		     "Host: %s\r\nUser-Agent: Go-http-client/1.1\r\nConnection: Upgrade\r\n"
		     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
		     "Sec-WebSocket-Key: %s\r\nCoder-Session-Token: %s\r\n\r\n",
		     r->path, version ? version : API_VERSION, r->host, key, r->token);
	if (n >= (int)sizeof(request) || send(r->fd, request, (size_t)n, MSG_NOSIGNAL) != n) {
		rpc_fail(r, "the request could not be sent");
		return;
	}
	r->state = RPC_HEAD;
	r->deadline_ms = agent_now_ms() + ANSWER_MS;
}

static void rpc_consume(struct rpc *r, size_t n)
{
	memmove(r->buf, r->buf + n, r->len - n);
	r->len -= n;
}

/* A refusal: its status and the "message" of its JSON body, once the body is there or the server is
 * gone (`end`). */
static void rpc_refused(struct rpc *r, int status, const char *body, bool end)
{
	const char *length = strcasestr(r->buf, "\r\nContent-Length:");
	const char *message = strstr(body, "\"message\":");
	size_t want = length && length < body ? strtoul(length + 17, NULL, 10) : 0;
	char why[512];

	if (!end && r->len < sizeof(r->buf) - 1 && (size_t)(r->buf + r->len - body) < want)
		return;
	message = message ? message + 10 + strspn(message + 10, " \"") : NULL;
	snprintf(why, sizeof(why), "unexpected status code %d: %.*s", status,
		 message ? (int)strcspn(message, "\"\r\n") : 0, message ? message : "");
	rpc_fail(r, why);
}

/* Looks for the answer's end. Returns true when there is a frame to look for behind it. */
static bool rpc_head(struct rpc *r, struct agent *a, bool end)
{
	char *body;
	int status;

	r->buf[r->len] = '\0';
	body = strstr(r->buf, "\r\n\r\n");
	if (!body) {
		if (end || r->len == sizeof(r->buf) - 1)
			rpc_fail(r, "the server's answer is none");
		return false;
	}
	status = strncmp(r->buf, "HTTP/1.1 ", 9) == 0 ? (int)strtol(r->buf + 9, NULL, 10) : 0;
	if (status != 101) {
		rpc_refused(r, status, body + 4, end);
		return false;
	}
	rpc_consume(r, (size_t)(body + 4 - r->buf));
	r->state = RPC_OPEN;
	r->backoff_ms = BACKOFF_MIN_MS;
	agent_connected(a);
	return true;
}

/* Answers with a frame of a client: masked, with the mask 0. A pong that does not fit is a
 * connection that is stuck. */
static bool rpc_pong(const struct rpc *r, const char *payload, size_t len)
{
	char frame[6 + 125] = {(char)(0x80 | OP_PONG), (char)(0x80 | len)};

	memcpy(frame + 6, payload, len);
	return send(r->fd, frame, 6 + len, MSG_NOSIGNAL) == (ssize_t)(6 + len);
}

/* Uses up all whole frames. Returns NULL, or why the connection is over. */
static const char *rpc_frames(struct rpc *r)
{
	for (;;) {
		const unsigned char *b = (const unsigned char *)r->buf;
		size_t head = 2, now = r->skip < r->len ? (size_t)r->skip : r->len;
		uint64_t len;

		rpc_consume(r, now);
		r->skip -= now;
		if (r->skip > 0 || r->len < 2)
			return NULL;
		len = b[1] & 127;
		if (b[1] & 128)
			return "the server masked a frame";
		if (len >= 126) {
			head += len == 126 ? 2 : 8;
			if (r->len < head)
				return NULL;
			len = 0;
			for (size_t i = 2; i < head; i++)
				len = len << 8 | b[i];
		} else if ((b[0] & 15) >= OP_CLOSE) {
			if (r->len < head + len)
				return NULL;
			if ((b[0] & 15) == OP_CLOSE)
				return "the server closed the connection";
			if ((b[0] & 15) == OP_PING && !rpc_pong(r, r->buf + head, len))
				return "the pong could not be sent";
		}
		rpc_consume(r, head);
		r->skip = len;
	}
}

static void rpc_receive(struct rpc *r, struct agent *a)
{
	ssize_t n = recv(r->fd, r->buf + r->len, sizeof(r->buf) - 1 - r->len, 0);
	const char *why = NULL;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || (n == 0 && r->state == RPC_OPEN)) {
		rpc_fail(r, n < 0 ? strerror(errno) : "EOF");
		return;
	}
	r->len += (size_t)n;
	if (r->state == RPC_HEAD && !rpc_head(r, a, n == 0))
		return;
	r->deadline_ms = agent_now_ms() + SILENCE_MS;
	why = rpc_frames(r);
	if (why)
		rpc_fail(r, why);
}

void rpc_step(struct rpc *r, struct agent *a, short revents)
{
	if (revents && r->state == RPC_CONNECT)
		rpc_ask(r);
	else if (revents && r->fd >= 0)
		rpc_receive(r, a);
	else if (agent_now_ms() < r->deadline_ms)
		return;
	else if (r->state == RPC_WAIT)
		rpc_connect(r);
	else
		rpc_fail(r, "timeout");
}
