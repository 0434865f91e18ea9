/*
 * rest.c - what is taken away when a run of a service is over: its directories in /run, its /tmp,
 * its credentials. The next supervisor does it where this one died meanwhile: it is safe to do
 * twice.
 */
#include "supervisor/credential.h"
#include "supervisor/directories.h"
#include "supervisor/manager.h"

static void take_away(struct service *s, bool restarts)
{
	directories_end(s->unit, restarts);
	launch_sandbox_end(s->unit);
	credentials_end(s->unit->name, &s->unit->sandbox);
}

void service_rest(struct service *s)
{
	enum service_state state = s->machine.state;

	if (s->unit->kind != KIND_SERVICE)
		return;
	if (state == SERVICE_AUTO_RESTART || (service_settled(state) && !service_is_up(state)))
		take_away(s, state == SERVICE_AUTO_RESTART);
}
