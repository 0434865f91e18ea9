/* The syntax of unit files: lines, comments, continuation, rubbish. */
#include "tests/unit/unit_help.h"

static void a_small_unit_has_systemds_defaults(void **state)
{
	load_text("[Service]\nExecStart=/bin/true");
	assert_non_null(unit);
	assert_int_equal(problems.n, 0);
	assert_string_equal(unit->name, "x.service");
	assert_string_equal(unit->start.v[0].path, "/bin/true");
	assert_int_equal(unit->type, TYPE_SIMPLE);
	assert_int_equal(unit->restart, RESTART_NO);
	assert_int_equal(unit->restart_usec, 100000);
	/* Ours: it is never given up, so the pauses grow. */
	assert_int_equal(unit->restart_steps, 8);
	assert_int_equal(unit->restart_max_delay_usec, 30 * USEC_PER_SEC);
	assert_int_equal(unit->timeout_start_usec, 90 * USEC_PER_SEC);
	assert_int_equal(unit->timeout_stop_usec, 90 * USEC_PER_SEC);
	assert_int_equal(unit->kill_signal, 15);
	assert_int_equal(unit->kill_mode, KILL_CONTROL_GROUP);
	assert_int_equal(unit->ready.interval_usec, 250000);
	assert_int_equal(unit->log_max_bytes, 8 << 20);
	assert_int_equal(unit->log_keep, 4);
	assert_null(unit->status_exec.path);
	assert_null(unit->user);
}

static void comments_are_only_where_a_line_begins(void **state)
{
	load_text("# a\n ; b\n[Service]\n\t# c\nExecStart=/bin/sh -c \"a ; b # c\" #d\n;x\n");
	assert_non_null(unit);
	assert_string_equal(unit->start.v[0].argv.v[2], "a ; b # c");
}

static void a_value_keeps_semicolons_colons_and_equals_signs(void **state)
{
	load_service("[Unit]\nDescription=a ;b :c =d # e");
	assert_string_equal(unit->description, "a ;b :c =d # e");
}

static void blanks_around_names_and_values_are_nothing(void **state)
{
	load_text("  [Unit]  \n\t Description \t=  a  b \t\n[Service]\n  ExecStart = /bin/true\n");
	assert_non_null(unit);
	assert_string_equal(unit->description, "a  b");
	assert_int_equal(problems.n, 0);
}

static void line_ends_of_windows_are_line_ends(void **state)
{
	load_text("[Unit]\r\nDescription=a\\\r\n b\r\n\r\n[Service]\r\nExecStart=/bin/true\r\n");
	assert_non_null(unit);
	assert_string_equal(unit->description, "a  b");
}

static void a_byte_order_mark_is_nothing(void **state)
{
	load_text("\xef\xbb\xbf[Service]\nExecStart=/bin/true\n");
	assert_non_null(unit);
}

static void a_backslash_at_the_end_joins_lines(void **state)
{
	load_text("[Service]\nExecStart=/bin/echo a\\\n# comment \\\n   ; another\n  b \\\n\tc\n");
	assert_non_null(unit);
	assert_int_equal(unit->start.v[0].argv.n, 4);
	assert_string_equal(unit->start.v[0].argv.v[1], "a");
	assert_string_equal(unit->start.v[0].argv.v[3], "c");
}

static void two_backslashes_at_the_end_do_not(void **state)
{
	load_text("[Unit]\nDescription=a\\\\\n[Service]\nExecStart=/bin/true\n");
	assert_non_null(unit);
	assert_string_equal(unit->description, "a\\\\");
}

static void a_backslash_at_the_end_of_the_file_is_a_blank(void **state)
{
	load_text("[Service]\nExecStart=/bin/true a\\");
	assert_non_null(unit);
	assert_int_equal(unit->start.v[0].argv.n, 2);
	load_text("[Service]\nExecStart=/bin/true a\\\n# the end\n");
	assert_non_null(unit);
	assert_int_equal(unit->start.v[0].argv.n, 2);
}

static void a_line_of_ten_kilobytes_is_whole(void **state)
{
	char line[10240 + 64] = "[Service]\nExecStart=/bin/true ";
	size_t len = strlen(line);

	memset(line + len, 'x', 10240);
	load_text(line);
	assert_non_null(unit);
	assert_int_equal(strlen(unit->start.v[0].argv.v[1]), 10240);
}

static void a_joined_line_of_a_hundred_kilobytes_is_whole(void **state)
{
	size_t size = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs("[Service]\nExecStart=/bin/true", f);
	for (int i = 0; i < 2000; i++)
		fprintf(f, " \\\n  %048d", i);
	fclose(f);
	load_text(text);
	free(text);
	assert_non_null(unit);
	assert_int_equal(unit->start.v[0].argv.n, 2001);
	assert_int_equal(strtol(unit->start.v[0].argv.v[2000], NULL, 10), 1999);
}

static void a_mistake_is_told_with_file_line_and_directive(void **state)
{
	char expected[256];

	load_text(
		"# 1\n[Service]\nExecStart=/bin/true \\\n  a \\\n  b\n\nRestart=\\\n  sometimes\n");
	assert_null(unit);
	assert_int_equal(problems.n, 1);
	snprintf(expected, sizeof(expected), "%s/x.service:7: Restart: \"sometimes\" is none of no",
		 first);
	assert_said(expected, true);
	assert_string_equal(problems.v[0].unit, "x.service");
}

static void every_mistake_is_told(void **state)
{
	load_text("[Service]\nExecStart=bin/x\nRestart=x\nfoo\nTimeoutSec=y\n");
	assert_null(unit);
	assert_said(":2: ExecStart: ", true);
	assert_said(":3: Restart: ", true);
	assert_said(":4: this is not \"Name=value\"", true);
	assert_said(":5: TimeoutSec: ", true);
	assert_int_equal(problems.n, 4);
}

static void what_is_no_assignment_is_a_mistake(void **state)
{
	refuse("ExecStart=/bin/true\n[Service]\nExecStart=/bin/true",
	       ":1: this is an assignment before");
	refuse_service("Restart: always", ":3: this is not");
	refuse_service("=x", ":3: this is not");
	refuse_service("A B=x", ":3: this is not");
	refuse_service("A:B=x", ":3: this is not");
	refuse_service("[Unit", ":3: this is not \"[Section]\"");
	refuse_service("[Unit]]", ":3: this is not \"[Section]\"");
	refuse_service("[]", ":3: this is not \"[Section]\"");
	refuse_service("[Unit] x", ":3: this is not \"[Section]\"");
}

static void behind_a_broken_header_nothing_more_is_told(void **state)
{
	load_text("[Service\nExecStart=/bin/true\nFoo=bar\n");
	assert_null(unit);
	assert_int_equal(problems.n, 1);
}

static void a_nul_byte_is_a_mistake_not_an_end(void **state)
{
	const char text[] = "[Service]\nExecStart=/bin/true\nUser=root\0x\n";

	load_bytes(text, sizeof(text) - 1);
	assert_null(unit);
	assert_said(":3: there is a NUL byte", true);
}

static void text_that_is_not_clean_is_a_mistake(void **state)
{
	refuse_service("User=a\xff", ":3: this line is not clean");
	refuse_service("User=\xc0\xaf", ":3: this line is not clean");
	refuse_service("User=\xed\xa0\x80", ":3: this line is not clean");
	refuse_service("User=a\x1b[31m", ":3: this line is not clean");
	load_service("# \xff in a comment is "
		     "nothing\n[Unit]\nDescription=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_string_equal(unit->description, "ä€😀");
}

static void rubbish_is_told_in_a_few_lines(void **state)
{
	char rubbish[65536];
	unsigned seed = 1;

	for (size_t i = 0; i < sizeof(rubbish); i++)
		rubbish[i] = (char)((seed = seed * 1103515245 + 12345) >> 16);
	load_bytes(rubbish, sizeof(rubbish));
	assert_null(unit);
	assert_in_range(problems.n, 1, 25);
	assert_said("too many mistakes", true);
}

static void every_beginning_of_a_unit_is_survived(void **state)
{
	static const char text[] =
		"[Unit]\nDescription=a \\\n# c\n b\nAfter=a b\n[Service]\n"
		"Type=notify\nExecStart=-@/bin/a 'b c' \"d\\x41\" ; \nEnvironment=\"A=b c\" D=e\n"
		"[X-Hakim]\nReadyHTTP=http://127.0.0.1/\n";

	/* Under SANITIZE=1 each of them is a test of its own. */
	for (size_t len = 0; len < sizeof(text); len++)
		load_bytes(text, len);
	assert_non_null(unit);
	/* With its NUL. */
	load_bytes(text, sizeof(text));
	assert_null(unit);
}

static void a_file_over_a_megabyte_is_refused(void **state)
{
	static const char good[] = "[Service]\nExecStart=/bin/true\n";
	size_t size = (1 << 20) + 1;
	_cleanup_free_ char *text = malloc(size);

	assert_non_null(text);
	memset(text, '\n', size);
	memcpy(text, good, sizeof(good) - 1);
	load_bytes(text, size);
	assert_null(unit);
	assert_said("larger than 1 MiB", true);
	load_bytes(text, size - 1);
	assert_non_null(unit);
}

static void an_empty_value_resets_a_list_and_more_append(void **state)
{
	load_service(
		"ExecStartPre=/bin/a\nExecStartPre=/bin/b\nExecStop=/bin/a\nExecStop=\nExecStop=/"
		"bin/b\n"
		"Environment=A=1\nEnvironment=\nEnvironment=B=2 C=3\nEnvironment=B=4\n"
		"PassEnvironment=A B\nPassEnvironment=C\nEnvironmentFile=/a\nEnvironmentFile=\n");
	assert_int_equal(unit->start_pre.n, 2);
	assert_int_equal(unit->stop.n, 1);
	assert_string_equal(unit->stop.v[0].path, "/bin/b");
	assert_int_equal(unit->environment.n, 2);
	assert_string_equal(unit->environment.v[0], "B=4");
	assert_int_equal(unit->pass_environment.n, 3);
	assert_int_equal(unit->environment_files.n, 0);
}

static void sections_of_others_are_ignored_and_unknown_ones_noted(void **state)
{
	load_service("[Install]\nWantedBy=multi-user.target\n[X-Other]\nFoo=bar\n[Foo]\nA=b\nC=d\n["
		     "service]\nUser=x");
	assert_int_equal(problems.n, 2);
	assert_said(":8: unknown section [Foo]", false);
	assert_said(":11: unknown section [service]", false);
	assert_null(unit->user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_small_unit_has_systemds_defaults),
		TEST(comments_are_only_where_a_line_begins),
		TEST(a_value_keeps_semicolons_colons_and_equals_signs),
		TEST(blanks_around_names_and_values_are_nothing),
		TEST(line_ends_of_windows_are_line_ends),
		TEST(a_byte_order_mark_is_nothing),
		TEST(a_backslash_at_the_end_joins_lines),
		TEST(two_backslashes_at_the_end_do_not),
		TEST(a_backslash_at_the_end_of_the_file_is_a_blank),
		TEST(a_line_of_ten_kilobytes_is_whole),
		TEST(a_joined_line_of_a_hundred_kilobytes_is_whole),
		TEST(a_mistake_is_told_with_file_line_and_directive),
		TEST(every_mistake_is_told),
		TEST(what_is_no_assignment_is_a_mistake),
		TEST(behind_a_broken_header_nothing_more_is_told),
		TEST(a_nul_byte_is_a_mistake_not_an_end),
		TEST(text_that_is_not_clean_is_a_mistake),
		TEST(rubbish_is_told_in_a_few_lines),
		TEST(every_beginning_of_a_unit_is_survived),
		TEST(a_file_over_a_megabyte_is_refused),
		TEST(an_empty_value_resets_a_list_and_more_append),
		TEST(sections_of_others_are_ignored_and_unknown_ones_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
