/*
 * unit_name.h - what the name of a unit says: kind, scope, template and instance, and the escaping
 *of systemd-escape(1). Pure.
 *
 *	user:backup@home-coder.service
 *	scope|prefix|instance |suffix
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/unit.h"

#define UNIT_USER_PREFIX "user:"

/* A unit of the coder user's: "user:" stands before the name of its file. */
bool unit_name_is_user(const char *name);
/* The name without the scope: that of the file. */
const char *unit_name_file(const char *name);

/* "x@.service". */
bool unit_name_is_template(const char *name);
/* "x@y.service": *at is where the "@" stands. */
bool unit_name_is_instance(const char *name, size_t *at);
/* The template of an instance. False when it is none. */
bool unit_name_template(const char *name, char to[static UNIT_NAME_MAX]);
/* The instance of a template: "x@.service" and "y" make "x@y.service". False when that is no name.
 */
bool unit_name_instantiate(const char *template, const char *instance,
			   char to[static UNIT_NAME_MAX]);
/* The same stem with another suffix (".service"); false when that is no name. */
bool unit_name_with_suffix(const char *name, const char *suffix, char to[static UNIT_NAME_MAX]);

/* "-" becomes "/", "\x2d" a byte; `out` has room for strlen + 1. A broken escape stays as it is. */
void unit_name_unescape(const char *text, size_t len, char *out);
