"""hakim-home-hook: the directory of a home is there before its container starts, and nothing else is touched."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

HOOK = Path(__file__).resolve().parents[2] / "coder/templates/hakim-proxmox/scripts/hakim-home-hook"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")


class Node:
    """A node's files."""

    def __init__(self, tmp: Path) -> None:
        self.tmp, self.homes, self.lxc = tmp, tmp / "vz/hakim-homes", tmp / "pve/lxc"
        (tmp / "vz").mkdir()
        self.lxc.mkdir(parents=True)

    def config(self, *lines: str, number: int = 300) -> None:
        """Of a container."""
        (self.lxc / f"{number}.conf").write_text("\n".join(("arch: amd64", "unprivileged: 1", *lines)) + "\n")

    def start(self, number: int = 300) -> subprocess.Popen[str]:
        """As Proxmox does: with CTID and phase."""
        environment = {"HAKIM_PVE_DIR": str(self.tmp / "pve"), "HAKIM_HOMES_DIR": str(self.homes)}
        return subprocess.Popen(["/bin/sh", str(HOOK), str(number), "pre-start"], env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def run(self, number: int = 300) -> tuple[int, str]:
        """Its status, and what it said."""
        with self.start(number) as process:
            out, err = process.communicate(timeout=20)
        assert out == ""
        return process.returncode, err

    def everything(self) -> list[str]:
        """All that there is below vz."""
        return sorted(str(p.relative_to(self.tmp / "vz")) for p in (self.tmp / "vz").rglob("*"))


@pytest.fixture(name="node")
def _node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def owner(path: Path) -> tuple[int, int, int]:
    """And its mode."""
    s = path.lstat()
    return s.st_uid, s.st_gid, s.st_mode & 0o7777


def test_a_home_is_made_and_given_to_the_containers_root(node: Node) -> None:
    """The directories above stay root's."""
    node.config(f"mp0: {node.homes}/me/my-ws,mp=/home/coder")
    assert node.run() == (0, "")
    assert owner(node.homes / "me/my-ws") == (100000, 100000, 0o755)
    assert owner(node.homes / "me") == owner(node.homes) == (0, 0, 0o755)


def test_a_home_that_is_there_keeps_its_owner_and_all_in_it(node: Node) -> None:
    """The second start, and each after."""
    home = node.homes / "me/ws"
    home.mkdir(parents=True)
    (home / "file").write_text("data")
    os.chown(home, 101000, 101000)
    home.chmod(0o700)
    node.config(f"mp0: {home},mp=/home/coder")
    assert node.run() == (0, "")
    assert owner(home) == (101000, 101000, 0o700) and owner(home / "file")[:2] == (0, 0)
    assert (home / "file").read_text() == "data"


def test_roots_home_is_given_at_its_top_level_only(node: Node) -> None:
    """As one that was restored from somewhere."""
    home = node.homes / "me/ws"
    (home / "sub").mkdir(parents=True)
    node.config(f"mp0: {home},mp=/home/coder")
    assert node.run() == (0, "")
    assert owner(home)[:2] == (100000, 100000) and owner(home / "sub")[:2] == (0, 0)


def test_a_strangers_home_is_left_alone_with_a_warning(node: Node) -> None:
    """Of an id that the container does not have."""
    home = node.homes / "me/ws"
    home.mkdir(parents=True)
    os.chown(home, 1000, 1000)
    node.config(f"mp0: {home},mp=/home/coder")
    status, said = node.run()
    assert status == 0 and "belongs to 1000" in said and owner(home)[:2] == (1000, 1000)


def test_the_containers_own_map_of_ids_counts(node: Node) -> None:
    """lxc.idmap, and a privileged container."""
    node.config(f"mp0: {node.homes}/me/ws,mp=/home/coder",
                "lxc.idmap: u 0 200000 65536", "lxc.idmap: g 0 300000 65536")
    assert node.run() == (0, "") and owner(node.homes / "me/ws")[:2] == (200000, 300000)
    (node.lxc / "301.conf").write_text(f"mp0: {node.homes}/me/other,mp=/home/coder\n")
    assert node.run(301) == (0, "") and owner(node.homes / "me/other")[:2] == (0, 0)


@pytest.mark.parametrize("where", ["hakim-homes", "hakim-homes/me", "hakim-homes/me/ws"])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_is_never_followed(node: Node, where: str, dangling: bool) -> None:
    """At any place of the path."""
    link = node.tmp / "vz" / where
    link.parent.mkdir(parents=True, exist_ok=True)
    target = node.tmp / "elsewhere"
    if not dangling:
        target.mkdir()
    link.symlink_to(target)
    node.config(f"mp0: {node.homes}/me/ws,mp=/home/coder")
    status, said = node.run()
    assert status == 1 and f"{link} is a link" in said
    assert target.exists() != dangling
    if not dangling:
        assert owner(target)[:2] == (0, 0) and not list(target.iterdir())


@pytest.mark.parametrize("rest", [
    "../etc", "me/../../etc", "me", "me/", "me/ws/deeper", "/me/ws", "me//ws", "./ws", "me/.ws", ".me/ws", "me/..",
    "me/w s", "me/$(touch x)", "me/`x`", "me/w\x1b[31ms", "ö/ws"])
def test_a_path_that_is_no_owner_and_workspace_is_refused(node: Node, rest: str) -> None:
    """And nothing is made."""
    node.config(f"mp0: {node.homes}/{rest},mp=/home/coder")
    status, said = node.run()
    assert status == 1 and "is no " in said and "\x1b" not in said
    assert node.everything() == []


def test_a_path_outside_is_never_made(node: Node) -> None:
    """One that is there is somebody's own, and left alone."""
    outside = node.tmp / "outside"
    node.config(f"mp0: {outside},mp=/home/coder")
    status, said = node.run()
    assert status == 1 and "only directories below" in said and not outside.exists()
    outside.mkdir()
    assert node.run() == (0, "") and owner(outside)[:2] == (0, 0)
    node.config(f"mp0: {node.homes}-evil/me/ws,mp=/data", "mp1: local-lvm:vm-9-disk-0,mp=/home/coder")
    assert node.run() == (0, "") and node.everything() == []


@pytest.mark.parametrize("where", ["hakim-homes", "hakim-homes/me"])
def test_a_directory_above_that_others_can_write_is_refused(node: Node, where: str) -> None:
    """They could have it lead elsewhere."""
    (node.homes / "me").mkdir(parents=True)
    (node.tmp / "vz" / where).chmod(0o775)
    node.config(f"mp0: {node.homes}/me/ws,mp=/home/coder")
    status, said = node.run()
    assert status == 1 and "chmod go-w" in said and not (node.homes / "me/ws").exists()
    (node.tmp / "vz" / where).chmod(0o755)
    os.chown(node.tmp / "vz" / where, 100000, 0)
    status, said = node.run()
    assert status == 1 and "must belong to root" in said and not (node.homes / "me/ws").exists()


def test_snapshots_do_not_count_and_a_file_in_the_way_is_an_error(node: Node) -> None:
    """Only what is mounted."""
    node.config("[before]", f"mp0: {node.homes}/me/old,mp=/home/coder")
    assert node.run() == (0, "") and node.everything() == []
    (node.homes / "me").mkdir(parents=True)
    (node.homes / "me/ws").write_text("x")
    node.config(f"mp0: {node.homes}/me/ws,mp=/home/coder")
    status, said = node.run()
    assert status == 1 and "is no directory" in said


def test_two_at_once_and_again_after_a_half_made_one(node: Node) -> None:
    """Each container its own, below one owner."""
    node.homes.mkdir()
    for n in range(300, 308):
        node.config(f"mp0: {node.homes}/me/ws{n % 2},mp=/home/coder", number=n)
    runs = [node.start(n) for n in range(300, 308)]
    for run in runs:
        with run:
            assert run.communicate(timeout=20)[1] == "" and run.returncode == 0
    assert owner(node.homes / "me/ws0")[:2] == owner(node.homes / "me/ws1")[:2] == (100000, 100000)


def test_other_phases_do_nothing_and_no_configuration_is_an_error(node: Node) -> None:
    """post-start, pre-stop, post-stop."""
    for phase in ("post-start", "pre-stop", "post-stop", ""):
        done = subprocess.run(["/bin/sh", str(HOOK), "300", phase], text=True, capture_output=True, timeout=20,
                              env={"HAKIM_PVE_DIR": str(node.tmp / "pve")})
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    status, said = node.run(999)
    assert status == 1 and "999.conf cannot be read" in said
