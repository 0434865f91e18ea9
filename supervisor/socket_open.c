/*
 * socket_open.c - from an address to a listening fd, with its file's mode and owner and its
 * options.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/identity.h"
#include "supervisor/socket.h"

enum option_when {
	BEFORE_BIND = 0, /* it decides about the bind */
	AFTER_BIND,
};

/* For which sockets an option means something. */
enum option_for {
	FOR_ALL = 0,
	FOR_UNIX,
	FOR_IP,
	FOR_TCP,
};

static const struct {
	const char *name;
	int level, option;
	enum option_when when;
	enum option_for what;
} options[SOCKET_OPTIONS] = {
	[OPTION_BROADCAST] = {"Broadcast", SOL_SOCKET, SO_BROADCAST, AFTER_BIND, FOR_IP},
	[OPTION_DEFER_ACCEPT] = {"DeferAcceptSec", IPPROTO_TCP, TCP_DEFER_ACCEPT, AFTER_BIND,
				 FOR_TCP},
	[OPTION_FREE_BIND] = {"FreeBind", IPPROTO_IP, IP_FREEBIND, BEFORE_BIND, FOR_IP},
	[OPTION_IP_TOS] = {"IPTOS", IPPROTO_IP, IP_TOS, AFTER_BIND, FOR_IP},
	[OPTION_IP_TTL] = {"IPTTL", IPPROTO_IP, IP_TTL, AFTER_BIND, FOR_IP},
	[OPTION_KEEP_ALIVE] = {"KeepAlive", SOL_SOCKET, SO_KEEPALIVE, AFTER_BIND, FOR_TCP},
	[OPTION_KEEP_ALIVE_INTERVAL] = {"KeepAliveIntervalSec", IPPROTO_TCP, TCP_KEEPINTVL,
					AFTER_BIND, FOR_TCP},
	[OPTION_KEEP_ALIVE_PROBES] = {"KeepAliveProbes", IPPROTO_TCP, TCP_KEEPCNT, AFTER_BIND,
				      FOR_TCP},
	[OPTION_KEEP_ALIVE_TIME] = {"KeepAliveTimeSec", IPPROTO_TCP, TCP_KEEPIDLE, AFTER_BIND,
				    FOR_TCP},
	[OPTION_MARK] = {"Mark", SOL_SOCKET, SO_MARK, AFTER_BIND, FOR_ALL},
	[OPTION_NO_DELAY] = {"NoDelay", IPPROTO_TCP, TCP_NODELAY, AFTER_BIND, FOR_TCP},
	[OPTION_PACKET_INFO] = {"PassPacketInfo", IPPROTO_IP, IP_PKTINFO, AFTER_BIND, FOR_IP},
	[OPTION_PASS_CREDENTIALS] = {"PassCredentials", SOL_SOCKET, SO_PASSCRED, AFTER_BIND,
				     FOR_UNIX},
	[OPTION_PASS_SECURITY] = {"PassSecurity", SOL_SOCKET, SO_PASSSEC, AFTER_BIND, FOR_UNIX},
	[OPTION_PRIORITY] = {"Priority", SOL_SOCKET, SO_PRIORITY, AFTER_BIND, FOR_ALL},
	[OPTION_RECEIVE_BUFFER] = {"ReceiveBuffer", SOL_SOCKET, SO_RCVBUF, AFTER_BIND, FOR_ALL},
	[OPTION_REUSE_PORT] = {"ReusePort", SOL_SOCKET, SO_REUSEPORT, BEFORE_BIND, FOR_IP},
	[OPTION_SEND_BUFFER] = {"SendBuffer", SOL_SOCKET, SO_SNDBUF, AFTER_BIND, FOR_ALL},
	[OPTION_TIMESTAMP] = {"Timestamping", SOL_SOCKET, SO_TIMESTAMP, AFTER_BIND, FOR_ALL},
	[OPTION_TIMESTAMP_NS] = {"Timestamping", SOL_SOCKET, SO_TIMESTAMPNS, AFTER_BIND, FOR_ALL},
	[OPTION_TRANSPARENT] = {"Transparent", IPPROTO_IP, IP_TRANSPARENT, BEFORE_BIND, FOR_IP},
};

/* A socket's own options. */
struct subject {
	int fd, family;
	bool stream;
};

static bool is_for(enum option_for what, const struct subject *subject)
{
	bool ip = subject->family == AF_INET || subject->family == AF_INET6;

	switch (what) {
	case FOR_ALL:
		return true;
	case FOR_UNIX:
		return subject->family == AF_UNIX;
	case FOR_IP:
		return ip;
	case FOR_TCP:
		return ip && subject->stream;
	}
	return false;
}

static int option_set(const struct subject *subject, enum socket_option o, int value)
{
	int forced = o == OPTION_RECEIVE_BUFFER ? SO_RCVBUFFORCE
		     : o == OPTION_SEND_BUFFER  ? SO_SNDBUFFORCE
						: 0;

	if (forced && setsockopt(subject->fd, SOL_SOCKET, forced, &value, sizeof(value)) == 0)
		return 0;
	if (setsockopt(subject->fd, options[o].level, options[o].option, &value, sizeof(value)) ==
	    0) {
		/* The same of IPv6 has another name. */
		if (o == OPTION_IP_TTL && subject->family == AF_INET6)
			return setsockopt(subject->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &value,
					  sizeof(value));
		if (o == OPTION_PACKET_INFO && subject->family == AF_INET6)
			return setsockopt(subject->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &value,
					  sizeof(value));
		return 0;
	}
	return -1;
}

/* systemd warns and goes on: so do we. */
static void options_set(const struct socket_config *config, const struct subject *subject,
			enum option_when when, struct err *note)
{
	for (enum socket_option o = 0; o < SOCKET_OPTIONS; o++)
		if (config->options[o] >= 0 && options[o].when == when &&
		    is_for(options[o].what, subject) &&
		    option_set(subject, o, config->options[o]) < 0)
			err_sys(note, -errno, "%s= has no effect", options[o].name);
	if (when == BEFORE_BIND && config->device && is_for(FOR_IP, subject) &&
	    setsockopt(subject->fd, SOL_SOCKET, SO_BINDTODEVICE, config->device,
		       (socklen_t)strlen(config->device) + 1) < 0)
		err_sys(note, -errno, "BindToDevice= has no effect");
	if (when == AFTER_BIND && config->congestion && is_for(FOR_TCP, subject) &&
	    setsockopt(subject->fd, IPPROTO_TCP, TCP_CONGESTION, config->congestion,
		       (socklen_t)strlen(config->congestion)) < 0)
		err_sys(note, -errno, "TCPCongestion= has no effect");
}

/* Makes the directories above `path`. */
static int parents_make(const char *path, mode_t mode, struct err *err)
{
	char dir[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		if ((size_t)(slash - path) >= sizeof(dir))
			return err_set(err, -ENAMETOOLONG, "%.80s is too long", path);
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
		if (mkdir(dir, mode) < 0 && errno != EEXIST)
			return err_sys(err, -errno, "the directory %.200s cannot be made", dir);
	}
	return 0;
}

/* Its mode and owner by the file itself, never by a link that somebody puts there meanwhile. */
static int file_own(const struct socket_config *config, const char *path, mode_t type,
		    struct err *err)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct identity id = {0};
	struct stat st;
	char by_fd[40];
	int r = config->user || config->group ? identity_find(config->user, config->group, &id, err)
					      : 0;

	if (r < 0)
		return r;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, -errno, "%s", path);
	if ((st.st_mode & S_IFMT) != type)
		return err_set(err, -EEXIST, "%s is something else now", path);
	if ((config->user || config->group) &&
	    fchownat(fd, "", config->user ? id.uid : (uid_t)-1, id.gid, AT_EMPTY_PATH) < 0)
		return err_sys(err, -errno,
			       "%s cannot be given to SocketUser= and SocketGroup=", path);
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	if (chmod(by_fd, config->mode) == 0)
		return 0;
	/* With a user's rights (user_access.h) /proc/self/fd is closed; then the path itself can do
	 * no harm that the user could not. */
	return errno != EACCES || chmod(path, config->mode) < 0
		       ? err_sys(err, -errno, "%s: SocketMode=", path)
		       : 0;
}

/* 0: a left-over was taken away, try again. */
static int left_over_remove(const struct socket_address *address, int type, struct err *err)
{
	const struct sockaddr_un *un = (const void *)&address->storage;
	_cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;

	if (lstat(un->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(err, -errno, "%s", un->sun_path);
	if (!S_ISSOCK(st.st_mode) && !S_ISFIFO(st.st_mode))
		return err_set(err, -EADDRINUSE,
			       "%s exists and is no socket: it is left as it is; move it away",
			       un->sun_path);
	/* Where nobody listens any more the kernel says ECONNREFUSED, unix(7). */
	if (S_ISSOCK(st.st_mode) &&
	    (fd < 0 || connect(fd, (const void *)un, address->len) == 0 || errno != ECONNREFUSED))
		return err_set(err, -EADDRINUSE, "another process listens at %s: end it first",
			       un->sun_path);
	return unlink(un->sun_path) < 0 && errno != ENOENT
		       ? err_sys(err, -errno, "the left-over %s cannot be removed", un->sun_path)
		       : 0;
}

static int unix_bind(const struct socket_config *config, int fd, int type,
		     const struct socket_address *address, struct err *err)
{
	const struct sockaddr_un *un = (const void *)&address->storage;
	const char *path = un->sun_path;
	int r = *path ? parents_make(path, config->directory_mode, err) : 0;

	if (r < 0)
		return r;
	/* The file begins with the mode of the socket's own inode: closed to all until its own is
	 * set (unix_bind() of the kernel). */
	fchmod(fd, 0);
	if (bind(fd, (const void *)un, address->len) < 0) {
		if (errno != EADDRINUSE || !*path)
			return err_sys(err, -errno, "%s%s cannot be bound", *path ? "" : "@",
				       *path ? path : path + 1);
		r = left_over_remove(address, type, err);
		if (r < 0)
			return r;
		if (bind(fd, (const void *)un, address->len) < 0)
			return err_sys(err, -errno, "%s cannot be bound", path);
	}
	return *path ? file_own(config, path, S_IFSOCK, err) : 0;
}

static int ip_bind(const struct socket_config *config, int fd, const char *text,
		   const struct socket_address *address, struct err *err)
{
	int one = 1;
	int only = config->ipv6_only == IPV6_ONLY_YES;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->storage.ss_family == AF_INET6 && config->ipv6_only != IPV6_ONLY_DEFAULT)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	return bind(fd, (const void *)&address->storage, address->len) < 0
		       ? err_sys(err, -errno, "%s cannot be bound", text)
		       : 0;
}

/* A kernel without IPv6, or a container whose sysctl has it off: a bare port is one of IPv4 then.
 */
static void any_to_ipv4(struct socket_address *address)
{
	const struct sockaddr_in6 *in6 = (const void *)&address->storage;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = in6->sin6_port};

	memset(&address->storage, 0, sizeof(address->storage));
	memcpy(&address->storage, &in, sizeof(in));
	address->len = sizeof(in);
	address->any = false;
}

static int socket_make(const struct socket_config *config, const struct socket_listen *listen_on,
		       struct socket_address *address, struct err *note, struct err *err)
{
	static const int types[] = {
		[SOCKET_STREAM] = SOCK_STREAM,
		[SOCKET_DATAGRAM] = SOCK_DGRAM,
		[SOCKET_SEQPACKET] = SOCK_SEQPACKET,
	};
	int type = types[listen_on->kind];
	int family = address->storage.ss_family;
	_cleanup_close_ int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct subject subject = {fd, family, type == SOCK_STREAM};
	int r;

	if (fd < 0)
		return err_sys(err, -errno, "no socket can be made for %s", listen_on->address);
	options_set(config, &subject, BEFORE_BIND, note);
	r = family == AF_UNIX ? unix_bind(config, fd, type, address, err)
			      : ip_bind(config, fd, listen_on->address, address, err);
	if (r < 0)
		return r;
	options_set(config, &subject, AFTER_BIND, note);
	if (type != SOCK_DGRAM &&
	    listen(fd, config->backlog > INT32_MAX ? INT32_MAX : (int)config->backlog) < 0)
		return err_sys(err, -errno, "%s: listen", listen_on->address);
	return steal_fd(&fd);
}

static int fifo_open(const struct socket_config *config, const char *path, struct err *note,
		     struct err *err)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;
	int r = parents_make(path, config->directory_mode, err);

	if (r < 0)
		return r;
	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		return err_sys(err, -errno, "the FIFO %s cannot be made", path);
	/* For reading and writing: so the end of a writer is never the end of the file, fifo(7). */
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, -errno, "the FIFO %s cannot be opened", path);
	if (!S_ISFIFO(st.st_mode))
		return err_set(err, -EEXIST,
			       "%s exists and is no FIFO: it is left as it is; move it away", path);
	if (config->pipe_size && fcntl(fd, F_SETPIPE_SZ, (int)config->pipe_size) < 0)
		err_sys(note, -errno, "PipeSize= has no effect");
	r = file_own(config, path, S_IFIFO, err);
	return r < 0 ? r : steal_fd(&fd);
}

int socket_open(const struct socket_config *config, size_t index, struct err *note, struct err *err)
{
	const struct socket_listen *listen_on = &config->v[index];
	struct socket_address address;
	int r;

	note->text[0] = '\0';
	if (listen_on->kind == SOCKET_FIFO)
		return fifo_open(config, listen_on->address, note, err);
	r = socket_address_parse(listen_on->address, &address, err);
	if (r < 0)
		return r;
	r = socket_make(config, listen_on, &address, note, err);
	if (!address.any || (r != -EAFNOSUPPORT && r != -EADDRNOTAVAIL))
		return r;
	any_to_ipv4(&address);
	return socket_make(config, listen_on, &address, note, err);
}

void socket_links_make(const struct socket_config *config, struct err *note)
{
	const char *path = NULL;

	note->text[0] = '\0';
	for (size_t i = 0; i < config->n && !path; i++)
		if (*config->v[i].address == '/')
			path = config->v[i].address;
	for (size_t i = 0; path && i < config->symlinks.n; i++) {
		const char *link = config->symlinks.v[i];
		struct stat st;

		if (parents_make(link, config->directory_mode, note) < 0)
			continue;
		/* A link may be replaced: it is ours of another life. */
		if (lstat(link, &st) == 0 && S_ISLNK(st.st_mode))
			unlink(link);
		if (symlink(path, link) < 0)
			err_sys(note, -errno, "Symlinks=: %s cannot be made", link);
	}
}

void socket_files_remove(const struct socket_config *config)
{
	struct stat st;

	for (size_t i = 0; i < config->n; i++)
		if (*config->v[i].address == '/' && lstat(config->v[i].address, &st) == 0 &&
		    (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode)))
			unlink(config->v[i].address);
	for (size_t i = 0; i < config->symlinks.n; i++)
		if (lstat(config->symlinks.v[i], &st) == 0 && S_ISLNK(st.st_mode))
			unlink(config->symlinks.v[i]);
}
