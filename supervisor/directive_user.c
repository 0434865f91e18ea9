/*
 * directive_user.c - which directives a unit of the coder user's may have. It is run by us for
 * somebody who is not root, so it gets nothing that this somebody could not do alone: what root
 * would have to do for it is refused or left out. Names that are not here are left out and noted.
 */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"

/* In order of name. Nothing of seccomp: a filter around a set-user-ID program is a way to root
 * where its maker is allowed to do without no_new_privs. */
static const char *const service_allowed[] = {
	"BusName",
	"CPUQuota",
	"Environment",
	"EnvironmentFile",
	"ExecCondition",
	"ExecReload",
	"ExecSearchPath",
	"ExecStart",
	"ExecStartPost",
	"ExecStartPre",
	"ExecStop",
	"ExecStopPost",
	"FinalKillSignal",
	"KillMode",
	"KillSignal",
	"LogLevelMax",
	"LogRateLimitBurst",
	"LogRateLimitIntervalSec",
	"MemoryHigh",
	"MemoryMax",
	"NoNewPrivileges",
	"NonBlocking",
	"NotifyAccess",
	"ReloadSignal",
	"RemainAfterExit",
	"Restart",
	"RestartForceExitStatus",
	"RestartKillSignal",
	"RestartMaxDelaySec",
	"RestartMode",
	"RestartPreventExitStatus",
	"RestartSec",
	"RestartSteps",
	"RuntimeMaxSec",
	"RuntimeRandomizedExtraSec",
	"SendSIGHUP",
	"SendSIGKILL",
	"Sockets",
	"StartLimitBurst",
	"StartLimitInterval",
	"SuccessExitStatus",
	"SyslogIdentifier",
	"SyslogLevel",
	"SyslogLevelPrefix",
	"TasksMax",
	"TimeoutAbortSec",
	"TimeoutSec",
	"TimeoutStartFailureMode",
	"TimeoutStartSec",
	"TimeoutStopFailureMode",
	"TimeoutStopSec",
	"Type",
	"UMask",
	"UnsetEnvironment",
	"WatchdogSec",
	"WatchdogSignal",
	"WorkingDirectory",
};

static const char *const socket_allowed[] = {
	"Accept",
	"Backlog",
	"DirectoryMode",
	"FileDescriptorName",
	"KeepAlive",
	"KeepAliveIntervalSec",
	"KeepAliveProbes",
	"KeepAliveTimeSec",
	"ListenDatagram",
	"ListenFIFO",
	"ListenSequentialPacket",
	"ListenStream",
	"MaxConnections",
	"MaxConnectionsPerSource",
	"NoDelay",
	"PassCredentials",
	"RemoveOnStop",
	"ReusePort",
	"Service",
	"SocketMode",
	"Symlinks",
	"TriggerLimitBurst",
	"TriggerLimitIntervalSec",
};

/* Without it another thing would be done, or with other rights. In order of name. */
static const char *const refused[] = {
	"AmbientCapabilities",
	"CacheDirectory",
	"ConfigurationDirectory",
	"DynamicUser",
	"ExtensionDirectories",
	"ExtensionImages",
	"Group",
	"ImportCredential",
	"LoadCredential",
	"LoadCredentialEncrypted",
	"LogsDirectory",
	"OpenFile",
	"PAMName",
	"PassEnvironment",
	"RootDirectory",
	"RootImage",
	"RuntimeDirectory",
	"SecretPipe",
	"SessionEnvironment",
	"SetCredential",
	"SetCredentialEncrypted",
	"SocketGroup",
	"SocketUser",
	"StandardInput",
	"StateDirectory",
	"SupplementaryGroups",
	"User",
	"UserFrom",
};

/* Of sections that are allowed in general: what would act on the whole container, or ask as root.
 */
static const char *const left_out[] = {
	"FailureAction", "FailureActionExitStatus", "HealthUnix",    "JobTimeoutAction",
	"ReadyUnix",     "StartLimitAction",        "SuccessAction", "SuccessActionExitStatus",
	"Vital",
};

static int by_text(const void *name, const void *row)
{
	return strcmp(name, *(const char *const *)row);
}

#define IN(name, list) (bsearch(name, list, ARRAY_LEN(list), sizeof((list)[0]), by_text) != NULL)

/* "+" and "!" before a command are for root to give. */
static bool has_privilege_prefix(const char *name, const char *value)
{
	if (!strstr(name, "Exec") || strcmp(name, "ExecSearchPath") == 0)
		return false;
	value += strspn(value, "-@:|");
	return *value == '+' || *value == '!';
}

/* A question that we ask is asked with our rights. */
static bool asks_unix(const char *name, const char *value)
{
	return strstr(name, "HTTP") && strcasestr(value, "unix");
}

static bool asks_for_nothing(const char *value)
{
	bool yes;

	return !*value || (bool_parse(value, &yes, NULL) == 0 && !yes);
}

enum user_verdict directive_user_verdict(enum directive_section section, const char *name,
					 const char *value)
{
	bool allowed = true;

	if (has_privilege_prefix(name, value) || asks_unix(name, value))
		return USER_REFUSED;
	if (section == DIRECTIVES_SERVICE)
		allowed = IN(name, service_allowed);
	else if (section == DIRECTIVES_SOCKET)
		allowed = IN(name, socket_allowed);
	if (allowed && !IN(name, left_out) && !IN(name, refused))
		return USER_ALLOWED;
	if (asks_for_nothing(value))
		return USER_NEUTRAL;
	return IN(name, refused) ? USER_REFUSED : USER_LEFT_OUT;
}
