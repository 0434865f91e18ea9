#include "supervisor/ctl/doctor_view.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/view.h"

#define CTID_WORD "<ctid>"
#define FEATURES  "pct set " CTID_WORD " --features "

static const struct {
	const char *word, *label;
	enum style style;
} outcomes[DOCTOR_OUTCOMES] = {
	[DOCTOR_NEEDS_HOST] = {"needs-host", "needs the host", STYLE_BAD},
	[DOCTOR_FAILED] = {"failed", "failed", STYLE_BAD},
	[DOCTOR_ODD] = {"", "?", STYLE_PLAIN},
	[DOCTOR_REMEDIED] = {"remedied", "remedied", STYLE_GOOD},
	[DOCTOR_FINE] = {"fine", "fine", STYLE_GOOD},
	[DOCTOR_OFF] = {"off", "off", STYLE_DIM},
	[DOCTOR_NOT_APPLICABLE] = {"not-applicable", "not applicable", STYLE_DIM},
};

/* Those that a row shows to be on; in pct's own order of names there is none. */
static const struct {
	const char *name, *row;
} features[] = {
	{"nesting", "nesting"},
	{"fuse", "fuse"},
	{"keyctl", "keyring"},
};

enum doctor_outcome doctor_outcome_of(const char *word)
{
	for (unsigned i = 0; word && i < DOCTOR_OUTCOMES; i++)
		if (strcmp(outcomes[i].word, word) == 0)
			return i;
	return DOCTOR_ODD;
}

const char *doctor_outcome_label(enum doctor_outcome outcome)
{
	return outcomes[outcome].label;
}

enum style doctor_outcome_style(enum doctor_outcome outcome)
{
	return outcomes[outcome].style;
}

const char *doctor_place_label(const char *kind)
{
	static const struct {
		const char *kind, *label;
	} labels[] = {
		{"proxmox", "Proxmox LXC"},
		{"incus", "Incus"},
		{"lxc", "plain LXC"},
		{"docker", "Docker"},
		{"podman", "podman"},
		{"kubernetes", "Kubernetes"},
		{"systemd-nspawn", "systemd-nspawn"},
		{"other", "another kind of container"},
		{"bare", "no container"},
		{"unknown", "a place that is not known"},
	};

	for (size_t i = 0; kind && i < ARRAY_LEN(labels); i++)
		if (strcmp(labels[i].kind, kind) == 0)
			return labels[i].label;
	return kind && *kind ? kind : "a place that is not known";
}

/* ---- the number of the container ---- */

/* "vm-", "subvol-" or their like, a number, "-disk-"; LVM writes each "-" twice. */
static bool volume_number(const char *at, char ctid[static DOCTOR_CTID])
{
	size_t dashes = strspn(at, "-"), digits;

	if (dashes < 1 || dashes > 2)
		return false;
	digits = strspn(at + dashes, "0123456789");
	if (digits < 3 || digits >= DOCTOR_CTID)
		return false;
	if (strncmp(at + dashes + digits, dashes == 1 ? "-disk-" : "--disk--", 4 + 2 * dashes) != 0)
		return false;
	memcpy(ctid, at + dashes, digits);
	ctid[digits] = '\0';
	return true;
}

/* The last one: a linked clone is named behind what it was cloned from. */
static bool volume_in(const char *text, size_t len, char ctid[static DOCTOR_CTID])
{
	static const char *const kinds[] = {"subvol", "vm"};
	bool found = false;

	for (size_t i = 0; i < len; i++) {
		if (i && isalnum((unsigned char)text[i - 1]))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
			if (strncmp(text + i, kinds[k], strlen(kinds[k])) == 0 &&
			    volume_number(text + i + strlen(kinds[k]), ctid))
				found = true;
	}
	return found;
}

bool doctor_ctid(const char *mountinfo, char ctid[static DOCTOR_CTID])
{
	bool found = false;

	ctid[0] = '\0';
	/* proc(5): id, parent, device, root, mount point, …; the last "/" is the one on top. */
	for (const char *line = mountinfo; line && *line;) {
		size_t len = strcspn(line, "\n");
		const char *end = line + len, *point = line;

		for (int field = 0; field < 4 && point; field++) {
			point = memchr(point, ' ', (size_t)(end - point));
			point = point ? point + 1 : NULL;
		}
		if (point && strncmp(point, "/ ", 2) == 0)
			found = volume_in(line, len, ctid);
		line = *end ? end + 1 : end;
	}
	if (!found)
		ctid[0] = '\0';
	return found;
}

/* ---- the rows ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && *text ? text : NULL;
}

static int64_t number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value)
									: -1;
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void read_place(struct doctor_place *place, const json_t *object)
{
	*place = (struct doctor_place){
		.kind = text_of(object, "kind"),
		.user_namespace = is_true(object, "user_namespace"),
		.nesting = is_true(object, "nesting"),
		.cgroup_writable = is_true(object, "cgroup_writable"),
		.outer_uid = number_of(object, "outer_uid"),
		.ids = number_of(object, "ids"),
		.cgroup = number_of(object, "cgroup"),
		.memory_max = number_of(object, "memory_max"),
		.controllers = text_of(object, "cgroup_controllers"),
		.kernel = text_of(object, "kernel"),
	};
}

static void append(char *to, size_t size, const char *text, size_t len)
{
	size_t have = strlen(to);

	if (len >= size - have)
		len = size - have - 1;
	memcpy(to + have, text, len);
	to[have + len] = '\0';
}

/* The advice with the number in it, where that is known. */
static void put_number(char advice[static DOCTOR_ADVICE], const char *text, const char *ctid)
{
	const char *word;

	advice[0] = '\0';
	while (*ctid && (word = strstr(text, CTID_WORD))) {
		append(advice, DOCTOR_ADVICE, text, (size_t)(word - text));
		append(advice, DOCTOR_ADVICE, ctid, strlen(ctid));
		text = word + strlen(CTID_WORD);
	}
	append(advice, DOCTOR_ADVICE, text, strlen(text));
}

static bool names_feature(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (*list) {
		if (strncmp(list, name, len) == 0 && list[len] == '=')
			return true;
		list += strcspn(list, ",");
		list += strspn(list, ",");
	}
	return false;
}

static const char *features_of(const json_t *row)
{
	const char *advice = text_of(row, "advice");

	return advice && strncmp(advice, FEATURES, strlen(FEATURES)) == 0 &&
			       doctor_outcome_of(text_of(row, "outcome")) == DOCTOR_NEEDS_HOST
		       ? advice + strlen(FEATURES)
		       : NULL;
}

/* All features in one line: what is on (a row that is fine), and what a row asks for. */
static void put_features(char advice[static DOCTOR_ADVICE], const json_t *file)
{
	const json_t *rows = json_object_get(file, "quirks"), *row;
	const char *separator = "";

	snprintf(advice, DOCTOR_ADVICE, FEATURES);
	for (size_t f = 0; f < ARRAY_LEN(features); f++) {
		bool on = false;

		for (size_t i = 0; (row = json_array_get(rows, i)); i++) {
			const char *name = text_of(row, "name"), *asked = features_of(row);

			if (asked && names_feature(asked, features[f].name))
				on = true;
			if (name && strcmp(name, features[f].row) == 0 &&
			    doctor_outcome_of(text_of(row, "outcome")) == DOCTOR_FINE)
				on = true;
		}
		if (!on)
			continue;
		append(advice, DOCTOR_ADVICE, separator, strlen(separator));
		append(advice, DOCTOR_ADVICE, features[f].name, strlen(features[f].name));
		append(advice, DOCTOR_ADVICE, "=1", 2);
		separator = ",";
	}
}

static bool only_known_features(const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		bool known = false;

		for (size_t f = 0; f < ARRAY_LEN(features); f++)
			known = known || (strlen(features[f].name) + 2 == len &&
					  strncmp(list, features[f].name, len - 2) == 0 &&
					  strncmp(list + len - 2, "=1", 2) == 0);
		if (!known)
			return false;
		list += len;
		list += strspn(list, ",");
	}
	return true;
}

static void read_row(struct doctor_row *row, const json_t *file, const json_t *object,
		     const char *ctid)
{
	const char *advice = text_of(object, "advice"), *asked = features_of(object);
	char whole[DOCTOR_ADVICE];

	row->name = text_of(object, "name");
	row->text = text_of(object, "text");
	row->without = text_of(object, "without");
	row->word = text_of(object, "outcome");
	row->outcome = doctor_outcome_of(row->word);
	row->error = number_of(object, "errno");
	row->took_us = number_of(object, "took_us");
	if (asked && only_known_features(asked)) {
		put_features(whole, file);
		advice = whole;
	}
	put_number(row->advice, row->outcome == DOCTOR_NEEDS_HOST && advice ? advice : "", ctid);
}

static int compare_rows(const void *left, const void *right)
{
	const struct doctor_row *a = left, *b = right;
	int r;

	if (a->outcome != b->outcome)
		return a->outcome < b->outcome ? -1 : 1;
	/* What one line mends stands together. */
	r = a->outcome == DOCTOR_NEEDS_HOST ? strcmp(a->advice, b->advice) : 0;
	if (r)
		return r;
	return a->at < b->at ? -1 : a->at > b->at;
}

int doctor_read(struct doctor *doctor, const json_t *file, const char *ctid)
{
	const json_t *rows = json_object_get(file, "quirks"), *row;

	*doctor = (struct doctor){.complete = is_true(file, "complete")};
	if (!json_is_array(rows) || !json_is_object(json_object_get(file, "place")))
		return -EBADMSG;
	read_place(&doctor->place, json_object_get(file, "place"));
	append(doctor->ctid, sizeof(doctor->ctid), ctid, strlen(ctid));
	doctor->rows = calloc(json_array_size(rows) + 1, sizeof(*doctor->rows));
	if (!doctor->rows)
		return -ENOMEM;
	for (size_t i = 0; (row = json_array_get(rows, i)); i++) {
		struct doctor_row *to = &doctor->rows[doctor->n_rows];

		if (!text_of(row, "name"))
			continue;
		to->at = i;
		read_row(to, file, row, ctid);
		doctor->counts[to->outcome]++;
		doctor->n_rows++;
	}
	qsort(doctor->rows, doctor->n_rows, sizeof(*doctor->rows), compare_rows);
	return 0;
}

const struct doctor_row *doctor_find(const struct doctor *doctor, const char *name)
{
	for (size_t i = 0; i < doctor->n_rows; i++)
		if (strcmp(doctor->rows[i].name, name) == 0)
			return &doctor->rows[i];
	return NULL;
}

/* ---- the units ---- */

static int add_trouble(struct doctor *doctor, const char *unit, const char *state, const char *text,
		       enum style style)
{
	struct doctor_trouble *grown =
		reallocarray(doctor->troubles, doctor->n_troubles + 1, sizeof(*doctor->troubles));

	if (!grown)
		return -ENOMEM;
	doctor->troubles = grown;
	grown[doctor->n_troubles++] = (struct doctor_trouble){unit, state, text, style};
	return 0;
}

static int add_notes(struct doctor *doctor, const char *unit, const json_t *notes)
{
	const json_t *note;
	int r = 0;

	for (size_t i = 0; r == 0 && (note = json_array_get(notes, i)); i++)
		if (json_is_string(note))
			r = add_trouble(doctor, unit, "note", json_string_value(note), STYLE_BUSY);
	return r;
}

/* It never came to run, because of another one. */
static bool was_left_out(const struct unit_view *u)
{
	return u->sub && strcmp(u->sub, "dead") == 0 && u->result &&
	       strcmp(u->result, "dependency") == 0;
}

static int read_unit(struct doctor *doctor, const struct unit_view *u)
{
	struct view_state state = view_state(u);
	const char *name = u->name ? u->name : "?";
	int r = 0;

	if (state.style == STYLE_BAD)
		r = add_trouble(doctor, name, state.word, view_remark(u), STYLE_BAD);
	else if (was_left_out(u))
		r = add_trouble(doctor, name, "not started", u->last_error, STYLE_BAD);
	else if (u->health && strcmp(u->health, "unhealthy") == 0)
		r = add_trouble(doctor, name, "unhealthy", u->health_text, STYLE_BAD);
	if (r == 0 && u->log_error)
		r = add_trouble(doctor, name, "log", u->log_error, STYLE_BUSY);
	return r;
}

int doctor_read_units(struct doctor *doctor, const json_t *packets)
{
	const json_t *packet;
	int r = 0;

	/* What does not work comes before what only works with less. */
	for (size_t i = 0; r == 0 && (packet = json_array_get(packets, i)); i++) {
		const char *type = text_of(packet, "type");
		struct unit_view unit = view_unit(packet);

		if (!type || strcmp(type, "unit") != 0)
			continue;
		doctor->n_units++;
		r = read_unit(doctor, &unit);
	}
	for (size_t i = 0; r == 0 && (packet = json_array_get(packets, i)); i++) {
		const char *type = text_of(packet, "type");

		if (type && strcmp(type, "manager") == 0)
			r = add_notes(doctor, NULL, json_object_get(packet, "notes"));
		else if (type && strcmp(type, "unit") == 0)
			r = add_notes(doctor, text_of(packet, "name"),
				      json_object_get(packet, "notes"));
	}
	return r;
}

void doctor_free(struct doctor *doctor)
{
	free(doctor->rows);
	free(doctor->troubles);
	*doctor = (struct doctor){0};
}
