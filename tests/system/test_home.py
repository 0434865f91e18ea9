"""modules/home: the user, the home and the project directory are there before the agent."""
from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakim import unit, wait_units
from hosts.host import Mount
from workspace import agent_program, workspace  # noqa: F401

PASSWD = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"


@pytest.fixture
def volume() -> Iterator[Path]:
    """A directory of this machine, as a host's volume for the home."""
    with tempfile.TemporaryDirectory(prefix="hakim-home-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def without_the_user(host) -> None:
    """An image that has no coder."""
    host.put_file("/etc/passwd", PASSWD)
    host.put_file("/etc/group", "root:x:0:\nnode:x:1000:\nnogroup:x:65534:\n")
    host.put_file("/etc/shadow", "root:*:19000:0:99999:7:::\n", 0o640)


def owner(host, path: str) -> str:
    """UID:GID as the container sees it."""
    return host.exec(["stat", "-c", "%u:%g", path]).stdout.strip()


def test_an_image_without_the_user_gets_one_and_the_agent_runs_as_it(workspace):  # noqa: F811
    w = workspace()
    without_the_user(w.host)
    w.start()
    w.ready()
    found = wait_units(w.host, home="exited")["units"]["home"]
    assert "gid 1000 is the image's group node" in found["status"]
    assert w.host.exec(["id", "-un", "1000"]).stdout == "coder\n"
    assert owner(w.host, "/home/coder/project") == "1000:1000"
    assert Path(f"/proc/{w.agent_pid()}/cwd").readlink() == Path("/home/coder/project")
    assert w.host.exec(["hakimctl", "status"], user="coder").returncode == 0, "it may ask, though it is new"
    assert w.host.stop() == 0


def test_a_new_volume_becomes_a_home_with_what_skel_has(lxc, volume):
    host = lxc()
    (volume / "lost+found").mkdir(mode=0o700)
    volume.chmod(0o755)
    os.chown(volume, host.id_shift, host.id_shift)
    host.start({}, tty=False, mounts=[Mount(volume, "/home/coder")])
    wait_units(host, home="exited")
    assert owner(host, "/home/coder") == owner(host, "/home/coder/.bashrc") == "1000:1000"
    assert owner(host, "/home/coder/.local/share") == owner(host, "/home/coder/project") == "1000:1000"
    assert host.stop() == 0


def test_a_volume_of_the_hosts_root_is_said_with_what_to_do_there(lxc, volume):
    host = lxc()
    host.start({}, tty=False, mounts=[Mount(volume, "/home/coder")])
    found = wait_units(host, home="exited")["units"]["home"]
    assert "'chown 101000:101000'" in found["status"] + host.exec(["hakimctl", "logs", "home"]).stdout
    assert volume.stat().st_uid == 0
    assert host.stop() == 0


def test_a_wrong_variable_is_one_sentence_and_the_others_run(lxc):
    host = lxc()
    unit(host, "other.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({"CODER_UID": "zero"}, tty=False)
    found = wait_units(host, home="failed", other="running")["units"]["home"]
    assert "CODER_UID=zero is no number" in found["status"]
    assert host.stop() == 0
