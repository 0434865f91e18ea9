#!/bin/sh
# PID 1 of the machine of vm.py: what a host of containers has, and no more; then the containers; then off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /run/lock
mount -t devpts devpts /dev/pts
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -t securityfs securityfs /sys/kernel/security
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --make-rshared /
ip link set lo up
modprobe -a overlay fuse tun veth 2>/dev/null
# For LXC's groups, which it makes below ours: the root may have both processes and controllers.
sed 's/[^ ]*/+&/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
apparmor_parser -r -W /etc/apparmor.d/lxc-containers
echo "machine: Linux $(uname -r), AppArmor $(cat /sys/module/apparmor/parameters/enabled), cgroups: $(cat /sys/fs/cgroup/cgroup.controllers)"

# By pipes: on a terminal lxc-attach wants one of its own.
inside() {
	lxc-attach -n "$name" -- "$@" </dev/null >"/tmp/said" 2>&1
	status=$?
	cat /tmp/said
	return $status
}

container() {
	name=$1 profile=$2
	shift 2
	{
		cat <<-CONFIG
			lxc.uts.name = $name
			lxc.rootfs.path = dir:/container
			lxc.idmap = u 0 100000 65536
			lxc.idmap = g 0 100000 65536
			lxc.apparmor.profile = $profile
			lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
			lxc.net.0.type = empty
			lxc.pty.max = 1024
			lxc.tty.max = 2
			lxc.init.cmd = /usr/sbin/hakim-init
			lxc.signal.halt = SIGTERM
			lxc.cgroup2.memory.max = 536870912
			lxc.cgroup2.memory.high = 530000000
		CONFIG
		for line in "$@"; do echo "$line"; done
	} >"/tmp/$name.conf"
	rm -f /container/etc/machine-id
	lxc-start -n "$name" -f "/tmp/$name.conf" -l INFO -o "/tmp/$name.log" --daemon ||
		{ tail -20 "/tmp/$name.log"; return; }
	tries=0
	until inside grep -qs '"complete":true' /run/hakim/quirks.json || [ $tries = 60 ]; do
		tries=$((tries + 1))
		sleep 0.5
	done
	echo "--- $name: $(cat "/proc/$(lxc-info -n "$name" -pH)/attr/current")"
	inside hakimctl doctor
	echo "doctor ended with $?"
	echo "<<<quirks $name"
	inside cat /run/hakim/quirks.json
	echo ">>>"
	lxc-stop -n "$name" -t 20
	dmesg -c | sed -n 's/.*\(apparmor="DENIED".*\)/\1/p' | sort | uniq -c | sort -rn | head -5
}

container stock lxc-container-default-cgns
# As Proxmox does it with nesting=1.
container nesting generated 'lxc.apparmor.allow_nesting = 1' \
	'lxc.mount.entry = proc dev/.lxc/proc proc create=dir,optional 0 0' \
	'lxc.mount.entry = sys dev/.lxc/sys sysfs create=dir,optional 0 0'
sync
echo o >/proc/sysrq-trigger
sleep 10
