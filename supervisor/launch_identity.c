/*
 * launch_identity.c - who a process of a service is: User= and Group=, or a dynamic user, which
 * keeps its number while the service is known.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/dynamic_user.h"
#include "supervisor/manager.h"
#include "supervisor/unit_name.h"

static bool is_taken(void *arg, uid_t uid)
{
	const struct service *s = arg;
	const struct manager *m = s->manager;

	for (size_t i = 0; i < m->n_services; i++)
		if (m->services[i] != s && m->services[i]->dynamic_uid == uid)
			return true;
	return dynamic_uid_known(uid);
}

static int find_dynamic(struct service *s, struct identity *id, struct err *err)
{
	const struct unit *unit = s->unit;
	char name[64];

	/* systemd: a user of that name who is there is taken. */
	if (unit->user && identity_find(unit->user, unit->group, id, NULL) == 0 && id->name[0])
		return 0;
	if (geteuid() != 0)
		return err_set(err, -EPERM,
			       "DynamicUser= needs root, and this container runs as uid %u",
			       geteuid());
	snprintf(name, sizeof(name), "%.*s",
		 unit->user ? (int)strlen(unit->user) : (int)unit_stem(unit->name),
		 unit->user ? unit->user : unit->name);
	if (!s->dynamic_uid)
		s->dynamic_uid = dynamic_uid(name, is_taken, s);
	if (!s->dynamic_uid)
		return err_set(err, -ENOSPC, "DynamicUser=: all numbers are taken");
	s->manager->dirty = true;
	dynamic_identity(name, s->dynamic_uid, id);
	return 0;
}

/* UserFrom= is who the container's environment says. */
static const char *user_of(const struct service *s)
{
	const char *name =
		s->unit->user_from ? strv_env_get(&s->manager->env, s->unit->user_from) : NULL;

	return name && *name ? name : s->unit->user;
}

int launch_identity(struct service *s, const struct command *command, struct identity *id,
		    struct err *err)
{
	const struct unit *unit = s->unit;
	/* "+" and "!": as who we are. */
	bool as_user = !command->privileged && !command->no_user;
	int r;

	if (as_user && unit->exec.dynamic_user)
		r = find_dynamic(s, id, err);
	else
		r = identity_find(as_user ? user_of(s) : NULL, as_user ? unit->group : NULL, id,
				  err);
	if (r == 0 && !command->privileged)
		r = identity_add_groups(id, &unit->exec.supplementary_groups, err);
	return r;
}
