"""`hakimctl logs`: the right lines, over all files, and on and on."""
from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_supervisor import END, Gone, Packet
from hakimctl_kit import _ctl, _place, _serve  # noqa: F401  fixtures
from hakimctl_kit import CTL, MANAGER, Run, environment, on_terminal, scripted, unit
from hakimctl_logs_kit import Follower, Log, pack


# ---- logs

@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path, "x")
    yield log
    log.close()


def test_the_last_lines_are_found_over_all_files(serve: Any, ctl: Run, log: Log) -> None:
    lines = [f"line {i}\n" for i in range(1000)]
    for begin, end in ((0, 400), (400, 990), (990, 1000)):
        log.rotate()
        log.write("".join(lines[begin:end]))
    serve(log.answer)
    assert ctl("logs", "x").stdout == "".join(lines[-100:])
    for n in (0, 1, 9, 10, 11, 599, 600, 601, 999, 1000, 1001, 4_000_000_000):
        assert ctl("logs", "x", "-n", str(n)).stdout == "".join(lines[-n:] if n else []), n
    assert ctl("logs", "x", "-n", "all").stdout == "".join(lines)


def test_since_begins_at_that_time_over_all_files(serve: Any, ctl: Run, log: Log) -> None:
    lines = [f"2026-11-24T03:{i // 60:02}:{i % 60:02}.000000Z line {i} {'x' * 90}\n" for i in range(3000)]
    for begin, end in ((0, 1000), (1000, 2990), (2990, 3000), (3000, 3000)):
        log.rotate()
        log.write("".join(lines[begin:end]))
    serve(log.answer)
    for i in (0, 1, 700, 999, 1000, 1001, 2989, 2990, 2999):
        since = lines[i].split()[0]
        assert ctl("logs", "x", "--since", since).stdout == "".join(lines[i:]), i
        assert ctl("logs", "x", "-S", since, "-n", "5").stdout == "".join(lines[i:][-5:]), i
    assert ctl("logs", "x", "--since=2026-11-24T04:00:00Z").stdout == ""
    assert ctl("logs", "x", "--since=1970-01-02").stdout == "".join(lines)
    done = ctl("logs", "x", "--since", "soon")
    assert done.returncode == 2 and '"soon" is no time' in done.stderr


def test_bytes_of_all_kinds_come_as_they_are(serve: Any, place: Path, log: Log) -> None:
    body = bytes(range(256)).replace(b"\n", b"") * 600
    text = b"".join(b"%d " % i + body + b"\n" for i in range(5))
    log.write(text + b"not ended")
    serve(log.answer)
    for n in (1, 2, 3, 6, 100):
        done = subprocess.run([CTL, "logs", "x", f"-n{n}"], env=environment(place), check=True,
                              capture_output=True, timeout=20)
        assert done.stdout == b"\n".join((text + b"not ended").split(b"\n")[-n:])


def test_an_empty_log_and_none(serve: Any, ctl: Run, log: Log) -> None:
    serve(log.answer)
    done = ctl("logs", "x")
    assert (done.returncode, done.stdout) == (0, "") and "has no log yet" in done.stderr
    log.write("")
    done = ctl("logs", "x")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_only_the_needed_end_of_a_large_log_is_read(serve: Any, place: Path, log: Log,
                                                    tmp_path: Path) -> None:
    log.write(b"x" * 99 + b"\n")
    with open(log.path, "r+b") as file:
        file.truncate(4 << 30)  # a hole, which takes no room
        file.seek(4 << 30)
        file.write(b"\n" + b"".join(b"line %d\n" % i for i in range(200)))
    serve(log.answer)
    begin = time.monotonic()
    done = subprocess.run([CTL, "logs", "x"], env=environment(place), check=True,
                          capture_output=True, timeout=20)
    assert done.stdout == b"".join(b"line %d\n" % i for i in range(100, 200))
    assert time.monotonic() - begin < 5


def test_a_terminal_gets_the_colours_of_a_log_and_no_other_control(serve: Any, place: Path,
                                                                   log: Log) -> None:
    log.write(b"\x1b[1;31mred\x1b[0m \x1b[2J\x1b]0;title\x07 a\x08b \xc2\x9b2J \xc3\xa4 tab\there\n"
              b"dos\r\nover\rwritten \x1b[38:5:1mok\n\x1b[" + b"1;" * 40 + b"m cut \x1b")
    serve(log.answer)
    shown = on_terminal(place, "logs", "x")
    assert shown == (b"\x1b[1;31mred\x1b[0m ?[2J?]0;title? a?b ?2J \xc3\xa4 tab\there\ndos\n"
                     b"over?written \x1b[38:5:1mok\n?[" + b"1;" * 40 + b"m cut ?\x1b[0m")


@pytest.fixture(name="follower")
def _follower(place: Path) -> Iterator[Callable[..., Follower]]:
    followers: list[Follower] = []

    def start(*args: str) -> Follower:
        followers.append(Follower(place, "x", *args))
        return followers[-1]

    yield start
    for one in followers:
        one.stop()


def test_following_goes_on_over_rotations_without_loss(serve: Any, follower: Any, log: Log) -> None:
    log.write("a\nb\n")
    serve(log.answer)
    one = follower("-n", "1")
    one.until("b\n")
    want = "b\n"
    for turn in range(6):
        log.write(f"{turn} before\n")
        log.rotate()
        if turn % 2:
            time.sleep(0.02)  # the new file may come late; no wait for luck, both orders must work
        log.write(f"{turn} after\n")
        want += f"{turn} before\n{turn} after\n"
        one.until(f"{turn} after\n")
    assert one.got.decode() == want
    assert one.stop() == ""


def test_the_middle_of_a_rotation_is_not_its_end(serve: Any, follower: Any, log: Log) -> None:
    log.write("a\n")
    server = serve(log.answer)
    one = follower()
    one.until("a\n")
    log.rotate()
    asked = len(server.requests)
    end = time.monotonic() + 10
    while len(server.requests) < asked + 2:
        assert time.monotonic() < end, "it asks until there is a new file"
        time.sleep(0.01)
    log.write("b\n")
    one.until("a\nb\n")


def test_two_rotations_at_once_lose_nothing(serve: Any, follower: Any, log: Log) -> None:
    log.write("a\n")
    serve(log.answer)
    one = follower()
    one.until("a\n")
    log.rotate()
    log.write("b\n")
    log.rotate()
    log.write("c\n")
    one.until("c\n")
    assert one.got == b"a\nb\nc\n"


def test_a_rotation_out_of_reach_is_said(serve: Any, follower: Any, log: Log) -> None:
    log.write("a\n")
    serve(log.answer)
    one = follower()
    one.until("a\n")
    new = log.path.with_name("new")
    new.write_text("z\n", "utf-8")
    new.rename(log.path)
    one.until("z\n")
    assert "missing" in one.stop()


def test_a_log_that_is_cut_is_followed_on(serve: Any, follower: Any, log: Log) -> None:
    log.write("a" * 5000 + "\n")
    serve(log.answer)
    one = follower()
    one.until("a\n")
    os.truncate(log.path, 0)
    log.write("new\n")
    one.until("new\n")


def test_a_piece_that_the_next_supervisor_writes_again_is_no_new_file(serve: Any, follower: Any,
                                                                      log: Log) -> None:
    log.write("a\nb\n")
    serve(log.answer)
    one = follower()
    one.until("b\n")
    os.truncate(log.path, 2)
    log.write("b\nc\n")
    one.until("c\n")
    assert one.got in (b"a\nb\nc\n", b"a\nb\nb\nc\n")


@pytest.mark.skipif("sanitize" in str(CTL), reason="LeakSanitizer and strace exclude each other")
def test_without_inotify_it_looks_itself(serve: Any, place: Path, log: Log) -> None:
    trace = ["strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=inotify_init1",
             "-e", "inject=inotify_init1:error=EMFILE"]
    log.write("a\n")
    serve(log.answer)
    one = Follower(place, "x", before=trace)
    try:
        one.until("a\n")
        log.write("b\n")
        one.until("a\nb\n")
        log.rotate()
        log.write("c\n")
        one.until("b\nc\n")
    finally:
        one.stop()


def test_following_waits_for_the_first_line(serve: Any, follower: Any, log: Log) -> None:
    server = serve(log.answer)
    one = follower("-n", "5")
    end = time.monotonic() + 10
    while not server.requests:
        assert time.monotonic() < end
        time.sleep(0.01)
    log.write("first\n")
    one.until("first\n")


def test_following_survives_the_supervisor(serve: Any, follower: Any, log: Log) -> None:
    gone = False

    def answer(words: list[str]) -> Iterable[Packet]:
        if gone and len(server.requests) < 5:
            raise Gone
        return log.answer(words)

    server = serve(answer)
    log.write("a\n")
    one = follower()
    one.until("a\n")
    gone = True
    log.write("b\n")
    log.rotate()
    log.write("c\n")
    one.until("b\nc\n")
    assert len(server.requests) >= 5


def test_following_ends_with_its_reader_also_when_nothing_comes(serve: Any, follower: Any,
                                                                log: Log) -> None:
    log.write("a\n")
    serve(log.answer)
    one = follower()
    one.until("a\n")
    one.child.stdout.close()
    assert one.child.wait(timeout=10) == 0
    assert one.child.stderr.read() == b""


def test_a_reader_of_only_the_beginning_is_no_error(serve: Any, place: Path, log: Log) -> None:
    log.write("line\n" * 200_000)
    packets = list(scripted(MANAGER, *[unit(f"u{i}") for i in range(300)])([]))
    serve(lambda words: log.answer(words) if words[0] == "logs" else packets)
    for command in ("logs x -n all", "status", "status --json"):
        line = f"{CTL} {command} | head -c1; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", line], env=environment(place), capture_output=True,
                              check=False, timeout=20)
        assert (done.returncode, done.stderr) == (0, b""), command


def test_a_full_disk_is_an_error(serve: Any, ctl: Run, log: Log) -> None:
    log.write("line\n")
    serve(lambda words: log.answer(words) if words[0] == "logs" else [MANAGER, unit("x"), END])
    with open("/dev/full", "w", encoding="utf-8") as full:
        for args in (["status"], ["status", "--json"], ["logs", "x"], ["help"], ["version"]):
            done = ctl(*args, stdout=full)
            assert done.returncode == 1 and "No space left" in done.stderr, args


def test_compressed_old_files_are_read_like_the_others(serve: Any, ctl: Run, log: Log) -> None:
    lines = [f"line {i}\n" for i in range(20000)]
    log.write("".join(lines[:15000]))
    log.rotate()
    pack(log, 1)
    log.write("".join(lines[15000:]))
    serve(log.answer)
    for n in ("1", "5000", "5001", "20000", "all"):
        assert ctl("logs", "x", "-n", n).stdout == "".join(lines if n == "all" else lines[-int(n):])
    packed = log.path.with_name("x.log.1.zst")
    packed.write_bytes(packed.read_bytes()[:40] + b"garbage" * 9)
    done = ctl("logs", "x", "-n", "all")
    assert done.returncode == 1 and "damaged" in done.stderr


def test_following_goes_on_when_the_old_file_is_compressed_at_once(serve: Any, follower: Any, log: Log) -> None:
    log.write("first\n")
    serve(log.answer)
    one = follower()
    one.until("first\n")
    log.write("last\n")
    log.rotate()
    pack(log, 1)
    log.write("new\n")
    one.until("new\n")
    assert one.got == b"first\nlast\nnew\n"
    assert one.stop() == ""
