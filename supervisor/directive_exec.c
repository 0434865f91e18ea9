/*
 * directive_exec.c - the directives of struct unit_exec: who the process is and what it finds.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"

#define SETTER(name) static DIRECTIVE_SETTER(name)

void unit_exec_free(struct unit_exec *exec)
{
	strv_free(&exec->supplementary_groups);
	strv_free(&exec->unset_environment);
	strv_free(&exec->search_path);
}

/* Octal, as in chmod(1); 07777 at most, for a umask 0777. */
SETTER(set_mode)
{
	mode_t *mode = DIRECTIVE_FIELD(mode_t);
	unsigned long n;
	char *end;

	n = strtoul(value, &end, 8);
	if (!isdigit((unsigned char)*value) || *end || n > d->arg)
		return err_set(err, -EINVAL, "\"%.60s\" is no mode from 0000 to %04o", value,
			       d->arg);
	*mode = (mode_t)n;
	return 0;
}

SETTER(set_login_environment)
{
	int r;

	ctx->unit->exec.login_environment_set = *value;
	if (!*value)
		return 0;
	r = bool_parse(value, &ctx->unit->exec.login_environment, err);
	return r;
}

static int set_word(const char *const *words, size_t n, const char *value, const char *list,
		    unsigned *index, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], value) == 0) {
			*index = (unsigned)i;
			return 0;
		}
	return err_set(err, -EINVAL, "\"%.60s\" is none of %s", value, list);
}

SETTER(set_keyring)
{
	static const char *const words[] = {"inherit", "private", "shared"};
	unsigned index = KEYRING_INHERIT;
	int r = *value ? set_word(words, 3, value, "inherit, private, shared", &index, err) : 0;

	if (r == 0)
		ctx->unit->exec.keyring = index;
	return r;
}

SETTER(set_preserve)
{
	static const char *const words[] = {"no", "restart", "yes"};
	unsigned index = PRESERVE_NO;
	bool yes;
	int r = 0;

	if (*value && bool_parse(value, &yes, NULL) == 0)
		index = yes ? PRESERVE_YES : PRESERVE_NO;
	else if (*value)
		r = set_word(words, 3, value, "yes, no, restart", &index, err);
	if (r == 0)
		ctx->unit->exec.runtime_preserve = index;
	return r;
}

static int take_group(struct strv *list, char *word, struct err *err)
{
	unsigned number;

	if (isdigit((unsigned char)*word) ? unsigned_parse(word, UINT_MAX - 1, &number, NULL) < 0
					  : *word == '-' || strpbrk(word, ":/,\\\"'*?[]{}()"))
		return err_set(err, -EINVAL, "\"%.60s\" is no valid group", word);
	return strv_has(list, word) ? 0 : strv_add(list, word);
}

SETTER(set_groups)
{
	return directive_words_take(DIRECTIVE_FIELD(struct strv), ctx, value, take_group, err);
}

static int take_unset(struct strv *list, char *word, struct err *err)
{
	if (!variable_name_valid(word, strcspn(word, "=")))
		return err_set(err, -EINVAL, "a word of it is neither NAME nor NAME=value");
	return strv_add(list, word);
}

SETTER(set_unset)
{
	return directive_words_take(DIRECTIVE_FIELD(struct strv), ctx, value, take_unset, err);
}

/* A list separated by colons; more of them append. */
SETTER(set_search_path)
{
	_cleanup_free_ char *copy = strdup(value);
	char *save = NULL;

	if (!copy)
		return -ENOMEM;
	for (char *word = strtok_r(copy, ":", &save); word; word = strtok_r(NULL, ":", &save)) {
		_cleanup_free_ char *dir = NULL;
		int r = directive_string_put(&dir, ctx, word, err);

		r = r < 0 ? r : directive_path_check(dir, err);
		r = r < 0 ? r : strv_take(DIRECTIVE_FIELD(struct strv), steal_ptr(&dir));
		if (r < 0)
			return r;
	}
	return 0;
}

SETTER(set_start_only)
{
	ctx->unit->exec.start_only = false;
	return *value ? bool_parse(value, &ctx->unit->exec.start_only, err) : 0;
}

/* "-": the author can do without. Profiles are the host's, and a container changes to one only
 * where the host has stacked policies; so it is never tried. */
SETTER(set_apparmor)
{
	if (!*value)
		return 0;
	if (*value == '-') {
		err_set(err, -ENOTSUP, "no profile is changed to, which its \"-\" allows");
		return 1;
	}
	return err_set(err, -ENOTSUP,
		       "no profile can be changed to in a container: the service would run with "
		       "other rights than its author asked for (with a \"-\" before the name it "
		       "may)");
}

#define AT(field)  DIRECTIVE_AT(exec.field)
#define MODE(kind) set_mode, DIRECTIVE_AT(directory_mode[DIRECTORY_##kind]), 07777, NULL

static const struct directive directives[] = {
	{"AppArmorProfile", set_apparmor, 0, 0, NULL},
	{"CacheDirectoryMode", MODE(CACHE)},
	{"ConfigurationDirectory", directive_set_directories,
	 DIRECTIVE_AT(directories[DIRECTORY_CONFIGURATION]), 0, directive_reset_list},
	{"ConfigurationDirectoryMode", MODE(CONFIGURATION)},
	{"ExecSearchPath", set_search_path, AT(search_path), 0, directive_reset_list},
	{"KeyringMode", set_keyring, 0, 0, NULL},
	{"LogsDirectoryMode", MODE(LOGS)},
	{"PermissionsStartOnly", set_start_only, 0, 0, NULL},
	{"RuntimeDirectoryMode", MODE(RUNTIME)},
	{"RuntimeDirectoryPreserve", set_preserve, 0, 0, NULL},
	{"SetLoginEnvironment", set_login_environment, 0, 0, NULL},
	{"StateDirectoryMode", MODE(STATE)},
	{"SupplementaryGroups", set_groups, AT(supplementary_groups), 0, directive_reset_list},
	{"UMask", set_mode, AT(umask), 0777, NULL},
	{"UnsetEnvironment", set_unset, AT(unset_environment), 0, directive_reset_list},
};

const struct directive_area directive_area_exec = {DIRECTIVES_SERVICE, directives,
						   ARRAY_LEN(directives)};
