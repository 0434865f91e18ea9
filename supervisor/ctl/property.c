/*
 * property.c - `hakimctl show`: the properties of units, of the table of `systemctl show`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/systemctl.h"

/* "A,B" of each -p, in their order. */
static int wanted(const struct args *args, struct strv *properties)
{
	int r = 0;

	for (size_t i = 0; i < args->n_values; i++) {
		const char *value = args->values[i].value;

		if (args->values[i].option != ARGS_PROPERTY)
			continue;
		while (*value && r >= 0) {
			size_t len = strcspn(value, ",");
			_cleanup_free_ char *name = strndup(value, len);

			r = !name ? -ENOMEM : len ? strv_add(properties, name) : 0;
			value += len + (value[len] == ',');
		}
	}
	return r;
}

int ctl_show(struct ctl *ctl)
{
	_cleanup_(strv_free) struct strv properties = {0};
	struct systemctl_options options = {.value = ctl->args.given & ARGS_VALUE};
	struct systemctl s = {.options = &options,
			      .names = (char *const *)ctl->args.names,
			      .n_names = ctl->args.n_names,
			      .look = ctl->look};

	if (wanted(&ctl->args, &properties) < 0)
		return ctl_complain(CTL_FAILED, "there is not enough memory");
	options.properties = properties;
	return sc_show(&s);
}
