/*
 * deps.c - `hakimctl list-dependencies`: what a unit requires and wants, as a tree.
 */
#include "supervisor/ctl/deps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/strv.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/view.h"

#define DEPTH_MAX 32

struct tree {
	const json_t *packets;
	const struct look *look;
	bool reverse, all;
	const char *above[DEPTH_MAX]; /* from the root down: a circle ends where it begins again */
	bool more[DEPTH_MAX];         /* there are further ones in that branch */
	struct strv shown;            /* with their branches */
};

const json_t *deps_unit(const json_t *packets, const char *name)
{
	for (size_t i = 0; i < json_array_size(packets); i++) {
		const json_t *packet = json_array_get(packets, i);
		const char *is = json_string_value(json_object_get(packet, "name"));

		if (is && strcmp(is, name) == 0)
			return packet;
	}
	return NULL;
}

static bool names(const json_t *packet, const char *key, const char *name)
{
	const json_t *list = json_object_get(packet, key);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *is = json_string_value(json_array_get(list, i));

		if (is && strcmp(is, name) == 0)
			return true;
	}
	return false;
}

static int add_all(struct strv *out, const json_t *packet, const char *key)
{
	const json_t *list = json_object_get(packet, key);
	int r = 0;

	for (size_t i = 0; i < json_array_size(list) && r == 0; i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (name && !strv_has(out, name))
			r = strv_add(out, name);
	}
	return r;
}

int deps_children(const json_t *packets, const char *name, enum deps_kind kind, struct strv *out)
{
	const json_t *packet = deps_unit(packets, name);
	bool order = kind == DEPS_AFTER || kind == DEPS_BEFORE;
	const char *first = order ? "after" : "requires", *second = order ? NULL : "wants";
	int r = 0;

	if (kind == DEPS_PULLS || kind == DEPS_AFTER) {
		r = add_all(out, packet, first);
		return r < 0 || !second ? r : add_all(out, packet, second);
	}
	for (size_t i = 0; i < json_array_size(packets) && r == 0; i++) {
		const json_t *other = json_array_get(packets, i);
		const char *is = json_string_value(json_object_get(other, "name"));

		if (is && (names(other, first, name) || (second && names(other, second, name))))
			r = strv_add(out, is);
	}
	return r;
}

int deps_roots(const json_t *packets, enum deps_kind kind, struct strv *out)
{
	/* PULLS and PULLED_BY, AFTER and BEFORE: two by two. */
	enum deps_kind other = kind ^ 1u;
	int r = 0;

	for (size_t i = 0; i < json_array_size(packets) && r == 0; i++) {
		_cleanup_(strv_free) struct strv above = {0};
		const json_t *packet = json_array_get(packets, i);
		const char *type = json_string_value(json_object_get(packet, "type"));
		const char *name = json_string_value(json_object_get(packet, "name"));

		if (!type || strcmp(type, "unit") != 0 || !name)
			continue;
		r = deps_children(packets, name, other, &above);
		if (r == 0 && !above.n)
			r = strv_add(out, name);
	}
	return r;
}

static enum deps_kind kind_of(const struct tree *tree)
{
	return tree->reverse ? DEPS_PULLED_BY : DEPS_PULLS;
}

static void put_line(const struct tree *tree, const char *name, unsigned depth, const char *remark)
{
	const json_t *packet = deps_unit(tree->packets, name);
	struct unit_view u = view_unit(packet);
	_cleanup_free_ char *clean = show_clean(name, tree->look, false);
	bool utf8 = tree->look->utf8;

	style_put(stdout, tree->look, packet ? view_state(&u).style : STYLE_DIM, utf8 ? "●" : "*");
	putchar(' ');
	for (unsigned i = 1; i < depth; i++)
		fputs(tree->more[i] ? (utf8 ? "│ " : "| ") : "  ", stdout);
	if (depth)
		fputs(tree->more[depth] ? (utf8 ? "├─" : "|-") : (utf8 ? "└─" : "`-"), stdout);
	printf("%s%s\n", clean ? clean : "?", remark);
}

static int put_tree(struct tree *tree, const char *name, unsigned depth)
{
	_cleanup_(strv_free) struct strv list = {0};
	int r = 0;

	for (unsigned i = 0; i < depth; i++)
		if (strcmp(tree->above[i], name) == 0) {
			put_line(tree, name, depth, " (a circle)");
			return 0;
		}
	r = deps_children(tree->packets, name, kind_of(tree), &list);
	if (r < 0)
		return r;
	if (list.n && !tree->all && strv_has(&tree->shown, name)) {
		put_line(tree, name, depth, " (see above)");
		return 0;
	}
	put_line(tree, name, depth, "");
	if (depth + 1 >= DEPTH_MAX)
		return 0;
	tree->above[depth] = name;
	for (size_t i = 0; i < list.n && r == 0; i++) {
		tree->more[depth + 1] = i + 1 < list.n;
		r = put_tree(tree, list.v[i], depth + 1);
	}
	return r < 0 ? r : strv_add(&tree->shown, name);
}

/* Those that nothing else pulls in (in reverse: that pull nothing in). */
static int put_roots(struct tree *tree)
{
	_cleanup_(strv_free) struct strv roots = {0};
	int r = deps_roots(tree->packets, kind_of(tree), &roots);

	for (size_t i = 0; i < roots.n && r == 0; i++)
		r = put_tree(tree, roots.v[i], 0);
	return r;
}

int ctl_deps(struct ctl *ctl)
{
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	struct tree tree = {.look = &ctl->look,
			    .reverse = ctl->args.given & ARGS_REVERSE,
			    .all = ctl->args.given & ARGS_ALL};
	struct err err = {0};
	int r = client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, &err);

	if (r < 0)
		return ctl_fail(r, &err);
	tree.packets = reply.packets;
	if (!ctl->args.n_names)
		r = put_roots(&tree);
	for (size_t i = 0; i < ctl->args.n_names && r == 0; i++) {
		_cleanup_free_ char *full = NULL;
		const char *name = ctl->args.names[i];

		if (!deps_unit(tree.packets, name) && asprintf(&full, "%s.service", name) >= 0)
			name = full;
		if (!name || !deps_unit(tree.packets, name)) {
			strv_free(&tree.shown);
			return ctl_complain(CTL_NO_UNIT,
					    "there is no unit %.200s; 'hakimctl status' lists them",
					    ctl->args.names[i]);
		}
		r = put_tree(&tree, name, 0);
	}
	strv_free(&tree.shown);
	return r < 0 ? ctl_complain(CTL_FAILED, "there is not enough memory") : CTL_OK;
}
