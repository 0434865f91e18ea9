/*
 * check.c - `hakimctl check`: unit files, read as the supervisor reads them, without one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/cleanup.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/status.h"
#include "supervisor/graph.h"
#include "supervisor/unit_dirs.h"

/* What was found, of files or of directories. */
struct findings {
	struct unit_set set;
	struct problems more; /* of the units as a whole */
};

static void findings_free(struct findings *f)
{
	unit_set_free(&f->set);
	problems_free(&f->more);
}

/* Appends a problem; `text` is owned from here on. */
static int add(struct problems *problems, char *text, bool fatal, const char *unit)
{
	struct unit_problem *grown = reallocarray(problems->v, problems->n + 1, sizeof(*grown));
	char *name = unit ? strdup(unit) : NULL;

	if (grown)
		problems->v = grown;
	if (!grown || !text || (unit && !name)) {
		free(text);
		free(name);
		return -ENOMEM;
	}
	grown[problems->n++] = (struct unit_problem){.text = text, .fatal = fatal, .unit = name};
	return 0;
}

/* What only all units together show: names that nothing bears, and circles. */
static int check_graph(struct findings *f, struct err *err)
{
	struct graph graph = {0};
	int r = graph_build(&graph, &f->set, err);

	if (r < 0)
		return r;
	/* A Requires= of nothing lets its unit fail; a Wants= of nothing, and a circle, do no more
	 * than is said. */
	for (size_t i = 0; i < graph.missing.n && r == 0; i++)
		r = add(&f->more, strdup(graph.missing.v[i]),
			strstr(graph.missing.v[i], ": Requires=") != NULL, NULL);
	for (size_t i = 0; i < graph.cycles.n && r == 0; i++)
		r = add(&f->more, strdup(graph.cycles.v[i]), false, NULL);
	graph_free(&graph);
	return r < 0 ? err_sys(err, r, "the units cannot be checked") : 0;
}

static int load_dirs(struct findings *f, struct err *err)
{
	_cleanup_(unit_paths_free) struct unit_paths paths = {0};
	int r = unit_paths_default(&paths);

	r = r < 0 ? err_sys(err, r, "the directories") : unit_set_load_paths(&f->set, &paths, err);
	return r < 0 ? r : check_graph(f, err);
}

static int load_files(struct findings *f, const char *const *files, size_t n, struct err *err)
{
	f->set.v = calloc(n, sizeof(*f->set.v));
	if (!f->set.v)
		return err_sys(err, -ENOMEM, "the units cannot be checked");
	for (size_t i = 0; i < n; i++) {
		struct unit *unit = NULL;
		int r = unit_load_file(files[i], &unit, &f->set.problems, err);

		if (r < 0)
			return r;
		if (unit)
			f->set.v[f->set.n++] = unit;
	}
	return 0;
}

static size_t count_fatal(const struct problems *problems)
{
	size_t n = 0;

	for (size_t i = 0; i < problems->n; i++)
		n += problems->v[i].fatal;
	return n;
}

static void print_problems(const struct problems *problems, const struct look *look)
{
	for (size_t i = 0; i < problems->n; i++) {
		const struct unit_problem *p = &problems->v[i];

		style_put(stdout, look, p->fatal ? STYLE_BAD : STYLE_BUSY,
			  p->fatal ? "error: " : "note:  ");
		status_put_clean(stdout, look, STYLE_PLAIN, p->text);
		putchar('\n');
	}
}

static void print_found(const struct findings *f, size_t fatal, const struct look *look)
{
	size_t notes = f->set.problems.n + f->more.n - fatal;

	print_problems(&f->set.problems, look);
	print_problems(&f->more, look);
	printf("%zu unit%s loaded, ", f->set.n, f->set.n == 1 ? "" : "s");
	if (fatal)
		printf("%zu error%s", fatal, fatal == 1 ? "" : "s");
	else
		printf("no error");
	printf(", %zu note%s\n", notes, notes == 1 ? "" : "s");
}

/* Text of a file as a JSON string; what is no UTF-8 becomes "?". */
static json_t *json_text(const char *text)
{
	const struct look utf8 = {.utf8 = true};
	_cleanup_free_ char *clean = text ? show_clean(text, &utf8, true) : NULL;

	return clean ? json_pack("s", clean) : json_pack("n");
}

static int json_problems(json_t *list, const struct problems *problems)
{
	int r = 0;

	for (size_t i = 0; i < problems->n && r == 0; i++) {
		const struct unit_problem *p = &problems->v[i];

		r = json_array_append_new(list,
					  json_pack("{s:o, s:b, s:o}", "unit", json_text(p->unit),
						    "fatal", p->fatal, "text", json_text(p->text)));
	}
	return r;
}

static int print_json(const struct findings *f, size_t fatal, const struct look *look)
{
	size_t flags = JSON_INDENT(2) | (look->terminal ? JSON_ENSURE_ASCII : 0);
	json_t *units = json_array(), *problems = json_array(), *all;
	int r = 0;

	for (size_t i = 0; i < f->set.n && r == 0; i++)
		r = json_array_append_new(units, json_text(f->set.v[i]->name));
	r = r < 0 || json_problems(problems, &f->set.problems) < 0 ||
	    json_problems(problems, &f->more) < 0;
	all = json_pack("{s:b, s:o, s:o}", "ok", fatal == 0, "units", units, "problems", problems);
	if (all)
		json_dumpf(all, stdout, flags);
	putchar('\n');
	r = r || !all;
	json_decref(all);
	return r ? -ENOMEM : 0;
}

int ctl_check(struct ctl *ctl)
{
	_cleanup_(findings_free) struct findings f = {0};
	struct err err = {0};
	size_t fatal;
	int r;

	if (ctl->args.n_names)
		r = load_files(&f, ctl->args.names, ctl->args.n_names, &err);
	else
		r = load_dirs(&f, &err);
	if (r < 0)
		return ctl_complain(CTL_FAILED, "%s",
				    err.text[0] ? err.text : "there is not enough memory");
	fatal = count_fatal(&f.set.problems) + count_fatal(&f.more);
	if (ctl->args.given & ARGS_JSON)
		r = print_json(&f, fatal, &ctl->look);
	else
		print_found(&f, fatal, &ctl->look);
	if (r < 0)
		return ctl_complain(CTL_FAILED, "there is not enough memory");
	return fatal ? CTL_FAILED : CTL_OK;
}
