"""hakim-agent-fetch and the stand-in server: nothing bad is run, and the good comes in the end."""
from __future__ import annotations

import os
import re
import shutil
import signal
import time

import pytest
from coder_server import CoderServer
from fetch_kit import PATIENCE, SIZE, Fetch, _fetch, _server, bake, good, until  # noqa: F401

# What must be told about each way in which a download can go wrong.
REASONS = {
    "html": "web page",
    "502": "502 Bad Gateway",
    "redirect": "web page",
    "truncated": "the answer broke off",
    "cut": "the answer broke off",
    "short": "X-Original-Content-Length",
    "oversize": "X-Original-Content-Length",
    "corrupted": "SHA-1",
    "wrong-etag": "SHA-1",
    "wrong-arch": "program for",
    "not-elf": "no ELF program",
    "bad-version": "does not say Coder",
    "reset": "next try",
    "refused": "next try",
    "stall": "stalled",
}


# ---- the good way


def test_the_servers_program_is_there_and_can_be_run(server: CoderServer, fetch: Fetch) -> None:
    assert fetch.run() == 0
    assert fetch.current.read_bytes() == good()
    assert fetch.current.stat().st_mode & 0o777 == 0o755
    assert os.readlink(fetch.cache / "current") == fetch.current.resolve().parent.name
    assert "the agent is here: Coder v2." in fetch.said
    assert "Accept-Encoding" not in server.requests[0]["headers"]
    assert not fetch.partials


def test_a_slash_at_the_end_of_the_url_is_not_doubled(server: CoderServer, fetch: Fetch) -> None:
    fetch.environment["CODER_AGENT_URL"] += "/"
    assert fetch.run("--once") == 0


def test_what_is_unchanged_is_not_sent_again(server: CoderServer, fetch: Fetch) -> None:
    assert fetch.run() == 0
    record = fetch.current.with_name("verified")
    before = record.stat().st_ino
    assert fetch.run() == 0
    assert [r["status"] for r in server.requests] == [200, 304]
    assert "unchanged: Coder v2." in fetch.said
    # A file that is hashed again gets a new record.
    assert record.stat().st_ino == before


def test_the_last_two_are_kept_and_an_older_one_is_not_sent_again(server: CoderServer,
                                                                  fetch: Fetch) -> None:
    for release in ("", "2", "3", "2"):
        server.set_mode(release=release)
        assert fetch.run() == 0
        assert fetch.current.read_bytes() == good(release)
    assert len(fetch.versions) == 2
    assert [r["status"] for r in server.requests] == [200, 200, 200, 304]


def test_a_changed_program_in_the_cache_is_fetched_anew(server: CoderServer, fetch: Fetch) -> None:
    assert fetch.run() == 0
    with fetch.current.open("r+b") as program:
        program.seek(-1, os.SEEK_END)
        program.write(b"x")
    assert fetch.run() == 0
    assert fetch.current.read_bytes() == good()
    assert [r["status"] for r in server.requests] == [200, 200]


# ---- the bad ways


@pytest.mark.parametrize("mode", REASONS)
def test_a_bad_download_is_named_and_the_next_good_one_is_taken(
        server: CoderServer, fetch: Fetch, mode: str) -> None:
    if mode == "refused":
        server.set_mode(download=mode, seconds=1.5)
    else:
        server.set_mode(download=mode, count=1)
    assert fetch.run() == 0
    assert REASONS[mode] in fetch.said
    assert "next try in" in fetch.said
    assert fetch.current.read_bytes() == good()
    assert not fetch.partials
    assert len(fetch.versions) == 1


@pytest.mark.parametrize("mode", REASONS)
def test_a_bad_download_that_stays_bad_is_never_current(server: CoderServer, fetch: Fetch,
                                                        mode: str) -> None:
    server.set_mode(download=mode)
    assert fetch.run("--once") == 1
    assert not fetch.current.exists() and not fetch.versions
    for path in fetch.partials:
        assert path.stat().st_mode & 0o111 == 0


@pytest.mark.parametrize("mode", ["html", "502", "corrupted", "bad-version", "refused", "silent"])
def test_what_is_cached_is_used_when_the_server_does_not_give_it(server: CoderServer, fetch: Fetch,
                                                                 mode: str) -> None:
    assert fetch.run() == 0
    server.set_mode(download=mode, release="2")
    begin = time.monotonic()
    assert fetch.run() == 0
    assert PATIENCE * 0.9 < time.monotonic() - begin < PATIENCE * 3
    assert fetch.current.read_bytes() == good()
    assert "using the cached agent" in fetch.said
    answers = mode not in ("refused", "silent")
    assert ("the server answers, but gives no agent" in fetch.said) is answers
    assert ("the server does not answer" in fetch.said) is not answers


def test_the_images_agent_is_used_when_there_is_no_other(server: CoderServer, fetch: Fetch) -> None:
    baked = bake(fetch)
    server.set_mode(download="refused")
    assert fetch.run() == 0
    assert fetch.current.read_bytes() == baked
    assert "using the image's" in fetch.said
    server.set_mode(download="good")
    assert fetch.run() == 0
    assert fetch.current.read_bytes() == good()


def test_the_servers_agent_is_preferred_to_the_images(server: CoderServer, fetch: Fetch) -> None:
    bake(fetch)
    server.set_mode(download="502", count=1)
    assert fetch.run() == 0
    assert fetch.current.read_bytes() == good()


def test_an_image_whose_coder_is_something_else_has_no_agent(server: CoderServer,
                                                             fetch: Fetch) -> None:
    fetch.baked.parent.mkdir()
    shutil.copy("/bin/true", fetch.baked)
    server.set_mode(download="refused")
    assert fetch.run("--once") == 1
    assert not fetch.current.exists()
    assert "the image's agent cannot be used" in fetch.said


def test_with_nothing_to_use_it_tries_for_ever_with_growing_delays(server: CoderServer,
                                                                   fetch: Fetch) -> None:
    server.set_mode(download="refused")
    process = fetch.start()
    until("three tries", lambda: fetch.said.count("next try in") >= 3)
    delays = [float(text) for text in re.findall(r"next try in ([0-9.]+) s", fetch.said)]
    assert 0.7 <= delays[0] <= 1.3 and 1.5 <= delays[1] <= 2.5 and 3 <= delays[2] <= 5
    assert process.poll() is None
    process.terminate()
    assert process.wait(5) == -signal.SIGTERM


def test_a_file_that_is_no_agent_is_not_downloaded_twice(server: CoderServer, fetch: Fetch) -> None:
    server.set_mode(download="bad-version")
    process = fetch.start()
    until("the second try", lambda: "still offers the file that is no agent" in fetch.said)
    server.set_mode(download="good")
    assert process.wait(30) == 0


# ---- resuming


def test_a_cut_download_is_resumed_by_range(server: CoderServer, fetch: Fetch) -> None:
    server.set_mode(download="cut", count=1)
    assert fetch.run() == 0
    first, second = server.requests
    part = second["headers"]["Range"]
    assert part == f"bytes={first['sent']}-"
    assert second["headers"]["If-Range"] and second["status"] == 206
    assert first["sent"] + second["sent"] == SIZE


def test_a_download_of_another_program_is_not_resumed(server: CoderServer, fetch: Fetch) -> None:
    server.set_mode(download="cut")
    assert fetch.run("--once") == 1
    assert len(fetch.partials) == 1
    server.set_mode(download="good", release="2")
    assert fetch.run() == 0
    assert server.requests[1]["status"] == 200
    assert fetch.current.read_bytes() == good("2")
    assert not fetch.partials


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_half_way_it_goes_on_the_next_time(server: CoderServer, fetch: Fetch,
                                                  number: signal.Signals) -> None:
    server.set_mode(download="slow", rate=1_000_000)
    process = fetch.start()
    until("a part", lambda: any(p.stat().st_size > 500_000 for p in fetch.partials))
    process.send_signal(number)
    assert process.wait(2) == -number
    server.set_mode(download="good")
    assert fetch.run() == 0
    assert server.requests[1]["status"] == 206
    assert fetch.current.read_bytes() == good()


def test_killed_after_the_last_byte_it_needs_no_byte_more(server: CoderServer,
                                                          fetch: Fetch) -> None:
    assert fetch.run() == 0
    sha1 = fetch.current.resolve().parent.name
    (fetch.cache / sha1 / "coder").rename(fetch.cache / f"{sha1}.partial")
    (fetch.cache / f"{sha1}.partial").chmod(0o600)
    assert fetch.run() == 0
    assert fetch.current.read_bytes() == good()
    assert [r["status"] for r in server.requests] == [200, 304]


def test_a_partial_file_longer_than_the_program_is_thrown_away(server: CoderServer,
                                                               fetch: Fetch) -> None:
    assert fetch.run() == 0
    sha1 = fetch.current.resolve().parent.name
    program = fetch.cache / sha1 / "coder"
    program.rename(fetch.cache / f"{sha1}.partial")
    with (fetch.cache / f"{sha1}.partial").open("ab") as partial:
        partial.write(b"more")
    assert fetch.run() == 0
    assert [r["status"] for r in server.requests] == [200, 416, 200]
    assert fetch.current.read_bytes() == good()


def test_of_two_at_once_one_waits_for_the_other(server: CoderServer, fetch: Fetch) -> None:
    server.set_mode(download="slow", rate=2_000_000)
    both = [fetch.start()]
    until("the first download", lambda: bool(fetch.partials))
    both.append(fetch.start())
    assert [process.wait(30) for process in both] == [0, 0]
    assert "another hakim-agent-fetch is at work" in fetch.said
    assert [r["status"] for r in server.requests] == [200, 304]
