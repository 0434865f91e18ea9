/* Ready…= and Health…= as they are written in a unit file. */
#include "tests/unit/unit_help.h"

static void all_of_them_are_read(void **state)
{
	load_service(
		"[X-Hakim]\nReadyHTTP=http://127.0.0.1:1/%41\nReadyHTTP=http+unix:///run/x:/y\n"
		"ReadyHTTPStatus=200 3xx\nReadyHTTPBody=/a|b/\nReadyTCP=localhost:5\n"
		"ReadyUnix=/run/%N.sock\nReadyExec=-/bin/a b\nReadyExec=/bin/c\nReadyLog=up\n"
		"ReadyIntervalSec=1\nReadyTimeoutSec=2\n"
		"HealthHTTP=http://[::1]/\nHealthHTTPStatus=404\nHealthHTTPBody=ok\n"
		"HealthTCP=127.0.0.1:6\nHealthUnix=@x\nHealthExec=/bin/d\nHealthIntervalSec=3\n"
		"HealthTimeoutSec=4\nHealthRetries=5\nHealthStartPeriodSec=6");
	assert_int_equal(problems.n, 0);
	assert_int_equal(unit->ready.http.n, 2);
	assert_string_equal(unit->ready.http.v[0], "http://127.0.0.1:1/%41");
	assert_string_equal(unit->ready.http_status, "200 3xx");
	assert_string_equal(unit->ready.http_body, "/a|b/");
	assert_string_equal(unit->ready.tcp.v[0], "localhost:5");
	assert_string_equal(unit->ready.sockets.v[0], "/run/x.sock");
	assert_int_equal(unit->ready.exec.n, 2);
	assert_true(unit->ready.exec.v[0].ignore_failure);
	assert_string_equal(unit->ready.log, "up");
	assert_int_equal(unit->ready.interval_usec, USEC_PER_SEC);
	assert_int_equal(unit->ready.timeout_usec, 2 * USEC_PER_SEC);
	assert_string_equal(unit->health.http.v[0], "http://[::1]/");
	assert_string_equal(unit->health.http_status, "404");
	assert_string_equal(unit->health.http_body, "ok");
	assert_string_equal(unit->health.tcp.v[0], "127.0.0.1:6");
	assert_string_equal(unit->health.sockets.v[0], "@x");
	assert_string_equal(unit->health.exec.v[0].path, "/bin/d");
	assert_int_equal(unit->health.interval_usec, 3 * USEC_PER_SEC);
	assert_int_equal(unit->health.timeout_usec, 4 * USEC_PER_SEC);
	assert_int_equal(unit->health_retries, 5);
	assert_int_equal(unit->health_start_usec, 6 * USEC_PER_SEC);
}

static void a_question_may_have_variables(void **state)
{
	load_service("[X-Hakim]\nReadyHTTP=http://127.0.0.1:${PORT}/x\nReadyTCP=localhost:${P_2}\n"
		     "ReadyUnix=${DIR}/sock\nHealthUnix=/run/${NAME}.sock");
	assert_int_equal(problems.n, 0);
	assert_string_equal(unit->ready.sockets.v[0], "${DIR}/sock");
}

static void the_defaults_are_those_of_the_manual(void **state)
{
	load_service("");
	assert_int_equal(unit->ready.http.n + unit->ready.tcp.n + unit->ready.sockets.n, 0);
	assert_null(unit->ready.log);
	assert_int_equal(unit->ready.interval_usec, 250000);
	assert_int_equal(unit->ready.timeout_usec, 5 * USEC_PER_SEC);
	assert_int_equal(unit->health.interval_usec, 30 * USEC_PER_SEC);
	assert_int_equal(unit->health.timeout_usec, 5 * USEC_PER_SEC);
	assert_int_equal(unit->health_retries, 3);
	assert_int_equal(unit->health_start_usec, 0);
}

static void empty_values_take_back(void **state)
{
	load_service(
		"[X-Hakim]\nReadyHTTP=http://127.0.0.1/\nReadyHTTP=\nReadyTCP=127.0.0.1:1\n"
		"ReadyTCP=\nReadyTCP=127.0.0.1:2\nReadyExec=/bin/a\nReadyExec=\nReadyLog=x\n"
		"ReadyLog=\nReadyHTTPStatus=200\nReadyHTTPStatus=\nHealthUnix=/x\nHealthUnix=\n"
		"HealthHTTPBody=a\nHealthHTTPBody=");
	assert_int_equal(unit->ready.http.n, 0);
	assert_int_equal(unit->ready.tcp.n, 1);
	assert_string_equal(unit->ready.tcp.v[0], "127.0.0.1:2");
	assert_int_equal(unit->ready.exec.n, 0);
	assert_null(unit->ready.log);
	assert_null(unit->ready.http_status);
	assert_int_equal(unit->health.sockets.n, 0);
	assert_null(unit->health.http_body);
}

static void what_could_never_be_answered_refuses_the_unit_with_its_line(void **state)
{
	static const struct {
		const char *line, *says;
	} bad[] = {
		{"ReadyHTTP=https://127.0.0.1/", "x.service:4: ReadyHTTP: "},
		{"HealthHTTP=http://example.org/", "x.service:4: HealthHTTP: "},
		{"ReadyHTTPStatus=ok", "ReadyHTTPStatus: \"ok\" is no status"},
		{"HealthHTTPStatus=200,204", "HealthHTTPStatus: "},
		{"ReadyHTTPBody=/(/", "ReadyHTTPBody: "},
		{"HealthHTTPBody=/a\\1/", "HealthHTTPBody: "},
		{"ReadyHTTP=http://127.0.0.1:${PORT/",
		 "ReadyHTTP: http://127.0.0.1:${PORT/: the } is missing"},
		{"ReadyHTTP=http://127.0.0.1:${1P}/", "ReadyHTTP: \"1P\" is no name of a variable"},
		{"ReadyTCP=80", "ReadyTCP: "},
		{"HealthTCP=example.org:80", "HealthTCP: "},
		{"ReadyUnix=run/x", "ReadyUnix: "},
		{"HealthUnix=@", "HealthUnix: "},
		{"ReadyExec=a/b", "ReadyExec: "},
		{"HealthExec=\"", "HealthExec: "},
		{"ReadyLog=/[/", "ReadyLog: /[/ is no regular expression"},
		{"ReadyIntervalSec=0", "ReadyIntervalSec: "},
		{"ReadyTimeoutSec=infinity", "ReadyTimeoutSec: "},
		{"HealthIntervalSec=1ms", "HealthIntervalSec: "},
		{"HealthTimeoutSec=x", "HealthTimeoutSec: "},
		{"HealthRetries=0", "HealthRetries: "},
		{"HealthRetries=-1", "HealthRetries: "},
		{"HealthStartPeriodSec=soon", "HealthStartPeriodSec: "},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char text[128];

		snprintf(text, sizeof(text), "[X-Hakim]\n%s", bad[i].line);
		refuse_service(text, bad[i].says);
	}
}

static void there_is_a_limit_to_what_is_asked(void **state)
{
	char text[2000] = "[X-Hakim]\n";

	for (unsigned i = 0; i < 17; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "ReadyTCP=127.0.0.1:%u\n", i + 1);
	refuse_service(text, "ReadyTCP: there are more than 16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_of_them_are_read),
		TEST(a_question_may_have_variables),
		TEST(the_defaults_are_those_of_the_manual),
		TEST(empty_values_take_back),
		TEST(what_could_never_be_answered_refuses_the_unit_with_its_line),
		TEST(there_is_a_limit_to_what_is_asked),
	};

	return cmocka_run_group_tests_name("unit watch", tests, NULL, NULL);
}
