#include "supervisor/degrade.h"

#include "common/cleanup.h"

static const struct {
	const char *name, *meaning;
} parts[DEGRADE_PARTS] = {
	[DEGRADE_NICE] = {"Nice=", "it runs with the container's own priority"},
	[DEGRADE_OOM_SCORE] = {"OOMScoreAdjust=", "it runs with the container's own value"},
	[DEGRADE_SCHEDULING] = {"CPUSchedulingPolicy=", "it is scheduled as any other process"},
	[DEGRADE_AFFINITY] = {"CPUAffinity=", "it runs on all processors of the container"},
	[DEGRADE_IO_SCHEDULING] = {"IOSchedulingClass=", "its input and output has no priority"},
	[DEGRADE_TIMER_SLACK] = {"TimerSlackNSec=", "its timers are as any other's"},
	[DEGRADE_COREDUMP] = {"CoredumpFilter=", "its core dumps are as any other's"},
	[DEGRADE_RLIMIT] = {"Limit…=", "one is lowered to the container's own hard limit"},
	[DEGRADE_KEYRING] = {"KeyringMode=", "it shares the container's keyring"},
	[DEGRADE_NAMESPACE] = {"the mount namespace", "it sees the container's whole file system"},
	[DEGRADE_NETWORK] = {"PrivateNetwork=", "it has the container's network"},
	[DEGRADE_IPC] = {"PrivateIPC=", "it shares the container's IPC objects"},
	[DEGRADE_USERS] = {"PrivateUsers=", "it sees the container's users"},
	[DEGRADE_HOSTNAME] = {"ProtectHostname=", "it has the container's UTS namespace"},
	[DEGRADE_PROTECT_SYSTEM] = {"ProtectSystem=", "it can write to the system's directories"},
	[DEGRADE_PROTECT_HOME] = {"ProtectHome=", "it can see the home directories"},
	[DEGRADE_PRIVATE_TMP] = {"PrivateTmp=", "it shares the container's /tmp"},
	[DEGRADE_PRIVATE_DEVICES] = {"PrivateDevices=", "it sees the container's /dev"},
	[DEGRADE_KERNEL_TUNABLES] = {"ProtectKernelTunables=",
				     "only the container keeps it from them"},
	[DEGRADE_KERNEL_LOGS] = {"ProtectKernelLogs=", "/dev/kmsg stays visible"},
	[DEGRADE_KERNEL_MODULES] = {"ProtectKernelModules=", "/usr/lib/modules stays visible"},
	[DEGRADE_CONTROL_GROUPS] = {"ProtectControlGroups=", "/sys/fs/cgroup is not read-only"},
	[DEGRADE_PROC] = {"ProtectProc= or ProcSubset=", "it has the container's /proc"},
	[DEGRADE_PATHS] = {"ReadOnlyPaths= or InaccessiblePaths=", "one of them is not in force"},
	[DEGRADE_EXEC_PATHS] = {"NoExecPaths=", "it can execute files there"},
	[DEGRADE_TEMPORARY] = {"TemporaryFileSystem=", "what was there stays visible"},
	[DEGRADE_BIND] = {"BindPaths=", "one of them is not bound"},
	[DEGRADE_CREDENTIALS] = {"LoadCredential=", "the credentials do not lie in memory only"},
	[DEGRADE_FILTERS] = {"ProtectClock= and its kin",
			     "the system calls that they forbid are left to the container"},
};

const char *degrade_name(enum degrade part)
{
	return part < DEGRADE_PARTS ? parts[part].name : "?";
}

const char *degrade_meaning(enum degrade part)
{
	return part < DEGRADE_PARTS ? parts[part].meaning : "?";
}
