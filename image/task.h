/*
 * task.h - the tasks of Proxmox: what they are called, followed to their end, and what came of
 * them.
 *
 * A task that was started is a promise only. It has succeeded when its status is "stopped" with
 * "OK" or "WARNINGS: n".
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "image/proxmox.h"

#define UPID_MAX 512

/* UPID:node:pid:start-of-process:start:type:id:user: */
struct upid {
	char text[UPID_MAX];
	char node[64], type[64];
};

/* Pure. -EPROTO with a sentence. */
int upid_parse(const char *text, struct upid *upid, struct err *err);

enum task_end {
	TASK_OK = 0,
	TASK_WARNINGS,
	TASK_FAILED,
};
/* Pure: what an exit status means. */
enum task_end task_end_of(const char *exitstatus);

/*
 * Follows the task to its end; its log goes to proxmox->line. 0: it has succeeded. -EREMOTEIO: it
 * has not, and the sentence says why. -EEXIST: what it was to make is there already. -ETIMEDOUT: it
 * has said nothing for too long, and was stopped. -ECANCELED: proxmox->cancelled said so, and it
 * was stopped.
 */
int task_follow(struct proxmox *proxmox, const struct upid *upid, struct err *err);

/* The answer of a call, which is the UPID of a task, and the task to its end. */
int task_answer(struct proxmox *proxmox, const json_t *data, struct err *err);
