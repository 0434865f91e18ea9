/*
 * status.h - the two faces of `hakimctl status`: the table of all units, and the long view of one.
 *
 * Both take what the supervisor said as it is, and write nothing but cleaned text.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "supervisor/ctl/show.h"
#include "supervisor/ctl/view.h"

/* `manager` may be NULL. Returns 0 or -ENOMEM. */
int status_print_table(const json_t *manager, const json_t *units, const struct look *look,
		       FILE *out);
void status_print_unit(const struct manager_view *m, const struct unit_view *u,
		       const struct look *look, FILE *out);
/* Text from elsewhere, cleaned, in a style; NULL is "-". */
void status_put_clean(FILE *out, const struct look *look, enum style style, const char *text);
