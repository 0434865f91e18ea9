/* The cache of agents on a real directory: what is taken for verified, what is chosen, what is
 * removed. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "modules/coder-agent/hash.h"
#include "modules/coder-agent/partial.h"
#include "modules/coder-agent/store.h"

static char dir[64];
static struct store store;
static struct err err;

static int store_make(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/hakim-test-store-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(store_open(&store, dir, &err), 0);
	assert_int_equal(store_lock(&store, false, &err), 0);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int store_remove(void **state)
{
	store_close(&store);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const struct machine *machine(void)
{
	return machine_find("amd64");
}

/* A program of 100 000 bytes that differs by `salt`, and its SHA-1. */
static void program(unsigned char salt, unsigned char bytes[100000], char sha1[SHA1_HEX])
{
	static const unsigned char head[ELF_HEAD] = {
		0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1, [16] = ET_EXEC, [18] = EM_X86_64};
	struct hash hash = {0};

	memset(bytes, salt, 100000);
	memcpy(bytes, head, sizeof(head));
	assert_int_equal(hash_begin(&hash, &err), 0);
	assert_int_equal(hash_add(&hash, bytes, 100000, &err), 0);
	assert_int_equal(hash_peek(&hash, sha1, &err), 0);
	hash_free(&hash);
}

/* Downloads and publishes one, as fetch.c does. */
static void publish(unsigned char salt, char sha1[SHA1_HEX])
{
	unsigned char bytes[100000];
	struct partial partial = {.fd = -EBADF};

	program(salt, bytes, sha1);
	assert_int_equal(partial_begin(&partial, &store, sha1, &err), 0);
	assert_int_equal(partial_add(&partial, bytes, sizeof(bytes), &err), 0);
	assert_int_equal(partial_finish(&partial, &err), 0);
	partial_leave(&partial);
	assert_int_equal(store_publish(&store, sha1, "Coder v2.1", &err), 0);
	assert_int_equal(store_use(&store, sha1, &err), 0);
}

static const char *at(const char *sha1, const char *file)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s%s", dir, sha1, file);
	return path;
}

static bool there(const char *sha1, const char *file)
{
	return access(at(sha1, file), F_OK) == 0;
}

static void scan(void)
{
	assert_int_equal(store_scan(&store, machine(), &err), 0);
}

static void a_record_comes_back_as_it_was_written(void **state)
{
	struct stat st = {.st_size = 60000000,
			  .st_ino = 4711,
			  .st_mode = S_IFREG | 0755,
			  .st_mtim = {1700000000, 999999999},
			  .st_ctim = {1700000001, 1}};
	char text[VERIFIED_TEXT_MAX], sha1[SHA1_HEX];
	unsigned char bytes[100000];
	struct verified v, back;

	program(1, bytes, sha1);
	verified_take(&v, &st, sha1, "Coder v2.33.0 with blanks\nand a second line");
	assert_true(verified_print(&v, text) < sizeof(text));
	assert_int_equal(verified_parse(text, &back, &err), 0);
	assert_string_equal(back.sha1, sha1);
	assert_string_equal(back.version, "Coder v2.33.0 with blanks");
	assert_true(verified_matches(&back, &st));
}

static void each_change_of_the_file_is_seen(void **state)
{
	const struct stat st = {.st_size = 5,
				.st_ino = 6,
				.st_mode = S_IFREG | 0755,
				.st_mtim = {7, 8},
				.st_ctim = {9, 10}};
	struct stat other;
	struct verified v;

	verified_take(&v, &st, "", "");
	assert_true(verified_matches(&v, &st));
	other = st, other.st_size++;
	assert_false(verified_matches(&v, &other));
	other = st, other.st_ino++;
	assert_false(verified_matches(&v, &other));
	other = st, other.st_mtim.tv_sec++;
	assert_false(verified_matches(&v, &other));
	other = st, other.st_mtim.tv_nsec++;
	assert_false(verified_matches(&v, &other));
	other = st, other.st_ctim.tv_sec++;
	assert_false(verified_matches(&v, &other));
	other = st, other.st_ctim.tv_nsec++;
	assert_false(verified_matches(&v, &other));
	other = st, other.st_mode = S_IFLNK;
	assert_false(verified_matches(&v, &other));
}

static void each_cut_and_each_broken_record_is_none(void **state)
{
	const struct stat st = {.st_size = 12345, .st_mtim = {7, 8}};
	char text[VERIFIED_TEXT_MAX], cut[VERIFIED_TEXT_MAX], sha1[SHA1_HEX];
	unsigned char bytes[100000];
	struct verified v;
	size_t len;

	program(1, bytes, sha1);
	verified_take(&v, &st, sha1, "Coder");
	len = verified_print(&v, text);
	for (size_t n = 0; n < len; n++) {
		snprintf(cut, sizeof(cut), "%.*s", (int)n, text);
		assert_int_equal(verified_parse(cut, &v, &err), -EBADMSG);
	}
	memcpy(cut, text, sizeof(cut));
	*strstr(cut, "12345") = 'x';
	assert_int_equal(verified_parse(cut, &v, &err), -EBADMSG);
	memcpy(cut, text, sizeof(cut));
	cut[7] = '/';
	assert_int_equal(verified_parse(cut, &v, &err), -EBADMSG);
}

static void what_was_published_is_found_again(void **state)
{
	char sha1[SHA1_HEX];

	publish(1, sha1);
	scan();
	assert_int_equal(store.n, 1);
	assert_string_equal(store.current, sha1);
	assert_string_equal(store_choose(&store)->sha1, sha1);
	assert_string_equal(store_choose(&store)->version, "Coder v2.1");
	assert_false(there(sha1, ".partial"));
}

static void a_file_that_was_verified_is_not_hashed_again(void **state)
{
	char sha1[SHA1_HEX];
	struct timespec before;
	struct stat st;

	publish(1, sha1);
	assert_int_equal(stat(at(sha1, "/verified"), &st), 0);
	before = st.st_ctim;
	scan();
	assert_int_equal(store.n, 1);
	/* A file that was hashed gets a new record. */
	assert_int_equal(stat(at(sha1, "/verified"), &st), 0);
	assert_memory_equal(&before, &st.st_ctim, sizeof(before));
}

static void a_touched_file_is_hashed_and_kept(void **state)
{
	struct timespec times[2] = {{1, 0}, {1, 0}};
	char sha1[SHA1_HEX];
	struct stat before, after;

	publish(1, sha1);
	assert_int_equal(stat(at(sha1, "/verified"), &before), 0);
	assert_int_equal(utimensat(AT_FDCWD, at(sha1, "/coder"), times, 0), 0);
	scan();
	assert_int_equal(store.n, 1);
	assert_string_equal(store.entries[0].version, "Coder v2.1");
	assert_int_equal(stat(at(sha1, "/verified"), &after), 0);
	assert_true(before.st_ino != after.st_ino);
}

static void a_changed_file_is_removed(void **state)
{
	char sha1[SHA1_HEX];
	int fd;

	publish(1, sha1);
	fd = open(at(sha1, "/coder"), O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 99999), 1);
	close(fd);
	scan();
	assert_int_equal(store.n, 0);
	assert_null(store_choose(&store));
	assert_false(there(sha1, ""));
}

static void a_changed_file_whose_mtime_was_set_back_is_removed(void **state)
{
	struct timespec times[2];
	char sha1[SHA1_HEX];
	struct stat st;
	int fd;

	publish(1, sha1);
	assert_int_equal(stat(at(sha1, "/coder"), &st), 0);
	fd = open(at(sha1, "/coder"), O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 99999), 1);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
	scan();
	assert_int_equal(store.n, 0);
}

static void without_the_lock_nothing_is_removed(void **state)
{
	char sha1[SHA1_HEX];
	int fd;

	publish(1, sha1);
	fd = open(at(sha1, "/coder"), O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 99999), 1);
	close(fd);
	store_close(&store);
	assert_int_equal(store_open(&store, dir, &err), 0);
	scan();
	assert_int_equal(store.n, 0);
	assert_true(there(sha1, "/coder"));
}

static void a_program_of_another_machine_is_not_verified_here(void **state)
{
	char sha1[SHA1_HEX];

	publish(1, sha1);
	assert_int_equal(store_scan(&store, machine_find("arm64"), &err), 0);
	assert_int_equal(store.n, 0);
}

static void a_link_in_the_place_of_the_program_is_not_followed(void **state)
{
	char sha1[SHA1_HEX], path[PATH_MAX];

	publish(1, sha1);
	snprintf(path, sizeof(path), "%s", at(sha1, "/coder"));
	assert_int_equal(rename(path, at("", "elsewhere")), 0);
	assert_int_equal(symlink("../elsewhere", path), 0);
	scan();
	assert_int_equal(store.n, 0);
	assert_true(there("", "elsewhere"));
}

static void the_last_two_are_kept(void **state)
{
	char one[SHA1_HEX], two[SHA1_HEX], three[SHA1_HEX];

	publish(1, one);
	publish(2, two);
	assert_true(there(one, "/coder"));
	publish(3, three);
	assert_false(there(one, ""));
	assert_true(there(two, "/coder"));
	assert_true(there(three, "/coder"));
	/* The older one is used again: now the newer one is the other. */
	scan();
	assert_int_equal(store_use(&store, two, &err), 0);
	publish(1, one);
	assert_true(there(two, "/coder"));
	assert_false(there(three, ""));
}

static struct store_entry entry(const char *sha1, time_t used)
{
	struct store_entry e = {.used = {.tv_sec = used}};

	snprintf(e.sha1, sizeof(e.sha1), "%s", sha1);
	return e;
}

static void the_current_one_is_chosen_then_the_one_used_last(void **state)
{
	struct store s = {.n = 3};

	s.entries[0] = entry("a", 10);
	s.entries[1] = entry("b", 30);
	s.entries[2] = entry("c", 20);
	assert_string_equal(store_choose(&s)->sha1, "b");
	snprintf(s.current, sizeof(s.current), "c");
	assert_string_equal(store_choose(&s)->sha1, "c");
	snprintf(s.current, sizeof(s.current), "gone");
	assert_string_equal(store_choose(&s)->sha1, "b");
	s.n = 0;
	assert_null(store_choose(&s));
}

static void the_bakeds_directory_is_no_entry(void **state)
{
	char target[64] = "", sha1[SHA1_HEX];

	publish(1, sha1);
	assert_int_equal(store_use_directory(&store, "/usr/local/bin", &err), 0);
	assert_true(readlink(at("", "current"), target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/usr/local/bin");
	scan();
	assert_string_equal(store.current, "");
	assert_string_equal(store_choose(&store)->sha1, sha1);
}

static void a_partial_file_goes_on_where_it_was_left(void **state)
{
	struct partial partial = {.fd = -EBADF};
	unsigned char bytes[100000];
	char sha1[SHA1_HEX];

	program(1, bytes, sha1);
	assert_int_equal(partial_begin(&partial, &store, sha1, &err), 0);
	assert_int_equal(partial_add(&partial, bytes, 70000, &err), 0);
	partial_leave(&partial);
	assert_int_equal(partial_find(&partial, &store, &err), 0);
	assert_int_equal(partial.size, 70000);
	assert_string_equal(partial.sha1, sha1);
	assert_false(partial_is_whole(&partial));
	assert_int_equal(partial_add(&partial, bytes + 70000, 30000, &err), 0);
	partial_leave(&partial);
	assert_int_equal(partial_find(&partial, &store, &err), 0);
	assert_true(partial_is_whole(&partial));
	assert_int_equal(partial_finish(&partial, &err), 0);
	partial_leave(&partial);
}

static void a_partial_file_of_something_else_does_not_finish(void **state)
{
	struct partial partial = {.fd = -EBADF};
	unsigned char bytes[100000];
	char sha1[SHA1_HEX];
	struct stat st;

	program(1, bytes, sha1);
	bytes[99999] ^= 1;
	assert_int_equal(partial_begin(&partial, &store, sha1, &err), 0);
	assert_int_equal(partial_add(&partial, bytes, sizeof(bytes), &err), 0);
	assert_int_equal(partial_finish(&partial, &err), -EBADMSG);
	assert_int_equal(stat(at(sha1, ".partial"), &st), 0);
	assert_int_equal(st.st_mode & 0111, 0);
	partial_drop(&partial);
	assert_false(there(sha1, ".partial"));
}

static void of_several_partial_files_one_is_left(void **state)
{
	struct timespec old[2] = {{1, 0}, {1, 0}};
	char one[SHA1_HEX], two[SHA1_HEX];
	struct partial partial = {.fd = -EBADF};
	unsigned char bytes[100000];

	program(1, bytes, one);
	program(2, bytes, two);
	assert_int_equal(partial_begin(&partial, &store, one, &err), 0);
	assert_int_equal(partial_add(&partial, bytes, 100, &err), 0);
	partial_leave(&partial);
	assert_int_equal(utimensat(AT_FDCWD, at(one, ".partial"), old, 0), 0);
	assert_int_equal(partial_begin(&partial, &store, two, &err), 0);
	assert_int_equal(partial_add(&partial, bytes, 100, &err), 0);
	partial_leave(&partial);
	assert_int_equal(partial_find(&partial, &store, &err), 0);
	assert_string_equal(partial.sha1, two);
	assert_false(there(one, ".partial"));
	/* A download of another program takes its place. */
	assert_int_equal(partial_begin(&partial, &store, one, &err), 0);
	assert_false(there(two, ".partial"));
	partial_leave(&partial);
}

static void a_stump_is_not_resumed(void **state)
{
	struct partial partial = {.fd = -EBADF};
	unsigned char bytes[100000];
	char sha1[SHA1_HEX];

	program(1, bytes, sha1);
	assert_int_equal(partial_begin(&partial, &store, sha1, &err), 0);
	assert_int_equal(partial_add(&partial, bytes, ELF_HEAD - 1, &err), 0);
	partial_leave(&partial);
	assert_int_equal(partial_find(&partial, &store, &err), 0);
	assert_true(partial.fd < 0);
	assert_false(there(sha1, ".partial"));
}

static void one_fetcher_has_the_lock(void **state)
{
	struct store second;

	assert_int_equal(store_open(&second, dir, &err), 0);
	assert_int_equal(store_lock(&second, false, &err), -EAGAIN);
	store_close(&store);
	assert_int_equal(store_lock(&second, false, &err), 0);
	store_close(&second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_make, store_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back_as_it_was_written),
		cmocka_unit_test(each_change_of_the_file_is_seen),
		cmocka_unit_test(each_cut_and_each_broken_record_is_none),
		TEST(what_was_published_is_found_again),
		TEST(a_file_that_was_verified_is_not_hashed_again),
		TEST(a_touched_file_is_hashed_and_kept),
		TEST(a_changed_file_is_removed),
		TEST(a_changed_file_whose_mtime_was_set_back_is_removed),
		TEST(without_the_lock_nothing_is_removed),
		TEST(a_program_of_another_machine_is_not_verified_here),
		TEST(a_link_in_the_place_of_the_program_is_not_followed),
		TEST(the_last_two_are_kept),
		cmocka_unit_test(the_current_one_is_chosen_then_the_one_used_last),
		TEST(the_bakeds_directory_is_no_entry),
		TEST(a_partial_file_goes_on_where_it_was_left),
		TEST(a_partial_file_of_something_else_does_not_finish),
		TEST(of_several_partial_files_one_is_left),
		TEST(a_stump_is_not_resumed),
		TEST(one_fetcher_has_the_lock),
	};

	return cmocka_run_group_tests_name("fetch: store", tests, NULL, NULL);
}
