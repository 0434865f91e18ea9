/*
 * condition.h - Condition…= and Assert…= of systemd.unit(5): do those of a unit hold here and now?
 *
 * This room only asks: it changes nothing, starts nothing and waits for nothing. All that it asks
 * is in a struct condition_world, so that a test can be any machine: files are looked for below its
 * `root`, /proc and /sys among them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/strv.h"

struct unit;

/* All kinds, in strcmp's order of their names, which directive_condition.c relies on. */
#define CONDITION_KINDS(X)                                    \
	X(AC_POWER, "ACPower")                                \
	X(ARCHITECTURE, "Architecture")                       \
	X(CPU_FEATURE, "CPUFeature")                          \
	X(CPU_PRESSURE, "CPUPressure")                        \
	X(CPUS, "CPUs")                                       \
	X(CAPABILITY, "Capability")                           \
	X(CONTROL_GROUP_CONTROLLER, "ControlGroupController") \
	X(CREDENTIAL, "Credential")                           \
	X(DIRECTORY_NOT_EMPTY, "DirectoryNotEmpty")           \
	X(ENVIRONMENT, "Environment")                         \
	X(FILE_IS_EXECUTABLE, "FileIsExecutable")             \
	X(FILE_NOT_EMPTY, "FileNotEmpty")                     \
	X(FIRMWARE, "Firmware")                               \
	X(FIRST_BOOT, "FirstBoot")                            \
	X(GROUP, "Group")                                     \
	X(HOST, "Host")                                       \
	X(IO_PRESSURE, "IOPressure")                          \
	X(KERNEL_COMMAND_LINE, "KernelCommandLine")           \
	X(KERNEL_MODULE_LOADED, "KernelModuleLoaded")         \
	X(KERNEL_VERSION, "KernelVersion")                    \
	X(MEMORY, "Memory")                                   \
	X(MEMORY_PRESSURE, "MemoryPressure")                  \
	X(NEEDS_UPDATE, "NeedsUpdate")                        \
	X(OS_RELEASE, "OSRelease")                            \
	X(PATH_EXISTS, "PathExists")                          \
	X(PATH_EXISTS_GLOB, "PathExistsGlob")                 \
	X(PATH_IS_DIRECTORY, "PathIsDirectory")               \
	X(PATH_IS_ENCRYPTED, "PathIsEncrypted")               \
	X(PATH_IS_MOUNT_POINT, "PathIsMountPoint")            \
	X(PATH_IS_READ_WRITE, "PathIsReadWrite")              \
	X(PATH_IS_SOCKET, "PathIsSocket")                     \
	X(PATH_IS_SYMBOLIC_LINK, "PathIsSymbolicLink")        \
	X(SECURITY, "Security")                               \
	X(USER, "User")                                       \
	X(VIRTUALIZATION, "Virtualization")

/* Those of [X-Hakim], in the same order: what a module asks, which systemd has no word for. */
#define CONDITION_KINDS_HAKIM(X) \
	X(ENABLED, "Enabled")    \
	X(PROGRAM, "Program")

enum condition_kind {
#define CONDITION_ENUM(kind, name) CONDITION_##kind,
	CONDITION_KINDS(CONDITION_ENUM)
	/* */
	CONDITION_KINDS_HAKIM(CONDITION_ENUM)
#undef CONDITION_ENUM
		CONDITION_KINDS_N,
};

struct condition {
	enum condition_kind kind;
	bool assertion; /* Assert…= */
	bool negate;    /* "!" */
	bool trigger;   /* "|": one of these must hold, instead of all */
	char *arg;
};

/* What a condition is asked about. */
struct condition_world {
	const char *root;                /* "": the one that we are in; no slash at its end */
	const struct strv *env;          /* the container's, without secrets */
	const struct strv *secret_names; /* they count as set */
	const char *place;               /* place_name() of init/place.h: "lxc", "docker", … */
	uid_t uid;                       /* whom the supervisor runs as */
	gid_t gid;
	const char *machine, *release, *host; /* uname(2) */
	unsigned cpus;                        /* that we may run on */
};

enum condition_answer {
	CONDITION_NO = 0,
	CONDITION_YES,
	CONDITION_SECRET, /* about the value of a secret, which is not known here: never holds */
	CONDITION_BAD,    /* what it is about makes no sense: never holds */
};

enum condition_verdict {
	CONDITIONS_HOLD = 0,
	CONDITIONS_UNMET, /* a Condition…= does not hold: the unit is skipped */
	CONDITIONS_WRONG, /* an Assert…= does not: that is a failure */
};

/*
 * Conditions first, then assertions, as systemd. Where they do not hold, *reason (a buffer of
 * `size`) has the sentence "ConditionPathExists=/x was not met". A variable of ConditionEnabled=
 * that is neither yes nor no is wrong, whatever else holds.
 */
enum condition_verdict condition_check(const struct unit *unit, const struct condition_world *world,
				       char *reason, size_t size);
/* One of them, without "|" but with its "!"; of `unit` is the PATH in which a program is looked
 * for, NULL: the container's. */
enum condition_answer condition_ask(const struct condition *condition, const struct unit *unit,
				    const struct condition_world *world);

/* So many bytes of the argument may be shown: the value that a secret is compared with may be the
 * secret. */
size_t condition_shown(const struct condition *condition, enum condition_answer answer);

/* Is the argument one that this kind can be asked about? 0, or -EINVAL and what is wrong. */
int condition_argument_check(enum condition_kind kind, const char *arg, struct err *err);
const char *condition_kind_name(enum condition_kind kind); /* "PathExists" */
