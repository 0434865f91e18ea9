/*
 * systemctl_install.c - enable, disable, mask, unmask where no supervisor answers, as in an image
 * that is being built: the links that the supervisor reads at its start (docs/modules.md).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/systemctl_file.h"

#define CONFIG "/etc/hakim"

static int make_link(const char *to, const char *directory, const char *name, struct err *err)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return err_sys(err, -ENOMEM, "%s", name);
	}
	mkdir(CONFIG, 0755);
	mkdir(directory, 0755);
	if (symlink(to, path) < 0 && errno != EEXIST)
		return err_sys(err, -errno, "%s cannot be made", path);
	return 0;
}

static int remove_link(const char *directory, const char *name, struct err *err)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return err_sys(err, -ENOMEM, "%s", name);
	}
	/* Never a file that somebody wrote. */
	if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	return unlink(path) < 0 ? err_sys(err, -errno, "%s cannot be removed", path) : 0;
}

static bool is_module(const struct sc_file *file)
{
	return strncmp(file->path, CONFIG "/modules/", strlen(CONFIG "/modules/")) == 0 ||
	       strncmp(file->path, HAKIM_LIBDIR "/modules/", strlen(HAKIM_LIBDIR "/modules/")) == 0;
}

int sc_file_install(const char *verb, const char *name, struct err *err)
{
	_cleanup_(sc_file_free) struct sc_file file = {0};
	int r = sc_file_find(name, &file);

	if (r < 0)
		return err_sys(err, r, "%s", name);
	if (strcmp(verb, "mask") == 0)
		return make_link("/dev/null", CONFIG "/modules", name, err);
	if (strcmp(verb, "unmask") == 0)
		return file.masked ? remove_link(CONFIG "/modules", name, err) : 0;
	if (!file.path)
		return err_set(err, -ENXIO, "there is no unit %s", name);
	if (file.masked)
		return err_set(err, -EPERM, "Unit file %s is masked.", name);
	if (strcmp(verb, "enable") == 0)
		return is_module(&file) ? remove_link(CONFIG "/disabled", name, err)
					: make_link(file.path, CONFIG "/enabled", name, err);
	return is_module(&file) ? make_link("/dev/null", CONFIG "/disabled", name, err)
				: remove_link(CONFIG "/enabled", name, err);
}
