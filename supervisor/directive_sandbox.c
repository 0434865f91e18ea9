/*
 * directive_sandbox.c - the directives of what a service may see of the file system, the network
 * and the kernel's switches.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"
#include "supervisor/specifier.h"

#define SETTER(name) static DIRECTIVE_SETTER(name)
#define RESET(name)  static DIRECTIVE_RESET(name)

#define PATHS_MAX 128

/* put_word() writes them as such. */
_Static_assert(sizeof(enum protect_system) == sizeof(unsigned) &&
		       sizeof(enum protect_home) == sizeof(unsigned) &&
		       sizeof(enum protect_proc) == sizeof(unsigned) &&
		       sizeof(enum private_users) == sizeof(unsigned),
	       "an enum is an unsigned");

SETTER(set_bool)
{
	if (!*value) {
		*DIRECTIVE_FIELD(bool) = false;
		return 0;
	}
	return bool_parse(value, DIRECTIVE_FIELD(bool), err);
}

/* Newer systemd has words for how far it goes: all of them are "yes" here. */
SETTER(set_extended)
{
	static const char *const words[] = {"connected", "disconnected", "private", "strict"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(value, words[i]) == 0) {
			*DIRECTIVE_FIELD(bool) = true;
			return 0;
		}
	return set_bool(d, ctx, value, err);
}

/* The index of a word among those of a row, which is the value of the enum. A boolean is 1 or 0. */
static int word_index(const char *const *words, const char *value, unsigned *index, struct err *err)
{
	bool yes;

	for (unsigned i = 0; words[i]; i++)
		if (strcmp(words[i], value) == 0) {
			*index = i;
			return 0;
		}
	if (strcmp(words[0], "no") == 0 && bool_parse(value, &yes, NULL) == 0) {
		*index = yes;
		return 0;
	}
	return err_set(err, -EINVAL, "\"%.60s\" is not one of its values (%s, %s …)", value,
		       words[0], words[1]);
}

/* Each in the order of its enum. */
static const char *const system_words[] = {"no", "yes", "full", "strict", NULL};
static const char *const home_words[] = {"no", "yes", "read-only", "tmpfs", NULL};
static const char *const users_words[] = {"no", "self", "identity", "full", NULL};
static const char *const proc_words[] = {"default", "noaccess", "invisible", "ptraceable", NULL};

static int put_word(const struct directive *d, struct directive_context *ctx,
		    const char *const *words, const char *value, struct err *err)
{
	unsigned index = 0;
	int r = *value ? word_index(words, value, &index, err) : 0;

	if (r == 0)
		*DIRECTIVE_FIELD(unsigned) = index;
	return r;
}

SETTER(set_protect_system)
{
	return put_word(d, ctx, system_words, value, err);
}

SETTER(set_protect_home)
{
	return put_word(d, ctx, home_words, value, err);
}

SETTER(set_private_users)
{
	return put_word(d, ctx, users_words, value, err);
}

SETTER(set_protect_proc)
{
	return put_word(d, ctx, proc_words, value, err);
}

SETTER(set_proc_subset)
{
	static const char *const words[] = {"all", "pid", NULL};
	unsigned index = 0;
	int r = *value ? word_index(words, value, &index, err) : 0;

	if (r == 0)
		ctx->unit->sandbox.proc_pid_only = index;
	return r;
}

SETTER(set_mount_flags)
{
	static const char *const words[] = {"", "shared", "slave", "private", NULL};
	unsigned index = 0;
	int r = word_index(words, value, &index, err);

	if (r == 0)
		ctx->unit->sandbox.mount_flags = index;
	return r;
}

static int take_path(struct strv *list, char *word, struct err *err)
{
	char *path = word + strspn(word, "-+");
	size_t len = strlen(path);
	int r = directive_path_check(path, err);

	if (r < 0)
		return r;
	if (list->n >= PATHS_MAX)
		return err_set(err, -E2BIG, "there are more than %d", PATHS_MAX);
	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	return strv_has(list, word) ? 0 : strv_add(list, word);
}

SETTER(set_paths)
{
	return directive_words_take(DIRECTIVE_FIELD(struct strv), ctx, value, take_path, err);
}

static int bind_add(struct unit_sandbox *sandbox, char *word, bool read_only, struct err *err)
{
	struct bind_path bind = {.read_only = read_only, .recursive = true}, *grown;
	char *rest = word, *source, *target, *options;
	int r;

	bind.optional = *word == '-';
	rest += bind.optional;
	source = strsep(&rest, ":");
	target = strsep(&rest, ":");
	options = strsep(&rest, ":");
	r = directive_path_check(source, err);
	if (r == 0 && target && *target)
		r = directive_path_check(target, err);
	if (r < 0)
		return r;
	if (options && strcmp(options, "norbind") == 0)
		bind.recursive = false;
	else if (options && *options && strcmp(options, "rbind") != 0)
		return err_set(err, -EINVAL, "\"%.60s\" is neither rbind nor norbind", options);
	if (sandbox->n_binds >= PATHS_MAX)
		return err_set(err, -E2BIG, "there are more than %d", PATHS_MAX);
	grown = reallocarray(sandbox->binds, sandbox->n_binds + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	sandbox->binds = grown;
	bind.source = strdup(source);
	bind.target = strdup(target && *target ? target : source);
	grown[sandbox->n_binds++] = bind;
	return bind.source && bind.target ? 0 : -ENOMEM;
}

SETTER(set_binds)
{
	_cleanup_(strv_free) struct strv words = {0};
	int r = words_split(value, &words, err);

	for (size_t i = 0; i < words.n && r == 0; i++) {
		_cleanup_free_ char *word = NULL;

		r = specifier_expand(words.v[i], ctx->unit->name, &word, err);
		if (r == 0)
			r = bind_add(&ctx->unit->sandbox, word, d->arg, err);
	}
	return r;
}

/* Those that may be written and those that may not are one list. */
RESET(reset_binds)
{
	struct unit_sandbox *sandbox = &ctx->unit->sandbox;

	for (size_t i = 0; i < sandbox->n_binds; i++) {
		free(sandbox->binds[i].source);
		free(sandbox->binds[i].target);
	}
	free(sandbox->binds);
	sandbox->binds = NULL;
	sandbox->n_binds = 0;
	return 0;
}

static int temporary_add(struct unit_sandbox *sandbox, char *word, struct err *err)
{
	struct temporary_path *grown;
	char *rest = word;
	char *path = strsep(&rest, ":");
	const char *options = rest ? rest : "";
	int r = directive_path_check(path, err);
	char *text;

	if (r < 0)
		return r;
	if (sandbox->n_temporary >= PATHS_MAX)
		return err_set(err, -E2BIG, "there are more than %d", PATHS_MAX);
	grown = reallocarray(sandbox->temporary, sandbox->n_temporary + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	sandbox->temporary = grown;
	/* systemd's defaults; later ones win. */
	if (asprintf(&text, "mode=0755,size=10%%,nr_inodes=400k%s%s", *options ? "," : "",
		     options) < 0)
		return -ENOMEM;
	grown[sandbox->n_temporary].options = text;
	grown[sandbox->n_temporary].path = strdup(path);
	return grown[sandbox->n_temporary++].path ? 0 : -ENOMEM;
}

SETTER(set_temporary)
{
	_cleanup_(strv_free) struct strv words = {0};
	int r = words_split(value, &words, err);

	for (size_t i = 0; i < words.n && r == 0; i++) {
		_cleanup_free_ char *word = NULL;

		r = specifier_expand(words.v[i], ctx->unit->name, &word, err);
		if (r == 0)
			r = temporary_add(&ctx->unit->sandbox, word, err);
	}
	return r;
}

RESET(reset_temporary)
{
	struct unit_sandbox *sandbox = &ctx->unit->sandbox;

	for (size_t i = 0; i < sandbox->n_temporary; i++) {
		free(sandbox->temporary[i].path);
		free(sandbox->temporary[i].options);
	}
	free(sandbox->temporary);
	sandbox->temporary = NULL;
	sandbox->n_temporary = 0;
	return 0;
}

#define AT(field)    DIRECTIVE_AT(sandbox.field)
#define BOOL(field)  set_bool, AT(field), 0, NULL
#define WORDS(field) set_extended, AT(field), 0, NULL
#define PATHS(field) set_paths, AT(field), 0, directive_reset_list

static const struct directive directives[] = {
	{"BindPaths", set_binds, 0, false, reset_binds},
	{"BindReadOnlyPaths", set_binds, 0, true, reset_binds},
	{"ExecPaths", PATHS(exec)},
	{"InaccessibleDirectories", PATHS(inaccessible)},
	{"InaccessiblePaths", PATHS(inaccessible)},
	{"MountFlags", set_mount_flags, 0, 0, NULL},
	{"NoExecPaths", PATHS(no_exec)},
	{"PrivateDevices", BOOL(private_devices)},
	{"PrivateIPC", BOOL(private_ipc)},
	{"PrivateMounts", BOOL(private_mounts)},
	{"PrivateNetwork", BOOL(private_network)},
	{"PrivateTmp", WORDS(private_tmp)},
	{"PrivateUsers", set_private_users, AT(private_users), 0, NULL},
	{"ProcSubset", set_proc_subset, 0, 0, NULL},
	{"ProtectClock", BOOL(protect_clock)},
	{"ProtectControlGroups", WORDS(protect_cgroups)},
	{"ProtectHome", set_protect_home, AT(protect_home), 0, NULL},
	{"ProtectHostname", WORDS(protect_hostname)},
	{"ProtectKernelLogs", BOOL(protect_kernel_logs)},
	{"ProtectKernelModules", BOOL(protect_kernel_modules)},
	{"ProtectKernelTunables", BOOL(protect_tunables)},
	{"ProtectProc", set_protect_proc, AT(protect_proc), 0, NULL},
	{"ProtectSystem", set_protect_system, AT(protect_system), 0, NULL},
	{"ReadOnlyDirectories", PATHS(read_only)},
	{"ReadOnlyPaths", PATHS(read_only)},
	{"ReadWriteDirectories", PATHS(read_write)},
	{"ReadWritePaths", PATHS(read_write)},
	{"TemporaryFileSystem", set_temporary, 0, 0, reset_temporary},
};

const struct directive_area directive_area_sandbox = {DIRECTIVES_SERVICE, directives,
						      ARRAY_LEN(directives)};
