#include "supervisor/sockets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/connections.h"
#include "supervisor/manager.h"
#include "supervisor/socket.h"
#include "supervisor/unit_name.h"
#include "supervisor/user_access.h"

#define PAUSE_USEC 100000

/* One of the fds of a .socket unit. */
struct listener_fd {
	int fd; /* -1: not bound */
	struct service *s;
	struct source source;
};

/* What a .socket unit is while it is up. */
struct listener {
	struct listener_fd *v;
	size_t n;
	uint64_t window_us; /* the interval of the trigger limit began */
	unsigned triggers;  /* in it */
	bool paused;        /* no fd for one more connection: TIMER_SOCKET */
	bool has_triggered; /* since it listens */
};

static void kept_name(const struct service *s, size_t index, char name[static KEEPER_NAME_MAX])
{
	snprintf(name, KEEPER_NAME_MAX, "sock:%s:%zu", s->unit->name, index);
}

/* Room for n fds; nothing of it may be watched when it grows, as it moves. */
static struct listener *listener_of(struct service *s, size_t n)
{
	struct listener_fd *grown;

	if (!s->listener)
		s->listener = calloc(1, sizeof(*s->listener));
	if (!s->listener || s->listener->n >= n)
		return s->listener;
	for (size_t i = 0; i < s->listener->n; i++)
		loop_remove(&s->manager->loop, &s->listener->v[i].source);
	grown = reallocarray(s->listener->v, n, sizeof(*grown));
	if (!grown)
		return NULL;
	s->listener->v = grown;
	for (size_t i = s->listener->n; i < n; i++)
		grown[i] = (struct listener_fd){.fd = -1, .s = s, .source.fd = -1};
	s->listener->n = n;
	return s->listener;
}

static void tell(struct service *s, const struct err *note)
{
	if (!note->text[0] || strv_has(&s->notes, note->text))
		return;
	strv_add(&s->notes, note->text);
	say(s->manager, "%s: %s", s->unit->name, note->text);
}

/* The service that it starts, or NULL. */
static struct service *target_of(struct service *s)
{
	char name[UNIT_NAME_MAX];

	return socket_service_name(s->unit, name) < 0 ? NULL : manager_find(s->manager, name);
}

/* What a user's own unit names is made and removed with the user's rights, never with ours. */
static bool access_begin(const struct service *s)
{
	return unit_name_is_user(s->unit->name) && user_access_begin(&s->manager->coder);
}

static int listen_one(struct service *s, size_t index, struct err *err)
{
	struct listener_fd *one = &s->listener->v[index];
	char name[KEEPER_NAME_MAX];
	struct err note = {0};
	_cleanup_close_ int fd = -EBADF;
	bool begun;
	int r;

	begun = access_begin(s);
	fd = socket_open(s->unit->socket, index, &note, err);
	user_access_end(begun);
	if (fd < 0)
		return fd;
	tell(s, &note);
	kept_name(s, index, name);
	r = keeper_store(&s->manager->keeper, name, fd, err);
	if (r == 0)
		one->fd = steal_fd(&fd);
	return r;
}

int sockets_listen(struct service *s, struct err *err)
{
	const struct socket_config *config = s->unit->socket;
	struct listener *listener;
	struct err note = {0};
	bool begun;
	int r = 0;

	if (!config)
		return err_set(err, -ENOENT, "its unit file is gone");
	listener = listener_of(s, config->n);
	if (!listener)
		return err_sys(err, -ENOMEM, "its sockets");
	listener->has_triggered = false;
	listener->triggers = 0;
	if (!config->accept && !target_of(s)) {
		char name[UNIT_NAME_MAX];

		socket_service_name(s->unit, name);
		return err_set(err, -ENOENT, "the service %s, which it is to start, is not there",
			       name);
	}
	for (size_t i = 0; i < config->n && r == 0; i++)
		if (listener->v[i].fd < 0)
			r = listen_one(s, i, err);
	if (r < 0)
		return r;
	begun = access_begin(s);
	socket_links_make(config, &note);
	user_access_end(begun);
	tell(s, &note);
	s->manager->sockets_pending = true;
	return 0;
}

static void close_all(struct service *s)
{
	char name[KEEPER_NAME_MAX];

	for (size_t i = 0; s->listener && i < s->listener->n; i++) {
		struct listener_fd *one = &s->listener->v[i];

		loop_remove(&s->manager->loop, &one->source);
		if (one->fd < 0)
			continue;
		kept_name(s, i, name);
		keeper_drop(&s->manager->keeper, name, NULL);
		close(one->fd);
		one->fd = -1;
	}
}

void sockets_unlisten(struct service *s)
{
	bool begun;

	close_all(s);
	if (!s->unit->socket || !s->unit->socket->remove_on_stop)
		return;
	begun = access_begin(s);
	socket_files_remove(s->unit->socket);
	user_access_end(begun);
}

void sockets_free(struct service *s)
{
	close_all(s);
	if (s->listener)
		free(s->listener->v);
	free(s->listener);
	s->listener = NULL;
}

void sockets_take(struct service *s, unsigned index, int fd)
{
	if (s->unit->kind == KIND_SERVICE) {
		connections_take(s, fd);
		return;
	}

	struct listener *listener =
		index < SOCKET_LISTEN_MAX ? listener_of(s, (size_t)index + 1) : NULL;
	char name[KEEPER_NAME_MAX];

	if (listener && listener->v[index].fd < 0) {
		listener->v[index].fd = fd;
		s->manager->sockets_pending = true;
		return;
	}
	close(fd);
	kept_name(s, index, name);
	keeper_drop(&s->manager->keeper, name, NULL);
}

static void give_up(struct service *s, enum service_result result, const char *why)
{
	service_set_error(s, "%s: it does not listen any more", why);
	s->machine.result = result;
	service_event(s, EVENT_SPAWN_FAILED);
}

/* systemd.socket(5), TriggerLimitIntervalSec=: false when it was started too often. */
static bool within_limit(struct service *s)
{
	const struct socket_config *config = s->unit->socket;
	struct listener *listener = s->listener;
	uint64_t now = now_us();

	if (!config || !config->trigger_interval_usec || !config->trigger_burst)
		return true;
	if (now - listener->window_us >= config->trigger_interval_usec) {
		listener->window_us = now;
		listener->triggers = 0;
	}
	return ++listener->triggers <= config->trigger_burst;
}

static void traffic(void *owner, uint32_t events)
{
	struct listener_fd *one = owner;
	struct service *s = one->s;
	struct service *target;

	if (s->machine.state != SERVICE_RUNNING || s->manager->stopping) {
		loop_remove(&s->manager->loop, &one->source);
		return;
	}
	if (!within_limit(s)) {
		give_up(s, RESULT_TRIGGER_LIMIT, "its traffic starts the service too often");
		return;
	}
	s->listener->has_triggered = true;
	s->manager->sockets_pending = true;
	if (s->unit->socket && s->unit->socket->accept) {
		if (connections_accept(s, one->fd) == 0)
			return;
		/* The connection waits, and so must we: it would be told again at once. */
		for (size_t i = 0; i < s->listener->n; i++)
			loop_remove(&s->manager->loop, &s->listener->v[i].source);
		s->listener->paused = true;
		service_timer_in(s, TIMER_SOCKET, PAUSE_USEC);
		return;
	}
	target = target_of(s);
	if (!target) {
		give_up(s, RESULT_RESOURCES, "its service is not there any more");
		return;
	}
	/* From now on it is the service's business. */
	for (size_t i = 0; i < s->listener->n; i++)
		loop_remove(&s->manager->loop, &s->listener->v[i].source);
	order_start(s->manager, target);
}

/* True when traffic is to be looked for. */
static bool is_wanted(struct service *s)
{
	struct service *target;

	/* An orphan only holds what waits for it: what it would start is not known any more. */
	if (s->machine.state != SERVICE_RUNNING || s->manager->stopping || s->stop_pending ||
	    !s->unit->socket)
		return false;
	if (s->listener->paused)
		s->listener->paused = s->timers[TIMER_SOCKET] != 0;
	if (s->unit->socket && s->unit->socket->accept)
		return !s->listener->paused;
	target = target_of(s);
	if (!target)
		return true;
	if (target->machine.state == SERVICE_FAILED && s->listener->has_triggered &&
	    target->machine.result == RESULT_START_LIMIT) {
		give_up(s, RESULT_SERVICE_LIMIT, "its service was started too often");
		return false;
	}
	return service_is_at_rest(target->machine.state);
}

static void watch_one(struct service *s)
{
	struct loop *loop = &s->manager->loop;
	bool wanted = is_wanted(s);

	for (size_t i = 0; i < s->listener->n; i++) {
		struct listener_fd *one = &s->listener->v[i];

		if (!wanted || one->fd < 0)
			loop_remove(loop, &one->source);
		else if (one->source.fd < 0)
			loop_add(loop, &one->source, one->fd, EPOLLIN, traffic, one, NULL);
	}
}

void sockets_watch(struct manager *m)
{
	if (!m->sockets_pending)
		return;
	m->sockets_pending = false;
	for (size_t i = 0; i < m->n_services; i++)
		if (m->services[i]->listener)
			watch_one(m->services[i]);
}

/* True when the socket's fds are the service's: by the one's Service= or the other's Sockets=. */
static bool belongs_to(struct service *socket, const struct service *s)
{
	if (!socket->unit->socket || socket->unit->socket->accept)
		return false;
	return target_of(socket) == s || strv_has(&s->unit->sockets, socket->unit->name);
}

bool sockets_start_it(struct manager *m, const struct service *s)
{
	const struct unit_install *install = &s->unit->install;

	/* What is enabled is so on purpose; of the modules, which all are, it is what says so. */
	if (s->unit->kind != KIND_SERVICE || s->unit->origin != ORIGIN_MODULE ||
	    install->wanted_by.n || install->required_by.n)
		return false;
	for (size_t i = 0; i < m->n_services; i++)
		if (m->services[i]->unit->kind == KIND_SOCKET && belongs_to(m->services[i], s))
			return true;
	return false;
}

int sockets_collect(struct service *s, struct pass_fds *pass, struct err *err)
{
	struct manager *m = s->manager;
	int r = 0;

	if (s->connection && s->connection->fd < 0)
		return err_set(err, -ENOTCONN, "its connection is closed");
	if (s->connection)
		return pass_fds_add(pass, s->connection->fd, "connection");
	for (size_t i = 0; i < m->n_services; i++) {
		struct service *socket = m->services[i];
		const struct listener *listener = socket->listener;

		if (!listener || !belongs_to(socket, s))
			continue;
		for (size_t k = 0; k < listener->n && r == 0; k++)
			if (listener->v[k].fd >= 0)
				r = pass_fds_add(pass, listener->v[k].fd,
						 socket->unit->socket->fd_name
							 ? socket->unit->socket->fd_name
							 : socket->unit->name);
	}
	return r < 0 ? err_sys(err, r, "its sockets") : 0;
}
