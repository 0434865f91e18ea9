#include "supervisor/ctl/top_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/table.h"

/* What a unit had used at the answer before. */
struct sample {
	const char *name;
	int64_t cpu_us;
};

static const char *const sorts[TOP_SORTS] = {"cpu", "memory", "restarts", "name"};

bool top_sort_of(const char *word, enum top_sort *sort)
{
	for (unsigned i = 0; i < TOP_SORTS; i++) {
		if (strcmp(word, sorts[i]) != 0 && !(word[0] == sorts[i][0] && !word[1]))
			continue;
		*sort = (enum top_sort)i;
		return true;
	}
	return false;
}

static bool is_type(const json_t *packet, const char *type)
{
	const char *is = json_string_value(json_object_get(packet, "type"));

	return is && strcmp(is, type) == 0;
}

static int64_t time_of(const json_t *packets)
{
	for (size_t i = 0; i < json_array_size(packets); i++)
		if (is_type(json_array_get(packets, i), "manager"))
			return view_manager(json_array_get(packets, i)).now_us;
	return -1;
}

static int sample_order(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct sample *samples_read(const json_t *packets, size_t *n)
{
	struct sample *list = calloc(json_array_size(packets) + 1, sizeof(*list));

	*n = 0;
	for (size_t i = 0; list && i < json_array_size(packets); i++) {
		const json_t *packet = json_array_get(packets, i);
		const char *name = json_string_value(json_object_get(packet, "name"));

		if (is_type(packet, "unit") && name)
			list[(*n)++] = (struct sample){name, view_unit(packet).cpu_run_us};
	}
	if (list)
		qsort(list, *n, sizeof(*list), sample_order);
	return list;
}

static int64_t share(int64_t before_us, int64_t now_us, int64_t span_us)
{
	/* A run that is new has begun to count anew. */
	int64_t used = before_us >= 0 && before_us <= now_us ? now_us - before_us : now_us;

	if (now_us < 0 || span_us <= 0 || used > INT64_MAX / 1000)
		return -1;
	return used * 1000 / span_us;
}

static int row_order(const void *a, const void *b, void *sort)
{
	const struct top_row *x = a, *y = b;
	int64_t more = 0, less = 0;

	switch (*(const enum top_sort *)sort) {
	case TOP_CPU:
		more = x->cpu, less = y->cpu;
		break;
	case TOP_MEMORY:
		more = x->memory, less = y->memory;
		break;
	case TOP_RESTARTS:
		more = x->restarts, less = y->restarts;
		break;
	default:
		break;
	}
	if (more != less)
		return more > less ? -1 : 1;
	return strcmp(x->name, y->name);
}

static struct top_row row_of(const struct unit_view *u, const struct sample *before, int64_t span,
			     int64_t now)
{
	bool up = view_is_active(u) && u->since_us >= 0 && now >= u->since_us;

	return (struct top_row){
		.name = u->name,
		.state = view_state(u),
		.cpu = before ? share(before->cpu_us, u->cpu_run_us, span) : -1,
		.memory = u->memory,
		.tasks = u->tasks,
		.restarts = u->restarts,
		.uptime_us = up ? now - u->since_us : -1,
	};
}

int top_read(const json_t *before, const json_t *now, enum top_sort sort, struct top *top)
{
	size_t n_samples;
	_cleanup_free_ struct sample *samples = samples_read(before, &n_samples);
	int64_t then = time_of(before), span;

	*top = (struct top){.now_us = time_of(now)};
	top->v = calloc(json_array_size(now) + 1, sizeof(*top->v));
	if (!samples || !top->v) {
		top_free(top);
		return -ENOMEM;
	}
	span = then >= 0 && top->now_us > then ? top->now_us - then : -1;
	for (size_t i = 0; i < json_array_size(now); i++) {
		const json_t *packet = json_array_get(now, i);
		struct unit_view u = view_unit(packet);
		struct sample key = {.name = u.name};

		if (!is_type(packet, "unit") || !u.name)
			continue;
		top->v[top->n++] = row_of(
			&u, bsearch(&key, samples, n_samples, sizeof(*samples), sample_order), span,
			top->now_us);
	}
	qsort_r(top->v, top->n, sizeof(*top->v), row_order, &sort);
	return 0;
}

void top_free(struct top *top)
{
	free(top->v);
	*top = (struct top){0};
}

/* The name is the last column: it is what a narrow terminal cuts. */
static const struct table_column columns[] = {
	{"CPU %", true, 0},  {"MEMORY", true, 5}, {"TASKS", true, 2}, {"RESTARTS", true, 1},
	{"UPTIME", true, 3}, {"STATE", false, 4}, {"NAME", false, 0},
};

static void add_number(struct table *table, const struct look *look, enum style style, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)n);
	table_add(table, look, style, n < 0 ? NULL : text);
}

static void add_row(struct table *table, const struct look *look, const struct top_row *row)
{
	char text[SHOW_SPAN], name[VIEW_NAME];

	snprintf(text, sizeof(text), "%lld.%lld", (long long)row->cpu / 10,
		 (long long)row->cpu % 10);
	table_add(table, look, row->cpu > 500 ? STYLE_BUSY : STYLE_PLAIN,
		  row->cpu < 0 ? NULL : text);
	table_add(table, look, STYLE_PLAIN, show_size(text, row->memory));
	add_number(table, look, STYLE_PLAIN, row->tasks);
	add_number(table, look, row->restarts > 0 ? STYLE_BUSY : STYLE_PLAIN, row->restarts);
	table_add(table, look, STYLE_PLAIN, show_age(text, row->uptime_us));
	table_add(table, look, row->state.style, row->state.word);
	table_add(table, look, STYLE_PLAIN, view_short_name(name, row->name));
}

static void put_head(const struct top *top, const struct look *look, FILE *out)
{
	char line[160], age[SHOW_SPAN], size[SHOW_SPAN];
	_cleanup_free_ char *cut = NULL;
	int64_t cpu = 0, memory = 0;

	for (size_t i = 0; i < top->n; i++) {
		cpu += top->v[i].cpu > 0 && top->v[i].cpu < INT32_MAX ? top->v[i].cpu : 0;
		memory += top->v[i].memory > 0 && top->v[i].memory < INT64_MAX / 65536
				  ? top->v[i].memory
				  : 0;
	}
	snprintf(line, sizeof(line), "%zu unit%s, up %s, CPU %lld.%lld %%, memory %s", top->n,
		 top->n == 1 ? "" : "s", show_age(age, top->now_us), (long long)cpu / 10,
		 (long long)cpu % 10, show_size(size, memory));
	cut = show_cut(line, look->width ? look->width : sizeof(line), look);
	fprintf(out, "%s\n\n", cut ? cut : line);
}

int top_put(const struct top *top, const struct look *look, FILE *out)
{
	_cleanup_(table_free) struct table table = {.columns = columns,
						    .n_columns = ARRAY_LEN(columns)};

	put_head(top, look, out);
	for (size_t i = 0; i < top->n; i++)
		add_row(&table, look, &top->v[i]);
	return table_print(&table, look, out);
}

/* json_null() is common/json.h's: both are in this program. */
static json_t *number_or_null(int64_t n)
{
	return n < 0 ? json_pack("n") : json_integer(n);
}

int top_put_json(const struct top *top, const struct look *look, FILE *out)
{
	json_t *units = json_array(), *all;
	int r = 0;

	for (size_t i = 0; i < top->n && r == 0; i++) {
		const struct top_row *row = &top->v[i];

		r = json_array_append_new(
			units,
			json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "name", row->name, "state",
				  row->state.word, "cpu_percent",
				  row->cpu < 0 ? json_pack("n") : json_real((double)row->cpu / 10),
				  "memory", number_or_null(row->memory), "tasks",
				  number_or_null(row->tasks), "restarts",
				  number_or_null(row->restarts), "uptime_us",
				  number_or_null(row->uptime_us)));
	}
	all = json_pack("{s:o, s:o}", "now_us", number_or_null(top->now_us), "units", units);
	if (all && r == 0)
		r = json_dumpf(all, out,
			       JSON_COMPACT | JSON_REAL_PRECISION(6) |
				       (look->terminal ? JSON_ENSURE_ASCII : 0));
	r = (!all || r < 0) && !ferror(out) ? -ENOMEM : 0;
	json_decref(all);
	putc('\n', out);
	return r;
}
