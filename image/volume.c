#include "image/volume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "image/child.h"
#include "image/task.h"

void volumes_free(struct volumes *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].volid);
	free(list->v);
	*list = (struct volumes){0};
}

const struct volume *volumes_find(const struct volumes *list, const char *volid)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i].volid, volid) == 0)
			return &list->v[i];
	return NULL;
}

/* PVE::Storage: /\.(?|(tar)(?!\.)|tar\.(gz|xz|zst|bz2))/i at the end of the name. */
bool volume_is_template(const char *file)
{
	static const char *const ends[] = {".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2"};
	size_t len = strlen(file);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len > n && strcasecmp(file + len - n, ends[i]) == 0)
			return true;
	}
	return false;
}

static int add(struct volumes *list, char *volid, uint64_t size, int64_t made)
{
	struct volume *grown = volid ? reallocarray(list->v, list->n + 1, sizeof(*grown)) : NULL;
	const char *slash;

	if (!grown) {
		free(volid);
		return -ENOMEM;
	}
	slash = strrchr(volid, '/');
	grown[list->n++] = (struct volume){volid, slash ? slash + 1 : volid, size, made};
	list->v = grown;
	return 0;
}

static int newer(const void *a, const void *b)
{
	const struct volume *x = a, *y = b;

	if (x->made != y->made)
		return x->made > y->made ? -1 : 1;
	return strcmp(x->volid, y->volid);
}

static void sort(struct volumes *list)
{
	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), newer);
}

int volumes_ask(struct proxmox *proxmox, const char *node, const char *store, struct volumes *list,
		struct err *err)
{
	static const char *const params[] = {"content", "vztmpl", NULL};
	_cleanup_(proxmox_drop) json_t *data = NULL;
	char path[512];
	struct proxmox_call call = {.path = path, .params = params, .privilege = "Datastore.Audit"};
	json_t *entry;
	size_t i;
	int r;

	*list = (struct volumes){0};
	snprintf(path, sizeof(path), "/nodes/%s/storage/%s/content", node, store);
	r = proxmox_call(proxmox, &call, &data, err);
	if (r < 0)
		return err_prefix(err, "cannot list the templates of %s on %s", store, node);
	if (!json_is_array(data))
		return err_set(err, -EPROTO, "the list of templates is no list");
	json_array_foreach(data, i, entry)
	{
		const char *volid = json_string_value(json_object_get(entry, "volid"));
		json_int_t size = json_integer_value(json_object_get(entry, "size"));

		if (!volid)
			continue;
		r = add(list, strdup(volid), size > 0 ? (uint64_t)size : 0,
			json_integer_value(json_object_get(entry, "ctime")));
		if (r < 0) {
			volumes_free(list);
			return err_set(err, -ENOMEM, "out of memory");
		}
	}
	sort(list);
	return 0;
}

int volumes_read(const char *dir, const char *store, struct volumes *list, struct err *err)
{
	_cleanup_closedir_ DIR *d = opendir(dir);
	const struct dirent *entry;
	int r = 0;

	*list = (struct volumes){0};
	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return err_sys(err, -errno, "cannot list %s", dir);
	while (r == 0 && (entry = readdir(d))) {
		char *volid = NULL;
		struct stat st;

		if (!volume_is_template(entry->d_name) ||
		    fstatat(dirfd(d), entry->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		if (asprintf(&volid, "%s%s%s", store, *store ? ":vztmpl/" : "", entry->d_name) < 0)
			volid = NULL;
		r = add(list, volid, (uint64_t)st.st_size, st.st_mtim.tv_sec);
	}
	if (r < 0) {
		volumes_free(list);
		return err_set(err, r, "out of memory");
	}
	sort(list);
	return 0;
}

static int remove_here(const char *volid, struct err *err)
{
	const char *const argv[] = {"pvesm", "free", volid, NULL};
	_cleanup_(child_result_free) struct child_result result = {0};
	struct child child = {.argv = argv, .silence = 300, .max = 65536};
	int r = child_run(&child, &result, err);

	if (r < 0)
		return r;
	return result.status == 0 ? 0
				  : err_set(err, -EREMOTEIO, "pvesm free %s: %.*s", volid,
					    (int)strcspn(result.errors, "\n"), result.errors);
}

static int remove_there(struct proxmox *proxmox, const char *node, const char *store,
			const char *volid, struct err *err)
{
	char path[512];
	_cleanup_(proxmox_drop) json_t *data = NULL;
	struct proxmox_call call = {.verb = PROXMOX_DELETE,
				    .path = path,
				    .name = volid,
				    .privilege = "Datastore.Allocate"};
	int r;

	snprintf(path, sizeof(path), "/nodes/%s/storage/%s/content", node, store);
	r = proxmox_call(proxmox, &call, &data, err);
	/* A short one may be over before it has a task. */
	return r < 0 || !json_is_string(data) ? r : task_answer(proxmox, data, err);
}

int volume_remove(struct proxmox *proxmox, const char *node, const char *store, const char *volid,
		  bool here, struct err *err)
{
	_cleanup_(volumes_free) struct volumes list = {0};
	int r = here ? remove_here(volid, err) : remove_there(proxmox, node, store, volid, err);

	if (r == 0)
		r = volumes_ask(proxmox, node, store, &list, err);
	if (r < 0)
		return err_prefix(err, "cannot remove %s", volid);
	/* pvesm free ends with 0 also when its task failed. */
	return volumes_find(&list, volid) ? err_set(err, -EREMOTEIO,
						    "%s is still there after it was removed: look "
						    "at the node's tasks",
						    volid)
					  : 0;
}
