/*
 * commands.c - the table of all subcommands.
 */
#include "common/cleanup.h"
#include "image/hakim.h"

const struct hakim_command hakim_commands[] = {
	{"pull", hakim_pull, "[OPTIONS]", "pull images into the templates of Proxmox"},
	{"list", hakim_list, "[OPTIONS]", "the templates of a store"},
	{"prune", hakim_prune, "[OPTIONS]", "remove templates that nothing needs"},
	{"home", hakim_home, "CTID", "the mount source of a container's /home/coder"},
	{"inspect", hakim_inspect, "REFERENCE [OPTIONS]", "what an image is"},
	{"tags", hakim_tags, "REPOSITORY [OPTIONS]", "the tags of a repository"},
	{"verify", hakim_verify, "FILE...", "whether archives are whole, and what Proxmox takes"},
	{"login", hakim_login, "REGISTRY", "store credentials for a registry"},
	{"logout", hakim_logout, "REGISTRY", "remove them"},
	{"help", hakim_help, "", "show this"},
	{"version", hakim_version, "", "show the version"},
};
const unsigned hakim_commands_n = ARRAY_LEN(hakim_commands);
