/*
 * show_units.c - `hakimctl show`: the properties of units, of the table of `systemctl show`.
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

/* Each of the names, as text or into `list`. */
static int show_all(const struct systemctl *s, json_t *list, struct err *err)
{
	_cleanup_(strv_free) struct strv names = {0};
	int r = sc_expand(s, &names, err);

	for (size_t i = 0; i < names.n && r >= 0; i++) {
		json_t *object = list ? json_object() : NULL;

		if (i && !list)
			putchar('\n');
		r = sc_show_one(s, names.v[i], true, object, err);
		if (object)
			json_array_append_new(list, object);
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
	json_t *list = ctl->args.given & ARGS_JSON ? json_array() : NULL, *all;
	struct err err = {0};
	int r = wanted(&ctl->args, &properties);

	if (r < 0) {
		json_decref(list);
		return ctl_complain(CTL_FAILED, "there is not enough memory");
	}
	options.properties = properties;
	r = show_all(&s, list, &err);
	if (r >= 0 && list) {
		all = json_pack("{s:O}", "units", list);
		if (!all || json_dumpf(all, stdout, JSON_INDENT(2)) < 0)
			r = err_set(&err, -EIO, "the answer could not be written");
		putchar('\n');
		json_decref(all);
	}
	json_decref(list);
	return r < 0 ? ctl_fail(r == -ENOENT ? CLIENT_NO_UNIT : r, &err) : CTL_OK;
}
