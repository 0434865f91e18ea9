"""`make run`: boots a workspace in a container, shows how it went, and opens a shell in it.

Ends with 0 only if the agent was ready and the container stopped in order. The container is an
unprivileged LXC one; where LXC cannot run, one of bare namespaces.
"""
from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "system"), str(ROOT / "tests" / "stand-ins")]

from coder_process import CoderServerProcess  # noqa: E402
from hakim import status  # noqa: E402
from hosts import rootfs  # noqa: E402
from hosts.host import Host, Mount, Trees, own_by_container  # noqa: E402
from hosts.lxc import LxcHost  # noqa: E402
from hosts.process import HostError  # noqa: E402
from hosts.unshare import UnshareHost  # noqa: E402

READY_SECONDS = 120.0
STOP_SECONDS = 55.0  # hakim-init itself gives up after 50
ADDRESS = "127.0.0.1:7080"
AGENT = "coder-agent"
RESOLVER = Mount(Path("/etc/resolv.conf").resolve(), "/etc/resolv.conf", True)
COLUMNS = (("queued", "queued_us"), ("started", "started_us"), ("exec", "exec_us"),
           ("ready", "ready_us"))


class Failure(Exception):
    """A sentence for the person who runs us."""


def say(text: str) -> None:
    """One line of ours, between those of others."""
    print(f"make run: {text}", flush=True)


def interrupted(number: int, _frame: FrameType | None) -> None:
    """SIGTERM and SIGHUP clean up as Ctrl-C does."""
    raise KeyboardInterrupt(signal.Signals(number).name)


@contextmanager
def programs(build: str) -> Iterator[Path]:
    """Our programs as a layer for a container with shifted ids."""
    directory = Path(tempfile.mkdtemp(prefix=f"hakim-programs-{os.getpid()}-"))
    try:
        rootfs.install_programs(build, directory)
        directory.chmod(0o755)
        own_by_container(directory, rootfs.SHIFT)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def make_host(trees: Trees, kind: str, real_server: bool) -> Host:
    """LXC if it can be, else what comes next; says which, if it is not LXC."""
    reason = LxcHost.missing()
    if kind == "lxc" or (kind == "auto" and not reason):
        if reason:
            raise Failure(f"LXC cannot run here: {reason}")
        host = LxcHost(trees)
        host.host_network = real_server
        return host
    if kind == "auto":
        say(f"LXC cannot run here ({reason}); using user and pid namespaces instead")
    if reason := UnshareHost.missing():
        raise Failure(f"there can be no container here: {reason}")
    if real_server:
        raise Failure("a real Coder server can be reached from an LXC container only; unset "
                      "CODER_AGENT_URL to use the stand-in")
    return UnshareHost(trees)


def settled(unit: dict[str, Any]) -> bool:
    """Whether there is nothing more to wait for."""
    return unit["active"] == "active" or unit["sub"] == "skipped"


def wait_ready(host: Host) -> dict[str, Any]:
    """Waits until every unit is active or skipped, and the agent is ready; the status then."""
    end = time.monotonic() + READY_SECONDS
    missing = "the supervisor does not answer"
    while time.monotonic() < end:
        if not host.running:
            raise Failure(f"the container ended by itself, with status {host.wait()}")
        if host.exec(["hakimctl", "status"], check=False).returncode != 5:
            found = status(host)
            units = found["units"]
            failed = [u for u in units.values() if u["active"] == "failed"]
            if failed:
                raise Failure(f"{failed[0]['name']} failed: {failed[0]['last_error']}")
            if AGENT not in units:
                raise Failure("the Coder agent is not among the units")
            waiting = [name for name, u in units.items() if not settled(u)]
            if not waiting and units[AGENT]["ready"]:
                return found
            missing = f"still not ready: {', '.join(waiting) or AGENT}"
            if units[AGENT]["status"]:
                missing += f" ({units[AGENT]['status']})"
        time.sleep(0.1)
    raise Failure(f"not ready after {READY_SECONDS:g} s; {missing}")


def milliseconds(microseconds: int | None) -> str:
    """For the table."""
    return "-" if microseconds is None else f"{microseconds / 1000:.1f}"


def print_timeline(found: dict[str, Any]) -> None:
    """When what happened, in milliseconds since PID 1 was executed."""
    rows = [(name, *(milliseconds(unit[key]) for _, key in COLUMNS))
            for name, unit in found["units"].items() if unit["sub"] != "skipped"]
    rows.sort(key=lambda row: (row[2] == "-", row[2].zfill(12)))
    width = max([len("boot, ms since PID 1"), *(len(row[0]) for row in rows)])
    print("\n" + "boot, ms since PID 1".ljust(width) + "".join(f"{n:>11}" for n, _ in COLUMNS))
    setup = milliseconds(found["manager"]["setup_us"])
    print("(set-up child is done)".ljust(width)[:width + 2] + f"{setup:>9}")
    for name, *times in rows:
        print(name.ljust(width) + "".join(f"{value:>11}" for value in times))
    print(flush=True)


def open_shell(host: Host) -> None:
    """A login shell of the coder user on our terminal."""
    say("a shell in the container; leave it with exit or Ctrl-D, and the container stops")
    # script(1) makes a terminal of the container's own: tmux and sudo ask for its name.
    words = ["script", "-qec", "cd project && exec bash -l", "/dev/null"]
    # Ctrl-C is the shell's meanwhile. Not SIG_IGN, which every program in it would inherit.
    old = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        subprocess.run(host.inside(words, "coder", {"TERM": os.environ.get("TERM", "xterm")}),
                       check=False)
    finally:
        signal.signal(signal.SIGINT, old)


def stop(host: Host) -> None:
    """Stops the container in order."""
    began = time.monotonic()
    try:
        code = host.stop(timeout=STOP_SECONDS) if host.running else host.wait()
    except TimeoutError:
        raise Failure(f"the container did not stop within {STOP_SECONDS:g} s") from None
    if code != 0:
        raise Failure(f"the container stopped with status {code}")
    say(f"stopped in order after {(time.monotonic() - began) * 1000:.0f} ms")


def boot(host: Host, build: Path, interactive: bool) -> None:
    """From the start of the container to its end."""
    url, token = os.environ.get("CODER_AGENT_URL", ""), os.environ.get("CODER_AGENT_TOKEN", "")
    real = bool(url and token)
    if real:
        say(f"the agent's server is {url}; the container shares this machine's network")
    else:
        url, token = f"http://{ADDRESS}", str(uuid.uuid4())
        say("the agent's server is a stand-in; CODER_AGENT_URL and CODER_AGENT_TOKEN name another")
    servers: list[CoderServerProcess] = []

    def serve() -> None:
        server = CoderServerProcess(build / "stand-ins" / "coder", token, enter=host.network(),
                                    options=("--listen", ADDRESS))
        servers.append(server)
        server.start()

    try:
        host.start({"CODER_AGENT_URL": url, "CODER_AGENT_TOKEN": token},
                   mounts=[RESOLVER] if real else [], before=None if real else serve)
        say(f"{host.kind} container {host.name} boots")
        found = wait_ready(host)
        print(host.exec(["hakimctl", "status"]).stdout, end="")
        print_timeline(found)
        if interactive:
            open_shell(host)
        stop(host)
    finally:
        for server in servers:
            server.stop()


def main() -> int:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="where make has put the programs")
    parser.add_argument("--host", choices=("auto", "lxc", "unshare"), default="auto")
    options = parser.parse_args()
    build = ROOT / options.build
    real = bool(os.environ.get("CODER_AGENT_URL") and os.environ.get("CODER_AGENT_TOKEN"))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    host: Host | None = None
    try:
        if os.geteuid() != 0:
            raise Failure("it makes containers with shifted ids, which needs root: sudo make run")
        if not all(path.exists() for path in rootfs.paths()):
            say("making a Debian root file system, once (half a minute or so)")
        tar, shifted = rootfs.make_tree()
        with programs(options.build) as layer:
            host = make_host(Trees((layer, shifted), tar), options.host, real)
            try:
                boot(host, build, sys.stdin.isatty())
            except (Failure, HostError, TimeoutError, AssertionError) as error:
                print(host.report(), file=sys.stderr)
                raise Failure(str(error)) from error
            finally:
                # A second Ctrl-C must not leave half of it.
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                host.close()
                for left in host.leaks():
                    say(f"left behind: {left}")
    except (Failure, HostError) as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("make run: interrupted; the container is gone", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
