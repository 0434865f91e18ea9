#include "supervisor/probe_target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "supervisor/command.h"

#define URL_MAX      1024
#define PORT_DEFAULT 80
#define UNIX_SCHEME  "http+unix://"

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
			       TARGET_SHOWN, url);
	if (!starts_with_word(url, "http://"))
		return err_set(err, -EINVAL, "%.*s is no http:// URL, nor a " UNIX_SCHEME " one",
			       TARGET_SHOWN, url);
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

static void target_cleanup(struct probe_target **t)
{
	probe_target_free(*t);
}

/* HTTP/1.0 where the body is looked at: a server may not send it in chunks then (RFC 9112, 6.1). */
static int write_request(struct probe_target *t, const char *path, const char *host)
{
	int n = asprintf(&t->request,
			 "GET %s%s HTTP/1.%c\r\n"
			 "Host: %s\r\n"
			 "User-Agent: hakim-init/" HAKIM_VERSION "\r\n"
			 "Accept: */*\r\n"
			 "Connection: close\r\n\r\n",
			 *path == '/' ? "" : "/", path, t->body ? '0' : '1', host);

	if (n < 0) {
		t->request = NULL;
		return -ENOMEM;
	}
	t->request_len = (size_t)n;
	return 0;
}

static int target_new(const char *text, struct probe_target **t, struct err *err)
{
	*t = calloc(1, sizeof(**t));
	if (*t)
		(*t)->text = strdup(text);
	return *t && (*t)->text ? 0 : err_sys(err, -ENOMEM, "the probe");
}

/* ---- Unix sockets ---- */

/* An absolute path, or "@name" of the abstract ones. */
static int set_unix(struct probe_target *t, const char *path, size_t len, struct err *err)
{
	struct sockaddr_un *to = (struct sockaddr_un *)&t->address[0];

	if (len < 2 || (*path != '/' && *path != '@'))
		return err_set(err, -EINVAL,
			       "\"%.*s\" is no absolute path of a socket, nor an @name",
			       (int)(len < TARGET_SHOWN ? len : TARGET_SHOWN), path);
	if (len >= sizeof(to->sun_path))
		return err_set(err, -ENAMETOOLONG, "the path of a socket has at most %zu bytes",
			       sizeof(to->sun_path) - 1);
	to->sun_family = AF_UNIX;
	memcpy(to->sun_path, path, len);
	if (*path == '@')
		to->sun_path[0] = '\0';
	t->address_len[0] =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*path == '@' ? 0 : 1));
	t->addresses = 1;
	return 0;
}

int probe_target_unix(const char *path, struct probe_target **target, struct err *err)
{
	_cleanup_(target_cleanup) struct probe_target *t = NULL;
	int r = target_new(path, &t, err);

	if (r == 0)
		r = set_unix(t, path, strlen(path), err);
	if (r < 0)
		return r;
	*target = steal_ptr(&t);
	return 0;
}

/* http+unix:///run/x.sock:/path */
static int parse_http_unix(struct probe_target *t, const char *url, struct err *err)
{
	const char *socket = url + strlen(UNIX_SCHEME);
	size_t len = strcspn(socket, ":");
	const char *path = socket[len] ? socket + len + 1 : "/";
	int r = check_characters(url, err);

	if (r == 0)
		r = set_unix(t, socket, len, err);
	if (r < 0)
		return r;
	if (*path != '/' || strchr(path, '#'))
		return err_set(err, -EINVAL,
			       "behind the socket it must go on as " UNIX_SCHEME
			       "/run/x.sock:/path");
	if (write_request(t, path, "localhost") < 0)
		return err_sys(err, -ENOMEM, "the probe");
	return 0;
}

/* ---- TCP ---- */

/* "host:port", the host as in a URL. */
int probe_target_tcp(const char *text, struct probe_target **target, struct err *err)
{
	_cleanup_(target_cleanup) struct probe_target *t = NULL;
	struct url_parts parts = {.host = "", .path = ""};
	int r = check_characters(text, err);

	if (r == 0)
		r = parse_authority(text, strlen(text), &parts, err);
	if (r == 0 && !parts.port)
		r = err_set(err, -EINVAL, "%.*s: the port is missing (127.0.0.1:80)", TARGET_SHOWN,
			    text);
	if (r == 0)
		r = target_new(text, &t, err);
	if (r == 0)
		r = resolve(t, &parts, err);
	if (r < 0)
		return r;
	*target = steal_ptr(&t);
	return 0;
}

/* ---- HTTP ---- */

static int parse_http(struct probe_target *t, const char *url, struct err *err)
{
	struct url_parts parts = {.host = "", .path = ""};
	char host[300];
	int r = parse_parts(url, &parts, err);

	if (r == 0)
		r = resolve(t, &parts, err);
	if (r < 0)
		return r;
	snprintf(host, sizeof(host), "%s%.*s%s", parts.bracketed ? "[" : "", (int)parts.host_len,
		 parts.host, parts.bracketed ? "]" : "");
	if (parts.port != PORT_DEFAULT)
		snprintf(host + strlen(host), sizeof(host) - strlen(host), ":%u", parts.port);
	if (write_request(t, parts.path, host) < 0)
		return err_sys(err, -ENOMEM, "the probe");
	return 0;
}

/* "204", "2xx" or "200-299" */
static int status_word(const char *word, uint64_t bits[static STATUS_WORDS], struct err *err)
{
	size_t len = strlen(word);
	unsigned from, to;

	if (len == 3 && word[0] >= '1' && word[0] <= '5' && strcasecmp(word + 1, "xx") == 0) {
		from = (unsigned)(word[0] - '0') * 100;
		to = from + 99;
	} else if ((len == 3 || (len == 7 && word[3] == '-')) &&
		   strspn(word, "0123456789-") == len && word[0] != '-') {
		from = (unsigned)strtoul(word, NULL, 10);
		to = len == 7 ? (unsigned)strtoul(word + 4, NULL, 10) : from;
	} else {
		from = to = 0;
	}
	if (from < STATUS_MIN || to > STATUS_MAX || from > to)
		return err_set(err, -EINVAL, "\"%.40s\" is no status such as 200, 3xx or 200-299",
			       word);
	for (unsigned k = from - STATUS_MIN; k <= to - STATUS_MIN; k++)
		bits[k / 64] |= 1ull << k % 64;
	return 0;
}

static int statuses_parse(const char *text, uint64_t bits[static STATUS_WORDS], struct err *err)
{
	_cleanup_(strv_free) struct strv words = {0};
	int r = words_split(text ? text : "2xx", &words, err);

	if (r == 0 && !words.n)
		r = err_set(err, -EINVAL, "there is no status in it");
	for (size_t i = 0; i < words.n && r == 0; i++)
		r = status_word(words.v[i], bits, err);
	return r;
}

int probe_statuses_check(const char *text, struct err *err)
{
	uint64_t bits[STATUS_WORDS] = {0};

	return statuses_parse(text, bits, err);
}

int probe_target_http(const char *url, const char *statuses, const char *body,
		      struct probe_target **target, struct err *err)
{
	_cleanup_(target_cleanup) struct probe_target *t = NULL;
	int r = target_new(url, &t, err);

	if (r < 0 || !t)
		return r;
	r = statuses_parse(statuses, t->statuses, err);
	if (r == 0 && body)
		r = pattern_parse(body, &t->body, err);
	if (r == 0)
		r = starts_with_word(url, UNIX_SCHEME) ? parse_http_unix(t, url, err)
						       : parse_http(t, url, err);
	if (r < 0)
		return r;
	*target = steal_ptr(&t);
	return 0;
}

int probe_target_parse(const char *url, struct probe_target **target, struct err *err)
{
	return probe_target_http(url, NULL, NULL, target, err);
}

void probe_target_free(struct probe_target *target)
{
	if (!target)
		return;
	free(target->text);
	pattern_free(target->body);
	free(target->request);
	free(target);
}
