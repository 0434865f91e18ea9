/* hakimctl doctor: what is read out of quirks.json and of a status, and how it is shown. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "init/quirk.h"
#include "supervisor/ctl/doctor.h"

#define PLACE                                                                           \
	"\"place\":{\"kind\":\"proxmox\",\"user_namespace\":true,\"outer_uid\":100000," \
	"\"ids\":65536,\"nesting\":true,\"cgroup\":2,\"cgroup_writable\":true,"         \
	"\"cgroup_controllers\":\"cpu memory pids\",\"memory_max\":4294967296,"         \
	"\"kernel\":\"6.8.12-1-pve\",\"boot_id\":\"x\"}"
#define ROW(name, outcome, text, advice, without)                             \
	"{\"name\":\"" name "\",\"outcome\":\"" outcome "\",\"text\":\"" text \
	"\",\"advice\":" advice ",\"without\":" without ",\"errno\":0,\"took_us\":1}"
#define WHOLE(rows) "{\"version\":1,\"complete\":true," PLACE ",\"quirks\":[" rows "]}"

static const struct look plain = {0};
static struct doctor doctor;
static json_t *file, *packets;

static int read_file(const char *text, const char *ctid)
{
	file = json_loads(text, 0, NULL);
	assert_non_null(file);
	return doctor_read(&doctor, file, ctid);
}

static int clean(void **state)
{
	doctor_free(&doctor);
	json_decref(file);
	json_decref(packets);
	file = packets = NULL;
	return 0;
}

static char *printed(const struct look *look)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(doctor_print(&doctor, look, out), 0);
	fclose(out);
	return text;
}

static void what_the_host_must_do_comes_first(void **state)
{
	assert_int_equal(
		read_file(
			WHOLE(ROW("a", "fine", "x", "null", "null") "," ROW(
				"b", "not-applicable", "x", "null",
				"null") "," ROW("c", "needs-host", "x", "\"do it\"",
						"null") "," ROW("d", "failed", "x", "null",
								"null") "," ROW("e", "of tomorrow",
										"x", "null",
										"null")),
			""),
		0);
	assert_int_equal(doctor.n_rows, 5);
	assert_string_equal(doctor.rows[0].name, "c");
	assert_string_equal(doctor.rows[1].name, "d");
	assert_string_equal(doctor.rows[2].name, "e");
	assert_string_equal(doctor.rows[3].name, "a");
	assert_string_equal(doctor.rows[4].name, "b");
	assert_int_equal(doctor.counts[DOCTOR_NEEDS_HOST], 1);
}

static void the_whole_is_said_exactly(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(
		read_file(WHOLE(ROW("shm", "remedied", "it is a tmpfs", "null", "null") "," ROW(
				  "tun", "needs-host", "there is no /dev/net/tun",
				  "\"pct set <ctid> --dev0 /dev/net/tun\"",
				  "\"VPNs do not work\"") "," ROW("inotify", "needs-host",
								  "few watches", "null", "null")),
			  ""),
		0);
	text = printed(&plain);
	assert_string_equal(
		text,
		"Place    Proxmox LXC, in a user namespace: uid 0 is 100000 outside, 65536 ids, "
		"nesting on\n"
		"Cgroup   v2, delegated, controllers: cpu memory pids, memory at most 4.0G\n"
		"Kernel   Linux 6.8.12-1-pve\n"
		"\n"
		"  QUIRK    OUTCOME         WHAT WAS FOUND\n"
		"  inotify  needs the host  few watches\n"
		"  tun      needs the host  there is no /dev/net/tun\n"
		"  shm      remedied        it is a tmpfs\n"
		"\n"
		"To be set on the host\n"
		"  inotify: few watches\n"
		"      no line can be named: see docs/quirks.md\n"
		"  tun: VPNs do not work\n"
		"      pct set <ctid> --dev0 /dev/net/tun\n"
		"  What changes its configuration is there at the container's next start.\n");
}

static void one_line_names_all_features_as_pct_replaces_them(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(
		read_file(
			WHOLE(ROW("nesting", "fine", "on", "null", "null") "," ROW(
				"fuse", "needs-host", "no", "\"pct set <ctid> --features fuse=1\"",
				"\"F\"") "," ROW("tun", "needs-host", "no",
						 "\"pct set <ctid> --dev0 /dev/net/tun\"",
						 "\"T\"") "," ROW("keyring", "needs-host", "no",
								  "\"pct set <ctid> --features "
								  "keyctl=1\"",
								  "\"K\"")),
			"104"),
		0);
	assert_string_equal(doctor_find(&doctor, "fuse")->advice,
			    "pct set 104 --features nesting=1,fuse=1,keyctl=1");
	assert_string_equal(doctor_find(&doctor, "keyring")->advice,
			    "pct set 104 --features nesting=1,fuse=1,keyctl=1");
	assert_string_equal(doctor_find(&doctor, "tun")->advice, "pct set 104 --dev0 /dev/net/tun");
	text = printed(&plain);
	/* It is printed once, under both. */
	assert_non_null(strstr(text, "  fuse: F\n  keyring: K\n      pct set 104 --features "));
	assert_non_null(strstr(text, "--features replaces"));
}

static void a_feature_that_we_do_not_know_keeps_its_line(void **state)
{
	assert_int_equal(read_file(WHOLE(ROW("x", "needs-host", "no",
					     "\"pct set <ctid> --features mount=nfs\"", "null")),
				   ""),
			 0);
	assert_string_equal(doctor.rows[0].advice, "pct set <ctid> --features mount=nfs");
}

static void what_is_odd_in_the_file_does_no_harm(void **state)
{
	static const char *const odd[] = {
		"{}",
		"{\"quirks\":[]}",
		"{\"quirks\":{},\"place\":{}}",
		"{\"quirks\":[],\"place\":[]}",
	};
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		assert_int_equal(read_file(odd[i], ""), -EBADMSG);
		clean(NULL);
	}
	assert_int_equal(read_file("{\"quirks\":[1,null,{},{\"name\":7},{\"name\":\"a\\u001b[2J\","
				   "\"outcome\":3,\"advice\":[]},{\"name\":\"b\",\"outcome\":"
				   "\"needs-host\",\"advice\":\"<ctid><ctid>\\u001b\"}],"
				   "\"place\":{\"kind\":1,\"cgroup\":\"2\"}}",
				   "12345678901"),
			 0);
	assert_int_equal(doctor.n_rows, 2);
	assert_false(doctor.complete);
	text = printed(&plain);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "1234567890112345678901?"));
	assert_non_null(strstr(text, "have not been asked yet"));
}

static void advice_that_is_too_long_is_cut_not_overrun(void **state)
{
	_cleanup_free_ char *text = NULL;
	char advice[1000];

	memset(advice, 'x', sizeof(advice) - 1);
	advice[sizeof(advice) - 1] = '\0';
	memcpy(advice + DOCTOR_ADVICE - 4, "<ctid>", 6);
	assert_true(asprintf(&text, WHOLE(ROW("a", "needs-host", "x", "\"%s\"", "null")), advice) >
		    0);
	assert_int_equal(read_file(text, "12345678901"), 0);
	assert_int_equal(strlen(doctor.rows[0].advice), DOCTOR_ADVICE - 1);
}

static void the_number_of_the_container_is_that_of_its_volume(void **state)
{
	static const struct {
		const char *mountinfo, *ctid;
	} cases[] = {
		{"1 2 0:5 / / rw - ext4 /dev/mapper/pve-vm--101--disk--0 rw\n", "101"},
		{"1 2 0:5 / / rw - zfs rpool/data/subvol-2104-disk-1 rw\n", "2104"},
		{"1 2 0:5 /images/107/subvol-107-disk-0.subvol / rw shared:1 - btrfs /dev/sda rw\n",
		 "107"},
		{"1 2 0:5 / / rw - zfs tank/basevol-100-disk-0/subvol-123-disk-0 rw\n", "123"},
		/* of another mount, of no volume, of half a name */
		{"1 2 0:5 / /data rw - zfs rpool/subvol-104-disk-1 rw\n", ""},
		{"1 2 0:5 / / rw - ext4 /dev/loop0 rw\n", ""},
		{"1 2 0:5 / / rw - ext4 /dev/vm-101-swap-0 rw\n", ""},
		{"1 2 0:5 / / rw - ext4 /dev/xvm-101-disk-0 rw\n", ""},
		{"1 2 0:5 / / rw - ext4 vm-101234567890123-disk-0 rw\n", ""},
		{"1 2 0:5 / / rw - ext4 vm-101--disk--0 rw\n", ""},
		{"1 2 0:5 / / rw - ext4 vm-", ""},
		{"1 2", ""},
		{"", ""},
		/* the one on top counts, and only it */
		{"1 2 0:5 / / rw - ext4 vm-101-disk-0 rw\n1 2 0:5 / / rw - ext4 vm-102-disk-0 rw\n",
		 "102"},
		{"1 2 0:5 / / rw - ext4 vm-101-disk-0 rw\n1 2 0:5 / / rw - overlay overlay rw\n",
		 ""},
	};
	char ctid[DOCTOR_CTID];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(doctor_ctid(cases[i].mountinfo, ctid), cases[i].ctid[0] != '\0');
		assert_string_equal(ctid, cases[i].ctid);
	}
}

static void what_is_wrong_with_units_is_a_line_each(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out;

	packets = json_loads(
		"[{\"type\":\"manager\",\"notes\":[\"no cgroups\"]},"
		"{\"type\":\"unit\",\"name\":\"good.service\",\"sub\":\"running\",\"ready\":true,"
		"\"notes\":[\"PrivateUsers= left out\"]},"
		"{\"type\":\"unit\",\"name\":\"bad.service\",\"sub\":\"failed\",\"last_error\":"
		"\"exited with status 3\"},"
		"{\"type\":\"unit\",\"name\":\"later.service\",\"sub\":\"dead\",\"result\":"
		"\"dependency\",\"last_error\":\"bad.service has failed\"},"
		"{\"type\":\"unit\",\"name\":\"off.service\",\"sub\":\"skipped\",\"result\":"
		"\"condition\",\"last_error\":\"a condition\"},"
		"{\"type\":\"unit\",\"name\":\"ill.service\",\"sub\":\"running\",\"health\":"
		"{\"state\":\"unhealthy\",\"text\":\"refused\"}}]",
		0, NULL);
	assert_non_null(packets);
	assert_int_equal(read_file(WHOLE(""), ""), 0);
	assert_int_equal(doctor_read_units(&doctor, packets), 0);
	assert_int_equal(doctor.n_units, 5);
	out = open_memstream(&text, &len);
	assert_int_equal(doctor_print_units(&doctor, NULL, &plain, out), 0);
	fclose(out);
	assert_string_equal(text, "\n"
				  "  UNIT          STATE        WHY\n"
				  "  bad           failed       exited with status 3\n"
				  "  later         not started  bad.service has failed\n"
				  "  ill           unhealthy    refused\n"
				  "  (supervisor)  note         no cgroups\n"
				  "  good          note         PrivateUsers= left out\n");
}

static void the_json_has_all_of_it(void **state)
{
	json_t *all;

	assert_int_equal(
		read_file(WHOLE(ROW("a", "fine", "x", "null", "null") "," ROW(
				  "b", "needs-host", "y", "\"pct set <ctid> -x\"", "\"z\"")),
			  "100"),
		0);
	all = doctor_json(&doctor, file, "nobody", NULL);
	assert_non_null(all);
	assert_string_equal(json_string_value(json_object_get(all, "ctid")), "100");
	assert_int_equal(json_integer_value(json_object_get(all, "needs_host")), 1);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(all, "quirks"), 0), "advice")),
			    "pct set 100 -x");
	assert_true(json_is_null(
		json_object_get(json_array_get(json_object_get(all, "quirks"), 1), "advice")));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(all, "place"), "kind")),
		"proxmox");
	assert_string_equal(json_string_value(json_object_get(all, "no_supervisor")), "nobody");
	json_decref(all);
	/* Also where there is no file. */
	doctor_free(&doctor);
	all = doctor_json(&doctor, NULL, NULL, NULL);
	assert_non_null(all);
	assert_true(json_is_null(json_object_get(all, "place")));
	json_decref(all);
}

static void what_was_asked_again_takes_the_place_of_what_was_known(void **state)
{
	json_t *fresh = json_loads(WHOLE(ROW("a", "fine", "now", "null", "null") "," ROW(
					   "b", "remedied", "done", "null",
					   "null") "," ROW("new", "fine", "x", "null", "null")),
				   0, NULL);
	json_t *changes = json_array(), *first;
	json_t *undone = json_pack("{s:s, s:s, s:s, s:s}", "name", "c", "outcome", "remedied",
				   "text", "once more", "again", "fix");
	json_t *informs = json_pack("{s:s, s:s, s:s, s:s}", "name", "d", "outcome", "remedied",
				    "text", "as before", "again", "ask");

	assert_int_equal(json_array_append_new(json_object_get(fresh, "quirks"), undone), 0);
	assert_int_equal(json_array_append_new(json_object_get(fresh, "quirks"), informs), 0);
	assert_int_equal(
		read_file(WHOLE(ROW("a", "remedied", "at the start", "null", "null") "," ROW(
				  "b", "failed", "not yet", "null",
				  "null") "," ROW("run", "fine", "kept", "null",
						  "null") "," ROW("c", "remedied", "once", "null",
								  "null") "," ROW("d", "remedied",
										  "as before",
										  "null", "null")),
			  ""),
		0);
	assert_int_equal(doctor_merge(file, fresh, changes), 0);
	doctor_free(&doctor);
	assert_int_equal(doctor_read(&doctor, file, ""), 0);
	assert_int_equal(doctor.n_rows, 6);
	assert_string_equal(doctor_find(&doctor, "a")->text, "at the start");
	assert_string_equal(doctor_find(&doctor, "b")->text, "done");
	assert_string_equal(doctor_find(&doctor, "run")->text, "kept");
	assert_int_equal(json_array_size(changes), 3);
	first = json_array_get(changes, 0);
	assert_string_equal(json_string_value(json_object_get(first, "name")), "b");
	assert_string_equal(json_string_value(json_object_get(first, "from")), "failed");
	assert_string_equal(json_string_value(json_object_get(first, "to")), "remedied");
	assert_true(json_is_null(json_object_get(json_array_get(changes, 1), "from")));
	first = json_array_get(changes, 2);
	assert_string_equal(json_string_value(json_object_get(first, "name")), "c");
	assert_string_equal(json_string_value(json_object_get(first, "from")), "remedied");
	assert_string_equal(json_string_value(json_object_get(first, "text")), "once more");
	json_decref(fresh);
	json_decref(changes);
}

/* In the table, where a row's own line begins with its name, alone or with another's. */
static bool page_has_row(const char *page, const char *name)
{
	_cleanup_free_ char *quoted = NULL;
	const char *at = page;

	assert_true(asprintf(&quoted, "`%s`", name) > 0);
	while ((at = strstr(at, quoted))) {
		const char *line = at;

		while (line > page && line[-1] != '\n')
			line--;
		if (strncmp(line, "| `", 3) == 0 && (size_t)(at - line) < strcspn(line + 1, "|"))
			return true;
		at++;
	}
	return false;
}

static void every_row_of_hakim_init_is_in_the_page(void **state)
{
	static char page[65536];
	FILE *in = fopen("docs/quirks.md", "re");

	assert_non_null(in);
	page[fread(page, 1, sizeof(page) - 1, in)] = '\0';
	fclose(in);
	for (unsigned i = 0; i < QUIRK_IDS; i++)
		if (!page_has_row(page, quirk_table[i].name))
			fail_msg("docs/quirks.md has no row `%s`", quirk_table[i].name);
	assert_false(page_has_row(page, "no-such-row"));
	/* It is named elsewhere in a line, in no first column. */
	assert_false(page_has_row(page, "/hakim/init"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_the_host_must_do_comes_first, clean),
		cmocka_unit_test_teardown(the_whole_is_said_exactly, clean),
		cmocka_unit_test_teardown(one_line_names_all_features_as_pct_replaces_them, clean),
		cmocka_unit_test_teardown(a_feature_that_we_do_not_know_keeps_its_line, clean),
		cmocka_unit_test_teardown(what_is_odd_in_the_file_does_no_harm, clean),
		cmocka_unit_test_teardown(advice_that_is_too_long_is_cut_not_overrun, clean),
		cmocka_unit_test(the_number_of_the_container_is_that_of_its_volume),
		cmocka_unit_test_teardown(what_is_wrong_with_units_is_a_line_each, clean),
		cmocka_unit_test_teardown(the_json_has_all_of_it, clean),
		cmocka_unit_test(every_row_of_hakim_init_is_in_the_page),
		cmocka_unit_test_teardown(what_was_asked_again_takes_the_place_of_what_was_known,
					  clean),
	};

	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
