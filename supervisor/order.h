/*
 * order.h - in which order units start and stop, and what follows for one from another.
 *
 *   order.c     jobs, the queue of units to be looked at, what follows (by relation.h)
 *   order_go.c  may one start or stop now
 *
 * Nothing here waits: a unit that may not go yet is looked at again when one of its neighbours has
 * moved.
 */
#pragma once

#include "common/json.h"
#include "supervisor/condition.h"
#include "supervisor/service.h"

struct manager;
struct service;
struct graph_node;

/* What has happened to a service and has not been followed up yet: service.moved. */
enum order_moved {
	MOVED_UP = 1u << 0,    /* it has come up */
	MOVED_DOWN = 1u << 1,  /* it is not up, and not on its way */
	MOVED_ENDED = 1u << 2, /* … after it had begun to run */
};

void order_start(struct manager *m, struct service *s); /* with what it requires and wants */
void order_stop(struct manager *m, struct service *s);  /* with what requires it */
void order_restart(struct manager *m, struct service *s);
void order_reload(struct manager *m, struct service *s); /* with PropagatesReloadTo= */
void order_run(struct manager *m);                       /* lets go who may go */
void order_boot(struct manager *m);                      /* everything that is wanted at boot */
void order_boot_one(struct manager *m, struct service *s);
/* Its state is not `old` any more; service_event() tells it. */
void order_changed(struct service *s, enum service_state old);
/* To be looked at by the next order_run(). */
void order_touch(struct manager *m, struct service *s);
void order_touch_all(struct manager *m);
/* Before services are freed: nothing is in the queue. Touch all afterwards. */
void order_forget(struct manager *m);
/* TIMER_UPHOLD has run out. */
void order_uphold_due(struct service *s);

/* order_go.c */
struct graph_node *order_node(struct manager *m,
			      const struct service *s); /* NULL: its unit is gone */
/* Do the conditions of a unit hold in this container, now? condition.h says what *reason gets. */
enum condition_verdict order_conditions(const struct manager *m, const struct unit *unit,
					char *reason, size_t size);
/* Each of them as JSON, an array "conditions" in their order. */
void order_conditions_report(const struct manager *m, const struct unit *unit, struct json *j);
bool order_may_go(struct manager *m, const struct service *s);
bool order_may_stop(struct manager *m, const struct service *s);
/* Lets a waiting one go, or says why it cannot. */
void order_go(struct manager *m, struct service *s);
