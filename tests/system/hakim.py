"""What the tests know of a container that hakim-init runs: its status, its processes, its logs."""
from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

from hosts.host import Host
from hosts.process import children, wait_until

MODULES = "/etc/hakim/modules"
SETTLED = ("active", "inactive", "failed")


def unit(host: Host, name: str, text: str) -> None:
    """Puts a unit file into the container, before or after its start."""
    host.put_file(f"{MODULES}/{name}", text)


def answers(host: Host) -> bool:
    """Whether there is a supervisor that answers (hakimctl(1): 5 says that there is none)."""
    return host.exec(["hakimctl", "status"], check=False).returncode != 5


def status(host: Host) -> dict[str, Any]:
    """`hakimctl status --json`, once it answers: "manager", and "units" by name without .service."""
    wait_until("the supervisor answers", lambda: answers(host), 10, 0.02)
    answer = json.loads(host.exec(["hakimctl", "status", "--json"]).stdout)
    answer["units"] = {u["name"].removesuffix(".service"): u for u in answer["units"]}
    return answer


def wait_units(host: Host, timeout: float = 30.0, **want: str) -> dict[str, Any]:
    """Waits until each named unit (_ for -) has the sub state, and returns the status."""
    found: dict[str, Any] = {}

    def holds() -> bool:
        if not answers(host):
            return False
        found.update(status(host))
        return all(found["units"].get(name.replace("_", "-"), {}).get("sub") == sub
                   for name, sub in want.items())
    try:
        wait_until(f"units are {want}", holds, timeout, 0.05)
    except TimeoutError as error:
        raise TimeoutError(f"{error}\n{json.dumps(found, indent=1)}\n{host.report()}") from error
    return found


def wait_trap(host: Host, *names: str, number: int = signal.SIGTERM) -> None:
    """Waits until the main process of each unit handles or ignores the signal: it is up before that."""
    def holds(name: str) -> bool:
        pid = status(host)["units"][name]["pid"]
        try:
            text = host.read_file(f"/proc/{pid}/status").decode()
        except OSError:
            return False
        masks = [int(line.split()[1], 16) for line in text.splitlines() if line.startswith(("SigIgn:", "SigCgt:"))]
        return any(mask >> (number - 1) & 1 for mask in masks)
    for name in names:
        wait_until(f"{name} has set its trap", lambda n=name: holds(n), 15, 0.02)


def switches(pid: int) -> int:
    """How often the threads of a process went to sleep."""
    return sum(int(line.split()[1]) for task in Path(f"/proc/{pid}/task").iterdir()
               for line in (task / "status").read_text("utf-8").splitlines() if line.startswith("voluntary_ctxt"))


def wait_idle(pid: int) -> None:
    """Waits until a process did nothing for half a second: what the boot and its last client have left it is done."""
    last = -1

    def idle() -> bool:
        nonlocal last
        before, last = last, switches(pid)
        return last == before
    wait_until("it is idle", idle, 20, 0.5)


def comm(pid: int) -> str:
    """The name of a process of this machine, "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8").strip()
    except OSError:
        return ""


def threads(pid: int) -> int:
    """How many threads a process has, 0 when it is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def supervisor(host: Host) -> int:
    """The supervisor's pid as we see it, 0 if there is none now.

    Between its clone and its execve a service looks the same, but has no thread for the logs.
    """
    found = [pid for pid in children(host.pid) if comm(pid) == "hakim-superviso"]
    return max(found, key=threads, default=0)


def wait_supervisor(host: Host, other_than: int = 0, timeout: float = 20.0) -> int:
    """Waits for a supervisor (another one), and returns its pid."""
    wait_until("there is a supervisor",
               lambda: supervisor(host) not in (0, other_than), timeout, 0.002)
    return supervisor(host)


def services(host: Host, name: str) -> list[int]:
    """Children of PID 1 with this program name, as we see them, once none is between its clone and its execve."""
    wait_until("all are executed", lambda: sum(
        comm(pid) == "hakim-superviso" for pid in children(host.pid)) <= 1, 10)
    return sorted(pid for pid in children(host.pid) if comm(pid) == name)


def zombies(host: Host) -> list[int]:
    """Processes of the container that nobody has reaped."""
    found = []
    for pid in host.processes():
        try:
            text = Path(f"/proc/{pid}/stat").read_text("utf-8")
        except OSError:
            continue
        if text.rpartition(")")[2].split()[0] == "Z":
            found.append(pid)
    return found


def environ(pid: int) -> bytes:
    """The initial environment of a process, b"" when it is gone."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def log_files(host: Host, name: str) -> list[str]:
    """The log of a service in the container, the oldest file first."""
    path = f"/var/log/hakim/{name}.log"
    rotated = [p for p in (f"{path}.{n}" for n in range(99, 0, -1)) if os.path.exists(host.root(p))]
    return [*rotated, path]


def check_numbered_log(host: Host, name: str) -> int:
    """Every line of a flood is there once, whole and in order, up to its END; the number of lines."""
    record = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z %s (END )?(\d+)\n" % name.encode())
    next_number = 0
    end = None
    for path in log_files(host, name):
        with open(host.root(path), "rb") as file:
            for line in file:
                match = record.fullmatch(line)
                assert match, f"{path}: torn: {line[:120]!r}"
                assert end is None, f"{path}: a line after the end: {line[:120]!r}"
                if match[1]:
                    end = int(match[2])
                    continue
                assert int(match[2]) == next_number, \
                    f"{path}: {match[2].decode()} where {next_number} should be"
                next_number += 1
    assert end == next_number, f"{name}: {end} lines were written, {next_number} are in its log"
    return next_number
