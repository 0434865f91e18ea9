/*
 * suggest.h - "did you mean …?": which of several words a person has mistyped. Pure.
 */
#pragma once

#define SUGGEST_FAR 1000u

/*
 * The nearer of two candidates: `candidate` if it is near to `word` and nearer than `best` says of
 * `nearest`; begin with NULL and SUGGEST_FAR. A slip of the keyboard counts one: a letter that is
 * wrong, missing or too many, or two that changed places; a word that is begun well is near, too.
 */
const char *suggest(const char *word, const char *candidate, const char *nearest, unsigned *best);
