/*
 * directive_set.h - what the areas of directives (directive_*.c) share; nobody else includes it.
 */
#pragma once

#include "supervisor/directive.h"

/* The field of the unit that the row names, in the shape of a setter's arguments. */
#define DIRECTIVE_FIELD(type) ((type *)(void *)((char *)ctx->unit + d->offset))

/* The offset of a field, for a row. */
#define DIRECTIVE_AT(field) offsetof(struct unit, field)

/* Each area's table; directive_table.c lists them. */
extern const struct directive_area directive_area_unit, directive_area_service,
	directive_area_hakim;
extern const struct directive_area directive_area_life, directive_area_life_unit,
	directive_area_life_hakim;
extern const struct directive_area directive_area_exec, directive_area_limits;
extern const struct directive_area directive_area_security, directive_area_sandbox,
	directive_area_credential, directive_area_cgroup;
/* After all files: what one directive implies for others. */
void directive_sandbox_settle(struct unit *unit);
extern const struct directive_area directive_area_socket, directive_area_pass;
extern const struct directive_area directive_area_watch, directive_area_condition,
	directive_area_condition_hakim;
extern const struct directive_area directive_area_log, directive_area_log_hakim;
extern const struct directive_area directive_area_relation, directive_area_install;

#define DIRECTIVE_SETTER(name)                                                                \
	int name(const struct directive *d, struct directive_context *ctx, const char *value, \
		 struct err *err)
#define DIRECTIVE_RESET(name) \
	int name(const struct directive *d, struct directive_context *ctx, struct err *err)

DIRECTIVE_SETTER(directive_set_units);
DIRECTIVE_SETTER(directive_set_environment);
DIRECTIVE_SETTER(directive_set_variables);
DIRECTIVE_SETTER(directive_set_environment_file);
DIRECTIVE_SETTER(directive_set_directories);
DIRECTIVE_SETTER(directive_set_commands);
DIRECTIVE_SETTER(directive_set_command);

DIRECTIVE_RESET(directive_reset_list);
DIRECTIVE_RESET(directive_reset_units);
DIRECTIVE_RESET(directive_reset_commands);

/* One word of a list that was split and expanded: its check, and the place that it goes to. */
typedef int (*directive_word_taker)(struct strv *list, char *word, struct err *err);
int directive_words_take(struct strv *list, struct directive_context *ctx, const char *value,
			 directive_word_taker take, struct err *err);
/* Frees what the field has and gives it the expanded value; an empty one leaves NULL. */
int directive_string_put(char **field, const struct directive_context *ctx, const char *value,
			 struct err *err);
/* Absolute and without a ".." that would make it another path than it looks like. */
int directive_path_check(const char *path, struct err *err);

/* directive_user.c: what becomes of a directive in a unit of the coder user's. */
enum user_verdict {
	USER_ALLOWED = 0,
	USER_NEUTRAL,  /* it is not allowed, and asks for nothing */
	USER_LEFT_OUT, /* a note; with Strict=yes refused */
	USER_REFUSED,
};
enum user_verdict directive_user_verdict(enum directive_section section, const char *name,
					 const char *value);
