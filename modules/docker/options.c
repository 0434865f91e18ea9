#include "modules/docker/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t\r\n"

/* Where the value of "key" begins. A key within a text would have its quotes escaped. */
static const char *config_value(const char *config, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = config; (at = strchr(at, '"')); at++) {
		const char *after = at + 1 + len;

		if (strncmp(at + 1, key, len) != 0 || *after != '"')
			continue;
		after++;
		after += strspn(after, BLANKS);
		if (*after == ':')
			return after + 1 + strspn(after + 1, BLANKS);
	}
	return NULL;
}

bool config_has(const char *config, const char *key)
{
	return config_value(config, key) != NULL;
}

bool config_text(const char *config, const char *key, char *value, size_t size)
{
	const char *at = config_value(config, key);
	size_t len;

	if (!at || *at != '"')
		return false;
	len = strcspn(++at, "\"\\");
	if (at[len] != '"' || len >= size)
		return false;
	memcpy(value, at, len);
	value[len] = '\0';
	return true;
}

int options_path(const char *variable, const char *path, struct err *err)
{
	if (*path != '/' || strlen(path) > 1024)
		return err_set(err, -EINVAL, "%s=%.80s is not an absolute path", variable, path);
	for (const char *at = path; *at; at++)
		if ((unsigned char)*at <= ' ' || strchr("\"'\\$", *at))
			return err_set(err, -EINVAL,
				       "%s=%.80s: blanks, quotes, \\ and $ cannot be in it",
				       variable, path);
	return 0;
}

int options_write(const struct docker_options *options, char *text, size_t size)
{
	const struct {
		const char *key, *option, *value;
		bool wanted;
	} rows[] = {
		{"hosts", "host", "unix:///var/run/docker.sock", true},
		{"pidfile", "pidfile", "/var/run/docker.pid", true},
		{"group", "group", options->group, *options->group},
		{"data-root", "data-root", options->data_root, true},
		{"exec-root", "exec-root", options->exec_root, true},
		{"storage-driver", "storage-driver", options->driver, *options->driver},
		{"bridge", "bridge", "none", options->bare},
		{"iptables", "iptables", "false", options->bare},
		{"ip6tables", "ip6tables", "false", options->bare},
		{"ip-forward", "ip-forward", "false", options->bare},
		{"ip-masq", "ip-masq", "false", options->bare},
	};
	size_t len = (size_t)snprintf(text, size, "HAKIM_DOCKER_OPTIONS=");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && len < size; i++)
		if (rows[i].wanted && !config_has(options->config, rows[i].key))
			len += (size_t)snprintf(text + len, size - len, "--%s=%s ", rows[i].option,
						rows[i].value);
	if (len + 1 >= size)
		return -E2BIG;
	memcpy(text + len, "\n", 2);
	return 0;
}
