/* A tar archive that comes in pieces, and what of an image's layers Proxmox would choke on. */
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
#include "image/survey.h"
#include "image/tar.h"

static struct err err;

/* ---- archives ---- */

struct archive {
	unsigned char bytes[64 << 10];
	size_t len;
};

/* Fields of a header have no NUL where they are full. */
static void put(void *to, const void *bytes, size_t len)
{
	memcpy(to, bytes, len);
}

static void sum(unsigned char *header)
{
	unsigned total = 0;

	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		total += header[i];
	snprintf((char *)header + 148, 8, "%06o", total);
}

static unsigned char *add(struct archive *a, char type, const char *name, const char *content)
{
	unsigned char *header = a->bytes + a->len;
	size_t len = strlen(content);

	put(header, name, strlen(name) < 100 ? strlen(name) : 100);
	put(header + 100, "0000644\0000000000\0000000000", 24);
	snprintf((char *)header + 124, 12, "%011zo", len);
	header[156] = (unsigned char)type;
	put(header + 257, "ustar\00000", 8);
	sum(header);
	put(header + 512, content, len);
	a->len += 512 + (len + 511) / 512 * 512;
	return header;
}

static void own(unsigned char *header, unsigned uid, unsigned gid)
{
	snprintf((char *)header + 108, 8, "%07o", uid);
	snprintf((char *)header + 116, 8, "%07o", gid);
	sum(header);
}

static void link_to(unsigned char *header, const char *to)
{
	put(header + 157, to, strlen(to));
	sum(header);
}

static void end(struct archive *a)
{
	a->len += 1024;
}

/* ---- tar ---- */

struct seen {
	char text[4096];
	size_t len;
	bool want;
};

static int on_entry(void *arg, const struct tar_entry *e, struct err *error)
{
	struct seen *s = arg;

	s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len,
				   "[%c %.200s %.100s %llu:%llu %llu]", e->type, e->name, e->link,
				   (unsigned long long)e->uid, (unsigned long long)e->gid,
				   (unsigned long long)e->size);
	return s->want;
}

static void on_content(void *arg, const void *bytes, size_t len)
{
	struct seen *s = arg;

	memcpy(s->text + s->len, bytes, len);
	s->len += len;
	s->text[s->len] = '\0';
}

static int read_in(const struct archive *a, size_t step, struct seen *s)
{
	_cleanup_(tar_freep) struct tar *tar = tar_new(on_entry, on_content, s);
	int r = 0;

	for (size_t at = 0; at < a->len && r == 0; at += step)
		r = tar_add(tar, a->bytes + at, a->len - at < step ? a->len - at : step, &err);
	return r < 0 ? r : tar_end(tar, &err);
}

static void is_read_as(const struct archive *a, const char *text)
{
	static const size_t steps[] = {1, 7, 511, 512, 513, 1 << 20};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct seen s = {.want = true};

		assert_int_equal(read_in(a, steps[i], &s), 0);
		assert_string_equal(s.text, text);
	}
}

static void is_refused(const struct archive *a, const char *text)
{
	for (size_t step = 1; step < 2000; step += 997) {
		struct seen s = {0};

		assert_int_equal(read_in(a, step, &s), -EBADMSG);
		assert_non_null(strstr(err.text, text));
	}
}

static void entries_are_told_in_whatever_pieces_they_come(void **state)
{
	struct archive a = {0};

	add(&a, '0', "a/file", "content");
	add(&a, '5', "a/directory/", "");
	link_to(add(&a, '2', "link", ""), "../to");
	add(&a, '0', "empty", "");
	add(&a, 0, "old", "0123456789");
	end(&a);
	is_read_as(&a, "[0 a/file  0:0 7]content[5 a/directory/  0:0 0][2 link ../to 0:0 0]"
		       "[0 empty  0:0 0][0 old  0:0 10]0123456789");
}

static void what_is_behind_the_end_is_no_part_of_it(void **state)
{
	struct archive a = {0};

	add(&a, '0', "a", "");
	end(&a);
	memset(a.bytes + a.len, 'x', 700);
	a.len += 700;
	is_read_as(&a, "[0 a  0:0 0]");
	/* And an archive without an end is one, too. */
	a = (struct archive){0};
	add(&a, '0', "a", "x");
	is_read_as(&a, "[0 a  0:0 1]x");
	a = (struct archive){0};
	is_read_as(&a, "");
}

static void pax_says_names_owners_and_sizes(void **state)
{
	struct archive a = {0};

	add(&a, 'g', "global", "13 comment=x\n");
	add(&a, 'x', "pax",
	    "15 path=x/long\n13 uid=70000\n14 gid=800000\n9 size=3\n"
	    "16 linkpath=y/z\n20 SCHILY.xattr.a=b\n");
	add(&a, '0', "short", "abc");
	add(&a, '0', "next", "");
	end(&a);
	is_read_as(&a, "[0 x/long y/z 70000:800000 3]abc[0 next  0:0 0]");
}

static void gnu_says_long_names_and_big_numbers(void **state)
{
	struct archive a = {0};
	unsigned char *header;

	add(&a, 'L', "././@LongLink", "a/very/long/name");
	add(&a, 'K', "././@LongLink", "a/target");
	header = add(&a, '2', "a/very", "");
	put(header + 108, "\x80\0\0\0\0\x01\x11\x70", 8);
	sum(header);
	end(&a);
	is_read_as(&a, "[2 a/very/long/name a/target 70000:0 0]");
}

static void a_prefix_is_the_first_part_of_a_name_and_nothing_in_gnus_headers(void **state)
{
	struct archive a = {0};
	unsigned char *header = add(&a, '0', "file", "");

	put(header + 345, "the/prefix", 10);
	sum(header);
	header = add(&a, '0', "gnu", "");
	put(header + 257, "ustar  ", 8);
	put(header + 345, "12345670123", 11);
	sum(header);
	end(&a);
	is_read_as(&a, "[0 the/prefix/file  0:0 0][0 gnu  0:0 0]");
}

static void the_map_of_a_sparse_file_is_not_its_content(void **state)
{
	struct archive a = {0};
	unsigned char *header = add(&a, 'S', "sparse", "");

	header[482] = 1;
	put(header + 124, "00000000003", 11);
	sum(header);
	a.bytes[a.len + 504] = 1;
	a.len += 1024;
	put(a.bytes + a.len, "abc", 3);
	a.len += 512;
	add(&a, '0', "next", "");
	end(&a);
	is_read_as(&a, "[S sparse  0:0 3]abc[0 next  0:0 0]");
}

static void a_size_of_what_has_no_content_is_passed_over(void **state)
{
	struct archive a = {0};
	unsigned char *header = add(&a, '1', "hard", "");

	put(header + 124, "00000000777", 11);
	sum(header);
	add(&a, '0', "next", "");
	end(&a);
	is_read_as(&a, "[1 hard  0:0 0][0 next  0:0 0]");
}

static void what_is_no_archive_is_refused(void **state)
{
	struct archive a = {.len = 2000};
	unsigned char *header;

	memset(a.bytes, 'x', 2000);
	is_refused(&a, "the sum of a header");
	a = (struct archive){0};
	add(&a, '0', "a", "0123456789");
	a.len -= 505;
	is_refused(&a, "cut");
	a.len = 100;
	is_refused(&a, "cut");
	a = (struct archive){0};
	add(&a, 'x', "pax", "9999 path=x\n");
	is_refused(&a, "wrong length");
	a = (struct archive){0};
	add(&a, 'x', "pax", "3 x\n");
	is_refused(&a, "wrong length");
	a = (struct archive){0};
	add(&a, 'x', "pax", "nothing");
	is_refused(&a, "no list of records");
	a = (struct archive){0};
	add(&a, 'x', "pax", "7 path\n");
	is_refused(&a, "has no value");
	a = (struct archive){0};
	add(&a, 'x', "pax", "10 uid=-1\n");
	is_refused(&a, "a number of a pax header");
	a = (struct archive){0};
	header = add(&a, 'L', "long", "");
	put(header + 124, "00010000000", 11);
	sum(header);
	is_refused(&a, "bigger than 1 MiB");
	a = (struct archive){0};
	header = add(&a, '0', "big", "");
	put(header + 124, "\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 12);
	sum(header);
	is_refused(&a, "no number");
	a = (struct archive){0};
	header = add(&a, '0', "odd", "");
	put(header + 108, "rootroo", 8);
	sum(header);
	is_refused(&a, "an owner is no number");
}

/* ---- survey ---- */

static void layer(struct survey *s, const struct archive *a)
{
	_cleanup_(survey_layer_freep) struct survey_layer *l = survey_layer_new(s);

	for (size_t at = 0; at < a->len; at += 100)
		assert_int_equal(survey_layer_add(l, a->bytes + at,
						  a->len - at < 100 ? a->len - at : 100, &err),
				 0);
	assert_int_equal(survey_layer_end(l, &err), 0);
}

/* Layers of one file each: "" ends them. */
static void warns(const char *const files[][2], const char *text)
{
	_cleanup_(strv_free) struct strv warnings = {0};
	struct survey s = {0};

	for (size_t i = 0; files[i][0]; i++) {
		struct archive a = {0};
		unsigned char *header = add(&a, files[i][1][0] == '>' ? '2' : '0', files[i][0],
					    files[i][1][0] == '>' ? "" : files[i][1]);

		if (files[i][1][0] == '>')
			link_to(header, files[i][1] + 1);
		end(&a);
		layer(&s, &a);
	}
	assert_int_equal(survey_warnings(&s, &warnings), 0);
	assert_int_equal(warnings.n, text ? 1 : 0);
	if (text && !strstr(warnings.v[0], text))
		fail_msg("%s", warnings.v[0]);
}
#define FILES (const char *const[][2])

static void a_known_distribution_is_fine(void **state)
{
	warns(FILES{{"etc/os-release", "ID=debian\n"}, {NULL}}, NULL);
	warns(FILES{{"./usr/lib/os-release", "NAME=x\nID=\"opensuse-leap\"\n"}, {NULL}}, NULL);
	warns(FILES{{"usr/lib/os-release", "ID=ubuntu"},
		    {"etc/os-release", ">../usr/lib/os-release"},
		    {NULL}},
	      NULL);
	/* A relative of Debian's is known by another file. */
	warns(FILES{{"etc/os-release", "ID=mint\n"}, {"etc/debian_version", "12\n"}, {NULL}}, NULL);
	/* Where a link leads that is not the usual one is not known. */
	warns(FILES{{"etc/os-release", ">/nix/store/x/os-release"}, {NULL}}, NULL);
}

static void an_unknown_one_is_told(void **state)
{
	warns(FILES{{"bin/sh", "x"}, {NULL}}, "there is no os-release");
	warns(FILES{{"etc/os-release", "ID=plan9\n"}, {NULL}}, "os-release has ID=plan9");
	warns(FILES{{"etc/os-release", "VERSION_ID=debian\n"}, {NULL}}, "os-release has no ID");
	warns(FILES{{"etc/os-release", ">../usr/lib/os-release"}, {NULL}},
	      "there is no os-release");
	/* The one in /etc beats the other. */
	warns(FILES{{"usr/lib/os-release", "ID=debian\n"}, {"etc/os-release", "ID=x\n"}, {NULL}},
	      "os-release has ID=x");
	warns(FILES{{"other/etc/os-release", "ID=debian\n"}, {NULL}}, "there is no os-release");
}

static void a_later_layer_replaces_and_takes_away(void **state)
{
	static const char *const gone[] = {"etc/.wh.os-release", ".wh.etc", "./etc/.wh..wh..opq",
					   ".wh..wh..opq"};

	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		warns(FILES{{"etc/os-release", "ID=debian\n"}, {gone[i], ""}, {NULL}},
		      "there is no os-release");
	warns(FILES{{"etc/os-release", "ID=debian\n"},
		    {"etc/.wh.os", ""},
		    {"x/.wh.etc", ""},
		    {NULL}},
	      NULL);
	warns(FILES{{"etc/os-release", "ID=debian\n"}, {"etc/os-release", "ID=x\n"}, {NULL}},
	      "ID=x");
	warns(FILES{{"etc/os-release", "ID=x\n"}, {"etc/os-release", "ID=debian\n"}, {NULL}}, NULL);
	warns(FILES{{"etc/os-release", "ID=debian\n"},
		    {".wh.etc", ""},
		    {"etc/os-release", "ID=debian\n"},
		    {NULL}},
	      NULL);
}

static void a_whiteout_is_for_the_layers_below_wherever_it_stands(void **state)
{
	_cleanup_(strv_free) struct strv warnings = {0};
	struct survey s = {0};
	struct archive a = {0}, b = {0};

	add(&a, '0', "etc/os-release", "ID=x\n");
	end(&a);
	add(&b, '0', "etc/os-release", "ID=debian\n");
	add(&b, '0', "etc/.wh..wh..opq", "");
	end(&b);
	layer(&s, &a);
	layer(&s, &b);
	assert_int_equal(survey_warnings(&s, &warnings), 0);
	assert_int_equal(warnings.n, 0);
}

static void owners_that_a_container_does_not_have_are_counted(void **state)
{
	_cleanup_(strv_free) struct strv warnings = {0};
	struct survey s = {0};
	struct archive a = {0};

	add(&a, '0', "etc/os-release", "ID=debian\n");
	own(add(&a, '0', "last", ""), 65535, 65535);
	own(add(&a, '0', "first\x1b[31m", ""), 65536, 0);
	own(add(&a, '5', "second", ""), 0, 100000);
	end(&a);
	layer(&s, &a);
	assert_int_equal(survey_warnings(&s, &warnings), 0);
	assert_int_equal(warnings.n, 1);
	assert_non_null(strstr(warnings.v[0], "2 entries"));
	assert_non_null(strstr(warnings.v[0], "first?[31m of 65536:0"));
	assert_int_equal(s.entries, 4);
	assert_int_equal(s.bytes, a.len);
}

static void a_long_os_release_costs_no_more(void **state)
{
	static char text[20000];

	memset(text, 'x', sizeof(text) - 1);
	put(text, "ID=debian\n", 10);
	warns(FILES{{"etc/os-release", text}, {NULL}}, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_told_in_whatever_pieces_they_come),
		cmocka_unit_test(what_is_behind_the_end_is_no_part_of_it),
		cmocka_unit_test(pax_says_names_owners_and_sizes),
		cmocka_unit_test(gnu_says_long_names_and_big_numbers),
		cmocka_unit_test(a_prefix_is_the_first_part_of_a_name_and_nothing_in_gnus_headers),
		cmocka_unit_test(the_map_of_a_sparse_file_is_not_its_content),
		cmocka_unit_test(a_size_of_what_has_no_content_is_passed_over),
		cmocka_unit_test(what_is_no_archive_is_refused),
		cmocka_unit_test(a_known_distribution_is_fine),
		cmocka_unit_test(an_unknown_one_is_told),
		cmocka_unit_test(a_later_layer_replaces_and_takes_away),
		cmocka_unit_test(a_whiteout_is_for_the_layers_below_wherever_it_stands),
		cmocka_unit_test(owners_that_a_container_does_not_have_are_counted),
		cmocka_unit_test(a_long_os_release_costs_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
