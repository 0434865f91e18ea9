#include "image/pace.h"

#define SECOND UINT64_C(1000000)
#define AHEAD  (SECOND / 10)
#define BEHIND (SECOND / 4)

bool pace_ahead(const struct pace *pace, uint64_t now)
{
	return pace->limit && pace->due > now + AHEAD;
}

uint64_t pace_wait(const struct pace *pace, uint64_t now)
{
	return pace->limit && pace->due > now ? pace->due - now : 0;
}

void pace_take(struct pace *pace, uint64_t now, size_t len)
{
	if (!pace->limit)
		return;
	if (!pace->due)
		pace->due = now;
	if (pace->due + BEHIND < now)
		pace->due = now - BEHIND;
	/* A piece is far below 2^40 bytes: it cannot overflow. */
	pace->due += len * SECOND / pace->limit;
}
