/* Times as a person writes them, and as they stand in a log. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/ctl/when.h"

#define SECOND 1000000ll
#define DAY    (86400 * SECOND)
#define NOW    (1764061200 * SECOND + 250000) /* 2025-11-25T09:00:00.25Z, a Tuesday */
#define TODAY  (1764028800 * SECOND)

static void zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

static void a_time_is_read_as_it_is_meant(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} cases[] = {
		{"now", NOW},
		{"today", TODAY},
		{"yesterday", TODAY - DAY},
		{"tomorrow", TODAY + DAY},
		{"08:00", TODAY + 8 * 3600 * SECOND},
		{"8:00:01.5", TODAY + (8 * 3600 + 1) * SECOND + 500000},
		{"2025-11-25", TODAY},
		{"2025-11-25 08:00", TODAY + 8 * 3600 * SECOND},
		{"2025-11-25 08:00:30", TODAY + (8 * 3600 + 30) * SECOND},
		{"2025-11-25T08:00:30.123456Z", TODAY + (8 * 3600 + 30) * SECOND + 123456},
		{"2025-11-25 UTC", TODAY},
		{"2024-02-29", 1709164800 * SECOND},
		{"-1h", NOW - 3600 * SECOND},
		{"+5s", NOW + 5 * SECOND},
		{"-5", NOW - 5 * SECOND},
		{"10min ago", NOW - 600 * SECOND},
		{"10 min ago", NOW - 600 * SECOND},
		{"1h 30min ago", NOW - 5400 * SECOND},
		{"-1.5h", NOW - 5400 * SECOND},
		{"-2w", NOW - 14 * DAY},
		{"@0", 0},
		{"@1764061200.25", NOW},
	};

	zone("UTC");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};
		int64_t us = -1;

		if (when_parse(cases[i].text, NOW, &us, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		if (us != cases[i].us)
			fail_msg("%s is %lld", cases[i].text, (long long)us);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"soon",
		"5",
		"-",
		"ago",
		"-1h ago",
		"+1h ago",
		"-1x",
		"1h",
		"24:00",
		"8:60",
		"8:00:60",
		"8",
		"2025-11-31",
		"2025-13-01",
		"2025-00-01",
		"25-11-25",
		"2025-11-25 8",
		"2025-11-25x",
		"@",
		"@x",
		"@1x",
		"@-1",
		"-99999999999999999w",
		"@999999999999999999",
		"-1.h",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};
		int64_t us;

		if (when_parse(cases[i], NOW, &us, &err) != -EINVAL)
			fail_msg("\"%s\" was taken", cases[i]);
		assert_non_null(strstr(err.text, "is no time"));
	}
}

static void a_time_without_a_zone_is_local(void **state)
{
	int64_t us;

	zone("XXX-2");
	assert_int_equal(when_parse("2025-11-25 08:00", NOW, &us, NULL), 0);
	assert_int_equal(us, TODAY + 6 * 3600 * SECOND);
	assert_int_equal(when_parse("2025-11-25T08:00:00Z", NOW, &us, NULL), 0);
	assert_int_equal(us, TODAY + 8 * 3600 * SECOND);
	zone("UTC");
}

static void only_a_stamp_is_the_time_of_a_line(void **state)
{
	static const char line[] = "2025-11-25T09:00:00.250000Z!3 hello";

	assert_int_equal(when_of_line(line, strlen(line)), NOW);
	assert_int_equal(when_of_line(line, 27), NOW);
	assert_int_equal(when_of_line(line, 26), WHEN_UNKNOWN);
	assert_int_equal(when_of_line("", 0), WHEN_UNKNOWN);
	assert_int_equal(when_of_line("2025-11-25T09:00:00.25000xZ a", 29), WHEN_UNKNOWN);
	assert_int_equal(when_of_line("2025-13-25T09:00:00.250000Z a", 29), WHEN_UNKNOWN);
	assert_int_equal(when_of_line("xxxx-xxxxxTxxxxxxxxxxxxxxxZ a", 29), WHEN_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_is_read_as_it_is_meant),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(a_time_without_a_zone_is_local),
		cmocka_unit_test(only_a_stamp_is_the_time_of_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
