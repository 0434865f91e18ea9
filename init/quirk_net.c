#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/id_map.h"
#include "common/network.h"
#include "init/format.h"
#include "init/quirk_file.h"
#include "init/quirk_rows.h"

/* Where the container has no network configured, LXC leaves lo down, and nothing on 127.0.0.1
 * answers. */
enum quirk_outcome quirk_loopback(struct quirk_world *w, struct quirk_result *r)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = true;
	int e = 0;

	(void)w;
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		e = errno;
	} else if (!(request.ifr_flags & IFF_UP)) {
		up = false;
		request.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
			e = errno;
	}
	if (fd >= 0)
		close(fd);
	if (e)
		return quirk_fail(r, e, "lo could not be brought up");
	return up ? quirk_say(r, QUIRK_FINE, "lo is up")
		  : quirk_say(r, QUIRK_REMEDIED, "lo was down: it is up");
}

/* The kernel's default, "1 0", lets nobody; a bound that is no group of this user namespace is
 * EINVAL (net/ipv4/sysctl_net_ipv4.c); LXC's has 65536. */
enum quirk_outcome quirk_ping(struct quirk_world *w, struct quirk_result *r)
{
	static const char path[] = "/proc/sys/net/ipv4/ping_group_range";
	char text[64], want[32], map[256];
	char *rest;
	unsigned long first, last;
	struct id_map gids;
	uint32_t max = 65535;
	int e;

	e = (int)file_read(w->root, path, text, sizeof(text));
	if (e < 0)
		return quirk_fail(r, e, "who may ping cannot be read");
	first = strtoul(text, &rest, 10);
	last = strtoul(rest, NULL, 10);
	format_text(map, sizeof(map), "%s/proc/self/gid_map", w->root);
	if (id_map_read(map, &gids) == 0)
		id_map_highest(&gids, 65535, &max);
	if (first == 0 && last >= max)
		return quirk_say(r, QUIRK_FINE, "every user may ping");
	format_text(want, sizeof(want), "0 %u", max);
	e = file_set(w->root, path, want);
	if (e == -EROFS || e == -EACCES || e == -EPERM) {
		r->error = -e;
		/* The row's own line would keep such a container from starting. */
		if (max != 65535)
			format_text(r->advice, sizeof(r->advice),
				    "setcap cap_net_raw+ep /usr/bin/ping  # in the container");
		return quirk_say(r, QUIRK_NEEDS_HOST,
				 "only root may ping, and it is not ours to change");
	}
	if (e < 0)
		return quirk_fail(r, e, "net.ipv4.ping_group_range could not be set");
	return quirk_say(r, QUIRK_REMEDIED, "only root could ping: every user may");
}

enum quirk_outcome quirk_low_ports(struct quirk_world *w, struct quirk_result *r)
{
	static const char path[] = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
	int64_t start = file_number(w->root, path);
	int e;

	if (start == 0)
		return quirk_say(r, QUIRK_FINE, "every user may listen on every port");
	e = file_set(w->root, path, "0");
	if (e == -EROFS || e == -EACCES || e == -EPERM) {
		r->error = -e;
		return quirk_say(r, QUIRK_NEEDS_HOST,
				 "users may not listen below port %d, and it is not ours to change",
				 (int)start);
	}
	if (e < 0)
		return quirk_fail(r, e, "net.ipv4.ip_unprivileged_port_start could not be set");
	return quirk_say(r, QUIRK_REMEDIED,
			 "ports below %d were root's: every user may listen there", (int)start);
}

/* Many machines have none on purpose; it is told so that nobody binds to "::" alone. */
enum quirk_outcome quirk_ipv6(struct quirk_world *w, struct quirk_result *r)
{
	if (file_number(w->root, "/proc/sys/net/ipv6/conf/all/disable_ipv6") == 1)
		return quirk_say(
			r, QUIRK_NEEDS_HOST,
			"IPv6 is switched off: what listens on \"::\" alone does not start");
	if (!file_exists(w->root, "/proc/net/if_inet6"))
		return quirk_say(r, QUIRK_FINE, "the kernel has no IPv6");
	if (!network_has_ipv6(w->root))
		return quirk_say(r, QUIRK_FINE,
				 "there is no IPv6 address (yet): listen on IPv4 too");
	return quirk_say(r, QUIRK_FINE, "there is an IPv6 address");
}

/* The host writes it at each start, and its DHCP client later: nothing is "repaired" here. */
enum quirk_outcome quirk_resolv_conf(struct quirk_world *w, struct quirk_result *r)
{
	static const char path[] = "/etc/resolv.conf";
	char target[256], full[512];
	ssize_t n = network_has_server(w->root);

	if (n > 0)
		return quirk_say(r, QUIRK_FINE, "%s names a server", path);
	if (n == 0)
		return quirk_say(r, QUIRK_NEEDS_HOST, "%s names no server", path);
	r->error = (int)-n;
	format_text(full, sizeof(full), "%s%s", w->root, path);
	n = readlink(full, target, sizeof(target) - 1);
	if (n < 0)
		return quirk_say(r, QUIRK_NEEDS_HOST, "there is no %s", path);
	target[n] = '\0';
	return quirk_say(r, QUIRK_NEEDS_HOST, "%s is a link to %s, which is not there", path,
			 target);
}

/* With DHCP it comes after PID 1: the host's client is started when the container is. */
enum quirk_outcome quirk_route(struct quirk_world *w, struct quirk_result *r)
{
	if (network_has_route(w->root))
		return quirk_say(r, QUIRK_FINE, "there is a default route");
	return quirk_say(r, QUIRK_NEEDS_HOST,
			 "there was no default route at the start: units that want "
			 "network-online.target wait for it");
}
