#include <stddef.h>

#include "init/quirk_rows.h"

#define NEED(id) (1u << QUIRK_ID_##id)
#define AT(kind) (1u << PLACE_##kind)

/* Docker and podman do these themselves, or their user decided against it. */
#define LXC AT(LXC)
#define ANY (AT(UNKNOWN) | LXC | AT(DOCKER) | AT(PODMAN) | AT(OTHER) | AT(NSPAWN) | AT(KUBERNETES))

/*
 * Per network namespace, so the host's own sysctl is another one. pve-container's parser drops
 * "lxc.sysctl.net" from CTID.conf (PVE/LXC/Config.pm, valid_lxc_conf_keys), and takes lxc.include;
 * below /etc/pve the file is on every node. At the top, since the end of CTID.conf may belong to a
 * snapshot.
 */
#define AT_TOP(line) "sed -i '1i " line "' /etc/pve/lxc/<ctid>.conf"
#define NET_SYSCTL(line, file) \
	"echo 'lxc.sysctl." line "' >/etc/pve/" file " && " AT_TOP("lxc.include: /etc/pve/" file)

#define EARLY_MS 300
#define LATE_MS  1000

/* Those that others need come first: workers take rows from above. */
const struct quirk quirk_table[QUIRK_IDS] = {
	[QUIRK_ID_PROC] = {"proc", quirk_proc, ANY, QUIRK_EARLY, 0, EARLY_MS, false,
			   "nothing that looks at processes works", NULL, .again = QUIRK_FIX},
	[QUIRK_ID_SYS] = {"sys", quirk_sys, ANY, QUIRK_EARLY, 0, EARLY_MS, false,
			  "nothing that looks at devices or cgroups works", NULL,
			  .again = QUIRK_FIX},
	[QUIRK_ID_PLACE] = {"place", quirk_place, ANY, QUIRK_EARLY, NEED(PROC) | NEED(SYS),
			    EARLY_MS, false, NULL, NULL, .again = QUIRK_ASK, .always = true},
	[QUIRK_ID_RUN] = {"run", quirk_run_directory, LXC, QUIRK_EARLY, NEED(PROC), EARLY_MS, false,
			  "stale sockets and pid files keep services from starting", NULL},
	[QUIRK_ID_SHM] = {"shm", quirk_shm, LXC, QUIRK_EARLY, NEED(PLACE), EARLY_MS, false,
			  "Chrome and PostgreSQL do not start", NULL, .again = QUIRK_FIX},
	[QUIRK_ID_PTS] = {"pts", quirk_pts, LXC, QUIRK_EARLY, 0, EARLY_MS, false,
			  "no terminal can be opened: no ssh, tmux or web terminal", NULL,
			  .again = QUIRK_FIX},
	[QUIRK_ID_LOOPBACK] = {"loopback", quirk_loopback, LXC, QUIRK_EARLY, 0, EARLY_MS, false,
			       "nothing on 127.0.0.1 answers", NULL, .again = QUIRK_FIX},
	[QUIRK_ID_SHARED] = {"shared-mounts", quirk_shared, LXC, QUIRK_EARLY, NEED(PROC), EARLY_MS,
			     false, "mounts do not reach nested containers", NULL,
			     .again = QUIRK_FIX},
	[QUIRK_ID_DIRECTORIES] = {"directories", quirk_directories, ANY, QUIRK_EARLY, NEED(RUN),
				  EARLY_MS, false, "there is no control socket, or no log", NULL,
				  .again = QUIRK_FIX, .hangs_with = NEED(RUN)},
	[QUIRK_ID_STALE] =
		{"stale-files", quirk_stale, LXC, QUIRK_EARLY, NEED(PLACE) | NEED(DIRECTORIES),
		 EARLY_MS, false,
		 "docker says that it is running already, an X server that its number is "
		 "taken",
		 NULL, .hangs_with = NEED(DIRECTORIES)},
	[QUIRK_ID_MACHINE_ID] = {"machine-id", quirk_machine_id, ANY, QUIRK_EARLY, 0, EARLY_MS,
				 false, "D-Bus does not start", NULL, .again = QUIRK_FIX},
	[QUIRK_ID_PING] = {"ping", quirk_ping, LXC, QUIRK_EARLY, NEED(PROC), EARLY_MS, false,
			   "ping says \"Operation not permitted\"",
			   NET_SYSCTL("net.ipv4.ping_group_range = 0 65535",
				      "hakim-ping.conf") "  # or in the container: setcap "
							 "cap_net_raw+ep /usr/bin/ping",
			   .again = QUIRK_FIX},
	[QUIRK_ID_LOW_PORTS] = {"low-ports", quirk_low_ports, LXC, QUIRK_EARLY, NEED(PROC),
				EARLY_MS, false, "a user's web server cannot listen on port 80",
				NET_SYSCTL("net.ipv4.ip_unprivileged_port_start = 0",
					   "hakim-low-ports.conf"),
				.again = QUIRK_FIX},
	[QUIRK_ID_NOFILE] = {"nofile", quirk_nofile, ANY, QUIRK_EARLY, 0, EARLY_MS, false,
			     "large builds say \"Too many open files\"",
			     AT_TOP("lxc.prlimit.nofile: 524288")},
	[QUIRK_ID_ENVIRONMENT] = {"environment", quirk_environment, ANY, QUIRK_EARLY, 0, EARLY_MS,
				  false, "tools show \"?\" for letters, or are not found", NULL},
	[QUIRK_ID_HOME] = {"home", quirk_home, LXC, QUIRK_EARLY, NEED(PROC), EARLY_MS, false,
			   "the workspace cannot write into its home", NULL, .again = QUIRK_FIX},
	[QUIRK_ID_CGROUP] = {"cgroup", quirk_cgroup, LXC, QUIRK_LATE, 0, LATE_MS, false,
			     "services and nested containers have no limits of memory or CPU",
			     "pct set <ctid> --features nesting=1", .again = QUIRK_FIX},
	[QUIRK_ID_NESTING] = {"nesting", quirk_nesting, LXC, QUIRK_LATE, 0, LATE_MS, true,
			      "bubblewrap, Chrome's sandbox, nix builds and docker do not work",
			      "pct set <ctid> --features nesting=1", .again = QUIRK_ASK},
	[QUIRK_ID_FUSE] = {"fuse", quirk_fuse, LXC, QUIRK_LATE, 0, LATE_MS, false,
			   "fuse-overlayfs, sshfs and AppImages do not work",
			   "pct set <ctid> --features fuse=1", .again = QUIRK_ASK},
	[QUIRK_ID_TUN] = {"tun", quirk_tun, LXC, QUIRK_LATE, 0, LATE_MS, false,
			  "tailscale, VPNs and slirp4netns do not work",
			  "pct set <ctid> --dev0 /dev/net/tun", .again = QUIRK_ASK},
	[QUIRK_ID_KEYRING] = {"keyring", quirk_keyring, LXC, QUIRK_LATE, 0, LATE_MS, false,
			      "docker and runc say \"join session keyring\"",
			      "pct set <ctid> --features keyctl=1", .again = QUIRK_ASK},
	[QUIRK_ID_OVERLAY] = {"overlay", quirk_overlay, LXC, QUIRK_LATE, 0, LATE_MS, true,
			      "docker's images take many times their size", NULL,
			      .again = QUIRK_ASK},
	[QUIRK_ID_INOTIFY] = {"inotify", quirk_inotify, ANY, QUIRK_LATE, 0, LATE_MS, false,
			      "editors and watchers say \"No space left on device\"", NULL,
			      .again = QUIRK_ASK},
	[QUIRK_ID_IPV6] = {"ipv6", quirk_ipv6, ANY, QUIRK_LATE, 0, LATE_MS, false,
			   "connections are slow or fail",
			   NET_SYSCTL("net.ipv6.conf.all.disable_ipv6 = 0", "hakim-ipv6.conf"),
			   .again = QUIRK_ASK},
	[QUIRK_ID_RESOLV_CONF] = {"resolv-conf", quirk_resolv_conf, ANY, QUIRK_LATE, 0, LATE_MS,
				  false, "no name is resolved",
				  "pct set <ctid> --nameserver <address>", .again = QUIRK_ASK},
	[QUIRK_ID_ROUTE] = {"default-route", quirk_route, ANY, QUIRK_LATE, 0, LATE_MS, false,
			    "nothing outside is reached",
			    /* The option takes the place of all that net0 has. */
			    "pct set <ctid> --net0 \"$(pct config <ctid> | sed -n "
			    "'s/,ip=[^,]*//; s/^net0: //p'),ip=dhcp\"",
			    .again = QUIRK_ASK},
	[QUIRK_ID_NOSUID] = {"nosuid", quirk_nosuid, LXC, QUIRK_LATE, 0, LATE_MS, false,
			     "sudo says that it must be setuid root",
			     "pct set <ctid> --rootfs <volume>,mountoptions=  # without nosuid",
			     .again = QUIRK_ASK},
	[QUIRK_ID_NIX] = {"nix", quirk_nix, LXC, QUIRK_LATE, 0, LATE_MS, false,
			  "programs of the image's nix store are not found", NULL, quirk_nix_seed,
			  .again = QUIRK_FIX},
	[QUIRK_ID_LXCFS] = {"lxcfs", quirk_lxcfs, LXC, QUIRK_LATE, 0, LATE_MS, false,
			    "programs size themselves for the machine, and are killed",
			    "apt-get install lxcfs && systemctl enable --now lxcfs",
			    .again = QUIRK_ASK},
	[QUIRK_ID_MEMORY_HIGH] = {"memory-high", quirk_memory_high, ANY, QUIRK_LATE, 0, LATE_MS,
				  false, "everything stalls before anything is killed",
				  "pct set <ctid> --memory <more MiB>", .again = QUIRK_ASK},
	[QUIRK_ID_OOM_SCORE] = {"oom-score", quirk_oom_score, LXC, QUIRK_LATE, 0, LATE_MS, true,
				"the agent may be killed first when memory runs out", NULL,
				.again = QUIRK_ASK},
};
