/*
 * proxmox.h - calls of Proxmox's API, by pvesh on a node or by REST from anywhere.
 *
 * Both ways speak of the same paths, and answer with the same JSON. A call is bounded in time and
 * size. What is seen here of a call that starts a task is its UPID only: whether the task did what
 * it should is task.h's to find out, since pvesh ends with 0 whatever came of it. The token of the
 * API is never in argv, a log or an error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "common/err.h"
#include "image/options.h"

#define PROXMOX_ANSWER_MAX (16u << 20)

enum proxmox_verb {
	PROXMOX_GET = 0,
	PROXMOX_CREATE,
	PROXMOX_DELETE,
};

/* A line of a task's log. */
typedef void proxmox_line_fn(void *arg, const char *line);

struct proxmox {
	const struct options *options;
	bool rest; /* REST; else pvesh */
	proxmox_line_fn *line;
	bool (*cancelled)(void *arg);
	void *arg; /* of both */
	bool told; /* the log of the task was told while pvesh ran it */
	struct api *api;
};

struct proxmox_call {
	enum proxmox_verb verb;
	const char *path;          /* "/nodes/n/storage/local/content" */
	const char *name;          /* one more part of the path, which is escaped, or NULL */
	const char *const *params; /* key, value, key, value, NULL; or NULL */
	const char *privilege;     /* what it needs, for the sentence of a refusal */
};

/* `api` says REST. The rest of *proxmox is the caller's. */
int proxmox_open(struct proxmox *proxmox, const struct options *options, bool rest,
		 struct err *err);
void proxmox_close(struct proxmox *proxmox); /* also for _cleanup_(proxmox_close) */

/*
 * Makes the call. *data is what was answered (NULL for nothing), to be dropped by json_decref().
 * -EACCES names the privilege that is missing, -ENOENT, -EEXIST, -EKEYREJECTED (TLS), -ENETUNREACH,
 * -ETIMEDOUT, -EREMOTEIO for what else Proxmox refuses, -EPROTO for what is no answer of Proxmox.
 */
int proxmox_call(struct proxmox *proxmox, const struct proxmox_call *call, json_t **data,
		 struct err *err);

/* What a refusal of Proxmox is, from its number and its sentence. Pure. */
int proxmox_refused(const struct proxmox_call *call, long number, const char *sentence,
		    struct err *err);

/* Whether it says that what should be made is there already. Pure. */
bool proxmox_is_there(const char *sentence);

/* The two ways. */
int pvesh_call(struct proxmox *proxmox, const struct proxmox_call *call, json_t **data,
	       struct err *err);
/* Pure: the JSON that pvesh wrote behind the lines of a task. *data is NULL when there is none. */
int pvesh_answer(const char *text, json_t **data, struct err *err);
int api_open(struct proxmox *proxmox, struct err *err);
void api_close(struct proxmox *proxmox);
int api_call(struct proxmox *proxmox, const struct proxmox_call *call, json_t **data,
	     struct err *err);
/* POST of a file as multipart/form-data, under `name`, with its SHA-256. */
int api_upload(struct proxmox *proxmox, const struct proxmox_call *call, const char *path,
	       const char *name, const char *sha256, json_t **data, struct err *err);

void proxmox_drop(json_t **value); /* for _cleanup_(proxmox_drop) */
