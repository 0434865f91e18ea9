/*
 * quirk_rows.h - the functions behind the rows of quirk_table.c, by room. Each looks for its quirk,
 * remedies it where it may, and says in one sentence what it found. They run in a worker that may
 * be killed at any instruction: what they write, they write whole.
 */
#pragma once

#include "init/quirk.h"

/* quirk_mount.c: file systems */
quirk_fn quirk_proc, quirk_sys, quirk_run_directory, quirk_shm, quirk_pts, quirk_shared,
	quirk_directories;
/* quirk_boot.c: what another life has left, and what a first one lacks */
quirk_fn quirk_place, quirk_stale, quirk_machine_id, quirk_nofile, quirk_environment;
/* quirk_net.c */
quirk_fn quirk_loopback, quirk_ping, quirk_low_ports, quirk_ipv6, quirk_resolv_conf, quirk_route;
/* quirk_host.c: what the host gives or keeps */
quirk_fn quirk_nesting, quirk_fuse, quirk_tun, quirk_keyring, quirk_overlay, quirk_inotify;
/* quirk_memory.c */
quirk_fn quirk_cgroup, quirk_lxcfs, quirk_memory_high, quirk_oom_score;
/* quirk_home.c: directories that people own */
quirk_fn quirk_home, quirk_nosuid, quirk_nix, quirk_nix_seed;
