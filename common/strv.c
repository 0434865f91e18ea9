#include "common/strv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int strv_take(struct strv *list, char *s)
{
	char **grown;

	if (!s)
		return -ENOMEM;
	grown = reallocarray(list->v, list->n + 2, sizeof(*grown));
	if (!grown) {
		free(s);
		return -ENOMEM;
	}
	grown[list->n++] = s;
	grown[list->n] = NULL;
	list->v = grown;
	return 0;
}

int strv_add(struct strv *list, const char *s)
{
	return strv_take(list, strdup(s));
}

int strv_add_len(struct strv *list, const char *s, size_t len)
{
	return strv_take(list, strndup(s, len));
}

bool strv_has(const struct strv *list, const char *s)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], s) == 0)
			return true;
	return false;
}

int strv_copy(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++) {
		int r = strv_add(to, from->v[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

void strv_free(struct strv *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = (struct strv){0};
}

/* The index of NAME= in the list, or list->n. */
static size_t env_index(const struct strv *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
			return i;
	return env->n;
}

const char *strv_env_get(const struct strv *env, const char *name)
{
	size_t i = env_index(env, name);

	return i < env->n ? env->v[i] + strlen(name) + 1 : NULL;
}

int strv_env_set(struct strv *env, const char *name, const char *value)
{
	size_t i = env_index(env, name);
	char *entry;

	if (asprintf(&entry, "%s=%s", name, value) < 0)
		return -ENOMEM;
	if (i == env->n)
		return strv_take(env, entry);
	free(env->v[i]);
	env->v[i] = entry;
	return 0;
}

int strv_env_put(struct strv *env, const char *entry)
{
	const char *equals = strchr(entry, '=');
	char name[256];

	if (!equals || (size_t)(equals - entry) >= sizeof(name))
		return 0;
	memcpy(name, entry, (size_t)(equals - entry));
	name[equals - entry] = '\0';
	return strv_env_set(env, name, equals + 1);
}
