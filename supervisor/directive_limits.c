/*
 * directive_limits.c - the directives of struct unit_limits: text to numbers.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"

#define SETTER(name) static DIRECTIVE_SETTER(name)

/* What a bare number of a Limit…= is. */
enum rlimit_unit {
	UNIT_NUMBER = 0,
	UNIT_BYTES,
	UNIT_SECONDS,
	UNIT_MICROSECONDS,
	UNIT_NICE, /* 0 … 40, or with a sign a nice level */
};

struct word {
	const char *name;
	int value;
};

static const struct word *word_find(const struct word *words, size_t n, const char *value)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i].name, value) == 0)
			return &words[i];
	return NULL;
}

static int int_parse(const char *text, int min, int max, int *value, struct err *err)
{
	const char *digits = text + (*text == '-' || *text == '+');
	unsigned n;

	if (unsigned_parse(digits, INT_MAX, &n, NULL) < 0 ||
	    (*text == '-' ? -(int)n : (int)n) < min || (*text == '-' ? -(int)n : (int)n) > max)
		return err_set(err, -EINVAL, "\"%.60s\" is no number from %d to %d", text, min,
			       max);
	*value = *text == '-' ? -(int)n : (int)n;
	return 0;
}

static int number_parse(const char *text, uint64_t *value, struct err *err)
{
	char *end = NULL;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno)
		return err_set(err, -EINVAL, "\"%.60s\" is no number", text);
	return 0;
}

static int rlimit_time(const char *text, enum rlimit_unit unit, rlim_t *value, struct err *err)
{
	uint64_t n;
	int r;

	/* LimitRTTIME=1000 is microseconds. */
	if (unit == UNIT_MICROSECONDS && !text[strspn(text, "0123456789")])
		return number_parse(text, value, err);
	r = timespan_parse(text, &n, err);
	if (r < 0)
		return r;
	*value = n;
	/* Never less than what was asked for. */
	if (unit == UNIT_SECONDS)
		*value = n / USEC_PER_SEC + (n % USEC_PER_SEC != 0);
	return 0;
}

static int rlimit_one(const char *text, enum rlimit_unit unit, rlim_t *value, struct err *err)
{
	uint64_t n;
	int nice = 0, r;

	*value = RLIM_INFINITY;
	if (strcmp(text, "infinity") == 0)
		return 0;
	switch (unit) {
	case UNIT_BYTES:
		r = size_parse(text, &n, err);
		*value = n;
		return r;
	case UNIT_SECONDS:
	case UNIT_MICROSECONDS:
		return rlimit_time(text, unit, value, err);
	case UNIT_NICE:
		if (*text == '+' || *text == '-') {
			r = int_parse(text, -20, 19, &nice, err);
			*value = (rlim_t)(20 - nice);
			return r;
		}
		r = int_parse(text, 0, 40, &nice, err);
		*value = (rlim_t)nice;
		return r;
	default:
		return number_parse(text, value, err);
	}
}

/* "VALUE", or "SOFT:HARD". */
SETTER(set_rlimit)
{
	struct unit_limits *limits = &ctx->unit->limits;
	unsigned resource = d->arg & 0xff;
	enum rlimit_unit unit = d->arg >> 8;
	_cleanup_free_ char *soft = strdup(value);
	struct rlimit limit;
	char *hard;
	int r;

	if (!soft)
		return -ENOMEM;
	if (!*value) {
		limits->rlimits &= ~(1u << resource);
		return 0;
	}
	hard = strchr(soft, ':');
	if (hard)
		*hard++ = '\0';
	r = rlimit_one(soft, unit, &limit.rlim_cur, err);
	limit.rlim_max = limit.rlim_cur;
	if (r == 0 && hard)
		r = rlimit_one(hard, unit, &limit.rlim_max, err);
	if (r < 0)
		return r;
	if (limit.rlim_cur > limit.rlim_max)
		return err_set(err, -EINVAL, "the soft limit is above the hard one");
	limits->rlimit[resource] = limit;
	limits->rlimits |= 1u << resource;
	return 0;
}

/* A number of a field of struct unit_limits; the row's argument is its bit. */
static int set_int(const struct directive *d, struct directive_context *ctx, const char *value,
		   int min, int max, struct err *err)
{
	int r = *value ? int_parse(value, min, max, DIRECTIVE_FIELD(int), err) : 0;

	if (r < 0)
		return r;
	if (*value)
		ctx->unit->limits.set |= d->arg;
	else
		ctx->unit->limits.set &= ~d->arg;
	return 0;
}

SETTER(set_nice)
{
	return set_int(d, ctx, value, -20, 19, err);
}

SETTER(set_oom_score)
{
	return set_int(d, ctx, value, -1000, 1000, err);
}

SETTER(set_sched_policy)
{
	static const struct word policies[] = {
		{"other", SCHED_OTHER}, {"batch", SCHED_BATCH}, {"idle", SCHED_IDLE},
		{"fifo", SCHED_FIFO},   {"rr", SCHED_RR},
	};
	struct unit_limits *limits = &ctx->unit->limits;
	const struct word *found = word_find(policies, ARRAY_LEN(policies), value);
	bool is_realtime;

	if (!*value) {
		limits->set &= ~(unsigned)LIMIT_SCHED_POLICY;
		return 0;
	}
	if (!found)
		return err_set(err, -EINVAL, "\"%.60s\" is none of other, batch, idle, fifo, rr",
			       value);
	is_realtime = found->value == SCHED_FIFO || found->value == SCHED_RR;
	limits->sched_policy = found->value;
	/* systemd moves the priority into the policy's range. */
	if (is_realtime && limits->sched_priority < 1)
		limits->sched_priority = 1;
	if (!is_realtime)
		limits->sched_priority = 0;
	limits->set |= LIMIT_SCHED_POLICY;
	return 0;
}

SETTER(set_sched_priority)
{
	struct unit_limits *limits = &ctx->unit->limits;
	int r = int_parse(value, 0, 99, &limits->sched_priority, err);

	if (r < 0)
		return r;
	if (limits->sched_policy != SCHED_FIFO && limits->sched_policy != SCHED_RR)
		limits->sched_priority = 0;
	else if (limits->sched_priority < 1)
		return err_set(err, -EINVAL, "fifo and rr have priorities from 1 to 99");
	return 0;
}

SETTER(set_sched_reset)
{
	struct unit_limits *limits = &ctx->unit->limits;
	int r = bool_parse(value, &limits->sched_reset_on_fork, err);

	if (r == 0 && limits->sched_reset_on_fork)
		limits->set |= LIMIT_SCHED_POLICY;
	return r;
}

SETTER(set_io_class)
{
	static const struct word classes[] = {
		{"none", 0},        {"0", 0}, {"realtime", 1}, {"1", 1},
		{"best-effort", 2}, {"2", 2}, {"idle", 3},     {"3", 3},
	};
	struct unit_limits *limits = &ctx->unit->limits;
	const struct word *found = word_find(classes, ARRAY_LEN(classes), value);

	if (!*value) {
		limits->set &= ~(unsigned)LIMIT_IO;
		return 0;
	}
	if (!found)
		return err_set(err, -EINVAL,
			       "\"%.60s\" is none of none, realtime, best-effort, idle", value);
	limits->io_class = found->value;
	limits->set |= LIMIT_IO;
	return 0;
}

SETTER(set_io_priority)
{
	struct unit_limits *limits = &ctx->unit->limits;
	int r = int_parse(value, 0, 7, &limits->io_priority, err);

	if (r < 0)
		return r;
	if (!(limits->set & LIMIT_IO))
		limits->io_class = 2;
	limits->set |= LIMIT_IO;
	return 0;
}

SETTER(set_timer_slack)
{
	struct unit_limits *limits = &ctx->unit->limits;
	_cleanup_free_ char *number = NULL;
	size_t digits = strspn(value, "0123456789");
	uint64_t n;
	int r;

	/* A bare number is nanoseconds, and so is one with "ns", which timespan_parse() does not
	 * know. */
	if (digits && (!value[digits] || strcmp(value + digits, "ns") == 0)) {
		number = strndup(value, digits);
		if (!number)
			return -ENOMEM;
		r = number_parse(number, &n, err);
	} else {
		r = timespan_parse(value, &n, err);
		if (r == 0 && __builtin_mul_overflow(n, 1000u, &n))
			r = err_set(err, -ERANGE, "\"%.60s\" is too long", value);
	}
	if (r < 0)
		return r;
	limits->timer_slack_ns = n;
	limits->set |= LIMIT_TIMER_SLACK;
	return 0;
}

/* core(5), "Controlling which mappings are written to the core dump". */
SETTER(set_coredump_filter)
{
	static const struct word names[] = {
		{"private-anonymous", 1u << 0},
		{"shared-anonymous", 1u << 1},
		{"private-file-backed", 1u << 2},
		{"shared-file-backed", 1u << 3},
		{"elf-headers", 1u << 4},
		{"private-huge", 1u << 5},
		{"shared-huge", 1u << 6},
		{"private-dax", 1u << 7},
		{"shared-dax", 1u << 8},
		{"all", 0x1ff},
		{"default", 0x33},
	};
	_cleanup_(strv_free) struct strv words = {0};
	int r = words_split(value, &words, err);

	for (size_t i = 0; i < words.n && r == 0; i++) {
		const struct word *found = word_find(names, ARRAY_LEN(names), words.v[i]);
		char *end;
		unsigned long mask = strtoul(words.v[i], &end, 16);

		if (found)
			mask = (unsigned long)found->value;
		else if (*end || mask > 0xffff)
			return err_set(err, -EINVAL, "\"%.60s\" is no kind of mapping", words.v[i]);
		ctx->unit->limits.coredump_filter |= (unsigned)mask;
	}
	if (r == 0)
		ctx->unit->limits.set |= LIMIT_COREDUMP;
	return r;
}

static DIRECTIVE_RESET(reset_coredump_filter)
{
	ctx->unit->limits.coredump_filter = 0;
	ctx->unit->limits.set &= ~(unsigned)LIMIT_COREDUMP;
	return 0;
}

static int cpu_range(struct unit_limits *limits, char *word, struct err *err)
{
	char *to = strchr(word, '-');
	unsigned first, last;

	if (to)
		*to++ = '\0';
	if (unsigned_parse(word, LIMIT_CPUS - 1, &first, NULL) < 0 ||
	    unsigned_parse(to ? to : word, LIMIT_CPUS - 1, &last, NULL) < 0 || first > last)
		return err_set(err, -EINVAL, "\"%.60s\" is no processor and no range of them",
			       word);
	for (unsigned i = first; i <= last; i++)
		limits->affinity[i / 64] |= (uint64_t)1 << i % 64;
	return 0;
}

/* "0-3,5 7"; more of them add up. */
SETTER(set_affinity)
{
	_cleanup_free_ char *copy = strdup(value);
	char *save = NULL;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	if (strcmp(value, "numa") == 0)
		return err_set(err, -ENOTSUP, "\"numa\" is not supported");
	for (char *word = strtok_r(copy, ", \t", &save); word && r == 0;
	     word = strtok_r(NULL, ", \t", &save))
		r = cpu_range(&ctx->unit->limits, word, err);
	if (r == 0)
		ctx->unit->limits.set |= LIMIT_AFFINITY;
	return r;
}

static DIRECTIVE_RESET(reset_affinity)
{
	memset(ctx->unit->limits.affinity, 0, sizeof(ctx->unit->limits.affinity));
	ctx->unit->limits.set &= ~(unsigned)LIMIT_AFFINITY;
	return 0;
}

#define AT(field)              DIRECTIVE_AT(limits.field)
#define RLIMIT(resource, unit) set_rlimit, 0, (unsigned)(RLIMIT_##resource) | UNIT_##unit << 8, NULL

static const struct directive directives[] = {
	{"CPUAffinity", set_affinity, 0, 0, reset_affinity},
	{"CPUSchedulingPolicy", set_sched_policy, 0, 0, NULL},
	{"CPUSchedulingPriority", set_sched_priority, 0, 0, NULL},
	{"CPUSchedulingResetOnFork", set_sched_reset, 0, 0, NULL},
	{"CoredumpFilter", set_coredump_filter, 0, 0, reset_coredump_filter},
	{"IOSchedulingClass", set_io_class, 0, 0, NULL},
	{"IOSchedulingPriority", set_io_priority, 0, 0, NULL},
	{"LimitAS", RLIMIT(AS, BYTES)},
	{"LimitCORE", RLIMIT(CORE, BYTES)},
	{"LimitCPU", RLIMIT(CPU, SECONDS)},
	{"LimitDATA", RLIMIT(DATA, BYTES)},
	{"LimitFSIZE", RLIMIT(FSIZE, BYTES)},
	{"LimitLOCKS", RLIMIT(LOCKS, NUMBER)},
	{"LimitMEMLOCK", RLIMIT(MEMLOCK, BYTES)},
	{"LimitMSGQUEUE", RLIMIT(MSGQUEUE, BYTES)},
	{"LimitNICE", RLIMIT(NICE, NICE)},
	{"LimitNOFILE", RLIMIT(NOFILE, NUMBER)},
	{"LimitNPROC", RLIMIT(NPROC, NUMBER)},
	{"LimitRSS", RLIMIT(RSS, BYTES)},
	{"LimitRTPRIO", RLIMIT(RTPRIO, NUMBER)},
	{"LimitRTTIME", RLIMIT(RTTIME, MICROSECONDS)},
	{"LimitSIGPENDING", RLIMIT(SIGPENDING, NUMBER)},
	{"LimitSTACK", RLIMIT(STACK, BYTES)},
	{"Nice", set_nice, AT(nice), LIMIT_NICE, NULL},
	{"OOMScoreAdjust", set_oom_score, AT(oom_score_adjust), LIMIT_OOM_SCORE, NULL},
	{"TimerSlackNSec", set_timer_slack, 0, 0, NULL},
};

const struct directive_area directive_area_limits = {DIRECTIVES_SERVICE, directives,
						     ARRAY_LEN(directives)};
