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
static int ask_to_pull(const struct node_pull *job, const char *file, struct err *err)
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
	return task_run(job->proxmox, &call, err);
}

static int upload(const struct node_pull *job, const char *file, struct err *err)
{
	_cleanup_(proxmox_drop) json_t *data = NULL;
	char path[512];
	struct proxmox_call call = {.verb = PROXMOX_CREATE,
				    .path = path,
				    .privilege = "Datastore.AllocateTemplate on the store"};
	int r;

	snprintf(path, sizeof(path), "/nodes/%s/storage/%s/upload", job->place->node, job->store);
	r = api_upload(job->proxmox, &call, job->archive, file, job->sha256, &data, err);
	return r < 0 ? r : task_answer(job->proxmox, data, err);
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

/* Makes it under a name that is not there yet. What a failure leaves there is taken away. */
static int make(const struct node_pull *job, const char *file, const char *volid, struct err *err)
{
	_cleanup_(volumes_free) struct volumes list = {0};
	struct err ignored;
	int r = job->archive ? upload(job, file, err) : ask_to_pull(job, file, err);

	if (r == 0) {
		r = seen(job, volid, err);
		if (r == 0)
			r = err_set(err, -EREMOTEIO,
				    "the task of Proxmox says OK, but there is no %s", volid);
		else if (r > 0)
			return 0;
	}
	/* "It is there already" is about a file that is not ours. */
	if (r != -EEXIST &&
	    volumes_ask(job->proxmox, job->place->node, job->store, &list, &ignored) == 0 &&
	    volumes_find(&list, volid))
		(void)discard(job, volid, &ignored);
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
	if (r < 0) {
		(void)discard(job, temporary, &ignored);
		return r;
	}
	for (int i = 0; i < GAP_ATTEMPTS; i++) {
		r = make(job, job->file, job->volid, err);
		if (r == 0 || r == -ECANCELED || r == -EACCES)
			break;
	}
	if (r < 0)
		return err_prefix(err,
				  "%s is missing now; what was pulled is there as %s, use it "
				  "or pull again",
				  job->volid, temporary);
	if (discard(job, temporary, &ignored) < 0)
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
