#include "supervisor/ctl/logsource.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/logrecord.h"

#define DIRS       (2 + CLIENT_PLACES)
#define SUPERVISOR "hakim-supervisor" /* its own log */

void log_files_free(struct log_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		if (files->fds[i] >= 0)
			close(files->fds[i]);
	files->n = 0;
}

bool log_same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* A rotation while they were opened shows one twice. Takes the fd. */
static void files_add(struct log_files *files, int fd)
{
	if (files->n == LOG_FILES_MAX ||
	    (files->n && log_same_file(files->fds[files->n - 1], fd))) {
		close(fd);
		return;
	}
	files->fds[files->n++] = fd;
}

/* ---- without a supervisor ---- */

struct dir {
	char path[128];
};

/* Where a supervisor may log to, in the order of its own choice. */
static unsigned dirs_of(struct dir dirs[static DIRS])
{
	struct client_place places[CLIENT_PLACES];
	unsigned n_places = client_places(places), n = 0;
	const char *given = getenv("HAKIM_LOG_DIR");

	if (given && *given == '/')
		snprintf(dirs[n++].path, sizeof(dirs->path), "%s", given);
	snprintf(dirs[n++].path, sizeof(dirs->path), "/var/log/hakim");
	for (unsigned i = 0; i < n_places; i++)
		if (client_trusts(places[i].dir, NULL) == 0)
			snprintf(dirs[n++].path, sizeof(dirs->path), "%s/log", places[i].dir);
	return n;
}

static int open_all(const char *dir, const char *file, struct log_files *files)
{
	unsigned missing = 0;

	/* A rotation that was cut short leaves one number out. */
	for (unsigned i = 0; i < LOG_FILES_MAX && missing < 2; i++) {
		int fd = log_file_reader(dir, file, i);

		if (fd < 0 && fd != -ENOENT)
			return fd;
		if (i == 0)
			files->current = fd >= 0;
		missing = fd < 0 ? missing + 1 : 0;
		if (fd >= 0)
			files_add(files, fd);
	}
	return 0;
}

static int files_direct(struct log_source *s, const char *name, struct log_files *files,
			struct err *err)
{
	struct log_file file = {.fd = -EBADF};
	struct dir dirs[DIRS];
	unsigned n = dirs_of(dirs);

	if (strcmp(name, "hakim") == 0)
		name = SUPERVISOR;
	if (log_file_name(&file, name) < 0)
		return err_set(err, CLIENT_NO_UNIT, "there is no unit %s", name);
	/* Who left out the suffix means a service. */
	snprintf(files->unit, sizeof(files->unit), "%s%s", name,
		 strchr(name, '.') || strcmp(name, SUPERVISOR) == 0 ? "" : ".service");
	for (unsigned i = 0; i < n && !files->n; i++) {
		int r = open_all(dirs[i].path, file.name, files);

		if (r < 0 && r != -ENOENT && r != -ENOTDIR)
			return err_sys(err, r, "%s/%s cannot be read", dirs[i].path, file.name);
		if (files->n)
			snprintf(s->dir, sizeof(s->dir), "%s", dirs[i].path);
	}
	if (files->n)
		return 0;
	return err_set(err, s->why.code, "%s; and there is no log of %s", s->why.text, name);
}

/* "NAME" of "NAME.log" and "NAME.log.1", also compressed; false: it is none. */
static bool name_of_file(const char *file, char name[static LOG_UNIT_MAX])
{
	const char *end = NULL;

	for (const char *p = file; (p = strstr(p, ".log")); p++)
		if (!p[4] || (p[4] == '.' && p[5] >= '1' && p[5] <= '9'))
			end = p;
	if (!end || end == file || *file == '.')
		return false;
	snprintf(name, LOG_UNIT_MAX, "%.*s", (int)(end - file), file);
	return true;
}

bool log_source_stem(const char *file, char stem[static LOG_UNIT_MAX])
{
	return name_of_file(file, stem) && strlen(stem) + strlen(".log") == strlen(file);
}

static bool matches(const char *pattern, const char *unit)
{
	char stem[LOG_UNIT_MAX];

	snprintf(stem, sizeof(stem), "%.*s", record_name_len(unit), unit);
	return fnmatch(pattern, unit, 0) == 0 || fnmatch(pattern, stem, 0) == 0;
}

static int add_name(struct strv *names, const char *pattern, const char *name, struct err *err)
{
	int r;

	if (!matches(pattern, name) || strv_has(names, name))
		return 0;
	r = strv_add(names, name);
	return r < 0 ? err_sys(err, r, "the names") : 0;
}

static int names_direct(const char *pattern, struct strv *names, struct err *err)
{
	struct dir dirs[DIRS];
	unsigned n = dirs_of(dirs);

	for (unsigned i = 0; i < n; i++) {
		_cleanup_closedir_ DIR *d = opendir(dirs[i].path);
		struct dirent *e;

		while (d && (e = readdir(d))) {
			char name[LOG_UNIT_MAX];
			int r = 0;

			if (name_of_file(e->d_name, name))
				r = add_name(names, pattern, name, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- from the supervisor ---- */

/* Does nobody answer? Then it is so for all that is asked still. */
static bool nobody(struct log_source *s, int error, const struct err *err)
{
	if (client_exit_status(error) != CTL_NO_SUPERVISOR)
		return false;
	s->why = *err;
	return true;
}

static int files_asked(struct log_source *s, const char *name, struct log_files *files,
		       struct err *err)
{
	const char *const words[] = {"logs", name};
	_cleanup_(reply_free) struct reply reply = {0};
	const char *unit, *path;
	int r = client_ask_once(words, ARRAY_LEN(words), CLIENT_TIMEOUT_MS, &reply, err);

	if (r < 0)
		return r;
	unit = json_string_value(json_object_get(json_array_get(reply.packets, 0), "name"));
	snprintf(files->unit, sizeof(files->unit), "%s", unit ? unit : name);
	path = json_string_value(json_object_get(json_array_get(reply.packets, 0), "path"));
	if (path && strrchr(path, '/'))
		snprintf(s->dir, sizeof(s->dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	files->current =
		!json_is_false(json_object_get(json_array_get(reply.packets, 0), "current"));
	for (unsigned i = 0; i < reply.n_fds; i++)
		files_add(files, reply.fds[i]);
	reply.n_fds = 0;
	return 0;
}

int log_source_files(struct log_source *s, const char *name, struct log_files *files,
		     struct err *err)
{
	int r;

	files->n = 0;
	if (!s->direct) {
		r = files_asked(s, name, files, err);
		if (r >= 0 || !nobody(s, r, err))
			return r;
	}
	r = files_direct(s, name, files, err);
	if (r < 0)
		log_files_free(files);
	s->direct = s->direct || r == 0;
	return r;
}

int log_source_names(struct log_source *s, const char *pattern, struct strv *names, struct err *err)
{
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	json_t *packet;
	int r = 0;

	if (!s->direct) {
		r = client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, err);
		if (r < 0 && !nobody(s, r, err))
			return r;
		s->direct = r < 0;
	}
	if (s->direct)
		return names_direct(pattern, names, err);
	for (size_t i = 0; r >= 0 && (packet = json_array_get(reply.packets, i)); i++) {
		const char *type = json_string_value(json_object_get(packet, "type"));
		const char *name = json_string_value(json_object_get(packet, "name"));

		if (type && strcmp(type, "unit") == 0 && name)
			r = add_name(names, pattern, name, err);
	}
	return r < 0 ? r : add_name(names, pattern, SUPERVISOR, err);
}
