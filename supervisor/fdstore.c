#include "supervisor/fdstore.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/manager.h"
#include "supervisor/socket.h"
#include "supervisor/sockets.h"

#define NAME_DEFAULT "stored" /* sd_notify(3), FDNAME= */

struct stored {
	struct service *s;
	int fd; /* -1: expected, PID 1 has not given it back yet */
	unsigned index;
	bool poll;
	char *name;
	struct source source; /* tells of a hang-up or an error */
};

struct fdstore {
	struct stored **v; /* in the order in which they were stored */
	size_t n;
	bool full_told;
};

static void kept_name(const struct service *s, unsigned index, char name[static KEEPER_NAME_MAX])
{
	snprintf(name, KEEPER_NAME_MAX, "fds:%s:%u", s->unit->name, index);
}

/* Takes the i-th out and closes it. */
static void remove_at(struct service *s, size_t i)
{
	struct fdstore *store = s->fdstore;
	struct stored *one = store->v[i];
	char name[KEEPER_NAME_MAX];

	loop_remove(&s->manager->loop, &one->source);
	if (one->fd >= 0) {
		kept_name(s, one->index, name);
		keeper_drop(&s->manager->keeper, name, NULL);
		close(one->fd);
	}
	free(one->name);
	free(one);
	memmove(store->v + i, store->v + i + 1, (store->n - i - 1) * sizeof(struct stored *));
	store->n--;
	store->full_told = false;
	s->manager->dirty = true;
}

void fdstore_free(struct service *s)
{
	if (!s->fdstore)
		return;
	while (s->fdstore->n)
		remove_at(s, s->fdstore->n - 1);
	free(s->fdstore->v);
	free(s->fdstore);
	s->fdstore = NULL;
}

/* systemd watches for EPOLLHUP and EPOLLERR, which need not be asked for. */
static void hung_up(void *owner, uint32_t events)
{
	struct stored *one = owner;
	struct service *s = one->s;

	for (size_t i = 0; i < s->fdstore->n; i++) {
		if (s->fdstore->v[i] == one) {
			remove_at(s, i);
			return;
		}
	}
}

static void watch(struct stored *one)
{
	/* A regular file cannot be watched, and needs not be. */
	if (one->poll && one->fd >= 0 && one->source.fd < 0)
		loop_add(&one->s->manager->loop, &one->source, one->fd, 0, hung_up, one, NULL);
}

static struct stored *find(const struct service *s, unsigned index)
{
	for (size_t i = 0; s->fdstore && i < s->fdstore->n; i++)
		if (s->fdstore->v[i]->index == index)
			return s->fdstore->v[i];
	return NULL;
}

static struct stored *append(struct service *s, unsigned index, bool poll, const char *name,
			     size_t name_len)
{
	struct stored **grown;
	struct stored *one = NULL;

	if (!s->fdstore && !(s->fdstore = calloc(1, sizeof(*s->fdstore))))
		return NULL;
	grown = reallocarray(s->fdstore->v, s->fdstore->n + 1, sizeof(struct stored *));
	if (grown) {
		s->fdstore->v = grown;
		one = calloc(1, sizeof(*one));
	}
	if (!one)
		return NULL;
	*one = (struct stored){.s = s,
			       .fd = -1,
			       .index = index,
			       .poll = poll,
			       .name = strndup(name, name_len),
			       .source.fd = -1};
	if (!one->name) {
		free(one);
		return NULL;
	}
	s->fdstore->v[s->fdstore->n++] = one;
	return one;
}

/* The same open file description is kept once. */
static bool is_stored(const struct service *s, int fd)
{
	pid_t self = getpid();

	for (size_t i = 0; s->fdstore && i < s->fdstore->n; i++)
		if (syscall(SYS_kcmp, self, self, KCMP_FILE, fd, s->fdstore->v[i]->fd) == 0)
			return true;
	return false;
}

static void store_one(struct service *s, int fd, const struct fdstore_request *request)
{
	_cleanup_close_ int owned = fd;
	char name[KEEPER_NAME_MAX];
	struct err err = {0};
	struct stored *one;
	unsigned index = 0;

	if (is_stored(s, fd))
		return;
	if (s->fdstore && s->fdstore->n >= s->unit->fd_store_max) {
		if (!s->fdstore->full_told)
			say(s->manager, "%s: FileDescriptorStoreMax=%u is reached: an fd is closed",
			    s->unit->name, s->unit->fd_store_max);
		s->fdstore->full_told = true;
		return;
	}
	while (find(s, index))
		index++;
	one = append(s, index, request->poll, request->name ? request->name : NAME_DEFAULT,
		     request->name ? request->name_len : strlen(NAME_DEFAULT));
	if (!one)
		return;
	/* The name first: a successor must not find an fd and not know what it is called. */
	takeover_save(s->manager);
	kept_name(s, index, name);
	if (keeper_store(&s->manager->keeper, name, fd, &err) < 0) {
		say(s->manager, "%s: %s", s->unit->name, err.text);
		remove_at(s, s->fdstore->n - 1);
		return;
	}
	one->fd = steal_fd(&owned);
	watch(one);
}

static void remove_named(struct service *s, const struct fdstore_request *request)
{
	for (size_t i = s->fdstore ? s->fdstore->n : 0; i > 0; i--) {
		const char *name = s->fdstore->v[i - 1]->name;

		if (strlen(name) == request->name_len &&
		    memcmp(name, request->name, request->name_len) == 0)
			remove_at(s, i - 1);
	}
}

struct fdstore_request fdstore_parse(const char *text)
{
	struct fdstore_request request = {.poll = true};
	char name[FD_NAME_MAX + 1];

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len == 9 && memcmp(text, "FDSTORE=1", len) == 0) {
			request.store = true;
		} else if (len == 15 && memcmp(text, "FDSTOREREMOVE=1", len) == 0) {
			request.remove = true;
		} else if (len == 8 && memcmp(text, "FDPOLL=0", len) == 0) {
			request.poll = false;
		} else if (len > 7 && len - 7 < sizeof(name) && memcmp(text, "FDNAME=", 7) == 0) {
			snprintf(name, sizeof(name), "%.*s", (int)(len - 7), text + 7);
			/* As in systemd: a bad name is as good as none. */
			if (fd_name_valid(name)) {
				request.name = text + 7;
				request.name_len = len - 7;
			}
		}
		text += len;
		text += *text == '\n';
	}
	return request;
}

void fdstore_message(struct service *s, const char *text, int *fds, size_t n)
{
	struct fdstore_request request = fdstore_parse(text);

	for (size_t i = 0; i < n; i++) {
		if (request.store && !request.remove && s->unit->fd_store_max)
			store_one(s, fds[i], &request);
		else
			close(fds[i]);
	}
	if (request.remove && request.name)
		remove_named(s, &request);
}

int fdstore_collect(struct service *s, struct pass_fds *pass, struct err *err)
{
	int r = 0;

	for (size_t i = 0; s->fdstore && i < s->fdstore->n && r == 0; i++)
		if (s->fdstore->v[i]->fd >= 0)
			r = pass_fds_add(pass, s->fdstore->v[i]->fd, s->fdstore->v[i]->name);
	return r < 0 ? err_sys(err, r, "its stored fds") : 0;
}

void fdstore_state_changed(struct service *s)
{
	enum service_state state = s->machine.state;
	bool restarts = state == SERVICE_AUTO_RESTART || state == SERVICE_WAITING;

	if (!s->fdstore || s->unit->fd_store_preserve == FD_STORE_PRESERVE_YES)
		return;
	if (service_is_at_rest(state) ||
	    (restarts && s->unit->fd_store_preserve == FD_STORE_PRESERVE_NO))
		fdstore_free(s);
}

void fdstore_save(const struct service *s,
		  void (*add)(void *data, unsigned index, bool poll, const char *name), void *data)
{
	for (size_t i = 0; s->fdstore && i < s->fdstore->n; i++) {
		const struct stored *one = s->fdstore->v[i];

		add(data, one->index, one->poll, one->name);
	}
}

void fdstore_expect(struct service *s, unsigned index, bool poll, const char *name)
{
	if (!find(s, index) && fd_name_valid(name))
		append(s, index, poll, name, strlen(name));
}

void fdstore_take(struct service *s, unsigned index, int fd)
{
	struct stored *one = find(s, index);
	char name[KEEPER_NAME_MAX];

	if (!one)
		one = append(s, index, true, NAME_DEFAULT, strlen(NAME_DEFAULT));
	if (one && one->fd < 0) {
		one->fd = fd;
		return;
	}
	close(fd);
	kept_name(s, index, name);
	keeper_drop(&s->manager->keeper, name, NULL);
}

void fdstore_settle(struct service *s)
{
	for (size_t i = s->fdstore ? s->fdstore->n : 0; i > 0; i--) {
		if (s->fdstore->v[i - 1]->fd < 0)
			remove_at(s, i - 1);
		else
			watch(s->fdstore->v[i - 1]);
	}
	fdstore_state_changed(s);
}
