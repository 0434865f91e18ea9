#include "supervisor/user_access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

int user_find(struct identity *id, struct err *err)
{
	const char *user = getenv("CODER_USER");

	return identity_find(user && *user ? user : "coder", NULL, id, err);
}

/* setfsuid(2) is of the thread alone, and takes the capabilities about files with it (see
 * capabilities(7), "Effect of user ID changes"). With an id that is none it only says which it was.
 */
bool user_access_begin(const struct identity *user)
{
	if (!user || !user->set || (uid_t)setfsuid((uid_t)-1) == user->uid)
		return false;
	setfsgid(user->gid);
	setfsuid(user->uid);
	return true;
}

void user_access_end(bool begun)
{
	if (!begun)
		return;
	setfsuid(geteuid());
	setfsgid(getegid());
}

void user_runtime_dir_make(const struct identity *user)
{
	char path[64];

	if (!user || !user->name[0])
		return;
	if (mkdir("/run/user", 0755) < 0 && errno != EEXIST)
		return;
	snprintf(path, sizeof(path), "/run/user/%u", user->uid);
	/* /run/user is root's: nobody else can have put something else in this place. */
	if (mkdir(path, 0700) == 0 && user->set && lchown(path, user->uid, user->gid) < 0)
		rmdir(path);
}
