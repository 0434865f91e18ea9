/*
 * systemctl_state.c - the questions that scripts ask: is-active, is-failed, is-enabled.
 */
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/systemctl.h"
#include "supervisor/ctl/systemctl_file.h"

static bool is_word(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* Prints the state of each; ok when one of them is among the good ones. */
static int ask_states(struct systemctl *s, const char *const *good, int otherwise)
{
	_cleanup_(strv_free) struct strv names = {0};
	struct err err = {0};
	bool ok = false, found = false;

	/* Without a supervisor nothing is active: that is an answer, too. */
	if (sc_expand(s, &names, &err) < 0)
		return otherwise;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_(sc_unit_free) struct sc_unit unit = {0};

		sc_unit_get(s, names.v[i], &unit, &err);
		found = found || unit.load != SC_NOT_FOUND;
		ok = ok || is_word(sc_active(&unit), good);
		if (!s->options->quiet)
			puts(sc_active(&unit));
	}
	if (ok)
		return SC_OK;
	return found || !names.n ? otherwise : SC_NO_SUCH_UNIT;
}

int sc_is_active(struct systemctl *s)
{
	static const char *const good[] = {"active", "reloading", NULL};

	return ask_states(s, good, SC_NOT_ACTIVE);
}

int sc_is_failed(struct systemctl *s)
{
	static const char *const good[] = {"failed", NULL};

	return ask_states(s, good, SC_FAILED);
}

int sc_is_enabled(struct systemctl *s)
{
	static const char *const good[] = {"enabled", "enabled-runtime", "static",
					   "alias",   "indirect",        NULL};
	bool ok = false, found = false;

	for (size_t i = 0; i < s->n_names; i++) {
		_cleanup_(sc_file_free) struct sc_file file = {0};
		char name[SC_NAME];
		const char *word;

		sc_name(s, s->names[i], name);
		if (sc_file_find(name, &file) < 0)
			return sc_complain(SC_FAILED, "there is not enough memory");
		word = file.enabled;
		found = found || file.path || file.masked;
		/* Another name of a unit; systemd has it only where that unit is enabled. */
		if (file.name[0] && strcmp(file.name, name) != 0 && is_word(word, good))
			word = "alias";
		ok = ok || is_word(word, good);
		if (!s->options->quiet)
			puts(word);
	}
	if (ok)
		return SC_OK;
	return found ? SC_FAILED : SC_NO_SUCH_UNIT;
}
