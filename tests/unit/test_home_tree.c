/* Needs root: it makes files of several owners below a directory of its own. */
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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "modules/home/tree.h"

#define UID 4242
#define GID 4343

static char base[64];
static struct account account;
static struct strv remarks;
static char project[4200], skel[4200];

static char *at(const char *path)
{
	static char text[4][4300];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(text[turn], sizeof(text[turn]), "%s/%s", base, path);
	return text[turn];
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(at(path), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	snprintf(base, sizeof(base), "/tmp/hakim-home-test-XXXXXX");
	if (geteuid() != 0)
		return 0;
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	account = (struct account){.uid = UID, .gid = GID, .user = "coder"};
	snprintf(account.home, sizeof(account.home), "%s/home/coder", base);
	snprintf(project, sizeof(project), "%s/project", account.home);
	snprintf(skel, sizeof(skel), "%s/skel", base);
	assert_int_equal(mkdir(skel, 0755), 0);
	assert_int_equal(mkdir(at("skel/dir"), 0755), 0);
	put("skel/.bashrc", "from skel\n");
	put("skel/dir/file", "deep\n");
	assert_int_equal(symlink(".bashrc", at("skel/.link")), 0);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int teardown(void **state)
{
	strv_free(&remarks);
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void prepare(void)
{
	struct tree tree = {
		.account = &account, .project = project, .skel = skel, .remarks = &remarks};
	struct err err = {0};

	strv_free(&remarks);
	assert_int_equal(tree_prepare(&tree, &err), 0);
	assert_int_equal(geteuid(), 0);
}

static struct stat look(const char *path)
{
	struct stat st;

	if (lstat(at(path), &st) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(at(path), &st) == 0;
}

static void assert_owned(const char *path)
{
	struct stat st = look(path);

	if (st.st_uid != UID || st.st_gid != GID)
		fail_msg("%s belongs to %u:%u", path, st.st_uid, st.st_gid);
}

static bool remarked(const char *part)
{
	for (size_t i = 0; i < remarks.n; i++)
		if (strstr(remarks.v[i], part))
			return true;
	return false;
}

#define NEEDS_ROOT            \
	if (geteuid() != 0) { \
		skip();       \
	}

static void a_home_that_is_not_there_is_made_with_all_that_belongs_to_it(void **state)
{
	NEEDS_ROOT
	prepare();
	assert_owned("home/coder");
	assert_owned("home/coder/project");
	assert_owned("home/coder/.local");
	assert_owned("home/coder/.local/share");
	assert_owned("home/coder/.config");
	assert_owned("home/coder/.cache");
	assert_owned("home/coder/.bashrc");
	assert_owned("home/coder/dir/file");
	assert_owned("home/coder/.link");
	assert_int_equal(look("home").st_uid, 0);
	assert_int_equal(remarks.n, 0);
}

static void skel_is_copied_once_and_never_over_what_is_there(void **state)
{
	NEEDS_ROOT
	prepare();
	put("home/coder/.bashrc", "mine\n");
	assert_int_equal(unlink(at("home/coder/dir/file")), 0);
	prepare();
	assert_int_equal(look("home/coder/.bashrc").st_size, strlen("mine\n"));
	assert_false(exists("home/coder/dir/file"));
}

static void an_interrupted_copy_goes_on(void **state)
{
	NEEDS_ROOT
	prepare();
	put("home/coder/.local/state/hakim/skel", "copying\n");
	put("home/coder/.hakim-skel.tmp", "half");
	assert_int_equal(chown(at("home/coder/.hakim-skel.tmp"), UID, GID), 0);
	assert_int_equal(unlink(at("home/coder/.bashrc")), 0);
	prepare();
	assert_owned("home/coder/.bashrc");
	assert_false(exists("home/coder/.hakim-skel.tmp"));
}

static void a_home_with_something_in_it_gets_no_skel(void **state)
{
	NEEDS_ROOT
	assert_int_equal(mkdir(at("home"), 0755), 0);
	assert_int_equal(mkdir(at("home/coder"), 0755), 0);
	put("home/coder/data", "x");
	prepare();
	assert_false(exists("home/coder/.bashrc"));
}

static void a_new_volume_with_lost_found_is_a_fresh_home(void **state)
{
	NEEDS_ROOT
	assert_int_equal(mkdir(at("home"), 0755), 0);
	assert_int_equal(mkdir(at("home/coder"), 0755), 0);
	assert_int_equal(mkdir(at("home/coder/lost+found"), 0700), 0);
	prepare();
	assert_owned("home/coder");
	assert_owned("home/coder/.bashrc");
	assert_int_equal(look("home/coder/lost+found").st_uid, 0);
}

static void only_the_top_levels_are_given_away(void **state)
{
	NEEDS_ROOT
	prepare();
	assert_int_equal(mkdir(at("home/coder/.local/share/deep"), 0755), 0);
	put("home/coder/project/file", "root's");
	assert_int_equal(chown(at("home/coder/.local"), 0, 0), 0);
	prepare();
	assert_owned("home/coder/.local");
	assert_int_equal(look("home/coder/.local/share/deep").st_uid, 0);
	assert_int_equal(look("home/coder/project/file").st_uid, 0);
}

static void a_symlink_in_the_home_is_never_followed(void **state)
{
	NEEDS_ROOT
	prepare();
	assert_int_equal(mkdir(at("victim"), 0755), 0);
	assert_int_equal(rmdir(at("home/coder/.cache")), 0);
	assert_int_equal(symlink(at("victim"), at("home/coder/.cache")), 0);
	assert_int_equal(rmdir(at("home/coder/project")), 0);
	assert_int_equal(symlink(at("victim"), at("home/coder/project")), 0);
	prepare();
	assert_int_equal(look("victim").st_uid, 0);
	assert_true(remarked(".cache cannot be used"));
	assert_true(remarked("the project directory"));
}

static void a_home_that_is_a_symlink_gives_nothing_away(void **state)
{
	NEEDS_ROOT
	assert_int_equal(mkdir(at("home"), 0755), 0);
	assert_int_equal(mkdir(at("victim"), 0755), 0);
	assert_int_equal(symlink(at("victim"), at("home/coder")), 0);
	prepare();
	assert_int_equal(look("victim").st_uid, 0);
	assert_true(remarked("is a symlink, and what it leads to belongs to uid 0"));
	/* The user's own is a home. */
	assert_int_equal(chown(at("victim"), UID, GID), 0);
	prepare();
	assert_false(remarked("is a symlink"));
	assert_owned("victim/.config");
}

static void a_home_of_another_user_is_left_alone_and_said(void **state)
{
	NEEDS_ROOT
	assert_int_equal(mkdir(at("home"), 0755), 0);
	assert_int_equal(mkdir(at("home/coder"), 0755), 0);
	assert_int_equal(chown(at("home/coder"), 1, 1), 0);
	prepare();
	assert_int_equal(look("home/coder").st_uid, 1);
	assert_true(remarked("belongs to uid 1 and not to coder"));
}

static void a_home_of_an_unmapped_user_says_what_to_do_on_the_host(void **state)
{
	NEEDS_ROOT
	assert_int_equal(mkdir(at("home"), 0755), 0);
	assert_int_equal(mkdir(at("home/coder"), 0755), 0);
	assert_int_equal(chown(at("home/coder"), 65534, 65534), 0);
	prepare();
	assert_true(remarked("on the host, run 'chown 4242:4343'"));
}

static void a_project_elsewhere_is_made_and_one_that_was_there_is_roots(void **state)
{
	NEEDS_ROOT
	snprintf(project, sizeof(project), "%s/srv/work/here", base);
	prepare();
	assert_owned("srv/work/here");
	assert_int_equal(look("srv/work").st_uid, 0);
	assert_int_equal(chown(at("srv/work/here"), 0, 0), 0);
	prepare();
	assert_int_equal(look("srv/work/here").st_uid, 0);
}

static void a_project_that_leaves_the_home_by_dots_is_refused(void **state)
{
	NEEDS_ROOT
	snprintf(project, sizeof(project), "%s/../../victim", account.home);
	prepare();
	assert_true(remarked("the project directory"));
	assert_false(exists("victim"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_home_that_is_not_there_is_made_with_all_that_belongs_to_it),
		TEST(skel_is_copied_once_and_never_over_what_is_there),
		TEST(an_interrupted_copy_goes_on),
		TEST(a_home_with_something_in_it_gets_no_skel),
		TEST(a_new_volume_with_lost_found_is_a_fresh_home),
		TEST(only_the_top_levels_are_given_away),
		TEST(a_symlink_in_the_home_is_never_followed),
		TEST(a_home_that_is_a_symlink_gives_nothing_away),
		TEST(a_home_of_another_user_is_left_alone_and_said),
		TEST(a_home_of_an_unmapped_user_says_what_to_do_on_the_host),
		TEST(a_project_elsewhere_is_made_and_one_that_was_there_is_roots),
		TEST(a_project_that_leaves_the_home_by_dots_is_refused),
	};

	return cmocka_run_group_tests_name("home_tree", tests, NULL, NULL);
}
