#include "image/node_pull.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/file.h"
#include "image/task.h"
#include "image/volume.h"

#define PULL_PRIVILEGE                                                                           \
	"Datastore.AllocateTemplate on the store, and Sys.AccessNetwork (or Sys.Modify) on the " \
	"node"
/* Once the old template is gone, the new one is worth more than one attempt. */
#define GAP_ATTEMPTS 3

/* The node's own way. `file` without ".tar", which Proxmox adds always. */
static int ask_to_pull(const struct node_pull *job, const char *file, json_t **data,
		       struct err *err)
{
	_cleanup_free_ char *name = strndup(file, strlen(file) - strlen(".tar"));
	const char *const params[] = {"reference", job->reference, "filename", name, NULL};
	char path[512];
	struct proxmox_call call = {.verb = PROXMOX_CREATE,
				    .path = path,
				    .params = params,
				    .privilege = PULL_PRIVILEGE};

	if (!name)
		return err_set(err, -ENOMEM, "out of memory");
	snprintf(path, sizeof(path), "/nodes/%s/storage/%s/oci-registry-pull", job->place->node,
		 job->store);
	return proxmox_call(job->proxmox, &call, data, err);
}

static int upload(const struct node_pull *job, const char *file, json_t **data, struct err *err)
{
	char path[512];
	struct proxmox_call call = {.verb = PROXMOX_CREATE,
				    .path = path,
				    .privilege = "Datastore.AllocateTemplate on the store"};

	snprintf(path, sizeof(path), "/nodes/%s/storage/%s/upload", job->place->node, job->store);
	return api_upload(job->proxmox, &call, job->archive, file, job->sha256, data, err);
}

/* 1: there, and not empty. 0: not there, or empty. */
static int seen(const struct node_pull *job, const char *volid, struct err *err)
{
	_cleanup_(volumes_free) struct volumes list = {0};
	const struct volume *volume;
	int r = volumes_ask(job->proxmox, job->place->node, job->store, &list, err);

	if (r < 0)
		return r;
	volume = volumes_find(&list, volid);
	return volume && volume->size > 0;
}

static int discard(const struct node_pull *job, const char *volid, struct err *err)
{
	return volume_remove(job->proxmox, job->place->node, job->store, volid, job->place->here,
			     err);
}

/* Whether the node lists it. Asked, as all that cleans up, also when the run was cancelled: else
 * nothing could be cleaned up just then. */
static int listed(const struct node_pull *job, const char *volid, struct err *err)
{
	_cleanup_(volumes_free) struct volumes list = {0};
	bool (*cancelled)(void *) = job->proxmox->cancelled;
	int r;

	job->proxmox->cancelled = NULL;
	r = volumes_ask(job->proxmox, job->place->node, job->store, &list, err);
	job->proxmox->cancelled = cancelled;
	return r < 0 ? r : volumes_find(&list, volid) != NULL;
}

static int clean_up(const struct node_pull *job, const char *volid, struct err *err)
{
	bool (*cancelled)(void *) = job->proxmox->cancelled;
	int r;

	job->proxmox->cancelled = NULL;
	r = discard(job, volid, err);
	job->proxmox->cancelled = cancelled;
	return r;
}

/* Makes it under a name that is not there yet. What a failure leaves there is taken away, where it
 * can only be ours. */
static int make(const struct node_pull *job, const char *file, const char *volid, struct err *err)
{
	_cleanup_(proxmox_drop) json_t *data = NULL;
	struct err ignored;
	/* No other run has a name with our number in it. */
	bool ours = strcmp(volid, job->volid) != 0;
	struct upid upid;
	int r = job->archive ? upload(job, file, &data, err) : ask_to_pull(job, file, &data, err);

	if (r == 0)
		r = upid_parse(json_is_string(data) ? json_string_value(data) : "", &upid, err);
	if (r == 0) {
		ours = true;
		r = task_follow(job->proxmox, &upid, err);
	}
	if (r == 0) {
		r = seen(job, volid, err);
		if (r == 0)
			r = err_set(err, -EREMOTEIO,
				    "the task of Proxmox says OK, but there is no %s", volid);
		else if (r > 0)
			return 0;
	}
	/* "It is there already" is about a file that is not ours. */
	if (ours && r != -EEXIST && listed(job, volid, &ignored) == 1)
		(void)clean_up(job, volid, &ignored);
	return r;
}

static int rename_over(const struct node_pull *job, const char *temporary, struct err *err)
{
	_cleanup_free_ char *from = NULL, *to = NULL;

	if (asprintf(&from, "%s/%s", job->place->directory, temporary) < 0)
		from = NULL;
	if (asprintf(&to, "%s/%s", job->place->directory, job->file) < 0)
		to = NULL;
	if (!from || !to)
		return err_set(err, -ENOMEM, "out of memory");
	if (rename(from, to) < 0)
		return err_sys(err, -errno, "cannot rename %s to %s", temporary, job->file);
	return file_sync_directory(to, err);
}

static int make_again(const struct node_pull *job, const char *temporary, struct err *err)
{
	char text[512];
	struct err ignored;
	int r;

	snprintf(text, sizeof(text),
		 "%s is whole as %s; now %s is removed and made again: until then it is missing",
		 job->reference, temporary, job->volid);
	job->say(job->arg, text);
	r = discard(job, job->volid, err);
	/* What failed may have been the look at the list, after the old one was gone. */
	if (r < 0 && listed(job, job->volid, &ignored) == 1) {
		(void)clean_up(job, temporary, &ignored);
		return r;
	}
	if (r < 0)
		return err_prefix(err,
				  "%s may be missing now; what was pulled is there as %s, use it "
				  "or pull again",
				  job->volid, temporary);
	for (int i = 0; i < GAP_ATTEMPTS; i++) {
		r = make(job, job->file, job->volid, err);
		if (r == 0 || r == -ECANCELED || r == -EACCES || r == -EEXIST)
			break;
	}
	if (r == -EEXIST)
		return err_prefix(err,
				  "another one has made %s meanwhile; what was pulled is there as "
				  "%s",
				  job->volid, temporary);
	if (r < 0)
		return err_prefix(err,
				  "%s is missing now; what was pulled is there as %s, use it "
				  "or pull again",
				  job->volid, temporary);
	if (clean_up(job, temporary, &ignored) < 0)
		job->say(job->arg, ignored.text);
	return 0;
}

int node_pull(const struct node_pull *job, struct err *err)
{
	_cleanup_free_ char *file = NULL, *volid = NULL;
	int r;

	if (!job->replace)
		return make(job, job->file, job->volid, err);
	if (asprintf(&file, NODE_PULL_PREFIX "%d-%s", (int)getpid(), job->file) < 0)
		file = NULL;
	if (!file || asprintf(&volid, "%s:vztmpl/%s", job->store, file) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	r = make(job, file, volid, err);
	if (r < 0)
		return r;
	return job->place->directory ? rename_over(job, file, err) : make_again(job, volid, err);
}
