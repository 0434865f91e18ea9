#include "supervisor/ctl/loggrep.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <wchar.h>
#include <wctype.h>

static bool has_capital(const char *pattern)
{
	mbstate_t state = {0};

	while (*pattern) {
		wchar_t c;
		size_t n = mbrtowc(&c, pattern, MB_CUR_MAX, &state);

		if (n == (size_t)-1 || n == (size_t)-2) {
			state = (mbstate_t){0};
			pattern++;
			continue;
		}
		if (iswupper((wint_t)c))
			return true;
		pattern += n;
	}
	return false;
}

int log_grep_begin(struct log_grep *g, const char *pattern, bool ignore_case, struct err *err)
{
	int flags = REG_EXTENDED | REG_NOSUB;
	char why[128];
	int r;

	if (ignore_case || !has_capital(pattern))
		flags |= REG_ICASE;
	r = regcomp(&g->regex, pattern, flags);
	if (r == 0) {
		g->on = true;
		return 0;
	}
	regerror(r, &g->regex, why, sizeof(why));
	return err_set(err, -EINVAL, "\"%s\" is no pattern: %s", pattern, why);
}

bool log_grep_has(const struct log_grep *g, const char *text, size_t len)
{
	regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)len};

	/* With its length, for it may hold NUL. */
	return !g->on || regexec(&g->regex, text, 1, &range, REG_STARTEND) == 0;
}

void log_grep_free(struct log_grep *g)
{
	if (g->on)
		regfree(&g->regex);
	g->on = false;
}
