/*
 * pass_fds.c - the fds that a main process is given, and the variables that tell it:
 * sd_listen_fds(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/connections.h"
#include "supervisor/fdstore.h"
#include "supervisor/manager.h"
#include "supervisor/socket.h"
#include "supervisor/sockets.h"
#include "supervisor/spawn.h"

int pass_fds_add(struct pass_fds *pass, int fd, const char *name)
{
	int *grown = reallocarray(pass->v, pass->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	pass->v = grown;
	if (strv_add(&pass->names, name) < 0)
		return -ENOMEM;
	pass->v[pass->n++] = fd;
	return 0;
}

void pass_fds_free(struct pass_fds *pass)
{
	while (pass->n_owned)
		close(pass->v[pass->n - pass->n_owned--]);
	free(pass->v);
	strv_free(&pass->names);
	*pass = (struct pass_fds){.in_fd = -1};
}

static int join_names(const struct strv *names, char **text)
{
	size_t size = 1;
	char *at;

	for (size_t i = 0; i < names->n; i++)
		size += strlen(names->v[i]) + 1;
	*text = at = malloc(size);
	if (!at)
		return -ENOMEM;
	*at = '\0';
	for (size_t i = 0; i < names->n; i++) {
		if (i)
			*at++ = ':';
		at = stpcpy(at, names->v[i]);
	}
	return 0;
}

/* Sockets are passed as NonBlocking= says, whatever we had them as: as in systemd. */
static void set_blocking(const struct service *s, const struct pass_fds *pass)
{
	for (unsigned i = 0; i < pass->n; i++) {
		int flags = fcntl(pass->v[i], F_GETFL);
		int want = s->unit->non_blocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;

		if (flags >= 0 && flags != want)
			fcntl(pass->v[i], F_SETFL, want);
	}
}

/* OpenFile=PATH[:NAME[:OPTIONS]], which directive_pass.c has checked. */
static int open_file(struct pass_fds *pass, const char *entry, struct err *err)
{
	_cleanup_free_ char *text = strdup(entry);
	int flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	char *name = text ? strchr(text, ':') : NULL;
	char *options = name ? strchr(name + 1, ':') : NULL;
	int fd;

	if (!text)
		return err_sys(err, -ENOMEM, "OpenFile=");
	if (name)
		*name++ = '\0';
	if (options) {
		*options++ = '\0';
		if (strstr(options, "read-only"))
			flags = (flags & ~O_RDWR) | O_RDONLY;
		flags |= strstr(options, "append") ? O_APPEND : 0;
		flags |= strstr(options, "truncate") ? O_TRUNC : 0;
	}
	/* O_NONBLOCK for the opening alone: a FIFO must not hold the loop up. */
	fd = open(text, flags);
	if (fd < 0 && options && strstr(options, "graceful"))
		return 0;
	if (fd < 0)
		return err_sys(err, -errno, "OpenFile=: %s", text);
	fcntl(fd, F_SETFL, flags & O_APPEND);
	if (!name || !*name) {
		name = strrchr(text, '/');
		name = name[1] && fd_name_valid(name + 1) ? name + 1 : "stored";
	}
	pass->n_owned++;
	if (pass_fds_add(pass, fd, name) == 0)
		return 0;
	close(fd);
	pass->n_owned--;
	return err_sys(err, -ENOMEM, "OpenFile=");
}

static int open_files(const struct service *s, struct pass_fds *pass, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < s->unit->open_files.n && r == 0; i++)
		r = open_file(pass, s->unit->open_files.v[i], err);
	return r;
}

int pass_fds_collect(struct service *s, struct pass_fds *pass, struct strv *env, char **listen_pid,
		     struct err *err)
{
	_cleanup_free_ char *names = NULL;
	char digits[SPAWN_PID_DIGITS + 1];
	int r = connections_environment(s, env);

	r = r < 0 ? err_sys(err, r, "its environment") : sockets_collect(s, pass, err);

	*listen_pid = NULL;
	if (r < 0)
		return r;
	set_blocking(s, pass);
	if (s->unit->log.in.kind == STDIO_SOCKET) {
		if (pass->n != 1)
			return err_set(err, -EINVAL,
				       "StandardInput=socket needs exactly one socket, and %u are "
				       "there",
				       pass->n);
		/* inetd's way: it is the standard input, and no fd of its own. */
		pass->in_fd = pass->v[0];
		pass->n = 0;
		strv_free(&pass->names);
	}
	r = fdstore_collect(s, pass, err);
	if (r == 0)
		r = open_files(s, pass, err);
	if (r < 0 || !pass->n)
		return r;
	snprintf(digits, sizeof(digits), "%u", pass->n);
	r = join_names(&pass->names, &names);
	if (r == 0)
		r = strv_env_set(env, "LISTEN_FDS", digits);
	if (r == 0)
		r = strv_env_set(env, "LISTEN_FDNAMES", names);
	memset(digits, '0', SPAWN_PID_DIGITS);
	digits[SPAWN_PID_DIGITS] = '\0';
	if (r == 0)
		r = strv_env_set(env, "LISTEN_PID", digits);
	if (r < 0)
		return err_sys(err, r, "its environment");
	*listen_pid = (char *)strv_env_get(env, "LISTEN_PID");
	return 0;
}
