/*
 * place.h - where are we? Asked from files that exist or not; it changes nothing.
 *
 * PID 1 itself asks its environment alone: a file may lie on a file system that does not answer.
 * place_detect() and place_facts_read() look at files, and are for a child.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The numbers are on the board: new ones at the end (supervisor/report.c has the same list). */
enum place_kind {
	PLACE_UNKNOWN = 0, /* none of the signs below */
	PLACE_LXC,         /* container=lxc: Proxmox, Incus or plain LXC */
	PLACE_DOCKER,      /* /.dockerenv */
	PLACE_PODMAN,      /* /run/.containerenv or container=podman */
	PLACE_OTHER,       /* another value of $container */
	PLACE_NSPAWN,      /* container=systemd-nspawn */
	PLACE_KUBERNETES,  /* a pod: $KUBERNETES_SERVICE_HOST or its service account */
	PLACES,
};

struct place_facts {
	const char *kind; /* a word: "proxmox", "incus", "lxc", "docker", …, "bare", "unknown" */
	bool user_namespace; /* ids are mapped */
	uint32_t outer_uid;  /* what our 0 is outside */
	uint32_t ids;        /* one more than the highest uid that is mapped */
	bool nesting;        /* LXC's own /proc for nested containers is there */
	int cgroup;          /* 2, 1 (v1 or hybrid), 0: none */
	bool cgroup_writable;
	char cgroup_controllers[128]; /* of the container's root group, "cpu memory pids" */
	int64_t memory_max;           /* bytes; -1: no limit, or it is not known */
	char kernel[65];
	char boot_id[64]; /* of this life of the container; "" when nothing tells it */
};

/* `container` is the value of that variable in PID 1's own environment, or NULL; `kubernetes` says
 * that $KUBERNETES_SERVICE_HOST is set. */
enum place_kind place_by_environment(const char *container, bool kubernetes);
/* No file says anything else than these. */
bool place_is_sure(enum place_kind kind);
/* The same with the files, which decide where the environment does not. */
enum place_kind place_detect(const char *container, bool kubernetes);
/* A word for the status: "lxc", "docker", "podman", "systemd-nspawn", "kubernetes", "other",
 * "unknown". */
const char *place_name(uint32_t kind);
/* How long a stop may take in all before the place kills us, with room to spare; nanoseconds. */
uint64_t place_stop_limit_ns(enum place_kind kind);
/* The rest, below `root` ("" but in tests). Never fails: what cannot be read is zero. */
void place_facts_read(enum place_kind kind, const char *root, struct place_facts *facts);
