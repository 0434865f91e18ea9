"""modules/docker: the real dockerd in an unprivileged LXC container, as the coder user has it."""
from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakim import comm, status, unit, wait_units
from hosts.host import Mount
from hosts.process import wait_until
from workspace import Workspace, agent_program  # noqa: F401

TREE = "mkdir -p /tmp/image/bin && cp /bin/busybox /tmp/image/bin/ && ln -sf busybox /tmp/image/bin/sh && " \
    "ln -sf busybox /tmp/image/bin/sleep && tar -C /tmp/image -c . | docker import - box"
OURS = ("dockerd", "containerd", "containerd-shim", "docker-proxy", "runc")


@pytest.fixture
def volume() -> Iterator[Path]:
    """A directory of this machine as the data root: the containers' own root is an overlay already."""
    directory = Path(tempfile.mkdtemp(prefix="hakim-docker-", dir="/var/tmp"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def docker_host(modules_host, volume):
    """Makes containers with that data root."""
    def make(env: dict[str, str] | None = None, before=None):
        host = modules_host()
        if before:
            before(host)
        os.chown(volume, host.id_shift, host.id_shift)
        host.start(env or {}, tty=False, mounts=[Mount(volume, "/var/lib/docker")])
        return host
    return make


def sh(host, script: str, user: str = "coder", timeout: float = 60) -> str:
    """What a shell of the user says."""
    return host.exec(["sh", "-c", script], user=user, timeout=timeout).stdout.strip()


def run_box(host, name: str) -> str:
    """A container that stays, of an image that is made here; its id."""
    sh(host, TREE)
    return sh(host, f"docker run -d --network none --stop-timeout 1 --name {name} box /bin/sleep 1000")


def left(host) -> list[str]:
    """What is there of docker."""
    return [name for name in map(comm, host.processes()) if name.startswith(OURS)]


@pytest.mark.timeout(180)
def test_the_coder_user_runs_a_container_on_overlay2_and_all_of_it_goes_in_order(docker_host):
    host = docker_host()
    found = wait_units(host, docker="running", timeout=60)["units"]["docker"]
    assert found["status"] == "storage driver overlay2", found
    assert sh(host, "stat -c '%U %G %a' /var/run/docker.sock") == "root coder 660"
    sh(host, TREE)
    assert sh(host, "docker run --rm --network none box /bin/sh -c 'echo hello from $((6 * 7))'") == "hello from 42"
    assert sh(host, "docker info -f '{{.Driver}} {{.CgroupVersion}} {{.DockerRootDir}}'") == \
        "overlay2 2 /var/lib/docker"
    box = run_box(host, "box")
    assert sh(host, "docker ps -q --no-trunc") == box
    # What the container has of controllers, docker's groups have.
    assert sh(host, "cat /sys/fs/cgroup/cgroup.subtree_control") == sh(host, "cat /sys/fs/cgroup/cgroup.controllers")
    assert sh(host, "cat /sys/fs/cgroup/docker/cgroup.subtree_control") != ""
    assert "box" in sh(host, "docker run --rm --network bridge --hostname box box /bin/busybox hostname")
    host.exec(["hakimctl", "stop", "docker"], timeout=60)
    assert left(host) == []
    host.exec(["hakimctl", "start", "docker"], timeout=60)
    assert sh(host, "docker ps -aq --no-trunc") == box
    assert host.stop() == 0


@pytest.mark.timeout(180)
def test_killed_it_is_back_and_ready_and_its_containers_are_those_it_had(docker_host):
    host = docker_host()
    wait_units(host, docker="running", timeout=60)
    box = run_box(host, "box")
    old = status(host)["units"]["docker"]["pid"]
    sh(host, f"kill -9 {old}", user="root")
    wait_until("another dockerd", lambda: status(host)["units"]["docker"]["pid"] not in (0, old), 20)
    wait_units(host, docker="running", timeout=60)
    assert sh(host, "docker ps -aq --no-trunc") == box
    sh(host, "docker start box")
    assert sh(host, "docker exec box /bin/sh -c 'echo in'") == "in"
    assert host.stop() == 0


STALE = """#!/bin/sh
# What a dead life leaves: pid files of numbers that others have now, and sockets on which nobody listens.
mkdir -p /run/docker/containerd
echo 1 >/run/docker.pid
echo 1 >/run/docker/containerd/containerd.pid
for socket in docker.sock docker/containerd/containerd.sock docker/containerd/containerd.sock.ttrpc; do
    node -e "require('net').createServer().listen('/run/$socket', () => process.kill(process.pid, 9))"
done
[ -S /run/docker.sock ] && [ -S /run/docker/containerd/containerd.sock ]
"""


@pytest.mark.timeout(180)
def test_a_life_that_was_killed_leaves_files_that_are_in_nobodys_way(docker_host):
    def stale(host) -> None:
        host.put_file("/usr/local/bin/stale", STALE, 0o755)
        unit(host, "stale.service", "[Unit]\nBefore=docker.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\n"
             "ExecStart=/usr/local/bin/stale\n")
    host = docker_host()
    wait_units(host, docker="running", timeout=60)
    box = run_box(host, "box")
    host.kill9()
    host.close()
    host = docker_host(before=stale)
    found = wait_units(host, docker="running", stale="exited", timeout=60)["units"]["docker"]
    assert found["restarts"] == 0, found
    log = sh(host, "hakimctl logs docker", user="root")
    assert "removed /var/run/docker.sock" in log and "removed /var/run/docker.pid" in log
    assert "removed /var/run/docker/containerd/containerd.pid" in log
    assert sh(host, "docker ps -aq --no-trunc") == box
    sh(host, "docker start box")
    assert sh(host, "docker exec box /bin/sh -c 'echo in'") == "in"
    assert host.stop() == 0


@pytest.mark.timeout(180)
def test_a_driver_on_which_it_does_not_start_is_replaced_and_the_reason_is_shown(docker_host, volume):
    (volume / "overlay2").write_text("in the way")
    host = docker_host()
    found = wait_units(host, docker="running", timeout=60)["units"]["docker"]
    assert found["restarts"] == 1, found
    assert found["status"].startswith("storage driver vfs: it copies every layer whole; 'pct set"), found
    assert "overlay2: error initializing graphdriver: " in found["status"], found
    wait_until("its log has the reason", lambda: "/dev/fuse" in sh(
        host, "hakimctl logs docker | grep 'storage driver vfs' || :", user="root"), 10)
    sh(host, TREE)
    assert sh(host, "docker run --rm --network none box /bin/sh -c 'echo hello'") == "hello"
    # A person has mended it, and says so by a restart.
    (volume / "overlay2").unlink()
    sh(host, "docker image rm box && hakimctl restart docker", user="root")
    found = wait_units(host, docker="running", timeout=60)["units"]["docker"]
    assert found["status"] == "storage driver overlay2", found
    assert host.stop() == 0


@pytest.mark.timeout(180)
def test_without_iptables_it_runs_without_a_bridge_and_says_so(docker_host):
    def forbid(host) -> None:
        for name in ("iptables", "ip6tables"):
            host.put_file(f"/usr/local/sbin/{name}", "#!/bin/sh\necho 'Permission denied' >&2\nexit 4\n", 0o755)
    host = docker_host(before=forbid)
    found = wait_units(host, docker="running", timeout=60)["units"]["docker"]
    assert found["restarts"] == 1, found
    assert "containers have no network but that of --network host" in found["status"], found
    assert "failed to register" in found["status"], found
    assert "iptables failed" in sh(host, "hakimctl logs docker", user="root")
    sh(host, TREE)
    assert sh(host, "docker run --rm --network host box /bin/sh -c 'echo hello'") == "hello"
    assert host.stop() == 0


@pytest.mark.timeout(180)
def test_its_variables_and_daemon_json_are_heeded(docker_host):
    def configure(host) -> None:
        host.put_file("/etc/docker/daemon.json", '{"storage-driver": "vfs", "labels": ["a=b"]}')
    host = docker_host({"DOCKER_DATA_ROOT": "/var/lib/docker/other", "DOCKER_EXEC_ROOT": "/run/engine",
                        "DOCKER_OPTS": "--max-concurrent-uploads=2"}, before=configure)
    found = wait_units(host, docker="running", timeout=60)["units"]["docker"]
    assert "daemon.json says" in found["status"], found
    assert sh(host, "docker info -f '{{.Driver}} {{.DockerRootDir}} {{.Labels}}'") == \
        "vfs /var/lib/docker/other [a=b]"
    wrong = "echo '{\"labels\": 7}' >/etc/docker/daemon.json; hakimctl restart docker"
    host.exec(["sh", "-c", wrong], check=False, timeout=60)
    wait_until("it says why", lambda: "dockerd did not start: unable to configure" in
               host.exec(["hakimctl", "status"], env={"COLUMNS": "400"}, check=False).stdout, 20)

    assert host.root("/run/engine/containerd").is_dir()
    assert host.stop() == 0


def test_a_wrong_variable_is_one_sentence_and_the_others_run(modules_host):
    host = modules_host()
    host.start({"DOCKER_DATA_ROOT": "relative"}, tty=False)
    wait_units(host, home="exited")
    wait_until("it says why", lambda: "DOCKER_DATA_ROOT=relative is not an absolute path" in
               host.exec(["hakimctl", "status"], env={"COLUMNS": "400"}, check=False).stdout, 20)
    assert host.stop() == 0


@pytest.mark.parametrize("env", [{"START_DOCKER_DAEMON": "0"}, {"DOCKER_HOST": "tcp://elsewhere:2375"}])
def test_it_is_skipped_when_it_is_off_or_the_work_is_done_elsewhere(modules_host, env):
    host = modules_host()
    host.start(env, tty=False)
    found = wait_units(host, docker="skipped")["units"]["docker"]
    assert next(iter(env)) in found["status"] and "not met" not in found["status"], found
    assert left(host) == []
    assert host.stop() == 0


@pytest.mark.timeout(180)
def test_it_runs_though_the_work_is_done_elsewhere_when_the_switch_says_so(docker_host):
    host = docker_host({"START_DOCKER_DAEMON": "true", "DOCKER_HOST": "tcp://elsewhere:2375"})
    wait_units(host, docker="running", timeout=60)
    assert host.stop() == 0


def test_without_the_program_it_is_skipped(modules_host):
    host = modules_host()
    host.put_file("/usr/sbin/dockerd", "", 0o644)
    host.start({}, tty=False)
    assert "dockerd is not installed" in wait_units(host, docker="skipped")["units"]["docker"]["status"]
    assert host.stop() == 0


@pytest.mark.timeout(180)
def test_the_agents_end_and_restart_are_nothing_to_its_containers(modules_host, agent_program):  # noqa: F811
    w = Workspace(modules_host(), agent_program)
    try:
        w.start()
        w.ready()
        wait_units(w.host, docker="running", timeout=60)
        box = run_box(w.host, "box")
        dockerd = status(w.host)["units"]["docker"]["pid"]
        old = w.agent_pid()
        os.kill(old, signal.SIGKILL)
        wait_until("another agent", lambda: w.agent_pid() not in (0, old), 20)
        w.ready()
        w.host.exec(["hakimctl", "restart", "coder-agent"])
        w.ready()
        assert sh(w.host, "docker ps -q --no-trunc") == box
        assert status(w.host)["units"]["docker"]["pid"] == dockerd
        assert status(w.host)["units"]["docker"]["restarts"] == 0
        assert w.host.stop() == 0
    finally:
        if w.server:
            w.server.stop()


@pytest.mark.timeout(180)
def test_who_lives_is_named_and_keeps_its_files(docker_host):
    host = docker_host()
    wait_units(host, docker="running", timeout=60)
    host.exec(["hakimctl", "stop", "docker"], timeout=60)
    sh(host, "setsid dockerd --iptables=false --bridge=none >/dev/null 2>&1 </dev/null & "
       "until docker version >/dev/null 2>&1; do sleep 0.1; done", user="root")
    host.exec(["hakimctl", "start", "--no-block", "docker"], check=False)
    wait_until("it is named", lambda: "/var/run/docker.sock already" in
               host.exec(["hakimctl", "status"], env={"COLUMNS": "400"}, check=False).stdout, 20)
    assert "Server" in sh(host, "docker version", user="root")
    assert host.root("/run/docker.pid").exists()
    sh(host, "kill $(cat /run/docker.pid)", user="root")
    wait_units(host, docker="running", timeout=60)
    assert host.stop() == 0
