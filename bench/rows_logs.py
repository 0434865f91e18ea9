"""The row of the logs: a service that writes as fast as it can, and what another one notices of it."""
from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Sequence
from datetime import datetime, timezone

from arena import FLOOD, SERVICE, STAMPS, SUPERVISORS, Service, arena, stamps
from row import Row, Sample, Samples, in_turns

from hosts.host import Host
from hosts.process import wait_until
from rows_services import missing

SECONDS = 2
TICK_US = 2000
FLOOD_SHELL = (f"sleep 1; {SERVICE} stamp {STAMPS}/flood.begin /usr/bin/timeout {SECONDS} {FLOOD}; "
               f"{SERVICE} stamp {STAMPS}/flood.end /bin/true; exec sleep 100000")
# "2026-11-24T03:07:08.123456Z tick 1…" of hakim; svlogd -ttt has no Z, s6-log's T a blank for the T, and nanoseconds.
TICK = re.compile(r"^(\d{4}-\d\d-\d\d)[T_ ](\d\d:\d\d:\d\d)\.(\d+)Z? +tick (\d+)$", re.M)


def delays(text: str, began: float, ended: float) -> list[float]:
    """Milliseconds from the write of each line to the time that the log has for it; all are of the wall clock."""
    found = []
    for day, clock, fraction, written in TICK.findall(text):
        at = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=timezone.utc).timestamp() + float(f"0.{fraction}")
        if began <= int(written) / 1e9 <= ended:
            found.append((at - int(written) / 1e9) * 1e3)
    return found


def tick_delays(host: Host, path: str, began: float, ended: float) -> Sample:
    """What the other one's lines were late by."""
    away = time.time() - time.monotonic()
    found = delays(host.read_file(path).decode(), began + away, ended + away)
    if not found:
        raise RuntimeError(f"{path} has no line of the second service")
    return {"delay of a second service, median": statistics.median(found),
            "delay of a second service, 95 %": statistics.quantiles(found, n=20)[-1] if len(found) > 1 else found[0]}


def lines_written(host: Host, path: str) -> int:
    """How many lines the flood had written when it was ended: the last line of its log says so."""
    found: list[str] = []

    def has_end() -> bool:
        with open(host.root(path), "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 200))
            found[:] = re.findall(r"flood END (\d+)\n", file.read().decode())
        return bool(found)
    wait_until(f"{path} has the last line", has_end, 30, 0.05)
    return int(found[-1])


def logs(names: Sequence[str], runs: int) -> Samples:
    """A container a run."""
    def once(name: str) -> Sample:
        supervisor = SUPERVISORS[name]
        services = [Service("flood", shell=FLOOD_SHELL, logged=True),
                    Service("tick", argv=("tick", str(TICK_US)), logged=True)]
        with where.host(supervisor, services) as host:
            wait_until("the flood has ended", lambda: bool(stamps(host, "flood.end")), 120, 0.05)
            began, ended = stamps(host, "flood.begin")[0], stamps(host, "flood.end")[0]
            count = lines_written(host, supervisor.log_file("flood"))
            result: dict[str, float] = {"lines": count / (ended - began) / 1e6}
            if name != "supervisor":
                result.update(tick_delays(host, supervisor.log_file("tick"), began, ended))
            return result
    with arena() as where:
        return in_turns(names, runs, once)


ROWS = (
    Row("logs", "Logs", {"lines": ("million a second", True), "delay of a second service, median": ("ms", False),
                         "delay of a second service, 95 %": ("ms", False)}, dict.fromkeys(SUPERVISORS, ""), logs,
        f"A service writes short lines for {SECONDS} s as fast as its pipe takes them, each of which gets its time: "
        "hakim's own log, svlogd -ttt, s6-log T, all with 8 MiB a file and four old ones, in memory (tmpfs). "
        f"Meanwhile a second service writes a line every {TICK_US / 1000:g} ms; its delay is from the write to the "
        "time in its log. runit and s6 have a logger of its own for each service, so that two processors work for "
        "them, and what sleeps mostly is woken at once. supervisor only copies bytes, without times and lines: it "
        "is no peer here.",
        "not slower than svlogd and s6-log, and no other service is delayed", missing, ("supervisor",)),
)
