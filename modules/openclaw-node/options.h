/*
 * options.h - the command line of `openclaw node run`, from the variables of modules/openclaw-node.
 * Pure.
 *
 * A value that openclaw would misread is refused with a sentence: none is left out silently.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"

struct openclaw_options {
	const char *host;
	uint16_t port;
	bool tls;
	const char *fingerprint;  /* NULL: any certificate that the system trusts */
	const char *display_name; /* NULL: openclaw's own choice */
};

/* `get` is getenv(), or a test's; the strings stay its own. -EINVAL: a variable is wrong. */
int openclaw_options_read(struct openclaw_options *o, char *(*get)(const char *name),
			  struct err *err);
/* Appends the words, "openclaw" first. */
int openclaw_options_words(const struct openclaw_options *o, struct strv *words);
