/*
 * control_verbs.c - the requests of the control socket, and those about units as they run.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/control.h"
#include "supervisor/control_client.h"
#include "supervisor/journal_file.h"

#define LOG_FILES (LOG_KEEP_MAX + 1)

/* ---- status ---- */

static int send_service(struct client *client, struct service *s, bool with_tail)
{
	_cleanup_(json_reset) struct json j = {0};

	report_service(s, &j, with_tail);
	return client_packet(client, &j, NULL, 0);
}

static int stream_all(struct client *client, size_t i)
{
	struct manager *m = client->m;

	return i < m->n_services ? send_service(client, m->services[i], false) : 1;
}

static int stream_named(struct client *client, size_t i)
{
	struct service *s;

	if (i >= client->names.n)
		return 1;
	s = manager_find(client->m, client->names.v[i]);
	return s ? send_service(client, s, true) : 0;
}

static void do_status(struct client *client, char *const *words, size_t n)
{
	_cleanup_(json_reset) struct json j = {0};

	if (n && (!client_knows(client, words, n) || !client_remember(client, words, n)))
		return;
	report_manager(client->m, &j);
	client_packet(client, &j, NULL, 0);
	client_stream(client, n ? stream_named : stream_all);
}

/* ---- start, stop, restart ---- */

static bool is_down(const struct service *s)
{
	return !s->stop_pending && service_is_at_rest(s->machine.state);
}

/* Why the start of a service that has settled is no success, into text; or false. */
static bool start_failed(const struct service *s, char *text, size_t size)
{
	if (service_is_up(s->machine.state))
		return false;
	switch (s->machine.state) {
	case SERVICE_DEAD:
		if (s->machine.was_up)
			return false;
		snprintf(text, size, "%s did not start", s->unit->name);
		return true;
	case SERVICE_SKIPPED:
		snprintf(text, size, "%s was not started: %s", s->unit->name, s->status_text);
		return true;
	default:
		snprintf(text, size, "%s failed: %s; see 'hakimctl status %s'", s->unit->name,
			 s->error[0] ? s->error : service_result_name(s->machine.result),
			 s->unit->name);
		return true;
	}
}

/* One of them has had its time (job.c): who waits is told so. */
static bool is_late(struct client *client)
{
	for (size_t i = 0; i < client->names.n; i++) {
		const struct service *s = manager_find(client->m, client->names.v[i]);

		if (s && s->job == JOB_LATE) {
			client_error(client, "%s: %s", s->unit->name, s->error);
			return true;
		}
	}
	return false;
}

/* All named services have settled after a start. */
static bool all_up(struct client *client)
{
	char text[SERVICE_TEXT * 2] = "";

	if (is_late(client))
		return true;
	for (size_t i = 0; i < client->names.n; i++) {
		const struct service *s = manager_find(client->m, client->names.v[i]);

		if (!s)
			continue;
		if (!service_settled(s->machine.state))
			return false;
		if (!text[0])
			start_failed(s, text, sizeof(text));
	}
	client_end(client, text[0] ? text : NULL);
	return true;
}

/* All named services are at rest. */
static bool all_down(struct client *client)
{
	if (is_late(client))
		return true;
	for (size_t i = 0; i < client->names.n; i++) {
		const struct service *s = manager_find(client->m, client->names.v[i]);

		if (s && !is_down(s))
			return false;
	}
	client_end(client, NULL);
	return true;
}

static void do_job(struct client *client, char *const *words, size_t n,
		   void (*job)(struct manager *, struct service *), bool (*over)(struct client *))
{
	struct manager *m = client->m;
	bool wait = true;

	if (n && strcmp(words[0], "--no-block") == 0) {
		wait = false;
		words++;
		n--;
	}
	if (!client_knows(client, words, n))
		return;
	if (m->stopping) {
		client_error(client, "the container is stopping");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct unit *unit = manager_find(m, words[i])->unit;

		/* systemd.unit(5), RefuseManualStart=: for the sake of others only. */
		if (job == order_stop ? unit->refuse_manual_stop : unit->refuse_manual_start) {
			client_error(client,
				     "%s may not be told to %s: it does so for other units "
				     "only",
				     unit->name, job == order_stop ? "stop" : "start");
			return;
		}
	}
	if (wait && !client_remember(client, words, n))
		return;
	for (size_t i = 0; i < n; i++) {
		struct service *s = manager_find(m, words[i]);

		/* A person's word is a new beginning for the pauses between restarts. */
		s->restarts_in_row = 0;
		job(m, s);
	}
	m->order_pending = true;
	/* Nobody is told "ok" of what a successor would not know. */
	takeover_save(m);
	if (wait)
		client_wait(client, over, 0);
	else
		client_end(client, NULL);
}

void control_start(struct client *client, char *const *words, size_t n)
{
	do_job(client, words, n, order_start, all_up);
}

void control_stop(struct client *client, char *const *words, size_t n)
{
	do_job(client, words, n, order_stop, all_down);
}

void control_restart(struct client *client, char *const *words, size_t n)
{
	do_job(client, words, n, order_restart, all_up);
}

/* Only what runs, or is on its way. */
static void restart_what_runs(struct manager *m, struct service *s)
{
	if (!service_is_at_rest(s->machine.state))
		order_restart(m, s);
}

/* Those that did not run are as they were, which is no failure. */
static bool all_settled(struct client *client)
{
	if (is_late(client))
		return true;
	for (size_t i = 0; i < client->names.n; i++) {
		const struct service *s = manager_find(client->m, client->names.v[i]);

		if (s && !service_settled(s->machine.state))
			return false;
	}
	client_end(client, NULL);
	return true;
}

static void do_try_restart(struct client *client, char *const *words, size_t n)
{
	do_job(client, words, n, restart_what_runs, all_settled);
}

/* ---- logs ---- */

/* The log's index for a unit's name, or for the supervisor's own log. */
static int log_of(struct manager *m, const char *name, const char **full)
{
	struct service *s = manager_find(m, name);

	*full = SAY_NAME;
	if (s) {
		*full = s->unit->name;
		return s->log.index;
	}
	return strcmp(name, SAY_NAME) == 0 || strcmp(name, "hakim") == 0 ? m->say_index : -1;
}

static void do_logs(struct client *client, char *const *words, size_t n)
{
	struct manager *m = client->m;
	_cleanup_(json_reset) struct json j = {0};
	char path[200];
	const char *name;
	int fds[LOG_FILES];
	unsigned n_fds = 0, missing = 0;
	bool current = false;
	int index;

	if (n != 1) {
		client_error(client, "name one unit");
		return;
	}
	index = log_of(m, words[0], &name);
	if (index < 0 && !client_knows(client, words, n))
		return;
	/* A rotation that was cut short leaves one number out. */
	for (unsigned i = 0; index >= 0 && i < LOG_FILES && missing < 2; i++) {
		fds[n_fds] = journal_open(m->journal, (unsigned)index, i);
		missing = fds[n_fds] < 0 ? missing + 1 : 0;
		current = current || (i == 0 && !missing);
		n_fds += fds[n_fds] >= 0;
	}
	snprintf(path, sizeof(path), "%s/%.*s.log", m->log_dir,
		 (int)(strlen(name) - (strstr(name, ".service") ? strlen(".service") : 0)), name);
	json_begin_object(&j, NULL);
	json_string(&j, "type", "log");
	json_string(&j, "name", name);
	json_string(&j, "path", path);
	json_int(&j, "files", n_fds);
	json_bool(&j, "current", current);
	json_end_object(&j);
	client_packet(client, &j, fds, n_fds);
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
	client_end(client, NULL);
}

/* ---- the supervisor as a whole ---- */

static void do_reexec(struct client *client, char *const *words, size_t n)
{
	struct manager *m = client->m;
	struct err err = {0};

	if (m->stopping) {
		client_error(client, "the container is stopping");
		return;
	}
	if (keeper_tell(&m->keeper, KEEPER_REEXEC, &err) < 0) {
		client_end(client, err.text);
		return;
	}
	client_end(client, NULL);
	say(m, "replaced on request: services go on");
	m->exit_now = true;
}

static void do_shutdown(struct client *client, char *const *words, size_t n)
{
	struct err err = {0};
	int r = keeper_tell(&client->m->keeper, KEEPER_SHUTDOWN, &err);

	client_end(client, r < 0 ? err.text : NULL);
}

static const struct control_verb verbs[] = {
	{"status", do_status},
	{"start", control_start},
	{"stop", control_stop},
	{"restart", control_restart},
	{"logs", do_logs},
	{"reload", control_reload},
	{"reexec", do_reexec},
	{"shutdown", do_shutdown},
	{"enable", control_enable},
	{"disable", control_disable},
	{"preset", control_preset},
	{"mask", control_mask},
	{"unmask", control_unmask},
	{"list-unit-files", control_list_unit_files},
	{"wait", control_wait},
	{"kill", control_kill},
	{"reset-failed", control_reset_failed},
	{"try-restart", do_try_restart},
	{"reload-unit", control_reload_unit},
	{"reload-or-restart", control_reload_or_restart},
	{"try-reload-or-restart", control_try_reload_or_restart},
};

const struct control_verb *control_verb_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}
