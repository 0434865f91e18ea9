#include "supervisor/ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/ctl.h"

#define PACKET_MAX \
	(512 *     \
	 1024) /* a socket's buffer, from which no packet can be larger, is 208 KiB by default */
#define REQUEST_MAX 65535 /* the supervisor reads no more */
#define RETRY_MS    20
#define BOOT_MS     2000 /* the set-up of a container is bounded by about that */
#define SOCKET_NAME "control.sock"

int64_t client_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- where it is ---- */

unsigned client_places(struct client_place places[static CLIENT_PLACES])
{
	const char *given = getenv("HAKIM_RUNTIME_DIR");
	unsigned n = 0;

	if (given && *given == '/')
		snprintf(places[n++].dir, sizeof(places->dir), "%s", given);
	snprintf(places[n++].dir, sizeof(places->dir), "/run/hakim");
	if (geteuid() != 0)
		snprintf(places[n++].dir, sizeof(places->dir), "/tmp/hakim-%u", geteuid());
	snprintf(places[n++].dir, sizeof(places->dir), "/tmp/hakim-0");
	return n;
}

/* Anybody can make a directory in /tmp and wait there for root to ask. */
int client_trusts(const char *dir, struct err *err)
{
	struct stat st;

	if (strncmp(dir, "/tmp/", 5) != 0)
		return 0;
	if (lstat(dir, &st) < 0)
		return err_sys(err, -errno, "no supervisor answers at %s/" SOCKET_NAME, dir);
	if (S_ISDIR(st.st_mode) && (st.st_uid == 0 || st.st_uid == geteuid()) &&
	    !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	return err_set(err, -EPERM, "%s is not trusted: it must be a directory of root or your own",
		       dir);
}

static int connect_to(struct client *client, const char *dir, int timeout_ms, struct err *err)
{
	const struct timeval limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -EBADF;
	int r;

	r = snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SOCKET_NAME, dir);
	if ((size_t)r >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "%s is too long for a socket's path", dir);
	r = client_trusts(dir, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, -errno, "a socket cannot be made");
	/* It is also the limit of connect(2) while the queue of the listener is full. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		if (r == -EACCES)
			return err_set(err, r,
				       "permission denied at %s: ask root or the coder user",
				       address.sun_path);
		if (r == -EAGAIN)
			return err_set(err, -ETIMEDOUT,
				       "the supervisor at %s has not answered within %d s",
				       address.sun_path, (timeout_ms + 999) / 1000);
		return err_sys(err, r, "no supervisor answers at %s", address.sun_path);
	}
	memcpy(client->path, address.sun_path, sizeof(client->path));
	client->fd = steal_fd(&fd);
	return 0;
}

/* A container that we boot has a supervisor soon, if not yet: whoever comes in as soon as it is
 * started is early, not wrong. */
static bool is_booting(int r)
{
	char comm[16] = "";
	FILE *f;

	if (r != -ENOENT && r != -ECONNREFUSED)
		return false;
	f = fopen("/proc/1/comm", "re");
	if (!f)
		return false;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	fclose(f);
	return strcmp(comm, "hakim-init\n") == 0;
}

static int connect_to_first(struct client *client, int timeout_ms, struct err *first)
{
	struct client_place places[CLIENT_PLACES];
	unsigned n = client_places(places);

	*first = (struct err){0};
	for (unsigned i = 0; i < n; i++) {
		struct err one = {0};
		int r = connect_to(client, places[i].dir, timeout_ms, &one);

		if (r == 0)
			return 0;
		/* What a person wants to hear of is the place where there is something. */
		if (first->code == 0 || (first->code == -ENOENT && r != -ENOENT))
			*first = one;
	}
	return first->code;
}

int client_open(struct client *client, int timeout_ms, struct err *err)
{
	int64_t by_ms = client_now_ms() + (timeout_ms < BOOT_MS ? timeout_ms : BOOT_MS);
	struct err first;

	*client = (struct client){.fd = -1};
	while (connect_to_first(client, timeout_ms, &first) < 0 && is_booting(first.code) &&
	       client_now_ms() < by_ms)
		poll(NULL, 0, RETRY_MS);
	if (client->fd < 0 && (first.code == -ENOENT || first.code == -ECONNREFUSED))
		return err_set(err, first.code, "%s; is hakim-init running here?", first.text);
	if (client->fd < 0)
		return err_set(err, first.code, "%s", first.text);
	client->buf = malloc(PACKET_MAX + 1);
	if (!client->buf) {
		client_close(client);
		return err_sys(err, -ENOMEM, "the answer");
	}
	return 0;
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	free(client->buf);
	client->fd = -1;
	client->buf = NULL;
}

/* ---- questions and answers ---- */

void reply_free(struct reply *reply)
{
	for (unsigned i = 0; i < reply->n_fds; i++)
		close(reply->fds[i]);
	reply->n_fds = 0;
	json_decref(reply->packets);
	reply->packets = NULL;
}

static int gone(struct err *err)
{
	return err_set(err, -ECONNRESET,
		       "the supervisor went away before it answered; a new one takes over, "
		       "'hakimctl status' shows what has become of it");
}

static int send_words(struct client *client, const char *const *words, size_t n, struct err *err)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		size_t size = strlen(words[i]) + 1;

		if (size > REQUEST_MAX - len)
			return err_set(err, -E2BIG, "that is too much for one request");
		memcpy(client->buf + len, words[i], size);
		len += size;
	}
	if (send(client->fd, client->buf, len, MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EPIPE || errno == ECONNRESET
		       ? gone(err)
		       : err_sys(err, -errno, "%s cannot be written to", client->path);
}

static int wait_for_packet(const struct client *client, int64_t by_ms, int timeout_ms,
			   struct err *err)
{
	for (;;) {
		struct pollfd p = {.fd = client->fd, .events = POLLIN};
		int64_t left = by_ms - client_now_ms();
		int r = poll(&p, 1, timeout_ms < 0 ? -1 : (int)(left > 0 ? left : 0));

		if (r > 0)
			return 0;
		if (r == 0)
			return err_set(
				err, -ETIMEDOUT,
				"the supervisor at %s does not answer (%d s); if it hangs, it "
				"is replaced by itself",
				client->path, (timeout_ms + 999) / 1000);
		if (errno != EINTR)
			return err_sys(err, -errno, "%s cannot be waited for", client->path);
	}
}

/* The fds of a packet go into the reply, which owns them; also those that are too many. */
static int take_fds(struct msghdr *m, struct reply *reply, struct err *err)
{
	bool too_many = m->msg_flags & MSG_CTRUNC;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		const unsigned char *data = CMSG_DATA(c);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, data + i * sizeof(int), sizeof(int));
			if (reply->n_fds < CLIENT_FDS) {
				reply->fds[reply->n_fds++] = fd;
			} else {
				close(fd);
				too_many = true;
			}
		}
	}
	return too_many ? err_set(err, -EBADMSG,
				  "the supervisor has sent more files than can be taken")
			: 0;
}

/* Receives one packet as an object. */
static int receive(struct client *client, struct reply *reply, json_t **object, struct err *err)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int) * CLIENT_FDS)];
	} control;
	struct iovec iov = {.iov_base = client->buf, .iov_len = PACKET_MAX};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	json_error_t why;
	ssize_t n;
	int r;

	do
		n = recvmsg(client->fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return gone(err);
	if (n < 0)
		return err_sys(err, -errno, "%s cannot be read", client->path);
	r = take_fds(&m, reply, err);
	if (r < 0)
		return r;
	if (m.msg_flags & MSG_TRUNC)
		return err_set(err, -EBADMSG, "the answer of the supervisor is too large");
	*object = json_loadb(client->buf, (size_t)n, JSON_REJECT_DUPLICATES, &why);
	if (!*object)
		return err_set(err, -EBADMSG,
			       "the answer of the supervisor is not understood (%s); are hakimctl "
			       "and the supervisor of the same version?",
			       why.text);
	if (json_is_object(*object))
		return 0;
	json_decref(*object);
	*object = NULL;
	return err_set(err, -EBADMSG, "the answer of the supervisor is not understood");
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

/* What the end says. The sentences that get an exit status of their own are those of
 * docs/control.md. */
static int read_end(const json_t *end, struct err *err)
{
	const char *error = string_of(end, "error");

	if (json_is_true(json_object_get(end, "ok")))
		return 0;
	if (!*error)
		error = "the supervisor says that it failed, and not why";
	if (strncmp(error, "there is no unit ", 17) == 0)
		return err_set(err, CLIENT_NO_UNIT, "%s", error);
	if (strncmp(error, "permission denied", 17) == 0)
		return err_set(err, -EACCES, "%s", error);
	return err_set(err, -EREMOTEIO, "%s", error);
}

int client_ask(struct client *client, const char *const *words, size_t n, int timeout_ms,
	       struct reply *reply, struct err *err)
{
	int64_t by_ms = client_now_ms() + timeout_ms;
	int r;

	*reply = (struct reply){.packets = json_array()};
	if (!reply->packets)
		return err_sys(err, -ENOMEM, "the answer");
	r = send_words(client, words, n, err);
	while (r == 0) {
		json_t *object = NULL;

		r = wait_for_packet(client, by_ms, timeout_ms, err);
		if (r == 0)
			r = receive(client, reply, &object, err);
		if (r < 0)
			break;
		if (strcmp(string_of(object, "type"), "end") == 0) {
			r = read_end(object, err);
			json_decref(object);
			break;
		}
		if (json_array_append_new(reply->packets, object) < 0)
			r = err_sys(err, -ENOMEM, "the answer");
	}
	return r;
}

int client_ask_once(const char *const *words, size_t n, int timeout_ms, struct reply *reply,
		    struct err *err)
{
	int64_t by_ms = client_now_ms() + timeout_ms;
	int r;

	*reply = (struct reply){0};
	do {
		struct client client;
		int64_t left = by_ms - client_now_ms();

		/* At least the sentence of the last try should be a true one. */
		if (left < 1)
			left = 1;
		r = client_open(&client, (int)left, err);
		if (r < 0)
			return r;
		reply_free(reply);
		r = client_ask(&client, words, n, (int)left, reply, err);
		client_close(&client);
		/* PID 1 holds the socket: who connects now is served by the next supervisor. */
		if (r == -ECONNRESET)
			poll(NULL, 0, RETRY_MS);
	} while (r == -ECONNRESET && client_now_ms() < by_ms);
	return r;
}

int client_exit_status(int error)
{
	switch (error) {
	case 0:
		return CTL_OK;
	case CLIENT_NO_UNIT:
		return CTL_NO_UNIT;
	case -ENOENT:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -ETIMEDOUT:
	case -EPERM:
	case -ENAMETOOLONG:
		return CTL_NO_SUPERVISOR;
	default:
		return CTL_FAILED;
	}
}
