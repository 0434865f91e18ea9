/*
 * command_registry.c - `hakim inspect` and `hakim tags`: what a registry has.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "image/hakim.h"
#include "image/layers.h"
#include "image/options.h"
#include "image/pull_fetch.h"
#include "image/session.h"
#include "image/text.h"
#include "image/verify.h"

static void on_event(void *arg, const struct fetch_event *event)
{
	const struct options *options = arg;

	if (event->kind == FETCH_WARNING)
		hakim_complain(0, "%s", event->text);
	else if (event->kind == FETCH_RETRY && !options->quiet)
		hakim_complain(0, "%s; again in %u s", event->text, event->seconds);
}

/* Options, the one word, and a session. 1: it was --help. */
static int begin(struct options *options, unsigned command, int argc, char **argv,
		 const char *usage, enum reference_need need, struct reference *ref,
		 struct fetch_session **session, struct err *err)
{
	int r = options_parse(options, (enum option_for)command, argc, argv, err);

	if (r < 0)
		return r;
	if (options->help) {
		printf("Usage: %s\n\n", usage);
		options_help(stdout, (enum option_for)command);
		return 1;
	}
	if (options->words.n != 1)
		return err_set(err, -EINVAL, "usage: %s", usage);
	r = reference_parse(options->words.v[0], need, ref, err);
	if (r == 0)
		r = pull_fetch_token(options, err);
	if (r < 0)
		return r;
	return pull_fetch_open(options, on_event, options, session, err);
}

static int not_begun(int r, const struct err *err)
{
	bool failed = r == -ENOENT || r == -EACCES || r == -ENOMEM;

	return hakim_complain(failed ? HAKIM_FAILED : HAKIM_USAGE, "%s", err->text);
}

int hakim_tags(int argc, char **argv)
{
	_cleanup_(options_free) struct options options;
	_cleanup_(fetch_session_closep) struct fetch_session *session = NULL;
	_cleanup_(strv_free) struct strv tags = {0};
	_cleanup_(json_reset) struct json j = {0};
	struct reference ref;
	struct err err = {0};
	int r = begin(&options, OPTION_REGISTRY, argc, argv, "hakim tags REPOSITORY [OPTIONS]",
		      REFERENCE_REPOSITORY, &ref, &session, &err);

	if (r != 0)
		return r < 0 ? not_begun(r, &err) : HAKIM_OK;
	if (registry_tags(&session->client, &ref, &tags, &err) < 0)
		return hakim_complain(HAKIM_FAILED, "%s", err.text);
	if (options.json)
		json_begin_array(&j, NULL);
	for (size_t i = 0; i < tags.n; i++)
		if (options.json)
			json_string(&j, NULL, tags.v[i]);
		else
			puts(tags.v[i]);
	if (!options.json)
		return HAKIM_OK;
	json_end_array(&j);
	if (json_finish(&j) < 0)
		return hakim_complain(HAKIM_FAILED, "no memory for the tags");
	puts(j.buf);
	return HAKIM_OK;
}

/* ---- inspect ---- */

/* An image, and where its reference names an index, the index. */
struct inspected {
	struct fetched_image image;
	struct index index;
	struct strv warnings;
	uint64_t size;        /* of all layers */
	struct survey survey; /* of their contents, with --layers */
};

static void inspected_free(struct inspected *i)
{
	fetched_image_free(&i->image);
	index_free(&i->index);
	strv_free(&i->warnings);
}

static int look(struct fetch_session *session, const struct reference *ref, bool layers,
		struct inspected *i, struct err *err)
{
	_cleanup_(registry_manifest_free) struct registry_manifest top = {0};
	enum manifest_kind kind;
	int r = fetch_image(session, ref, &i->image, err);

	if (r >= 0)
		r = registry_manifest(&session->client, ref, i->image.tag_digest.text, NULL, &top,
				      err);
	if (r >= 0)
		r = manifest_kind(top.bytes, top.len, top.type, &kind, err);
	if (r >= 0 && kind == MANIFEST_INDEX)
		r = index_read(top.bytes, top.len, &i->index, err);
	if (r >= 0 && layers)
		r = layers_survey(session, ref, &i->image, &i->survey, err);
	if (r >= 0 && (verify_warnings(&i->image.config, &i->warnings) < 0 ||
		       (layers && survey_warnings(&i->survey, &i->warnings) < 0)))
		r = err_set(err, -ENOMEM, "no memory for the image");
	for (size_t n = 0; r >= 0 && n < i->image.image.n; n++)
		i->size += i->image.image.layers[n].descriptor.size;
	return r;
}

static void put_line(const char *name, const char *text)
{
	char shown[1024];

	if (text)
		printf("%-12s %s\n", name, text_quote(shown, sizeof(shown), text, strlen(text)));
}

static void put_list(const char *name, const struct strv *list)
{
	for (size_t i = 0; i < list->n; i++)
		put_line(i == 0 ? name : "", list->v[i]);
}

static void show(const struct reference *ref, const struct inspected *i)
{
	char text[REFERENCE_TEXT_MAX];
	char platform[PLATFORM_TEXT_MAX];

	reference_text(ref, text);
	put_line("reference", text);
	put_line("digest", i->image.tag_digest.text);
	put_line("manifest", i->image.manifest.digest.text);
	for (size_t n = 0; n < i->index.n; n++) {
		const struct index_entry *e = &i->index.entries[n];

		if (e->attestation || !*e->platform.os)
			continue;
		platform_text(&e->platform, platform);
		put_line(n == 0 ? "platforms" : "", platform);
	}
	platform_text(&i->image.config.platform, platform);
	put_line("platform", platform);
	put_line("created", i->image.config.created);
	printf("%-12s %" PRIu64 " bytes in %zu layers%s\n", "size", i->size, i->image.image.n,
	       i->image.image.docker ? " (Docker schema 2: will be converted)" : "");
	for (size_t n = 0; n < i->image.image.n; n++)
		printf("%-12s %s %" PRIu64 "\n", n == 0 ? "layers" : "",
		       i->image.image.layers[n].descriptor.digest.text,
		       i->image.image.layers[n].descriptor.size);
	if (i->survey.layers)
		printf("%-12s %" PRIu64 " bytes in %" PRIu64 " entries\n", "unpacked",
		       i->survey.bytes, i->survey.entries);
	put_line("user", i->image.config.user);
	put_line("directory", i->image.config.workdir);
	put_list("entrypoint", &i->image.config.entrypoint);
	put_list("command", &i->image.config.cmd);
	put_list("environment", &i->image.config.env);
	put_list("warning", &i->warnings);
}

static void put_strings(struct json *j, const char *key, const struct strv *list)
{
	json_begin_array(j, key);
	for (size_t i = 0; i < list->n; i++)
		json_string(j, NULL, list->v[i]);
	json_end_array(j);
}

static void put_platforms(struct json *j, const struct index *index)
{
	json_begin_array(j, "platforms");
	for (size_t n = 0; n < index->n; n++) {
		char platform[PLATFORM_TEXT_MAX];

		if (index->entries[n].attestation || !*index->entries[n].platform.os)
			continue;
		platform_text(&index->entries[n].platform, platform);
		json_string(j, NULL, platform);
	}
	json_end_array(j);
}

static int show_json(const struct reference *ref, const struct inspected *i)
{
	_cleanup_(json_reset) struct json j = {0};
	char text[REFERENCE_TEXT_MAX];
	char platform[PLATFORM_TEXT_MAX];

	reference_text(ref, text);
	platform_text(&i->image.config.platform, platform);
	json_begin_object(&j, NULL);
	json_string(&j, "reference", text);
	json_string(&j, "digest", i->image.tag_digest.text);
	json_string(&j, "manifest", i->image.manifest.digest.text);
	json_string(&j, "platform", platform);
	put_platforms(&j, &i->index);
	json_string(&j, "created", i->image.config.created);
	json_int(&j, "size", (int64_t)i->size);
	json_bool(&j, "docker", i->image.image.docker);
	if (i->survey.layers) {
		json_int(&j, "unpacked", (int64_t)i->survey.bytes);
		json_int(&j, "entries", (int64_t)i->survey.entries);
	}
	json_begin_array(&j, "layers");
	for (size_t n = 0; n < i->image.image.n; n++) {
		const struct descriptor *d = &i->image.image.layers[n].descriptor;

		json_begin_object(&j, NULL);
		json_string(&j, "digest", d->digest.text);
		json_int(&j, "size", (int64_t)d->size);
		json_string(&j, "mediaType", d->media_type);
		json_end_object(&j);
	}
	json_end_array(&j);
	json_string(&j, "user", i->image.config.user);
	json_string(&j, "directory", i->image.config.workdir);
	put_strings(&j, "entrypoint", &i->image.config.entrypoint);
	put_strings(&j, "command", &i->image.config.cmd);
	put_strings(&j, "environment", &i->image.config.env);
	put_strings(&j, "warnings", &i->warnings);
	json_end_object(&j);
	if (json_finish(&j) < 0)
		return hakim_complain(HAKIM_FAILED, "no memory for the image");
	puts(j.buf);
	return HAKIM_OK;
}

int hakim_inspect(int argc, char **argv)
{
	_cleanup_(options_free) struct options options;
	_cleanup_(fetch_session_closep) struct fetch_session *session = NULL;
	_cleanup_(inspected_free) struct inspected inspected = {0};
	struct reference ref;
	struct err err = {0};
	int r = begin(&options, OPTION_REGISTRY | OPTION_INSPECT, argc, argv,
		      "hakim inspect REFERENCE [OPTIONS]", REFERENCE_IMAGE, &ref, &session, &err);

	if (r != 0)
		return r < 0 ? not_begun(r, &err) : HAKIM_OK;
	if (look(session, &ref, options.layers, &inspected, &err) < 0)
		return hakim_complain(HAKIM_FAILED, "%s", err.text);
	if (options.json)
		return show_json(&ref, &inspected);
	show(&ref, &inspected);
	return HAKIM_OK;
}
