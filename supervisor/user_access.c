#include "supervisor/user_access.h"

#include <stdlib.h>
#include <sys/fsuid.h>
#include <unistd.h>

int user_find(struct identity *id, struct err *err)
{
	const char *user = getenv("CODER_USER");

	return identity_find(user && *user ? user : "coder", NULL, id, err);
}

/* setfsuid(2) is of the thread alone, and takes the capabilities about files with it (see
 * capabilities(7), "Effect of user ID changes"). */
void user_access_begin(const struct identity *user)
{
	if (!user || !user->set)
		return;
	setfsgid(user->gid);
	setfsuid(user->uid);
}

void user_access_end(void)
{
	setfsuid(geteuid());
	setfsgid(getegid());
}
