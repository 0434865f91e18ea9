#include "supervisor/ctl/systemctl_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "supervisor/unit.h"

#define CONFIG "/etc/hakim"

/* The earlier wins. The first two are of hakim: what lies there is wanted at boot. */
static const char *const directories[] = {
	CONFIG "/modules",     HAKIM_LIBDIR "/modules",         "/etc/systemd/system",
	"/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
	"/lib/systemd/system",
};
#define MODULE_DIRECTORIES 2

/* "" and /dev/null hide what is behind them. */
static bool is_mask(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 &&
	       (S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && !st.st_size));
}

static bool exists(const char *directory, const char *name)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return false;
	}
	return lstat(path, &st) == 0;
}

/* The template of an instance: "x@y.service" is "x@.service". */
static bool template_of(const char *name, char template[static UNIT_NAME_MAX])
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	if (!at || !dot || dot <= at + 1)
		return false;
	return snprintf(template, UNIT_NAME_MAX, "%.*s%s", (int)(at + 1 - name), name, dot) <
	       UNIT_NAME_MAX;
}

/* 1: it is there, at file->path or as a mask; 0: not; -ENOMEM. `*directory` is its rank. */
static int find_in(const char *name, struct sc_file *file, size_t *directory)
{
	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		_cleanup_free_ char *path = NULL;
		struct stat st;

		if (asprintf(&path, "%s/%s", directories[i], name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		if (lstat(path, &st) < 0)
			continue;
		*directory = i;
		file->masked = is_mask(path);
		/* Through links, as systemd shows it. */
		file->path = file->masked ? steal_ptr(&path) : realpath(path, NULL);
		if (!file->path)
			file->path = steal_ptr(&path);
		return file->path ? 1 : -ENOMEM;
	}
	return 0;
}

bool sc_file_has(const char *path, const char *section, const char *directive)
{
	_cleanup_fclose_ FILE *file = path ? fopen(path, "re") : NULL;
	size_t room = 0, len = strlen(section), named = strlen(directive);
	_cleanup_free_ char *line = NULL;
	bool inside = false, found = false;

	while (file && !found && getline(&line, &room, file) >= 0) {
		if (*line == '[')
			inside = strncmp(line + 1, section, len) == 0 && line[len + 1] == ']';
		else
			found = inside && *line >= 'A' && *line <= 'Z' && strchr(line, '=') &&
				strncmp(line, directive, named) == 0;
	}
	return found;
}

static const char *enabled_word(const char *name, const struct sc_file *file, size_t directory)
{
	if (file->masked)
		return "masked";
	if (directory < MODULE_DIRECTORIES)
		return exists(CONFIG "/disabled", name) ? "disabled" : "enabled";
	if (exists(CONFIG "/enabled", name))
		return "enabled";
	return sc_file_has(file->path, "Install", "") ? "disabled" : "static";
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_dropins(const char *name, struct strv *dropins)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(directories) && r == 0; i++) {
		_cleanup_free_ char *path = NULL;
		_cleanup_closedir_ DIR *d = NULL;
		struct dirent *entry;

		if (asprintf(&path, "%s/%s.d", directories[i], name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		d = opendir(path);
		while (d && r == 0 && (entry = readdir(d))) {
			size_t len = strlen(entry->d_name);
			char *one;

			if (len < 6 || strcmp(entry->d_name + len - 5, ".conf") != 0)
				continue;
			r = asprintf(&one, "%s/%s", path, entry->d_name) < 0
				    ? -ENOMEM
				    : strv_take(dropins, one);
		}
	}
	if (dropins->n)
		qsort(dropins->v, dropins->n, sizeof(*dropins->v), by_name);
	return r;
}

int sc_file_find(const char *name, struct sc_file *file)
{
	char template[UNIT_NAME_MAX];
	size_t directory = 0;
	int r = strchr(name, '/') ? 0 : find_in(name, file, &directory);

	if (r == 0 && template_of(name, template))
		r = find_in(template, file, &directory);
	file->enabled = r > 0 ? enabled_word(name, file, directory) : "not-found";
	if (r > 0)
		r = add_dropins(name, &file->dropins);
	return r < 0 ? r : 0;
}

void sc_file_free(struct sc_file *file)
{
	free(file->path);
	file->path = NULL;
	strv_free(&file->dropins);
}

int sc_file_list(struct strv *names)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		_cleanup_closedir_ DIR *d = opendir(directories[i]);
		struct dirent *entry;

		while (d && r == 0 && (entry = readdir(d)))
			if (unit_name_valid(entry->d_name) && !strv_has(names, entry->d_name))
				r = strv_add(names, entry->d_name);
	}
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
	return r;
}
