/*
 * quirk_json.h - the sheet on which all workers write what they have found, and its JSON. The
 * format is described in quirk.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/quirk.h"

enum entry_state {
	ENTRY_WAITING = 0,
	ENTRY_CLAIMED, /* by a worker that has not begun */
	ENTRY_RUNNING, /* since began_ns, by `worker` */
	ENTRY_STORING, /* somebody writes the result, and nobody else may */
	ENTRY_DONE,
};

struct quirk_entry {
	uint32_t state; /* enum entry_state, atomic */
	pid_t worker;
	uint64_t began_ns; /* CLOCK_MONOTONIC */
	enum quirk_outcome outcome;
	uint32_t took_us;
	struct quirk_result result;
};

/* In shared memory. */
struct quirk_sheet {
	struct quirk_world world;
	struct quirk_entry entries[QUIRK_IDS];
	uint32_t early_us, late_us;
	bool complete;
	char json[49152];
};

/* Writes it into sheet->json, with a NUL behind; the length. */
size_t quirk_json(struct quirk_sheet *sheet);
