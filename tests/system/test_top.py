"""`hakimctl top` in real containers: on a terminal, and where there are no cgroups."""
from __future__ import annotations

import json

from hakim import unit, wait_units

BUSY = "[Service]\nExecStart=/bin/sh -c 'while :; do :; done'\n"
IDLE = "[Service]\nExecStart=/bin/sleep 1000\n"


def container(make):
    """A container with a service that computes, and two that sleep."""
    host = make()
    unit(host, "aa.service", IDLE)
    unit(host, "mm.service", BUSY)
    unit(host, "zz.service", IDLE)
    host.start({}, tty=False)
    wait_units(host, aa="running", mm="running", zz="running")
    return host


def first_is_the_busy_one(host) -> None:
    """Of the second round: the first has nothing to compare with."""
    rounds = host.exec(["hakimctl", "top", "--json", "-n", "2", "-d", "0.5"]).stdout.splitlines()
    units = json.loads(rounds[-1])["units"]
    assert units[0]["name"] == "mm.service" and units[0]["cpu_percent"] > 10, units
    assert all((one["cpu_percent"] or 0) < 10 for one in units[1:]), units


def test_who_computes_is_at_the_top_of_the_terminal(lxc):
    host = container(lxc)
    first_is_the_busy_one(host)
    pty, process = host.terminal(["hakimctl", "top", "-d", "0.2"], "root")
    try:
        # Other units that sleep are between them: the one that computes is before all.
        pty.expect(r"NAME[^\n]*\n[^\n]*\bmm\b")
        pty.send("n")
        pty.mark()
        pty.expect(r"NAME[^\n]*\n[^\n]*\baa\b")
        pty.send("q")
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        pty.close()
    assert host.stop() == 0


def test_without_cgroups_it_is_seen_by_its_process(unshare_host):
    host = container(unshare_host)
    first_is_the_busy_one(host)
    assert host.stop() == 0
