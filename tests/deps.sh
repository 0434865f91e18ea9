#!/bin/sh
# Installs with apt what build, run, test and lint need, or the packages that are named; silent and without root when all is there.
set -eu
packages="gcc libc6-dev make musl-tools linux-libc-dev libinih-dev libcap-dev libseccomp-dev libcurl4-openssl-dev
	libssl-dev zlib1g-dev libjansson-dev libzstd-dev zstd libcmocka-dev pkg-config lxc uidmap mmdebstrap podman crun catatonit iproute2 procps util-linux
	python3 python3-pytest python3-pytest-xdist openssl tmux strace curl jq docker-registry skopeo umoci btrfs-progs tini dumb-init mandoc clang-format clang-tidy cppcheck shellcheck flake8"
[ "$(uname -m)" = x86_64 ] || packages=$(echo "$packages" | sed 's/musl-tools//')
[ "$#" = 0 ] || packages=$*
# From Debian 13 on buildah wants netavark, also where no container gets a network.
case " $packages " in
*" buildah "*) grep -q '^VERSION_ID="12"' /etc/os-release || packages="$packages netavark" ;;
esac
missing=
for p in $packages; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
[ "$(id -u)" = 0 ] || { echo "make deps: run it as root, these packages are missing:$missing" >&2; exit 1; }
echo "make deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
