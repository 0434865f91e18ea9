#include "init/plain_words.h"

#include <unistd.h>

/* # is the number a, @ the number b, $ a text and % what more there is. */
struct words {
	int8_t level; /* said from this verbosity on */
	const char *text;
};

/* As tini counts them: 1 warnings, 2 what happens to the program, 3 signals, 4 everything. */
static const struct words ours[PLAIN_EVENTS] = {
	[PLAIN_CANNOT_RUN] = {0, "exec $ failed: %"},
	[PLAIN_CANNOT_FORK] = {0, "fork failed: %"},
	[PLAIN_NO_REAPER] = {1, "neither PID 1 nor a subreaper: orphans go elsewhere, and zombie "
				"reaping won't work (-s or TINI_SUBREAPER makes a subreaper)"},
	[PLAIN_NO_TERMINAL] = {3, "no terminal to hand on: %"},
	[PLAIN_SPAWNED] = {2, "the program is pid #"},
	[PLAIN_SIGNAL] = {3, "Received signal #"},
	[PLAIN_CHILD] = {3, "Received SIGCHLD"},
	[PLAIN_DROPPED] = {3, "signal # is not passed on"},
	[PLAIN_PASSED] = {4, "signal # was passed on"},
	[PLAIN_REFUSED] = {1, "signal # could not be passed on: %"},
	[PLAIN_EXITED] = {3, "pid # has ended with status @"},
	[PLAIN_KILLED] = {3, "pid # was ended by signal @"},
	[PLAIN_ORPHAN] = {1, "Reaped zombie process with pid=#"},
	[PLAIN_END] = {2, "the program has ended, and so do we, with status #"},
};

static const struct words dumb_init[PLAIN_EVENTS] = {
	[PLAIN_CANNOT_RUN] = {0, "$: %"},
	[PLAIN_CANNOT_FORK] = {0, "Unable to fork: %"},
	[PLAIN_DETACHED] = {1, "Detached from controlling tty."},
	[PLAIN_NO_TERMINAL] = {1, "no terminal to hand on: %"},
	[PLAIN_SESSION] = {1, "setsid complete."},
	[PLAIN_SPAWNED] = {1, "Child spawned with PID #."},
	[PLAIN_SIGNAL] = {1, "Received signal #."},
	[PLAIN_CHILD] = {1, "Received signal #."},
	[PLAIN_REWRITTEN] = {1, "Translating signal # to @."},
	[PLAIN_DROPPED] = {1, "Not forwarding signal # to children (ignored)."},
	[PLAIN_PASSED] = {1, "Forwarded signal # to children."},
	[PLAIN_REFUSED] = {1, "Signal # could not be forwarded: %"},
	[PLAIN_HANDED] = {1, "Ignoring tty hand-off signal #."},
	[PLAIN_SUSPEND] = {1, "Suspending self due to TTY signal."},
	[PLAIN_EXITED] = {1, "A child with PID # exited with exit status @."},
	[PLAIN_KILLED] = {1, "A child with PID # was terminated by signal @."},
	[PLAIN_END] = {1, "Child exited with status #. Goodbye."},
};

/* "[WARN  tini (7)] ", as those who search logs for it expect. */
static void add_head(struct line *line, enum like like, int level)
{
	static const char *const levels[] = {"FATAL", "WARN ", "INFO ", "DEBUG", "TRACE"};

	if (like == LIKE_HAKIM) {
		line_add(line, "hakim-init: ");
		return;
	}
	if (like == LIKE_DUMB_INIT) {
		line_add(line, "[dumb-init] ");
		return;
	}
	line_add(line, "[");
	line_add(line, levels[level]);
	line_add(line, " tini (");
	line_add_u64(line, (uint64_t)getpid());
	line_add(line, ")] ");
}

static void say(struct plain_voice *voice, enum plain_event event, const int numbers[2],
		const char *text, const char *more)
{
	enum like like = voice->how->like;
	const struct words *words = like == LIKE_DUMB_INIT ? &dumb_init[event] : &ours[event];
	struct line line = {.len = 0};

	if (!words->text || (words->level && voice->how->verbosity < words->level))
		return;
	if (!voice->opened)
		console_open(&voice->console);
	voice->opened = true;
	add_head(&line, like, words->level);
	for (const char *at = words->text; *at; at++) {
		char one[2] = {*at, '\0'};

		if (*at == '#' || *at == '@')
			line_add_u64(&line, (uint64_t)numbers[*at == '@']);
		else
			line_add(&line, *at == '$' ? text : *at == '%' ? more : one);
	}
	console_line(&voice->console, &line);
}

void plain_say(struct plain_voice *voice, enum plain_event event, int a, int b)
{
	const int numbers[2] = {a, b};

	say(voice, event, numbers, NULL, NULL);
}

void plain_say_text(struct plain_voice *voice, enum plain_event event, const char *text,
		    const char *more)
{
	const int numbers[2] = {0, 0};

	say(voice, event, numbers, text, more);
}
