#include "image/options.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/text.h"

enum option_kind {
	OPTION_TEXT = 0, /* one text */
	OPTION_PATH,     /* one path, not empty */
	OPTION_SECRET,   /* a text that is wiped, and taken out of the environment */
	OPTION_LIST_OF,  /* may be given again; each adds */
	OPTION_COMMAS,   /* may be given again; several in one, with commas between */
	OPTION_FLAG,     /* no value; its variable is a boolean */
	OPTION_BOOLEAN,  /* --name or --name=true|false */
	OPTION_NUMBER,   /* from min to max */
	OPTION_BYTES,    /* a number with K, M or G */
	OPTION_WAY,
};

struct option_row {
	const char *name, *letter, *variable;
	enum option_kind kind;
	unsigned commands;
	size_t offset;
	unsigned min, max;
	const char *value, *help;
};

#define AT(field) offsetof(struct options, field)
#define ONE(name, letter, variable, kind, commands, field, value, help)              \
	{                                                                            \
		name, letter, variable, kind, commands, AT(field), 0, 0, value, help \
	}

static const struct option_row rows[] = {
	ONE("node", "n", "NODE_NAME", OPTION_COMMAS, OPTION_PROXMOX, nodes, "NAME[,NAME]",
	    "the node (default: this host's short name); several with --via api"),
	ONE("datastore", "s", "DATASTORE_ID", OPTION_TEXT, OPTION_PROXMOX, datastore, "ID",
	    "the store of the templates (default: local)"),
	ONE("tag", "t", "TEMPLATE_TAG", OPTION_TEXT, OPTION_PULL, tag, "TAG",
	    "the tag of the variants (default: latest)"),
	ONE("registry", "r", "OCI_REGISTRY_NAMESPACE", OPTION_TEXT, OPTION_PULL | OPTION_LIST,
	    registry, "NAMESPACE", "where the variants are (default: ghcr.io/shekohex)"),
	ONE("local-registry", NULL, NULL, OPTION_TEXT, OPTION_PULL | OPTION_LIST, registry,
	    "NAMESPACE", "the same as --registry"),
	ONE("variant", "v", NULL, OPTION_LIST_OF, OPTION_PULL, variants, "NAME",
	    "a variant to pull; may be given again"),
	ONE("variants", NULL, NULL, OPTION_COMMAS, OPTION_PULL, variants, "A,B",
	    "variants to pull (VARIANTS counts where no variant and no image is named)"),
	ONE("image", "i", NULL, OPTION_LIST_OF, OPTION_PULL, images, "REFERENCE",
	    "an image to pull, with its tag; may be given again"),
	ONE("force-replace", "f", "FORCE_REPLACE", OPTION_FLAG, OPTION_PULL, force, NULL,
	    "replace templates whatever they are"),
	ONE("check-remote-digest", NULL, "CHECK_REMOTE_DIGEST", OPTION_FLAG, OPTION_PULL,
	    check_digest, NULL, "replace templates whose tag has moved in the registry"),
	ONE("state-file", NULL, "DIGEST_STATE_FILE", OPTION_PATH, OPTION_PROXMOX, state_file,
	    "FILE", "digests of what was pulled"),
	ONE("dry-run", NULL, "DRY_RUN", OPTION_FLAG, OPTION_PULL, dry_run, NULL,
	    "say what would be done, and do nothing"),
	ONE("via", NULL, NULL, OPTION_WAY, OPTION_PROXMOX, via, "WAY",
	    "auto, direct, pvesh, api or upload (default: auto)"),
	ONE("output", NULL, NULL, OPTION_PATH, OPTION_PULL, output, "DIR",
	    "write the archives into this directory; no Proxmox is needed"),
	ONE("platform", NULL, NULL, OPTION_TEXT, OPTION_NET, platform, "OS/ARCH",
	    "of an image for several (default: this machine's)"),
	ONE("use-gh-auth-token", NULL, "USE_GH_AUTH_TOKEN", OPTION_FLAG, OPTION_NET, use_gh, NULL,
	    "ask `gh auth token` for a token of ghcr.io"),
	ONE("gh-token", NULL, "GH_TOKEN", OPTION_SECRET, OPTION_NET, gh_token, "TOKEN",
	    "a token of ghcr.io; better in the variable, since other users see words"),
	ONE("gh-username", NULL, "GH_USERNAME", OPTION_TEXT, OPTION_NET, gh_username, "NAME",
	    "the name that goes with the token"),
	ONE("creds", NULL, NULL, OPTION_SECRET, OPTION_NET, creds, "USER:PASSWORD",
	    "credentials for every registry of this run"),
	ONE("username", "u", NULL, OPTION_TEXT, OPTION_LOGIN, username, "NAME",
	    "the user; it is asked for where it is not given"),
	ONE("authfile", NULL, NULL, OPTION_PATH, OPTION_NET | OPTION_LOGIN, authfile, "FILE",
	    "the only file of credentials to read (else those of podman and docker)"),
	ONE("cacert", NULL, NULL, OPTION_PATH, OPTION_NET | OPTION_LOGIN, cacert, "FILE",
	    "certificates of registries to trust, besides the system's"),
	ONE("tls-verify", NULL, NULL, OPTION_BOOLEAN, OPTION_NET | OPTION_LOGIN, tls_verify,
	    "BOOLEAN", "false: certificates of registries are not checked"),
	ONE("plain-http", NULL, NULL, OPTION_FLAG, OPTION_NET | OPTION_LOGIN, plain_http, NULL,
	    "speak http to the registry"),
	{"jobs", NULL, NULL, OPTION_NUMBER, OPTION_PULL, AT(jobs), 1, FETCH_JOBS_MAX, "N",
	 "layers at once (default: 3)"},
	ONE("limit-rate", NULL, NULL, OPTION_BYTES, OPTION_PULL | OPTION_INSPECT, limit_rate,
	    "BYTES", "bytes a second for all connections, as 500K or 20M"),
	{"retries", NULL, NULL, OPTION_NUMBER, OPTION_NET, AT(retries), 0, 100, "N",
	 "attempts after the first (default: 5)"},
	{"stall-timeout", NULL, NULL, OPTION_NUMBER, OPTION_NET, AT(stall_timeout), 1, 3600,
	 "SECONDS", "without a byte until a connection is given up (default: 30)"},
	{"task-timeout", NULL, NULL, OPTION_NUMBER, OPTION_PULL | OPTION_PRUNE, AT(task_timeout), 1,
	 86400, "SECONDS", "without a word until a task of Proxmox is given up (default: 1800)"},
	ONE("verify-layers", NULL, NULL, OPTION_FLAG, OPTION_PULL | OPTION_VERIFY, verify_layers,
	    NULL, "unpack the layers, too, and compare their digests"),
	ONE("layers", NULL, NULL, OPTION_FLAG, OPTION_INSPECT, layers, NULL,
	    "fetch the layers, and look for what Proxmox would choke on"),
	ONE("api", NULL, "PVE_API", OPTION_TEXT, OPTION_PROXMOX, api, "HOST[:PORT]",
	    "the host whose API is spoken to (port 8006)"),
	ONE("api-token-file", NULL, NULL, OPTION_PATH, OPTION_PROXMOX, api_token_file, "FILE",
	    "a file with USER@REALM!ID=SECRET (or the variable PVE_API_TOKEN)"),
	ONE("api-cacert", NULL, "PVE_API_CACERT", OPTION_PATH, OPTION_PROXMOX, api_cacert, "FILE",
	    "the certificate that the API's is signed by"),
	ONE("fingerprint", NULL, "PVE_FINGERPRINT", OPTION_TEXT, OPTION_PROXMOX, fingerprint,
	    "SHA256", "of the API's certificate, as the web interface shows it"),
	ONE(NULL, NULL, "PVE_API_TOKEN", OPTION_SECRET, OPTION_PROXMOX, api_token, NULL, NULL),
	ONE("check-remote", NULL, NULL, OPTION_FLAG, OPTION_LIST, check_remote, NULL,
	    "ask the registries whether the templates are current"),
	{"keep", NULL, NULL, OPTION_NUMBER, OPTION_PRUNE, AT(keep), 0, 1000, "N",
	 "keep the newest N of each variant (default: 2)"},
	ONE("yes", "y", NULL, OPTION_FLAG, OPTION_PRUNE, yes, NULL, "do it; else it is only shown"),
	ONE("json", NULL, NULL, OPTION_FLAG, OPTION_ALL, json, NULL,
	    "JSON on standard output, one object a line"),
	ONE("quiet", "q", NULL, OPTION_FLAG, OPTION_ALL, quiet, NULL, "no progress"),
	ONE("help", "h", NULL, OPTION_FLAG, OPTION_ALL, help, NULL, "show this"),
};

bool option_true(const char *text)
{
	static const char *const words[] = {"1", "true", "yes", "on"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

static void wipe(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

/* What is said about an option in an error: "--tag", "TEMPLATE_TAG". */
static const char *named(const struct option_row *row, bool variable, char name[64])
{
	snprintf(name, 64, "%s%s", variable ? "" : "--", variable ? row->variable : row->name);
	return name;
}

static int set_text(char **to, const char *value, const char *name, struct err *err)
{
	char *copy;

	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return err_set(err, -EINVAL, "%s has a control character", name);
	copy = strdup(value);
	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	wipe(to);
	*to = copy;
	return 0;
}

static int add_commas(struct strv *list, const char *value, struct err *err)
{
	bool nothing = *value != '\0';

	while (*value) {
		size_t len = strcspn(value, ",");
		const char *next = value + len + (value[len] == ',');

		for (; len && isspace((unsigned char)*value); len--)
			value++;
		while (len && isspace((unsigned char)value[len - 1]))
			len--;
		if (len && strv_add_len(list, value, len) < 0)
			return err_set(err, -ENOMEM, "out of memory");
		nothing = nothing && len == 0;
		value = next;
	}
	/* Commas alone name nothing, which is not the same as nothing being said. */
	return nothing && strv_add(list, "") < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static int set_number(const struct option_row *row, unsigned *to, const char *value,
		      const char *name, struct err *err)
{
	unsigned long number = 0;
	const char *c = value;

	for (; *c >= '0' && *c <= '9' && number <= row->max; c++)
		number = number * 10 + (unsigned long)(*c - '0');
	if (c == value || *c || number < row->min || number > row->max)
		return err_set(err, -EINVAL, "%s takes a number from %u to %u", name, row->min,
			       row->max);
	*to = (unsigned)number;
	return 0;
}

static int set_bytes(uint64_t *to, const char *value, const char *name, struct err *err)
{
	uint64_t number = 0;
	static const char units[] = "kmg";
	const char *c = value, *unit;
	unsigned shift = 0;

	for (; *c >= '0' && *c <= '9' && number < UINT64_MAX >> 36; c++)
		number = number * 10 + (uint64_t)(*c - '0');
	unit = c != value && *c ? strchr(units, tolower((unsigned char)*c)) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		c++;
	}
	if (c == value || *c || number == 0)
		return err_set(err, -EINVAL, "%s takes bytes a second, as 500K or 20M", name);
	*to = number << shift;
	return 0;
}

static int set_way(enum way *to, const char *value, struct err *err)
{
	static const char *const names[] = {
		[WAY_AUTO] = "auto", [WAY_DIRECT] = "direct", [WAY_PVESH] = "pvesh",
		[WAY_API] = "api",   [WAY_UPLOAD] = "upload",
	};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(value, names[i]) == 0) {
			*to = (enum way)i;
			return 0;
		}
	return err_set(err, -EINVAL, "--via takes auto, direct, pvesh, api or upload");
}

static int set_boolean(bool *to, const char *value, struct err *err)
{
	static const char *const no[] = {"0", "false", "no", "off"};

	*to = true;
	if (option_true(value))
		return 0;
	*to = false;
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (strcasecmp(value, no[i]) == 0)
			return 0;
	return err_set(err, -EINVAL, "--tls-verify takes true or false");
}

static int set(struct options *options, const struct option_row *row, const char *value,
	       bool variable, struct err *err)
{
	char name[64];
	void *field = (char *)options + row->offset;

	named(row, variable, name);
	switch (row->kind) {
	case OPTION_TEXT:
	case OPTION_PATH:
	case OPTION_SECRET:
		if (!*value)
			return err_set(err, -EINVAL, "%s is empty", name);
		return set_text(field, value, name, err);
	case OPTION_LIST_OF:
		return strv_add(field, value) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
	case OPTION_COMMAS:
		return add_commas(field, value, err);
	case OPTION_FLAG:
		*(bool *)field = option_true(value);
		return 0;
	case OPTION_BOOLEAN:
		return set_boolean(field, value, err);
	case OPTION_NUMBER:
		return set_number(row, field, value, name, err);
	case OPTION_BYTES:
		return set_bytes(field, value, name, err);
	case OPTION_WAY:
		return set_way(field, value, err);
	}
	return 0;
}

/* `given` has one flag a row: a word of the command line said it. */
static int read_variables(struct options *options, enum option_for command, const bool *given,
			  struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct option_row *row = &rows[i];
		const char *value = row->variable ? getenv(row->variable) : NULL;
		int r = 0;

		if (!value)
			continue;
		if (!given[i] && *value && (row->commands & command))
			r = set(options, row, value, true, err);
		if (row->kind == OPTION_SECRET)
			unsetenv(row->variable);
		if (r < 0)
			return r;
	}
	return 0;
}

static const struct option_row *find_long(const char *word, const char **value)
{
	size_t len = strcspn(word, "=");

	*value = word[len] ? word + len + 1 : NULL;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].name && strlen(rows[i].name) == len &&
		    memcmp(rows[i].name, word, len) == 0)
			return &rows[i];
	return NULL;
}

static const struct option_row *find_letter(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].letter && *rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

struct reading {
	struct options *options;
	enum option_for command;
	bool given[ARRAY_LEN(rows)];
	int argc, at;
	char **argv;
};

static int read_option(struct reading *in, const struct option_row *row, const char *word,
		       const char *value, struct err *err)
{
	size_t number = row ? (size_t)(row - rows) : 0;
	char quoted[64];

	text_quote(quoted, sizeof(quoted), word, strcspn(word, "="));
	if (!row || !(row->commands & in->command))
		return err_set(err, -EINVAL, "there is no option %s: see hakim %s --help", quoted,
			       in->argv[0]);
	if (row->kind == OPTION_FLAG) {
		if (value)
			return err_set(err, -EINVAL, "%s takes no value", quoted);
		value = "1";
	} else if (!value && row->kind == OPTION_BOOLEAN) {
		value = "true";
	} else if (!value) {
		if (in->at >= in->argc)
			return err_set(err, -EINVAL, "missing value for %s", quoted);
		value = in->argv[in->at++];
	}
	in->given[number] = true;
	return set(in->options, row, value, false, err);
}

static int read_words(struct reading *in, struct err *err)
{
	while (in->at < in->argc) {
		const char *word = in->argv[in->at++], *value = NULL;
		const struct option_row *row;
		int r = 0;

		if (strcmp(word, "--") == 0) {
			while (in->at < in->argc && r == 0)
				r = strv_add(&in->options->words, in->argv[in->at++]);
			return r < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
		}
		if (word[0] != '-' || !word[1]) {
			if (strv_add(&in->options->words, word) < 0)
				return err_set(err, -ENOMEM, "out of memory");
			continue;
		}
		if (word[1] == '-') {
			row = find_long(word + 2, &value);
		} else {
			row = find_letter(word[1]);
			/* -tTAG, but no bundles: the script had none. */
			value = word[2] ? word + 2 : NULL;
		}
		r = read_option(in, row, word, value, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_default(char **to, const char *value, struct err *err)
{
	if (*to)
		return 0;
	*to = strdup(value);
	return *to ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int set_defaults(struct options *options, struct err *err)
{
	const char *variants = getenv("VARIANTS");
	char host[HOST_NAME_MAX + 1] = "";
	int r = 0;

	if (options->variants.n == 0 && options->images.n == 0 && variants)
		r = add_commas(&options->variants, variants, err);
	if (r == 0)
		r = set_default(&options->datastore, "local", err);
	if (r == 0)
		r = set_default(&options->tag, "latest", err);
	if (r == 0)
		r = set_default(&options->registry, "ghcr.io/shekohex", err);
	if (r < 0)
		return r;
	if (options->nodes.n == 0) {
		if (gethostname(host, sizeof(host) - 1) < 0)
			return err_sys(err, -errno, "cannot learn the name of this host");
		host[strcspn(host, ".")] = '\0';
		if (strv_add(&options->nodes, host) < 0)
			return err_set(err, -ENOMEM, "out of memory");
	}
	for (size_t len = strlen(options->registry); len && options->registry[len - 1] == '/';)
		options->registry[--len] = '\0';
	if (!*options->registry)
		return err_set(err, -EINVAL, "the namespace of the registry is empty");
	return 0;
}

int options_parse(struct options *options, enum option_for command, int argc, char **argv,
		  struct err *err)
{
	struct reading in = {
		.options = options, .command = command, .argc = argc, .argv = argv, .at = 1};
	int r;

	*options = (struct options){.tls_verify = true,
				    .keep = 2,
				    .retries = FETCH_RETRIES,
				    .stall_timeout = FETCH_STALL_TIMEOUT,
				    .task_timeout = 1800};
	r = read_words(&in, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows); i++)
		if (in.given[i] && rows[i].name && strcmp(rows[i].name, "gh-token") == 0 &&
		    strv_add(&options->warnings,
			     "a token on the command line can be seen by every user of "
			     "this host: put it into GH_TOKEN") < 0)
			r = err_set(err, -ENOMEM, "out of memory");
	if (r == 0 && !options->help)
		r = read_variables(options, command, in.given, err);
	return r < 0 || options->help ? r : set_defaults(options, err);
}

void options_free(struct options *options)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		void *field = (char *)options + rows[i].offset;

		if (rows[i].kind <= OPTION_SECRET)
			wipe(field);
		else if (rows[i].kind <= OPTION_COMMAS)
			strv_free(field);
	}
	strv_free(&options->words);
	strv_free(&options->warnings);
}

void options_help(FILE *to, enum option_for command)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct option_row *row = &rows[i];
		char words[80];

		if (!row->name || !(row->commands & command))
			continue;
		snprintf(words, sizeof(words), "%s%s%s --%s%s%s", row->letter ? "-" : "  ",
			 row->letter ? row->letter : "", row->letter ? "," : " ", row->name,
			 row->value ? (row->kind == OPTION_BOOLEAN ? "=" : " ") : "",
			 row->value ? row->value : "");
		fprintf(to, "  %-34s %s%s%s%s\n", words, row->help, row->variable ? " [" : "",
			row->variable ? row->variable : "", row->variable ? "]" : "");
	}
}

struct fetch_options options_fetch(const struct options *options)
{
	return (struct fetch_options){
		.creds = options->creds,
		.authfile = options->authfile,
		.cacert = options->cacert,
		.platform = options->platform,
		.insecure = !options->tls_verify,
		.plain_http = options->plain_http,
		.verify_layers = options->verify_layers,
		.jobs = options->jobs,
		.retries = options->retries,
		.stall_timeout = options->stall_timeout,
		.limit_rate = options->limit_rate,
	};
}
