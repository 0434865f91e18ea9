/*
 * service_log.c - the pipes of a service's output, and what its three standard streams are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/connections.h"
#include "supervisor/journal_forward.h"
#include "supervisor/manager.h"
#include "supervisor/service_log.h"

void service_log_init(struct service_log *log)
{
	*log = (struct service_log){.index = -1, .read = {-1, -1}, .write = {-1, -1}};
}

/* PID 1's name of a pipe; no unit's name has a "!" in it. */
static const char *kept_name(const char *unit, unsigned which, char name[static KEEPER_NAME_MAX])
{
	snprintf(name, KEEPER_NAME_MAX, "log:%s%s", unit, which ? "!" : "");
	return name;
}

static void pipe_close(struct service_log *log, unsigned which)
{
	if (log->read[which] >= 0)
		close(log->read[which]);
	if (log->write[which] >= 0)
		close(log->write[which]);
	log->read[which] = log->write[which] = -1;
}

static int pipe_make(struct manager *m, struct service_log *log, const char *unit, unsigned which,
		     struct err *err)
{
	char name[KEEPER_NAME_MAX], path[40];
	int fds[2];
	int r;

	if (log->read[which] >= 0 && log->write[which] < 0) {
		/* Given back by PID 1: a pipe can be opened anew by its path. */
		snprintf(path, sizeof(path), "/proc/self/fd/%d", log->read[which]);
		log->write[which] = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
		/* Services expect a blocking one; O_NONBLOCK was for the opening. */
		if (log->write[which] >= 0)
			fcntl(log->write[which], F_SETFL, O_WRONLY);
		else
			pipe_close(log, which);
	}
	if (log->read[which] >= 0)
		return 0;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, -errno, "no pipe can be made for its log");
	log->read[which] = fds[0];
	log->write[which] = fds[1];
	r = keeper_store(&m->keeper, kept_name(unit, which, name), fds[0], err);
	if (r < 0)
		pipe_close(log, which);
	return r;
}

static struct record_rules rules_of(const struct unit_log *log)
{
	struct record_rules rules = {
		.prefix = log->level_prefix,
		.level = (uint8_t)log->level,
		.drop_from = (uint8_t)(log->level_max < 7 ? log->level_max + 1 : 0),
	};

	if (log->rate_set && log->rate_interval_usec) {
		rules.rate_interval_us = log->rate_interval_usec;
		rules.rate_burst = log->rate_burst;
	}
	return rules;
}

/* HAKIM_LOG_FORWARD= of the container: "1" (all services), "0" (none), or names; without it the
 * unit says. */
static const char *forward_name(const struct unit *unit, char name[static FORWARD_NAME])
{
	const char *list = getenv("HAKIM_LOG_FORWARD");
	size_t stem = unit_stem(unit->name);
	bool wanted = unit->log.forward;

	if (list && *list && bool_parse(list, &wanted, NULL) < 0) {
		wanted = strcmp(list, "services") == 0 || strcmp(list, "all") == 0;
		for (const char *p = list; *p && !wanted;
		     p += strcspn(p, ", "), p += strspn(p, ", ")) {
			size_t len = strcspn(p, ", ");

			wanted = (len == stem || len == strlen(unit->name)) &&
				 strncmp(p, unit->name, len) == 0;
		}
	}
	if (!wanted)
		return NULL;
	if (unit->log.identifier)
		snprintf(name, FORWARD_NAME, "%s", unit->log.identifier);
	else
		snprintf(name, FORWARD_NAME, "%.*s", (int)stem, unit->name);
	return name;
}

int service_log_open(struct service *s, bool taken_over, struct err *err)
{
	struct manager *m = s->manager;
	struct service_log *log = &s->log;
	char name[FORWARD_NAME];
	struct journal_stream stream = {
		.name = s->unit->name,
		.max_bytes = s->unit->log_max_bytes,
		.keep = s->unit->log_keep,
		.rules = rules_of(&s->unit->log),
		.rotate_s = s->unit->log.rotate_usec / USEC_PER_SEC,
		.max_age_s = s->unit->log.max_age_usec / USEC_PER_SEC,
		.compress = s->unit->log.compress,
		.forward = forward_name(s->unit, name),
		.taken_over = taken_over || log->index >= 0,
	};
	int r = 0;

	if (s->connection)
		return connections_log(s, taken_over, err);
	if (log->index >= 0 && !log->stale)
		return 0;
	r = pipe_make(m, log, s->unit->name, 0, err);
	/* What is there stays: a process may have it. */
	if (r == 0 && (log->read[1] >= 0 || unit_log_splits(&s->unit->log)))
		r = pipe_make(m, log, s->unit->name, 1, err);
	if (r < 0)
		return r;
	if (log->index >= 0)
		journal_remove(m->journal, (unsigned)log->index);
	log->index = state_log_index(&m->state, s->unit->name);
	if (log->index < 0)
		return err_sys(err, log->index, "there is no room for its log");
	stream.index = (unsigned)log->index;
	stream.fd = log->read[0];
	stream.err_fd = log->read[1];
	r = journal_add(m->journal, &stream, err);
	if (r < 0)
		log->index = -1;
	log->stale = false;
	return r;
}

void service_log_close(struct service *s)
{
	struct manager *m = s->manager;
	char name[KEEPER_NAME_MAX];

	if (s->log.index >= 0) {
		journal_remove(m->journal, (unsigned)s->log.index);
		state_log_release(&m->state, s->log.index);
	}
	for (unsigned i = 0; i < RECORD_STREAMS; i++) {
		if (s->log.read[i] >= 0)
			keeper_drop(&m->keeper, kept_name(s->unit->name, i, name), NULL);
		pipe_close(&s->log, i);
	}
}

bool service_log_adopt(struct service_log *log, bool is_error, int fd)
{
	if (log->read[is_error] >= 0)
		return false;
	log->read[is_error] = fd;
	return true;
}

/* ---- the standard streams of a process ---- */

/* The data as a file that is read from its beginning, or a negative errno. */
static int data_open(const struct unit_log *log, struct err *err)
{
	_cleanup_close_ int fd = memfd_create("standard-input", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;

	while (fd >= 0 && done < log->data_len) {
		ssize_t n = write(fd, log->data + done, log->data_len - done);

		if (n < 0 && errno != EINTR)
			return err_sys(err, -errno, "its standard input cannot be made");
		done += n < 0 ? 0 : (size_t)n;
	}
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno == EMFILE ? -EAGAIN : -errno,
			       "its standard input cannot be made");
	fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	return steal_fd(&fd);
}

static int file_flags(enum stdio_kind kind)
{
	int flags = O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC;

	if (kind == STDIO_APPEND)
		return flags | O_APPEND;
	return kind == STDIO_TRUNCATE ? flags | O_TRUNC : flags;
}

static bool is_file(const struct stdio *stdio)
{
	return stdio->kind == STDIO_FILE || stdio->kind == STDIO_APPEND ||
	       stdio->kind == STDIO_TRUNCATE;
}

static void output(const struct service_log *log, const struct stdio *stdio, unsigned which,
		   struct spawn *spawn)
{
	struct spawn_output *out = which ? &spawn->error : &spawn->out;

	if (is_file(stdio))
		*out = (struct spawn_output){
			.fd = -1, .path = stdio->path, .flags = file_flags(stdio->kind)};
	else if (stdio->kind == STDIO_LOG)
		*out = (struct spawn_output){.fd = log->write[which]};
	else
		*out = (struct spawn_output){.fd = -1, .path = "/dev/null", .flags = O_WRONLY};
}

int service_stdio(struct service *s, struct spawn *spawn, int *data_fd, struct err *err)
{
	const struct unit_log *log = &s->unit->log;
	struct stdio out = log->out, error = log->error;
	enum stdio_kind in = log->in.kind;

	if (in == STDIO_DEFAULT && log->data_len)
		in = STDIO_DATA;
	if (in == STDIO_DATA) {
		*data_fd = data_open(log, err);
		if (*data_fd < 0)
			return *data_fd;
		spawn->in_fd = *data_fd;
	} else if (in == STDIO_FILE) {
		spawn->in_path = log->in.path;
	}
	/* inetd's programs speak by the connection, too. */
	if (out.kind == STDIO_DEFAULT)
		out.kind = in == STDIO_SOCKET ? STDIO_SOCKET : STDIO_LOG;
	output(&s->log, &out, 0, spawn);
	/* The connection, which whoever has accepted it has put into in_fd. */
	if ((out.kind == STDIO_SOCKET || (out.kind == STDIO_INHERIT && in == STDIO_SOCKET)) &&
	    spawn->in_fd >= 0)
		spawn->out = (struct spawn_output){.fd = spawn->in_fd, .foreign = true};
	if (error.kind == STDIO_DEFAULT)
		error.kind = out.kind == STDIO_LOG ? STDIO_LOG : STDIO_INHERIT;
	if (error.kind == STDIO_INHERIT || error.kind == STDIO_SOCKET ||
	    (is_file(&out) && is_file(&error) && strcmp(out.path, error.path) == 0))
		spawn->error = (struct spawn_output){.fd = -1};
	else
		output(&s->log, &error, 1, spawn);
	return 0;
}
