#include "init/directory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* getdents64(2) */
struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

int directory_each(int fd, void (*each)(const char *name, void *data), void *data)
{
	char buf[2048] __attribute__((aligned(8)));
	long n;

	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *e = (const struct entry *)(buf + at);

			at += e->reclen;
			if (strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0)
				each(e->name, data);
		}
	}
	return n < 0 ? -errno : 0;
}

bool name_ends(const char *name, const char *suffix)
{
	size_t len = strlen(name), n = strlen(suffix);

	return len > n && strcmp(name + len - n, suffix) == 0;
}
