/*
 * unit.c - one unit: its file and its drop-ins, and the words of its enums.
 */
#include "supervisor/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive.h"
#include "supervisor/socket.h"
#include "supervisor/unit_name.h"
#include "supervisor/unit_read.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* FNV-1a over all files in their order: a text that moves from one to another is another unit. */
static uint64_t digest_add(uint64_t digest, const char *text, size_t len)
{
	if (!digest)
		digest = 0xcbf29ce484222325ull;
	for (size_t i = 0; i < len; i++)
		digest = (digest ^ (unsigned char)text[i]) * 0x100000001b3ull;
	return (digest ^ len) * 0x100000001b3ull;
}

/* What a user's unit says is said by the user: nobody else's file counts. */
static bool is_of_user(const struct unit_load *load, const char *path, const struct identity *user)
{
	struct stat st;

	if (!user || !unit_name_is_user(load->ctx.unit->name) || stat(path, &st) < 0)
		return true;
	return st.st_uid == 0 || st.st_uid == user->uid || !S_ISREG(st.st_mode);
}

/* Reads one file into the load. 1: it is empty or /dev/null, which masks a unit. */
static int load_file(struct unit_load *load, const char *path, const struct identity *user)
{
	struct text_file file = {0};
	struct err err = {0};
	int r;

	if (!is_of_user(load, path, user))
		return unit_load_fault(load, path, true, "belongs to neither the user nor root");
	r = text_file_read(path, &file, &err);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return unit_load_fault(load, path, true, err.text);
	load->ctx.unit->digest = digest_add(load->ctx.unit->digest, file.text, file.len);
	r = file.len ? unit_load_text(load, path, &file) : 1;
	free(file.text);
	return r;
}

/* The unit's own file. 1: it is masked. */
static int load_main(struct unit_load *load, const char *path, const char *name,
		     const struct identity *user)
{
	load->ctx.unit->path = strdup(path);
	if (!load->ctx.unit->path)
		return -ENOMEM;
	if (!unit_name_valid(name) || unit_kind_of(name) == KIND_OTHER)
		return unit_load_fault(
			load, path, true,
			"is no valid name of a unit (letters, digits, :_.\\@-, shorter than 64, "
			"ending in .service, .socket or .target)");
	return load_file(load, path, user);
}

static int load_dropins(struct unit_load *load, const struct unit_dirs *dirs, const char *name,
			const struct identity *user)
{
	_cleanup_(strv_free) struct strv paths = {0};
	struct unit *unit = load->ctx.unit;
	char where[512];
	int r = unit_dirs_dropins(dirs, name, &unit->install.alias, &paths, where);

	/* Half of the drop-ins may be the half that takes rights away. */
	if (r < 0)
		return r == -ENOMEM ? r : unit_load_fault(load, where, true, strerror(-r));
	for (size_t i = 0; i < paths.n && r >= 0; i++) {
		r = load_file(load, paths.v[i], user);
		if (r == 0)
			r = strv_add(&unit->dropins, paths.v[i]);
	}
	return r < 0 ? r : 0;
}

/* Who runs a unit of the user's, where, and with what. */
static int settle_user(struct unit *unit, const struct identity *user)
{
	char runtime[64], number[16];

	if (!user)
		return 0;
	snprintf(number, sizeof(number), "%u", user->uid);
	free(unit->user);
	unit->user = strdup(user->name[0] ? user->name : number);
	if (!unit->working_directory)
		unit->working_directory = strdup("~");
	if (!unit->user || !unit->working_directory)
		return -ENOMEM;
	snprintf(runtime, sizeof(runtime), "/run/user/%u", user->uid);
	if (strv_env_get(&unit->environment, "XDG_RUNTIME_DIR"))
		return 0;
	return strv_env_set(&unit->environment, "XDG_RUNTIME_DIR", runtime);
}

int unit_read(const char *path, const char *name, const struct unit_dirs *dirs,
	      const struct identity *user, struct unit **unit, bool *masked,
	      struct problems *problems)
{
	struct problems none = {0};
	struct unit_load load;
	int r = unit_load_begin(&load, name), end;

	*masked = false;
	if (r == 0)
		r = load_main(&load, path, name, user);
	if (r == 1)
		*masked = true;
	else if (r == 0 && dirs)
		r = load_dropins(&load, dirs, name, user);
	if (r == 0 && unit_name_is_user(name))
		r = settle_user(load.ctx.unit, user);
	end = unit_load_finish(&load, unit, *masked || r < 0 ? &none : problems);
	problems_free(&none);
	if (*masked || r < 0) {
		unit_free(*unit);
		*unit = NULL;
	}
	return r < 0 ? r : end;
}

int unit_load_file(const char *path, struct unit **unit, struct problems *problems, struct err *err)
{
	bool masked;
	char *text;
	int r = unit_read(path, base_name(path), NULL, NULL, unit, &masked, problems);

	if (r == 0 && masked)
		r = problem_add(problems,
				asprintf(&text, "%s: is empty, which masks the unit", path) < 0
					? NULL
					: text,
				false, base_name(path));
	return r < 0 ? err_sys(err, r, "%s cannot be loaded", path) : 0;
}

struct strv *unit_pulls(struct unit *unit, size_t i)
{
	struct strv *lists[] = {
		&unit->wants,
		&unit->requires,
		&unit->relations[RELATION_REQUISITE],
		&unit->relations[RELATION_BINDS_TO],
		&unit->relations[RELATION_UPHOLDS],
		&unit->relations[RELATION_ON_FAILURE],
		&unit->relations[RELATION_ON_SUCCESS],
		&unit->relations[RELATION_TRIGGERS],
	};

	return i < ARRAY_LEN(lists) ? lists[i] : NULL;
}

static void install_free(struct unit_install *install)
{
	strv_free(&install->wanted_by);
	strv_free(&install->required_by);
	strv_free(&install->upheld_by);
	strv_free(&install->also);
	strv_free(&install->alias);
	free(install->default_instance);
}

void unit_free(struct unit *unit)
{
	if (!unit)
		return;
	struct strv *lists[] = {
		&unit->dropins,
		&unit->after,
		&unit->before,
		&unit->wants,
		&unit->requires,
		&unit->environment_default,
		&unit->environment,
		&unit->environment_files,
		&unit->pass_environment,
		&unit->secret_pipe,
		&unit->ready.http,
		&unit->ready.tcp,
		&unit->ready.sockets,
		&unit->health.http,
		&unit->health.tcp,
		&unit->health.sockets,
		&unit->sockets,
		&unit->open_files,
		&unit->session_environment,
	};
	char *texts[] = {
		unit->name,
		unit->path,
		unit->description,
		unit->documentation,
		unit->user,
		unit->bus_name,
		unit->group,
		unit->working_directory,
		unit->working_directory_from,
		unit->user_from,
		unit->ready.http_status,
		unit->ready.http_body,
		unit->ready.log,
		unit->health.http_status,
		unit->health.http_body,
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_free(lists[i]);
	for (size_t i = 0; i < DIRECTORY_KINDS; i++)
		strv_free(&unit->directories[i]);
	for (size_t i = 0; i < UNIT_RELATIONS; i++)
		strv_free(&unit->relations[i]);
	strv_free(&unit->aliases);
	install_free(&unit->install);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < unit->n_conditions; i++)
		free(unit->conditions[i].arg);
	free(unit->conditions);
	unit_exec_free(&unit->exec);
	unit_sandbox_free(&unit->sandbox);
	unit_log_free(&unit->log);
	commands_free(&unit->start_pre);
	commands_free(&unit->start);
	commands_free(&unit->stop);
	unit_life_free(&unit->life);
	commands_free(&unit->ready.exec);
	commands_free(&unit->health.exec);
	command_free(&unit->status_exec);
	socket_config_free(unit->socket);
	free(unit);
}

void problems_free(struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		free(problems->v[i].text);
		free(problems->v[i].unit);
	}
	free(problems->v);
	*problems = (struct problems){0};
}

const char *unit_type_name(enum unit_type type)
{
	static const char *const names[] = {
		"simple", "exec", "oneshot", "notify", "notify-reload", "dbus", "forking",
	};

	return type < ARRAY_LEN(names) ? names[type] : "?";
}

const char *unit_restart_name(enum unit_restart restart)
{
	static const char *const names[] = {
		"no",          "on-success", "on-failure", "on-abnormal",
		"on-watchdog", "on-abort",   "always",
	};

	return restart < ARRAY_LEN(names) ? names[restart] : "?";
}

const char *unit_kill_mode_name(enum unit_kill_mode mode)
{
	static const char *const names[] = {"control-group", "mixed", "process", "none"};

	return mode < ARRAY_LEN(names) ? names[mode] : "?";
}
