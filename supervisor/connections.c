#include "supervisor/connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/manager.h"
#include "supervisor/order.h"
#include "supervisor/socket.h"
#include "supervisor/unit_name.h"

static void kept_name(const struct service *s, char name[static KEEPER_NAME_MAX])
{
	snprintf(name, KEEPER_NAME_MAX, "sock:%s:0", s->unit->name);
}

static void connection_close(struct service *s)
{
	char name[KEEPER_NAME_MAX];

	if (s->connection->fd < 0)
		return;
	kept_name(s, name);
	keeper_drop(&s->manager->keeper, name, NULL);
	close(s->connection->fd);
	s->connection->fd = -1;
}

/* Who is at the other end. */
static void peer_of(int fd, struct connection *connection)
{
	struct sockaddr_storage peer = {0};
	const struct sockaddr_in *in = (const void *)&peer;
	const struct sockaddr_in6 *in6 = (const void *)&peer;
	struct ucred who = {.uid = (uid_t)-1};
	socklen_t len = sizeof(peer), who_len = sizeof(who);
	const void *address = NULL;
	in_port_t port = 0;

	if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.ss_family == AF_INET) {
		address = &in->sin_addr;
		port = in->sin_port;
	} else if (peer.ss_family == AF_INET6) {
		/* An IPv4 client of a socket for both is the same client as elsewhere. */
		bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);

		address = &in6->sin6_addr.s6_addr[mapped ? 12 : 0];
		port = in6->sin6_port;
		peer.ss_family = mapped ? AF_INET : AF_INET6;
	}
	if (address) {
		inet_ntop(peer.ss_family, address, connection->source, sizeof(connection->source));
		snprintf(connection->port, sizeof(connection->port), "%u", ntohs(port));
	} else {
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len);
		snprintf(connection->source, sizeof(connection->source), "uid-%d", (int)who.uid);
	}
}

/* Why one more is too many, or NULL. */
static const char *refusal(const struct service *socket, const struct connection *new)
{
	const struct socket_config *config = socket->unit->socket;
	const struct manager *m = socket->manager;
	unsigned all = 0, same = 0;

	for (size_t i = 0; i < m->n_services; i++) {
		const struct connection *have = m->services[i]->connection;

		if (!have || strcmp(have->socket, socket->unit->name) != 0)
			continue;
		all++;
		same += strcmp(have->source, new->source) == 0;
	}
	if (all >= config->max_connections)
		return "MaxConnections= is reached";
	if (config->max_connections_per_source && same >= config->max_connections_per_source)
		return "MaxConnectionsPerSource= is reached";
	return NULL;
}

/* A service of the template with a number that none has. */
static struct service *instance_make(struct service *socket, struct err *err)
{
	struct manager *m = socket->manager;
	char template[UNIT_NAME_MAX], name[UNIT_NAME_MAX], number[16];

	if (socket_service_name(socket->unit, template) < 0)
		return NULL;
	do {
		snprintf(number, sizeof(number), "%u", socket->connections++);
		if (!unit_name_instantiate(template, number, name)) {
			err_set(err, -ENAMETOOLONG, "%s: the name of an instance is too long",
				template);
			return NULL;
		}
	} while (manager_find(m, name));
	return manager_get(m, name, err);
}

int connections_accept(struct service *socket, int listening)
{
	struct manager *m = socket->manager;
	_cleanup_close_ int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	struct connection new = {.fd = -1};
	struct err err = {0};
	const char *why;
	struct service *s;
	char name[KEEPER_NAME_MAX];

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS
			       ? -errno
			       : 0;
	snprintf(new.socket, sizeof(new.socket), "%s", socket->unit->name);
	peer_of(fd, &new);
	why = refusal(socket, &new);
	if (why) {
		say(m, "%s: a connection from %s is closed: %s", socket->unit->name, new.source,
		    why);
		return 0;
	}
	s = instance_make(socket, &err);
	if (s && !s->connection)
		s->connection = malloc(sizeof(new));
	if (!s || !s->connection) {
		say(m, "%s: a connection from %s is closed: %s", socket->unit->name, new.source,
		    err.text[0] ? err.text : "there is not enough memory");
		return 0;
	}
	*s->connection = new;
	kept_name(s, name);
	/* Of which socket it is first: a successor must not have the one without the other. */
	takeover_save(m);
	if (keeper_store(&m->keeper, name, fd, &err) < 0)
		say(m, "%s: %s", s->unit->name, err.text);
	s->connection->fd = steal_fd(&fd);
	order_start(m, s);
	return 0;
}

int connections_log(struct service *s, bool taken_over, struct err *err)
{
	struct service *socket = manager_find(s->manager, s->connection->socket);
	int r = socket && s->log.write[0] < 0 ? service_log_open(socket, taken_over, err) : 0;

	if (r < 0 || !socket || s->log.write[0] >= 0)
		return r;
	for (unsigned i = 0; i < RECORD_STREAMS; i++) {
		int from = socket->log.write[i] >= 0 ? socket->log.write[i] : socket->log.write[0];

		s->log.write[i] = from >= 0 ? fcntl(from, F_DUPFD_CLOEXEC, 0) : -1;
	}
	return s->log.write[0] >= 0 ? 0 : err_set(err, -EAGAIN, "its log cannot be opened");
}

int connections_environment(const struct service *s, struct strv *env)
{
	int r;

	if (!s->connection || !s->connection->port[0])
		return 0;
	r = strv_env_set(env, "REMOTE_ADDR", s->connection->source);
	return r < 0 ? r : strv_env_set(env, "REMOTE_PORT", s->connection->port);
}

void connections_spawned(struct service *s)
{
	if (s->connection)
		connection_close(s);
}

void connections_restore(struct service *s, const char *socket, const char *source,
			 const char *port)
{
	if (!s->connection)
		s->connection = malloc(sizeof(*s->connection));
	if (!s->connection)
		return;
	*s->connection = (struct connection){.fd = -1};
	snprintf(s->connection->socket, sizeof(s->connection->socket), "%s", socket);
	snprintf(s->connection->source, sizeof(s->connection->source), "%s", source);
	snprintf(s->connection->port, sizeof(s->connection->port), "%s",
		 strcmp(port, "-") == 0 ? "" : port);
}

void connections_take(struct service *s, int fd)
{
	char name[KEEPER_NAME_MAX];

	if (s->connection && s->connection->fd < 0) {
		s->connection->fd = fd;
		return;
	}
	close(fd);
	kept_name(s, name);
	keeper_drop(&s->manager->keeper, name, NULL);
}

void connections_settle(struct service *s)
{
	if (!s->connection)
		return;
	if (s->main.slot >= 0 || service_is_at_rest(s->machine.state))
		connection_close(s);
	s->manager->connections_pending = true;
}

void connections_free(struct service *s)
{
	if (s->connection)
		connection_close(s);
	free(s->connection);
	s->connection = NULL;
}

static bool has_ended(const struct service *s)
{
	return s->connection && service_is_at_rest(s->machine.state) && s->main.slot < 0 &&
	       s->control.slot < 0 && s->status.slot < 0 && !s->order_queued;
}

/* Takes the unit out of the set; what its service is freed with. */
static struct unit *unit_take(struct unit_set *set, const struct unit *unit)
{
	struct unit *taken = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (set->v[i] == unit)
			taken = set->v[i];
		else
			set->v[kept++] = set->v[i];
	}
	set->n = kept;
	return taken;
}

void connections_forget(struct manager *m)
{
	size_t kept = 0, n = m->n_services;

	if (!m->connections_pending)
		return;
	m->connections_pending = false;
	for (size_t i = 0; i < n; i++) {
		struct service *s = m->services[i];
		struct unit *unit;

		if (!has_ended(s)) {
			m->connections_pending |=
				s->connection && service_is_at_rest(s->machine.state);
			m->services[kept++] = s;
			continue;
		}
		unit = s->orphan ? NULL : unit_take(&m->units, s->unit);
		service_free(s);
		unit_free(unit);
	}
	if (kept == n)
		return;
	m->n_services = kept;
	name_index_free(&m->index);
	for (size_t i = 0; i < kept; i++)
		manager_index(m, m->services[i]);
	manager_align(m);
	m->dirty = true;
}
