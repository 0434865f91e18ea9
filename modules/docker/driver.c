#include "modules/docker/driver.h"

#include <stdio.h>
#include <string.h>

static const char *const names[DRIVERS] = {
	[DRIVER_OVERLAY2] = "overlay2",
	[DRIVER_FUSE] = "fuse-overlayfs",
	[DRIVER_VFS] = "vfs",
};

const char *driver_name(enum driver driver)
{
	return names[driver];
}

/* The best one that works and was not tried in vain; vfs when there is none. */
static enum driver best(const struct driver_facts *facts)
{
	for (enum driver d = 0; d < DRIVER_VFS; d++)
		if (facts->of[d].works && !facts->of[d].tried)
			return d;
	return DRIVER_VFS;
}

/* The best one that has images; DRIVERS when none has. */
static enum driver with_images(const struct driver_facts *facts)
{
	for (enum driver d = 0; d < DRIVERS; d++)
		if (facts->of[d].has_images)
			return d;
	return DRIVERS;
}

static void remark_vfs(const struct driver_facts *facts, struct driver_choice *choice)
{
	snprintf(choice->remark, sizeof(choice->remark),
		 "vfs copies every layer whole: overlay2: %s; fuse-overlayfs: %s. On the host, "
		 "'pct set <ctid> "
		 "--features nesting=1,fuse=1' allows better",
		 facts->of[DRIVER_OVERLAY2].tried ? "dockerd did not start on it"
						  : facts->of[DRIVER_OVERLAY2].why,
		 facts->of[DRIVER_FUSE].tried ? "dockerd did not start on it"
					      : facts->of[DRIVER_FUSE].why);
}

void driver_choose(const struct driver_facts *facts, struct driver_choice *choice)
{
	enum driver kept = with_images(facts), chosen = best(facts);

	*choice = (struct driver_choice){0};
	if (facts->wish && *facts->wish && strcmp(facts->wish, "auto") != 0) {
		snprintf(choice->name, sizeof(choice->name), "%s", facts->wish);
		return;
	}
	if (kept < DRIVERS && facts->of[kept].works && !facts->of[kept].tried) {
		snprintf(choice->name, sizeof(choice->name), "%s", names[kept]);
		if (chosen < kept)
			snprintf(choice->remark, sizeof(choice->remark),
				 "%s holds images, so it is kept; %s would be better: "
				 "DOCKER_STORAGE_DRIVER=%s begins anew with it",
				 names[kept], names[chosen], names[chosen]);
		return;
	}
	snprintf(choice->name, sizeof(choice->name), "%s", names[chosen]);
	if (kept < DRIVERS && kept != chosen)
		snprintf(choice->remark, sizeof(choice->remark),
			 "the images of %s are there and not seen by %s: %s", names[kept],
			 names[chosen],
			 facts->of[kept].tried ? "dockerd did not start on it"
					       : facts->of[kept].why);
	else if (chosen == DRIVER_VFS)
		remark_vfs(facts, choice);
}
