#!/bin/sh
# Builds the Debian package of what is in a container: hakim-init, its supervisor, hakimctl and the modules. For the devcontainer Feature,
# and for images that are built elsewhere.
#   packaging/deb-init.sh BUILD VERSION ARCH     writes BUILD/hakim-init_VERSION_ARCH.deb
set -eu

build=$1 version=$2 arch=$3
root=$build/deb-init
deb=$build/hakim-init_${version}_$arch.deb

rm -rf "$root" "$deb"
# What make itself says and sets is its caller's.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s --no-print-directory install BUILD="$build" DESTDIR="$(pwd)/$root" PREFIX=/usr >/dev/null
# The command of the Proxmox host has a package of its own (packaging/deb.sh).
rm -f "$root/usr/bin/hakim" "$root/usr/share/bash-completion/completions/hakim" "$root/usr/share/zsh/vendor-completions/_hakim"
find "$root/usr/bin" "$root/usr/lib/hakim" -type f -perm -100 -exec sh -c '
	for program; do
		[ "$(head -c 4 "$program")" != "$(printf "\177ELF")" ] || "${STRIP:-strip}" --strip-unneeded "$program"
	done' sh {} +
# The newest of libc that the dynamic programs ask for: that of the machine they were built on may be needed, and may not.
libc=$(find "$root/usr" -type f -perm -100 -exec grep -l 'ld-linux' {} + | xargs grep -aoh 'GLIBC_2\.[0-9]*' | sort -uV | tail -n 1)
install -D -m 0644 docs/hakimctl.1 "$root/usr/share/man/man1/hakimctl.1"
gzip -9n "$root/usr/share/man/man1/hakimctl.1"
install -D -m 0644 LICENSE "$root/usr/share/doc/hakim-init/copyright"
mkdir -p "$root/DEBIAN"
# Debian 13 has other names for what was built anew with 64-bit time; on 64-bit machines they are the same libraries.
cat >"$root/DEBIAN/control" <<CONTROL
Package: hakim-init
Version: $version
Architecture: $arch
Maintainer: Hakim maintainers <hakim@localhost>
Depends: libc6 (>= ${libc#GLIBC_}), libcurl4 (>= 7.88) | libcurl4t64, libssl3 | libssl3t64, libjansson4 (>= 2.14), libinih1, libcap2, libseccomp2, libzstd1, ca-certificates
Section: admin
Priority: optional
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Description: init and supervisor of development containers
 PID 1 of an image that is a Coder workspace or a devcontainer: mends what an
 unprivileged container lacks, and runs services from systemd unit files.
CONTROL
# The same bytes from the same sources: dpkg-deb takes no time from the clock then.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$root" "$deb" >/dev/null
rm -rf "$root"
echo "$deb"
