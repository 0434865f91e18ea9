/*
 * rest.c - what is taken away when a run of a service is over: its directories in /run. The next
 * supervisor does it where this one died meanwhile: it is safe to do twice.
 */
#include "supervisor/directories.h"
#include "supervisor/manager.h"

void service_rest(struct service *s)
{
	enum service_state state = s->machine.state;

	if (s->unit->kind != KIND_SERVICE)
		return;
	if (state == SERVICE_AUTO_RESTART || (service_settled(state) && !service_is_up(state)))
		directories_end(s->unit, state == SERVICE_AUTO_RESTART);
}
