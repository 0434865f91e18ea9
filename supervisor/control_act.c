/*
 * control_act.c - requests that act on what runs: a reload, a restart of what is up, a signal; and
 * the past forgotten.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/control_client.h"
#include "supervisor/order.h"

static const struct {
	const char *name;
	enum service_whom whom;
} whoms[] = {
	{"all", WHOM_ALL},
	{"main", WHOM_MAIN},
	{"control", WHOM_CONTROL},
};

static int whom_parse(const char *word, enum service_whom *whom, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(whoms); i++) {
		if (strcmp(word, whoms[i].name) != 0)
			continue;
		*whom = whoms[i].whom;
		return 0;
	}
	return err_set(err, -EINVAL, "--whom=%.40s: it is main, control or all", word);
}

/* --signal=SIG and --whom=WHOM, in any order before the names. The number of these words, or a
 * negative errno. */
static int kill_options(char *const *words, size_t n, int *sig, enum service_whom *whom,
			struct err *err)
{
	size_t used = 0;
	int r = 0;

	for (; used < n && strncmp(words[used], "--", 2) == 0 && r >= 0; used++) {
		if (strncmp(words[used], "--signal=", 9) == 0)
			r = *sig = signal_parse(words[used] + 9, err);
		else if (strncmp(words[used], "--whom=", 7) == 0)
			r = whom_parse(words[used] + 7, whom, err);
		else
			r = err_set(err, -EINVAL, "kill has no option %.40s", words[used]);
	}
	return r < 0 ? r : (int)used;
}

void control_kill(struct client *client, char *const *words, size_t n)
{
	static const char *const kinds[] = {
		[WHOM_ALL] = "", [WHOM_MAIN] = " main", [WHOM_CONTROL] = " control"};
	enum service_whom whom = WHOM_ALL;
	struct err err = {0};
	int sig = SIGTERM;
	int used = kill_options(words, n, &sig, &whom, &err);
	const char *none = NULL;

	if (used < 0) {
		client_end(client, err.text);
		return;
	}
	words += used;
	n -= (size_t)used;
	if (!client_knows(client, words, n))
		return;
	for (size_t i = 0; i < n; i++) {
		struct service *s = manager_find(client->m, words[i]);

		if (service_kill(s, sig, whom) < 0 && !none)
			none = s->unit->name;
	}
	if (none)
		client_error(client, "%s has no%s process", none, kinds[whom]);
	else
		client_end(client, NULL);
}

void control_reset_failed(struct client *client, char *const *words, size_t n)
{
	struct manager *m = client->m;

	if (n && !client_knows(client, words, n))
		return;
	for (size_t i = 0; i < n; i++)
		service_reset_failed(manager_find(m, words[i]));
	for (size_t i = 0; n == 0 && i < m->n_services; i++)
		if (service_is_failed(m->services[i]->machine.state))
			service_reset_failed(m->services[i]);
	m->order_pending = true;
	takeover_save(m);
	client_end(client, NULL);
}

/* ---- reload ---- */

static bool is_reloading(const struct service *s)
{
	switch (s->machine.state) {
	case SERVICE_RELOAD:
	case SERVICE_RELOAD_SIGNAL:
	case SERVICE_RELOAD_NOTIFY:
		return true;
	default:
		return false;
	}
}

/* None of the named reloads any more; a reload that failed has left its sentence. */
static bool all_reloaded(struct client *client)
{
	for (size_t i = 0; i < client->names.n; i++) {
		const struct service *s = manager_find(client->m, client->names.v[i]);

		if (s && is_reloading(s))
			return false;
	}
	for (size_t i = 0; i < client->names.n; i++) {
		const struct service *s = manager_find(client->m, client->names.v[i]);

		if (s && !service_is_up(s->machine.state)) {
			client_error(client, "%s does not run any more: %s", s->unit->name,
				     s->error);
			return true;
		}
	}
	client_end(client, NULL);
	return true;
}

static bool take_no_block(char *const **words, size_t *n)
{
	if (!*n || strcmp((*words)[0], "--no-block") != 0)
		return false;
	(*words)++;
	(*n)--;
	return true;
}

void control_reload_unit(struct client *client, char *const *words, size_t n)
{
	bool wait = !take_no_block(&words, &n);
	struct err err = {0};

	if (!client_knows(client, words, n) || (wait && !client_remember(client, words, n)))
		return;
	for (size_t i = 0; i < n; i++) {
		struct service *s = manager_find(client->m, words[i]);

		/* What is under way is not begun again. */
		if (is_reloading(s))
			continue;
		if (service_may_reload(s, &err) < 0) {
			client_end(client, err.text);
			return;
		}
		order_reload(client->m, s);
	}
	client->m->order_pending = true;
	takeover_save(client->m);
	if (wait)
		client_wait(client, all_reloaded, 0);
	else
		client_end(client, NULL);
}

/* systemctl(1): reload where that is possible, else restart; what does not run is started. */
void control_reload_or_restart(struct client *client, char *const *words, size_t n)
{
	char *const *names = words;
	size_t n_names = n;
	bool reload = true;

	take_no_block(&names, &n_names);
	if (!client_knows(client, names, n_names))
		return;
	for (size_t i = 0; i < n_names; i++) {
		reload &= service_may_reload(manager_find(client->m, names[i]), NULL) == 0;
	}
	if (reload)
		control_reload_unit(client, words, n);
	else
		control_restart(client, words, n);
}

/* The same, of those that run; the others are left alone. */
void control_try_reload_or_restart(struct client *client, char *const *words, size_t n)
{
	_cleanup_free_ char **running = calloc(n + 1, sizeof(*running));
	size_t kept = 0, n_names = n;
	char *const *names = words;
	bool no_block = take_no_block(&names, &n_names);

	if (!running) {
		client_error(client, "there is not enough memory");
		return;
	}
	if (!client_knows(client, names, n_names))
		return;
	if (no_block)
		running[kept++] = words[0];
	for (size_t i = 0; i < n_names; i++)
		if (!service_is_at_rest(manager_find(client->m, names[i])->machine.state))
			running[kept++] = names[i];
	if (kept > no_block)
		control_reload_or_restart(client, running, kept);
	else
		client_end(client, NULL);
}
