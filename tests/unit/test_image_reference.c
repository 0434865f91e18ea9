/* References, registries and digests: what is read, and what is refused by which sentence. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "image/reference.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct err err;
static struct reference ref;

static void a_reference_is_taken_apart(void **state)
{
	static const struct {
		const char *text, *registry, *endpoint, *repository, *tag, *digest;
	} rows[] = {
		{"ghcr.io/shekohex/hakim-js:latest", "ghcr.io", "ghcr.io", "shekohex/hakim-js",
		 "latest", ""},
		{"php:8", "docker.io", "registry-1.docker.io", "library/php", "8", ""},
		{"docker.io/php:8", "docker.io", "registry-1.docker.io", "library/php", "8", ""},
		{"index.docker.io/a/php:8", "docker.io", "registry-1.docker.io", "a/php", "8", ""},
		{"shekohex/x:1", "docker.io", "registry-1.docker.io", "shekohex/x", "1", ""},
		{"localhost/x:1", "localhost", "localhost", "x", "1", ""},
		{"192.168.1.105:5000/hakim/a:v1.2-3_4", "192.168.1.105:5000", "192.168.1.105:5000",
		 "hakim/a", "v1.2-3_4", ""},
		{"[::1]:5000/a/b:T", "[::1]:5000", "[::1]:5000", "a/b", "T", ""},
		{"GHCR.io/a/b__c.d--e:1", "ghcr.io", "ghcr.io", "a/b__c.d--e", "1", ""},
		{"ghcr.io/a/b:1@sha256:" HEX, "ghcr.io", "ghcr.io", "a/b", "1", "sha256:" HEX},
		{"ghcr.io/a/b:1@sha512:" HEX HEX, "ghcr.io", "ghcr.io", "a/b", "1",
		 "sha512:" HEX HEX},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err = (struct err){0};
		assert_int_equal(reference_parse(rows[i].text, REFERENCE_TAG, &ref, &err), 0);
		assert_string_equal(ref.registry, rows[i].registry);
		assert_string_equal(ref.endpoint, rows[i].endpoint);
		assert_string_equal(ref.repository, rows[i].repository);
		assert_string_equal(ref.tag, rows[i].tag);
		assert_string_equal(ref.digest.text, rows[i].digest);
	}
}

static void what_is_no_reference_is_refused_by_name(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"", "names no repository"},
		{":", "tag"},
		{"/", "is not valid"},
		{"a", "no tag"},
		{"ghcr.io/a/b", "no tag"},
		{"ghcr.io:443/b", "no tag"},
		{"a@sha256:" HEX, "no tag"},
		{"ghcr.io/A/b:1", "upper-case"},
		{"Php:1", "upper-case"},
		{"ghcr.io/a/../b:1", "is not valid"},
		{"ghcr.io/a//b:1", "is not valid"},
		{"ghcr.io/a/:1", "is not valid"},
		{"ghcr.io/-a:1", "is not valid"},
		{"ghcr.io/a-:1", "is not valid"},
		{"ghcr.io/a..b:1", "is not valid"},
		{"ghcr.io/a___b:1", "is not valid"},
		{"ghcr.io/a._b:1", "is not valid"},
		{"ghcr.io/a b:1", "is not valid"},
		{"ghcr.io/a\nb:1", "a?b"},
		{"ghcr.io/a%2f:1", "is not valid"},
		{"ghcr.io/a?x:1", "is not valid"},
		{"ghcr.io/a:.1", "tag"},
		{"ghcr.io/a:-1", "tag"},
		{"ghcr.io/a:", "tag"},
		{"ghcr.io/a:1:2", "tag"},
		{"ghcr.io/a:1/b", "is not valid"},
		{"ghcr.io/a:x y", "tag"},
		{"ghcr.io:0/a:1", "is no registry"},
		{"ghcr.io:65536/a:1", "is no registry"},
		{"ghcr.io:x/a:1", "is no registry"},
		{"gh_cr.io/a:1", "is no registry"},
		{"-ghcr.io/a:1", "is no registry"},
		{"ghcr-.io/a:1", "is no registry"},
		{"ghcr..io/a:1", "is no registry"},
		{"user:pw@ghcr.io/a:1", "is no digest"},
		{"[::1/a:1", "is no registry"},
		{"https://ghcr.io/a:1", "scheme"},
		{"a:1@sha256:0", "64 hex digits"},
		{"a:1@md5:" HEX, "sha256: or sha512:"},
		{"a:1@", "sha256: or sha512:"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err = (struct err){0};
		assert_int_equal(reference_parse(rows[i].text, REFERENCE_TAG, &ref, &err), -EINVAL);
		if (!strstr(err.text, rows[i].says))
			fail_msg("\"%s\": %s", rows[i].text, err.text);
	}
}

static void over_long_parts_are_refused(void **state)
{
	char text[1200];
	char name[REFERENCE_FILE_MAX];

	snprintf(text, sizeof(text), "a:%0128d", 1);
	assert_int_equal(reference_parse(text, REFERENCE_TAG, &ref, &err), 0);
	snprintf(text, sizeof(text), "a:%0129d", 1);
	assert_int_equal(reference_parse(text, REFERENCE_TAG, &ref, &err), -EINVAL);
	assert_non_null(strstr(err.text, "128"));
	snprintf(text, sizeof(text), "h.io/%0250d:1", 1);
	assert_int_equal(reference_parse(text, REFERENCE_TAG, &ref, &err), 0);
	snprintf(text, sizeof(text), "h.io/%0251d:1", 1);
	assert_int_equal(reference_parse(text, REFERENCE_TAG, &ref, &err), -EINVAL);
	assert_non_null(strstr(err.text, "255"));
	/* The name of Docker Hub's own directory counts, where it is added. */
	snprintf(text, sizeof(text), "%0237d:1", 1);
	assert_int_equal(reference_parse(text, REFERENCE_TAG, &ref, &err), 0);
	reference_text(&ref, text);
	assert_int_equal(strlen(text), 255 + 2);
	assert_int_equal(reference_parse(text, REFERENCE_TAG, &ref, &err), 0);
	snprintf(text, sizeof(text), "%0238d:1", 1);
	assert_int_equal(reference_parse(text, REFERENCE_TAG, &ref, &err), -EINVAL);
	snprintf(text, sizeof(text), "h.io/%01100d:1", 1);
	assert_int_equal(reference_parse(text, REFERENCE_TAG, &ref, &err), -EINVAL);
	snprintf(text, sizeof(text), "h.io/%0120d:%0120d", 1, 1);
	assert_int_equal(reference_parse(text, REFERENCE_TAG, &ref, &err), 0);
	assert_int_equal(reference_file(&ref, name, &err), -EINVAL);
}

static void needs_differ(void **state)
{
	assert_int_equal(reference_parse("a@sha256:" HEX, REFERENCE_IMAGE, &ref, &err), 0);
	assert_string_equal(reference_target(&ref), "sha256:" HEX);
	assert_int_equal(reference_parse("a", REFERENCE_IMAGE, &ref, &err), -EINVAL);
	assert_int_equal(reference_parse("a", REFERENCE_REPOSITORY, &ref, &err), 0);
	assert_int_equal(reference_parse("a:1", REFERENCE_REPOSITORY, &ref, &err), -EINVAL);
	assert_int_equal(reference_parse("a@sha256:" HEX, REFERENCE_REPOSITORY, &ref, &err),
			 -EINVAL);
}

static void the_file_has_basename_and_tag(void **state)
{
	char name[REFERENCE_FILE_MAX];
	char text[REFERENCE_TEXT_MAX];

	assert_int_equal(
		reference_parse("ghcr.io/a/hakim-js:V1.0@sha256:" HEX, REFERENCE_TAG, &ref, &err),
		0);
	assert_int_equal(reference_file(&ref, name, &err), 0);
	assert_string_equal(name, "hakim-js_V1.0.tar");
	reference_text(&ref, text);
	assert_string_equal(text, "ghcr.io/a/hakim-js:V1.0@sha256:" HEX);
}

static void digests_are_read_strictly(void **state)
{
	static const char *const bad[] = {
		"",
		"sha256",
		"sha256:",
		"sha256:" HEX "0",
		"SHA256:" HEX,
		"sha256:../../../../../../../../../../../../../../../../../../../etc/passw",
		"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		"sha512:" HEX,
		"sha1:" HEX,
	};
	struct digest d;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(digest_parse(bad[i], strlen(bad[i]), &d, &err), -EINVAL);
		assert_string_equal(d.text, "");
	}
	assert_int_equal(digest_parse("sha256:" HEX "\0", strlen("sha256:" HEX) + 1, &d, &err),
			 -EINVAL);
	assert_int_equal(digest_parse("sha256:" HEX, strlen("sha256:" HEX), &d, &err), 0);
	assert_string_equal(digest_hex(&d), HEX);
}

static void hashing_in_pieces_is_hashing_the_whole(void **state)
{
	_cleanup_(hasher_free) struct hasher h = {0};
	struct digest whole;
	struct digest pieces;

	assert_int_equal(digest_of(DIGEST_SHA256, "abc", 3, &whole, &err), 0);
	/* FIPS 180-4's own example. */
	assert_string_equal(whole.text,
			    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
			    "f20015ad");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hasher_begin(&h, DIGEST_SHA256, &err), 0);
		assert_int_equal(hasher_add(&h, "a", 1, &err), 0);
		assert_int_equal(hasher_add(&h, "bc", 2, &err), 0);
		assert_int_equal(hasher_end(&h, &pieces, &err), 0);
		assert_true(digest_is(&whole, &pieces));
	}
	assert_int_equal(digest_of(DIGEST_SHA512, "abc", 3, &whole, &err), 0);
	assert_memory_equal(whole.text, "sha512:ddaf35a193617abacc41", 26);
	assert_int_equal(strlen(whole.text), 7 + 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reference_is_taken_apart),
		cmocka_unit_test(what_is_no_reference_is_refused_by_name),
		cmocka_unit_test(over_long_parts_are_refused),
		cmocka_unit_test(needs_differ),
		cmocka_unit_test(the_file_has_basename_and_tag),
		cmocka_unit_test(digests_are_read_strictly),
		cmocka_unit_test(hashing_in_pieces_is_hashing_the_whole),
	};

	return cmocka_run_group_tests_name("image reference", tests, NULL, NULL);
}
