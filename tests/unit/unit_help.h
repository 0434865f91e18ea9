/*
 * unit_help.h - directories of unit files for tests: made under /tmp, gone after each test.
 */
#pragma once

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/unit.h"

static char root[64], first[80], second[80];
static struct unit_set set;
static struct unit *unit;
static struct problems problems;

static int files_make(void **state)
{
	snprintf(root, sizeof(root), "/tmp/hakim-test-unit-XXXXXX");
	assert_non_null(mkdtemp(root));
	snprintf(first, sizeof(first), "%s/etc", root);
	snprintf(second, sizeof(second), "%s/lib", root);
	assert_int_equal(mkdir(first, 0755), 0);
	assert_int_equal(mkdir(second, 0755), 0);
	set = (struct unit_set){0};
	problems = (struct problems){0};
	unit = NULL;
	return 0;
}

static int files_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int files_remove(void **state)
{
	unit_set_free(&set);
	unit_free(unit);
	problems_free(&problems);
	return nftw(root, files_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes `len` bytes as DIR/NAME; directories in the name are made. */
static void put_bytes(const char *dir, const char *name, const char *bytes, size_t len)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline void put(const char *dir, const char *name, const char *text)
{
	put_bytes(dir, name, text, strlen(text));
}

/* A file of a machine that is made of files below `root`. */
static inline void machine_file(const char *path, const char *text)
{
	put(root, path + 1, text);
}

/* Loads both directories into `set`. */
static inline void load_set(void)
{
	const char *const dirs[] = {first, second, NULL};
	struct err err = {0};

	unit_set_free(&set);
	if (unit_set_load(&set, dirs, &err) < 0)
		fail_msg("%s", err.text);
}

/* Loads x.service of these bytes into `unit` and `problems`. */
static inline void load_bytes(const char *bytes, size_t len)
{
	char path[256];

	unit_free(unit);
	problems_free(&problems);
	put_bytes(first, "x.service", bytes, len);
	snprintf(path, sizeof(path), "%s/x.service", first);
	assert_int_equal(unit_load_file(path, &unit, &problems, NULL), 0);
}

static inline void load_text(const char *text)
{
	load_bytes(text, strlen(text));
}

/* A [Service] with a good ExecStart= and these lines, that must be loaded. */
static inline void load_service(const char *lines)
{
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, "[Service]\nExecStart=/bin/true\n%s\n", lines) > 0);
	load_text(text);
	if (!unit)
		fail_msg("%s", problems.n ? problems.v[0].text : "nothing was said");
}

static inline bool is_said_in(const struct problems *list, const char *text, bool fatal)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].fatal == fatal && strstr(list->v[i].text, text))
			return true;
	return false;
}

static inline void assert_said(const char *text, bool fatal)
{
	if (!is_said_in(&problems, text, fatal))
		fail_msg("\"%s\" is not among %zu, of which the first is: %s", text, problems.n,
			 problems.n ? problems.v[0].text : "none");
}

/* Loads the text, which must be refused with this among the reasons. */
static inline void refuse(const char *text, const char *says)
{
	load_text(text);
	if (unit)
		fail_msg("it was taken: %s", text);
	assert_said(says, true);
}

/* The same with a service that has these lines more. */
static inline void refuse_service(const char *lines, const char *says)
{
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, "[Service]\nExecStart=/bin/true\n%s\n", lines) > 0);
	refuse(text, says);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, files_make, files_remove)
