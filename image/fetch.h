/*
 * fetch.h - the door of the core: an image of a registry becomes an archive that Proxmox takes.
 *
 * A session is one run: it holds the options, the tokens that registries gave, and the connections.
 * It is used by one thread. Everything is bounded: each request in time (stall_timeout) and size,
 *the number of attempts (retries). Nothing is printed here: what a person should see comes as
 *events.
 *
 * Errors are one sentence, and the code tells their kind:
 *
 *	-EINVAL         what was asked is no good (reference, platform, option); nothing was sent
 *	-ENOENT         the registry does not have it, or hides it from who may not see it
 *	-EACCES         the registry wants credentials, or refuses those that it got
 *	-EUSERS         rate-limited; the sentence says until when
 *	-EKEYREJECTED   TLS: the certificate is not trusted, or not the host's
 *	-ENETUNREACH    the network: no such host, no connection, it stalled, it was cut
 *	-EREMOTEIO      the registry answered with an error of its own (5xx) to the last
 *	-EPROTO         the registry's answer is not what the specification allows: refused
 *	-EBADMSG        bytes do not have the digest that names them: refused
 *	-ENOTSUP        a kind of image that is not taken (schema 1, foreign layers, a platform it
 *	                does not have)
 *	-ENOSPC         the disk is, or would be, full
 *	-EEXIST         the archive is there, and job.replace is not set
 *	-EBUSY          another process is at this archive, and job.wait is not set
 *	-ECANCELED      job.cancelled said so
 *	other           the local system (the sentence has its text)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "image/digest.h"
#include "image/reference.h"

/* What lies beside `x.tar` while it is fetched: `x.tar.tmp-hakim` and its journal. Proxmox lists no
 * such name, since ".tar" with a dot behind it is no template's. They stay after a failure, and the
 * next fetch goes on from them; fetch_discard() removes them. */
#define FETCH_PARTIAL_SUFFIX ".tmp-hakim"
#define FETCH_JOURNAL_SUFFIX ".tmp-hakim-journal"

struct fetch_options {
	const char *creds;      /* "user:password" for every registry of the run, or NULL */
	const char *ghcr_creds; /* the same, for ghcr.io alone (--gh-token), or NULL */
	const char *authfile;   /* the only file of credentials that is read, or NULL for the usual
				   ones */
	const char *cacert;     /* a PEM file that is trusted besides the system's, or NULL */
	const char *proxy;    /* used where the environment names none (datacenter.cfg), or NULL */
	const char *platform; /* "linux/amd64", "linux/arm/v7"; NULL is this machine's */
	bool insecure;        /* --tls-verify=false: certificates are not checked */
	bool plain_http;      /* http:// instead of https:// */
	bool verify_layers;   /* diff_ids too, by unpacking each layer */
	unsigned jobs;        /* blobs at once, 1 to 16; 0 is the default (3) */
	unsigned retries;     /* attempts after the first; FETCH_RETRIES is the usual number */
	unsigned stall_timeout; /* seconds without a byte until a connection is given up; 0: default
				 */
	uint64_t limit_rate;    /* bytes per second over all connections; 0: as fast as it goes */
};
#define FETCH_JOBS          3
#define FETCH_JOBS_MAX      16
#define FETCH_RETRIES       5
#define FETCH_STALL_TIMEOUT 30

enum fetch_event_kind {
	FETCH_RESOLVED =
		0,       /* the manifest is known: .digest its digest, .total the archive's size */
	FETCH_BLOB,      /* a blob begins, or goes on: .index, .of, .digest, .done, .size */
	FETCH_BYTES,     /* bytes arrived: .index, .done, .size and the sums .all_done, .total */
	FETCH_READ_BACK, /* bytes of a blob were read back, copied or unpacked; as FETCH_BYTES, and
			    .source */
	FETCH_BLOB_DONE, /* a blob is whole and has its digest: .index, .digest, .source */
	FETCH_RETRY,     /* something failed and is tried again in .seconds: .text says what */
	FETCH_WAITING,   /* another process is at this archive: waiting for it */
	FETCH_WARNING,   /* a sentence of the registry's or of ours: .text */
	FETCH_SYNCING,   /* all is there: waiting for the disk */
};

/* Where a blob came from. */
enum fetch_source {
	FETCH_FROM_REGISTRY = 0,
	FETCH_FROM_PARTIAL, /* it was in the partial file of an earlier run */
	FETCH_FROM_LOCAL,   /* it was copied from a template that is there */
};

/* Valid during the call only. Texts have no control characters. */
struct fetch_event {
	enum fetch_event_kind kind;
	enum fetch_source source;
	unsigned index, of; /* blob number, from 0, of how many */
	const char *digest;
	const char *text;
	uint64_t done, size;      /* of this blob */
	uint64_t all_done, total; /* bytes of all blobs, with what was there already */
	unsigned seconds;
};

typedef void fetch_event_fn(void *arg, const struct fetch_event *event);

struct fetch_session;

/* The options are copied. -EINVAL when one is no good. `fn` may be NULL. */
int fetch_session_open(const struct fetch_options *options, fetch_event_fn *fn, void *arg,
		       struct fetch_session **session, struct err *err);
/* NULL is fine; also for _cleanup_(fetch_session_closep). */
void fetch_session_close(struct fetch_session *session);
void fetch_session_closep(struct fetch_session **session);

/* Whether credentials are known for this registry (from --creds, a file or a helper). The other
 * ways to pull cannot hand them to a node, and must refuse. 1, 0 or an error. */
int fetch_has_credentials(struct fetch_session *session, const char *registry, struct err *err);

/* The digest that the registry has for the reference now: of the index, where the tag is one. One
 * HEAD; where that does not tell, one GET whose body is hashed. For `name:tag@digest` it is that
 * digest, when the registry has it. */
int fetch_digest(struct fetch_session *session, const struct reference *ref, struct digest *digest,
		 struct err *err);

struct fetch_job {
	const struct reference *ref;
	const char *path; /* the archive to write, in a directory that is there */
	const char *const
		*locals;  /* archives whose blobs may be copied, NULL-terminated, or NULL;
			   * one that cannot be read is passed over. `path` itself is one. */
	bool replace;     /* an archive at `path` is replaced; else -EEXIST */
	bool wait;        /* for another process that is at it; else -EBUSY */
	uint64_t reserve; /* bytes that must stay free on the disk */
	unsigned mode;    /* of the file; 0 is 0644 */
	/* Asked several times a second; true ends the fetch with -ECANCELED, and it can be resumed.
	 * May be NULL. */
	bool (*cancelled)(void *arg);
	void *cancelled_arg;
};

struct fetch_result {
	struct digest tag_digest; /* what the reference named: the index's, or the manifest's */
	struct digest
		manifest_digest; /* of the manifest in the archive; another one if converted */
	uint64_t size;           /* of the archive */
	uint64_t fetched;        /* bytes that came from the registry in this run */
	uint64_t resumed;        /* bytes that an earlier run had fetched */
	uint64_t copied;         /* bytes from local archives */
	bool converted;          /* it was a Docker schema 2 manifest */
};

/*
 * Fetches the image into job->path. On success the archive is whole, every blob has its digest, it
 * is on the disk (fsync of file and directory), and it came by one rename(): whoever looks sees the
 * old archive or the new one. On failure the old archive is untouched, and what was fetched stays
 * in the partial file unless the registry lied. The same image gives the same bytes. Bytes on the
 * disk are checked before they are used again.
 */
int fetch_archive(struct fetch_session *session, const struct fetch_job *job,
		  struct fetch_result *result, struct err *err);

/* Reads and checks the manifest and the configuration of the image, for its platform, and fetches
 * no layer: proves that it could be pulled. `size` is that of the archive. */
int fetch_probe(struct fetch_session *session, const struct reference *ref,
		struct fetch_result *result, struct err *err);

/* Removes the partial file of `path` and its journal, unless a process is at them (-EBUSY). */
int fetch_discard(const char *path, struct err *err);
