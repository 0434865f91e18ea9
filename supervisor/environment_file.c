/*
 * environment_file.c - EnvironmentFile= as systemd.exec(5) describes it: a small shell-like
 * language that is no shell. The states are those of systemd's parse_env_file(); comments that end
 * in a backslash end all the same, as since 254.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/unit_file.h"

#define BLANK         " \t\n\r"
#define VARIABLES_MAX 4096

/* One pass over the text; names and values are cut out of it in place, for they never grow. */
struct cursor {
	char *p;
	unsigned line;
	unsigned left_out; /* the first line that is no assignment, 0: none */
};

static void skip_blank(struct cursor *c)
{
	for (; *c->p && strchr(BLANK, *c->p); c->p++)
		c->line += *c->p == '\n';
}

static void skip_line(struct cursor *c)
{
	c->p += strcspn(c->p, "\n");
}

/* The quoted part at c->p, behind its quote, is moved to `to`. -EINVAL: it is not closed. */
static int quoted_read(struct cursor *c, char quote, char **to)
{
	for (; *c->p && *c->p != quote; c->p++) {
		c->line += *c->p == '\n';
		if (quote == '"' && *c->p == '\\' && c->p[1]) {
			c->p++;
			c->line += *c->p == '\n';
			if (*c->p == '\n')
				continue;
			/* Within "…" a backslash means something before these only. */
			if (!strchr("\"\\`$", *c->p))
				*(*to)++ = '\\';
		}
		*(*to)++ = *c->p;
	}
	if (!*c->p)
		return -EINVAL;
	c->p++;
	return 0;
}

/* The rest of an unquoted value up to the end of its line; blanks at the end go. */
static void plain_read(struct cursor *c, char **to)
{
	char *end = *to;

	for (; *c->p && *c->p != '\n'; c->p++) {
		if (*c->p == '\\') {
			/* A backslash keeps the blanks before it, and a line end behind it is
			 * nothing. */
			end = *to;
			if (!c->p[1])
				continue;
			c->p++;
			c->line += *c->p == '\n';
			if (*c->p != '\n')
				*(*to)++ = *c->p;
			end = *to;
			continue;
		}
		*(*to)++ = *c->p;
		if (!strchr(BLANK, *c->p))
			end = *to;
	}
	*to = end;
}

/* A value: quoted parts, with blanks between them left out, until something unquoted begins. */
static int value_read(struct cursor *c, char **value)
{
	char *to = c->p;
	int r;

	*value = to;
	for (;;) {
		c->p += strspn(c->p, " \t\r");
		if (*c->p != '"' && *c->p != '\'')
			break;
		c->p++;
		r = quoted_read(c, c->p[-1], &to);
		if (r < 0)
			return r;
	}
	plain_read(c, &to);
	/* The NUL may go where the line end is: past it first. */
	if (*c->p == '\n') {
		c->line++;
		c->p++;
	}
	*to = '\0';
	return 0;
}

/* systemd's rule for values: UTF-8, no control characters but tabs and line ends. */
static bool value_valid(const char *value)
{
	for (const char *p = value; *p; p++) {
		size_t len = strcspn(p, "\n\r");

		if (!text_clean(p, len))
			return false;
		p += len;
		if (!*p)
			break;
	}
	return true;
}

static void leave_out(struct cursor *c, unsigned line)
{
	if (!c->left_out)
		c->left_out = line;
}

/* One entry from c->p on; `env` gets it. */
static int entry_read(struct cursor *c, struct strv *env, const char *path, struct err *err)
{
	unsigned line = c->line;
	char *name = c->p, *value;
	size_t len =
		1 + strcspn(c->p + 1, "=\n"); /* a "=" at the beginning is part of a bad name */
	int r;

	c->p += len;
	if (*c->p != '=') {
		leave_out(c, line);
		return 0;
	}
	c->p++;
	while (len > 0 && strchr(BLANK, name[len - 1]))
		len--;
	r = value_read(c, &value);
	if (r < 0)
		return err_set(err, r, "%s:%u: the quote that begins here is not closed", path,
			       line);
	if (!value_valid(value))
		return err_set(err, -EINVAL, "%s:%u: the value is not clean UTF-8 text", path,
			       line);
	if (!variable_name_valid(name, len)) {
		leave_out(c, line);
		return 0;
	}
	/* Setting is a search: a megabyte of variables is an error, not a wait. */
	if (env->n >= VARIABLES_MAX)
		return err_set(err, -E2BIG, "%s:%u: more than %d variables", path, line,
			       VARIABLES_MAX);
	name[len] = '\0';
	return strv_env_set(env, name, value) < 0 ? err_sys(err, -ENOMEM, "%s", path) : 0;
}

int environment_file_read(const char *path, struct strv *env, struct err *err)
{
	_cleanup_(strv_free) struct strv fresh = {0};
	struct text_file file = {0};
	_cleanup_free_ char *text = NULL;
	struct cursor c = {.line = 1};
	bool optional = *path == '-';
	int r;

	path += optional;
	r = text_file_read(path, &file, err);
	if (optional && (r == -ENOENT || r == -ENOTDIR))
		return 0;
	if (r < 0)
		return err_prefix(err, "EnvironmentFile=%s", path), r;
	c.p = text = file.text;
	if (strlen(text) != file.len)
		return err_set(err, -EINVAL, "EnvironmentFile=%s: there is a NUL byte in it", path);
	r = strv_copy(&fresh, env);
	for (skip_blank(&c); *c.p && r == 0; skip_blank(&c)) {
		if (*c.p == '#' || *c.p == ';')
			skip_line(&c);
		else
			r = entry_read(&c, &fresh, path, err);
	}
	if (r == -ENOMEM)
		err_sys(err, r, "EnvironmentFile=%s", path);
	if (r < 0)
		return r;
	if (c.left_out)
		err_set(err, 0, "EnvironmentFile=%s: line %u is not NAME=value, it is left out",
			path, c.left_out);
	/* All or nothing: what `env` had is in the copy as well. */
	strv_free(env);
	*env = fresh;
	fresh = (struct strv){0};
	return 0;
}
