/*
 * doctor.h - the rooms of `hakimctl doctor`: doctor_file.c finds and reads quirks.json,
 * doctor_print.c shows it, doctor_fix.c has the rows asked again. doctor.c puts them together.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "common/err.h"
#include "supervisor/ctl/doctor_view.h"

#define DOCTOR_PATH 160

/*
 * Reads $HAKIM_RUNTIME_DIR/quirks.json or, where there is none, /run/hakim/quirks.json. Where it
 * says that it is not complete it looks again for up to `wait_ms`. The path is what was read; *file
 * is the caller's. -ENOENT: there is none; a sentence with each error.
 */
int doctor_file_read(char path[static DOCTOR_PATH], int wait_ms, json_t **file, struct err *err);
/* Replaces it as a whole. */
int doctor_file_write(const char *path, const json_t *file, struct err *err);
/* /proc/self/mountinfo into doctor_ctid(); only of Proxmox. */
void doctor_find_ctid(const json_t *file, char ctid[static DOCTOR_CTID]);

/*
 * Has PID 1's program ask the rows again (hakim-init --quirks --fix), for as long as that takes.
 * *file becomes the old one with their new rows, *changes an array of {"name", "from", "to",
 * "text"}, both the caller's. Root only.
 */
int doctor_fix(json_t **file, json_t **changes, struct err *err);
/* The merge alone: `fresh` has the rows that were asked. 0, -EBADMSG or
 * -ENOMEM. What was remedied at the
 * start and is fine now stays as it was told. */
int doctor_merge(json_t *file, const json_t *fresh, json_t *changes);

/* What --fix has changed. */
void doctor_print_changes(const json_t *changes, const struct look *look, FILE *out);
/* The place, all rows, and what the host must do. 0 or -ENOMEM. */
int doctor_print(const struct doctor *doctor, const struct look *look, FILE *out);
/* What is wrong with units; `why` says why there is nobody to ask, or is NULL. 0 or -ENOMEM. */
int doctor_print_units(const struct doctor *doctor, const char *why, const struct look *look,
		       FILE *out);
/* The same as one JSON object, new; NULL on a lack of memory. `changes` is NULL without --fix. */
json_t *doctor_json(const struct doctor *doctor, const json_t *file, const char *why,
		    json_t *changes);
