/* `show`: no directive without a property, and values as systemctl writes them. */
#include "supervisor/ctl/property.h"
#include "supervisor/directive.h"
#include "tests/unit/unit_help.h"

static struct sc_unit state;

static void is(const char *name, const char *value)
{
	const struct property_area *area;
	const struct property *p = property_find(name, &area);
	_cleanup_free_ char *text = NULL;

	assert_non_null(p);
	text = property_text(p, area, &(struct property_of){.state = &state, .unit = unit});
	assert_string_equal(text, value);
}

static void every_directive_has_its_property(void **s)
{
	size_t n;
	const struct directive_area *const *areas = directive_areas(&n);
	unsigned forgotten = 0;

	for (size_t a = 0; a < n; a++)
		for (size_t i = 0; i < areas[a]->n; i++)
			if (!property_of_directive(areas[a]->v[i].name)) {
				print_error("%s= is shown by no property\n", areas[a]->v[i].name);
				forgotten++;
			}
	assert_int_equal(forgotten, 0);
	assert_null(property_of_directive("Nonsense"));
	assert_null(property_of_directive("RestartUS"));
}

static void no_name_is_there_twice(void **s)
{
	size_t n;
	const struct property_area *found, *const *areas = property_areas(&n);

	for (size_t a = 0; a < n; a++)
		for (size_t i = 0; i < areas[a]->n; i++)
			assert_ptr_equal(property_find(areas[a]->v[i].name, &found),
					 &areas[a]->v[i]);
}

static void every_property_has_a_value_of_one_that_says_nothing(void **s)
{
	size_t n;
	const struct property_area *const *areas = property_areas(&n);

	load_text("[Service]\nExecStart=/bin/true\n");
	for (int loaded = 1; loaded >= 0; loaded--)
		for (size_t a = 0; a < n; a++)
			for (size_t i = 0; i < areas[a]->n; i++) {
				_cleanup_free_ char *text = property_text(
					&areas[a]->v[i], areas[a],
					&(struct property_of){.state = &state,
							      .unit = loaded ? unit : NULL});

				assert_non_null(text);
			}
	is("MemoryMax", "infinity");
	is("LimitNOFILE", "[not set]");
	is("NoNewPrivileges", "no");
	is("SystemCallFilter", "");
	is("TimeoutStopUSec", "1min 30s");
	is("Conditions", "");
	is("Listen", "");
}

static void what_the_file_says_is_what_is_shown(void **s)
{
	load_text("[Unit]\nConditionPathExists=!/a\nAssertUser=root\nBindsTo=b.service\n"
		  "[Service]\nExecStart=/bin/true\nLimitNOFILE=10:20\nMemoryMax=12.5%\n"
		  "CPUQuota=50%\nTasksMax=7\nProtectSystem=strict\nReadOnlyPaths=-/x /y\n"
		  "CapabilityBoundingSet=CAP_CHOWN CAP_KILL\nSystemCallFilter=~reboot:EPERM\n"
		  "RestrictAddressFamilies=AF_UNIX AF_INET\nRestrictNamespaces=user pid\n"
		  "RuntimeDirectory=a b\nRuntimeDirectoryMode=0700\nCPUAffinity=0-2 5\n"
		  "SuccessExitStatus=3 SIGHUP\nEnvironmentFile=-/e\nBindReadOnlyPaths=/s:/t\n"
		  "StandardOutput=append:/o\nSyslogLevelPrefix=no\n"
		  "[X-Hakim]\nReadyTCP=127.0.0.1:80\nHealthRetries=5\nLogMaxSize=1M\n"
		  "[Install]\nWantedBy=multi-user.target\n");
	assert_non_null(unit);
	is("Conditions", "{ type=ConditionPathExists ; trigger=no ; negate=yes ; parameter=/a ; "
			 "state=untested }");
	is("Asserts", "{ type=AssertUser ; trigger=no ; negate=no ; parameter=root ; "
		      "state=untested }");
	is("BindsTo", "b.service");
	is("LimitNOFILE", "20");
	is("LimitNOFILESoft", "10");
	is("MemoryMax", "12.50%");
	is("CPUQuotaPerSecUSec", "500ms");
	is("TasksMax", "7");
	is("ProtectSystem", "strict");
	is("ReadOnlyPaths", "-/x /y");
	is("CapabilityBoundingSet", "cap_chown cap_kill");
	is("SystemCallFilter", "~reboot:EPERM");
	is("RestrictAddressFamilies", "AF_UNIX AF_INET");
	is("RestrictNamespaces", "pid user");
	is("RuntimeDirectory", "a b");
	is("RuntimeDirectoryMode", "0700");
	is("CPUAffinity", "0-2 5");
	is("SuccessExitStatus", "3 SIGHUP");
	is("EnvironmentFiles", "/e (ignore_errors=yes)");
	is("BindReadOnlyPaths", "/s:/t:rbind");
	is("StandardOutput", "append:/o");
	is("SyslogLevelPrefix", "no");
	is("ReadyTCP", "127.0.0.1:80");
	is("HealthRetries", "5");
	is("LogMaxSize", "1048576");
	is("WantedBy", "multi-user.target");
}

static void a_secret_is_shown_by_its_name_only(void **s)
{
	json_t *packet = json_pack("{s:[s]}", "secrets", "PLAIN");

	load_text("[Service]\nExecStart=/bin/true\nPassEnvironment=MINE\n"
		  "Environment=A=1 PLAIN=2 MINE=3 DB_PASSWORD=4 MINER=5\n"
		  "SetCredential=key:6\nStandardInputText=7\n");
	assert_non_null(unit);
	state.manager_packet = packet;
	is("Environment", "A=1 PLAIN=[secret] MINE=[secret] DB_PASSWORD=[secret] MINER=5");
	is("SetCredential", "key:[secret]");
	is("StandardInputData", "[2 bytes]");
	is("PassEnvironment", "MINE");
	state.manager_packet = NULL;
	json_decref(packet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, files_make, files_remove)
		T(every_directive_has_its_property),
		T(no_name_is_there_twice),
		T(every_property_has_a_value_of_one_that_says_nothing),
		T(what_the_file_says_is_what_is_shown),
		T(a_secret_is_shown_by_its_name_only),
	};

	state.view = view_unit(NULL);
	state.enabled = "";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
