"""What a pull shows on a terminal while it goes on, and what is left there when it has ended."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import hostile_registry
import pytest
from hostile_registry import Honest, Server
from image_kit import HAKIM, Image, environment, registry_fixture

plain = registry_fixture("plain")
LAYER = re.compile(r"[0-9a-f]{12} (\[?[█░=.]+) (\d\.\d of \d\.\d MiB)")
TOTAL = re.compile(r"total +\d+ % \d\.\d of \d\.\d MiB, \d\.\d MiB/s, \d+ s left")


class Screen:
    """A terminal that knows what hakim may send, and no more; without a height."""

    def __init__(self):
        self.lines, self.row, self.column = [""], 0, 0

    def take(self, text):
        for control, count, last, char in re.findall(r"(\x1b\[(\d*)(?:;\d+)*([A-Za-z]))|([^\x1b])", text):
            if control:
                self.obey(count, last)
            elif char == "\r":
                self.column = 0
            elif char == "\n":
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            else:
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[:self.column] + char + line[self.column + 1:]
                self.column += 1

    def obey(self, count, last):
        assert last in "AKJm", "nothing else is sent"
        if last == "A":
            self.row -= int(count)
            assert self.row >= 0
        elif last in "KJ":
            self.lines[self.row] = self.lines[self.row][:self.column]
        if last == "J":
            del self.lines[self.row + 1:]


class Terminal:
    """A pull of hakim's on a terminal, and each screen that it made."""

    def __init__(self, home, columns, *words, **env):
        self.ours, theirs = pty.openpty()
        self.resize(columns)
        env = {"TERM": "xterm", **env}
        self.child = subprocess.Popen([HAKIM, "pull", *map(str, words)], env=environment(home, **env), stdin=theirs,
                                      stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.raw, self.rest, self.screen, self.screens = b"", b"", Screen(), []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        os.close(self.ours)

    def resize(self, columns):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self, until=lambda lines: False):
        """To the end, or until a screen is that. Returns whether it is. Each drawing ends by ESC [ J."""
        end = time.monotonic() + 60
        while time.monotonic() < end and select.select([self.ours], [], [], 60)[0]:
            try:
                got = os.read(self.ours, 65536)
            except OSError:  # EIO: the last one has closed it
                self.screen.take(self.rest.decode())
                return False
            self.raw += got
            *drawings, self.rest = (self.rest + got).split(b"\x1b[J")
            before = len(self.screens)
            for drawing in drawings:
                self.screen.take(drawing.decode() + "\x1b[J")
                self.screens.append(list(self.screen.lines))
            if any(map(until, self.screens[before:])):
                return True
        raise AssertionError(self.screen.lines)


@pytest.fixture
def words(plain, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    plain.push(Image(sizes=(600000, 700000, 2000)), "p/bars:1", tmp_path)
    return ("--image", f"{plain.host}/p/bars:1", "--output", out, "--plain-http", "--platform=linux/amd64", "--jobs=2",
            "--limit-rate=400K")


def layers(lines):
    return [line for line in lines if LAYER.match(line)]


def two_layers_and_a_total(lines):
    return len(layers(lines)) == 2 and bool(TOTAL.fullmatch(lines[-1]))


def left_behind(lines):
    return [line for line in lines if re.search(r"[█░]|===|\.\.\.\.|^total|^[0-9a-f]{12} ", line)]


@pytest.mark.parametrize("columns", [80, 40, 200])
def test_each_layer_in_flight_has_a_line_and_there_is_a_total(words, tmp_path, columns):
    with Terminal(tmp_path, columns, *words) as terminal:
        terminal.read()
        assert terminal.child.wait(10) == 0
    both = [s for s in terminal.screens if len([x for x in s if re.match("[0-9a-f]{12} ", x)]) >= 2
            and re.search("of 1.2 MiB, .* s left$", s[-1])]
    assert len(both) >= 3, terminal.screens
    assert columns < 80 or any(two_layers_and_a_total(s) for s in terminal.screens)
    drawn = [line for s in terminal.screens for line in left_behind(s)]
    assert drawn and max(map(len, drawn)) < columns
    assert left_behind(terminal.screen.lines) == []
    *notes, pulled, done, rest = terminal.screen.lines
    assert all(note.startswith("hakim: ") for note in notes), "those of before the first byte, and the disk"
    assert pulled.startswith("pulled ") and done == "done: pulled=1 skipped=0" and rest == ""


def test_a_terminal_that_gets_narrower_is_drawn_on_as_it_is_then(words, tmp_path):
    with Terminal(tmp_path, 100, *words) as terminal:
        assert terminal.read(two_layers_and_a_total)
        terminal.resize(44)
        terminal.read()
    widths = [max(map(len, left_behind(s))) for s in terminal.screens if left_behind(s)]
    # Those that were under way are still wide.
    narrow = [width < 44 for width in widths]
    assert narrow.index(True) > 0 and all(narrow[narrow.index(True):]), widths
    assert left_behind(terminal.screen.lines) == []


def test_what_fails_is_said_where_the_lines_were(words, tmp_path):
    with Terminal(tmp_path, 80, *words) as terminal:
        assert terminal.read(two_layers_and_a_total)
        terminal.child.send_signal(signal.SIGTERM)
        terminal.read()
        assert terminal.child.wait(10) == 1
    assert left_behind(terminal.screen.lines) == []
    assert "interrupted" in terminal.screen.lines[-3] and terminal.screen.lines[-1] == "", terminal.screen.lines


def test_a_warning_has_a_line_of_its_own_and_the_drawing_goes_on_below_it(tmp_path):
    honest = Honest(Image(sizes=(600000, 700000)))
    digest, whole, asked = hostile_registry.second(honest), honest.blob, []

    def blob(name, start=0):
        answer = whole(name, start)
        if name == digest and not asked:
            asked.append(start)
            answer.cut, answer.length = 300000, len(answer.body)
        return answer
    honest.blob = blob
    server = Server(honest.answer)
    try:
        with Terminal(tmp_path, 80, "--image", f"{server.host}/p/cut:1", "--output", tmp_path, "--plain-http",
                      "--platform=linux/amd64", "--limit-rate=400K", "--retries=1") as terminal:
            terminal.read()
            assert terminal.child.wait(10) == 0
    finally:
        server.stop()
    assert left_behind(terminal.screen.lines) == []
    warning, = [line for line in terminal.screen.lines if "tried again in" in line]
    assert warning.startswith("hakim: ")
    assert any(warning in s and left_behind(s[s.index(warning):]) for s in terminal.screens)
    assert not any(left_behind(s[:s.index(warning)]) for s in terminal.screens if warning in s)


def test_ascii_without_utf8_and_no_colours_when_they_are_not_wanted(words, tmp_path):
    with Terminal(tmp_path, 80, *words, LC_ALL="C", NO_COLOR="1") as terminal:
        assert terminal.read(two_layers_and_a_total)
    assert terminal.raw.isascii()
    assert set(re.findall(rb"\x1b\[\d*([A-Za-z])", terminal.raw)) <= {b"A", b"J", b"K"}


def test_utf8_and_colours_where_there_are_both(words, tmp_path):
    with Terminal(tmp_path, 80, *words) as terminal:
        assert terminal.read(two_layers_and_a_total)
    assert "█".encode() in terminal.raw and b"\x1b[36m" in terminal.raw


@pytest.mark.parametrize("more, env", [(["--quiet"], {}), (["--json"], {}), ([], {"TERM": "dumb"})])
def test_nothing_is_drawn_where_nobody_wants_it_or_it_cannot_be(words, tmp_path, more, env):
    with Terminal(tmp_path, 80, *words, *more, **env) as terminal:
        terminal.read()
        assert terminal.child.wait(10) == 0
    assert b"\x1b" not in terminal.raw
    assert left_behind(terminal.screen.lines) == []


def test_without_a_terminal_there_is_a_line_every_few_seconds(words, tmp_path):
    result = subprocess.run([HAKIM, "pull", *map(str, words), "--limit-rate=200K"], env=environment(tmp_path),
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stderr.splitlines() if " left" in line]
    assert 1 <= len(lines) <= 3, result.stderr
    assert all(re.fullmatch(r"hakim: \d\.\d of 1\.2 MiB, 0\.\d MiB/s, \d+ s left", line) for line in lines), lines
    assert "\x1b" not in result.stderr and "\r" not in result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["pulled", "done:"]


def test_a_layer_that_is_copied_or_unpacked_is_shown_so(words, plain, tmp_path):
    plain.push(Image(sizes=(3 << 20, 2000), compress=False), "p/copied:1", tmp_path)
    plain.push(Image(sizes=(3 << 20, 3000), compress=False), "p/copied:2", tmp_path)
    more = ("--output", words[3], "--plain-http", "--platform=linux/amd64")
    where = f"{plain.host}/p"
    subprocess.run([HAKIM, "pull", "--image", f"{where}/copied:1", *map(str, more)], env=environment(tmp_path),
                   check=True, capture_output=True, timeout=60)
    with Terminal(tmp_path, 80, "--image", f"{where}/copied:2", *more, "--verify-layers") as terminal:
        terminal.read()
        assert terminal.child.wait(10) == 0
    seen = "\n".join(line for s in terminal.screens for line in s)
    # What a file system can share is read back where it is then.
    assert re.search(r"^[0-9a-f]{12} [█░]+ (?:copying|verifying) \d\.\d of 3\.0 MiB$", seen, re.M)
    assert re.search(r"^[0-9a-f]{12} █+ verifying 3\.0 MiB$", seen, re.M)
    assert left_behind(terminal.screen.lines) == []
