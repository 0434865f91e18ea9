/*
 * journal_help.h - what the tests of the journal share: a directory to throw away, and a log read
 * back as the bytes that the service wrote. Include it after cmocka.h.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/journal_record.h"

struct text {
	char *data;
	size_t len;
};

static inline void text_add(struct text *t, const void *data, size_t len)
{
	t->data = realloc(t->data, t->len + len + 1);
	assert_non_null(t->data);
	memcpy(t->data + t->len, data, len);
	t->len += len;
	t->data[t->len] = '\0';
}

static inline void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}

static inline void dir_make(char *path, size_t size)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(path, size, "%s/journal-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(path));
}

static inline void dir_empty(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			assert_return_code(unlinkat(dirfd(d), e->d_name, 0), errno);
	closedir(d);
}

static inline void dir_remove(const char *path)
{
	dir_empty(path);
	rmdir(path);
}

/* False when there is no such file. */
static inline bool file_read(const char *dir, const char *name, struct text *t)
{
	char path[PATH_MAX + NAME_MAX], buf[65536];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		text_add(t, buf, (size_t)n);
	assert_return_code(n, errno);
	close(fd);
	return true;
}

static inline void file_write(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX + NAME_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline bool is_stamp(const char *s, size_t len)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddZ ";

	if (len < STAMP_LEN)
		return false;
	for (size_t i = 0; i < STAMP_LEN; i++)
		if (shape[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i])
			return false;
	return true;
}

/* `want` NULL: there is no such file. */
static inline void assert_file(const char *dir, const char *name, const char *want)
{
	struct text t = {0};

	assert_int_equal(file_read(dir, name, &t), want != NULL);
	if (want)
		assert_string_equal(t.data ? t.data : "", want);
	text_free(&t);
}

/* Takes the stamps of stdout off, each line must have one; and puts together what "+" goes on with.
 */
static inline void text_strip(const struct text *records, struct text *lines)
{
	size_t at = 0;

	while (at < records->len) {
		const char *line = records->data + at;
		const char *nl = memchr(line, '\n', records->len - at);
		size_t n = nl ? (size_t)(nl - line) + 1 : records->len - at;

		bool more = n > STAMP_LEN && line[STAMP_LEN - 1] == '+' && line[STAMP_LEN] == ' ';
		char stamp[STAMP_LEN];

		if (n >= STAMP_LEN)
			memcpy(stamp, line, STAMP_LEN);
		if (more)
			stamp[STAMP_LEN - 1] = ' ';
		if (!is_stamp(stamp, n))
			fail_msg("no stamp at byte %zu: %.60s", at, line);
		if (more && lines->len)
			lines->len--;
		text_add(lines, line + STAMP_LEN + more, n - STAMP_LEN - more);
		at += n;
	}
}

/* What the service wrote, from all files of its log, the oldest first. */
static inline void log_read(const char *dir, const char *name, struct text *lines)
{
	struct text records = {0};
	char file[NAME_MAX];

	for (int i = 30; i >= 0; i--) {
		snprintf(file, sizeof(file), i ? "%s.log.%d" : "%s.log", name, i);
		if (file_read(dir, file, &records))
			text_strip(&records, lines);
		text_free(&records);
	}
}

static inline void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static inline uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Until `condition` holds; a failed test after 10 s. */
#define wait_for(condition)                          \
	do {                                         \
		uint64_t by_ = now_ms() + 10000;     \
		while (!(condition)) {               \
			assert_true(now_ms() < by_); \
			usleep(200);                 \
		}                                    \
	} while (0)
