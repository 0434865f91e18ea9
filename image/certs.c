#include "image/certs.h"

#include <errno.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/file.h"

#define CERT_MAX (1u << 20)

/* Appends a file and a newline. */
static int append(struct certs *certs, const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	char *grown;
	int r;

	r = file_read(path, CERT_MAX, &text, &len, err);
	if (r < 0)
		return r;
	grown = realloc(certs->ca, certs->ca_len + len + 2);
	if (!grown)
		return err_set(err, -ENOMEM, "no memory for a certificate");
	memcpy(grown + certs->ca_len, text, len);
	memcpy(grown + certs->ca_len + len, "\n", 2);
	certs->ca = grown;
	certs->ca_len += len + 1;
	return 0;
}

static bool ends(const char *name, const char *with)
{
	size_t len = strlen(name);

	return len > strlen(with) && strcmp(name + len - strlen(with), with) == 0;
}

static int read_entry(const char *dir, const char *name, struct certs *certs, struct err *err)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return err_set(err, -ENOMEM, "no memory for a certificate");
	if (ends(name, ".crt"))
		return append(certs, path, err);
	if (ends(name, ".cert") && !certs->cert) {
		if (asprintf(&certs->key, "%.*s.key", (int)(strlen(path) - 5), path) < 0)
			return err_set(err, -ENOMEM, "no memory for a certificate");
		certs->cert = steal_ptr(&path);
	}
	return 0;
}

static int read_dir(const char *dir, struct certs *certs, struct err *err)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, NULL, alphasort);
	int r = 0;

	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES
			       ? 0
			       : err_sys(err, -errno, "cannot read %s", dir);
	for (int i = 0; i < n; i++) {
		if (r >= 0)
			r = read_entry(dir, names[i]->d_name, certs, err);
		free(names[i]);
	}
	free(names);
	return r;
}

int certs_read(const char *host, const char *cacert, struct certs *certs, struct err *err)
{
	const char *home = getenv("HOME");
	const char *const bases[] = {home ? home : "", "/etc/containers/certs.d",
				     "/etc/docker/certs.d"};
	int r = 0;

	*certs = (struct certs){0};
	if (cacert)
		r = append(certs, cacert, err);
	for (size_t i = 0; i < ARRAY_LEN(bases) && r >= 0; i++) {
		_cleanup_free_ char *dir = NULL;

		if (!*bases[i])
			continue;
		if (asprintf(&dir, "%s%s/%s", bases[i], i == 0 ? "/.config/containers/certs.d" : "",
			     host) < 0)
			r = err_set(err, -ENOMEM, "no memory for a certificate");
		else
			r = read_dir(dir, certs, err);
	}
	if (r < 0)
		certs_free(certs);
	return r;
}

void certs_free(struct certs *certs)
{
	free(certs->ca);
	free(certs->cert);
	free(certs->key);
	*certs = (struct certs){0};
}
