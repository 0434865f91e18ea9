"""What N services cost the supervisor and PID 1: start, stop, and start again, in CPU time and wall time.

Run as root in a built tree: bench/services.py [N …]. One line a number of services; the
last column is the CPU time a service, divided by that of the smallest number: about 1 where the cost grows linearly.
"""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from kit import containers

from hakim import MODULES, status, supervisor
from hosts.host import Trees
from hosts.lxc import LxcHost
from hosts.process import wait_until

NUMBERS = (125, 250, 500)


def cpu_seconds(task: Path) -> float:
    """User and system time of a thread; schedstat counts in nanoseconds, stat only in ticks."""
    return int((task / "schedstat").read_text("ascii").split()[0]) / 1e9


def own_cpu(host: LxcHost) -> float:
    """Of PID 1 and of all threads of the supervisor."""
    keeper = supervisor(host)
    return cpu_seconds(Path(f"/proc/{host.pid}")) + sum(
        cpu_seconds(task) for task in Path(f"/proc/{keeper}/task").iterdir())


class Phase:
    """Measures what happens until a number of services runs."""

    def __init__(self, host: LxcHost) -> None:
        self.host = host
        self.cpu = own_cpu(host) if host.pid else 0.0
        self.began = time.monotonic()

    def until(self, running: int) -> tuple[float, float]:
        """CPU and wall seconds."""
        wait_until(f"{running} services run", lambda: self.sleepers() == running, 60, 0.01)
        wall = time.monotonic() - self.began
        # The status is asked once, and only after the clock was read.
        wait_until("all have settled", lambda: status(self.host)["manager"]["state"] != "starting", 60, 0.1)
        return own_cpu(self.host) - self.cpu, wall

    def sleepers(self) -> int:
        """How many services are executed."""
        count = 0
        for pid in Path(f"/proc/{self.host.pid}/task/{self.host.pid}/children").read_text("ascii").split():
            try:
                count += Path(f"/proc/{pid}/comm").read_text("utf-8") == "sleep\n"
            except OSError:
                pass
        return count


def measure(trees: Trees, number: int) -> dict[str, tuple[float, float]]:
    """A container with so many services."""
    with LxcHost(trees) as host:
        names = [f"s{i:04}" for i in range(number)]
        for name in names:
            host.put_file(f"{MODULES}/{name}.service", "[Service]\nExecStart=/bin/sleep 100000\n")
        boot = Phase(host)
        host.start({}, tty=False)
        found = {"boot": boot.until(number)}
        for verb, left in (("stop", 0), ("start", number), ("restart", number)):
            phase = Phase(host)
            host.exec(["hakimctl", verb, *names], timeout=120)
            found[verb] = phase.until(left)
        if host.stop() != 0:
            raise SystemExit("the container did not stop cleanly")
    return found


def main() -> int:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description="What N services cost.")
    parser.add_argument("numbers", nargs="*", type=int, default=NUMBERS)
    options = parser.parse_args()
    with containers() as trees:
        print(f"{'services':>8}  {'phase':8} {'wall ms':>9} {'CPU ms':>9} {'CPU µs each':>12} {'ratio':>6}")
        first: dict[str, float] = {}
        for number in options.numbers:
            for phase, (cpu, wall) in measure(trees, number).items():
                each = cpu / number
                ratio = each / first.setdefault(phase, each)
                print(f"{number:8}  {phase:8} {wall * 1e3:9.1f} {cpu * 1e3:9.1f} {each * 1e6:12.1f} "
                      f"{ratio:6.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
