/*
 * bus.h - Type=dbus: whether the BusName= of a service has an owner on the system bus.
 *
 * One connection for all, and none while no service needs it. It never blocks; a bus that is not
 * there, goes away or talks nonsense is asked again later, and until then the start waits, as long
 * as TimeoutStartSec= says.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct manager;
struct service;

/* What a service knows of its name. */
struct bus_name {
	bool watched;         /* the bus was asked, on the connection there is */
	bool owned;           /* somebody has it */
	bool grace;           /* TIMER_BUS: how long an up service may be without it after a
				 connection is new: it connects anew as we do */
	uint32_t asked, rule; /* serials of the calls */
};

/* Asks for the names that are needed now and forgets the others; after a state has changed. */
void bus_update(struct manager *m);
/* TIMER_BUS of a service. */
void bus_due(struct service *s);
