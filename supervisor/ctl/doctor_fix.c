/*
 * doctor_fix.c - `hakimctl doctor --fix`: the rows are PID 1's, and so is the program that asks
 * them: /proc/1/exe, which is also the version that runs. Here its answer is read and merged.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/doctor.h"

#define PROGRAM    "/proc/1/exe"
#define NAME       "hakim-init"
#define ANSWER_MAX (1u << 20)

/* Only what is named so may be asked: another init would take the word for something else. */
static int check_program(struct err *err)
{
	char path[4096];
	ssize_t n = readlink(PROGRAM, path, sizeof(path) - 1);
	const char *slash;

	if (n < 0)
		return err_sys(err, -errno, PROGRAM " cannot be read");
	path[n] = '\0';
	slash = strrchr(path, '/');
	/* "… (deleted)" after an upgrade. */
	if (strncmp(slash ? slash + 1 : path, NAME, strlen(NAME)) != 0)
		return err_set(err, -ENOENT,
			       "PID 1 is %s, not " NAME ": nothing can be asked again", path);
	return 0;
}

/* Who asks may be a service with mounts of its own: what is mounted is PID 1's to see. A container
 * that may not do this (Docker) has the same mounts, unless somebody has unshared them. */
static bool join_mounts(void)
{
	int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
	struct stat own, first;

	if (fd < 0 || fstat(fd, &first) < 0 || stat("/proc/self/ns/mnt", &own) < 0)
		return false;
	return (own.st_ino == first.st_ino && own.st_dev == first.st_dev) ||
	       setns(fd, CLONE_NEWNS) == 0;
}

static pid_t start(int out)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (join_mounts() && dup2(out, STDOUT_FILENO) >= 0)
		execl(PROGRAM, NAME, "--quirks", "--fix", NULL);
	_exit(127);
}

/* All that comes, with a NUL behind it; NULL: it is too much, or there is no memory. */
static char *read_answer(int fd)
{
	_cleanup_free_ char *buf = malloc(ANSWER_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;

	while (buf && len < ANSWER_MAX) {
		n = read(fd, buf + len, ANSWER_MAX - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (!buf || n != 0)
		return NULL;
	buf[len] = '\0';
	return steal_ptr(&buf);
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static int ask(json_t **fresh, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, -errno, NAME " cannot be asked");
	pid = start(fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return err_sys(err, -errno, NAME " cannot be asked");
	}
	text = read_answer(fds[0]);
	close(fds[0]);
	status = wait_for(pid);
	*fresh = text && status == 0 ? json_loads(text, 0, NULL) : NULL;
	if (!json_is_array(json_object_get(*fresh, "quirks")))
		return err_set(
			err, -EBADMSG,
			NAME " gave no answer to --quirks --fix; is PID 1 of an older version, or "
			     "are its mounts out of reach?");
	return 0;
}

/* ---- the merge ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Where the row of that name is, or the number of rows. */
static size_t find_row(const json_t *rows, const char *name)
{
	size_t i = 0;

	while (i < json_array_size(rows) &&
	       strcmp(text_of(json_array_get(rows, i), "name"), name) != 0)
		i++;
	return i;
}

static int merge_row(json_t *rows, json_t *row, json_t *changes)
{
	size_t at = find_row(rows, text_of(row, "name"));
	json_t *old = json_array_get(rows, at);
	const char *from = text_of(old, "outcome"), *to = text_of(row, "outcome");
	int r = 0;

	if (strcmp(from, "remedied") == 0 && strcmp(to, "fine") == 0)
		return 0;
	/* Remedied once more: it was undone meanwhile. Rows that only inform say the same each
	 * time. */
	if (strcmp(from, to) != 0 ||
	    (strcmp(to, "remedied") == 0 && strcmp(text_of(row, "again"), "fix") == 0))
		r = json_array_append_new(changes, json_pack("{s:O, s:s?, s:s, s:s}", "name",
							     json_object_get(row, "name"), "from",
							     *from ? from : NULL, "to", to, "text",
							     text_of(row, "text")));
	if (r == 0)
		r = old ? json_array_set(rows, at, row) : json_array_append(rows, row);
	return r;
}

int doctor_merge(json_t *file, const json_t *fresh, json_t *changes)
{
	json_t *rows = json_object_get(file, "quirks");
	json_t *row;
	int r = 0;

	if (!json_is_array(rows))
		return -EBADMSG;
	for (size_t i = 0; r == 0 && (row = json_array_get(json_object_get(fresh, "quirks"), i));
	     i++)
		if (*text_of(row, "name"))
			r = merge_row(rows, row, changes);
	if (r == 0 && json_is_object(json_object_get(fresh, "place")))
		r = json_object_set(file, "place", json_object_get(fresh, "place"));
	return r < 0 ? -ENOMEM : 0;
}

int doctor_fix(json_t **file, json_t **changes, struct err *err)
{
	json_t *fresh = NULL;
	int r = check_program(err);

	if (r == 0)
		r = ask(&fresh, err);
	if (r == 0) {
		*changes = json_array();
		r = *changes ? doctor_merge(*file, fresh, *changes) : -ENOMEM;
		if (r < 0)
			err_sys(err, r, "the answer of " NAME);
	}
	json_decref(fresh);
	return r;
}
