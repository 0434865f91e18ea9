/*
 * launch_list.c - the lists of commands of a unit, and what a command of each is told about its
 * service: systemd.exec(5), "ENVIRONMENT VARIABLES SET OR PROPAGATED BY THE SERVICE MANAGER".
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "supervisor/manager.h"

/* The order is on the board: append only. */
static const struct {
	unsigned action;
	size_t offset; /* in struct unit */
	enum service_state state;
} lists[LAUNCH_LISTS] = {
	[LAUNCH_CONDITION] = {DO_SPAWN_CONDITION, offsetof(struct unit, life.condition),
			      SERVICE_CONDITION},
	[LAUNCH_START_PRE] = {DO_SPAWN_PRE, offsetof(struct unit, start_pre), SERVICE_START_PRE},
	[LAUNCH_START] = {DO_SPAWN_MAIN, offsetof(struct unit, start), SERVICE_START},
	[LAUNCH_START_POST] = {DO_SPAWN_POST, offsetof(struct unit, life.start_post),
			       SERVICE_START_POST},
	[LAUNCH_RELOAD] = {DO_SPAWN_RELOAD, offsetof(struct unit, life.reload), SERVICE_RELOAD},
	[LAUNCH_STOP] = {DO_SPAWN_STOP, offsetof(struct unit, stop), SERVICE_STOP},
	[LAUNCH_STOP_POST] = {DO_SPAWN_STOP_POST, offsetof(struct unit, life.stop_post),
			      SERVICE_STOP_POST},
};

static const struct commands none;

static const struct commands *commands_at(const struct unit *unit, enum launch_list list)
{
	return (const struct commands *)(const void *)((const char *)unit + lists[list].offset);
}

enum launch_list launch_list_of(unsigned action)
{
	for (enum launch_list k = LAUNCH_CONDITION; k < LAUNCH_LISTS; k++)
		if (lists[k].action & action)
			return k;
	return LAUNCH_UNKNOWN;
}

const struct commands *launch_commands(const struct unit *unit, unsigned action)
{
	enum launch_list list = launch_list_of(action);

	return list == LAUNCH_UNKNOWN ? &none : commands_at(unit, list);
}

unsigned launch_action_in(enum service_state state)
{
	for (enum launch_list k = LAUNCH_CONDITION; k < LAUNCH_LISTS; k++)
		if (lists[k].state == state)
			return lists[k].action;
	return 0;
}

enum service_state launch_state_of(uint32_t code, enum service_state fallback)
{
	uint32_t list = code >> 16;

	return list > LAUNCH_UNKNOWN && list < LAUNCH_LISTS ? lists[list].state : fallback;
}

const struct command *launch_command_of(const struct unit *unit, uint32_t code)
{
	uint32_t list = code >> 16;
	const struct commands *commands =
		list > LAUNCH_UNKNOWN && list < LAUNCH_LISTS ? commands_at(unit, list) : &none;

	return LAUNCH_INDEX(code) < commands->n ? &commands->v[LAUNCH_INDEX(code)] : NULL;
}

/* FNV-1a, with its bits mixed at the end (splitmix64): no secret, only never the same twice. */
static uint64_t mix(uint64_t hash, const void *data, size_t n)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	return hash;
}

static uint64_t finish(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/*
 * Made of this boot, the unit and the number of the run, and not of chance: a supervisor may die
 * after a clone and before it has written down what it gave to the process; the next one can make
 * it again.
 */
void launch_next_invocation(struct service *s)
{
	const struct board *board = s->manager->board;
	uint64_t half[2] = {0xcbf29ce484222325, 0x84222325cbf29ce4};

	s->runs++;
	for (unsigned i = 0; i < 2; i++) {
		half[i] = mix(half[i], &board->boot_ns, sizeof(board->boot_ns));
		half[i] = mix(half[i], &board->boot_realtime_ns, sizeof(board->boot_realtime_ns));
		half[i] = mix(half[i], s->unit->name, strlen(s->unit->name));
		half[i] = finish(mix(half[i], &s->runs, sizeof(s->runs)));
	}
	snprintf(s->invocation, sizeof(s->invocation), "%016llx%016llx",
		 (unsigned long long)half[0], (unsigned long long)half[1]);
}

static int set_number(struct strv *env, const char *name, unsigned long long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", value);
	return strv_env_set(env, name, text);
}

/* How the main process ended, for ExecStop= and ExecStopPost=. */
static int set_result(const struct service *s, struct strv *env)
{
	int r = strv_env_set(env, "SERVICE_RESULT", service_result_name(s->machine.result));

	if (r < 0 || !s->has_last)
		return r;
	if (WIFSIGNALED(s->last_status)) {
		r = strv_env_set(env, "EXIT_CODE", WCOREDUMP(s->last_status) ? "dumped" : "killed");
		/* "TERM": without the SIG, as there. */
		return r < 0 ? r
			     : strv_env_set(env, "EXIT_STATUS",
					    signal_name(WTERMSIG(s->last_status)) + 3);
	}
	r = strv_env_set(env, "EXIT_CODE", "exited");
	return r < 0 ? r : set_number(env, "EXIT_STATUS", (unsigned)WEXITSTATUS(s->last_status));
}

/*
 * NotifyAccess= says who is listened to, and those get the socket. But for "exec": the main process
 * of a service that does not notify gets none, as its children would speak in its name.
 */
static bool gets_notify_socket(const struct service *s, enum launch_list list)
{
	const struct unit *unit = s->unit;

	switch (unit->life.notify_access) {
	case NOTIFY_MAIN:
		return list == LAUNCH_START;
	case NOTIFY_EXEC:
		return list != LAUNCH_START || unit->type == TYPE_NOTIFY ||
		       unit->type == TYPE_NOTIFY_RELOAD || unit->life.watchdog_usec ||
		       unit->fd_store_max;
	case NOTIFY_ALL:
		return true;
	default:
		return false;
	}
}

int launch_environment(const struct service *s, enum launch_list list, struct strv *env)
{
	const struct unit_life *life = &s->unit->life;
	int r = s->invocation[0] ? strv_env_set(env, "INVOCATION_ID", s->invocation) : 0;

	if (r == 0 && s->notify_fd >= 0 && gets_notify_socket(s, list))
		r = strv_env_set(env, "NOTIFY_SOCKET", s->notify_name);
	if (r == 0 && list == LAUNCH_START && life->watchdog_usec)
		r = set_number(env, "WATCHDOG_USEC", life->watchdog_usec);
	if (r == 0 && list != LAUNCH_START && s->main.slot >= 0)
		r = set_number(env, "MAINPID", (unsigned)task_pid(s->manager, &s->main));
	if (r == 0 && life->pid_file)
		r = strv_env_set(env, "PIDFILE", life->pid_file);
	if (r == 0 && (list == LAUNCH_STOP || list == LAUNCH_STOP_POST))
		r = set_result(s, env);
	return r;
}
