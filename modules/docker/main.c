/*
 * hakim-docker - what surrounds dockerd in modules/docker: chooses its storage driver before the
 * start, and remembers on which one it did not start.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/notify.h"
#include "modules/docker/driver.h"
#include "modules/docker/probe.h"

#define RUNTIME "/run/hakim"
#define CHOSEN  RUNTIME "/docker.env"   /* an EnvironmentFile= */
#define TRIED   RUNTIME "/docker.tried" /* drivers on which dockerd did not start, a line each */
#define NAME    "HAKIM_DOCKER_DRIVER"

static const char help[] =
	"Usage: hakim-docker prepare | started | stopped\n"
	"\n"
	"prepare  chooses the storage driver, by trying it on $DOCKER_DATA_ROOT, into " CHOSEN "\n"
	"started  dockerd is up: what was tried in vain is forgotten\n"
	"stopped  after its end: a driver on which it never came up is not taken again in this "
	"boot\n"
	"\n"
	"Environment: DOCKER_DATA_ROOT (/var/lib/docker); DOCKER_STORAGE_DRIVER: auto (the "
	"default), or a\n"
	"driver that is taken as it is.\n";

/* Written beside it and renamed: a reader sees the old one or the new one. */
static int write_file(const char *path, const char *text, struct err *err)
{
	char fresh[PATH_MAX];
	_cleanup_close_ int fd = -EBADF;
	size_t len = strlen(text);

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	mkdir(RUNTIME, 0755);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len || rename(fresh, path) < 0)
		return err_sys(err, errno ? -errno : -EIO, "%s cannot be written", path);
	return 0;
}

static void read_tried(struct driver_facts *facts)
{
	_cleanup_fclose_ FILE *f = fopen(TRIED, "re");
	char line[64];

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		for (enum driver d = 0; d < DRIVERS; d++)
			facts->of[d].tried |= strcmp(line, driver_name(d)) == 0;
	}
}

static int make_root(const char *path, struct err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (*path != '/' || len >= sizeof(part))
		return err_set(err, -EINVAL, "DOCKER_DATA_ROOT=%.80s is not an absolute path",
			       path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, path[i] ? 0755 : 0710) < 0 && errno != EEXIST)
			return err_sys(err, -errno, "DOCKER_DATA_ROOT=%s cannot be made", path);
	}
	return 0;
}

static int prepare(const struct notify *notify, struct err *err)
{
	const char *root = getenv("DOCKER_DATA_ROOT");
	struct driver_facts facts = {.wish = getenv("DOCKER_STORAGE_DRIVER")};
	struct driver_choice choice;
	char text[512];
	int r;

	if (!root || !*root)
		root = "/var/lib/docker";
	if (facts.wish && facts.wish[strspn(facts.wish, "abcdefghijklmnopqrstuvwxyz0123456789-_")])
		return err_set(
			err, -EINVAL,
			"DOCKER_STORAGE_DRIVER=%.40s is no name of a driver: auto, overlay2, "
			"fuse-overlayfs or vfs",
			facts.wish);
	r = make_root(root, err);
	if (r < 0)
		return r;
	probe_drivers(root, &facts);
	read_tried(&facts);
	driver_choose(&facts, &choice);
	snprintf(text, sizeof(text), NAME "=%s\n", choice.name);
	r = write_file(CHOSEN, text, err);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "storage driver %s%s%s", choice.name,
		 *choice.remark ? ": " : "", choice.remark);
	dprintf(STDERR_FILENO, "hakim-docker: %s\n", text);
	notify_status(notify, text);
	return 0;
}

static int started(void)
{
	unlink(TRIED);
	return 0;
}

/* SERVICE_RESULT is the unit's (systemd.exec(5)). Who is told to stop before it was up has done
 * nothing wrong. */
static int stopped(struct err *err)
{
	const char *result = getenv("SERVICE_RESULT"), *driver = getenv(NAME),
		   *up = getenv("HAKIM_WAS_UP");
	_cleanup_close_ int fd = -EBADF;

	if (!result || strcmp(result, "success") == 0 || !driver || !*driver || (up && *up == '1'))
		return 0;
	fd = open(TRIED, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || dprintf(fd, "%s\n", driver) < 0)
		return err_sys(err, -errno, TRIED " cannot be written");
	dprintf(STDERR_FILENO, "hakim-docker: dockerd did not start on %s\n", driver);
	return 0;
}

int main(int argc, char **argv)
{
	struct notify notify;
	struct err err = {0};
	int r;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return fputs(help, stdout) < 0;
	if (argc != 2) {
		fputs(help, stderr);
		return 2;
	}
	notify_open(&notify);
	if (strcmp(argv[1], "prepare") == 0)
		r = prepare(&notify, &err);
	else if (strcmp(argv[1], "started") == 0)
		r = started();
	else if (strcmp(argv[1], "stopped") == 0)
		r = stopped(&err);
	else
		r = err_set(&err, -EINVAL, "%s: it is prepare, started or stopped", argv[1]);
	if (r < 0) {
		dprintf(STDERR_FILENO, "hakim-docker: %s\n", err.text);
		notify_status(&notify, err.text);
	}
	notify_close(&notify);
	return r == 0 ? 0 : r == -EINVAL ? 2 : 1;
}
