/* modules/coder-agent/coder-agent.service means to the loader what it says to a person. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/unit.h"

#define FILE_NAME "modules/coder-agent/coder-agent.service"

static struct unit *unit;

static int load(void **state)
{
	struct problems problems = {0};
	struct err err = {0};

	if (unit_load_file(FILE_NAME, &unit, &problems, &err) < 0)
		fail_msg("%s", err.text);
	if (problems.n)
		fail_msg("%s", problems.v[0].text);
	assert_non_null(unit);
	problems_free(&problems);
	return 0;
}

static int unload(void **state)
{
	unit_free(unit);
	return 0;
}

static void it_is_skipped_without_an_url(void **state)
{
	assert_int_equal(unit->n_conditions, 1);
	assert_int_equal(unit->conditions[0].kind, CONDITION_ENVIRONMENT);
	assert_string_equal(unit->conditions[0].arg, "CODER_AGENT_URL");
	assert_false(unit->conditions[0].negate);
}

static void it_runs_what_was_fetched_as_the_user(void **state)
{
	assert_string_equal(unit->user, "coder");
	assert_int_equal(unit->start_pre.n, 1);
	assert_string_equal(unit->start_pre.v[0].path, HAKIM_LIBDIR "/hakim-agent-fetch");
	assert_false(unit->start_pre.v[0].ignore_failure);
	assert_string_equal(unit->start.v[0].path, "/var/cache/hakim/coder/current/coder");
	assert_int_equal(unit->start.v[0].argv.n, 3);
	assert_string_equal(unit->start.v[0].argv.v[1], "agent");
	assert_string_equal(unit->start.v[0].argv.v[2], "--no-reap");
	assert_true(strv_has(&unit->directories[DIRECTORY_CACHE], "hakim/coder"));
}

static void the_fetch_has_all_the_time_and_may_tell_about_it(void **state)
{
	assert_true(unit->timeout_start_usec == USEC_INFINITY);
	assert_true(unit->life.notify_access == NOTIFY_EXEC);
}

static void its_end_touches_nothing_else(void **state)
{
	assert_int_equal(unit->kill_mode, KILL_PROCESS);
	assert_int_equal(unit->kill_signal, 15);
	assert_true(unit->timeout_stop_usec >= 120 * (uint64_t)1000000);
	assert_int_equal(unit->restart, RESTART_ALWAYS);
	assert_true(unit->restart_max_delay_usec <= 30 * (uint64_t)1000000);
	assert_int_equal(unit->requires.n, 0);
}

static void secrets_reach_the_agent_and_its_helpers(void **state)
{
	static const char *const names[] = {"CODER_AGENT_TOKEN", "CODER_AGENT_HEADER"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_true(strv_has(&unit->pass_environment, names[i]));
		assert_true(strv_has(&unit->secret_pipe, names[i]));
	}
	assert_false(strv_has(&unit->pass_environment, "CODER_AGENT_BOOTSTRAP"));
}

static void the_containers_own_directories_win_and_the_probed_address_is_fixed(void **state)
{
	assert_non_null(strv_env_get(&unit->environment_default, "CODER_AGENT_LOG_DIR"));
	assert_non_null(strv_env_get(&unit->environment_default, "CODER_AGENT_SCRIPT_DATA_DIR"));
	assert_null(strv_env_get(&unit->environment, "CODER_AGENT_LOG_DIR"));
	assert_string_equal(strv_env_get(&unit->environment, "CODER_AGENT_DEBUG_ADDRESS"),
			    "127.0.0.1:2113");
	assert_string_equal(unit->ready.http.v[0], "http://127.0.0.1:2113/debug/manifest");
	assert_string_equal(unit->status_exec.argv.v[1], "--probe-token");
}

static void the_project_is_where_it_starts(void **state)
{
	assert_string_equal(unit->working_directory, "/home/coder/project");
	assert_true(unit->working_directory_optional);
	assert_string_equal(unit->working_directory_from, "CODER_PROJECT_DIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_skipped_without_an_url),
		cmocka_unit_test(it_runs_what_was_fetched_as_the_user),
		cmocka_unit_test(the_fetch_has_all_the_time_and_may_tell_about_it),
		cmocka_unit_test(its_end_touches_nothing_else),
		cmocka_unit_test(secrets_reach_the_agent_and_its_helpers),
		cmocka_unit_test(
			the_containers_own_directories_win_and_the_probed_address_is_fixed),
		cmocka_unit_test(the_project_is_where_it_starts),
	};

	return cmocka_run_group_tests_name("fetch: the unit", tests, load, unload);
}
