#include "image/state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "common/cleanup.h"
#include "image/file.h"
#include "image/place.h"

struct line {
	const char *start; /* the whole, with its line end */
	size_t len;
	const char *key, *value;
	size_t key_len, value_len;
};

/* Takes the next line off `*text`. False at the end. */
static bool next_line(const char **text, struct line *line)
{
	const char *c = *text;

	if (!c || !*c)
		return false;
	line->start = c;
	c += strspn(c, " \t");
	line->key = c;
	line->key_len = strcspn(c, " \t\r\n");
	c += line->key_len;
	c += strspn(c, " \t");
	line->value = c;
	line->value_len = strcspn(c, " \t\r\n");
	c += strcspn(c, "\n");
	c += *c == '\n';
	line->len = (size_t)(c - line->start);
	*text = c;
	return true;
}

static bool is(const struct line *line, const char *key)
{
	return strlen(key) == line->key_len && memcmp(key, line->key, line->key_len) == 0;
}

/* Whether it is the line of some node. Neither a volume's store nor a node's name has a slash. */
static bool is_of_node(const struct line *line, const char *volid)
{
	const char *slash = memchr(line->key, '/', line->key_len);
	size_t rest = slash ? line->key_len - (size_t)(slash + 1 - line->key) : 0;

	return slash && rest == strlen(volid) && memcmp(slash + 1, volid, rest) == 0;
}

static bool is_of(const struct line *line, const char *volid, const char *node)
{
	size_t len = strlen(node);

	return is_of_node(line, volid) && memcmp(line->key, node, len) == 0 &&
	       line->key[len] == '/';
}

void state_find(const char *text, const char *volid, const char *node, struct digest *digest)
{
	struct line line;
	bool nodes = false, found = false;

	*digest = (struct digest){0};
	while (next_line(&text, &line)) {
		bool mine = node && is_of(&line, volid, node);

		if (node && is_of_node(&line, volid)) {
			if (!nodes)
				*digest = (struct digest){0};
			nodes = true;
			found = mine;
		} else {
			found = !nodes && is(&line, volid);
		}
		if (found && digest_parse(line.value, line.value_len, digest, NULL) < 0)
			*digest = (struct digest){0};
	}
}

char *state_edit(const char *text, const char *volid, const char *node, const char *digest)
{
	_cleanup_free_ char *out = NULL;
	size_t size = 0;
	_cleanup_fclose_ FILE *f = open_memstream(&out, &size);
	struct line line;

	if (!f)
		return NULL;
	while (next_line(&text, &line)) {
		if (is(&line, volid) || (node && is_of(&line, volid, node)))
			continue;
		fprintf(f, "%.*s", (int)line.len, line.start);
		if (line.start[line.len - 1] != '\n')
			fputc('\n', f);
	}
	if (digest) {
		fprintf(f, "%s %s\n", volid, digest);
		if (node)
			fprintf(f, "%s/%s %s\n", node, volid, digest);
	}
	if (fflush(f) != 0)
		return NULL;
	fclose(f);
	f = NULL;
	return steal_ptr(&out);
}

int state_read(const char *path, char **text, struct err *err)
{
	size_t len = 0;
	int r = file_read(path, STATE_TEXT_MAX, text, &len, err);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0) {
		*text = strdup("");
		if (!*text)
			return err_set(err, -ENOMEM, "out of memory");
	} else if (strlen(*text) != len) {
		free(steal_ptr(text));
		return err_set(err, -EINVAL, "%s has a NUL: it is no state file", path);
	}
	if (err)
		*err = (struct err){0};
	return 0;
}

/* Opens the lock beside the file, and holds it. The file itself is renamed over. */
static int lock(const char *path, struct err *err)
{
	_cleanup_free_ char *name = NULL, *dir = strdup(path);
	_cleanup_close_ int fd = -EBADF;
	char *slash = dir ? strrchr(dir, '/') : NULL;
	int r = 0;

	if (!dir || asprintf(&name, "%s.lock", path) < 0) {
		name = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	if (slash && slash != dir) {
		*slash = '\0';
		r = place_make(dir, 0755, err);
		if (r < 0)
			return r;
	}
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, -errno, "cannot lock %s", path);
	/* Whoever holds it writes one small file: it is not held for long. */
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(err, -errno, "cannot lock %s", path);
	return steal_fd(&fd);
}

int state_write(const char *path, const char *volid, const char *node, const char *digest,
		struct err *err)
{
	_cleanup_free_ char *text = NULL, *edited = NULL;
	_cleanup_close_ int held = lock(path, err);
	int r = held < 0 ? held : state_read(path, &text, err);

	if (r < 0 || !text)
		return r;
	edited = state_edit(text, volid, node, digest);
	if (!edited)
		return err_set(err, -ENOMEM, "out of memory");
	if (strcmp(text, edited) == 0)
		return 0;
	return file_replace(path, 0644, edited, strlen(edited), err);
}
