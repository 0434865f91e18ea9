/*
 * document.h - JSON from a registry, read with limits.
 *
 * What a registry sends is hostile until shown otherwise: a document is at most DOCUMENT_MAX bytes,
 * DOCUMENT_DEPTH deep and of DOCUMENT_VALUES values, before the parser sees a byte of it. A key
 * that is there twice, a NUL or bytes behind the end refuse the whole (two readers would see two
 * documents: CVE-2021-41190's class).
 */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "common/err.h"
#include "image/descriptor.h"

#define DOCUMENT_DEPTH  32
#define DOCUMENT_VALUES 100000

/* The object that these bytes are; `what` names them in errors ("the manifest"). The caller drops
 * it with json_decref(), or _cleanup_(document_drop). */
int document_load(const char *bytes, size_t len, const char *what, json_t **object,
		  struct err *err);
void document_drop(json_t **object);

/* Reads a descriptor. -EPROTO with a sentence. */
int descriptor_read(const json_t *object, const char *what, struct descriptor *descriptor,
		    struct err *err);

/* A string member, or NULL when it is not there; -EPROTO when it is no string. */
int document_string(const json_t *object, const char *key, const char *what, const char **value,
		    struct err *err);
