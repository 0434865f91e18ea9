/*
 * launch_session.c - the environment of a unit in which people work, [X-Hakim] Session=yes: what
 * PAM would give to a login, and what the modules that are on have for it, SessionEnvironment=.
 *
 * All of it is known before anything runs: the agent never waits for the module whose address it
 * hands on.
 */
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/manager.h"
#include "supervisor/order.h"
#include "supervisor/unit_name.h"

/* What the container has set stays. */
static int put(struct strv *env, const char *entry, struct err *err)
{
	_cleanup_free_ char *value = NULL;
	size_t len = strcspn(entry, "=");
	char name[256];
	int r;

	if (len >= sizeof(name) || !entry[len])
		return 0;
	memcpy(name, entry, len);
	name[len] = '\0';
	if (strv_env_get(env, name))
		return 0;
	r = variables_expand(entry + len + 1, env, &value, err);
	return r < 0 ? r : strv_env_set(env, name, value);
}

int launch_session(const struct service *s, const struct identity *id, struct strv *env,
		   struct err *err)
{
	const struct manager *m = s->manager;
	char text[64], reason[SERVICE_TEXT];
	int r;

	if (!s->unit->session)
		return 0;
	/* As pam_systemd(8) does; modules/home makes it. */
	snprintf(text, sizeof(text), "XDG_RUNTIME_DIR=/run/user/%u", id->set ? id->uid : geteuid());
	r = put(env, text, err);
	for (size_t i = 0; r == 0 && i < m->n_services; i++) {
		const struct service *from = m->services[i];
		const struct unit *unit = from->unit;

		/* One that is off, or the user's own, which would give root's commands a variable.
		 */
		if (!unit->session_environment.n || from->orphan || unit_name_is_user(unit->name) ||
		    (!unit->boot && service_is_at_rest(from->machine.state)) ||
		    order_conditions(m, unit, reason, sizeof(reason)) != CONDITIONS_HOLD)
			continue;
		for (size_t k = 0; r == 0 && k < unit->session_environment.n; k++)
			r = put(env, unit->session_environment.v[k], err);
	}
	return r;
}
