/*
 * property_secret.c - which variables are secrets: the supervisor knows their names; where it is
 * not asked, those that a unit gets as one, and names that say so themselves.
 */
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "supervisor/ctl/property.h"

/* A password is not shown for the reason that nobody has told us it is one. */
static bool sounds_secret(const char *name, size_t len)
{
	static const char *const parts[] = {"TOKEN",   "PASSWORD",    "PASSWD",   "SECRET",
					    "API_KEY", "PRIVATE_KEY", "BOOTSTRAP"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (size_t at = 0; at + strlen(parts[i]) <= len; at++)
			if (strncasecmp(name + at, parts[i], strlen(parts[i])) == 0)
				return true;
	return false;
}

static bool is_name(const char *listed, const char *name, size_t len)
{
	return strncmp(listed, name, len) == 0 && !listed[len];
}

bool property_is_secret(const struct property_of *of, const char *assignment)
{
	size_t len = strcspn(assignment, "=");
	const struct strv *lists[] = {of->unit ? &of->unit->secret_pipe : NULL,
				      of->unit ? &of->unit->pass_environment : NULL};
	const json_t *told = json_object_get(of->state->manager_packet, "secrets"), *one;

	for (size_t i = 0; (one = json_array_get(told, i)); i++)
		if (json_is_string(one) && is_name(json_string_value(one), assignment, len))
			return true;
	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		for (size_t i = 0; lists[k] && i < lists[k]->n; i++)
			if (is_name(lists[k]->v[i], assignment, len))
				return true;
	return sounds_secret(assignment, len);
}
