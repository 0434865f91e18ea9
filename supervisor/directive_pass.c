/*
 * directive_pass.c - the supported directives of [Service] about the fds that a service is given.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/dbus.h"
#include "supervisor/directive_set.h"
#include "supervisor/socket.h"
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

#define STORE_MAX 512 /* PID 1 keeps at most KEEPER_FDS_MAX fds for all together */

SETTER(set_store_max)
{
	return unsigned_parse(value, STORE_MAX, &ctx->unit->fd_store_max, err);
}

SETTER(set_store_preserve)
{
	bool yes;

	if (strcmp(value, "restart") == 0) {
		ctx->unit->fd_store_preserve = FD_STORE_PRESERVE_RESTART;
		return 0;
	}
	if (bool_parse(value, &yes, NULL) < 0)
		return err_set(err, -EINVAL, "\"%.40s\" is none of no, restart, yes", value);
	ctx->unit->fd_store_preserve = yes ? FD_STORE_PRESERVE_YES : FD_STORE_PRESERVE_NO;
	return 0;
}

/* PATH[:NAME[:OPTIONS]], the options separated by commas. */
SETTER(set_open_file)
{
	static const char *const known[] = {"read-only", "append", "truncate", "graceful"};
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *copy = NULL;
	char *name, *options, *save = NULL;
	int r = specifier_expand(value, ctx->unit->name, &text, err);

	if (r < 0)
		return r;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	name = strchr(copy, ':');
	options = name ? strchr(name + 1, ':') : NULL;
	if (name)
		*name++ = '\0';
	if (options)
		*options++ = '\0';
	r = directive_path_check(copy, err);
	if (r < 0)
		return r;
	if (name && *name && !fd_name_valid(name))
		return err_set(err, -EINVAL, "\"%.60s\" is no name of an fd", name);
	for (char *word = options ? strtok_r(options, ",", &save) : NULL; word;
	     word = strtok_r(NULL, ",", &save)) {
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			is_known |= strcmp(word, known[i]) == 0;
		if (!is_known)
			return err_set(err, -EINVAL,
				       "\"%.40s\" is none of read-only, append, truncate, graceful",
				       word);
	}
	return strv_take(&ctx->unit->open_files, steal_ptr(&text));
}

static DIRECTIVE_RESET(reset_open_files)
{
	strv_free(&ctx->unit->open_files);
	return 0;
}

SETTER(set_bus_name)
{
	_cleanup_free_ char *name = NULL;
	int r = directive_string_put(&name, ctx, value, err);

	if (r < 0)
		return r;
	if (name && !dbus_name_valid(name))
		return err_set(err, -EINVAL, "\"%.60s\" is no name on a bus, such as org.example.X",
			       name);
	free(ctx->unit->bus_name);
	ctx->unit->bus_name = steal_ptr(&name);
	return 0;
}

static const struct directive pass_directives[] = {
	{"BusName", set_bus_name, 0, 0, NULL},
	{"FileDescriptorStoreMax", set_store_max, 0, 0, NULL},
	{"FileDescriptorStorePreserve", set_store_preserve, 0, 0, NULL},
	{"NonBlocking", set_bool, AT(non_blocking), 0, NULL},
	{"OpenFile", set_open_file, 0, 0, reset_open_files},
	{"Sockets", set_sockets, 0, 0, reset_sockets},
};

const struct directive_area directive_area_pass = {DIRECTIVES_SERVICE, pass_directives,
						   ARRAY_LEN(pass_directives)};
