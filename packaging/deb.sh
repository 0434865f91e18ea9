#!/bin/sh
# Builds the Debian package of hakim, the host command, for a Proxmox host without a compiler.
#   packaging/deb.sh BUILD VERSION     writes BUILD/hakim_VERSION_ARCH.deb
set -eu

build=$1 version=$2
arch=$(dpkg --print-architecture)
root=$build/deb
deb=${build}/hakim_${version}_${arch}.deb

rm -rf "$root" "$deb"
install -D -m 0755 "$build/hakim" "$root/usr/bin/hakim"
strip --strip-unneeded "$root/usr/bin/hakim"
install -D -m 0644 docs/hakim.1 "$root/usr/share/man/man1/hakim.1"
gzip -9n "$root/usr/share/man/man1/hakim.1"
install -D -m 0644 completion/hakim.bash "$root/usr/share/bash-completion/completions/hakim"
install -D -m 0644 completion/_hakim "$root/usr/share/zsh/vendor-completions/_hakim"
for unit in packaging/hakim-pull.service packaging/hakim-pull.timer; do
	install -D -m 0644 "$unit" "$root/usr/share/doc/hakim/examples/$(basename "$unit")"
done
for script in pull-oci-templates.sh hakim-home-hook; do
	install -D -m 0755 "coder/templates/hakim-proxmox/scripts/$script" "$root/usr/share/hakim/$script"
done
install -D -m 0644 LICENSE "$root/usr/share/doc/hakim/copyright"
mkdir -p "$root/DEBIAN"
# Debian 13 has other names for what was built anew with 64-bit time; on 64-bit machines they are the same libraries.
cat >"$root/DEBIAN/control" <<CONTROL
Package: hakim
Version: $version
Architecture: $arch
Maintainer: Hakim maintainers <hakim@localhost>
Depends: libc6 (>= 2.36), libcurl4 (>= 7.88) | libcurl4t64, libssl3 | libssl3t64, libjansson4 (>= 2.14), zlib1g, libzstd1, ca-certificates
Section: admin
Priority: optional
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Description: pull OCI images into the templates of Proxmox
 Fetches images of a registry straight into the template store of a Proxmox
 node, resumes what was interrupted, and replaces a template only by a whole
 one. An example of a systemd timer is in /usr/share/doc/hakim/examples.
CONTROL
dpkg-deb --root-owner-group --build "$root" "$deb" >/dev/null
rm -rf "$root"
echo "$deb"
