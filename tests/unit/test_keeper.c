/* The line between the supervisor and PID 1: both real ends, over a real socket pair. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "init/keep.h"
#include "supervisor/keeper.h"

struct line {
	struct keep *keep;
	struct keeper keeper;
	int init_fd;
	pthread_t thread;
	enum keeper_event last;
	const char *secrets;
	size_t secrets_len;
};

/* PID 1's part: serves until the other end is closed. */
static void *serve(void *data)
{
	struct line *l = data;

	for (;;) {
		struct pollfd p = {.fd = l->init_fd, .events = POLLIN};
		enum keeper_event e;

		poll(&p, 1, -1);
		e = keep_serve(l->keep, l->init_fd, l->secrets, l->secrets_len);
		if (e == KEEPER_EVENT_GONE)
			return NULL;
		if (e != KEEPER_EVENT_EMPTY && e != KEEPER_EVENT_NONE)
			__atomic_store_n(&l->last, e, __ATOMIC_RELEASE);
	}
}

static void line_open(struct line *l)
{
	int pair[2];

	*l = (struct line){
		.keep = calloc(1, sizeof(struct keep)), .secrets = "A=1\0B=2", .secrets_len = 8};
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	l->keeper.fd = pair[0];
	l->init_fd = pair[1];
	assert_int_equal(pthread_create(&l->thread, NULL, serve, l), 0);
}

static void line_close(struct line *l)
{
	close(l->keeper.fd);
	pthread_join(l->thread, NULL);
	close(l->init_fd);
	for (unsigned i = 0; i < l->keep->high_water; i++)
		if (l->keep->v[i].name[0])
			close(l->keep->v[i].fd);
	free(l->keep);
}

struct taken {
	unsigned n;
	char names[2048][KEEPER_NAME_MAX];
	struct stat st[2048];
};

static void take(void *data, const char *name, int fd)
{
	struct taken *t = data;

	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	snprintf(t->names[t->n], sizeof(t->names[0]), "%s", name);
	fstat(fd, &t->st[t->n++]);
	close(fd);
}

static void what_is_stored_comes_back_by_name(void **state)
{
	struct line l;
	struct taken *t = calloc(1, sizeof(*t));
	struct err err = {0};
	struct stat want;
	int fds[2];

	line_open(&l);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	fstat(fds[0], &want);
	assert_int_equal(keeper_store(&l.keeper, "log:a.service", fds[0], &err), 0);
	assert_int_equal(keeper_store(&l.keeper, "log:b.service", fds[1], &err), 0);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(keeper_list(&l.keeper, take, t, &err), 0);
	assert_int_equal(t->n, 2);
	assert_string_equal(t->names[0], "log:a.service");
	assert_int_equal(t->st[0].st_ino, want.st_ino);
	assert_int_equal(keeper_drop(&l.keeper, "log:a.service", &err), 0);
	assert_int_equal(keeper_drop(&l.keeper, "log:a.service", &err), -ENOENT);
	t->n = 0;
	assert_int_equal(keeper_list(&l.keeper, take, t, &err), 0);
	assert_int_equal(t->n, 1);
	line_close(&l);
	free(t);
}

static void a_thousand_fds_come_back_in_batches(void **state)
{
	struct rlimit lim = {.rlim_cur = 20000, .rlim_max = 20000};
	struct line l;
	struct taken *t = calloc(1, sizeof(*t));
	struct err err = {0};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setrlimit(RLIMIT_NOFILE, &lim);
	line_open(&l);
	for (unsigned i = 0; i < 1000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "log:%u.service", i);
		assert_int_equal(keeper_store(&l.keeper, name, fd, &err), 0);
	}
	assert_int_equal(keeper_list(&l.keeper, take, t, &err), 0);
	assert_int_equal(t->n, 1000);
	assert_string_equal(t->names[999], "log:999.service");
	line_close(&l);
	close(fd);
	free(t);
}

static void an_older_fd_of_the_same_name_is_closed(void **state)
{
	struct line l;
	struct err err = {0};
	char byte;
	int fds[2];
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	line_open(&l);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(keeper_store(&l.keeper, "x", fds[1], &err), 0);
	close(fds[1]);
	assert_int_equal(keeper_store(&l.keeper, "x", null, &err), 0);
	/* The last write end is gone: the end of the file is read, not waited for. */
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
	close(null);
	line_close(&l);
}

static void a_store_without_room_for_the_fd_is_refused_and_not_lost(void **state)
{
	struct line l;
	struct err err = {0};
	struct rlimit old;
	struct rlimit tight;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int probe;

	line_open(&l);
	getrlimit(RLIMIT_NOFILE, &old);
	probe = dup(fd);
	close(probe);
	/* Both ends live in this process: no further fd can be received. The kernel drops it and
	 * says MSG_CTRUNC. */
	tight = old;
	tight.rlim_cur = (rlim_t)probe;
	setrlimit(RLIMIT_NOFILE, &tight);
	assert_int_equal(keeper_store(&l.keeper, "x", fd, &err), -EMFILE);
	assert_non_null(strstr(err.text, "PID 1 cannot keep x"));
	setrlimit(RLIMIT_NOFILE, &old);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	assert_int_equal(keeper_store(&l.keeper, "x", fd, &err), 0);
	close(fd);
	line_close(&l);
}

static void secrets_are_handed_on_whole(void **state)
{
	struct line l;
	struct err err = {0};
	char *secrets = NULL;
	size_t len = 0;
	char *big = malloc(KEEPER_DATA_MAX);

	line_open(&l);
	assert_int_equal(keeper_secrets(&l.keeper, &secrets, &len, &err), 0);
	assert_int_equal(len, 8);
	assert_memory_equal(secrets, "A=1\0B=2", 8);
	free(secrets);
	memset(big, 'x', KEEPER_DATA_MAX);
	l.secrets = big;
	l.secrets_len = KEEPER_DATA_MAX;
	assert_int_equal(keeper_secrets(&l.keeper, &secrets, &len, &err), 0);
	assert_int_equal(len, KEEPER_DATA_MAX);
	free(secrets);
	line_close(&l);
	free(big);
}

static void words_of_the_supervisor_are_events(void **state)
{
	static const struct {
		enum keeper_op op;
		enum keeper_event event;
	} rows[] = {
		{KEEPER_READY, KEEPER_EVENT_READY},
		{KEEPER_STOPPED, KEEPER_EVENT_STOPPED},
		{KEEPER_SHUTDOWN, KEEPER_EVENT_SHUTDOWN},
		{KEEPER_REEXEC, KEEPER_EVENT_REEXEC},
	};
	struct line l;
	struct err err = {0};

	line_open(&l);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(keeper_tell(&l.keeper, rows[i].op, &err), 0);
		/* The ACK is sent before the event is stored by our thread: one more round trip
		 * settles it. */
		keeper_drop(&l.keeper, "nothing", NULL);
		assert_int_equal(__atomic_load_n(&l.last, __ATOMIC_ACQUIRE), rows[i].event);
	}
	line_close(&l);
}

static void the_first_exit_status_that_is_asked_for_counts(void **state)
{
	struct line l;
	struct err err = {0};

	line_open(&l);
	assert_false(l.keep->exit_asked);
	assert_int_equal(keeper_exit(&l.keeper, 143, &err), 0);
	keeper_drop(&l.keeper, "nothing", NULL);
	assert_int_equal(__atomic_load_n(&l.last, __ATOMIC_ACQUIRE), KEEPER_EVENT_SHUTDOWN);
	assert_int_equal(keeper_exit(&l.keeper, 1, &err), 0);
	assert_true(l.keep->exit_asked);
	assert_int_equal(l.keep->exit_status, 143);
	line_close(&l);
}

static void what_a_newer_supervisor_asks_is_answered_enosys(void **state)
{
	struct line l;
	struct err err = {0};

	line_open(&l);
	assert_int_equal(keeper_tell(&l.keeper, (enum keeper_op)77, &err), -ENOSYS);
	line_close(&l);
}

static void send_with_fd(int sock, const struct keeper_msg *msg, size_t len)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)msg, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fd = STDERR_FILENO;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	assert_int_equal(sendmsg(sock, &m, 0), len);
}

static int lowest_free(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void an_fd_that_comes_with_what_is_no_gift_is_closed(void **state)
{
	struct keeper_msg ack = {.op = KEEPER_ACK, .seq = 1};
	struct keeper_msg give = {.op = KEEPER_GIVE, .seq = 1, .name = "x"};
	struct err err = {0};
	struct keeper keeper;
	int pair[2];
	int before;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	before = lowest_free();
	keeper = (struct keeper){.fd = pair[0]};
	send_with_fd(pair[1], &ack, sizeof(ack));
	assert_int_equal(keeper_list(&keeper, take, NULL, &err), 0);
	assert_int_equal(lowest_free(), before);
	/* And one that is cut. */
	send_with_fd(pair[1], &give, sizeof(give) - 1);
	assert_int_equal(keeper_list(&keeper, take, NULL, &err), -EPIPE);
	assert_int_equal(lowest_free(), before);
	close(pair[0]);
	close(pair[1]);
}

static void rubbish_is_answered_and_harms_nothing(void **state)
{
	struct line l;
	struct err err = {0};

	line_open(&l);
	assert_int_equal(send(l.keeper.fd, "x", 1, 0), 1);
	assert_int_equal(send(l.keeper.fd, "", 0, 0), 0);
	/* An empty packet reads like the end of the line: the supervisor is replaced, nothing that
	 * is kept is lost. */
	pthread_join(l.thread, NULL);
	assert_int_equal(pthread_create(&l.thread, NULL, serve, &l), 0);
	assert_int_equal(keeper_drop(&l.keeper, "nothing", &err), -ENOENT);
	line_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_stored_comes_back_by_name),
		cmocka_unit_test(a_thousand_fds_come_back_in_batches),
		cmocka_unit_test(an_older_fd_of_the_same_name_is_closed),
		cmocka_unit_test(a_store_without_room_for_the_fd_is_refused_and_not_lost),
		cmocka_unit_test(secrets_are_handed_on_whole),
		cmocka_unit_test(words_of_the_supervisor_are_events),
		cmocka_unit_test(the_first_exit_status_that_is_asked_for_counts),
		cmocka_unit_test(what_a_newer_supervisor_asks_is_answered_enosys),
		cmocka_unit_test(an_fd_that_comes_with_what_is_no_gift_is_closed),
		cmocka_unit_test(rubbish_is_answered_and_harms_nothing),
	};

	return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
