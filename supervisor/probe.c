#include "supervisor/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"

#define URL_MAX      1024
#define URL_SHOWN    72 /* of struct probe's text: the reason must have room behind it */
#define ADDRESS_MAX  2
#define PORT_DEFAULT 80

enum probe_state {
	STATE_CLOSED = 0,
	STATE_SENDING, /* also while it connects: send(2) says EAGAIN then */
	STATE_READING,
};

struct probe_target {
	char *url; /* as given */
	char *request;
	size_t request_len;
	struct sockaddr_storage address[ADDRESS_MAX];
	socklen_t address_len[ADDRESS_MAX];
	unsigned addresses;
};

/* ---- the URL ---- */

/* The parts of a URL, in its own bytes. */
struct url_parts {
	const char *host; /* without the brackets of IPv6 */
	size_t host_len;
	bool bracketed;
	uint16_t port;
	const char *path; /* begins with "/" or "?", or is empty */
};

static bool starts_with_word(const char *text, const char *word)
{
	return strncasecmp(text, word, strlen(word)) == 0;
}

static int check_characters(const char *url, struct err *err)
{
	if (strlen(url) > URL_MAX)
		return err_set(err, -EINVAL, "the URL is longer than %d characters", URL_MAX);
	/* Nothing that could begin a second line or a second word of the request. */
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p > '~')
			return err_set(err, -EINVAL,
				       "the URL has a blank, a control character or one that is "
				       "not ASCII in it: write it as %%XX");
	return 0;
}

static int parse_port(const char *text, size_t len, struct url_parts *parts, struct err *err)
{
	unsigned port = 0;

	for (size_t i = 0; i < len && port <= UINT16_MAX; i++) {
		if (text[i] < '0' || text[i] > '9')
			return err_set(err, -EINVAL, "%.*s is no port", (int)len, text);
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX)
		return err_set(err, -EINVAL, "\"%.*s\" is no port: it must be 1 to 65535", (int)len,
			       text);
	parts->port = (uint16_t)port;
	return 0;
}

/* "host", "host:port", "[v6]", "[v6]:port" */
static int parse_authority(const char *text, size_t len, struct url_parts *parts, struct err *err)
{
	const char *end = text + len;
	const char *rest;

	if (memchr(text, '@', len))
		return err_set(err, -EINVAL, "a user name or password in the URL is not supported");
	if (len && *text == '[') {
		const char *close = memchr(text, ']', len);

		if (!close)
			return err_set(err, -EINVAL, "the \"]\" of the IPv6 address is missing");
		parts->bracketed = true;
		parts->host = text + 1;
		parts->host_len = (size_t)(close - text) - 1;
		rest = close + 1;
	} else {
		const char *colon = memchr(text, ':', len);

		rest = colon ? colon : end;
		parts->host = text;
		parts->host_len = (size_t)(rest - text);
	}
	if (parts->host_len == 0)
		return err_set(err, -EINVAL, "the URL has no host");
	if (rest == end)
		return 0;
	if (*rest != ':')
		return err_set(err, -EINVAL, "there is something between \"]\" and the port");
	return parse_port(rest + 1, (size_t)(end - rest) - 1, parts, err);
}

static int parse_parts(const char *url, struct url_parts *parts, struct err *err)
{
	size_t len;
	int r = check_characters(url, err);

	if (r < 0)
		return r;
	if (starts_with_word(url, "https://"))
		return err_set(err, -EPROTONOSUPPORT,
			       "%.*s: https:// is not supported, a readiness probe speaks plain "
			       "http:// with its own host",
			       URL_SHOWN, url);
	if (!starts_with_word(url, "http://"))
		return err_set(err, -EINVAL, "%.*s is no http:// URL", URL_SHOWN, url);
	parts->port = PORT_DEFAULT;
	url += strlen("http://");
	len = strcspn(url, "/?#");
	parts->path = url + len;
	if (strchr(parts->path, '#'))
		return err_set(err, -EINVAL, "a \"#\" in the URL is never sent to a server");
	return parse_authority(url, len, parts, err);
}

static void add_v4(struct probe_target *t, struct in_addr address, uint16_t port)
{
	struct sockaddr_in *to = (struct sockaddr_in *)&t->address[t->addresses];

	to->sin_family = AF_INET;
	to->sin_port = htons(port);
	to->sin_addr = address;
	t->address_len[t->addresses++] = sizeof(*to);
}

static void add_v6(struct probe_target *t, struct in6_addr address, uint16_t port)
{
	struct sockaddr_in6 *to = (struct sockaddr_in6 *)&t->address[t->addresses];

	to->sin6_family = AF_INET6;
	to->sin6_port = htons(port);
	to->sin6_addr = address;
	t->address_len[t->addresses++] = sizeof(*to);
}

static int resolve(struct probe_target *t, const struct url_parts *parts, struct err *err)
{
	struct in_addr v4 = {.s_addr = htonl(INADDR_LOOPBACK)};
	struct in6_addr v6 = IN6ADDR_LOOPBACK_INIT;
	char host[INET6_ADDRSTRLEN] = "";

	if (parts->host_len < sizeof(host))
		memcpy(host, parts->host, parts->host_len);
	if (!parts->bracketed && strcasecmp(host, "localhost") == 0) {
		add_v6(t, v6, parts->port);
		add_v4(t, v4, parts->port);
	} else if (parts->bracketed && inet_pton(AF_INET6, host, &v6) == 1) {
		add_v6(t, v6, parts->port);
	} else if (!parts->bracketed && inet_pton(AF_INET, host, &v4) == 1) {
		add_v4(t, v4, parts->port);
	} else {
		return err_set(err, -EINVAL,
			       "%.*s: the host must be \"localhost\", an IPv4 address or an IPv6 "
			       "address in [], because no name is looked up",
			       (int)parts->host_len, parts->host);
	}
	return 0;
}

static int write_request(struct probe_target *t, const struct url_parts *parts)
{
	char port[8] = "";
	int n;

	if (parts->port != PORT_DEFAULT)
		snprintf(port, sizeof(port), ":%u", parts->port);
	n = asprintf(&t->request,
		     "GET %s%s HTTP/1.1\r\n"
		     "Host: %s%.*s%s%s\r\n"
		     "User-Agent: hakim-init/" HAKIM_VERSION "\r\n"
		     "Accept: */*\r\n"
		     "Connection: close\r\n\r\n",
		     *parts->path == '/' ? "" : "/", parts->path, parts->bracketed ? "[" : "",
		     (int)parts->host_len, parts->host, parts->bracketed ? "]" : "", port);
	if (n < 0) {
		t->request = NULL;
		return -ENOMEM;
	}
	t->request_len = (size_t)n;
	return 0;
}

static void target_cleanup(struct probe_target **t)
{
	probe_target_free(*t);
}

int probe_target_parse(const char *url, struct probe_target **target, struct err *err)
{
	_cleanup_(target_cleanup) struct probe_target *t = NULL;
	struct url_parts parts = {.host = "", .path = ""};
	int r = parse_parts(url, &parts, err);

	if (r < 0)
		return r;
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_sys(err, -ENOMEM, "the readiness probe");
	r = resolve(t, &parts, err);
	if (r < 0)
		return r;
	t->url = strdup(url);
	if (!t->url || write_request(t, &parts) < 0)
		return err_sys(err, -ENOMEM, "the readiness probe");
	*target = steal_ptr(&t);
	return 0;
}

void probe_target_free(struct probe_target *target)
{
	if (!target)
		return;
	free(target->url);
	free(target->request);
	free(target);
}

/* ---- the question ---- */

static enum probe_result bad(struct probe *p, const char *why)
{
	const char *url = p->target->url;
	bool cut = strlen(url) > URL_SHOWN;

	snprintf(p->text, sizeof(p->text), "%.*s%s: %s", URL_SHOWN, url, cut ? "..." : "", why);
	probe_close(p);
	return PROBE_BAD;
}

/* Begins with the address p->address, or the first one after it with which one can begin. */
static enum probe_result try_connect(struct probe *p)
{
	const struct probe_target *t = p->target;
	int error = EADDRNOTAVAIL;

	for (; p->address < t->addresses; p->address++) {
		const struct sockaddr *to = (const struct sockaddr *)&t->address[p->address];

		probe_close(p);
		p->fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (p->fd >= 0 &&
		    (connect(p->fd, to, t->address_len[p->address]) == 0 || errno == EINPROGRESS)) {
			p->state = STATE_SENDING;
			p->sent = p->got = 0;
			return PROBE_AGAIN;
		}
		error = errno;
	}
	return bad(p, strerror(error));
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
	       here_len == there_len && memcmp(&here, &there, here_len) == 0;
}

static enum probe_result step_sending(struct probe *p)
{
	const struct linger at_once = {.l_onoff = 1};
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
	if (met_itself(p)) {
		/* Reset, not closed: TIME_WAIT would keep the service from its port for a minute.
		 */
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		return connect_failed(p, ECONNREFUSED);
	}
	p->state = STATE_READING;
	return PROBE_AGAIN;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" → 200, by RFC 9112, 4; the blank behind the code may be missing. -1: it is no
 * such line. */
static int parse_status_line(const char *line, size_t len)
{
	if (len && line[len - 1] == '\r')
		len--;
	if (len < strlen("HTTP/1.1 200") || memcmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) ||
	    line[8] != ' ')
		return -1;
	if (line[9] < '1' || line[9] > '5' || !is_digit(line[10]) || !is_digit(line[11]))
		return -1;
	if (len > 12 && line[12] != ' ')
		return -1;
	for (size_t i = 12; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return -1;
	return (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
}

static enum probe_result judge(struct probe *p, size_t len)
{
	int status = parse_status_line(p->buf, len);
	char why[16];

	if (status < 0)
		return bad(p, "what answers is no HTTP server");
	snprintf(why, sizeof(why), "%d", status);
	bad(p, why);
	return status >= 200 && status < 300 ? PROBE_OK : PROBE_BAD;
}

static enum probe_result step_reading(struct probe *p)
{
	while (p->got < sizeof(p->buf)) {
		ssize_t n = recv(p->fd, p->buf + p->got, sizeof(p->buf) - p->got, MSG_DONTWAIT);
		const char *newline;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return PROBE_AGAIN;
		if (n < 0)
			return bad(p, strerror(errno));
		if (n == 0)
			return bad(p, "closed without an answer");
		newline = memchr(p->buf + p->got, '\n', (size_t)n);
		p->got += (unsigned)n;
		if (newline)
			return judge(p, (size_t)(newline - p->buf));
	}
	return bad(p, "the first line of the answer is too long");
}

enum probe_result probe_start(struct probe *probe, const struct probe_target *target)
{
	*probe = (struct probe){.fd = -1, .target = target};
	return try_connect(probe);
}

enum probe_result probe_step(struct probe *probe)
{
	enum probe_result result = PROBE_BAD;

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
	probe->fd = -1;
	probe->state = STATE_CLOSED;
}
