"""hakimctl without a supervisor, and with one: what it asks, how it waits, how it fails."""
from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from fake_supervisor import END, FakeSupervisor, Gone, Hang, Packet, refuse
from hakimctl_kit import _ctl, _place, _serve  # noqa: F401  fixtures
from hakimctl_kit import CTL, MANAGER, NOT_RAW, Run, environment, one_sentence, scripted, unit


# ---- nobody there

def test_no_supervisor_is_said_with_the_place(place: Path, ctl: Run) -> None:
    for args in (["status"], ["start", "x"], ["logs", "x"], ["reexec"], ["shutdown"]):
        one_sentence(ctl(*args), 5, f"no supervisor answers at {place}/control.sock",
                     "No such file", "is hakim-init running here?")


def test_a_socket_that_nobody_serves(place: Path, ctl: Run) -> None:
    with FakeSupervisor(place, scripted()):
        pass
    one_sentence(ctl("status"), 5, f"at {place}/control.sock: Connection refused")


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the owner of a directory")
@pytest.mark.parametrize("owner,mode", [(12345, 0o755), (0, 0o777), (0, 0o775)])
def test_a_directory_in_tmp_of_somebody_else_is_not_trusted(serve: Any, ctl: Run, place: Path,
                                                            owner: int, mode: int) -> None:
    assert str(place).startswith("/tmp/")
    server = serve(scripted(MANAGER))
    os.chown(place, owner, -1)
    place.chmod(mode)
    one_sentence(ctl("status"), 5, "is not trusted")
    assert server.requests == []


def test_a_path_that_is_too_long(ctl: Run) -> None:
    one_sentence(ctl("status", HAKIM_RUNTIME_DIR="/" + "x" * 200), 5)


def test_a_refusal_is_told_as_it_is(serve: Any, ctl: Run) -> None:
    said = "permission denied: only root and the coder user may ask the supervisor"
    serve(lambda _words: [refuse(said)])
    for args in (["status"], ["stop", "x"], ["logs", "x"], ["reexec"]):
        assert ctl(*args).stderr == f"hakimctl: {said}\n"
        assert ctl(*args).returncode == 1


def test_who_may_not_connect_is_told_whom_to_ask(serve: Any, place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("becomes another user")
    serve(scripted(MANAGER))
    os.chmod(place / "control.sock", 0o600)
    for folder in (place, *place.parents):
        if str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", CTL, "status"],
                          env=environment(place), capture_output=True, text=True, check=False,
                          timeout=20)
    one_sentence(done, 1, "permission denied", "ask root or the coder user")


def test_status_is_asked_again_when_the_supervisor_is_replaced(serve: Any, ctl: Run) -> None:
    def answer(_words: list[str]) -> Iterable[Packet]:
        if len(server.requests) % 3:
            raise Gone
        return [MANAGER, unit("x"), END]

    server = serve(answer)
    assert ctl("status").returncode == 0 and len(server.requests) == 3


def test_a_job_is_not_asked_twice(serve: Any, ctl: Run) -> None:
    def answer(_words: list[str]) -> Iterable[Packet]:
        raise Gone

    server = serve(answer)
    one_sentence(ctl("restart", "x"), 5, "went away before it answered")
    assert server.requests == [["restart", "x"]]


@pytest.mark.timeout(60)
def test_a_supervisor_that_says_nothing_is_given_up(serve: Any, place: Path) -> None:
    """All of them at once, since each takes its time."""
    def answer(words: list[str]) -> Iterable[Packet]:
        if words == ["status", "half"]:
            yield MANAGER
        if words == ["status"] or words[0] == "reexec":
            yield MANAGER
            yield END
            return
        raise Hang

    serve(answer)
    cases = {("status", "x"): 10, ("status", "half"): 10, ("stop", "--no-block", "x"): 10,
             ("logs", "x"): 10, ("reexec",): 15}
    begin = time.monotonic()
    children = {args: subprocess.Popen([CTL, *args], env=environment(place), text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for args in cases}
    for args, seconds in cases.items():
        out, err = children[args].communicate(timeout=30)
        assert seconds - 0.5 < time.monotonic() - begin < seconds + 4, args
        assert children[args].returncode == 5 and out == "" and err.count("\n") == 1, (args, err)
        assert ("no new supervisor has come" if args == ("reexec",) else "does not answer") in err


# ---- jobs

@pytest.mark.parametrize("args,words", [
    (["start", "a", "b"], ["start", "a", "b"]),
    (["stop", "a.service", "--no-block"], ["stop", "--no-block", "a.service"]),
    (["restart", "--", "-a"], ["restart", "-a"]),
    (["shutdown"], ["shutdown"]), (["unmask", "a"], ["unmask", "a"]),
    (["enable", "a", "--now"], ["enable", "--now", "a"]), (["disable", "a", "b"], ["disable", "a", "b"]),
    (["mask", "--now", "a"], ["mask", "--now", "a"]),
])
def test_a_job_is_asked_in_the_words_of_the_protocol(serve: Any, ctl: Run, args: list[str],
                                                     words: list[str]) -> None:
    server = serve(scripted())
    done = ctl(*args)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert server.requests == [words]


def test_a_reload_shows_what_it_does_before_it_does_it(serve: Any, ctl: Run) -> None:
    server = serve(scripted({"type": "diff", "unit": "a.service", "change": "new"},
                            {"type": "diff", "unit": "\x1b[2J", "change": "removed"}))
    done = ctl("reload", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert server.requests == [["reload", "--dry-run"]]
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["new", "a.service"]
    assert lines[2].split()[0] == "removed" and "\x1b" not in done.stdout
    done = ctl("reload", "--no-restart", "--json")
    assert [c["unit"] for c in json.loads(done.stdout)["changes"]] == ["a.service", "\x1b[2J"]
    assert server.requests[1:] == [["reload", "--dry-run", "--no-restart"], ["reload", "--no-restart"]]


def test_a_reload_that_changes_nothing_says_so(serve: Any, ctl: Run) -> None:
    server = serve(scripted())
    assert ctl("reload").stdout == "nothing has changed\n"
    assert server.requests == [["reload", "--dry-run"], ["reload"]]


def test_what_enable_has_done_is_shown(serve: Any, ctl: Run) -> None:
    serve(scripted({"type": "change", "unit": "a.service", "change": "link", "path": "/e/a", "target": "/l/a"},
                   {"type": "change", "unit": "b.service", "change": "unlink", "path": "/e/b", "target": None},
                   {"type": "note", "text": "that is all"}, {"type": "new-in-the-future"}))
    done = ctl("enable", "a")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "created /e/a → /l/a\nremoved /e/b\nthat is all\n"


def test_a_job_that_failed_says_why(serve: Any, ctl: Run) -> None:
    serve(lambda words: [refuse(f"there is no unit {words[1]}; 'hakimctl status' lists them"
                                if words[-1] == "nix" else "x.service failed: timeout")])
    one_sentence(ctl("start", "x"), 1, "x.service failed: timeout")
    one_sentence(ctl("start", "nix"), 4, "there is no unit nix; 'hakimctl status' lists them")


@pytest.mark.parametrize("word, meant", [
    ("coder-agnet", "coder-agent.service"), ("code-servr.service", "code-server.service"),
    ("dock", "docker.service"), ("nginx", None), ("x", None),
])
def test_a_unit_that_is_nearly_named_is_suggested(serve: Any, ctl: Run, word: str,
                                                  meant: str | None) -> None:
    units = [unit("coder-agent"), unit("code-server"), unit("docker")]
    serve(lambda words: [*units, END] if words == ["status"] else
          [refuse(f"there is no unit {words[-1]}; 'hakimctl status' lists them")])
    hint = f"; did you mean {meant}?" if meant else "; 'hakimctl status' lists them"
    one_sentence(ctl("start", word), 4, f"there is no unit {word}{hint}")


def test_a_command_that_is_nearly_named_is_suggested(ctl: Run) -> None:
    one_sentence(ctl("statsu"), 2, 'did you mean "status"?')
    one_sentence(ctl("help", "resart"), 2, 'did you mean "restart"?')
    assert "did you mean" not in ctl("banana").stderr


def test_a_job_waits_for_its_end(serve: Any, ctl: Run) -> None:
    waits: list[float] = []

    def answer(_words: list[str]) -> Iterable[Packet]:
        time.sleep(0.5)
        waits.append(time.monotonic())
        yield END

    serve(answer)
    assert ctl("start", "x").returncode == 0
    assert len(waits) == 1 and time.monotonic() >= waits[0]


def test_reexec_waits_for_another_pid(serve: Any, ctl: Run) -> None:
    def answer(words: list[str]) -> Iterable[Packet]:
        asked = [r[0] for r in server.requests]
        if words == ["reexec"]:
            return [END]
        if "reexec" in asked and asked.count("status") == 3:
            raise Gone
        old = "reexec" not in asked or asked.count("status") < 4
        return [{**MANAGER, "supervisor_pid": 7 if old else 4711}, END]

    server = serve(answer)
    done = ctl("reexec")
    assert done.returncode == 0
    assert done.stdout == "the supervisor was replaced: PID 4711, before 7\n"


def test_a_request_that_is_too_long_is_not_sent(serve: Any, ctl: Run) -> None:
    server = serve(scripted())
    one_sentence(ctl("start", *["x" * 1000] * 70), 1, "too much")
    assert server.requests == []


# ---- check

GOOD = "[Service]\nExecStart=/bin/true\n"


def test_check_names_the_file_and_the_line(ctl: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.service"
    bad.write_text("[Service]\nExecStart=/bin/true\nRestart=maybe\n", "utf-8")
    good = tmp_path / "good.service"
    good.write_text(GOOD, "utf-8")
    done = ctl("check", str(good))
    assert (done.returncode, done.stdout) == (0, "1 unit loaded, no error, 0 notes\n")
    done = ctl("check", str(good), str(bad))
    assert done.returncode == 1
    assert f"error: {bad}:3: Restart" in done.stdout and "1 unit loaded, 1 error" in done.stdout
    answer = json.loads(ctl("check", "--json", str(good), str(bad)).stdout)
    assert answer["ok"] is False and answer["units"] == ["good.service"]
    assert answer["problems"][0]["unit"] == "bad.service" and answer["problems"][0]["fatal"] is True
    assert ctl("check", str(tmp_path / "none.service")).returncode == 1


def test_check_takes_the_directories_and_their_drop_ins(ctl: Run, tmp_path: Path) -> None:
    first, second = tmp_path / "etc", tmp_path / "lib"
    for folder in (first, second):
        folder.mkdir()
        (folder / "a.service").write_text(GOOD, "utf-8")
    (second / "b.service").write_text(GOOD, "utf-8")
    dirs = f"{first}::{second}:{tmp_path}/missing"
    done = ctl("check", HAKIM_MODULE_DIRS=dirs)
    assert (done.returncode, done.stdout) == (0, "2 units loaded, no error, 0 notes\n")
    (first / "b.service.d").mkdir()
    (first / "b.service.d" / "x.conf").write_text("[Service]\nType=odd\n", "utf-8")
    done = ctl("check", HAKIM_MODULE_DIRS=dirs)
    assert done.returncode == 1 and "x.conf:2: Type" in done.stdout


def test_check_sees_what_only_the_whole_shows(ctl: Run, tmp_path: Path) -> None:
    (tmp_path / "a.service").write_text("[Unit]\nRequires=nix.service\n" + GOOD, "utf-8")
    done = ctl("check", HAKIM_MODULE_DIRS=str(tmp_path))
    assert done.returncode == 1 and "nix.service" in done.stdout
    (tmp_path / "a.service").write_text(
        f"[Unit]\nWants=nix.service\nAfter=b.service\n{GOOD}", "utf-8")
    (tmp_path / "b.service").write_text("[Unit]\nAfter=a.service\n" + GOOD, "utf-8")
    done = ctl("check", HAKIM_MODULE_DIRS=str(tmp_path))
    assert done.returncode == 0 and done.stdout.count("note: ") == 2, done.stdout
    (tmp_path / "a.service").write_text(GOOD + "[X-Hakim]\nReadyHTTP=https://127.0.0.1/\n", "utf-8")
    done = ctl("check", HAKIM_MODULE_DIRS=str(tmp_path))
    assert done.returncode == 1 and "https" in done.stdout


def test_check_shows_no_control_character_of_a_file(ctl: Run, tmp_path: Path) -> None:
    (tmp_path / "a.service").write_bytes(GOOD.encode() + b"Type=\x1b[2J\xff\n")
    done = ctl("check", HAKIM_MODULE_DIRS=str(tmp_path))
    assert done.returncode == 1 and not NOT_RAW.search(done.stdout.encode())
    done = ctl("check", "--json", HAKIM_MODULE_DIRS=str(tmp_path))
    assert done.returncode == 1 and json.loads(done.stdout)["ok"] is False


# ---- the command line

@pytest.mark.parametrize("args", [
    ["nix"], ["--nix"], ["start"], ["stop", "--json", "x"], ["status", "-f"], ["logs"],
    ["logs", "x", "-n"], ["logs", "x", "-n", "-1"], ["logs", "x", "-n", "1x"],
    ["logs", "x", "--lines="],
    ["logs", "x", "-n", "99999999999999999999"], ["logs", "x", "--follow=1"], ["reload", "--dry-run", "x"],
    ["help", "nix"], ["start", ""], ["version", "x"], ["status", "--jso"],
], ids=" ".join)
def test_wrong_usage_is_status_2_and_one_sentence(ctl: Run, args: list[str]) -> None:
    one_sentence(ctl(*args), 2, "hakimctl")


def test_help_is_there_for_everything(ctl: Run) -> None:
    whole = ctl("help")
    assert whole.returncode == 0 and whole.stdout == ctl("--help").stdout == ctl("-h").stdout
    commands = re.findall(r"^  ([a-z-]+) ", whole.stdout, re.M)
    assert {"status", "start", "stop", "restart", "logs", "check", "reload", "reexec", "shutdown",
            "help", "version"} <= set(commands)
    for command in commands:
        texts = {ctl(*words).stdout
                 for words in (("help", command), (command, "--help"), (command, "-h"))}
        assert len(texts) == 1 and texts.pop().startswith(f"Usage: hakimctl {command}")
    assert ctl("version").stdout == ctl("--version").stdout != ""
    nothing = ctl()
    assert nothing.returncode == 2 and nothing.stdout == "" and "Usage" in nothing.stderr
    assert all(len(line) <= 110 for line in whole.stdout.splitlines())
