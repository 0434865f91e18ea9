/*
 * launch_sandbox.c - the protections of a service, with what they need of this container: made for
 * each of its processes before it is cloned.
 */
#include "supervisor/manager.h"

int launch_sandbox(struct service *s, const struct identity *id, struct sandbox_plan *plan,
		   struct err *err)
{
	struct unit *unit = s->unit;
	struct mount_places places = {0};

	return sandbox_prepare(plan, &unit->sandbox, id, &places, unit->strict, err);
}
