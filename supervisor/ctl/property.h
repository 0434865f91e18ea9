/*
 * property.h - what `show` prints of a unit: tables of properties by systemd's names
 * (org.freedesktop.systemd1(5)), an area a file as those of the directives are.
 *
 *	property.c          the areas, the look-up, and which directive is shown by which property
 *	property_print.c    values as text
 *	property_state.c    what the supervisor says
 *	property_unit.c     [Unit] and [Install]
 *	property_service.c  [Service]: commands, times, restarts; property_exec.c: its process
 *	property_limits.c   limits and cgroups
 *	property_sandbox.c  protections
 *	property_socket.c   [Socket]
 *	property_hakim.c    [X-Hakim]
 *	property_secret.c   which values are not shown
 *
 * It reads only, and asks nobody. A value has no control characters but a newline between two
 * values of a property that has several.
 */
#pragma once

#include <stdio.h>

#include "supervisor/ctl/systemctl.h"
#include "supervisor/unit.h"

/* What is shown. */
struct property_of {
	FILE *out;
	const struct sc_unit *state;
	const struct unit *unit; /* what its files say; NULL: that is not known */
	const void *base;        /* what the rows' offsets are of: the unit, or its [Socket] */
};

struct property {
	const char *name;
	/* Prints the value, without a newline at its end. */
	void (*print)(const struct property *p, const struct property_of *of);
	size_t offset;     /* of the field, for those printers that ask for one */
	unsigned arg;      /* whatever `print` takes it for */
	const void *words; /* the same */
	/* The directives that it shows, blanks between; NULL: the one of its name ("XUSec" also
	 * shows "XSec"). "Condition*" is all that begin so. */
	const char *directives;
};

/* Whose fields the rows of an area are about. */
enum property_source {
	PROPERTY_STATE = 0, /* the supervisor's word: there for every name */
	PROPERTY_UNIT,      /* the files of any unit */
	PROPERTY_SERVICE,   /* of a service */
	PROPERTY_SOCKET,    /* of a socket */
};

struct property_area {
	enum property_source source;
	const struct property *v;
	size_t n;
};

const struct property_area *const *property_areas(size_t *n);
/* NULL: there is none of that name. */
const struct property *property_find(const char *name, const struct property_area **area);
/* The property that shows a directive; NULL: it was forgotten. */
const struct property *property_of_directive(const char *directive);
/* Whether units of this kind have it, so that it is shown when nobody asks for it by name. */
bool property_fits(const struct property_area *area, const struct property_of *of);
/* The value as text, which the caller frees; "" where nothing is known. NULL: -ENOMEM. */
char *property_text(const struct property *p, const struct property_area *area,
		    const struct property_of *of);

/* ---- for the rooms of the areas only ---- */

#define PRINTER(name)        void name(const struct property *p, const struct property_of *of)
#define PROPERTY_FIELD(type) (*(const type *)(const void *)((const char *)of->base + p->offset))

extern const struct property_area property_area_state, property_area_unit, property_area_service,
	property_area_exec, property_area_limits, property_area_sandbox, property_area_socket,
	property_area_hakim;

/* Makes it one line, and harmless. NULL is nothing. */
void property_put(FILE *out, const char *text);
void property_put_yes(FILE *out, bool yes);
void property_put_span(FILE *out, uint64_t us); /* "1min 30s", as systemd.time(7) has it */
void property_put_command(FILE *out, const struct command *command);

/* Of a field: */
PRINTER(property_string);    /* char * */
PRINTER(property_list);      /* struct strv: one line, blanks between */
PRINTER(property_variables); /* the same of NAME=VALUE, without the values of secrets */
PRINTER(property_bool);      /* arg 1: the field says the contrary */
PRINTER(property_span);      /* uint64_t, in microseconds */
PRINTER(property_unsigned);
PRINTER(property_int);
PRINTER(property_bytes);  /* uint64_t */
PRINTER(property_mode);   /* mode_t */
PRINTER(property_signal); /* int, by its number as systemctl has it; 0: KillSignal= */
PRINTER(property_word);   /* an enum, by `words`, an array of names that ends with NULL */
PRINTER(property_commands);
PRINTER(property_constant); /* `words` is the text */

/* property_secret.c: true where the value of this variable (up to "=" or the end) is not shown. */
bool property_is_secret(const struct property_of *of, const char *assignment);
