#include "image/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/file.h"

#define LINE_BYTES  256
#define JOURNAL_MAX (16u << 20)

static int head(const struct archive *archive, char line[LINE_BYTES])
{
	return snprintf(line, LINE_BYTES, "hakim-journal 2 %s %" PRIu64 " %zu\n",
			archive->manifest.text, archive->size, archive->n);
}

/* Whether the first line is this archive's; *len is how long it is. */
static bool begins_right(const char *text, const struct archive *archive, size_t *len)
{
	char line[LINE_BYTES];

	*len = (size_t)head(archive, line);
	return strncmp(text, line, *len) == 0;
}

bool journal_read(const char *text, const struct archive *archive, uint64_t *at)
{
	size_t len;

	if (!begins_right(text, archive, &len))
		return false;
	memset(at, 0, archive->n * sizeof(*at));
	text += len;
	for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		unsigned long long bytes;
		size_t i;
		int used = 0;

		if (sscanf(text, "%zu %llu%n", &i, &bytes, &used) != 2 || text + used != end ||
		    i >= archive->n || bytes > archive->blobs[i].size)
			return true;
		at[i] = bytes;
	}
	return true;
}

bool journal_is_of(const char *path, const struct archive *archive)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	return file_read(path, JOURNAL_MAX, &text, &len, NULL) >= 0 &&
	       begins_right(text, archive, &len);
}

int journal_open(const char *path, const struct archive *archive, bool resume,
		 struct journal *journal, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char line[LINE_BYTES];
	size_t len;
	bool known;

	*journal = (struct journal){.fd = -EBADF, .n = archive->n};
	journal->at = calloc(archive->n, sizeof(*journal->at));
	if (!journal->at)
		return err_set(err, -ENOMEM, "no memory for a journal");
	known = resume && file_read(path, JOURNAL_MAX, &text, &len, NULL) >= 0 &&
		journal_read(text, archive, journal->at);
	/* Not by a rename: who is killed here would leave a file that nobody removes, and half a
	 * first line fits no archive. */
	journal->fd =
		open(path,
		     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (known ? 0 : O_TRUNC),
		     0600);
	if (journal->fd < 0)
		return err_sys(err, -errno, "cannot write %s", path);
	if (known)
		return 0;
	len = (size_t)head(archive, line);
	if (write(journal->fd, line, len) != (ssize_t)len)
		return err_sys(err, -EIO, "cannot write %s", path);
	return 0;
}

void journal_note(struct journal *journal, size_t i, uint64_t bytes)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%zu %" PRIu64 "\n", i, bytes);

	if (write(journal->fd, line, (size_t)len) == len)
		journal->at[i] = bytes;
}

void journal_close(struct journal *journal)
{
	cleanup_close(&journal->fd);
	free(journal->at);
	*journal = (struct journal){.fd = -EBADF};
}
