"""JobTimeoutSec= and its kin: how long a start or a stop may take, from the word on."""
from __future__ import annotations

import os
import signal
import time

from hakim import status, unit, wait_supervisor, wait_units
from hosts.process import wait_until

SLOW = "[Service]\nType=notify\nExecStart=/bin/sleep 1000\nTimeoutStartSec=60\n"
LONG = 8  # s


def hakimctl(host, *words):
    return host.exec(["hakimctl", *words], check=False)


def test_a_start_that_waits_for_another_for_too_long_fails_with_timeout(lxc):
    host = lxc()
    unit(host, "slow.service", SLOW)
    unit(host, "late.service", "[Unit]\nAfter=slow.service\nJobTimeoutSec=500ms\n"
         "[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "patient.service", "[Unit]\nAfter=slow.service\n[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "needs.service", "[Unit]\nRequires=late.service\nAfter=late.service\n[Service]\nExecStart=/bin/true\n")
    host.start({}, tty=False)
    units = wait_units(host, late="failed", needs="failed")["units"]
    assert units["late"]["result"] == "timeout" and "JobTimeoutSec=" in units["late"]["last_error"]
    assert units["needs"]["result"] == "dependency"
    assert units["slow"]["sub"] == "start" and units["patient"]["sub"] == "waiting", "the others are as they were"
    got = hakimctl(host, "start", "late")
    assert got.returncode == 1 and "JobTimeoutSec=" in got.stderr
    assert host.stop() == 0


def test_what_has_begun_to_start_goes_on_and_is_not_waited_for(lxc):
    host = lxc()
    unit(host, "slow.service", "[Unit]\nJobRunningTimeoutSec=1\n" + SLOW)
    unit(host, "after.service", "[Unit]\nAfter=slow.service\n[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "needs.service", "[Unit]\nRequires=slow.service\nAfter=slow.service\n[Service]\nExecStart=/bin/true\n")
    host.start({}, tty=False)
    units = wait_units(host, after="running", needs="failed")["units"]
    assert units["slow"]["sub"] == "start" and units["slow"]["pid"], "the unit itself is left alone"
    assert units["needs"]["result"] == "dependency"
    hakimctl(host, "stop", "slow")
    got = hakimctl(host, "start", "slow")
    assert got.returncode == 1 and "goes on" in got.stderr
    assert status(host)["units"]["slow"]["sub"] == "start"
    assert host.stop() == 0


def test_a_stop_is_not_waited_for_longer_than_that(lxc):
    host = lxc()
    unit(host, "deaf.service", "[Unit]\nJobTimeoutSec=500ms\n[Service]\n"
         "ExecStart=/bin/sh -c 'trap \"\" TERM; echo up; while :; do sleep 1; done'\nTimeoutStopSec=60\n"
         "[X-Hakim]\nReadyLog=up\n")
    host.start({}, tty=False)
    wait_units(host, deaf="running")
    got = hakimctl(host, "stop", "deaf")
    assert got.returncode == 1 and "JobTimeoutSec=" in got.stderr
    assert status(host)["units"]["deaf"]["sub"] == "stop-sigterm", "it goes on to stop"
    assert hakimctl(host, "kill", "-s", "KILL", "deaf").returncode == 0
    deaf = wait_units(host, deaf="dead")["units"]["deaf"]
    assert deaf["ends"][0]["text"] == "was killed by SIGKILL"
    assert host.stop() == 0


def test_the_time_goes_on_under_a_new_supervisor(lxc):
    host = lxc()
    unit(host, "slow.service", SLOW)
    unit(host, "late.service",
         f"[Unit]\nAfter=slow.service\nJobTimeoutSec={LONG}\n[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    queued = wait_units(host, late="waiting", slow="start")["units"]["late"]["queued_us"]
    seen = time.monotonic()
    old = wait_supervisor(host)
    wait_until("half of the time is over", lambda: time.monotonic() - seen >= LONG / 2)
    # Of this much at least the successor must know that it is over.
    over = time.monotonic() - seen
    os.kill(old, signal.SIGKILL)
    wait_supervisor(host, other_than=old)
    late = wait_units(host, late="failed")["units"]["late"]
    assert late["result"] == "timeout"
    took = (late["since_us"] - queued) / 1e6
    assert LONG <= took < LONG + over, "it did not begin anew"
    assert host.stop() == 0


def test_the_action_of_a_job_that_was_late_ends_the_container(lxc):
    host = lxc()
    unit(host, "slow.service", SLOW)
    unit(host, "late.service", "[Unit]\nAfter=slow.service\nJobTimeoutSec=300ms\nJobTimeoutAction=poweroff\n"
         "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    assert host.wait() == 1


def test_the_time_of_a_restart_begins_with_its_word_also_where_a_stop_was_taken_back(lxc):
    host = lxc()
    unit(host, "holds.service",
         "[Unit]\nAfter=a.service\n[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 60\n")
    unit(host, "a.service", "[Unit]\nJobTimeoutSec=8\n[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 6\n")
    host.start({}, tty=False)
    wait_units(host, a="running", holds="running")
    begun = time.monotonic()
    host.exec(["hakimctl", "stop", "--no-block", "holds", "a"])
    host.exec(["hakimctl", "start", "--no-block", "a"])
    # Half of the time is over, and the stop of it takes more than the other half.
    wait_until("half of it is over", lambda: time.monotonic() - begun > 4, 10, 0.05)
    assert status(host)["units"]["a"]["sub"] == "running"
    pid = status(host)["units"]["a"]["pid"]
    host.exec(["hakimctl", "restart", "a"], timeout=30)
    found = status(host)["units"]["a"]
    assert found["pid"] not in (None, pid) and found["last_error"] is None, found
    host.kill9()
