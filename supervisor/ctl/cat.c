/*
 * cat.c - `hakimctl cat`: asks no supervisor, so that it is true in an image that is being built.
 */
#include "supervisor/ctl/cat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/systemctl_file.h"

static int cat_file(const char *path, const struct look *look, bool first, struct err *err)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	if (!file)
		return err_sys(err, -errno, "%s cannot be read", path);
	printf("%s# %s\n", first ? "" : "\n", path);
	while (getline(&line, &room, file) >= 0) {
		_cleanup_free_ char *clean = NULL;

		line[strcspn(line, "\n")] = '\0';
		clean = look->terminal ? show_clean(line, look, true) : NULL;
		puts(clean ? clean : line);
	}
	return 0;
}

int cat_files(const char *path, const struct strv *dropins, const struct look *look, bool first,
	      struct err *err)
{
	int r = cat_file(path, look, first, err);

	for (size_t i = 0; i < dropins->n; i++) {
		int one = cat_file(dropins->v[i], look, false, r < 0 ? NULL : err);

		r = r < 0 ? r : one;
	}
	return r;
}

/* "name" is name.service. */
static int find(const char *name, struct sc_file *file)
{
	_cleanup_free_ char *full = NULL;

	if (!unit_name_valid(name) && asprintf(&full, "%s.service", name) < 0) {
		full = NULL;
		return -ENOMEM;
	}
	return sc_file_find(full ? full : name, file);
}

int ctl_cat(struct ctl *ctl)
{
	int status = CTL_OK;

	for (size_t i = 0; i < ctl->args.n_names; i++) {
		_cleanup_(sc_file_free) struct sc_file file = {0};
		struct err err = {0};

		if (find(ctl->args.names[i], &file) < 0)
			return ctl_complain(CTL_FAILED, "there is not enough memory");
		if (!file.path)
			status = ctl_complain(CTL_NO_UNIT, "there is no unit file of %.200s",
					      ctl->args.names[i]);
		else if (cat_files(file.path, &file.dropins, &ctl->look, i == 0, &err) < 0)
			status = ctl_complain(CTL_FAILED, "%s", err.text);
	}
	return status;
}
