"""What becomes of a service's output: streams, levels, limits, files, a full disk, the console."""
from __future__ import annotations

import os
import re
import signal

from hakim import status, supervisor, unit, wait_supervisor, wait_units
from hosts.process import wait_until

STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def service(command: str, more: str = "", hakim: str = "") -> str:
    """A unit whose main process is a shell command."""
    return f"[Service]\nExecStart=/bin/sh -c \"{command}\"\n{more}\n[X-Hakim]\n{hakim}\n"


def records(host, name: str) -> list[bytes]:
    """The records of a log without their stamps: the marks, a blank, the line."""
    path = host.root(f"/var/log/hakim/{name}.log")
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    assert all(STAMP.match(line) for line in lines), lines
    return [line[27:] for line in lines]


def wait_records(host, name: str, want: list[bytes]) -> None:
    """Waits until the log is this."""
    try:
        wait_until(f"the log of {name} is complete", lambda: len(records(host, name)) >= len(want), 15)
    finally:
        assert records(host, name) == want


def test_stderr_levels_long_and_binary_lines_are_one_record_each(lxc):
    host = lxc()
    unit(host, "x.service", service(
        "echo out; sleep 0.2; echo err >&2; sleep 0.2; echo '<3>bad' >&2; sleep 0.2; "
        "printf 'a\\\\0b\\\\rc\\\\n'; head -c 50000 /dev/zero | tr '\\\\0' x; echo; exec sleep 1000"))
    unit(host, "same.service", service("for i in 1 2 3; do echo o$i; echo e$i >&2; done; exec sleep 1000",
                                       "StandardError=inherit"))
    host.start({}, tty=False)
    wait_units(host, x="running", same="running")
    wait_records(host, "x", [b" out", b"! err", b"!3 bad", b" a\0b\rc", b" " + b"x" * 49152, b"+ " + b"x" * 848])
    wait_records(host, "same", [b" o1", b" e1", b" o2", b" e2", b" o3", b" e3"])
    # The next supervisor knows which pipe is which.
    unit(host, "late.service", service("while :; do echo out; echo err >&2; sleep 0.02; done"))
    host.exec(["hakimctl", "reload"])
    host.exec(["hakimctl", "start", "late"])
    old = supervisor(host)
    os.kill(old, signal.SIGKILL)
    wait_supervisor(host, other_than=old)
    before = len(records(host, "late"))
    wait_until("it goes on", lambda: len(records(host, "late")) > before + 20, 15)
    seen = records(host, "late")
    assert {b" out", b"! err"} == set(seen)
    assert abs(seen.count(b" out") - seen.count(b"! err")) <= 2
    assert host.stop() == 0


def test_a_rate_limit_and_a_level_drop_lines_and_say_so(lxc):
    host = lxc()
    unit(host, "loud.service", service("i=0; while [ $i -lt 1000 ]; do echo $i; i=$((i+1)); done; sleep 3; echo end; "
                                       "exec sleep 1000",
                                       "LogRateLimitBurst=100\nLogRateLimitIntervalSec=2"))
    unit(host, "level.service", service("echo '<7>debug'; echo info; echo '<4>warning'; exec sleep 1000",
                                        "LogLevelMax=notice"))
    host.start({}, tty=False)
    wait_units(host, loud="running", level="running")
    wait_records(host, "level", [b"4 warning"])
    wait_until("the end has come", lambda: records(host, "loud")[-1:] == [b" end"], 15)
    lines = records(host, "loud")
    told = [int(line.split()[1]) for line in lines if line.endswith(b"messages suppressed")]
    assert sum(told) + len(lines) - len(told) == 1001
    assert len(lines) <= 302
    assert status(host)["units"]["loud"]["log_suppressed"] == sum(told)
    assert host.stop() == 0


def test_standard_streams_go_where_the_unit_says(lxc):
    host = lxc()
    unit(host, "files.service", service("cat; echo err >&2", "User=coder\nType=oneshot\n"
         "StandardInputText=hello\nStandardOutput=append:/var/out\nStandardError=truncate:/var/err"))
    unit(host, "both.service", service("echo one; echo two >&2", "Type=oneshot\nStandardOutput=file:/var/both"))
    unit(host, "null.service", service("echo gone; echo gone >&2", "Type=oneshot\nStandardOutput=null"))
    unit(host, "half.service", service("cat; echo kept >&2", "Type=oneshot\nStandardOutput=null\n"
                                       "StandardError=journal\nStandardInput=file:/etc/passwd"))
    unit(host, "bad.service", service("echo x", "Type=oneshot\nStandardOutput=append:/no/such/place"))
    host.put_file("/var/out", "before\n")
    host.put_file("/var/err", "longer before\n")
    host.start({}, tty=False)
    found = wait_units(host, files="dead", both="dead", null="dead", half="dead", bad="failed")
    assert host.read_file("/var/out") == b"before\nhello\n"
    assert host.read_file("/var/err") == b"err\n"
    assert host.read_file("/var/both") == b"one\ntwo\n"
    assert host.root("/var/out").stat().st_uid == host.root("/etc/passwd").stat().st_uid
    wait_records(host, "half", [b"! kept"])
    assert not records(host, "null")
    assert "standard input and output" in found["units"]["bad"]["last_error"]
    assert host.stop() == 0
