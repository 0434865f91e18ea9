#include "image/retry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

bool retry_status(long status)
{
	return status == 408 || status == 429 || (status >= 500 && status != 501);
}

int64_t retry_after(const char *value, int64_t now)
{
	char *end;
	double seconds;
	time_t date;

	value += strspn(value, " \t");
	if (strspn(value, "0123456789") > 0) {
		seconds = strtod(value, &end);
		end += strspn(end, " \t");
		/* A unit behind it is Go's: "880.092µs", "12ms". "1m30s" is not worth more than
		 * that it is a wait. */
		if (strncmp(end, "ms", 2) == 0 || strncmp(end, "\xc2\xb5s", 3) == 0 ||
		    strncmp(end, "us", 2) == 0 || strncmp(end, "ns", 2) == 0)
			return 1;
		if (*end == 'm')
			seconds *= 60;
		else if (*end && *end != 's')
			return -1;
		if (!(seconds >= 1))
			return 1;
		return seconds > 1e9 ? 1000000000 : (int64_t)ceil(seconds);
	}
	date = curl_getdate(value, NULL);
	if (date < 0)
		return -1;
	return date - now < 1 ? 1 : date - now;
}

unsigned retry_wait(unsigned attempt, int64_t after, uint32_t random)
{
	unsigned base = attempt > 5 ? 30000 : 500u << attempt;
	unsigned wait = base > 30000 ? 30000 : base;

	wait += random % (wait / 4 + 1);
	if (after >= 0 && after <= RETRY_AFTER_MAX && (uint64_t)after * 1000 > wait)
		wait = (unsigned)after * 1000 + random % 1000;
	return wait;
}
