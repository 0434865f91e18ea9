/*
 * socket.h - a .socket unit, systemd.socket(5): what its [Socket] section says, and how one of its
 * addresses becomes a listening fd.
 *
 *   directive_socket.c  the directives
 *   socket_address.c    the text of an address; pure
 *   socket_open.c       from an address to an fd
 *
 * It never accepts a connection and never starts anything: that is sockets.c, the manager's side.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/strv.h"
#include "supervisor/unit.h"

#define FD_NAME_MAX       255
#define SOCKET_LISTEN_MAX 64 /* addresses of one unit */

enum socket_kind {
	SOCKET_STREAM = 0, /* ListenStream= */
	SOCKET_DATAGRAM,   /* ListenDatagram= */
	SOCKET_SEQPACKET,  /* ListenSequentialPacket= */
	SOCKET_FIFO,       /* ListenFIFO= */
};

struct socket_listen {
	enum socket_kind kind;
	char *address; /* as in the file, with specifiers expanded */
};

enum socket_ipv6_only {
	IPV6_ONLY_DEFAULT = 0, /* as /proc/sys/net/ipv6/bindv6only says */
	IPV6_ONLY_NO,          /* BindIPv6Only=both */
	IPV6_ONLY_YES,         /* BindIPv6Only=ipv6-only */
};

/* What is set by one setsockopt(2) with an int; socket_open.c has the table of their levels and
 * names. */
enum socket_option {
	OPTION_BROADCAST = 0,
	OPTION_DEFER_ACCEPT,
	OPTION_FREE_BIND,
	OPTION_IP_TOS,
	OPTION_IP_TTL,
	OPTION_KEEP_ALIVE,
	OPTION_KEEP_ALIVE_INTERVAL,
	OPTION_KEEP_ALIVE_PROBES,
	OPTION_KEEP_ALIVE_TIME,
	OPTION_MARK,
	OPTION_NO_DELAY,
	OPTION_PACKET_INFO,
	OPTION_PASS_CREDENTIALS,
	OPTION_PASS_SECURITY,
	OPTION_PRIORITY,
	OPTION_RECEIVE_BUFFER,
	OPTION_REUSE_PORT,
	OPTION_SEND_BUFFER,
	OPTION_TIMESTAMP,
	OPTION_TIMESTAMP_NS,
	OPTION_TRANSPARENT,
	SOCKET_OPTIONS,
};

struct socket_config {
	struct socket_listen *v;
	size_t n;
	bool accept; /* Accept=yes: one instance of the service a connection */
	bool remove_on_stop;
	char *service; /* Service=, NULL: the unit's own name */
	char *fd_name; /* FileDescriptorName=, NULL: the name of the unit */
	char *user, *group;
	mode_t mode, directory_mode;
	unsigned backlog;
	enum socket_ipv6_only ipv6_only;
	int options[SOCKET_OPTIONS]; /* -1: as the kernel has it */
	char *device, *congestion;   /* BindToDevice=, TCPCongestion= */
	unsigned pipe_size;          /* 0: as the kernel has it */
	struct strv symlinks;
	unsigned max_connections;            /* Accept=yes: at a time */
	unsigned max_connections_per_source; /* 0: no limit */
	uint64_t trigger_interval_usec;      /* 0: no limit */
	unsigned trigger_burst;              /* 0: by Accept= */
};

struct socket_address {
	struct sockaddr_storage storage;
	socklen_t len;
	bool any; /* a bare port: all addresses of IPv6 and IPv4, of IPv4 where there is no IPv6 */
};

/* NULL on a lack of memory. */
struct socket_config *socket_config_new(void);
void socket_config_free(struct socket_config *config);
/* The rules between the directives of a whole unit; what they imply is filled in, and the unit is
 * ordered before its service. */
int socket_config_check(struct unit *unit, struct err *err);
/* The service that it starts; with Accept=yes the template. -ENAMETOOLONG when no name has room. */
int socket_service_name(const struct unit *unit, char name[static UNIT_NAME_MAX]);

/* "/path", "@abstract", "8080", "127.0.0.1:8080", "[::1]:8080", "[fe80::1%eth0]:8080". */
int socket_address_parse(const char *text, struct socket_address *address, struct err *err);
/* A name in LISTEN_FDNAMES=: sd_listen_fds(3). */
bool fd_name_valid(const char *name);
/* The port behind an address of the kernel's, as text for names of instances and the status. */
void socket_address_print(const struct sockaddr_storage *storage, socklen_t len, char *text,
			  size_t size);

/*
 * Binds the index-th address and listens. A socket or FIFO file that a dead life has left there is
 * taken away; one at which somebody answers is not. Returns a CLOEXEC, O_NONBLOCK fd, or a negative
 * errno and why. What an option cannot do here is told by *note (empty: nothing), as in systemd.
 */
int socket_open(const struct socket_config *config, size_t index, struct err *note,
		struct err *err);
/* Symlinks=, once the socket is there; and RemoveOnStop=. */
void socket_links_make(const struct socket_config *config, struct err *note);
void socket_files_remove(const struct socket_config *config);
