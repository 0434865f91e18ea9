/* What Proxmox answers: UPIDs, exit statuses, refusals, and pvesh's mix of a log and JSON. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "image/task.h"
#include "image/volume.h"

#define UPID "UPID:pve:0000C350:00A1B2C3:65A0F1E2:ociregpull:local:root@pam:"

static struct err err;

static void a_upid_is_taken_apart(void **state)
{
	struct upid upid;

	assert_int_equal(upid_parse(UPID, &upid, &err), 0);
	assert_string_equal(upid.node, "pve");
	assert_string_equal(upid.type, "ociregpull");
	assert_int_equal(
		upid_parse("UPID:n:0000C350:100A1B2C3:65A0F1E2:imgcopy::a@pve!tok:", &upid, &err),
		0);
}

static void what_is_no_upid_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"UPID",
		"UPID:pve:0000C350:00A1B2C3:65A0F1E2:ociregpull:local:root@pam",
		"UPID:../x:0000C350:00A1B2C3:65A0F1E2:ociregpull:local:root@pam:",
		"UPID:pve:0000C35:00A1B2C3:65A0F1E2:ociregpull:local:root@pam:",
		"UPID:pve:0000C35G:00A1B2C3:65A0F1E2:ociregpull:local:root@pam:",
		"UPID::0000C350:00A1B2C3:65A0F1E2:ociregpull:local:root@pam:",
		"UPID:pve:0000C350:00A1B2C3:65A0F1E2::local:root@pam:",
		"UPID:pve:0000C350:00A1B2C3:65A0F1E2:a b:local:root@pam:",
		(UPID "x"),
		(UPID ":"),
		"QUID:pve:0000C350:00A1B2C3:65A0F1E2:ociregpull:local:root@pam:",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct upid upid;

		assert_int_equal(upid_parse(texts[i], &upid, &err), -EPROTO);
	}
}

static void only_ok_and_warnings_are_success(void **state)
{
	static const char *const failed[] = {"",
					     "ok",
					     "OK ",
					     "unexpected status",
					     "WARNINGS",
					     "WARNINGS:",
					     "WARNINGS: ",
					     "WARNINGS: x",
					     "WARNINGS: 1x",
					     "command failed: OK"};

	assert_int_equal(task_end_of("OK"), TASK_OK);
	assert_int_equal(task_end_of("WARNINGS: 12"), TASK_WARNINGS);
	for (size_t i = 0; i < ARRAY_LEN(failed); i++)
		assert_int_equal(task_end_of(failed[i]), TASK_FAILED);
}

static void the_answer_is_found_behind_a_log(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"\"" UPID "\"\n", UPID},
		{"Getting image source signatures\nCopying blob\n" UPID "\n", UPID},
		{"line\n\"" UPID "\"\n\n", UPID},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(proxmox_drop) json_t *data = NULL;

		assert_int_equal(pvesh_answer(rows[i].text, &data, &err), 0);
		assert_string_equal(json_string_value(data), rows[i].want);
	}
}

static void an_empty_answer_is_none_and_nonsense_is_refused(void **state)
{
	json_t *data = NULL;

	assert_int_equal(pvesh_answer(" \n", &data, &err), 0);
	assert_null(data);
	assert_int_equal(pvesh_answer("hello\n", &data, &err), -EPROTO);
	assert_int_equal(pvesh_answer("[1, 2", &data, &err), -EPROTO);
}

static void a_refusal_names_the_privilege(void **state)
{
	static const struct proxmox_call call = {.privilege = "Datastore.Allocate"};

	assert_int_equal(proxmox_refused(&call, 403,
					 "Permission check failed (/storage/local, "
					 "Datastore.AllocateTemplate)",
					 &err),
			 -EACCES);
	assert_non_null(strstr(err.text, "Datastore.AllocateTemplate on /storage/local"));
	assert_int_equal(proxmox_refused(&call, 0, "403 Permission check failed\n", &err), -EACCES);
	assert_non_null(strstr(err.text, "Datastore.Allocate"));
	assert_int_equal(proxmox_refused(&call, 401, "no ticket", &err), -EACCES);
	assert_int_equal(proxmox_refused(&call, 500, "refusing to override existing file", &err),
			 -EEXIST);
	assert_int_equal(proxmox_refused(&call, 500, "storage 'x' does not exist", &err),
			 -EREMOTEIO);
	assert_int_equal(proxmox_refused(&call, 501, "Method not implemented", &err), -ENOTSUP);
}

static void templates_are_known_by_their_end(void **state)
{
	assert_true(volume_is_template("hakim-js_latest.tar"));
	assert_true(volume_is_template("debian.tar.zst"));
	assert_true(volume_is_template("x.tar.tar"));
	assert_false(volume_is_template("x.tar.tmp-hakim"));
	assert_false(volume_is_template("x.tar.tmp-hakim-journal"));
	assert_false(volume_is_template(".tar"));
	assert_false(volume_is_template("x.iso"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_upid_is_taken_apart),
		cmocka_unit_test(what_is_no_upid_is_refused),
		cmocka_unit_test(only_ok_and_warnings_are_success),
		cmocka_unit_test(the_answer_is_found_behind_a_log),
		cmocka_unit_test(an_empty_answer_is_none_and_nonsense_is_refused),
		cmocka_unit_test(a_refusal_names_the_privilege),
		cmocka_unit_test(templates_are_known_by_their_end),
	};

	return cmocka_run_group_tests_name("image_task", tests, NULL, NULL);
}
