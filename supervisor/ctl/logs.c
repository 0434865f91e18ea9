/*
 * logs.c - `hakimctl logs`: which logs, and what of them. The files come from the supervisor as
 * fds, so that a person needs no right on /var/log/hakim, and reads on when it is replaced.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/logfollow.h"
#include "supervisor/ctl/logmerge.h"
#include "supervisor/ctl/when.h"

#define LINES_DEFAULT 100
#define LOGS_LATER    256 /* so many more may come while a pattern is followed */

struct logs {
	const struct ctl *ctl;
	struct log_set set;
	struct log_range range;
	struct strv names;
	struct strv matched; /* those of them that a pattern has: who has no log is left out */
};

/* ---- what is wanted ---- */

static bool given(const struct logs *l, uint64_t option)
{
	return l->ctl->args.given & option;
}

static int parse_time(const struct logs *l, uint64_t option, const char *name, int64_t *us)
{
	const char *text = args_value(&l->ctl->args, option);
	struct err err = {0};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!text || when_parse(text, now.tv_sec * 1000000ll + now.tv_nsec / 1000, us, &err) == 0)
		return CTL_OK;
	return ctl_complain(CTL_USAGE, "%s: %s", name, err.text);
}

static int parse_range(struct logs *l)
{
	struct log_range *range = &l->range;
	int status = parse_time(l, ARGS_SINCE, "--since", &range->since);

	if (status == CTL_OK)
		status = parse_time(l, ARGS_UNTIL, "--until", &range->until);
	range->timed = given(l, ARGS_SINCE);
	range->until_timed = given(l, ARGS_UNTIL);
	range->reverse = given(l, ARGS_REVERSE);
	range->whole = given(l, ARGS_FOLLOW);
	/* A span of time is shown as a whole. */
	range->lines = range->timed || range->until_timed ? ARGS_LINES_ALL : LINES_DEFAULT;
	if (given(l, ARGS_LINES))
		range->lines = l->ctl->args.lines;
	return status;
}

static int parse_output(struct logs *l)
{
	const char *word = args_value(&l->ctl->args, ARGS_OUTPUT);
	const char *pattern = args_value(&l->ctl->args, ARGS_GREP);
	struct log_style *style = &l->set.style;
	struct err err = {0};

	*style = (struct log_style){.color = l->ctl->look.color, .terminal = l->ctl->look.terminal};
	if (word && log_format_parse(word, &style->format, &err) < 0)
		return ctl_complain(CTL_USAGE, "--output: %s", err.text);
	if (given(l, ARGS_JSON) && word && style->format != LOG_JSON)
		return ctl_complain(CTL_USAGE, "--json and --output=%s exclude each other", word);
	if (given(l, ARGS_JSON))
		style->format = LOG_JSON;
	if (pattern && log_grep_begin(&l->set.grep, pattern, given(l, ARGS_IGNORE_CASE), &err) < 0)
		return ctl_complain(CTL_USAGE, "--grep: %s", err.text);
	return CTL_OK;
}

static int check_words(const struct logs *l)
{
	if (!l->ctl->args.n_names && !given(l, ARGS_ALL))
		return ctl_complain(CTL_USAGE, "logs: name units, or say --all; see 'hakimctl logs "
					       "--help'");
	if (l->ctl->args.n_names && given(l, ARGS_ALL))
		return ctl_complain(CTL_USAGE, "logs: name units, or say --all, not both");
	if (given(l, ARGS_FOLLOW) && given(l, ARGS_REVERSE))
		return ctl_complain(CTL_USAGE, "--follow and --reverse exclude each other");
	if (given(l, ARGS_FOLLOW) && given(l, ARGS_UNTIL))
		return ctl_complain(CTL_USAGE, "--follow and --until exclude each other");
	if (given(l, ARGS_IGNORE_CASE) && !given(l, ARGS_GREP))
		return ctl_complain(CTL_USAGE, "--ignore-case is of use with --grep only");
	return CTL_OK;
}

/* ---- which logs ---- */

static int add_matching(struct logs *l, const char *pattern, struct err *err)
{
	size_t before = l->matched.n;
	int r = log_source_names(&l->set.source, pattern, &l->matched, err);

	if (r >= 0)
		r = strv_add(&l->set.patterns, pattern);
	for (size_t i = before; i < l->matched.n && r >= 0; i++)
		r = strv_add(&l->names, l->matched.v[i]);
	return r;
}

static int expand(struct logs *l, struct err *err)
{
	const struct args *args = &l->ctl->args;
	int r = 0;

	if (given(l, ARGS_ALL))
		return add_matching(l, "*", err);
	for (size_t i = 0; i < args->n_names && r >= 0; i++) {
		size_t before = l->matched.n;

		if (!strpbrk(args->names[i], "*?[")) {
			r = strv_add(&l->names, args->names[i]);
			if (r < 0)
				return err_sys(err, r, "the names");
			continue;
		}
		r = add_matching(l, args->names[i], err);
		if (r >= 0 && l->matched.n == before)
			return err_set(err, CLIENT_NO_UNIT, "no unit is called like %s",
				       args->names[i]);
	}
	return r;
}

static int open_logs(struct logs *l, struct err *err)
{
	struct log_set *set = &l->set;

	set->room = l->names.n + (set->patterns.n && given(l, ARGS_FOLLOW) ? LOGS_LATER : 0);
	set->v = calloc(set->room + 1, sizeof(*set->v));
	if (!set->v)
		return err_sys(err, -ENOMEM, "the logs");
	for (size_t i = 0; i < l->names.n; i++) {
		struct log *log = &set->v[set->n];
		bool matched = strv_has(&l->matched, l->names.v[i]);
		int r = log_source_files(&set->source, l->names.v[i], &log->files, err);

		/* It may have been removed since. */
		if (r == CLIENT_NO_UNIT && matched)
			continue;
		if (r < 0)
			return r;
		if (log_set_has(set, log->files.unit) || (matched && !log->files.n)) {
			log_files_free(&log->files);
			continue;
		}
		if (!log->files.n && !given(l, ARGS_FOLLOW))
			ctl_complain(0, "%s has no log yet", l->names.v[i]);
		set->n++;
		log->name = strdup(l->names.v[i]);
		if (!log->name)
			return err_sys(err, -ENOMEM, "the logs");
	}
	/* There may be more of them later. */
	set->style.named = set->n > 1 || set->room > l->names.n;
	if (set->source.direct)
		ctl_complain(0, "%s; its logs are read without it", set->source.why.text);
	return 0;
}

/* ---- one log, as it is ---- */

static bool is_raw(const struct logs *l)
{
	return l->set.n == 1 && !l->set.style.named && l->set.style.format == LOG_AS_IT_IS &&
	       !l->set.grep.on && !l->range.reverse && !l->range.until_timed;
}

/* Where to begin: with --since all of that time is shown, or at most the last N of it. */
static int find_begin(struct log *log, const struct log_range *range, struct err *err)
{
	struct log_spot *spot = &log->walk.at, first;
	int r = 0;

	if (range->lines != ARGS_LINES_ALL || !range->timed)
		r = log_find(log->files.fds, log->files.n, range->lines, spot, err);
	if (r < 0 || !range->timed)
		return r;
	r = log_find_since(log->files.fds, log->files.n, range->since, &first, err);
	if (r == 0 && (range->lines == ARGS_LINES_ALL || first.file < spot->file ||
		       (first.file == spot->file && first.at > spot->at)))
		*spot = first;
	return r;
}

static int print_raw(struct logs *l, struct err *err)
{
	struct log *log = &l->set.v[0];
	int r = find_begin(log, &l->range, err);

	if (r == 0 && log->files.n)
		r = log_copy_from(log->files.fds, &log->walk.at, &l->set.out, err);
	return r;
}

/* ---- all of it ---- */

static int print_logs(struct logs *l, struct err *err)
{
	bool raw = is_raw(l), follow = given(l, ARGS_FOLLOW);
	int r = follow ? log_follow_begin(&l->set, raw, err) : 0;

	if (r == 0)
		r = raw ? print_raw(l, err) : log_merge_print(&l->set, &l->range, err);
	if (r == 0 && follow)
		r = log_follow(&l->set, raw, err);
	log_follow_end(&l->set);
	if (r != -EPIPE)
		log_out_end(&l->set.out, NULL);
	return r;
}

/* Each log may have a hundred files. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int show(struct logs *l)
{
	struct err err = {0};
	int r;

	allow_files();
	r = expand(l, &err);
	if (r >= 0)
		r = open_logs(l, &err);
	if (r < 0)
		return ctl_fail(r, &err);
	r = print_logs(l, &err);
	if (r == 0 || r == -EPIPE)
		return CTL_OK;
	/* A follower that has lost the supervisor for good. */
	return ctl_complain(client_exit_status(r), "%s", err.text[0] ? err.text : strerror(-r));
}

int ctl_logs(struct ctl *ctl)
{
	struct logs l = {
		.ctl = ctl,
		.set.out = {.fd = STDOUT_FILENO, .terminal = ctl->look.terminal},
	};
	int status = check_words(&l);

	if (status == CTL_OK)
		status = parse_range(&l);
	if (status == CTL_OK)
		status = parse_output(&l);
	if (status == CTL_OK)
		status = show(&l);
	for (size_t i = 0; i < l.set.n; i++) {
		log_files_free(&l.set.v[i].files);
		free(l.set.v[i].name);
	}
	strv_free(&l.set.patterns);
	free(l.set.v);
	log_text_free(&l.set.text);
	log_grep_free(&l.set.grep);
	strv_free(&l.names);
	strv_free(&l.matched);
	return status;
}
