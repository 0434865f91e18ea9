/*
 * unit.h - a unit file as a struct: what systemd.unit(5), .service(5), .exec(5) and .kill(5) say,
 * in the subset that docs/modules.md lists, and the [X-Hakim] section that systemd ignores.
 *
 * This room parses and checks text. It starts nothing, asks the running system nothing (conditions
 * are evaluated in condition.h), and one bad file never stops the others: every mistake becomes a
 * struct unit_problem.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/strv.h"
#include "supervisor/condition.h"
#include "supervisor/cgroup_limits.h"
#include "supervisor/limits.h"
#include "supervisor/sandbox.h"
#include "supervisor/unit_exec.h"
#include "supervisor/unit_log.h"

#define UNIT_NAME_MAX 64 /* with the NUL and the suffix; it must fit struct board_slot */
#define USEC_INFINITY UINT64_MAX
#define USEC_PER_SEC  1000000ull

enum unit_kind {
	KIND_SERVICE = 0, /* .service */
	KIND_SOCKET,      /* .socket */
	KIND_TARGET,      /* .target */
	KIND_OTHER,       /* .timer, .mount …: known to systemd, not run here */
};

/* Where a unit came from. */
enum unit_origin {
	ORIGIN_MODULE = 0, /* a directory of modules: wanted at boot */
	ORIGIN_SYSTEM,     /* systemd's directories, or the user's: found by its name */
	ORIGIN_BUILTIN,    /* a target that needs no file (unit_builtin.h) */
};

/* What one unit is to another besides After=, Before=, Wants= and Requires= (systemd.unit(5)). */
enum unit_relation {
	RELATION_REQUISITE = 0, /* fails at once where that one is not up */
	RELATION_BINDS_TO,      /* as Requires=, and stops when that one is not up any more */
	RELATION_PART_OF,       /* stops and restarts when that one is told to */
	RELATION_CONFLICTS,     /* never both */
	RELATION_UPHOLDS,       /* while this one is up, that one is started again and again */
	RELATION_ON_FAILURE,    /* is started when this one fails */
	RELATION_ON_SUCCESS,    /* is started when this one ends well */
	RELATION_RELOAD_TO,     /* is reloaded with this one */
	RELATION_RELOAD_FROM,
	RELATION_STOP_TO, /* is stopped with this one */
	RELATION_STOP_FROM,
	RELATION_TRIGGERS, /* is started by this one by itself (a socket): loaded with it */
	UNIT_RELATIONS,
};

/* [Install]: what `enable` does. Names have their scope. */
struct unit_install {
	struct strv wanted_by, required_by, upheld_by, also, alias;
	char *default_instance;
};

/* FileDescriptorStorePreserve=: until when the stored fds are kept. */
enum fd_store_preserve {
	FD_STORE_PRESERVE_RESTART = 0, /* until the service is at rest */
	FD_STORE_PRESERVE_NO,          /* until it ends, also where it starts again */
	FD_STORE_PRESERVE_YES,         /* as long as the unit is known */
};

enum unit_type {
	TYPE_SIMPLE = 0,    /* up when forked */
	TYPE_EXEC,          /* up when execve succeeded */
	TYPE_ONESHOT,       /* up when it has ended well */
	TYPE_NOTIFY,        /* up when it says READY=1 */
	TYPE_NOTIFY_RELOAD, /* the same, and it tells the end of a reload */
	TYPE_DBUS,          /* up when its BusName= has an owner on the system bus */
	TYPE_FORKING,       /* up when ExecStart= has ended well and left its daemon */
};

enum unit_restart {
	RESTART_NO = 0,
	RESTART_ON_SUCCESS,
	RESTART_ON_FAILURE,
	RESTART_ON_ABNORMAL,
	RESTART_ON_WATCHDOG,
	RESTART_ON_ABORT,
	RESTART_ALWAYS,
};

enum unit_kill_mode {
	KILL_CONTROL_GROUP = 0, /* every process of the service */
	KILL_MIXED,             /* KillSignal= to the main process, SIGKILL to all */
	KILL_PROCESS,           /* the main process only */
	KILL_NONE,
};

/* RuntimeDirectory= and its kin: where they lie, and the variable that tells the service. */
enum directory_kind {
	DIRECTORY_RUNTIME = 0,   /* /run, RUNTIME_DIRECTORY */
	DIRECTORY_STATE,         /* /var/lib, STATE_DIRECTORY */
	DIRECTORY_CACHE,         /* /var/cache, CACHE_DIRECTORY */
	DIRECTORY_LOGS,          /* /var/log, LOGS_DIRECTORY */
	DIRECTORY_CONFIGURATION, /* /etc, CONFIGURATION_DIRECTORY; stays root's */
	DIRECTORY_KINDS,
};

/* One command line, split by systemd's quoting; $VAR stays in it until command_expand(). */
struct command {
	bool privileged;     /* "+": as root, with all rights and no sandbox */
	bool no_user;        /* "!": without User=, Group= and the capabilities of the unit */
	struct strv argv;    /* argv[0] is what the program is told; the program itself is `path` */
	char *path;          /* absolute, or a bare name that is looked up in PATH */
	bool ignore_failure; /* "-" */
	bool no_expand;      /* ":": $VAR stays what it is */
};

struct commands {
	struct command *v;
	size_t n;
};

/* TimeoutStartFailureMode= and TimeoutStopFailureMode=. */
enum unit_timeout_mode {
	TIMEOUT_TERMINATE = 0, /* KillSignal=, then SIGKILL */
	TIMEOUT_ABORT,         /* WatchdogSignal= first */
	TIMEOUT_KILL,          /* SIGKILL at once */
};

/* Who may speak for the service on its notify socket. */
enum unit_notify_access {
	NOTIFY_DEFAULT = 0, /* main where Type= or WatchdogSec= needs it, else none */
	NOTIFY_NONE,
	NOTIFY_MAIN,
	NOTIFY_EXEC, /* and the other commands of the unit */
	NOTIFY_ALL,  /* every process of the service */
};

enum unit_oom_policy {
	OOM_STOP = 0, /* it is stopped, and has failed */
	OOM_CONTINUE, /* it goes on, the kernel's kill is only told */
	OOM_KILL,     /* all its processes are killed with the one */
};

/* FailureAction= and its kin: in a container every one that ends the machine ends the container. */
enum unit_action {
	ACTION_NONE = 0,
	ACTION_EXIT, /* an ordered stop, with an exit status */
};

/* A set of exit statuses and signals: SuccessExitStatus= and its kin. */
struct exit_set {
	uint64_t status[4]; /* bit s % 64 of word s / 64 */
	uint64_t signal[2];
};

/* How a service starts, lives and ends beyond the basics: directive_life.c. */
struct unit_life {
	struct commands condition, start_post, reload, stop_post;
	bool remain_after_exit;
	char *pid_file;          /* absolute, or NULL */
	bool no_guess;           /* GuessMainPID=no */
	int reload_signal;       /* default SIGHUP */
	int final_kill_signal;   /* default SIGKILL */
	int restart_kill_signal; /* 0: KillSignal= */
	int watchdog_signal;     /* default SIGABRT */
	bool no_sigkill, send_sighup;
	enum unit_timeout_mode start_timeout_mode, stop_timeout_mode;
	uint64_t timeout_abort_usec; /* default: TimeoutStopSec= */
	bool timeout_abort_set;
	uint64_t watchdog_usec;    /* 0: none */
	uint64_t runtime_max_usec; /* USEC_INFINITY: none */
	uint64_t runtime_extra_usec;
	struct exit_set success, prevent, force;
	uint64_t start_limit_usec; /* 0: no limit, the default; see docs/modules.md */
	unsigned start_limit_burst;
	bool start_limit_usec_set, start_limit_burst_set;
	bool restart_delay_set; /* RestartSec= or one of its kin is written */
	bool restart_direct;    /* RestartMode=direct */
	enum unit_action start_limit_action, failure_action, success_action;
	uint64_t job_timeout_usec, job_running_timeout_usec; /* USEC_INFINITY, or 0: none */
	enum unit_action job_timeout_action;
	int failure_exit_status, success_exit_status; /* -1: that of the main process */
	enum unit_notify_access notify_access;
	enum unit_oom_policy oom_policy;
	bool vital; /* [X-Hakim] Vital=: its end is the container's */
};

/* Ready…= or Health…=: what is asked, all of which must hold. */
struct unit_watch {
	struct strv http, tcp, sockets; /* probe.h */
	char *http_status, *http_body;  /* of all of `http`; NULL: 2xx, and any body */
	struct commands exec;
	char *log;              /* a line of the log (pattern.h) */
	uint64_t interval_usec; /* between two rounds; default 250 ms, health: 30 s */
	uint64_t timeout_usec;  /* of each question; default 5 s */
};

struct unit_problem {
	char *text; /* "file:line: Directive: what is wrong" */
	bool fatal; /* the unit is not loaded; else it is a note (an unknown directive …) */
	char *unit; /* name of the unit, or NULL */
};

struct problems {
	struct unit_problem *v;
	size_t n;
};

struct unit {
	enum unit_kind kind;
	char *name;          /* "coder-agent.service" */
	char *path;          /* the file it came from */
	struct strv dropins; /* and its drop-ins, in the order applied */
	char *description;
	char *documentation;

	enum unit_origin origin;
	bool boot;           /* it is wanted at boot: a module or enabled, and not disabled */
	bool enabled;        /* its [Install] counts */
	struct strv aliases; /* other names, as far as somebody has asked for them */
	uint64_t digest;     /* of the text of its files: the same one, the same unit */

	/* [Unit] */
	struct strv after, before, wants, requires;
	struct strv relations[UNIT_RELATIONS];
	bool no_default_dependencies; /* DefaultDependencies=no */
	bool stop_when_unneeded, refuse_manual_start, refuse_manual_stop;
	struct unit_install install;
	struct condition *conditions; /* and assertions */
	size_t n_conditions;

	/* [Service] */
	enum unit_type type;
	struct commands start_pre, start, stop; /* `start`: one, but for a oneshot */
	struct unit_life life;
	enum unit_restart restart;
	uint64_t restart_usec;           /* RestartSec=, default 100 ms */
	unsigned restart_steps;          /* RestartSteps=, default 0 */
	uint64_t restart_max_delay_usec; /* RestartMaxDelaySec=, default infinity */
	uint64_t timeout_start_usec;     /* default 90 s; oneshot: infinity; USEC_INFINITY: none */
	uint64_t timeout_stop_usec;      /* default 90 s */
	int kill_signal;                 /* default SIGTERM */
	enum unit_kill_mode kill_mode;
	char *user, *group;              /* names or numbers, NULL: the supervisor's own */
	char *working_directory;         /* absolute, "~", or NULL */
	bool working_directory_optional; /* "-" */
	char *working_directory_from; /* [X-Hakim] WorkingDirectoryFrom=: a variable that names it
					 instead, if it is set */
	struct strv directories[DIRECTORY_KINDS]; /* RuntimeDirectory= …: relative paths, made and
						     owned by the user */
	mode_t directory_mode[DIRECTORY_KINDS];   /* RuntimeDirectoryMode= …, default 0755 */
	char *user_from; /* [X-Hakim] UserFrom=: a variable that names the user instead, if it is
			    set */
	struct strv session_environment; /* [X-Hakim] SessionEnvironment=: what sessions get while
					    its conditions hold */
	bool session;                    /* [X-Hakim] Session=: people work in it */
	struct strv environment_default; /* [X-Hakim] EnvironmentDefault=: the same, only where the
					    container has not set it */
	struct strv environment;         /* NAME=VALUE, later ones win */
	struct strv environment_files;   /* a leading "-" is kept: a missing file is fine then */
	struct strv pass_environment;    /* names; the only way to a secret */
	struct unit_exec exec;
	struct unit_log log;
	struct unit_limits limits;
	struct unit_sandbox sandbox;
	struct unit_cgroup cgroup;

	/* [Service], what it is given besides its standard fds */
	struct strv sockets; /* Sockets=: sockets of other names whose fds it gets, too */
	bool non_blocking;   /* NonBlocking=: its sockets are O_NONBLOCK */
	unsigned
		fd_store_max; /* FileDescriptorStoreMax=: fds it may have kept for its next start */
	enum fd_store_preserve fd_store_preserve;
	char *bus_name;         /* BusName=: what Type=dbus waits for */
	struct strv open_files; /* OpenFile=, as written */

	/* [Socket], see socket.h; NULL in other units */
	struct socket_config *socket;

	/* [X-Hakim] */
	bool strict;                /* Strict=: what this container forbids is a failure */
	struct unit_watch ready;    /* Ready…= */
	struct unit_watch health;   /* Health…=; without `log` */
	unsigned health_retries;    /* HealthRetries=, default 3: failures in a row */
	uint64_t health_start_usec; /* HealthStartPeriodSec=, default 0 */
	struct command status_exec; /* path NULL: none. StatusExec=: its last line of output is the
				       status text */
	uint64_t status_interval_usec; /* StatusIntervalSec=, default 30 s while starting, ten times
					  that when up */
	struct strv secret_pipe; /* SecretPipe=: names of secrets that ExecStartPre=, ExecStop=,
				    StatusExec= get by pipe */
	uint64_t log_max_bytes;  /* LogMaxSize=, default 8 MiB */
	unsigned log_keep;       /* LogKeep=, default 4 rotated files */
};

struct unit_set {
	struct unit **v; /* in order of name */
	size_t n;
	struct strv
		masked; /* names of units that are hidden, as far as somebody has asked for them */
	struct problems problems;
};

struct unit_paths;
/*
 * Loads the modules of the paths (unit_dirs.h), what is enabled, and by name all that these pull
 * in. An empty file or a link to /dev/null masks a unit. Returns 0 also when units are bad (see
 * problems), or -ENOMEM.
 */
int unit_set_load_paths(struct unit_set *set, const struct unit_paths *paths, struct err *err);
/* The same with these directories of modules (NULL-terminated) alone. */
int unit_set_load(struct unit_set *set, const char *const *dirs, struct err *err);
/*
 * Loads one more unit by its name, and all that it pulls in, into a set that was loaded; a template
 * cannot be. 0: *unit is it, which may be an older one by another name; -ENOENT, -EINVAL: there is
 * none, or it is masked or broken, with a sentence.
 */
int unit_set_get(struct unit_set *set, const struct unit_paths *paths, const char *name,
		 struct unit **unit, struct err *err);
/* Loads one file, without drop-ins, for `hakimctl check FILE`. The unit is NULL when a problem was
 * fatal. */
int unit_load_file(const char *path, struct unit **unit, struct problems *problems,
		   struct err *err);
struct unit *unit_set_find(const struct unit_set *set, const char *name);
void unit_set_free(struct unit_set *set);
void unit_free(struct unit *unit);
/* directive_life.c: the defaults; those that follow from other values, when all are read; the end.
 */
void unit_life_init(struct unit_life *life);
void unit_life_finish(struct unit *unit);
void unit_life_free(struct unit_life *life);
void problems_free(struct problems *problems);

/* The lists of names of a unit that are loaded with it, one after the other; NULL at the end. */
struct strv *unit_pulls(struct unit *unit, size_t i);

/* unit_name.c: true when a name is a good unit name: [A-Za-z0-9:_.\\@-]+ with a known suffix,
 * shorter than UNIT_NAME_MAX. */
bool unit_name_valid(const char *name);
/* By its suffix; a name without one is a service's. */
enum unit_kind unit_kind_of(const char *name);
/* The length of the name without its suffix. */
size_t unit_stem(const char *name);

/* Words of the enums above, in systemd's spelling. */
const char *unit_type_name(enum unit_type type);
const char *unit_restart_name(enum unit_restart restart);
const char *unit_kill_mode_name(enum unit_kill_mode mode);
