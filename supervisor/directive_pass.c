/*
 * directive_pass.c - the supported directives of [Service] about the fds that a service is given.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"
#include "supervisor/specifier.h"

#define SETTER(name) static DIRECTIVE_SETTER(name)
#define AT(field)    DIRECTIVE_AT(field)

SETTER(set_bool)
{
	return bool_parse(value, DIRECTIVE_FIELD(bool), err);
}

/* systemd.service(5), Sockets=: the service wants them and comes after them. */
SETTER(set_sockets)
{
	_cleanup_(strv_free) struct strv words = {0};
	struct unit *unit = ctx->unit;
	int r = words_split(value, &words, err);

	for (size_t i = 0; i < words.n && r == 0; i++) {
		_cleanup_free_ char *name = NULL;

		r = specifier_expand(words.v[i], unit->name, &name, err);
		if (r == 0 && (!unit_name_valid(name) || unit_kind_of(name) != KIND_SOCKET))
			return err_set(err, -EINVAL, "\"%.80s\" is no name of a socket", name);
		if (r == 0 && !strv_has(&unit->sockets, name)) {
			r = strv_add(&unit->sockets, name);
			r = r < 0 ? r : strv_add(&unit->wants, name);
			r = r < 0 ? r : strv_add(&unit->after, name);
		}
	}
	return r;
}

static DIRECTIVE_RESET(reset_sockets)
{
	strv_free(&ctx->unit->sockets);
	return 0;
}

static const struct directive pass_directives[] = {
	{"NonBlocking", set_bool, AT(non_blocking), 0, NULL},
	{"Sockets", set_sockets, 0, 0, reset_sockets},
};

const struct directive_area directive_area_pass = {DIRECTIVES_SERVICE, pass_directives,
						   ARRAY_LEN(pass_directives)};
