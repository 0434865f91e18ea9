#include "supervisor/degraded.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/degrade.h"

void degraded_report(const struct service *s, struct json *j)
{
	const struct board_slot *slot;

	if (s->main.slot < 0)
		return;
	slot = &s->manager->board->slot[s->main.slot];
	for (unsigned i = 0; i < DEGRADE_PARTS; i++) {
		char text[256];

		if (!slot->degraded[i])
			continue;
		snprintf(text, sizeof(text), "%s: this container forbids it (%s): %s",
			 degrade_name(i), strerror(slot->degraded[i]), degrade_meaning(i));
		json_string(j, NULL, text);
	}
}
