#include "modules/coder-agent/verified.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* All numbers of the record, by name. Unsigned ones are stored as they are: 2^63 inodes are enough.
 */
static const struct {
	const char *name;
	size_t offset;
} numbers[] = {
	{"size", offsetof(struct verified, size)},
	{"inode", offsetof(struct verified, inode)},
	{"mtime", offsetof(struct verified, mtime_sec)},
	{"mtime-nsec", offsetof(struct verified, mtime_nsec)},
	{"ctime", offsetof(struct verified, ctime_sec)},
	{"ctime-nsec", offsetof(struct verified, ctime_nsec)},
};

void verified_take(struct verified *v, const struct stat *st, const char *sha1, const char *version)
{
	struct verified now = {
		.size = (uint64_t)st->st_size,
		.inode = st->st_ino,
		.mtime_sec = st->st_mtim.tv_sec,
		.mtime_nsec = st->st_mtim.tv_nsec,
		.ctime_sec = st->st_ctim.tv_sec,
		.ctime_nsec = st->st_ctim.tv_nsec,
	};

	snprintf(now.sha1, sizeof(now.sha1), "%s", sha1);
	snprintf(now.version, sizeof(now.version), "%s", version);
	now.version[strcspn(now.version, "\n")] = '\0';
	/* Last: sha1 and version may be those of the old record. */
	*v = now;
}

bool verified_matches(const struct verified *v, const struct stat *st)
{
	return S_ISREG(st->st_mode) && v->size == (uint64_t)st->st_size && v->inode == st->st_ino &&
	       v->mtime_sec == st->st_mtim.tv_sec && v->mtime_nsec == st->st_mtim.tv_nsec &&
	       v->ctime_sec == st->st_ctim.tv_sec && v->ctime_nsec == st->st_ctim.tv_nsec;
}

size_t verified_print(const struct verified *v, char text[VERIFIED_TEXT_MAX])
{
	int used = snprintf(text, VERIFIED_TEXT_MAX, "sha1 %s\nversion %s\n", v->sha1, v->version);

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		int64_t value;

		memcpy(&value, (const char *)v + numbers[i].offset, sizeof(value));
		used += snprintf(text + used, VERIFIED_TEXT_MAX - (size_t)used, "%s %" PRId64 "\n",
				 numbers[i].name, value);
	}
	return (size_t)used;
}

/* Where the value of "name value\n" begins, or NULL. */
static const char *find(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (*text) {
		if (strncmp(text, name, len) == 0 && text[len] == ' ')
			return text + len + 1;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return NULL;
}

static bool copy_line(const char *text, const char *name, char *out, size_t size)
{
	const char *value = find(text, name);
	size_t len = value ? strcspn(value, "\n") : 0;

	if (!value || value[len] != '\n' || len >= size)
		return false;
	memcpy(out, value, len);
	out[len] = '\0';
	return true;
}

int verified_parse(const char *text, struct verified *v, struct err *err)
{
	*v = (struct verified){0};
	if (!copy_line(text, "sha1", v->sha1, sizeof(v->sha1)) || !etag_is_sha1(v->sha1) ||
	    !copy_line(text, "version", v->version, sizeof(v->version)))
		return err_set(err, -EBADMSG, "the record of the check is broken");
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		char digits[32], *end = NULL;
		int64_t value;

		if (!copy_line(text, numbers[i].name, digits, sizeof(digits)))
			return err_set(err, -EBADMSG, "the record of the check has no \"%s\"",
				       numbers[i].name);
		errno = 0;
		value = strtoll(digits, &end, 10);
		if (end == digits || *end || errno)
			return err_set(err, -EBADMSG, "the record of the check has a broken \"%s\"",
				       numbers[i].name);
		memcpy((char *)v + numbers[i].offset, &value, sizeof(value));
	}
	return 0;
}
