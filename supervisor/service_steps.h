/*
 * service_steps.h - what the two halves of the state machine share: service.c (at rest, on its way
 * up, up) and service_down.c. Nobody else includes it. Each returns the actions of the step.
 */
#pragma once

#include "supervisor/service.h"

unsigned service_enter_waiting(struct service_machine *m);
/* KillSignal=, whatever runs; nothing is a failure by that. */
unsigned service_enter_term(struct service_machine *m);
/* WatchdogSignal=. */
unsigned service_enter_abort(struct service_machine *m);
/* From up: ExecStop=, then the signals. */
unsigned service_enter_stop(const struct service_policy *policy, struct service_machine *m);
/* The first thing that goes wrong is the result. */
void service_set_result(struct service_machine *m, enum service_result result);
unsigned service_fail(struct service_machine *m, enum service_result result);
unsigned service_fail_by_timeout(const struct service_policy *policy, struct service_machine *m,
				 enum unit_timeout_mode mode);
unsigned service_step_stopping(const struct service_policy *policy, struct service_machine *m,
			       enum service_event event);
