#include "image/containers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/file.h"
#include "image/storage.h"
#include "image/text.h"

#define CONFIG_MAX (1u << 20)
#define PREFIX     "template-"
#define HOME       "/home/coder"

static int add_tags(const char *words, size_t len, struct strv *tags)
{
	while (len) {
		size_t n = 0;

		while (n < len && !strchr(";, \t\r", words[n]))
			n++;
		if (n > strlen(PREFIX) && strncasecmp(words, PREFIX, strlen(PREFIX)) == 0 &&
		    strv_add_len(tags, words + strlen(PREFIX), n - strlen(PREFIX)) < 0)
			return -ENOMEM;
		n += n < len;
		words += n;
		len -= n;
	}
	return 0;
}

int container_tags(const char *config, struct strv *tags)
{
	for (const char *line = config; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(line, "tags:", 5) == 0 &&
		    add_tags(line + 5, strcspn(line + 5, "\n"), tags) < 0)
			return -ENOMEM;
	return 0;
}

bool container_tag_is(const char *kept, const char *tag)
{
	return strcasecmp(kept, tag) == 0;
}

/* "mp0: SOURCE,mp=/home/coder,backup=1": the source, or NULL. */
static char *mount_of(const char *value, size_t len, const char *where)
{
	const char *source = NULL;
	size_t source_len = 0;
	bool here = false;

	for (size_t at = 0; at < len;) {
		const char *word = value + at, *equals;
		size_t n = 0;

		while (at + n < len && word[n] != ',')
			n++;
		equals = memchr(word, '=', n);
		if (!equals || (equals == word + 6 && memcmp(word, "volume", 6) == 0)) {
			/* The first word may leave "volume=" out. */
			source = equals ? equals + 1 : word;
			source_len = n - (size_t)(source - word);
		} else if (equals == word + 2 && memcmp(word, "mp", 2) == 0) {
			size_t path = n - 3;

			while (path > 1 && word[3 + path - 1] == '/')
				path--;
			here = path == strlen(where) && memcmp(word + 3, where, path) == 0;
		} else if (at == 0) {
			/* A path may have "=" in it. */
			source = word;
			source_len = n;
		}
		at += n + 1;
	}
	return here && source && source_len ? strndup(source, source_len) : NULL;
}

char *container_mount(const char *config, const char *where)
{
	for (const char *line = config; *line && *line != '[';
	     line += strcspn(line, "\n"), line += *line == '\n') {
		const char *value;
		size_t len;
		char *source;

		if (strncmp(line, "mp", 2) != 0)
			continue;
		value = line + 2 + strspn(line + 2, "0123456789");
		if (value == line + 2 || *value != ':')
			continue;
		value++;
		value += strspn(value, " \t");
		len = strcspn(value, "\n");
		while (len && strchr(" \t\r", value[len - 1]))
			len--;
		source = mount_of(value, len, where);
		if (source)
			return source;
	}
	return NULL;
}

/* Calls for each configuration of each node. A node's directory without lxc/ has none. */
typedef int config_fn(const char *node, const char *ctid, const char *path, void *arg,
		      struct err *err);

static int each_of_node(const char *nodes, const char *node, config_fn *fn, void *arg,
			struct err *err)
{
	_cleanup_free_ char *dir = NULL;
	_cleanup_closedir_ DIR *d = NULL;
	const struct dirent *e;
	int r = 0;

	if (asprintf(&dir, "%s/%s/lxc", nodes, node) < 0) {
		dir = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	d = opendir(dir);
	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return err_sys(err, -errno, "cannot read the containers of node %s", node);
	while (r == 0 && (e = readdir(d))) {
		size_t len = strlen(e->d_name);
		_cleanup_free_ char *path = NULL;
		char ctid[32];

		if (len <= 5 || len > 25 || strcmp(e->d_name + len - 5, ".conf") != 0)
			continue;
		snprintf(ctid, sizeof(ctid), "%.*s", (int)(len - 5), e->d_name);
		if (asprintf(&path, "%s/%s", dir, e->d_name) < 0) {
			path = NULL;
			return err_set(err, -ENOMEM, "out of memory");
		}
		r = fn(node, ctid, path, arg, err);
	}
	return r;
}

static int each(config_fn *fn, void *arg, struct err *err)
{
	_cleanup_free_ char *nodes = NULL;
	_cleanup_closedir_ DIR *d = NULL;
	const struct dirent *e;
	int r = 0;

	if (asprintf(&nodes, "%s/nodes", storage_pve()) < 0) {
		nodes = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	d = opendir(nodes);
	if (!d)
		return err_sys(err, -errno, "cannot read the containers of the nodes in %s", nodes);
	while (r == 0 && (e = readdir(d)))
		if (e->d_name[0] != '.')
			r = each_of_node(nodes, e->d_name, fn, arg, err);
	return r;
}

static int read_tags(const char *node, const char *ctid, const char *path, void *arg,
		     struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = file_read(path, CONFIG_MAX, &text, &len, err);

	if (r < 0)
		return r;
	return container_tags(text, arg) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static int ask_resources(struct proxmox *proxmox, json_t **data, struct err *err)
{
	static const char *const params[] = {"type", "vm", NULL};
	const struct proxmox_call call = {
		.path = "/cluster/resources", .params = params, .privilege = "VM.Audit"};
	int r = proxmox_call(proxmox, &call, data, err);

	if (r == 0 && !json_is_array(*data))
		r = err_set(err, -EPROTO, "the list of containers is no list");
	return r;
}

int containers_tags(struct proxmox *proxmox, struct strv *tags, struct err *err)
{
	_cleanup_(proxmox_drop) json_t *data = NULL;
	json_t *entry;
	size_t i;
	int r;

	if (!proxmox)
		return each(read_tags, tags, err);
	r = ask_resources(proxmox, &data, err);
	if (r < 0)
		return r;
	json_array_foreach(data, i, entry)
	{
		const char *words = json_string_value(json_object_get(entry, "tags"));

		if (words && add_tags(words, strlen(words), tags) < 0)
			return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

struct search {
	const char *ctid;
	char *text;
};

static int find_config(const char *node, const char *ctid, const char *path, void *arg,
		       struct err *err)
{
	struct search *search = arg;
	size_t len = 0;

	if (search->text || strcmp(ctid, search->ctid) != 0)
		return 0;
	return file_read(path, CONFIG_MAX, &search->text, &len, err);
}

/* The API's configuration as the lines of a file. */
static int ask_config(struct proxmox *proxmox, const char *ctid, char **text, struct err *err)
{
	_cleanup_(proxmox_drop) json_t *resources = NULL, *config = NULL;
	_cleanup_free_ char *out = NULL;
	const char *node = NULL, *key = NULL;
	char path[256];
	size_t size = 0, i;
	struct proxmox_call call = {.path = path, .privilege = "VM.Audit"};
	json_t *entry;
	FILE *f;
	int r = ask_resources(proxmox, &resources, err);

	if (r < 0)
		return r;
	json_array_foreach(resources, i, entry) if (json_integer_value(json_object_get(
							    entry, "vmid")) == atoll(ctid)) node =
		json_string_value(json_object_get(entry, "node"));
	if (!node)
		return 0;
	snprintf(path, sizeof(path), "/nodes/%s/lxc/%s/config", node, ctid);
	r = proxmox_call(proxmox, &call, &config, err);
	if (r < 0)
		return r;
	f = open_memstream(&out, &size);
	if (!f)
		return err_set(err, -ENOMEM, "out of memory");
	json_object_foreach(config, key, entry) if (json_is_string(entry) &&
						    !strchr(json_string_value(entry), '\n'))
		fprintf(f, "%s: %s\n", key, json_string_value(entry));
	if (fclose(f) != 0)
		return err_set(err, -ENOMEM, "out of memory");
	*text = steal_ptr(&out);
	return 0;
}

int containers_home(struct proxmox *proxmox, const char *ctid, char **source, struct err *err)
{
	struct search search = {.ctid = ctid};
	_cleanup_free_ char *text = NULL;
	size_t len = strlen(ctid);
	char quoted[40];
	int r;

	if (len == 0 || len > 10 || strspn(ctid, "0123456789") != len)
		return err_set(err, -EINVAL, "\"%s\" is no number of a container: type it as 300",
			       text_quote(quoted, sizeof(quoted), ctid, len));
	r = proxmox ? ask_config(proxmox, ctid, &text, err) : each(find_config, &search, err);
	if (!proxmox)
		text = search.text;
	if (r < 0)
		return r;
	if (!text)
		return err_set(err, -ENOENT, "there is no container %s on any node", ctid);
	*source = container_mount(text, HOME);
	return *source ? 0
		       : err_set(err, -ENOENT,
				 "container %s has no mount at " HOME
				 ": its home is in its root disk",
				 ctid);
}
