/*
 * exit_set.h - sets of exit statuses and signals: SuccessExitStatus=, RestartPreventExitStatus=,
 * RestartForceExitStatus=. Pure.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "supervisor/unit.h"

/* Adds the words of a value: numbers from 0 to 255, names of systemd.exec(5) "TEMPFAIL" or of
 * signals "SIGKILL". -EINVAL with a sentence, and the set is as it was. */
int exit_set_parse(struct exit_set *set, const char *value, struct err *err);
/* Is an end in it? `status` is that of wait4(2). */
bool exit_set_has(const struct exit_set *set, int status);
