"""The hosts themselves, with a shell as init, so that a failed test says whose fault it is."""
from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hosts.host import Host, Mount, Trees
from hosts.podman import PodmanHost
from hosts.process import Pty, cgroup_roots, end_process, members, remove_groups, wait_until

SECRET = "a secret that no argv holds"
# Says what it has, then ends with 7 when it is told to.
INIT = """trap 'exit 7' TERM
echo "tty: $(tty)"
while :; do sleep 0.02; done
"""
MakeHost = Callable[[], Host]


@pytest.fixture(name="make", params=["lxc", "unshare_host", "podman"])
def _make(request: pytest.FixtureRequest) -> MakeHost:
    """A factory of each kind of host."""
    factory = request.getfixturevalue(request.param)

    def make() -> Host:
        host = factory()
        if isinstance(host, PodmanHost):
            host.entrypoint = "/bin/sh"
        return host

    return make


def sh(host: Host, script: str) -> list[str]:
    """The words of an init that is a shell."""
    return ["-c", script] if isinstance(host, PodmanHost) else ["/bin/sh", "-c", script]


def test_the_init_is_pid_1_with_its_environment_and_its_status_comes_back(make: MakeHost) -> None:
    host = make()
    host.start({"SECRET": SECRET, "EMPTY": ""}, sh(host, INIT))
    host.console.expect("tty: /dev/")
    status = Path(f"/proc/{host.pid}/status").read_text("utf-8")
    assert next(ln for ln in status.splitlines() if ln.startswith("NSpid")).split()[-1] == "1"
    environ = Path(f"/proc/{host.pid}/environ").read_bytes().split(b"\0")
    assert f"SECRET={SECRET}".encode() in environ and b"EMPTY=" in environ
    assert host.stop() == 7


@pytest.mark.parametrize("tty", [True, False])
def test_tty_says_whether_stdio_is_a_terminal(make: MakeHost, tty: bool) -> None:
    host = make()
    host.start({}, sh(host, INIT), tty=tty)
    host.console.expect("tty: /dev/" if tty else "tty: not a tty")
    assert host.stop() == 7


def test_a_killed_init_is_137(make: MakeHost) -> None:
    host = make()
    host.start({}, sh(host, INIT))
    assert host.kill9() == 137
    assert not host.processes()


def test_no_argv_of_this_machine_has_the_environment(make: MakeHost) -> None:
    host = make()
    host.start({"SECRET": SECRET}, sh(host, INIT))
    for pid in (p for p in os.listdir("/proc") if p.isdigit()):
        try:
            assert SECRET.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            pass


def test_commands_run_as_root_and_as_coder_who_may_sudo(make: MakeHost) -> None:
    host = make()
    host.start({"SECRET": SECRET}, sh(host, INIT))
    assert host.exec(["id", "-u"]).stdout == "0\n"
    assert host.exec(["id", "-un"], user="coder").stdout == "coder\n"
    assert host.exec(["sudo", "-n", "id", "-u"], user="coder").stdout == "0\n"
    assert host.exec(["sh", "-c", "echo $HOME; pwd"], user="coder").stdout == "/home/coder\n" * 2
    assert "SECRET" not in host.exec(["env"]).stdout
    assert host.exec(["cat"], input="typed").stdout == "typed"
    assert host.exec(["sh", "-c", "exit 3"], check=False).returncode == 3


def test_a_command_that_does_not_end_is_killed_in_the_container_too(make: MakeHost) -> None:
    host = make()
    host.start({}, sh(host, INIT))
    with pytest.raises(subprocess.TimeoutExpired):
        host.exec(["sleep", "1234"], timeout=0.5)
    wait_until("the sleep is gone", lambda: host.exec(["pgrep", "-f", "^sleep 1234"],
                                                      check=False).returncode == 1)


def test_files_go_in_before_and_after_the_start_and_come_out_after_the_end(make: MakeHost) -> None:
    host = make()
    host.put_file("/opt/before/file", "before", 0o4755, owner=1000)
    host.start({}, sh(host, INIT))
    host.put_file("/opt/after/file", b"after", 0o600, owner=1000)
    script = 'stat -c "%u %g %a" /opt/before/file /opt/after/file; cat /opt/before/file'
    assert host.exec(["sh", "-c", script]).stdout == "1000 1000 4755\n1000 1000 600\nbefore"
    assert host.read_file("/opt/after/file") == b"after"
    assert host.stop() == 7
    if not isinstance(host, PodmanHost):  # podman has unmounted it
        assert host.read_file("/opt/after/file") == b"after"


def test_a_mount_is_there_and_read_only_if_so_wanted(make: MakeHost) -> None:
    host = make()
    source = host.directory / "shared"
    source.mkdir()
    (source / "file").write_text("here", "ascii")
    host.start({}, sh(host, INIT), mounts=[Mount(source, "/mnt/one", True)])
    assert host.read_file("/mnt/one/file") == b"here"
    assert host.exec(["touch", "/mnt/one/new"], check=False).returncode == 1


def test_loopback_is_up_and_a_server_of_this_machine_can_be_in_the_network(make: MakeHost) -> None:
    host = make()
    program = ("import socket; s = socket.create_server(('127.0.0.1', 8080)); "
               "print('up', flush=True); s.accept()[0].send(b'hello')")
    servers = []

    def serve() -> None:
        server = subprocess.Popen([*host.network(), sys.executable, "-c", program],
                                  stdout=subprocess.PIPE)
        servers.append(server)
        assert server.stdout and server.stdout.readline() == b"up\n"

    try:
        host.start({}, sh(host, INIT), before=serve)
        read = "exec 3<>/dev/tcp/127.0.0.1/8080; cat <&3"
        assert host.exec(["bash", "-c", read]).stdout == "hello"
    finally:
        for server in servers:
            end_process(server)
            server.stdout.close()


def test_a_person_has_a_terminal_in_which_tmux_works(make: MakeHost) -> None:
    host = make()
    host.start({}, sh(host, INIT))
    pty, process = host.terminal(["tmux", "new", "env -u TMUX bash --norc"], "coder")
    pty.send("echo in $((40 + 2))\n")
    pty.expect("in 42")
    pty.send("exit\n")
    assert process.wait(10) == 0
    pty.close()


def test_what_a_console_writes_is_drained_and_can_be_left_undrained(make: MakeHost) -> None:
    host = make()
    script = "yes $(seq 100) | head -c 1000000; echo; echo all; while :; do sleep 0.02; done"
    host.start({}, sh(host, script))
    host.console.expect("all")
    assert len(host.console.text.replace("\n", "")) > 990000
    host.console.pause()
    size = len(host.console.raw)
    host.exec(["sh", "-c", "timeout 1 sh -c 'yes >/proc/1/fd/1'; true"])
    assert len(host.console.raw) == size
    host.console.resume()
    host.console.expect("y\r*\ny")


def test_a_container_starts_and_ends_fast(make: MakeHost) -> None:
    host = make()
    host.start({}, sh(host, INIT))
    print(f"{host.kind}: {host.start_seconds * 1000:.0f} ms")
    began = time.monotonic()
    host.close()
    assert time.monotonic() - began < 5
    assert not host.leaks()


# A session of tests that is killed: it makes a host of the kind and waits.
SESSION = """import json, sys, time
from pathlib import Path
system, kind, tar, layers = sys.argv[1:]
sys.path.insert(0, system)
from hosts.host import Trees
from hosts.lxc import LxcHost
from hosts.podman import PodmanHost, PodmanStore
from hosts.process import namespace
from hosts.unshare import UnshareHost
trees = Trees(tuple(Path(p) for p in json.loads(layers)), Path(tar))
if kind == "podman":
    host = PodmanHost(trees, PodmanStore(trees))
    host.entrypoint = "/bin/sleep"
else:
    host = {"lxc": LxcHost, "unshare": UnshareHost}[kind](trees)
host.start({}, ["1000"] if kind == "podman" else ["/bin/sleep", "1000"])
print(namespace(host.pid, "pid"), flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("kind", ["lxc", "unshare", "podman"])
def test_no_container_outlives_a_session_that_is_killed(trees: Trees, kind: str) -> None:
    directory = tempfile.mkdtemp(prefix="hakim-k-")
    os.chmod(directory, 0o711)
    layers = json.dumps([str(layer) for layer in trees.layers])
    session = subprocess.Popen([sys.executable, "-c", SESSION, str(Path(__file__).parent), kind,
                                str(trees.tar), layers], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "TMPDIR": directory})
    try:
        assert session.stdout
        inside = session.stdout.readline().strip()
        assert inside.startswith("pid:") and members("pid", inside)
        session.kill()
        wait_until("the container is gone", lambda: not members("pid", inside))
        mounts = Path("/proc/self/mounts").read_text("utf-8")
        assert directory not in mounts
    finally:
        session.kill()
        session.wait()
        session.stdout.close()
        shutil.rmtree(directory, ignore_errors=True)
        # Only cgroups stay behind a kill: empty ones.
        wait_until("its cgroups are empty", lambda: remove_groups(
            [p for top in cgroup_roots() for p in [*top.glob(f"*hakim-{session.pid}-*"),
                                                   *top.glob(f"hakim-test-{session.pid}")]]))


class TestPty:
    """The terminal of the tests."""

    def test_expect_finds_in_order_and_says_what_it_saw(self) -> None:
        pty = Pty()
        process = pty.start(["sh", "-c", "echo one; echo two; read x; echo got $x"])
        pty.expect("one")
        pty.expect("two")
        pty.send("three\n")
        pty.expect("got three")
        with pytest.raises(TimeoutError, match="the console ended"):
            pty.expect("one")
        assert process.wait(5) == 0
        pty.close()
        pty.close()

    def test_the_size_is_set_and_a_change_is_signalled(self) -> None:
        pty = Pty(rows=30, columns=100)
        process = pty.start(["bash", "-c", "trap 'stty size' WINCH; stty size; "
                                           "while read -t 20 x; do :; done"])
        pty.expect("30 100")
        pty.resize(40, 120)
        pty.send("\n")
        pty.expect("40 120")
        end_process(process)
        pty.close()

    def test_control_c_reaches_the_program(self) -> None:
        pty = Pty()
        process = pty.start(["sh", "-c", "echo up; exec sleep 100"])
        pty.expect("up")
        pty.send("\x03")
        assert process.wait(5) == -signal.SIGINT
        pty.close()
