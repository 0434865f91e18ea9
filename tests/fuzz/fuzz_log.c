/*
 * Logs that are damaged, as `hakimctl logs` and ReadyLog= read them. The parts are its files, the
 * oldest first.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/logread.h"
#include "supervisor/ctl/logrecord.h"
#include "supervisor/ctl/logwalk.h"
#include "supervisor/ctl/when.h"
#include "supervisor/journal_match.h"
#include "tests/fuzz/fuzz.h"

#define FILES 4

static void show(const char *line, size_t len)
{
	struct log_record record = record_parse(line, len);

	FUZZ_MUST(record.text <= len && record.line == line);
	FUZZ_MUST(record.level == RECORD_UNKNOWN || (record.level >= 0 && record.level <= 7));
	for (int format = LOG_AS_IT_IS; format <= LOG_JSON; format++) {
		const struct log_style style = {
			.format = (enum log_format)format, .named = true, .terminal = true};
		struct log_text out = {0};

		record_show(&out, &style, &record, "x.service");
		FUZZ_MUST(out.failed || (out.len && out.data[out.len - 1] == '\n'));
		log_text_free(&out);
	}
}

/* How many lines, and of how many bytes. */
static size_t walk(int *fds, size_t n, bool back, size_t *bytes)
{
	struct log_walk walk = {0};
	struct err err = {0};
	const char *line;
	size_t len, lines = 0;
	int r = log_walk_begin(&walk, fds, n, false, &err);

	*bytes = 0;
	if (r >= 0 && back)
		walk.at = walk.end;
	while (r >= 0 && (r = back ? log_walk_prev(&walk, &line, &len, &err)
				   : log_walk_next(&walk, &line, &len, &err)) > 0) {
		FUZZ_MUST(!memchr(line, '\n', len));
		if (!back)
			show(line, len);
		lines++;
		*bytes += len;
	}
	log_walk_free(&walk);
	return r < 0 ? SIZE_MAX : lines;
}

/* Nothing that is printed may control a terminal. */
static void terminal(const char *text, size_t len)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	struct log_out out = {.fd = fd, .terminal = true};
	struct err err;
	char *bytes = calloc(1, 2 * len + 64);
	ssize_t n;

	FUZZ_MUST(fd >= 0 && bytes);
	log_out_write(&out, text, len / 2, &err);
	log_out_write(&out, text + len / 2, len - len / 2, &err);
	log_out_end(&out, &err);
	n = pread(fd, bytes, 2 * len + 63, 0);
	for (ssize_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '\033')
			FUZZ_MUST(bytes[i + 1] == '[');
		else if (c == '\r')
			FUZZ_MUST(bytes[i + 1] == '\n');
		else if (c == 0xc2)
			FUZZ_MUST((unsigned char)bytes[i + 1] < 0x80 ||
				  (unsigned char)bytes[i + 1] >= 0xa0);
		else
			FUZZ_MUST(c == '\n' || c == '\t' || (c >= ' ' && c != 0x7f));
	}
	close(fd);
	free(bytes);
}

static void match(int fd, size_t len)
{
	static const struct timespec since = {.tv_sec = 1764000000};
	struct pattern *pattern = NULL;
	struct log_match *m;
	struct err err;

	FUZZ_MUST(pattern_parse("/ready.*[0-9]+$/", &pattern, &err) >= 0);
	m = log_match_new(pattern, &since);
	FUZZ_MUST(m);
	log_match_file(m, fd, (off_t)len);
	log_match_free(m);
}

FUZZ_TARGET(log)
{
	int fds[FILES];
	size_t n = 0, rest = len, forth, back, forth_bytes, back_bytes;
	const char *at = text;
	struct fuzz_part part;
	struct log_spot spot;
	struct err err;

	terminal(text, len);
	when_of_line(text, len);
	while (n < FILES && fuzz_next(&at, &rest, &part)) {
		/* A compressed file may be of gigabytes when it is unpacked. */
		if (part.len > 200 && memcmp(part.text, "\x28\xb5\x2f\xfd", 4) == 0)
			part.len = 200;
		memmove(fds + 1, fds, n * sizeof(int));
		fds[0] = memfd_create("log", MFD_CLOEXEC);
		FUZZ_MUST(fds[0] >= 0 && write(fds[0], part.text, part.len) == (ssize_t)part.len);
		match(fds[0], part.len);
		n++;
	}
	log_find(fds, n, 3, &spot, &err);
	log_find_since(fds, n, 1764000000000000, &spot, &err);
	forth = walk(fds, n, false, &forth_bytes);
	back = walk(fds, n, true, &back_bytes);
	/* The same lines, from either end. */
	if (forth != SIZE_MAX && back != SIZE_MAX)
		FUZZ_MUST(forth == back && forth_bytes == back_bytes);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}
