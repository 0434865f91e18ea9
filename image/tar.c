#include "image/tar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define BLOCK 512u

/* Where the fields of a header are (tar(5) of libarchive has all the formats). */
struct field {
	size_t at, len;
};
static const struct field NAME = {0, 100}, UID = {108, 8}, GID = {116, 8}, SIZE = {124, 12},
			  CHECKSUM = {148, 8}, LINK = {157, 100}, PREFIX = {345, 155};
#define TYPE                  156
#define MAGIC                 257
#define SPARSE_MORE           482 /* in the header of a sparse file of GNU */
#define SPARSE_MORE_IN_A_MORE 504

enum tar_state {
	TAR_HEADER = 0,
	TAR_SPARSE,  /* blocks of a sparse file's map, before its content */
	TAR_META,    /* what belongs to the next header */
	TAR_CONTENT, /* of an entry */
	TAR_PADDING, /* to the next block */
	TAR_DONE,    /* after two blocks of zeros; the rest is no part of it */
};

/* What a header before the header said. */
struct tar_extra {
	char *name, *link;
	bool has_uid, has_gid, has_size;
	uint64_t uid, gid, size;
};

struct tar {
	tar_entry_fn *entry;
	tar_content_fn *content;
	void *arg;
	enum tar_state state;
	unsigned char block[BLOCK];
	size_t filled;
	unsigned zeros;   /* blocks of zeros in a row */
	uint64_t left;    /* bytes of content or meta that are to come */
	unsigned padding; /* and then bytes to the next block */
	bool wanted;
	char meta_type;
	char *meta; /* NUL-terminated when it is whole */
	size_t meta_len;
	struct tar_extra extra;
};

struct tar *tar_new(tar_entry_fn *entry, tar_content_fn *content, void *arg)
{
	struct tar *tar = calloc(1, sizeof(*tar));

	if (!tar)
		return NULL;
	tar->entry = entry;
	tar->content = content;
	tar->arg = arg;
	return tar;
}

static void forget_extra(struct tar *tar)
{
	free(tar->extra.name);
	free(tar->extra.link);
	tar->extra = (struct tar_extra){0};
}

void tar_freep(struct tar **tar)
{
	if (!*tar)
		return;
	forget_extra(*tar);
	free((*tar)->meta);
	free(*tar);
	*tar = NULL;
}

static int bad(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "it is no tar archive: %s", what);
}

/* ---- numbers ---- */

static int read_base_256(const unsigned char *at, size_t len, uint64_t *number)
{
	*number = at[0] & 0x3f;
	/* Bit 6 is the sign. */
	if (at[0] & 0x40)
		return -EBADMSG;
	for (size_t i = 1; i < len; i++) {
		if (*number >> 55)
			return -EBADMSG;
		*number = *number << 8 | at[i];
	}
	return 0;
}

static int read_number(const struct tar *tar, struct field field, uint64_t *number)
{
	const unsigned char *at = tar->block + field.at, *end = at + field.len;

	*number = 0;
	if (*at & 0x80)
		return read_base_256(at, field.len, number);
	while (at < end && *at == ' ')
		at++;
	for (; at < end && *at >= '0' && *at <= '7'; at++)
		*number = *number * 8 + (uint64_t)(*at - '0');
	return at == end || *at == ' ' || *at == '\0' ? 0 : -EBADMSG;
}

static int read_decimal(const char *text, uint64_t *number)
{
	*number = 0;
	if (!*text)
		return -EBADMSG;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || *number > (UINT64_MAX - 9) / 10)
			return -EBADMSG;
		*number = *number * 10 + (uint64_t)(*text - '0');
	}
	return 0;
}

/* Some writers of old summed up signed bytes. */
static bool checksum_fits(const struct tar *tar)
{
	uint64_t wanted;
	uint64_t sum = 0;
	int64_t with_sign = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		bool own = i >= CHECKSUM.at && i < CHECKSUM.at + CHECKSUM.len;
		unsigned char c = own ? ' ' : tar->block[i];

		sum += c;
		with_sign += (signed char)c;
	}
	return read_number(tar, CHECKSUM, &wanted) == 0 &&
	       (wanted == sum || (int64_t)wanted == with_sign);
}

/* ---- pax ---- */

static int keep_text(char **to, const char *value, struct err *err)
{
	free(*to);
	*to = strdup(value);
	return *to ? 0 : err_set(err, -ENOMEM, "no memory for a header");
}

static int keep_number(bool *has, uint64_t *to, const char *value, struct err *err)
{
	*has = true;
	return read_decimal(value, to) < 0 ? bad(err, "a number of a pax header is none") : 0;
}

static int keep_record(struct tar_extra *extra, const char *key, const char *value, struct err *err)
{
	if (strcmp(key, "path") == 0)
		return keep_text(&extra->name, value, err);
	if (strcmp(key, "linkpath") == 0)
		return keep_text(&extra->link, value, err);
	if (strcmp(key, "uid") == 0)
		return keep_number(&extra->has_uid, &extra->uid, value, err);
	if (strcmp(key, "gid") == 0)
		return keep_number(&extra->has_gid, &extra->gid, value, err);
	if (strcmp(key, "size") == 0)
		return keep_number(&extra->has_size, &extra->size, value, err);
	return 0;
}

/* Lines `LENGTH KEY=VALUE`, where the length is that of the line with its newline. */
static int read_pax(struct tar *tar, struct err *err)
{
	char *at = tar->meta, *end = tar->meta + tar->meta_len;

	while (at < end) {
		uint64_t len;
		char *space = memchr(at, ' ', (size_t)(end - at));
		char *equals, *last;
		int r;

		if (!space)
			return bad(err, "a pax header is no list of records");
		*space = '\0';
		if (read_decimal(at, &len) < 0 || len > (uint64_t)(end - at) ||
		    at + len <= space + 1 || at[len - 1] != '\n')
			return bad(err, "a record of a pax header has a wrong length");
		last = at + len - 1;
		*last = '\0';
		equals = memchr(space + 1, '=', (size_t)(last - space - 1));
		if (!equals)
			return bad(err, "a record of a pax header has no value");
		*equals = '\0';
		r = keep_record(&tar->extra, space + 1, equals + 1, err);
		if (r < 0)
			return r;
		at = last + 1;
	}
	return 0;
}

static int read_meta(struct tar *tar, struct err *err)
{
	int r = 0;

	tar->meta[tar->meta_len] = '\0';
	if (tar->meta_type == 'x')
		r = read_pax(tar, err);
	else
		r = keep_text(tar->meta_type == 'L' ? &tar->extra.name : &tar->extra.link,
			      tar->meta, err);
	free(tar->meta);
	tar->meta = NULL;
	return r;
}

/* ---- headers ---- */

static void copy_field(const struct tar *tar, struct field field, char *to)
{
	memcpy(to, tar->block + field.at, field.len);
	to[field.len] = '\0';
}

/* The name of a ustar header may be in two parts; GNU has other things there. */
static void read_name(const struct tar *tar, char name[300])
{
	char first[156] = "", last[101];

	copy_field(tar, NAME, last);
	if (memcmp(tar->block + MAGIC, "ustar\0", 6) == 0)
		copy_field(tar, PREFIX, first);
	snprintf(name, 300, "%s%s%s", first, *first ? "/" : "", last);
}

static void expect(struct tar *tar, enum tar_state state, uint64_t size)
{
	tar->state = state;
	tar->left = size;
	tar->padding = (unsigned)(-size % BLOCK);
}

/* Where there is nothing more to come, on to the next. */
static int advance(struct tar *tar, struct err *err)
{
	int r = 0;

	if (tar->state == TAR_META && tar->left == 0) {
		r = read_meta(tar, err);
		tar->state = TAR_PADDING;
	}
	if (tar->state == TAR_CONTENT && tar->left == 0)
		tar->state = TAR_PADDING;
	if (tar->state == TAR_PADDING && tar->padding == 0)
		tar->state = TAR_HEADER;
	return r;
}

static int begin_meta(struct tar *tar, char type, uint64_t size, struct err *err)
{
	if (size > TAR_META_MAX)
		return bad(err, "a header is bigger than 1 MiB");
	free(tar->meta);
	tar->meta = malloc(size + 1);
	tar->meta_len = 0;
	if (!tar->meta)
		return err_set(err, -ENOMEM, "no memory for a header");
	tar->meta_type = type;
	expect(tar, TAR_META, size);
	return advance(tar, err);
}

static int begin_entry(struct tar *tar, char type, uint64_t size, struct err *err)
{
	char name[300], link[101];
	struct tar_entry entry = {.type = type};
	const struct tar_extra *extra = &tar->extra;
	bool sparse = type == 'S' && tar->block[SPARSE_MORE];
	int r;

	if (!type)
		entry.type = '0';
	if (read_number(tar, UID, &entry.uid) < 0 || read_number(tar, GID, &entry.gid) < 0)
		return bad(err, "an owner is no number");
	read_name(tar, name);
	copy_field(tar, LINK, link);
	entry.name = extra->name ? extra->name : name;
	entry.link = extra->link ? extra->link : link;
	if (extra->has_uid)
		entry.uid = extra->uid;
	if (extra->has_gid)
		entry.gid = extra->gid;
	if (extra->has_size)
		size = extra->size;
	if (size > INT64_MAX)
		return bad(err, "a size is impossible");
	/* Links, devices, directories and pipes have no content, whatever their size says. */
	if (entry.type >= '1' && entry.type <= '6')
		size = 0;
	entry.size = size;
	r = tar->entry(tar->arg, &entry, err);
	forget_extra(tar);
	if (r < 0)
		return r;
	tar->wanted = r == 1;
	expect(tar, TAR_CONTENT, size);
	if (sparse)
		tar->state = TAR_SPARSE;
	return advance(tar, err);
}

static bool is_zero(const unsigned char *block)
{
	for (size_t i = 0; i < BLOCK; i++)
		if (block[i])
			return false;
	return true;
}

static int read_header(struct tar *tar, struct err *err)
{
	char type = (char)tar->block[TYPE];
	uint64_t size;

	if (is_zero(tar->block)) {
		if (++tar->zeros == 2)
			tar->state = TAR_DONE;
		return 0;
	}
	tar->zeros = 0;
	if (!checksum_fits(tar))
		return bad(err, "the sum of a header is wrong");
	if (read_number(tar, SIZE, &size) < 0 || size > INT64_MAX)
		return bad(err, "a size is no number");
	switch (type) {
	case 'x':
	case 'L':
	case 'K':
		return begin_meta(tar, type, size, err);
	case 'g':
		/* For the whole archive; readers of layers pass it over. */
		tar->wanted = false;
		expect(tar, TAR_CONTENT, size);
		return advance(tar, err);
	default:
		return begin_entry(tar, type, size, err);
	}
}

/* ---- bytes ---- */

static size_t take(struct tar *tar, const unsigned char *bytes, size_t len)
{
	size_t n = tar->left < len ? (size_t)tar->left : len;

	if (tar->state == TAR_META) {
		memcpy(tar->meta + tar->meta_len, bytes, n);
		tar->meta_len += n;
	} else if (tar->wanted) {
		tar->content(tar->arg, bytes, n);
	}
	tar->left -= n;
	return n;
}

static size_t fill(struct tar *tar, const unsigned char *bytes, size_t len)
{
	size_t n = BLOCK - tar->filled < len ? BLOCK - tar->filled : len;

	memcpy(tar->block + tar->filled, bytes, n);
	tar->filled += n;
	return n;
}

static int block_is_there(struct tar *tar, struct err *err)
{
	tar->filled = 0;
	if (tar->state == TAR_HEADER)
		return read_header(tar, err);
	if (!tar->block[SPARSE_MORE_IN_A_MORE])
		tar->state = TAR_CONTENT;
	return advance(tar, err);
}

int tar_add(struct tar *tar, const void *data, size_t len, struct err *err)
{
	const unsigned char *bytes = data;
	int r = 0;

	while (len > 0 && r >= 0 && tar->state != TAR_DONE) {
		size_t n;

		switch (tar->state) {
		case TAR_META:
		case TAR_CONTENT:
			n = take(tar, bytes, len);
			r = advance(tar, err);
			break;
		case TAR_PADDING:
			n = tar->padding < len ? tar->padding : len;
			tar->padding -= (unsigned)n;
			r = advance(tar, err);
			break;
		default:
			n = fill(tar, bytes, len);
			if (tar->filled == BLOCK)
				r = block_is_there(tar, err);
			break;
		}
		bytes += n;
		len -= n;
	}
	return r;
}

int tar_end(const struct tar *tar, struct err *err)
{
	bool cut = tar->filled > 0 || (tar->state != TAR_HEADER && tar->state != TAR_DONE &&
				       tar->state != TAR_PADDING);

	return cut ? err_set(err, -EBADMSG, "it is a tar archive that is cut") : 0;
}
