/*
 * control_wait.c - `wait`: answers when units are ready, when one of them has failed, or when the
 * time is over, and then says which are missing and why.
 */
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/control_client.h"

#define WAIT_ALL 1u /* of client->flags */

#define REASON_SIZE (SERVICE_TEXT * 2)

enum outcome {
	OUTCOME_READY = 0, /* or nobody wants it to run */
	OUTCOME_PENDING,
	OUTCOME_FAILED,
};

static enum outcome judge(const struct service *s, bool all, char reason[static REASON_SIZE])
{
	enum service_state state = s->machine.state;
	const char *why = NULL;

	if (service_is_up(state))
		return OUTCOME_READY;
	switch (state) {
	case SERVICE_SKIPPED:
		snprintf(reason, REASON_SIZE, "was not started: %s", s->status_text);
		return all ? OUTCOME_READY : OUTCOME_FAILED;
	case SERVICE_FAILED:
		snprintf(reason, REASON_SIZE, "failed: %s",
			 s->error[0] ? s->error : service_result_name(s->machine.result));
		return OUTCOME_FAILED;
	case SERVICE_DEAD:
		snprintf(reason, REASON_SIZE, "is not started");
		/* What had to be done once is done. */
		if (s->policy.type == TYPE_ONESHOT && s->machine.was_up)
			return OUTCOME_READY;
		return all ? OUTCOME_READY : OUTCOME_PENDING;
	case SERVICE_READY_WAIT:
		why = ready_text(s);
		break;
	default:
		why = s->error[0] ? s->error : NULL;
		break;
	}
	snprintf(reason, REASON_SIZE, "%s%s%s", service_state_name(state), why ? ": " : "",
		 why ? why : "");
	return OUTCOME_PENDING;
}

/* What is found so far, for the packet and for the sentence. */
struct findings {
	struct json json;
	char text[600];
	size_t n;
};

static void add(struct findings *f, const struct service *s, const char *reason)
{
	size_t len = strlen(f->text);

	json_begin_object(&f->json, NULL);
	json_string(&f->json, "name", s->unit->name);
	json_string(&f->json, "reason", reason);
	json_end_object(&f->json);
	snprintf(f->text + len, sizeof(f->text) - len, "%s%s %s", f->n ? "; " : "", s->unit->name,
		 reason);
	f->n++;
}

static void answer(struct client *client, struct findings *f, const char *outcome,
		   const char *error)
{
	json_end_array(&f->json);
	json_string(&f->json, "outcome", outcome);
	json_end_object(&f->json);
	client_packet(client, &f->json, NULL, 0);
	client_end(client, error);
}

/* Adds those with this outcome. */
static void collect(struct client *client, enum outcome wanted, struct findings *f)
{
	struct manager *m = client->m;
	bool all = client->flags & WAIT_ALL;
	size_t n = all ? m->n_services : client->names.n;

	for (size_t i = 0; i < n; i++) {
		const struct service *s =
			all ? m->services[i] : manager_find(m, client->names.v[i]);
		char reason[REASON_SIZE];

		if (s && judge(s, all, reason) == wanted)
			add(f, s, reason);
	}
}

static void findings_begin(struct findings *f)
{
	json_reset(&f->json);
	f->text[0] = '\0';
	f->n = 0;
	json_begin_object(&f->json, NULL);
	json_string(&f->json, "type", "wait");
	json_begin_array(&f->json, "units");
}

static void findings_end(struct findings *f)
{
	json_reset(&f->json);
}

static bool is_over(struct client *client)
{
	_cleanup_(findings_end) struct findings f = {.n = 0};

	/* The first failure ends it: more time makes nothing of it ready. */
	findings_begin(&f);
	collect(client, OUTCOME_FAILED, &f);
	if (f.n) {
		answer(client, &f, "failed", f.text);
		return true;
	}
	findings_begin(&f);
	collect(client, OUTCOME_PENDING, &f);
	if (!f.n) {
		answer(client, &f, "ready", NULL);
		return true;
	}
	if (!client_too_late(client))
		return false;
	answer(client, &f, "timeout", f.text);
	return true;
}

void control_wait(struct client *client, char *const *words, size_t n)
{
	static const char timeout[] = "--timeout=";
	uint64_t usec = USEC_INFINITY;
	struct err err = {0};
	bool all = false;

	for (; n && strncmp(words[0], "--", 2) == 0; words++, n--) {
		if (strcmp(words[0], "--all") == 0) {
			all = true;
		} else if (strncmp(words[0], timeout, strlen(timeout)) != 0) {
			client_error(client, "%.40s: wait has no such option", words[0]);
			return;
		} else if (timespan_parse(words[0] + strlen(timeout), &usec, &err) < 0) {
			client_error(client, "%.60s: %s", words[0], err.text);
			return;
		}
	}
	if (all && n) {
		client_error(client, "it is either --all or names");
		return;
	}
	if (!all && (!client_knows(client, words, n) || !client_remember(client, words, n)))
		return;
	client->flags = all ? WAIT_ALL : 0;
	client_wait(client, is_over, usec == USEC_INFINITY ? 0 : now_us() + usec);
}
