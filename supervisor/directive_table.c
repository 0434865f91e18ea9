/*
 * directive_table.c - the areas of supported directives, and the look-up of a name.
 */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/directive_set.h"

static const struct directive_area *const areas[] = {
	&directive_area_unit,       &directive_area_service,    &directive_area_hakim,
	&directive_area_exec,       &directive_area_limits,     &directive_area_socket,
	&directive_area_pass,       &directive_area_condition,  &directive_area_log,
	&directive_area_relation,   &directive_area_install,    &directive_area_life,
	&directive_area_life_unit,  &directive_area_life_hakim, &directive_area_watch,
	&directive_area_log_hakim,  &directive_area_security,   &directive_area_sandbox,
	&directive_area_credential, &directive_area_cgroup,     &directive_area_condition_hakim,
};

const char *directive_section_name(enum directive_section section)
{
	static const char *const names[DIRECTIVES_SECTIONS] = {
		[DIRECTIVES_UNIT] = "Unit",       [DIRECTIVES_SERVICE] = "Service",
		[DIRECTIVES_HAKIM] = "X-Hakim",   [DIRECTIVES_SOCKET] = "Socket",
		[DIRECTIVES_INSTALL] = "Install",
	};

	return section < DIRECTIVES_SECTIONS ? names[section] : "?";
}

static int by_name(const void *name, const void *row)
{
	/* Both kinds of rows begin with their name. */
	return strcmp(name, *(const char *const *)row);
}

_Static_assert(offsetof(struct directive, name) == 0, "by_name() reads the name there");
_Static_assert(offsetof(struct known, name) == 0, "by_name() reads the name there");

const struct directive_area *const *directive_areas(size_t *n)
{
	*n = ARRAY_LEN(areas);
	return areas;
}

const struct directive *directive_find(enum directive_section section, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(areas); i++) {
		const struct directive *found;

		if (areas[i]->section != section)
			continue;
		found = bsearch(name, areas[i]->v, areas[i]->n, sizeof(*areas[i]->v), by_name);
		if (found)
			return found;
	}
	return NULL;
}

const struct known *directive_find_known(enum directive_section section, const char *name)
{
	size_t n;
	const struct known *known = directives_known(section, &n);

	return known ? bsearch(name, known, n, sizeof(*known), by_name) : NULL;
}
