/*
 * utf8.h - one character of UTF-8, for whatever shows or writes the bytes of others. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX 4 /* bytes of one character */

/*
 * The length of the character at `text`, of which `left` bytes may be looked at, and in *code (may
 * be NULL) its code point. 0: there is none. Overlong forms, surrogates and what is above U+10FFFF
 * are none (RFC 3629).
 */
size_t utf8_decode(const char *text, size_t left, uint32_t *code);
