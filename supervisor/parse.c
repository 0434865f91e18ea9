/*
 * parse.c - single values: booleans, numbers, time spans, sizes, signals. Pure text work.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "supervisor/command.h"

#define BLANK " \t\n\r"

/* The kernel's range; glibc's SIGRTMIN is the kernel's + 2, musl's + 3, systemd's names count from
 * glibc's. */
#define RT_FIRST 34
#define RT_LAST  64

int bool_parse(const char *text, bool *value, struct err *err)
{
	static const char *const yes[] = {"1", "yes", "y", "true", "t", "on"};
	static const char *const no[] = {"0", "no", "n", "false", "f", "off"};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcasecmp(text, yes[i]) == 0) {
			*value = true;
			return 0;
		}
		if (strcasecmp(text, no[i]) == 0) {
			*value = false;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "\"%.60s\" is neither yes nor no", text);
}

int unsigned_parse(const char *text, unsigned max, unsigned *value, struct err *err)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end)
		return err_set(err, -EINVAL, "\"%.60s\" is not a number", text);
	if (errno || n > max)
		return err_set(err, -ERANGE, "%.60s is more than %u", text, max);
	*value = (unsigned)n;
	return 0;
}

bool variable_name_valid(const char *name, size_t len)
{
	if (len == 0 || isdigit((unsigned char)*name))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	return true;
}

struct scale {
	const char *name;
	uint64_t factor;
};

/* systemd.time(7) "PARSING TIME SPANS". */
static const struct scale time_units[] = {
	{"", USEC_PER_SEC},
	{"us", 1},
	{"usec", 1},
	{"μs", 1},
	{"µs", 1},
	{"ms", 1000},
	{"msec", 1000},
	{"s", USEC_PER_SEC},
	{"sec", USEC_PER_SEC},
	{"second", USEC_PER_SEC},
	{"seconds", USEC_PER_SEC},
	{"m", 60 * USEC_PER_SEC},
	{"min", 60 * USEC_PER_SEC},
	{"minute", 60 * USEC_PER_SEC},
	{"minutes", 60 * USEC_PER_SEC},
	{"h", 3600 * USEC_PER_SEC},
	{"hr", 3600 * USEC_PER_SEC},
	{"hour", 3600 * USEC_PER_SEC},
	{"hours", 3600 * USEC_PER_SEC},
	{"d", 86400 * USEC_PER_SEC},
	{"day", 86400 * USEC_PER_SEC},
	{"days", 86400 * USEC_PER_SEC},
	{"w", 7 * 86400 * USEC_PER_SEC},
	{"week", 7 * 86400 * USEC_PER_SEC},
	{"weeks", 7 * 86400 * USEC_PER_SEC},
	{"M", 2629800 * USEC_PER_SEC}, /* 30.44 days, as there */
	{"month", 2629800 * USEC_PER_SEC},
	{"months", 2629800 * USEC_PER_SEC},
	{"y", 31557600 * USEC_PER_SEC}, /* 365.25 days */
	{"year", 31557600 * USEC_PER_SEC},
	{"years", 31557600 * USEC_PER_SEC},
};

static const struct scale size_units[] = {
	{"", 1},           {"B", 1},          {"K", 1ull << 10}, {"M", 1ull << 20},
	{"G", 1ull << 30}, {"T", 1ull << 40}, {"P", 1ull << 50}, {"E", 1ull << 60},
};

static uint64_t scale_find(const struct scale *scales, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(scales[i].name) == len && strncmp(scales[i].name, name, len) == 0)
			return scales[i].factor;
	return 0;
}

/* Adds one "12.5unit" at *p to *sum and moves *p behind it. -ERANGE: too large, -EINVAL: no such
 * thing. */
static int scaled_parse(const char **p, const struct scale *scales, size_t n_scales, uint64_t *sum)
{
	const char *s = *p, *fraction = "";
	uint64_t n = 0, factor, part = 0, tens = 1;
	bool digits = false;
	size_t len;

	for (; isdigit((unsigned char)*s); s++) {
		digits = true;
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
			return -ERANGE;
	}
	if (*s == '.') {
		fraction = ++s;
		if (!isdigit((unsigned char)*s))
			return -EINVAL;
		while (isdigit((unsigned char)*s))
			s++;
	} else if (!digits) {
		return -EINVAL;
	}
	if (*s == '.')
		return -EINVAL;
	while (*s && strchr(BLANK, *s))
		s++;
	len = strcspn(s, BLANK ".0123456789");
	factor = scale_find(scales, n_scales, s, len);
	if (!factor)
		return -EINVAL;
	if (__builtin_mul_overflow(n, factor, &n))
		return -ERANGE;
	/* Ten digits of a fraction are enough; more are read over. */
	for (; isdigit((unsigned char)*fraction) && tens < 10000000000; fraction++, tens *= 10)
		part = part * 10 + (uint64_t)(*fraction - '0');
	part = (uint64_t)((unsigned __int128)factor * part / tens);
	if (__builtin_add_overflow(n, part, &n))
		return -ERANGE;
	if (__builtin_add_overflow(*sum, n, sum))
		return -ERANGE;
	*p = s + len;
	return 0;
}

int timespan_parse(const char *text, uint64_t *usec, struct err *err)
{
	const char *p = text + strspn(text, BLANK);
	uint64_t sum = 0;
	size_t len = strcspn(p, BLANK);
	int r;

	if (len == 8 && strncmp(p, "infinity", 8) == 0 && !p[8 + strspn(p + 8, BLANK)]) {
		*usec = USEC_INFINITY;
		return 0;
	}
	if (!*p)
		return err_set(err, -EINVAL, "a time span is missing");
	while (*p) {
		r = scaled_parse(&p, time_units, ARRAY_LEN(time_units), &sum);
		if (r == -ERANGE || sum == USEC_INFINITY)
			return err_set(err, -ERANGE, "\"%.60s\" is too long a time", text);
		if (r < 0)
			return err_set(
				err, r,
				"\"%.60s\" is not a time span (5, 100ms, 1min 30s, infinity)",
				text);
		p += strspn(p, BLANK);
	}
	*usec = sum;
	return 0;
}

int size_parse(const char *text, uint64_t *bytes, struct err *err)
{
	const char *p = text + strspn(text, BLANK);
	uint64_t sum = 0;
	int r = scaled_parse(&p, size_units, ARRAY_LEN(size_units), &sum);

	if (r == -ERANGE)
		return err_set(err, r, "\"%.60s\" is too large", text);
	if (r < 0 || p[strspn(p, BLANK)])
		return err_set(err, -EINVAL, "\"%.60s\" is not a size (1024, 512K, 8M, 1G)", text);
	*bytes = sum;
	return 0;
}

/* What is no standard signal is a real-time one: 34 (RTMIN) to 64 (RTMAX); 32 and 33 belong to the
 * C library. */
static const char *const signal_names[RT_LAST + 1] = {
	[SIGHUP] = "SIGHUP",       [SIGINT] = "SIGINT",       [SIGQUIT] = "SIGQUIT",
	[SIGILL] = "SIGILL",       [SIGTRAP] = "SIGTRAP",     [SIGABRT] = "SIGABRT",
	[SIGBUS] = "SIGBUS",       [SIGFPE] = "SIGFPE",       [SIGKILL] = "SIGKILL",
	[SIGUSR1] = "SIGUSR1",     [SIGSEGV] = "SIGSEGV",     [SIGUSR2] = "SIGUSR2",
	[SIGPIPE] = "SIGPIPE",     [SIGALRM] = "SIGALRM",     [SIGTERM] = "SIGTERM",
	[SIGSTKFLT] = "SIGSTKFLT", [SIGCHLD] = "SIGCHLD",     [SIGCONT] = "SIGCONT",
	[SIGSTOP] = "SIGSTOP",     [SIGTSTP] = "SIGTSTP",     [SIGTTIN] = "SIGTTIN",
	[SIGTTOU] = "SIGTTOU",     [SIGURG] = "SIGURG",       [SIGXCPU] = "SIGXCPU",
	[SIGXFSZ] = "SIGXFSZ",     [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF",
	[SIGWINCH] = "SIGWINCH",   [SIGIO] = "SIGIO",         [SIGPWR] = "SIGPWR",
	[SIGSYS] = "SIGSYS",       [34] = "SIGRTMIN",         [35] = "SIGRTMIN+1",
	[36] = "SIGRTMIN+2",       [37] = "SIGRTMIN+3",       [38] = "SIGRTMIN+4",
	[39] = "SIGRTMIN+5",       [40] = "SIGRTMIN+6",       [41] = "SIGRTMIN+7",
	[42] = "SIGRTMIN+8",       [43] = "SIGRTMIN+9",       [44] = "SIGRTMIN+10",
	[45] = "SIGRTMIN+11",      [46] = "SIGRTMIN+12",      [47] = "SIGRTMIN+13",
	[48] = "SIGRTMIN+14",      [49] = "SIGRTMIN+15",      [50] = "SIGRTMIN+16",
	[51] = "SIGRTMIN+17",      [52] = "SIGRTMIN+18",      [53] = "SIGRTMIN+19",
	[54] = "SIGRTMIN+20",      [55] = "SIGRTMIN+21",      [56] = "SIGRTMIN+22",
	[57] = "SIGRTMIN+23",      [58] = "SIGRTMIN+24",      [59] = "SIGRTMIN+25",
	[60] = "SIGRTMIN+26",      [61] = "SIGRTMIN+27",      [62] = "SIGRTMIN+28",
	[63] = "SIGRTMIN+29",      [64] = "SIGRTMAX",
};

const char *signal_name(int sig)
{
	return sig > 0 && sig <= RT_LAST && signal_names[sig] ? signal_names[sig] : "SIG?";
}

int signal_parse(const char *text, struct err *err)
{
	const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
	unsigned n = 0;

	if (isdigit((unsigned char)*text)) {
		if (unsigned_parse(text, RT_LAST, &n, NULL) == 0 && signal_names[n])
			return (int)n;
		return err_set(err, -EINVAL, "there is no signal %.60s", text);
	}
	for (int i = 1; i <= RT_LAST; i++)
		if (signal_names[i] && strcmp(signal_names[i] + 3, name) == 0)
			return i;
	if (strncmp(name, "RTMIN+", 6) == 0 &&
	    unsigned_parse(name + 6, RT_LAST - RT_FIRST, &n, NULL) == 0)
		return RT_FIRST + (int)n;
	if (strncmp(name, "RTMAX-", 6) == 0 &&
	    unsigned_parse(name + 6, RT_LAST - RT_FIRST, &n, NULL) == 0)
		return RT_LAST - (int)n;
	return err_set(err, -EINVAL, "there is no signal \"%.60s\"", text);
}
