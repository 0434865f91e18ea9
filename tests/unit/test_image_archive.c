/* The archive's layout, its journal, and layers that are unpacked to be checked. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "common/cleanup.h"
#include "image/archive.h"
#include "image/file.h"
#include "image/journal.h"
#include "image/partial.h"
#include "image/unpack.h"

static struct err err;
static char dir[] = "/tmp/hakim-archive-XXXXXX";
static char path[64];

static struct layer layer(const char *content)
{
	struct layer l = {.descriptor.size = strlen(content)};

	digest_of(DIGEST_SHA256, content, strlen(content), &l.descriptor.digest, &err);
	return l;
}

static void plan(struct archive *archive)
{
	struct layer layers[] = {layer("first layer"), layer("b"), layer("first layer")};
	struct manifest manifest = {.layers = layers, .n = 3, .config = layer("conf").descriptor};
	struct digest digest;

	digest_of(DIGEST_SHA256, "manifest", 8, &digest, &err);
	assert_int_equal(archive_plan(&manifest, &digest, 8, archive, &err), 0);
}

static void every_offset_is_known_before(void **state)
{
	_cleanup_(archive_free) struct archive archive = {0};
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct archive_entry entry;
	char names[2000] = "";
	uint64_t at = 0;
	size_t blobs = 0;

	plan(&archive);
	/* The layer that is there twice is one blob. */
	assert_int_equal(archive.n, 4);
	assert_int_equal(ftruncate(fd, (off_t)archive.size), 0);
	assert_int_equal(archive_frame(&archive, fd), 0);
	while (archive_next(fd, &at, &entry) == 1) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%.20s ", entry.name);
		if (entry.type == '0' && strlen(entry.name) > 20) {
			assert_int_equal(entry.offset, archive.blobs[blobs].offset);
			assert_int_equal(entry.size, archive.blobs[blobs].size);
			assert_string_equal(entry.name + 13,
					    digest_hex(&archive.blobs[blobs].digest));
			blobs++;
		}
	}
	assert_int_equal(blobs, 4);
	assert_int_equal(at + 1024, archive.size);
	assert_memory_equal(names, "blobs/ blobs/sha256/ blobs/sha256/", 34);
	assert_string_equal(names + strlen(names) - 22, "index.json oci-layout ");
}

static void what_is_no_archive_is_told(void **state)
{
	_cleanup_(archive_free) struct archive archive = {0};
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct archive_entry entry;
	uint64_t at = 0;

	assert_int_equal(archive_next(fd, &at, &entry), -EBADMSG);
	plan(&archive);
	assert_int_equal(ftruncate(fd, (off_t)archive.size), 0);
	assert_int_equal(archive_frame(&archive, fd), 0);
	assert_int_equal(file_pwrite(fd, "x", 1, 3), 0);
	assert_int_equal(archive_next(fd, &at, &entry), -EBADMSG);
	assert_int_equal(ftruncate(fd, 700), 0);
	at = 512;
	assert_int_equal(archive_next(fd, &at, &entry), -EBADMSG);
}

static void a_journal_says_how_far_it_is(void **state)
{
	_cleanup_(archive_free) struct archive archive = {0};
	char text[400];
	uint64_t at[4];
	int len;

	plan(&archive);
	len = snprintf(text, sizeof(text), "hakim-journal 2 %s %llu 4\n", archive.manifest.text,
		       (unsigned long long)archive.size);
	assert_true(journal_read(text, &archive, at));
	assert_int_equal(at[0] + at[1] + at[2] + at[3], 0);
	snprintf(text + len, sizeof(text) - (size_t)len, "0 1\n3 1\n0 0\n1 1\n2 1");
	assert_true(journal_read(text, &archive, at));
	assert_int_equal(at[0], 0);
	assert_int_equal(at[1], 1);
	/* A torn last line does not count. */
	assert_int_equal(at[2], 0);
	assert_int_equal(at[3], 1);
}

static void a_journal_that_does_not_fit_is_refused(void **state)
{
	static const char *const odd[] = {"4 1\n", "0 99999\n", "0 -1\n", "x\n", "0 1 1\n", "\n"};
	_cleanup_(archive_free) struct archive archive = {0};
	char text[400];
	uint64_t at[4];
	int len;

	plan(&archive);
	assert_false(journal_read("", &archive, at));
	assert_false(journal_read("hakim-journal 3 x\n", &archive, at));
	len = snprintf(text, sizeof(text), "hakim-journal 2 %s %llu 5\n", archive.manifest.text,
		       (unsigned long long)archive.size);
	assert_false(journal_read(text, &archive, at));
	len = snprintf(text, sizeof(text), "hakim-journal 2 %s %llu 4\n", archive.manifest.text,
		       (unsigned long long)archive.size);
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		snprintf(text + len, sizeof(text) - (size_t)len, "%s1 1\n", odd[i]);
		assert_true(journal_read(text, &archive, at));
		assert_int_equal(at[0] + at[1] + at[2] + at[3], 0);
	}
}

static void a_journal_is_gone_on_with_only_when_it_fits(void **state)
{
	_cleanup_(archive_free) struct archive archive = {0};
	_cleanup_(journal_close) struct journal journal = {.fd = -EBADF};

	plan(&archive);
	unlink(path);
	assert_int_equal(journal_open(path, &archive, true, &journal, &err), 0);
	journal_note(&journal, 0, 1);
	journal_close(&journal);
	assert_int_equal(journal_open(path, &archive, true, &journal, &err), 0);
	assert_int_equal(journal.at[0], 1);
	journal_close(&journal);
	assert_int_equal(journal_open(path, &archive, false, &journal, &err), 0);
	assert_int_equal(journal.at[0], 0);
	journal_note(&journal, 0, 1);
	journal_close(&journal);
	assert_true(journal_is_of(path, &archive));
	archive.size++;
	assert_false(journal_is_of(path, &archive));
	assert_int_equal(journal_open(path, &archive, true, &journal, &err), 0);
	assert_int_equal(journal.at[0], 0);
}

static int check(const void *bytes, size_t len, enum layer_kind kind, const char *content)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct digest digest;

	assert_int_equal(file_pwrite(fd, bytes, len, 7), 0);
	digest_of(DIGEST_SHA256, content, strlen(content), &digest, &err);
	err = (struct err){0};
	return unpack_check(fd, 7, len, kind, digest.text, &err);
}

static size_t gzip(const char *content, unsigned char *to, size_t size)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)content;
	z.avail_in = (unsigned)strlen(content);
	z.next_out = to;
	z.avail_out = (unsigned)size;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return size - z.avail_out;
}

static void diff_ids_are_of_the_unpacked_layer(void **state)
{
	unsigned char bytes[1000];
	size_t n;

	assert_int_equal(check("content", 7, LAYER_TAR, "content"), 0);
	assert_int_equal(check("content", 7, LAYER_TAR, "other"), -EBADMSG);
	n = gzip("content", bytes, sizeof(bytes));
	assert_int_equal(check(bytes, n, LAYER_GZIP, "content"), 0);
	assert_int_equal(check(bytes, n, LAYER_GZIP, "other"), -EBADMSG);
	assert_int_equal(check(bytes, n - 1, LAYER_GZIP, "content"), -EBADMSG);
	assert_non_null(strstr(err.text, "cut"));
	assert_int_equal(check("no gzip", 7, LAYER_GZIP, "content"), -EBADMSG);
	n += gzip(" twice", bytes + n, sizeof(bytes) - n);
	assert_int_equal(check(bytes, n, LAYER_GZIP, "content twice"), 0);
	n = ZSTD_compress(bytes, sizeof(bytes), "content", 7, 3);
	assert_int_equal(check(bytes, n, LAYER_ZSTD, "content"), 0);
	assert_int_equal(check(bytes, n - 1, LAYER_ZSTD, "content"), -EBADMSG);
	assert_int_equal(check("no zstd", 7, LAYER_ZSTD, "content"), -EBADMSG);
}

/* 256 KiB is what is unpacked at once. */
static void a_layer_that_just_fills_the_buffer_is_whole(void **state)
{
	static char content[2 * 262144 + 1];
	static unsigned char bytes[10000];

	for (size_t n = 262144; n < sizeof(content); n *= 2) {
		size_t len;

		memset(content, 'x', n);
		content[n] = '\0';
		len = gzip(content, bytes, sizeof(bytes));
		assert_int_equal(check(bytes, len, LAYER_GZIP, content), 0);
		assert_int_equal(check(bytes, len - 1, LAYER_GZIP, content), -EBADMSG);
		len = ZSTD_compress(bytes, sizeof(bytes), content, n, 3);
		assert_int_equal(check(bytes, len, LAYER_ZSTD, content), 0);
		assert_int_equal(check(bytes, len - 1, LAYER_ZSTD, content), -EBADMSG);
	}
}

static void layers_cannot_unpack_to_more_than_all_may_have(void **state)
{
	static char content[300001];
	static unsigned char bytes[10000];
	uint64_t left = 600000;
	struct digest digest;
	size_t len;

	memset(content, 'x', sizeof(content) - 1);
	digest_of(DIGEST_SHA256, content, sizeof(content) - 1, &digest, &err);
	for (enum layer_kind kind = LAYER_GZIP; kind <= LAYER_ZSTD; kind++) {
		len = kind == LAYER_GZIP ? gzip(content, bytes, sizeof(bytes))
					 : ZSTD_compress(bytes, sizeof(bytes), content,
							 sizeof(content) - 1, 3);
		for (int i = 0; i < 3; i++) {
			struct unpack *u = unpack_new(kind, NULL, NULL);

			if (i == 0)
				left = 600000;
			unpack_limit(u, &left);
			if (i < 2) {
				assert_int_equal(unpack_add(u, bytes, len, &err), 0);
				assert_int_equal(unpack_end(u, digest.text, &err), 0);
			} else {
				assert_int_equal(unpack_add(u, bytes, len, &err), -EBADMSG);
				assert_non_null(strstr(err.text, "more comes out"));
			}
			unpack_freep(&u);
		}
	}
}

static void two_processes_cannot_have_one_partial_file(void **state)
{
	_cleanup_(partial_close) struct partial one = {.fd = -EBADF};
	_cleanup_(partial_close) struct partial two = {.fd = -EBADF};
	struct stat st;

	assert_int_equal(partial_open(path, false, NULL, NULL, NULL, &one, &err), 0);
	assert_int_equal(partial_open(path, false, NULL, NULL, NULL, &two, &err), -EBUSY);
	partial_close(&two);
	assert_int_equal(partial_allocate(&one, 4096, 0, &err), 0);
	assert_true(partial_has_size(&one, 4096));
	assert_int_equal(partial_finish(&one, path, 0644, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	/* What was renamed is not the partial file any more. */
	assert_int_equal(partial_open(path, false, NULL, NULL, NULL, &two, &err), 0);
	assert_true(partial_has_size(&two, 0));
	partial_remove(&two);
}

static void a_disk_that_would_be_full_is_not_begun_with(void **state)
{
	_cleanup_(partial_close) struct partial one = {.fd = -EBADF};

	assert_int_equal(partial_open(path, false, NULL, NULL, NULL, &one, &err), 0);
	assert_int_equal(partial_allocate(&one, UINT64_C(1) << 60, 0, &err), -ENOSPC);
	assert_int_equal(partial_allocate(&one, 1, UINT64_C(1) << 60, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "to spare"));
	assert_true(partial_has_size(&one, 0));
	partial_remove(&one);
}

static int make_dir(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/x.tar", dir);
	return 0;
}

static int remove_dir(void **state)
{
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_offset_is_known_before),
		cmocka_unit_test(what_is_no_archive_is_told),
		cmocka_unit_test(a_journal_says_how_far_it_is),
		cmocka_unit_test(a_journal_that_does_not_fit_is_refused),
		cmocka_unit_test(a_journal_is_gone_on_with_only_when_it_fits),
		cmocka_unit_test(diff_ids_are_of_the_unpacked_layer),
		cmocka_unit_test(a_layer_that_just_fills_the_buffer_is_whole),
		cmocka_unit_test(layers_cannot_unpack_to_more_than_all_may_have),
		cmocka_unit_test(two_processes_cannot_have_one_partial_file),
		cmocka_unit_test(a_disk_that_would_be_full_is_not_begun_with),
	};

	return cmocka_run_group_tests_name("image archive", tests, make_dir, remove_dir);
}
