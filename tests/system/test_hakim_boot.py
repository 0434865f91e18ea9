"""A container of Proxmox boots from the archive that `hakim pull` wrote.

The image is made here, pushed by skopeo to a real registry, pulled into the store of a stand-in node, unpacked by the
container's own root as Proxmox does it, and started with what the image's configuration says.
"""
from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import containers, unavailable
from hakim import environ, services, status
from hosts.lxc import LxcHost
from hosts.oci import ProxmoxHost, is_image, unpack_as_container
from hosts.process import HostError
from hosts.rootfs import SHIFT, make_tree
from image_kit import Registry
from proxmox_kit import Proxmox
from tree_image import Entry, TreeImage, add, copy
from workspace import URL, Workspace, agent_program  # noqa: F401

CODER = (1000, 1000)
LAST = (65535, 65535)
# security.capability: cap_net_bind_service+ep, version 2.
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")
FIRST = [
    Entry("opt/layers/", mode=0o755),
    Entry("opt/layers/gone", b"old"),
    Entry("opt/layers/tree/", mode=0o755), Entry("opt/layers/tree/deep/", mode=0o755),
    Entry("opt/layers/tree/deep/file", b"old"),
    Entry("opt/layers/opaque/", mode=0o755), Entry("opt/layers/opaque/old", b"old"),
    Entry("opt/layers/opaque/both", b"old"),
    Entry("opt/layers/changed", b"old"), Entry("opt/layers/becomes-link", b"old"),
    Entry("opt/layers/was-link", link="changed"),
    Entry("opt/layers/whiteout-of-link", link="changed"),
]
SECOND = [
    Entry("opt/layers/closed/", mode=0o500, owner=CODER), Entry("opt/layers/closed/file", b"mine", 0o600, CODER),
    Entry("opt/layers/sticky/", mode=0o1777), Entry("opt/layers/group/", mode=0o2750, owner=(0, 1000)),
    Entry("opt/layers/suid", b"#!/bin/true\n", 0o4755), Entry("opt/layers/last", b"last", 0o640, LAST),
    Entry("opt/layers/capable", b"program", 0o755, xattrs={"security.capability": CAPABILITY}),
    Entry("opt/layers/one", b"hard"), Entry("opt/layers/two", hard="opt/layers/one"),
    Entry("opt/layers/absolute", link="/etc/os-release"), Entry("opt/layers/dangling", link="nowhere/at/all"),
    Entry("opt/layers/a name with blanks and ü", b"name"),
    Entry("opt/layers/" + "long/" * 30 + "file", b"long"),
]
THIRD = [
    Entry("opt/layers/.wh.gone"), Entry("opt/layers/.wh.tree"), Entry("opt/layers/.wh.whiteout-of-link"),
    # What is new in a directory stays, wherever in the layer the mark is.
    Entry("opt/layers/opaque/both", b"new"), Entry("opt/layers/opaque/.wh..wh..opq"),
    Entry("opt/layers/changed", b"new", 0o600, CODER),
    Entry("opt/layers/becomes-link", link="changed"), Entry("opt/layers/was-link", b"file now"),
]


@dataclass(frozen=True)
class Pulled:
    """What the tests here share."""

    archive: Path
    image: TreeImage
    proxmox: Proxmox


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A directory that a container's root may pass through, as a node's /var/lib/vz."""
    path = Path(tempfile.mkdtemp(prefix=f"hakim-boot-{os.getpid()}-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def registry(place: Path) -> Iterator[Registry]:
    """Plain, on loopback."""
    (place / "registry").mkdir()
    made = Registry(place / "registry")
    yield made
    made.stop()


def pull(place: Path, registry: Registry, image: TreeImage, name: str) -> Pulled:
    """The image in the store of a node."""
    registry.push(image, f"boot/{name}:1", str(place))
    (place / name).mkdir()
    proxmox = Proxmox(place / name)
    try:
        run = proxmox.run("pull", "--image", f"{registry.host}/boot/{name}:1", "--platform", "linux/amd64")
        assert run.last == "done: pulled=1 skipped=0", run.err
    finally:
        proxmox.close()
    return Pulled(proxmox.cache / f"{name}_1.tar", image, proxmox)


@pytest.fixture(scope="module")
def workspace_image(place: Path, registry: Registry, programs: Path) -> Pulled:
    """Debian, our programs, and a layer that takes away and replaces: zstd, gzip, plain."""
    image = TreeImage(place / "image")
    with image.layer("+zstd") as tar:
        copy(tar, make_tree()[0])
        add(tar, FIRST)
    with image.layer("+gzip") as tar:
        tar.add(programs / "as-built", ".")
        add(tar, SECOND)
    with image.layer("") as tar:
        add(tar, THIRD)
    image.config(Entrypoint=["/usr/sbin/hakim-init"], WorkingDir="/home/coder", StopSignal="SIGTERM",
                 Env=["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "FROM_IMAGE=a b=c",
                      "OVERRIDDEN=image"])
    return pull(place, registry, image, "workspace")


@pytest.fixture
def proxmox_host(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], ProxmoxHost]]:
    """Makes containers of archives."""
    if reason := LxcHost.missing():
        unavailable(reason)
    which: list[Path] = []
    made = containers(request, lambda: ProxmoxHost(which[-1]))
    new = next(made)

    def make(archive: Path) -> ProxmoxHost:
        which.append(archive)
        return new()
    yield make
    assert next(made, None) is None


STOP_SCRIPT = "sleep 0.5; echo done >/home/coder/stop-script"


def test_a_container_boots_from_the_archive_with_its_agent_and_stops_in_order(
        workspace_image, proxmox_host, agent_program):  # noqa: F811
    host = proxmox_host(workspace_image.archive)
    assert host.distribution == "debian"
    w = Workspace(host, agent_program)
    try:
        w.start({"HAKIM_STANDIN_STOP_SCRIPT": STOP_SCRIPT, "OVERRIDDEN": "container"})
        assert w.ready()["restarts"] == 0
        assert os.readlink(f"/proc/{host.pid}/cwd") == "/home/coder", "WORKDIR"
        of_init = environ(host.pid)
        for want in (b"FROM_IMAGE=a b=c", b"OVERRIDDEN=container", f"CODER_AGENT_URL={URL}".encode()):
            assert want in of_init
        agent = services(host, "coder")[0]
        words = dict(line.split(":\t", 1) for line in Path(f"/proc/{agent}/status").read_text().splitlines())
        assert words["Uid"].split() == [str(SHIFT + 1000)] * 4
        assert os.readlink(f"/proc/{agent}/cwd") == "/home/coder/project"
        assert status(host)["manager"]["state"] == "running"
        assert host.exec(["sudo", "-n", "id", "-u"], user="coder").stdout == "0\n", "set-id bits are there"
        stopped = host.lxc("lxc-stop", "--nokill", "--timeout", "50")
        assert stopped.returncode == 0, stopped.stderr
        assert host.wait() == 0
        assert host.read_file("/home/coder/stop-script") == b"done\n"
    finally:
        if w.server:
            w.server.stop()


def tree(root: Path, shift: int) -> dict[str, tuple[object, ...]]:
    """All that is below: kind, owner, mode, links, content, capabilities; times of what is no directory."""
    found: dict[str, tuple[object, ...]] = {}
    for directory, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(directory) / name
            st = os.lstat(path)
            what: tuple[object, ...] = (st.st_uid - shift, st.st_gid - shift, oct(st.st_mode))
            if path.is_symlink():
                what += (os.readlink(path),)
            elif path.is_file():
                what += (st.st_nlink, int(st.st_mtime), hashlib.sha256(path.read_bytes()).hexdigest(),
                         "security.capability" in os.listxattr(path))
            found[str(path.relative_to(root))] = what
    return found


def test_proxmox_and_umoci_unpack_the_archive_to_the_same_tree(workspace_image, place):
    root = place / "as-proxmox"
    unpack_as_container(workspace_image.archive, root)
    layout = place / "layout"
    # umoci of Debian 12 does not know zstd, so skopeo packs that layer anew.
    subprocess.run(["skopeo", "copy", "-q", "--dest-compress-format=gzip", f"oci-archive:{workspace_image.archive}",
                    f"oci:{layout}:x"], check=True)
    done = subprocess.run(["umoci", "raw", "unpack", "--image", f"{layout}:x", str(place / "as-umoci")],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours, theirs = tree(root, SHIFT), tree(place / "as-umoci", 0)
    assert len(ours) > 4000
    different = {name: (ours.get(name), theirs.get(name)) for name in {*ours, *theirs}
                 if ours.get(name) != theirs.get(name)}
    assert not different


def test_what_the_layers_say_is_what_is_there(workspace_image, place):
    root = place / "layers"
    unpack_as_container(workspace_image.archive, root)
    there = tree(root / "opt/layers", SHIFT)
    assert not {"gone", "tree", "opaque/old", "whiteout-of-link"} & set(there)
    assert not [name for name in there if ".wh." in name]
    assert (root / "opt/layers/opaque/both").read_bytes() == b"new"
    assert there["changed"][:3] == (1000, 1000, "0o100600")
    assert there["becomes-link"][3] == "changed" and (root / "opt/layers/was-link").read_bytes() == b"file now"
    assert there["closed"][:3] == (1000, 1000, "0o40500") and there["closed/file"][:3] == (1000, 1000, "0o100600")
    assert there["sticky"][2] == "0o41777" and there["group"][:3] == (0, 1000, "0o42750")
    assert there["suid"][2] == "0o104755" and there["last"][:2] == LAST
    assert there["capable"][-1] and there["one"][3] == 2 and there["one"] == there["two"]
    assert there["dangling"][3] == "nowhere/at/all" and there["absolute"][3] == "/etc/os-release"
    assert "long/" * 30 + "file" in there and "a name with blanks and ü" in there


def test_an_archive_that_is_private_to_root_cannot_be_used(workspace_image, place):
    copied = place / "private.tar"
    shutil.copy(workspace_image.archive, copied)
    copied.chmod(0o600)
    with pytest.raises(HostError, match="PermissionError"):
        unpack_as_container(copied, place / "private")
    assert not (place / "private").exists()


@pytest.mark.parametrize(("entry", "says"), [
    (Entry("home/big", b"x", owner=(65536, 0)), "home/big of 65536:0 cannot be there"),
    (Entry("home/big", b"x", owner=(0, 70000)), "home/big of 0:70000 cannot be there"),
])
def test_an_id_that_the_container_does_not_have_cannot_be_unpacked(place, registry, entry, says):
    name = f"ids{entry.owner[0]}-{entry.owner[1]}"
    image = TreeImage(place / f"image-{name}")
    with image.layer() as tar:
        add(tar, [Entry("etc/os-release", b"ID=debian\n"), entry])
    pulled = pull(place, registry, image.config(), name)
    with pytest.raises(HostError, match=says):
        ProxmoxHost(pulled.archive)


def test_a_root_without_os_release_is_no_container(place, registry):
    image = TreeImage(place / "image-unknown")
    with image.layer() as tar:
        add(tar, [Entry("bin/true", b"", 0o755)])
    pulled = pull(place, registry, image.config(), "unknown")
    with pytest.raises(HostError, match="unable to detect OS distribution"):
        ProxmoxHost(pulled.archive)


def test_names_with_a_dot_in_front_are_no_image_for_proxmox(workspace_image, place):
    """Which is why hakim writes them without."""
    assert is_image(workspace_image.archive)
    dotted = place / "dotted.tar"
    opened = place / "opened"
    opened.mkdir()
    subprocess.run(["tar", "-C", opened, "-xf", workspace_image.archive], check=True)
    subprocess.run(["tar", "-C", opened, "-cf", dotted, "./oci-layout", "./index.json", "./blobs"], check=True)
    assert not is_image(dotted)
