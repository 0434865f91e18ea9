#include "init/stop.h"

struct transition {
	enum stop_phase to;
	unsigned actions;
};

#define ASK_ALL (STOP_ACT_TELL | STOP_ACT_PROGRAM)

/* A pair that is not named stays where it is and does nothing; the test walks all of them. */
static const struct transition table[STOP_PHASES][STOP_EVENTS] = {
	[STOP_NONE] =
		{
			[STOP_EVENT_REQUEST] = {STOP_ORDERED, ASK_ALL},
			[STOP_EVENT_PROGRAM_ENDED] = {STOP_ORDERED, STOP_ACT_TELL},
		},
	[STOP_ORDERED] =
		{
			[STOP_EVENT_REQUEST] = {STOP_TERM, STOP_ACT_TERM_ALL | STOP_ACT_SHORTEN},
			[STOP_EVENT_PROGRAM_ENDED] = {STOP_ORDERED, 0},
			[STOP_EVENT_ORDERED_DONE] = {STOP_TERM, STOP_ACT_TERM_ALL},
			[STOP_EVENT_LOST] = {STOP_TERM, STOP_ACT_TERM_ALL | STOP_ACT_LONG_TERM},
			[STOP_EVENT_TIMEOUT] = {STOP_TERM, STOP_ACT_TERM_ALL},
			[STOP_EVENT_EMPTY] = {STOP_DONE, 0},
		},
	[STOP_TERM] =
		{
			[STOP_EVENT_REQUEST] = {STOP_KILL, STOP_ACT_KILL_ALL},
			[STOP_EVENT_PROGRAM_ENDED] = {STOP_TERM, 0},
			[STOP_EVENT_ORDERED_DONE] = {STOP_TERM, 0},
			[STOP_EVENT_LOST] = {STOP_TERM, 0},
			[STOP_EVENT_TIMEOUT] = {STOP_KILL, STOP_ACT_KILL_ALL},
			[STOP_EVENT_EMPTY] = {STOP_DONE, 0},
		},
	[STOP_KILL] =
		{
			[STOP_EVENT_REQUEST] = {STOP_KILL, STOP_ACT_KILL_ALL},
			[STOP_EVENT_PROGRAM_ENDED] = {STOP_KILL, 0},
			[STOP_EVENT_ORDERED_DONE] = {STOP_KILL, 0},
			[STOP_EVENT_LOST] = {STOP_KILL, 0},
			[STOP_EVENT_TIMEOUT] = {STOP_DONE, 0},
			[STOP_EVENT_EMPTY] = {STOP_DONE, 0},
		},
	[STOP_DONE] =
		{
			[STOP_EVENT_REQUEST] = {STOP_DONE, 0},
			[STOP_EVENT_PROGRAM_ENDED] = {STOP_DONE, 0},
			[STOP_EVENT_ORDERED_DONE] = {STOP_DONE, 0},
			[STOP_EVENT_LOST] = {STOP_DONE, 0},
			[STOP_EVENT_TIMEOUT] = {STOP_DONE, 0},
			[STOP_EVENT_EMPTY] = {STOP_DONE, 0},
		},
};

enum stop_phase stop_step(enum stop_phase phase, enum stop_event event, unsigned *actions)
{
	const struct transition *t = &table[phase][event];

	*actions = t->actions;
	return t->to;
}
