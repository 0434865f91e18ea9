"""A workspace boots in an unprivileged container, and stops in order."""
from __future__ import annotations

import base64
import os
import signal
import time
from pathlib import Path

import pytest

from hakim import comm, environ, services, status, unit, wait_trap, wait_units, zombies
from hosts.process import wait_until
from workspace import TOKEN, URL, agent_program, workspace  # noqa: F401

STOP_SCRIPT = "sleep 0.7; echo done >/home/coder/stop-script"
STOP_SIGNALS = [signal.SIGTERM, signal.SIGPWR, 37]


def test_the_agent_is_up_as_the_coder_user_and_lxc_lacks_nothing(workspace):  # noqa: F811
    w = workspace().start()
    agent = w.ready()
    assert agent["restarts"] == 0
    pid = w.agent_pid()
    lines = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
                 if ":\t" in line)
    assert lines["Uid"].split() == ["101000"] * 4, "uid 1000 of the container"
    assert os.readlink(f"/proc/{pid}/cwd") == "/home/coder/project"
    mounts = w.host.exec(["cat", "/proc/mounts"]).stdout
    assert " /dev/shm tmpfs " in mounts
    assert " /run tmpfs " in mounts
    assert w.host.exec(["stat", "-c", "%a", "/dev/shm"]).stdout.strip() == "1777"
    environment = environ(pid)
    for want in (b"LANG=C.UTF-8", b"HOME=/home/coder", b"USER=coder", b"PATH=/", b"container=lxc"):
        assert want in environment
    assert w.host.stop() == 0


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_stop_runs_the_agents_stop_script_to_its_end(workspace, number):  # noqa: F811
    w = workspace().start({"HAKIM_STANDIN_STOP_SCRIPT": STOP_SCRIPT})
    w.ready()
    began = time.monotonic()
    assert w.host.stop(number) == 0
    assert 0.7 <= time.monotonic() - began < 10
    assert w.host.read_file("/home/coder/stop-script") == b"done\n"


def test_lxc_stop_itself_ends_it_cleanly(workspace):  # noqa: F811
    w = workspace().start({"HAKIM_STANDIN_STOP_SCRIPT": STOP_SCRIPT})
    w.ready()
    done = w.host.lxc("lxc-stop", "--nokill", "--timeout", "50")
    assert done.returncode == 0, done.stderr
    assert w.host.wait() == 0
    assert w.host.read_file("/home/coder/stop-script") == b"done\n"


def test_a_second_signal_shortens_the_wait(workspace):  # noqa: F811
    w = workspace().start({"HAKIM_STANDIN_STOP_SCRIPT": "sleep 40"})
    w.ready()
    began = time.monotonic()
    w.host.kill(signal.SIGTERM)
    wait_until("it is stopping", lambda: status(w.host)["manager"]["state"] == "stopping", 5)
    w.host.kill(signal.SIGTERM)
    w.host.wait(10)
    assert time.monotonic() - began < 8


def test_the_total_caps_every_stop_timeout(lxc):
    host = lxc()
    unit(host, "deaf.service", "[Service]\nExecStart=/bin/sh -c \"trap '' TERM; while :; do sleep 1; done\"\n"
         "TimeoutStopSec=900\n")
    host.start({"HAKIM_STOP_TIMEOUT": "5s"}, tty=False)
    wait_units(host, deaf="running")
    wait_trap(host, "deaf")
    began = time.monotonic()
    assert host.stop() == 0
    assert 2 < time.monotonic() - began < 5.5


def test_services_stop_in_reverse_order(lxc):
    host = lxc()
    for name, after in (("a", ""), ("b", "a.service"), ("c", "b.service")):
        unit(host, f"{name}.service", f"[Unit]\nAfter={after}\n[Service]\nExecStart=/bin/sh -c "
             f"\"trap 'sleep 0.1; echo {name} >>/var/order; exit 0' TERM; while :; do sleep 0.02; done\"\n")
    host.start({}, tty=False)
    wait_units(host, a="running", b="running", c="running")
    wait_trap(host, "a", "b", "c")
    assert host.stop() == 0
    assert host.read_file("/var/order").split() == [b"c", b"b", b"a"]


def test_a_stopped_process_of_a_service_is_ended_too(lxc):
    host = lxc()
    unit(host, "sleep.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    wait_units(host, sleep="running")
    os.kill(services(host, "sleep")[0], signal.SIGSTOP)
    began = time.monotonic()
    assert host.stop() == 0
    assert time.monotonic() - began < 3


def test_the_bootstrap_string_starts_the_agent(workspace):  # noqa: F811
    text = base64.b64encode(f"{URL}|{TOKEN}".encode()).decode()
    w = workspace().start({"CODER_AGENT_URL": "", "CODER_AGENT_TOKEN": "", "CODER_AGENT_BOOTSTRAP": text})
    w.ready()
    assert f"CODER_AGENT_URL={URL}".encode() in environ(w.agent_pid())
    assert f"CODER_AGENT_TOKEN={TOKEN}".encode() in environ(w.agent_pid())
    assert w.host.stop() == 0


@pytest.mark.parametrize("text, says", [
    ("!!no base64!!", "not valid base64"),
    (base64.b64encode(b"http://x").decode(), "no '|'"),
])
def test_a_bad_bootstrap_string_is_said_and_the_container_still_boots(lxc, text, says):
    host = lxc()
    unit(host, "other.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({"CODER_AGENT_BOOTSTRAP": text}, tty=False)
    found = wait_units(host, other="running", coder_agent="skipped")
    assert any(says in note for note in found["manager"]["notes"])
    assert text not in host.exec(["hakimctl", "status", "--json"]).stdout
    assert host.stop() == 0


def test_sighup_reads_the_units_anew_and_ends_nothing(lxc):
    host = lxc()
    unit(host, "one.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    wait_units(host, one="running")
    [pid] = services(host, "sleep")
    unit(host, "two.service", "[Service]\nExecStart=/bin/sleep 2000\n")
    host.kill(signal.SIGHUP)
    wait_units(host, one="running", two="running")
    assert pid in services(host, "sleep")
    assert host.stop() == 0


def test_a_container_killed_with_9_boots_again_with_its_left_overs(workspace):  # noqa: F811
    first = workspace().start()
    first.ready()
    first.host.exec(["sh", "-c", "mkdir -p /var/left; touch /run/stale.pid"])
    assert first.host.kill9() == 137
    second = workspace().start()
    second.ready()
    assert second.host.stop() == 0


def test_every_orphan_is_reaped(lxc):
    host = lxc()
    unit(host, "storm.service", "[Service]\nType=oneshot\nExecStart=/bin/bash -c "
         "'for i in {1..500}; do ( ( sleep 0.01 & ) & ) & done; wait'\n")
    host.start({}, tty=False)
    wait_units(host, storm="dead")
    wait_until("all of the storm are gone",
               lambda: not [p for p in host.processes() if comm(p) == "sleep"], 10)
    assert not zombies(host)
    assert status(host)["manager"]["orphans"] > 0
    assert host.stop() == 0


def test_one_bad_unit_never_stops_the_others(lxc):
    host = lxc()
    unit(host, "bad.service", "[Service]\nExecStart=/bin/true\nRestart=perhaps\n")
    unit(host, "good.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    found = wait_units(host, good="running")
    assert any("bad.service:3: Restart:" in note for note in found["manager"]["notes"])
    assert host.exec(["hakimctl", "check"], check=False).returncode == 1
    assert host.stop() == 0


def test_only_root_and_the_coder_user_may_act(lxc):
    host = lxc()
    unit(host, "one.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    wait_units(host, one="running")
    assert host.exec(["hakimctl", "restart", "one"], user="coder").returncode == 0
    other = host.exec(["setpriv", "--reuid=12345", "--clear-groups", "hakimctl", "status"], check=False)
    assert other.returncode != 0
    assert "permission denied" in other.stderr
    assert host.stop() == 0


def test_hakimctl_shutdown_stops_the_container(lxc):
    host = lxc()
    host.start({}, tty=False)
    wait_units(host)
    host.exec(["hakimctl", "shutdown"], check=False)
    assert host.wait() == 0


def test_30_services_with_a_chain_in_the_middle_do_not_wait_for_it(lxc):
    host = lxc()
    chain = 5
    for i in range(chain):
        after = f"After=chain{i - 1}.service\nRequires=chain{i - 1}.service\n" if i else ""
        unit(host, f"chain{i}.service",
             f"[Unit]\n{after}[Service]\nType=oneshot\nExecStart=/bin/sleep 0.5\n")
    for i in range(25):
        unit(host, f"free{i:02}.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    found = wait_units(host, **{f"free{i:02}": "running" for i in range(25)}, chain4="dead")["units"]
    ends = [found[f"chain{i}"]["since_us"] for i in range(chain)]
    starts = [found[f"chain{i}"]["exec_us"] for i in range(chain)]
    assert all(starts[i + 1] >= ends[i] for i in range(chain - 1)), "the chain is in order"
    assert max(found[f"free{i:02}"]["exec_us"] for i in range(25)) < ends[0], \
        "all independent ones run before even the first of the chain has ended"
    assert host.stop() == 0
