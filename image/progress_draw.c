#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "image/progress.h"

/* Without setlocale(): what compares strings elsewhere goes on doing it as C does. */
static bool locale_is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool is = locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;

	if (locale)
		freelocale(locale);
	return is;
}

/* Anew each time: a terminal is resized when somebody likes. One that does not know its size, as a
 * serial line, says 0. */
static struct progress_look look_at_terminal(void)
{
	const char *no = getenv("NO_COLOR");
	struct winsize size = {0};
	struct progress_look look = {
		.columns = 80, .rows = 24, .utf8 = locale_is_utf8(), .colour = !no || !*no};

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0) {
		look.columns = size.ws_col ? size.ws_col : look.columns;
		look.rows = size.ws_row ? size.ws_row : look.rows;
	}
	return look;
}

bool progress_can_draw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) == 1 && term && *term && strcmp(term, "dumb") != 0;
}

/* To the first column of the first line. Fewer bytes than 32. */
static int go_up(char *to, size_t size, size_t drawn)
{
	return drawn > 1 ? snprintf(to, size, "\r\033[%zuA", drawn - 1) : snprintf(to, size, "\r");
}

void progress_draw(const struct progress *progress, int64_t now, size_t *drawn)
{
	struct progress_look look = look_at_terminal();
	char lines[PROGRESS_LINES][PROGRESS_LINE_MAX];
	char out[PROGRESS_LINES * (PROGRESS_LINE_MAX + 8) + 64];
	size_t n = progress_lines(progress, &look, now, lines);
	size_t len = (size_t)go_up(out, 32, *drawn);

	/* One write, so that nobody sees half of it; each line before the rest of an older one. */
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s\033[K", i ? "\n" : "",
					lines[i]);
	snprintf(out + len, sizeof(out) - len, "\033[J");
	fputs(out, stderr);
	*drawn = n;
}

void progress_clear(size_t *drawn)
{
	char out[64];

	if (*drawn == 0)
		return;
	snprintf(out + go_up(out, 32, *drawn), 32, "\033[J");
	fputs(out, stderr);
	*drawn = 0;
}
