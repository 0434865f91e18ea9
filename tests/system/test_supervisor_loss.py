"""The supervisor may die at any moment and nothing is lost."""
from __future__ import annotations

import os
import random
import signal
import time

import pytest

from hakim import (check_numbered_log, comm, log_files, services, status, supervisor, unit, wait_supervisor,
                   wait_trap, wait_units, zombies)
from hosts.process import children, wait_until

KILLS = int(os.environ.get("HAKIM_KILLS", "200"))
FLOODS = 20
ENV = {"HAKIM_STOP_TIMEOUT": "40s"}
FLOOD = """[Service]
ExecStart=/usr/local/bin/flood --name {name} --rate {rate}
Restart=always
RestartSec=0
[X-Hakim]
LogMaxSize=16M
LogKeep=90
"""
# What crashes each time it is started, as a supervisor does that dies of its own state.
CRASHER = """#!/bin/sh
[ ! -e /run/hakim/crash ] && exec /usr/lib/hakim/hakim-supervisor
echo x >>/run/hakim/crashes
kill -SEGV $$
"""


def start_floods(host, helpers, rate: int = 0, count: int = FLOODS):
    """A container in which `count` services log, at full speed where rate is 0."""
    host.put_file("/usr/local/bin/flood", (helpers / "flood").read_bytes(), 0o755)
    for i in range(count):
        text = FLOOD.format(name=f"f{i}", rate=rate)
        unit(host, f"f{i}.service", text if rate else text.replace(" --rate 0", ""))
    host.start(ENV, tty=False)
    wait_units(host, **{f"f{i}": "running" for i in range(count)})
    pids = services(host, "flood")
    assert len(pids) == count
    return pids


def kill_supervisor(host) -> int:
    """kill -9, and wait until PID 1 has reaped it."""
    pid = wait_supervisor(host)
    os.kill(pid, signal.SIGKILL)
    wait_until("it is reaped", lambda: pid not in children(host.pid), 5, 0.001)
    return pid


def test_200_kills_while_20_services_log_at_full_speed_lose_nothing(lxc, helpers):
    host = lxc()
    pids = start_floods(host, helpers)
    dice = random.Random(1)
    for _ in range(KILLS):
        wait_supervisor(host)
        time.sleep(dice.uniform(0, 0.04))  # a moment of its life, not a wait for something
        kill_supervisor(host)
    found = wait_units(host, **{f"f{i}": "running" for i in range(FLOODS)})
    assert services(host, "flood") == pids, "a service was started anew"
    assert all(found["units"][f"f{i}"]["restarts"] == 0 for i in range(FLOODS))
    assert found["manager"]["supervisor_starts"] >= KILLS
    assert not zombies(host)
    assert host.stop() == 0
    lines = sum(check_numbered_log(host, f"f{i}") for i in range(FLOODS))
    print(f"{KILLS} kills, {lines} lines")


def test_a_service_that_dies_while_there_is_no_supervisor_is_restarted_by_the_next(lxc, helpers):
    host = lxc()
    pids = start_floods(host, helpers, rate=100, count=3)
    for _ in range(10):
        victim = services(host, "flood")[0]
        old = wait_supervisor(host)
        os.kill(old, signal.SIGSTOP)
        os.kill(victim, signal.SIGKILL)
        os.kill(old, signal.SIGKILL)
        wait_until("it runs again", lambda v=victim: v not in services(host, "flood") and
                   len(services(host, "flood")) == 3, 10)
    assert sum(u["restarts"] for u in wait_units(host, f0="running", f1="running",
                                                 f2="running")["units"].values()) == 10
    assert set(services(host, "flood")) - set(pids)
    assert not zombies(host)
    assert host.stop() == 0


def test_a_stopped_supervisor_is_replaced_within_15_seconds(lxc, helpers):
    host = lxc()
    pids = start_floods(host, helpers, rate=1000, count=5)
    old = wait_supervisor(host)
    began = time.monotonic()
    os.kill(old, signal.SIGSTOP)
    wait_supervisor(host, other_than=old, timeout=15)
    assert time.monotonic() - began < 15
    wait_units(host, **{f"f{i}": "running" for i in range(5)})
    assert services(host, "flood") == pids
    assert host.stop() == 0
    for i in range(5):
        check_numbered_log(host, f"f{i}")


def test_reexec_keeps_every_service(lxc, helpers):
    host = lxc()
    pids = start_floods(host, helpers, rate=1000, count=5)
    for _ in range(5):
        old = supervisor(host)
        host.exec(["hakimctl", "reexec"])
        assert wait_supervisor(host, other_than=old) != old
    assert services(host, "flood") == pids
    assert status(host)["manager"]["supervisor_starts"] == 6
    assert host.stop() == 0
    for i in range(5):
        check_numbered_log(host, f"f{i}")


def test_a_supervisor_that_crashes_each_time_blocks_no_log_and_the_container_stops(lxc, helpers):
    host = lxc()
    host.put_file("/usr/local/lib/crasher", CRASHER, 0o755)
    host.put_file("/usr/local/bin/flood", (helpers / "flood").read_bytes(), 0o755)
    unit(host, "flood.service", FLOOD.format(name="flood", rate=0).replace(" --rate 0", ""))
    host.start({**ENV, "HAKIM_SUPERVISOR": "/usr/local/lib/crasher"}, tty=True)
    wait_units(host, flood="running")
    [flood] = services(host, "flood")
    host.exec(["touch", "/run/hakim/crash"])
    os.kill(supervisor(host), signal.SIGSEGV)
    wait_until("PID 1 says that it drains the logs",
               lambda: "logs are thrown away" in host.console.text, 30)
    written = _write_bytes(flood)
    wait_until("the service goes on writing",
               lambda: _write_bytes(flood) > written + (10 << 20), 20)
    assert services(host, "flood") == [flood]
    began = time.monotonic()
    assert host.stop() == 0
    assert time.monotonic() - began < 10


def _write_bytes(pid: int) -> int:
    """How many bytes the process has written so far (wchar of proc(5))."""
    for line in open(f"/proc/{pid}/io", encoding="ascii"):
        if line.startswith("wchar:"):
            return int(line.split()[1])
    raise AssertionError("no wchar")


def test_a_supervisor_that_recovers_takes_all_services_over_again(lxc, helpers):
    host = lxc()
    host.put_file("/usr/local/lib/crasher", CRASHER, 0o755)
    host.put_file("/usr/local/bin/flood", (helpers / "flood").read_bytes(), 0o755)
    unit(host, "flood.service", FLOOD.format(name="flood", rate=500))
    host.start({**ENV, "HAKIM_SUPERVISOR": "/usr/local/lib/crasher"}, tty=True)
    wait_units(host, flood="running")
    [flood] = services(host, "flood")
    host.exec(["touch", "/run/hakim/crash"])
    os.kill(supervisor(host), signal.SIGSEGV)
    wait_until("it has crashed five times", lambda: host.root("run/hakim/crashes").exists() and
               len(host.read_file("/run/hakim/crashes")) >= 10, 30)
    host.exec(["rm", "/run/hakim/crash"])
    wait_units(host, flood="running")
    assert services(host, "flood") == [flood]
    assert host.stop() == 0
    assert log_files(host, "flood")
    assert comm(flood) == ""


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.05])
def test_a_kill_in_the_middle_of_the_boot_starts_everything_and_nothing_twice(lxc, delay):
    host = lxc()
    for i in range(40):
        unit(host, f"once{i}.service", f"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo {i} >>/var/marks'\n")
        unit(host, f"long{i}.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    wait_supervisor(host)
    time.sleep(delay)
    kill_supervisor(host)
    wait_units(host, **{f"once{i}": "dead" for i in range(40)}, **{f"long{i}": "running" for i in range(40)})
    marks = host.read_file("/var/marks").split()
    assert sorted(map(int, marks)) == list(range(40))
    assert len(services(host, "sleep")) == 40
    assert host.stop() == 0


def test_a_stop_that_was_granted_is_not_forgotten(lxc):
    host = lxc()
    names = [f"s{i}" for i in range(40)]
    for name in names:
        unit(host, f"{name}.service", "[Service]\nExecStart=/bin/sleep 1000\nRestart=always\nRestartSec=0\n")
    host.start({}, tty=False)
    wait_units(host, **{name: "running" for name in names})
    host.exec(["hakimctl", "stop", "--no-block", *names])
    kill_supervisor(host)
    wait_units(host, **{name: "dead" for name in names})
    assert not services(host, "sleep")
    assert host.stop() == 0


def test_units_that_require_each_other_can_be_started_while_they_stop(lxc):
    host = lxc()
    deaf = "ExecStart=/bin/sh -c \"trap 'sleep 0.5; exit 0' TERM; while :; do sleep 0.02; done\"\n"
    unit(host, "a.service", f"[Unit]\nRequires=b.service\n[Service]\n{deaf}")
    unit(host, "b.service", f"[Unit]\nRequires=a.service\n[Service]\n{deaf}")
    host.start({}, tty=False)
    wait_units(host, a="running", b="running")
    wait_trap(host, "a", "b")
    host.exec(["hakimctl", "stop", "--no-block", "a"])
    host.exec(["hakimctl", "start", "a"])
    wait_units(host, a="running", b="running")
    assert status(host)["manager"]["supervisor_starts"] == 1
    assert host.stop() == 0
