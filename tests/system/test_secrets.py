"""The token is where it must be, and nowhere else."""
from __future__ import annotations

import os
import stat
from pathlib import Path

from hakim import environ, unit, wait_units
from hosts.process import children
from workspace import TOKEN, agent_program, workspace  # noqa: F401

SECRET = "hunter2-the-password"
NEEDLES = (TOKEN.encode(), SECRET.encode())
ENV = {"HAKIM_SECRET_ENV": "DB_PASSWORD", "DB_PASSWORD": SECRET, "HAKIM_STOP_TIMEOUT": "20s"}
TELLER = """[Service]
ExecStart=/bin/sleep 1000
{more}
"""


def descendants(pid: int) -> set[int]:
    """The process and all below it."""
    found = {pid}
    for child in children(pid):
        found |= descendants(child)
    return found


def files_with(root: Path) -> list[str]:
    """Regular files below root that hold a secret; only this file system and mounts of the container's own."""
    found = []
    for directory, folders, names in os.walk(root, followlinks=False):
        folders[:] = [f for f in folders if os.path.join(directory, f) not in
                      (str(root / "proc"), str(root / "sys"), str(root / "usr"))]
        for name in names:
            path = os.path.join(directory, name)
            try:
                if not stat.S_ISREG(os.lstat(path).st_mode) or os.path.getsize(path) > 64 << 20:
                    continue
                data = Path(path).read_bytes()
            except OSError:
                continue
            if any(needle in data for needle in NEEDLES):
                found.append(path)
    return found


def check_everything(w, allowed_token: set[int], allowed_secret: set[int]) -> None:
    """Environments, command lines, files, status."""
    for pid in w.host.processes():
        environment = environ(pid)
        if pid not in allowed_token:
            assert TOKEN.encode() not in environment, f"{pid}: {Path(f'/proc/{pid}/cmdline').read_bytes()!r}"
        if pid not in allowed_secret:
            assert SECRET.encode() not in environment, f"{pid}: {Path(f'/proc/{pid}/cmdline').read_bytes()!r}"
        try:
            cmdline = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        assert not any(needle in cmdline for needle in NEEDLES)
    assert files_with(w.host.root("/")) == []
    said = w.host.exec(["hakimctl", "status", "--json"]).stdout + w.host.console.text
    said += w.host.exec(["hakimctl", "status", "coder-agent"]).stdout
    assert not any(needle.decode() in said for needle in NEEDLES)


def boot(w):
    """A workspace with one unit that asks for the password and one that does not."""
    unit(w.host, "asks.service", TELLER.format(more="PassEnvironment=DB_PASSWORD"))
    unit(w.host, "quiet.service", TELLER.format(more=""))
    w.start(ENV)
    w.ready()
    w.spawn("sleep 900")
    return wait_units(w.host, asks="running", quiet="running")["units"]


def seen(w, unit_status) -> int:
    """The pid of a unit as this machine sees it."""
    for pid in w.host.processes():
        try:
            text = Path(f"/proc/{pid}/status").read_text("utf-8")
        except OSError:
            continue
        line = [x for x in text.splitlines() if x.startswith("NSpid:")]
        if line and int(line[0].split()[-1]) == unit_status["pid"]:
            return pid
    raise AssertionError("no such process")


def check_host(w) -> None:
    """The whole claim, on one kind of host."""
    units = boot(w)
    agent = w.agent_pid()
    asks = seen(w, units["asks"])
    assert TOKEN.encode() in environ(agent)
    assert SECRET.encode() in environ(asks)
    assert TOKEN.encode() not in Path(f"/proc/{w.host.pid}/environ").read_bytes()
    sessions = descendants(agent)  # they live on when the agent ends, and are its children all the same
    check_everything(w, sessions, {asks})
    w.host.exec(["hakimctl", "reexec"])
    w.host.exec(["hakimctl", "restart", "quiet", "coder-agent"])
    w.ready()
    check_everything(w, sessions | descendants(w.agent_pid()), {asks})


def test_the_token_is_in_the_agents_environment_only_in_lxc(workspace):  # noqa: F811
    w = workspace()
    check_host(w)
    assert w.host.stop() == 0


def test_no_secret_is_given_to_a_helper_command_by_environment(workspace):  # noqa: F811
    w = workspace()
    unit(w.host, "helper.service", "[Service]\nExecStartPre=/bin/sh -c 'env >/var/pre-env; cat <&3 >/var/pre-secrets'\n"
         "ExecStart=/bin/sleep 1000\nPassEnvironment=DB_PASSWORD\n"
         "[X-Hakim]\nSecretPipe=DB_PASSWORD\n")
    w.start(ENV)
    wait_units(w.host, helper="running")
    assert SECRET.encode() not in w.host.read_file("/var/pre-env")
    assert w.host.read_file("/var/pre-secrets") == f"DB_PASSWORD={SECRET}\0".encode()
    assert w.host.stop() == 0


def test_the_value_that_a_secret_is_compared_with_is_not_shown(lxc):
    host = lxc()
    unit(host, "a.service",
         f"[Unit]\nConditionEnvironment=DB_PASSWORD={SECRET}\n[Service]\nExecStart=/bin/sleep 1000\n")
    host.start(ENV, tty=False)
    wait_units(host, a="skipped")
    for words in (["show", "a"], ["status", "a"], ["status", "--json", "a"], ["boot"]):
        said = host.exec(["hakimctl", *words], check=False)
        assert said.stdout and SECRET not in said.stdout + said.stderr, words
    assert "parameter=DB_PASSWORD ;" in host.exec(["hakimctl", "show", "a"]).stdout
    assert host.stop() == 0
