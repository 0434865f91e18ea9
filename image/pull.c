#include "image/pull.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "image/fetch.h"
#include "image/node_pull.h"
#include "image/pull_fetch.h"
#include "image/state.h"
#include "image/volume.h"
#include "image/way.h"

struct run {
	const struct options *options;
	const struct targets *targets;
	const char *node;
	struct report *report;
	struct pull_counts *counts;
	pull_cancelled_fn *cancelled;
	struct fetch_session *session;
	struct place *places; /* one a target */
	struct proxmox proxmox;
	bool opened;            /* the proxmox, with `volumes` */
	struct volumes volumes; /* those that the node sees */
	char *state_file;
};

const char *pull_way_name(enum way way)
{
	static const char *const names[] = {
		[WAY_AUTO] = "auto", [WAY_DIRECT] = "direct", [WAY_PVESH] = "pvesh",
		[WAY_API] = "api",   [WAY_UPLOAD] = "upload",
	};

	return names[way];
}

char *pull_state_file(const struct options *options)
{
	char *path = NULL;

	if (options->state_file || !options->output)
		return strdup(options->state_file ? options->state_file : STATE_FILE);
	return asprintf(&path, "%s/.hakim-oci-digests.tsv", options->output) < 0 ? NULL : path;
}

static void run_free(struct run *run)
{
	for (size_t i = 0; run->places && i < run->targets->n; i++)
		place_free(&run->places[i]);
	free(run->places);
	volumes_free(&run->volumes);
	if (run->opened)
		proxmox_close(&run->proxmox);
	fetch_session_close(run->session);
	free(run->state_file);
}

static bool is_cancelled(void *arg)
{
	const struct run *run = arg;

	return run->cancelled && run->cancelled(NULL);
}

static void hear(void *arg, const char *line)
{
	const struct run *run = arg;

	report_say(run->report, "  %s", line);
}

static void say(void *arg, const char *text)
{
	const struct run *run = arg;

	report_warn(run->report, "%s", text);
}

/* What is decided and refused before anything is touched. */
static int choose(struct run *run, struct err *err)
{
	const struct targets *targets = run->targets;

	run->places = calloc(targets->n, sizeof(*run->places));
	if (!run->places)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < targets->n; i++) {
		const struct target *t = &targets->v[i];
		struct place *place = &run->places[i];
		int secret = fetch_has_credentials(run->session, t->ref.registry, err);
		int r = secret < 0 ? secret
				   : way_choose(run->options, run->node, !run->options->dry_run,
						secret > 0, place, err);

		if (r < 0)
			return r;
		if ((place->way == WAY_PVESH || place->way == WAY_API) && t->ref.digest.text[0])
			return err_set(err, -EINVAL,
				       "%s: a node cannot pull by digest; use --via direct or "
				       "upload",
				       t->text);
	}
	return 0;
}

/* The other ways look through the node's eyes. */
static int open_proxmox(struct run *run, const struct place *place, struct err *err)
{
	int r;

	if (run->opened)
		return 0;
	run->proxmox.line = hear;
	run->proxmox.cancelled = is_cancelled;
	run->proxmox.arg = run;
	r = proxmox_open(&run->proxmox, run->options, place->way != WAY_PVESH, err);
	run->opened = true;
	return r < 0 ? r
		     : volumes_ask(&run->proxmox, run->node, run->options->datastore, &run->volumes,
				   err);
}

static char *path_of(const struct place *place, const char *file)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", place->directory, file) < 0 ? NULL : path;
}

static bool is_there(const struct run *run, const struct place *place, const char *volid,
		     const char *file)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (place->way != WAY_DIRECT)
		return volumes_find(&run->volumes, volid) != NULL;
	path = path_of(place, file);
	return path && lstat(path, &st) == 0;
}

struct one {
	const struct target *target;
	const struct place *place;
	char legacy_file[REFERENCE_FILE_MAX + 8];
	bool there, legacy;
	struct digest remote; /* of the tag; "" when it is not known */
};

static void save(struct run *run, const struct one *one)
{
	struct err err;
	struct stat st;
	const char *node = one->place->marked ? run->node : NULL;

	/* Nobody asked for digests, and this is no node that has such a file: leave no traces. */
	if (!run->options->check_digest && !run->options->state_file &&
	    (run->options->output || stat(run->state_file, &st) < 0))
		return;
	if (state_write(run->state_file, one->target->volid, node,
			*one->remote.text ? one->remote.text : NULL, &err) < 0)
		report_warn(run->report, "the digest of %s is not kept: %s", one->target->volid,
			    err.text);
}

/* Whether the template that is there is what the tag names now. The tag's digest may be that of an
 * index, and the archive has the one of its platform: then the registry is asked once more. */
static bool same_image(struct run *run, const struct one *one)
{
	_cleanup_free_ char *path =
		one->place->directory ? path_of(one->place, one->target->file) : NULL;
	struct fetch_result result;
	struct digest there;

	if (!path || !one->there || pull_fetch_manifest(path, &there, NULL) < 0)
		return false;
	if (digest_is(&there, &one->remote))
		return true;
	return fetch_probe(run->session, &one->target->ref, &result, NULL) == 0 &&
	       digest_is(&there, &result.manifest_digest);
}

/* True: nothing is to be pulled, and it was said why. */
static bool skip(struct run *run, struct one *one)
{
	const char *volid = one->there ? one->target->volid : one->target->legacy;
	_cleanup_free_ char *text = NULL;
	struct digest stored = {0};
	struct err err;

	if (!one->there && !one->legacy)
		return false;
	if (run->options->force)
		return false;
	if (!run->options->check_digest || !*one->remote.text) {
		report_skipped(run->report, volid, "already exists");
		return true;
	}
	if (state_read(run->state_file, &text, &err) < 0)
		report_warn(run->report, "%s", err.text);
	if (text)
		state_find(text, volid, one->place->marked ? run->node : NULL, &stored);
	if (*stored.text && digest_is(&stored, &one->remote)) {
		report_skipped(run->report, volid, "digest unchanged");
		return true;
	}
	if (*stored.text) {
		report_say(run->report, "digest changed for %s: %s -> %s", volid, stored.text,
			   one->remote.text);
		return false;
	}
	if (same_image(run, one)) {
		if (!run->options->dry_run)
			save(run, one);
		report_skipped(run->report, volid, "it is what the tag names");
		return true;
	}
	report_say(run->report, "no stored digest for %s; replacing to sync state", volid);
	return false;
}

static void learn_digest(struct run *run, struct one *one)
{
	const struct options *options = run->options;
	bool fetches = one->place->way == WAY_DIRECT || one->place->way == WAY_UPLOAD;
	struct err err;

	if (!options->check_digest || (options->force && fetches))
		return;
	/* A template that is not there is fetched whatever the digest is, and tells it then. */
	if (fetches && !one->there && !one->legacy)
		return;
	if (fetch_digest(run->session, &one->target->ref, &one->remote, &err) < 0) {
		one->remote = (struct digest){0};
		report_warn(run->report, "remote digest unavailable for %s: %s", one->target->text,
			    err.text);
	} else {
		report_say(run->report, "remote digest %s -> %s", one->target->text,
			   one->remote.text);
	}
}

/* What the old script left behind, now that the right one is there. */
static void remove_legacy(struct run *run, const struct one *one)
{
	_cleanup_free_ char *path = NULL;
	struct err err;
	int r;

	if (!one->legacy)
		return;
	if (one->place->way == WAY_DIRECT) {
		path = path_of(one->place, one->legacy_file);
		r = path && unlink(path) == 0 ? 0 : err_sys(&err, -errno, "cannot remove it");
	} else {
		r = volume_remove(&run->proxmox, run->node, run->options->datastore,
				  one->target->legacy, one->place->here, &err);
	}
	if (r < 0)
		report_warn(run->report, "%s is of no use any more: %s", one->target->legacy,
			    err.text);
	else
		report_say(run->report, "removed %s", one->target->legacy);
}

static int through_node(struct run *run, struct one *one, struct fetch_result *result,
			struct err *err)
{
	_cleanup_(pull_upload_free) struct pull_upload upload = {0};
	struct node_pull job = {
		.proxmox = &run->proxmox,
		.place = one->place,
		.store = run->options->datastore,
		.reference = one->target->text,
		.file = one->target->file,
		.volid = one->target->volid,
		.replace = one->there,
		.say = say,
		.arg = run,
	};

	if (one->place->way == WAY_UPLOAD) {
		int r = pull_fetch_upload(run->session, one->target, is_cancelled, run, &upload,
					  result, err);

		if (r < 0)
			return r;
		one->remote = result->tag_digest;
		job.archive = upload.path;
		job.sha256 = upload.sha256;
	}
	return node_pull(&job, err);
}

static int pull_it(struct run *run, struct one *one, struct err *err)
{
	struct fetch_result result = {0};
	bool fetched = one->place->way != WAY_PVESH && one->place->way != WAY_API;
	int r;

	report_begin(run->report, one->target->text, one->target->volid,
		     pull_way_name(one->place->way));
	if (one->place->way == WAY_DIRECT) {
		r = pull_fetch_direct(run->session, one->target, one->place->directory,
				      is_cancelled, run, &result, err);
		one->remote = result.tag_digest;
	} else {
		r = through_node(run, one, &result, err);
	}
	if (r < 0)
		return r;
	save(run, one);
	remove_legacy(run, one);
	report_pulled(run->report, one->target->volid, one->remote.text, fetched ? &result : NULL);
	return 0;
}

static void do_one(struct run *run, const struct target *target, const struct place *place)
{
	struct one one = {.target = target, .place = place};
	struct err err = {0};
	int r = place->way == WAY_DIRECT ? 0 : open_proxmox(run, place, &err);

	if (r == 0) {
		snprintf(one.legacy_file, sizeof(one.legacy_file), "%s.tar", target->file);
		one.there = is_there(run, place, target->volid, target->file);
		one.legacy =
			target->legacy && is_there(run, place, target->legacy, one.legacy_file);
		learn_digest(run, &one);
		if (skip(run, &one)) {
			run->counts->skipped++;
			return;
		}
		if (run->options->dry_run)
			report_would(run->report, target->text, target->volid,
				     pull_way_name(place->way));
		else
			r = pull_it(run, &one, &err);
	}
	if (r < 0) {
		report_failed(run->report, target->text, &err);
		run->counts->failed++;
	} else {
		run->counts->pulled++;
	}
}

int pull_run(const struct options *options, const struct targets *targets, const char *node,
	     struct report *report, pull_cancelled_fn *cancelled, struct pull_counts *counts,
	     struct err *err)
{
	_cleanup_(run_free) struct run run = {
		.options = options,
		.targets = targets,
		.node = node,
		.report = report,
		.counts = counts,
		.cancelled = cancelled,
		.state_file = pull_state_file(options),
	};
	int r = run.state_file ? pull_fetch_open(options, report_fetch, report, &run.session, err)
			       : err_set(err, -ENOMEM, "out of memory");

	if (r == 0)
		r = choose(&run, err);
	if (r < 0)
		return r;
	for (size_t i = 0; run.places && i < targets->n; i++) {
		if (is_cancelled(&run)) {
			counts->failed += (unsigned)(targets->n - i);
			break;
		}
		do_one(&run, &targets->v[i], &run.places[i]);
	}
	return 0;
}
