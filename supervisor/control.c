#include "supervisor/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/control_client.h"
#include "supervisor/user_access.h"

#define CLIENTS_MAX       64
#define ACCEPT_AGAIN_USEC 200000
#define REQUEST_MAX       65536
#define WORDS_MAX         1024
#define BATCH             8 /* packets of a long answer in one round of the loop */

struct control {
	struct manager *m;
	struct source source;
	int fd;
	int spare;         /* given up for a moment when there are no fds left */
	uint64_t again_us; /* nobody can be let in: looked at again then; 0: it is listened to */
	struct client *clients[CLIENTS_MAX];
};

/* The answer is complete, or nobody waits for it any more. */
static void answer_reset(struct client *client)
{
	client->stream = NULL;
	client->over = NULL;
	client->until_us = 0;
	client->flags = 0;
	client->next = 0;
	strv_free(&client->names);
}

static void client_free(struct client *client)
{
	struct control *control = client->control;
	bool others = false;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i] == client)
			control->clients[i] = NULL;
		others |= control->clients[i] != NULL;
	}
	/* What it asked for has touched much that idling does not need. */
	control->m->trim |= !others;
	loop_remove(&control->m->loop, &client->source);
	close(client->fd);
	answer_reset(client);
	free(client);
}

/* ---- packets ---- */

int client_packet(struct client *client, struct json *json, const int *fds, unsigned n_fds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int) * CONTROL_FDS)];
	} control = {0};
	struct iovec iov = {0};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int r = json_finish(json);

	if (r < 0)
		return r;
	iov = (struct iovec){.iov_base = json->buf, .iov_len = json->len};
	if (n_fds > CONTROL_FDS)
		return -E2BIG;
	if (n_fds) {
		struct cmsghdr *c;

		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	return sendmsg(client->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_end(struct client *client, const char *error)
{
	_cleanup_(json_reset) struct json j = {0};

	json_begin_object(&j, NULL);
	json_string(&j, "type", "end");
	json_bool(&j, "ok", !error);
	if (error)
		json_string(&j, "error", error);
	json_end_object(&j);
	return client_packet(client, &j, NULL, 0);
}

/* A client that does not read its answers is no reason to wait: it loses them. */
void client_end(struct client *client, const char *error)
{
	send_end(client, error);
	answer_reset(client);
}

void client_error(struct client *client, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	client_end(client, text);
}

/* ---- long answers ---- */

/*
 * While a client takes a long answer, its next request stays where it is; and a client whose end is
 * still to be sent is not asked for one: it would be told again and again.
 */
static void listen_for(struct client *client)
{
	loop_modify(&client->m->loop, &client->source,
		    client->stream ? EPOLLRDHUP | EPOLLOUT : EPOLLRDHUP | EPOLLIN);
}

/* A few packets at a time: neither hundreds of them nor a client that reads slowly holds up the
 * loop. */
static void stream_some(struct client *client)
{
	for (unsigned k = 0; k < BATCH && client->stream; k++) {
		int r = client->stream(client, client->next);

		if (r == 1)
			r = send_end(client, NULL) == -EAGAIN ? -EAGAIN : 1;
		if (r == -EAGAIN)
			break;
		client->next++;
		if (r < 0)
			client_error(client, "the answer cannot be sent: %s", strerror(-r));
		else if (r == 1)
			answer_reset(client);
	}
	listen_for(client);
}

void client_stream(struct client *client, int (*stream)(struct client *client, size_t i))
{
	client->stream = stream;
	client->next = 0;
	stream_some(client);
}

/* ---- waiting ---- */

bool client_too_late(const struct client *client)
{
	return client->until_us && now_us() >= client->until_us;
}

void client_wait(struct client *client, bool (*over)(struct client *client), uint64_t until_us)
{
	client->over = over;
	client->until_us = until_us;
	/* What was just ordered has not begun: the loop looks at it, then comes control_settled().
	 */
	if (!client->m->order_pending)
		over(client);
}

void control_settled(struct manager *m)
{
	for (unsigned i = 0; m->control && !m->order_pending && i < CLIENTS_MAX; i++)
		if (m->control->clients[i] && m->control->clients[i]->over)
			m->control->clients[i]->over(m->control->clients[i]);
}

/* Told of a client that cannot be let in the loop would do nothing else: it looks away for a while.
 */
static void look_away(struct control *control)
{
	control->again_us = now_us() + ACCEPT_AGAIN_USEC;
	loop_modify(&control->m->loop, &control->source, 0);
}

static void look_again(struct control *control)
{
	control->again_us = 0;
	if (control->spare < 0)
		control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	loop_modify(&control->m->loop, &control->source, EPOLLIN);
}

uint64_t control_next_timer(const struct manager *m)
{
	uint64_t next = m->control ? m->control->again_us : 0;

	for (unsigned i = 0; m->control && i < CLIENTS_MAX; i++) {
		const struct client *client = m->control->clients[i];

		if (client && client->until_us && (!next || client->until_us < next))
			next = client->until_us;
	}
	return next;
}

void control_timers_due(struct manager *m)
{
	if (m->control && m->control->again_us && m->control->again_us <= now_us())
		look_again(m->control);
	for (unsigned i = 0; m->control && i < CLIENTS_MAX; i++) {
		struct client *client = m->control->clients[i];

		if (!client || !client->over || !client_too_late(client))
			continue;
		if (!client->over(client))
			client_error(client, "it has taken too long");
	}
}

/* ---- names ---- */

bool client_knows(struct client *client, char *const *names, size_t n)
{
	if (!n)
		client_error(client, "name at least one unit");
	for (size_t i = 0; i < n; i++) {
		struct err err = {0};

		if (manager_get(client->m, names[i], &err))
			continue;
		client_error(client, "%.400s%s", err.text,
			     err.code == -ENOENT ? "; 'hakimctl status' lists them" : "");
		return false;
	}
	return n > 0;
}

bool client_remember(struct client *client, char *const *names, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct service *s = manager_find(client->m, names[i]);

		r = strv_add(&client->names, s ? s->unit->name : names[i]);
	}
	if (r < 0)
		client_error(client, "there is not enough memory");
	return r == 0;
}

/* ---- requests ---- */

static void handle(struct client *client, char *const *words, size_t n)
{
	const struct control_verb *verb = control_verb_find(words[0]);

	if (verb)
		verb->handle(client, words + 1, n - 1);
	else
		client_error(client,
			     "%.40s: the supervisor (version " HAKIM_VERSION
			     ") does not know this request",
			     words[0]);
}

static void client_ready(void *owner, uint32_t events)
{
	struct client *client = owner;
	char buf[REQUEST_MAX];
	char *words[WORDS_MAX];
	size_t n = 0;
	ssize_t len;

	if (client->stream) {
		/* Nobody reads the rest of it. */
		if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
			client_free(client);
		else
			stream_some(client);
		return;
	}
	len = recv(client->fd, buf, sizeof(buf) - 1, MSG_DONTWAIT | MSG_TRUNC);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		client_free(client);
		return;
	}
	if ((size_t)len > sizeof(buf) - 1) {
		client_error(client, "the request is too long");
		return;
	}
	/* Each word ends with a NUL; a last one without gets it here. */
	buf[len] = '\0';
	for (char *p = buf; p < buf + len && n < WORDS_MAX; p += strlen(p) + 1)
		words[n++] = p;
	/* What is under way goes on. */
	if (client->over)
		send_end(client, "one request at a time");
	else if (n && words[0][0])
		handle(client, words, n);
	else
		client_error(client, "an empty request");
}

/* ---- connections ---- */

/* Root, whoever the supervisor runs as, and the coder user: who has the workspace may act on it. */
static bool may_ask(struct client *client)
{
	struct manager *m = client->m;
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	client->uid = who.uid;
	/* modules/home makes a user that the image does not have. */
	if (who.uid != 0 && !m->coder.set && user_find(&m->coder, NULL) < 0)
		m->coder = (struct identity){0};
	return who.uid == 0 || who.uid == geteuid() || (m->coder.set && who.uid == m->coder.uid);
}

/* No fd for it: it would be told again and again. The spare one lets it in and out. */
static void turn_away(struct control *control)
{
	int fd = -1;

	if (control->spare >= 0) {
		close(control->spare);
		fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			close(fd);
		control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		look_away(control);
}

static void accept_ready(void *owner, uint32_t events)
{
	struct control *control = owner;
	_cleanup_close_ int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client;
	unsigned i = 0;

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			turn_away(control);
		return;
	}
	while (i < CLIENTS_MAX && control->clients[i])
		i++;
	client = i < CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;
	if (!client)
		return;
	client->control = control;
	client->m = control->m;
	client->fd = steal_fd(&fd);
	client->source.fd = -1;
	control->clients[i] = client;
	if (!may_ask(client)) {
		/* At once, so that nobody can hold all the places. */
		client_error(
			client,
			"permission denied: only root and the coder user may ask the supervisor");
		client_free(client);
		return;
	}
	if (loop_add(&control->m->loop, &client->source, client->fd, EPOLLIN | EPOLLRDHUP,
		     client_ready, client, NULL) < 0)
		client_free(client);
}

static int listen_at(const char *dir, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(err, -errno, "the control socket cannot be made");
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", dir) >=
	    sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "%s is too long for a socket's path", dir);
	/* PID 1 keeps the socket that is in use; one that lies here otherwise is of an earlier
	 * boot. */
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, -errno, "%s cannot be made", address.sun_path);
	/* Who may do what is asked of the kernel at each connection. */
	if (chmod(address.sun_path, 0666) < 0 || listen(fd, 32) < 0)
		return err_sys(err, -errno, "%s cannot be used", address.sun_path);
	return steal_fd(&fd);
}

int control_open(struct manager *m, int kept, struct err *err)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return err_sys(err, -ENOMEM, "the control socket");
	control->m = m;
	control->fd = kept;
	if (kept < 0) {
		control->fd =
			m->runtime_dir[0]
				? listen_at(m->runtime_dir, err)
				: err_set(err, -EROFS,
					  "no directory for the control socket can be written");
		if (control->fd < 0) {
			r = control->fd;
			free(control);
			return r;
		}
		keeper_store(&m->keeper, "control", control->fd, NULL);
	}
	control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	m->control = control;
	return loop_add(&m->loop, &control->source, control->fd, EPOLLIN, accept_ready, control,
			err);
}

void control_close(struct manager *m)
{
	struct control *control = m->control;

	if (!control)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i])
			client_free(control->clients[i]);
	loop_remove(&m->loop, &control->source);
	close(control->fd);
	if (control->spare >= 0)
		close(control->spare);
	free(control);
	m->control = NULL;
}
