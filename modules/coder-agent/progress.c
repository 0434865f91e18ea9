#include "modules/coder-agent/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "modules/coder-agent/clock.h"

#define TEXT_MAX    900
#define INTERVAL_MS 250

void progress_open(struct progress *progress)
{
	*progress = (struct progress){0};
	notify_open(&progress->notify);
}

static void send_status(struct progress *progress, const char *text)
{
	progress->last_ms = clock_ms();
	notify_status(&progress->notify, text);
}

/* What came over the network is quoted in some sentences: no line of it may become a line of ours.
 */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

void progress_say(struct progress *progress, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	flatten(text);
	dprintf(STDERR_FILENO, "hakim-agent-fetch: %s\n", text);
	send_status(progress, text);
}

void progress_show(struct progress *progress, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list args;

	if (progress->notify.fd < 0 || clock_ms() - progress->last_ms < INTERVAL_MS)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	flatten(text);
	send_status(progress, text);
}

void progress_close(struct progress *progress)
{
	notify_close(&progress->notify);
}
