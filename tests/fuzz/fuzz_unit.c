/*
 * Unit files: a service with two drop-ins, a socket and a target, in this order, and what `show`
 * prints of them.
 */
#include <stdio.h>
#include <string.h>

#include "supervisor/ctl/exposure.h"
#include "supervisor/ctl/property.h"
#include "supervisor/graph.h"
#include "supervisor/unit.h"
#include "supervisor/unit_dirs.h"
#include "tests/fuzz/fuzz.h"

static const char *const files[] = {
	"units/x.service", "units/x.service.d/1.conf", "units/x@i.service.d/2.conf",
	"units/x.socket",  "units/x.target",
};

static void show(const struct unit *unit)
{
	/* Of which the supervisor has said nothing. */
	static const struct sc_unit state = {.enabled = ""};
	const struct property_area *const *areas;
	size_t n;

	areas = property_areas(&n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < areas[i]->n; k++) {
			const struct property_of of = {.state = &state, .unit = unit};
			char *text;

			if (areas[i]->source == PROPERTY_STATE || !property_fits(areas[i], &of))
				continue;
			text = property_text(&areas[i]->v[k], areas[i], &of);
			for (const char *c = text; c && *c; c++)
				FUZZ_MUST((unsigned char)*c >= ' ' || *c == '\n' || *c == '\t');
			free(text);
		}
}

static void check(const struct unit_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct unit *unit = set->v[i];

		FUZZ_MUST(unit->name && strlen(unit->name) < UNIT_NAME_MAX && unit->path);
		FUZZ_MUST(i == 0 || strcmp(set->v[i - 1]->name, unit->name) < 0);
		show(unit);
	}
	for (size_t i = 0; i < set->problems.n; i++)
		FUZZ_MUST(set->problems.v[i].text && *set->problems.v[i].text);
}

FUZZ_TARGET(unit)
{
	static char dir[96];
	const char *const dirs[] = {dir, NULL};
	struct unit_set set = {0};
	struct graph graph = {0};
	struct err err = {0};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct fuzz_part part = {"", 0};

		fuzz_next(&text, &len, &part);
		fuzz_put(files[i], part.text, part.len);
	}
	snprintf(dir, sizeof(dir), "%s/units", fuzz_dir());
	if (unit_set_load(&set, dirs, &err) < 0)
		return;
	check(&set);
	FUZZ_MUST(graph_build(&graph, &set, &err) >= 0 && graph.n == set.n);
	graph_free(&graph);
	unit_set_free(&set);
}
