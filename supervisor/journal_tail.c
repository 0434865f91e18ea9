#include "supervisor/journal_tail.h"

#include <string.h>

void tail_push(struct tail *tail, const char *data, size_t len)
{
	size_t keep = tail->len;

	if (len > TAIL_SIZE) {
		data += len - TAIL_SIZE;
		len = TAIL_SIZE;
		keep = 0;
		tail->cut = true;
	} else if (keep > TAIL_SIZE - len) {
		keep = TAIL_SIZE - len;
		tail->cut = true;
	}
	memmove(tail->data, tail->data + tail->len - keep, keep);
	memcpy(tail->data + keep, data, len);
	tail->len = keep + len;
}

size_t tail_lines(const struct tail *tail, char *buf, size_t size)
{
	const char *end = memrchr(tail->data, '\n', tail->len);
	const char *at = end, *start = NULL;

	if (!size)
		return 0;
	buf[0] = '\0';
	/* One more line at a time, from the end, as long as it is whole and fits. */
	while (at) {
		const char *nl = memrchr(tail->data, '\n', (size_t)(at - tail->data));
		const char *line = nl ? nl + 1 : tail->data;

		if ((!nl && tail->cut) || (size_t)(end - line) >= size)
			break;
		start = line;
		at = nl;
	}
	if (!start)
		return 0;
	size = (size_t)(end - start);
	memcpy(buf, start, size);
	buf[size] = '\0';
	for (char *nul = memchr(buf, '\0', size); nul;
	     nul = memchr(nul, '\0', size - (size_t)(nul - buf)))
		*nul = '?';
	return size;
}
