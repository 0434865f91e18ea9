/*
 * debug.c - the stand-in agent's listeners: /debug/ as the real one has it, /metrics, and
 * /_standin/, by which a test makes it crash, hang, exit, or run a command as a person's session.
 * Each connection is one request and its answer.
 */
#include "tests/stand-ins/agent/agent.h"
#include "common/cleanup.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define REQUEST_MS 5000

/* Tests look for this word in logs and states, where it must not be. */
#define FAKE_SECRET "hakim-stand-in-manifest-secret"

/* What happens once the answer is sent. */
enum then {
	THEN_GO_ON = 0,
	THEN_CRASH, /* SIGSEGV */
	THEN_HANG,  /* no answer to anything, SIGTERM neither */
	THEN_EXIT,
};

/* One request and its answer. */
struct exchange {
	struct agent *agent;
	char *query; /* behind the ?, else "" */
	int status;
	char text[1024];
	enum then then;
	int exit_status;
};

int debug_parse_address(const char *text, struct sockaddr_storage *addr, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	const char *colon = strrchr(text, ':');
	char host[64] = "", *end;
	unsigned long port;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	port = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || *end || port > 65535)
		return -EINVAL;
	memset(addr, 0, sizeof(*addr));
	if (host[0] == '[' && colon[-1] == ']') {
		host[strlen(host) - 1] = '\0';
		*len = sizeof(*in6);
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		return inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	*len = sizeof(*in);
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	if (strcmp(host, "localhost") == 0)
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (host[0])
		return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
	return 0;
}

static int debug_listen(const char *name, const char *address)
{
	struct sockaddr_storage addr;
	socklen_t len;
	uint16_t port;
	int one = 1;

	if (!*address)
		return -EBADF;
	if (debug_parse_address(address, &addr, &len) < 0) {
		agent_log("erro", "http server listen  name=%s  addr=%s  error=\"not an address\"",
			  name, address);
		return -EBADF;
	}
	_cleanup_close_ int fd =
		socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&addr, len) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0) {
		agent_log("erro", "http server listen  name=%s  addr=%s  error=\"%m\"", name,
			  address);
		return -EBADF;
	}
	port = ntohs(addr.ss_family == AF_INET ? ((struct sockaddr_in *)&addr)->sin_port
					       : ((struct sockaddr_in6 *)&addr)->sin6_port);
	agent_log("debg", "http server listening  name=%s  port=%u", name, port);
	return steal_fd(&fd);
}

void debug_init(struct debug *d, const char *debug_address, const char *metrics_address)
{
	d->listen_fd[0] = debug_listen("debug", debug_address);
	d->listen_fd[1] = debug_listen("prometheus", metrics_address);
	for (size_t i = 0; i < DEBUG_CLIENTS; i++)
		d->client[i].fd = -EBADF;
}

void debug_poll(const struct debug *d, struct pollfd p[DEBUG_FDS], int64_t *deadline_ms)
{
	bool full = true;

	for (size_t i = 0; i < DEBUG_CLIENTS; i++) {
		const struct debug_client *c = &d->client[i];

		p[2 + i] = (struct pollfd){.fd = c->fd, .events = POLLIN};
		full = full && c->fd >= 0;
		if (c->fd >= 0 && c->deadline_ms < *deadline_ms)
			*deadline_ms = c->deadline_ms;
	}
	for (size_t i = 0; i < 2; i++)
		p[i] = (struct pollfd){.fd = full ? -1 : d->listen_fd[i], .events = POLLIN};
}

/* Decodes %41 and + in place. */
static void debug_unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (*s == '%' && isxdigit((unsigned char)s[1]) && isxdigit((unsigned char)s[2])) {
			const char hex[3] = {s[1], s[2]};

			*out++ = (char)strtoul(hex, NULL, 16);
			s += 2;
		} else {
			*out++ = (char)(*s == '+' ? ' ' : *s);
		}
	}
	*out = '\0';
}

static void debug_manifest(struct exchange *x)
{
	x->status = x->agent->connected ? 200 : 500;
	snprintf(x->text, sizeof(x->text), "%s\n",
		 x->agent->connected ? "{\"workspace_name\":\"stand-in\",\"environment_variables\":"
				       "{\"SECRET\":\"" FAKE_SECRET "\"}}"
				     : "no manifest in-memory");
}

static void debug_magicsock(struct exchange *x)
{
	x->status = x->agent->connected ? 200 : 500;
	snprintf(x->text, sizeof(x->text), "%s\n",
		 x->agent->connected ? "<h1>magicsock</h1>" : "network is not ready yet");
}

static void debug_metrics(struct exchange *x)
{
	bool ended = x->agent->start_state == SCRIPT_OK || x->agent->start_state == SCRIPT_FAILED;

	snprintf(x->text, sizeof(x->text),
		 "# TYPE coderd_agentstats_currently_reachable_peers gauge\n");
	if (ended)
		snprintf(x->text, sizeof(x->text),
			 "# TYPE coderd_agentstats_startup_script_s gauge\n"
			 "coderd_agentstats_startup_script_s{success=\"%s\"} %lld.%03lld\n",
			 x->agent->start_state == SCRIPT_OK ? "true" : "false",
			 (long long)x->agent->start_took_ms / 1000,
			 (long long)x->agent->start_took_ms % 1000);
}

static void debug_crash(struct exchange *x)
{
	x->then = THEN_CRASH;
}

static void debug_hang(struct exchange *x)
{
	x->then = THEN_HANG;
}

static void debug_exit(struct exchange *x)
{
	x->then = THEN_EXIT;
	x->exit_status =
		strncmp(x->query, "code=", 5) == 0 ? (int)strtol(x->query + 5, NULL, 10) : 0;
}

static void debug_spawn(struct exchange *x)
{
	pid_t pid;

	if (strncmp(x->query, "cmd=", 4) != 0 || !x->query[4]) {
		x->status = 400;
		return;
	}
	debug_unescape(x->query + 4);
	pid = agent_spawn(x->agent, x->query + 4, true);
	if (pid < 0)
		x->status = 500;
	snprintf(x->text, sizeof(x->text), "%d\n", pid);
}

static const struct route {
	const char *path;
	void (*answer)(struct exchange *x);
	bool metrics; /* on which listener */
} routes[] = {
	{"/debug/manifest", debug_manifest, false}, {"/debug/magicsock", debug_magicsock, false},
	{"/metrics", debug_metrics, true},          {"/", debug_metrics, true},
	{"/_standin/crash", debug_crash, false},    {"/_standin/hang", debug_hang, false},
	{"/_standin/exit", debug_exit, false},      {"/_standin/spawn", debug_spawn, false},
};

static void debug_close(struct debug_client *c)
{
	close(c->fd);
	c->fd = -EBADF;
}

/* The answers are small: one that does not fit the socket's buffer at once goes to a client that
 * does not read. */
static void debug_send(const struct debug_client *c, const struct exchange *x)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {{200, "OK"},
		       {400, "Bad Request"},
		       {404, "Not Found"},
		       {405, "Method Not Allowed"},
		       {500, "Internal Server Error"}};
	const char *reason = "";
	char out[2048];
	int n;

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == x->status)
			reason = reasons[i].reason;
	}
	n = snprintf(out, sizeof(out),
		     "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
		     "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		     x->status, reason, strlen(x->text), x->text);
	if (send(c->fd, out, (size_t)n, MSG_NOSIGNAL) != n)
		agent_log("debg", "http server: a client went away");
}

static void debug_answer(struct debug_client *c, struct agent *a)
{
	struct exchange x = {.agent = a, .status = 404};
	char *path = c->buf + 4;

	if (strncmp(c->buf, "GET /", 5) != 0) {
		x.status = 405;
	} else {
		path[strcspn(path, " \r\n")] = '\0';
		x.query = path + strcspn(path, "?");
		if (*x.query)
			*x.query++ = '\0';
		for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
			if (routes[i].metrics == c->metrics && strcmp(routes[i].path, path) == 0) {
				x.status = 200;
				routes[i].answer(&x);
			}
		}
	}
	debug_send(c, &x);
	debug_close(c);
	if (x.then != THEN_GO_ON)
		agent_log("warn", "stand-in: told to %s", path);
	if (x.then == THEN_CRASH) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	if (x.then == THEN_EXIT)
		_exit(x.exit_status);
	while (x.then == THEN_HANG)
		pause();
}

static void debug_receive(struct debug_client *c, struct agent *a)
{
	ssize_t n = recv(c->fd, c->buf + c->len, sizeof(c->buf) - 1 - c->len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		debug_close(c);
		return;
	}
	c->len += (size_t)n;
	c->buf[c->len] = '\0';
	if (strstr(c->buf, "\r\n\r\n"))
		debug_answer(c, a);
	else if (c->len == sizeof(c->buf) - 1)
		debug_close(c);
}

static void debug_accept(struct debug *d, size_t listener)
{
	for (size_t i = 0; i < DEBUG_CLIENTS; i++) {
		struct debug_client *c = &d->client[i];

		if (c->fd >= 0)
			continue;
		c->fd = accept4(d->listen_fd[listener], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		c->metrics = listener == 1;
		c->deadline_ms = agent_now_ms() + REQUEST_MS;
		c->len = 0;
		return;
	}
}

void debug_step(struct debug *d, struct agent *a, const struct pollfd p[DEBUG_FDS])
{
	int64_t now = agent_now_ms();

	for (size_t i = 0; i < DEBUG_CLIENTS; i++) {
		struct debug_client *c = &d->client[i];

		if (c->fd >= 0 && p[2 + i].revents)
			debug_receive(c, a);
		else if (c->fd >= 0 && now >= c->deadline_ms)
			debug_close(c);
	}
	for (size_t i = 0; i < 2; i++) {
		if (p[i].revents)
			debug_accept(d, i);
	}
}
