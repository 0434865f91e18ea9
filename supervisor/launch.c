/*
 * launch.c - from a unit to a process: its environment, its words, its directories, its secrets;
 * then spawn.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directories.h"
#include "supervisor/connections.h"
#include "supervisor/credential.h"
#include "supervisor/manager.h"
#include "supervisor/sockets.h"
#include "supervisor/spawn.h"
#include "supervisor/unit_name.h"
#include "supervisor/user_access.h"

static int set(struct strv *env, const char *name, const char *value)
{
	return value && *value ? strv_env_set(env, name, value) : 0;
}

/* UnsetEnvironment= comes last of all: NAME, or NAME=VALUE for that value alone. */
static void unset_environment(const struct strv *list, struct strv *env)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *word = list->v[i];
		size_t len = strcspn(word, "=");
		size_t kept = 0;

		for (size_t k = 0; k < env->n; k++) {
			bool same = word[len] ? strcmp(env->v[k], word) == 0
					      : strncmp(env->v[k], word, len) == 0 &&
							env->v[k][len] == '=';

			if (same)
				free(env->v[k]);
			else
				env->v[kept++] = env->v[k];
		}
		env->n = kept;
		if (env->v)
			env->v[kept] = NULL;
	}
}

/*
 * In systemd's order, later ones win: what the container has, who the user is, Environment=,
 * EnvironmentFile=; and PassEnvironment='s secrets for the main process alone.
 */
static int make_environment(struct service *s, const struct identity *id, enum launch_list list,
			    struct strv *env, struct err *err)
{
	struct manager *m = s->manager;
	const struct unit *unit = s->unit;
	bool is_main = list == LAUNCH_START;
	int r = strv_copy(env, &m->env);

	/* systemd's default: where there is a User=. */
	if (r == 0 && id->name[0] &&
	    (!unit->exec.login_environment_set || unit->exec.login_environment)) {
		r = set(env, "HOME", id->home);
		r = r < 0 ? r : set(env, "USER", id->name);
		r = r < 0 ? r : set(env, "LOGNAME", id->name);
		r = r < 0 ? r : set(env, "SHELL", id->shell);
	}
	if (r == 0)
		r = launch_session(s, id, env, err);
	for (size_t i = 0; r == 0 && i < unit->environment_default.n; i++) {
		char name[256];
		size_t len = strcspn(unit->environment_default.v[i], "=");

		if (len >= sizeof(name))
			continue;
		memcpy(name, unit->environment_default.v[i], len);
		name[len] = '\0';
		if (!strv_env_get(env, name))
			r = strv_env_put(env, unit->environment_default.v[i]);
	}
	for (size_t i = 0; r == 0 && i < unit->environment.n; i++)
		r = strv_env_put(env, unit->environment.v[i]);
	for (size_t i = 0; r == 0 && i < unit->environment_files.n; i++) {
		const char *path = unit->environment_files.v[i];
		bool optional = *path == '-';
		/* What a user's unit names may be what the user cannot read. */
		bool begun = unit_name_is_user(unit->name) && user_access_begin(id);

		r = environment_file_read(path + optional, env, err);
		user_access_end(begun);
		if (r < 0 && optional)
			r = 0;
		else if (r < 0)
			return r;
	}
	for (size_t i = 0; r == 0 && is_main && i < unit->pass_environment.n; i++) {
		const char *value = strv_env_get(&m->secrets, unit->pass_environment.v[i]);

		if (value)
			r = strv_env_set(env, unit->pass_environment.v[i], value);
	}
	if (r == 0)
		r = launch_environment(s, list, env);
	if (r == 0)
		unset_environment(&unit->exec.unset_environment, env);
	return r < 0 ? err_sys(err, r, "its environment cannot be made") : 0;
}

/* A pipe that holds NAME=VALUE NUL … of the secrets in SecretPipe=, and nothing else; the read end,
 * or -1 for none. */
static int secret_pipe(struct service *s, struct err *err)
{
	struct manager *m = s->manager;
	int fds[2] = {-1, -1};
	int r = 0;

	if (!s->unit->secret_pipe.n)
		return -1;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, -errno == -EMFILE ? -EAGAIN : -errno,
			       "no pipe can be made for its secrets");
	for (size_t i = 0; i < m->secrets.n && r == 0; i++) {
		char *entry = m->secrets.v[i];
		size_t len = strlen(entry) + 1;
		char name[256];
		size_t name_len = strcspn(entry, "=");

		if (name_len >= sizeof(name))
			continue;
		memcpy(name, entry, name_len);
		name[name_len] = '\0';
		if (!strv_has(&s->unit->secret_pipe, name))
			continue;
		/* O_NONBLOCK: a pipe may be as small as a page, and nobody reads yet. */
		if (write(fds[1], entry, len) != (ssize_t)len)
			r = err_set(err, -E2BIG,
				    "the secrets in its SecretPipe= are too large for a pipe");
	}
	close(fds[1]);
	if (r < 0) {
		close(fds[0]);
		return r;
	}
	fcntl(fds[0], F_SETFL, O_RDONLY);
	return fds[0];
}

static const char *working_directory(const struct service *s, const struct identity *id,
				     const struct strv *env)
{
	const char *named = s->unit->working_directory_from
				    ? strv_env_get(env, s->unit->working_directory_from)
				    : NULL;

	if (named && *named == '/')
		return named;
	if (s->unit->working_directory && strcmp(s->unit->working_directory, "~") == 0)
		return id->home[0] ? id->home : "/root";
	return s->unit->working_directory;
}

/* ExecSearchPath= says where programs are, and what PATH the service gets if nobody else does. */
static int find_program(const struct strv *search_path, const struct command *command,
			struct strv *env, char **path, struct err *err)
{
	char list[4096] = "";
	size_t used = 0;

	for (size_t i = 0; i < search_path->n && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ":" : "",
					 search_path->v[i]);
	if (used >= sizeof(list))
		return err_set(err, -E2BIG, "its ExecSearchPath= is too long");
	return spawn_find_program(command->path, used ? list : strv_env_get(env, "PATH"), path,
				  err);
}

/* It asks about the service, and is no part of it. */
static bool is_asker(enum board_role role)
{
	return role == ROLE_STATUS || role == ROLE_READY || role == ROLE_HEALTH;
}

/* One command of a unit, ready to be cloned. `out_fd` is the pipe of StatusExec=, -1: as the
 * unit says. */
static int launch(struct service *s, const struct command *command, enum board_role role,
		  uint32_t code, int out_fd, struct task *task, struct err *err)
{
	struct manager *m = s->manager;
	enum launch_list list = (enum launch_list)(code >> 16);
	/* Of a forking service it is a control process: the main one is what it leaves. */
	bool is_main = list == LAUNCH_START;
	struct identity id;
	_cleanup_(strv_free) struct strv env = {0};
	_cleanup_(strv_free) struct strv argv = {0};
	_cleanup_free_ char *path = NULL;
	_cleanup_(sandbox_plan_free) struct sandbox_plan sandbox = {0};
	_cleanup_(pass_fds_free) struct pass_fds pass = {.in_fd = -1};
	_cleanup_close_ int secret_fd = -EBADF;
	_cleanup_close_ int exec_write = -EBADF;
	_cleanup_close_ int data_fd = -EBADF;
	char procs[400] = "";
	int exec_pipe[2];
	struct spawn spawn = {
		.unit = s->unit->name,
		.role = role,
		.command = code,
		.out = {.fd = out_fd},
		.error = {.fd = -1},
		.in_fd = -1,
		.secret_fd = -1,
		.exec_fd = -1,
		.cgroup_fd = -1,
		.identity = &id,
		.limits = &s->unit->limits,
		.oom_default = m->oom_default,
		.umask = s->unit->exec.umask,
		.keyring = s->unit->exec.keyring,
		.strict = s->unit->strict,
	};
	int r = launch_identity(s, command, &id, err);

	if (task->slot >= 0)
		return err_set(err, -EAGAIN, "its last process (pid %d) is still there",
			       task_pid(m, task));
	if (task == &s->main || task == &s->control)
		s->told = false;
	if (r == 0)
		r = make_environment(s, &id, list, &env, err);
	if (r == 0)
		r = directories_make(s->unit, &id, &env, err);
	if (r == 0)
		r = credentials_make(s->unit->name, &s->unit->sandbox, &id, &env,
				     &sandbox.credential_error, err);
	if (r == 0 && !is_main) {
		secret_fd = secret_pipe(s, err);
		if (secret_fd >= 0)
			r = strv_env_set(&env, "HAKIM_SECRET_FD", "3");
		else if (secret_fd < -1)
			r = secret_fd;
	}
	if (r == 0 && is_main)
		r = pass_fds_collect(s, &pass, &env, &spawn.listen_pid, err);
	if (r == 0)
		r = command_expand(command, &env, &argv, err);
	if (r == 0)
		r = find_program(&s->unit->exec.search_path, command, &env, &path, err);
	if (r == 0 && !command->privileged) {
		r = launch_sandbox(s, &id, &sandbox, err);
		spawn.sandbox = &sandbox;
	}
	spawn.in_fd = pass.in_fd;
	if (r == 0 && out_fd < 0)
		r = service_stdio(s, &spawn, &data_fd, err);
	if (r < 0)
		return r;
	if (is_main && s->unit->type == TYPE_EXEC) {
		if (pipe2(exec_pipe, O_CLOEXEC) < 0)
			return err_sys(err, -EAGAIN, "no pipe can be made");
		exec_pipe_watch(s, exec_pipe[0]);
		exec_write = exec_pipe[1];
	}
	if (s->cgroup_fd < 0)
		s->cgroup_fd = cgroup_open(&m->cgroups, s->unit->name);
	/* Where somebody is left in it (KillMode=process) it is joined by cgroup.procs instead. */
	if (s->cgroup_fd >= 0 && s->cgroup_killed &&
	    cgroup_renew(&m->cgroups, s->unit->name, &s->cgroup_fd) == 0)
		s->cgroup_killed = false;
	if (s->cgroup_fd >= 0)
		snprintf(procs, sizeof(procs), "%s/%s/cgroup.procs", m->cgroups.base,
			 s->unit->name);
	if (!is_asker(role) && cgroup_limits_wanted(&s->unit->cgroup)) {
		r = cgroup_limits_apply(&m->cgroups, s->cgroup_fd, &s->unit->cgroup,
					id.set ? id.uid : 0, s->unit->strict, err);
		if (r < 0)
			return r;
	}
	spawn.path = path;
	spawn.argv = argv.v;
	spawn.envp = env.v;
	spawn.cwd = working_directory(s, &id, &env);
	spawn.cwd_fallback =
		s->unit->working_directory_optional ? (id.home[0] ? id.home : "/") : NULL;
	spawn.secret_fd = secret_fd;
	spawn.exec_fd = exec_write;
	spawn.fds = pass.v;
	spawn.n_fds = pass.n;
	/* A status probe is no part of the service: its end must not count as the service's. */
	spawn.cgroup_fd = is_asker(role) || s->cgroup_killed ? -1 : s->cgroup_fd;
	spawn.cgroup_procs = !is_asker(role) && *procs ? procs : NULL;
	r = spawn_process(m->board, &spawn, &task->pidfd, err);
	/* The copy of the secrets that the environment holds goes with it. */
	for (size_t i = 0; is_main && i < env.n; i++)
		explicit_bzero(env.v[i], strlen(env.v[i]));
	if (r < 0)
		return r;
	task->slot = r;
	s->spawned_us = now_us();
	if (is_main)
		connections_spawned(s);
	if (!is_asker(role))
		service_session_add(s, task_pid(m, task));
	m->dirty = true;
	return 0;
}

int launch_command(struct service *s, unsigned action, struct err *err)
{
	const struct unit *unit = s->unit;
	const struct commands *commands = launch_commands(unit, action);
	unsigned index = s->machine.command;
	uint32_t code = LAUNCH_CODE(launch_list_of(action), index);
	bool is_main = action & DO_SPAWN_MAIN && unit->type != TYPE_FORKING;
	int r = service_log_open(s, false, err);

	if (r < 0)
		return r == -EMFILE || r == -ENFILE ? -EAGAIN : r;
	if (unit->life.notify_access != NOTIFY_NONE) {
		r = notify_open(s, err);
		if (r < 0)
			return r;
	}
	if (index >= commands->n)
		return err_set(err, -EINVAL, "its commands have changed meanwhile");
	if (action & DO_SPAWN_MAIN && index == 0)
		ready_log_begin(s);
	r = launch(s, &commands->v[index], is_main ? ROLE_MAIN : ROLE_CONTROL, code, -1,
		   is_main ? &s->main : &s->control, err);
	if (r < 0 || !(action & DO_SPAWN_MAIN))
		return r;
	if (is_main)
		s->machine.main_alive = true;
	s->exec_us = now_us();
	status_on(s);
	return 0;
}

int launch_probe(struct service *s, const struct command *command, enum board_role role,
		 unsigned index, int out_fd, struct task *task, struct err *err)
{
	return launch(s, command, role, index, out_fd, task, err);
}

int launch_status(struct service *s, struct err *err)
{
	int fds[2];
	int r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, -errno, "no pipe can be made");
	r = launch(s, &s->unit->status_exec, ROLE_STATUS, 0, fds[1], &s->status, err);
	close(fds[1]);
	if (r < 0)
		close(fds[0]);
	else
		status_watch(s, fds[0]);
	return r;
}
