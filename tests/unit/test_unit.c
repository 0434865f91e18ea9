/* What each directive means. */
#include "tests/unit/unit_help.h"

#include "supervisor/directive.h"

#define GOOD "[Service]\nExecStart=/bin/true\n"

static void all_directives_of_a_unit_are_read(void **state)
{
	load_text(
		"[Unit]\nDescription=The %N\nDocumentation=man:a(1)\nDocumentation=https://b/\n"
		"After=a.service "
		"network.target\nBefore=b.service\nWants=c.service\nRequires=d.service e.service\n"
		"ConditionPathExists=!/x\nConditionEnvironment=|A=b\n"
		"[Service]\nType=notify\nExecStart=/bin/x "
		"$A\nExecStartPre=-/bin/y\nExecStop=/bin/z ; /bin/zz\n"
		"User=coder\nGroup=1000\nWorkingDirectory=-~\nRestart=on-failure\nRestartSec=2\n"
		"RestartSteps=5\nRestartMaxDelaySec=1min\nTimeoutStartSec=0\nTimeoutStopSec=5min\n"
		"KillSignal=SIGQUIT\nKillMode=process\nRuntimeDirectory=a b/c\nStateDirectory=%N\n"
		"Environment=\"A=b c\" D=\nEnvironmentFile=-/etc/default/%N\nPassEnvironment=T U "
		"T\n"
		"[X-Hakim]\nReadyHTTP=http://127.0.0.1:2113/a%20x\nReadyIntervalSec=1\nStatusExec=/"
		"bin/"
		"s %n\n"
		"StatusIntervalSec=10\nSecretPipe=T\nLogMaxSize=1M\nLogKeep="
		"2\nWorkingDirectoryFrom=DIR\n"
		"EnvironmentDefault=LANG=C.UTF-8\n");
	assert_int_equal(problems.n, 0);
	assert_non_null(unit);
	assert_string_equal(unit->description, "The x");
	assert_string_equal(unit->documentation, "man:a(1) https://b/");
	assert_int_equal(unit->after.n, 2);
	assert_string_equal(unit->requires.v[1], "e.service");
	assert_int_equal(unit->n_conditions, 2);
	assert_true(unit->conditions[0].negate && !unit->conditions[0].trigger);
	assert_string_equal(unit->conditions[0].arg, "/x");
	assert_true(unit->conditions[1].trigger &&
		    unit->conditions[1].kind == CONDITION_ENVIRONMENT);
	assert_int_equal(unit->type, TYPE_NOTIFY);
	assert_string_equal(unit->start.v[0].argv.v[1], "$A");
	assert_true(unit->start_pre.v[0].ignore_failure);
	assert_int_equal(unit->stop.n, 2);
	assert_string_equal(unit->user, "coder");
	assert_string_equal(unit->group, "1000");
	assert_string_equal(unit->working_directory, "~");
	assert_true(unit->working_directory_optional);
	assert_int_equal(unit->restart, RESTART_ON_FAILURE);
	assert_int_equal(unit->restart_usec, 2 * USEC_PER_SEC);
	assert_int_equal(unit->restart_steps, 5);
	assert_int_equal(unit->restart_max_delay_usec, 60 * USEC_PER_SEC);
	assert_true(unit->timeout_start_usec == USEC_INFINITY);
	assert_int_equal(unit->timeout_stop_usec, 300 * USEC_PER_SEC);
	assert_int_equal(unit->kill_signal, 3);
	assert_int_equal(unit->kill_mode, KILL_PROCESS);
	assert_string_equal(unit->directories[DIRECTORY_RUNTIME].v[1], "b/c");
	assert_string_equal(unit->directories[DIRECTORY_STATE].v[0], "x");
	assert_string_equal(unit->environment.v[0], "A=b c");
	assert_string_equal(unit->environment.v[1], "D=");
	assert_string_equal(unit->environment_files.v[0], "-/etc/default/x");
	assert_int_equal(unit->pass_environment.n, 2);
	assert_string_equal(unit->ready.http.v[0], "http://127.0.0.1:2113/a%20x");
	assert_int_equal(unit->ready.interval_usec, USEC_PER_SEC);
	assert_string_equal(unit->status_exec.argv.v[1], "x.service");
	assert_int_equal(unit->status_interval_usec, 10 * USEC_PER_SEC);
	assert_string_equal(unit->secret_pipe.v[0], "T");
	assert_int_equal(unit->log_max_bytes, 1 << 20);
	assert_int_equal(unit->log_keep, 2);
	assert_string_equal(unit->working_directory_from, "DIR");
	assert_string_equal(unit->environment_default.v[0], "LANG=C.UTF-8");
}

static void each_word_of_an_enum_is_taken(void **state)
{
	char line[64];

	for (enum unit_restart i = RESTART_NO; i <= RESTART_ALWAYS; i++) {
		snprintf(line, sizeof(line), "Restart=%s", unit_restart_name(i));
		load_service(line);
		assert_int_equal(unit->restart, i);
	}
	for (enum unit_type i = TYPE_SIMPLE; i <= TYPE_NOTIFY; i++) {
		snprintf(line, sizeof(line), "Type=%s", unit_type_name(i));
		load_service(line);
		assert_int_equal(unit->type, i);
	}
	for (enum unit_kill_mode i = KILL_CONTROL_GROUP; i <= KILL_NONE; i++) {
		snprintf(line, sizeof(line), "KillMode=%s", unit_kill_mode_name(i));
		load_service(line);
		assert_int_equal(unit->kill_mode, i);
	}
	assert_said("KillMode: \"none\" leaves", false);
	load_service("Type=idle");
	assert_int_equal(unit->type, TYPE_SIMPLE);
}

static void helpers_may_notify_where_the_unit_says_so(void **state)
{
	load_service("NotifyAccess=main");
	assert_int_equal(unit->life.notify_access, NOTIFY_MAIN);
	load_service("NotifyAccess=exec");
	assert_int_equal(unit->life.notify_access, NOTIFY_EXEC);
	load_service("NotifyAccess=all");
	assert_int_equal(unit->life.notify_access, NOTIFY_ALL);
	assert_int_equal(problems.n, 0);
	/* By itself the main process alone, and only where its messages are asked for. */
	load_service("Type=simple");
	assert_int_equal(unit->life.notify_access, NOTIFY_NONE);
	load_service("Type=notify");
	assert_int_equal(unit->life.notify_access, NOTIFY_MAIN);
	load_service("WatchdogSec=1");
	assert_int_equal(unit->life.notify_access, NOTIFY_MAIN);
	load_service("Type=notify-reload\nNotifyAccess=none");
	assert_int_equal(unit->life.notify_access, NOTIFY_NONE);
	refuse_service("NotifyAccess=yes", "NotifyAccess: ");
}

static void values_that_are_none_refuse_the_unit(void **state)
{
	static const struct {
		const char *line, *says;
	} bad[] = {
		{"Type=dbus", "Type: \"dbus\" needs BusName="},
		{"Type=dbus\nBusName=here", "BusName: \"here\" is no name on a bus"},
		{"Type=Simple", "Type: \"Simple\" is none of"},
		{"Type=", "Type: \"\" is none of"},
		{"Restart=yes", "Restart: "},
		{"RestartSec=soon", "RestartSec: "},
		{"RestartSec=", "RestartSec: "},
		{"RestartSteps=-1", "RestartSteps: "},
		{"TimeoutStopSec=5x", "TimeoutStopSec: "},
		{"KillSignal=SIGFOO", "KillSignal: "},
		{"KillMode=all", "KillMode: "},
		{"User=a b", "User: "},
		{"User=-x", "User: "},
		{"User=4294967295", "User: "},
		{"User=65535", "User: "},
		{"User=12x", "User: "},
		{"User=%z", "User: there is no specifier %z"},
		{"Group=a:b", "Group: "},
		{"WorkingDirectory=x", "WorkingDirectory: "},
		{"WorkingDirectory=-", "WorkingDirectory: "},
		{"WorkingDirectory=/a/../b", "WorkingDirectory: "},
		{"Environment=A", "Environment: "},
		{"Environment=1A=b", "Environment: "},
		{"Environment=\"A=b", "Environment: the quote"},
		{"EnvironmentFile=x", "EnvironmentFile: "},
		{"EnvironmentFile=-x", "EnvironmentFile: "},
		{"EnvironmentFile=/etc/*.env", "EnvironmentFile: patterns"},
		{"PassEnvironment=A=b", "PassEnvironment: "},
		{"RuntimeDirectory=/run/x", "RuntimeDirectory: "},
		{"RuntimeDirectory=../x", "RuntimeDirectory: "},
		{"RuntimeDirectory=a/../b", "RuntimeDirectory: "},
		{"RuntimeDirectory=.", "RuntimeDirectory: "},
		{"RuntimeDirectory=a//b", "RuntimeDirectory: "},
		{"RuntimeDirectory=a:b", "RuntimeDirectory: "},
		{"ExecStartPre=+!/bin/x", "ExecStartPre: only one of the prefixes"},
		{"ExecStop=a/b", "ExecStop: a/b is neither"},
		{"ExecStop=/bin/%z", "ExecStop: there is no specifier %z"},
		{"[Unit]\nAfter=a/b.service", "After: "},
		{"[Unit]\nConditionPathExists=x", "ConditionPathExists: "},
		{"[Unit]\nConditionEnvironment=!", "ConditionEnvironment: "},
		{"[Unit]\nAssertUnknown=/x", "AssertUnknown: is not supported yet"},
		{"[Unit]\nAssertPathExists=x", "AssertPathExists: "},
		{"[Unit]\nConditionMemory=much", "ConditionMemory: "},
		{"[Unit]\nConditionCPUs=$=2", "ConditionCPUs: "},
		{"[Unit]\nConditionCapability=CAP_NONE", "ConditionCapability: "},
		{"[Unit]\nConditionSecurity=luck", "ConditionSecurity: "},
		{"[Unit]\nConditionFirmware=smbios-field(a)", "ConditionFirmware: "},
		{"[Unit]\nConditionFirmware=luck", "ConditionFirmware: "},
		{"[Unit]\nConditionFirmware=smbios-field(../a=b)", "ConditionFirmware: "},
		{"[Unit]\nConditionOSRelease=ID", "ConditionOSRelease: "},
		{"[Unit]\nConditionMemoryPressure=a.slice:10%", "ConditionMemoryPressure: "},
		{"[Unit]\nConditionMemoryPressure=101%", "ConditionMemoryPressure: "},
		{"[Unit]\nConditionFirstBoot=maybe", "ConditionFirstBoot: "},
		{"[Unit]\nConditionUser=!", "ConditionUser: "},
		{"[X-Hakim]\nReadyHTTP=https://x/", "ReadyHTTP: "},
		{"[X-Hakim]\nReadyHTTP=http://", "ReadyHTTP: "},
		{"[X-Hakim]\nReadyHTTP=http://example.org/", "ReadyHTTP: "},
		{"[X-Hakim]\nReadyIntervalSec=0", "ReadyIntervalSec: "},
		{"[X-Hakim]\nReadyIntervalSec=infinity", "ReadyIntervalSec: "},
		{"[X-Hakim]\nStatusExec=/bin/a ; /bin/b", "StatusExec: "},
		{"[X-Hakim]\nLogMaxSize=10", "LogMaxSize: "},
		{"[X-Hakim]\nLogKeep=101", "LogKeep: "},
		{"[X-Hakim]\nStrict=maybe", "Strict: "},
		{"[X-Hakim]\nWorkingDirectoryFrom=$X", "WorkingDirectoryFrom: "},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuse_service(bad[i].line, bad[i].says);
}

static void no_message_tells_a_value_of_the_environment(void **state)
{
	refuse_service("Environment=TOKEN=a s3cret", "Environment: ");
	assert_null(strstr(problems.v[0].text, "s3cret"));
}

static void what_would_weaken_security_refuses_the_unit(void **state)
{
	static const char *const lines[] = {
		"RootDirectory=/x",
		"SELinuxContext=x",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		refuse_service(lines[i], "is not supported yet and cannot be left out");
}

static void a_profile_of_apparmor_is_left_out_only_where_its_author_allows_it(void **state)
{
	refuse_service("AppArmorProfile=tight",
		       ":3: AppArmorProfile: no profile can be changed to");
	load_service("AppArmorProfile=-tight");
	assert_int_equal(problems.n, 1);
	assert_said(":3: AppArmorProfile: no profile is changed to", false);
	load_service("AppArmorProfile=tight\nAppArmorProfile=");
	assert_int_equal(problems.n, 0);
}

static void permissions_start_only_is_a_plus_before_all_other_commands(void **state)
{
	static const char lines[] = "User=nobody\nExecCondition=/bin/c\nExecStartPre=!/bin/x\n"
				    "ExecStartPost=/bin/y\nExecReload=/bin/r\nExecStop=/bin/s\n"
				    "ExecStopPost=/bin/p\nPermissionsStartOnly=";
	char text[512];

	for (unsigned yes = 0; yes < 2; yes++) {
		snprintf(text, sizeof(text), "%s%s", lines, yes ? "yes" : "no");
		load_service(text);
		assert_int_equal(problems.n, 0);
		assert_false(unit->start.v[0].privileged);
		assert_int_equal(unit->life.condition.v[0].privileged, yes);
		assert_int_equal(unit->start_pre.v[0].privileged, yes);
		assert_int_equal(unit->life.start_post.v[0].privileged, yes);
		assert_int_equal(unit->life.reload.v[0].privileged, yes);
		assert_int_equal(unit->stop.v[0].privileged, yes);
		assert_int_equal(unit->life.stop_post.v[0].privileged, yes);
	}
	refuse_service("PermissionsStartOnly=maybe", ":3: PermissionsStartOnly: ");
}

static void values_that_ask_for_nothing_are_fine(void **state)
{
	load_service("NoNewPrivileges=no\nAmbientCapabilities=\nDynamicUser=false\nUMask="
		     "022\nRootDirectory=/\n"
		     "SystemCallFilter=\nPrivateTmp=no\nSendSIGKILL=1\nRuntimeDirectoryMode="
		     "755\nNice=0\n"
		     "RemainAfterExit=off\n[Unit]\nConditionPathIsDirectory=\nJobTimeoutSec=");
	assert_int_equal(problems.n, 0);
}

static void sandboxing_is_noted_and_refused_when_strict(void **state)
{
	load_service("RestrictFileSystems=ext4\nSocketBindDeny=any");
	assert_int_equal(problems.n, 2);
	assert_said(":3: RestrictFileSystems: ", false);
	refuse_service("RestrictFileSystems=ext4\n[X-Hakim]\nStrict=yes",
		       ":3: RestrictFileSystems: ");
	load_service("RestrictFileSystems=ext4\n[X-Hakim]\nStrict=no");
	load_service("PAMName=login");
	assert_said(":3: PAMName: is not supported yet: the service runs without", false);
	refuse_service("PAMName=login\n[X-Hakim]\nStrict=yes", ":3: PAMName: ");
	load_service("NUMAMask=0\n[X-Hakim]\nStrict=yes");
}

static void harmless_and_unknown_directives_are_noted(void **state)
{
	load_service("SyslogFacility=daemon\nLogNamespace=x\nNUMAMask=0\nFooBar=1\nX-Mine=2\n[X-"
		     "Hakim]\nFoo=1");
	assert_int_equal(problems.n, 5);
	assert_said(":3: SyslogFacility: has no effect here", false);
	assert_said(":5: NUMAMask: is not supported yet", false);
	assert_said(":6: FooBar: unknown directive in [Service]", false);
	assert_said(":9: Foo: unknown directive in [X-Hakim]", false);
	/* A name counts in its own section, and with its own capitals. */
	load_service("After=x.service\nrestart=always");
	assert_int_equal(unit->after.n, 0);
	assert_int_equal(unit->restart, RESTART_NO);
	assert_int_equal(problems.n, 2);
}

static void a_service_needs_exactly_one_command(void **state)
{
	refuse("[Service]\nType=simple\n", "ExecStart: a service needs one");
	refuse("[Service]\nType=oneshot\n", "ExecStart: a service needs one");
	load_text("[Service]\nType=oneshot\nExecStart=/bin/a\nExecStart=/bin/b\n");
	assert_int_equal(unit->start.n, 2);
	load_text("[Service]\nType=oneshot\nRemainAfterExit=yes\n");
	assert_non_null(unit);
	load_text("[Service]\nType=oneshot\nExecStop=/bin/a\n");
	assert_non_null(unit);
	refuse("[Unit]\nDescription=x\n", "ExecStart: a service needs one");
	refuse("[Service]\nExecStart=/bin/a\nExecStart=\n", "ExecStart: a service needs one");
	refuse("[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n",
	       "ExecStart: there is more than one command");
	refuse("[Service]\nExecStart=/bin/a ; /bin/b\n",
	       "ExecStart: there is more than one command");
	load_text("[Service]\nExecStart=/bin/a\nExecStart=\nExecStart=/bin/b\n");
	assert_non_null(unit);
	assert_string_equal(unit->start.v[0].path, "/bin/b");
	/* What follows from a mistake is not told besides it. */
	refuse("[Service]\nExecStart=a/b\n", "ExecStart: a/b");
	assert_int_equal(problems.n, 1);
}

static void oneshot_has_its_own_rules(void **state)
{
	load_service("Type=oneshot");
	assert_true(unit->timeout_start_usec == USEC_INFINITY);
	load_service("TimeoutStartSec=5\nType=oneshot");
	assert_int_equal(unit->timeout_start_usec, 5 * USEC_PER_SEC);
	load_service("TimeoutSec=7");
	assert_int_equal(unit->timeout_start_usec, 7 * USEC_PER_SEC);
	assert_int_equal(unit->timeout_stop_usec, 7 * USEC_PER_SEC);
	refuse_service("Type=oneshot\nRestart=always",
		       "Restart: \"always\" is not for Type=oneshot");
	load_service("Type=oneshot\nRestart=on-failure");
}

static void restart_steps_need_a_longest_delay(void **state)
{
	load_service("RestartSteps=3");
	assert_int_equal(unit->restart_steps, 0);
	assert_said("RestartSteps: has no effect", false);
	load_service("RestartSec=10\nRestartMaxDelaySec=5");
	assert_int_equal(unit->restart_usec, 5 * USEC_PER_SEC);
	assert_said("RestartSec: is more", false);
}

static void dependencies_can_only_be_added(void **state)
{
	load_service("[Unit]\nAfter=a.service\nAfter=\nAfter=b");
	assert_int_equal(unit->after.n, 2);
	assert_string_equal(unit->after.v[1], "b.service");
	assert_said("After: an empty value changes nothing", false);
	assert_said("After: \"b\" is taken for b.service", false);
	/* A later line does not hide what is wrong with an earlier one. */
	refuse_service("[Unit]\nAfter=a/b\nAfter=c.service\nAfter=", "After: \"a/b\"");
}

static void an_empty_condition_takes_all_conditions_back(void **state)
{
	load_service("[Unit]\nConditionPathExists=/"
		     "x\nConditionEnvironment=A\nAssertHost=b\nConditionUnheard="
		     "y\nConditionPathExists=\n"
		     "ConditionPathExists=/z");
	assert_int_equal(unit->n_conditions, 2);
	assert_string_equal(unit->conditions[0].arg, "b");
	assert_true(unit->conditions[0].assertion);
	assert_string_equal(unit->conditions[1].arg, "/z");
	assert_false(unit->conditions[1].assertion);
	assert_int_equal(problems.n, 0);
	/* Also one of a kind that is not supported. */
	load_service("[Unit]\nConditionPathExists=/x\nConditionUnheard=y\nConditionUnheard=");
	assert_int_equal(unit->n_conditions, 0);
	assert_int_equal(problems.n, 0);
	refuse_service("[Unit]\nAssertUnheard=x\nConditionHost=", "AssertUnheard: ");
	load_service("[Unit]\nAssertPathExists=/x\nAssertUnheard=x\nAssertHost=");
	assert_int_equal(unit->n_conditions, 0);
}

static void a_variable_that_systemd_drops_is_noted(void **state)
{
	load_service("ExecStop=/bin/echo $HOME/x");
	assert_said("ExecStop: the word \"$HOME/x\" is left out", false);
	load_service("ExecStop=/bin/echo $HOME ${HOME}/x $$HOME a$b");
	assert_int_equal(problems.n, 0);
}

static void the_tables_are_in_order_and_no_name_is_in_both(void **state)
{
	size_t n;
	const struct directive_area *const *areas = directive_areas(&n);

	for (size_t a = 0; a < n; a++) {
		const struct directive_area *area = areas[a];

		for (size_t i = 0; i < area->n; i++) {
			if (i && strcmp(area->v[i - 1].name, area->v[i].name) >= 0)
				fail_msg("%s is not behind %s", area->v[i].name,
					 area->v[i - 1].name);
			/* Found elsewhere: it is in two areas. */
			assert_ptr_equal(directive_find(area->section, area->v[i].name),
					 &area->v[i]);
			if (directive_find_known(area->section, area->v[i].name))
				fail_msg("%s is both supported and not", area->v[i].name);
		}
	}
	for (enum directive_section s = 0; s < DIRECTIVES_SECTIONS; s++) {
		size_t m;
		const struct known *known = directives_known(s, &m);

		for (size_t i = 1; i < m; i++)
			if (strcmp(known[i - 1].name, known[i].name) >= 0)
				fail_msg("%s is not behind %s", known[i].name, known[i - 1].name);
	}
}

static void assert_has(const char *text, const char *directive)
{
	char name[80];

	snprintf(name, sizeof(name), "`%s=`", directive);
	if (!strstr(text, name))
		fail_msg("docs/modules.md does not have %s", name);
}

/* The manual lists every name of the tables as `Name=`. */
static void the_manual_has_every_directive(void **state)
{
	static char text[1 << 18];
	FILE *f = fopen("docs/modules.md", "r");
	size_t n;
	const struct directive_area *const *areas = directive_areas(&n);

	if (!f)
		skip(); /* not run at the top of the sources */
	assert_in_range(fread(text, 1, sizeof(text) - 1, f), 1, sizeof(text) - 2);
	fclose(f);
	for (size_t a = 0; a < n; a++)
		for (size_t i = 0; i < areas[a]->n; i++)
			assert_has(text, areas[a]->v[i].name);
	for (enum directive_section s = 0; s < DIRECTIVES_SECTIONS; s++) {
		size_t m;
		const struct known *known = directives_known(s, &m);

		for (size_t i = 0; i < m; i++)
			assert_has(text, known[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_directives_of_a_unit_are_read),
		TEST(each_word_of_an_enum_is_taken),
		TEST(helpers_may_notify_where_the_unit_says_so),
		TEST(values_that_are_none_refuse_the_unit),
		TEST(no_message_tells_a_value_of_the_environment),
		TEST(what_would_weaken_security_refuses_the_unit),
		TEST(a_profile_of_apparmor_is_left_out_only_where_its_author_allows_it),
		TEST(permissions_start_only_is_a_plus_before_all_other_commands),
		TEST(values_that_ask_for_nothing_are_fine),
		TEST(sandboxing_is_noted_and_refused_when_strict),
		TEST(harmless_and_unknown_directives_are_noted),
		TEST(a_service_needs_exactly_one_command),
		TEST(oneshot_has_its_own_rules),
		TEST(restart_steps_need_a_longest_delay),
		TEST(dependencies_can_only_be_added),
		TEST(an_empty_condition_takes_all_conditions_back),
		TEST(a_variable_that_systemd_drops_is_noted),
		TEST(the_tables_are_in_order_and_no_name_is_in_both),
		TEST(the_manual_has_every_directive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
