#include "supervisor/unit_builtin.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/unit_name.h"

static const struct {
	const char *name;
	enum builtin is;
} targets[] = {
	{"basic.target", BUILTIN_UP},
	{"bluetooth.target", BUILTIN_UP},
	{"boot-complete.target", BUILTIN_UP},
	{"cryptsetup-pre.target", BUILTIN_UP},
	{"cryptsetup.target", BUILTIN_UP},
	{"ctrl-alt-del.target", BUILTIN_DOWN},
	{"default.target", BUILTIN_UP},
	{"emergency.target", BUILTIN_DOWN},
	{"exit.target", BUILTIN_DOWN},
	{"final.target", BUILTIN_DOWN},
	{"first-boot-complete.target", BUILTIN_UP},
	{"getty-pre.target", BUILTIN_UP},
	{"getty.target", BUILTIN_UP},
	{"graphical-session-pre.target", BUILTIN_DOWN},
	{"graphical-session.target", BUILTIN_DOWN},
	{"graphical.target", BUILTIN_UP},
	{"halt.target", BUILTIN_DOWN},
	{"hibernate.target", BUILTIN_DOWN},
	{"initrd.target", BUILTIN_DOWN},
	{"integritysetup.target", BUILTIN_UP},
	{"kexec.target", BUILTIN_DOWN},
	{"local-fs-pre.target", BUILTIN_UP},
	{"local-fs.target", BUILTIN_UP},
	{"machines.target", BUILTIN_UP},
	{"multi-user.target", BUILTIN_UP},
	{"network-online.target", BUILTIN_UP},
	{"network-pre.target", BUILTIN_UP},
	{"network.target", BUILTIN_UP},
	{"nss-lookup.target", BUILTIN_UP},
	{"nss-user-lookup.target", BUILTIN_UP},
	{"paths.target", BUILTIN_UP},
	{"poweroff.target", BUILTIN_DOWN},
	{"printer.target", BUILTIN_UP},
	{"reboot.target", BUILTIN_DOWN},
	{"remote-cryptsetup.target", BUILTIN_UP},
	{"remote-fs-pre.target", BUILTIN_UP},
	{"remote-fs.target", BUILTIN_UP},
	{"rescue.target", BUILTIN_DOWN},
	{"rpcbind.target", BUILTIN_UP},
	{"runlevel0.target", BUILTIN_DOWN},
	{"runlevel1.target", BUILTIN_DOWN},
	{"runlevel2.target", BUILTIN_UP},
	{"runlevel3.target", BUILTIN_UP},
	{"runlevel4.target", BUILTIN_UP},
	{"runlevel5.target", BUILTIN_UP},
	{"runlevel6.target", BUILTIN_DOWN},
	{"shutdown.target", BUILTIN_DOWN},
	{"sleep.target", BUILTIN_DOWN},
	{"slices.target", BUILTIN_UP},
	{"smartcard.target", BUILTIN_UP},
	{"sockets.target", BUILTIN_UP},
	{"sound.target", BUILTIN_UP},
	{"suspend.target", BUILTIN_DOWN},
	{"swap.target", BUILTIN_UP},
	{"sysinit.target", BUILTIN_UP},
	{"system-update.target", BUILTIN_DOWN},
	{"time-set.target", BUILTIN_UP},
	{"time-sync.target", BUILTIN_UP},
	{"timers.target", BUILTIN_UP},
	{"umount.target", BUILTIN_DOWN},
	{"usb-gadget.target", BUILTIN_DOWN},
	{"veritysetup.target", BUILTIN_UP},
};

static int by_name(const void *name, const void *row)
{
	return strcmp(name, *(const char *const *)row);
}

const char *unit_builtin_stands_for(const char *name)
{
	/* Reached when there is a way out: only who wants it waits for it. */
	return strcmp(name, "network-online.target") == 0 ? "network-online-wait.service" : NULL;
}

enum builtin unit_builtin(const char *name)
{
	size_t i;
	const void *found = bsearch(unit_name_file(name), targets, ARRAY_LEN(targets),
				    sizeof(targets[0]), by_name);

	if (!found)
		return BUILTIN_NONE;
	i = (size_t)((const char *)found - (const char *)targets) / sizeof(targets[0]);
	return targets[i].is;
}
