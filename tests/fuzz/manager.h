/*
 * manager.h - a supervisor's manager for targets that need one: with units of the target's own,
 * below fuzz_dir(), and without PID 1, processes and logs. What it would do to those is replaced by
 * the functions below (WRAP_manager in the Makefile): no target may start anything or send a
 * signal, whatever the input says.
 */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "supervisor/connections.h"
#include "supervisor/control.h"
#include "supervisor/manager.h"
#include "tests/fuzz/fuzz.h"

#define FUZZ_STATE_SIZE (8u << 20)

/* ---- what it must not do ---- */

/* Weak: several targets have them in one program. */
#define FUZZ_INSTEAD __attribute__((weak))

/* "sock:x.socket:0" and so on, NULL-terminated: what PID 1 is said to have kept. */
FUZZ_INSTEAD const char *const *fuzz_kept;
FUZZ_INSTEAD int fuzz_launched = -ENOEXEC;

int __wrap_keeper_store(struct keeper *keeper, const char *name, int fd, struct err *err);
int __wrap_keeper_drop(struct keeper *keeper, const char *name, struct err *err);
int __wrap_keeper_list(struct keeper *keeper, void (*take)(void *, const char *, int), void *data,
		       struct err *err);
int __wrap_keeper_tell(struct keeper *keeper, enum keeper_op op, struct err *err);
int __wrap_keeper_exit(struct keeper *keeper, int status, struct err *err);
int __wrap_launch_command(struct service *s, unsigned action, struct err *err);
int __wrap_launch_status(struct service *s, struct err *err);
int __wrap_launch_probe(struct service *s, const struct command *command, enum board_role role,
			unsigned index, int out_fd, struct task *task, struct err *err);
int __wrap_service_log_open(struct service *s, bool taken_over, struct err *err);
int __wrap_adopt_main(struct service *s, pid_t pid, bool trusted, struct err *err);
bool __wrap_service_owns(struct service *s, pid_t pid);
const struct processes *__wrap_processes_get(struct manager *m, uint64_t since_us);
void __wrap_process_signal(const struct process *process, int sig);
void __wrap_task_signal(struct manager *m, const struct task *task, int sig);

FUZZ_INSTEAD int __wrap_keeper_store(struct keeper *keeper, const char *name, int fd,
				     struct err *err)
{
	FUZZ_MUST(*name && strlen(name) < KEEPER_NAME_MAX && fd >= 0);
	return 0;
}

FUZZ_INSTEAD int __wrap_keeper_drop(struct keeper *keeper, const char *name, struct err *err)
{
	return 0;
}

FUZZ_INSTEAD int __wrap_keeper_list(struct keeper *keeper, void (*take)(void *, const char *, int),
				    void *data, struct err *err)
{
	for (size_t i = 0; fuzz_kept && fuzz_kept[i]; i++)
		take(data, fuzz_kept[i], open("/dev/null", O_RDONLY | O_CLOEXEC));
	return 0;
}

FUZZ_INSTEAD int __wrap_keeper_tell(struct keeper *keeper, enum keeper_op op, struct err *err)
{
	return 0;
}

FUZZ_INSTEAD int __wrap_keeper_exit(struct keeper *keeper, int status, struct err *err)
{
	return 0;
}

FUZZ_INSTEAD int __wrap_launch_command(struct service *s, unsigned action, struct err *err)
{
	return fuzz_launched < 0 ? err_set(err, fuzz_launched, "nothing is started here") : 0;
}

FUZZ_INSTEAD int __wrap_launch_status(struct service *s, struct err *err)
{
	return err_set(err, -ENOEXEC, "nothing is started here");
}

FUZZ_INSTEAD int __wrap_launch_probe(struct service *s, const struct command *command,
				     enum board_role role, unsigned index, int out_fd,
				     struct task *task, struct err *err)
{
	return err_set(err, -ENOEXEC, "nothing is started here");
}

FUZZ_INSTEAD int __wrap_service_log_open(struct service *s, bool taken_over, struct err *err)
{
	return 0;
}

FUZZ_INSTEAD int __wrap_adopt_main(struct service *s, pid_t pid, bool trusted, struct err *err)
{
	return pid % 2 ? 0 : err_set(err, -ESRCH, "it is none of its processes");
}

FUZZ_INSTEAD bool __wrap_service_owns(struct service *s, pid_t pid)
{
	return true;
}

FUZZ_INSTEAD const struct processes *__wrap_processes_get(struct manager *m, uint64_t since_us)
{
	static const struct processes none = {0};

	return &none;
}

FUZZ_INSTEAD void __wrap_process_signal(const struct process *process, int sig)
{
	abort();
}

FUZZ_INSTEAD void __wrap_task_signal(struct manager *m, const struct task *task, int sig)
{
	FUZZ_MUST(task->slot < 0);
}

/* ---- the manager ---- */

static struct manager fuzz_m;
static char fuzz_modules[96], fuzz_masks[96], fuzz_config[96];

static inline int fuzz_remove_one(const char *path, const struct stat *st, int flag,
				  struct FTW *ftw)
{
	return remove(path);
}

/* Frees what the last input has left. */
static inline void manager_drop(struct manager *m)
{
	if (!m->board)
		return;
	control_close(m);
	order_forget(m);
	for (size_t i = 0; i < m->n_services; i++)
		service_free(m->services[i]);
	free(m->services);
	name_index_free(&m->index);
	timer_heap_free(&m->timers);
	unit_set_free(&m->units);
	graph_free(&m->graph);
	apart_close(&m->apart);
	strv_free(&m->env);
	strv_free(&m->notes);
	strv_free(&m->secrets);
	strv_free(&m->secret_names);
	text_free(&m->state_text);
	state_unmap(&m->state);
	close(m->loop.epoll_fd);
	close(m->loop.timer_fd);
	free(m->board);
	*m = (struct manager){0};
}

/*
 * A new one, with the units that were put (fuzz_put()) into "modules/". What `enable` and its kin
 * write goes to "config/", which is empty again.
 */
static inline struct manager *manager_fresh(void)
{
	static const char *const modules[] = {fuzz_masks, fuzz_modules, NULL};
	struct manager *m = &fuzz_m;
	struct err err = {0};
	int fd = memfd_create("state", MFD_CLOEXEC);

	manager_drop(m);
	snprintf(fuzz_modules, sizeof(fuzz_modules), "%s/modules", fuzz_dir());
	snprintf(fuzz_config, sizeof(fuzz_config), "%s/config", fuzz_dir());
	snprintf(fuzz_masks, sizeof(fuzz_masks), "%s/config/modules", fuzz_dir());
	nftw(fuzz_config, fuzz_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	apart_init(&m->apart, sizeof(struct service));
	m->say_fd = m->say_read = m->say_index = m->control_kept = m->console_fd = -1;
	m->keeper.fd = -1;
	m->board = calloc(1, sizeof(struct board));
	m->paths.modules = modules;
	m->paths.config = fuzz_config;
	snprintf(m->runtime_dir, sizeof(m->runtime_dir), "%s", fuzz_dir());
	snprintf(m->log_dir, sizeof(m->log_dir), "%s/log", fuzz_dir());
	FUZZ_MUST(m->board && fd >= 0 && ftruncate(fd, FUZZ_STATE_SIZE) == 0);
	FUZZ_MUST(state_map(&m->state, fd, &err) == 0 && loop_open(&m->loop, &err) == 0);
	FUZZ_MUST(manager_load_units(m, &err) == 0);
	close(fd);
	return m;
}

/* The rounds of the loop, as long as there is something to do. */
static inline void manager_turn(struct manager *m)
{
	for (unsigned i = 0; i < 50; i++) {
		struct pollfd p = {.fd = m->loop.epoll_fd, .events = POLLIN};

		if (m->dirty)
			takeover_save(m);
		order_run(m);
		connections_forget(m);
		if (m->order_pending)
			continue;
		if (poll(&p, 1, 0) != 1)
			return;
		loop_run_once(&m->loop, 0);
	}
}
