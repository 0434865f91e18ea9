#include "supervisor/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/command.h"

#define AGAIN_USEC 50000 /* the last command is being ended still */

bool watch_has(const struct unit_watch *unit)
{
	return unit->http.n || unit->tcp.n || unit->sockets.n || unit->exec.n;
}

struct watch *watch_new(struct service *s, enum service_timer timer, enum board_role role,
			void (*done)(struct service *s, bool good))
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->service = s;
	w->timer = timer;
	w->role = role;
	w->done = done;
	w->probe.fd = w->source.fd = -1;
	w->task = TASK_NONE;
	output_line_init(&w->output, &s->manager->loop);
	return w;
}

static void targets_free(struct watch *w)
{
	for (size_t i = 0; i < w->n_targets; i++)
		probe_target_free(w->targets[i]);
	free(w->targets);
	w->targets = NULL;
	w->n_targets = 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	watch_stop(w);
	output_line_close(&w->output);
	task_close(w->service->manager, &w->task);
	targets_free(w);
	free(w);
}

/* The variables of a question: as the service has them, but for EnvironmentFile=. */
static int variables_of(const struct watch *w, struct strv *env)
{
	const struct unit *unit = w->service->unit;
	int r = strv_copy(env, &unit->environment_default);

	for (size_t i = 0; r == 0 && i < w->service->manager->env.n; i++)
		r = strv_env_put(env, w->service->manager->env.v[i]);
	for (size_t i = 0; r == 0 && i < unit->environment.n; i++)
		r = strv_env_put(env, unit->environment.v[i]);
	return r;
}

static int target_make(const struct watch *w, const char *text, size_t kind,
		       struct probe_target **target, struct err *err)
{
	_cleanup_(strv_free) struct strv env = {0};
	_cleanup_free_ char *expanded = NULL;
	int r = 0;

	if (strstr(text, "${")) {
		r = variables_of(w, &env);
		r = r < 0 ? r : variables_expand(text, &env, &expanded, err);
		text = expanded;
	}
	if (r < 0)
		return r;
	if (kind == 0)
		return probe_target_http(text, w->unit->http_status, w->unit->http_body, target,
					 err);
	return kind == 1 ? probe_target_tcp(text, target, err)
			 : probe_target_unix(text, target, err);
}

/* They were checked when the unit was loaded: what fails now is memory, or the value of a
 * variable. Then there is no answer to the question: NULL. */
static void targets_add(struct watch *w, const struct strv *texts, size_t kind)
{
	for (size_t i = 0; i < texts->n; i++) {
		struct err err = {0};

		if (target_make(w, texts->v[i], kind, &w->targets[w->n_targets++], &err) < 0)
			snprintf(w->bad, sizeof(w->bad), "%s: %s", texts->v[i], err.text);
	}
}

void watch_set_unit(struct watch *w, const struct unit_watch *unit)
{
	watch_stop(w);
	targets_free(w);
	w->unit = unit;
	w->targets = calloc(unit->http.n + unit->tcp.n + unit->sockets.n + 1, sizeof(*w->targets));
	if (!w->targets)
		return;
	targets_add(w, &unit->http, 0);
	targets_add(w, &unit->tcp, 1);
	targets_add(w, &unit->sockets, 2);
}

/* ---- a round ---- */

static void probe_end(struct watch *w)
{
	loop_remove(&w->service->manager->loop, &w->source);
	if (w->probe.fd >= 0)
		probe_close(&w->probe);
	w->probe.fd = -1;
}

static bool command_runs(const struct watch *w)
{
	return w->task.slot >= 0 && !w->stale;
}

/* The command is ended, and its end means nothing. */
static void command_drop(struct watch *w)
{
	if (w->task.slot < 0)
		return;
	if (!w->stale)
		task_end(w->service->manager, &w->task);
	w->stale = true;
}

static void finish(struct watch *w, bool good)
{
	probe_end(w);
	command_drop(w);
	w->next = 0;
	service_timer_set(w->service, w->timer, 0);
	w->done(w->service, good);
}

static void ask(struct watch *w);

/* The question is answered. */
static void answered(struct watch *w, bool good)
{
	probe_end(w);
	if (!good) {
		finish(w, false);
		return;
	}
	w->next++;
	ask(w);
}

static void probe_ready(void *owner, uint32_t events);

static void probe_take(struct watch *w, enum probe_result result)
{
	struct loop *loop = &w->service->manager->loop;

	/* The fd may have changed: "localhost" is tried as ::1 and then as 127.0.0.1. */
	loop_remove(loop, &w->source);
	if (result == PROBE_AGAIN) {
		if (loop_add(loop, &w->source, w->probe.fd, probe_events(&w->probe), probe_ready, w,
			     NULL) == 0)
			return;
		snprintf(w->probe.text, sizeof(w->probe.text), "it cannot be watched");
		result = PROBE_BAD;
	}
	snprintf(w->text, sizeof(w->text), "%s", w->probe.text);
	answered(w, result == PROBE_OK);
}

static void probe_ready(void *owner, uint32_t events)
{
	struct watch *w = owner;

	probe_take(w, probe_step(&w->probe));
}

static void run_command(struct watch *w, size_t index)
{
	struct service *s = w->service;
	struct err err = {0};
	int fds[2], r;

	if (w->task.slot >= 0) {
		/* A killed one whose end is not told yet. */
		service_timer_set(s, w->timer, now_us() + AGAIN_USEC);
		return;
	}
	w->stale = w->adopted = false;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		snprintf(w->text, sizeof(w->text), "no pipe can be made: %s", strerror(errno));
		finish(w, false);
		return;
	}
	r = launch_probe(s, &w->unit->exec.v[index], w->role, (unsigned)index, fds[1], &w->task,
			 &err);
	close(fds[1]);
	if (r < 0) {
		close(fds[0]);
		snprintf(w->text, sizeof(w->text), "%s", err.text);
		finish(w, false);
		return;
	}
	output_line_open(&w->output, fds[0]);
}

static void ask(struct watch *w)
{
	if (!w->unit || w->next >= w->n_targets + w->unit->exec.n) {
		finish(w, true);
		return;
	}
	service_timer_set(w->service, w->timer, now_us() + w->unit->timeout_usec);
	if (w->next < w->n_targets && !w->targets[w->next]) {
		snprintf(w->text, sizeof(w->text), "%s", w->bad);
		finish(w, false);
	} else if (w->next < w->n_targets) {
		probe_take(w, probe_start(&w->probe, w->targets[w->next]));
	} else {
		run_command(w, w->next - w->n_targets);
	}
}

void watch_start(struct watch *w, uint64_t at_us)
{
	w->on = true;
	w->next = 0;
	service_timer_set(w->service, w->timer, at_us);
}

void watch_stop(struct watch *w)
{
	w->on = false;
	w->next = 0;
	service_timer_set(w->service, w->timer, 0);
	probe_end(w);
	command_drop(w);
}

void watch_due(struct watch *w)
{
	double seconds;

	if (!w->on || !w->unit)
		return;
	seconds = (double)w->unit->timeout_usec / (double)USEC_PER_SEC;
	if (w->probe.fd < 0 && !command_runs(w)) {
		ask(w);
		return;
	}
	if (command_runs(w))
		snprintf(w->text, sizeof(w->text), "%s has not ended within %g s",
			 w->unit->exec.v[w->next - w->n_targets].path, seconds);
	else
		snprintf(w->text, sizeof(w->text), "no answer for %g s", seconds);
	finish(w, false);
}

void watch_task_ended(struct watch *w, const struct board_slot *slot, const char *how)
{
	bool stale = w->stale || !w->on, adopted = w->adopted;
	const struct command *command;

	w->stale = w->adopted = false;
	output_line_close(&w->output);
	if (stale || !w->unit || w->next < w->n_targets ||
	    w->next - w->n_targets >= w->unit->exec.n)
		return;
	command = &w->unit->exec.v[w->next - w->n_targets];
	if (slot->exec_stage == EXEC_OK && WIFEXITED(slot->status) &&
	    (WEXITSTATUS(slot->status) == 0 || command->ignore_failure)) {
		snprintf(w->text, sizeof(w->text), "%s", w->output.last[0] ? w->output.last : how);
		answered(w, true);
		return;
	}
	/* Whoever read what it prints is dead: no fault of the service. */
	if (adopted && slot->exec_stage == EXEC_OK && WIFSIGNALED(slot->status) &&
	    WTERMSIG(slot->status) == SIGPIPE) {
		ask(w);
		return;
	}
	snprintf(w->text, sizeof(w->text), "%s %s%s%s", command->path, how,
		 w->output.last[0] ? ": " : "", w->output.last);
	answered(w, false);
}

bool watch_resume(struct watch *w)
{
	const struct board_slot *slot;
	uint64_t until;

	if (w->task.slot < 0)
		return false;
	slot = &w->service->manager->board->slot[w->task.slot];
	w->on = true;
	if (!w->unit || slot->command >= w->unit->exec.n) {
		command_drop(w);
		return false;
	}
	w->adopted = true;
	w->next = w->n_targets + slot->command;
	until = slot->started_ns / 1000 + w->unit->timeout_usec;
	service_timer_set(w->service, w->timer, until);
	return true;
}
