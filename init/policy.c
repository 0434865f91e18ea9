#include "init/policy.h"

#define MS(n)         ((n)*1000000ull)
#define WINDOW_NS     MS(10000)
#define STABLE_NS     MS(10000)
#define DELAY_MAX_NS  MS(1000)
#define DELAY_LOST_NS MS(5000)

/* Five crashes in ten seconds: true, and the ring is emptied so that the next level has its own
 * five. */
static bool window_full(struct supervise_history *history, uint64_t now_ns)
{
	uint64_t oldest;

	history->crash_ns[history->next] = now_ns;
	history->next = (history->next + 1) % SUPERVISE_WINDOW;
	oldest = history->crash_ns[history->next];
	if (oldest == 0 || now_ns - oldest > WINDOW_NS)
		return false;
	for (unsigned i = 0; i < SUPERVISE_WINDOW; i++)
		history->crash_ns[i] = 0;
	return true;
}

struct supervise_decision supervise_next(struct supervise_history *history, enum supervise_end end,
					 uint64_t now_ns, uint64_t lived_ns)
{
	struct supervise_decision d = {0};

	if (lived_ns >= STABLE_NS) {
		history->in_row = 0;
		history->level = 0;
	}
	if (end == SUPERVISE_ON_PURPOSE)
		return d;
	/* A hang takes as long to be found as the window is wide: one before it was stable counts
	 * for five crashes. */
	if (((end == SUPERVISE_HUNG && lived_ns < STABLE_NS) ||
	     (end != SUPERVISE_KILLED && window_full(history, now_ns))) &&
	    history->level < 2)
		history->level++;
	d.fresh = history->level >= 1;
	d.drain = history->level >= 2;
	/* At once the first time, then 1, 2, 4 … ms: a kill or two is not felt, a crash loop costs
	 * next to nothing. */
	if (history->in_row)
		d.delay_ns = history->in_row > 10 ? DELAY_MAX_NS : MS(1) << (history->in_row - 1);
	/* Killed from outside, it did nothing wrong: someone out there is testing us, or the OOM
	 * killer is at work. */
	if (end == SUPERVISE_KILLED && d.delay_ns > MS(20))
		d.delay_ns = MS(20);
	if (d.delay_ns > DELAY_MAX_NS)
		d.delay_ns = DELAY_MAX_NS;
	if (d.drain)
		d.delay_ns = DELAY_LOST_NS;
	history->in_row++;
	return d;
}
