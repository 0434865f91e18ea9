#include "modules/docker/tried.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

#define TRIED "/run/hakim/docker.tried" /* "LIFE WHAT WHY" */
#define UP    "/run/hakim/docker.up"

/* When PID 1 was started (proc(5), field 22 of stat): another number is another life. */
static unsigned long long life(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/1/stat", "re");
	unsigned long long start = 0;
	char line[1024];
	const char *at = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;

	for (int field = 2; at && field < 22; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at && sscanf(at, "%llu", &start) == 1 ? start : 0;
}

bool tried_read(struct driver_facts *facts, char *why, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen(TRIED, "re");
	unsigned long long now = life(), then;
	bool network = false;
	char line[512], what[32];
	int at;

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%llu %31s %n", &then, what, &at) < 2 || then != now)
			continue;
		if (strcmp(what, TRIED_NETWORK) == 0) {
			network = true;
			snprintf(why, size, "%s", line + at);
		}
		for (enum driver d = 0; d < DRIVERS; d++) {
			if (strcmp(what, driver_name(d)) != 0)
				continue;
			facts->of[d].tried = true;
			snprintf(facts->of[d].why, sizeof(facts->of[d].why), "%s", line + at);
		}
	}
	return network;
}

int tried_add(const char *what, const char *why, struct err *err)
{
	_cleanup_close_ int fd =
		open(TRIED, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0 || dprintf(fd, "%llu %s %.300s\n", life(), what, why) < 0)
		return err_sys(err, -errno, TRIED " cannot be written");
	return 0;
}

void tried_forget(void)
{
	unlink(TRIED);
}

void tried_set_up(bool up)
{
	if (up)
		close(open(UP, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
	else
		unlink(UP);
}

bool tried_is_up(void)
{
	return access(UP, F_OK) == 0;
}
