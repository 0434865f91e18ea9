#include "image/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/document.h"

static const char what[] = "the configuration";

static int read_list(const json_t *object, const char *key, struct strv *list, struct err *err)
{
	const json_t *array = json_object_get(object, key);

	if (!array || json_is_null(array))
		return 0;
	if (!json_is_array(array))
		return err_set(err, -EPROTO, "\"%s\" of %s is no list", key, what);
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *item = json_array_get(array, i);

		if (!json_is_string(item))
			return err_set(err, -EPROTO, "\"%s\" of %s has an item that is no string",
				       key, what);
		if (strv_add(list, json_string_value(item)) < 0)
			return err_set(err, -ENOMEM, "no memory for %s", what);
	}
	return 0;
}

static int read_text(const json_t *object, const char *key, char **text, struct err *err)
{
	const char *value;
	int r;

	if (json_is_null(json_object_get(object, key)))
		return 0;
	r = document_string(object, key, what, &value, err);
	if (r < 0 || !value)
		return r;
	*text = strdup(value);
	return *text ? 0 : err_set(err, -ENOMEM, "no memory for %s", what);
}

static int read_run(const json_t *run, struct config *config, struct err *err)
{
	int r;

	if (!run || json_is_null(run))
		return 0;
	if (!json_is_object(run))
		return err_set(err, -EPROTO, "\"config\" of %s is no object", what);
	r = read_list(run, "Env", &config->env, err);
	if (r >= 0)
		r = read_list(run, "Entrypoint", &config->entrypoint, err);
	if (r >= 0)
		r = read_list(run, "Cmd", &config->cmd, err);
	if (r >= 0)
		r = read_text(run, "User", &config->user, err);
	if (r >= 0)
		r = read_text(run, "WorkingDir", &config->workdir, err);
	if (r >= 0)
		r = read_text(run, "StopSignal", &config->stop_signal, err);
	return r;
}

static int read_platform(const json_t *object, struct config *config, struct err *err)
{
	const char *os;
	const char *architecture;
	const char *variant;
	int r;

	r = document_string(object, "os", what, &os, err);
	if (r >= 0)
		r = document_string(object, "architecture", what, &architecture, err);
	if (r >= 0)
		r = document_string(object, "variant", what, &variant, err);
	if (r < 0)
		return r;
	if (!os || !architecture || !platform_set(&config->platform, os, architecture, variant))
		return err_set(err, -EPROTO, "%s does not say for which platform it is", what);
	config->has_variant = variant && *variant;
	return 0;
}

static int read_diff_ids(const json_t *object, struct config *config, struct err *err)
{
	const json_t *rootfs = json_object_get(object, "rootfs");
	int r = read_list(rootfs, "diff_ids", &config->diff_ids, err);

	for (size_t i = 0; i < config->diff_ids.n && r >= 0; i++) {
		struct digest digest;

		r = digest_parse(config->diff_ids.v[i], strlen(config->diff_ids.v[i]), &digest,
				 err);
		if (r < 0 || digest.kind != DIGEST_SHA256)
			return err_set(err, -EPROTO, "a diff_id of %s is no sha256", what);
	}
	return r;
}

int config_read(const char *bytes, size_t len, struct config *config, struct err *err)
{
	_cleanup_(document_drop) json_t *object = NULL;
	int r;

	*config = (struct config){0};
	r = document_load(bytes, len, what, &object, err);
	if (r >= 0)
		r = read_platform(object, config, err);
	if (r >= 0)
		r = read_diff_ids(object, config, err);
	if (r >= 0)
		r = read_run(json_object_get(object, "config"), config, err);
	if (r >= 0)
		r = read_text(object, "created", &config->created, err);
	if (r < 0)
		config_free(config);
	return r;
}

void config_free(struct config *config)
{
	strv_free(&config->diff_ids);
	strv_free(&config->env);
	strv_free(&config->entrypoint);
	strv_free(&config->cmd);
	free(config->user);
	free(config->workdir);
	free(config->stop_signal);
	free(config->created);
	*config = (struct config){0};
}

int config_check(const struct config *config, const struct platform *platform, size_t layers,
		 struct err *err)
{
	char is[PLATFORM_TEXT_MAX];
	char wanted[PLATFORM_TEXT_MAX];

	platform_text(&config->platform, is);
	platform_text(platform, wanted);
	if (strcmp(config->platform.os, "unknown") == 0)
		return err_set(err, -ENOTSUP, "it is an attestation, and no image of a container");
	if (strcmp(config->platform.os, platform->os) != 0 ||
	    strcmp(config->platform.architecture, platform->architecture) != 0 ||
	    (config->has_variant && strcmp(config->platform.variant, platform->variant) != 0))
		return err_set(err, -ENOTSUP, "the image is for %s, and one for %s is wanted", is,
			       wanted);
	if (config->diff_ids.n != layers)
		return err_set(err, -EPROTO,
			       "the manifest has %zu layers, and the configuration %zu: refused",
			       layers, config->diff_ids.n);
	return 0;
}
