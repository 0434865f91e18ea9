/*
 * strv.h - a list of strings that it owns; always NULL-terminated once something was added, so `.v`
 * can go to execve(). Start it as `struct strv s = {0}`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **v;
	size_t n;
};

/* Appends a copy of `s`; -ENOMEM when there is no memory, and the list is as it was. */
int strv_add(struct strv *list, const char *s);
/* The same, with the first `len` bytes of `s`. */
int strv_add_len(struct strv *list, const char *s, size_t len);
/* Appends `s` itself, which the list owns from here on, also when this fails (it is freed then). */
int strv_take(struct strv *list, char *s);
bool strv_has(const struct strv *list, const char *s);
int strv_copy(struct strv *to, const struct strv *from);
/* Frees all and leaves an empty list; also for _cleanup_(strv_free). */
void strv_free(struct strv *list);

/* For an environment: the value of NAME in a list of NAME=VALUE, or NULL. */
const char *strv_env_get(const struct strv *env, const char *name);
/* Sets an entry NAME=VALUE, in the place of an older one; what has no "=" is left out. */
int strv_env_put(struct strv *env, const char *entry);
/* The same, of name and value. */
int strv_env_set(struct strv *env, const char *name, const char *value);
