/*
 * options_drop_in.h - the command lines of tini and dumb-init, and their variables. tini's options
 * are those of hakim-init --plain, too.
 */
#pragma once

#include <stdbool.h>

#include "init/option_walk.h"

struct options;
struct plain_options;

/* What tini's help and ours say of its options. */
extern const char options_tini_help[];
/* What -l prints. */
extern const char options_licence[];

/* One of tini's options, by its letter. NULL, or what is wrong with its value. */
const char *options_tini_take(struct plain_options *how, int letter, const char *value);
/* TINI_SUBREAPER, TINI_KILL_PROCESS_GROUP, TINI_VERBOSITY. */
void options_tini_variables(struct plain_options *how);

/* The whole lines; return as options_parse() does. */
int options_tini(int argc, char **argv, struct options *options);
int options_dumb_init(int argc, char **argv, struct options *options);
/* 1…31 by name, with or without SIG; 0: there is none. */
int options_signal(const char *name);
