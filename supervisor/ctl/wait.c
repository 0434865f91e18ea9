/*
 * wait.c - `hakimctl wait`: for scripts, also while there is no supervisor yet, and through the
 * change of one.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"

#define PAUSE_MS    50
#define APPEAR_MS   10000 /* without --timeout: so long a supervisor may take to be there */
#define GRACE_MS    5000  /* its own answer to the timeout comes before ours */
#define NO_DEADLINE INT64_MAX

static bool is_outcome(const struct reply *reply, const char *wanted)
{
	json_t *packet;

	for (size_t i = 0; (packet = json_array_get(reply->packets, i)); i++) {
		const char *outcome = json_string_value(json_object_get(packet, "outcome"));

		if (outcome && strcmp(outcome, wanted) == 0)
			return true;
	}
	return false;
}

/* Asks once; the words behind the first are the caller's. */
static int ask(const struct ctl *ctl, int64_t left_ms, int *status, struct err *err)
{
	_cleanup_free_ const char **words = calloc(ctl->args.n_names + 3, sizeof(*words));
	_cleanup_(client_close) struct client client = {.fd = -1};
	_cleanup_(reply_free) struct reply reply = {0};
	int timeout_ms = left_ms > INT32_MAX - GRACE_MS ? CLIENT_FOR_EVER : (int)left_ms + GRACE_MS;
	char timeout[48];
	size_t n = 0;
	int r;

	if (!words)
		return err_sys(err, -ENOMEM, "the request");
	words[n++] = "wait";
	if (left_ms != NO_DEADLINE) {
		snprintf(timeout, sizeof(timeout), "--timeout=%" PRId64 "ms", left_ms);
		words[n++] = timeout;
	}
	if (ctl->args.given & ARGS_ALL)
		words[n++] = "--all";
	for (size_t i = 0; i < ctl->args.n_names; i++)
		words[n++] = ctl->args.names[i];
	/* 0 would be no limit at all. */
	r = client_open(&client,
			left_ms >= CLIENT_TIMEOUT_MS ? CLIENT_TIMEOUT_MS
			: left_ms > 0                ? (int)left_ms
						     : 1,
			err);
	if (r == 0)
		r = client_ask(&client, words, n, timeout_ms, &reply, err);
	*status = is_outcome(&reply, "timeout") ? CTL_TIMED_OUT : client_exit_status(r);
	return r;
}

int ctl_wait(struct ctl *ctl)
{
	bool limited = ctl->args.given & ARGS_TIMEOUT;
	int64_t now = client_now_ms();
	int64_t by_ms =
		limited ? now + (int64_t)args_number(&ctl->args, ARGS_TIMEOUT, 0) : NO_DEADLINE;
	/* From the last time that one was there. */
	int64_t there_by_ms = limited ? by_ms : now + APPEAR_MS;
	struct err err = {0};
	int status = CTL_FAILED;
	int r;

	if (!(ctl->args.given & ARGS_ALL) == !ctl->args.n_names)
		return ctl_complain(CTL_USAGE, "wait: name units, or say --all; see 'hakimctl wait "
					       "--help'");
	for (;;) {
		int64_t left = limited ? by_ms - client_now_ms() : NO_DEADLINE;

		r = ask(ctl, left > 0 ? left : 0, &status, &err);
		if (r == -ECONNRESET && !limited)
			there_by_ms = client_now_ms() + APPEAR_MS;
		if (r == 0)
			return CTL_OK;
		if (status == CTL_TIMED_OUT)
			return ctl_complain(status, "not ready in time: %s", err.text);
		if (status != CTL_NO_SUPERVISOR)
			return ctl_fail(r, &err);
		/* It is only just starting, or was replaced. */
		if (client_now_ms() >= there_by_ms)
			return ctl_complain(status, "%s", err.text);
		poll(NULL, 0, PAUSE_MS);
	}
}
