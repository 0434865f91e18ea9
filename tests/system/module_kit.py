"""What the tests of modules do to each of them."""
from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hakim import environ, status, unit, wait_units
from hosts.host import Host
from hosts.process import wait_until


@contextmanager
def volume() -> Iterator[Path]:
    """A directory of this machine, as a host's volume for the home: it outlives a container."""
    with tempfile.TemporaryDirectory(prefix="hakim-home-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def found(host: Host, name: str) -> dict[str, Any]:
    """A module in the status, {} when it is not there."""
    return status(host)["units"].get(name, {})


def wait_ready(host: Host, name: str, timeout: float = 60.0) -> dict[str, Any]:
    """Waits until a module is up and ready."""
    return wait_units(host, timeout, **{name.replace("-", "_"): "running"})["units"][name]


def wait_said(host: Host, name: str, text: str, timeout: float = 30.0) -> None:
    """Waits until the status of a module says something; hakimctl shows it, too. A next attempt begins without it."""
    wait_until(f"{name} says {text}", lambda: text in (found(host, name).get("status") or ""), timeout)
    wait_until(f"hakimctl shows that {name} says {text}",
               lambda: text in host.exec(["hakimctl", "status", name], check=False).stdout, timeout)


def command_lines(host: Host) -> dict[int, str]:
    """Of all processes of the container, by our pid."""
    lines = {}
    for pid in host.processes():
        try:
            lines[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
    return lines


def with_command(host: Host, word: str) -> list[int]:
    """The processes of the container whose command line has this in it."""
    return [pid for pid, line in command_lines(host).items() if word in line]


def hide(host: Host, program: str) -> None:
    """Before the start: an image that does not have the program."""
    host.put_file(f"/usr/local/bin/{program}", "")


def hold_port(host: Host, name: str, port: int) -> None:
    """Before the start: another program, and not the user's, has the module's port first."""
    unit(host, "holder.service", "[Service]\n"
         f"ExecStart=/usr/bin/node -e 'require(\"net\").createServer().listen({port}, \"127.0.0.1\")'\n"
         f"[X-Hakim]\nReadyTCP=127.0.0.1:{port}\n")
    host.put_file(f"/etc/hakim/modules/{name}.service.d/late.conf", "[Unit]\nAfter=holder.service\n")


def check_port_in_use(host: Host, name: str, variable: str, port: int) -> None:
    """After hold_port(): the holder is named, and when it is gone the module comes up by itself."""
    holder = wait_ready(host, "holder")["pid"]
    wait_said(host, name, f"port {port} is in use by node (pid {holder}): stop it, or set {variable} to another port")
    host.exec(["hakimctl", "stop", "holder"])
    wait_ready(host, name)


def check_comes_back(host: Host, name: str) -> int:
    """Its main process is killed: there is another one, and it is ready. Its pid."""
    old = wait_ready(host, name)["pid"]
    host.exec(["kill", "-9", str(old)])
    wait_until("there is another process", lambda: found(host, name)["pid"] not in (0, None, old), 20)
    return wait_ready(host, name)["pid"]


def check_stops(host: Host, name: str, word: str) -> None:
    """It is stopped, and no process is left of it."""
    assert with_command(host, word)
    host.exec(["hakimctl", "stop", name])
    assert found(host, name)["sub"] == "dead"
    assert not with_command(host, word), command_lines(host)


def check_secret(host: Host, secret: str, *owners: str) -> None:
    """It is in no command line, log or status, and in the environment of the owners' processes only.

    An owner is a word of a command line.
    """
    lines = command_lines(host)
    assert not [line for line in lines.values() if secret in line]
    has = {pid for pid in lines if secret.encode() in environ(pid)}
    strangers = [lines[pid] for pid in has if not any(owner in lines[pid] for owner in owners)]
    assert has and not strangers, strangers
    assert secret not in host.exec(["hakimctl", "status", "--json"]).stdout
    assert host.exec(["grep", "-rl", secret, "/var/log", "/run", "/etc", "/tmp"], check=False).stdout == ""


def check_skipped(new_host: Callable[[], Host], name: str, off: dict[str, str], switch: str,
                  installed: Callable[[Host], Host] = lambda host: host) -> None:
    """It is skipped where its program is not there, and where its variable (NAME=no) says so; both are said."""
    host = new_host()
    hide(host, name)
    host.start(off, tty=False)
    unit_name = name.replace("-", "_")
    assert wait_units(host, **{unit_name: "skipped"})["units"][name]["status"] == \
        f"the program {name} is not installed (it is not in the PATH)"
    assert host.stop() == 0
    host = installed(new_host())
    variable, value = switch.split("=")
    host.start({**off, variable: value}, tty=False)
    assert wait_units(host, **{unit_name: "skipped"})["units"][name]["status"] == f"{switch} switches it off"
    assert host.stop() == 0
