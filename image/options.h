/*
 * options.h - the options of all subcommands, out of one table: flag, variable, kind, help.
 *
 * A flag beats its variable, and a variable beats the default. Nothing is done here but reading
 * words: whether a store or a registry is there is for others to see. Secrets that come by the
 * environment are taken out of it, so that no child of ours gets them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "common/strv.h"
#include "image/fetch.h"

/* Which subcommands take an option. */
enum option_for {
	OPTION_PULL = 1,
	OPTION_LIST = 2,
	OPTION_PRUNE = 4,
	OPTION_HOME = 8,
	OPTION_REGISTRY = 16, /* inspect, tags */
	OPTION_VERIFY = 32,
	OPTION_LOGIN = 64,    /* login, logout */
	OPTION_INSPECT = 128, /* besides OPTION_REGISTRY */
};
#define OPTION_PROXMOX (OPTION_PULL | OPTION_LIST | OPTION_PRUNE | OPTION_HOME)
#define OPTION_NET     (OPTION_PULL | OPTION_LIST | OPTION_REGISTRY)
#define OPTION_ALL     (OPTION_PROXMOX | OPTION_REGISTRY | OPTION_VERIFY | OPTION_LOGIN)

/* --via */
enum way {
	WAY_AUTO = 0,
	WAY_DIRECT, /* the archive is written into the store's directory */
	WAY_PVESH,  /* the node pulls, asked by pvesh */
	WAY_API,    /* the node pulls, asked by REST */
	WAY_UPLOAD, /* hakim makes the archive, and sends it by REST */
};

struct options {
	/* what to pull */
	struct strv variants, images;
	char *tag, *registry;
	/* where to */
	struct strv nodes; /* never empty after options_parse() */
	char *datastore, *output, *state_file;
	enum way via;
	/* how */
	bool force, check_digest, dry_run, json, quiet, check_remote, yes, help;
	unsigned keep, task_timeout;
	/* the registry */
	bool use_gh;
	char *username; /* login */
	char *gh_token, *gh_username, *creds, *authfile, *cacert, *platform;
	bool tls_verify, plain_http, verify_layers, layers;
	unsigned jobs, retries, stall_timeout;
	uint64_t limit_rate;
	/* the API of Proxmox */
	char *api, *api_token, *api_token_file, *api_cacert, *fingerprint;
	/* words that are no options */
	struct strv words;
	/* sentences for a person, none of them an error */
	struct strv warnings;
};

/*
 * Reads the words behind the subcommand's (argv[0]) and the environment. -EINVAL with a sentence:
 * an option that is not known or not for this subcommand, a value that is missing or no good.
 */
int options_parse(struct options *options, enum option_for command, int argc, char **argv,
		  struct err *err);
/* Wipes the secrets; also for _cleanup_(options_free). */
void options_free(struct options *options);

/* The table as a person reads it: one line an option. */
void options_help(FILE *to, enum option_for command);

/* The options of a session with registries. It points into `options`. */
struct fetch_options options_fetch(const struct options *options);

/* 1, true, yes or on, in any case. */
bool option_true(const char *text);
