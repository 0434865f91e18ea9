#include "supervisor/directories.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/remove_tree.h"

static const struct {
	const char *root, *variable;
	bool owned; /* by the user of the service; /etc is the administrator's */
} kinds[DIRECTORY_KINDS] = {
	[DIRECTORY_RUNTIME] = {"/run", "RUNTIME_DIRECTORY", true},
	[DIRECTORY_STATE] = {"/var/lib", "STATE_DIRECTORY", true},
	[DIRECTORY_CACHE] = {"/var/cache", "CACHE_DIRECTORY", true},
	[DIRECTORY_LOGS] = {"/var/log", "LOGS_DIRECTORY", true},
	[DIRECTORY_CONFIGURATION] = {"/etc", "CONFIGURATION_DIRECTORY", false},
};

const char *directory_root(enum directory_kind kind)
{
	return kinds[kind].root;
}

/* Makes ROOT/a/b, and gives the last one its owner and mode. */
static int make_directory(unsigned kind, const char *relative, const struct identity *id,
			  mode_t mode, struct err *err)
{
	const char *root = kinds[kind].root;
	_cleanup_close_ int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *at = relative;

	if (dir < 0)
		return err_sys(err, -errno, "%s cannot be opened", root);
	while (*at) {
		size_t len = strcspn(at, "/");
		char name[256];
		int next;

		if (len == 0 || len >= sizeof(name))
			return err_set(err, -EINVAL, "%s/%s is no good directory name", root,
				       relative);
		memcpy(name, at, len);
		name[len] = '\0';
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return err_sys(err, -errno, "%s/%s cannot be made", root, relative);
		next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return err_sys(err, -errno, "%s/%s cannot be opened", root, relative);
		close(dir);
		dir = next;
		at += len;
		at += strspn(at, "/");
	}
	if (id->set && kinds[kind].owned && fchown(dir, id->uid, id->gid) < 0)
		return err_sys(err, -errno, "%s/%s cannot be given to the user", root, relative);
	if (fchmod(dir, mode) < 0)
		return err_sys(err, -errno, "%s/%s cannot be given its mode", root, relative);
	return 0;
}

int directories_make(const struct unit *unit, const struct identity *id, struct strv *env,
		     struct err *err)
{
	for (unsigned k = 0; k < DIRECTORY_KINDS; k++) {
		char list[1024] = "";
		size_t used = 0;

		for (size_t i = 0; i < unit->directories[k].n; i++) {
			const char *dir = unit->directories[k].v[i];
			int r = make_directory(k, dir, id, unit->directory_mode[k], err);

			if (r < 0)
				return r;
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s/%s",
						 used ? ":" : "", kinds[k].root, dir);
			if (used >= sizeof(list))
				return err_set(err, -E2BIG, "%s has too many directories",
					       unit->name);
		}
		if (used && strv_env_set(env, kinds[k].variable, list) < 0)
			return err_sys(err, -ENOMEM, "its environment");
	}
	return 0;
}

void directories_end(const struct unit *unit, bool restarts)
{
	const struct strv *list = &unit->directories[DIRECTORY_RUNTIME];

	if (unit->exec.runtime_preserve == PRESERVE_YES ||
	    (unit->exec.runtime_preserve == PRESERVE_RESTART && restarts))
		return;
	for (size_t i = 0; i < list->n; i++)
		remove_tree("/run", list->v[i]);
}
