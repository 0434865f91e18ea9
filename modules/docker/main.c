/*
 * hakim-docker - what surrounds dockerd in modules/docker: chooses its storage driver and options
 * before the start, and remembers on what it did not start.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/notify.h"
#include "modules/docker/cgroup.h"
#include "modules/docker/driver.h"
#include "modules/docker/options.h"
#include "modules/docker/probe.h"
#include "modules/docker/tried.h"
#include "modules/docker/words.h"

#define RUNTIME "/run/hakim"
#define CHOSEN  RUNTIME "/docker.env" /* an EnvironmentFile= */
#define DRIVER  "HAKIM_DOCKER_DRIVER"
#define NETWORK "HAKIM_DOCKER_NETWORK" /* "bridge" or "none" */
#define SAYS    RUNTIME "/docker.says" /* what the status is when dockerd is up */
#define CONFIG  "/etc/docker/daemon.json"
/* The log is written by another process: dockerd's last words may be late by a moment. */
#define WORDS_WAIT_MS 1000

static const char help[] =
	"Usage: hakim-docker wanted | prepare | started | stopped\n"
	"\n"
	"wanted   exits with 1 when DOCKER_HOST points elsewhere and START_DOCKER_DAEMON is not "
	"set\n"
	"prepare  chooses the storage driver, by trying it on the data root, and writes dockerd's "
	"options\n"
	"         into " CHOSEN "; switches the controllers of cgroups on\n"
	"started  dockerd is up\n"
	"stopped  after its end: a driver or a network on which it did not come up is not taken "
	"again\n"
	"         until the container or the unit is stopped\n"
	"\n"
	"Environment: DOCKER_DATA_ROOT (/var/lib/docker), DOCKER_EXEC_ROOT (/var/run/docker), "
	"CODER_USER;\n"
	"DOCKER_STORAGE_DRIVER: auto (the default), or a driver that is taken as it is.\n"
	"What " CONFIG " says goes before all of these.\n";

static const char *variable(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

/* Written beside it and renamed: a reader sees the old one or the new one. */
static int write_file(const char *path, const char *text, struct err *err)
{
	char fresh[PATH_MAX];
	_cleanup_close_ int fd = -EBADF;
	size_t len = strlen(text);
	ssize_t n;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	mkdir(RUNTIME, 0755);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	n = fd < 0 ? -1 : write(fd, text, len);
	if (n < 0 || rename(fresh, path) < 0)
		return err_sys(err, -errno, "%s cannot be written", path);
	return n == (ssize_t)len ? 0 : err_sys(err, -ENOSPC, "%s cannot be written", path);
}

/* The last `size` - 1 bytes of a file; "" where there is none. */
static void read_end(const char *path, char *text, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = 0;

	if (fd >= 0) {
		if (lseek(fd, -(off_t)(size - 1), SEEK_END) < 0)
			lseek(fd, 0, SEEK_SET);
		n = read(fd, text, size - 1);
	}
	text[n > 0 ? n : 0] = '\0';
}

static int make_root(const char *path, struct err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

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

/*
 * The workspace's user reaches the socket: by the group docker if he is in it, else by his own.
 * That one he has in the processes that run already, too.
 */
static void socket_group(char *group, size_t size)
{
	const struct passwd *user = getpwnam(variable("CODER_USER", "coder"));
	char name[64];
	gid_t own;
	const struct group *g;

	*group = '\0';
	if (!user)
		return;
	own = user->pw_gid;
	snprintf(name, sizeof(name), "%s", user->pw_name);
	g = getgrnam("docker");
	for (char **m = g ? g->gr_mem : NULL; m && *m; m++)
		if (strcmp(*m, name) == 0) {
			snprintf(group, size, "docker");
			return;
		}
	g = getgrgid(own);
	if (g && !g->gr_name[strcspn(g->gr_name, " \t\"'\\$")])
		snprintf(group, size, "%s", g->gr_name);
}

static int write_options(struct docker_options *options, const char *driver, struct err *err)
{
	char text[4096], all[4300];
	int r = options_write(options, text, sizeof(text));

	if (r < 0)
		return err_sys(err, r, "dockerd's options");
	snprintf(all, sizeof(all), "%s" DRIVER "=%s\n" NETWORK "=%s\n", text, driver,
		 options->bare ? "none" : "bridge");
	return write_file(CHOSEN, all, err);
}

static int say(const struct notify *notify, const char *driver, const char *remark, bool bare,
	       const char *why, struct err *err)
{
	char text[1200];

	/* words.h looks for how this begins. */
	snprintf(
		text, sizeof(text), "storage driver %s%s%s%s%s", driver, *remark ? ": " : "",
		remark,
		bare ? "; containers have no network but that of --network host, since dockerd did "
		       "not start with a bridge: "
		     : "",
		bare ? why : "");
	dprintf(STDERR_FILENO, "hakim-docker: %s\n", text);
	if (getenv("DOCKER_LOG_FILE"))
		dprintf(STDERR_FILENO, "hakim-docker: DOCKER_LOG_FILE is not used: the log is "
				       "'hakimctl logs docker'\n");
	notify_status(notify, text);
	return write_file(SAYS, text, err);
}

/* The status of the commands before it ends when dockerd itself is started. */
static void started(const struct notify *notify)
{
	char text[1200];

	tried_set_up(true);
	read_end(SAYS, text, sizeof(text));
	if (*text)
		notify_status(notify, text);
}

static void prepare_cgroup(void)
{
	char missing[256];

	cgroup_prepare(missing, sizeof(missing));
	if (*missing)
		dprintf(STDERR_FILENO, "hakim-docker: containers cannot have limits of:%s\n",
			missing);
}

/* Where the switch is set at all it is yes: ConditionEnabled= has seen to that. */
static int wanted(struct err *err)
{
	const char *host = variable("DOCKER_HOST", ""), *socket = host;

	if (!*host || *variable("START_DOCKER_DAEMON", ""))
		return 0;
	if (strncmp(socket, "unix://", 7) == 0)
		socket += 7;
	if (strcmp(socket, "/var/run/docker.sock") == 0 || strcmp(socket, "/run/docker.sock") == 0)
		return 0;
	return err_set(
		err, -ENOENT,
		"DOCKER_HOST points elsewhere: START_DOCKER_DAEMON=1 runs a daemon here, too");
}

static int prepare(const struct notify *notify, struct err *err)
{
	const char *root = variable("DOCKER_DATA_ROOT", "/var/lib/docker");
	struct driver_facts facts = {.wish = getenv("DOCKER_STORAGE_DRIVER")};
	struct driver_choice choice = {0};
	char config[65536], own_root[1100], group[64], why[200] = "";
	struct docker_options options = {.config = config, .group = group};
	int r;

	tried_set_up(false);
	read_end(CONFIG, config, sizeof(config));
	if (config_text(config, "data-root", own_root, sizeof(own_root)))
		root = own_root;
	options.data_root = root;
	options.exec_root = variable("DOCKER_EXEC_ROOT", "/var/run/docker");
	if (facts.wish && facts.wish[strspn(facts.wish, "abcdefghijklmnopqrstuvwxyz0123456789-_")])
		return err_set(
			err, -EINVAL,
			"DOCKER_STORAGE_DRIVER=%.40s is no name of a driver: auto, overlay2, "
			"fuse-overlayfs or vfs",
			facts.wish);
	r = options_path("DOCKER_DATA_ROOT", root, err);
	r = r < 0 ? r : options_path("DOCKER_EXEC_ROOT", options.exec_root, err);
	r = r < 0 ? r : make_root(root, err);
	if (r < 0)
		return r;
	prepare_cgroup();
	probe_drivers(root, &facts);
	options.bare = tried_read(&facts, why, sizeof(why));
	if (config_has(config, "storage-driver"))
		snprintf(choice.name, sizeof(choice.name), "as " CONFIG " says");
	else
		driver_choose(&facts, &choice);
	options.driver = choice.name;
	socket_group(group, sizeof(group));
	r = write_options(&options, config_has(config, "storage-driver") ? "" : choice.name, err);
	if (r == 0)
		r = say(notify, choice.name, choice.remark, options.bare, why, err);
	return r;
}

static enum words last_words(char *why, size_t size)
{
	static char log[32768];
	char path[PATH_MAX];
	enum words words = WORDS_NONE;

	snprintf(path, sizeof(path), "%s/docker.log", variable("HAKIM_LOG_DIR", "/var/log/hakim"));
	for (int ms = 0; words == WORDS_NONE && ms < WORDS_WAIT_MS; ms += 50) {
		if (ms)
			nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
		read_end(path, log, sizeof(log));
		words = words_read(log, why, size);
	}
	return words;
}

/* SERVICE_RESULT is the unit's (systemd.exec(5)). Who is told to stop has done nothing wrong, and a
 * person who stops it has perhaps mended what was wrong. */
static int stopped(struct err *err)
{
	const char *result = variable("SERVICE_RESULT", "success"), *driver = variable(DRIVER, "");
	bool bare = strcmp(variable(NETWORK, ""), "none") == 0, up = tried_is_up();
	char why[200];
	enum words words;
	int r = 0;

	tried_set_up(false);
	if (strcmp(result, "success") == 0) {
		tried_forget();
		return 0;
	}
	/* EXIT_STATUS is not there when it was never executed: the command before it has said why.
	 */
	if (up || !getenv("EXIT_STATUS"))
		return 0;
	words = last_words(why, sizeof(why));
	if (words == WORDS_NONE)
		return 0;
	if (words == WORDS_NETWORK && !bare)
		r = tried_add(TRIED_NETWORK, why, err);
	else if (words == WORDS_DRIVER && *driver)
		r = tried_add(driver, why, err);
	/* An end with a status that is not 0 makes of the sentence the unit's last error. */
	return r < 0 ? r : err_set(err, -EIO, "dockerd did not start: %s", why);
}

int main(int argc, char **argv)
{
	struct notify notify;
	struct err err = {0};
	int r = 0;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return fputs(help, stdout) < 0;
	if (argc != 2) {
		fputs(help, stderr);
		return 2;
	}
	notify_open(&notify);
	if (strcmp(argv[1], "wanted") == 0)
		r = wanted(&err);
	else if (strcmp(argv[1], "prepare") == 0)
		r = prepare(&notify, &err);
	else if (strcmp(argv[1], "started") == 0)
		started(&notify);
	else if (strcmp(argv[1], "stopped") == 0)
		r = stopped(&err);
	else
		r = err_set(&err, -EINVAL, "%s: it is wanted, prepare, started or stopped",
			    argv[1]);
	if (r < 0) {
		dprintf(STDERR_FILENO, "hakim-docker: %s\n", err.text);
		notify_status(&notify, err.text);
	}
	notify_close(&notify);
	return r == 0 ? 0 : r == -EINVAL ? 2 : 1;
}
