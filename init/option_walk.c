#include "init/option_walk.h"

#include <string.h>

#include "init/format.h"

static int bad(struct option_walk *walk, const char *fmt, const char *what)
{
	/* The caller's format has one %s. */
	const char *at = strstr(fmt, "%s");

	format_text(walk->problem, sizeof(walk->problem), "%.*s%.64s%s", (int)(at - fmt), fmt, what,
		    at + 2);
	return '?';
}

static int next_short(struct option_walk *walk, const struct option_word *words)
{
	char text[2] = {*walk->letter++, '\0'};
	const char *rest = walk->letter;

	if (!*rest) {
		walk->letter = NULL;
		walk->at++;
	}
	for (; words->letter; words++) {
		if (words->letter != text[0] || text[0] <= ' ')
			continue;
		if (!words->takes_value)
			return words->letter;
		if (!*rest && walk->at >= walk->argc)
			return bad(walk, "option requires an argument -- '%s'", text);
		walk->value = *rest ? rest : walk->argv[walk->at];
		walk->letter = NULL;
		walk->at++;
		return words->letter;
	}
	return bad(walk, "invalid option -- '%s'", text);
}

static int next_long(struct option_walk *walk, const struct option_word *words)
{
	const char *text = walk->argv[walk->at++];
	const char *name = text + 2;
	size_t len = strcspn(name, "=");
	const struct option_word *found = NULL;

	for (; words->letter; words++) {
		if (!words->name || strncmp(words->name, name, len) != 0)
			continue;
		if (!words->name[len]) {
			found = words;
			break;
		}
		if (!walk->abbreviate)
			continue;
		if (found)
			return bad(walk, "option '%s' is ambiguous", text);
		found = words;
	}
	if (!found)
		return bad(walk, "unrecognized option '%s'", text);
	if (!found->takes_value) {
		if (name[len])
			return bad(walk, "option '--%s' doesn't allow an argument", found->name);
		return found->letter;
	}
	if (!name[len] && walk->at >= walk->argc)
		return bad(walk, "option '--%s' requires an argument", found->name);
	walk->value = name[len] ? name + len + 1 : walk->argv[walk->at++];
	return found->letter;
}

int option_next(struct option_walk *walk, const struct option_word *words)
{
	const char *text;

	walk->value = NULL;
	if (walk->letter)
		return next_short(walk, words);
	if (walk->at >= walk->argc)
		return 0;
	text = walk->argv[walk->at];
	if (text[0] != '-' || !text[1])
		return 0;
	if (text[1] != '-') {
		walk->letter = text + 1;
		return next_short(walk, words);
	}
	if (text[2])
		return next_long(walk, words);
	walk->at++;
	return 0;
}
