/* From the path directives of a unit to the steps of its file system namespace. */
#include <errno.h>
#include <linux/mount.h>

#include "supervisor/mount_plan.h"
#include "tests/unit/unit_help.h"

static struct mount_plan plan;

static void make(const char *lines)
{
	const struct mount_places places = {0};
	struct err err = {0};

	load_service(lines);
	mount_plan_free(&plan);
	if (mount_plan_make(&plan, &unit->sandbox, &places, &err) < 0)
		fail_msg("%s", err.text);
}

static const struct mount_step *at(const char *target)
{
	for (size_t i = 0; i < plan.n; i++)
		if (strcmp(plan.v[i].target, target) == 0)
			return &plan.v[i];
	return NULL;
}

static const struct mount_step *must(const char *target)
{
	const struct mount_step *step = at(target);

	if (!step)
		fail_msg("there is no step for %s", target);
	return step;
}

static int plan_remove(void **state)
{
	mount_plan_free(&plan);
	return files_remove(state);
}

static void nothing_is_done_where_nothing_is_asked_for(void **state)
{
	make("ReadWritePaths=/var\nExecPaths=/usr\nProtectSystem=no\nMountFlags=shared");
	assert_int_equal(plan.n, 0);
	assert_false(plan.wanted);
	make("PrivateMounts=yes");
	assert_true(plan.wanted);
	assert_int_equal(plan.n, 0);
}

static void the_nearest_path_above_decides(void **state)
{
	make("ReadOnlyPaths=/ /var/lib\nReadWritePaths=/var\nNoExecPaths=/\nExecPaths=/usr");
	assert_int_equal(must("/")->op, MOUNT_ATTR);
	assert_int_equal(must("/")->attr, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);
	assert_int_equal(must("/var")->attr, MOUNT_ATTR_NOEXEC);
	assert_true(must("/var")->exempts);
	assert_int_equal(must("/var/lib")->attr, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);
	assert_int_equal(must("/usr")->attr, MOUNT_ATTR_RDONLY);
	/* Those above come first. */
	assert_ptr_equal(must("/"), &plan.v[0]);
	assert_true(must("/var") < must("/var/lib"));
}

static void strict_keeps_the_api_file_systems_writable(void **state)
{
	make("ProtectSystem=strict");
	assert_int_equal(must("/")->attr, MOUNT_ATTR_RDONLY);
	assert_int_equal(must("/proc")->attr | must("/sys")->attr | must("/dev")->attr, 0);
	make("ProtectSystem=full");
	assert_null(at("/"));
	assert_int_equal(must("/etc")->attr, MOUNT_ATTR_RDONLY);
	make("ProtectSystem=yes");
	assert_null(at("/etc"));
	assert_int_equal(must("/usr")->attr, MOUNT_ATTR_RDONLY);
}

static void of_two_for_one_path_the_sterner_counts(void **state)
{
	make("ReadOnlyPaths=/var\nReadWritePaths=/var");
	assert_int_equal(must("/var")->attr, MOUNT_ATTR_RDONLY);
	make("ReadWritePaths=/var\nInaccessiblePaths=/var\nReadOnlyPaths=/var/lib");
	assert_int_equal(must("/var")->op, MOUNT_CLOSED);
	assert_null(at("/var/lib"));
	make("ProtectHome=yes\nReadWritePaths=/home\nProtectHome=tmpfs");
	assert_int_equal(must("/home")->op, MOUNT_TMPFS);
	assert_string_equal(must("/home")->options, "ro,mode=0755");
}

static void links_are_followed_and_missing_paths_told(void **state)
{
	const struct mount_places places = {0};
	struct err err = {0};

	make("ReadOnlyPaths=/bin -/nowhere +/var");
	assert_int_equal(plan.n, 2);
	mount_plan_free(&plan);
	load_service("InaccessiblePaths=/nowhere");
	assert_int_equal(mount_plan_make(&plan, &unit->sandbox, &places, &err), -ENOENT);
	assert_non_null(strstr(err.text, "InaccessiblePaths=/nowhere: there is no such path"));
	load_service("BindPaths=/nowhere:/var");
	assert_int_equal(mount_plan_make(&plan, &unit->sandbox, &places, &err), -ENOENT);
	make("BindPaths=-/nowhere:/var");
	assert_int_equal(plan.n, 0);
}

static void mounts_of_its_own_are_writable_below_a_read_only_root(void **state)
{
	const struct mount_places places = {.private_dir = "/var/lib/x"};

	make("ProtectSystem=strict\nPrivateTmp=yes\nBindPaths=/etc:/mnt/a:norbind\n"
	     "BindReadOnlyPaths=/usr:/mnt/c\nTemporaryFileSystem=/var:ro,size=1M");
	assert_int_equal(must("/tmp")->op, MOUNT_TMPFS);
	assert_int_equal(must("/tmp")->attr, 0);
	assert_string_equal(must("/mnt/a")->source, "/etc");
	assert_false(must("/mnt/a")->recursive);
	assert_true(must("/mnt/a")->make);
	assert_int_equal(must("/mnt/a")->attr, 0);
	assert_int_equal(must("/mnt/c")->attr, MOUNT_ATTR_RDONLY);
	assert_non_null(strstr(must("/var")->options, ",ro,size=1M"));
	mount_plan_free(&plan);
	assert_int_equal(mount_plan_make(&plan, &unit->sandbox, &places, NULL), 0);
	assert_string_equal(must("/tmp")->source, "/var/lib/x/tmp");
	assert_string_equal(must("/var/tmp")->source, "/var/lib/x/var-tmp");
}

static void mistakes_are_refused_with_their_line(void **state)
{
	static const char *const bad[] = {
		"ProtectSystem=maybe",    "ProtectHome=some",     "ReadOnlyPaths=var",
		"ReadWritePaths=/a/../b", "BindPaths=/a:b",       "BindPaths=/a:/b:c",
		"MountFlags=rslave",      "ProtectProc=hidden",   "ProcSubset=some",
		"TemporaryFileSystem=a",  "PrivateTmp=sometimes",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuse_service(bad[i], ":3: ");
}

#define PLAN_TEST(name) cmocka_unit_test_setup_teardown(name, files_make, plan_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAN_TEST(nothing_is_done_where_nothing_is_asked_for),
		PLAN_TEST(the_nearest_path_above_decides),
		PLAN_TEST(strict_keeps_the_api_file_systems_writable),
		PLAN_TEST(of_two_for_one_path_the_sterner_counts),
		PLAN_TEST(links_are_followed_and_missing_paths_told),
		PLAN_TEST(mounts_of_its_own_are_writable_below_a_read_only_root),
		PLAN_TEST(mistakes_are_refused_with_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
