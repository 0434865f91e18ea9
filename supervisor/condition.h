/*
 * condition.h - do the conditions of a unit hold here and now?
 */
#pragma once

#include "supervisor/unit.h"

/* 1: all hold. 0: one does not, and *reason (a buffer of `size`) has the sentence
 * "ConditionPathExists=/x was not met". */
int condition_check(const struct unit *unit, const struct strv *env,
		    const struct strv *secret_names, char *reason, size_t size);
