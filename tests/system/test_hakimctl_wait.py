"""hakimctl wait: what it asks, and how it ends where the supervisor is late, gone, or says no."""
from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fake_supervisor import END, FakeSupervisor, Gone, Packet, refuse
from hakimctl_kit import _ctl, _place, _serve  # noqa: F401  fixtures
from hakimctl_kit import Run, one_sentence, scripted


def outcome(word: str) -> Packet:
    return {"type": "wait", "units": [], "outcome": word}


def test_it_asks_for_names_or_for_all(serve: Any, ctl: Run) -> None:
    server = serve(scripted(outcome("ready")))
    assert ctl("wait", "a", "b").returncode == 0
    assert ctl("wait", "--all", "--timeout=5").returncode == 0
    assert server.requests[0] == ["wait", "a", "b"]
    verb, timeout, everything = server.requests[1]
    assert (verb, everything) == ("wait", "--all")
    assert 4000 < int(timeout.removeprefix("--timeout=").removesuffix("ms")) <= 5000
    one_sentence(ctl("wait"), 2, "name units, or say --all")
    one_sentence(ctl("wait", "--all", "a"), 2, "name units, or say --all")


def test_the_exit_status_is_that_of_the_outcome(serve: Any, ctl: Run) -> None:
    def answer(words: list[str]) -> Iterable[Packet]:
        return {"late": [outcome("timeout"), refuse("a.service waiting")],
                "bad": [outcome("failed"), refuse("a.service failed: it is bad")],
                "none": [refuse("there is no unit none; 'hakimctl status' lists them")],
                "status": [END]}[words[-1]]  # for a name that is nearly this one
    serve(answer)
    one_sentence(ctl("wait", "late"), 124, "not ready in time: a.service waiting")
    one_sentence(ctl("wait", "bad"), 1, "a.service failed: it is bad")
    one_sentence(ctl("wait", "none"), 4, "there is no unit none")


def test_without_a_supervisor_it_waits_for_one_until_its_time_is_over(place: Path, ctl: Run) -> None:
    begin = time.monotonic()
    one_sentence(ctl("wait", "--all", "--timeout=0.5"), 5, "no supervisor answers")
    assert 0.5 <= time.monotonic() - begin < 5


def test_a_supervisor_may_come_late(place: Path, ctl: Run) -> None:
    def late() -> None:
        time.sleep(0.5)
        server.__enter__()

    server = FakeSupervisor(place, scripted(outcome("ready")))
    thread = threading.Thread(target=late)
    thread.start()
    try:
        assert ctl("wait", "--all", "--timeout=10").returncode == 0
    finally:
        thread.join()
        server.__exit__()
    assert server.requests


def test_it_asks_the_next_supervisor_for_what_is_left_of_its_time(serve: Any, ctl: Run) -> None:
    def answer(_words: list[str]) -> Iterable[Packet]:
        if len(server.requests) < 3:
            raise Gone
        return [outcome("ready"), END]
    server = serve(answer)
    assert ctl("wait", "a", "--timeout=9").returncode == 0
    left = [int(words[1].removeprefix("--timeout=").removesuffix("ms")) for words in server.requests]
    assert len(left) == 3 and left[0] > left[1] > left[2] > 5000
