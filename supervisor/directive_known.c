/*
 * directive_known.c - the directives of systemd 252 to 257 that this version does not support, and
 * what that means for a unit that has one. Sources: systemd --dump-configuration-items,
 * systemd.exec(5): what stands there under SANDBOXING degrades, as it does in systemd where a
 * container forbids it; identity, capabilities, mandatory access control and system call filtering
 * refuse the unit.
 */
#include <stddef.h>

#include "common/cleanup.h"
#include "supervisor/directive.h"

static const char on_failure[] = "nothing else is started when this unit ends";
static const char manual[] = "hakimctl does not ask for it";
static const char cgroup[] = "the container's own limits hold";
static const char scheduling[] = "the service runs with the container's own priority";
static const char log_goes[] = "output goes to the log of the service";
static const char no_tty[] = "services have no terminal";
static const char rights[] = "the service would run with other rights than its author asked for";
static const char no_pam[] =
	"it has no PAM session: no account check, limits or variables of PAM's";
static const char addresses[] = "it takes BPF, and every address can be reached";
static const char ipc_stays[] = "its IPC objects stay when it has ended";
static const char other_root[] =
	"the service would run in another file system than its author asked for";
static const char credentials[] = "the service would not find its credentials";
static const char more_commands[] = "its commands would not be run";
static const char boot_only[] = "it is about machines that boot";

static const struct known unit_known[] = {
	{"AllowIsolate", KNOWN_HARMLESS, "no", manual},
	{"CollectMode", KNOWN_HARMLESS, NULL, NULL},
	{"IgnoreOnIsolate", KNOWN_HARMLESS, NULL, manual},
	{"JobTimeoutRebootArgument", KNOWN_HARMLESS, NULL, boot_only},
	{"JoinsNamespaceOf", KNOWN_SANDBOX, NULL,
	 "what it has of its own (PrivateTmp= …) it shares with no other unit"},
	{"OnFailureIsolate", KNOWN_LATER, "no", on_failure},
	{"RebootArgument", KNOWN_HARMLESS, NULL, boot_only},
	{"RequiresMountsFor", KNOWN_HARMLESS, NULL,
	 "the container's mounts are there before it starts"},
	{"RequiresOverridable", KNOWN_LATER, NULL, NULL},
	{"RequisiteOverridable", KNOWN_LATER, NULL, NULL},
	{"SourcePath", KNOWN_HARMLESS, NULL, NULL},
	{"SurviveFinalKillSignal", KNOWN_HARMLESS, NULL, boot_only},
	{"WantsMountsFor", KNOWN_HARMLESS, NULL,
	 "the container's mounts are there before it starts"},
};

static const struct known service_known[] = {
	{"AllowedCPUs", KNOWN_LATER, NULL, cgroup},
	{"AllowedMemoryNodes", KNOWN_LATER, NULL, cgroup},
	{"BPFProgram", KNOWN_SANDBOX, NULL, NULL},
	{"BlockIOAccounting", KNOWN_HARMLESS, NULL, NULL},
	{"BlockIODeviceWeight", KNOWN_LATER, NULL, cgroup},
	{"BlockIOReadBandwidth", KNOWN_LATER, NULL, cgroup},
	{"BlockIOWeight", KNOWN_LATER, NULL, cgroup},
	{"BlockIOWriteBandwidth", KNOWN_LATER, NULL, cgroup},
	{"CPUAccounting", KNOWN_HARMLESS, NULL, NULL},
	{"CPUShares", KNOWN_LATER, "", cgroup},
	{"CoredumpReceive", KNOWN_LATER, "no", NULL},
	{"DefaultMemoryLow", KNOWN_LATER, NULL, cgroup},
	{"DefaultMemoryMin", KNOWN_LATER, NULL, cgroup},
	{"DeviceAllow", KNOWN_SANDBOX, "", NULL},
	{"DevicePolicy", KNOWN_SANDBOX, "auto", NULL},
	{"DisableControllers", KNOWN_LATER, NULL, cgroup},
	{"ExitType", KNOWN_REFUSED, "main", "only main is"},
	{"ExtensionDirectories", KNOWN_REFUSED, "", other_root},
	{"ExtensionImages", KNOWN_REFUSED, "", other_root},
	{"IOAccounting", KNOWN_HARMLESS, NULL, NULL},
	{"IODeviceLatencyTargetSec", KNOWN_LATER, NULL, cgroup},
	{"IODeviceWeight", KNOWN_LATER, NULL, cgroup},
	{"IOReadBandwidthMax", KNOWN_LATER, NULL, cgroup},
	{"IOReadIOPSMax", KNOWN_LATER, NULL, cgroup},
	{"IOWriteBandwidthMax", KNOWN_LATER, NULL, cgroup},
	{"IOWriteIOPSMax", KNOWN_LATER, NULL, cgroup},
	{"IPAccounting", KNOWN_HARMLESS, NULL, NULL},
	{"IPAddressAllow", KNOWN_SANDBOX, "", addresses},
	{"IPAddressDeny", KNOWN_SANDBOX, "", addresses},
	{"IPCNamespacePath", KNOWN_SANDBOX, "", NULL},
	{"IPEgressFilterPath", KNOWN_SANDBOX, "", addresses},
	{"IPIngressFilterPath", KNOWN_SANDBOX, "", addresses},
	{"IgnoreSIGPIPE", KNOWN_LATER, "no",
	 "SIGPIPE is as in any other program, as with IgnoreSIGPIPE=no"},
	{"LoadCredentialEncrypted", KNOWN_REFUSED, "", credentials},
	{"LogExtraFields", KNOWN_HARMLESS, "", log_goes},
	{"LogFilterPatterns", KNOWN_LATER, "", "every line is logged"},
	{"LogNamespace", KNOWN_HARMLESS, "", log_goes},
	{"ManagedOOMMemoryPressure", KNOWN_LATER, "auto", cgroup},
	{"ManagedOOMMemoryPressureDurationSec", KNOWN_LATER, NULL, cgroup},
	{"ManagedOOMMemoryPressureLimit", KNOWN_LATER, NULL, cgroup},
	{"ManagedOOMPreference", KNOWN_LATER, "none", cgroup},
	{"ManagedOOMSwap", KNOWN_LATER, "auto", cgroup},
	{"MemoryAccounting", KNOWN_HARMLESS, NULL, NULL},
	{"MemoryKSM", KNOWN_HARMLESS, NULL, NULL},
	{"MemoryPressureThresholdSec", KNOWN_LATER, NULL, cgroup},
	{"MemoryPressureWatch", KNOWN_LATER, NULL, cgroup},
	{"MemoryZSwapMax", KNOWN_LATER, "infinity", cgroup},
	{"MemoryZSwapWriteback", KNOWN_LATER, "yes", cgroup},
	{"MountAPIVFS", KNOWN_SANDBOX, "no", NULL},
	{"MountImages", KNOWN_REFUSED, "", other_root},
	{"NUMAMask", KNOWN_LATER, "", scheduling},
	{"NUMAPolicy", KNOWN_LATER, "default", scheduling},
	{"NetworkNamespacePath", KNOWN_SANDBOX, "", NULL},
	{"PAMName", KNOWN_SANDBOX, "", no_pam},
	{"PassPIDFD", KNOWN_LATER, "no", "no sockets are passed on"},
	{"PrivatePIDs", KNOWN_SANDBOX, "no", NULL},
	{"RebootArgument", KNOWN_HARMLESS, NULL, boot_only},
	{"RemoveIPC", KNOWN_SANDBOX, "no", ipc_stays},
	{"RestrictFileSystems", KNOWN_SANDBOX, "", NULL},
	{"RestrictNetworkInterfaces", KNOWN_SANDBOX, "", NULL},
	{"RootDirectory", KNOWN_REFUSED, "/", other_root},
	{"RootDirectoryStartOnly", KNOWN_REFUSED, "no", other_root},
	{"RootEphemeral", KNOWN_REFUSED, "no", other_root},
	{"RootHash", KNOWN_REFUSED, "", other_root},
	{"RootHashSignature", KNOWN_REFUSED, "", other_root},
	{"RootImage", KNOWN_REFUSED, "", other_root},
	{"RootImageOptions", KNOWN_REFUSED, "", other_root},
	{"RootImagePolicy", KNOWN_REFUSED, "", other_root},
	{"RootVerity", KNOWN_REFUSED, "", other_root},
	{"SELinuxContext", KNOWN_REFUSED, "", rights},
	{"SetCredentialEncrypted", KNOWN_REFUSED, "", credentials},
	{"Slice", KNOWN_HARMLESS, NULL, NULL},
	{"SmackProcessLabel", KNOWN_REFUSED, "", rights},
	{"SocketBindAllow", KNOWN_SANDBOX, "", NULL},
	{"SocketBindDeny", KNOWN_SANDBOX, "", NULL},
	{"StartupAllowedCPUs", KNOWN_LATER, NULL, cgroup},
	{"StartupAllowedMemoryNodes", KNOWN_LATER, NULL, cgroup},
	{"StartupBlockIOWeight", KNOWN_LATER, NULL, cgroup},
	{"StartupCPUShares", KNOWN_LATER, NULL, cgroup},
	{"StartupCPUWeight", KNOWN_LATER, NULL, cgroup},
	{"StartupIOWeight", KNOWN_LATER, NULL, cgroup},
	{"SyslogFacility", KNOWN_HARMLESS, NULL, log_goes},
	{"TTYColumns", KNOWN_HARMLESS, NULL, no_tty},
	{"TTYPath", KNOWN_HARMLESS, NULL, no_tty},
	{"TTYReset", KNOWN_HARMLESS, NULL, no_tty},
	{"TTYRows", KNOWN_HARMLESS, NULL, no_tty},
	{"TTYVHangup", KNOWN_HARMLESS, NULL, no_tty},
	{"TTYVTDisallocate", KNOWN_HARMLESS, NULL, no_tty},
	{"TasksAccounting", KNOWN_HARMLESS, NULL, NULL},
	{"TimeoutCleanSec", KNOWN_HARMLESS, NULL, manual},
	{"USBFunctionDescriptors", KNOWN_REFUSED, "", NULL},
	{"USBFunctionStrings", KNOWN_REFUSED, "", NULL},
	{"UtmpIdentifier", KNOWN_HARMLESS, NULL, no_tty},
	{"UtmpMode", KNOWN_HARMLESS, NULL, no_tty},
};

static const char mq_only[] = "it matters to ListenMessageQueue= only";
static const char one_kind[] = "only stream, datagram and sequential-packet sockets and FIFOs are";

static const struct known socket_known[] = {
	{"AcceptFileDescriptors", KNOWN_LATER, "yes", NULL},
	{"ExecStartPost", KNOWN_REFUSED, "", more_commands},
	{"ExecStartPre", KNOWN_REFUSED, "", more_commands},
	{"ExecStopPost", KNOWN_REFUSED, "", more_commands},
	{"ExecStopPre", KNOWN_REFUSED, "", more_commands},
	{"FlushPending", KNOWN_LATER, "no", "what has come meanwhile starts the service again"},
	{"ListenMessageQueue", KNOWN_REFUSED, "", one_kind},
	{"ListenNetlink", KNOWN_REFUSED, "", one_kind},
	{"ListenSpecial", KNOWN_REFUSED, "", one_kind},
	{"ListenUSBFunction", KNOWN_REFUSED, "", one_kind},
	{"MessageQueueMaxMessages", KNOWN_HARMLESS, NULL, mq_only},
	{"MessageQueueMessageSize", KNOWN_HARMLESS, NULL, mq_only},
	{"PassFileDescriptorsToExec", KNOWN_HARMLESS, "no", "a socket has no commands here"},
	{"PassPIDFD", KNOWN_LATER, "no", NULL},
	{"PollLimitBurst", KNOWN_LATER, NULL, "TriggerLimitBurst= holds"},
	{"PollLimitIntervalSec", KNOWN_LATER, NULL, "TriggerLimitIntervalSec= holds"},
	{"SELinuxContextFromNet", KNOWN_REFUSED, "no", rights},
	{"SmackLabel", KNOWN_SANDBOX, "", NULL},
	{"SmackLabelIPIn", KNOWN_SANDBOX, "", NULL},
	{"SmackLabelIPOut", KNOWN_SANDBOX, "", NULL},
	{"SocketProtocol", KNOWN_REFUSED, "", "it would be another protocol"},
	{"TimeoutSec", KNOWN_HARMLESS, NULL, "a socket has no commands here"},
	{"Writable", KNOWN_HARMLESS, NULL, "it matters to ListenSpecial= only"},
};

const struct known *directives_known(enum directive_section section, size_t *n)
{
	switch (section) {
	case DIRECTIVES_UNIT:
		*n = ARRAY_LEN(unit_known);
		return unit_known;
	case DIRECTIVES_SERVICE:
		*n = ARRAY_LEN(service_known);
		return service_known;
	case DIRECTIVES_SOCKET:
		*n = ARRAY_LEN(socket_known);
		return socket_known;
	default:
		*n = 0;
		return NULL;
	}
}
