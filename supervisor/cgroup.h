/*
 * cgroup.h - a cgroup2 group a service, where the container may make one: the processes of a
 * service are then known, can be killed as one, and clone3 puts them there at birth. Where cgroup2
 * is missing, read-only or v1, the service's session (each is a session of its own) takes its
 * place: group.dir_fd is -1.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroups {
	char base[256]; /* "/sys/fs/cgroup/hakim" */
	bool available;
	bool into; /* CLONE_INTO_CGROUP has not been refused so far */
};

/* Finds our own group and makes `hakim` in it. Never fails: see ->available. */
void cgroups_open(struct cgroups *cgroups);
/* An O_DIRECTORY|O_CLOEXEC fd of the unit's group, made if it is not there; -1. */
int cgroup_open(const struct cgroups *cgroups, const char *unit);
/*
 * The same group, empty, made anew; 0, or a negative errno and *dir_fd is as it was. Needed after
 * cgroup_kill(): Linux (6.18 seen) kills what is cloned into a group that was ever killed, because
 * the child is compared with the kill count of its parent's group (kernel/cgroup/cgroup.c,
 * cgroup_css_set_fork()).
 */
int cgroup_renew(const struct cgroups *cgroups, const char *unit, int *dir_fd);
/* Removes it when it is empty. */
void cgroup_remove(const struct cgroups *cgroups, const char *unit);
/* The pids in it (without those of groups below): the number, at most `max`; negative errno. */
int cgroup_pids(int dir_fd, pid_t *pids, int max);
/* 1: no process is in it or below; 0: there are; negative errno. */
int cgroup_is_empty(int dir_fd);
/* SIGKILL to all at once (Linux 5.14), or -ENOENT. */
int cgroup_kill(int dir_fd);
/* memory.current, or -1 where the controller is not there. */
int64_t cgroup_memory(int dir_fd);
/* usage_usec of cpu.stat: since the group was made, also of what has ended; or -1. It needs no
 * controller. */
int64_t cgroup_cpu(int dir_fd);
