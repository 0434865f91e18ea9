/*
 * command_home.c - `hakim home CTID`: the mount source of /home/coder, and nothing else on
 * standard output, so that it can be put where Coder's template asks for it.
 */
#include <stdio.h>

#include "common/cleanup.h"
#include "image/containers.h"
#include "image/hakim.h"
#include "image/options.h"
#include "image/storage.h"

static void print(const struct options *options, const char *ctid, const char *source)
{
	json_t *object;

	if (!options->json) {
		puts(source);
		return;
	}
	object = json_pack("{s:s, s:s}", "ctid", ctid, "source", source);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static int find(const struct options *options, const char *ctid, char **source, struct err *err)
{
	_cleanup_(proxmox_close) struct proxmox proxmox = {0};
	bool rest = options->api != NULL;
	int r;

	/* A node has the configurations of all nodes as files. */
	if (options->via != WAY_PVESH && !rest && access(storage_pve(), F_OK) == 0)
		return containers_home(NULL, ctid, source, err);
	r = proxmox_open(&proxmox, options, rest, err);
	return r < 0 ? r : containers_home(&proxmox, ctid, source, err);
}

int hakim_home(int argc, char **argv)
{
	_cleanup_(options_free) struct options options;
	_cleanup_free_ char *source = NULL;
	struct err err = {0};
	int r;

	if (options_parse(&options, OPTION_HOME, argc, argv, &err) < 0)
		return hakim_complain(HAKIM_USAGE, "%s", err.text);
	if (options.help) {
		puts("Usage: hakim home [OPTIONS] CTID\n\n"
		     "Prints the mount source of a container's /home/coder, as\n"
		     "proxmox_home_volume_id wants it.\n");
		options_help(stdout, OPTION_HOME);
		return HAKIM_OK;
	}
	if (options.words.n != 1)
		return hakim_complain(HAKIM_USAGE, "home takes one number of a container");
	r = find(&options, options.words.v[0], &source, &err);
	if (r < 0)
		return hakim_complain(r == -EINVAL ? HAKIM_USAGE : HAKIM_FAILED, "%s", err.text);
	print(&options, options.words.v[0], source);
	return HAKIM_OK;
}
