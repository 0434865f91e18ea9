#include "image/place.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"

int place_make(const char *path, mode_t mode, struct err *err)
{
	_cleanup_free_ char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	for (char *c = copy + 1;; c++) {
		char was = *c;

		if (was && was != '/')
			continue;
		*c = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST &&
		    (stat(copy, &st) < 0 || !S_ISDIR(st.st_mode)))
			return err_sys(err, -errno, "cannot make the directory %s", copy);
		*c = was;
		if (!was)
			break;
	}
	if (stat(path, &st) < 0)
		return err_sys(err, -errno, "cannot use %s", path);
	return S_ISDIR(st.st_mode) ? 0 : err_set(err, -ENOTDIR, "%s is no directory", path);
}

int place_is_mountpoint(const char *path, struct err *err)
{
	char real[PATH_MAX];
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;

	if (!realpath(path, real))
		return errno == ENOENT ? 0 : err_sys(err, -errno, "cannot look at %s", path);
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return err_sys(err, -errno, "cannot read /proc/self/mountinfo");
	while (getline(&line, &cap, f) >= 0) {
		char *rest = line, *field = NULL, *to;

		/* The fifth word is where; proc(5) writes blanks and such as \040. */
		for (unsigned i = 0; i < 5; i++)
			field = strsep(&rest, " ");
		if (!field)
			continue;
		to = field;
		for (const char *c = field; *c;) {
			if (c[0] == '\\' && c[1] >= '0' && c[1] <= '3' && c[2] && c[3]) {
				*to++ = (char)((c[1] - '0') << 6 | (c[2] - '0') << 3 |
					       (c[3] - '0'));
				c += 4;
			} else {
				*to++ = *c++;
			}
		}
		*to = '\0';
		if (strcmp(field, real) == 0)
			return 1;
	}
	return 0;
}
