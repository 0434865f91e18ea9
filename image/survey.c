#include "image/survey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/tar.h"
#include "image/text.h"

#define ID_MAX 64

/* PVE::LXC::Setup of pve-container: an os-release whose ID it knows, or else one of these files. */
static const char *const names[SURVEY_FILES] = {
	"etc/os-release",     "usr/lib/os-release", "etc/debian_version", "etc/devuan_version",
	"etc/SuSE-brand",     "etc/SuSE-release",   "etc/fedora-release", "etc/centos-release",
	"etc/redhat-release", "etc/arch-release",   "etc/alpine-release", "etc/gentoo-release",
};
enum {
	ETC = 0,
	USR_LIB = 1,
	RELEASES = 2
};

static const char *const known[] = {
	"alpine", "arch",      "archlinux", "centos",        "debian",
	"devuan", "fedora",    "gentoo",    "nixos",         "sles",
	"ubuntu", "unmanaged", "opensuse",  "opensuse-leap", "opensuse-tumbleweed",
};

struct survey_layer {
	struct survey *survey;
	struct tar *tar;
};

/* "./etc//x/" is "etc/x"; what is longer than any name here is "". */
static void clean(const char *from, char to[64])
{
	size_t n = 0;

	while (*from) {
		size_t len = strcspn(from, "/");

		if (len > 0 && !(len == 1 && *from == '.')) {
			if (n + len + 2 > 64) {
				n = 0;
				break;
			}
			if (n > 0)
				to[n++] = '/';
			memcpy(to + n, from, len);
			n += len;
		}
		from += len;
		from += *from == '/';
	}
	to[n] = '\0';
}

/* What earlier layers have at `path` and below it is gone; its own name only if `itself`. */
static void whiteout(struct survey *s, const char *path, bool itself)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < SURVEY_FILES; i++) {
		bool below =
			len == 0 || (strncmp(names[i], path, len) == 0 && names[i][len] == '/');

		if (s->files[i].layer != s->layers &&
		    (below || (itself && strcmp(names[i], path) == 0)))
			s->files[i] = (struct survey_file){0};
	}
}

static void see_whiteout(struct survey *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char gone[64];

	if (strncmp(name, ".wh.", 4) != 0)
		return;
	if (strcmp(name, ".wh..wh..opq") == 0)
		snprintf(gone, sizeof(gone), "%.*s", slash ? (int)(slash - path) : 0, path);
	else
		snprintf(gone, sizeof(gone), "%.*s%s", (int)(name - path), path, name + 4);
	whiteout(s, gone, strcmp(name, ".wh..wh..opq") != 0);
}

static bool is_usual_link(size_t i, const struct tar_entry *entry)
{
	char to[64];

	clean(entry->link, to);
	return i == ETC && entry->type == '2' &&
	       (strcmp(to, "../usr/lib/os-release") == 0 || strcmp(to, "usr/lib/os-release") == 0);
}

static int see_file(struct survey *s, size_t i, const struct tar_entry *entry)
{
	struct survey_file *file = &s->files[i];

	*file = (struct survey_file){0};
	/* The usual link is as good as nothing: the other file is looked at then. */
	if (entry->type == '5' || is_usual_link(i, entry))
		return 0;
	file->layer = s->layers;
	file->elsewhere = entry->type == '1' || entry->type == '2';
	s->reading = file;
	return i < RELEASES;
}

static int on_entry(void *arg, const struct tar_entry *entry, struct err *err)
{
	struct survey *s = arg;
	char path[64];

	s->entries++;
	s->reading = NULL;
	if (entry->uid > SURVEY_ID_MAX || entry->gid > SURVEY_ID_MAX) {
		if (s->foreign++ == 0) {
			text_quote(s->example, sizeof(s->example), entry->name,
				   strlen(entry->name));
			s->example_uid = entry->uid;
			s->example_gid = entry->gid;
		}
	}
	clean(entry->name, path);
	if (entry->type == '0')
		see_whiteout(s, path);
	for (size_t i = 0; i < SURVEY_FILES; i++)
		if (strcmp(path, names[i]) == 0)
			return see_file(s, i, entry);
	return 0;
}

static void on_content(void *arg, const void *bytes, size_t len)
{
	struct survey *s = arg;
	struct survey_file *file = s->reading;
	size_t space = sizeof(file->text) - 1 - file->len;
	size_t n = len < space ? len : space;

	memcpy(file->text + file->len, bytes, n);
	file->len += n;
}

struct survey_layer *survey_layer_new(struct survey *survey)
{
	_cleanup_free_ struct survey_layer *layer = calloc(1, sizeof(*layer));

	if (!layer)
		return NULL;
	layer->survey = survey;
	layer->tar = tar_new(on_entry, on_content, survey);
	if (!layer->tar)
		return NULL;
	survey->layers++;
	survey->reading = NULL;
	return steal_ptr(&layer);
}

void survey_layer_freep(struct survey_layer **layer)
{
	if (!*layer)
		return;
	tar_freep(&(*layer)->tar);
	free(*layer);
	*layer = NULL;
}

int survey_layer_add(void *arg, const void *bytes, size_t len, struct err *err)
{
	struct survey_layer *layer = arg;

	layer->survey->bytes += len;
	return tar_add(layer->tar, bytes, len, err);
}

int survey_layer_end(struct survey_layer *layer, struct err *err)
{
	return tar_end(layer->tar, err);
}

/* ---- what it comes to ---- */

/* `ID=debian`, `ID="debian"`: "" when there is none. */
static void read_id(const char *text, char id[ID_MAX])
{
	*id = '\0';
	for (const char *line = text; line; line = strchr(line, '\n')) {
		size_t len;

		line += *line == '\n';
		if (strncmp(line, "ID=", 3) != 0)
			continue;
		line += 3;
		line += *line == '"' || *line == '\'';
		len = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-_.");
		if (len < ID_MAX) {
			memcpy(id, line, len);
			id[len] = '\0';
		}
		return;
	}
}

static bool is_known(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(id, known[i]) == 0)
			return true;
	return false;
}

static int warn_distribution(const struct survey *s, struct strv *warnings)
{
	const struct survey_file *release = &s->files[s->files[ETC].layer ? ETC : USR_LIB];
	char id[ID_MAX] = "";
	char *text;

	if (release->layer)
		read_id(release->text, id);
	/* A link that leads elsewhere may lead to a good one. */
	if (release->elsewhere || is_known(id))
		return 0;
	for (size_t i = RELEASES; i < SURVEY_FILES; i++)
		if (s->files[i].layer)
			return 0;
	if (!release->layer)
		return strv_add(warnings,
				"there is no os-release: Proxmox does not know which distribution "
				"it is, and makes no container of it, or one that it does not "
				"manage");
	if (asprintf(
		    &text,
		    "os-release has %s%s, and Proxmox does not know that distribution: it makes no "
		    "container of it",
		    *id ? "ID=" : "no ID", id) < 0)
		return -ENOMEM;
	return strv_take(warnings, text);
}

int survey_warnings(const struct survey *s, struct strv *warnings)
{
	char *text;

	if (s->foreign > 0) {
		if (asprintf(&text,
			     "%llu entr%s of the layers ha%s an owner above %d, which an "
			     "unprivileged container cannot have: Proxmox fails to unpack them "
			     "(the first is %s of %llu:%llu)",
			     (unsigned long long)s->foreign, s->foreign == 1 ? "y" : "ies",
			     s->foreign == 1 ? "s" : "ve", SURVEY_ID_MAX, s->example,
			     (unsigned long long)s->example_uid,
			     (unsigned long long)s->example_gid) < 0 ||
		    strv_take(warnings, text) < 0)
			return -ENOMEM;
	}
	return warn_distribution(s, warnings);
}
