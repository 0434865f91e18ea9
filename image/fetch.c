#include "image/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/archive.h"
#include "image/file.h"
#include "image/journal.h"
#include "image/partial.h"
#include "image/session.h"
#include "image/transfer.h"
#include "image/unpack.h"

struct fetch {
	struct fetch_session *session;
	const struct fetch_job *job;
	struct fetched_image image;
	struct archive archive;
	struct partial partial;
	struct journal journal;
	struct transfer transfer;
};

static void fetch_free(struct fetch *f)
{
	transfer_free(&f->transfer);
	journal_close(&f->journal);
	partial_close(&f->partial);
	archive_free(&f->archive);
	fetched_image_free(&f->image);
}

static void tell(const struct fetch *f, enum fetch_event_kind kind)
{
	const struct registry_client *client = &f->session->client;
	const struct fetch_event event = {
		.kind = kind,
		.digest = f->image.tag_digest.text,
		.of = (unsigned)f->archive.n,
		.total = f->archive.size,
		.size = f->archive.size,
	};

	if (client->fn)
		client->fn(client->arg, &event);
}

static void tell_waiting(void *arg)
{
	tell(arg, FETCH_WAITING);
}

static bool ask_cancelled(void *arg)
{
	const struct fetch *f = arg;

	return f->job->cancelled && f->job->cancelled(f->job->cancelled_arg);
}

static void fill_result(const struct fetch *f, struct fetch_result *result)
{
	*result = (struct fetch_result){
		.tag_digest = f->image.tag_digest,
		.manifest_digest = f->image.digest,
		.size = f->archive.size,
		.fetched = f->transfer.fetched + f->image.image.config.size + f->image.manifest.len,
		.resumed = f->transfer.resumed,
		.copied = f->transfer.copied,
		.converted = f->image.image.docker,
	};
}

static int check_target(const struct fetch_job *job, struct err *err)
{
	struct stat st;

	if (lstat(job->path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(err, -errno, "cannot look at %s", job->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is no regular file: it is not replaced",
			       job->path);
	if (!job->replace)
		return err_set(err, -EEXIST, "%s is there already: --force-replace replaces it",
			       job->path);
	return 0;
}

static int plan(struct fetch *f, struct err *err)
{
	int r = fetch_image(f->session, f->job->ref, &f->image, err);

	return r < 0 ? r
		     : archive_plan(&f->image.image, &f->image.digest, f->image.len, &f->archive,
				    err);
}

/* The partial file: an earlier run's of this archive, or a new one: that one of another image has
 * the same size does not say that the disk has room for all of it. */
static int prepare(struct fetch *f, struct err *err)
{
	bool resume = partial_has_size(&f->partial, f->archive.size) &&
		      journal_is_of(f->partial.journal, &f->archive);
	int r = 0;

	if (!resume)
		r = partial_allocate(&f->partial, f->archive.size, f->job->reserve, err);
	if (r >= 0)
		r = journal_open(f->partial.journal, &f->archive, resume, &f->journal, err);
	return r;
}

static int write_small(struct fetch *f, struct err *err)
{
	const struct archive_blob *manifest = archive_find(&f->archive, &f->image.digest);
	const struct archive_blob *config =
		archive_find(&f->archive, &f->image.image.config.digest);
	int r = archive_frame(&f->archive, f->partial.fd);

	if (r >= 0)
		r = file_pwrite(f->partial.fd, f->image.text, f->image.len, manifest->offset);
	if (r >= 0)
		r = file_pwrite(f->partial.fd, f->image.config_bytes, config->size, config->offset);
	return r < 0 ? err_sys(err, r, "cannot write %s", f->partial.path) : 0;
}

static int get_blobs(struct fetch *f, struct err *err)
{
	const struct digest *const known[] = {&f->image.digest, &f->image.image.config.digest,
					      NULL};
	int r;

	f->transfer = (struct transfer){
		.client = &f->session->client,
		.ref = f->job->ref,
		.archive = &f->archive,
		.journal = &f->journal,
		.fd = f->partial.fd,
		.jobs = f->session->options.jobs,
	};
	r = transfer_plan(&f->transfer, known, err);
	if (r >= 0)
		r = transfer_resume(&f->transfer, err);
	if (r >= 0)
		r = transfer_copy(&f->transfer, f->job->path, err);
	for (const char *const *local = f->job->locals; local && *local && r >= 0; local++)
		r = transfer_copy(&f->transfer, *local, err);
	return r < 0 ? r : transfer_run(&f->transfer, err);
}

/* Which layer is being unpacked. */
struct checked {
	struct fetch *fetch;
	const struct descriptor *layer;
	unsigned index;
};

static void tell_checked(const struct checked *checked)
{
	const struct registry_client *client = &checked->fetch->session->client;
	const struct fetch_event event = {
		.kind = FETCH_READ_BACK,
		.source = FETCH_FROM_PARTIAL,
		.index = checked->index,
		.of = (unsigned)checked->fetch->image.image.n,
		.digest = checked->layer->digest.text,
		/* How far it is does not show in what comes out. */
		.done = checked->layer->size,
		.size = checked->layer->size,
		.all_done = checked->fetch->transfer.all_done,
		.total = checked->fetch->transfer.total,
	};

	if (client->fn)
		client->fn(client->arg, &event);
}

/* Sees that it goes on only as long as it should. */
static int on_unpacked(void *arg, const void *bytes, size_t len, struct err *err)
{
	struct checked *checked = arg;

	if (ask_cancelled(checked->fetch))
		return err_set(err, -ECANCELED, "it was interrupted");
	tell_checked(checked);
	return 0;
}

static int check_layers(struct fetch *f, struct err *err)
{
	uint64_t left = UNPACK_MAX;

	for (size_t i = 0; i < f->image.image.n; i++) {
		const struct layer *layer = &f->image.image.layers[i];
		const struct archive_blob *blob =
			archive_find(&f->archive, &layer->descriptor.digest);
		struct checked checked = {f, &layer->descriptor, (unsigned)i};
		int r = unpack_read(f->partial.fd, blob->offset, blob->size, layer->kind,
				    f->image.config.diff_ids.v[i], &left, on_unpacked, &checked,
				    err);

		if (r < 0)
			return err_prefix(err, "layer %zu", i + 1);
	}
	return 0;
}

/* Whether the partial file is of no more use. Bytes that are not what their digest says are a lie;
 * what is no answer of a registry may be a proxy's page, and does not take along what came before
 * it, if that is worth another look. */
static bool is_spoilt(const struct fetch *f, int r)
{
	uint64_t had = 0;

	if (r == -EBADMSG || r == -ENOSPC || r == -EEXIST)
		return true;
	for (size_t i = 0; f->journal.at && i < f->journal.n; i++)
		had += f->journal.at[i];
	return (r == -EPROTO || r == -ENOTSUP) && had < JOURNAL_STEP;
}

static int assemble(struct fetch *f, struct err *err)
{
	int r = prepare(f, err);

	if (r >= 0)
		r = write_small(f, err);
	if (r >= 0)
		r = get_blobs(f, err);
	if (r >= 0 && f->session->options.verify_layers)
		r = check_layers(f, err);
	if (r < 0)
		return r;
	tell(f, FETCH_SYNCING);
	return partial_finish(&f->partial, f->job->path, f->job->mode ? f->job->mode : 0644, err);
}

int fetch_archive(struct fetch_session *session, const struct fetch_job *job,
		  struct fetch_result *result, struct err *err)
{
	_cleanup_(fetch_free) struct fetch f = {
		.session = session,
		.job = job,
		.partial = {.fd = -EBADF},
		.journal = {.fd = -EBADF},
	};
	int r = check_target(job, err);

	*result = (struct fetch_result){0};
	if (r < 0)
		return r;
	http_cancel_by(session->http, job->cancelled, job->cancelled_arg);
	r = plan(&f, err);
	if (r >= 0) {
		tell(&f, FETCH_RESOLVED);
		r = partial_open(job->path, job->wait, tell_waiting, ask_cancelled, &f, &f.partial,
				 err);
	}
	/* It may have come while this process waited. */
	if (r >= 0)
		r = check_target(job, err);
	if (r >= 0)
		r = assemble(&f, err);
	if (f.partial.fd >= 0 && is_spoilt(&f, r))
		partial_remove(&f.partial);
	http_cancel_by(session->http, NULL, NULL);
	fill_result(&f, result);
	return r;
}

int fetch_probe(struct fetch_session *session, const struct reference *ref,
		struct fetch_result *result, struct err *err)
{
	const struct fetch_job job = {.ref = ref};
	_cleanup_(fetch_free) struct fetch f = {
		.session = session,
		.job = &job,
		.partial = {.fd = -EBADF},
		.journal = {.fd = -EBADF},
	};
	int r = plan(&f, err);

	fill_result(&f, result);
	return r;
}

int fetch_discard(const char *path, struct err *err)
{
	_cleanup_(partial_close) struct partial partial = {.fd = -EBADF};
	int r = partial_open(path, false, NULL, NULL, NULL, &partial, err);

	if (r >= 0)
		partial_remove(&partial);
	return r;
}
