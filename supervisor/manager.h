/*
 * manager.h - the supervisor's one context: units, services, and what connects the pure state
 * machine with processes.
 *
 * The rooms of it: manager.c (services, events in), actions.c (what the machine asks for, done),
 * timers.c (deadlines), ends.c (how processes end), job.c (how long one may be on its way), adopt.c
 * (daemons that another process has started), order.c (which service may go when), launch.c (from a
 * unit to a process), takeover.c (what an earlier supervisor left), control*.c (hakimctl), report.c
 * (JSON).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/board.h"
#include "common/err.h"
#include "common/strv.h"
#include "supervisor/apart.h"
#include "supervisor/bus.h"
#include "supervisor/cgroup.h"
#include "supervisor/command.h"
#include "supervisor/graph.h"
#include "supervisor/identity.h"
#include "supervisor/journal.h"
#include "supervisor/keeper.h"
#include "supervisor/loop.h"
#include "supervisor/name_index.h"
#include "supervisor/order.h"
#include "supervisor/processes.h"
#include "supervisor/reload.h"
#include "supervisor/sandbox_plan.h"
#include "supervisor/service.h"
#include "supervisor/service_log.h"
#include "supervisor/state.h"
#include "supervisor/text_buf.h"
#include "supervisor/timer_heap.h"
#include "supervisor/unit.h"
#include "supervisor/unit_dirs.h"

#define SERVICE_TEXT 256
#define SAY_NAME     "hakim-supervisor" /* the name of the supervisor's own log */

/* A process of a service that is listed on the board. */
struct task {
	int slot;             /* index on the board, -1: none */
	int pidfd;            /* -1: none */
	struct source source; /* of the pidfd, where the process was adopted: see adopt.c */
};
#define TASK_NONE ((struct task){.slot = -1, .pidfd = -1, .source.fd = -1})

/* The deadlines of a service; CLOCK_MONOTONIC microseconds, 0: not set. */
enum service_timer {
	TIMER_STATE = 0, /* EVENT_TIMEOUT or EVENT_RESTART_DUE */
	TIMER_SPAWN,     /* fork said EAGAIN: try the same command again */
	TIMER_PROBE,     /* the next round of Ready…=, or the end of the question under way */
	TIMER_HEALTH,    /* the same of Health…= */
	TIMER_STATUS,    /* next StatusExec= */
	TIMER_UPHOLD,    /* start it again, as another one's Upholds= says */
	TIMER_EMPTY,     /* look again whether all its processes have gone */
	TIMER_FIND,      /* look again for the main process of a forking service */
	TIMER_ADOPTED,   /* look again at an adopted process, or for one */
	TIMER_WATCHDOG,  /* EVENT_WATCHDOG */
	TIMER_BUS,       /* connect to the bus again, or take the name for lost */
	TIMER_SOCKET,    /* look at its sockets again: no fd could be had */
	TIMER_RUNTIME,   /* EVENT_RUNTIME_MAX */
	TIMER_JOB,       /* it has been on its way for too long: job.c */
	SERVICE_TIMERS,
};

#define SERVICE_SESSIONS 8
/* A session that a process of the service has begun. The kernel gives a number out anew only when
 * no session has it any more: of two services that have the same one it is the later one's. */
struct service_session {
	pid_t leader; /* 0: none */
	unsigned turn;
};
#define SERVICE_PAST 10

/* How a run of the service has ended. */
struct service_past {
	uint64_t at_us; /* CLOCK_MONOTONIC */
	enum service_result result;
	char text[96];
};

enum health_state {
	HEALTH_NONE = 0,  /* nobody asks */
	HEALTH_STARTING,  /* it is up, and was not well yet */
	HEALTH_HEALTHY,   /* the last answers were good, or too few bad ones came in a row */
	HEALTH_UNHEALTHY, /* HealthRetries= failures in a row */
};

/* What a unit was told to do and has not done yet. */
enum service_job {
	JOB_NONE = 0,
	JOB_GOES, /* it waits for its turn */
	JOB_RUNS, /* it starts or stops */
	JOB_LATE, /* the same, for too long: nobody waits for it any more */
};

struct watch;
struct json;

struct service {
	struct manager *manager;
	struct unit *unit;   /* points into manager->units, or is `orphan` */
	struct unit *orphan; /* owned: what we know of a unit whose file is gone */
	size_t index;        /* in manager->services and the graph */
	struct service_policy policy;
	struct service_machine machine;

	struct task main, control, status;
	struct task witness; /* up without a known main process: one whose end makes us look */
	/* Sessions that its processes began, the newest first, and what each run gives to all of
	 * its processes: by them they are known where there is no cgroup. */
	struct service_session sessions[SERVICE_SESSIONS];
	char invocation[INVOCATION_LEN + 1];
	struct service_log log;
	int notify_fd;         /* -1 */
	char notify_name[112]; /* a path or "@…", as NOTIFY_SOCKET says it */
	int exec_pipe;         /* read end; Type=exec waits for its end */
	int status_pipe;       /* read end of StatusExec='s output */
	int cgroup_fd;
	bool cgroup_killed; /* nothing may be cloned into it until it was made anew */
	struct source notify_source, exec_source, status_source;

	struct watch *ready, *health; /* watch.h; NULL: nothing to ask */
	bool log_matched;             /* ReadyLog= has come in this run */
	enum health_state health_state;
	unsigned health_failures; /* in a row */

	uint64_t timers[SERVICE_TIMERS]; /* written by timers.c alone */
	struct timer_node due;           /* the earliest of them */
	struct fdstore *fdstore;         /* fdstore.c; NULL: nothing is stored */
	struct bus_name bus;             /* Type=dbus */
	struct connection *connection;   /* connections.c; NULL: not of Accept=yes */
	unsigned connections;            /* a socket: the number of its next one */
	struct listener *listener;       /* sockets.c; NULL: it has no sockets open */

	unsigned spawn_action; /* what TIMER_SPAWN tries again */
	unsigned empty_checks, find_checks, zombie_looks;
	pid_t find_guess;           /* forking: what the last look took for the main process */
	struct service *order_next; /* order.c's queue */
	bool order_queued, order_moved;
	unsigned moved; /* enum order_moved: what is still to be followed up */
	enum service_job job;
	bool stop_pending; /* is to stop once the units ordered after it have stopped */

	bool state_unknown;       /* its state was written in words that we do not know */
	unsigned restarts;        /* automatic restarts since boot */
	unsigned restarts_in_row; /* since it was last up for a while */
	uint64_t state_since_us, queued_us, started_us, exec_us, ready_us; /* CLOCK_MONOTONIC */
	unsigned runs;          /* how often a run has begun since boot */
	uint64_t spawned_us;    /* its last process was cloned before this */
	uint64_t cpu_us;        /* of processes that have ended */
	uid_t dynamic_uid;      /* DynamicUser=; 0: none was needed yet */
	uint64_t watchdog_usec; /* WatchdogSec=, or what WATCHDOG_USEC= has said; 0: none */
	struct start_limit limit;
	bool has_last;             /* the main process of this run has ended, with */
	int last_status;           /* … this, as of wait4(2) */
	uint64_t oom_kills;        /* of its cgroup, before this run */
	int notify_errno;          /* sd_notify ERRNO= */
	char end_text[96];         /* how this run ends, so far */
	struct service_past *past; /* SERVICE_PAST of them, the newest first; NULL: none yet */
	unsigned n_past;
	char error[SERVICE_TEXT];       /* last error, a sentence; empty: none */
	char status_text[SERVICE_TEXT]; /* sd_notify STATUS= or StatusExec= */
	bool told;                      /* STATUS= came since the last command was started */
	char status_buf[SERVICE_TEXT];  /* StatusExec='s output so far */
	size_t status_len;
	struct strv notes; /* of the loader, about this unit */
};

struct manager {
	struct loop loop;
	struct board *board;
	struct keeper keeper;
	struct state state;
	struct journal *journal;
	struct cgroups cgroups;
	struct control *control;
	struct unit_paths paths;

	struct unit_set units;
	struct graph graph;
	bool graph_stale;   /* units were loaded since it was built: manager_graph() */
	struct apart apart; /* where services lie: no child looks at one */
	struct service **services;
	size_t n_services;
	struct name_index index; /* every name of every service, also its aliases */

	struct timer_heap timers; /* of all services */
	struct processes processes;
	unsigned session_turn; /* the last that was given */
	struct strv env;       /* the container's environment, without secrets */
	struct strv secrets;   /* NAME=VALUE; wiped when freed */
	struct strv secret_names;
	struct strv notes;     /* sentences for the status */
	struct identity coder; /* the user that may use the control socket */
	char runtime_dir[108]; /* /run/hakim; empty: none can be written */
	char log_dir[108];

	struct source wake_source, keeper_source, journal_source;
	int oom_default;  /* limits_oom_default() */
	int say_index;    /* the cursor of our own log; -1 */
	int say_read;     /* read end of our own log, as PID 1 kept it; -1 */
	int control_kept; /* the control socket, as PID 1 kept it; -1 */
	int say_fd;       /* write end of our own log; -1 */
	int console_fd;   /* an O_NONBLOCK description of the container's console; -1 */
	struct service *order_head, *order_tail; /* order.c's queue */
	bool order_pending;                      /* order_run() has something to look at */
	bool sockets_pending;                    /* sockets_watch() has something to look at */
	bool connections_pending;                /* connections_forget() has something to look at */
	bool bus_pending;                        /* bus_update() has something to look at */
	struct bus *bus;                         /* bus.c; NULL: nobody needs it */
	bool stopping;                           /* the container stops */
	bool stopped_told;
	bool exit_now;            /* leave the loop: reexec, or all is stopped */
	bool dirty;               /* the state is to be written */
	bool announced;           /* "everything is up" was said */
	uint64_t settled_us;      /* then the boot was over, CLOCK_MONOTONIC; 0: it is not */
	bool trim;                /* something large is over: give memory back before sleeping */
	int release[BOARD_SLOTS]; /* slots whose end was consumed: given free when the state says
				     so, too */
	unsigned n_release;
	struct text_buf state_text;
};

uint64_t now_us(void); /* CLOCK_MONOTONIC */

/* A message of the supervisor's own: to its log and, without ever blocking, to the console. */
void say(struct manager *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Makes and frees a service for a unit; the manager owns it. NULL on a lack of memory. */
struct service *service_new(struct manager *m, struct unit *unit);
void service_free(struct service *s);
/* By any of its names, also without ".service"; NULL: no unit of this name is loaded. */
struct service *manager_find(struct manager *m, const char *name);
/* The same, and loads the unit with what it pulls in where it is not loaded yet (units.c). */
struct service *manager_get(struct manager *m, const char *name, struct err *err);
/* Makes the service of a new unit known by its names; after m->services has it. */
int manager_index(struct manager *m, struct service *s);
/*
 * Brings m->services into the order of m->units, and makes those that are missing. What cannot be
 * made for lack of memory is no unit any more, and -ENOMEM.
 */
int manager_align(struct manager *m);
/* Frees the services whose unit is gone and that have come to rest. */
void manager_forget_orphans(struct manager *m);
/* What was said about units, from one problem on: into their notes and the manager's. */
void manager_tell_problems(struct manager *m, size_t from);
/* The graph, built anew if units were loaded meanwhile. */
struct graph *manager_graph(struct manager *m);
void service_set_unit(struct service *s, struct unit *unit);

/* Feeds the state machine and carries out what it says. */
void service_event(struct service *s, enum service_event event);
/* Can it be told to read its configuration anew? -EINVAL, with a sentence, where it cannot; then
 * order_reload() does it. */
int service_may_reload(const struct service *s, struct err *err);
/* A person's word: how often it was started and how it ended is forgotten, FAILED is DEAD. */
void service_reset_failed(struct service *s);
void service_set_error(struct service *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
pid_t task_pid(const struct manager *m, const struct task *task);
void task_close(struct manager *m, struct task *task);
void slot_release(struct manager *m, int slot);
void manager_read_board(struct manager *m);
void manager_stop_all(struct manager *m);

/* actions.c */
void service_carry_out(struct service *s, unsigned actions);

/* timers.c */
void service_timer_set(struct service *s, enum service_timer timer, uint64_t at_us);
/* Later than now by `usec`; never where it is infinity. */
void service_timer_in(struct service *s, enum service_timer timer, uint64_t usec);
void service_timers_due(struct manager *m);
uint64_t manager_next_timer(const struct manager *m);
/* The deadline for an end, capped where the container stops. */
uint64_t service_stop_deadline(const struct service *s, uint64_t timeout_usec);
void service_restart_in(struct service *s);
void service_check_empty(struct service *s);
/* The watchdog and RuntimeMaxSec= run while it is up. */
void service_follow_up(struct service *s, enum service_state old);
void service_watchdog_fed(struct service *s);

/* job.c: JobTimeoutSec=, JobRunningTimeoutSec= */
void job_anew(struct service *s);   /* it is told so once more */
void job_begin(struct service *s);  /* it is told to stop, and waits for others */
void job_follow(struct service *s); /* its state has changed */
void job_due(struct service *s);

/* ends.c */
void service_job_action(struct service *s); /* JobTimeoutAction= */
/* A task of it has ended: what the board says. */
void service_task_ended(struct service *s, struct task *task);
/* How this run ends, for the list of its past. */
void service_end_text(struct service *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* How many of its processes the kernel has killed for lack of memory: its cgroup counts. */
uint64_t service_oom_kills(const struct service *s);
/* OOMPolicy=kill is the kernel's business: all of the cgroup or the one process. */
void service_set_oom_group(const struct service *s);
/* A run is over: the past gets one more, and Vital= and …Action= are done. */
void service_run_over(struct service *s, enum service_state old);
void service_past_add(struct service *s, uint64_t at_us, enum service_result result,
		      const char *text);
/* StartLimit…=: true, and it was done about it what the unit says, when it may not start again. */
bool service_start_limited(struct service *s);

/* adopt.c */
/*
 * Makes a process that we have not cloned the main process: its end is seen like that of any other,
 * by a successor, too. The service must own it; `trusted`: or its PIDFile= is root's own.
 */
int adopt_main(struct service *s, pid_t pid, bool trusted, struct err *err);
/* Type=forking, ExecStart= has ended: EVENT_MAIN_FOUND or EVENT_MAIN_LOST, now or later. */
void adopt_find(struct service *s);
/* Up, and no main process is known: EVENT_EMPTY when none is left. */
void adopt_witness(struct service *s);
void adopt_due(struct service *s); /* TIMER_ADOPTED */
/* What an earlier supervisor has adopted: is it still what it was? */
void adopt_taken_over(struct service *s, struct task *task);
#define ADOPTED UINT32_MAX /* board_slot.command of an adopted process */

/* launch.c */
/* Starts the command of the action (DO_SPAWN_*). 0; -EAGAIN: later; else a sentence and another
 * errno: it cannot be. */
int launch_command(struct service *s, unsigned action, struct err *err);
int launch_status(struct service *s, struct err *err);
/* A command of Ready…= or Health…=; `out_fd` stays the caller's. */
int launch_probe(struct service *s, const struct command *command, enum board_role role,
		 unsigned index, int out_fd, struct task *task, struct err *err);

/* launch_list.c */
enum launch_list {
	LAUNCH_UNKNOWN = 0, /* of an older supervisor */
	LAUNCH_CONDITION,
	LAUNCH_START_PRE,
	LAUNCH_START,
	LAUNCH_START_POST,
	LAUNCH_RELOAD,
	LAUNCH_STOP,
	LAUNCH_STOP_POST,
	LAUNCH_LISTS,
};
/* board_slot.command: the list, and which command of it. */
#define LAUNCH_CODE(list, index) ((uint32_t)(list) << 16 | ((index)&0xffff))
#define LAUNCH_INDEX(code)       ((code)&0xffff)
enum launch_list launch_list_of(unsigned action);
const struct commands *launch_commands(const struct unit *unit, unsigned action);
const struct command *launch_command_of(const struct unit *unit, uint32_t code);
/* The DO_SPAWN_* whose commands run in this state; 0: none do. */
unsigned launch_action_in(enum service_state state);
/* The state in which that command runs. */
enum service_state launch_state_of(uint32_t code, enum service_state fallback);
void launch_next_invocation(struct service *s);
int launch_environment(const struct service *s, enum launch_list list, struct strv *env);

/* launch_session.c: what Session=yes adds to the environment. */
int launch_session(const struct service *s, const struct identity *id, struct strv *env,
		   struct err *err);

/* launch_identity.c */
int launch_identity(struct service *s, const struct command *command, struct identity *id,
		    struct err *err);

/* launch_sandbox.c */
/* What protects the processes of a service; negative: it must not be started. */
int launch_sandbox(struct service *s, const struct identity *id, struct sandbox_plan *plan,
		   struct err *err);
/* Takes away what a run of it had for itself. */
void launch_sandbox_end(const struct unit *unit);

/* rest.c */
/* After a change of state: takes away what the service had for its run, if that is over. */
void service_rest(struct service *s);

/* signals.c */
enum service_end_how {
	END_TERM = 0, /* KillSignal= */
	END_ABORT,    /* WatchdogSignal= */
	END_KILL,     /* FinalKillSignal= */
};
/* Ends its processes, as KillMode= says. */
void service_end(struct service *s, enum service_end_how how);
/* What is left after a while: KillMode=mixed has the others killed when the main process has gone.
 */
void service_kill_rest(struct service *s);
/* What is left of an earlier run, as far as KillMode= lets it be ended, is killed. */
void service_kill_left_over(struct service *s);
/* Nothing is left that has to be waited for, by KillMode=. */
bool service_is_empty(struct service *s);
bool service_has_processes(struct service *s);
/* processes.c. Its session is the service's from now on: whatever its processes do to their
 * environment. */
void service_session_add(struct service *s, pid_t leader);
/* True when the process is one of its. */
bool service_owns(struct service *s, pid_t pid);
enum service_whom {
	WHOM_ALL = 0,
	WHOM_MAIN,
	WHOM_CONTROL,
};
/* For hakimctl kill: -ESRCH where there is no such process. */
int service_kill(struct service *s, int sig, enum service_whom whom);

/* usage.c: what its processes use now. */
struct usage {
	int64_t memory; /* bytes; -1: nothing runs */
	/* Of its cgroup since that was made; else of the processes that run, with their children
	 * that they have waited for. -1: nothing runs, or it is not known. */
	int64_t cpu_us;
	unsigned tasks;
};
/* `thorough`: all its processes also where there is no cgroup, else only the main one there. */
void service_usage(struct service *s, bool thorough, struct usage *usage);

/* signals.c */
void task_signal(struct manager *m, const struct task *task, int sig);
/* SIGKILL to a command that asks about a service, and to what it has started. */
void task_end(struct manager *m, const struct task *task);

/* takeover.c */
void takeover_save(struct manager *m);
/* Puts every service back to what the state and the board say. Returns true when there was
 * something to take over. */
bool takeover_restore(struct manager *m);
/* After the logs are open: goes on with what was under way. `fresh`: there was no state to go by.
 */
void takeover_resume(struct manager *m, bool fresh);
int manager_load_units(struct manager *m, struct err *err);
/* What is wrong with the units, to log and console. */
void manager_say_notes(struct manager *m);

/* notify.c */
int notify_open(struct service *s, struct err *err);
void notify_adopt(struct service *s, int fd);
/* What was sent before the end of its sender counts before that end does. */
void notify_flush(struct service *s);

/* ready.c: EVENT_PROBE_OK when all of Ready…= holds. */
bool ready_has(const struct unit *unit);
void ready_set_unit(struct service *s);
void ready_log_begin(struct service *s);
void probe_on(struct service *s);
void probe_off(struct service *s);
void ready_resume(struct service *s);
struct task *ready_task(struct service *s);      /* NULL on a lack of memory */
const char *ready_text(const struct service *s); /* why it is not ready, or NULL */
/* The journal's eventfd, watched; or a negative errno. */
int ready_log_open(struct manager *m, struct err *err);

/* health.c: EVENT_UNHEALTHY when Health…= has failed too often. */
void health_set_unit(struct service *s);
void health_on(struct service *s);
void health_off(struct service *s);
void health_resume(struct service *s);
struct task *health_task(struct service *s); /* NULL on a lack of memory */
const char *health_name(enum health_state state);
enum health_state health_parse(const char *name);
void health_report(const struct service *s, struct json *j); /* "health": … */

/* watch.c */
void exec_pipe_watch(struct service *s, int fd);
void status_on(struct service *s);
void status_due(struct service *s);
void status_watch(struct service *s, int fd);
void status_ended(struct service *s);
