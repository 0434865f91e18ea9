/*
 * systemctl_refuse.c - the commands of systemctl(1) that a container without systemd cannot answer,
 * and what to do instead.
 */
#include <stddef.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/systemctl.h"

static const char edits[] =
	"write /etc/systemd/system/NAME.d/override.conf yourself, then 'systemctl daemon-reload'";
static const char machine[] = "it is about a machine that boots; this is a container";
static const char environment[] =
	"services get the container's environment, and what Environment= of their unit says";
static const char targets[] = "nothing but multi-user.target is ever started here";

static const struct {
	const char *verb, *instead;
} refused[] = {
	{"add-requires", edits},
	{"add-wants", edits},
	{"bind", "BindPaths= in a drop-in is there"},
	{"cancel", "a job is as quick as the unit; 'systemctl stop' ends it"},
	{"clean", "remove the directories of the unit yourself"},
	{"default", targets},
	{"edit", edits},
	{"emergency", machine},
	{"freeze", "'systemctl kill -s STOP' stops its processes"},
	{"hibernate", machine},
	{"hybrid-sleep", machine},
	{"import-environment", environment},
	{"isolate", targets},
	{"kexec", machine},
	{"list-machines", machine},
	{"log-level", "there is one level of the supervisor's log"},
	{"log-target", "'hakimctl logs hakim' prints the supervisor's log"},
	{"mount-image", machine},
	{"rescue", machine},
	{"revert", "remove the drop-ins that 'systemctl cat' shows yourself"},
	{"service-log-level", "set it in the service's own configuration"},
	{"service-log-target", "'hakimctl logs NAME' prints the log of a unit"},
	{"service-watchdogs", "WatchdogSec=0 in a drop-in is there"},
	{"set-default", targets},
	{"set-environment", environment},
	{"set-property", edits},
	{"sleep", machine},
	{"soft-reboot", machine},
	{"suspend", machine},
	{"suspend-then-hibernate", machine},
	{"switch-root", machine},
	{"thaw", "'systemctl kill -s CONT' lets its processes go on"},
	{"unset-environment", environment},
	{"whoami", "'systemctl status PID' is not there either; 'hakimctl top' shows who is whose"},
};

const char *sc_refused(const char *verb)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (strcmp(refused[i].verb, verb) == 0)
			return refused[i].instead;
	return NULL;
}
