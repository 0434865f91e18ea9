"""hakim-init as the entrypoint of an image: the program in the foreground, its terminal and its status."""
from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from hakim import comm, unit, wait_units
from hosts.process import children, wait_until
from test_secrets import boot, check_everything, descendants, seen
from workspace import agent_program, podman_workspace  # noqa: F401

PROMPT = "ready> "
SHELL = ["env", f"PS1={PROMPT}", "HISTFILE=", "bash", "--norc", "--noprofile"]


@pytest.mark.parametrize("program, status", [
    (["sh", "-c", "exit 7"], 7),
    (["sh", "-c", "exit 0"], 0),
    (["sh", "-c", "kill -9 $$"], 137),
    (["sh", "-c", "kill -15 $$"], 143),
    (["there-is-no-such-program"], 127),
    (["/there/is/no/such/program"], 127),
    (["/etc/passwd"], 126),
    (["/etc"], 126),
])
def test_the_containers_status_is_the_programs(podman, program, status):
    assert podman().run(program) == status


def test_plain_is_only_an_init(podman):
    host = podman()
    assert host.run(["--plain", "--", "sh", "-c", "ps -e -o comm=; exit 9"]) == 9
    assert "hakim-superv" not in host.console.text


def test_podman_stop_ends_the_program_and_the_services_in_order(podman):
    host = podman()
    unit(host, "one.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, ["sh", "-c", "trap 'echo asked; exit 5' TERM; echo set; while :; do sleep 0.05; done"], tty=False)
    host.console.expect("set")
    wait_units(host, one="running")
    began = time.monotonic()
    assert host.stop() == 5
    assert time.monotonic() - began < 5
    assert "asked" in host.console.text


def test_a_program_that_ignores_sigterm_is_gone_before_podman_would_kill(podman):
    host = podman()
    host.start({}, ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"], tty=False)
    host.console.expect("deaf")
    began = time.monotonic()
    assert host.stop() == 137
    assert 5 < time.monotonic() - began < 9


def test_a_shell_on_a_terminal_has_job_control(podman):
    host = podman()
    host.start({"TERM": "xterm"}, SHELL, tty=True)
    c = host.console
    c.expect(PROMPT)
    c.send("sleep 1000\r")
    wait_until("sleep runs", lambda: any(comm(p) == "sleep" for p in host.processes()))
    c.send("\x1a")  # ^Z
    c.expect("Stopped")
    c.send("jobs\r")
    c.expect(r"Stopped\s+sleep 1000")
    c.send("fg\r")
    c.expect("sleep 1000")
    c.send("\x03")  # ^C
    c.expect(PROMPT)
    wait_until("sleep is gone", lambda: not any(comm(p) == "sleep" for p in host.processes()))
    c.send("echo alive $((6*7))\r")
    c.expect("alive 42")
    # podman carries a resize to the container on a way of its own, not in order with what is typed.
    c.send("until [ \"$(stty size)\" = '33 101' ]; do sleep 0.05; done; echo size-is-$((6*7))\r")
    c.expect("echo")
    c.resize(33, 101)
    c.expect("size-is-42")
    c.send("echo columns $COLUMNS\r")  # bash had SIGWINCH, or asks after each command
    c.expect("columns 101")
    c.send("exit 3\r")
    assert host.wait() == 3


def in_foreground(pid: int) -> bool:
    """It sleeps, and its process group has the terminal: proc_pid_stat(5)."""
    state, _, group, _, _, terminals, *_ = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return state == "S" and group == terminals


def test_ctrl_z_at_a_program_without_a_shell_does_not_hang_it(podman):
    host = podman()
    host.start({"TERM": "xterm"}, ["cat"], tty=True)
    wait_until("cat waits at the terminal", lambda: any(comm(p) == "cat" and in_foreground(p)
                                                        for p in host.processes()))
    host.console.send("\x1a")
    host.console.send("hello\r")
    host.console.expect("hello\r\n.*hello")
    host.console.send("\x04")
    assert host.wait() == 0


def test_vim_and_tmux_work_in_it(podman):
    host = podman()
    host.start({"TERM": "xterm"}, SHELL, tty=True)
    c = host.console
    c.expect(PROMPT)
    c.send("vi /tmp/x\r")
    wait_until("vi runs", lambda: any(comm(p) in ("vi", "vim", "vim.tiny") for p in host.processes()))
    c.send("iwritten by vi\x1b")
    c.send(":wq\r")
    wait_until("vi has ended", lambda: not any(comm(p) in ("vi", "vim", "vim.tiny") for p in host.processes()))
    c.send("clear; rev /tmp/x\r")
    c.expect("iv yb nettirw")
    c.send("TMUX= tmux -f /dev/null new-session 'echo in-$((1+1))-tmux; read x'\r")
    c.expect("in-2-tmux")
    c.send("\r")
    c.expect("exited")
    c.send("exit\r")
    assert host.wait() == 0


def test_a_stopped_console_stops_nothing_else(podman, helpers):
    host = podman()
    host.put_file("/usr/local/bin/flood", (helpers / "flood").read_bytes(), 0o755)
    unit(host, "flood.service", "[Service]\nExecStart=/usr/local/bin/flood --name flood\n"
         "[X-Hakim]\nLogMaxSize=4M\nLogKeep=2\n")
    host.start({"TERM": "xterm"}, SHELL, tty=True)
    wait_units(host, flood="running")
    host.console.expect(PROMPT)
    host.console.send("\x13")  # ^S
    [init_supervisor] = [p for p in children(host.pid) if comm(p) == "hakim-superviso"]
    os.kill(init_supervisor, signal.SIGKILL)  # PID 1 has something to say about that
    wait_until("there is another supervisor", lambda: any(
        comm(p) == "hakim-superviso" and p != init_supervisor for p in children(host.pid)))
    wait_units(host, flood="running")

    def written() -> str:
        return host.exec(["stat", "-c", "%y %s", "/var/log/hakim/flood.log"]).stdout

    first = written()
    wait_until("the log goes on", lambda: written() != first)
    host.console.send("\x11")  # ^Q
    host.console.send("echo again $((40+2))\r")
    host.console.expect("again 42")
    host.console.send("exit\r")
    assert host.wait() == 0


def test_without_a_program_a_terminal_gets_the_coder_users_login_shell(podman):
    host = podman()
    host.start({"TERM": "xterm"}, [], tty=True)
    host.console.expect(r"\$ ")
    host.console.send("id -un; pwd; shopt -q login_shell && echo is-login; echo home=$HOME\r")
    host.console.expect("coder\r\n/home/coder\r\nis-login\r\nhome=/home/coder")
    host.console.send("exit 4\r")
    assert host.wait() == 4


def test_without_program_and_terminal_it_stays_up(podman):
    host = podman()
    unit(host, "one.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, [], tty=False)
    wait_units(host, one="running")
    assert host.stop() == 0


def test_a_user_who_is_not_root_gets_program_and_services(podman):
    host = podman()
    host.options = (*host.options, "--user=1000:1000")
    unit(host, "mine.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "other.service", "[Service]\nUser=root\nExecStart=/bin/sleep 1000\n")
    host.start({"HOME": "/home/coder"}, ["sh", "-c", "while :; do sleep 0.05; done"], tty=False)
    # The supervisor is the coder user's: its socket lies in a directory of theirs, and root's hakimctl does not
    # trust that.
    found = {}

    def settled() -> bool:
        done = host.exec(["hakimctl", "status", "--json"], user="coder", check=False)
        found.update({u["name"]: u for u in json.loads(done.stdout or "{}").get("units", [])})
        return bool(found) and found["other.service"]["sub"] == "failed"
    wait_until("both units have settled", settled)
    assert found["mine.service"]["sub"] == "running"
    assert "needs root" in found["other.service"]["last_error"]
    host.stop()


def test_a_read_only_root_runs_the_program_all_the_same(podman):
    host = podman()
    host.options = (*host.options, "--read-only", "--read-only-tmpfs=false")
    assert host.run(["sh", "-c", "exit 6"]) == 6


def test_the_token_is_in_the_agents_environment_only_in_podman(podman_workspace):  # noqa: F811
    w = podman_workspace()
    w.host.options = (*w.host.options,)
    units = boot(w)
    agent = w.agent_pid()
    check_everything(w, descendants(agent), {seen(w, units["asks"])})
    assert w.host.stop() == 0
