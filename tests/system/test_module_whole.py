"""The whole set: the agent and all modules at once, in one container, with the real programs.

Stand-ins are the Coder server, the agent's program, etserver and openchamber.
"""
from __future__ import annotations

import pytest
from workspace import TOKEN, URL, Workspace, agent_program  # noqa: F401

from hakim import status, unit, wait_units
from hosts.process import wait_until

# Those that are to be there; openclaw-node and git-clone are for who asks for them.
SET = ("coder-agent", "dbus", "session-bus", "keyring", "xvfb", "tmux", "et", "et-sshd", "code-server", "opencode",
       "docker")
# What has work to do before it is ready: the agent is up before each of these.
HEAVY = ("code-server", "opencode", "docker")
# What needs the other one, and ends before it.
IN_ORDER = (("keyring", "session-bus"), ("et", "et-sshd"))
ETSERVER = ("#!/bin/sh\nexec /usr/local/bin/answer tcp \"$(sed -n 's/^port = //p' \"$2\")\"\n")
ASK = {
    "code-server": "curl -fsS --max-time 5 http://127.0.0.1:13337/healthz",
    "opencode": "curl -fsS --max-time 10 http://127.0.0.1:4096/global/health",
    "docker": "docker info",
    "xvfb": "xdpyinfo",
    "tmux": "tmux has-session -t =default",
    "dbus": "dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames",
    "keyring": "printf x | secret-tool store --label=x whole set && secret-tool lookup whole set",
}
SESSION = {"XDG_RUNTIME_DIR": "/run/user/1000", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus",
           "DISPLAY": ":99"}


@pytest.fixture
def whole(modules_host, helpers, agent_program):  # noqa: F811
    """A workspace that has all modules, and is kept when it ends."""
    host = modules_host().keep()
    host.put_file("/usr/local/bin/answer", (helpers / "answer").read_bytes(), 0o755)
    host.put_file("/usr/local/bin/etserver", ETSERVER, 0o755)
    made = Workspace(host, agent_program)
    yield made
    if made.server:
        made.server.stop()


def wait_all(host, timeout: float = 90.0) -> dict:
    """Waits until all of them are ready; their units."""
    return wait_units(host, timeout, **{name.replace("-", "_"): "running" for name in SET})["units"]


def all_answer(host) -> None:
    """Each of them answers its own client, which a person has started in a session."""
    for name, command in ASK.items():
        done = host.exec(["sh", "-c", command], user="coder", env=SESSION, check=False)
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"


def pids(host) -> dict[str, int]:
    """The main process of each, but the agent's."""
    units = status(host)["units"]
    return {name: units[name]["pid"] for name in SET if name != "coder-agent"}


def test_all_start_at_once_and_the_agent_is_up_before_what_has_work_to_do(whole):
    host = whole.start().host
    units = wait_all(host)
    for name in SET:
        u = units[name]
        print(f"{name:12} started {u['started_us'] / 1e3:8.1f} ms, ready {u['ready_us'] / 1e3:8.1f} ms")
    all_answer(host)
    begun = min(units[name]["started_us"] for name in SET)
    last = max(units[name]["ready_us"] for name in SET)
    slowest = max(units[name]["ready_us"] - units[name]["started_us"] for name in SET)
    # None has waited for another: all of them take as long as the slowest of them.
    assert last - begun <= 1.1 * slowest
    for name in HEAVY:
        assert units["coder-agent"]["ready_us"] < units[name]["ready_us"], name
    assert host.stop() == 0


def test_a_container_that_was_killed_has_all_of_them_again(whole):
    host = whole.start().host
    wait_all(host)
    all_answer(host)
    host.kill9()
    whole.server.stop()
    host.again({"CODER_AGENT_URL": URL, "CODER_AGENT_TOKEN": TOKEN}, before=whole.start_server)
    wait_all(host)
    all_answer(host)
    assert host.stop() == 0


def test_no_module_notices_that_the_agent_is_killed_restarted_or_upgraded(whole):
    host = whole.start().host
    wait_all(host)
    before = pids(host)
    for act in (["hakimctl", "kill", "-s", "KILL", "coder-agent"], ["hakimctl", "restart", "coder-agent"],
                ["hakimctl", "reexec"]):
        agent = status(host)["units"]["coder-agent"]["pid"]
        host.exec(act)
        if act[-1] != "reexec":
            wait_until("there is another agent", lambda a=agent: status(host)["units"]["coder-agent"]["pid"]
                       not in (None, a), 20)
        wait_all(host, 30)
        assert pids(host) == before, act
    assert host.stop() == 0


def test_told_to_stop_all_end_in_order_and_nothing_of_them_is_left(whole):
    for first, _ in IN_ORDER:
        # It takes its time: without an order the other one has ended long before.
        unit(whole.host, f"{first}.service.d/slow.conf", "[Service]\nExecStop=/bin/sleep 1\n")
    host = whole.start().host
    wait_all(host)
    host.exec(["hakimctl", "stop", *SET], timeout=60)
    found = status(host)["units"]
    assert {name: found[name]["sub"] for name in SET} == dict.fromkeys(SET, "dead")
    for first, then in IN_ORDER:
        assert found[first]["since_us"] < found[then]["since_us"], f"{first} ends before {then}"
    names = host.exec(["sh", "-c", "cat /proc/[0-9]*/comm"]).stdout.split("\n")
    left = {"coder", "dbus-daemon", "gnome-keyring-d", "Xvfb", "tmux: server", "sshd", "answer", "node", "opencode",
            "dockerd", "containerd"} & set(names)
    assert not left, left
    assert host.stop() == 0
