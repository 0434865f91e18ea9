"""`hakimctl logs` of several units: by time, with names, filtered, as JSON; and without a supervisor."""
from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_supervisor import END, Packet
from hakimctl_kit import _ctl, _place, _serve  # noqa: F401  fixtures
from hakimctl_kit import CTL, MANAGER, Run, environment, on_terminal, one_sentence, unit
from hakimctl_logs_kit import Follower, Log, pack


def stamp(second: float) -> str:
    """The stamp of a record, that many seconds after three o'clock."""
    return f"2026-11-24T03:{int(second) // 60:02}:{second % 60:09.6f}Z"


def record(second: float, text: str, marks: str = "") -> str:
    """A line of a log."""
    return f"{stamp(second)}{marks} {text}\n"


class Logs:
    """Several logs, and a supervisor that hands them out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.of: dict[str, Log] = {}

    def __getitem__(self, name: str) -> Log:
        if name not in self.of:
            self.of[name] = Log(self.folder, name)
        return self.of[name]

    def answer(self, words: list[str]) -> Iterable[Packet]:
        """What the supervisor says to `status` and to `logs NAME`."""
        if words[0] == "status":
            return [MANAGER, *(unit(name) for name in self.of if name != "hakim-supervisor"), END]
        name = words[1].removesuffix(".service")
        if name in self.of:
            return self.of[name].answer(words)
        return [{"type": "end", "ok": False, "error": f"there is no unit {words[1]}"}]


@pytest.fixture(name="logs")
def _logs(tmp_path: Path, serve: Any) -> Iterator[Logs]:
    logs = Logs(tmp_path)
    serve(logs.answer)
    yield logs
    for log in logs.of.values():
        log.close()


@pytest.fixture(name="follower")
def _follower(place: Path) -> Iterator[Callable[..., Follower]]:
    followers: list[Follower] = []

    def start(*args: str) -> Follower:
        followers.append(Follower(place, *args))
        return followers[-1]

    yield start
    for one in followers:
        one.stop()


def named(line: str, name: str) -> str:
    """A record as it is shown among those of others."""
    head, text = line.split(" ", 1)
    return f"{head} {name}: {text}"


def fill(logs: Logs, count: int = 3000) -> list[str]:
    """Lines by turns in three logs with old files, one of them compressed; all, as they are shown."""
    shown: list[str] = []
    of: dict[str, list[str]] = {"a": [], "b": [], "c": []}
    for i in range(count):
        name = "abc"[i * 7 % 3 if i % 50 else 0]
        of[name].append(record(i / 3, f"line {i} of {name} {'x' * (i % 90)}"))
        shown.append(named(of[name][-1], name))
    for name, lines in of.items():
        third = len(lines) // 3
        for n in range(3):
            logs[name].rotate()
            logs[name].write("".join(lines[n * third:(n + 1) * third if n < 2 else None]))
    pack(logs["b"], 1)
    pack(logs["c"], 2)
    return shown


def test_several_are_merged_by_time_with_their_names(logs: Logs, ctl: Run) -> None:
    shown = fill(logs)
    for n in (0, 1, 2, 10, 999, 2000, 2999, 3000, 5000):
        want = "".join(shown[-n:] if n else [])
        assert ctl("logs", "a", "b", "c", "-n", str(n)).stdout == want, n
    assert ctl("logs", "c", "a.service", "b", "a").stdout == "".join(shown[-100:])
    for args in (["--all"], ["-a"], ["*"], ["a", "?.service"], ["[a-c]"]):
        assert ctl("logs", "-n", "all", *args).stdout == "".join(shown), args


def test_reverse_is_the_exact_reverse(logs: Logs, ctl: Run) -> None:
    shown = fill(logs)
    assert ctl("logs", "--all", "-r").stdout == "".join(shown[:-101:-1])
    assert ctl("logs", "--all", "-rn", "all").stdout == "".join(shown[::-1])
    lines = ctl("logs", "a", "-n", "all").stdout.splitlines(True)
    assert ctl("logs", "a", "--reverse", "--lines=all").stdout == "".join(lines[::-1])


def test_since_and_until_bound_all_of_them(logs: Logs, ctl: Run) -> None:
    shown = fill(logs)
    for begin, end in ((0, 2999), (1, 1), (500, 2500), (1499, 1501), (2990, 2999)):
        span = ["--since", shown[begin].split()[0], "--until", shown[end].split()[0]]
        want = shown[begin:end + 1]
        assert ctl("logs", "--all", *span).stdout == "".join(want), (begin, end)
        assert ctl("logs", "--all", *span, "-n7").stdout == "".join(want[-7:]), (begin, end)
        assert ctl("logs", "--all", *span, "-rn7").stdout == "".join(want[:-8:-1]), (begin, end)
    assert ctl("logs", "--all", "-U", "2026-11-24T02:59:59Z").stdout == ""
    assert ctl("logs", "--all", "-S", "2026-11-24T04:00Z").stdout == ""
    assert ctl("logs", "--all", "-S", stamp(9), "-U", stamp(8)).stdout == ""
    one = ctl("logs", "a", "-U", stamp(100)).stdout.splitlines(True)
    assert one == [line.replace(" a: ", " ", 1) for line in shown[:301] if " a: " in line]
    one_sentence(ctl("logs", "a", "--until", "soon"), 2, "--until", "soon")


def test_grep_is_an_extended_expression_of_the_text(logs: Logs, ctl: Run) -> None:
    logs["a"].write(record(1, "Disk FULL") + record(2, "nothing", "!3") + record(3, "disk 12 full") + record(4, "2026"))
    for pattern, want in (("disk", [1, 3]), ("Disk", [1]), ("disk ([0-9]+|full)$", [1]), ("^2026", [4]),
                          ("2026-11", []), ("nothing|full", [1, 2, 3]), ("disk [0-9]{2}", [3])):
        got = ctl("logs", "a", "--grep", pattern).stdout.splitlines()
        assert [line[:27] for line in got] == [stamp(n) for n in want], pattern
    assert len(ctl("logs", "a", "-ig", "DISK").stdout.splitlines()) == 2
    assert ctl("logs", "a", "-g", "DISK").stdout == ""
    one_sentence(ctl("logs", "a", "--grep", "(x"), 2, "--grep", "(x")


def test_the_last_lines_are_those_that_match(logs: Logs, ctl: Run) -> None:
    shown = fill(logs)
    match = [line for line in shown if "line 1" in line]
    assert ctl("logs", "--all", "--grep=line 1", "-n", "40").stdout == "".join(match[-40:])
    assert ctl("logs", "--all", "--grep=line 1").stdout == "".join(match[-100:])
    assert ctl("logs", "--all", "--grep=line 1", "-n", "all").stdout == "".join(match)
    assert ctl("logs", "--all", "--grep=line 1", "-rn40").stdout == "".join(match[:-41:-1])


def test_bytes_that_are_no_text_are_found_and_kept(logs: Logs, place: Path) -> None:
    body = bytes(range(256)).replace(b"\n", b"")
    logs["a"].write(stamp(1).encode() + b" " + body + b" tail\n")
    for args, want in ((["-g", "tail"], stamp(1).encode() + b" " + body + b" tail\n"),
                       (["-o", "cat"], body + b" tail\n")):
        done = subprocess.run([CTL, "logs", "a", *args], env=environment(place), check=True,
                              capture_output=True, timeout=20)
        assert done.stdout == want


def test_json_is_one_object_a_record_and_binary_safe(logs: Logs, ctl: Run) -> None:
    logs["a"].write(record(1, "hello \"w\u00f6rld\"\t\\") + record(2, "bad", "!3") + record(3, "more", "!3+"))
    logs["a"].write(stamp(4).encode() + b" \xff\x00\xc3\n" + stamp(5).encode() + b" nul \x00 esc \x1b\n")
    logs["a"].write("no stamp\n")
    for args in (["--json"], ["-o", "json"], ["--json", "--output=json"]):
        got = [json.loads(line) for line in ctl("logs", "a", *args).stdout.splitlines()]
        assert [one["message"] for one in got] == [
            "hello \"w\u00f6rld\"\t\\", "bad", "more", [255, 0, 195], "nul \0 esc \x1b", "no stamp"]
        assert [one["stream"] for one in got] == ["stdout", "stderr", "stderr", "stdout", "stdout", None]
        assert [one["level"] for one in got] == [None, 3, 3, None, None, None]
        assert [one["continued"] for one in got] == [False, False, True, False, False, False]
        assert got[0]["time"] == stamp(1) and got[0]["time_us"] == 1795489201000000
        assert got[5]["time"] is None and got[5]["time_us"] is None
        assert {one["unit"] for one in got} == {"a.service"}


def test_the_formats_of_journalctl(logs: Logs, ctl: Run) -> None:
    logs["web"].write(record(1.5, "one") + record(2, "two", "!3"))
    assert ctl("logs", "web", "-o", "short").stdout == "Nov 24 03:00:01 web: one\nNov 24 03:00:02 web: two\n"
    assert ctl("logs", "web", "-o", "short-iso", TZ="CET-1").stdout == \
        "2026-11-24T04:00:01+01:00 web: one\n2026-11-24T04:00:02+01:00 web: two\n"
    assert ctl("logs", "web", "--output=cat", "--no-pager").stdout == "one\ntwo\n"
    one_sentence(ctl("logs", "web", "-o", "export"), 2, "export", "short-iso")


def test_names_are_coloured_on_a_terminal_only(logs: Logs, ctl: Run, place: Path) -> None:
    logs["a"].write(record(1, "\x1b[31mred") + record(3, "\x1b[2J"))
    logs["b"].write(record(2, "plain"))
    shown = on_terminal(place, "logs", "a", "b").decode().splitlines()
    colours = [line.split(" ")[1] for line in shown if line.startswith("2026")]
    assert colours[0] == colours[2] != colours[1]
    assert all(name.startswith("\x1b[") and name.endswith(":\x1b[0m") for name in colours)
    assert shown[0].endswith(" \x1b[31mred\x1b[0m") and shown[2].startswith(stamp(3)) and "?[2J" in shown[2]
    assert "\x1b" not in on_terminal(place, "logs", "a", "b", NO_COLOR="1").decode().splitlines()[1]
    assert ctl("logs", "a", "b").stdout.splitlines()[0] == f"{stamp(1)} a: \x1b[31mred"


def test_who_has_no_log_is_left_out_of_a_pattern_and_said_of_a_name(logs: Logs, ctl: Run) -> None:
    logs["a"].write(record(1, "x"))
    assert logs["none"].path.exists() is False
    done = ctl("logs", "--all")
    assert (done.returncode, done.stdout, done.stderr) == (0, record(1, "x"), "")
    done = ctl("logs", "a", "none")
    assert done.stdout == f"{stamp(1)} a: x\n" and "none has no log yet" in done.stderr
    one_sentence(ctl("logs", "a", "nix"), 4, "there is no unit nix")
    one_sentence(ctl("logs", "x*"), 4, "x*")


@pytest.mark.parametrize("args", [["--all", "a"], ["a", "-fr"], ["a", "-f", "-U", "now"], ["a", "-i"],
                                  ["a", "--json", "-o", "cat"], ["a", "-g", ""]], ids=" ".join)
def test_what_excludes_one_another_is_wrong_usage(logs: Logs, ctl: Run, args: list[str]) -> None:
    logs["a"].write(record(1, "x"))
    one_sentence(ctl("logs", *args), 2)


# ---- following

def test_following_several_over_rotations_loses_nothing(logs: Logs, follower: Any) -> None:
    for name in "abc":
        logs[name].write(record(1, f"begin {name}"))
    one = follower("a", "b", "c")
    one.until(named(record(1, "begin c"), "c"))
    want = [f"begin {name}" for name in "abc"]
    for turn in range(6):
        for i, name in enumerate("abc"):
            logs[name].write(record(turn * 10 + i, f"{turn} before"))
            if (turn + i) % 2:
                logs[name].rotate()
            logs[name].write(record(turn * 10 + i + 5, f"{turn} after"))
            want += [f"{turn} before", f"{turn} after"]
            one.until(named(record(turn * 10 + i + 5, f"{turn} after"), name))
    got = one.got.decode().splitlines()
    assert [line.split(": ", 1)[1] for line in got] == want
    assert one.stop() == ""


def test_following_from_a_time_on_with_a_pattern(logs: Logs, follower: Any) -> None:
    logs["a"].write("".join(record(i, f"line {i}") for i in range(200)))
    logs["b"].write("".join(record(i + 0.5, f"line {i}") for i in range(200)))
    one = follower("--all", "--since", stamp(190), "--grep", "line .*[05]$")
    one.until(named(record(195.5, "line 195"), "b"))
    assert one.got.decode() == "".join(
        named(record(n, f"line {int(n)}"), name)
        for n, name in ((190, "a"), (190.5, "b"), (195, "a"), (195.5, "b")))
    before = one.got
    logs["a"].write(record(300, "line 300") + record(301, "line 301") + record(305, "line 305"))
    one.until(named(record(305, "line 305"), "a"))
    assert one.got[len(before):].decode() == "".join(
        named(record(n, f"line {n}"), "a") for n in (300, 305))


def test_following_one_from_a_time_on(logs: Logs, follower: Any) -> None:
    logs["a"].write("".join(record(i, f"line {i}") for i in range(100)))
    logs["a"].rotate()
    logs["a"].write("".join(record(i, f"line {i}") for i in range(100, 200)))
    one = follower("a", "--since", stamp(50))
    one.until(record(199, "line 199"))
    logs["a"].write(record(200, "line 200"))
    logs["a"].rotate()
    logs["a"].write(record(201, "line 201"))
    one.until(record(201, "line 201"))
    assert one.got.decode() == "".join(record(i, f"line {i}") for i in range(50, 202))


@pytest.mark.parametrize("words", [["--all"], ["n*", "a"]], ids=" ".join)
def test_who_begins_to_log_later_is_followed_too(logs: Logs, follower: Any, words: list[str]) -> None:
    logs["a"].write(record(1, "first"))
    assert not logs["new"].path.exists()
    one = follower(*words)
    one.until(named(record(1, "first"), "a"))
    (logs.folder / "nobody.log").write_text(record(2, "no unit"), "utf-8")
    logs["new"].write(record(3, "hello"))
    one.until(named(record(3, "hello"), "new"))
    logs["new"].rotate()
    logs["new"].write(record(4, "again"))
    one.until(named(record(4, "again"), "new"))
    logs["next"].write(record(5, "one more"))
    one.until(named(record(5, "one more"), "next"))
    assert len(one.got.splitlines()) == 4
    assert one.stop() == ""


def test_following_shows_whole_lines_only(logs: Logs, follower: Any) -> None:
    logs["a"].write(record(1, "whole") + stamp(2) + " ha")
    one = follower("a", "-o", "cat")
    one.until("whole\n")
    logs["a"].write("lf")
    logs["a"].write("\n" + record(3, "next"))
    one.until("next\n")
    assert one.got == b"whole\nhalf\nnext\n"


def test_a_piece_that_is_written_again_is_never_half_a_line(logs: Logs, follower: Any) -> None:
    text = record(1, "first") + record(2, "second")
    logs["a"].write(text)
    one = follower("a", "--json")
    one.until("}\n")
    assert len(one.got.splitlines()) == 2
    logs["a"].truncate(len(text) - 4)
    logs["a"].write("ond\n" + record(3, "third"))
    one.until('"third"}\n')
    messages = [json.loads(line)["message"] for line in one.got.splitlines()]
    assert messages in (["first", "second", "third"], ["first", "second", "second", "third"])


# ---- without a supervisor

@pytest.fixture(name="kept")
def _kept(tmp_path: Path) -> Iterator[Logs]:
    folder = tmp_path / "kept"
    folder.mkdir()
    logs = Logs(folder)
    yield logs
    for log in logs.of.values():
        log.close()


def test_without_a_supervisor_the_files_are_read(kept: Logs, ctl: Run) -> None:
    shown = fill(kept)
    kept["hakim-supervisor"].write(record(2000, "it was me"))
    env = {"HAKIM_LOG_DIR": str(kept.folder)}
    done = ctl("logs", "a", "b", "c", "-n", "all", **env)
    assert (done.returncode, done.stdout) == (0, "".join(shown))
    assert "no supervisor answers" in done.stderr and done.stderr.count("\n") == 1
    all_of_them = "".join(shown) + named(record(2000, "it was me"), "hakim-supervisor")
    assert ctl("logs", "--all", "-n", "all", **env).stdout == all_of_them
    assert ctl("logs", "hakim", **env).stdout == record(2000, "it was me")
    assert json.loads(ctl("logs", "a", "-n1", "--json", **env).stdout)["unit"] == "a.service"
    one_sentence(ctl("logs", "nix", **env), 5, "no supervisor answers", "no log of nix")
    one_sentence(ctl("logs", "../kept/a", **env), 4)


def test_without_a_supervisor_a_log_is_followed_too(kept: Logs, place: Path) -> None:
    kept["a"].write(record(1, "one"))
    one = Follower(place, "a", HAKIM_LOG_DIR=str(kept.folder))
    try:
        one.until(record(1, "one"))
        kept["a"].write(record(2, "two"))
        kept["a"].rotate()
        kept["a"].write(record(3, "three"))
        one.until(record(3, "three"))
    finally:
        said = one.stop()
    assert one.got.decode() == record(1, "one") + record(2, "two") + record(3, "three")
    assert "no supervisor answers" in said and "missing" not in said


def test_all_files_that_are_kept_are_reached_also_over_a_gap(kept: Logs, ctl: Run) -> None:
    want = ""
    for i in range(30):
        kept["a"].rotate(100)
        kept["a"].write(record(i, f"file {i}"))
        want += record(i, f"file {i}")
    env = {"HAKIM_LOG_DIR": str(kept.folder)}
    assert ctl("logs", "a", "--since", stamp(0), **env).stdout == want
    (kept.folder / "a.log.7").rename(kept.folder / "moved")
    assert ctl("logs", "a", "-n", "all", **env).stdout == want.replace(record(22, "file 22"), "")
