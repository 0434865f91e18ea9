/*
 * What hakim-agent-fetch and other helpers of modules read: addresses, headers of answers and of
 * the environment, ETags, ELF heads, the record of a checked file; dockerd's words and daemon.json.
 */
#include <string.h>

#include "modules/coder-agent/answer.h"
#include "modules/coder-agent/elf.h"
#include "modules/coder-agent/etag.h"
#include "modules/coder-agent/headers.h"
#include "modules/coder-agent/token.h"
#include "modules/coder-agent/url.h"
#include "modules/coder-agent/verified.h"
#include "modules/docker/options.h"
#include "modules/docker/words.h"
#include "tests/fuzz/fuzz.h"

static void address(const char *text)
{
	char *full = NULL, *shown;
	struct err err = {0};

	if (url_build(text, "bin/coder-linux-amd64", &full, &err) >= 0) {
		FUZZ_MUST(strncmp(full, "http", 4) == 0 && !strpbrk(full, "\r\n"));
		shown = url_shown(full);
		free(shown);
		FUZZ_MUST(url_same_origin(full, full));
	}
	/* The text may hold a password. */
	if (strlen(text) > 12)
		FUZZ_MUST(!strstr(err.text, text));
	free(full);
	url_check_redirect("https://coder.example/bin/x", text, &err);
	free(url_shown(text));
}

static void lines(const char *text, size_t len)
{
	struct answer answer = {.length = -1};
	char line[256];

	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) + 1 : len;

		answer_header(&answer, text, n);
		text += n;
		len -= n;
	}
	answer_is_redirect(&answer);
	answer_is_web_page(&answer);
	FUZZ_MUST(answer_total(&answer) >= -1);
	token_judge(&answer, text, line, sizeof(line));
	for (const char *c = line; *c; c++)
		FUZZ_MUST((unsigned char)*c >= ' ' && *c != 0x7f);
}

static void headers(const char *text)
{
	struct strv list = {0};
	struct err err;

	headers_add_csv(&list, text, &err);
	headers_add_lines(&list, text, &err);
	for (size_t i = 0; i < list.n; i++)
		FUZZ_MUST(!strpbrk(list.v[i], "\r\n"));
	strv_free(&list);
}

static void record(const char *text)
{
	struct verified verified, again;
	char sha1[SHA1_HEX], written[VERIFIED_TEXT_MAX];
	struct err err;

	if (etag_parse(text, sha1, &err) >= 0)
		FUZZ_MUST(etag_is_sha1(sha1));
	if (verified_parse(text, &verified, &err) < 0)
		return;
	FUZZ_MUST(etag_is_sha1(verified.sha1));
	FUZZ_MUST(verified_print(&verified, written) == strlen(written));
	FUZZ_MUST(verified_parse(written, &again, &err) >= 0);
	FUZZ_MUST(memcmp(verified.sha1, again.sha1, SHA1_HEX) == 0 &&
		  strcmp(verified.version, again.version) == 0 && verified.size == again.size &&
		  verified.mtime_sec == again.mtime_sec && verified.ctime_nsec == again.ctime_nsec);
}

static void docker(const char *text)
{
	char value[64], options[512];
	struct docker_options o = {
		.config = text, .data_root = "/d", .exec_root = "/e", .driver = "vfs", .group = ""};

	if (config_text(text, "storage-driver", value, sizeof(value)))
		FUZZ_MUST(config_has(text, "storage-driver"));
	words_read(text, value, sizeof(value));
	FUZZ_MUST(!strchr(value, '\n'));
	options_write(&o, options, sizeof(options));
}

FUZZ_TARGET(agent)
{
	char *bytes = fuzz_bytes(text, len);
	struct err err;

	elf_check((const unsigned char *)bytes, len, machine_find("x86_64"), &err);
	free(bytes);
	address(text);
	lines(text, len);
	headers(text);
	record(text);
	docker(text);
}
