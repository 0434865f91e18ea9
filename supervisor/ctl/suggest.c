#include "supervisor/ctl/suggest.h"

#include <string.h>

#define LEN_MAX 64

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, substitutions, and neighbours that changed
 * places. */
static unsigned distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	unsigned rows[3][LEN_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t k = 0; k <= n_b; k++) {
		before[k] = 0; /* never read in the first round */
		above[k] = (unsigned)k;
	}
	for (size_t i = 1; i <= n_a; i++) {
		unsigned *next = before;

		row[0] = (unsigned)i;
		for (size_t k = 1; k <= n_b; k++) {
			row[k] = least(above[k] + 1, row[k - 1] + 1);
			row[k] = least(row[k], above[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				row[k] = least(row[k], before[k - 2] + 1);
		}
		before = above;
		above = row;
		row = next;
	}
	return above[n_b];
}

const char *suggest(const char *word, const char *candidate, const char *nearest, unsigned *best)
{
	size_t n = strlen(word), n_candidate = strlen(candidate);
	unsigned d;

	if (n < 2 || n > LEN_MAX || n_candidate > LEN_MAX)
		return nearest;
	d = distance(word, n, candidate, n_candidate);
	/* What is begun well is as good as one slip. */
	if (n >= 3 && n_candidate > n && memcmp(word, candidate, n) == 0)
		d = 1;
	/* A third of the word may be wrong, at most three letters. */
	if (d > 3 || d > (n + 2) / 3 || d >= *best)
		return nearest;
	*best = d;
	return candidate;
}
