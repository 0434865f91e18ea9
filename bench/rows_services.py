"""The rows of the supervisors: memory, wake-ups, boot, restart, and many services."""
from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from arena import SERVICE, SUPERVISORS, arena, own_processes, settle, sleepers, stamps
from row import Row, Sample, Samples, collect, in_turns

from hakim import switches
from hosts.host import Host
from hosts.process import wait_until

NUMBERS = (0, 10, 30, 100)
IDLE_SECONDS = 5
MANY = 500
KILLS = 3


def missing(name: str) -> str:
    """What is not installed."""
    return SUPERVISORS[name].missing()


def rollup(pid: int) -> dict[str, float]:
    """Of /proc/PID/smaps_rollup, in kB."""
    lines = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()[1:]]
    return {words[0].rstrip(":"): float(words[1]) for words in lines}


def cpu_seconds(pid: int) -> float:
    """Of all threads; schedstat counts in nanoseconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks) / 1e9


def own_memory(host: Host, count: int) -> Sample:
    """All processes of the supervisor that are no services."""
    found = [rollup(pid) for pid in own_processes(host)]
    return {f"{count} services, shared pages once (PSS)": sum(f["Pss"] for f in found) / 1e3,
            f"{count} services, resident (RSS)": sum(f["Rss"] for f in found) / 1e3}


def memory(names: Sequence[str], runs: int) -> Samples:
    """All settle at the same time, each in its container."""
    samples: Samples = {}
    with arena() as where:
        for _ in range(runs):
            for count in NUMBERS:
                with ExitStack() as stack:
                    hosts = {n: stack.enter_context(where.host(SUPERVISORS[n], sleepers(count))) for n in names}
                    settle()
                    for name, host in hosts.items():
                        collect(samples, name, own_memory(host, count))
    return samples


def wakeups(names: Sequence[str], runs: int) -> Samples:
    """All wait at the same time, each in its container: nobody disturbs who sleeps."""
    samples: Samples = {}
    with ExitStack() as stack:
        where = stack.enter_context(arena())
        own = {name: own_processes(stack.enter_context(where.host(SUPERVISORS[name], sleepers(10)))) for name in names}
        settle(3)
        for _ in range(runs):
            before = {name: sum(map(switches, pids)) for name, pids in own.items()}
            time.sleep(IDLE_SECONDS)
            for name, pids in own.items():
                count = sum(map(switches, pids)) - before[name]
                collect(samples, name, {"wake-ups with 10 services": count * 60 / IDLE_SECONDS})
    return samples


def boot(names: Sequence[str], runs: int) -> Samples:
    """From the execve of PID 1 to that of the agent's."""
    samples: Samples = {}
    with arena() as where:
        for count in (1, 31):
            def once(name: str, count: int = count) -> Sample:
                with where.host(SUPERVISORS[name], sleepers(count)) as host:
                    began = stamps(host, ".boot")[0]
                    found = [stamps(host, s.name)[0] - began for s in sleepers(count)]
                return ({"one service": found[0] * 1e3} if count == 1 else
                        {"31 services, the first": min(found) * 1e3, "31 services, the last": max(found) * 1e3})
            for who, metrics in in_turns(names, runs, once).items():
                samples.setdefault(who, {}).update(metrics)
    return samples


def kill(host: Host) -> Sample:
    """From the SIGKILL to the execve of the next."""
    before = len(stamps(host, "s000"))
    pids = [pid for pid in host.processes() if os.readlink(f"/proc/{pid}/exe").endswith(SERVICE)]
    began = time.monotonic()
    os.kill(pids[0], signal.SIGKILL)
    wait_until("it runs again", lambda: len(stamps(host, "s000")) > before, 10, 0.002)
    return {"SIGKILL to the next execve": (stamps(host, "s000")[before] - began) * 1e3}


def restart(names: Sequence[str], runs: int) -> Samples:
    """A container each; between two kills all have run for longer than a second: runit and s6 delay those that did "
    "not."""
    samples: Samples = {}
    with ExitStack() as stack:
        where = stack.enter_context(arena())
        hosts = {name: stack.enter_context(where.host(SUPERVISORS[name], sleepers(1))) for name in names}
        for _ in range(runs * KILLS):
            settle(1.3)
            for who, metrics in in_turns(names, 1, lambda name: kill(hosts[name])).items():
                for value in metrics.values():
                    collect(samples, who, {key: value[0] for key, value in metrics.items()})
    return samples


def command(host: Host, name: str, verb: str, kind: str) -> float:
    """Seconds from the supervisor's own command to the last service."""
    names = [s.name for s in sleepers(MANY)]
    before = {n: len(stamps(host, n + kind)) for n in names}
    began = time.monotonic()
    host.exec(SUPERVISORS[name].verb(verb, names), timeout=240)
    wait_until(f"all did {verb}", lambda: all(len(stamps(host, n + kind)) > before[n] for n in names), 240, 0.05)
    return max(stamps(host, n + kind)[-1] for n in names) - began


def many(names: Sequence[str], runs: int) -> Samples:
    """Boot, stop and start."""
    def once(name: str) -> Sample:
        with where.host(SUPERVISORS[name], sleepers(MANY)) as host:
            began = stamps(host, ".boot")[0]
            booted = max(stamps(host, s.name)[0] for s in sleepers(MANY)) - began
            settle()
            stopped = command(host, name, "stop", ".end")
            settle()
            own = own_processes(host)
            cpu = sum(map(cpu_seconds, own))
            started = command(host, name, "start", "")
            return {"boot until all run": booted, "stop": stopped, "start": started,
                    "start, CPU time of the supervisor": sum(map(cpu_seconds, own)) - cpu}
    with arena() as where:
        return in_turns(names, runs, once)


WHO = dict.fromkeys(SUPERVISORS, "")
SAME = "All in unprivileged LXC containers with this machine's own root; the service is the same static program. "
ROWS = (
    Row("memory", "Memory", {f"{n} services, {kind}": ("MB", False) for n in NUMBERS
                             for kind in ("shared pages once (PSS)", "resident (RSS)")},
        WHO, memory,
        SAME +
        "All processes that are not the services', PID 1 among them. hakim-init and supervisor keep a log of each "
        "service; runit and s6 do not here: with a logger for each they would have twice the processes. RSS counts "
        "libc in each process of runit and s6; PSS divides what is shared, also with processes that have nothing to "
        "do with it, which is to the good of the dynamic ones.",
        "hakim-init at most 150 kB resident, its supervisor at most 1.5 MB with 30 services", missing),
    Row("wakeups", "Wake-ups when idle", {"wake-ups with 10 services": ("a minute", False)}, WHO, wakeups,
        SAME +
        f"Voluntary context switches of all threads that are the supervisor's, in {IDLE_SECONDS} s.", "0", missing),
    Row("boot", "Boot to the agent's execve", {"one service": ("ms", False), "31 services, the first": ("ms", False),
                                               "31 services, the last": ("ms", False)}, WHO, boot,
        SAME +
        "From the execve of PID 1 to that of the service: the probe says when both were. hakim-init mends the "
        "container meanwhile (docs/quirks.md), and makes a cgroup for each service, which nobody else does.",
        "at most 10 ms to the first execve in LXC (systemd there, measured earlier: 160 to 183 ms)", missing),
    Row("restart", "Restart", {"SIGKILL to the next execve": ("ms", False)}, WHO, restart,
        SAME +
        f"{KILLS} kills a run, more than a second apart: runit waits for a second when a service has run for less, s6 "
        "after each end, also here.", "at most 2 ms with RestartSec=0", missing),
    Row("many", f"{MANY} services", dict.fromkeys(
        ("boot until all run", "stop", "start", "start, CPU time of the supervisor"), ("s", False)), WHO, many,
        SAME +
        "By the supervisor's own command for all of them, until the last has executed, or ended. s6-svc takes one "
        "service: what it writes is written by a shell. On a machine that has other work the 500 supervising "
        "processes of runit and s6 get 500 shares of the processors, and hakim-init and supervisor one: the CPU "
        "time does not know that.",
        "", missing),
)
