#include "supervisor/ctl/exposure.h"

#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "supervisor/syscall_groups.h"

#define BIT(n) ((uint64_t)1 << (n))

static unsigned is_off(const struct unit *unit, const struct exposure_check *check)
{
	return !*(const bool *)(const void *)((const char *)unit + check->arg);
}

/* It cannot be had here, whatever the unit says. */
static unsigned always(const struct unit *unit, const struct exposure_check *check)
{
	return check->range;
}

static bool is_root(const struct unit *unit)
{
	return !unit->exec.dynamic_user &&
	       (!unit->user || strcmp(unit->user, "root") == 0 || strcmp(unit->user, "0") == 0);
}

static unsigned bad_user(const struct unit *unit, const struct exposure_check *check)
{
	if (is_root(unit))
		return 10;
	/* What one service of that name owns, the others can take. */
	return unit->user && strcmp(unit->user, "nobody") == 0 ? 9 : 0;
}

static unsigned bad_groups(const struct unit *unit, const struct exposure_check *check)
{
	return unit->exec.supplementary_groups.n > 0;
}

static unsigned bad_system(const struct unit *unit, const struct exposure_check *check)
{
	static const unsigned badness[] = {[PROTECT_SYSTEM_NO] = 10,
					   [PROTECT_SYSTEM_YES] = 5,
					   [PROTECT_SYSTEM_FULL] = 3,
					   [PROTECT_SYSTEM_STRICT] = 0};

	return badness[unit->sandbox.protect_system];
}

static unsigned bad_home(const struct unit *unit, const struct exposure_check *check)
{
	static const unsigned badness[] = {[PROTECT_HOME_NO] = 10,
					   [PROTECT_HOME_READ_ONLY] = 5,
					   [PROTECT_HOME_TMPFS] = 1,
					   [PROTECT_HOME_YES] = 0};

	return badness[unit->sandbox.protect_home];
}

static unsigned bad_proc(const struct unit *unit, const struct exposure_check *check)
{
	static const unsigned badness[] = {[PROTECT_PROC_DEFAULT] = 3,
					   [PROTECT_PROC_NOACCESS] = 2,
					   [PROTECT_PROC_INVISIBLE] = 1,
					   [PROTECT_PROC_PTRACEABLE] = 0};

	return badness[unit->sandbox.protect_proc];
}

static unsigned bad_users(const struct unit *unit, const struct exposure_check *check)
{
	return unit->sandbox.private_users == PRIVATE_USERS_NO;
}

static unsigned bad_umask(const struct unit *unit, const struct exposure_check *check)
{
	mode_t umask = unit->exec.umask;

	if (!(umask & 0002))
		return 10;
	if (!(umask & 0004))
		return 5;
	if (!(umask & 0020))
		return 2;
	return umask & 0040 ? 0 : 1;
}

static unsigned bad_keyring(const struct unit *unit, const struct exposure_check *check)
{
	return unit->exec.keyring != KEYRING_PRIVATE;
}

static unsigned bad_notify(const struct unit *unit, const struct exposure_check *check)
{
	return unit->life.notify_access == NOTIFY_ALL;
}

static unsigned bad_delegate(const struct unit *unit, const struct exposure_check *check)
{
	return unit->cgroup.delegate;
}

static unsigned bad_ambient(const struct unit *unit, const struct exposure_check *check)
{
	return unit->sandbox.ambient != 0;
}

/* Any of them left is as good as all. */
static unsigned bad_capabilities(const struct unit *unit, const struct exposure_check *check)
{
	return (sandbox_bounding(&unit->sandbox) & check->arg) != 0;
}

static unsigned bad_namespace(const struct unit *unit, const struct exposure_check *check)
{
	const struct unit_sandbox *s = &unit->sandbox;

	return !s->namespaces_set || (s->namespaces_allowed & check->arg);
}

/* In `arg` the families as bits; 0: those that no other row names. */
static unsigned bad_families(const struct unit *unit, const struct exposure_check *check)
{
	const struct unit_sandbox *s = &unit->sandbox;
	const uint64_t named =
		BIT(AF_INET) | BIT(AF_INET6) | BIT(AF_UNIX) | BIT(AF_NETLINK) | BIT(AF_PACKET);
	uint64_t all = BIT(AF_MAX) - 1, allowed;

	if (!s->families_set)
		return 1;
	allowed = s->families_allow ? s->families : all & ~s->families;
	return (allowed & (check->arg ? check->arg : all & ~named & ~BIT(AF_UNSPEC))) != 0;
}

static unsigned bad_archs(const struct unit *unit, const struct exposure_check *check)
{
	if (!unit->sandbox.archs)
		return 10;
	return unit->sandbox.archs == ARCH_NATIVE ? 0 : 5;
}

static bool is_allowed(const struct syscall_list *calls, int number)
{
	for (size_t i = 0; i < calls->n; i++)
		if (calls->v[i].number == number)
			return calls->allow && calls->v[i].error == SYSCALL_DEFAULT;
	return !calls->allow;
}

static bool group_is_allowed(const struct syscall_list *calls,
			     const char *name) // NOLINT(misc-no-recursion)
{
	const struct syscall_group *group = syscall_group_find(name);
	const char *at = group ? group->members : "";

	while (*at) {
		size_t len = strcspn(at, " ");
		char word[64];
		int number;

		if (len < sizeof(word)) {
			memcpy(word, at, len);
			word[len] = '\0';
			number = *word == '@' ? SYSCALL_NOT_HERE : syscall_number(word);
			if (*word == '@' ? group_is_allowed(calls, word)
					 : number >= 0 && is_allowed(calls, number))
				return true;
		}
		at += len;
		at += *at == ' ';
	}
	return false;
}

static unsigned bad_calls(const struct unit *unit, const struct exposure_check *check)
{
	return !unit->sandbox.calls.set || group_is_allowed(&unit->sandbox.calls, check->group);
}

#define ON(name, field, weight, good, bad)                                                     \
	{                                                                                      \
		name, good, bad, weight, 1, is_off, offsetof(struct unit, sandbox.field), NULL \
	}
#define CAPS(names, weight, what, bits)                                                          \
	{                                                                                        \
		"CapabilityBoundingSet=~" names, "it has no right " what,                        \
			"it may have the right " what, weight, 1, bad_capabilities, (bits), NULL \
	}
#define NAMESPACE(kind, weight, bit)                                                             \
	{                                                                                        \
		"RestrictNamespaces=~" kind, "it cannot make " kind " namespaces",               \
			"it can make " kind " namespaces", weight, 1, bad_namespace, (bit), NULL \
	}
#define FAMILIES(names, weight, what, bits)                                                   \
	{                                                                                     \
		"RestrictAddressFamilies=~" names, "it cannot make " what " sockets",         \
			"it can make " what " sockets", weight, 1, bad_families, (bits), NULL \
	}
#define CALLS(set, weight)                                                                      \
	{                                                                                       \
		"SystemCallFilter=~" set, "the system calls of " set " are forbidden",          \
			"the system calls of " set " are allowed", weight, 1, bad_calls, 0, set \
	}

/* The weights are those of systemd-analyze(1). */
static const struct exposure_check checks[] = {
	{"User=", "it is not root", "it runs as root, or as a user that others share", 2000, 10,
	 bad_user, 0, NULL},
	{"SupplementaryGroups=", "it is in no other groups", "it is in other groups, too", 200, 1,
	 bad_groups, 0, NULL},
	ON("NoNewPrivileges=", no_new_privileges, 1000, "it cannot get more rights",
	   "a set-user-ID program can give it more rights"),
	{"AmbientCapabilities=", "it passes on no capabilities", "it passes on capabilities", 500,
	 1, bad_ambient, 0, NULL},
	CAPS("CAP_SYS_ADMIN", 1500, "to administer", BIT(CAP_SYS_ADMIN)),
	CAPS("CAP_SET(UID|GID|PCAP)", 1500, "to change users and capabilities",
	     BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP)),
	CAPS("CAP_SYS_PTRACE", 1500, "to look into others", BIT(CAP_SYS_PTRACE)),
	CAPS("CAP_(DAC_*|FOWNER|IPC_OWNER)", 1000, "to pass by permissions",
	     BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) |
		     BIT(CAP_IPC_OWNER)),
	CAPS("CAP_(CHOWN|FSETID|SETFCAP)", 1000, "to change owners and rights of files",
	     BIT(CAP_CHOWN) | BIT(CAP_FSETID) | BIT(CAP_SETFCAP)),
	CAPS("CAP_NET_ADMIN", 1000, "to configure the network", BIT(CAP_NET_ADMIN)),
	CAPS("CAP_SYS_MODULE", 1000, "to load kernel modules", BIT(CAP_SYS_MODULE)),
	CAPS("CAP_SYS_RAWIO", 1000, "to use raw devices", BIT(CAP_SYS_RAWIO)),
	CAPS("CAP_SYS_TIME", 1000, "to set the clock", BIT(CAP_SYS_TIME)),
	CAPS("CAP_NET_(BIND_SERVICE|BROADCAST|RAW)", 500, "to more of the network",
	     BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_NET_BROADCAST) | BIT(CAP_NET_RAW)),
	CAPS("CAP_AUDIT_*", 500, "to the audit log",
	     BIT(CAP_AUDIT_CONTROL) | BIT(CAP_AUDIT_READ) | BIT(CAP_AUDIT_WRITE)),
	CAPS("CAP_SYSLOG", 500, "to the kernel's log", BIT(CAP_SYSLOG)),
	CAPS("CAP_SYS_(NICE|RESOURCE)", 500, "to change priorities and limits",
	     BIT(CAP_SYS_NICE) | BIT(CAP_SYS_RESOURCE)),
	CAPS("CAP_MKNOD", 500, "to make device nodes", BIT(CAP_MKNOD)),
	CAPS("CAP_KILL", 500, "to signal any process", BIT(CAP_KILL)),
	CAPS("CAP_SYS_BOOT", 100, "to reboot", BIT(CAP_SYS_BOOT)),
	CAPS("CAP_MAC_*", 100, "to change access policies",
	     BIT(CAP_MAC_ADMIN) | BIT(CAP_MAC_OVERRIDE)),
	CAPS("CAP_LINUX_IMMUTABLE", 75, "to mark files immutable", BIT(CAP_LINUX_IMMUTABLE)),
	CAPS("CAP_IPC_LOCK", 50, "to lock memory", BIT(CAP_IPC_LOCK)),
	CAPS("CAP_SYS_CHROOT", 50, "to chroot()", BIT(CAP_SYS_CHROOT)),
	CAPS("CAP_(BLOCK_SUSPEND|WAKE_ALARM)", 50, "to keep the machine awake",
	     BIT(CAP_BLOCK_SUSPEND) | BIT(CAP_WAKE_ALARM)),
	CAPS("CAP_LEASE", 25, "to file leases", BIT(CAP_LEASE)),
	CAPS("CAP_SYS_TTY_CONFIG", 25, "to hang up terminals", BIT(CAP_SYS_TTY_CONFIG)),
	CAPS("CAP_SYS_PACCT", 25, "to process accounting", BIT(CAP_SYS_PACCT)),
	CAPS("CAP_BPF", 25, "to BPF programs", BIT(CAP_BPF)),
	CALLS("@mount", 1000),
	CALLS("@module", 1000),
	CALLS("@raw-io", 1000),
	CALLS("@reboot", 1000),
	CALLS("@swap", 1000),
	CALLS("@clock", 1000),
	CALLS("@debug", 1000),
	CALLS("@privileged", 700),
	CALLS("@resources", 700),
	CALLS("@cpu-emulation", 250),
	CALLS("@obsolete", 250),
	{"SystemCallArchitectures=", "only native system calls work",
	 "calls of other architectures work, too", 1000, 10, bad_archs, 0, NULL},
	FAMILIES("AF_(INET|INET6)", 1500, "internet", BIT(AF_INET) | BIT(AF_INET6)),
	FAMILIES("…", 1250, "exotic", 0),
	FAMILIES("AF_PACKET", 1000, "packet", BIT(AF_PACKET)),
	FAMILIES("AF_NETLINK", 200, "netlink", BIT(AF_NETLINK)),
	FAMILIES("AF_UNIX", 25, "local", BIT(AF_UNIX)),
	NAMESPACE("user", 1500, CLONE_NEWUSER),
	NAMESPACE("mnt", 500, CLONE_NEWNS),
	NAMESPACE("ipc", 500, CLONE_NEWIPC),
	NAMESPACE("pid", 500, CLONE_NEWPID),
	NAMESPACE("cgroup", 500, CLONE_NEWCGROUP),
	NAMESPACE("net", 500, CLONE_NEWNET),
	NAMESPACE("uts", 100, CLONE_NEWUTS),
	ON("RestrictSUIDSGID=", restrict_suid, 1000, "it cannot make set-user-ID files",
	   "it can make set-user-ID files"),
	ON("RestrictRealtime=", restrict_realtime, 500, "it cannot take a processor for itself",
	   "it may take a processor for itself"),
	ON("LockPersonality=", lock_personality, 100, "its execution domain is fixed",
	   "it can change its execution domain"),
	ON("MemoryDenyWriteExecute=", deny_write_execute, 100,
	   "no memory is writable and executable", "memory may be writable and executable"),
	{"ProtectSystem=", "the system's files are read-only", "it can change files of the system",
	 1000, 10, bad_system, 0, NULL},
	{"ProtectHome=", "the homes are out of its reach", "it sees the homes", 1000, 10, bad_home,
	 0, NULL},
	ON("PrivateTmp=", private_tmp, 1000, "its /tmp is its own", "it shares /tmp with others"),
	ON("PrivateDevices=", private_devices, 1000, "it has the pseudo devices only",
	   "it sees all devices of the container"),
	ON("PrivateNetwork=", private_network, 2500, "it has no network",
	   "it has the container's network"),
	{"PrivateUsers=", "other users are nobody to it", "it shares the container's users", 1000,
	 1, bad_users, 0, NULL},
	{"IPAddressDeny=", "-", "any address can be reached (not supported here)", 1000, 1, always,
	 0, NULL},
	ON("ProtectKernelTunables=", protect_tunables, 1000, "the kernel's settings are read-only",
	   "it may change the kernel's settings"),
	ON("ProtectKernelModules=", protect_kernel_modules, 1000, "kernel modules are out of reach",
	   "it may load kernel modules"),
	ON("ProtectKernelLogs=", protect_kernel_logs, 1000, "the kernel's log is out of reach",
	   "it may read the kernel's log"),
	ON("ProtectControlGroups=", protect_cgroups, 1000, "cgroups are read-only",
	   "it may change cgroups"),
	ON("ProtectClock=", protect_clock, 1000, "it cannot set the clock", "it may set the clock"),
	ON("ProtectHostname=", protect_hostname, 50, "it cannot change the host's name",
	   "it may change the host's name"),
	{"ProtectProc=", "other processes are hidden", "it sees other processes", 1000, 3, bad_proc,
	 0, NULL},
	ON("ProcSubset=", proc_pid_only, 10, "/proc has processes only", "it sees all of /proc"),
	{"UMask=", "its files are its own", "others can read or change its files", 100, 10,
	 bad_umask, 0, NULL},
	{"KeyringMode=", "its keys are its own", "it shares the container's keyring", 1000, 1,
	 bad_keyring, 0, NULL},
	{"NotifyAccess=", "its children cannot speak for it", "its children can speak for it", 1000,
	 1, bad_notify, 0, NULL},
	{"Delegate=", "it has no cgroups of its own", "it has cgroups of its own", 100, 1,
	 bad_delegate, 0, NULL},
};

const struct exposure_check *exposure_checks(size_t *n)
{
	*n = ARRAY_LEN(checks);
	return checks;
}

static unsigned long total_weight(void)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		sum += checks[i].weight;
	return sum;
}

unsigned exposure_of(const struct unit *unit)
{
	unsigned long total = total_weight(), bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		bad += (unsigned long)checks[i].weight * checks[i].badness(unit, &checks[i]) /
		       checks[i].range;
	return (unsigned)((bad * 100 + total / 2) / total);
}

unsigned exposure_part(const struct unit *unit, const struct exposure_check *check)
{
	unsigned long bad =
		(unsigned long)check->weight * check->badness(unit, check) / check->range;

	return (unsigned)((bad * 1000 + total_weight() / 2) / total_weight());
}

enum exposure_level exposure_level(unsigned tenths)
{
	static const unsigned from[] = {0, 1, 10, 50, 75, 90, 100};
	unsigned level = 0;

	while (level + 1 < ARRAY_LEN(from) && tenths >= from[level + 1])
		level++;
	return (enum exposure_level)level;
}

const char *exposure_level_name(enum exposure_level level)
{
	static const char *const names[] = {"PERFECT", "SAFE",   "OK",       "MEDIUM",
					    "EXPOSED", "UNSAFE", "DANGEROUS"};

	return names[level];
}
