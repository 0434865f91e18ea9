/*
 * property_socket.c - the properties of [Socket].
 */
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/property.h"
#include "supervisor/socket.h"

static const struct socket_config *config(const struct property_of *of)
{
	return of->base;
}

/* "/run/x (Stream)", as systemctl(1) has it; several are a line each. */
static PRINTER(listens)
{
	static const char *const kinds[] = {"Stream", "Datagram", "SequentialPacket", "FIFO"};

	for (size_t i = 0; i < config(of)->n; i++) {
		if (i)
			fputc('\n', of->out);
		property_put(of->out, config(of)->v[i].address);
		fprintf(of->out, " (%s)", kinds[config(of)->v[i].kind]);
	}
}

static PRINTER(service)
{
	char name[UNIT_NAME_MAX];

	if (socket_service_name(of->unit, name) == 0)
		property_put(of->out, name);
}

static PRINTER(fd_name)
{
	property_put(of->out, config(of)->fd_name ? config(of)->fd_name : of->unit->name);
}

static PRINTER(flag)
{
	property_put_yes(of->out, config(of)->options[p->arg] == 1);
}

static PRINTER(number)
{
	int value = config(of)->options[p->arg];

	if (value < 0)
		fputs("[not set]", of->out);
	else
		fprintf(of->out, "%d", value);
}

/* The kernel's options are in seconds. */
static PRINTER(seconds)
{
	int value = config(of)->options[p->arg];

	property_put_span(of->out, value < 0 ? 0 : (uint64_t)value * USEC_PER_SEC);
}

static PRINTER(timestamping)
{
	const int *options = config(of)->options;

	fputs(options[OPTION_TIMESTAMP] == 1      ? "us"
	      : options[OPTION_TIMESTAMP_NS] == 1 ? "ns"
						  : "off",
	      of->out);
}

static const char *const ipv6_words[] = {"default", "both", "ipv6-only", NULL};

#define AT(field)      offsetof(struct socket_config, field)
#define TEXT(field)    property_string, AT(field), 0, NULL, NULL
#define BOOL(field)    property_bool, AT(field), 0, NULL, NULL
#define COUNT(field)   property_unsigned, AT(field), 0, NULL, NULL
#define MODE(field)    property_mode, AT(field), 0, NULL, NULL
#define FLAG(option)   flag, 0, OPTION_##option, NULL, NULL
#define NUMBER(option) number, 0, OPTION_##option, NULL, NULL
#define SPAN(option)   seconds, 0, OPTION_##option, NULL, NULL

static const struct property rows[] = {
	{"Listen", listens, 0, 0, NULL,
	 "ListenStream ListenDatagram ListenSequentialPacket ListenFIFO"},
	{"Accept", BOOL(accept)},
	{"Service", service, 0, 0, NULL, NULL},
	{"FileDescriptorName", fd_name, 0, 0, NULL, NULL},
	{"MaxConnections", COUNT(max_connections)},
	{"MaxConnectionsPerSource", COUNT(max_connections_per_source)},
	{"Backlog", COUNT(backlog)},
	{"BindIPv6Only", property_word, AT(ipv6_only), 0, ipv6_words, NULL},
	{"BindToDevice", TEXT(device)},
	{"SocketUser", TEXT(user)},
	{"SocketGroup", TEXT(group)},
	{"SocketMode", MODE(mode)},
	{"DirectoryMode", MODE(directory_mode)},
	{"Symlinks", property_list, AT(symlinks), 0, NULL, NULL},
	{"RemoveOnStop", BOOL(remove_on_stop)},
	{"PipeSize", COUNT(pipe_size)},
	{"TCPCongestion", TEXT(congestion)},
	{"TriggerLimitIntervalUSec", property_span, AT(trigger_interval_usec), 0, NULL, NULL},
	{"TriggerLimitBurst", COUNT(trigger_burst)},
	{"KeepAlive", FLAG(KEEP_ALIVE)},
	{"KeepAliveTimeUSec", SPAN(KEEP_ALIVE_TIME)},
	{"KeepAliveIntervalUSec", SPAN(KEEP_ALIVE_INTERVAL)},
	{"KeepAliveProbes", NUMBER(KEEP_ALIVE_PROBES)},
	{"DeferAcceptUSec", SPAN(DEFER_ACCEPT)},
	{"NoDelay", FLAG(NO_DELAY)},
	{"Priority", NUMBER(PRIORITY)},
	{"ReceiveBuffer", NUMBER(RECEIVE_BUFFER)},
	{"SendBuffer", NUMBER(SEND_BUFFER)},
	{"IPTOS", NUMBER(IP_TOS)},
	{"IPTTL", NUMBER(IP_TTL)},
	{"Mark", NUMBER(MARK)},
	{"FreeBind", FLAG(FREE_BIND)},
	{"Transparent", FLAG(TRANSPARENT)},
	{"Broadcast", FLAG(BROADCAST)},
	{"PassCredentials", FLAG(PASS_CREDENTIALS)},
	{"PassPacketInfo", FLAG(PACKET_INFO)},
	{"PassSecurity", FLAG(PASS_SECURITY)},
	{"ReusePort", FLAG(REUSE_PORT)},
	{"Timestamping", timestamping, 0, 0, NULL, NULL},
};

const struct property_area property_area_socket = {PROPERTY_SOCKET, rows, ARRAY_LEN(rows)};
