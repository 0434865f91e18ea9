#include "modules/coder-agent/backoff.h"

uint32_t backoff_next(struct backoff *backoff, uint32_t dice)
{
	/* 2^5 s are more than the maximum already. */
	unsigned doublings = backoff->failures < 5 ? backoff->failures : 5;
	uint32_t delay = BACKOFF_FIRST_MS << doublings;

	backoff->failures++;
	if (delay > BACKOFF_MAX_MS)
		delay = BACKOFF_MAX_MS;
	delay = delay - delay / 4 + dice % (delay / 2 + 1);
	return delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS;
}
