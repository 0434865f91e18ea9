/*
 * quirk.h - what an unprivileged container lacks: a table of rows, each of which looks for one
 * quirk, remedies it where PID 1 may, and else says what to set on the host.
 *
 * Who runs it: the set-up child (setup.c), never PID 1 itself. Each row runs in a worker, a process
 * of its own or shared with rows that do not hang: a row that does not answer within 2 ms gets
 * another worker beside it for the rows that wait, and one that is over its own deadline is killed
 * and left behind, never waited for. EARLY rows are done before the supervisor starts; LATE rows
 * inform only, and run beside it.
 *
 * The outcome is /run/hakim/quirks.json (0644, replaced as a whole; docs/quirks.md has an example):
 *
 *	{"version": 1,
 *	 "complete": false,             the late rows have not been asked yet: look again
 *	 "early_us": 2300,              the wall time of all early rows together
 *	 "late_us": 1200,               the same of the late ones, 0 until it is complete
 *	 "place": {"kind": "proxmox",   or incus, lxc, docker, podman, kubernetes, systemd-nspawn,
 *	                                other, bare, unknown
 *	           "user_namespace": true, "outer_uid": 100000,
 *	           "ids": 65536,        one more than the highest uid that is mapped
 *	           "nesting": false,    LXC's own sign of it
 *	           "cgroup": 2,         1: v1 or hybrid, 0: none
 *	           "cgroup_writable": true, "cgroup_controllers": "cpu memory pids",
 *	           "memory_max": 4294967296,  bytes, or null
 *	           "kernel": "6.8.12-1-pve", "boot_id": "…"},
 *	 "quirks": [{"name": "fuse",
 *	             "outcome": "needs-host", or fine, remedied, not-applicable, failed, off
 *	             "text": "there is no /dev/fuse",          one sentence
 *	             "advice": "pct set <ctid> --features fuse=1",  a line to paste; only with
 *	                                                            needs-host, else null
 *	             "without": "fuse-overlayfs, sshfs and AppImages do not work", or null
 *	             "errno": 2,                               0 where nothing failed
 *	             "took_us": 14}]}
 *
 * A row that was not asked yet is not listed. There is no file where /run cannot be written, or
 * where hakim-init is not PID 1 or not root.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/place.h"

struct init;

enum quirk_outcome {
	QUIRK_NONE = 0,       /* not asked yet */
	QUIRK_FINE,           /* it is not there */
	QUIRK_REMEDIED,       /* it was, and is no longer */
	QUIRK_NEEDS_HOST,     /* only the host's admin can: the advice says how */
	QUIRK_NOT_APPLICABLE, /* nothing was asked and nothing changed */
	QUIRK_FAILED,         /* the remedy, or the question itself: errno */
	QUIRK_OFF,            /* by HAKIM_QUIRKS=-name */
	QUIRK_OUTCOMES,
};

enum quirk_when {
	QUIRK_EARLY, /* must be done before the supervisor starts */
	QUIRK_LATE,  /* informs, or what nothing waits for */
};

struct quirk_result {
	char text[240];
	char advice[160]; /* instead of the row's own, where it depends on what was found */
	int error;        /* errno */
};

/* What the rows may know. It lies in memory that all workers share; only the row `place` writes. */
struct quirk_world {
	const char *root; /* "" but in tests */
	enum place_kind place;
	struct place_facts facts; /* by the row `place` */
	const char *user;         /* whose home it is: $CODER_USER or "coder" */
	unsigned defaults;        /* enum environment_default bits that were unset */
	uint64_t nofile_soft;     /* as PID 1 found it */
	uint64_t nofile_hard;     /* what services get */
};

typedef enum quirk_outcome quirk_fn(struct quirk_world *w, struct quirk_result *r);

/* May a row be asked again while the container runs? */
enum quirk_again {
	QUIRK_BOOT_ONLY =
		0, /* no: it is about PID 1's own start, or would pull away what is used */
	QUIRK_ASK, /* it informs, and changes nothing */
	QUIRK_FIX, /* it changes what it finds: where that was asked for */
};

struct quirk {
	const char *name;
	quirk_fn *apply;
	uint32_t places; /* bits of enum place_kind */
	enum quirk_when when;
	uint32_t needs; /* bits of enum quirk_id that must be over before */
	uint32_t deadline_ms;
	bool taints;         /* its process is fit for nothing else afterwards */
	const char *without; /* what stops working, NULL */
	const char *advice;  /* a line to paste, NULL */
	/* Goes on with a remedy that takes long, when all else is done and written: no deadline. */
	quirk_fn *slow;
	enum quirk_again again;
	/* Bits of enum quirk_id: not asked when one of these did not answer, since it would wait
	 * for the same file system, and the boot for both. */
	uint32_t hangs_with;
	bool always; /* HAKIM_QUIRKS does not switch it off: others need what it finds */
};

enum quirk_id {
	QUIRK_ID_PROC,
	QUIRK_ID_SYS,
	QUIRK_ID_PLACE,
	QUIRK_ID_RUN,
	QUIRK_ID_SHM,
	QUIRK_ID_PTS,
	QUIRK_ID_LOOPBACK,
	QUIRK_ID_SHARED,
	QUIRK_ID_DIRECTORIES,
	QUIRK_ID_STALE,
	QUIRK_ID_MACHINE_ID,
	QUIRK_ID_PING,
	QUIRK_ID_LOW_PORTS,
	QUIRK_ID_NOFILE,
	QUIRK_ID_ENVIRONMENT,
	QUIRK_ID_HOME,
	QUIRK_ID_CGROUP,
	QUIRK_ID_NESTING,
	QUIRK_ID_FUSE,
	QUIRK_ID_TUN,
	QUIRK_ID_KEYRING,
	QUIRK_ID_OVERLAY,
	QUIRK_ID_INOTIFY,
	QUIRK_ID_IPV6,
	QUIRK_ID_RESOLV_CONF,
	QUIRK_ID_ROUTE,
	QUIRK_ID_NOSUID,
	QUIRK_ID_NIX,
	QUIRK_ID_LXCFS,
	QUIRK_ID_MEMORY_HIGH,
	QUIRK_ID_OOM_SCORE,
	QUIRK_IDS,
};

extern const struct quirk quirk_table[QUIRK_IDS];

/* For the rows: fills the sentence and returns the outcome. */
enum quirk_outcome quirk_say(struct quirk_result *r, enum quirk_outcome outcome, const char *fmt,
			     ...) __attribute__((format(printf, 3, 4)));
/* `error` is an errno, negative or not. */
enum quirk_outcome quirk_fail(struct quirk_result *r, int error, const char *what);

/* "fine", "needs-host", … */
const char *quirk_outcome_name(enum quirk_outcome outcome);
/* True when HAKIM_QUIRKS switches this row off. */
bool quirk_row_is_off(const struct quirk *q, const char *list);
/* True when HAKIM_QUIRKS (words with a "-" before a row's name, by commas or spaces) switches it
 * off. `list` may be NULL. */
bool quirk_is_off(const char *list, const char *name);

/* The whole, in the set-up child. Early rows are over when it returns, and a child of its own goes
 * on with the others. */
void quirk_run(struct init *init);
/*
 * `hakim-init --quirks [--fix]`, for `hakimctl doctor` in a container that runs: asks the rows that
 * only inform, with `fix` also those that remedy, by PID 1's own environment, and prints the same
 * JSON with those rows alone. What a row at boot has found in addition is in quirks.json, which
 * this leaves as it is. Returns the exit status: 0; 1 where it cannot ask (not root).
 */
int quirk_main(bool fix);
