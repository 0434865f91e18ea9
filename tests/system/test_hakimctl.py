"""`hakimctl status` against a scripted supervisor: what people see, also of nonsense."""
from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from fake_supervisor import END, Packet, refuse
from hakimctl_kit import _ctl, _place, _serve  # noqa: F401  fixtures
from hakimctl_kit import EVIL, MANAGER, NOT_RAW, Run, on_terminal, one_sentence, scripted, unit


# ---- status: the table

UNITS = [
    unit("coder-agent", status="connected to https://coder.example.org"),
    unit("code-server", "ready-wait", pid=140, ready=False, ready_us=None,
         status="http://127.0.0.1:13337/healthz: Connection refused"),
    unit("docker", "failed", pid=None, memory=None, ready_us=None, restarts=5, result="exit-code",
         last_error="its main process has ended with status 125: cannot open /var/run/docker.pid"),
    unit("sshd", "skipped", pid=None, memory=None, started_us=None, ready_us=None, restarts=0,
         status="ConditionPathExists=/usr/sbin/sshd does not hold"),
    unit("migrate", "dead", pid=None, memory=None),
    unit("flaky", "auto-restart", pid=None, restarts=17, ready_us=None, memory=None,
         last_error="killed by SIGSEGV"),
    unit("noted", notes=["noted.service:3: PrivateTmp: has no effect here"]),
]


def test_the_table_shows_each_unit_in_a_line(serve: Any, ctl: Run) -> None:
    serve(scripted({**MANAGER, "state": "degraded"}, *UNITS))
    done = ctl("status")
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "● hakim-init 0.1.0: degraded for 3m 12s in lxc, supervisor PID 7"
    assert lines[1].startswith("  7 units: 2 ready, 1 starting, 1 failed, 1 skipped, 1 inactive")
    head = next(i for i, line in enumerate(lines) if line.split()[:2] == ["NAME", "STATE"])
    rows = {line.split()[0]: line for line in lines[head + 1:]}
    assert len(rows) == len(UNITS)
    assert re.search(r"ready +3m 11s +123 +0 +12\.3M +48 ms +connected to", rows["coder-agent"])
    assert re.search(r"starting .* - +http://127.0.0.1:13337/healthz", rows["code-server"])
    assert re.search(r"failed +3m 11s +- +5 +- +- +its main process", rows["docker"])
    assert re.search(r"skipped .* ConditionPathExists", rows["sshd"])
    assert re.search(r"restarting .* 17 .*killed by SIGSEGV", rows["flaky"])
    assert rows["noted"].endswith("1 note on its file")
    assert not NOT_RAW.search(done.stdout.encode())


@pytest.mark.parametrize("columns", [200, 120, 100, 80, 60, 40, 20])
def test_no_line_of_the_table_is_wider_than_the_terminal(serve: Any, place: Path,
                                                         columns: int) -> None:
    serve(scripted(MANAGER, *UNITS))
    text = on_terminal(place, "status", columns=columns, NO_COLOR="1").decode()
    lines = text.split("\n\n", 1)[1].splitlines()
    assert lines[0].split()[0] == "NAME" and len(lines) == len(UNITS) + 1
    if columns >= 40:
        assert all(len(line) <= columns for line in lines)
        assert all("coder-agent" in text and word in lines[0] for word in ("STATE", "STATUS"))
    assert ("…" in text) == (columns < 200)
    assert not NOT_RAW.search(text.encode())


def test_a_head_line_that_warns(serve: Any, ctl: Run) -> None:
    serve(scripted({**MANAGER, "version": "9.9", "supervisor_starts": 4, "console_dropped": 2048,
                    "notes": ["CODER_AGENT_BOOTSTRAP is no base64"]}))
    text = ctl("status").stdout
    assert "(started 4 times)" in text and "0 units" in text
    assert "warning: CODER_AGENT_BOOTSTRAP is no base64" in text
    assert "warning: 2.0K of messages did not fit the console" in text
    assert "hakimctl reexec" in text


def test_colours_only_on_a_terminal_and_not_against_the_will(serve: Any, place: Path,
                                                             ctl: Run) -> None:
    serve(scripted(MANAGER, *UNITS))
    assert b"\x1b[32mready\x1b[0m" in on_terminal(place, "status")
    assert b"\x1b" not in on_terminal(place, "status", NO_COLOR="1")
    assert b"\x1b" not in on_terminal(place, "status", TERM="dumb")
    assert b"\x1b[" in on_terminal(place, "status", NO_COLOR="")
    assert "\x1b" not in ctl("status").stdout


def test_without_utf8_the_output_is_ascii(serve: Any, ctl: Run) -> None:
    serve(scripted(MANAGER, unit("x", status="läuft")))
    text = ctl("status", LC_ALL="C", COLUMNS="70").stdout
    assert text.isascii() and "l?uft" in text and text.startswith("* ")
    assert "läuft" in ctl("status").stdout


# ---- status: one unit

def test_the_long_view_says_all(serve: Any, ctl: Run) -> None:
    server = serve(scripted(MANAGER, unit(
        "docker", "failed", pid=None, last_error="it ended with status 125", result="exit-code",
        notes=["docker.service:3: X: unknown"], log_lost=4096, restarts=3,
        tail=["2026-11-24T03:07:08Z one\ttwo", "three"])))
    done = ctl("status", "docker")
    assert server.requests == [["status", "docker"]]
    assert done.returncode == 3
    for line in ("● docker.service - The docker",
                 "State: failed since 2025-11-24 16:00:00 UTC; 3m 11s ago",
                 "Last error: it ended with status 125", "Result: exit-code", "Memory: 12.3M",
                 "Ready after: 48 ms", "Restarts: 3", "Note: docker.service:3: X: unknown",
                 "Log: /var/log/hakim/docker.log (4.0K could not be written)",
                 "Started: 2.0 ms after boot, had waited for 0.1 ms; its program 0.5 ms later"):
        assert line in done.stdout
    assert done.stdout.endswith("\n\n2026-11-24T03:07:08Z one\ttwo\nthree\n")


def test_the_long_view_ends_in_the_last_ten_lines(serve: Any, ctl: Run) -> None:
    serve(scripted(MANAGER, unit("x", tail=[f"line {i}" for i in range(50)])))
    assert ctl("status", "x").stdout.split("\n\n")[1].split() == [
        word for i in range(40, 50) for word in ("line", str(i))]


def test_the_long_view_of_a_socket_a_target_and_of_what_did_not_hold(serve: Any, ctl: Run) -> None:
    conditions = [{"name": "ConditionPathExists", "trigger": False, "negate": True, "parameter": EVIL, "holds": False},
                  {"name": "AssertUser", "trigger": False, "negate": False, "parameter": "root", "holds": True}]
    members = [{"name": "a.service", "active": "active", "sub": "running"},
               {"name": "b.service", "active": "failed", "sub": "failed"}]
    serve(scripted(MANAGER, unit(
        "x", conditions=conditions, members=members, accepted=3, connections=1,
        listen=[{"kind": "stream", "address": "/run/x"}, {"kind": "fifo", "address": None}],
        health={"state": "unhealthy", "failures": 2, "text": "no answer"},
        ends=[{"at_us": 5000, "result": "exit-code", "text": "exited with status 3"},
              {"at_us": 4000, "result": "success", "text": ""}])))
    done = ctl("status", "x")
    lines = done.stdout.splitlines()
    assert not NOT_RAW.search(done.stdout.encode()) and "AssertUser" not in done.stdout
    assert sum("ConditionPathExists=!" in line and line.endswith("does not hold now") for line in lines) == 1
    for line in ("      Listen: /run/x (stream)", "              - (fifo)",
                 "    Accepted: 3 connections, 1 of them now", "     Members: 1 of 2 are up",
                 "              ● a.service ready", "              ● b.service failed",
                 "      Health: unhealthy, 2 failures in a row (no answer)"):
        assert line in lines, done.stdout
    ends = lines.index(next(line for line in lines if line.startswith("        Ends: ")))
    assert lines[ends].endswith(" ago: exited with status 3 (exit-code)") and lines[ends + 1].endswith(" ago: success")


def test_the_exit_status_of_status_is_systemctls(serve: Any, ctl: Run) -> None:
    def answer(words: list[str]) -> Iterable[Packet]:
        subs = {"up": "running", "down": "dead", "begins": "start"}
        for word in words[1:]:
            if word not in subs:
                yield refuse(f"there is no unit {word}; 'hakimctl status' lists them")
                return
        yield MANAGER
        yield from (unit(word, subs[word]) for word in words[1:])
        yield END

    serve(answer)
    assert ctl("status", "up").returncode == 0
    assert ctl("status", "down").returncode == 3
    assert ctl("status", "begins").returncode == 3
    assert ctl("status", "up", "down").returncode == 3
    assert ctl("status", "down", "--json").returncode == 3
    one_sentence(ctl("status", "nix"), 4, "there is no unit nix")


def test_json_is_what_the_supervisor_said(serve: Any, ctl: Run, place: Path) -> None:
    serve(scripted(MANAGER, *UNITS, unit("ü", new_field={"a": [1, None]})))
    done = ctl("status", "--json")
    answer = json.loads(done.stdout)
    assert list(answer) == ["manager", "units"]
    assert answer["manager"] == {k: v for k, v in MANAGER.items() if k != "type"}
    assert [u["name"] for u in answer["units"]][-1] == "ü.service"
    assert answer["units"][-1]["new_field"] == {"a": [1, None]}
    assert answer["units"][2]["pid"] is None and "type" not in answer["units"][0]
    assert '\n  "manager": {\n    "version"' in done.stdout
    assert json.loads(on_terminal(place, "status", "--json")) == answer
    assert on_terminal(place, "status", "--json").isascii()


# ---- odd and hostile answers

def test_no_control_character_reaches_the_terminal(serve: Any, place: Path, ctl: Run) -> None:
    texts = {key: EVIL for key in ("description", "file", "active", "sub", "result", "last_error",
                                   "status", "log")}
    serve(scripted({**MANAGER, "version": EVIL, "state": EVIL, "place": EVIL, "notes": [EVIL]},
                   {**unit("x"), **texts, "name": EVIL, "notes": [EVIL], "tail": [EVIL, "\ttab"]},
                   {"type": EVIL}))
    for args in (["status"], ["status", "x"], ["status", "--json"]):
        for env in ({"NO_COLOR": "1"}, {"NO_COLOR": "1", "LC_ALL": "C"}):
            shown = on_terminal(place, *args, **env)
            assert b"a" in shown and not NOT_RAW.search(shown.replace(b"\x7f", b"")
                                                        if "--json" in args else shown), shown
    assert "\ttab" in ctl("status", "x").stdout


def test_errors_and_arguments_are_harmless_too(serve: Any, ctl: Run) -> None:
    serve(lambda _words: [refuse(EVIL)])
    done = ctl("start", "x")
    one_sentence(done, 1, "a?[2J")
    assert not NOT_RAW.search(done.stderr.encode())
    for args in ((EVIL,), ("status", f"--{EVIL}"), ("help", EVIL), ("logs", "x", "-n", EVIL)):
        done = ctl(*args)
        one_sentence(done, 2)
        assert not NOT_RAW.search(done.stderr.encode())


ODD: list[Any] = [None, "", "x", -1, 0, 1 << 62, (1 << 63) - 1, -(1 << 63), 1e308,
                  True, [], [None, 1, "x", []], {}, {"a": 1}, "x" * 3000]


@pytest.mark.parametrize("value", ODD, ids=lambda v: repr(v)[:24])
def test_a_field_of_another_kind_is_no_crash(serve: Any, ctl: Run, value: Any) -> None:
    manager = {key: value for key in MANAGER if key != "type"}
    units = {key: value for key in unit("x") if key != "type"}
    serve(scripted({"type": "manager", **manager}, {"type": "unit", **units}))
    for args in (["status"], ["status", "x"], ["status", "--json"]):
        done = ctl(*args)
        assert done.returncode in (0, 3) and done.stderr == "", done
        assert "runtime error" not in done.stdout


def test_each_field_may_be_missing_and_others_may_come(serve: Any, ctl: Run) -> None:
    serve(scripted({"type": "later", "x": 1}, {"no": "type"}, {"type": 7}, {"type": "manager"},
                   {"type": "unit", "surprise": {"a": []}}))
    done = ctl("status")
    assert done.returncode == 0
    assert re.search(r"\n  +\? +- +- +- +- +- +-\n|\n  - +\? +- +- +- +- +- +-\n", done.stdout)
    assert ctl("status", "x").returncode == 3
    assert json.loads(ctl("status", "--json").stdout) == {"manager": {},
                                                          "units": [{"surprise": {"a": []}}]}


def test_a_status_without_a_manager_is_shown(serve: Any, ctl: Run) -> None:
    serve(scripted(unit("x")))
    assert "1 unit: 1 ready" in ctl("status").stdout
    assert json.loads(ctl("status", "--json").stdout)["manager"] is None


@pytest.mark.parametrize("packet", [
    b"{", b"no json", b"[]", b"7", b'"end"', b"null", b"\0", b"\xff\xfe",
    b'{"type":"end","type":"end"}',
    b'{"type":"\\u0000"}', b'{"type":"unit"} x', b'{"type":' + b"[" * 5000, b"[" * 100_000,
    b'{"type":"' + b"x" * 600_000 + b'"}', b'{"a":1e999}', b'{"a":99999999999999999999}',
], ids=lambda p: repr(p[:24]))
def test_what_is_no_answer_is_said_to_be_none(serve: Any, ctl: Run, packet: bytes) -> None:
    serve(scripted(packet))
    one_sentence(ctl("status"), 1, "answer of the supervisor")


@pytest.mark.parametrize("end", [{}, {"ok": 1}, {"ok": "true"}, {"ok": False, "error": None},
                                 {"ok": None, "error": 7}], ids=repr)
def test_only_a_true_ok_is_ok(serve: Any, ctl: Run, end: dict[str, Any]) -> None:
    serve(lambda _words: [{"type": "end", **end}])
    one_sentence(ctl("reload"), 1, "says that it failed, and not why")


def test_too_many_files_are_refused(serve: Any, ctl: Run, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x\n", "utf-8")
    with open(tmp_path / "f", "rb") as file:
        serve(scripted(({"type": "log"}, [file.fileno()] * 129)))
        one_sentence(ctl("logs", "x"), 1, "more files")
