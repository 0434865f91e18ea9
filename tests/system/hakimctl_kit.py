"""What the tests of hakimctl share: the packets of a healthy supervisor, and hakimctl itself."""
from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_supervisor import END, FakeSupervisor, Packet

ROOT = Path(__file__).resolve().parents[2]
CTL = ROOT / os.environ.get("HAKIM_BUILD", "build") / "hakimctl"
NOW = 192_000_000
MANAGER: dict[str, Any] = {
    "type": "manager", "version": "0.1.0", "state": "running", "place": "lxc", "init_pid": 1,
    "supervisor_pid": 7, "supervisor_starts": 1, "boot_realtime_us": 1_764_000_000_000_000,
    "now_us": NOW, "setup_us": 1800, "orphans": 0, "console_dropped": 0, "notes": []}
NOT_RAW = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]")
EVIL = "a\x1b[2J\x07\r\x7f\u009b31m\u202eb"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def unit(name: str, sub: str = "running", **more: Any) -> dict[str, Any]:
    """A unit packet; all is well with it unless `more` says otherwise."""
    active = {"running": "active", "exited": "active", "failed": "failed", "dead": "inactive",
              "skipped": "inactive", "auto-restart": "activating"}.get(sub, "activating")
    return {"type": "unit", "name": f"{name}.service", "description": f"The {name}",
            "file": f"/usr/lib/hakim/modules/{name}.service", "active": active, "sub": sub,
            "ready": sub == "running", "since_us": 5000, "pid": 123, "restarts": 0,
            "memory": 12_900_000, "tasks": 4, "cpu_us": 1000, "queued_us": 1900, "started_us": 2000,
            "exec_us": 2500, "ready_us": 50_000, "result": "success", "last_error": None,
            "status": None, "log": f"/var/log/hakim/{name}.log", "log_lost": 0,
            "log_suppressed": 0, "log_error": None, "notes": [],
            "tail": [], **more}


def scripted(*packets: Packet) -> Callable[[list[str]], Iterable[Packet]]:
    """The same packets for every request, and the end."""
    return lambda _words: [*packets, END]


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Path:
    """The supervisor's directory: short, and of a mode that hakimctl trusts."""
    place = tmp_path / "hakim"
    place.mkdir(mode=0o755)
    return place


@pytest.fixture(name="serve")
def _serve(place: Path) -> Iterator[Callable[..., FakeSupervisor]]:
    servers: list[FakeSupervisor] = []

    def start(answer: Callable[[list[str]], Iterable[Packet]]) -> FakeSupervisor:
        servers.append(FakeSupervisor(place, answer).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


def environment(place: Path, **more: str) -> dict[str, str]:
    """What hakimctl may know of this machine."""
    return {"HAKIM_RUNTIME_DIR": str(place), "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm",
            "PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=1", **more}


@pytest.fixture(name="ctl")
def _ctl(place: Path) -> Run:
    def run(*args: str, timeout: float = 20, stdout: Any = subprocess.PIPE,
            **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([CTL, *args], env=environment(place, **env), stdout=stdout,
                              stderr=subprocess.PIPE, encoding="utf-8", timeout=timeout,
                              check=False)
    return run


def on_terminal(place: Path, *args: str, columns: int = 80, **env: str) -> bytes:
    """What a terminal of that width gets."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([CTL, *args], env=environment(place, **env), stdin=theirs,
                             stdout=theirs, stderr=theirs)
    os.close(theirs)
    got = b""
    end = time.monotonic() + 20
    try:
        while time.monotonic() < end and select.select([ours], [], [], 20)[0]:
            try:
                got += os.read(ours, 65536)
            except OSError:  # EIO: the last one has closed it
                break
    finally:
        child.kill()
        child.wait()
        os.close(ours)
    return got.replace(b"\r\n", b"\n")


def one_sentence(done: subprocess.CompletedProcess[str], status: int, *says: str) -> None:
    """It failed with that exit status and one sentence on stderr in which these words are."""
    assert done.returncode == status, done
    assert done.stdout == "", done
    assert done.stderr.startswith("hakimctl: ") and done.stderr.count("\n") == 1, done.stderr
    for word in says:
        assert word in done.stderr
