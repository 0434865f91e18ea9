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

static const char *why_not(const struct driver_facts *facts, enum driver d)
{
	return facts->of[d].tried && !*facts->of[d].why ? "dockerd did not start on it"
							: facts->of[d].why;
}

static void remark_vfs(const struct driver_facts *facts, struct driver_choice *choice)
{
	snprintf(choice->remark, sizeof(choice->remark),
		 "it copies every layer whole; 'pct set <ctid> --features nesting=1,fuse=1' on the "
		 "host may allow better (overlay2: %s; fuse-overlayfs: %s)",
		 why_not(facts, DRIVER_OVERLAY2), why_not(facts, DRIVER_FUSE));
}

/* The first one that worked in the trial, but not under dockerd. */
static void remark_tried(const struct driver_facts *facts, enum driver chosen,
			 struct driver_choice *choice)
{
	for (enum driver d = 0; d < chosen; d++) {
		if (!facts->of[d].tried)
			continue;
		snprintf(choice->remark, sizeof(choice->remark), "dockerd did not start on %s: %s",
			 names[d], why_not(facts, d));
		return;
	}
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
			 names[chosen], why_not(facts, kept));
	else if (chosen == DRIVER_VFS)
		remark_vfs(facts, choice);
	else
		remark_tried(facts, chosen, choice);
}
