/* Indexes and manifests of a registry: what is taken, what is chosen, and what is refused. */
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
#include "image/manifest.h"
#include "image/text.h"

#define A        "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B        "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C        "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define OCI      "application/vnd.oci.image."
#define DOCKER   "application/vnd.docker."
#define IMAGE_T  OCI "manifest.v1+json"
#define INDEX_T  OCI "index.v1+json"
#define IMAGE2_T DOCKER "distribution.manifest.v2+json"
#define LIST2_T  DOCKER "distribution.manifest.list.v2+json"
#define CONFIG \
	"\"config\":{\"mediaType\":\"" OCI "config.v1+json\",\"digest\":\"" A "\",\"size\":10}"
#define GZIP OCI "layer.v1.tar+gzip"
#define LAYER(type, digest, size) \
	"{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":" size "}"
#define IMAGE(config, layers) \
	"{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_T "\"," config ",\"layers\":[" layers "]}"
#define ENTRY(digest, os, arch, variant)                                           \
	"{\"mediaType\":\"" IMAGE_T "\",\"digest\":\"" digest                      \
	"\",\"size\":500,\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch \
	"\",\"variant\":\"" variant "\"}}"
#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

static struct err err;

static int kind_of(const char *text, const char *type, enum manifest_kind *kind)
{
	err = (struct err){0};
	return manifest_kind(text, strlen(text), type, kind, &err);
}

static void the_kind_is_what_type_and_body_say(void **state)
{
	static const struct {
		const char *type, *text;
		enum manifest_kind kind;
	} rows[] = {
		{IMAGE_T, IMAGE(CONFIG, LAYER(GZIP, B, "5")), MANIFEST_IMAGE},
		{IMAGE_T "; charset=utf-8", IMAGE(CONFIG, LAYER(GZIP, B, "5")), MANIFEST_IMAGE},
		{INDEX_T, INDEX(ENTRY(A, "linux", "amd64", "")), MANIFEST_INDEX},
		{LIST2_T, "{\"schemaVersion\":2,\"mediaType\":\"" LIST2_T "\",\"manifests\":[]}",
		 MANIFEST_INDEX},
	};
	enum manifest_kind kind;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(kind_of(rows[i].text, rows[i].type, &kind), 0);
		assert_int_equal(kind, rows[i].kind);
	}
}

static void a_body_that_is_something_else_is_refused(void **state)
{
	static const struct {
		const char *type, *text, *says;
	} rows[] = {
		{"text/html", "{}", "no type of a manifest"},
		{NULL, "{}", "no type of a manifest"},
		{"application/json", "{}", "no type of a manifest"},
		{DOCKER "distribution.manifest.v1+prettyjws", "{}", "schema 1"},
		{IMAGE_T, "{\"schemaVersion\":1}", "schema 1"},
		{IMAGE_T, "{}", "schemaVersion"},
		{IMAGE_T, "{\"schemaVersion\":\"2\"}", "schemaVersion"},
		{IMAGE_T, "[]", "no object"},
		{IMAGE_T, "", "no valid JSON"},
		{IMAGE_T, "{\"schemaVersion\":2", "no valid JSON"},
		{IMAGE_T, "{\"schemaVersion\":2} x", "no valid JSON"},
		{IMAGE_T, "{\"schemaVersion\":2,\"schemaVersion\":2}", "no valid JSON"},
		{IMAGE_T, "{\"schemaVersion\":2,\"a\":\"\\u0000\"}", "no valid JSON"},
		{IMAGE_T, "{\"schemaVersion\":2,\"mediaType\":5}", "no string"},
		{IMAGE_T, "{\"schemaVersion\":2,\"mediaType\":\"" INDEX_T "\",\"manifests\":[]}",
		 "the registry says"},
		{INDEX_T, IMAGE(CONFIG, LAYER(GZIP, B, "5")), "the registry says"},
		{IMAGE2_T, "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}", "does not say"},
		{IMAGE_T, "{\"schemaVersion\":2,\"config\":{},\"manifests\":[]}", "at once"},
		{INDEX_T, "{\"schemaVersion\":2,\"layers\":[],\"manifests\":[]}", "at once"},
		{IMAGE_T, "{\"schemaVersion\":2,\"manifests\":[]}", "not what its type says"},
		{INDEX_T, "{\"schemaVersion\":2}", "not what its type says"},
	};
	enum manifest_kind kind;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(kind_of(rows[i].text, rows[i].type, &kind) < 0);
		if (!strstr(err.text, rows[i].says))
			fail_msg("%zu: %s", i, err.text);
	}
}

static void what_would_take_memory_is_refused_before_it_is_parsed(void **state)
{
	_cleanup_free_ char *big = malloc(DOCUMENT_MAX + 2);
	enum manifest_kind kind;

	assert_non_null(big);
	memset(big, ' ', DOCUMENT_MAX + 1);
	big[DOCUMENT_MAX + 1] = '\0';
	assert_int_equal(kind_of(big, IMAGE_T, &kind), -EPROTO);
	assert_non_null(strstr(err.text, "bigger than"));
	memset(big, '[', 1000);
	big[1000] = '\0';
	assert_int_equal(kind_of(big, IMAGE_T, &kind), -EPROTO);
	assert_non_null(strstr(err.text, "nested"));
	for (size_t i = 0; i < 300000; i += 3)
		memcpy(big + i, "[],", 3);
	big[300000] = '\0';
	assert_int_equal(kind_of(big, IMAGE_T, &kind), -EPROTO);
	assert_non_null(strstr(err.text, "values"));
}

static void brackets_in_strings_are_no_depth(void **state)
{
	char text[2000];
	char deep[200];
	enum manifest_kind kind;

	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	snprintf(text, sizeof(text), "{\"schemaVersion\":2,\"a\":\"\\\"%s\",\"manifests\":[]}",
		 deep);
	assert_int_equal(kind_of(text, INDEX_T, &kind), 0);
}

static int choose(const char *text, const char *wanted, char digest[DIGEST_TEXT_MAX])
{
	_cleanup_(index_free) struct index index = {0};
	const struct index_entry *entry;
	struct platform platform;
	int r;

	err = (struct err){0};
	assert_int_equal(platform_parse(wanted, &platform, &err), 0);
	r = index_read(text, strlen(text), &index, &err);
	if (r >= 0)
		r = index_choose(&index, &platform, &entry, &err);
	if (r >= 0)
		text_set(digest, DIGEST_TEXT_MAX, entry->descriptor.digest.text);
	return r;
}

static void the_first_entry_of_the_platform_is_chosen(void **state)
{
	char digest[DIGEST_TEXT_MAX];

	assert_int_equal(
		choose(INDEX(ENTRY(A, "linux", "arm64", "") "," ENTRY(
			       B, "linux", "amd64", "") "," ENTRY(C, "linux", "amd64", "")),
		       "linux/amd64", digest),
		0);
	assert_string_equal(digest, B);
	assert_int_equal(
		choose(INDEX(ENTRY(A, "linux", "amd64", "v3") "," ENTRY(B, "linux", "amd64", "v1")),
		       "linux/amd64", digest),
		0);
	assert_string_equal(digest, B);
	assert_int_equal(choose(INDEX(ENTRY(A, "linux", "arm64", "v8")), "linux/arm64", digest), 0);
	assert_int_equal(
		choose(INDEX(ENTRY(A, "linux", "arm", "v6") "," ENTRY(B, "linux", "arm", "v7")),
		       "linux/arm/v7", digest),
		0);
	assert_string_equal(digest, B);
}

static void a_platform_that_is_not_there_is_told_with_those_that_are(void **state)
{
	char digest[DIGEST_TEXT_MAX];

	assert_int_equal(
		choose(INDEX(ENTRY(A, "linux", "arm64", "") "," ENTRY(B, "unknown", "unknown", "")),
		       "linux/amd64", digest),
		-ENOTSUP);
	assert_non_null(strstr(err.text, "linux/amd64"));
	assert_non_null(strstr(err.text, "linux/arm64"));
	assert_null(strstr(err.text, "unknown"));
	assert_int_equal(choose(INDEX(ENTRY(B, "unknown", "unknown", "")), "linux/amd64", digest),
			 -ENOTSUP);
	assert_non_null(strstr(err.text, "only attestations"));
	assert_int_equal(choose("{\"manifests\":[]}", "linux/amd64", digest), -EPROTO);
	assert_non_null(strstr(err.text, "no entries"));
}

static int read_image(const char *text, struct manifest *m)
{
	err = (struct err){0};
	return manifest_read(text, strlen(text), m, &err);
}

static void an_image_has_its_layers_in_order(void **state)
{
	_cleanup_(manifest_free) struct manifest m = {0};

	assert_int_equal(
		read_image(IMAGE(CONFIG, LAYER(GZIP, B, "5") "," LAYER(
						 OCI "layer.v1.tar", C,
						 "6") "," LAYER(OCI "layer.v1.tar+zstd", B, "5")),
			   &m),
		0);
	assert_int_equal(m.n, 3);
	assert_false(m.docker);
	assert_int_equal(m.config.size, 10);
	assert_string_equal(m.layers[1].descriptor.digest.text, C);
	assert_int_equal(m.layers[0].kind, LAYER_GZIP);
	assert_int_equal(m.layers[1].kind, LAYER_TAR);
	assert_int_equal(m.layers[2].kind, LAYER_ZSTD);
}

static void what_no_image_has_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{IMAGE(CONFIG, ""), "no layers"},
		{"{\"schemaVersion\":2," CONFIG "}", "no layers"},
		{IMAGE("\"config\":5", LAYER(GZIP, B, "5")), "no descriptor"},
		{IMAGE("\"config\":" LAYER("application/vnd.cncf.helm.config.v1+json", A, "5"),
		       LAYER(GZIP, B, "5")),
		 "no image of a container"},
		{IMAGE(CONFIG ",\"artifactType\":\"a/b\"", LAYER(GZIP, B, "5")), "artifact"},
		{IMAGE(CONFIG, LAYER(GZIP, "sha256:../../../etc/passwd", "5")), "hex"},
		{IMAGE(CONFIG, LAYER(GZIP, B, "-5")), "a size of -5"},
		{IMAGE(CONFIG, LAYER(GZIP, B, "0")), "a size of 0"},
		{IMAGE(CONFIG, LAYER(GZIP, B, "5.5")), "no size"},
		{IMAGE(CONFIG, LAYER(GZIP, B, "\"5\"")), "no size"},
		{IMAGE(CONFIG, LAYER(GZIP, B, "99999999999999999999")), "no valid JSON"},
		{IMAGE(CONFIG, LAYER(GZIP, B, "8589934592")), "8 GiB"},
		{IMAGE(CONFIG, LAYER(GZIP, A, "10")), "is the configuration, too"},
		{IMAGE(CONFIG, LAYER(GZIP, B, "5") "," LAYER(GZIP, B, "6")), "two sizes"},
		{IMAGE(CONFIG, LAYER(OCI "layer.nondistributable.v1.tar+gzip", B, "5")), "foreign"},
		{IMAGE(CONFIG, LAYER(DOCKER "image.rootfs.foreign.diff.tar.gzip", B, "5")),
		 "foreign"},
		{IMAGE(CONFIG, "{\"mediaType\":\"" GZIP "\",\"digest\":\"" B
			       "\",\"size\":5,\"urls\":[\"http://x/\"]}"),
		 "foreign"},
		{IMAGE(CONFIG, LAYER(GZIP "+encrypted", B, "5")), "no tar, tar+gzip or tar+zstd"},
		{IMAGE(CONFIG, LAYER(DOCKER "image.rootfs.diff.tar.gzip", B, "5")),
		 "no tar, tar+gzip or tar+zstd"},
	};
	_cleanup_(manifest_free) struct manifest m = {0};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(read_image(rows[i].text, &m) < 0);
		if (!strstr(err.text, rows[i].says))
			fail_msg("%zu: %s", i, err.text);
	}
}

static void dockers_manifest_becomes_the_same_oci_manifest_each_time(void **state)
{
	static const char docker[] =
		"{\n \"schemaVersion\": 2, \"mediaType\": \"" IMAGE2_T
		"\", \"config\": " LAYER(DOCKER "container.image.v1+json", A,
					 "10") ", \"layers\": [" LAYER(DOCKER
								       "image.rootfs.diff.tar.gzip",
								       B, "5") "]}";
	_cleanup_(manifest_free) struct manifest m = {0};
	_cleanup_(manifest_free) struct manifest again = {0};
	_cleanup_free_ char *text = NULL;
	enum manifest_kind kind;
	size_t len;

	assert_int_equal(kind_of(docker, IMAGE2_T, &kind), 0);
	assert_int_equal(read_image(docker, &m), 0);
	assert_true(m.docker);
	assert_int_equal(manifest_archive(&m, docker, strlen(docker), &text, &len, &err), 0);
	assert_string_equal(text, IMAGE("\"config\":" LAYER(OCI "config.v1+json", A, "10"),
					LAYER(GZIP, B, "5")));
	assert_int_equal(len, strlen(text));
	assert_int_equal(read_image(text, &again), 0);
	assert_false(again.docker);
}

static void an_oci_manifest_stays_as_it_is(void **state)
{
	static const char oci[] = " " IMAGE(CONFIG, LAYER(GZIP, B, "5")) "\n";
	_cleanup_(manifest_free) struct manifest m = {0};
	_cleanup_free_ char *text = NULL;
	size_t len;

	assert_int_equal(read_image(oci, &m), 0);
	assert_int_equal(manifest_archive(&m, oci, strlen(oci), &text, &len, &err), 0);
	assert_int_equal(len, strlen(oci));
	assert_string_equal(text, oci);
}

static void platforms_are_read(void **state)
{
	static const char *const bad[] = {"",           "linux",   "linux/",      "/amd64",
					  "linux/arm/", "a/b/c/d", "linux/AMD64", "linux/a b"};
	struct platform p;
	char text[PLATFORM_TEXT_MAX];

	assert_int_equal(platform_parse("linux/amd64", &p, &err), 0);
	platform_text(&p, text);
	assert_string_equal(text, "linux/amd64");
	assert_int_equal(platform_parse("linux/arm/v6", &p, &err), 0);
	platform_text(&p, text);
	assert_string_equal(text, "linux/arm/v6");
	assert_int_equal(platform_parse(NULL, &p, &err), 0);
	assert_string_equal(p.os, "linux");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(platform_parse(bad[i], &p, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kind_is_what_type_and_body_say),
		cmocka_unit_test(a_body_that_is_something_else_is_refused),
		cmocka_unit_test(what_would_take_memory_is_refused_before_it_is_parsed),
		cmocka_unit_test(brackets_in_strings_are_no_depth),
		cmocka_unit_test(the_first_entry_of_the_platform_is_chosen),
		cmocka_unit_test(a_platform_that_is_not_there_is_told_with_those_that_are),
		cmocka_unit_test(an_image_has_its_layers_in_order),
		cmocka_unit_test(what_no_image_has_is_refused),
		cmocka_unit_test(dockers_manifest_becomes_the_same_oci_manifest_each_time),
		cmocka_unit_test(an_oci_manifest_stays_as_it_is),
		cmocka_unit_test(platforms_are_read),
	};

	return cmocka_run_group_tests_name("image manifest", tests, NULL, NULL);
}
