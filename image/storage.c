#include "image/storage.h"

#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "image/file.h"
#include "image/place.h"

/* The kinds that have a directory, and what they are where the configuration does not say. */
static const struct kind {
	const char *type;
	bool shared, mounts;
} kinds[] = {
	{"dir", false, false}, {"btrfs", false, false}, {"nfs", true, true},
	{"cifs", true, true},  {"cephfs", true, true},  {"glusterfs", true, true},
};

static const struct kind *kind_of(const struct storage *storage)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].type, storage->type) == 0)
			return &kinds[i];
	return NULL;
}

const char *storage_pve(void)
{
	const char *dir = getenv("HAKIM_PVE_DIR");

	return dir && *dir == '/' ? dir : "/etc/pve";
}

static void storage_free(struct storage *storage)
{
	free(storage->path);
	free(storage->content);
	free(storage->content_dirs);
	free(storage->nodes);
	free(storage->is_mountpoint);
}

void storages_free(struct storages *list)
{
	for (size_t i = 0; i < list->n; i++)
		storage_free(&list->v[i]);
	free(list->v);
	*list = (struct storages){0};
}

static int add(struct storages *list, const char *type, size_t type_len, const char *id,
	       size_t id_len, struct err *err)
{
	struct storage *grown = reallocarray(list->v, list->n + 1, sizeof(*grown));

	if (!grown)
		return err_set(err, -ENOMEM, "out of memory");
	list->v = grown;
	if (id_len >= sizeof(grown->id) || type_len >= sizeof(grown->type))
		return err_set(err, -EINVAL, "storage.cfg: a store's name or kind is too long");
	grown[list->n] = (struct storage){0};
	memcpy(grown[list->n].type, type, type_len);
	memcpy(grown[list->n].id, id, id_len);
	list->n++;
	return 0;
}

static int set(struct storage *storage, const char *key, size_t key_len, const char *value,
	       size_t len, struct err *err)
{
	const struct {
		const char *key;
		char **text;
		bool *flag;
	} keys[] = {
		{"path", &storage->path, NULL},
		{"content", &storage->content, NULL},
		{"content-dirs", &storage->content_dirs, NULL},
		{"nodes", &storage->nodes, NULL},
		{"is_mountpoint", &storage->is_mountpoint, NULL},
		{"disable", NULL, &storage->disable},
		{"shared", NULL, &storage->shared},
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strlen(keys[i].key) != key_len || memcmp(keys[i].key, key, key_len) != 0)
			continue;
		if (keys[i].flag) {
			/* "disable" alone is set, as is "disable 1". */
			*keys[i].flag = len == 0 || (len == 1 && *value == '1');
			return 0;
		}
		free(*keys[i].text);
		*keys[i].text = strndup(value, len);
		return *keys[i].text ? 0 : err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One line: "kind: id" at its beginning, or "<blank>key value" of the store before. */
static int read_line(struct storages *list, bool *inside, const char *line, size_t len,
		     struct err *err)
{
	bool indented = len && blank(*line);
	size_t key = 0, value;

	while (len && blank(line[len - 1]))
		len--;
	while (len && blank(*line)) {
		line++;
		len--;
	}
	if (len == 0 || *line == '#')
		return 0;
	while (key < len && !blank(line[key]) && (indented || line[key] != ':'))
		key++;
	value = key + (!indented && key < len && line[key] == ':');
	while (value < len && blank(line[value]))
		value++;
	if (!indented) {
		*inside = key < len && line[key] == ':' && key > 0 && value < len;
		return *inside ? add(list, line, key, line + value, len - value, err) : 0;
	}
	return *inside ? set(&list->v[list->n - 1], line, key, line + value, len - value, err) : 0;
}

static int add_local(struct storages *list, struct err *err)
{
	struct storage *local;
	int r;

	if (storage_find(list, "local"))
		return 0;
	r = add(list, "dir", 3, "local", 5, err);
	if (r < 0)
		return r;
	local = &list->v[list->n - 1];
	local->path = strdup("/var/lib/vz");
	local->content = strdup("vztmpl");
	return local->path && local->content ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int storage_parse(const char *text, size_t len, struct storages *list, struct err *err)
{
	bool inside = false;
	int r = 0;

	*list = (struct storages){0};
	if (len > STORAGE_TEXT_MAX)
		return err_set(err, -EINVAL, "storage.cfg is too long");
	if (memchr(text, '\0', len))
		return err_set(err, -EINVAL, "storage.cfg has a NUL: it is no text");
	while (len && r == 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		r = read_line(list, &inside, text, line, err);
		line += end != NULL;
		text += line;
		len -= line;
	}
	if (r == 0)
		r = add_local(list, err);
	if (r < 0)
		storages_free(list);
	return r;
}

int storage_load(const char *dir, struct storages *list, struct err *err)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t len = 0;
	int r;

	if (asprintf(&path, "%s/storage.cfg", dir) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	r = file_read(path, STORAGE_TEXT_MAX, &text, &len, err);
	if (r == -ENOENT)
		return storage_parse("", 0, list, err);
	return r < 0 ? r : storage_parse(text, len, list, err);
}

const struct storage *storage_find(const struct storages *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i].id, id) == 0)
			return &list->v[i];
	return NULL;
}

bool storage_is_directory(const struct storage *storage)
{
	return kind_of(storage) != NULL;
}

bool storage_is_shared(const struct storage *storage)
{
	const struct kind *kind = kind_of(storage);

	return storage->shared || (kind && kind->shared);
}

/* Whether `word` is in a list with commas, semicolons or blanks between. */
static bool listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list) {
		size_t n = strcspn(list, ",; \t");

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		list += n;
		list += strspn(list, ",; \t");
	}
	return false;
}

int storage_check(const struct storage *storage, const char *node, struct err *err)
{
	if (storage->disable)
		return err_set(err, -EINVAL, "the store %s is disabled", storage->id);
	if (storage->nodes && !listed(storage->nodes, node))
		return err_set(err, -EINVAL,
			       "the store %s is not there on node %s: it is of the nodes %s",
			       storage->id, node, storage->nodes);
	if (!storage_is_directory(storage))
		return err_set(err, -EINVAL,
			       "the store %s is of kind %s, which holds no templates of "
			       "containers: name another with --datastore",
			       storage->id, storage->type);
	/* A dir store without "content" holds images and container disks only. */
	if (!storage->content || !listed(storage->content, "vztmpl"))
		return err_set(err, -EINVAL,
			       "the store %s does not hold templates: add vztmpl to its content "
			       "(pvesm set %s --content …,vztmpl)",
			       storage->id, storage->id);
	return 0;
}

static char *base_path(const struct storage *storage)
{
	char *path = NULL;

	if (storage->path)
		return strdup(storage->path);
	return asprintf(&path, "/mnt/pve/%s", storage->id) < 0 ? NULL : path;
}

char *storage_templates(const struct storage *storage)
{
	_cleanup_free_ char *base = base_path(storage);
	const char *within = "template/cache", *at = storage->content_dirs;
	int len = (int)strlen(within);
	char *path = NULL;

	for (; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (strncmp(at, "vztmpl=", 7) == 0) {
			within = at + 7;
			len = (int)strcspn(within, ",");
			while (len > 1 && *within == '/') {
				within++;
				len--;
			}
		}
	if (!base || asprintf(&path, "%s/%.*s", base, len, within) < 0)
		return NULL;
	return path;
}

int storage_check_directory(const struct storage *storage, bool make, struct err *err)
{
	_cleanup_free_ char *base = base_path(storage);
	_cleanup_free_ char *templates = storage_templates(storage);
	const struct kind *kind = kind_of(storage);
	const char *mount = storage->is_mountpoint;
	int r;

	if (!base || !templates)
		return err_set(err, -ENOMEM, "out of memory");
	if (mount && (strcmp(mount, "0") == 0 || strcmp(mount, "no") == 0))
		mount = NULL;
	else if (mount && *mount != '/')
		mount = base;
	if (!mount && kind && kind->mounts)
		mount = base;
	if (mount) {
		r = place_is_mountpoint(mount, err);
		if (r < 0)
			return r;
		if (r == 0)
			return err_set(err, -EINVAL,
				       "the store %s is not mounted: nothing is mounted at %s",
				       storage->id, mount);
	}
	if (access(base, F_OK) < 0)
		return err_sys(err, -errno, "the store %s: %s", storage->id, base);
	r = make ? place_make(templates, 0755, err) : 0;
	if (r < 0)
		return err_prefix(err, "the store %s", storage->id);
	if (access(templates, W_OK) < 0 && (make || errno != ENOENT))
		return err_sys(err, -errno, "the store %s cannot be written to: %s", storage->id,
			       templates);
	return 0;
}
