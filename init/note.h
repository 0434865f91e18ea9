/*
 * note.h - a sentence on the board, which the status shows, and on the console.
 */
#pragma once

struct init;

void note_add(struct init *init, const char *text);
/* "text: errno 13 (EACCES)": PID 1 carries no table of messages beyond the names of the common
 * ones. */
void note_add_errno(struct init *init, const char *text, int error);
