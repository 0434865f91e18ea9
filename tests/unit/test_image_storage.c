/* storage.cfg: read as Proxmox reads it, and which stores can have a template. */
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
#include "image/storage.h"

static const char config[] = "dir: local\n"
			     "\tpath /var/lib/vz\n"
			     "\tcontent iso,vztmpl,backup\n"
			     "\n"
			     "# a comment\n"
			     "lvmthin: local-lvm\n"
			     "\tthinpool data\n"
			     "\tvgname pve\n"
			     "\tcontent rootdir,images\n"
			     "\n"
			     "nfs: shared-nfs\n"
			     "\texport /srv\n"
			     "\tserver 10.0.0.2\n"
			     "\tcontent vztmpl\n"
			     "\tcontent-dirs vztmpl=my/templates,iso=isos\n"
			     "\tnodes a,b\n"
			     "\n"
			     "dir: usb\n"
			     "\tpath /mnt/usb\n"
			     "\tcontent vztmpl\n"
			     "\tis_mountpoint yes\n"
			     "\tshared 1\n"
			     "\n"
			     "dir: off\n"
			     "\tpath /off\n"
			     "\tdisable\n"
			     "\tcontent vztmpl\n"
			     "\n"
			     "dir: plain\n"
			     "\tpath /plain\n";

static struct err err;

static const struct storage *get(const struct storages *list, const char *id)
{
	const struct storage *s = storage_find(list, id);

	assert_non_null(s);
	return s;
}

static void stores_are_read(void **state)
{
	_cleanup_(storages_free) struct storages list;
	_cleanup_free_ char *a = NULL, *b = NULL;

	assert_int_equal(storage_parse(config, sizeof(config) - 1, &list, &err), 0);
	assert_int_equal(list.n, 6);
	a = storage_templates(get(&list, "local"));
	assert_string_equal(a, "/var/lib/vz/template/cache");
	b = storage_templates(get(&list, "shared-nfs"));
	assert_string_equal(b, "/mnt/pve/shared-nfs/my/templates");
	assert_true(storage_is_shared(get(&list, "shared-nfs")));
	assert_true(storage_is_shared(get(&list, "usb")));
	assert_false(storage_is_shared(get(&list, "local")));
	assert_string_equal(get(&list, "usb")->is_mountpoint, "yes");
}

static void what_cannot_have_templates_is_refused_by_name(void **state)
{
	static const struct {
		const char *id, *node, *text;
	} rows[] = {
		{"local-lvm", "a", "of kind lvmthin"},
		{"shared-nfs", "c", "not there on node c"},
		{"off", "a", "off is disabled"},
		{"plain", "a", "does not hold templates"},
	};
	_cleanup_(storages_free) struct storages list;

	assert_int_equal(storage_parse(config, sizeof(config) - 1, &list, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(storage_check(get(&list, rows[i].id), rows[i].node, &err),
				 -EINVAL);
		if (!strstr(err.text, rows[i].text))
			fail_msg("\"%s\" does not say \"%s\"", err.text, rows[i].text);
	}
	assert_int_equal(storage_check(get(&list, "shared-nfs"), "b", &err), 0);
	assert_int_equal(storage_check(get(&list, "local"), "anything", &err), 0);
}

static void local_is_always_there(void **state)
{
	_cleanup_(storages_free) struct storages list;
	_cleanup_free_ char *path = NULL;

	assert_int_equal(storage_parse("", 0, &list, &err), 0);
	path = storage_templates(get(&list, "local"));
	assert_string_equal(path, "/var/lib/vz/template/cache");
	assert_int_equal(storage_check(get(&list, "local"), "n", &err), 0);
}

static void nonsense_does_no_harm(void **state)
{
	static const char *const texts[] = {"\t",
					    "dir:",
					    ":",
					    "dir: ",
					    "\tpath /x\n",
					    "dir: a",
					    "x y z\n\tpath /q\n",
					    "dir: a\n\tpath\n\tcontent\n\tnodes\n",
					    "dir: a\r\n\tpath /x\r\n"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_(storages_free) struct storages list;

		assert_int_equal(storage_parse(texts[i], strlen(texts[i]), &list, &err), 0);
	}
}

static void a_nul_and_a_name_without_end_are_refused(void **state)
{
	_cleanup_(storages_free) struct storages list = {0}, other = {0};
	char text[300];

	assert_int_equal(storage_parse("dir: a\0b", 8, &list, &err), -EINVAL);
	snprintf(text, sizeof(text), "dir: %0250d\n", 1);
	assert_int_equal(storage_parse(text, strlen(text), &other, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stores_are_read),
		cmocka_unit_test(what_cannot_have_templates_is_refused_by_name),
		cmocka_unit_test(local_is_always_there),
		cmocka_unit_test(nonsense_does_no_harm),
		cmocka_unit_test(a_nul_and_a_name_without_end_are_refused),
	};

	return cmocka_run_group_tests_name("image_storage", tests, NULL, NULL);
}
