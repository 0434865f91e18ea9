/*
 * doctor_print.c - what `hakimctl doctor` shows to people, and with --json to programs.
 */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/doctor.h"
#include "supervisor/ctl/status.h"
#include "supervisor/ctl/table.h"
#include "supervisor/ctl/view.h"

static void put_label(FILE *out, const struct look *look, const char *label)
{
	style_put(out, look, STYLE_DIM, label);
	fprintf(out, "%*s", (int)(9 - strlen(label)), "");
}

static void put_place(const struct doctor *d, const struct look *look, FILE *out)
{
	const struct doctor_place *p = &d->place;

	put_label(out, look, "Place");
	status_put_clean(out, look, STYLE_BOLD, doctor_place_label(p->kind));
	if (d->ctid[0])
		fprintf(out, " %s", d->ctid);
	if (!p->user_namespace)
		fputs(", no user namespace", out);
	else if (p->outer_uid >= 0 && p->ids >= 0)
		fprintf(out, ", in a user namespace: uid 0 is %lld outside, %lld ids",
			(long long)p->outer_uid, (long long)p->ids);
	else
		fputs(", in a user namespace", out);
	if (p->kind && (strcmp(p->kind, "proxmox") == 0 || strcmp(p->kind, "lxc") == 0 ||
			strcmp(p->kind, "incus") == 0))
		fprintf(out, ", nesting %s", p->nesting ? "on" : "off");
	fputc('\n', out);
}

static void put_cgroup(const struct doctor_place *p, const struct look *look, FILE *out)
{
	char size[SHOW_SPAN];

	put_label(out, look, "Cgroup");
	if (p->cgroup == 2)
		fprintf(out, "v2, %s", p->cgroup_writable ? "delegated" : "read-only");
	else
		fputs(p->cgroup == 1 ? "v1 or hybrid" : p->cgroup == 0 ? "none" : "-", out);
	if (p->cgroup == 2) {
		fputs(", controllers: ", out);
		status_put_clean(out, look, STYLE_PLAIN, p->controllers ? p->controllers : "none");
	}
	if (p->memory_max >= 0)
		fprintf(out, ", memory at most %s", show_size(size, p->memory_max));
	fputc('\n', out);
	put_label(out, look, "Kernel");
	fputs("Linux ", out);
	status_put_clean(out, look, STYLE_PLAIN, p->kernel);
	fputc('\n', out);
}

static int put_rows(const struct doctor *d, const struct look *look, FILE *out)
{
	static const struct table_column columns[] = {
		{"QUIRK", false, 0}, {"OUTCOME", false, 0}, {"WHAT WAS FOUND", false, 0}};
	_cleanup_(table_free) struct table table = {.columns = columns,
						    .n_columns = ARRAY_LEN(columns)};

	for (size_t i = 0; i < d->n_rows; i++) {
		const struct doctor_row *row = &d->rows[i];
		enum style style = doctor_outcome_style(row->outcome);

		table_add(&table, look, STYLE_PLAIN, row->name);
		table_add(&table, look, style,
			  row->outcome == DOCTOR_ODD ? row->word
						     : doctor_outcome_label(row->outcome));
		table_add(&table, look, style == STYLE_DIM ? STYLE_DIM : STYLE_PLAIN, row->text);
	}
	return table_print(&table, look, out);
}

/* A line to paste is never cut. */
static void put_advice(const struct doctor *d, const struct look *look, FILE *out)
{
	bool restart = false, features = false;

	if (!d->counts[DOCTOR_NEEDS_HOST])
		return;
	style_put(out, look, STYLE_BOLD, "\nTo be set on the host\n");
	for (size_t i = 0; i < d->counts[DOCTOR_NEEDS_HOST]; i++) {
		const struct doctor_row *row = &d->rows[i];
		bool last = i + 1 == d->counts[DOCTOR_NEEDS_HOST] ||
			    strcmp(row->advice, row[1].advice) != 0;

		fputs("  ", out);
		status_put_clean(out, look, STYLE_BAD, row->name);
		fputs(": ", out);
		status_put_clean(out, look, STYLE_PLAIN, row->without ? row->without : row->text);
		fputc('\n', out);
		if (!last)
			continue;
		fputs("      ", out);
		status_put_clean(out, look, row->advice[0] ? STYLE_BOLD : STYLE_DIM,
				 row->advice[0] ? row->advice
						: "no line can be named: see docs/quirks.md");
		fputc('\n', out);
		restart = restart || strncmp(row->advice, "pct set ", 8) == 0 ||
			  strstr(row->advice, "/etc/pve/lxc/");
		features = features || strstr(row->advice, " --features ");
	}
	if (features)
		fputs("  --features replaces all that are set: 'pct config' shows those that "
		      "cannot be seen from here.\n",
		      out);
	if (restart)
		fputs("  What changes its configuration is there at the container's next start.\n",
		      out);
}

int doctor_print(const struct doctor *d, const struct look *look, FILE *out)
{
	int r;

	put_place(d, look, out);
	put_cgroup(&d->place, look, out);
	fputc('\n', out);
	r = put_rows(d, look, out);
	if (r < 0)
		return r;
	if (!d->complete)
		style_put(out, look, STYLE_BUSY,
			  "  The other rows have not been asked yet: look again.\n");
	put_advice(d, look, out);
	return 0;
}

int doctor_print_units(const struct doctor *d, const char *why, const struct look *look, FILE *out)
{
	static const struct table_column columns[] = {
		{"UNIT", false, 0}, {"STATE", false, 0}, {"WHY", false, 0}};
	_cleanup_(table_free) struct table table = {.columns = columns,
						    .n_columns = ARRAY_LEN(columns)};
	char name[VIEW_NAME];

	fputc('\n', out);
	if (why) {
		fputs("Nothing is known of units: ", out);
		status_put_clean(out, look, STYLE_BAD, why);
		fputc('\n', out);
		return 0;
	}
	if (!d->n_troubles) {
		fprintf(out, "%zu unit%s, and nothing is wrong with any.\n", d->n_units,
			d->n_units == 1 ? "" : "s");
		return 0;
	}
	for (size_t i = 0; i < d->n_troubles; i++) {
		const struct doctor_trouble *t = &d->troubles[i];

		table_add(&table, look, STYLE_PLAIN,
			  t->unit ? view_short_name(name, t->unit) : "(supervisor)");
		table_add(&table, look, t->style, t->state);
		table_add(&table, look, STYLE_PLAIN, t->text);
	}
	return table_print(&table, look, out);
}

static const char *label_of(const json_t *change, const char *key)
{
	const char *word = json_string_value(json_object_get(change, key));
	enum doctor_outcome outcome = doctor_outcome_of(word);

	return outcome == DOCTOR_ODD ? (word ? word : "not asked") : doctor_outcome_label(outcome);
}

void doctor_print_changes(const json_t *changes, const struct look *look, FILE *out)
{
	const json_t *change;

	if (!json_array_size(changes)) {
		fputs("All was asked again, and nothing has changed.\n\n", out);
		return;
	}
	style_put(out, look, STYLE_BOLD, "What has changed\n");
	for (size_t i = 0; (change = json_array_get(changes, i)); i++) {
		const char *to = json_string_value(json_object_get(change, "to"));

		fputs("  ", out);
		status_put_clean(out, look, STYLE_BOLD,
				 json_string_value(json_object_get(change, "name")));
		fputs(": ", out);
		status_put_clean(out, look, STYLE_PLAIN, label_of(change, "from"));
		fputs(" -> ", out);
		status_put_clean(out, look, doctor_outcome_style(doctor_outcome_of(to)),
				 label_of(change, "to"));
		fputs(": ", out);
		status_put_clean(out, look, STYLE_PLAIN,
				 json_string_value(json_object_get(change, "text")));
		fputc('\n', out);
	}
	fputs("  Units that have failed for it: 'hakimctl restart NAME'.\n\n", out);
}

/* ---- JSON ---- */

static json_t *json_rows(const struct doctor *d)
{
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; i < d->n_rows && r == 0; i++) {
		const struct doctor_row *row = &d->rows[i];

		r = json_array_append_new(
			list, json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:I, s:I}", "name",
					row->name, "outcome", row->word, "text", row->text,
					"advice", row->advice[0] ? row->advice : NULL, "without",
					row->without, "errno", (json_int_t)row->error, "took_us",
					(json_int_t)row->took_us));
	}
	if (r == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *json_troubles(const struct doctor *d)
{
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; i < d->n_troubles && r == 0; i++) {
		const struct doctor_trouble *t = &d->troubles[i];

		r = json_array_append_new(list, json_pack("{s:s?, s:s, s:s?, s:b}", "unit", t->unit,
							  "state", t->state, "text", t->text,
							  "failed", t->style == STYLE_BAD));
	}
	if (r == 0)
		return list;
	json_decref(list);
	return NULL;
}

json_t *doctor_json(const struct doctor *d, const json_t *file, const char *why, json_t *changes)
{
	json_t *place = json_object_get(file, "place");

	return json_pack("{s:s?, s:b, s:O?, s:I, s:o, s:s?, s:o, s:O?}", "ctid",
			 d->ctid[0] ? d->ctid : NULL, "complete", d->complete, "place", place,
			 "needs_host", (json_int_t)d->counts[DOCTOR_NEEDS_HOST], "quirks",
			 json_rows(d), "no_supervisor", why, "troubles", json_troubles(d),
			 "changed", changes);
}
