#include "supervisor/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/manager.h"

#define CLIENTS_MAX 64
#define REQUEST_MAX 65536
#define WORDS_MAX   1024
#define LOG_FILES   5
#define LIST_BATCH  8

enum wait_goal {
	WAIT_NONE = 0, /* nothing is awaited */
	WAIT_UP,       /* all named services have settled after a start */
	WAIT_DOWN,     /* all named services are at rest */
};

struct client {
	struct control *control;
	struct source source;
	int fd;
	enum wait_goal goal;
	struct strv names; /* what is awaited */
	bool listing;      /* a `status` of all units is under way */
	size_t next;       /* the unit that comes next in it */
};

struct control {
	struct manager *m;
	struct source source;
	int fd;
	int spare; /* given up for a moment when there are no fds left */
	struct client *clients[CLIENTS_MAX];
};

static void client_free(struct client *client)
{
	struct control *control = client->control;

	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i] == client)
			control->clients[i] = NULL;
	loop_remove(&control->m->loop, &client->source);
	close(client->fd);
	strv_free(&client->names);
	free(client);
}

/* A client that does not read its answers is no reason to wait: it loses them. */
static int send_packet(struct client *client, const struct json *json, const int *fds,
		       unsigned n_fds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int) * LOG_FILES)];
	} control = {0};
	struct iovec iov = {.iov_base = json->buf, .iov_len = json->len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

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
	return json_finish(&j) < 0 ? -ENOMEM : send_packet(client, &j, NULL, 0);
}

static void __attribute__((format(printf, 2, 3)))
send_error(struct client *client, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	send_end(client, text);
}

static int send_service(struct client *client, struct service *s, bool with_tail)
{
	_cleanup_(json_reset) struct json j = {0};
	int r;

	report_service(s, &j, with_tail);
	r = json_finish(&j);
	return r < 0 ? r : send_packet(client, &j, NULL, 0);
}

/* All names are known, or an error is sent and false returned. */
static bool all_known(struct client *client, char *const *names, size_t n)
{
	struct manager *m = client->control->m;

	if (!n)
		send_error(client, "name at least one unit");
	for (size_t i = 0; i < n; i++) {
		if (manager_find(m, names[i]))
			continue;
		send_error(client, "there is no unit %.200s; 'hakimctl status' lists them",
			   names[i]);
		return false;
	}
	return n > 0;
}

/* A few units at a time: neither hundreds of them nor a client that reads slowly holds up the loop.
 */
static void list_some(struct client *client)
{
	struct manager *m = client->control->m;
	int r = 0;

	for (unsigned k = 0; k < LIST_BATCH && client->next < m->n_services && r >= 0; k++) {
		r = send_service(client, m->services[client->next], false);
		if (r >= 0)
			client->next++;
	}
	if (r >= 0 && client->next >= m->n_services)
		client->listing = send_end(client, NULL) == -EAGAIN;
	else
		client->listing = r >= 0 || r == -EAGAIN;
	loop_modify(&m->loop, &client->source,
		    EPOLLIN | EPOLLRDHUP | (client->listing ? EPOLLOUT : 0));
}

static void do_status(struct client *client, char *const *words, size_t n)
{
	struct manager *m = client->control->m;
	_cleanup_(json_reset) struct json j = {0};

	if (n && !all_known(client, words, n))
		return;
	report_manager(m, &j);
	if (json_finish(&j) < 0 || send_packet(client, &j, NULL, 0) < 0)
		return;
	if (!n) {
		client->next = 0;
		client->listing = true;
		list_some(client);
		return;
	}
	for (size_t i = 0; i < n; i++)
		send_service(client, manager_find(m, words[i]), true);
	send_end(client, NULL);
}

static bool is_down(const struct service *s)
{
	return !s->stop_pending && service_is_at_rest(s->machine.state);
}

/* Why the start of a service that has settled is no success, into text; or false. */
static bool start_failed(const struct service *s, char *text, size_t size)
{
	if (service_is_up(s->machine.state))
		return false;
	switch (s->machine.state) {
	case SERVICE_DEAD:
		if (s->machine.was_up)
			return false;
		snprintf(text, size, "%s did not start", s->unit->name);
		return true;
	case SERVICE_SKIPPED:
		snprintf(text, size, "%s was not started: %s", s->unit->name, s->status_text);
		return true;
	default:
		snprintf(text, size, "%s failed: %s; see 'hakimctl status %s'", s->unit->name,
			 s->error[0] ? s->error : service_result_name(s->machine.result),
			 s->unit->name);
		return true;
	}
}

/* True when the wait of the client is over; the answer was sent. */
static bool wait_over(struct client *client)
{
	struct manager *m = client->control->m;
	char text[SERVICE_TEXT * 2] = "";

	for (size_t i = 0; i < client->names.n; i++) {
		const struct service *s = manager_find(m, client->names.v[i]);

		if (!s)
			continue;
		if (client->goal == WAIT_DOWN ? !is_down(s) : !service_settled(s->machine.state))
			return false;
		if (client->goal == WAIT_UP && !text[0])
			start_failed(s, text, sizeof(text));
	}
	client->goal = WAIT_NONE;
	strv_free(&client->names);
	send_end(client, text[0] ? text : NULL);
	return true;
}

void control_settled(struct manager *m)
{
	for (unsigned i = 0; m->control && !m->order_pending && i < CLIENTS_MAX; i++)
		if (m->control->clients[i] && m->control->clients[i]->goal != WAIT_NONE)
			wait_over(m->control->clients[i]);
}

static void do_job(struct client *client, char *const *words, size_t n,
		   void (*job)(struct manager *, struct service *), enum wait_goal goal)
{
	struct manager *m = client->control->m;
	bool wait = true;

	if (n && strcmp(words[0], "--no-block") == 0) {
		wait = false;
		words++;
		n--;
	}
	if (!all_known(client, words, n))
		return;
	if (m->stopping) {
		send_error(client, "the container is stopping");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct service *s = manager_find(m, words[i]);

		/* A person's word is a new beginning for the pauses between restarts. */
		s->restarts_in_row = 0;
		job(m, s);
		if (wait)
			strv_add(&client->names, s->unit->name);
	}
	m->order_pending = true;
	/* Nobody is told "ok" of what a successor would not know. */
	takeover_save(m);
	if (wait)
		client->goal = goal;
	else
		send_end(client, NULL);
}

static void do_start(struct client *client, char *const *words, size_t n)
{
	do_job(client, words, n, order_start, WAIT_UP);
}

static void do_stop(struct client *client, char *const *words, size_t n)
{
	do_job(client, words, n, order_stop, WAIT_DOWN);
}

static void do_restart(struct client *client, char *const *words, size_t n)
{
	do_job(client, words, n, order_restart, WAIT_UP);
}

/* The log's index for a unit's name, or for the supervisor's own log. */
static int log_of(struct manager *m, const char *name, const char **full)
{
	struct service *s = manager_find(m, name);

	*full = SAY_NAME;
	if (s) {
		*full = s->unit->name;
		return s->log_index;
	}
	return strcmp(name, SAY_NAME) == 0 || strcmp(name, "hakim") == 0 ? m->say_index : -1;
}

static void do_logs(struct client *client, char *const *words, size_t n)
{
	struct manager *m = client->control->m;
	_cleanup_(json_reset) struct json j = {0};
	char path[200];
	const char *name;
	int fds[LOG_FILES];
	unsigned n_fds = 0;
	int index;

	if (n != 1) {
		send_error(client, "name one unit");
		return;
	}
	index = log_of(m, words[0], &name);
	if (index < 0 && !manager_find(m, words[0])) {
		send_error(client, "there is no unit %.200s; 'hakimctl status' lists them",
			   words[0]);
		return;
	}
	for (unsigned i = 0; index >= 0 && i < LOG_FILES; i++) {
		fds[n_fds] = journal_open(m->journal, (unsigned)index, i);
		if (fds[n_fds] < 0)
			break;
		n_fds++;
	}
	snprintf(path, sizeof(path), "%s/%.*s.log", m->log_dir,
		 (int)(strlen(name) - (strstr(name, ".service") ? strlen(".service") : 0)), name);
	json_begin_object(&j, NULL);
	json_string(&j, "type", "log");
	json_string(&j, "name", name);
	json_string(&j, "path", path);
	json_int(&j, "files", n_fds);
	json_end_object(&j);
	if (json_finish(&j) == 0)
		send_packet(client, &j, fds, n_fds);
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
	send_end(client, NULL);
}

static void do_reload(struct client *client, char *const *words, size_t n)
{
	struct err err = {0};

	if (manager_reload(client->control->m, &err) < 0)
		send_end(client, err.text);
	else
		send_end(client, NULL);
}

static void do_reexec(struct client *client, char *const *words, size_t n)
{
	struct manager *m = client->control->m;
	struct err err = {0};

	if (m->stopping) {
		send_error(client, "the container is stopping");
		return;
	}
	if (keeper_tell(&m->keeper, KEEPER_REEXEC, &err) < 0) {
		send_end(client, err.text);
		return;
	}
	send_end(client, NULL);
	say(m, "replaced on request: services go on");
	m->exit_now = true;
}

static void do_shutdown(struct client *client, char *const *words, size_t n)
{
	struct err err = {0};

	if (keeper_tell(&client->control->m->keeper, KEEPER_SHUTDOWN, &err) < 0)
		send_end(client, err.text);
	else
		send_end(client, NULL);
}

static const struct {
	const char *name;
	void (*handle)(struct client *, char *const *words, size_t n);
} verbs[] = {
	{"status", do_status},   {"start", do_start},       {"stop", do_stop},
	{"restart", do_restart}, {"logs", do_logs},         {"reload", do_reload},
	{"reexec", do_reexec},   {"shutdown", do_shutdown},
};

static void handle(struct client *client, char *const *words, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, words[0]) == 0) {
			verbs[i].handle(client, words + 1, n - 1);
			return;
		}
	}
	send_error(client,
		   "%.40s: the supervisor (version " HAKIM_VERSION ") does not know this request",
		   words[0]);
}

static void client_ready(void *owner, uint32_t events)
{
	struct client *client = owner;
	char buf[REQUEST_MAX];
	char *words[WORDS_MAX];
	size_t n = 0;
	ssize_t len;

	if (client->listing && !(events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))) {
		if (events & EPOLLOUT)
			list_some(client);
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
		send_error(client, "the request is too long");
		return;
	}
	/* Each word ends with a NUL; a last one without gets it here. */
	buf[len] = '\0';
	for (char *p = buf; p < buf + len && n < WORDS_MAX; p += strlen(p) + 1)
		words[n++] = p;
	if (client->goal != WAIT_NONE)
		send_error(client, "one request at a time");
	else if (n && words[0][0])
		handle(client, words, n);
	else
		send_error(client, "an empty request");
}

/* Root, whoever the supervisor runs as, and the coder user: who has the workspace may act on it. */
static bool may_ask(const struct manager *m, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	return who.uid == 0 || who.uid == geteuid() || (m->coder.set && who.uid == m->coder.uid);
}

static void accept_ready(void *owner, uint32_t events)
{
	struct control *control = owner;
	_cleanup_close_ int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client;
	unsigned i = 0;

	if (fd < 0) {
		/* No fd for it: it would be told again and again. The spare one lets it in and out.
		 */
		if ((errno == EMFILE || errno == ENFILE) && control->spare >= 0) {
			close(control->spare);
			fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
			if (fd >= 0)
				close(steal_fd(&fd));
			control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
		}
		return;
	}
	while (i < CLIENTS_MAX && control->clients[i])
		i++;
	client = i < CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;
	if (!client)
		return;
	client->control = control;
	client->fd = steal_fd(&fd);
	client->source.fd = -1;
	control->clients[i] = client;
	if (!may_ask(control->m, client->fd)) {
		/* At once, so that nobody can hold all the places. */
		send_error(
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
