#include "init/quirk.h"

#include <stdarg.h>
#include <string.h>

#include "init/format.h"

enum quirk_outcome quirk_say(struct quirk_result *r, enum quirk_outcome outcome, const char *fmt,
			     ...)
{
	va_list args;

	va_start(args, fmt);
	format_list(r->text, sizeof(r->text), fmt, args);
	va_end(args);
	return outcome;
}

enum quirk_outcome quirk_fail(struct quirk_result *r, int error, const char *what)
{
	r->error = error < 0 ? -error : error;
	return quirk_say(r, QUIRK_FAILED, "%s: %s", what, strerror(r->error));
}

const char *quirk_outcome_name(enum quirk_outcome outcome)
{
	static const char *const names[QUIRK_OUTCOMES] = {
		"none", "fine", "remedied", "needs-host", "not-applicable", "failed", "off",
	};

	return outcome < QUIRK_OUTCOMES ? names[outcome] : names[0];
}

bool quirk_row_is_off(const struct quirk *q, const char *list)
{
	return !q->always && quirk_is_off(list, q->name);
}

bool quirk_is_off(const char *list, const char *name)
{
	static const char separators[] = " ,\t\n:";
	size_t len = strlen(name);

	while (list && *list) {
		size_t word = strcspn(list, separators);

		if (word == len + 1 && *list == '-' && strncmp(list + 1, name, len) == 0)
			return true;
		list += word;
		list += strspn(list, separators);
	}
	return false;
}
