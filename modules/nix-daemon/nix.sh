#!/bin/sh
# hakim-nix - an empty /nix gets a nix, and a new container what else belongs to the nix that its /nix has.
#
#   hakim-nix bootstrap   from $HAKIM_NIX_SEED, else by the installer of $HAKIM_NIX_INSTALLER_URL
#   hakim-nix prepare     the build users, nix.conf and the profile of the shells
#
# While /nix is being filled there is a mark in it. A mark that is there at the start is of a seed that was cut off: all
# in /nix is then its work, and is thrown away. A /nix that has something in it and no mark is never touched.
set -u
nix=/nix
profile=$nix/var/nix/profiles/default
mark=$nix/.hakim-seeding
kept=$nix/var/hakim/nix.conf
seed=${HAKIM_NIX_SEED:-/usr/share/hakim/nix-seed}
url=${HAKIM_NIX_INSTALLER_URL:-https://install.determinate.systems/nix}
room_kib=$((2 * 1024 * 1024))

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
	sh "$script" install --no-confirm --diagnostic-endpoint "" --extra-conf "experimental-features = nix-command flakes" ||
		die "the installer of nix failed with status $?: why is in 'hakimctl logs nix-bootstrap'; it is tried again at the next start"
	rm -f "$script"
	[ ! -e /etc/nix/nix.conf ] || { mkdir -p "${kept%/*}" && cp /etc/nix/nix.conf "$kept"; }
}

copy_seed() {
	has_room "$(du -sk "$seed" | cut -f 1)"
	tell "copying nix from $seed"
	cp -a "$seed/." "$nix/" || die "nix could not be copied from $seed: why is in 'hakimctl logs nix-bootstrap'"
}

bootstrap() {
	if [ ! -e "$mark" ] && there; then
		tell "nix is there already"
		return 0
	fi
	# People come first: the agent gets half a minute without a load on the disk and the network.
	[ -z "${CODER_AGENT_URL:-}" ] || hakimctl wait --timeout=30 coder-agent >/dev/null 2>&1 || :
	mkdir -p "$nix" || die "$nix cannot be made"
	# hakim-init gives it the store of the image just now: then there is nothing to do.
	if [ -e "$nix/.hakim-seed.lock" ]; then
		exec 9<"$nix/.hakim-seed.lock" && flock 9
		if [ ! -e "$mark" ] && there; then
			tell "nix is there: it is the image's"
			return 0
		fi
	fi
	if [ -e "$mark" ]; then
		tell "an earlier installation was cut off: it begins anew"
		content -exec rm -rf --one-file-system {} + || die "what was cut off in $nix cannot be removed"
	fi
	[ -z "$(content)" ] || die "$nix is not empty and has no nix in it: empty it, or unset BOOTSTRAP_NIX_IF_MISSING"
	: >"$mark" || die "$nix cannot be written: is it a volume of the container's own?"
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
