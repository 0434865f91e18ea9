/*
 * enable.c - reload, enable, disable, mask, unmask: what becomes of the unit files, shown as it is
 * done.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/table.h"

static const char *text_of(const json_t *packet, const char *key)
{
	const char *text = json_string_value(json_object_get(packet, key));

	return text ? text : "";
}

static bool is_of_type(const json_t *packet, const char *type)
{
	return strcmp(text_of(packet, "type"), type) == 0;
}

static int ask(const char *const *words, size_t n, int timeout_ms, struct reply *reply,
	       struct err *err)
{
	_cleanup_(client_close) struct client client = {.fd = -1};
	int r = client_open(&client, CLIENT_TIMEOUT_MS, err);

	return r < 0 ? r : client_ask(&client, words, n, timeout_ms, reply, err);
}

/* ---- reload ---- */

static enum style style_of(const char *change)
{
	if (strcmp(change, "new") == 0)
		return STYLE_GOOD;
	return strcmp(change, "removed") == 0 ? STYLE_BAD : STYLE_BUSY;
}

static int show_diff(const struct reply *reply, const struct look *look)
{
	static const struct table_column columns[] = {{"CHANGE", false, 0}, {"UNIT", false, 0}};
	struct table table = {.columns = columns, .n_columns = ARRAY_LEN(columns)};
	const json_t *packet;
	size_t found = 0;
	int r = 0;

	for (size_t i = 0; (packet = json_array_get(reply->packets, i)); i++) {
		const char *change = text_of(packet, "change");

		if (!is_of_type(packet, "diff"))
			continue;
		found++;
		table_add(&table, look, style_of(change), change);
		table_add(&table, look, STYLE_PLAIN, text_of(packet, "unit"));
	}
	if (found)
		r = table_print(&table, look, stdout);
	else
		puts("nothing has changed");
	table_free(&table);
	fflush(stdout);
	return r;
}

static int print_json(const struct reply *reply)
{
	json_t *changes = json_array();
	json_t *packet, *all;

	for (size_t i = 0; (packet = json_array_get(reply->packets, i)); i++)
		if (is_of_type(packet, "diff"))
			json_array_append(changes, packet);
	all = json_pack("{s:o}", "changes", changes);
	if (!all)
		return -ENOMEM;
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
	return 0;
}

/* One question: without acting on it, or for good. */
static int reload(struct ctl *ctl, bool dry, bool show)
{
	_cleanup_(reply_free) struct reply reply = {0};
	const char *words[3] = {"reload"};
	struct err err = {0};
	size_t n = 1;
	int r;

	if (dry)
		words[n++] = "--dry-run";
	if (ctl->args.given & ARGS_NO_RESTART)
		words[n++] = "--no-restart";
	r = ask(words, n, CLIENT_TIMEOUT_MS, &reply, &err);
	if (r < 0)
		return ctl_fail(r, &err);
	if (!show)
		return CTL_OK;
	r = ctl->args.given & ARGS_JSON ? print_json(&reply) : show_diff(&reply, &ctl->look);
	return r < 0 ? ctl_complain(CTL_FAILED, "there is not enough memory") : CTL_OK;
}

int ctl_reload(struct ctl *ctl)
{
	int status;

	if (ctl->args.n_names)
		return ctl_reload_units(ctl);
	status = reload(ctl, true, true);
	if (status != CTL_OK || ctl->args.given & ARGS_DRY_RUN)
		return status;
	return reload(ctl, false, false);
}

/* ---- enable and its kin ---- */

static void show_changes(const struct reply *reply, const struct look *look)
{
	const json_t *packet;

	for (size_t i = 0; (packet = json_array_get(reply->packets, i)); i++) {
		_cleanup_free_ char *path = show_clean(text_of(packet, "path"), look, false);
		_cleanup_free_ char *target = show_clean(text_of(packet, "target"), look, false);
		_cleanup_free_ char *text = show_clean(text_of(packet, "text"), look, false);

		if (!path || !target || !text)
			continue;
		if (is_of_type(packet, "change") && *target)
			printf("created %s → %s\n", path, target);
		else if (is_of_type(packet, "change"))
			printf("removed %s\n", path);
		else if (is_of_type(packet, "note"))
			printf("%s\n", text);
	}
}

int ctl_enable(struct ctl *ctl)
{
	_cleanup_free_ const char **words = calloc(ctl->args.n_names + 2, sizeof(*words));
	bool now = ctl->args.given & ARGS_NOW;
	_cleanup_(reply_free) struct reply reply = {0};
	struct err err = {0};
	size_t n = 0;
	int r;

	if (!words)
		return ctl_complain(CTL_FAILED, "there is not enough memory");
	words[n++] = ctl->command->name;
	if (now)
		words[n++] = "--now";
	for (size_t i = 0; i < ctl->args.n_names; i++)
		words[n++] = ctl->args.names[i];
	/* With --now it may take as long as the units' files say. */
	r = ask(words, n, now ? CLIENT_FOR_EVER : CLIENT_TIMEOUT_MS, &reply, &err);
	/* What was done before it went wrong is done. */
	show_changes(&reply, &ctl->look);
	return r < 0 ? ctl_fail(r, &err) : CTL_OK;
}
