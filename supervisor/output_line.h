/*
 * output_line.h - the last line of what a command prints, read from its pipe as it comes, so that
 * the command never waits for us.
 */
#pragma once

#include "supervisor/loop.h"

#define OUTPUT_LINE 128

struct output_line {
	struct loop *loop;
	struct source source;
	int fd; /* read end, owned; -1: none */
	unsigned len;
	char line[OUTPUT_LINE], last[OUTPUT_LINE];
};

void output_line_init(struct output_line *o, struct loop *loop);
/* Takes the fd over, and forgets what was. */
void output_line_open(struct output_line *o, int fd);
/* Reads what is there still, and closes. The last line is `last`; empty: there was none. */
void output_line_close(struct output_line *o);
