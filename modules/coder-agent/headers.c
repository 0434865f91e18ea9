#include "modules/coder-agent/headers.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* RFC 9110, 5.6.2: a token. */
static bool name_valid(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("!#$%&'*+-.^_`|~", *name))
			return false;
	return true;
}

static bool value_valid(const char *value)
{
	for (; *value; value++)
		if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
			return false;
	return true;
}

int headers_add(struct strv *headers, const char *name, const char *value, struct err *err)
{
	char *line = NULL;

	if (!name_valid(name))
		return err_set(err, -EINVAL,
			       "the name of a header may have letters, digits and \"-\" only");
	if (!value_valid(value))
		return err_set(err, -EINVAL, "the value of the header %s has a control character",
			       name);
	/* libcurl: "Name:" would take the header away, "Name;" sends it empty. */
	if (asprintf(&line, *value ? "%s: %s" : "%s;", name, value) < 0 ||
	    strv_take(headers, line) < 0)
		return err_sys(err, -ENOMEM, "the header %s", name);
	return 0;
}

static int add_pair(struct strv *headers, char *pair, unsigned number, const char *what,
		    struct err *err)
{
	char *equals = strchr(pair, '=');
	int r;

	if (!equals)
		return err_set(err, -EINVAL, "%s: entry %u is not NAME=VALUE", what, number);
	*equals = '\0';
	r = headers_add(headers, pair, equals + 1, err);
	if (r < 0)
		err_prefix(err, "%s: entry %u", what, number);
	return r;
}

/* Copies one field of CSV to `out` and returns where the next one begins, NULL after the last. */
static const char *csv_field(const char *at, char *out)
{
	if (*at == '"') {
		for (at++; *at; at++) {
			if (*at == '"' && at[1] == '"')
				at++;
			else if (*at == '"')
				break;
			*out++ = *at;
		}
		at += *at == '"';
	}
	while (*at && *at != ',')
		*out++ = *at++;
	*out = '\0';
	return *at == ',' ? at + 1 : NULL;
}

int headers_add_csv(struct strv *headers, const char *csv, struct err *err)
{
	_cleanup_free_ char *field = malloc(strlen(csv) + 1);
	unsigned number = 0;

	if (!field)
		return err_sys(err, -ENOMEM, "CODER_AGENT_HEADER");
	for (const char *at = csv; at && *csv;) {
		int r;

		at = csv_field(at, field);
		r = add_pair(headers, field, ++number, "CODER_AGENT_HEADER", err);
		explicit_bzero(field, strlen(field));
		if (r < 0)
			return r;
	}
	return 0;
}

int headers_add_lines(struct strv *headers, const char *text, struct err *err)
{
	_cleanup_free_ char *copy = strdup(text);
	unsigned number = 0;
	char *save = NULL;

	if (!copy)
		return err_sys(err, -ENOMEM, "CODER_AGENT_HEADER_COMMAND");
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t len = strlen(line);
		int r;

		if (len > 0 && line[len - 1] == '\r')
			line[--len] = '\0';
		if (len == 0)
			continue;
		r = add_pair(headers, line, ++number, "CODER_AGENT_HEADER_COMMAND", err);
		if (r < 0)
			return r;
	}
	return 0;
}
