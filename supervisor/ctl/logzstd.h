/*
 * logzstd.h - compressed old files of a log, read like the others: an fd whose file is zstd becomes
 * one of a memory file with the text.
 */
#pragma once

#include "common/err.h"

/* Puts the text in the place of *fd, which is closed, if it is compressed; else does nothing. Reads
 * the whole file. Returns 1 if it was, else 0. */
int log_unpack(int *fd, struct err *err);
