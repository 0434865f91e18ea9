/*
 * command_list.c - `hakim list`: the templates that hakim made, and whether they are current.
 */
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "image/hakim.h"
#include "image/pull_fetch.h"
#include "image/shelf.h"
#include "image/state.h"
#include "image/target.h"

struct row {
	const struct volume *volume;
	char name[REFERENCE_FILE_MAX], tag[REFERENCE_TAG_MAX];
	struct digest digest;
	const char *remote; /* what --check-remote found, or NULL */
};

static void age_text(int64_t seconds, char text[24])
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};

	text[0] = '-';
	text[1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (seconds >= units[i].seconds) {
			snprintf(text, 24, "%lld%c", (long long)(seconds / units[i].seconds),
				 units[i].unit);
			return;
		}
}

static void size_text(uint64_t bytes, char text[24])
{
	snprintf(text, 24, "%.1fM", (double)bytes / (1024.0 * 1024.0));
}

/* Where a variant comes from is known; where another image came from is not. */
static const char *ask(const struct options *options, struct fetch_session *session,
		       const struct row *row)
{
	struct reference ref;
	struct digest digest;
	struct err err;
	char text[1024];

	if (strncmp(row->name, "hakim-", 6) != 0)
		return "unknown";
	snprintf(text, sizeof(text), "%s/%s:%s", options->registry, row->name, row->tag);
	if (reference_parse(text, REFERENCE_TAG, &ref, &err) < 0 ||
	    fetch_digest(session, &ref, &digest, &err) < 0) {
		hakim_complain(0, "%s: %s", text, err.text);
		return "unknown";
	}
	if (!*row->digest.text)
		return "unknown";
	return digest_is(&digest, &row->digest) ? "current" : "outdated";
}

static void print_json(const struct row *row, const char *node)
{
	json_t *object =
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "volume", row->volume->volid, "node",
			  node, "name", row->name, "tag", row->tag, "size",
			  (json_int_t)row->volume->size, "made", (json_int_t)row->volume->made);

	/* By json_pack(): json_string() is common/json.h's here. */
	json_object_set_new(object, "digest",
			    json_pack("s?", *row->digest.text ? row->digest.text : NULL));
	if (row->remote)
		json_object_set_new(object, "remote", json_pack("s", row->remote));
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void print_text(const struct row *row)
{
	const char *variant = row->name + (strncmp(row->name, "hakim-", 6) == 0 ? 6 : 0);
	char size[24], age[24];

	size_text(row->volume->size, size);
	age_text(row->volume->made > 0 ? (int64_t)time(NULL) - row->volume->made : -1, age);
	printf("%-14s %-16s %10s %5s  %-19.19s  %s%s%s\n", variant, row->tag, size, age,
	       *row->digest.text ? row->digest.text : "-", row->volume->volid,
	       row->remote ? "  " : "", row->remote ? row->remote : "");
}

static int list_node(const struct options *options, const char *node, struct err *err)
{
	_cleanup_(shelf_close) struct shelf shelf = {0};
	_cleanup_(fetch_session_closep) struct fetch_session *session = NULL;
	int r = shelf_open(options, node, &shelf, err);

	if (r == 0 && options->check_remote)
		r = pull_fetch_open(options, NULL, NULL, &session, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < shelf.volumes.n; i++) {
		struct row row = {.volume = &shelf.volumes.v[i]};

		/* Proxmox's own templates are none of ours. */
		if (!shelf_name(row.volume->file, row.name, row.tag))
			continue;
		state_find(shelf.state, row.volume->volid, shelf.place.marked ? node : NULL,
			   &row.digest);
		if (strncmp(row.name, "hakim-", 6) != 0 && !*row.digest.text)
			continue;
		if (session)
			row.remote = ask(options, session, &row);
		if (options->json)
			print_json(&row, node);
		else
			print_text(&row);
	}
	return 0;
}

int hakim_list(int argc, char **argv)
{
	_cleanup_(options_free) struct options options;
	struct err err = {0};
	int status = HAKIM_OK;

	if (options_parse(&options, OPTION_LIST, argc, argv, &err) < 0)
		return hakim_complain(HAKIM_USAGE, "%s", err.text);
	if (options.help) {
		puts("Usage: hakim list [OPTIONS]\n\n"
		     "The templates of a store: variant, tag, size, age, digest of the tag, "
		     "volume.\n");
		options_help(stdout, OPTION_LIST);
		return HAKIM_OK;
	}
	if (options.words.n)
		return hakim_complain(HAKIM_USAGE, "list takes options only");
	if (options.check_remote && pull_fetch_token(&options, &err) < 0)
		return hakim_complain(HAKIM_FAILED, "%s", err.text);
	if (!options.json && !options.quiet)
		printf("%-14s %-16s %10s %5s  %-19s  %s\n", "VARIANT", "TAG", "SIZE", "AGE",
		       "DIGEST", "VOLUME");
	for (size_t i = 0; i < options.nodes.n; i++)
		if (target_name_check("store", options.datastore, &err) < 0 ||
		    target_name_check("node", options.nodes.v[i], &err) < 0 ||
		    list_node(&options, options.nodes.v[i], &err) < 0)
			status = hakim_complain(HAKIM_FAILED, "%s", err.text);
	return status;
}
