"""Where the supervisors are compared: containers that differ in nothing but what is their PID 1.

The root is this machine's own, below the upper layers that a container writes to: the peers are those that are
installed here. The place is the one that hakim-init is for, an unprivileged LXC container, or bare namespaces
where LXC cannot run.

Each service is bench/probe: `run` of runit and s6 is a link to it, so that no shell is between, and in hakim's units
and supervisord's file it is the command. It writes the time when it is executed and when it ends: nobody has to look
often.
"""
from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kit import ROOT, containers

from hosts.host import PATH, Host, Trees
from hosts.lxc import LxcHost
from hosts.process import wait_until
from hosts.unshare import UnshareHost

PROBE = ROOT / "build/bench/probe"
SERVICE = "/usr/bin/bench-service"
FLOOD = "/usr/bin/bench-flood"
STAMPS = "/stamps"
LOGS = "/logs"
# What a container has of its own, whatever this machine has in its place.
EMPTY = ("run", "tmp", "root", "home", "var/log", "var/lib", "var/cache", "service", STAMPS[1:], LOGS[1:])
LOG_BYTES, LOG_KEEP = 8 << 20, 4  # hakim's own defaults


@dataclass(frozen=True)
class Service:
    """argv is the probe's, unless shell is what sh executes; logged: its output goes to a log of its own, with "
    "times."""

    name: str
    argv: tuple[str, ...] = ()
    shell: str = ""
    logged: bool = False

    @property
    def words(self) -> list[str]:
        """Its command line."""
        if self.shell:
            return ["/bin/sh", f"/scripts/{self.name}"]
        return [SERVICE, *(self.argv or ("service", f"{STAMPS}/{self.name}"))]


def sleepers(count: int) -> list[Service]:
    """So many that do nothing."""
    return [Service(f"s{i:03}") for i in range(count)]


class Supervisor:
    """One that starts services; the subclasses know how it is told of them."""

    name = ""
    needs: tuple[str, ...] = ()

    def init(self, count: int) -> list[str]:
        """What PID 1 is."""
        raise NotImplementedError

    def put(self, host: Host, services: Sequence[Service]) -> None:
        """Its configuration."""
        raise NotImplementedError

    def verb(self, verb: str, names: Sequence[str]) -> list[str]:
        """Its own command that starts or stops them, run in the container."""
        raise NotImplementedError

    def log_file(self, name: str) -> str:
        """Where the log of a service is."""
        return f"{LOGS}/{name}/current"

    def missing(self) -> str:
        """What of it is not installed, or ""."""
        lacking = ", ".join(n for n in self.needs if not shutil.which(n))
        return f"{lacking} is not installed (make deps-bench)" if lacking else ""


class Hakim(Supervisor):
    """hakim-init as it comes, with its supervisor."""

    name = "hakim-init"

    def init(self, count: int) -> list[str]:
        return ["/usr/sbin/hakim-init"]

    def put(self, host: Host, services: Sequence[Service]) -> None:
        for s in services:
            host.put_file(f"/etc/hakim/modules/{s.name}.service",
                          f"[Service]\nExecStart={' '.join(s.words)}\nRestart=always\nRestartSec=0\n")

    def verb(self, verb: str, names: Sequence[str]) -> list[str]:
        return ["hakimctl", verb, *names]

    def log_file(self, name: str) -> str:
        return f"/var/log/hakim/{name}.log"


class Directories(Supervisor):
    """runit and s6: a directory a service, with `run`, and `log/run` where it is logged."""

    logger = ""

    def put(self, host: Host, services: Sequence[Service]) -> None:
        for s in services:
            at = f"/service/{s.name}"
            if s.argv or s.shell:
                host.put_file(f"{at}/run", f"#!/bin/sh\nexec {' '.join(s.words)}\n", 0o755)
            else:
                folder = host.files / at.lstrip("/")
                folder.mkdir(parents=True)
                (folder / "run").symlink_to(SERVICE)
                (folder / "stamp").symlink_to(f"{STAMPS}/{s.name}")
                (folder / "stamp.end").symlink_to(f"{STAMPS}/{s.name}.end")
            if s.logged:
                host.put_file(f"{LOGS}/{s.name}/config", f"s{LOG_BYTES}\nn{LOG_KEEP}\n")
                host.put_file(f"{at}/log/run", f"#!/bin/sh\nexec {self.logger} {LOGS}/{s.name}\n", 0o755)


class Runit(Directories):
    """runsvdir as PID 1, a runsv for each service, a svlogd for each log."""

    name = "runit"
    needs = ("runsvdir", "runsv", "sv", "svlogd")
    logger = "svlogd -ttt"

    def init(self, count: int) -> list[str]:
        return ["/usr/bin/runsvdir", "-P", "/service"]

    def verb(self, verb: str, names: Sequence[str]) -> list[str]:
        return ["sv", {"start": "up", "stop": "down"}[verb], *(f"/service/{n}" for n in names)]


class S6(Directories):
    """s6-svscan as PID 1, an s6-supervise for each service, an s6-log for each log."""

    name = "s6"
    needs = ("s6-svscan", "s6-supervise", "s6-log")
    logger = f"s6-log T n{LOG_KEEP} s{LOG_BYTES}"

    def init(self, count: int) -> list[str]:
        return ["/usr/bin/s6-svscan", *(["-c", str(count * 2)] if count > 400 else []), "/service"]

    def verb(self, verb: str, names: Sequence[str]) -> list[str]:
        # s6-svc takes one service; what it does is to write this byte.
        letter = {"start": "u", "stop": "d"}[verb]
        return ["sh", "-c", f'for n; do printf {letter} >"/service/$n/supervise/control"; done', "sh", *names]


class Supervisord(Supervisor):
    """supervisord as PID 1."""

    name = "supervisor"
    needs = ("supervisord", "supervisorctl")

    def init(self, count: int) -> list[str]:
        return ["/usr/bin/python3", "/usr/bin/supervisord", "-n", "-c", "/etc/bench.conf"]

    def put(self, host: Host, services: Sequence[Service]) -> None:
        text = ("[unix_http_server]\nfile=/stamps/.ctl\n[supervisord]\nuser=root\nlogfile=/logs/supervisord\n"
                "pidfile=/logs/pid\nminfds=8192\n"
                "[rpcinterface:supervisor]\n"
                "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
                "[supervisorctl]\nserverurl=unix:///stamps/.ctl\n")
        for s in services:
            log = f"{LOGS}/{s.name}/current" if s.logged else "AUTO"
            if s.logged:
                host.put_file(f"{LOGS}/{s.name}/.keep", "")
            text += (f"[program:{s.name}]\ncommand={' '.join(s.words)}\nstartsecs=0\nautorestart=true\n"
                     f"redirect_stderr=true\nstdout_logfile={log}\nstdout_logfile_maxbytes={LOG_BYTES}\n"
                     f"stdout_logfile_backups={LOG_KEEP}\n")
        host.put_file("/etc/bench.conf", text)

    def verb(self, verb: str, names: Sequence[str]) -> list[str]:
        return ["supervisorctl", "-c", "/etc/bench.conf", verb, "all"]


SUPERVISORS = {s.name: s for s in (Hakim(), Runit(), S6(), Supervisord())}


class Plain(Supervisor):
    """An init that has one program, and services are none of its business."""

    def __init__(self, name: str, *words: str) -> None:
        self.name = name
        self.words = words
        self.needs = () if words[0].startswith("/usr/sbin/hakim") else (words[0],)

    def init(self, count: int) -> list[str]:
        return [shutil.which(self.words[0]) or self.words[0], *self.words[1:], "--", SERVICE, "orphans", str(count)]

    def put(self, host: Host, services: Sequence[Service]) -> None:
        """Nothing."""


class Arena:
    """Makes the containers."""

    def __init__(self, trees: Trees) -> None:
        self.trees = trees
        self.kind = UnshareHost if LxcHost.missing() else LxcHost

    @contextmanager
    def host(self, supervisor: Supervisor, services: Sequence[Service], number: int = 0) -> Iterator[Host]:
        """A container that was started, and all its services were executed if they are the sleeping ones."""
        host = self.kind(self.trees)
        # A directory of this machine has an owner whom the container does not know: above it lies one of its own.
        (host.files / "etc").mkdir()
        for name in EMPTY:
            (host.files / name).mkdir(parents=True)
            os.setxattr(host.files / name, "trusted.overlay.opaque", b"y")
        (host.files / "tmp").chmod(0o1777)
        host.put_file(SERVICE, PROBE.read_bytes(), 0o755)
        if any(s.shell for s in services):
            host.put_file(FLOOD, (ROOT / "build/helpers/flood").read_bytes(), 0o755)
        for s in services:
            if s.shell:
                host.put_file(f"/scripts/{s.name}", s.shell + "\n", 0o755)
        supervisor.put(host, services)
        # runsvdir waits for a second when the directory has just changed.
        os.utime(host.files / "service", (1e9, 1e9))
        with host:
            host.start({"PATH": PATH, "TZ": "UTC"},
                       [SERVICE, "stamp", f"{STAMPS}/.boot", *supervisor.init(number or len(services))], tty=False)
            waited = [s.name for s in services if not s.shell and not s.argv]
            try:
                wait_until(f"{supervisor.name} has executed all",
                           lambda: all(stamps(host, n) for n in waited), 60, 0.02)
            except TimeoutError as error:
                raise TimeoutError(f"{error}\n{host.report()}") from error
            yield host


@contextmanager
def arena() -> Iterator[Arena]:
    """Its containers have the programs that are built here, and no modules."""
    # overlayfs takes no layer that lies within another: what is above this machine's root must not be on its disk.
    before, tempfile.tempdir = tempfile.tempdir, "/dev/shm"
    try:
        with containers(Path("/"), keep=()) as trees:
            yield Arena(trees)
    finally:
        tempfile.tempdir = before


def stamps(host: Host, name: str) -> list[float]:
    """When something was executed, or has ended (.end): seconds of CLOCK_MONOTONIC."""
    try:
        return [int(line) / 1e9 for line in host.root(f"{STAMPS}/{name}").read_text("ascii").splitlines()]
    except OSError:
        return []


def own_processes(host: Host) -> list[int]:
    """All that are the supervisor's: not those of the services."""
    found = []
    for pid in host.processes():
        try:
            if Path(os.readlink(f"/proc/{pid}/exe")).name != Path(SERVICE).name:
                found.append(pid)
        except OSError:
            pass
    return found


def settle(seconds: float = 1.5) -> None:
    """What a start has left to do is done: all of them get the same time for it."""
    time.sleep(seconds)
