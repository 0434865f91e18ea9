/*
 * options.h - dockerd's options of this start, as one line of an EnvironmentFile=. Pure: texts in,
 * text out.
 *
 * dockerd does not start when an option is also a key of daemon.json, so what is there is left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct docker_options {
	const char *config;    /* the text of /etc/docker/daemon.json, or "" */
	const char *data_root; /* absolute */
	const char *exec_root; /* absolute */
	const char *driver;    /* "": dockerd's own choice */
	const char *group;     /* whose the socket is; "": dockerd's default */
	bool bare;             /* neither a bridge nor iptables */
};

/* Whether the file has this key. */
bool config_has(const char *config, const char *key);
/* The key's value, when it is a text that fits; else false. */
bool config_text(const char *config, const char *key, char *value, size_t size);
/* -EINVAL: a path that cannot be one word; the sentence names its variable. */
int options_path(const char *variable, const char *path, struct err *err);
/* "HAKIM_DOCKER_OPTIONS=…\n"; -E2BIG. */
int options_write(const struct docker_options *options, char *text, size_t size);
