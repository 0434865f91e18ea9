/*
 * hakim-network-online - what stands behind network-online.target: it ends when there is a default
 * route and a server for names, or when it has waited long enough. With DHCP on Proxmox the host's
 * client is started after the container, so there is neither at first.
 *
 * It never fails: who starts late without a network is better off than who never starts. It sleeps
 * until the kernel tells of a change (rtnetlink(7), inotify(7)).
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/network.h"
#include "common/notify.h"

#define WAIT_MS   30000
#define SERVER_MS 5000 /* for /etc/resolv.conf behind the route: some networks have no DNS */
#define LOOK_MS   1000 /* where the kernel tells nothing */

static const char help[] =
	"Usage: hakim-network-online\n"
	"\n"
	"Waits until there is a default route and /etc/resolv.conf names a server.\n"
	"\n"
	"Environment: HAKIM_NETWORK_TIMEOUT, in seconds (30).\n"
	"\n"
	"Exit status: 0, also when it has waited long enough; 2 a wrong variable.\n";

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int watch_routes(void)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return steal_fd(&fd);
}

/* The directory: the host's client puts a new file in the place of the old one. */
static int watch_names(void)
{
	_cleanup_close_ int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 ||
	    inotify_add_watch(fd, "/etc", IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE) < 0)
		return -errno;
	return steal_fd(&fd);
}

static void drain(int fd)
{
	char buf[4096];

	/* ENOBUFS: more has happened than fits; all that counts is that something has. */
	while (read(fd, buf, sizeof(buf)) > 0 || errno == ENOBUFS)
		;
}

struct wait {
	uint64_t began, by, route_at; /* ms; 0: no route yet */
	const char *text;             /* what it is waiting for, or how it ended */
};

/* True when there is nothing more to wait for. */
static bool is_over(struct wait *w)
{
	uint64_t now = now_ms();

	if (!network_has_interface("")) {
		w->text = "there is no network interface but lo: not waiting";
		return true;
	}
	if (!network_has_route("")) {
		w->route_at = 0;
		w->text = now < w->by ? "waiting for a default route"
				      : "there is no default route: going on without";
		return now >= w->by;
	}
	if (!w->route_at)
		w->route_at = now;
	if (network_has_server("") == 1) {
		w->text = "there is a default route";
		return true;
	}
	if (now >= w->by || now >= w->route_at + SERVER_MS) {
		w->text = "there is a default route, but /etc/resolv.conf names no server";
		return true;
	}
	w->text = "waiting for a server in /etc/resolv.conf";
	return false;
}

static int time_left(const struct wait *w, bool told)
{
	uint64_t at = w->by;
	uint64_t now = now_ms();

	if (w->route_at && w->route_at + SERVER_MS < at)
		at = w->route_at + SERVER_MS;
	if (!told && now + LOOK_MS < at)
		at = now + LOOK_MS;
	return at > now ? (int)(at - now) : 0;
}

static void wait_online(struct wait *w, const struct notify *notify)
{
	_cleanup_close_ int routes = watch_routes();
	_cleanup_close_ int names = watch_names();
	const char *said = NULL;

	while (!is_over(w)) {
		struct pollfd fds[] = {{.fd = routes, .events = POLLIN},
				       {.fd = names, .events = POLLIN}};

		if (said != w->text)
			notify_status(notify, w->text);
		said = w->text;
		/* A negative fd is left out by poll(2). */
		poll(fds, ARRAY_LEN(fds), time_left(w, routes >= 0 && names >= 0));
		if (fds[0].revents)
			drain(routes);
		if (fds[1].revents)
			drain(names);
	}
}

int main(int argc, char **argv)
{
	const char *text = getenv("HAKIM_NETWORK_TIMEOUT");
	unsigned long seconds = WAIT_MS / 1000;
	struct notify notify;
	struct wait w = {.began = now_ms()};
	char *end;

	(void)argv;
	if (argc > 1) {
		fputs(help, argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
		return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
	}
	if (text && *text) {
		seconds = strtoul(text, &end, 10);
		if (*end || *text == '-' || seconds > 3600) {
			fprintf(stderr,
				"hakim-network-online: HAKIM_NETWORK_TIMEOUT=%.20s is no number of "
				"seconds up to 3600\n",
				text);
			return 2;
		}
	}
	w.by = w.began + seconds * 1000;
	notify_open(&notify);
	wait_online(&w, &notify);
	fprintf(stderr, "hakim-network-online: %s (after %llu ms)\n", w.text,
		(unsigned long long)(now_ms() - w.began));
	notify_status(&notify, w.text);
	notify_barrier(&notify, 1000);
	notify_close(&notify);
	return 0;
}
