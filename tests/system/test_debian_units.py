"""Debian's own, unmodified units in an unprivileged LXC container: they start, are ready, restart and stop."""
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hakim import status
from hosts.host import Host
from hosts.process import wait_until

ROOT = Path(__file__).resolve().parents[2]
SYSTEMCTL = "/usr/lib/hakim/bin/systemctl"
# dockerd in an unprivileged container: no iptables there, and the bridge needs them. It is what Debian's unit itself
# reads (EnvironmentFile=-/etc/default/docker), not a change of the unit.
DOCKER_OPTS = 'DOCKER_OPTS="--iptables=false --ip6tables=false --bridge=none"\n'


@dataclass(frozen=True)
class Daemon:
    """A unit of Debian's, what asks it, in bash, and what it must say."""

    unit: str
    ask: str
    says: str
    sockets: tuple[str, ...] = ()  # would start it again when it is asked


def tcp(port: int, send: str, lines: int = 1) -> str:
    """A bash line that says something on a port and prints the first lines of the answer."""
    return f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf '{send}' >&3 && head -{lines} <&3"


# busybox has no Unix sockets, and there is no curl.
PING = ('$s = IO::Socket::UNIX->new("/run/docker.sock") or die; print $s "GET /_ping HTTP/1.0\\r\\n\\r\\n"; '
        "print <$s>")

DAEMONS = (
    Daemon("ssh.service", tcp(22, ""), "SSH-2.0-OpenSSH"),
    Daemon("cron.service", "pgrep -x cron", ""),
    Daemon("dbus.service", "dbus-send --system --print-reply --dest=org.freedesktop.DBus / "
           "org.freedesktop.DBus.GetId", "method return", ("dbus.socket",)),
    Daemon("nginx.service", tcp(80, r"GET / HTTP/1.0\r\n\r\n"), "200 OK"),
    Daemon("redis-server.service", tcp(6379, r"PING\r\n"), "+PONG"),
    Daemon("postgresql@17-main.service", "/usr/lib/postgresql/17/bin/pg_isready", "accepting connections"),
    Daemon("memcached.service", tcp(11211, r"version\r\n"), "VERSION 1."),
    Daemon("docker.service", f"perl -MIO::Socket::UNIX -e '{PING}' | grep -x OK && docker version", "Server:",
           ("docker.socket",)),
)


@pytest.fixture(name="host")
def _host(debian: Callable[[], Host]) -> Iterator[Host]:
    host = debian()
    host.put_file("/etc/default/docker", DOCKER_OPTS)
    host.start({}, tty=False)
    status(host)
    host.exec(["mount", "--make-rshared", "/"])
    yield host
    assert host.stop() == 0


def systemctl(host: Host, *words: str, check: bool = True) -> str:
    """What it prints."""
    return host.exec([SYSTEMCTL, *words], check=check, timeout=90).stdout


def answers(host: Host, daemon: Daemon) -> bool:
    """Whether it says what it must."""
    done = host.exec(["bash", "-c", daemon.ask], check=False)
    return done.returncode == 0 and daemon.says in done.stdout


def exe(pid: int) -> str:
    """The program of a process, "" when it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def start(host: Host, daemon: Daemon) -> None:
    """systemctl start."""
    done = host.exec([SYSTEMCTL, "start", daemon.unit], check=False, timeout=90)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("daemon", DAEMONS, ids=lambda d: d.unit.split(".")[0])
@pytest.mark.timeout(150)
def test_it_starts_is_ready_restarts_and_stops(host, daemon):
    before = set(host.processes())
    start(host, daemon)
    assert systemctl(host, "is-active", daemon.unit) == "active\n"
    # What says that it is ready answers at once; a simple one may need a moment.
    wait_until("it answers", lambda: answers(host, daemon), 15, 0.1)
    first = systemctl(host, "show", "-P", "MainPID", daemon.unit)
    assert int(first) > 1
    assert host.exec(["hakimctl", "restart", daemon.unit], timeout=90).returncode == 0
    wait_until("it answers again", lambda: answers(host, daemon), 15, 0.1)
    second = systemctl(host, "show", "-P", "MainPID", daemon.unit)
    assert int(second) > 1 and second != first
    assert systemctl(host, "show", "-P", "FragmentPath", daemon.unit).startswith("/usr/lib/systemd/system/")
    systemctl(host, "stop", *daemon.sockets, daemon.unit)
    assert systemctl(host, "is-active", daemon.unit, check=False) == "inactive\n"
    assert not answers(host, daemon)
    # containerd is a service of its own, which docker only wants.
    left = [exe(pid) for pid in host.processes() if pid not in before]
    assert not [program for program in left if "containerd" not in program], "no process of it is left"


@pytest.mark.timeout(400)
def test_nine_in_ten_of_debians_own_units_load():
    done = subprocess.run([sys.executable, ROOT / "tests" / "debian_units.py", "--quiet"], capture_output=True,
                          text=True, timeout=380, check=False)
    print(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
