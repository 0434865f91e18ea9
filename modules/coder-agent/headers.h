/*
 * headers.h - the extra request headers, read as `coder agent` reads them (coder's cli/root.go,
 * serpent's StringArray). Their values are secrets: they are in no error text.
 */
#pragma once

#include "common/err.h"
#include "common/strv.h"

/* CODER_AGENT_HEADER: "Name=value,Other=value", one record of CSV with its quotes. Appends lines as
 * libcurl wants them. */
int headers_add_csv(struct strv *headers, const char *csv, struct err *err);
/* The output of CODER_AGENT_HEADER_COMMAND: "Name=value" lines. */
int headers_add_lines(struct strv *headers, const char *text, struct err *err);
/* One header, "Name" and "value"; refused when it could smuggle in another one. */
int headers_add(struct strv *headers, const char *name, const char *value, struct err *err);
