"""How long two things take that somebody waits for: the boot, and a restart after a crash.

boot     from main() of PID 1 to the first ExecStartPre= of a service; that command is date, which tells the time,
         so its own start (the dynamic linker's work) is in it. The budget is 10 ms.
restart  from the SIGKILL of a service with RestartSec=0 to the execve of the next, as inotify tells it: its program
         was opened. The budget is 2 ms.

Run as root in a built tree: bench/latency.py [--rounds 20] [N …], N services run besides. The least is
what it costs, the median what it costs on this machine now.
"""
from __future__ import annotations

import argparse
import ctypes
import os
import select
import signal
import statistics
import sys
import time
from pathlib import Path

from kit import containers

from hakim import MODULES, comm, status
from hosts.lxc import LxcHost
from hosts.process import wait_until

NUMBERS = (0, 30, 125)
IN_OPEN = 0x20
PROGRAM = "/usr/bin/hakim-bench-sleep"  # nobody else opens it


def add_services(host: LxcHost, number: int) -> None:
    """The two that are looked at, and so many that run besides."""
    host.put_file(PROGRAM, (Path("/proc/self/root") / "bin" / "sleep").read_bytes(), 0o755)
    host.put_file(f"{MODULES}/aaa.service", "[Service]\nExecStartPre=/bin/date +%%s%%N\nExecStart=/bin/sleep 100000\n"
                  "StandardOutput=file:/run/first\n")
    host.put_file(f"{MODULES}/crash.service", f"[Service]\nRestart=always\nRestartSec=0\nExecStart={PROGRAM} 100000\n")
    for i in range(number):
        host.put_file(f"{MODULES}/s{i:04}.service", "[Service]\nExecStart=/bin/sleep 100000\n")


def service_of(host: LxcHost) -> dict:
    """The status of the one that is killed."""
    return status(host)["units"]["crash"]


class Opened:
    """Tells when a file was opened."""

    def __init__(self, path: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, path.encode(), IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "inotify", path)

    def wait(self, seconds: float) -> float:
        """CLOCK_MONOTONIC of the first since the last time."""
        if not select.select([self.fd], [], [], seconds)[0]:
            raise SystemExit(f"{PROGRAM} was not executed again")
        return time.monotonic()

    def forget(self) -> None:
        """Those until now do not count."""
        while select.select([self.fd], [], [], 0)[0]:
            os.read(self.fd, 4096)


def boot_ms(host: LxcHost) -> float:
    """See the head of the file."""
    began = status(host)["manager"]["boot_realtime_us"]
    return int(host.read_file("/run/first")) / 1e6 - began / 1e3


def restarts_ms(host: LxcHost, rounds: int) -> list[float]:
    """See the head of the file."""
    opened = Opened(f"/proc/{host.pid}/root{PROGRAM}")
    found = []
    for _ in range(rounds):
        before = service_of(host)["restarts"]
        pids = [pid for pid in host.processes() if comm(pid) == Path(PROGRAM).name[:15]]
        if len(pids) != 1:
            raise SystemExit("the service does not run once")
        opened.forget()
        began = time.monotonic()
        os.kill(pids[0], signal.SIGKILL)
        found.append((opened.wait(5) - began) * 1e3)
        wait_until("it runs again", lambda: service_of(host)["restarts"] > before and
                   service_of(host)["sub"] == "running", 10, 0.05)
    return found


def tell(number: int, what: str, values: list[float]) -> None:
    """One line."""
    print(f"{number:8}  {what:8} {min(values):9.2f} {statistics.median(values):9.2f} {max(values):9.2f}", flush=True)


def main() -> int:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description="How long a boot and a restart take.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("numbers", nargs="*", type=int, default=NUMBERS)
    options = parser.parse_args()
    with containers() as trees:
        print(f"{'services':>8}  {'what':8} {'least ms':>9} {'median ms':>9} {'most ms':>9}")
        for number in options.numbers:
            boots: list[float] = []
            restarts: list[float] = []
            for i in range(5):
                with LxcHost(trees) as host:
                    add_services(host, number)
                    host.start({}, tty=False)
                    wait_until("all run", lambda: status(host)["manager"]["state"] != "starting", 60, 0.1)
                    boots.append(boot_ms(host))
                    if i == 0:
                        restarts = restarts_ms(host, options.rounds)
                    if host.stop() != 0:
                        raise SystemExit("the container did not stop cleanly")
            tell(number, "boot", boots)
            tell(number, "restart", restarts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
