"""No fds, no processes, no memory: PID 1 and the supervisor live, and go on when the fault goes.

The limits are the kernel's own (prlimit); what no limit brings about is put into single system calls by strace.
"""
from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakim import comm, services, status, supervisor, unit, wait_idle, wait_supervisor, wait_units
from hosts.process import children, wait_until

SLEEP = "[Service]\nExecStart=/bin/sleep {n}\nRestart=always\nRestartSec=0\n"


@contextlib.contextmanager
def limited(pid: int, what: int, value: int) -> Iterator[None]:
    """The process has only so much of it."""
    old = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (value, old[1]))
    try:
        yield
    finally:
        if os.path.exists(f"/proc/{pid}"):
            resource.prlimit(pid, what, old)


def traced(pid: int) -> bool:
    """Whether all threads of the process have a tracer."""
    return all("TracerPid:\t0\n" not in (task / "status").read_text("utf-8")
               for task in Path(f"/proc/{pid}/task").iterdir())


@contextlib.contextmanager
def failing(pid: int, *faults: str) -> Iterator[None]:
    """System calls of the process and of its children fail: "open,pipe2:error=EMFILE"."""
    traces = ",".join(fault.partition(":")[0] for fault in faults)
    strace = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={traces}",
                               *(word for fault in faults for word in ("-e", f"inject={fault}")),
                               "-p", str(pid)], stdin=subprocess.DEVNULL)
    try:
        wait_until("strace is there", lambda: traced(pid) or strace.poll() is not None, 10)
        assert strace.poll() is None, "strace could not attach"
        yield
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait(10)


def cpu_ticks(pid: int) -> int:
    """User and system time, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def kill_service(host, pid: int) -> None:
    """kill -9 of a service, and wait until PID 1 has reaped it."""
    os.kill(pid, signal.SIGKILL)
    wait_until("it is reaped", lambda: pid not in children(host.pid), 5)


def started(host):
    """A container with one service, and its pid."""
    unit(host, "one.service", SLEEP.format(n=1000))
    host.start({"HAKIM_STOP_TIMEOUT": "20s"}, tty=False)
    wait_units(host, one="running")
    [pid] = services(host, "sleep")
    return pid


def check_alive(host, keeper: int) -> None:
    """The same supervisor, and all of it works again."""
    unit(host, "later.service", SLEEP.format(n=2000))
    host.exec(["hakimctl", "reload"])
    wait_units(host, one="running", later="running")
    assert supervisor(host) == keeper, "the supervisor has died"
    assert status(host)["manager"]["supervisor_starts"] == 1
    assert host.stop() == 0


def test_without_processes_a_service_is_started_when_there_are_some_again(lxc):
    host = lxc()
    pid = started(host)
    keeper = supervisor(host)
    with limited(keeper, resource.RLIMIT_NPROC, 1):
        kill_service(host, pid)
        wait_until("the status says why", lambda: "trying again" in
                   (status(host)["units"]["one"]["last_error"] or ""), 10, 0.05)
        assert status(host)["units"]["one"]["sub"] != "failed"
    wait_units(host, one="running")
    check_alive(host, keeper)


def test_without_fds_a_service_is_started_when_there_are_some_again(lxc):
    host = lxc()
    pid = started(host)
    keeper = supervisor(host)
    wait_idle(keeper)  # has closed what the last question took
    used = {int(fd) for fd in os.listdir(f"/proc/{keeper}/fd")}
    fds = next(n for n in range(len(used) + 1) if n not in used)
    with limited(keeper, resource.RLIMIT_NOFILE, fds):
        # Nobody can be let in now; that they wait is nothing that the supervisor is busy with.
        client = subprocess.Popen(host.inside(["hakimctl", "status"]), stdout=subprocess.PIPE, text=True)
        wait_until("the client has asked", lambda: "hakimctl" in [comm(p) for p in host.processes()], 5)
        before = cpu_ticks(keeper)
        with contextlib.suppress(subprocess.TimeoutExpired):
            client.wait(1)
        assert cpu_ticks(keeper) - before < 20
        kill_service(host, pid)
        host.kill(signal.SIGHUP)
        log = "/var/log/hakim/hakim-supervisor.log"
        wait_until("the units that it cannot read just now are not forgotten", lambda:
                   b"nothing was changed: /etc/hakim/modules: Too many open files" in host.read_file(log), 5)
    assert "one" in client.communicate(timeout=10)[0], "it was answered when there were fds again"
    wait_units(host, one="running")
    check_alive(host, keeper)


def skip_where_sanitized(helpers) -> None:
    """Its run-time library needs memory and files of its own, and aborts without."""
    if helpers.parent.name == "sanitize":
        pytest.skip("a sanitized supervisor cannot be without memory or files")


@pytest.mark.parametrize("faults", [
    # brk(2) tells a failure by the address that it returns, not by an errno.
    ("mmap,mremap:error=ENOMEM", "brk:retval=0"),
    ("openat,open,pipe2,socket,eventfd2,timerfd_settime:error=ENOMEM",),
    ("clone,clone3:error=ENOMEM",),
])
def test_without_memory_it_goes_on_when_there_is_some_again(lxc, helpers, faults):
    skip_where_sanitized(helpers)
    host = lxc()
    pid = started(host)
    keeper = supervisor(host)
    for i in range(40):
        unit(host, f"more{i}.service", f"[Unit]\nDescription={'x' * 4000}\n[Service]\nExecStart=/bin/true\n")
    with failing(keeper, *faults):
        host.kill(signal.SIGHUP)
        kill_service(host, pid)
        host.exec(["hakimctl", "status"], check=False, timeout=10)
        host.exec(["hakimctl", "restart", "--no-block", "one"], check=False, timeout=10)
        assert supervisor(host) == keeper, "the supervisor has died"
    wait_units(host, one="running")
    for i in range(40):
        host.exec(["rm", f"/etc/hakim/modules/more{i}.service"])
    check_alive(host, keeper)


def test_a_disk_that_fails_stops_no_service_is_told_and_passes(lxc, helpers):
    skip_where_sanitized(helpers)
    host = lxc()
    unit(host, "beat.service", "[Service]\nExecStart=/bin/sh -c \"while :; do echo beat; sleep 0.02; done\"\n")
    pid = started(host)
    keeper = supervisor(host)
    with failing(keeper, "pwrite64:error=EIO"):
        wait_until("lines are lost", lambda: status(host)["units"]["beat"]["log_lost"] > 0, 20)
        assert status(host)["units"]["beat"]["log_error"] == "Input/output error"
        assert supervisor(host) == keeper, "the supervisor has died"
    log = host.root("/var/log/hakim/beat.log")
    wait_until("the loss is told", lambda: b"bytes of log were lost: Input/output error\n" in log.read_bytes(), 20)
    wait_until("all is well", lambda: status(host)["units"]["beat"]["log_error"] is None, 20)
    kill_service(host, pid)
    check_alive(host, keeper)


@pytest.mark.parametrize("fault", [
    "clone,fork,vfork,clone3:error=EAGAIN", "clone,fork,vfork,clone3:error=ENOMEM", "socketpair:error=EMFILE",
    "execve:error=ENOMEM", "epoll_ctl:error=ENOMEM", "timerfd_settime:error=ENOMEM",
    "read,write,sendmsg,recvmsg:error=EIO", "wait4:error=EINTR", "mmap,brk:error=ENOMEM",
])
def test_pid_1_gets_a_new_supervisor_when_the_fault_goes(lxc, fault):
    host = lxc()
    pid = started(host)
    old = wait_supervisor(host)
    with failing(host.pid, fault):
        os.kill(old, signal.SIGKILL)
        # A moment in which it tries in vain; that it lives is what counts.
        with contextlib.suppress(TimeoutError):
            wait_until("there is another one", lambda: supervisor(host) not in (0, old), 1)
        assert host.running, "PID 1 has died"
    wait_supervisor(host, other_than=old)
    wait_units(host, one="running")
    assert services(host, "sleep") == [pid], "the service went on"
    assert host.stop() == 0


def test_without_fds_each_row_of_the_quirks_is_asked_all_the_same(lxc):
    host = lxc()
    started(host)
    ask = "exec hakim-init --quirks"
    with subprocess.Popen(host.inside(["sh", "-c", f"read go; {ask}"]), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as client:
        wait_until("it waits", lambda: "sh" in [comm(p) for p in host.processes()], 10)
        [pid] = [p for p in host.processes() if comm(p) == "sh"]
        with failing(pid, "pipe2:error=EMFILE"):
            without = client.communicate(b"go\n", timeout=20)[0]
    outcomes = [{row["name"]: row["outcome"] for row in json.loads(text)["quirks"]}
                for text in (without, host.exec(["sh", "-c", ask]).stdout)]
    assert len(outcomes[0]) > 10 and outcomes[0] == outcomes[1]
    assert host.stop() == 0
