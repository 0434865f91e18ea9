/* Limits of a cgroup: as text, and written into a directory that stands for one. */
#include <errno.h>
#include <fcntl.h>

#include "supervisor/cgroup.h"
#include "supervisor/cgroup_limits.h"
#include "tests/unit/unit_help.h"

static struct cgroups cgroups;

/* A tree like /sys/fs/cgroup of a container, whose controllers are these. */
static int tree(const char *controllers)
{
	char path[200];

	put(root, "cgroup/cgroup.controllers", controllers);
	put(root, "cgroup/cgroup.subtree_control", "");
	put(root, "cgroup/cgroup.procs", "");
	snprintf(cgroups.base, sizeof(cgroups.base), "%s/cgroup/hakim", root);
	snprintf(path, sizeof(path), "%s/cgroup", root);
	put(path, "hakim/cgroup.subtree_control", "");
	snprintf(path, sizeof(path), "%s/x.service", cgroups.base);
	assert_int_equal(mkdir(path, 0755), 0);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void must_have(const char *name, const char *text)
{
	char path[300], have[100] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", cgroups.base, name);
	f = fopen(path, "re");
	if (!f)
		fail_msg("there is no %s", path);
	assert_non_null(fgets(have, sizeof(have), f));
	fclose(f);
	assert_string_equal(have, text);
}

static void values_become_what_the_files_take(void **state)
{
	static const struct {
		const char *line;
		enum cgroup_limit limit;
		const char *text;
	} good[] = {
		{"MemoryMax=64M", CGROUP_MEMORY_MAX, "67108864"},
		{"MemoryMax=infinity", CGROUP_MEMORY_MAX, "max"},
		{"MemoryHigh=12.5%", CGROUP_MEMORY_HIGH, "1000"},
		{"MemoryLimit=1K", CGROUP_MEMORY_MAX, "1024"},
		{"TasksMax=50", CGROUP_TASKS_MAX, "50"},
		{"TasksMax=10%", CGROUP_TASKS_MAX, "800"},
		{"CPUQuota=20%", CGROUP_CPU_QUOTA, "20000 100000"},
		{"CPUQuota=250%\nCPUQuotaPeriodSec=10ms", CGROUP_CPU_QUOTA, "25000 10000"},
		{"CPUWeight=300", CGROUP_CPU_WEIGHT, "300"},
		{"IOWeight=50", CGROUP_IO_WEIGHT, "default 50"},
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		char text[64];

		load_service(good[i].line);
		cgroup_limit_text(&unit->cgroup, good[i].limit, 8000, text, sizeof(text));
		assert_string_equal(text, good[i].text);
	}
	load_service("MemoryMax=1M\nMemoryMax=\nDelegate=no");
	assert_false(cgroup_limits_wanted(&unit->cgroup));
	load_service("Delegate=cpu memory");
	assert_true(unit->cgroup.delegate);
}

static void mistakes_are_refused(void **state)
{
	static const char *const bad[] = {"MemoryMax=lots", "MemoryMax=101%",  "TasksMax=0",
					  "CPUQuota=20",    "CPUQuota=0%",     "CPUWeight=0",
					  "IOWeight=idle",  "CPUWeight=10001", "Delegate=CPU!"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuse_service(bad[i], ":3: ");
}

static void controllers_are_enabled_and_values_written(void **state)
{
	_cleanup_close_ int dir = tree("cpu memory pids\n");
	struct err err = {0};
	char text[200];
	unsigned at = 0;

	/* What the kernel would make when the controller comes. */
	put(cgroups.base, "x.service/memory.max", "max");
	load_service("MemoryMax=64M\nTasksMax=5");
	assert_int_equal(cgroup_limits_apply(&cgroups, dir, &unit->cgroup, 0, false, &err), 0);
	must_have("x.service/memory.max", "67108864");
	must_have("../cgroup.subtree_control", "+pids");
	must_have("cgroup.subtree_control", "+pids");
	/* Here no kernel makes pids.max. */
	assert_true(cgroup_limits_missing(dir, &unit->cgroup, &at, text, sizeof(text)));
	assert_string_equal(text, "TasksMax=: no pids controller is delegated to this container");
	assert_false(cgroup_limits_missing(dir, &unit->cgroup, &at, text, sizeof(text)));
	assert_true(cgroup_limits_apply(&cgroups, dir, &unit->cgroup, 0, true, &err) < 0);
}

static void without_a_controller_or_a_group_it_is_said(void **state)
{
	_cleanup_close_ int dir = tree("hugetlb\n");
	struct err err = {0};
	char text[200];
	unsigned at = 0;

	load_service("CPUQuota=50%\nMemoryHigh=infinity\nDelegate=yes");
	assert_int_equal(cgroup_limits_apply(&cgroups, dir, &unit->cgroup, 0, false, &err), 0);
	assert_int_equal(cgroup_limits_apply(&cgroups, dir, &unit->cgroup, 0, true, &err), -ENOENT);
	assert_string_equal(err.text, "CPUQuota= cannot be set: No such file or directory");
	assert_true(cgroup_limits_missing(dir, &unit->cgroup, &at, text, sizeof(text)));
	assert_string_equal(text, "CPUQuota=: no cpu controller is delegated to this container");
	assert_false(cgroup_limits_missing(dir, &unit->cgroup, &at, text, sizeof(text)));
	at = 0;
	assert_int_equal(cgroup_limits_apply(&cgroups, -1, &unit->cgroup, 0, false, &err), 0);
	assert_true(cgroup_limits_missing(-1, &unit->cgroup, &at, text, sizeof(text)));
	assert_string_equal(text, "CPUQuota=: there is no cgroup for it in this container");
	assert_true(cgroup_limits_missing(-1, &unit->cgroup, &at, text, sizeof(text)));
	assert_string_equal(text, "Delegate=: there is no cgroup for it in this container");
	assert_false(cgroup_limits_missing(-1, &unit->cgroup, &at, text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_become_what_the_files_take),
		TEST(mistakes_are_refused),
		TEST(controllers_are_enabled_and_values_written),
		TEST(without_a_controller_or_a_group_it_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
