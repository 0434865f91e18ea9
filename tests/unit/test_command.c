/* Command lines, words, specifiers, time spans, sizes and signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/specifier.h"

/* "[a][b c]": brackets show where words begin and end, also empty ones. */
static char *words_show(const struct strv *words)
{
	size_t size;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	for (size_t i = 0; i < words->n; i++)
		fprintf(f, "[%s]", words->v[i]);
	fclose(f);
	return text;
}

static void assert_words(const struct strv *words, const char *expected)
{
	_cleanup_free_ char *shown = words_show(words);

	assert_string_equal(shown, expected);
}

static void check_split(const char *line, const char *expected)
{
	_cleanup_(strv_free) struct strv words = {0};
	struct err err = {0};

	if (words_split(line, &words, &err) < 0)
		fail_msg("%s: %s", line, err.text);
	assert_words(&words, expected);
}

static void words_are_split_as_systemd_does(void **state)
{
	/* What systemd 252 makes of them was seen with `systemd-analyze verify`. */
	check_split("", "");
	check_split(" \t ", "");
	check_split("a b\tc", "[a][b][c]");
	check_split("  a  ", "[a]");
	check_split("\"a b\" 'c d'", "[a b][c d]");
	check_split("a\"b c\"d", "[ab cd]");
	check_split("\"\" ''", "[][]");
	check_split("'a\"b' \"c'd\"", "[a\"b][c'd]");
	check_split("a\\x41\\101\\tb 'x\\ty' \\s", "[aAA\tb][x\ty][ ]");
	check_split("\\u00e4 \\U0001f600 \\\\ \\\"", "[\u00e4][\U0001f600][\\][\"]");
	check_split("a;b # c", "[a;b][#][c]");
}

static void bad_words_are_refused_and_nothing_is_added(void **state)
{
	static const char *const bad[] = {
		"a \"b",   "a 'b",    "a \\q",     "a \\",          "a \\x0", "a \\x00",
		"a \\000", "a \\400", "a \\ud800", "a \\U00110000", "a \\08", "a '\\'",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_(strv_free) struct strv words = {0};
		struct err err = {0};

		assert_int_equal(words_split(bad[i], &words, &err), -EINVAL);
		assert_int_equal(words.n, 0);
		assert_true(*err.text);
	}
}

static void a_megabyte_of_words_is_refused_at_once(void **state)
{
	_cleanup_(strv_free) struct strv words = {0};
	size_t size = 1 << 20;
	_cleanup_free_ char *line = malloc(size + 1);

	assert_non_null(line);
	for (size_t i = 0; i < size; i += 2)
		memcpy(line + i, "a ", 2);
	line[size] = '\0';
	assert_int_equal(words_split(line, &words, NULL), -E2BIG);
	assert_int_equal(words.n, 0);
}

static void commands_have_path_and_arguments(void **state)
{
	_cleanup_(commands_free) struct commands commands = {0};

	assert_int_equal(commands_parse("/bin/echo 'a b' c", &commands, NULL), 0);
	assert_int_equal(commands.n, 1);
	assert_string_equal(commands.v[0].path, "/bin/echo");
	assert_words(&commands.v[0].argv, "[/bin/echo][a b][c]");
	assert_false(commands.v[0].ignore_failure);
	/* A second value appends. */
	assert_int_equal(commands_parse("true", &commands, NULL), 0);
	assert_int_equal(commands.n, 2);
	assert_string_equal(commands.v[1].path, "true");
}

static void semicolons_separate_commands_only_as_words_of_their_own(void **state)
{
	_cleanup_(commands_free) struct commands commands = {0};

	assert_int_equal(commands_parse("/bin/a x;y ; /bin/b \\; \";\" ; /bin/c;", &commands, NULL),
			 0);
	assert_int_equal(commands.n, 3);
	assert_words(&commands.v[0].argv, "[/bin/a][x;y]");
	assert_words(&commands.v[1].argv, "[/bin/b][;][;]");
	assert_string_equal(commands.v[2].path, "/bin/c;");
	commands_free(&commands);
	assert_int_equal(commands_parse("; /bin/a ;", &commands, NULL), 0);
	assert_int_equal(commands.n, 1);
}

static void prefixes_are_taken_in_any_order(void **state)
{
	_cleanup_(commands_free) struct commands commands = {0};

	assert_int_equal(commands_parse(":-@/bin/sh -login x", &commands, NULL), 0);
	assert_true(commands.v[0].ignore_failure);
	assert_true(commands.v[0].no_expand);
	assert_string_equal(commands.v[0].path, "/bin/sh");
	assert_words(&commands.v[0].argv, "[-login][x]");
}

static void prefixes_that_keep_the_managers_rights_are_noted(void **state)
{
	static const struct {
		const char *line;
		bool privileged, no_user;
	} rows[] = {
		{"+/bin/a", true, false},
		{"-+/bin/a", true, false},
		{"!/bin/a", false, true},
		{"!:/bin/a", false, true},
		/* Of no effect where the kernel has ambient capabilities: systemd.service(5). */
		{"!!/bin/a", false, false},
		{"!!-/bin/a", false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(commands_free) struct commands commands = {0};

		assert_int_equal(commands_parse(rows[i].line, &commands, NULL), 0);
		assert_int_equal(commands.v[0].privileged, rows[i].privileged);
		assert_int_equal(commands.v[0].no_user, rows[i].no_user);
		assert_string_equal(commands.v[0].path, "/bin/a");
	}
}

static void commands_that_mean_something_else_are_refused(void **state)
{
	static const struct {
		const char *line;
		const char *says;
	} bad[] = {
		{"", "no command"},
		{";", "no command"},
		{"-", "missing"},
		{"@/bin/sh", "argv[0]"},
		{"+!/bin/true", "only one of the prefixes"},
		{"!-+/bin/true", "only one of the prefixes"},
		{"!!!/bin/true", "only one of the prefixes"},
		{"++/bin/true", "only one of the prefixes"},
		{"bin/true", "neither an absolute path"},
		{"./true", "neither an absolute path"},
		{"..", "neither an absolute path"},
		{"/bin/", "directory"},
		{"/bin/a\\nb", "control character"},
		{"/bin/true 'x", "not closed"},
		{"/bin/true ; bin/x", "neither an absolute path"},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_(commands_free) struct commands commands = {0};
		struct err err = {0};

		assert_true(commands_parse(bad[i].line, &commands, &err) < 0);
		if (!strstr(err.text, bad[i].says))
			fail_msg("\"%s\" says: %s", bad[i].line, err.text);
		assert_int_equal(commands.n, 0);
	}
}

static void specifiers_are_replaced_after_the_words_are_split(void **state)
{
	_cleanup_(commands_free) struct commands commands = {0};

	assert_int_equal(
		commands_parse_for("a@b.service", "%t/%p \"%n %N\" %i 100%%", &commands, NULL), 0);
	assert_string_equal(commands.v[0].path, "/run/a");
	assert_words(&commands.v[0].argv, "[/run/a][a@b.service a@b][b][100%]");
	/* Without a unit a percent sign is one. */
	commands_free(&commands);
	assert_int_equal(commands_parse("/bin/date +%Y", &commands, NULL), 0);
	assert_words(&commands.v[0].argv, "[/bin/date][+%Y]");
}

static void each_specifier_has_its_text(void **state)
{
	static const struct {
		const char *unit, *text, *expected;
	} good[] = {
		{"x.service", "%n", "x.service"},
		{"x.service", "%N", "x"},
		{"x.service", "%p", "x"},
		{"x.service", "%i", ""},
		{"x.y.service", "%N", "x.y"},
		{"a@b@c.service", "%p-%i", "a-b@c"},
		{"x.service", "%%n", "%n"},
		{"x.service", "%t%S%C%L%E", "/run/var/lib/var/cache/var/log/etc"},
		{"x.service", "", ""},
		{"user:x@y.service", "%n %N %p %i", "x@y.service x@y x y"},
		{"a-b-c@d-e\\x2df.service", "%j|%P|%J|%I|%f", "c|a/b/c|c|d/e-f|/d/e-f"},
		{"a-b.service", "%f|%j|%i", "/a/b|b|"},
		{"x.service", "%U", "0"},
		{"x.service", "%T%V|%d", "/tmp/var/tmp|/run/credentials/x.service"},
		{"x.service", "%%%%", "%%"},
	};
	static const char *const bad[] = {"%", "a%", "%Z", "%n%z", "% ", "%y"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		_cleanup_free_ char *out = NULL;

		assert_int_equal(specifier_expand(good[i].text, good[i].unit, &out, NULL), 0);
		assert_string_equal(out, good[i].expected);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = {0};
		char *out = NULL;

		assert_int_equal(specifier_expand(bad[i], "x.service", &out, &err), -EINVAL);
		assert_null(out);
		assert_non_null(strstr(err.text, "%"));
	}
}

static void check_expand(const char *line, const char *expected)
{
	static char *vars[] = {
		"ONE=one", "TWO='two two' too", "THREE=", "SP= a  b ", "BS=a\\ b", "Q='x y", NULL};
	const struct strv env = {vars, ARRAY_LEN(vars) - 1};
	_cleanup_(commands_free) struct commands commands = {0};
	_cleanup_(strv_free) struct strv argv = {0};

	assert_int_equal(commands_parse(line, &commands, NULL), 0);
	assert_int_equal(command_expand(&commands.v[0], &env, &argv, NULL), 0);
	assert_words(&argv, expected);
}

static void variables_are_expanded_as_systemd_does(void **state)
{
	/* The first two are the example of systemd.service(5). */
	check_expand("/bin/echo ${ONE} ${TWO} ${THREE}", "[/bin/echo][one]['two two' too][]");
	check_expand("/bin/echo $ONE $TWO $THREE", "[/bin/echo][one][two two][too]");
	check_expand("/bin/echo a${ONE}b ${NONE} $NONE x", "[/bin/echo][aoneb][][x]");
	check_expand("/bin/echo a$ONE $$ONE $${ONE} $$", "[/bin/echo][a$ONE][$ONE][${ONE}][$]");
	check_expand("/bin/echo ${ONE", "[/bin/echo][${ONE]");
	check_expand("/bin/echo ${$$ ${ONE:$$ ${ONE:${ONE}",
		     "[/bin/echo][${$$][${ONE:$][${ONE:one]");
	check_expand("/bin/echo ${ONE:-x} ${} a$", "[/bin/echo][${ONE:-x}][][a$]");
	check_expand("/bin/echo $SP ${SP} $BS", "[/bin/echo][a][b][ a  b ][a b]");
	check_expand("/bin/echo $Q", "[/bin/echo][x y]");
	check_expand("/bin/echo $ONE/x y", "[/bin/echo][y]");
	check_expand("/bin/echo '$TWO'", "[/bin/echo][two two][too]");
	check_expand("/bin/${ONE} x", "[/bin/${ONE}][x]");
	check_expand(":/bin/echo $ONE ${ONE} $$", "[/bin/echo][$ONE][${ONE}][$$]");
}

static void time_spans_are_those_of_systemd(void **state)
{
	static const struct {
		const char *text;
		uint64_t usec;
	} good[] = {
		{"0", 0},
		{"5", 5000000},
		{" 5 s ", 5000000},
		{"1min 30s", 90000000},
		{"1min30s", 90000000},
		{"100ms", 100000},
		{"1.5s", 1500000},
		{".5", 500000},
		{"0.000001", 1},
		{"2us 1μs 1µs", 4},
		{"1h 1hr 1hour", 3ull * 3600000000},
		{"1d", 86400000000},
		{"1w", 604800000000},
		{"1M", 2629800000000},
		{"1y", 31557600000000},
		{"infinity", USEC_INFINITY},
		{" infinity ", USEC_INFINITY},
		{"5 10", 15000000},
	};
	static const char *const bad[] = {
		"",
		" ",
		"x",
		"5x",
		"-5",
		"5s -3s",
		"1.",
		"1.s",
		"infinityx",
		"infinity 5",
		"5 infinity",
		"5,5",
		".5.5",
		"99999999999999999999",
		"9999999999999y",
		"0x5",
		"5\xc2",
		"1e3",
		"+5",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		uint64_t usec = 77;

		if (timespan_parse(good[i].text, &usec, NULL) < 0)
			fail_msg("\"%s\" is refused", good[i].text);
		assert_int_equal(usec, good[i].usec);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = {0};
		uint64_t usec = 77;

		if (timespan_parse(bad[i], &usec, &err) >= 0)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_int_equal(usec, 77);
		assert_true(*err.text);
	}
}

static void sizes_are_powers_of_1024(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0},        {"1024", 1024},       {"512K", 512 << 10}, {"8M", 8 << 20},
		{"1G", 1 << 30}, {"1.5K", 1536},       {"2T", 2ull << 40},  {"10B", 10},
		{" 1 K ", 1024}, {"15E", 15ull << 60},
	};
	static const char *const bad[] = {"", "K", "1k", "1KB", "-1", "16E", "1 2", "1M x", "0x10"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		uint64_t bytes = 77;

		assert_int_equal(size_parse(good[i].text, &bytes, NULL), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint64_t bytes = 77;

		if (size_parse(bad[i], &bytes, NULL) >= 0)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_int_equal(bytes, 77);
	}
}

static void booleans_are_those_of_systemd(void **state)
{
	bool value = false;

	assert_int_equal(bool_parse("YES", &value, NULL), 0);
	assert_true(value);
	assert_int_equal(bool_parse("off", &value, NULL), 0);
	assert_false(value);
	assert_int_equal(bool_parse("", &value, NULL), -EINVAL);
	assert_int_equal(bool_parse("maybe", &value, NULL), -EINVAL);
}

static void signals_have_names_and_numbers(void **state)
{
	assert_int_equal(signal_parse("SIGTERM", NULL), 15);
	assert_int_equal(signal_parse("TERM", NULL), 15);
	assert_int_equal(signal_parse("15", NULL), 15);
	assert_int_equal(signal_parse("RTMIN", NULL), 34);
	assert_int_equal(signal_parse("RTMIN+3", NULL), 37);
	assert_int_equal(signal_parse("SIGRTMIN+3", NULL), 37);
	assert_int_equal(signal_parse("SIGRTMAX", NULL), 64);
	assert_int_equal(signal_parse("RTMAX-1", NULL), 63);
	assert_int_equal(signal_parse("37", NULL), 37);
	assert_string_equal(signal_name(37), "SIGRTMIN+3");
	assert_string_equal(signal_name(9), "SIGKILL");
	assert_string_equal(signal_name(0), "SIG?");
	assert_string_equal(signal_name(32), "SIG?");
	assert_string_equal(signal_name(65), "SIG?");
	assert_string_equal(signal_name(-1), "SIG?");
	for (int i = 1; i <= 64; i++)
		if (*(signal_name(i) + 3) != '?')
			assert_int_equal(signal_parse(signal_name(i), NULL), i);
}

static void what_is_no_signal_is_refused(void **state)
{
	static const char *const bad[] = {
		"",        "0",        "32",       "33",
		"65",      "-1",       "SIG",      "SIG?",
		"SIGTER",  "sigterm",  "RTMIN+31", "RTMIN+",
		"RTMIN-1", "RTMAX-31", "15x",      "99999999999999999999",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (signal_parse(bad[i], NULL) >= 0)
			fail_msg("\"%s\" is taken", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_split_as_systemd_does),
		cmocka_unit_test(bad_words_are_refused_and_nothing_is_added),
		cmocka_unit_test(a_megabyte_of_words_is_refused_at_once),
		cmocka_unit_test(commands_have_path_and_arguments),
		cmocka_unit_test(semicolons_separate_commands_only_as_words_of_their_own),
		cmocka_unit_test(prefixes_are_taken_in_any_order),
		cmocka_unit_test(prefixes_that_keep_the_managers_rights_are_noted),
		cmocka_unit_test(commands_that_mean_something_else_are_refused),
		cmocka_unit_test(specifiers_are_replaced_after_the_words_are_split),
		cmocka_unit_test(each_specifier_has_its_text),
		cmocka_unit_test(variables_are_expanded_as_systemd_does),
		cmocka_unit_test(time_spans_are_those_of_systemd),
		cmocka_unit_test(sizes_are_powers_of_1024),
		cmocka_unit_test(booleans_are_those_of_systemd),
		cmocka_unit_test(signals_have_names_and_numbers),
		cmocka_unit_test(what_is_no_signal_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
