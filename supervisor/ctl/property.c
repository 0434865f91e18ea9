#include "supervisor/ctl/property.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/socket.h"

static const struct property_area *const areas[] = {
	&property_area_state,  &property_area_unit,    &property_area_service, &property_area_exec,
	&property_area_limits, &property_area_sandbox, &property_area_socket,  &property_area_hakim,
};

const struct property_area *const *property_areas(size_t *n)
{
	*n = ARRAY_LEN(areas);
	return areas;
}

const struct property *property_find(const char *name, const struct property_area **area)
{
	for (size_t a = 0; a < ARRAY_LEN(areas); a++)
		for (size_t i = 0; i < areas[a]->n; i++)
			if (strcmp(areas[a]->v[i].name, name) == 0) {
				*area = areas[a];
				return &areas[a]->v[i];
			}
	return NULL;
}

/* Is it one of these words? "Begins*" is any that begins so. */
static bool is_one_of(const char *words, const char *directive)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		if (len && words[len - 1] == '*'
			    ? strncmp(words, directive, len - 1) == 0
			    : strncmp(words, directive, len) == 0 && !directive[len])
			return true;
		words += len + strspn(words + len, " ");
	}
	return false;
}

/* RestartSec= is RestartUSec on the bus, and there only. */
static bool is_span_of(const char *name, const char *directive)
{
	size_t len = strlen(name);

	return len > 4 && strcmp(name + len - 4, "USec") == 0 &&
	       strncmp(name, directive, len - 4) == 0 && strcmp(directive + len - 4, "Sec") == 0;
}

const struct property *property_of_directive(const char *directive)
{
	for (size_t a = 0; a < ARRAY_LEN(areas); a++)
		for (size_t i = 0; i < areas[a]->n; i++) {
			const struct property *p = &areas[a]->v[i];

			if (strcmp(p->name, directive) == 0 || is_span_of(p->name, directive) ||
			    (p->directives && is_one_of(p->directives, directive)))
				return p;
		}
	return NULL;
}

/* What the offsets of an area are of; NULL: this unit has nothing of the kind. */
static const void *base_of(const struct property_area *area, const struct property_of *of)
{
	const struct unit *unit = of->unit;

	switch (area->source) {
	case PROPERTY_STATE:
		return of->state;
	case PROPERTY_UNIT:
		return unit;
	case PROPERTY_SERVICE:
		return unit && unit->kind == KIND_SERVICE ? unit : NULL;
	case PROPERTY_SOCKET:
		return unit ? unit->socket : NULL;
	}
	return NULL;
}

bool property_fits(const struct property_area *area, const struct property_of *of)
{
	return base_of(area, of) != NULL;
}

char *property_text(const struct property *p, const struct property_area *area,
		    const struct property_of *of)
{
	struct property_of one = *of;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	one.out = out;
	one.base = base_of(area, of);
	if (one.base)
		p->print(p, &one);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
