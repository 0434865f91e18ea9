/*
 * command_prune.c - `hakim prune`: shows what would be removed, and removes it with --yes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/cleanup.h"
#include "image/containers.h"
#include "image/fetch.h"
#include "image/hakim.h"
#include "image/prune.h"
#include "image/shelf.h"
#include "image/state.h"
#include "image/storage.h"
#include "image/target.h"

struct pruning {
	const struct options *options;
	const char *node;
	struct shelf shelf;
	struct strv used;
	unsigned removed, failed;
};

static void pruning_free(struct pruning *p)
{
	shelf_close(&p->shelf);
	strv_free(&p->used);
}

static void tell(const struct pruning *p, const char *what, const char *name, const char *why)
{
	json_t *object;

	if (!p->options->json) {
		printf("%-12s %s (%s)\n", what, name, why);
		return;
	}
	object = json_pack("{s:s, s:s, s:s, s:s}", "event", what, "node", p->node, "volume", name,
			   "reason", why);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static int learn_used(struct pruning *p, struct err *err)
{
	bool files = p->shelf.place.way != WAY_API && p->shelf.place.way != WAY_UPLOAD &&
		     access(storage_pve(), F_OK) == 0;
	_cleanup_(proxmox_close) struct proxmox proxmox = {0};
	int r;

	if (files)
		return containers_tags(NULL, &p->used, err);
	if (p->shelf.asks)
		return containers_tags(&p->shelf.proxmox, &p->used, err);
	r = proxmox_open(&proxmox, p->options, false, err);
	return r < 0 ? r : containers_tags(&proxmox, &p->used, err);
}

static void count(struct pruning *p, const char *name, int r, const struct err *err)
{
	if (r == 0) {
		p->removed++;
		return;
	}
	p->failed++;
	hakim_complain(0, "%s: %s", name, err->text);
}

static void remove_volume(struct pruning *p, const struct volume *volume)
{
	_cleanup_free_ char *path = NULL;
	struct err err = {0};
	int r;

	if (p->shelf.place.way != WAY_DIRECT) {
		r = volume_remove(&p->shelf.proxmox, p->node, p->options->datastore, volume->volid,
				  p->shelf.place.here, &err);
	} else if (asprintf(&path, "%s/%s", p->shelf.place.directory, volume->file) < 0) {
		path = NULL;
		r = err_set(&err, -ENOMEM, "out of memory");
	} else {
		r = unlink(path) == 0 || errno == ENOENT
			    ? 0
			    : err_sys(&err, -errno, "cannot remove it");
	}
	/* The digest of what is gone would make the next one look current. */
	if (r == 0 && *p->shelf.state &&
	    state_write(p->shelf.state_file, volume->volid, p->shelf.place.marked ? p->node : NULL,
			NULL, &err) < 0)
		hakim_complain(0, "%s", err.text);
	count(p, volume->volid, r, &err);
}

static void prune_volumes(struct pruning *p, const enum prune_why *why)
{
	static const char *const words[] = {
		[PRUNE_FOREIGN] = "not hakim's",
		[PRUNE_NEWEST] = "among the newest",
		[PRUNE_USED] = "a container has its tag",
		[PRUNE_UNFINISHED] = "a run may be at it",
		[PRUNE_OLD] = "older, and no container has its tag",
		[PRUNE_STALE] = "left behind by a run that is over",
	};
	const struct volumes *volumes = &p->shelf.volumes;

	for (size_t i = 0; i < volumes->n; i++) {
		bool remove = why[i] >= PRUNE_OLD;

		if (why[i] != PRUNE_FOREIGN)
			tell(p,
			     !remove           ? "keep"
			     : p->options->yes ? "remove"
					       : "would remove",
			     volumes->v[i].volid, words[why[i]]);
		if (remove && p->options->yes)
			remove_volume(p, &volumes->v[i]);
	}
}

/* Partial files of fetches: beside the templates, where this machine sees them. */
static int prune_partials(struct pruning *p, struct err *err)
{
	const char *dir = p->shelf.place.directory;
	_cleanup_closedir_ DIR *d = dir ? opendir(dir) : NULL;
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		size_t len = strlen(e->d_name), suffix = strlen(FETCH_PARTIAL_SUFFIX);
		_cleanup_free_ char *path = NULL;
		struct stat st;
		int r;

		if (len <= suffix || strcmp(e->d_name + len - suffix, FETCH_PARTIAL_SUFFIX) != 0 ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (time(NULL) - st.st_mtim.tv_sec <= PRUNE_STALE_SECONDS) {
			tell(p, "keep", e->d_name, "a pull may go on from it");
			continue;
		}
		tell(p, p->options->yes ? "remove" : "would remove", e->d_name,
		     "left behind by a pull that was interrupted");
		if (!p->options->yes)
			continue;
		if (asprintf(&path, "%s/%.*s", dir, (int)(len - suffix), e->d_name) < 0) {
			path = NULL;
			return err_set(err, -ENOMEM, "out of memory");
		}
		r = fetch_discard(path, err);
		count(p, e->d_name, r, err);
	}
	return 0;
}

static int prune_node(struct pruning *p, struct err *err)
{
	_cleanup_free_ enum prune_why *why = NULL;
	_cleanup_free_ bool *known = NULL;
	const struct volumes *volumes = &p->shelf.volumes;
	int r = shelf_open(p->options, p->node, &p->shelf, err);

	if (r == 0)
		r = learn_used(p, err);
	if (r < 0)
		return r;
	why = calloc(volumes->n + 1, sizeof(*why));
	known = calloc(volumes->n + 1, sizeof(*known));
	if (!why || !known)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < volumes->n; i++) {
		struct digest digest;

		state_find(p->shelf.state, volumes->v[i].volid,
			   p->shelf.place.marked ? p->node : NULL, &digest);
		known[i] = *digest.text != '\0';
	}
	prune_judge(volumes, &p->used, known, p->options->keep, (int64_t)time(NULL), why);
	prune_volumes(p, why);
	return prune_partials(p, err);
}

int hakim_prune(int argc, char **argv)
{
	_cleanup_(options_free) struct options options;
	struct err err = {0};
	int status = HAKIM_OK;

	if (options_parse(&options, OPTION_PRUNE, argc, argv, &err) < 0)
		return hakim_complain(HAKIM_USAGE, "%s", err.text);
	if (options.help) {
		puts("Usage: hakim prune [OPTIONS]\n\n"
		     "Shows which templates nothing needs; removes them with --yes.\n");
		options_help(stdout, OPTION_PRUNE);
		return HAKIM_OK;
	}
	if (options.words.n)
		return hakim_complain(HAKIM_USAGE, "prune takes options only");
	for (size_t i = 0; i < options.nodes.n; i++) {
		_cleanup_(pruning_free) struct pruning p = {.options = &options,
							    .node = options.nodes.v[i]};

		if (target_name_check("store", options.datastore, &err) < 0 ||
		    target_name_check("node", p.node, &err) < 0 || prune_node(&p, &err) < 0)
			status = hakim_complain(HAKIM_FAILED, "%s", err.text);
		else if (p.failed)
			status = HAKIM_FAILED;
	}
	if (!options.yes && !options.json && status == HAKIM_OK)
		fprintf(stderr, "hakim: nothing was removed: do it with --yes\n");
	return status;
}
