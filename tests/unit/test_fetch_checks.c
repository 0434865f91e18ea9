/* What hakim-agent-fetch decides about bytes and names: ELF, ETag, the answer's head, --version,
 * the back-off. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "modules/coder-agent/answer.h"
#include "modules/coder-agent/backoff.h"
#include "modules/coder-agent/elf.h"
#include "modules/coder-agent/etag.h"
#include "modules/coder-agent/runner.h"
#include "modules/coder-agent/token.h"

#define SHA "0123456789abcdef0123456789abcdef01234567"

static struct err err;

static int check(unsigned char class, unsigned char order, unsigned type, unsigned target,
		 const char *machine)
{
	unsigned char head[ELF_HEAD] = {0x7f, 'E', 'L', 'F', class, order, 1};

	head[16] = (unsigned char)type;
	head[18] = (unsigned char)target;
	head[19] = (unsigned char)(target >> 8);
	err = (struct err){0};
	return elf_check(head, sizeof(head), machine_find(machine), &err);
}

static void programs_of_this_machine_are_taken(void **state)
{
	assert_int_equal(check(ELFCLASS64, ELFDATA2LSB, ET_EXEC, EM_X86_64, "amd64"), 0);
	assert_int_equal(check(ELFCLASS64, ELFDATA2LSB, ET_DYN, EM_X86_64, "x86_64"), 0);
	assert_int_equal(check(ELFCLASS64, ELFDATA2LSB, ET_EXEC, EM_AARCH64, "aarch64"), 0);
	assert_int_equal(check(ELFCLASS32, ELFDATA2LSB, ET_EXEC, EM_ARM, "armv7l"), 0);
}

static void all_other_files_are_refused(void **state)
{
	assert_int_equal(check(ELFCLASS64, ELFDATA2LSB, ET_EXEC, EM_AARCH64, "amd64"), -ENOEXEC);
	assert_non_null(strstr(err.text, "program for arm64"));
	assert_int_equal(check(ELFCLASS32, ELFDATA2LSB, ET_EXEC, EM_X86_64, "amd64"), -ENOEXEC);
	assert_int_equal(check(ELFCLASS64, ELFDATA2MSB, ET_EXEC, EM_X86_64, "amd64"), -ENOEXEC);
	assert_int_equal(check(ELFCLASS64, ELFDATA2LSB, ET_REL, EM_X86_64, "amd64"), -ENOEXEC);
	assert_int_equal(check(ELFCLASS64, ELFDATA2LSB, ET_CORE, EM_X86_64, "amd64"), -ENOEXEC);
}

static void a_page_a_script_and_a_stump_are_no_programs(void **state)
{
	const struct machine *amd64 = machine_find("amd64");

	assert_int_equal(
		elf_check((const unsigned char *)"<!DOCTYPE html> and so on", 20, amd64, &err),
		-ENOEXEC);
	assert_non_null(strstr(err.text, "web page"));
	assert_int_equal(
		elf_check((const unsigned char *)"#!/bin/sh\nexit 0\n# and", 20, amd64, &err),
		-ENOEXEC);
	assert_int_equal(elf_check((const unsigned char *)"\177ELF\2\1\1", 7, amd64, &err),
			 -ENOEXEC);
	assert_int_equal(elf_check((const unsigned char *)"", 0, amd64, &err), -ENOEXEC);
}

static void machines_without_an_agent_are_unknown(void **state)
{
	assert_null(machine_find("riscv64"));
	assert_null(machine_find(""));
	assert_string_equal(machine_find("armv8l")->coder, "armv7");
}

static void an_etag_is_a_quoted_sha1(void **state)
{
	char sha1[SHA1_HEX];

	assert_int_equal(etag_parse("\"" SHA "\"", sha1, &err), 0);
	assert_string_equal(sha1, SHA);
	assert_int_equal(etag_parse("W/\"0123456789ABCDEF0123456789abcdef01234567\"", sha1, &err),
			 0);
	assert_string_equal(sha1, SHA);
}

static void nothing_else_gets_into_a_path(void **state)
{
	static const char *const bad[] = {
		"",
		"\"",
		"\"\"",
		SHA,
		"\"" SHA,
		"\"" SHA "0\"",
		"\"" SHA "\"x",
		"\"../../../../../../../../../../../etc/passwd\"",
		"\"0123456789abcdef0123456789abcdef0123456/\"",
		"w/\"" SHA "\"",
		"W/" SHA,
		"\"0123456789abcdef\"",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char sha1[SHA1_HEX] = "untouched";

		assert_int_equal(etag_parse(bad[i], sha1, &err), -EBADMSG);
		assert_string_equal(sha1, "untouched");
	}
	assert_true(etag_is_sha1(SHA));
	assert_false(etag_is_sha1("0123456789ABCDEF0123456789abcdef01234567"));
	assert_false(etag_is_sha1(SHA "0"));
	assert_false(etag_is_sha1("."));
}

static void feed(struct answer *answer, const char *line)
{
	answer_header(answer, line, strlen(line));
}

static void the_head_of_an_answer_is_read(void **state)
{
	struct answer a = {0};

	feed(&a, "HTTP/1.1 206 Partial Content\r\n");
	feed(&a, "etag:  \"" SHA "\" \r\n");
	feed(&a, "CONTENT-LENGTH: 90\r\n");
	feed(&a, "X-Original-Content-Length: 100\r\n");
	feed(&a, "Content-Range: bytes 10-99/100\r\n");
	feed(&a, "X-Coder-Build-Version: v2.33.0\r\n");
	feed(&a, "\r\n");
	assert_int_equal(a.status, 206);
	assert_string_equal(a.etag, "\"" SHA "\"");
	assert_int_equal(a.length, 90);
	assert_int_equal(a.original_length, 100);
	assert_int_equal(a.range_first, 10);
	assert_int_equal(a.range_last, 99);
	assert_int_equal(a.range_total, 100);
	assert_int_equal(answer_total(&a), 100);
	assert_string_equal(a.version, "v2.33.0");
}

static void a_new_status_line_begins_anew(void **state)
{
	struct answer a = {0};

	feed(&a, "HTTP/1.1 302 Found");
	feed(&a, "Location: /login");
	feed(&a, "ETag: \"" SHA "\"");
	assert_true(answer_is_redirect(&a));
	feed(&a, "HTTP/2 200");
	assert_int_equal(a.status, 200);
	assert_false(answer_is_redirect(&a));
	assert_string_equal(a.etag, "");
	assert_int_equal(a.length, -1);
	assert_int_equal(answer_total(&a), -1);
}

static void broken_numbers_and_ranges_are_none(void **state)
{
	static const char *const ranges[] = {
		"Content-Range: bytes 99-10/100",
		"Content-Range: bytes 10-100/100",
		"Content-Range: bytes */100",
		"Content-Range: bytes 1-2",
		"Content-Range: bytes -1-2/9",
		"Content-Range: bytes 1-2/9x",
		"Content-Range: bytes 1-2/99999999999999999999",
	};
	struct answer a = {0};

	feed(&a, "HTTP/1.1 200 OK");
	feed(&a, "Content-Length: -5");
	assert_int_equal(a.length, -1);
	feed(&a, "Content-Length: 99999999999999999999999");
	assert_int_equal(a.length, -1);
	feed(&a, "Content-Length: 5, 5");
	assert_int_equal(a.length, -1);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		feed(&a, ranges[i]);
		assert_int_equal(a.range_first, -1);
	}
}

static void headers_that_are_too_long_do_no_harm(void **state)
{
	static char line[20000];
	struct answer a = {0};

	feed(&a, "HTTP/1.1 200 OK");
	memset(line, 'x', sizeof(line) - 1);
	memcpy(line, "ETag: \"", 7);
	feed(&a, line);
	assert_string_equal(a.etag, "");
	line[500] = '\0';
	feed(&a, line);
	assert_int_equal(strlen(a.etag), sizeof(a.etag) - 1);
	answer_header(&a, "ETag: a\0b", 9);
	assert_int_equal(a.etag[0], '"');
}

static void only_what_says_coder_is_the_agent(void **state)
{
	char version[RUNNER_VERSION_MAX];

	assert_int_equal(runner_judge("Coder v2.33.0+ab Mon Jan 5\nFull build\n", version, &err),
			 0);
	assert_string_equal(version, "Coder v2.33.0+ab Mon Jan 5");
	assert_int_equal(runner_judge("hello\nCoder v2\n", version, &err), -ENOEXEC);
	assert_int_equal(runner_judge("", version, &err), -ENOEXEC);
	assert_int_equal(runner_judge("\x1b[31mCoder\n", version, &err), 0);
	assert_string_equal(version, " [31mCoder");
}

static void the_back_off_goes_from_1_s_to_30_s(void **state)
{
	static const unsigned middle[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
	struct backoff low = {0}, high = {0};

	for (unsigned i = 0; i < sizeof(middle) / sizeof(middle[0]); i++) {
		unsigned most = middle[i] + middle[i] / 4;

		assert_int_equal(backoff_next(&low, 0), middle[i] - middle[i] / 4);
		assert_int_equal(backoff_next(&high, middle[i] / 2),
				 most < BACKOFF_MAX_MS ? most : BACKOFF_MAX_MS);
	}
	for (unsigned i = 0; i < 100000; i++)
		assert_in_range(backoff_next(&high, i * 2654435761u), 22500, BACKOFF_MAX_MS);
}

static const char *judged(long status, const char *type, const char *body)
{
	static char line[256];
	struct answer a = {.status = status};

	snprintf(a.type, sizeof(a.type), "%s", type);
	token_judge(&a, body, line, sizeof(line));
	return line;
}

static void the_answers_about_a_token_are_told_apart(void **state)
{
	const char *json = "application/json";

	assert_string_equal(judged(200, json, ""), "token accepted");
	assert_non_null(
		strstr(judged(401, json, "{\"message\":\"Workspace agent not authorized.\"}"),
		       "waiting for the build to finish (401"));
	assert_non_null(
		strstr(judged(401, json, "{\"message\":\"Workspace agent token invalid.\"}"),
		       "token is invalid"));
	assert_non_null(strstr(judged(403, json, "Agent trying to connect from non-latest build."),
			       "rebuild the workspace"));
	assert_non_null(strstr(judged(200, "text/html; charset=utf-8", ""), "login page"));
	assert_non_null(strstr(judged(502, "text/html", ""), "not reachable"));
	assert_non_null(strstr(judged(500, "text/html", ""), "answers 500"));
}

static void what_the_network_says_is_not_repeated(void **state)
{
	assert_null(strstr(judged(403, "text/plain", "SECRET non-latest build SECRET"), "SECRET"));
	assert_null(strstr(judged(401, "text/plain", "SECRET"), "SECRET"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_of_this_machine_are_taken),
		cmocka_unit_test(all_other_files_are_refused),
		cmocka_unit_test(a_page_a_script_and_a_stump_are_no_programs),
		cmocka_unit_test(machines_without_an_agent_are_unknown),
		cmocka_unit_test(an_etag_is_a_quoted_sha1),
		cmocka_unit_test(nothing_else_gets_into_a_path),
		cmocka_unit_test(the_head_of_an_answer_is_read),
		cmocka_unit_test(a_new_status_line_begins_anew),
		cmocka_unit_test(broken_numbers_and_ranges_are_none),
		cmocka_unit_test(headers_that_are_too_long_do_no_harm),
		cmocka_unit_test(only_what_says_coder_is_the_agent),
		cmocka_unit_test(the_back_off_goes_from_1_s_to_30_s),
		cmocka_unit_test(the_answers_about_a_token_are_told_apart),
		cmocka_unit_test(what_the_network_says_is_not_repeated),
	};

	return cmocka_run_group_tests_name("fetch: checks", tests, NULL, NULL);
}
