/*
 * directive_condition.c - Condition…= and Assert…= of [Unit]: each kind of condition.h is two
 * directives; and Condition…= of [X-Hakim]. All fill one list of the unit.
 */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/condition.h"
#include "supervisor/directive_set.h"
#include "supervisor/specifier.h"

#define ASSERTION 0x100u /* of `arg`, beside the kind */

/* An empty one takes back the conditions (or the assertions) of every kind (systemd.unit(5)). */
static DIRECTIVE_RESET(reset)
{
	struct unit *unit = ctx->unit;
	size_t kept = 0;

	for (size_t i = 0; i < unit->n_conditions; i++) {
		if (unit->conditions[i].assertion == !!(d->arg & ASSERTION))
			free(unit->conditions[i].arg);
		else
			unit->conditions[kept++] = unit->conditions[i];
	}
	unit->n_conditions = kept;
	return 0;
}

static bool is_pressure(enum condition_kind kind)
{
	return kind == CONDITION_CPU_PRESSURE || kind == CONDITION_IO_PRESSURE ||
	       kind == CONDITION_MEMORY_PRESSURE;
}

static DIRECTIVE_SETTER(set)
{
	struct unit *unit = ctx->unit;
	struct condition condition = {.kind = (enum condition_kind)(d->arg & ~ASSERTION),
				      .assertion = d->arg & ASSERTION};
	struct condition *grown;
	_cleanup_free_ char *arg = NULL;
	int r;

	if (*value == '|') {
		condition.trigger = true;
		value += 1 + strspn(value + 1, " \t");
	}
	if (*value == '!') {
		condition.negate = true;
		value += 1 + strspn(value + 1, " \t");
	}
	/* The "%" of a percentage is none of a specifier. */
	r = specifier_expand(value, is_pressure(condition.kind) ? NULL : unit->name, &arg, err);
	if (r == 0)
		r = condition_argument_check(condition.kind, arg, err);
	if (r < 0)
		return r;
	grown = reallocarray(unit->conditions, unit->n_conditions + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	condition.arg = steal_ptr(&arg);
	grown[unit->n_conditions++] = condition;
	unit->conditions = grown;
	return 0;
}

#define ASSERT_ROW(kind, name)    {"Assert" name, set, 0, CONDITION_##kind | ASSERTION, reset},
#define CONDITION_ROW(kind, name) {"Condition" name, set, 0, CONDITION_##kind, reset},

static const struct directive rows[] = {CONDITION_KINDS(ASSERT_ROW) CONDITION_KINDS(CONDITION_ROW)};
static const struct directive hakim_rows[] = {CONDITION_KINDS_HAKIM(CONDITION_ROW)};

const struct directive_area directive_area_condition = {DIRECTIVES_UNIT, rows, ARRAY_LEN(rows)};
const struct directive_area directive_area_condition_hakim = {DIRECTIVES_HAKIM, hakim_rows,
							      ARRAY_LEN(hakim_rows)};
