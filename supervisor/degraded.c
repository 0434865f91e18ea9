#include "supervisor/degraded.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/degrade.h"

void degraded_report(const struct service *s, struct json *j)
{
	const struct board_slot *slot;

	char text[256];
	unsigned at = 0;

	if (s->main.slot < 0)
		return;
	while (cgroup_limits_missing(s->cgroup_fd, &s->unit->cgroup, &at, text, sizeof(text)))
		json_string(j, NULL, text);
	slot = &s->manager->board->slot[s->main.slot];
	for (unsigned i = 0; i < DEGRADE_PARTS; i++) {
		if (!slot->degraded[i])
			continue;
		snprintf(text, sizeof(text), "%s: this container forbids it (%s): %s",
			 degrade_name(i), strerror(slot->degraded[i]), degrade_meaning(i));
		json_string(j, NULL, text);
	}
}
