#include "supervisor/specifier.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* Those of the system manager: this supervisor is one, also where it does not run as root. */
static const struct {
	char letter;
	const char *path;
} specifier_paths[] = {
	{'t', "/run"}, {'S', "/var/lib"}, {'C', "/var/cache"}, {'L', "/var/log"}, {'E', "/etc"},
};

/* The text of one specifier: *start and the length, or 0 when there is no such. */
static bool specifier_text(char letter, const char *name, const char **start, size_t *len)
{
	const char *suffix = strrchr(name, '.'), *at = strchr(name, '@');
	size_t stem = suffix ? (size_t)(suffix - name) : strlen(name);

	if (at && (size_t)(at - name) > stem)
		at = NULL;
	*start = name;
	switch (letter) {
	case '%':
		*start = "%";
		*len = 1;
		return true;
	case 'n':
		*len = strlen(name);
		return true;
	case 'N':
		*len = stem;
		return true;
	case 'p':
		*len = at ? (size_t)(at - name) : stem;
		return true;
	case 'i':
		*start = at ? at + 1 : "";
		*len = at ? stem - (size_t)(at + 1 - name) : 0;
		return true;
	default:
		break;
	}
	for (size_t i = 0; i < ARRAY_LEN(specifier_paths); i++)
		if (specifier_paths[i].letter == letter) {
			*start = specifier_paths[i].path;
			*len = strlen(*start);
			return true;
		}
	return false;
}

int specifier_expand(const char *text, const char *unit_name, char **out, struct err *err)
{
	_cleanup_free_ char *buf = NULL;
	const char *start, *p;
	size_t n = 0, len, count = 0, widest;
	char *to;

	for (p = text; unit_name && *p; p++)
		count += *p == '%';
	/* No specifier is longer than the unit's name or the longest path of the table. */
	widest = unit_name ? strlen(unit_name) : 0;
	if (widest < sizeof("/var/cache"))
		widest = sizeof("/var/cache");
	to = buf = malloc(strlen(text) + count * widest + 1);
	if (!buf)
		return err_sys(err, -ENOMEM, "specifiers");
	for (p = text; *p; p++) {
		if (*p != '%' || !unit_name) {
			to[n++] = *p;
			continue;
		}
		p++;
		if (!*p)
			return err_set(err, -EINVAL, "a lone %% at the end (write %%%% for one)");
		if (!specifier_text(*p, unit_name, &start, &len))
			return err_set(err, -EINVAL,
				       "the specifier %%%c is not supported yet (write %%%%%c if "
				       "it is no specifier)",
				       *p, *p);
		memcpy(to + n, start, len);
		n += len;
	}
	to[n] = '\0';
	*out = steal_ptr(&buf);
	return 0;
}
