"""PID 1 is small and sleeps."""
from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from hakim import supervisor, unit, wait_idle, wait_units
from hosts.process import wait_until
from quirk_kit import quirks

IDLE_SECONDS = 10


def memory_kb(pid: int) -> int:
    """VmRSS."""
    return int(re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"), re.M)[1])


def system_calls(pid: int, seconds: int) -> int:
    """How many system calls all threads of a process begin in so many seconds."""
    wait_idle(pid)
    done = subprocess.run(["timeout", "--signal=INT", str(seconds), "strace", "-f", "-qq", "-o", "/dev/stdout",
                           "-p", str(pid)], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if "restart_syscall" not in line]
    # The call in which it sleeps when strace comes and goes is shown, unfinished.
    return len([line for line in lines if "epoll_wait" not in line and "epoll_pwait" not in line])


def test_pid_1_and_the_supervisor_do_nothing_when_nothing_happens(lxc, helpers):
    host = lxc()
    for i in range(5):
        unit(host, f"s{i}.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    wait_units(host, home="exited", **{f"s{i}": "running" for i in range(5)})
    quirks(host)
    assert system_calls(host.pid, IDLE_SECONDS) == 0
    assert system_calls(supervisor(host), IDLE_SECONDS // 2) == 0
    assert host.stop() == 0


def test_it_meets_its_budgets_of_size_and_memory(lxc, helpers):
    build = helpers.parent
    host = lxc()
    for i in range(30):
        unit(host, f"s{i}.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    wait_units(host, **{f"s{i}": "running" for i in range(30)})
    if build.name == "sanitize":
        return
    assert os.path.getsize(build / "hakim-init") <= 100_000
    print(f"hakim-init {os.path.getsize(build / 'hakim-init')} bytes, {memory_kb(host.pid)} kB; "
          f"supervisor {memory_kb(supervisor(host))} kB with 30 services")
    assert memory_kb(host.pid) <= 150
    # What answering the status has taken is given back when the client has gone.
    wait_until("the supervisor is small", lambda: memory_kb(supervisor(host)) <= 1536, 2)
    assert host.stop() == 0
