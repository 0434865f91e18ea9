"""The rows of the init alone: how large it is, what it adds to a program, how fast it reaps."""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from arena import PROBE, SERVICE, SUPERVISORS, Arena, Plain, Service, Supervisor, arena, settle
from kit import ROOT
from row import Row, Sample, Samples, collect, in_turns
from rows_services import cpu_seconds

from hosts.host import Host
from hosts.process import children, wait_until

BUILD = ROOT / "build"
TRUE = "/bin/true"
TRUE_COUNT = 50
ORPHANS = 8000
# What Debian's packages need besides libc is counted with them.
LIBC = ("libc.so", "ld-linux", "linux-vdso")
INITS = {"hakim-init": [str(BUILD / "hakim-init")], "tini": ["tini"], "tini-static": ["tini-static"],
         "dumb-init": ["dumb-init"], "catatonit": ["catatonit"]}
SETS = {"hakim-init": [str(BUILD / "hakim-init"), str(BUILD / "hakim-supervisor")],
        "runit": ["runsvdir", "runsv", "svlogd"], "s6": ["s6-svscan", "s6-supervise", "s6-log"]}


def not_here(name: str) -> str:
    """Which program of it is not installed."""
    programs = {*INITS.get(name, []), *SETS.get(name, [])}
    lacking = [p for p in sorted(programs) if not shutil.which(p)]
    return f"{', '.join(lacking)} is not installed (make deps-bench)" if lacking else ""


def stripped(program: str, scratch: Path) -> int:
    """The size without symbols, as the packages have it."""
    copy = scratch / "program"
    shutil.copy(shutil.which(program) or program, copy)
    subprocess.run(["strip", copy], check=True, capture_output=True)
    return copy.stat().st_size


def libraries(programs: Sequence[str]) -> int:
    """The size of what these are linked with, but for libc."""
    found = set()
    for program in programs:
        done = subprocess.run(["ldd", shutil.which(program) or program], capture_output=True, text=True, check=False)
        words = [line.split() for line in done.stdout.splitlines()]
        found |= {w[2] for w in words if len(w) > 2 and w[1] == "=>" and not w[0].startswith(LIBC)}
    return sum(os.stat(path).st_size for path in found)


def sizes(names: Sequence[str], _runs: int) -> Samples:
    """They do not change: measured once."""
    samples: Samples = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            for metric, table in (("init", INITS), ("supervisor with its logger", SETS)):
                if name in table:
                    total = sum(stripped(p, Path(scratch)) for p in table[name]) + libraries(table[name])
                    collect(samples, name, {metric: total / 1e3})
    return samples


def run_true(name: str) -> Sample:
    """The median of many runs of true as PID 1 or below it."""
    plain = ["--plain"] if name == "hakim-init" else []
    words = [] if name == "none" else [shutil.which(INITS[name][0]), *plain, "--"]
    done = subprocess.run([PROBE, "runs", str(TRUE_COUNT), *words, TRUE], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: {done.stderr}")
    found = sorted(int(line) / 1e6 for line in done.stdout.split())
    return {"run of true, median": found[len(found) // 2], "run of true, fastest tenth": found[len(found) // 10]}


PLAIN: dict[str, Supervisor] = {
    "hakim-init": Plain("hakim-init", "/usr/sbin/hakim-init", "--plain"), "tini": Plain("tini", "tini"),
    "dumb-init": Plain("dumb-init", "dumb-init"), "catatonit": Plain("catatonit", "catatonit"),
    "hakim-init with services": SUPERVISORS["hakim-init"], "s6": SUPERVISORS["s6"], "runit": SUPERVISORS["runit"]}


def is_dead(pid: int) -> bool:
    """Whether it is a zombie."""
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"


def is_there(pid: int) -> bool:
    """Also as a zombie."""
    return Path(f"/proc/{pid}").exists()


def reap(host: Host) -> Sample:
    """PID 1 is stopped until there are so many dead; the time from its going on to the last one's being gone."""
    parents = [pid for pid in host.processes() if os.readlink(f"/proc/{pid}/exe").endswith(SERVICE) and pid != host.pid]
    before = set(children(host.pid))
    os.kill(host.pid, signal.SIGSTOP)
    try:
        os.kill(parents[0], signal.SIGUSR1)
        wait_until("all orphans are PID 1's", lambda: len(children(host.pid)) >= len(before) + ORPHANS, 60, 0.05)
        dead = [pid for pid in children(host.pid) if pid not in before]
        wait_until("the last is dead", lambda: all(is_dead(pid) for pid in dead[-20:]), 10, 0.005)
        cpu = cpu_seconds(host.pid)
    finally:
        os.kill(host.pid, signal.SIGCONT)
    began = time.monotonic()
    last = [dead[0], dead[-1]]
    wait_until("all are reaped", lambda: not any(is_there(pid) for pid in last), 60, 0.0005)
    seconds = time.monotonic() - began
    cpu = cpu_seconds(host.pid) - cpu
    left = len(set(children(host.pid)) & set(dead))
    if left:
        wait_until("all are reaped", lambda: not set(children(host.pid)) & set(dead), 5, 0.05)
    return {"orphans reaped": ORPHANS / seconds, "CPU time of an orphan": cpu / ORPHANS * 1e6}


def orphan_host(stack: ExitStack, where: Arena, name: str) -> Host:
    """A container with somebody who leaves orphans."""
    supervisor = PLAIN[name]
    services = [] if isinstance(supervisor, Plain) else [Service("orphans", argv=("orphans", str(ORPHANS)))]
    host = stack.enter_context(where.host(supervisor, services, ORPHANS))
    wait_until("the one who leaves orphans is there", lambda: len(host.processes()) > 1, 30, 0.02)
    return host


def orphans(names: Sequence[str], runs: int) -> Samples:
    """A container each, in turns."""
    with ExitStack() as stack:
        where = stack.enter_context(arena())
        hosts = {name: orphan_host(stack, where, name) for name in names}
        settle()
        return in_turns(names, runs, lambda name: reap(hosts[name]))


ROWS = (
    Row("size", "Size", {"init": ("kB", False), "supervisor with its logger": ("kB", False)},
        dict.fromkeys([*INITS, "runit", "s6"], ""), sizes,
        "Stripped, with the libraries that a program is linked with, but for libc, which is in the image anyway. "
        "tini, dumb-init, runit and s6 are dynamic, so that what they use of libc is not in their size; it is in "
        "that of hakim-init, tini-static and catatonit, which are static. What hakim-supervisor does in one static "
        "program (units, readiness, sandboxes, logs, control) is not what runit and s6 do in three. supervisor is a "
        "Python program: not compared.",
        "hakim-init static, at most 100 KB", not_here),
    Row("true", "An init around /bin/true", {"run of true, median": ("ms", False),
                                             "run of true, fastest tenth": ("ms", False)},
        dict.fromkeys(["hakim-init", "tini", "tini-static", "dumb-init", "catatonit", "none"], ""),
        lambda names, runs: in_turns(names, runs, run_true),
        "`init -- /bin/true` as PID 1 of a new pid namespace, from the clone to the end, 50 a run. *none* is "
        "/bin/true as PID 1 itself: what is above it is the init's. hakim-init is `--plain`.",
        "no slower than tini, dumb-init, catatonit", lambda name: "" if name == "none" else not_here(name), ("none",)),
    Row("orphans", "Orphans reaped", {"orphans reaped": ("a second", True), "CPU time of an orphan": ("µs", False)},
        dict.fromkeys(PLAIN, ""), orphans,
        f"PID 1 is stopped while a process leaves {ORPHANS} dead ones to it; from SIGCONT until none of them is "
        "left. So nobody waits for forks, which are slower than any reaping. In an unprivileged LXC container. "
        "hakim-init is `--plain`; *with services* is PID 1 of a workspace, which looks at each before it reaps it.",
        "tini's rate or better, none lost", lambda name: PLAIN[name].missing(), ("hakim-init with services",)),
)
