#include "supervisor/ctl/when.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"

#define SECOND    1000000ll
#define STAMP     27 /* "2026-11-24T03:07:08.123456Z" */
#define DIGITS    18 /* more may not fit */
#define YEAR_MIN  1970
#define YEAR_MAX  9999
#define SPAN_MAX  (YEAR_MAX * 365ll * 86400 * SECOND)
#define YEAR_ZERO 1900 /* of struct tm */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void skip_blanks(const char **p)
{
	*p += strspn(*p, " \t");
}

/* A number of `min` to `max` digits; moves *p behind it. */
static bool take_number(const char **p, unsigned min, unsigned max, int64_t *n)
{
	unsigned digits = 0;

	for (*n = 0; digits < max && is_digit(**p); digits++, (*p)++)
		*n = *n * 10 + (**p - '0');
	return digits >= min && !is_digit(**p);
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* ".5" in microseconds; what is finer is cut off. Nothing there is 0. */
static bool take_fraction(const char **p, int64_t *us)
{
	int64_t unit = SECOND / 10;

	*us = 0;
	if (!take_char(p, '.'))
		return true;
	if (!is_digit(**p))
		return false;
	for (; is_digit(**p); (*p)++, unit /= 10)
		*us += (**p - '0') * unit;
	return true;
}

/* ---- spans ---- */

static const struct unit_of_time {
	const char *name;
	int64_t us;
} units[] = {
	{"us", 1},
	{"ms", 1000},
	{"s", SECOND},
	{"sec", SECOND},
	{"second", SECOND},
	{"seconds", SECOND},
	{"m", 60 * SECOND},
	{"min", 60 * SECOND},
	{"minute", 60 * SECOND},
	{"minutes", 60 * SECOND},
	{"h", 3600 * SECOND},
	{"hr", 3600 * SECOND},
	{"hour", 3600 * SECOND},
	{"hours", 3600 * SECOND},
	{"d", 86400 * SECOND},
	{"day", 86400 * SECOND},
	{"days", 86400 * SECOND},
	{"w", 7 * 86400 * SECOND},
	{"week", 7 * 86400 * SECOND},
	{"weeks", 7 * 86400 * SECOND},
};

/* Seconds where no unit stands. */
static int64_t take_unit(const char **p)
{
	size_t len = strspn(*p, "abcdefghijklmnopqrstuvwxyz");

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strlen(units[i].name) == len && memcmp(units[i].name, *p, len) == 0) {
			*p += len;
			return units[i].us;
		}
	return SECOND;
}

/* "1h 30min", to the end or to "ago". */
static bool take_span(const char **p, int64_t *us)
{
	*us = 0;
	do {
		int64_t whole, part, unit;

		if (!take_number(p, 1, DIGITS, &whole) || !take_fraction(p, &part))
			return false;
		skip_blanks(p);
		unit = take_unit(p);
		if (whole > SPAN_MAX / unit)
			return false;
		/* `part` is below a second, and a week has less than 2^20 of them. */
		*us += whole * unit +
		       (unit < SECOND ? part * unit / SECOND : part * (unit / SECOND));
		if (*us > SPAN_MAX)
			return false;
		skip_blanks(p);
	} while (is_digit(**p));
	return true;
}

static bool parse_relative(const char *text, int64_t now_us, int64_t *us)
{
	const char *p = text;
	bool back = take_char(&p, '-'), forth = !back && take_char(&p, '+'), ago;
	int64_t span;

	skip_blanks(&p);
	if (!take_span(&p, &span))
		return false;
	ago = strcmp(p, "ago") == 0;
	/* One of them, and only one: "5" might be anything. */
	if (back + forth + ago != 1 || (*p && !ago))
		return false;
	*us = forth ? now_us + span : now_us - span;
	return true;
}

/* ---- dates ---- */

/* The day that is `days` after that of now, at midnight. */
static bool midnight(int64_t now_us, int days, struct tm *tm)
{
	time_t now = now_us / SECOND;

	if (!localtime_r(&now, tm))
		return false;
	tm->tm_mday += days;
	tm->tm_hour = tm->tm_min = tm->tm_sec = 0;
	tm->tm_isdst = -1;
	return true;
}

static bool parse_word(const char *text, int64_t now_us, int64_t *us)
{
	static const struct {
		const char *name;
		int days;
	} words[] = {{"yesterday", -1}, {"today", 0}, {"tomorrow", 1}};
	struct tm tm;

	if (strcmp(text, "now") == 0) {
		*us = now_us;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(text, words[i].name) == 0 && midnight(now_us, words[i].days, &tm)) {
			*us = mktime(&tm) * SECOND;
			return true;
		}
	return false;
}

static bool take_date(const char **p, struct tm *tm)
{
	int64_t year, month, day;

	if (!take_number(p, 4, 4, &year) || !take_char(p, '-') || !take_number(p, 1, 2, &month) ||
	    !take_char(p, '-') || !take_number(p, 1, 2, &day))
		return false;
	if (year < YEAR_MIN || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	*tm = (struct tm){.tm_year = (int)year - YEAR_ZERO,
			  .tm_mon = (int)month - 1,
			  .tm_mday = (int)day,
			  .tm_isdst = -1};
	return true;
}

static bool take_clock(const char **p, struct tm *tm, int64_t *us)
{
	int64_t hour, minute, second = 0;

	if (!take_number(p, 1, 2, &hour) || !take_char(p, ':') || !take_number(p, 2, 2, &minute))
		return false;
	if (take_char(p, ':') && (!take_number(p, 2, 2, &second) || !take_fraction(p, us)))
		return false;
	tm->tm_hour = (int)hour;
	tm->tm_min = (int)minute;
	tm->tm_sec = (int)second;
	return hour < 24 && minute < 60 && second < 60;
}

static bool parse_date(const char *text, int64_t now_us, int64_t *us)
{
	const char *p = text;
	int64_t part = 0;
	struct tm tm, want;
	bool utc;

	if (take_date(&p, &tm)) {
		bool more = *p == 'T' || *p == ' ';

		p += more;
		skip_blanks(&p);
		/* "2026-11-25 UTC" is a date, too. */
		if (more && is_digit(*p) && !take_clock(&p, &tm, &part))
			return false;
	} else {
		p = text;
		if (!midnight(now_us, 0, &tm) || !take_clock(&p, &tm, &part))
			return false;
	}
	utc = take_char(&p, 'Z');
	skip_blanks(&p);
	if (!utc && strcmp(p, "UTC") == 0) {
		utc = true;
		p += 3;
	}
	if (*p)
		return false;
	want = tm;
	*us = (utc ? timegm(&tm) : mktime(&tm)) * SECOND + part;
	/* A 31st of November would be the 1st of December. */
	return tm.tm_mday == want.tm_mday && tm.tm_mon == want.tm_mon;
}

static bool parse_epoch(const char *text, int64_t *us)
{
	const char *p = text;
	int64_t whole, part;

	if (!take_char(&p, '@') || !take_number(&p, 1, DIGITS, &whole) ||
	    whole > SPAN_MAX / SECOND || !take_fraction(&p, &part))
		return false;
	*us = whole * SECOND + part;
	return !*p;
}

int when_parse(const char *text, int64_t now_us, int64_t *us, struct err *err)
{
	if (parse_word(text, now_us, us) || parse_epoch(text, us) ||
	    parse_relative(text, now_us, us) || parse_date(text, now_us, us))
		return 0;
	return err_set(err, -EINVAL,
		       "\"%s\" is no time; write \"2026-11-25 10:00\", \"10:00\", \"today\", "
		       "\"-1h\", \"10 min ago\" or \"@SECONDS\"",
		       text);
}

int64_t when_of_line(const char *line, size_t len)
{
	char stamp[STAMP + 1];
	int64_t us;

	if (len < STAMP || line[4] != '-' || line[10] != 'T' || line[STAMP - 1] != 'Z')
		return WHEN_UNKNOWN;
	memcpy(stamp, line, STAMP);
	stamp[STAMP] = '\0';
	return parse_date(stamp, 0, &us) ? us : WHEN_UNKNOWN;
}
