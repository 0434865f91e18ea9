/*
 * sandbox.h - the protections that a unit asks for, as plain data: capabilities, system call
 * filters, and what of the file system it may see (systemd.exec(5), "CAPABILITIES", "SECURITY",
 * "SANDBOXING", "SYSTEM CALL FILTERING"). Filled by directive_security.c and directive_sandbox.c,
 * carried out by sandbox_plan.h (parent) and sandbox_child.h (child).
 *
 * The rule: capabilities, NoNewPrivileges= and system call filters that cannot be applied refuse
 * the unit; the rest degrades and is shown, but with Strict=yes.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"

#define CAPABILITIES_ALL UINT64_MAX

/* One system call of a list. Numbers are libseccomp's of the native architecture: negative ones
 * are calls of another. */
struct syscall_rule {
	int16_t number;
	int16_t error; /* the errno for this one; SYSCALL_DEFAULT, SYSCALL_KILL */
};

enum {
	SYSCALL_DEFAULT = -1, /* as SystemCallErrorNumber= says */
	SYSCALL_KILL = -2,    /* SIGSYS */
};

struct syscall_list {
	bool set;
	bool allow; /* the calls of the list are the only ones; else all but those */
	struct syscall_rule *v;
	size_t n;
};

/* Architectures of system calls, as bits; the native one always works. */
enum syscall_arch {
	ARCH_NATIVE = 1u << 0,
	ARCH_SECONDARY = 1u << 1, /* 32 bit: x86 on amd64, arm on arm64 */
	ARCH_X32 = 1u << 2,
};

enum protect_system {
	PROTECT_SYSTEM_NO = 0,
	PROTECT_SYSTEM_YES,    /* /usr, /boot, /efi are read-only */
	PROTECT_SYSTEM_FULL,   /* and /etc */
	PROTECT_SYSTEM_STRICT, /* everything but /dev, /proc, /sys */
};

enum protect_home {
	PROTECT_HOME_NO = 0,
	PROTECT_HOME_YES, /* /home, /root, /run/user are empty and closed */
	PROTECT_HOME_READ_ONLY,
	PROTECT_HOME_TMPFS,
};

enum protect_proc {
	PROTECT_PROC_DEFAULT = 0,
	PROTECT_PROC_NOACCESS,
	PROTECT_PROC_INVISIBLE,
	PROTECT_PROC_PTRACEABLE,
};

/* Who is not "nobody" in the service's user namespace. */
enum private_users {
	PRIVATE_USERS_NO = 0,
	PRIVATE_USERS_SELF,     /* root, and the unit's own user and group */
	PRIVATE_USERS_IDENTITY, /* the first 65536 */
	PRIVATE_USERS_FULL,     /* all */
};

enum mount_flags {
	MOUNT_FLAGS_NONE = 0, /* slave where there is a namespace */
	MOUNT_FLAGS_SHARED,
	MOUNT_FLAGS_SLAVE,
	MOUNT_FLAGS_PRIVATE,
};

/* BindPaths=: SOURCE[:TARGET[:norbind]]. */
struct bind_path {
	char *source, *target;
	bool read_only, optional, recursive;
};

/* TemporaryFileSystem=: PATH[:OPTIONS]. */
struct temporary_path {
	char *path, *options;
};

/* LoadCredential= (from) and SetCredential= (data). */
struct credential {
	char *id;
	char *from; /* a path, or NULL */
	char *data; /* bytes */
	size_t size;
};

/* Compiled: what seccomp(2) takes. */
struct sandbox_filter {
	struct sock_filter *v;
	unsigned short n;
};
#define SANDBOX_FILTERS 6

struct unit_sandbox {
	/* capabilities */
	bool bounding_set;
	uint64_t bounding, ambient;
	unsigned secure_bits;
	bool no_new_privileges;

	/* system calls */
	struct syscall_list calls, logged;
	int call_error; /* SystemCallErrorNumber=: an errno; 0: SIGSYS */
	unsigned archs; /* enum syscall_arch; 0: all */
	bool families_set, families_allow;
	uint64_t families; /* bit n: the address family n */
	bool namespaces_set;
	uint64_t namespaces_allowed; /* CLONE_NEW* */
	bool lock_personality, deny_write_execute, restrict_realtime, restrict_suid;
	bool protect_clock, protect_kernel_logs, protect_kernel_modules, protect_hostname;
	bool personality_set;
	unsigned long personality;

	/* file system */
	bool private_tmp, private_devices, private_mounts, private_network, private_ipc;
	bool protect_tunables, protect_cgroups, proc_pid_only;
	enum private_users private_users;
	enum protect_system protect_system;
	enum protect_home protect_home;
	enum protect_proc protect_proc;
	enum mount_flags mount_flags;
	struct strv read_only, read_write, inaccessible, exec, no_exec; /* "-" and "+" are kept */
	struct bind_path *binds;
	size_t n_binds;
	struct temporary_path *temporary;
	size_t n_temporary;

	struct credential *credentials;
	size_t n_credentials;
	struct strv imports; /* ImportCredential=: patterns of names */

	/* of filter.h, made at the first start and kept for the next */
	bool compiled;
	struct sandbox_filter filters[SANDBOX_FILTERS];
};

void unit_sandbox_init(struct unit_sandbox *sandbox);
void unit_sandbox_free(struct unit_sandbox *sandbox);

/* True when a system call filter of any kind is asked for; `strictly`: one that the unit asks for
 * by itself, not as a part of ProtectClock= and its kin, which degrade. */
bool sandbox_has_filter(const struct unit_sandbox *sandbox, bool strictly);
/* The capabilities that stay in the bounding set: what is asked for, without those that a
 * protection takes away (ProtectClock= …), as in systemd. */
uint64_t sandbox_bounding(const struct unit_sandbox *sandbox);
/* "AF_INET", as RestrictAddressFamilies= has it; NULL: no name for it. */
const char *sandbox_family_name(unsigned family);
