/* Limits, scheduling, modes and groups of a unit as text, and what is refused of them. */
#include <sched.h>

#include "tests/unit/unit_help.h"

static void limits_have_units_and_two_values(void **state)
{
	load_service("LimitNOFILE=1024:524288\nLimitCORE=infinity\nLimitMEMLOCK=64K\nLimitCPU=1min"
		     "\nLimitRTTIME=200000\nLimitNICE=+5\nLimitSTACK=8M:infinity\nLimitNPROC=7");
	assert_int_equal(unit->limits.rlimit[RLIMIT_NOFILE].rlim_cur, 1024);
	assert_int_equal(unit->limits.rlimit[RLIMIT_NOFILE].rlim_max, 524288);
	assert_true(unit->limits.rlimit[RLIMIT_CORE].rlim_cur == RLIM_INFINITY);
	assert_int_equal(unit->limits.rlimit[RLIMIT_MEMLOCK].rlim_max, 65536);
	assert_int_equal(unit->limits.rlimit[RLIMIT_CPU].rlim_cur, 60);
	assert_int_equal(unit->limits.rlimit[RLIMIT_RTTIME].rlim_cur, 200000);
	assert_int_equal(unit->limits.rlimit[RLIMIT_NICE].rlim_cur, 15);
	assert_int_equal(unit->limits.rlimit[RLIMIT_STACK].rlim_cur, 8 << 20);
	assert_true(unit->limits.rlimit[RLIMIT_STACK].rlim_max == RLIM_INFINITY);
	assert_int_equal(unit->limits.rlimit[RLIMIT_NPROC].rlim_cur, 7);
	assert_int_equal(unit->limits.rlimits & 1u << RLIMIT_AS, 0);
	load_service("LimitNOFILE=7\nLimitNOFILE=");
	assert_int_equal(unit->limits.rlimits, 0);
}

static void scheduling_is_taken_as_written(void **state)
{
	load_service("Nice=-5\nOOMScoreAdjust=-900\nCPUSchedulingPolicy=fifo\n"
		     "CPUSchedulingPriority=12\nCPUAffinity=0-2,5\nCPUAffinity=64\n"
		     "IOSchedulingClass=idle\nTimerSlackNSec=5us\nCoredumpFilter=elf-headers 0x1");
	assert_int_equal(unit->limits.nice, -5);
	assert_int_equal(unit->limits.oom_score_adjust, -900);
	assert_int_equal(unit->limits.sched_policy, SCHED_FIFO);
	assert_int_equal(unit->limits.sched_priority, 12);
	assert_int_equal(unit->limits.affinity[0], 0x27);
	assert_int_equal(unit->limits.affinity[1], 1);
	assert_int_equal(unit->limits.io_class, 3);
	assert_int_equal(unit->limits.timer_slack_ns, 5000);
	assert_int_equal(unit->limits.coredump_filter, 0x11);
	assert_int_equal(unit->limits.set, 0x7f);
	load_service("CPUAffinity=3\nCPUAffinity=\nCPUAffinity=1");
	assert_int_equal(unit->limits.affinity[0], 2);
}

static void modes_and_groups_have_systemds_defaults(void **state)
{
	load_service("");
	assert_int_equal(unit->exec.umask, 022);
	assert_int_equal(unit->directory_mode[DIRECTORY_STATE], 0755);
	assert_int_equal(unit->limits.set | unit->limits.rlimits, 0);
	load_service("UMask=0077\nRuntimeDirectoryMode=2750\nSupplementaryGroups=a b\n"
		     "SupplementaryGroups=44\nRuntimeDirectoryPreserve=restart\n"
		     "UnsetEnvironment=A B=c\nExecSearchPath=/a:/b\nConfigurationDirectory=x");
	assert_int_equal(unit->exec.umask, 077);
	assert_int_equal(unit->directory_mode[DIRECTORY_RUNTIME], 02750);
	assert_int_equal(unit->exec.supplementary_groups.n, 3);
	assert_int_equal(unit->exec.runtime_preserve, PRESERVE_RESTART);
	assert_string_equal(unit->exec.unset_environment.v[1], "B=c");
	assert_string_equal(unit->exec.search_path.v[1], "/b");
	assert_string_equal(unit->directories[DIRECTORY_CONFIGURATION].v[0], "x");
}

static void mistakes_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *line, *says;
	} bad[] = {
		{"LimitNOFILE=many", ":3: LimitNOFILE: \"many\""},
		{"LimitNOFILE=9:8", ":3: LimitNOFILE: the soft limit"},
		{"LimitNICE=41", ":3: LimitNICE: "},
		{"Nice=20", ":3: Nice: \"20\" is no number from -20 to 19"},
		{"OOMScoreAdjust=-1001", ":3: OOMScoreAdjust: "},
		{"CPUSchedulingPolicy=best", ":3: CPUSchedulingPolicy: "},
		{"CPUAffinity=4-2", ":3: CPUAffinity: "},
		{"CPUAffinity=9999", ":3: CPUAffinity: "},
		{"IOSchedulingPriority=8", ":3: IOSchedulingPriority: "},
		{"CoredumpFilter=x", ":3: CoredumpFilter: "},
		{"UMask=0999", ":3: UMask: "},
		{"UMask=01000", ":3: UMask: "},
		{"StateDirectoryMode=rwx", ":3: StateDirectoryMode: "},
		{"SupplementaryGroups=a:b", ":3: SupplementaryGroups: "},
		{"RuntimeDirectoryPreserve=perhaps", ":3: RuntimeDirectoryPreserve: "},
		{"KeyringMode=mine", ":3: KeyringMode: "},
		{"ExecSearchPath=bin", ":3: ExecSearchPath: "},
		{"ConfigurationDirectory=/etc/x", ":3: ConfigurationDirectory: "},
		{"UnsetEnvironment=1", ":3: UnsetEnvironment: "},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuse_service(bad[i].line, bad[i].says);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(limits_have_units_and_two_values),
		TEST(scheduling_is_taken_as_written),
		TEST(modes_and_groups_have_systemds_defaults),
		TEST(mistakes_are_refused_with_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
