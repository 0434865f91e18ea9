#include "image/credential.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "common/cleanup.h"
#include "image/document.h"
#include "image/file.h"

#define FILE_MAX (1u << 20)

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void credential_free(struct credential *credential)
{
	free(credential->user);
	wipe(credential->password);
	wipe(credential->identity);
	*credential = (struct credential){0};
}

int credential_split(const char *text, struct credential *credential, struct err *err)
{
	const char *colon = strchr(text, ':');

	*credential = (struct credential){0};
	if (!colon || colon == text)
		return err_set(err, -EINVAL, "credentials must be USER:PASSWORD");
	credential->user = strndup(text, (size_t)(colon - text));
	credential->password = strdup(colon + 1);
	if (credential->user && credential->password)
		return 0;
	credential_free(credential);
	return err_set(err, -ENOMEM, "no memory for credentials");
}

int credential_decode(const char *base64, struct credential *credential, struct err *err)
{
	size_t len = strlen(base64);
	char *text;
	int n;
	int r;

	*credential = (struct credential){0};
	if (len > FILE_MAX || len % 4 != 0)
		return err_set(err, -EINVAL, "an \"auth\" is no base64");
	text = calloc(1, len + 1);
	if (!text)
		return err_set(err, -ENOMEM, "no memory for credentials");
	n = EVP_DecodeBlock((unsigned char *)text, (const unsigned char *)base64, (int)len);
	if (n < 0)
		r = err_set(err, -EINVAL, "an \"auth\" is no base64");
	else
		r = credential_split(text, credential, err);
	explicit_bzero(text, len);
	free(text);
	return r;
}

char *credential_basic(const struct credential *credential)
{
	static const char scheme[] = "Basic ";
	char *plain = NULL;
	char *header = NULL;
	int len = asprintf(&plain, "%s:%s", credential->user, credential->password);

	if (len < 0)
		return NULL;
	header = malloc(sizeof(scheme) + (size_t)len * 4 / 3 + 8);
	if (header) {
		memcpy(header, scheme, sizeof(scheme));
		EVP_EncodeBlock((unsigned char *)header + sizeof(scheme) - 1,
				(const unsigned char *)plain, len);
	}
	wipe(plain);
	return header;
}

char *credential_key(const char *key)
{
	const char *scheme = strstr(key, "://");
	char *copy = strdup(scheme ? scheme + 3 : key);
	size_t len;

	if (!copy)
		return NULL;
	len = strlen(copy);
	while (len && copy[len - 1] == '/')
		copy[--len] = '\0';
	if (len > 3 && (strcmp(copy + len - 3, "/v1") == 0 || strcmp(copy + len - 3, "/v2") == 0))
		copy[len - 3] = '\0';
	if (strcmp(copy, "index.docker.io") == 0 || strcmp(copy, "registry-1.docker.io") == 0)
		memcpy(copy, "docker.io", sizeof("docker.io"));
	return copy;
}

/* One entry of "auths". 1: it has something. */
static int read_auth(const json_t *auth, struct credential *credential, struct err *err)
{
	const char *identity = json_string_value(json_object_get(auth, "identitytoken"));
	const char *base64 = json_string_value(json_object_get(auth, "auth"));
	const char *user = json_string_value(json_object_get(auth, "username"));
	const char *password = json_string_value(json_object_get(auth, "password"));
	int r;

	if (identity && *identity) {
		credential->identity = strdup(identity);
		return credential->identity ? 1
					    : err_set(err, -ENOMEM, "no memory for credentials");
	}
	if (base64 && *base64) {
		r = credential_decode(base64, credential, err);
		return r < 0 ? r : 1;
	}
	if (!user || !*user || !password)
		return 0;
	credential->user = strdup(user);
	credential->password = strdup(password);
	if (credential->user && credential->password)
		return 1;
	credential_free(credential);
	return err_set(err, -ENOMEM, "no memory for credentials");
}

/* The entry of `auths` whose key is `wanted`. */
static int find_auth(json_t *auths, const char *wanted, struct credential *credential,
		     struct err *err)
{
	for (void *at = json_object_iter(auths); at; at = json_object_iter_next(auths, at)) {
		_cleanup_free_ char *key = credential_key(json_object_iter_key(at));
		int r;

		if (!key)
			return err_set(err, -ENOMEM, "no memory for credentials");
		r = strcmp(key, wanted) == 0
			    ? read_auth(json_object_iter_value(at), credential, err)
			    : 0;
		if (r != 0)
			return r;
	}
	return 0;
}

/* From host/ns/repository up to host. */
static int find_auths(json_t *auths, const char *registry, const char *repository,
		      struct credential *credential, struct err *err)
{
	_cleanup_free_ char *wanted = NULL;
	int r = 0;

	if (asprintf(&wanted, "%s%s%s", registry, *repository ? "/" : "", repository) < 0)
		return err_set(err, -ENOMEM, "no memory for credentials");
	for (;;) {
		char *slash = strrchr(wanted, '/');

		r = find_auth(auths, wanted, credential, err);
		if (r != 0 || !slash)
			return r;
		*slash = '\0';
	}
}

static int find_in_file(json_t *file, const char *registry, const char *repository,
			struct credential *credential, struct err *err)
{
	const json_t *helpers = json_object_get(file, "credHelpers");
	const char *helper = json_string_value(json_object_get(helpers, registry));
	const char *store = json_string_value(json_object_get(file, "credsStore"));
	int r = 0;

	if (helper && *helper)
		r = credential_helper(helper, registry, credential, err);
	if (r == 0)
		r = find_auths(json_object_get(file, "auths"), registry, repository, credential,
			       err);
	if (r == 0 && store && *store)
		r = credential_helper(store, registry, credential, err);
	return r;
}

/* A file that was asked for must be there; the usual ones need not. */
static int try_file(const char *path, bool must, const char *registry, const char *repository,
		    struct credential *credential, struct err *err)
{
	_cleanup_(document_drop) json_t *file = NULL;
	char *text = NULL;
	size_t len = 0;
	json_error_t error;
	int r = file_read(path, FILE_MAX, &text, &len, err);

	if (r < 0)
		return must || (r != -ENOENT && r != -ENOTDIR && r != -EACCES) ? r : 0;
	file = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	explicit_bzero(text, len);
	free(text);
	/* jansson's own text would show a piece of the file. */
	if (!json_is_object(file))
		return err_set(err, -EINVAL, "%s is no valid file of credentials (line %d)", path,
			       file ? 1 : error.line);
	r = find_in_file(file, registry, repository, credential, err);
	return r < 0 ? err_prefix(err, "%s", path) : r;
}

static int try_usual(const char *registry, const char *repository, struct credential *credential,
		     struct err *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *docker = getenv("DOCKER_CONFIG");
	const char *home = getenv("HOME");
	char paths[3][512] = {"", "", ""};
	int r = 0;

	if (runtime && *runtime)
		snprintf(paths[0], sizeof(paths[0]), "%s/containers/auth.json", runtime);
	else
		snprintf(paths[0], sizeof(paths[0]), "/run/containers/%u/auth.json",
			 (unsigned)getuid());
	if (config && *config)
		snprintf(paths[1], sizeof(paths[1]), "%s/containers/auth.json", config);
	else if (home && *home)
		snprintf(paths[1], sizeof(paths[1]), "%s/.config/containers/auth.json", home);
	if (docker && *docker)
		snprintf(paths[2], sizeof(paths[2]), "%s/config.json", docker);
	else if (home && *home)
		snprintf(paths[2], sizeof(paths[2]), "%s/.docker/config.json", home);
	for (size_t i = 0; i < ARRAY_LEN(paths) && r == 0; i++)
		if (*paths[i])
			r = try_file(paths[i], false, registry, repository, credential, err);
	return r;
}

int credential_find(const struct credential_sources *sources, const char *registry,
		    const char *repository, struct credential *credential, struct err *err)
{
	const char *file = sources->authfile ? sources->authfile : getenv("REGISTRY_AUTH_FILE");
	const char *text = sources->creds;
	int r;

	*credential = (struct credential){0};
	if (!text && sources->ghcr_creds && strcmp(registry, "ghcr.io") == 0)
		text = sources->ghcr_creds;
	if (text) {
		r = credential_split(text, credential, err);
		return r < 0 ? r : 1;
	}
	if (file && *file)
		return try_file(file, true, registry, repository, credential, err);
	return try_usual(registry, repository, credential, err);
}
