#include "image/way.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "image/place.h"
#include "image/storage.h"

bool way_is_here(const char *node)
{
	_cleanup_free_ char *link = NULL;
	char host[HOST_NAME_MAX + 1] = "", local[PATH_MAX];
	ssize_t len;

	if (asprintf(&link, "%s/local", storage_pve()) < 0)
		return false;
	/* A node knows its own name best by pmxcfs: "local -> nodes/NAME". */
	len = readlink(link, local, sizeof(local) - 1);
	if (len > 0) {
		const char *slash;

		local[len] = '\0';
		slash = strrchr(local, '/');
		return strcmp(slash ? slash + 1 : local, node) == 0;
	}
	if (gethostname(host, sizeof(host) - 1) < 0)
		return false;
	host[strcspn(host, ".")] = '\0';
	return strcmp(host, node) == 0;
}

void place_free(struct place *place)
{
	free(place->directory);
	place->directory = NULL;
}

/* Whether there is more than this node. */
static bool is_cluster(void)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_closedir_ DIR *d = NULL;
	unsigned n = 0;

	if (asprintf(&path, "%s/nodes", storage_pve()) < 0)
		return true;
	d = opendir(path);
	for (const struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	return n > 1;
}

static int choose_output(const struct options *options, bool make, struct place *place,
			 struct err *err)
{
	if (options->via != WAY_AUTO && options->via != WAY_DIRECT)
		return err_set(err, -EINVAL,
			       "--output writes files itself: it goes with --via "
			       "direct only");
	place->way = WAY_DIRECT;
	place->directory = strdup(options->output);
	if (!place->directory)
		return err_set(err, -ENOMEM, "out of memory");
	if (make)
		return place_make(options->output, 0755, err);
	return 0;
}

/* By REST; what is on this machine says nothing then. */
static int choose_rest(const struct options *options, bool secret, struct place *place,
		       struct err *err)
{
	place->way = options->via == WAY_AUTO ? (secret ? WAY_UPLOAD : WAY_API) : options->via;
	place->marked = true;
	if (place->way == WAY_API && secret)
		return err_set(err, -EINVAL,
			       "a node that pulls has no credentials for the registry: use --via "
			       "upload");
	return 0;
}

static int choose_pvesh(const struct options *options, const char *why, bool secret,
			struct place *place, struct err *err)
{
	place->way = WAY_PVESH;
	if (!secret)
		return 0;
	return err_set(err, -EINVAL,
		       "a node that pulls has no credentials for the registry%s%s: use --via "
		       "upload with --api HOST, or run it on the node %s",
		       why ? ", and " : "", why ? why : "", place->node);
}

int way_choose(const struct options *options, const char *node, bool make, bool secret,
	       struct place *place, struct err *err)
{
	_cleanup_(storages_free) struct storages list = {0};
	const struct storage *storage;
	bool reached;
	int r;

	*place = (struct place){.node = node, .here = way_is_here(node)};
	if (options->output)
		return choose_output(options, make, place, err);
	if (options->via == WAY_API || options->via == WAY_UPLOAD ||
	    (options->via == WAY_AUTO && options->api))
		return choose_rest(options, secret, place, err);
	r = storage_load(storage_pve(), &list, err);
	if (r < 0)
		return r;
	storage = storage_find(&list, options->datastore);
	if (!storage)
		return err_set(err, -EINVAL, "there is no store %s in %s/storage.cfg",
			       options->datastore, storage_pve());
	r = storage_check(storage, node, err);
	if (r < 0)
		return r;
	reached = place->here || storage_is_shared(storage);
	place->marked = !storage_is_shared(storage) && (!place->here || is_cluster());
	if (options->via == WAY_DIRECT && !reached)
		return err_set(err, -EINVAL,
			       "the store %s of node %s is not on this machine: use --via pvesh, "
			       "api or upload",
			       storage->id, node);
	if (!reached)
		return choose_pvesh(options, "its store is not on this machine", secret, place,
				    err);
	r = storage_check_directory(storage, make, err);
	if (r < 0)
		return r;
	place->directory = storage_templates(storage);
	if (!place->directory)
		return err_set(err, -ENOMEM, "out of memory");
	if (options->via == WAY_PVESH)
		return choose_pvesh(options, NULL, secret, place, err);
	place->way = WAY_DIRECT;
	return 0;
}
