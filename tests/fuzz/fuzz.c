#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#define FDS_KEPT 16

struct fuzz_target *fuzz_targets;

/* What a target needs to run at all is no finding. */
__attribute__((noreturn)) static void give_up(const char *what)
{
	perror(what);
	_exit(2);
}

char *fuzz_bytes(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	if (!copy)
		give_up("malloc");
	memcpy(copy, text, len);
	return copy;
}

/* Some targets keep a few for the next input; who leaves one each time has not for long. */
static void check_fds(void)
{
	static int first = -1;
	int fd = dup(STDERR_FILENO);

	close(fd);
	if (first < 0)
		first = fd;
	FUZZ_MUST(fd >= 0 && fd < first + FDS_KEPT);
}

void fuzz_run(const struct fuzz_target *target, const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	if (!text)
		give_up("malloc");
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	target->one(text, len);
	free(text);
	check_fds();
}

int fuzz_fd(const char *bytes, size_t len)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, bytes, len, 0) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET) < 0)
		give_up("memfd");
	return fd;
}

static char dir[64];
static pid_t owner;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static void remove_dir(void)
{
	/* Not by a child that ends. */
	if (getpid() == owner)
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_dir(void)
{
	if (*dir)
		return dir;
	/* In memory: nothing of it must ever come to a disk. */
	snprintf(dir, sizeof(dir), "%s/hakim-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir))
		give_up(dir);
	owner = getpid();
	atexit(remove_dir);
	return dir;
}

const char *fuzz_put(const char *name, const char *bytes, size_t len)
{
	static char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fuzz_dir(), name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		for (char *slash = path + strlen(dir) + 1; (slash = strchr(slash, '/')); slash++) {
			*slash = '\0';
			mkdir(path, 0755);
			*slash = '/';
		}
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	}
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		give_up(path);
	close(fd);
	return path;
}

bool fuzz_next(const char **text, size_t *len, struct fuzz_part *part)
{
	static const char divider[] = "%%\n";
	const char *end;

	if (*len == 0)
		return false;
	*part = (struct fuzz_part){*text, *len};
	for (const char *at = *text; (end = memmem(at, *len - (size_t)(at - *text), divider, 3));
	     at = end + 1)
		if (end == *text || end[-1] == '\n')
			break;
	if (end)
		part->len = (size_t)(end - *text);
	*text += part->len + (end ? 3 : 0);
	*len -= part->len + (end ? 3 : 0);
	return true;
}

char *fuzz_next_text(const char **text, size_t *len)
{
	struct fuzz_part part = {"", 0};
	char *copy;

	fuzz_next(text, len, &part);
	copy = malloc(part.len + 1);
	if (!copy)
		give_up("malloc");
	memcpy(copy, part.text, part.len);
	copy[part.len] = '\0';
	return copy;
}

bool fuzz_json(const char *bytes, size_t len, const char *key, char *value, size_t size)
{
	json_t *json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
	const char *text = json_string_value(json_object_get(json, key));

	snprintf(value, size, "%s", text ? text : "");
	json_decref(json);
	return *value != '\0';
}
