/*
 * service.h - the life of one service as a state machine: state × event → state and actions. Pure:
 * no system calls, no time, no memory; manager.c feeds it and carries out the actions. Names are
 * systemd's, of `systemctl show -p SubState`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/unit.h"

/* No number means anything, the state is kept by name: ask by the predicates below, never by < and
 * >. */
enum service_state {
	SERVICE_DEAD = 0,      /* not running, nothing wrong */
	SERVICE_SKIPPED,       /* not started: a condition was not met */
	SERVICE_WAITING,       /* is to start, when the units it is ordered after have settled */
	SERVICE_CONDITION,     /* an ExecCondition= runs */
	SERVICE_START_PRE,     /* an ExecStartPre= runs */
	SERVICE_START,         /* ExecStart= was started and is not up yet */
	SERVICE_START_POST,    /* up by its Type=, an ExecStartPost= runs */
	SERVICE_READY_WAIT,    /* up, but [X-Hakim] Ready…= has not answered yet */
	SERVICE_RUNNING,       /* up and ready */
	SERVICE_EXITED,        /* up by RemainAfterExit=: its processes have ended well */
	SERVICE_RELOAD,        /* up, an ExecReload= runs */
	SERVICE_RELOAD_SIGNAL, /* up, ReloadSignal= was sent, no RELOADING=1 yet */
	SERVICE_RELOAD_NOTIFY, /* up, it said RELOADING=1 and not READY=1 yet */
	SERVICE_STOP,          /* an ExecStop= runs */
	SERVICE_STOP_WATCHDOG, /* WatchdogSignal= was sent, waiting for the main process to go */
	SERVICE_STOP_SIGTERM,  /* KillSignal= was sent, waiting for the processes to go */
	SERVICE_STOP_SIGKILL,  /* SIGKILL was sent */
	SERVICE_STOP_POST,     /* an ExecStopPost= runs */
	SERVICE_FINAL_SIGTERM, /* what ExecStopPost= left has got KillSignal= */
	SERVICE_FINAL_SIGKILL, /* … and SIGKILL */
	SERVICE_AUTO_RESTART,  /* ended by itself, waits for its next start */
	SERVICE_FAILED,        /* not running, and that is wrong */
	SERVICE_STATES,
};

enum service_event {
	EVENT_START = 0,         /* it is to start (boot, hakimctl start) */
	EVENT_GO,                /* WAITING is over: order and conditions allow it */
	EVENT_CONDITION_UNMET,   /* WAITING is over: a condition does not hold */
	EVENT_ASSERT_FAILED,     /* WAITING is over: an assertion does not hold */
	EVENT_DEPENDENCY_FAILED, /* WAITING is over: a unit that it requires is not there or failed
				  */
	EVENT_STOP,              /* it is to stop */
	EVENT_RESTART,           /* it is to stop and start again */
	EVENT_CONTROL_OK,        /* the ExecStartPre= or ExecStop= has ended well */
	EVENT_CONTROL_BAD,       /* … has ended badly and that matters */
	EVENT_SPAWNED,           /* the process of ExecStart= was made */
	EVENT_EXECED,            /* its execve() has happened */
	EVENT_MAIN_OK,           /* the main process has ended well */
	EVENT_MAIN_BAD,          /* … has ended badly; `result` says how */
	EVENT_SPAWN_FAILED,      /* a command could not even be started */
	EVENT_NOTIFY_READY,      /* READY=1 */
	EVENT_PROBE_OK,          /* Ready…= has answered well */
	EVENT_TIMEOUT,           /* the state has lasted too long */
	EVENT_EMPTY,             /* no process is left that has to be waited for */
	EVENT_RESTART_DUE,       /* the pause before an automatic restart is over */
	EVENT_WATCHDOG,          /* WatchdogSec= has run out without a WATCHDOG=1 */
	EVENT_UNHEALTHY,         /* Health…= has failed too often in a row */
	EVENT_CONTROL_SKIP,      /* the ExecCondition= has said no (exit status 1 … 254) */
	EVENT_MAIN_FOUND,       /* Type=forking: the main process is known, or none is looked for */
	EVENT_MAIN_LOST,        /* … and none will be found any more */
	EVENT_NOTIFY_RELOADING, /* RELOADING=1 */
	EVENT_NOTIFY_STOPPING,  /* STOPPING=1 */
	EVENT_RELOAD,           /* it is to read its configuration anew */
	EVENT_RUNTIME_MAX,      /* RuntimeMaxSec= is over */
	EVENT_START_LIMIT,      /* it was started too often: it is given up */
	EVENT_BUS_NAME,         /* Type=dbus: its BusName= has an owner */
	EVENT_BUS_LOST,         /* … and has none any more */
	SERVICE_EVENTS,
};

enum service_result {
	RESULT_SUCCESS = 0,
	RESULT_EXIT_CODE, /* exit status not 0 */
	RESULT_SIGNAL,    /* killed by a signal that is not a clean end */
	RESULT_TIMEOUT,
	RESULT_EXEC,      /* the program could not be executed */
	RESULT_RESOURCES, /* user unknown, environment file missing, … */
	RESULT_PROTOCOL,  /* a notify service ended without READY=1 */
	RESULT_CONDITION,
	RESULT_DEPENDENCY,
	RESULT_WATCHDOG,       /* the watchdog has run out */
	RESULT_UNHEALTHY,      /* its health check has failed */
	RESULT_CORE_DUMP,      /* killed by a signal that made it dump core */
	RESULT_OOM_KILL,       /* the kernel killed one of its processes for lack of memory */
	RESULT_START_LIMIT,    /* started too often (StartLimitBurst=) */
	RESULT_TRIGGER_LIMIT,  /* a socket's traffic has started its service too often */
	RESULT_SERVICE_LIMIT,  /* the service of a socket has hit its own StartLimitBurst= */
	RESULT_EXEC_CONDITION, /* an ExecCondition= said no */
	RESULT_ASSERT,         /* an Assert…= does not hold */
	SERVICE_RESULTS,
};

/* Actions, as bits; they are carried out in this order. */
enum service_action {
	DO_TIMER_OFF = 1u << 0,
	DO_PROBE_OFF = 1u << 1,
	DO_END_CONTROL = 1u << 2, /* SIGKILL to the control process alone */
	DO_ABORT = 1u << 3, /* WatchdogSignal= as KillMode= says, and to the control process */
	DO_TERM = 1u << 4,  /* KillSignal= as KillMode= says, and to the control process */
	DO_KILL = 1u << 5,  /* SIGKILL as KillMode= says, and to the control process */
	DO_RELOAD_SIGNAL = 1u << 6, /* ReloadSignal= to the main process */
	/* Spawn the command of this list whose index is machine.command; one of these at most. */
	DO_SPAWN_CONDITION = 1u << 7,
	DO_SPAWN_PRE = 1u << 8,
	DO_SPAWN_MAIN =
		1u << 9, /* of a forking service, too: its ExecStart= is a control process */
	DO_SPAWN_POST = 1u << 10,
	DO_SPAWN_RELOAD = 1u << 11,
	DO_SPAWN_STOP = 1u << 12,
	DO_SPAWN_STOP_POST = 1u << 13,
	DO_FIND_MAIN =
		1u << 14, /* forking: say EVENT_MAIN_FOUND or EVENT_MAIN_LOST, now or later */
	DO_TIMER_START = 1u << 15, /* EVENT_TIMEOUT after TimeoutStartSec= */
	DO_TIMER_STOP =
		1u
		<< 16, /* EVENT_TIMEOUT after TimeoutStopSec= (capped when the container stops) */
	DO_TIMER_ABORT = 1u << 17,   /* EVENT_TIMEOUT after TimeoutAbortSec= (capped, too) */
	DO_TIMER_RESTART = 1u << 18, /* EVENT_RESTART_DUE after RestartSec= and its steps */
	DO_PROBE_ON = 1u << 19,
	DO_UP = 1u << 20,          /* it has become ready */
	DO_SETTLED = 1u << 21,     /* it has come to rest: DEAD, SKIPPED or FAILED; or AUTO_RESTART
				      after a failed start */
	DO_CHECK_EMPTY = 1u << 22, /* say EVENT_EMPTY when, now or later, nothing is left */
	DO_WATCH = 1u << 23,       /* up without a main process that is known: the same */
	DO_WAIT = 1u << 24,        /* it has become WAITING: look whether it may go */
	DO_LISTEN = 1u << 25,      /* a socket: bind and listen; EVENT_SPAWN_FAILED if it cannot */
	DO_UNLISTEN = 1u << 26,    /* a socket: close what it listens on */
};
#define DO_SPAWN                                                                               \
	(DO_SPAWN_CONDITION | DO_SPAWN_PRE | DO_SPAWN_MAIN | DO_SPAWN_POST | DO_SPAWN_RELOAD | \
	 DO_SPAWN_STOP | DO_SPAWN_STOP_POST)

/* What of the unit the machine must know. All zero: a simple service that is not restarted. */
struct service_policy {
	enum unit_kind kind;
	enum unit_type type;
	unsigned n_condition, n_start_pre, n_start, n_start_post, n_reload, n_stop, n_stop_post;
	bool has_probe;
	bool remain_after_exit;
	bool no_sigkill; /* SendSIGKILL=no */
	enum unit_restart restart;
	enum unit_timeout_mode start_timeout_mode, stop_timeout_mode;
};

/* RestartPreventExitStatus=, RestartForceExitStatus= about the end of the main process. */
enum restart_verdict {
	VERDICT_NONE = 0, /* Restart= decides */
	VERDICT_PREVENT,
	VERDICT_FORCE,
};

struct service_machine {
	enum service_state state;
	enum service_result result; /* of the last run; set by the caller before EVENT_MAIN_BAD,
				       CONTROL_BAD, SPAWN_FAILED */
	unsigned command;           /* index of the command of its list that runs */
	bool stop_requested;        /* it was told to stop: no automatic restart */
	bool start_again;           /* after this stop it starts again (hakimctl restart) */
	bool was_up;                /* this run has been up */
	bool main_ended;            /* the main process of this run has been, and is no more */
	bool mainless;        /* forking: it runs, and which process is the main one is unknown */
	bool searching;       /* forking: ExecStart= has ended, the main process is looked for */
	unsigned reload_seen; /* of this reload: 1: RELOADING=1, 2: READY=1 after it */
	enum restart_verdict verdict; /* set by the caller before EVENT_MAIN_OK and _BAD */
	bool main_alive; /* kept by the caller: true from the spawn of ExecStart= to its end */
};

/* One step. Returns the actions; a pair that means nothing changes nothing and returns 0. */
unsigned service_step(const struct service_policy *policy, struct service_machine *machine,
		      enum service_event event);

/* The pause before the n-th automatic restart in a row (n from 1), systemd's RestartSteps= formula;
 * microseconds. */
uint64_t service_restart_delay(const struct unit *unit, unsigned n);

/* The same, up to a tenth shorter: services that fell together do not all come back at once. */
uint64_t service_restart_pause(const struct unit *unit, unsigned n, uint32_t random);

/* Counts the starts of a window of time: StartLimitIntervalSec=, StartLimitBurst=. */
struct start_limit {
	uint64_t since_us; /* the first start of the window */
	unsigned starts;
};
/* One more start; true when it is one too many. */
bool start_limit_hit(struct start_limit *limit, const struct unit *unit, uint64_t now_us);

const char *service_state_name(enum service_state state); /* "running", "start-pre", … */
/* The same, with the words for what is up of each kind: "running", "listening", "active". */
const char *service_sub_name(enum unit_kind kind, enum service_state state);
const char *service_active_name(enum service_state state); /* "active", "activating", … */
const char *service_result_name(enum service_result result);

/* The state or result of that name; `none` where there is none: a newer or older supervisor's. */
enum service_state service_state_parse(const char *name, enum service_state none);
enum service_result service_result_parse(const char *name, enum service_result none);

/* True when units ordered after this one need not wait for it any more. */
bool service_settled(enum service_state state);
/* At rest: DEAD, SKIPPED or FAILED. Nothing of it runs, and nothing will by itself. */
bool service_is_at_rest(enum service_state state);
/* On its way up, from the first command on; WAITING is none of these. */
bool service_is_starting(enum service_state state);
/* Up and ready, also while it reloads and where RemainAfterExit= holds it up. */
bool service_is_up(enum service_state state);
/* On its way down, up to the last command or signal. */
bool service_is_stopping(enum service_state state);
/* Starting, up or stopping: it has processes, or is about to. */
bool service_is_active(enum service_state state);
/* Its last start or run went wrong: FAILED, or waiting for the next try. */
bool service_is_failed(enum service_state state);
