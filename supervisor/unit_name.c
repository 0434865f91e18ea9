#include "supervisor/unit_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), tail = strlen(suffix);

	return len > tail && strcmp(name + len - tail, suffix) == 0;
}

static const struct {
	const char *suffix;
	enum unit_kind kind;
} suffixes[] = {
	{".service", KIND_SERVICE}, {".socket", KIND_SOCKET}, {".target", KIND_TARGET},
	{".device", KIND_OTHER},    {".mount", KIND_OTHER},   {".automount", KIND_OTHER},
	{".swap", KIND_OTHER},      {".timer", KIND_OTHER},   {".path", KIND_OTHER},
	{".slice", KIND_OTHER},     {".scope", KIND_OTHER},
};

bool unit_name_valid(const char *name)
{
	const char *file = unit_name_file(name);
	bool known = false;

	if (strlen(name) >= UNIT_NAME_MAX)
		return false;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(":_.\\@-", *p))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		known |= has_suffix(file, suffixes[i].suffix);
	return known && *file != '.' && *file != '@';
}

enum unit_kind unit_kind_of(const char *name)
{
	if (!unit_name_valid(name))
		return KIND_SERVICE;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (has_suffix(name, suffixes[i].suffix))
			return suffixes[i].kind;
	return KIND_OTHER;
}

size_t unit_stem(const char *name)
{
	const char *dot = unit_name_valid(name) ? strrchr(name, '.') : NULL;

	return dot ? (size_t)(dot - name) : strlen(name);
}

bool unit_name_is_user(const char *name)
{
	return strncmp(name, UNIT_USER_PREFIX, strlen(UNIT_USER_PREFIX)) == 0;
}

const char *unit_name_file(const char *name)
{
	return unit_name_is_user(name) ? name + strlen(UNIT_USER_PREFIX) : name;
}

bool unit_name_is_template(const char *name)
{
	const char *at = strchr(name, '@');

	return at && at == name + unit_stem(name) - 1;
}

bool unit_name_is_instance(const char *name, size_t *at)
{
	const char *found = strchr(name, '@');

	if (!found || !unit_name_valid(name) || found + 1 >= name + unit_stem(name))
		return false;
	*at = (size_t)(found - name);
	return true;
}

bool unit_name_template(const char *name, char to[static UNIT_NAME_MAX])
{
	size_t at;

	if (!unit_name_is_instance(name, &at))
		return false;
	snprintf(to, UNIT_NAME_MAX, "%.*s@%s", (int)at, name, name + unit_stem(name));
	return true;
}

bool unit_name_instantiate(const char *template, const char *instance,
			   char to[static UNIT_NAME_MAX])
{
	size_t stem = unit_stem(template), at;

	if (!unit_name_is_template(template))
		return false;
	if (snprintf(to, UNIT_NAME_MAX, "%.*s%s%s", (int)stem, template, instance,
		     template + stem) >= UNIT_NAME_MAX)
		return false;
	return unit_name_is_instance(to, &at);
}

bool unit_name_with_suffix(const char *name, const char *suffix, char to[static UNIT_NAME_MAX])
{
	if (snprintf(to, UNIT_NAME_MAX, "%.*s%s", (int)unit_stem(name), name, suffix) >=
	    UNIT_NAME_MAX)
		return false;
	return unit_name_valid(to);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void unit_name_unescape(const char *text, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		/* A NUL would end the text for everybody but us. */
		if (text[i] == '\\' && i + 3 < len && text[i + 1] == 'x' && hex(text[i + 2]) >= 0 &&
		    hex(text[i + 3]) >= 0 && (hex(text[i + 2]) || hex(text[i + 3]))) {
			*out++ = (char)(hex(text[i + 2]) * 16 + hex(text[i + 3]));
			i += 3;
		} else {
			*out = text[i];
			if (*out == '-')
				*out = '/';
			out++;
		}
	}
	*out = '\0';
}
