"""The same init in other places: bare namespaces, not PID 1, not root."""
from __future__ import annotations

import contextlib
import ctypes
import platform
import signal
from pathlib import Path

import pytest

from hakim import comm, environ, services, unit, wait_units
from hosts.process import wait_until
from workspace import TOKEN, agent_program, workspaces  # noqa: F401


@pytest.fixture
def bare_workspace(unshare_host, agent_program):  # noqa: F811
    """Makes workspaces in bare namespaces."""
    yield from workspaces(unshare_host, agent_program)


def test_a_workspace_boots_and_stops_in_bare_namespaces(bare_workspace):
    w = bare_workspace().start({"HAKIM_STANDIN_STOP_SCRIPT": "echo done >/home/coder/stop-script"})
    w.ready()
    assert f"CODER_AGENT_TOKEN={TOKEN}".encode() in environ(w.agent_pid())
    assert TOKEN.encode() not in environ(w.host.pid)
    assert w.host.stop() == 0
    assert w.host.read_file("/home/coder/stop-script") == b"done\n"


def test_who_asks_while_the_container_boots_is_answered(unshare_host):
    host = unshare_host().start({}, tty=False)
    wait_units(host, home="exited")
    # As long as a socket that is not there yet.
    later = "cd /run/hakim && mv control.sock later || exit 9; { sleep 1; mv later control.sock; } & exec hakimctl "
    for words in ("status", "restart home", "wait home", "enable home"):
        assert host.exec(["sh", "-c", later + words], check=False).returncode == 0, words
    assert host.stop() == 0


def test_as_a_subreaper_it_works_the_same_and_ends_all_that_is_below_it(podman):
    host = podman()
    host.entrypoint = "/bin/sh"
    unit(host, "one.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, ["-c", "hakim-init sh -c 'sleep 2000 & exec sleep 3000'; echo status=$?; sleep 0.2"], tty=False)
    wait_units(host, one="running")
    inits = [p for p in host.processes() if comm(p) == "hakim-init"]
    assert len(inits) == 1
    wait_until("all sleep", lambda: len([p for p in host.processes() if comm(p) == "sleep"]) == 3, 10)
    host.exec(["sh", "-c", "kill -TERM $(pgrep -x hakim-init)"])
    host.console.expect("status=143", 20)
    wait_until("nothing is left", lambda: not [p for p in host.processes() if comm(p) == "hakim-superviso"])
    assert host.wait() == 0


def test_a_login_shell_of_a_user_who_is_not_root(podman):
    host = podman()
    host.options = (*host.options, "--user=1000:1000")
    host.start({"TERM": "xterm"}, [], tty=True)
    host.console.expect(r"\$ ")
    host.console.send("id -un; exit 3\r")
    host.console.expect("coder")
    assert host.wait() == 3


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH])
def test_other_signals_are_the_programs(podman, number):
    host = podman()
    host.start({}, ["sh", "-c", f"trap 'echo got-it; exit 0' {number.value}; echo set; while :; do sleep 0.02; done"],
               tty=False)
    host.console.expect("set")
    host.kill(number)
    host.console.expect("got-it")
    assert host.wait() == 0


@contextlib.contextmanager
def ignoring(number: int):
    """What is started inside ignores this signal; raw, as libc refuses its own (glibc's posix_spawn leaves them)."""
    libc = ctypes.CDLL(None, use_errno=True)
    rt_sigaction = {"x86_64": 13, "aarch64": 134}[platform.machine()]

    def action(handler: int) -> None:
        kernel_sigaction = (ctypes.c_ulong * 8)(handler)
        assert libc.syscall(rt_sigaction, number, kernel_sigaction, None, 8) == 0

    action(signal.SIG_IGN)
    try:
        yield
    finally:
        action(signal.SIG_DFL)


@pytest.mark.parametrize("ignored", [signal.SIGHUP, 32, signal.SIGRTMAX])
def test_the_children_get_no_fds_and_no_signals_of_ours(lxc, ignored):
    host = lxc()
    unit(host, "one.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    with ignoring(ignored):
        host.start({}, tty=False)
    wait_units(host, one="running")
    [pid] = services(host, "sleep")
    fds = sorted(int(p.name) for p in Path(f"/proc/{pid}/fd").iterdir())
    assert fds == [0, 1, 2]
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    for name in ("SigBlk", "SigIgn"):
        value = next(line for line in status.splitlines() if line.startswith(name)).split()[1]
        assert int(value, 16) == 0, f"{name} is {value}"
    assert host.stop() == 0


SETTLED = "hakimctl wait --all --timeout=20 >/dev/null 2>&1; "  # a child between clone and execve has its name
SECOND = (f"{SETTLED}hakim-init; echo alone=$?; hakim-init sh -c 'echo one $(pgrep -cx hakim-superviso)'; "
          "hakim-init there-is-none; echo none=$?; su coder -c '/usr/sbin/hakim-init; echo coders=$?'; echo all-said; "
          "exec sleep 1000")


@pytest.mark.parametrize("first", ["pid1", "another-name", "subreaper"])
def test_a_second_init_runs_its_program_as_it_is_or_says_that_there_is_one(podman, first):
    host = podman()
    unit(host, "one.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    if first == "pid1":
        host.start({}, ["sh", "-c", SECOND], tty=False)
    else:
        host.entrypoint = "/bin/sh"
        begin = {"another-name": "ln /usr/sbin/hakim-init /sbin/an-init; exec /sbin/an-init /bin/sh -c \"$1\"",
                 "subreaper": "hakim-init & until hakimctl status >/dev/null 2>&1; do sleep 0.05; done; eval \"$1\""}
        host.start({}, ["-c", begin[first], "-", SECOND], tty=False)
    host.console.expect("all-said", 20)
    said = host.console.text.replace("\r", "")
    assert said.count("another hakim-init is at work in this container already") == 2
    assert "alone=1\n" in said and "one 1\n" in said and "none=127\n" in said and "coders=1\n" in said
    wait_units(host, one="running")
    wait_until("both sleep", lambda: len([p for p in host.processes() if comm(p) == "sleep"]) == 2, 10)


def test_an_init_that_only_is_one_and_a_place_of_its_own_keep_no_supervisor_away(podman):
    host = podman()
    host.start({}, ["--plain", "sh", "-c", f"hakim-init & {SETTLED}"
                    "HAKIM_RUNTIME_DIR=/run/other HAKIM_LOG_DIR=/run/other/log hakim-init sh -c '"
                    f"{SETTLED}echo two $(pgrep -cx hakim-superviso)'; exec sleep 1000"], tty=False)
    host.console.expect("two 2", 20)
