#include "supervisor/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/dbus.h"
#include "supervisor/manager.h"

#define BUS_PATH    "/run/dbus/system_bus_socket"
#define BUS_ITSELF  "org.freedesktop.DBus"
#define OUT_MAX     (256u << 10) /* calls that the bus has not read yet */
#define RETRY_FIRST 100000
#define RETRY_MAX   (5 * USEC_PER_SEC)
#define GRACE_USEC  (5 * USEC_PER_SEC)

enum bus_state {
	BUS_OFF = 0,
	BUS_AUTH,  /* AUTH was sent */
	BUS_HELLO, /* Hello was called */
	BUS_UP,
};

struct bus {
	struct manager *m;
	int fd; /* -1 */
	struct source source;
	enum bus_state state;
	uint32_t serial, hello;
	unsigned failures; /* in a row */
	uint8_t in[DBUS_MESSAGE_MAX];
	size_t in_len;
	uint8_t *out;
	size_t out_len;
};

/* From the start of its main process until it is told to stop. */
static bool needs_bus(const struct service *s)
{
	enum service_state state = s->machine.state;

	return s->unit->kind == KIND_SERVICE && s->unit->type == TYPE_DBUS && s->unit->bus_name &&
	       (service_is_up(state) || (service_is_starting(state) && state != SERVICE_CONDITION &&
					 state != SERVICE_START_PRE));
}

static void bus_close(struct bus *bus)
{
	struct manager *m = bus->m;

	loop_remove(&m->loop, &bus->source);
	if (bus->fd >= 0)
		close(bus->fd);
	free(bus->out);
	bus->fd = -1;
	bus->out = NULL;
	bus->in_len = bus->out_len = 0;
	bus->state = BUS_OFF;
	for (size_t i = 0; i < m->n_services; i++)
		m->services[i]->bus = (struct bus_name){0};
}

/* It is not there, has gone, or talks nonsense: later again, each time a little later. */
static void bus_fail(struct bus *bus)
{
	struct manager *m = bus->m;
	unsigned shift = bus->failures < 6 ? bus->failures : 6;
	uint64_t pause = (uint64_t)RETRY_FIRST << shift;

	bus_close(bus);
	bus->failures++;
	for (size_t i = 0; i < m->n_services; i++)
		if (needs_bus(m->services[i]))
			service_timer_set(m->services[i], TIMER_BUS,
					  now_us() + (pause < RETRY_MAX ? pause : RETRY_MAX));
}

static void watch_out(struct bus *bus)
{
	loop_modify(&bus->m->loop, &bus->source, EPOLLIN | (bus->out_len ? EPOLLOUT : 0));
}

static int flush(struct bus *bus)
{
	while (bus->out_len) {
		ssize_t n = send(bus->fd, bus->out, bus->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		memmove(bus->out, bus->out + n, bus->out_len - (size_t)n);
		bus->out_len -= (size_t)n;
	}
	return 0;
}

static int queue(struct bus *bus, const void *bytes, size_t n)
{
	uint8_t *grown;

	if (bus->out_len + n > OUT_MAX)
		return -ENOBUFS;
	grown = realloc(bus->out, bus->out_len + n);
	if (!grown)
		return -ENOMEM;
	bus->out = grown;
	memcpy(bus->out + bus->out_len, bytes, n);
	bus->out_len += n;
	return 0;
}

/* The serial, or 0 when it cannot be sent. */
static uint32_t call(struct bus *bus, const char *member, const char *arg)
{
	uint8_t buf[DBUS_CALL_MAX];
	size_t n;

	if (++bus->serial == 0)
		bus->serial = 1;
	n = dbus_call(bus->serial, member, arg, buf, sizeof(buf));
	return n && queue(bus, buf, n) == 0 ? bus->serial : 0;
}

static void ask(struct bus *bus, struct service *s)
{
	char rule[DBUS_NAME_MAX + 200];

	dbus_owner_rule(s->unit->bus_name, rule, sizeof(rule));
	/* The rule first: no change between the answer and the rule is lost. */
	s->bus.rule = call(bus, "AddMatch", rule);
	s->bus.asked = s->bus.rule ? call(bus, "NameHasOwner", s->unit->bus_name) : 0;
	s->bus.watched = s->bus.asked != 0;
}

static void forget(struct bus *bus, struct service *s)
{
	char rule[DBUS_NAME_MAX + 200];

	if (s->bus.watched && bus->state == BUS_UP && s->unit->bus_name) {
		dbus_owner_rule(s->unit->bus_name, rule, sizeof(rule));
		call(bus, "RemoveMatch", rule);
	}
	s->bus = (struct bus_name){0};
	service_timer_set(s, TIMER_BUS, 0);
}

static void has_owner(struct service *s)
{
	s->bus.owned = true;
	s->bus.grace = false;
	service_timer_set(s, TIMER_BUS, 0);
	service_event(s, EVENT_BUS_NAME);
}

static void has_none(struct service *s)
{
	s->bus.owned = s->bus.grace = false;
	if (!service_is_up(s->machine.state))
		return;
	say(s->manager, "%s: its name %s has left the bus", s->unit->name, s->unit->bus_name);
	service_event(s, EVENT_BUS_LOST);
}

/* The answer of a new connection. What is up and has no name may be as late as we are. */
static void answered(struct service *s, bool owned)
{
	s->bus.asked = 0;
	if (owned) {
		has_owner(s);
	} else if (service_is_up(s->machine.state)) {
		s->bus.grace = true;
		service_timer_set(s, TIMER_BUS, now_us() + GRACE_USEC);
	}
}

static void take_reply(struct bus *bus, const struct dbus_message *message)
{
	struct manager *m = bus->m;
	uint32_t serial = message->reply_serial;
	bool good = message->type == DBUS_METHOD_RETURN;

	if (bus->state == BUS_HELLO && serial == bus->hello) {
		if (!good) {
			bus_fail(bus);
			return;
		}
		bus->state = BUS_UP;
		bus->failures = 0;
		m->bus_pending = true;
		return;
	}
	for (size_t i = 0; i < m->n_services; i++) {
		struct service *s = m->services[i];

		if (s->bus.rule && s->bus.rule == serial && !good)
			snprintf(s->status_text, sizeof(s->status_text),
				 "the bus does not tell of names: %.150s", message->error);
		if (!s->bus.asked || s->bus.asked != serial || !good)
			continue;
		if (message->n_args == 1 && !message->args[0].text)
			answered(s, message->args[0].number == 1);
		return;
	}
}

static void take_signal(struct bus *bus, const struct dbus_message *message)
{
	struct manager *m = bus->m;

	if (strcmp(message->interface, BUS_ITSELF) != 0 ||
	    strcmp(message->member, "NameOwnerChanged") != 0 || message->n_args != 3 ||
	    !message->args[0].text || !message->args[2].text)
		return;
	for (size_t i = 0; i < m->n_services; i++) {
		struct service *s = m->services[i];

		if (!s->bus.watched || strcmp(s->unit->bus_name, message->args[0].text) != 0)
			continue;
		if (*message->args[2].text)
			has_owner(s);
		else if (s->bus.owned || s->bus.grace)
			has_none(s);
	}
}

/* Only the bus itself is listened to: it names the sender, nobody else can. */
static void take(struct bus *bus, const struct dbus_message *message)
{
	if (strcmp(message->sender, BUS_ITSELF) != 0)
		return;
	if (message->type == DBUS_METHOD_RETURN || message->type == DBUS_ERROR)
		take_reply(bus, message);
	else if (message->type == DBUS_SIGNAL && bus->state == BUS_UP)
		take_signal(bus, message);
}

/* What is whole of what came. Its length; 0: nothing yet; negative: it is no D-Bus. */
static ssize_t take_first(struct bus *bus)
{
	struct dbus_message message;
	ssize_t n;

	if (bus->state == BUS_AUTH) {
		n = dbus_auth_answer((const char *)bus->in, bus->in_len);
		if (n <= 0)
			return n;
		bus->state = BUS_HELLO;
		if (queue(bus, "BEGIN\r\n", 7) < 0 || !(bus->hello = call(bus, "Hello", NULL)))
			return -ENOMEM;
		return n;
	}
	n = dbus_parse(bus->in, bus->in_len, &message);
	if (n > 0)
		take(bus, &message);
	return n;
}

static void bus_ready(void *owner, uint32_t events)
{
	struct bus *bus = owner;
	ssize_t n =
		recv(bus->fd, bus->in + bus->in_len, sizeof(bus->in) - bus->in_len, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		bus_fail(bus);
		return;
	}
	bus->in_len += n > 0 ? (size_t)n : 0;
	while (bus->state != BUS_OFF && (n = take_first(bus)) > 0 && bus->state != BUS_OFF) {
		memmove(bus->in, bus->in + n, bus->in_len - (size_t)n);
		bus->in_len -= (size_t)n;
	}
	if (bus->state == BUS_OFF)
		return;
	if (n < 0 || bus->in_len == sizeof(bus->in) || flush(bus) < 0)
		bus_fail(bus);
	else
		watch_out(bus);
}

static void bus_connect(struct bus *bus)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = BUS_PATH};
	char auth[64];
	size_t n = dbus_auth(geteuid(), auth, sizeof(auth));

	bus->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bus->fd < 0 || connect(bus->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    queue(bus, auth, n) < 0 || flush(bus) < 0 ||
	    loop_add(&bus->m->loop, &bus->source, bus->fd, EPOLLIN | (bus->out_len ? EPOLLOUT : 0),
		     bus_ready, bus, NULL) < 0) {
		bus_fail(bus);
		return;
	}
	bus->state = BUS_AUTH;
}

static bool is_retry_pending(const struct manager *m)
{
	for (size_t i = 0; i < m->n_services; i++)
		if (needs_bus(m->services[i]) && m->services[i]->timers[TIMER_BUS] &&
		    !m->services[i]->bus.grace)
			return true;
	return false;
}

void bus_update(struct manager *m)
{
	bool needed = false;

	if (!m->bus_pending)
		return;
	m->bus_pending = false;
	for (size_t i = 0; i < m->n_services; i++) {
		bool needs = needs_bus(m->services[i]);

		needed |= needs;
		if (!needs && m->bus &&
		    (m->services[i]->bus.watched || m->services[i]->timers[TIMER_BUS]))
			forget(m->bus, m->services[i]);
	}
	if (!needed) {
		if (m->bus)
			bus_close(m->bus);
		free(m->bus);
		m->bus = NULL;
		return;
	}
	if (!m->bus) {
		m->bus = calloc(1, sizeof(*m->bus));
		if (!m->bus)
			return;
		m->bus->m = m;
		m->bus->fd = m->bus->source.fd = -1;
	}
	if (m->bus->state == BUS_OFF && !is_retry_pending(m))
		bus_connect(m->bus);
	if (m->bus->state != BUS_UP)
		return;
	for (size_t i = 0; i < m->n_services; i++)
		if (needs_bus(m->services[i]) && !m->services[i]->bus.watched)
			ask(m->bus, m->services[i]);
	if (flush(m->bus) < 0)
		bus_fail(m->bus);
	else
		watch_out(m->bus);
}

void bus_due(struct service *s)
{
	if (s->bus.grace && s->bus.watched && !s->bus.owned)
		has_none(s);
	s->manager->bus_pending = true;
}
