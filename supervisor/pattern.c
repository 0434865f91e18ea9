#include "supervisor/pattern.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define REGEX_MAX 1000 /* parts of an expression, when repetitions are written out */

struct pattern {
	char *text; /* NULL: it is `regex` */
	regex_t regex;
};

/* A back-reference can make a match take for ever; nothing else in an expression of REGEX_MAX does.
 */
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

/* A bracket expression: how many bytes it has, "[^]a]" and "[[:digit:]]" are whole ones. */
static size_t bracket(const char *text)
{
	const char *at = text + 1;

	at += *at == '^';
	at += *at == ']';
	while (*at && *at != ']') {
		char kind = at[1];

		if (*at++ != '[' || !kind || !strchr(":.=", kind))
			continue;
		at++;
		while (*at && !(at[0] == kind && at[1] == ']'))
			at++;
		at += *at ? 2 : 0;
	}
	return (size_t)(at - text) + (*at == ']');
}

/* How often "+" or "{2,3}" has what is before it; 0: it is none of them. *len is its length. */
static unsigned long repetition(const char *text, size_t *len)
{
	unsigned long least, most;
	char *end;

	*len = 1;
	if (*text == '+')
		return 2;
	if (*text != '{' || !text[1] || !strchr("0123456789,", text[1]))
		return 0;
	least = most = strtoul(text + 1, &end, 10);
	if (*end == ',')
		most = end[1] == '}' ? least + 1 : strtoul(end + 1, &end, 10);
	*len = strcspn(text, "}");
	*len += text[*len] == '}';
	if (most < least)
		most = least;
	return most > REGEX_MAX ? REGEX_MAX + 1 : most;
}

/*
 * glibc's regcomp() writes repetitions out, "a{3}" as "aaa" and "a+" as "aa*": what is nested
 * becomes as large as memory, or larger. This counts what it would write.
 */
static bool is_too_large(const char *text)
{
	struct size {
		unsigned long sum, last; /* all of a group so far, and its last part */
	} group[PATTERN_MAX + 1], *g = group;

	*g = (struct size){0};
	for (size_t len = 0; *text && g->sum <= REGEX_MAX; text += len) {
		unsigned long times = repetition(text, &len);

		if (times > 0) {
			g->sum += g->last * (times - 1);
			g->last *= times;
			continue;
		}
		if (*text == '(') {
			*++g = (struct size){0};
			continue;
		}
		if (*text == ')' && g > group) {
			g--;
			g->last = g[1].sum + 1;
		} else if (*text != '*' && *text != '?') {
			g->last = *text != '|';
		} else {
			continue;
		}
		g->sum += g->last;
		if (*text == '[')
			len = bracket(text);
		else if (*text == '\\' && text[1])
			len = 2;
	}
	return g->sum > REGEX_MAX;
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
	if (is_too_large(expression)) {
		free(expression);
		return err_set(err, -E2BIG,
			       "the pattern repeats too much of itself (\"+\" or \"{n}\" within "
			       "another): write it with less");
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
