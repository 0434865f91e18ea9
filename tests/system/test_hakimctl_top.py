"""`hakimctl top`: what units use, in rounds and on a terminal that is put back as it was."""
from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pytest
from fake_supervisor import FakeSupervisor
from hakimctl_kit import CTL, EVIL, MANAGER, NOW, environment, scripted, unit
from hakimctl_kit import _ctl, _place, _serve  # noqa: F401

LEAVE = b"\x1b[?25h\x1b[?1049l"


def growing():
    """Each answer is a second later, and "busy" has used half of it."""
    at = [0]

    def answer(words):
        at[0] += 1
        return scripted({**MANAGER, "now_us": NOW + at[0] * 1_000_000},
                        unit("idle", cpu_run_us=5), unit("busy", cpu_run_us=at[0] * 500_000),
                        unit(EVIL, cpu_run_us=5))(words)
    return answer


class Terminal:
    """hakimctl on a terminal that goes on."""

    def __init__(self, place, *args: str, columns: int = 80) -> None:
        self.ours, self.theirs = pty.openpty()
        self.resize(columns)
        self.before = termios.tcgetattr(self.theirs)
        self.got = b""
        self.child = subprocess.Popen([CTL, *args], env=environment(place), stdin=self.theirs, stdout=self.theirs,
                                      stderr=self.theirs)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read_until(self, what: bytes) -> bytes:
        """What came since the last time, up to and with `what`."""
        end = time.monotonic() + 10
        while what not in self.got:
            assert time.monotonic() < end and select.select([self.ours], [], [], 10)[0], (what, self.got)
            self.got += os.read(self.ours, 65536)
        at = self.got.index(what) + len(what)
        found, self.got = self.got[:at], self.got[at:]
        return found

    def is_as_before(self) -> bool:
        return termios.tcgetattr(self.theirs) == self.before

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture(name="terminal")
def _terminal(place, serve):
    started = []

    def start(*args: str, columns: int = 80) -> Terminal:
        serve(growing())
        started.append(Terminal(place, *args, columns=columns))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_rounds_are_json_objects_with_the_share_of_a_processor(ctl, serve):
    serve(growing())
    done = ctl("top", "--json", "-n", "2", "-d", "0.1")
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(rounds) == 2
    for told in rounds:
        assert told["units"][0]["name"] == "busy.service" and told["units"][0]["cpu_percent"] == 50.0
        assert told["units"][1]["cpu_percent"] == 0.0


def test_without_a_terminal_it_is_one_round_of_plain_text(ctl, serve):
    serve(growing())
    done = ctl("top", "-s", "name", "-d", "0.1")
    assert done.returncode == 0 and "\x1b" not in done.stdout
    assert [line.split()[-1] for line in done.stdout.splitlines()[4:]] == ["busy", "idle"]
    assert ctl("top", "--sort=size").returncode == 2
    assert ctl("top", "-1", HAKIM_RUNTIME_DIR="/nowhere").returncode == 5


@pytest.mark.parametrize("end", ["q", signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_the_terminal_is_as_it_was_whatever_ends_it(terminal, end):
    on = terminal("top", "-d", "0.1")
    on.read_until(b"busy")
    assert not on.is_as_before(), "keys are read as they come"
    if end == "q":
        os.write(on.ours, b"q")
    else:
        on.child.send_signal(end)
    on.read_until(LEAVE)
    assert on.child.wait(10) == (0 if end in ("q", signal.SIGINT) else -end)
    assert on.is_as_before()


def test_a_supervisor_that_goes_leaves_the_terminal_as_it_was(place):
    with FakeSupervisor(place, growing()):
        on = Terminal(place, "top", "-d", "0.1")
        on.read_until(b"busy")
    try:
        on.read_until(LEAVE)
        on.read_until(b"hakimctl: ")
        assert on.child.wait(15) == 5 and on.is_as_before()
    finally:
        on.close()


def test_it_follows_the_size_of_the_terminal_and_keys_change_the_order(terminal):
    on = terminal("top", "-d", "30", columns=100)
    assert b"RESTARTS" in on.read_until(b"\x1b[J")
    on.resize(30)
    on.child.send_signal(signal.SIGWINCH)
    assert b"RESTARTS" not in on.read_until(b"\x1b[J")
    os.write(on.ours, b"n")
    screen = on.read_until(b"\x1b[J")
    assert screen.index(b"busy") < screen.index(b"idle")
    os.write(on.ours, b"q")
    assert on.child.wait(10) == 0
