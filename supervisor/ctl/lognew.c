#include "supervisor/ctl/lognew.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/cleanup.h"

int log_new_watch(const struct log_set *set)
{
	_cleanup_close_ int fd = -EBADF;

	if (!set->patterns.n || !set->source.dir[0])
		return -1;
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0 || inotify_add_watch(fd, set->source.dir, IN_CREATE | IN_MOVED_TO) < 0)
		return -1;
	return steal_fd(&fd);
}

static bool is_wanted(const struct log_set *set, const char *stem)
{
	char unit[LOG_UNIT_MAX + 16];

	snprintf(unit, sizeof(unit), "%s.service", stem);
	if (log_set_has(set, stem) || log_set_has(set, unit))
		return false;
	for (size_t i = 0; i < set->patterns.n; i++)
		if (fnmatch(set->patterns.v[i], stem, 0) == 0 ||
		    fnmatch(set->patterns.v[i], unit, 0) == 0)
			return true;
	return false;
}

static int take_file(struct log_set *set, const char *file,
		     int (*add)(struct log_set *set, const char *name, struct log_files *files))
{
	_cleanup_(log_files_free) struct log_files files = {0};
	char stem[LOG_UNIT_MAX];
	struct err err = {0};

	if (!log_source_stem(file, stem) || !is_wanted(set, stem))
		return 0;
	/* A file that is no unit's is left alone. */
	if (log_source_files(&set->source, stem, &files, &err) < 0 || !files.n ||
	    log_set_has(set, files.unit))
		return 0;
	return add(set, stem, &files);
}

int log_new_take(struct log_set *set, int fd, bool all,
		 int (*add)(struct log_set *set, const char *name, struct log_files *files))
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	_cleanup_closedir_ DIR *d = all ? opendir(set->source.dir) : NULL;
	const struct dirent *entry;
	ssize_t n = 0;
	int r = 0;

	while (r >= 0 && d && (entry = readdir(d)))
		r = take_file(set, entry->d_name, add);
	if (!all)
		n = read(fd, buf, sizeof(buf));
	for (ssize_t at = 0; r >= 0 && at < n;) {
		const struct inotify_event *e = (const struct inotify_event *)(buf + at);

		if (e->len)
			r = take_file(set, e->name, add);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	return r;
}
