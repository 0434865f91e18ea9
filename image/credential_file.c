/*
 * credential_file.c - `hakim login` and `logout`: an entry of "auths" in a file of credentials.
 *
 * The file is $REGISTRY_AUTH_FILE or --authfile; else podman's of this boot, where that has an
 * entry for the registry already (it would count first), or ~/.config/containers/auth.json, which
 * is still there after a reboot, when a timer pulls.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "common/cleanup.h"
#include "image/credential.h"
#include "image/document.h"
#include "image/file.h"
#include "image/place.h"

#define FILE_MAX (1u << 20)

/* *object is a new one where the file is not there. */
static int load(const char *path, json_t **object, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	json_error_t error;
	int r = file_read(path, FILE_MAX, &text, &len, err);

	*object = NULL;
	if (r == -ENOENT) {
		*object = json_object();
		return *object ? 0 : err_set(err, -ENOMEM, "no memory for credentials");
	}
	if (r < 0)
		return r;
	*object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	explicit_bzero(text, len);
	free(text);
	if (json_is_object(*object))
		return 0;
	document_drop(object);
	return err_set(err, -EINVAL, "%s is no valid file of credentials (line %d): not changed",
		       path, error.line);
}

/* The directory of the file, for its owner only. */
static int make_directory(const char *path, struct err *err)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	_cleanup_free_ char *directory = NULL;

	if (!slash || slash == path)
		return 0;
	directory = strndup(path, (size_t)(slash - path));
	return directory ? place_make(directory, 0700, err)
			 : err_set(err, -ENOMEM, "no memory for a path");
}

static int save(const char *path, const json_t *object, struct err *err)
{
	char *text = json_dumps(object, JSON_INDENT(4) | JSON_PRESERVE_ORDER);
	int r;

	if (!text)
		return err_set(err, -ENOMEM, "no memory for credentials");
	r = make_directory(path, err);
	if (r >= 0)
		r = file_replace(path, 0600, text, strlen(text), err);
	explicit_bzero(text, strlen(text));
	free(text);
	return r;
}

/* The name of the entry for this registry, or NULL. */
static const char *entry_of(json_t *object, const char *registry)
{
	json_t *auths = json_object_get(object, "auths");

	for (void *at = json_object_iter(auths); at; at = json_object_iter_next(auths, at)) {
		_cleanup_free_ char *key = credential_key(json_object_iter_key(at));

		if (key && strcmp(key, registry) == 0)
			return json_object_iter_key(at);
	}
	return NULL;
}

static char *of_this_boot(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char *path = NULL;
	int r = runtime && *runtime
			? asprintf(&path, "%s/containers/auth.json", runtime)
			: asprintf(&path, "/run/containers/%u/auth.json", (unsigned)getuid());

	return r < 0 ? NULL : path;
}

static int choose(const char *authfile, const char *registry, char **path, struct err *err)
{
	_cleanup_(document_drop) json_t *object = NULL;
	const char *named = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	_cleanup_free_ char *runtime = of_this_boot();
	int r;

	if (named && *named) {
		*path = strdup(named);
		return *path ? 0 : err_set(err, -ENOMEM, "no memory for a path");
	}
	if (runtime && load(runtime, &object, NULL) >= 0 && entry_of(object, registry)) {
		*path = steal_ptr(&runtime);
		return 0;
	}
	if (config && *config)
		r = asprintf(path, "%s/containers/auth.json", config);
	else if (home && *home)
		r = asprintf(path, "%s/.config/containers/auth.json", home);
	else
		return err_set(err, -EINVAL, "there is no HOME: name the file by --authfile");
	if (r < 0) {
		*path = NULL;
		return err_set(err, -ENOMEM, "no memory for a path");
	}
	return 0;
}

static json_t *new_entry(const struct credential *credential)
{
	char *basic = credential_basic(credential);
	json_t *entry = basic ? json_pack("{s:s}", "auth", basic + strlen("Basic ")) : NULL;

	if (basic)
		explicit_bzero(basic, strlen(basic));
	free(basic);
	return entry;
}

int credential_save(const char *authfile, const char *registry, const struct credential *credential,
		    char **path, struct err *err)
{
	_cleanup_(document_drop) json_t *object = NULL;
	json_t *auths;
	const char *name;
	int r = choose(authfile, registry, path, err);

	if (r >= 0)
		r = load(*path, &object, err);
	if (r < 0)
		return r;
	auths = json_object_get(object, "auths");
	if (!json_is_object(auths)) {
		json_object_set_new(object, "auths", json_object());
		auths = json_object_get(object, "auths");
	}
	name = entry_of(object, registry);
	if (!name)
		name = strcmp(registry, "docker.io") == 0 ? "https://index.docker.io/v1/"
							  : registry;
	if (json_object_set_new(auths, name, new_entry(credential)) < 0)
		return err_set(err, -ENOMEM, "no memory for credentials");
	return save(*path, object, err);
}

int credential_remove(const char *authfile, const char *registry, char **path, struct err *err)
{
	_cleanup_(document_drop) json_t *object = NULL;
	const char *name;
	int r = choose(authfile, registry, path, err);

	if (r >= 0)
		r = load(*path, &object, err);
	if (r < 0)
		return r;
	name = entry_of(object, registry);
	if (!name)
		return 0;
	json_object_del(json_object_get(object, "auths"), name);
	r = save(*path, object, err);
	return r < 0 ? r : 1;
}
