/*
 * directive.h - what each directive of a unit file means: the tables that docs/modules.md shows,
 * and the loading of one unit from its files through them.
 *
 * directive.c        one unit: files in, struct unit and remarks out
 * directive_table.c  the list of the areas below, and the look-up
 * directive_*.c      an area each: supported directives, and how their values get into struct unit
 * directive_known.c  those of systemd that are not supported, and what becomes of a unit that has
 *                    one
 */
#pragma once

#include "supervisor/unit.h"
#include "supervisor/unit_file.h"

struct directive_context {
	struct unit *unit;
	bool strict;            /* [X-Hakim] Strict= */
	bool timeout_start_set; /* else it depends on Type= */
};

struct directive {
	const char *name;
	/* 0; 1: a note is in *err; negative: a mistake is. `value` is never empty where there is a
	 * `reset`. */
	int (*set)(const struct directive *d, struct directive_context *ctx, const char *value,
		   struct err *err);
	size_t offset; /* of the field in struct unit, where `set` asks for one */
	unsigned arg;  /* whatever `set` takes it for */
	/*
	 * With it the directive is a list: more of them append, and an empty one calls this. 0: the
	 * field is empty now; 1: it is not, and the note in *err says why. NULL: the last one wins.
	 */
	int (*reset)(const struct directive *d, struct directive_context *ctx, struct err *err);
};

/* What becomes of a unit with a directive that systemd knows and we do not. */
enum known_class {
	KNOWN_HARMLESS = 0, /* a note: it has no effect here, and none is missed */
	KNOWN_LATER,        /* a note: the service runs, without this */
	KNOWN_SANDBOX,      /* a note, or with Strict=yes refused: systemd, too, degrades where a
			       container forbids it */
	KNOWN_REFUSED, /* refused: without it other things would be done, or with other rights */
};

struct known {
	const char *name;
	enum known_class class;
	const char *neutral; /* a value that asks for nothing, so that nothing is missed: "no",
				"0755"; NULL: none */
	const char *why;     /* more words, or NULL */
};

enum directive_section {
	DIRECTIVES_UNIT = 0,
	DIRECTIVES_SERVICE,
	DIRECTIVES_HAKIM,
	DIRECTIVES_SOCKET,
	DIRECTIVES_INSTALL,
	DIRECTIVES_SECTIONS,
};
const char *directive_section_name(enum directive_section section); /* "Unit", "X-Hakim", … */

/* The supported directives of one area, in order of name. A name is in one area of a section only.
 */
struct directive_area {
	enum directive_section section;
	const struct directive *v;
	size_t n;
};
/* All areas; for the test that docs/modules.md is complete. */
const struct directive_area *const *directive_areas(size_t *n);
const struct directive *directive_find(enum directive_section section, const char *name);

/* Those of a section that are known and not supported, in order of name. */
const struct known *directives_known(enum directive_section section, size_t *n);
const struct known *directive_find_known(enum directive_section section, const char *name);

/* What is there to say about one unit, in the order in which it came up. */
struct remark {
	const char *name; /* of the directive; "" where there is none */
	enum {
		REMARK_NOTE = 0,
		REMARK_SANDBOX,
		REMARK_FATAL,
	} class;
	char *text;
};

struct unit_load {
	struct directive_context ctx;
	const char *file;       /* the one that is read now */
	char noted_section[64]; /* the last one that was said to be unknown */
	struct remark *remarks;
	size_t n;
};

/*
 * One unit: begin, one or more files in the order of their precedence, finish. Every function
 * returns 0 or -ENOMEM; what is wrong with a file is a remark. A later file can mend an earlier
 * one: an assignment that replaces another one also replaces what was said about it.
 */
int unit_load_begin(struct unit_load *load, const char *name);
int unit_load_text(struct unit_load *load, const char *path, struct text_file *file);
/* Something about a file as a whole. */
int unit_load_fault(struct unit_load *load, const char *path, bool fatal, const char *text);
/* The checks on the whole; the remarks become problems, and *unit is NULL when one was fatal. Ends
 * the load in any case. */
int unit_load_finish(struct unit_load *load, struct unit **unit, struct problems *problems);
int problem_add(struct problems *problems, char *text, bool fatal, const char *unit_name);
