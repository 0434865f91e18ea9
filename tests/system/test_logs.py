"""What becomes of a service's output: streams, levels, limits, files, a full disk, the console."""
from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from hakimctl_kit import CTL
from hakim import status, supervisor, switches, unit, wait_idle, wait_supervisor, wait_units
from hosts.process import Pipe, end_process, wait_until

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


FULL = """#!/bin/bash
line=$(printf 'x%.0s' {1..999})
for ((n = 0; ; n++)); do
    echo "$n $line"
    echo $n >/var/beat
    ((n % 20)) || sleep 0.01
done
"""


def test_a_full_disk_stops_no_service_is_told_and_passes(lxc):
    host = lxc()
    host.put_file("/usr/local/bin/full", FULL, 0o755)
    unit(host, "full.service", "[Service]\nExecStart=/usr/local/bin/full\n")
    unit(host, "quiet.service", service("while :; do echo still here; sleep 0.1; done"))
    host.start({}, tty=False, before=lambda: host.exec(
        ["sh", "-c", "mkdir -p /var/log/hakim && mount -t tmpfs -o size=8m tmpfs /var/log/hakim; "
         "head -c 7700000 /dev/zero >/var/log/hakim/filler"]))
    wait_units(host, full="running", quiet="running")
    pids = {name: status(host)["units"][name]["pid"] for name in ("full", "quiet")}
    wait_until("lines are lost", lambda: status(host)["units"]["full"]["log_lost"] > 0, 20)
    assert status(host)["units"]["full"]["log_error"] == "No space left on device"
    assert "No space left" in host.exec(["hakimctl", "status", "full"]).stdout
    beat = int(host.read_file("/var/beat") or 0)
    wait_until("it goes on", lambda: int(host.read_file("/var/beat") or 0) > beat + 200, 20)
    host.exec(["rm", "/var/log/hakim/filler"])
    told = re.compile(r"hakim: \d+ bytes of log were lost: No space left on device")
    wait_until("the loss is told", lambda: told.search(host.exec(["cat", "/var/log/hakim/full.log"]).stdout), 20)
    wait_until("all is well", lambda: status(host)["units"]["full"]["log_error"] is None, 20)
    # The directory goes and comes.
    lost = status(host)["units"]["quiet"]["log_lost"]
    host.exec(["umount", "-l", "/var/log/hakim"])
    # It may come back before there is a file in its place: who writes there makes it anew.
    host.exec(["sh", "-c", "until [ -f /var/log/hakim ]; do rm -rf /var/log/hakim; touch /var/log/hakim; done"])
    wait_until("it cannot be written", lambda: status(host)["units"]["quiet"]["log_lost"] > lost, 20)
    host.exec(["rm", "/var/log/hakim"])
    wait_until("there is a log again", lambda: b"bytes of log were lost" in host.read_file("/var/log/hakim/quiet.log")
               if host.root("/var/log/hakim/quiet.log").exists() else False, 20)
    assert pids == {name: status(host)["units"][name]["pid"] for name in pids}
    assert status(host)["manager"]["supervisor_starts"] == 1
    assert host.stop() == 0


def test_a_read_only_disk_stops_no_service_is_told_and_passes(lxc):
    host = lxc()
    unit(host, "beat.service", service("n=0; while :; do n=$$((n+1)); echo beat $$n; sleep 0.02; done"))
    host.start({}, tty=False)
    wait_units(host, beat="running")
    pid = status(host)["units"]["beat"]["pid"]
    wait_until("it logs", lambda: len(records(host, "beat")) > 5, 10)
    # Over the directory: one that a file is written in cannot be made read-only.
    host.exec(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "/var/log/hakim"])
    wait_until("lines are lost", lambda: status(host)["units"]["beat"]["log_lost"] > 0, 20)
    assert status(host)["units"]["beat"]["log_error"] == "Read-only file system"
    assert "Read-only file system" in host.exec(["hakimctl", "status", "beat"]).stdout
    host.exec(["umount", "/var/log/hakim"])
    told = re.compile(rb" hakim: \d+ bytes of log were lost: Read-only file system")
    wait_until("the loss is told", lambda: any(told.fullmatch(line) for line in records(host, "beat")), 20)
    wait_until("all is well", lambda: status(host)["units"]["beat"]["log_error"] is None, 20)
    beats = [int(line.split()[1]) for line in records(host, "beat") if line.startswith(b" beat")]
    assert beats[:5] == [1, 2, 3, 4, 5] and beats == sorted(set(beats)), "what was there is there still, once"
    assert status(host)["units"]["beat"]["pid"] == pid and status(host)["manager"]["supervisor_starts"] == 1
    assert host.stop() == 0


def test_old_files_are_made_by_age_compressed_and_expire(lxc):
    host = lxc()
    unit(host, "old.service", service("i=0; while :; do echo line $i; i=$((i+1)); sleep 0.05; done",
                                      hakim="LogRotateSec=1\nLogMaxAgeSec=4\nLogKeep=50\nLogCompress=zstd"))
    host.start({}, tty=False)
    wait_units(host, old="running")
    directory = host.root("/var/log/hakim")

    def packed() -> list[str]:
        return sorted(p.name for p in directory.iterdir() if p.name.startswith("old.log.") and p.suffix == ".zst")
    wait_until("two are compressed", lambda: len(packed()) >= 2, 20)
    wait_until("one has expired", lambda: len(packed()) >= 4, 20)
    assert len(list(directory.glob("old.log.*"))) <= 9
    assert host.stop() == 0
    directory = host.root("/var/log/hakim")
    text = b""
    for path in sorted(directory.glob("old.log.*"), key=lambda p: -int(p.name.split(".")[2])):
        with open(path, "rb") as file:
            text += subprocess.run(["zstd", "-dc"], check=True, stdin=file, stdout=subprocess.PIPE).stdout \
                if path.suffix == ".zst" else file.read()
    numbers = [int(line.split()[2]) for line in text.splitlines()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_all_kept_files_of_several_units_are_read_with_a_supervisor_and_without(lxc, tmp_path):
    host = lxc()
    count = "for i in $$(seq 500); do echo line $$i " + "x" * 200 + "; done"
    once = "Type=oneshot\nRemainAfterExit=yes"
    unit(host, "many.service", service(count, once, "LogMaxSize=4K\nLogKeep=40"))
    unit(host, "packed.service", service(count, once, "LogMaxSize=16K\nLogKeep=10\nLogCompress=zstd"))
    unit(host, "live.service", service("echo up; read line </var/go; echo went; sleep 1000"))
    host.start({}, tty=False, before=lambda: host.exec(["mkfifo", "/var/go"]))
    wait_units(host, many="exited", packed="exited", live="running")

    def asked(*args: str) -> list[dict]:
        lines = host.exec(["hakimctl", "logs", "--json", *args]).stdout.splitlines()
        return [json.loads(line) for line in lines]

    wait_until("all is compressed", lambda: not any(
        name.name.rpartition(".")[2].isdigit() for name in host.root("/var/log/hakim").glob("packed.log.*")), 30)
    assert len(list(host.root("/var/log/hakim").glob("many.log*"))) > 20
    assert list(host.root("/var/log/hakim").glob("packed.log.*.zst"))
    for name in ("many", "packed"):
        found = asked(name, "--since", "2000-01-01")
        assert [one["message"].split()[1] for one in found] == [str(n) for n in range(1, 501)], name
    wait_until("all that was said is in the logs", lambda: len(asked("many", "packed", "live", "-n", "all")) >= 1001)
    both = asked("many", "packed", "live", "-n", "all")
    times = [one["time_us"] for one in both]
    assert times == sorted(times) and len(times) == 1001
    assert {one["unit"] for one in both} == {"many.service", "packed.service", "live.service"}
    assert {"hakim-supervisor", "many.service"} <= {one["unit"] for one in asked("--all", "-n", "all")}
    shown = Pipe()
    follower = shown.start(host.inside(["hakimctl", "logs", "-f", "-S", "2000-01-01", "-g", "up|went", "live", "many"]))
    try:
        shown.expect(" live: up\n")
        host.exec(["sh", "-c", "echo >/var/go"])
        shown.expect(" live: went\n")
        assert [line.partition(" live: ")[2] for line in shown.text.splitlines()] == ["up", "went"]
    finally:
        end_process(follower)
        shown.close()
    shutil.copytree(host.root("/var/log/hakim"), tmp_path / "kept")
    assert host.stop() == 0
    env = {"PATH": os.environ["PATH"], "HAKIM_LOG_DIR": str(tmp_path / "kept"), "HAKIM_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run([CTL, "logs", "--json", "-n", "all",
                           "many", "packed", "live"], env=env, capture_output=True, text=True, check=True)
    kept = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one for one in kept if one["message"] != "went"] == both
    assert "no supervisor answers" in done.stderr


def test_a_supervisor_with_no_timed_log_does_not_wake_up(lxc):
    host = lxc()
    unit(host, "idle.service", service("echo x; exec sleep 1000", hakim="LogRotateSec=1h\nLogCompress=zstd"))
    host.start({}, tty=False)
    wait_units(host, idle="running", home="exited")
    wait_records(host, "idle", [b" x"])
    pid = supervisor(host)
    wait_idle(pid)
    before = switches(pid)
    time.sleep(3)  # what is measured
    assert switches(pid) == before
    assert host.stop() == 0


@pytest.mark.parametrize("value, wanted", [("1", {"a", "b"}), ("b", {"b"}), ("0", set()), ("", {"a"})])
def test_lines_go_to_the_output_of_the_container_as_asked(podman, value, wanted):
    host = podman()
    unit(host, "a.service", service("while :; do echo from a; echo err >&2; sleep 0.1; done", hakim="LogForward=yes"))
    unit(host, "b.service", service("while :; do echo from b; sleep 0.1; done", "SyslogIdentifier=bee"))
    host.start({"HAKIM_LOG_FORWARD": value} if value else {}, tty=False)
    wait_units(host, a="running", b="running")
    for name, text in (("a", "a: from a"), ("b", "bee: from b")):
        if name in wanted:
            wait_until(f"{name} is forwarded", lambda t=text: t in host.console.text, 10)
    wait_until("both have logged", lambda: len(records(host, "a")) > 5 and len(records(host, "b")) > 5, 10)
    assert ("a: err" in host.console.text) == ("a" in wanted)
    assert ("bee: " in host.console.text) == ("b" in wanted)
    assert host.stop() == 0
