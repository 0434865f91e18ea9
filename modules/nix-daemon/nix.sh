#!/bin/sh
# hakim-nix - an empty /nix gets a nix, and a new container what else belongs to the nix that its /nix has.
#
#   hakim-nix bootstrap   from $HAKIM_NIX_SEED, else by the installer of $HAKIM_NIX_INSTALLER_URL
#   hakim-nix prepare     the build users, nix.conf and the profile of the shells
#
# While /nix is being filled there is a mark in it, and the lock of it is held. A mark that is there under the lock is of
# a seed that was cut off: all in /nix is then its work, and is thrown away. A /nix that has something in it and no mark
# is never touched.
set -u
nix=/nix
profile=$nix/var/nix/profiles/default
mark=$nix/.hakim-seeding
lock=$nix/.hakim-seed.lock # hakim-init's, too: init/quirk_home.c
quirks=/run/hakim/quirks.json
kept=$nix/var/hakim/nix.conf
seed=${HAKIM_NIX_SEED:-/usr/share/hakim/nix-seed}
url=${HAKIM_NIX_INSTALLER_URL:-https://install.determinate.systems/nix}
room_kib=$((2 * 1024 * 1024))
occupied="$nix is not empty and has no nix in it: empty it, or unset BOOTSTRAP_NIX_IF_MISSING"

tell() {
	echo "hakim-nix: $1" >&2
	/usr/lib/hakim/hakim-guard --status "$1" || :
}

die() {
	tell "$1"
	exit 1
}

# A link that hangs would make it look as if there was something.
there() { [ -x "$profile/bin/nix-daemon" ] || [ -x "$profile/bin/nix" ]; }

# What hakim-init has there while it gives /nix the image's store (docs/quirks.md) is no content.
content() { find "$nix" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name '.hakim-seed*' "$@"; }

has_room() {
	free=$(df -Pk "$nix" | awk 'NR == 2 { print $4 }')
	[ "${free:-0}" -ge "$1" ] || die "$nix has $((${free:-0} / 1024)) MiB free, nix needs $(($1 / 1024)): make room, or give it a volume"
}

# Whole and looked at before anything of it is run.
download() {
	case $url in
	https://* | http://127.0.0.1[:/]* | http://localhost[:/]*) ;;
	*) die "HAKIM_NIX_INSTALLER_URL=$url is not https" ;;
	esac
	command -v curl >/dev/null || die "nix cannot be downloaded: curl is not installed"
	rm -f "$1"
	tell "downloading $url"
	# In blocks of 512 bytes: a script is smaller than 8 MiB. curl's own limit knows announced lengths only.
	(ulimit -f 16384 && exec curl --fail --silent --show-error --location --proto =http,https --proto-redir =https \
		--connect-timeout 15 --max-time 300 --max-filesize 8388608 --output "$1" "$url") ||
		die "the installer could not be downloaded from $url: why is in 'hakimctl logs nix-bootstrap'; it is tried again at the next start"
	[ "$(head -c 2 "$1")" = '#!' ] || die "$url is no installer: it does not begin with #!"
}

install_nix() {
	has_room "$room_kib"
	script=${CACHE_DIRECTORY:-/var/cache/hakim/nix}/installer
	download "$script"
	tell "installing nix"
	# Without --init none it wants a systemd. What it leaves running must not hold the lock.
	sh "$script" install linux --init none --no-confirm --diagnostic-endpoint "" \
		--extra-conf "experimental-features = nix-command flakes" 9>&- ||
		die "the installer of nix failed with status $?: why is in 'hakimctl logs nix-bootstrap'; it is tried again at the next start"
	rm -f "$script"
	[ ! -e /etc/nix/nix.conf ] || { mkdir -p "${kept%/*}" && cp /etc/nix/nix.conf "$kept"; }
}

copy_seed() {
	has_room "$(du -sk "$seed" | cut -f 1)"
	tell "copying nix from $seed"
	cp -a "$seed/." "$nix/" || die "nix could not be copied from $seed: why is in 'hakimctl logs nix-bootstrap'"
}

# hakim-init may be about to give an empty /nix the store of the image, which is no matter of more than seconds to begin.
wait_for_init() {
	tries=50
	while [ $tries -gt 0 ] && [ ! -e "$lock" ] && grep -qE '"complete":false|being given the image' "$quirks" 2>/dev/null; do
		sleep 0.2
		tries=$((tries - 1))
	done
}

# In this order: who fills it has a lock or a mark before there is any content, and a nix before they are gone.
is_others() { [ -n "$(content)" ] && [ ! -e "$lock" ] && [ ! -e "$mark" ] && ! there; }

# Held until this ends, however it ends. No mark is believed without it: another container may have the same volume.
take_lock() {
	# No special built-in: the shell would end with it, and without a word.
	true 2>/dev/null >>"$lock" || die "$nix cannot be written: is it a volume of the container's own?"
	exec 9>>"$lock"
	flock -n 9 && return 0
	tell "somebody else fills $nix, maybe another container: waiting for that"
	flock 9 || die "$lock cannot be locked"
}

bootstrap() {
	if [ ! -e "$mark" ] && there; then
		tell "nix is there already"
		return 0
	fi
	# People come first: the agent gets half a minute without a load on the disk and the network.
	[ -z "${CODER_AGENT_URL:-}" ] || hakimctl wait --timeout=30 coder-agent >/dev/null 2>&1 || :
	mkdir -p "$nix" || die "$nix cannot be made"
	wait_for_init
	# A volume that stays as it is gets not even a lock.
	! is_others || die "$occupied"
	take_lock
	if [ ! -e "$mark" ] && there; then
		tell "nix is there already"
		return 0
	fi
	if [ -e "$mark" ]; then
		tell "an earlier installation was cut off: it begins anew"
		content -exec rm -rf --one-file-system {} + || die "what was cut off in $nix cannot be removed"
	fi
	[ -z "$(content)" ] || die "$occupied"
	true >"$mark" || die "$nix cannot be written: is it a volume of the container's own?"
	if [ -d "$seed" ]; then
		copy_seed
	else
		install_nix
	fi
	there || die "nix was installed, but $profile/bin has no nix"
	# What says that all of it is there reaches the disk after all of it.
	sync -f "$nix" || :
	rm -f "$mark"
	prepare
	tell "nix is installed"
}

# As the installer makes them: those who build, and what shells read.
prepare() {
	there || return 0
	if [ -e "$profile/etc/profile.d/nix-daemon.sh" ] && [ ! -e /etc/profile.d/nix.sh ]; then
		mkdir -p /etc/profile.d && ln -sfn "$profile/etc/profile.d/nix-daemon.sh" /etc/profile.d/nix.sh
	fi
	if [ -e "$kept" ] && [ ! -e /etc/nix/nix.conf ]; then
		mkdir -p /etc/nix && cp "$kept" /etc/nix/nix.conf
	fi
	grep -q '^nixbld:' /etc/group && return 0
	# The store belongs to the group of the container that made it.
	gid=$(stat -c %g $nix/store 2>/dev/null || echo 0)
	[ "$gid" -gt 0 ] && ! cut -d: -f3 /etc/group | grep -qx "$gid" || gid=30000
	groupadd --gid "$gid" nixbld || return 1
	for n in 1 2 3 4 5 6 7 8; do
		useradd --system --no-user-group --gid nixbld --groups nixbld --home-dir /var/empty --shell /usr/sbin/nologin \
			--no-log-init --comment "Nix build user $n" "nixbld$n" || return 1
	done
}

case ${1:-} in
bootstrap) bootstrap ;;
prepare) prepare ;;
*)
	echo "Usage: hakim-nix bootstrap | prepare" >&2
	exit 2
	;;
esac
