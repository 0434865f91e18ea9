#include "supervisor/dynamic_user.h"

#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>

#include "common/cleanup.h"

#define RANGE (DYNAMIC_UID_MAX - DYNAMIC_UID_MIN + 1)

uid_t dynamic_uid(const char *name, dynamic_taken taken, void *arg)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (const char *p = name; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	for (uint32_t i = 0; i < RANGE; i++) {
		uid_t uid = DYNAMIC_UID_MIN + (hash % RANGE + i) % RANGE;

		if (!taken(arg, uid))
			return uid;
	}
	return 0;
}

bool dynamic_uid_known(uid_t uid)
{
	_cleanup_fclose_ FILE *users = fopen("/etc/passwd", "re"),
			      *groups = fopen("/etc/group", "re");
	struct passwd *user;
	struct group *group;

	while (users && (user = fgetpwent(users)))
		if (user->pw_uid == uid)
			return true;
	while (groups && (group = fgetgrent(groups)))
		if (group->gr_gid == uid)
			return true;
	return false;
}

void dynamic_identity(const char *name, uid_t uid, struct identity *id)
{
	*id = (struct identity){.set = true, .uid = uid, .gid = uid, .n_groups = 1};
	id->groups[0] = uid;
	snprintf(id->name, sizeof(id->name), "%s", name);
	snprintf(id->home, sizeof(id->home), "/");
	snprintf(id->shell, sizeof(id->shell), "/usr/sbin/nologin");
}
