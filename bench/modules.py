"""How long the modules take until they are ready: each alone in its container, and all of them at once.

Alone, all other switches are off. A module's time is from its start to its being ready; that of the whole set is from
the start of the first to the last one's being ready. Whether they wait for one another is seen by the ratio of that to
the slowest of the same boot; what the machine's processors make of it, by the ratio to the slowest alone.

Run as root in a built tree: bench/modules.py [--rounds 5]. The real programs, but for the agent.
"""
from __future__ import annotations

import argparse
import statistics
import sys

from kit import ROOT, containers

from hakim import status
from hosts import rootfs
from hosts.host import Trees
from hosts.lxc import LxcHost
from hosts.process import wait_until
from hosts.programs import MODULES, NPM
from workspace import Workspace

# Switch and units.
SETS = {
    "": ("coder-agent",),
    "START_DBUS": ("dbus",),
    "START_SECRET_SERVICE": ("session-bus", "keyring"),
    "START_XVFB": ("xvfb",),
    "START_TMUX": ("tmux",),
    "START_CODE_SERVER": ("code-server",),
    "START_OPENCODE": ("opencode",),
    "START_DOCKER_DAEMON": ("docker",),
}


def boot(trees: Trees, switches: list[str]) -> dict[str, tuple[float, float]]:
    """One boot with these switches on: start and readiness of each unit, in ms."""
    names = [name for switch in switches for name in SETS[switch]]
    with LxcHost(trees) as host:
        workspace = Workspace(host, ROOT / "build" / "stand-ins" / "coder")
        try:
            workspace.start({switch: str(int(switch in switches)) for switch in SETS if switch})
            wait_until("all are ready", lambda: all(
                status(host)["units"][name]["sub"] == "running" for name in names), 120, 0.2)
            units = status(host)["units"]
            if host.stop() != 0:
                raise SystemExit("the container did not stop cleanly")
        finally:
            if workspace.server:
                workspace.server.stop()
    return {name: (units[name]["started_us"] / 1e3, units[name]["ready_us"] / 1e3) for name in names}


def measure(trees: Trees, rounds: int) -> None:
    """Prints the table."""
    alone: dict[str, list[float]] = {}
    together: dict[str, list[float]] = {}
    whole, waits = [], []
    for _ in range(rounds):
        for switch in SETS:
            for name, (started, ready) in boot(trees, [switch]).items():
                alone.setdefault(name, []).append(ready - started)
        found = boot(trees, list(SETS))
        for name, (started, ready) in found.items():
            together.setdefault(name, []).append(ready - started)
        whole.append(max(r for _, r in found.values()) - min(s for s, _ in found.values()))
        waits.append(whole[-1] / max(r - s for s, r in found.values()))
    print(f"{'module':12} {'alone ms':>9} {'in all ms':>9}   medians of {rounds}")
    for name, times in alone.items():
        print(f"{name:12} {statistics.median(times):9.1f} {statistics.median(together[name]):9.1f}")
    slowest = max(statistics.median(times) for times in alone.values())
    print(f"the whole set {statistics.median(whole):.1f} ms: {statistics.median(waits):.3f} of its slowest, "
          f"{statistics.median(whole) / slowest:.3f} of the slowest alone")


def main() -> int:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description="How long the modules take until they are ready.")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with containers(*rootfs.make_layers(NPM, MODULES), modules=True) as trees:
        measure(trees, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
