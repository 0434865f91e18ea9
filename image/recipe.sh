# recipe.sh - what the install.sh of every variant can call. It is read by them while an image is built, as root, and is not part of
# the image. POSIX sh: `. /tmp/hakim/recipe.sh`.
# shellcheck shell=sh
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
# The programs that make users write the day into the shadow file.
[ -z "${SOURCE_DATE_EPOCH:-}" ] || export SOURCE_DATE_EPOCH

# machine AMD64 ARM64: the word for this machine in somebody's names of files.
machine() {
	case $(dpkg --print-architecture) in
	amd64) echo "$1" ;;
	arm64) echo "$2" ;;
	*) echo "the images are for amd64 and arm64" >&2 && return 1 ;;
	esac
}

# apt_install PACKAGE…: from the mirrors of the build, which are not written into the image.
apt_install() {
	mkdir -p /etc/apt/apt.conf.d
	list=/tmp/hakim/sources.list
	{
		echo "deb $DEBIAN_MIRROR trixie main"
		case $DEBIAN_MIRROR in
		*snapshot*) ;;
		*) echo "deb $DEBIAN_MIRROR trixie-updates main" ;;
		esac
		[ -z "$DEBIAN_SECURITY_MIRROR" ] || echo "deb $DEBIAN_SECURITY_MIRROR trixie-security main"
	} >"$list"
	# A snapshot's lists are old on purpose. No daemon is started while an image is built.
	options="-qq -o Dir::Etc::sourcelist=$list -o Dir::Etc::sourceparts=/dev/null -o Acquire::Check-Valid-Until=false
		-o Acquire::Retries=3 -o Dpkg::Use-Pty=0"
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
	# shellcheck disable=SC2086  # a list of words
	apt-get $options update
	# shellcheck disable=SC2086
	apt-get $options install -y --no-install-recommends "$@" >/tmp/hakim/apt.log || {
		tail -50 /tmp/hakim/apt.log >&2
		return 1
	}
	rm -f /usr/sbin/policy-rc.d
}

# npm with the registry of the build and, where it was given, the build's own certificates.
npm_run() {
	[ ! -s /run/secrets/ca ] || export NODE_EXTRA_CA_CERTS=/run/secrets/ca
	npm_config_registry=$NPM_REGISTRY npm_config_cache=/tmp/hakim/npm npm_config_audit=false npm_config_fund=false \
		npm_config_update_notifier=false npm_config_loglevel=error npm "$@"
}

# Whether what neither Debian nor npm has is wanted. $1 is what is left out if not: the image says so.
downloads() {
	[ "$DOWNLOADS" != no ] || {
		mkdir -p /usr/share/hakim/image
		echo "$1" >>/usr/share/hakim/image/left-out
		echo "left out: $1 (DOWNLOADS=no)"
		return 1
	}
}

# download URL CHECKSUM FILE: sha256 or sha512, by the checksum's length. There is no download without one.
download() {
	case ${#2} in
	64) sum=sha256sum ;;
	128) sum=sha512sum ;;
	*) echo "no checksum is pinned for $1: add it to image/versions.env" >&2 && return 1 ;;
	esac
	set -- "$1" "$2" "$3" "$3.part"
	if [ -s /run/secrets/ca ]; then set -- "$@" --cacert /run/secrets/ca; fi
	url=$1 want=$2 file=$3 part=$4
	shift 4
	curl -fsSL --retry 3 --connect-timeout 20 --speed-limit 1000 --speed-time 60 "$@" -o "$part" "$url"
	echo "$want  $part" | "$sum" --check --quiet || {
		echo "$url is not what was pinned: $("$sum" "$part" | cut -d' ' -f1) instead of $want" >&2
		rm -f "$part"
		return 1
	}
	mv "$part" "$file"
}

# git_checkout URL COMMIT DIRECTORY: the hash of a commit is the checksum of all of it.
git_checkout() {
	[ "${#2}" = 40 ] || { echo "no commit is pinned for $1: add it to image/versions.env" >&2 && return 1; }
	[ ! -s /run/secrets/ca ] || export GIT_SSL_CAINFO=/run/secrets/ca
	git init -q "$3"
	git -C "$3" fetch -q --depth 1 "$1" "$2"
	[ "$(git -C "$3" rev-parse FETCH_HEAD)" = "$2" ] || { echo "$1 gave another commit than $2" >&2 && return 1; }
	git -C "$3" checkout -q FETCH_HEAD
}

# The last line of each install.sh. What is left here differs between two builds, or is of no use in an image.
tidy() {
	apt-get -qq clean
	rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log /var/log/alternatives.log \
		/var/log/bootstrap.log /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old \
		/etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid- \
		/root/.npm /root/.cache /root/.config /var/tmp/* /tmp/*
	find /usr /opt -xdev -name __pycache__ -type d -prune -exec rm -rf {} +
}
