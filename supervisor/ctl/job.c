/*
 * job.c - start, stop, restart, reload, shutdown, reexec: the supervisor does it, here it is waited
 * for.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/view.h"

#define REEXEC_MS 15000 /* PID 1 replaces one that hangs after 10 s */
#define PAUSE_MS  20

static int ask(const char *const *words, size_t n, int timeout_ms, struct err *err)
{
	_cleanup_(client_close) struct client client = {.fd = -1};
	_cleanup_(reply_free) struct reply reply = {0};
	int r = client_open(&client, CLIENT_TIMEOUT_MS, err);

	return r < 0 ? r : client_ask(&client, words, n, timeout_ms, &reply, err);
}

static int job(struct ctl *ctl, const char *verb)
{
	_cleanup_free_ const char **words = calloc(ctl->args.n_names + 2, sizeof(*words));
	/* Units may take as long as their unit files say. If the supervisor hangs, PID 1 ends it,
	 * and so this wait. */
	int timeout_ms = ctl->args.n_names ? CLIENT_FOR_EVER : CLIENT_TIMEOUT_MS;
	struct err err = {0};
	size_t n = 0;
	int r;

	if (!words)
		return ctl_complain(CTL_FAILED, "there is not enough memory");
	words[n++] = verb;
	if (ctl->args.given & ARGS_NO_BLOCK) {
		words[n++] = "--no-block";
		timeout_ms = CLIENT_TIMEOUT_MS;
	}
	for (size_t i = 0; i < ctl->args.n_names; i++)
		words[n++] = ctl->args.names[i];
	r = ask(words, n, timeout_ms, &err);
	return r < 0 ? ctl_fail(r, &err) : CTL_OK;
}

int ctl_job(struct ctl *ctl)
{
	return job(ctl, ctl->command->name);
}

int ctl_reload_units(struct ctl *ctl)
{
	if (ctl->args.given & ~(uint64_t)ARGS_NO_BLOCK)
		return ctl_complain(CTL_USAGE, "with NAME, reload takes --no-block only");
	return job(ctl, "reload-unit");
}

int ctl_kill(struct ctl *ctl)
{
	_cleanup_free_ const char **words = calloc(ctl->args.n_names + 3, sizeof(*words));
	_cleanup_free_ char *sig = NULL, *whom = NULL;
	const char *value;
	struct err err = {0};
	size_t n = 0;
	int r = words ? 0 : -ENOMEM;

	if (r == 0)
		words[n++] = "kill";
	value = args_value(&ctl->args, ARGS_SIGNAL);
	if (r == 0 && value) {
		r = asprintf(&sig, "--signal=%s", value);
		words[n++] = sig;
	}
	value = args_value(&ctl->args, ARGS_WHOM);
	if (r >= 0 && value) {
		r = asprintf(&whom, "--whom=%s", value);
		words[n++] = whom;
	}
	if (r < 0)
		return ctl_complain(CTL_FAILED, "there is not enough memory");
	for (size_t i = 0; i < ctl->args.n_names; i++)
		words[n++] = ctl->args.names[i];
	r = ask(words, n, CLIENT_TIMEOUT_MS, &err);
	return r < 0 ? ctl_fail(r, &err) : CTL_OK;
}

/* The pid of the supervisor that answers; negative: an error. */
static int64_t supervisor_pid(int timeout_ms, struct err *err)
{
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	int r = client_ask_once(words, 1, timeout_ms, &reply, err);
	json_t *packet;

	if (r < 0)
		return r;
	for (size_t i = 0; (packet = json_array_get(reply.packets, i)); i++) {
		struct manager_view m = view_manager(packet);

		if (m.supervisor_pid > 0)
			return m.supervisor_pid;
	}
	return err_set(err, -EBADMSG, "the supervisor does not say which process it is");
}

int ctl_reexec(struct ctl *ctl)
{
	static const char *const words[] = {"reexec"};
	struct err err = {0};
	int64_t before = supervisor_pid(CLIENT_TIMEOUT_MS, &err), after = before;
	int64_t by_ms;
	int r = (int)before;

	if (before > 0)
		r = ask(words, 1, CLIENT_TIMEOUT_MS, &err);
	if (r < 0)
		return ctl_fail(r, &err);
	by_ms = client_now_ms() + REEXEC_MS;
	while (after == before || after < 0) {
		int64_t left = by_ms - client_now_ms();

		if (left <= 0)
			return ctl_complain(
				CTL_NO_SUPERVISOR,
				"no new supervisor has come within %d s (%s); services go on "
				"without it, PID 1 tries further",
				REEXEC_MS / 1000,
				after < 0 ? err.text : "the old one still answers");
		poll(NULL, 0, PAUSE_MS);
		after = supervisor_pid((int)left, &err);
	}
	printf("the supervisor was replaced: PID %lld, before %lld\n", (long long)after,
	       (long long)before);
	return CTL_OK;
}
