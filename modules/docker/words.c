#include "modules/docker/words.h"

#include <stdio.h>
#include <string.h>

static const char *last(const char *text, const char *what)
{
	const char *found = NULL;

	for (const char *at = text; (at = strstr(at, what)); at++)
		found = at;
	return found;
}

/* moby, daemon/command/daemon.go: "failed to start daemon: …", in front of what daemon.NewDaemon()
 * says. */
enum words words_read(const char *log, char *why, size_t size)
{
	static const struct {
		const char *part;
		enum words words;
	} parts[] = {
		{"network controller", WORDS_NETWORK}, {"iptables", WORDS_NETWORK},
		{"nftables", WORDS_NETWORK},           {"bridge", WORDS_NETWORK},
		{"graphdriver", WORDS_DRIVER},         {"storage-driver", WORDS_DRIVER},
		{"storage driver", WORDS_DRIVER},      {"snapshotter", WORDS_DRIVER},
	};
	static const char *const begins[] = {"failed to start daemon: ", "unable to configure the ",
					     "level=fatal msg="};
	const char *run = last(log, WORDS_BEGIN), *said = NULL;

	*why = '\0';
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]) && !said; i++) {
		said = last(run ? run : log, begins[i]);
		if (said && i != 1)
			said += strlen(begins[i]);
	}
	if (!said)
		return WORDS_NONE;
	snprintf(why, size, "%.*s", (int)strcspn(said, "\n"), said);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcasestr(why, parts[i].part))
			return parts[i].words;
	return WORDS_OTHER;
}
