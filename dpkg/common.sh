# common.sh - what the scripts of this folder share; they read it in. POSIX sh, and no process where none is needed: dpkg
# runs it twice for each of its own runs.
# shellcheck shell=sh disable=SC2034  # the scripts that read it use the variables

hakim_lib=/usr/lib/hakim
hakim_unit_dirs='/etc/hakim/modules /usr/lib/hakim/modules /etc/systemd/system /run/systemd/system
	/usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system'

# Whether a supervisor of hakim-init runs here: not in an image that is being built, and not in a chroot, where its socket may
# be seen all the same. Sets hakim_run to its directory.
hakim_runs() {
	# shellcheck disable=SC3013  # Debian's sh has it
	[ -z "${DPKG_ROOT:-}" ] && [ /proc/1/root/. -ef / ] || return 1
	for hakim_run in "${HAKIM_RUNTIME_DIR:-/run/hakim}" /run/hakim /tmp/hakim-0; do
		[ ! -S "$hakim_run/control.sock" ] || return 0
	done
	return 1
}

hakim_systemctl() {
	"$hakim_lib/bin/systemctl" "$@"
}

# Whether the administrator's policy lets a unit be started or restarted: /usr/share/doc/init-system-helpers/README.policy-rc.d.
# The exit status of policy-rc.d in $?: 101 is a no.
hakim_policy() {
	[ -x /usr/sbin/policy-rc.d ] || return 0
	/usr/sbin/policy-rc.d "$1" "$2" >&2
}

# Whether there is a unit file of that name.
hakim_has_unit() {
	for hakim_dir in $hakim_unit_dirs; do
		[ ! -e "$hakim_dir/$1" ] || return 0
	done
	return 1
}

# Whether Debian's own deb-systemd-helper has enabled a unit: it makes systemd's links, and so do packages.
hakim_debian_enabled() {
	for hakim_link in /etc/systemd/system/*.target.wants/"$1" /usr/lib/systemd/system/*.target.wants/"$1"; do
		[ ! -e "$hakim_link" ] || return 0
	done
	return 1
}
