#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "modules/docker/driver.h"

static struct driver_facts facts;
static struct driver_choice choice;

static int reset(void **state)
{
	facts = (struct driver_facts){0};
	for (enum driver d = 0; d < DRIVERS; d++)
		facts.of[d].works = true;
	return 0;
}

static void forbid(enum driver driver, const char *why)
{
	facts.of[driver].works = false;
	snprintf(facts.of[driver].why, sizeof(facts.of[driver].why), "%s", why);
}

static void assert_choice(const char *name)
{
	driver_choose(&facts, &choice);
	assert_string_equal(choice.name, name);
}

static void the_best_that_works_is_taken(void **state)
{
	assert_choice("overlay2");
	assert_string_equal(choice.remark, "");
	forbid(DRIVER_OVERLAY2, "Operation not permitted");
	assert_choice("fuse-overlayfs");
	forbid(DRIVER_FUSE, "/dev/fuse is missing");
	assert_choice("vfs");
	assert_non_null(strstr(choice.remark, "Operation not permitted"));
	assert_non_null(strstr(choice.remark, "/dev/fuse is missing"));
	assert_non_null(strstr(choice.remark, "nesting=1,fuse=1"));
}

static void what_is_wished_is_taken_as_it_is(void **state)
{
	forbid(DRIVER_OVERLAY2, "no");
	facts.wish = "overlay2";
	assert_choice("overlay2");
	facts.wish = "btrfs";
	assert_choice("btrfs");
	facts.wish = "auto";
	assert_choice("fuse-overlayfs");
	facts.wish = "";
	assert_choice("fuse-overlayfs");
}

static void a_driver_with_images_is_kept_while_it_works(void **state)
{
	facts.of[DRIVER_VFS].has_images = true;
	assert_choice("vfs");
	assert_non_null(strstr(choice.remark, "DOCKER_STORAGE_DRIVER=overlay2"));
	facts.of[DRIVER_OVERLAY2].has_images = true;
	assert_choice("overlay2");
	assert_string_equal(choice.remark, "");
}

static void images_that_cannot_be_seen_are_told_of(void **state)
{
	facts.of[DRIVER_OVERLAY2].has_images = true;
	forbid(DRIVER_OVERLAY2, "Operation not permitted");
	assert_choice("fuse-overlayfs");
	assert_non_null(strstr(choice.remark, "the images of overlay2 are there and not seen"));
}

static void a_driver_on_which_it_did_not_start_is_not_taken_again(void **state)
{
	facts.of[DRIVER_OVERLAY2].tried = true;
	snprintf(facts.of[DRIVER_OVERLAY2].why, sizeof(facts.of[DRIVER_OVERLAY2].why), "no luck");
	assert_choice("fuse-overlayfs");
	assert_string_equal(choice.remark, "dockerd did not start on overlay2: no luck");
	facts.of[DRIVER_FUSE].tried = true;
	assert_choice("vfs");
	assert_non_null(strstr(choice.remark, "dockerd did not start on it"));
	facts.of[DRIVER_VFS].tried = true;
	assert_choice("vfs");
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_best_that_works_is_taken),
		TEST(what_is_wished_is_taken_as_it_is),
		TEST(a_driver_with_images_is_kept_while_it_works),
		TEST(images_that_cannot_be_seen_are_told_of),
		TEST(a_driver_on_which_it_did_not_start_is_not_taken_again),
	};

	return cmocka_run_group_tests_name("docker_driver", tests, NULL, NULL);
}
