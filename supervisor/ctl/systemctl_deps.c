/*
 * systemctl_deps.c - `systemctl list-dependencies`, drawn as systemctl(1) does it: what lies below
 * a unit that is no target is shown with --all only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/deps.h"
#include "supervisor/ctl/systemctl.h"
#include "supervisor/ctl/systemctl_file.h"

#define DEPTH_MAX 32

/* What starts at boot is what this one wants: no unit file has to say so. */
static const char *const boot_targets[] = {"default.target", "multi-user.target",
					   "graphical.target"};

struct drawing {
	const struct systemctl *s;
	const json_t *packets;
	enum deps_kind kind;
	const char *above[DEPTH_MAX]; /* from the root down */
	bool more[DEPTH_MAX];         /* there are further ones in that branch */
	struct strv shown;            /* with --plain each once */
};

static bool is_boot_target(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(boot_targets); i++)
		if (strcmp(boot_targets[i], name) == 0)
			return true;
	return false;
}

/* Of a unit that the supervisor has not loaded: what its file says. */
static int children_of_file(const char *name, struct strv *out)
{
	struct unit *unit = NULL;
	int r = sc_file_read(name, &unit);
	struct strv *lists[] = {unit ? &unit->requires : NULL, unit ? &unit->wants : NULL};

	for (size_t k = 0; k < ARRAY_LEN(lists) && r == 0; k++)
		for (size_t i = 0; lists[k] && i < lists[k]->n && r == 0; i++)
			if (!strv_has(out, lists[k]->v[i]))
				r = strv_add(out, lists[k]->v[i]);
	unit_free(unit);
	return r;
}

static int children(const struct drawing *d, const char *name, struct strv *out)
{
	int r = deps_children(d->packets, name, d->kind, out);

	if (r < 0 || d->kind != DEPS_PULLS)
		return r;
	/* Also where somebody has asked about the target, and it is a unit with nothing below. */
	if (is_boot_target(name) && !out->n)
		return deps_roots(d->packets, DEPS_PULLS, out);
	return deps_unit(d->packets, name) ? 0 : children_of_file(name, out);
}

static void put_line(const struct drawing *d, const char *name, unsigned depth)
{
	const struct look *look = &d->s->look;
	const json_t *packet = deps_unit(d->packets, name);
	struct unit_view u = view_unit(packet);
	_cleanup_free_ char *clean = show_clean(name, look, false);
	bool plain = d->s->options->plain;

	if (depth && (plain || !packet)) {
		fputs("  ", stdout);
	} else if (depth) {
		style_put(stdout, look, view_state(&u).style, look->utf8 ? "●" : "*");
		putchar(' ');
	}
	for (unsigned i = 1; i < depth && !plain; i++)
		fputs(d->more[i] ? (look->utf8 ? "│ " : "| ") : "  ", stdout);
	if (depth && !plain)
		fputs(d->more[depth] ? (look->utf8 ? "├─" : "|-") : (look->utf8 ? "└─" : "`-"),
		      stdout);
	puts(clean ? clean : "?");
}

static bool goes_deeper(const struct drawing *d, const char *name, unsigned depth)
{
	const char *dot = strrchr(name, '.');

	if (depth + 1 >= DEPTH_MAX)
		return false;
	for (unsigned i = 0; i < depth; i++)
		if (strcmp(d->above[i], name) == 0)
			return false; /* a circle */
	return depth == 0 || d->s->options->all || (dot && strcmp(dot, ".target") == 0);
}

static int put_tree(struct drawing *d, const char *name, unsigned depth)
{
	_cleanup_(strv_free) struct strv list = {0};
	int r = 0;

	if (d->s->options->plain && strv_has(&d->shown, name))
		return 0;
	put_line(d, name, depth);
	if (d->s->options->plain)
		r = strv_add(&d->shown, name);
	if (r == 0 && goes_deeper(d, name, depth))
		r = children(d, name, &list);
	d->above[depth] = name;
	for (size_t i = 0; i < list.n && r == 0; i++) {
		/* The one that wants all is a root, too, once it is loaded. */
		if (depth == 0 && is_boot_target(list.v[i]))
			continue;
		d->more[depth + 1] = i + 1 < list.n;
		r = put_tree(d, list.v[i], depth + 1);
	}
	return r;
}

int sc_list_dependencies(struct systemctl *s)
{
	static const char *const words[] = {"status"};
	const struct systemctl_options *o = s->options;
	_cleanup_(reply_free) struct reply reply = {0};
	_cleanup_(strv_free) struct strv names = {0};
	struct drawing d = {.s = s,
			    .kind = o->reverse  ? DEPS_PULLED_BY
				    : o->after  ? DEPS_AFTER
				    : o->before ? DEPS_BEFORE
						: DEPS_PULLS};
	struct err err = {0};
	int r = client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, &err);

	if (r == 0)
		r = sc_expand(s, &names, &err);
	if (r < 0)
		return sc_complain(SC_FAILED, "Failed to list dependencies: %s", err.text);
	if (!s->n_names)
		r = strv_add(&names, boot_targets[0]);
	d.packets = reply.packets;
	for (size_t i = 0; i < names.n && r == 0; i++) {
		if (i)
			putchar('\n');
		r = put_tree(&d, names.v[i], 0);
	}
	strv_free(&d.shown);
	return r < 0 ? sc_complain(SC_FAILED, "there is not enough memory") : SC_OK;
}
