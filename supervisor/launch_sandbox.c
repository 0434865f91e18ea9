/*
 * launch_sandbox.c - the protections of a service, with what they need of this container: made for
 * each of its processes before it is cloned.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/directories.h"
#include "supervisor/manager.h"
#include "supervisor/remove_tree.h"
#include "supervisor/syscall_filter.h"

/* On the disk, as /tmp is, and not in /tmp: nobody else can make a name there first. */
#define PRIVATE_ROOT "/var/lib/hakim/private"

static bool make_public(const char *path)
{
	/* The mode apart, whatever the umask. */
	return (mkdir(path, 01777) == 0 || errno == EEXIST) && chmod(path, 01777) == 0;
}

/* The directories that a service sees as /tmp and /var/tmp; all of its processes share them. False:
 * they cannot be had, an empty file system takes their place. */
static bool private_tmp_make(const char *unit, char *dir, size_t size)
{
	char path[256];

	if ((mkdir("/var/lib/hakim", 0755) < 0 && errno != EEXIST) ||
	    (mkdir(PRIVATE_ROOT, 0700) < 0 && errno != EEXIST) ||
	    (size_t)snprintf(dir, size, PRIVATE_ROOT "/%s", unit) >= size ||
	    (mkdir(dir, 0700) < 0 && errno != EEXIST))
		return false;
	snprintf(path, sizeof(path), "%s/tmp", dir);
	if (!make_public(path))
		return false;
	snprintf(path, sizeof(path), "%s/var-tmp", dir);
	return make_public(path);
}

void launch_sandbox_end(const struct unit *unit)
{
	if (unit->sandbox.private_tmp)
		remove_tree(PRIVATE_ROOT, unit->name);
}

/* What RuntimeDirectory= and its kin made stays writable. */
static int own_directories(const struct unit *unit, struct strv *list)
{
	int r = 0;

	for (unsigned k = 0; k < DIRECTORY_CONFIGURATION; k++)
		for (size_t i = 0; i < unit->directories[k].n && r == 0; i++) {
			char *path;

			if (asprintf(&path, "%s/%s", directory_root(k), unit->directories[k].v[i]) <
			    0)
				return -ENOMEM;
			r = strv_take(list, path);
		}
	return r;
}

/* What another unit with the same words has got already. */
static void share_filters(const struct manager *m, struct unit_sandbox *sandbox)
{
	if (!sandbox_has_filter(sandbox, false))
		return;
	for (size_t i = 0; i < m->units.n && !sandbox->compiled; i++)
		syscall_filters_copy(sandbox, &m->units.v[i]->sandbox);
}

int launch_sandbox(struct service *s, const struct identity *id, struct sandbox_plan *plan,
		   struct err *err)
{
	_cleanup_(strv_free) struct strv writable = {0};
	struct unit *unit = s->unit;
	struct mount_places places = {0};
	char dir[128];
	int r = own_directories(unit, &writable);

	if (r < 0)
		return err_sys(err, r, "its file system namespace");
	places.writable = (const char *const *)writable.v;
	if (unit->sandbox.private_tmp && private_tmp_make(unit->name, dir, sizeof(dir)))
		places.private_dir = dir;
	share_filters(s->manager, &unit->sandbox);
	return sandbox_prepare(plan, &unit->sandbox, id, &places, unit->strict, err);
}
