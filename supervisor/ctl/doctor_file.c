/*
 * doctor_file.c - quirks.json: where it lies, how it is read while hakim-init may just be replacing
 * it, and how it is replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/doctor.h"

#define FILE_NAME    "quirks.json"
#define FILE_MAX     (1u << 20)
#define MOUNTS_MAX   (1u << 20)
#define LOOK_AGAIN   50 /* ms */
#define RUNTIME_DIR  "/run/hakim"
#define COMPLETE_KEY "complete"

/* The whole text of a file that others write, with a NUL behind it; NULL and errno. Never waits for
 * a FIFO. */
static char *read_text(const char *path, size_t max)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *buf = malloc(max + 1);
	struct stat st;
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0 || !buf)
		return NULL;
	if (fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return NULL;
	}
	while (len < max && (n = read(fd, buf + len, max - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return NULL;
	buf[len] = '\0';
	return steal_ptr(&buf);
}

static int read_once(const char *path, json_t **file, struct err *err)
{
	_cleanup_free_ char *text = read_text(path, FILE_MAX);
	int r = -errno;

	if (!text && r == -ENOENT)
		return err_set(err, r,
			       "there is no %s: hakim-init writes it where it is PID 1 and root",
			       path);
	if (!text)
		return err_sys(err, r, "%s cannot be read", path);
	*file = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(*file)) {
		json_decref(*file);
		*file = NULL;
		return err_set(err, -EBADMSG, "%s is no file of hakim-init", path);
	}
	return 0;
}

int doctor_file_read(char path[static DOCTOR_PATH], int wait_ms, json_t **file, struct err *err)
{
	const char *directory = getenv("HAKIM_RUNTIME_DIR");
	int64_t until = client_now_ms() + wait_ms;

	*file = NULL;
	if (!directory || !*directory ||
	    snprintf(path, DOCTOR_PATH, "%s/" FILE_NAME, directory) >= DOCTOR_PATH ||
	    access(path, F_OK) < 0)
		snprintf(path, DOCTOR_PATH, RUNTIME_DIR "/" FILE_NAME);
	for (;;) {
		int r = read_once(path, file, err);

		/* While the set-up goes on, it may not be there yet; nobody asks that early. */
		if (r < 0 || json_is_true(json_object_get(*file, COMPLETE_KEY)) ||
		    client_now_ms() >= until)
			return r;
		json_decref(*file);
		*file = NULL;
		poll(NULL, 0, LOOK_AGAIN);
	}
}

int doctor_file_write(const char *path, const json_t *file, struct err *err)
{
	char temporary[DOCTOR_PATH + 16];
	int fd, r = 0;

	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, -errno, "%s cannot be replaced", path);
	if (json_dumpfd(file, fd, JSON_COMPACT) < 0 || write(fd, "\n", 1) != 1)
		r = errno ? -errno : -EIO;
	else if (fchmod(fd, 0644) < 0 || rename(temporary, path) < 0)
		r = -errno;
	close(fd);
	if (r < 0) {
		unlink(temporary);
		return err_sys(err, r, "%s cannot be replaced", path);
	}
	return 0;
}

void doctor_find_ctid(const json_t *file, char ctid[static DOCTOR_CTID])
{
	const json_t *place = json_object_get(file, "place");
	const char *kind = json_string_value(json_object_get(place, "kind"));
	_cleanup_free_ char *text = NULL;

	ctid[0] = '\0';
	if (!kind || strcmp(kind, "proxmox") != 0)
		return;
	text = read_text("/proc/self/mountinfo", MOUNTS_MAX);
	if (text)
		doctor_ctid(text, ctid);
}
