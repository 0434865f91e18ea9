"""What Proxmox VE does with a template that is an archive of an image: looks at it, unpacks it, configures, starts.

As pve-container 6.1 and proxmox-oci do it, which were read and not run: the archive is opened and unpacked by the root
of the container's own user namespace, the whiteouts of a layer come before its files, directories last, and of the
image's configuration there are taken ENTRYPOINT and CMD, ENV, WORKDIR and STOPSIGNAL. One image is one machine: the
first manifest of index.json.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from hosts.host import Host, Mount, Trees
from hosts.lxc import LxcHost
from hosts.process import HostError, run
from hosts.rootfs import SHIFT, in_user_namespace

OCI = "application/vnd.oci.image."
UNPACK = {OCI + "layer.v1.tar": ["cat"], OCI + "layer.v1.tar+gzip": ["gzip", "-dc"],
          OCI + "layer.v1.tar+zstd": ["zstd", "-dcq"]}
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
# PVE::LXC::Setup: what `ID=` may be, and by which files it knows a distribution else.
KNOWN = {"alpine", "arch", "archlinux", "centos", "debian", "devuan", "fedora", "gentoo", "opensuse", "opensuse-leap",
         "opensuse-tumbleweed", "sles", "ubuntu"}
XATTR = "SCHILY.xattr."
UNSPLIT = re.compile(r"[\s\"']")


@dataclass(frozen=True)
class ImageConfig:
    """What the image says of how it is started."""

    init: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    stop_signal: str


def is_image(archive: Path) -> bool:
    """Whether Proxmox takes it for an image of OCI: by its name, and the names in it as tar(1) says them."""
    if archive.suffix != ".tar":
        return False
    names = run(["tar", "-tf", str(archive)]).splitlines()
    return "oci-layout" in names and "index.json" in names and any(name.startswith("blobs/") for name in names)


class Archive:
    """An archive that is open: its blobs, each checked against its name before it is used."""

    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path, "r:")
        self._members = {member.name: member for member in self._tar.getmembers()}

    def open(self, name: str) -> IO[bytes]:
        """One file of it."""
        file = self._tar.extractfile(self._members[name])
        assert file, name
        return file

    def blob(self, digest: str) -> IO[bytes]:
        """A blob, which is what its name says."""
        name = "blobs/" + digest.replace(":", "/")
        if name not in self._members:
            raise HostError(f"the blob {digest} is missing")
        with self.open(name) as file:
            if sum_of(file) != digest:
                raise HostError(f"the blob {digest} has another digest")
        return self.open(name)

    def document(self, digest: str) -> dict[str, Any]:
        """A blob of JSON."""
        with self.blob(digest) as file:
            return dict(json.load(file))

    def manifest(self) -> dict[str, Any]:
        """The first one; an index in the index is not followed."""
        with self.open("index.json") as file:
            first = json.load(file)["manifests"][0]
        if first["mediaType"] != OCI + "manifest.v1+json":
            raise HostError(f"the first entry of index.json is a {first['mediaType']}")
        return self.document(first["digest"])


def sum_of(file: IO[bytes]) -> str:
    """Its digest."""
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return "sha256:" + digest.hexdigest()


@contextmanager
def unpacked(blob: IO[bytes], kind: str, target: Path) -> Iterator[IO[bytes]]:
    """A layer as the tar that it is; in a file, because it is read more than once."""
    if kind not in UNPACK:
        raise HostError(f"a layer is a {kind}")
    packed, plain = target.with_name("packed"), target.with_name("plain")
    try:
        with blob, open(packed, "wb") as file:
            shutil.copyfileobj(blob, file, 1 << 20)
        with open(packed, "rb") as source, open(plain, "wb") as file:
            subprocess.run(UNPACK[kind], stdin=source, stdout=file, check=True)
        packed.unlink()
        with open(plain, "rb") as file:
            yield file
    finally:
        packed.unlink(missing_ok=True)
        plain.unlink(missing_ok=True)


def inside(root: Path, name: str) -> Path | None:
    """Where a name of a layer is; None for the root itself. One that leads out of it is refused."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise HostError(f"{name} leads out of the root")
    path = root.joinpath(*parts)
    return None if path == root else path


def remove(path: Path) -> None:
    """A file, a link, or a tree."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def apply_whiteouts(tar: tarfile.TarFile, root: Path) -> None:
    """Takes away what earlier layers have; a link that leads nowhere is not seen, as there."""
    for member in tar:
        path = inside(root, member.name) if member.isreg() else None
        if not path:
            continue
        if path.name == OPAQUE:
            for child in path.parent.iterdir() if path.parent.exists() else ():
                remove(child)
        elif path.name.startswith(WHITEOUT):
            gone = path.with_name(path.name[len(WHITEOUT):])
            if gone.exists():
                remove(gone)


def finish(member: tarfile.TarInfo, path: Path) -> None:
    """Owner, mode, attributes, time: in this order, since chown takes set-id bits and capabilities away."""
    try:
        os.chown(path, member.uid, member.gid, follow_symlinks=False)
    except OSError as error:
        raise HostError(f"{member.name} of {member.uid}:{member.gid} cannot be there: {error}") from error
    if member.issym():
        return
    os.chmod(path, member.mode & 0o7777)
    for key, value in member.pax_headers.items():
        if key.startswith(XATTR):
            os.setxattr(path, key[len(XATTR):], value.encode("utf-8", "surrogateescape"))
    os.utime(path, (member.mtime, member.mtime))


def put(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, root: Path) -> None:
    """One entry that is no directory; what was there is replaced, unless it is a directory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(path):
        path.unlink()
    if member.islnk():
        target = inside(root, member.linkname)
        assert target, member.name
        os.link(target, path, follow_symlinks=False)
        return
    if member.issym():
        os.symlink(member.linkname, path)
    else:
        # Also a device, which an unprivileged root could not make: it becomes an empty file.
        source = tar.extractfile(member) if member.isreg() else None
        with open(path, "xb") as file:
            if source:
                shutil.copyfileobj(source, file, 1 << 20)
    finish(member, path)


def apply_files(tar: tarfile.TarFile, root: Path) -> None:
    """Puts what a layer has; its directories last and the deepest first, as their modes may forbid to write."""
    directories = []
    for member in tar:
        path = inside(root, member.name)
        if member.isdir():
            directories.append((path or root, member))
        elif path and not (member.isreg() and path.name.startswith(WHITEOUT)):
            put(tar, member, path, root)
    for path, member in sorted(directories, key=lambda d: d[0], reverse=True):
        path.mkdir(parents=True, exist_ok=True)
        finish(member, path)


def unpack(archive: Path, root: Path) -> None:
    """All layers, in order; each must be what its diff_id says."""
    image = Archive(archive)
    manifest = image.manifest()
    if manifest["config"]["mediaType"] != OCI + "config.v1+json":
        raise HostError(f"the configuration is a {manifest['config']['mediaType']}")
    diff_ids = image.document(manifest["config"]["digest"])["rootfs"]["diff_ids"]
    if len(diff_ids) != len(manifest["layers"]):
        raise HostError("there are not as many layers as diff_ids")
    for layer, diff_id in zip(manifest["layers"], diff_ids):
        with unpacked(image.blob(layer["digest"]), layer["mediaType"], root) as plain:
            if sum_of(plain) != diff_id:
                raise HostError(f"the layer {layer['digest']} is not {diff_id}")
            for apply in (apply_whiteouts, apply_files):
                plain.seek(0)
                with tarfile.open(fileobj=plain, mode="r:") as tar:
                    apply(tar, root)


def unpack_as_container(archive: Path, root: Path) -> None:
    """The same by the container's root, who must be able to read the archive. `root` is made; its parent is ours."""
    place = root.with_name(root.name + ".unpack")
    place.mkdir()
    os.chown(place, SHIFT, SHIFT)

    def action() -> int:
        os.umask(0o022)
        (place / "root").mkdir()
        try:
            unpack(archive, place / "root")
        except (HostError, OSError, KeyError, ValueError, tarfile.TarError, subprocess.CalledProcessError) as error:
            (place / "error").write_text(f"{type(error).__name__}: {error}", "utf-8")
            return 1
        return 0

    try:
        if in_user_namespace(action) != 0:
            error = place / "error"
            raise HostError(f"{archive} cannot be unpacked: {error.read_text('utf-8') if error.exists() else '?'}")
        os.replace(place / "root", root)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def read_config(archive: Path) -> ImageConfig:
    """What of the image's configuration goes into the container's."""
    image = Archive(archive)
    config = image.document(image.manifest()["config"]["digest"]).get("config", {})
    if config.get("User", "") not in ("", "0", "root"):
        raise HostError(f"an image with USER {config['User']} is not started here")
    init = tuple((config.get("Entrypoint") or []) + (config.get("Cmd") or []))
    return ImageConfig(init or ("/sbin/init",), tuple(config.get("Env") or []), config.get("WorkingDir", ""),
                       config.get("StopSignal", "SIGTERM"))


def distribution(root: Path) -> str:
    """What Proxmox takes it for; a root that it does not know is refused, and so is its container."""
    for name in ("etc/os-release", "usr/lib/os-release"):
        # A link that is absolute is one within the container.
        path = root / name
        if path.is_symlink():
            path = root / os.path.normpath(os.path.join("/", os.path.dirname(name), os.readlink(path))).lstrip("/")
        if path.is_file() and not path.is_symlink():
            found = re.search(r"^ID=[\"']?([A-Za-z0-9-]*)", path.read_text("utf-8"), re.MULTILINE)
            if found and found[1] in KNOWN:
                return found[1]
            break
    if (root / "etc/debian_version").is_file():
        return "debian"
    raise HostError("unable to detect OS distribution")


class ProxmoxHost(LxcHost):
    """A container that Proxmox made of an archive. `env` of start() is the container's own, behind the image's."""

    kind = "proxmox"

    def __init__(self, archive: Path) -> None:
        if not is_image(archive):
            raise HostError(f"{archive} is no archive of an image for Proxmox")
        self.image = read_config(archive)
        super().__init__(Trees(()))
        try:
            self.rootfs = self.directory / "rootfs"
            unpack_as_container(archive, self.rootfs)
            self.distribution = distribution(self.rootfs)
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise
        self.trees = Trees((self.rootfs,))
        self.halt_signal = self.image.stop_signal
        if self.image.cwd:
            self.config_lines = (f"lxc.init.cwd = {self.image.cwd}",)

    def start(self, env: Mapping[str, str] | None = None, init: Sequence[str] = (), *,
              mounts: Sequence[Mount] = (), tty: bool = True, before: Callable[[], object] | None = None) -> Host:
        """Writes what Proxmox writes before each start, and starts the image's own entrypoint unless told another."""
        if not self.pid:
            (self.rootfs / "etc/machine-id").unlink(missing_ok=True)
            self.put_file("/etc/hostname", f"{self.name}\n")
            self.put_file("/etc/hosts", "# --- BEGIN PVE ---\n127.0.0.1 localhost.localnet localhost\n"
                          f"127.0.1.1 {self.name}\n# --- END PVE ---\n")
            self.put_file("/etc/resolv.conf", "# --- BEGIN PVE ---\nnameserver 127.0.0.1\n# --- END PVE ---\n")
        words = init or self.image.init
        if any(UNSPLIT.search(word) for word in words):
            raise HostError(f"Proxmox takes the words of {words} apart")
        # There it is lxc.environment.runtime, which LXC 5 does not have and which keeps it from LXC's own hooks.
        merged = dict(line.partition("=")[::2] for line in self.image.env)
        merged.update(env or {})
        return super().start(merged, (words[0], *(f'"{word}"' for word in words[1:])), mounts=mounts, tty=tty,
                             before=before)
