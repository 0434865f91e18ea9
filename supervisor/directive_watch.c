/*
 * directive_watch.c - Ready…= and Health…= of [X-Hakim]: what is asked to know whether a service is
 * ready, and whether it still is well. What could never be answered is refused here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"
#include "supervisor/pattern.h"
#include "supervisor/probe.h"
#include "supervisor/specifier.h"

#define TARGETS_MAX 16
#define PERIOD_MIN  10000 /* microseconds */

enum target_kind {
	TARGET_HTTP = 0,
	TARGET_TCP,
	TARGET_UNIX,
};

/* What is asked depends on variables: it is checked with "1", a port and a name, for each; one that
 * begins it can only be a directory. */
static int sample(const char *text, char **out, struct err *err)
{
	const char *from = text;
	char *to = strdup(text);

	*out = to;
	if (!to)
		return -ENOMEM;
	while (*from) {
		size_t len = strncmp(from, "${", 2) == 0 ? strcspn(from, "}") : 0;

		if (len && !from[len])
			return err_set(err, -EINVAL, "%.80s: the } is missing", text);
		if (len && !variable_name_valid(from + 2, len - 2))
			return err_set(err, -EINVAL, "\"%.*s\" is no name of a variable",
				       (int)(len < 62 ? len - 2 : 60), from + 2);
		*to++ = *from;
		if (len)
			to[-1] = from == text ? '/' : '1';
		from += len + 1;
	}
	*to = '\0';
	return 0;
}

static DIRECTIVE_SETTER(set_target)
{
	struct strv *list = DIRECTIVE_FIELD(struct strv);
	struct probe_target *target = NULL;
	_cleanup_free_ char *text = NULL, *tried = NULL;
	/* A "%" belongs to a URL; a path may have specifiers. */
	int r = specifier_expand(value, d->arg == TARGET_UNIX ? ctx->unit->name : NULL, &text, err);

	if (r < 0)
		return r;
	if (list->n >= TARGETS_MAX)
		return err_set(err, -E2BIG, "there are more than %d", TARGETS_MAX);
	r = sample(text, &tried, err);
	if (r < 0)
		return r;
	switch ((enum target_kind)d->arg) {
	case TARGET_HTTP:
		r = probe_target_parse(tried, &target, err);
		break;
	case TARGET_TCP:
		r = probe_target_tcp(tried, &target, err);
		break;
	case TARGET_UNIX:
		r = probe_target_unix(tried, &target, err);
		break;
	}
	probe_target_free(target);
	return r < 0 ? r : strv_take(list, steal_ptr(&text));
}

static int put(char **field, const char *value)
{
	char *copy = *value ? strdup(value) : NULL;

	if (*value && !copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static DIRECTIVE_SETTER(set_statuses)
{
	int r = *value ? probe_statuses_check(value, err) : 0;

	return r < 0 ? r : put(DIRECTIVE_FIELD(char *), value);
}

static DIRECTIVE_SETTER(set_pattern)
{
	struct pattern *pattern = NULL;
	int r = *value ? pattern_parse(value, &pattern, err) : 0;

	pattern_free(pattern);
	return r < 0 ? r : put(DIRECTIVE_FIELD(char *), value);
}

/* A question that is asked again and again: not too often, not never. */
static DIRECTIVE_SETTER(set_period)
{
	uint64_t usec;
	int r = timespan_parse(value, &usec, err);

	if (r < 0)
		return r;
	if (usec < PERIOD_MIN || usec == USEC_INFINITY)
		return err_set(err, -EINVAL, "it must be at least 10ms, and not infinity");
	*DIRECTIVE_FIELD(uint64_t) = usec;
	return 0;
}

static DIRECTIVE_SETTER(set_start_period)
{
	uint64_t usec;
	int r = timespan_parse(value, &usec, err);

	if (r < 0)
		return r;
	*DIRECTIVE_FIELD(uint64_t) = usec;
	return 0;
}

static DIRECTIVE_SETTER(set_retries)
{
	unsigned n;
	int r = unsigned_parse(value, 1000, &n, err);

	if (r == 0 && n == 0)
		r = err_set(err, -EINVAL, "it must be at least 1");
	if (r == 0)
		*DIRECTIVE_FIELD(unsigned) = n;
	return r;
}

#define AT(field) DIRECTIVE_AT(field)

static const struct directive rows[] = {
	{"HealthExec", directive_set_commands, AT(health.exec), 0, directive_reset_commands},
	{"HealthHTTP", set_target, AT(health.http), TARGET_HTTP, directive_reset_list},
	{"HealthHTTPBody", set_pattern, AT(health.http_body), 0, NULL},
	{"HealthHTTPStatus", set_statuses, AT(health.http_status), 0, NULL},
	{"HealthIntervalSec", set_period, AT(health.interval_usec), 0, NULL},
	{"HealthRetries", set_retries, AT(health_retries), 0, NULL},
	{"HealthStartPeriodSec", set_start_period, AT(health_start_usec), 0, NULL},
	{"HealthTCP", set_target, AT(health.tcp), TARGET_TCP, directive_reset_list},
	{"HealthTimeoutSec", set_period, AT(health.timeout_usec), 0, NULL},
	{"HealthUnix", set_target, AT(health.sockets), TARGET_UNIX, directive_reset_list},
	{"ReadyExec", directive_set_commands, AT(ready.exec), 0, directive_reset_commands},
	{"ReadyHTTP", set_target, AT(ready.http), TARGET_HTTP, directive_reset_list},
	{"ReadyHTTPBody", set_pattern, AT(ready.http_body), 0, NULL},
	{"ReadyHTTPStatus", set_statuses, AT(ready.http_status), 0, NULL},
	{"ReadyIntervalSec", set_period, AT(ready.interval_usec), 0, NULL},
	{"ReadyLog", set_pattern, AT(ready.log), 0, NULL},
	{"ReadyTCP", set_target, AT(ready.tcp), TARGET_TCP, directive_reset_list},
	{"ReadyTimeoutSec", set_period, AT(ready.timeout_usec), 0, NULL},
	{"ReadyUnix", set_target, AT(ready.sockets), TARGET_UNIX, directive_reset_list},
};

const struct directive_area directive_area_watch = {DIRECTIVES_HAKIM, rows, ARRAY_LEN(rows)};
