/*
 * doctor_view.h - what `hakimctl doctor` knows, read out of JSON: the rows of quirks.json (its
 * format is in init/quirk.h) in the order in which they are shown, and what is wrong with the
 * units. Pure. Nothing of the file is trusted: what is missing or odd is NULL, -1 or left out.
 *
 * All strings but those in arrays belong to the JSON that was read, and are not cleaned.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/ctl/show.h"

/* In the order in which they are shown. */
enum doctor_outcome {
	DOCTOR_NEEDS_HOST = 0,
	DOCTOR_FAILED,
	DOCTOR_ODD, /* a word of a newer hakim-init */
	DOCTOR_REMEDIED,
	DOCTOR_FINE,
	DOCTOR_OFF,
	DOCTOR_NOT_APPLICABLE,
	DOCTOR_OUTCOMES,
};

#define DOCTOR_ADVICE 320
#define DOCTOR_CTID   12

struct doctor_row {
	const char *name, *text, *without; /* the last two may be NULL */
	const char *word;                  /* the outcome as the file says it */
	enum doctor_outcome outcome;
	int64_t error, took_us;
	char advice[DOCTOR_ADVICE]; /* "": there is no line */
	size_t at;                  /* in the file: what is alike stays in its order */
};

struct doctor_place {
	const char *kind; /* as in the file */
	bool user_namespace, nesting, cgroup_writable;
	int64_t outer_uid, ids, cgroup, memory_max; /* -1: not known */
	const char *controllers, *kernel;
};

/* One thing that is wrong with a unit, or with the supervisor. */
struct doctor_trouble {
	const char *unit; /* NULL: the supervisor itself */
	const char *state;
	const char *text; /* may be NULL */
	enum style style; /* STYLE_BAD: it does not work; else it works with less */
};

struct doctor {
	struct doctor_place place;
	struct doctor_row *rows; /* owned */
	size_t n_rows;
	size_t counts[DOCTOR_OUTCOMES];
	bool complete; /* the late rows were asked, too */
	char ctid[DOCTOR_CTID];
	struct doctor_trouble *troubles; /* owned */
	size_t n_troubles, n_units;
};

/* Of the file's word; DOCTOR_ODD where it is none, or NULL. */
enum doctor_outcome doctor_outcome_of(const char *word);
/* "needs the host", …; and how it looks. */
const char *doctor_outcome_label(enum doctor_outcome outcome);
enum style doctor_outcome_style(enum doctor_outcome outcome);
/* "Proxmox LXC" for "proxmox", …; a word that is not known stays as it is. */
const char *doctor_place_label(const char *kind);

/*
 * The number of a Proxmox container, out of the name of the volume in the line of "/" in mountinfo
 * (pve-storage names them vm-<ctid>-disk-N, subvol-<ctid>-disk-N, on LVM with "--" for "-").
 * False, and "" in `ctid`: it cannot be known.
 */
bool doctor_ctid(const char *mountinfo, char ctid[static DOCTOR_CTID]);

/*
 * Reads the file. `ctid` is put into lines to paste, "" keeps their "<ctid>". `pct set --features`
 * replaces all features at once, so that each such line names all that are needed and all that are
 * known to be on. 0, -EBADMSG (it is no such file) or -ENOMEM.
 */
int doctor_read(struct doctor *doctor, const json_t *file, const char *ctid);
/* Adds the troubles in the packets of a `status`. 0 or -ENOMEM. */
int doctor_read_units(struct doctor *doctor, const json_t *packets);
void doctor_free(struct doctor *doctor);

/* The row of that name, or NULL. */
const struct doctor_row *doctor_find(const struct doctor *doctor, const char *name);
