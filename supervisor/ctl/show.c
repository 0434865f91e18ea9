#include "supervisor/ctl/show.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "common/cleanup.h"
#include "common/utf8.h"

#define US_PER_S 1000000ll

struct look look_of_stdout(void)
{
	const char *columns = getenv("COLUMNS"), *term = getenv("TERM"), *no = getenv("NO_COLOR");
	struct look look = {.terminal = isatty(STDOUT_FILENO)};
	struct winsize size = {0};

	look.utf8 = setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	look.color = look.terminal && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
	if (columns)
		look.width = strtoul(columns, NULL, 10);
	if (look.width > UINT16_MAX)
		look.width = 0;
	if (look.width)
		return look;
	if (look.terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		look.width = size.ws_col;
	return look;
}

void style_put(FILE *out, const struct look *look, enum style style, const char *text)
{
	static const char *const codes[STYLES] = {
		[STYLE_PLAIN] = "",  [STYLE_BOLD] = "1",  [STYLE_DIM] = "2",
		[STYLE_GOOD] = "32", [STYLE_BUSY] = "33", [STYLE_BAD] = "1;31",
	};

	if (look->color && style != STYLE_PLAIN && style < STYLES)
		fprintf(out, "\033[%sm%s\033[0m", codes[style], text);
	else
		fputs(text, out);
}

const char *show_span(char buf[static SHOW_SPAN], int64_t us)
{
	if (us < 0)
		snprintf(buf, SHOW_SPAN, "-");
	else if (us < 10000)
		snprintf(buf, SHOW_SPAN, "%lld.%lld ms", (long long)us / 1000,
			 (long long)us % 1000 / 100);
	else if (us < US_PER_S)
		snprintf(buf, SHOW_SPAN, "%lld ms", (long long)us / 1000);
	else if (us < 10 * US_PER_S)
		snprintf(buf, SHOW_SPAN, "%lld.%02lld s", us / US_PER_S, us % US_PER_S / 10000);
	else if (us < 60 * US_PER_S)
		snprintf(buf, SHOW_SPAN, "%lld.%lld s", us / US_PER_S, us % US_PER_S / 100000);
	else
		show_age(buf, us);
	return buf;
}

const char *show_age(char buf[static SHOW_SPAN], int64_t us)
{
	long long s = us / US_PER_S;

	if (us < 0)
		snprintf(buf, SHOW_SPAN, "-");
	else if (s < 60)
		snprintf(buf, SHOW_SPAN, "%llds", s);
	else if (s < 3600)
		snprintf(buf, SHOW_SPAN, "%lldm %llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, SHOW_SPAN, "%lldh %lldm", s / 3600, s % 3600 / 60);
	else
		snprintf(buf, SHOW_SPAN, "%lldd %lldh", s / 86400, s % 86400 / 3600);
	return buf;
}

const char *show_size(char buf[static SHOW_SPAN], int64_t bytes)
{
	static const char units[] = "BKMGTPE";
	uint64_t tenths = bytes < 0 ? 0 : (uint64_t)bytes;
	unsigned unit = 0;

	if (bytes < 1024) {
		snprintf(buf, SHOW_SPAN, bytes < 0 ? "-" : "%lldB", (long long)bytes);
		return buf;
	}
	/* In tenths of a unit, without losing the top bits of a very large number. */
	for (unit = 1; tenths >= 1024 * 1024; unit++)
		tenths /= 1024;
	tenths = tenths * 10 / 1024;
	/* "1000K" would be a digit more than "0.9M" is worth. */
	if (tenths >= 10000) {
		tenths /= 1024;
		unit++;
	}
	if (tenths < 1000)
		snprintf(buf, SHOW_SPAN, "%u.%u%c", (unsigned)tenths / 10, (unsigned)tenths % 10,
			 units[unit]);
	else
		snprintf(buf, SHOW_SPAN, "%u%c", (unsigned)tenths / 10, units[unit]);
	return buf;
}

const char *show_time(char buf[static SHOW_TIME], int64_t realtime_us)
{
	time_t t = (time_t)(realtime_us / US_PER_S);
	struct tm tm;

	if (realtime_us < 0 || !localtime_r(&t, &tm) ||
	    strftime(buf, SHOW_TIME, "%Y-%m-%d %H:%M:%S %Z", &tm) == 0)
		snprintf(buf, SHOW_TIME, "-");
	return buf;
}

/* Columns of a character; -1: it does something else than to be seen. */
static int columns_of(uint32_t code, const struct look *look)
{
	if (code < 0x80)
		return code < ' ' || code == 0x7f ? -1 : 1;
	if (!look->utf8 || code < 0xa0)
		return -1;
	/* Marks that turn the direction of writing, and line ends (Unicode TR 36, 3.2). */
	if ((code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069) || code == 0x61c)
		return -1;
	return wcwidth((wchar_t)code);
}

char *show_clean(const char *text, const struct look *look, bool keep_tabs)
{
	/* "?" is never longer than what it stands for. */
	char *clean = malloc(strlen(text) + 1);
	char *to = clean;

	if (!clean)
		return NULL;
	while (*text) {
		uint32_t code = 0;
		size_t len = utf8_decode(text, strnlen(text, UTF8_MAX), &code);

		if (*text == '\t' || *text == '\n') {
			*to++ = *text == '\t' && keep_tabs ? '\t' : ' ';
			text++;
		} else if (len == 0 || columns_of(code, look) < 0) {
			*to++ = '?';
			text += len ? len : 1;
		} else {
			memcpy(to, text, len);
			to += len;
			text += len;
		}
	}
	*to = '\0';
	return clean;
}

/* The bytes of `clean` that fit into `width` columns; *used says how many columns that are. */
static size_t fit(const char *clean, size_t width, const struct look *look, size_t *used)
{
	size_t at = 0, columns = 0;

	while (clean[at]) {
		uint32_t code = 0;
		size_t len = utf8_decode(clean + at, strnlen(clean + at, UTF8_MAX), &code);
		int n = len ? columns_of(code, look) : 1;

		if (columns + (size_t)(n > 0 ? n : 0) > width)
			break;
		columns += (size_t)(n > 0 ? n : 0);
		at += len ? len : 1;
	}
	*used = columns;
	return at;
}

size_t show_width(const char *clean, const struct look *look)
{
	size_t columns;

	fit(clean, SIZE_MAX, look, &columns);
	return columns;
}

char *show_cut(const char *clean, size_t width, const struct look *look)
{
	const char *dots = look->utf8 ? "\u2026" : "...";
	size_t dots_width = look->utf8 ? 1 : 3;
	char *cut = NULL;
	size_t used, at;

	at = fit(clean, width, look, &used);
	if (!clean[at])
		return strdup(clean);
	if (width < dots_width)
		return strndup(clean, at);
	at = fit(clean, width - dots_width, look, &used);
	return asprintf(&cut, "%.*s%s", (int)at, clean, dots) < 0 ? NULL : cut;
}
