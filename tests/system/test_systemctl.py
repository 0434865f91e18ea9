"""hakimctl called as systemctl: the words, formats and exit statuses that installers read."""
from __future__ import annotations

import subprocess
from typing import Any

import pytest

from hakim import status, unit, wait_units
from hosts.host import Host

SYSTEMCTL = "/usr/lib/hakim/bin/systemctl"
SLEEP = "[Unit]\nDescription=A sleeper\n[Service]\nExecStart=/bin/sleep 1000\nTimeoutStopSec=5\n"


def systemctl(host: Host, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Runs it; the exit status is the caller's to look at."""
    return host.exec([SYSTEMCTL, *words], check=False, **more)


@pytest.fixture(name="host")
def _host(lxc):
    """A container with one that runs, one that failed and one that is at rest."""
    host = lxc()
    unit(host, "up.service", SLEEP)
    unit(host, "bad.service", "[Service]\nExecStart=/bin/sh -c 'exit 3'\nType=oneshot\n")
    unit(host, "done.service", "[Service]\nExecStart=/bin/true\n")
    host.start({}, tty=False)
    wait_units(host, up="running", bad="failed", done="dead")
    yield host
    assert host.stop() == 0


def test_is_active_prints_the_state_of_each_and_succeeds_if_one_is(host):
    assert (got := systemctl(host, "is-active", "up")).stdout == "active\n" and got.returncode == 0
    assert (got := systemctl(host, "is-active", "bad")).stdout == "failed\n" and got.returncode == 3
    assert (got := systemctl(host, "is-active", "done.service")).stdout == "inactive\n" and got.returncode == 3
    assert (got := systemctl(host, "is-active", "nosuch")).stdout == "inactive\n" and got.returncode == 4
    assert (got := systemctl(host, "is-active", "bad", "up")).stdout == "failed\nactive\n" and got.returncode == 0
    assert (got := systemctl(host, "-q", "is-active", "up")).stdout == "" and got.returncode == 0


def test_is_failed_and_is_system_running(host):
    assert (got := systemctl(host, "is-failed", "bad")).stdout == "failed\n" and got.returncode == 0
    assert (got := systemctl(host, "is-failed", "up")).stdout == "active\n" and got.returncode == 1
    assert (got := systemctl(host, "is-system-running")).stdout == "degraded\n" and got.returncode == 1


def test_start_stop_restart_and_what_is_not_there(host):
    before = status(host)["units"]["up"]["pid"]
    assert systemctl(host, "restart", "up").returncode == 0
    after = status(host)["units"]["up"]["pid"]
    assert after != before
    assert systemctl(host, "start", "up").returncode == 0
    assert status(host)["units"]["up"]["pid"] == after, "what runs is not started again"
    assert systemctl(host, "stop", "up.service").returncode == 0
    assert systemctl(host, "is-active", "up").returncode == 3
    assert (got := systemctl(host, "start", "nosuch")).returncode == 5
    assert got.stderr == "Failed to start nosuch.service: Unit nosuch.service not found.\n"
    assert (got := systemctl(host, "stop", "nosuch")).returncode == 5
    assert got.stderr == "Failed to stop nosuch.service: Unit nosuch.service not loaded.\n"
    assert systemctl(host, "start", "nosuch", "up").returncode == 5
    assert systemctl(host, "is-active", "up").returncode == 0, "the one that is there was started"
    assert (got := systemctl(host, "start", "bad")).returncode == 1
    assert got.stderr.startswith("Job for bad.service failed: ")


def test_status_reads_as_systemctls(host):
    got = systemctl(host, "status", "up", "--no-pager", "-l")
    assert got.returncode == 0
    lines = got.stdout.splitlines()
    assert lines[0] == "● up.service - A sleeper"
    assert lines[1] == "     Loaded: loaded (/etc/hakim/modules/up.service; enabled)"
    assert lines[2].startswith("     Active: active (running) since ")
    pid = status(host)["units"]["up"]["pid"]
    assert f"   Main PID: {pid} (sleep)" in lines
    assert (got := systemctl(host, "status", "bad")).returncode == 3
    assert "Active: failed (Result: exit-code) since " in got.stdout
    assert (got := systemctl(host, "status", "nosuch")).returncode == 4
    assert got.stderr == "Unit nosuch.service could not be found.\n"
    assert "State: degraded" in systemctl(host, "status").stdout


def test_show_prints_properties_as_lines(host):
    pid = status(host)["units"]["up"]["pid"]
    got = systemctl(host, "show", "up", "-p", "MainPID,ActiveState", "--property=SubState")
    assert got.stdout == f"MainPID={pid}\nActiveState=active\nSubState=running\n"
    assert systemctl(host, "show", "up", "-P", "FragmentPath").stdout == "/etc/hakim/modules/up.service\n"
    assert systemctl(host, "show", "--value", "-p", "LoadState", "nosuch").stdout == "not-found\n"
    every = dict(line.split("=", 1) for line in systemctl(host, "show", "up").stdout.splitlines())
    assert every["Id"] == "up.service" and every["UnitFileState"] == "enabled" and every["Type"] == "simple"
    both = systemctl(host, "show", "-p", "Id", "up", "bad").stdout
    assert both == "Id=up.service\n\nId=bad.service\n"
    assert "Id=done.service" in systemctl(host, "show", "-p", "Id", "*").stdout
    assert systemctl(host, "show", "-p", "SystemState").stdout == "SystemState=degraded\n"


def test_lists_of_units_and_files(host):
    lines = systemctl(host, "list-units", "--no-legend", "--plain").stdout.splitlines()
    rows = {line.split()[0]: line.split(None, 4) for line in lines}
    assert rows["up.service"] == ["up.service", "loaded", "active", "running", "A sleeper"]
    assert "done.service" not in rows and "bad.service" in rows
    assert "done.service" in systemctl(host, "list-units", "-a", "--type=service").stdout
    failed = systemctl(host, "--failed", "--no-legend").stdout
    assert [line.split()[0] for line in failed.splitlines()] == ["bad.service"]
    files = systemctl(host, "list-unit-files", "--no-legend", "up.service").stdout.split()
    assert files[:2] == ["up.service", "enabled"]
    assert systemctl(host, "cat", "up").stdout == "# /etc/hakim/modules/up.service\n" + SLEEP


def test_daemon_reload_finds_a_new_unit(host):
    unit(host, "late.service", SLEEP)
    assert systemctl(host, "daemon-reload").returncode == 0
    assert systemctl(host, "is-active", "late").stdout == "inactive\n", "it is about definitions only"
    assert systemctl(host, "start", "late").returncode == 0
    assert systemctl(host, "is-active", "late").returncode == 0


def test_wrong_usage_and_what_there_is_not(host):
    assert systemctl(host, "frobnicate").returncode == 1
    assert systemctl(host, "start").stderr == "Too few arguments.\n"
    assert systemctl(host, "--root=/mnt", "enable", "up").returncode == 1
    assert systemctl(host, "preset", "up").returncode == 0
    assert systemctl(host, "get-default").stdout == "multi-user.target\n"
    assert systemctl(host, "--version").stdout.startswith("systemd 2")


def test_poweroff_stops_the_container(lxc):
    host = lxc()
    host.start({}, tty=False)
    wait_units(host)
    systemctl(host, "poweroff")
    assert host.wait() == 0
