#!/bin/sh
# Run as root while the image is built: the package of hakim-init, and what starts it with the container.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
lib=/usr/lib/hakim
work=

say() { echo "hakim-init: $*"; }
fail() {
	echo "hakim-init: $*" >&2
	exit 1
}
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

[ "$(id -u)" = 0 ] || fail "its Feature is installed as root"
command -v apt-get >/dev/null ||
	fail "this Feature needs Debian or Ubuntu: there is no apt in this image"
arch=$(dpkg --print-architecture)
export DEBIAN_FRONTEND=noninteractive

# The digest for this architecture, out of 'HEX' or 'amd64=HEX arm64=HEX'.
digest() {
	for word in ${SHA256:-}; do
		case $word in
		"$arch="*) echo "${word#*=}" ;;
		*=*) ;;
		*) echo "$word" ;;
		esac
	done
}

# apt's own downloader: the image may have no other.
fetch() {
	url=$(printf %s "$URL" | sed "s/{arch}/$arch/g")
	sum=$(digest)
	printf %s "$sum" | grep -Eqx '[0-9a-fA-F]{64}' ||
		fail "url needs the option sha256: 64 hex digits, or 'amd64=… arm64=…' with one for $arch"
	case $url in
	http://* | https://*) ;;
	*) fail "the url must begin with https:// or http://" ;;
	esac
	if [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then
		apt_get update
		apt_get install ca-certificates
	fi
	work=$(mktemp -d)
	chmod 0755 "$work"
	package=$work/hakim-init.deb
	/usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "$url" "$package" "SHA256:$sum" ||
		fail "$url could not be fetched, or its SHA-256 is another"
	echo "$sum  $package" | sha256sum -c --quiet - || fail "the SHA-256 of $url is another"
}

apt_get() { apt-get -qq -y --no-install-recommends "$@"; }

beside() {
	for package in "$here"/hakim-init_*_"$arch".deb; do
		[ -e "$package" ] || fail "no package for $arch lies beside install.sh: give the options url and sha256"
	done
}

if [ -x /usr/sbin/hakim-init ]; then
	say "$(/usr/sbin/hakim-init --version) is in this image already, and stays"
else
	if [ -n "${URL:-}" ]; then fetch; else beside; fi
	# Where all libraries are there, no list of packages is needed.
	if ! apt_get install "$package" >/dev/null 2>&1; then
		apt_get update
		apt_get install "$package" || fail "$package could not be installed"
		rm -rf /var/lib/apt/lists/*
	fi
fi
for program in /usr/sbin/hakim-init hakimctl; do
	"$program" --version >/dev/null 2>&1 || fail "$program does not run here: it is built for Debian 12 or Ubuntu 24.04 and newer"
done

# A name that the shell would read otherwise is none: hakim-init's own default then.
user=${_REMOTE_USER:-}
printf %s "$user" | grep -Eqx '[A-Za-z0-9_.][A-Za-z0-9_.-]*' || user=coder
mkdir -p "$lib/devcontainer"
sed "s/@USER@/$user/g" "$here/entrypoint.sh" >"$lib/devcontainer/entrypoint.sh"
chmod 0644 "$lib/devcontainer/entrypoint.sh"
[ "${SYSTEMCTL:-false}" != true ] || "$lib/dpkg/setup"
