/*
 * cgroup.h - the controllers that docker's own groups need (docker run --memory, --cpus,
 * --pids-limit): they are made available below the container's cgroup, as systemd's Delegate= does
 * for a machine.
 *
 * runc makes its groups beside those of the supervisor, and cannot switch a controller on while PID
 * 1 is in the group above. So PID 1 and the supervisor get one of their own, the same that the
 * supervisor would give them (supervisor/cgroup_limits.c), "hakim/init".
 */
#pragma once

#include <stddef.h>

/*
 * Without a cgroup2 that is delegated to this container nothing is done. `missing` gets the names
 * of the controllers that are there and cannot be switched on, with a blank before each; "" when
 * all are on.
 */
void cgroup_prepare(char *missing, size_t size);
