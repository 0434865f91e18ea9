"""hakim-init in the place of tini and dumb-init: each row of drop_in_table.py holds for Debian's program and for
ours."""
from __future__ import annotations

import os
import pty
import shutil
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from drop_in_table import ANY, HANGS, PYTHON, TABLE, TINI, Row, on

DEBIAN, OURS, PLAIN = "Debian's", "ours", "--plain"
SECONDS = 20
# PID 1 of a row: runs it, hands its status on, and waits for what is left if it is to.
ADOPT = """
import os, subprocess, sys
code = subprocess.call(sys.argv[2:], close_fds=False)
while sys.argv[1] == "linger":
    try:
        os.wait()
    except ChildProcessError:
        break
sys.exit(code if code >= 0 else 128 - code)
"""
HELPERS = {
    "script": 'echo "script:$1,$2"\n',
    # A shell's $( ) waits until the orphan closes its output, too, and so nearly for its end.
    "adopted": """#!/bin/sh
who=$(sh -c 'orphan "$1" $$ & exit 0' sh "$1")
while [ "$who" = adopted ] && [ -e "/proc/$(cat orphan.pid)" ]; do sleep 0.01; done
echo "$who"
""",
    "orphan": """#!/bin/sh
echo $$ >orphan.pid
while read -r _ _ _ parent _ </proc/$$/stat && [ "$parent" = "$2" ]; do sleep 0.01; done
[ "$parent" = "$1" ] && echo adopted || echo lost
""",
    "storm": """#!/bin/sh
zombies() { grep -qs '^State:.Z' /proc/[0-9]*/status; }
i=0
while [ $i -lt 200 ]; do sh -c '(exit 1) & exit'; i=$((i + 1)); done
while zombies && [ $i -lt 400 ]; do sleep 0.01; i=$((i + 1)); done
zombies && echo zombies || echo none
""",
    "waker": """#!/bin/sh
: >awake
for pid; do while ! grep -q '^State:.T' "/proc/$pid/status"; do sleep 0.01; done; done
kill -CONT "$1"
""",
}


class Outcome(NamedTuple):
    """What came of a row."""
    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Our program under its names, and the helpers."""
    top = tmp_path_factory.mktemp("drop-in")
    build = Path(__file__).parents[2] / os.environ.get("HAKIM_BUILD", "build")
    (top / "bin").mkdir()
    for name in ("tini", "dumb-init"):
        (top / name).symlink_to(build / "hakim-init")
    (top / "hakim-init").symlink_to(build / "hakim-init")
    for name, text in HELPERS.items():
        (top / "bin" / name).write_text(text)
        (top / "bin" / name).chmod(0o755)
    yield top


def on_terminal(argv: list[str], typed: bytes, env: dict[str, str]) -> Outcome:
    """Runs it as the leader of a session on a terminal of its own; what it says after "ready"."""
    pid, fd = pty.fork()
    if pid == 0:
        try:
            os.execvpe(argv[0], argv, env)
        finally:
            os._exit(99)
    flags = termios.tcgetattr(fd)
    flags[1] &= ~termios.OPOST
    flags[3] &= ~termios.ECHO
    termios.tcsetattr(fd, termios.TCSANOW, flags)
    said, sent, end = b"", False, time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            part = os.read(fd, 4096)
        except OSError:  # nobody has it open any more
            break
        said += part
        if not sent and b"ready\n" in said:
            os.write(fd, typed)
            sent = True
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    text = said.decode()
    code = os.waitstatus_to_exitcode(status)
    return Outcome(code if code >= 0 else 128 - code, text.replace("ready\n", ""), text)


def run(row: Row, init: list[str], place: Path, here: Path) -> Outcome:
    """Runs a row with one program."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TINI_", "DUMB_"))}
    env |= {"PATH": f"{place}/bin:{env['PATH']}", **row.env}
    argv = [*row.before, *init, *row.line]
    if row.typed:
        return on_terminal(argv, row.typed, env)
    if not row.pid1:
        argv = [PYTHON, "-c", ADOPT, "linger" if row.linger else "-", *argv]
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *argv], cwd=here, env=env,
                          text=True,
                          capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL, check=False)
    return Outcome(done.returncode if done.returncode >= 0 else 128 - done.returncode, done.stdout, done.stderr)


CASES = [(row, kind) for row in TABLE for kind in (DEBIAN, OURS,
                                                   PLAIN) if kind != PLAIN or (row.who == TINI and row.plain)]


@pytest.mark.parametrize("row, kind", CASES, ids=[f"{row.who}: {row.says} [{kind}]" for row, kind in CASES])
def test_in_the_place_of_tini_and_dumb_init_the_same_happens(row: Row, kind: str, place: Path, tmp_path: Path):
    debian = shutil.which(row.who, path="/usr/bin:/bin")
    if kind == DEBIAN and (not debian or row.theirs == HANGS):
        pytest.skip(f"Debian's {row.who} is not installed" if not debian else "Debian's never ends")
    init = {DEBIAN: [str(debian)], OURS: [str(place / row.who)], PLAIN: [str(place / "hakim-init"), "--plain"]}[kind]
    outcome = run(row, init, place, tmp_path)
    status, out = row.theirs if kind == DEBIAN and row.theirs else (row.status, row.out)
    assert outcome.status == status, outcome
    said = "\n".join(sorted(outcome.out.splitlines()))
    want = "\n".join(sorted(out.replace("HERE", str(tmp_path)).splitlines()))
    assert outcome.out if out == ANY else said == want, outcome
    if kind == DEBIAN and row.theirs:
        return
    assert row.err in outcome.err, outcome
    assert not row.quiet or row.quiet not in outcome.err, outcome


@pytest.mark.parametrize("name", ["tini", "dumb-init"])
def test_messages_that_nobody_reads_hold_up_nothing(name: str, place: Path):
    reader, writer = os.pipe2(os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    # The shell itself says there that its sleep was ended.
    text = f"exec 2>/dev/null; i=0; while [ $i -lt 50 ]; do kill -WINCH $PPID; i=$((i + 1)); done; {on('TERM')}"
    options = ["-svvv"] if name == "tini" else ["-v"]
    try:
        done = subprocess.run([place / name, *options, "--", "sh", "-c", text], stdout=subprocess.PIPE, stderr=writer,
                              text=True, timeout=SECONDS, check=False)
    finally:
        os.close(reader)
        os.close(writer)
    assert (done.returncode, done.stdout) == (0, "got TERM\n")


@pytest.mark.parametrize("name", ["tini", "dumb-init"])
def test_a_closed_pipe_for_messages_is_not_the_programs(name: str, place: Path):
    reader, writer = os.pipe()
    os.close(reader)
    options = ["-svvv"] if name == "tini" else ["-v"]
    text = f"exec 2>/dev/null; trap 'echo pipe' PIPE; {on('TERM')}"
    try:
        done = subprocess.run([place / name, *options, "--", "sh", "-c", text],
                              text=True, stdout=subprocess.PIPE, stderr=writer, timeout=SECONDS, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stdout) == (0, "got TERM\n")
