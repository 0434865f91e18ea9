/*
 * place.h - where are we? Asked once, from files that exist or not; it changes nothing.
 */
#pragma once

#include <stdint.h>

enum place_kind {
	PLACE_UNKNOWN = 0, /* none of the signs below */
	PLACE_LXC,         /* container=lxc: Proxmox, Incus or plain LXC */
	PLACE_DOCKER,      /* /.dockerenv */
	PLACE_PODMAN,      /* /run/.containerenv or container=podman */
	PLACE_OTHER,       /* another value of $container */
};

/* `container` is the value of that variable in PID 1's own environment, or NULL. */
enum place_kind place_detect(const char *container);
/* A word for the status: "lxc", "docker", "podman", "other", "unknown". */
const char *place_name(uint32_t kind);
/* How long a stop may take in all before the place kills us, with room to spare; nanoseconds. */
uint64_t place_stop_limit_ns(enum place_kind kind);
