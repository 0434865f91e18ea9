/*
 * directive_socket.c - the supported directives of [Socket].
 */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"
#include "supervisor/socket.h"
#include "supervisor/specifier.h"
#include "supervisor/unit_name.h"

#define SETTER(name) static DIRECTIVE_SETTER(name)
#define RESET(name)  static DIRECTIVE_RESET(name)

/* Rows of this section name a field of struct socket_config. */
#define AT(field)   offsetof(struct socket_config, field)
#define OPTION(o)   AT(options[o])
#define FIELD(type) ((type *)(void *)((char *)ctx->unit->socket + d->offset))

struct socket_config *socket_config_new(void)
{
	struct socket_config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config->mode = 0666;
	config->directory_mode = 0755;
	config->backlog = UINT_MAX;
	config->max_connections = 64;
	config->trigger_interval_usec = 2 * USEC_PER_SEC;
	for (unsigned i = 0; i < SOCKET_OPTIONS; i++)
		config->options[i] = -1;
	return config;
}

void socket_config_free(struct socket_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->n; i++)
		free(config->v[i].address);
	free(config->v);
	free(config->service);
	free(config->fd_name);
	free(config->user);
	free(config->group);
	free(config->device);
	free(config->congestion);
	strv_free(&config->symlinks);
	free(config);
}

int socket_service_name(const struct unit *unit, char name[static UNIT_NAME_MAX])
{
	const struct socket_config *config = unit->socket;
	const char *scope = "";
	int n;

	if (!config || !config->service) {
		n = snprintf(name, UNIT_NAME_MAX, "%.*s%s.service", (int)unit_stem(unit->name),
			     unit->name, config && config->accept ? "@" : "");
		return n < UNIT_NAME_MAX ? 0 : -ENAMETOOLONG;
	}
	/* A user's socket starts a service of the same user. */
	if (unit_name_is_user(unit->name) && !unit_name_is_user(config->service))
		scope = UNIT_USER_PREFIX;
	n = snprintf(name, UNIT_NAME_MAX, "%s%s", scope, config->service);
	return n < UNIT_NAME_MAX ? 0 : -ENAMETOOLONG;
}

int socket_config_check(struct unit *unit, struct err *err)
{
	struct socket_config *config = unit->socket;
	char service[UNIT_NAME_MAX];
	size_t paths = 0;

	if (!config->n)
		return err_set(err, -EINVAL, "a socket needs a ListenStream= or another Listen…=");
	for (size_t i = 0; i < config->n; i++) {
		paths += *config->v[i].address == '/';
		if (config->accept && config->v[i].kind != SOCKET_STREAM &&
		    config->v[i].kind != SOCKET_SEQPACKET)
			return err_set(err, -EINVAL,
				       "Accept=yes is for ListenStream= and "
				       "ListenSequentialPacket= only");
	}
	if (config->accept && config->service)
		return err_set(err, -EINVAL, "Service= is not for Accept=yes");
	if (config->symlinks.n && paths != 1)
		return err_set(err, -EINVAL, "Symlinks= needs exactly one path to point to");
	if (socket_service_name(unit, service) < 0)
		return err_set(err, -ENAMETOOLONG, "the name of its service would be too long");
	if (!config->trigger_burst)
		config->trigger_burst = config->accept ? 200 : 20;
	/* systemd.socket(5), "Implicit Dependencies". */
	return config->accept ? 0 : strv_add(&unit->before, service);
}

SETTER(set_listen)
{
	struct socket_config *config = ctx->unit->socket;
	_cleanup_free_ char *text = NULL;
	struct socket_address address;
	struct socket_listen *grown;
	int r = specifier_expand(value, ctx->unit->name, &text, err);

	if (r < 0)
		return r;
	if (config->n >= SOCKET_LISTEN_MAX)
		return err_set(err, -E2BIG, "there are more than %d addresses", SOCKET_LISTEN_MAX);
	r = d->arg == SOCKET_FIFO ? directive_path_check(text, err)
				  : socket_address_parse(text, &address, err);
	if (r < 0)
		return r;
	if (d->arg == SOCKET_SEQPACKET && address.storage.ss_family != AF_UNIX)
		return err_set(err, -EINVAL, "sequential packets are for Unix sockets only");
	grown = reallocarray(config->v, config->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	config->v = grown;
	config->v[config->n++] = (struct socket_listen){(enum socket_kind)d->arg, steal_ptr(&text)};
	return 0;
}

/* systemd.socket(5): an empty one of any kind takes all addresses back. */
RESET(reset_listen)
{
	struct socket_config *config = ctx->unit->socket;

	while (config->n)
		free(config->v[--config->n].address);
	return 0;
}

SETTER(set_string)
{
	return directive_string_put(FIELD(char *), ctx, value, err);
}

SETTER(set_bool)
{
	return bool_parse(value, FIELD(bool), err);
}

SETTER(set_flag)
{
	bool on;
	int r = bool_parse(value, &on, err);

	if (r == 0)
		*FIELD(int) = on;
	return r;
}

SETTER(set_number)
{
	unsigned number;
	int r = unsigned_parse(value, d->arg, &number, err);

	if (r == 0)
		*FIELD(unsigned) = number;
	return r;
}

SETTER(set_mode)
{
	char *end;
	unsigned long mode = strtoul(value, &end, 8);

	if (!*value || *end || strlen(value) > 5 || mode > 07777 || *value == '-' || *value == '+')
		return err_set(err, -EINVAL, "\"%.20s\" is no mode such as 0660", value);
	*FIELD(mode_t) = (mode_t)mode;
	return 0;
}

/* The kernel's options count in whole seconds: what is less than one is one. */
SETTER(set_seconds)
{
	uint64_t usec;
	int r = timespan_parse(value, &usec, err);

	if (r < 0)
		return r;
	if (usec > 32767 * USEC_PER_SEC)
		return err_set(err, -ERANGE, "it is more than the kernel takes (32767 s)");
	*FIELD(int) = (int)((usec + USEC_PER_SEC - 1) / USEC_PER_SEC);
	return 0;
}

SETTER(set_timespan)
{
	return timespan_parse(value, FIELD(uint64_t), err);
}

SETTER(set_size)
{
	uint64_t bytes;
	int r = size_parse(value, &bytes, err);

	if (r < 0)
		return r;
	if (bytes > INT_MAX / 2)
		return err_set(err, -ERANGE, "it is more than the kernel takes");
	*FIELD(int) = (int)bytes;
	return 0;
}

SETTER(set_ip_tos)
{
	/* ip(7), IPTOS_LOWDELAY and its kin. */
	static const struct {
		const char *name;
		int tos;
	} names[] = {{"low-delay", 0x10},
		     {"throughput", 0x08},
		     {"reliability", 0x04},
		     {"low-cost", 0x02}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(value, names[i].name) == 0) {
			*FIELD(int) = names[i].tos;
			return 0;
		}
	return set_number(d, ctx, value, err);
}

SETTER(set_ipv6_only)
{
	static const char *const words[] = {
		[IPV6_ONLY_DEFAULT] = "default",
		[IPV6_ONLY_NO] = "both",
		[IPV6_ONLY_YES] = "ipv6-only",
	};

	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(value, words[i]) == 0) {
			ctx->unit->socket->ipv6_only = (enum socket_ipv6_only)i;
			return 0;
		}
	return err_set(err, -EINVAL, "\"%.40s\" is none of default, both, ipv6-only", value);
}

SETTER(set_timestamping)
{
	int *options = ctx->unit->socket->options;

	if (strcmp(value, "off") != 0 && strcmp(value, "us") != 0 && strcmp(value, "ns") != 0 &&
	    strcmp(value, "usec") != 0 && strcmp(value, "nsec") != 0 && strcmp(value, "µs") != 0)
		return err_set(err, -EINVAL, "\"%.40s\" is none of off, us, ns", value);
	options[OPTION_TIMESTAMP] = *value == 'u' || strcmp(value, "µs") == 0 ? 1 : -1;
	options[OPTION_TIMESTAMP_NS] = *value == 'n' ? 1 : -1;
	return 0;
}

SETTER(set_service)
{
	_cleanup_free_ char *name = NULL;
	int r = directive_string_put(&name, ctx, value, err);

	if (r < 0)
		return r;
	if (name && (!unit_name_valid(name) || unit_kind_of(name) != KIND_SERVICE))
		return err_set(err, -EINVAL, "\"%.80s\" is no name of a service", name);
	free(ctx->unit->socket->service);
	ctx->unit->socket->service = steal_ptr(&name);
	return 0;
}

SETTER(set_fd_name)
{
	_cleanup_free_ char *name = NULL;
	int r = directive_string_put(&name, ctx, value, err);

	if (r < 0)
		return r;
	if (name && !fd_name_valid(name))
		return err_set(err, -EINVAL,
			       "\"%.60s\" is no name of an fd: at most 255 printable characters, "
			       "no \":\"",
			       name);
	free(ctx->unit->socket->fd_name);
	ctx->unit->socket->fd_name = steal_ptr(&name);
	return 0;
}

SETTER(set_symlinks)
{
	_cleanup_(strv_free) struct strv words = {0};
	int r = words_split(value, &words, err);

	for (size_t i = 0; i < words.n && r == 0; i++) {
		char *path = NULL;

		r = specifier_expand(words.v[i], ctx->unit->name, &path, err);
		if (r == 0) {
			r = directive_path_check(path, err);
			if (r < 0)
				free(path);
			else
				r = strv_take(FIELD(struct strv), path);
		}
	}
	return r;
}

RESET(reset_symlinks)
{
	strv_free(FIELD(struct strv));
	return 0;
}

#define FLAG(name, o)                              \
	{                                          \
		name, set_flag, OPTION(o), 0, NULL \
	}

static const struct directive socket_directives[] = {
	{"Accept", set_bool, AT(accept), 0, NULL},
	{"Backlog", set_number, AT(backlog), UINT_MAX, NULL},
	{"BindIPv6Only", set_ipv6_only, 0, 0, NULL},
	{"BindToDevice", set_string, AT(device), 0, NULL},
	FLAG("Broadcast", OPTION_BROADCAST),
	{"DeferAcceptSec", set_seconds, OPTION(OPTION_DEFER_ACCEPT), 0, NULL},
	{"DirectoryMode", set_mode, AT(directory_mode), 0, NULL},
	{"FileDescriptorName", set_fd_name, 0, 0, NULL},
	FLAG("FreeBind", OPTION_FREE_BIND),
	{"IPTOS", set_ip_tos, OPTION(OPTION_IP_TOS), 255, NULL},
	{"IPTTL", set_number, OPTION(OPTION_IP_TTL), 255, NULL},
	FLAG("KeepAlive", OPTION_KEEP_ALIVE),
	{"KeepAliveIntervalSec", set_seconds, OPTION(OPTION_KEEP_ALIVE_INTERVAL), 0, NULL},
	{"KeepAliveProbes", set_number, OPTION(OPTION_KEEP_ALIVE_PROBES), 127, NULL},
	{"KeepAliveTimeSec", set_seconds, OPTION(OPTION_KEEP_ALIVE_TIME), 0, NULL},
	{"ListenDatagram", set_listen, 0, SOCKET_DATAGRAM, reset_listen},
	{"ListenFIFO", set_listen, 0, SOCKET_FIFO, reset_listen},
	{"ListenSequentialPacket", set_listen, 0, SOCKET_SEQPACKET, reset_listen},
	{"ListenStream", set_listen, 0, SOCKET_STREAM, reset_listen},
	{"Mark", set_number, OPTION(OPTION_MARK), INT_MAX, NULL},
	{"MaxConnections", set_number, AT(max_connections), 4096, NULL},
	{"MaxConnectionsPerSource", set_number, AT(max_connections_per_source), 4096, NULL},
	FLAG("NoDelay", OPTION_NO_DELAY),
	FLAG("PassCredentials", OPTION_PASS_CREDENTIALS),
	FLAG("PassPacketInfo", OPTION_PACKET_INFO),
	FLAG("PassSecurity", OPTION_PASS_SECURITY),
	{"PipeSize", set_size, AT(pipe_size), 0, NULL},
	{"Priority", set_number, OPTION(OPTION_PRIORITY), INT_MAX, NULL},
	{"ReceiveBuffer", set_size, OPTION(OPTION_RECEIVE_BUFFER), 0, NULL},
	{"RemoveOnStop", set_bool, AT(remove_on_stop), 0, NULL},
	FLAG("ReusePort", OPTION_REUSE_PORT),
	{"SendBuffer", set_size, OPTION(OPTION_SEND_BUFFER), 0, NULL},
	{"Service", set_service, 0, 0, NULL},
	{"SocketGroup", set_string, AT(group), 0, NULL},
	{"SocketMode", set_mode, AT(mode), 0, NULL},
	{"SocketUser", set_string, AT(user), 0, NULL},
	{"Symlinks", set_symlinks, AT(symlinks), 0, reset_symlinks},
	{"TCPCongestion", set_string, AT(congestion), 0, NULL},
	{"Timestamping", set_timestamping, 0, 0, NULL},
	FLAG("Transparent", OPTION_TRANSPARENT),
	{"TriggerLimitBurst", set_number, AT(trigger_burst), 1000000, NULL},
	{"TriggerLimitIntervalSec", set_timespan, AT(trigger_interval_usec), 0, NULL},
};

const struct directive_area directive_area_socket = {DIRECTIVES_SOCKET, socket_directives,
						     ARRAY_LEN(socket_directives)};
