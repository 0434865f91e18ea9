#include "init/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Reads a file line by line from a fixed buffer; a line that does not fit is skipped whole. */
struct reader {
	int fd;
	size_t have, at;
	bool skipping;
	char buf[4096];
};

static char *reader_line(struct reader *r)
{
	for (;;) {
		char *start = r->buf + r->at;
		char *newline = memchr(start, '\n', r->have - r->at);
		ssize_t n;

		if (newline) {
			*newline = '\0';
			r->at = (size_t)(newline - r->buf) + 1;
			if (!r->skipping)
				return start;
			r->skipping = false;
			continue;
		}
		memmove(r->buf, start, r->have - r->at);
		r->have -= r->at;
		r->at = 0;
		if (r->have == sizeof(r->buf) - 1) {
			r->skipping = true;
			r->have = 0;
		}
		n = read(r->fd, r->buf + r->have, sizeof(r->buf) - 1 - r->have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/* The last line may lack its newline. */
			if (r->have == 0 || r->skipping)
				return NULL;
			r->buf[r->have] = '\0';
			r->have = 0;
			return r->buf;
		}
		r->have += (size_t)n;
	}
}

/* Cuts `line` at colons into `fields`; the number found. */
static int split(char *line, char **fields, int max)
{
	int n = 0;

	while (n < max) {
		char *colon = strchr(line, ':');

		fields[n++] = line;
		if (!colon)
			break;
		*colon = '\0';
		line = colon + 1;
	}
	return n;
}

static bool number(const char *text, unsigned *value)
{
	unsigned long long v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || v > 0xffffffffu)
			return false;
		v = v * 10 + (unsigned)(*text - '0');
	}
	*value = (unsigned)v;
	return v < 0xffffffffu;
}

static void copy(char *to, size_t size, const char *from)
{
	size_t len = strlen(from);

	if (len >= size)
		len = size - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

static void add_groups(struct user *user)
{
	struct reader r = {.fd = open("/etc/group", O_RDONLY | O_CLOEXEC)};
	size_t len = strlen(user->name);
	char *line;

	user->groups[user->n_groups++] = user->gid;
	if (r.fd < 0)
		return;
	while ((line = reader_line(&r)) && user->n_groups < USER_GROUPS_MAX) {
		char *f[4];
		unsigned gid;

		if (split(line, f, 4) != 4 || !number(f[2], &gid) || gid == user->gid)
			continue;
		for (char *member = f[3]; *member; member += strspn(member, ",")) {
			size_t word = strcspn(member, ",");

			if (word == len && strncmp(member, user->name, len) == 0) {
				user->groups[user->n_groups++] = gid;
				break;
			}
			member += word;
		}
	}
	close(r.fd);
}

int user_find(const char *name, uid_t uid, struct user *user)
{
	struct reader r = {.fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC)};
	char *line;
	int result = -ENOENT;

	if (r.fd < 0)
		return -errno;
	memset(user, 0, sizeof(*user));
	while (result < 0 && (line = reader_line(&r))) {
		char *f[7];
		unsigned id;
		unsigned gid;

		if (split(line, f, 7) != 7 || !number(f[2], &id) || !number(f[3], &gid))
			continue;
		if (name ? strcmp(f[0], name) != 0 : id != uid)
			continue;
		user->uid = id;
		user->gid = gid;
		copy(user->name, sizeof(user->name), f[0]);
		copy(user->home, sizeof(user->home), *f[5] ? f[5] : "/");
		copy(user->shell, sizeof(user->shell), *f[6] ? f[6] : "/bin/sh");
		result = 0;
	}
	close(r.fd);
	if (result == 0)
		add_groups(user);
	return result;
}
