/* How exposed a service is, by its unit. */
#include "supervisor/ctl/exposure.h"
#include "tests/unit/unit_help.h"

static unsigned badness(const char *name)
{
	size_t n;
	const struct exposure_check *checks = exposure_checks(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(checks[i].name, name) == 0)
			return checks[i].badness(unit, &checks[i]);
	fail_msg("there is no check %s", name);
	return 0;
}

static void a_plain_service_of_root_is_unsafe_and_a_closed_one_is_fine(void **state)
{
	unsigned plain, user;

	load_service("");
	plain = exposure_of(unit);
	assert_in_range(plain, 90, 100);
	load_service("User=coder");
	user = exposure_of(unit);
	assert_true(user < plain);
	load_service("DynamicUser=yes\nCapabilityBoundingSet=\nSystemCallFilter=@basic-io\n"
		     "SystemCallArchitectures=native\nRestrictAddressFamilies=none\n"
		     "RestrictNamespaces=yes\nRestrictRealtime=yes\nLockPersonality=yes\n"
		     "MemoryDenyWriteExecute=yes\nProtectHome=yes\nPrivateDevices=yes\n"
		     "PrivateNetwork=yes\nProtectKernelTunables=yes\nProtectKernelModules=yes\n"
		     "ProtectKernelLogs=yes\nProtectControlGroups=yes\nProtectClock=yes\n"
		     "ProtectHostname=yes\nProtectProc=ptraceable\nProcSubset=pid\nUMask=0077\n"
		     "KeyringMode=private\nPrivateUsers=yes");
	/* One of the checks cannot be met here. */
	assert_in_range(exposure_of(unit), 1, 6);
	assert_int_equal(exposure_level(exposure_of(unit)), EXPOSURE_SAFE);
}

static void each_check_asks_for_what_it_names(void **state)
{
	load_service("CapabilityBoundingSet=~CAP_SYS_ADMIN CAP_KILL\nSystemCallFilter=~@mount\n"
		     "RestrictAddressFamilies=AF_UNIX AF_INET\nRestrictNamespaces=net\n"
		     "ProtectSystem=full\nUMask=0027");
	assert_int_equal(badness("CapabilityBoundingSet=~CAP_SYS_ADMIN"), 0);
	assert_int_equal(badness("CapabilityBoundingSet=~CAP_SYS_PTRACE"), 1);
	assert_int_equal(badness("SystemCallFilter=~@mount"), 0);
	assert_int_equal(badness("SystemCallFilter=~@swap"), 1);
	assert_int_equal(badness("RestrictAddressFamilies=~AF_PACKET"), 0);
	assert_int_equal(badness("RestrictAddressFamilies=~AF_(INET|INET6)"), 1);
	assert_int_equal(badness("RestrictNamespaces=~net"), 1);
	assert_int_equal(badness("RestrictNamespaces=~user"), 0);
	assert_int_equal(badness("ProtectSystem="), 3);
	assert_int_equal(badness("UMask="), 1);
	assert_int_equal(badness("User="), 10);
	assert_int_equal(badness("PrivateUsers="), 1);
	load_service("SystemCallFilter=@system-service\nUser=nobody\nUMask=0077");
	assert_int_equal(badness("SystemCallFilter=~@mount"), 0);
	assert_int_equal(badness("SystemCallFilter=~@resources"), 1);
	assert_int_equal(badness("User="), 9);
	assert_int_equal(badness("UMask="), 0);
}

static void ratings_have_names(void **state)
{
	assert_string_equal(exposure_level_name(exposure_level(0)), "PERFECT");
	assert_string_equal(exposure_level_name(exposure_level(9)), "SAFE");
	assert_string_equal(exposure_level_name(exposure_level(49)), "OK");
	assert_string_equal(exposure_level_name(exposure_level(74)), "MEDIUM");
	assert_string_equal(exposure_level_name(exposure_level(75)), "EXPOSED");
	assert_string_equal(exposure_level_name(exposure_level(96)), "UNSAFE");
	assert_string_equal(exposure_level_name(exposure_level(100)), "DANGEROUS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_plain_service_of_root_is_unsafe_and_a_closed_one_is_fine),
		TEST(each_check_asks_for_what_it_names),
		TEST(ratings_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
