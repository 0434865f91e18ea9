/* Which templates nothing needs, how they are called, and what a run is to pull. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "image/prune.h"
#include "image/shelf.h"
#include "image/target.h"

#define DAY 86400

static struct err err;

static void a_name_is_taken_apart(void **state)
{
	static const struct {
		const char *file, *name, *tag;
	} rows[] = {
		{"hakim-js_latest.tar", "hakim-js", "latest"},
		{"hakim-js_latest.tar.tar", "hakim-js", "latest"},
		{"hakim-js_v1_rc.tar", "hakim-js", "v1_rc"},
		{"my_app_1.0.tar", "my_app", "1.0"},
		{"debian-12-standard_12.7-1_amd64.tar.zst", NULL, NULL},
		{"hakim-js.tar", NULL, NULL},
		{"_x.tar", NULL, NULL},
		{"hakim-js_.tar", NULL, NULL},
		{"", NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char name[REFERENCE_FILE_MAX], tag[REFERENCE_TAG_MAX];
		bool ours = shelf_name(rows[i].file, name, tag);

		assert_int_equal(ours, rows[i].name != NULL);
		if (ours) {
			assert_string_equal(name, rows[i].name);
			assert_string_equal(tag, rows[i].tag);
		}
	}
}

static void each_template_is_judged(void **state)
{
	static struct {
		const char *file;
		int days;
		bool known;
		enum prune_why why;
	} rows[] = {
		{"hakim-js_v4.tar", 1, false, PRUNE_NEWEST},
		{"app_2.tar", 1, true, PRUNE_NEWEST},
		{"hakim-php_v4.tar", 1, false, PRUNE_NEWEST},
		{"hakim-tmp-7-hakim-js_v4.tar", 1, false, PRUNE_UNFINISHED},
		{"hakim-js_v3.tar", 2, false, PRUNE_USED},
		{"hakim-js_v2.tar", 3, false, PRUNE_OLD},
		{"hakim-tmp-8-hakim-js_v2.tar", 3, false, PRUNE_STALE},
		{"app_1.tar", 4, true, PRUNE_OLD},
		{"other_1.tar", 400, false, PRUNE_FOREIGN},
		{"debian-12-standard_12.7-1_amd64.tar.zst", 400, false, PRUNE_FOREIGN},
	};
	struct volume v[ARRAY_LEN(rows)];
	bool known[ARRAY_LEN(rows)];
	enum prune_why why[ARRAY_LEN(rows)];
	struct volumes volumes = {v, ARRAY_LEN(rows)};
	_cleanup_(strv_free) struct strv used = {0};

	strv_add(&used, "v3");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		v[i] = (struct volume){(char *)rows[i].file, rows[i].file, 1,
				       (1000 - rows[i].days) * DAY};
		known[i] = rows[i].known;
	}
	prune_judge(&volumes, &used, known, 1, 1000 * DAY, why);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (why[i] != rows[i].why)
			fail_msg("%s: %d", rows[i].file, why[i]);
}

static int make(const char *const *words, struct options *options, struct targets *targets)
{
	const char *argv[8] = {"pull"};
	int argc = 1;

	unsetenv("VARIANTS");
	for (; words[argc - 1]; argc++)
		argv[argc] = words[argc - 1];
	*targets = (struct targets){0};
	assert_int_equal(options_parse(options, OPTION_PULL, argc, (char **)argv, &err), 0);
	return targets_make(options, targets, &err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void targets_have_the_names_of_the_script(void **state)
{
	_cleanup_(options_free) struct options o;
	_cleanup_(targets_free) struct targets t;

	assert_int_equal(make(WORDS("-v", " js ", "-i", "ghcr.io/a/b:C_1"), &o, &t), 0);
	assert_int_equal(t.n, 2);
	assert_string_equal(t.v[0].text, "ghcr.io/shekohex/hakim-js:latest");
	assert_string_equal(t.v[0].volid, "local:vztmpl/hakim-js_latest.tar");
	assert_string_equal(t.v[0].legacy, "local:vztmpl/hakim-js_latest.tar.tar");
	assert_string_equal(t.v[1].volid, "local:vztmpl/b_C_1.tar");
}

static void a_temporary_name_is_no_variant(void **state)
{
	_cleanup_(options_free) struct options o;
	_cleanup_(targets_free) struct targets t;

	assert_int_equal(make(WORDS("-v", "tmp-1-x"), &o, &t), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_taken_apart),
		cmocka_unit_test(each_template_is_judged),
		cmocka_unit_test(targets_have_the_names_of_the_script),
		cmocka_unit_test(a_temporary_name_is_no_variant),
	};

	return cmocka_run_group_tests_name("image_prune", tests, NULL, NULL);
}
