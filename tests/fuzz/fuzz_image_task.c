/* Tasks of Proxmox: each line of the input is the JSON of one answer; and UPIDs. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "image/task.h"
#include "tests/fuzz/fuzz.h"

static const char *lines;

int __wrap_pvesh_call(struct proxmox *proxmox, const struct proxmox_call *call, json_t **data,
		      struct err *err);
int __wrap_nanosleep(const struct timespec *want, struct timespec *left);

int __wrap_pvesh_call(struct proxmox *proxmox, const struct proxmox_call *call, json_t **data,
		      struct err *err)
{
	size_t n = strcspn(lines, "\n");
	json_error_t why;

	if (!*lines)
		return err_set(err, -EACCES, "no more");
	*data = json_loadb(lines, n, JSON_DECODE_ANY, &why);
	lines += n + (lines[n] == '\n');
	return *data ? 0 : err_set(err, -EPROTO, "no JSON");
}

int __wrap_nanosleep(const struct timespec *want, struct timespec *left)
{
	return 0;
}

FUZZ_TARGET(image_task)
{
	struct options options = {.retries = 2, .task_timeout = 5};
	struct proxmox proxmox = {.options = &options};
	struct proxmox_call call = {.verb = PROXMOX_CREATE, .path = "/nodes/pve/storage"};
	json_t *data = NULL;
	struct upid upid;
	struct err err;

	if (upid_parse(text, &upid, &err) >= 0)
		FUZZ_MUST(!strchr(upid.text, '/') && *upid.node && *upid.type);
	task_end_of(text);
	lines = text;
	if (proxmox_call(&proxmox, &call, &data, &err) == 0)
		task_answer(&proxmox, data, &err);
	proxmox_drop(&data);
}
