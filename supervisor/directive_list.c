/*
 * directive_list.c - the supported directives that are lists of words or commands.
 */
#include "supervisor/directive_set.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/specifier.h"
#include "supervisor/unit_name.h"

/* Adding is a search for what is there: a file of a megabyte of words is an error, not a wait. */
#define LIST_MAX 4096

int directive_string_put(char **field, const struct directive_context *ctx, const char *value,
			 struct err *err)
{
	char *text = NULL;
	int r = *value ? specifier_expand(value, ctx->unit->name, &text, err) : 0;

	if (r < 0)
		return r;
	free(*field);
	*field = text;
	return 0;
}

int directive_path_check(const char *path, struct err *err)
{
	const char *p = path;

	if (*path != '/')
		return err_set(err, -EINVAL, "%.200s is not an absolute path", path);
	if (strlen(path) >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "the path is too long");
	while ((p = strstr(p, "/..")))
		if (p[3] == '/' || !p[3])
			return err_set(err, -EINVAL, "%.200s has a \"..\" in it", path);
		else
			p += 3;
	return 0;
}

DIRECTIVE_RESET(directive_reset_list)
{
	strv_free(DIRECTIVE_FIELD(struct strv));
	return 0;
}

int directive_words_take(struct strv *list, struct directive_context *ctx, const char *value,
			 directive_word_taker take, struct err *err)
{
	_cleanup_(strv_free) struct strv words = {0};
	int r = words_split(value, &words, err), note = 0;

	for (size_t i = 0; i < words.n && r >= 0; i++) {
		_cleanup_free_ char *word = NULL;

		if (list->n >= LIST_MAX)
			return err_set(err, -E2BIG, "there are more than %d", LIST_MAX);
		r = specifier_expand(words.v[i], ctx->unit->name, &word, err);
		if (r < 0)
			break;
		r = take(list, word, err);
		note |= r > 0;
	}
	return r < 0 ? r : note;
}

/* The name of a device or mount may be as long as its path; it is nothing to us in any case. */
static bool is_long_foreign(const char *word)
{
	char short_name[UNIT_NAME_MAX];
	const char *dot = strrchr(word, '.');

	if (strlen(word) < UNIT_NAME_MAX || !dot)
		return false;
	snprintf(short_name, sizeof(short_name), "x%s", dot);
	return unit_name_valid(short_name) && unit_kind_of(short_name) == KIND_OTHER;
}

static int take_unit(struct strv *list, char *word, struct err *err)
{
	_cleanup_free_ char *full = NULL;
	int r;

	/* Who the user is decides the user alone. */
	if (unit_name_is_user(word))
		return err_set(err, -EINVAL,
			       "\"%.80s\" is a unit of the user's, which cannot be named", word);
	if (unit_name_valid(word))
		return strv_add(list, word);
	if (asprintf(&full, "%s.service", word) < 0) {
		full = NULL;
		return -ENOMEM;
	}
	if (is_long_foreign(word)) {
		err_set(err, 0, "\"%.80s\" is left out: units of this kind are not run here", word);
		return 1;
	}
	if (!unit_name_valid(full))
		return err_set(err, -EINVAL, "\"%.80s\" is no name of a unit", word);
	r = strv_add(list, full);
	if (r < 0)
		return r;
	err_set(err, 0, "\"%.80s\" is taken for %.80s (systemd wants the suffix)", word, full);
	return 1;
}

/* A unit of the user's knows the user's only: each name gets their scope. */
static int take_user_unit(struct strv *list, char *word, struct err *err)
{
	_cleanup_(strv_free) struct strv plain = {0};
	int note = take_unit(&plain, word, err), r = note;
	char *full;

	for (size_t i = 0; i < plain.n && r >= 0; i++) {
		if (asprintf(&full, UNIT_USER_PREFIX "%s", plain.v[i]) < 0)
			return -ENOMEM;
		if (!unit_name_valid(full))
			r = err_set(err, -ENAMETOOLONG, "\"%.80s\" is too long a name", word);
		if (r >= 0)
			r = strv_take(list, full);
		else
			free(full);
	}
	return r < 0 ? r : note;
}

DIRECTIVE_SETTER(directive_set_units)
{
	return directive_words_take(DIRECTIVE_FIELD(struct strv), ctx, value,
				    unit_name_is_user(ctx->unit->name) ? take_user_unit : take_unit,
				    err);
}

/* systemd.unit(5): a dependency cannot be taken back. */
DIRECTIVE_RESET(directive_reset_units)
{
	err_set(err, 0,
		"an empty value changes nothing: dependencies can only be added, as in systemd");
	return 1;
}

/* A value may be a secret: no message has any of it. */
static int take_assignment(struct strv *list, char *word, struct err *err)
{
	char *equal = strchr(word, '=');

	if (!equal || !variable_name_valid(word, (size_t)(equal - word)))
		return err_set(err, -EINVAL,
			       "a word of it is not NAME=value (a value with spaces is written "
			       "\"NAME=a b\")");
	*equal = '\0';
	return strv_env_set(list, word, equal + 1);
}

DIRECTIVE_SETTER(directive_set_environment)
{
	return directive_words_take(DIRECTIVE_FIELD(struct strv), ctx, value, take_assignment, err);
}

static int take_variable(struct strv *list, char *word, struct err *err)
{
	if (!variable_name_valid(word, strlen(word)))
		return err_set(err, -EINVAL, "\"%.60s\" is no name of a variable", word);
	return strv_has(list, word) ? 0 : strv_add(list, word);
}

DIRECTIVE_SETTER(directive_set_variables)
{
	return directive_words_take(DIRECTIVE_FIELD(struct strv), ctx, value, take_variable, err);
}

DIRECTIVE_SETTER(directive_set_environment_file)
{
	_cleanup_free_ char *path = NULL;
	int r = specifier_expand(value, ctx->unit->name, &path, err);

	if (r < 0)
		return r;
	r = directive_path_check(path + (*path == '-'), err);
	if (r < 0)
		return r;
	if (strpbrk(path, "*?["))
		return err_set(err, -ENOTSUP, "patterns are not supported yet");
	return strv_take(DIRECTIVE_FIELD(struct strv), steal_ptr(&path));
}

static int take_directory(struct strv *list, char *word, struct err *err)
{
	_cleanup_free_ char *rooted = NULL;
	size_t len = strlen(word);

	if (strchr(word, ':'))
		return err_set(err, -ENOTSUP, "\"%.80s\": a \":\" for a link is not supported yet",
			       word);
	while (len > 0 && word[len - 1] == '/')
		word[--len] = '\0';
	if (asprintf(&rooted, "/%s", word) < 0) {
		rooted = NULL;
		return -ENOMEM;
	}
	if (!len || *word == '/' || directive_path_check(rooted, NULL) < 0 ||
	    strstr(rooted, "//") || strstr(rooted, "/./") || strcmp(rooted + len - 1, "/.") == 0)
		return err_set(err, -EINVAL, "\"%.80s\" is not a plain relative path", word);
	return strv_has(list, word) ? 0 : strv_add(list, word);
}

DIRECTIVE_SETTER(directive_set_directories)
{
	return directive_words_take(DIRECTIVE_FIELD(struct strv), ctx, value, take_directory, err);
}

DIRECTIVE_RESET(directive_reset_commands)
{
	commands_free(DIRECTIVE_FIELD(struct commands));
	return 0;
}

/* A word "$NAME/more" is gone when systemd runs it, which is rarely what was meant. */
static int commands_note(const struct commands *commands, size_t from, struct err *err)
{
	for (size_t c = from; c < commands->n; c++) {
		const struct command *command = &commands->v[c];

		for (size_t i = 1; i < command->argv.n && !command->no_expand; i++) {
			const char *word = command->argv.v[i];

			if (*word != '$' || word[1] == '{' || word[1] == '$' ||
			    variable_name_valid(word + 1, strlen(word + 1)))
				continue;
			err_set(err, 0,
				"the word \"%.80s\" is left out, as in systemd: write ${NAME} for "
				"a "
				"variable within a word, $$ for a $",
				word);
			return 1;
		}
	}
	return 0;
}

DIRECTIVE_SETTER(directive_set_commands)
{
	struct commands *commands = DIRECTIVE_FIELD(struct commands);
	size_t had = commands->n;
	int r = commands_parse_for(ctx->unit->name, value, commands, err);

	return r < 0 ? r : commands_note(commands, had, err);
}

DIRECTIVE_SETTER(directive_set_command)
{
	_cleanup_(commands_free) struct commands commands = {0};
	int r;

	command_free(DIRECTIVE_FIELD(struct command));
	if (!*value)
		return 0;
	r = commands_parse_for(ctx->unit->name, value, &commands, err);
	if (r < 0)
		return r;
	if (commands.n != 1)
		return err_set(err, -EINVAL, "it must be one command");
	r = commands_note(&commands, 0, err);
	*DIRECTIVE_FIELD(struct command) = commands.v[0];
	commands.v[0] = (struct command){0};
	return r;
}
