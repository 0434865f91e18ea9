#include "modules/coder-agent/progress.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "modules/coder-agent/clock.h"

#define TEXT_MAX    900
#define INTERVAL_MS 250

void progress_open(struct progress *progress)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;

	*progress = (struct progress){.fd = -1, .to = {.sun_family = AF_UNIX}};
	if (len < 2 || len >= sizeof(progress->to.sun_path) || (name[0] != '/' && name[0] != '@'))
		return;
	memcpy(progress->to.sun_path, name, len);
	if (name[0] == '@')
		progress->to.sun_path[0] = '\0';
	progress->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	progress->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void send_status(struct progress *progress, const char *text)
{
	char message[TEXT_MAX + 16];
	int len = snprintf(message, sizeof(message), "STATUS=%s", text);

	if (progress->fd < 0 || len < 0)
		return;
	progress->last_ms = clock_ms();
	(void)sendto(progress->fd, message, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL,
		     (const struct sockaddr *)&progress->to, progress->to_len);
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

	if (progress->fd < 0 || clock_ms() - progress->last_ms < INTERVAL_MS)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	flatten(text);
	send_status(progress, text);
}

void progress_close(struct progress *progress)
{
	if (progress->fd >= 0)
		close(progress->fd);
	progress->fd = -1;
}
