"""Sockets: traffic starts a service, which gets them; they outlive the service and the supervisor."""
from __future__ import annotations

import os
import re
import resource
import select
import signal
import socket
import stat
import time

import pytest

from hakim import comm, log_files, status, threads, unit, wait_supervisor, wait_units
from hosts.process import children, wait_until

PATH = "/run/echo.sock"
SERVICE = "[Service]\nExecStart=/usr/local/bin/listener {options}\n{more}"


def container(lxc, helpers, name="echo", listen=f"ListenStream={PATH}", options="", more="", socket_more=""):
    """A container with NAME.socket and NAME.service, which is the listener of tests/helpers."""
    host = lxc()
    host.put_file("/usr/local/bin/listener", (helpers / "listener").read_bytes(), mode=0o755)
    unit(host, f"{name}.socket", f"[Socket]\n{listen}\n{socket_more}")
    unit(host, f"{name}.service", SERVICE.format(options=options, more=more))
    return host


def connect(host, path=PATH, timeout=10.0):
    """A connection to a Unix socket of the container."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(timeout)
    client.connect(str(host.root(path)))
    return client


def ask(host, text, path=PATH):
    """One line to the server, and its answer."""
    with connect(host, path) as client:
        client.sendall(text.encode() + b"\n")
        return client.makefile().readline().strip()


def facts(answer):
    """The words NAME=VALUE of "info"."""
    return dict(word.split("=", 1) for word in answer.split())


def log(host, name="echo"):
    """What the service has written so far."""
    text = b""
    for path in log_files(host, name):
        if os.path.exists(host.root(path)):
            with open(host.root(path), "rb") as file:
                text += file.read()
    return text.decode()


def wait_log(host, text, name="echo"):
    """Waits until the service has said it."""
    wait_until(f"{name} says {text!r}", lambda: text in log(host, name), 10, 0.02)


def booted(host, **want):
    """Starts the container and waits for its units."""
    host.start({}, tty=False)
    return wait_units(host, **want)


def sub(host, name):
    """The sub state of a unit."""
    return status(host)["units"][name]["sub"]


def only_supervisor(host):
    """The supervisor, at a moment when no child of it is between its clone and its execve."""
    found: list[int] = []

    def alone() -> bool:
        found[:] = [pid for pid in children(host.pid) if comm(pid) == "hakim-superviso"]
        # Also when there is no supervisor a service may be on its way; it has no thread for the logs.
        return len(found) == 1 and threads(found[0]) > 1

    wait_until("the supervisor is alone", alone, 20)
    return found[0]


def cpu_ticks(pid):
    """User and system time of a process so far, in ticks."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_connection_starts_the_service_which_gets_the_socket(lxc, helpers):
    host = container(lxc, helpers, socket_more="SocketMode=0606\nFileDescriptorName=front\n")
    booted(host, echo="dead", **{"echo.socket": "listening"})
    mode = os.stat(host.root(PATH)).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o606
    found = facts(ask(host, "info"))
    assert found["fds"] == "1" and found["names"] == "front"
    assert found["listen_pid"] == found["pid"]
    assert sub(host, "echo") == "running"
    assert ask(host, "hello") == "hello"
    assert host.stop() == 0


def test_a_datagram_and_a_fifo_start_it_too(lxc, helpers):
    host = container(lxc, helpers, listen="ListenDatagram=/run/d\nListenFIFO=/run/f\nListenStream=127.0.0.1:4000\n"
                     "ListenSequentialPacket=@abstract", options="--idle 300")
    booted(host, echo="dead", **{"echo.socket": "listening"})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(b"by datagram", str(host.root("/run/d")))
    wait_log(host, "got: by datagram")
    assert "fds=4 names=echo.socket:echo.socket:echo.socket:echo.socket" in log(host)
    wait_units(host, echo="dead")
    with open(str(host.root("/run/f")), "w", encoding="utf-8") as fifo:
        fifo.write("by fifo\n")
    wait_log(host, "got: by fifo")
    wait_units(host, echo="dead")
    host.exec(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/4000; echo by tcp >&3; read -r a <&3; [ \"$a\" = 'by tcp' ]"])
    assert host.stop() == 0


def test_no_connection_is_refused_while_the_service_restarts(lxc, helpers):
    host = container(lxc, helpers, more="Restart=always\nRestartSec=0\n")
    booted(host, **{"echo.socket": "listening"})
    pids = set()
    for _ in range(5):
        for _ in range(10):
            pids.add(facts(ask(host, "info"))["pid"])
        # A connection that is accepted and not answered is the server's loss, not the socket's.
        with connect(host) as client:
            client.sendall(b"exit 0\n")
    assert len(pids) == 5
    host.exec(["hakimctl", "restart", "echo"])
    assert ask(host, "still there") == "still there"
    assert host.stop() == 0


def test_the_socket_outlives_kill_9_of_the_supervisor(lxc, helpers):
    host = container(lxc, helpers, options="--idle 3000")
    booted(host, echo="dead", **{"echo.socket": "listening"})
    inode = os.stat(host.root(PATH)).st_ino
    for _ in range(3):
        old = only_supervisor(host)
        os.kill(old, signal.SIGKILL)
        # While there is none it is PID 1's, and the connection waits.
        with connect(host) as client:
            client.sendall(b"info\n")
            assert facts(client.makefile().readline())["fds"] == "1"
        wait_supervisor(host, other_than=old)
        wait_units(host, echo="dead")
    assert os.stat(host.root(PATH)).st_ino == inode, "it was never bound anew"
    old = only_supervisor(host)
    pid = facts(ask(host, "info"))["pid"]
    os.kill(old, signal.SIGKILL)
    wait_supervisor(host, other_than=old)
    wait_units(host, echo="running", **{"echo.socket": "listening"})
    assert facts(ask(host, "info"))["pid"] == pid, "the service that runs keeps it"
    assert host.stop() == 0


def test_the_supervisor_does_not_look_while_the_service_runs(lxc, helpers):
    host = lxc()
    unit(host, "deaf.socket", f"[Socket]\nListenStream={PATH}\n")
    unit(host, "deaf.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    booted(host, deaf="dead", **{"deaf.socket": "listening"})
    pid = only_supervisor(host)
    with connect(host):
        wait_units(host, deaf="running")
        before = cpu_ticks(pid)
        # As long as somebody waits there the kernel says so; the supervisor must not ask.
        time.sleep(1)
        assert cpu_ticks(pid) - before <= 2
    assert host.stop() == 0


def test_a_service_that_fails_at_once_is_given_up(lxc, helpers):
    host = container(lxc, helpers, options="--fail", more="[Unit]\nStartLimitIntervalSec=0\n",
                     socket_more="TriggerLimitIntervalSec=60\n")
    booted(host, echo="dead", **{"echo.socket": "listening"})
    with connect(host):
        found = wait_units(host, **{"echo.socket": "failed"})
    assert found["units"]["echo.socket"]["result"] == "trigger-limit-hit"

    def starts() -> int:
        return len(re.findall(r"pid=\d+ listen_pid", log(host)))
    wait_until("it was started more than once", lambda: starts() > 1, 10)
    assert starts() <= 20
    with pytest.raises(ConnectionRefusedError):
        connect(host)
    # Its left-over is in nobody's way.
    host.exec(["hakimctl", "start", "echo.socket"], check=False)
    wait_until("it listens again", lambda: sub(host, "echo.socket") in ("listening", "failed"), 5)
    assert host.stop() == 0


def test_a_service_started_by_hand_gets_its_sockets_too(lxc, helpers):
    host = container(lxc, helpers, more="Sockets=more.socket\n")
    unit(host, "more.socket", "[Socket]\nListenStream=/run/more.sock\nService=echo.service\nFileDescriptorName=more\n")
    booted(host, echo="dead", **{"echo.socket": "listening", "more.socket": "listening"})
    host.exec(["hakimctl", "start", "echo"])
    found = facts(ask(host, "info", "/run/more.sock"))
    assert found["names"] == "echo.socket:more"
    assert host.stop() == 0


def test_a_socket_without_its_service_says_so(lxc, helpers):
    host = lxc()
    unit(host, "alone.socket", f"[Socket]\nListenStream={PATH}\n")
    found = booted(host, **{"alone.socket": "failed"})
    assert "alone.service" in found["units"]["alone.socket"]["last_error"]
    assert host.stop() == 0


def test_its_file_goes_at_a_stop_if_it_is_to(lxc, helpers):
    host = container(lxc, helpers, socket_more="RemoveOnStop=yes\nSymlinks=/run/link.sock\n")
    booted(host, echo="dead", **{"echo.socket": "listening"})
    assert os.readlink(host.root("/run/link.sock")) == PATH
    host.exec(["hakimctl", "stop", "echo.service", "echo.socket"])
    wait_units(host, **{"echo.socket": "dead"})
    assert not os.path.lexists(host.root(PATH))
    assert not os.path.lexists(str(host.root("/run/link.sock")))
    assert host.stop() == 0


def test_stored_fds_come_back_behind_the_sockets_and_outlive_the_supervisor(lxc, helpers):
    host = container(lxc, helpers, options="--store first", more="FileDescriptorStoreMax=2\nRestart=always\n"
                     "RestartSec=0\nOpenFile=/etc/hostname:host:read-only,graceful\n")
    host.put_file("/etc/hostname", "x\n")
    booted(host, echo="dead", **{"echo.socket": "listening"})
    found = facts(ask(host, "info"))
    assert found["names"] == "echo.socket:host", "nothing is stored yet"
    old = only_supervisor(host)
    os.kill(old, signal.SIGKILL)
    wait_supervisor(host, other_than=old)
    wait_units(host, echo="running")
    with connect(host) as client:
        client.sendall(b"exit 1\n")
    assert facts(ask(host, "info"))["names"] == "echo.socket:kept:host"
    wait_log(host, "stored: first")
    host.exec(["hakimctl", "restart", "echo"])
    assert facts(ask(host, "info"))["names"] == "echo.socket:kept:kept:host"
    # A third one is over the limit.
    host.exec(["hakimctl", "restart", "echo"])
    assert facts(ask(host, "info"))["names"] == "echo.socket:kept:kept:host"
    assert ask(host, "drop") == "drop"
    host.exec(["hakimctl", "stop", "echo"])
    wait_units(host, echo="dead")
    assert facts(ask(host, "info"))["names"] == "echo.socket:host", "a stop gives them free"
    assert host.stop() == 0


def accepting(lxc, service="ExecStart=/bin/cat\nStandardInput=socket\n", more=""):
    """A container that gives each connection a service of its own."""
    host = lxc()
    unit(host, "cat.socket", f"[Socket]\nListenStream={PATH}\nAccept=yes\n{more}")
    unit(host, "cat@.service", f"[Service]\n{service}")
    booted(host, **{"cat.socket": "listening"})
    return host


def instances(host):
    """The services of connections there are now."""
    return sorted(name for name in status(host)["units"] if name.startswith("cat@"))


def exchange(client, text):
    """One line there and back."""
    client.sendall(text.encode() + b"\n")
    return client.makefile().readline().strip()


def test_each_connection_gets_a_service_of_its_own(lxc):
    host = accepting(lxc)
    with connect(host) as one, connect(host) as two:
        assert exchange(one, "first") == "first"
        assert exchange(two, "second") == "second"
        assert len(instances(host)) == 2
    wait_until("both have been forgotten", lambda: not instances(host), 10, 0.05)
    for i in range(30):
        with connect(host) as client:
            assert exchange(client, f"line {i}") == f"line {i}"
    wait_until("none is left", lambda: not instances(host), 10, 0.05)
    logs = host.exec(["sh", "-c", "ls /var/log/hakim"]).stdout
    assert "cat@" not in logs, "no log a connection"
    assert host.stop() == 0


def test_connections_are_limited(lxc):
    host = accepting(lxc, more="MaxConnections=2\n")
    with connect(host) as one, connect(host) as two:
        assert exchange(one, "a") == "a" and exchange(two, "b") == "b"
        with connect(host) as third:
            assert third.recv(1) == b"", "it is closed at once"
        assert exchange(one, "still") == "still"
    wait_until("both have gone", lambda: not instances(host), 10, 0.05)
    with connect(host) as again:
        assert exchange(again, "now there is room") == "now there is room"
    assert host.stop() == 0


def test_connections_of_one_source_are_limited(lxc):
    host = lxc()
    unit(host, "cat.socket", "[Socket]\nListenStream=4001\nAccept=yes\nMaxConnectionsPerSource=1\n")
    unit(host, "cat@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n")
    booted(host, **{"cat.socket": "listening"})
    script = """
        say() { echo "$1" >&$2 && read -r -t 10 line <&$2 && echo "$line" || echo closed; }
        exec 3<>/dev/tcp/127.0.0.1/4001; say first 3
        exec 4<>/dev/tcp/127.0.0.1/4001; say second 4
        exec 5<>/dev/tcp/::1/4001; say other 5
        say still 3"""
    for _ in range(2):
        assert host.exec(["bash", "-c", script]).stdout.split() == ["first", "closed", "other", "still"]
        wait_until("there is room again", lambda: not instances(host), 10, 0.05)
    assert host.stop() == 0


def test_connections_outlive_the_supervisor_and_a_reload(lxc):
    host = accepting(lxc)
    with connect(host) as client:
        assert exchange(client, "before") == "before"
        old = only_supervisor(host)
        os.kill(old, signal.SIGKILL)
        with connect(host) as waiting:
            waiting.sendall(b"meanwhile\n")
            wait_supervisor(host, other_than=old)
            assert waiting.makefile().readline() == "meanwhile\n"
        assert exchange(client, "after") == "after"
        host.exec(["hakimctl", "reload"])
        assert exchange(client, "after the reload") == "after the reload"
    wait_until("all have been forgotten", lambda: not instances(host), 10, 0.05)
    assert host.stop() == 0


def test_a_connection_may_come_as_an_fd_with_the_peers_address(lxc):
    host = lxc()
    unit(host, "cat.socket", "[Socket]\nListenStream=127.0.0.1:4001\nAccept=yes\n")
    unit(host, "cat@.service", "[Service]\n"
         "ExecStart=/bin/sh -c 'echo said; echo $$REMOTE_ADDR $$LISTEN_FDS $$LISTEN_FDNAMES >&3'\n")
    booted(host, **{"cat.socket": "listening"})
    answer = host.exec(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/4001; cat <&3"]).stdout
    assert answer.split() == ["127.0.0.1", "1", "connection"]
    path = status(host)["units"]["cat.socket"]["log"]
    assert path == "/var/log/hakim/cat.socket.log"
    wait_until("what it says is in the log of the socket",
               lambda: b" said\n" in host.read_file(path), 10, 0.02)
    assert host.stop() == 0


def test_a_service_that_fails_for_each_connection_does_not_spin(lxc):
    host = accepting(lxc, service="ExecStart=/bin/false\n", more="TriggerLimitBurst=5\nTriggerLimitIntervalSec=30\n")
    for _ in range(5):
        with connect(host) as client:
            assert client.recv(1) == b""
    with connect(host):
        found = wait_units(host, **{"cat.socket": "failed"})
    assert found["units"]["cat.socket"]["result"] == "trigger-limit-hit"
    assert host.stop() == 0


def test_the_sockets_outlive_a_supervisor_that_crashes_on_its_own_state(lxc, helpers):
    host = container(lxc, helpers)
    booted(host, echo="dead", **{"echo.socket": "listening"})
    inode = os.stat(host.root(PATH)).st_ino
    old = 0
    # The sixth start is without the old state, docs/design.md.
    for _ in range(6):
        old = wait_supervisor(host, other_than=old)
        os.kill(old, signal.SIGSEGV)
    wait_supervisor(host, other_than=old)
    found = facts(ask(host, "info"))
    assert found["fds"] == "1" and found["listen_pid"] == found["pid"]
    assert os.stat(host.root(PATH)).st_ino == inode
    assert host.stop() == 0


def test_without_a_free_fd_a_connection_waits_and_nothing_spins(lxc):
    host = accepting(lxc)
    pid = only_supervisor(host)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used: set[int] = set()

    def settled() -> bool:
        before = used.copy()
        used.clear()
        used.update(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
        return used == before

    # The last question about its status has fds of its own.
    wait_until("it opens and closes nothing", settled, 10, 0.2)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(set(range(1000)) - used), limits[1]))
    with connect(host) as client:
        client.sendall(b"late\n")
        before = cpu_ticks(pid)
        time.sleep(1)
        assert cpu_ticks(pid) - before <= 5
        said = client.recv(100) if select.select([client], [], [], 0)[0] else None
        assert said is None, f"neither answered nor closed, but {said!r}"
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        assert client.makefile().readline() == "late\n"
    assert host.stop() == 0


def test_nothing_is_left_in_pid_1_after_all_that(lxc, helpers):
    host = container(lxc, helpers, options="--store text", more="FileDescriptorStoreMax=4\nRestart=always\n"
                     "RestartSec=0\nStartLimitIntervalSec=0\n", socket_more="TriggerLimitIntervalSec=0\n")
    unit(host, "cat.socket", "[Socket]\nListenStream=/run/cat.sock\nAccept=yes\n")
    unit(host, "cat@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n")
    booted(host, echo="dead", **{"cat.socket": "listening", "echo.socket": "listening"})

    def kept():
        return len(os.listdir(f"/proc/{host.pid}/fd"))
    ask(host, "info")
    with connect(host, "/run/cat.sock") as client:
        assert exchange(client, "x") == "x"
    host.exec(["hakimctl", "stop", "echo.service"])
    wait_until("none is left", lambda: not instances(host), 10, 0.05)
    before = kept()
    for i in range(8):
        old = only_supervisor(host)
        with connect(host, "/run/cat.sock") as client:
            assert exchange(client, "x") == "x"
            ask(host, "exit 1" if i % 2 else "info")
            os.kill(old, signal.SIGKILL)
            assert exchange(client, "still") == "still"
        wait_supervisor(host, other_than=old)
    host.exec(["hakimctl", "stop", "echo.service"])
    wait_units(host, echo="dead")
    wait_until("none is left", lambda: not instances(host), 10, 0.05)
    assert kept() == before
    assert host.stop() == 0


def test_a_users_socket_is_made_with_the_users_rights(lxc, helpers):
    host = container(lxc, helpers)
    home = "/home/coder/.config/systemd/user"
    for name, path in (("mine", "/home/coder/s/mine.sock"), ("theirs", "/etc/theirs.sock")):
        host.put_file(f"{home}/{name}.socket", f"[Socket]\nListenStream={path}\n", owner=1000)
        host.put_file(f"{home}/{name}.service", "[Service]\nExecStart=/usr/local/bin/listener\n", owner=1000)
    host.start({}, tty=False)
    host.exec(["chown", "-R", "coder:", "/home/coder"])
    wait_units(host, **{"echo.socket": "listening"})
    host.exec(["hakimctl", "start", "user:mine.socket"])
    host.exec(["hakimctl", "start", "user:theirs.socket"], check=False)
    found = wait_units(host, **{"user:mine.socket": "listening", "user:theirs.socket": "failed"})["units"]
    assert "ermission denied" in found["user:theirs.socket"]["last_error"]
    made = os.stat(host.root("/home/coder/s/mine.sock"))
    assert made.st_uid == os.stat(host.root("/home/coder")).st_uid
    assert stat.S_IMODE(made.st_mode) == 0o666
    assert facts(ask(host, "info", "/home/coder/s/mine.sock"))["fds"] == "1"
    assert host.stop() == 0


def test_twenty_sockets_that_restart_while_supervisors_die_are_there_in_the_end(lxc, helpers):
    listen = "\n".join(f"ListenStream=/run/s{i}.sock" for i in range(20))
    host = container(lxc, helpers, listen=listen, options="--store a", socket_more="TriggerLimitIntervalSec=0\n"
                     "RemoveOnStop=yes\n", more="FileDescriptorStoreMax=9\nFileDescriptorStorePreserve=yes\n"
                     "Restart=always\nRestartSec=0\nStartLimitIntervalSec=0\n")
    booted(host, **{"echo.socket": "listening"})
    before = len(os.listdir(f"/proc/{host.pid}/fd"))
    for i in range(30):
        old = only_supervisor(host)
        host.exec(["sh", "-c", "hakimctl restart --no-block echo.socket; hakimctl restart --no-block echo.service"],
                  check=False)
        # From before the first action of it to after the last, whatever this machine is doing.
        time.sleep(i * 0.0002)
        os.kill(old, signal.SIGKILL)
        wait_supervisor(host, other_than=old)
    wait_units(host, **{"echo.socket": "listening"})
    for i in range(20):
        names = facts(ask(host, "info", f"/run/s{i}.sock"))["names"].split(":")
        assert names[:20] == ["echo.socket"] * 20 and set(names[20:]) == {"kept"}
    # Its sockets, what it has stored, its log and its notify socket.
    assert len(os.listdir(f"/proc/{host.pid}/fd")) <= before + 9 + 4
    assert host.stop() == 0
