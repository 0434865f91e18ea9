#include "supervisor/pattern.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

struct pattern {
	char *text; /* NULL: it is `regex` */
	regex_t regex;
};

/* A back-reference can make a match take for ever; nothing else in an expression does. */
static bool has_back_reference(const char *text)
{
	for (; *text; text++) {
		if (*text != '\\')
			continue;
		text++;
		if (*text >= '1' && *text <= '9')
			return true;
		if (!*text)
			break;
	}
	return false;
}

static int regex_parse(struct pattern *p, const char *text, struct err *err)
{
	char *expression = strndup(text + 1, strlen(text) - 2);
	char why[120] = "";
	int r;

	if (!expression)
		return err_sys(err, -ENOMEM, "the pattern");
	if (has_back_reference(expression)) {
		free(expression);
		return err_set(err, -EINVAL, "back-references (\\1) are not supported");
	}
	r = regcomp(&p->regex, expression, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
	free(expression);
	if (r == 0)
		return 0;
	regerror(r, &p->regex, why, sizeof(why));
	return err_set(err, -EINVAL, "%.100s is no regular expression: %s", text, why);
}

int pattern_parse(const char *text, struct pattern **pattern, struct err *err)
{
	size_t len = strlen(text);
	struct pattern *p;
	int r = 0;

	if (!len || strcmp(text, "//") == 0)
		return err_set(err, -EINVAL, "the pattern is empty");
	if (len > PATTERN_MAX)
		return err_set(err, -E2BIG, "the pattern is longer than %d characters",
			       PATTERN_MAX);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_sys(err, -ENOMEM, "the pattern");
	if (len > 2 && *text == '/' && text[len - 1] == '/') {
		r = regex_parse(p, text, err);
	} else {
		p->text = strdup(text);
		if (!p->text)
			r = err_sys(err, -ENOMEM, "the pattern");
	}
	if (r < 0) {
		free(p);
		return r;
	}
	*pattern = p;
	return 0;
}

bool pattern_match(const struct pattern *pattern, const char *bytes, size_t len)
{
	regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)len};

	if (pattern->text)
		return memmem(bytes, len, pattern->text, strlen(pattern->text)) != NULL;
	return regexec(&pattern->regex, bytes, 1, &range, REG_STARTEND) == 0;
}

void pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	if (pattern->text)
		free(pattern->text);
	else
		regfree(&pattern->regex);
	free(pattern);
}
