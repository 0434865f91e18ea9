/*
 * The line between PID 1 and the supervisor, each end against packets of anybody. A part of the
 * input is a packet; one that begins with "@" has an fd with it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/keep.h"
#include "supervisor/keeper.h"
#include "tests/fuzz/fuzz.h"

#define PACKETS 24

/* The real ones: other targets' fixture takes their place. */
int __real_keeper_list(struct keeper *keeper, void (*take)(void *data, const char *name, int fd),
		       void *data, struct err *err);
int __real_keeper_store(struct keeper *keeper, const char *name, int fd, struct err *err);

static struct keep keep;

static void send_packet(int sock, const struct fuzz_part *part)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	bool with_fd = part->len && *part->text == '@';
	struct iovec iov = {.iov_base = (void *)(part->text + with_fd),
			    .iov_len = part->len - with_fd};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int fd = STDIN_FILENO;

	if (with_fd) {
		struct cmsghdr *c;

		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	if (sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

static void line_open(int pair[2])
{
	FUZZ_MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
}

/* PID 1's end: each packet is answered by exactly one ACK of its number. */
static void to_init(const char *text, size_t len)
{
	static const char secrets[] = "A=1\0B=2";
	struct {
		struct keeper_msg head;
		char data[64];
	} answer;
	struct fuzz_part part;
	int pair[2];

	line_open(pair);
	for (unsigned i = 0; i < PACKETS && fuzz_next(&text, &len, &part); i++) {
		enum keeper_event event;
		unsigned acks = 0;
		ssize_t n;

		send_packet(pair[0], &part);
		event = keep_serve(&keep, pair[1], secrets, sizeof(secrets));
		if (event == KEEPER_EVENT_GONE || event == KEEPER_EVENT_EMPTY)
			continue;
		FUZZ_MUST(keep.high_water <= KEEPER_FDS_MAX);
		while ((n = recv(pair[0], &answer, sizeof(answer), MSG_DONTWAIT)) > 0) {
			FUZZ_MUST((size_t)n >= sizeof(answer.head));
			acks += answer.head.op == KEEPER_ACK;
		}
		FUZZ_MUST(acks == 1);
	}
	close(pair[0]);
	close(pair[1]);
	for (unsigned i = 0; i < keep.high_water; i++)
		if (keep.v[i].name[0])
			close(keep.v[i].fd);
	memset(&keep, 0, sizeof(keep));
}

static void take(void *data, const char *name, int fd)
{
	FUZZ_MUST(fd >= 0 && strlen(name) < KEEPER_NAME_MAX);
	close(fd);
}

/* The supervisor's end: the answers are there before it asks, and then the line is closed. */
static void to_supervisor(const char *text, size_t len)
{
	enum call {
		LIST,
		SECRETS,
		STORE,
		CALLS
	};

	for (int k = LIST; k < CALLS; k++) {
		const char *at = text;
		size_t left = len, secrets_len = 0;
		struct fuzz_part part;
		struct keeper keeper;
		struct err err;
		char *secrets = NULL;
		int pair[2];

		line_open(pair);
		for (unsigned i = 0; i < PACKETS && fuzz_next(&at, &left, &part); i++)
			send_packet(pair[0], &part);
		shutdown(pair[0], SHUT_WR);
		keeper = (struct keeper){.fd = pair[1]};
		if (k == LIST)
			__real_keeper_list(&keeper, take, NULL, &err);
		if (k == SECRETS)
			keeper_secrets(&keeper, &secrets, &secrets_len, &err);
		if (k == STORE)
			__real_keeper_store(&keeper, "log:x.service", STDIN_FILENO, &err);
		FUZZ_MUST(!secrets || secrets_len <= KEEPER_DATA_MAX);
		free(secrets);
		close(pair[0]);
		close(pair[1]);
	}
}

FUZZ_TARGET(keeper)
{
	to_init(text, len);
	to_supervisor(text, len);
}
