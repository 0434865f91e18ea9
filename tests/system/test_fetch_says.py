"""What hakim-agent-fetch may do, what it tells while it works, and what it finds out about the token."""
from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
from pathlib import Path

import pytest
from coder_handler import FAKE_SECRET
from coder_server import CoderServer
from fetch_kit import TOKEN, Fetch, _fetch, _server, good, needs_root, until  # noqa: F401


# ---- what it may and what it tells


def status_of(pid: int) -> dict[str, str]:
    """/proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return {k: v.strip() for k, _, v in (line.partition(":") for line in lines)}


def test_while_it_speaks_to_the_network_it_has_no_privileges(server: CoderServer,
                                                             fetch: Fetch) -> None:
    server.set_mode(download="slow", rate=1_000_000)
    process = fetch.start()
    until("the download", lambda: bool(fetch.partials))
    status = status_of(process.pid)
    for field in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        assert int(status[field], 16) == 0
    if os.geteuid() == 0:
        assert int(status["CapBnd"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_it_leaves_no_process_behind(server: CoderServer, fetch: Fetch) -> None:
    server.set_mode(download="slow", rate=500_000)
    process = fetch.start()
    until("the download", lambda: bool(fetch.partials))
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.kill()
    process.wait()
    until("its end", lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in children))


@needs_root
def test_it_works_as_a_person_without_rights(server: CoderServer, fetch: Fetch) -> None:
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(contextlib.closing(Scratch())).path)
        fetch.program = Path(shutil.copy(fetch.program, home))
        fetch.cache = home / "cache"
        assert fetch.run(user=1000, group=1000, extra_groups=[]) == 0
        assert fetch.current.read_bytes() == good()
        assert fetch.current.stat().st_uid == 1000


class Scratch:
    """A directory that uid 1000 owns and reaches: pytest's are closed to others."""

    def __init__(self) -> None:
        self.path = f"/tmp/hakim-test-fetch-{os.getpid()}"
        os.mkdir(self.path, 0o755)
        os.chown(self.path, 1000, 1000)

    def close(self) -> None:
        """Removes it."""
        shutil.rmtree(self.path)


def test_it_tells_its_progress_as_status(server: CoderServer, fetch: Fetch) -> None:
    name = f"hakim-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.bind(f"\0{name}")
        inbox.settimeout(10)
        fetch.environment["NOTIFY_SOCKET"] = f"@{name}"
        server.set_mode(download="slow", rate=2_000_000)
        assert fetch.run("--once") == 0
        inbox.setblocking(False)
        texts = []
        with contextlib.suppress(BlockingIOError):
            while True:
                texts.append(inbox.recv(4096).decode())
    assert all(text.startswith("STATUS=") for text in texts)
    progress = [t for t in texts if "downloading the agent" in t]
    assert progress and all(re.search(r"[0-9.]+ of 3\.0 MB \(\d+ %\), [0-9.]+ MB/s", t)
                            for t in progress)
    assert 2 <= len(progress) <= 12
    assert "the agent is here" in texts[-1]
    assert "downloading" not in fetch.said


# ---- the token


@pytest.mark.parametrize("mode, line", [
    ("good", "token accepted"),
    ("invalid", "the server says the token is invalid (401"),
    ("unauthorized", "waiting for the build to finish (401"),
    ("stale", "token is stale: rebuild the workspace (403"),
    ("502", "server not reachable"),
])
def test_the_token_probe_says_what_the_server_says(server: CoderServer, fetch: Fetch, mode: str,
                                                   line: str) -> None:
    server.set_mode(token=mode)
    status, said = fetch.probe({"CODER_AGENT_TOKEN": TOKEN})
    assert status == 0 and said.startswith(line)
    assert TOKEN not in said and FAKE_SECRET not in said
    assert server.requests[0]["path"] == "/api/v2/workspaceagents/me/gitsshkey"
    assert server.requests[0]["token_ok"] and not server.requests[0]["token_in_url"]


def test_the_token_may_come_from_a_file(server: CoderServer, fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f" {TOKEN}\n")
    fetch.environment["CODER_AGENT_TOKEN_FILE"] = str(tmp_path / "token")
    assert fetch.probe({}) == (0, "token accepted")
    # The variable wins.
    assert fetch.probe({"CODER_AGENT_TOKEN": TOKEN[::-1]})[1].startswith("the server says")


def test_a_probe_that_finds_out_nothing_says_so(server: CoderServer, fetch: Fetch) -> None:
    assert fetch.probe({}) == (1, "there is no token: CODER_AGENT_TOKEN is not set")
    server.set_mode(download="refused")
    status, said = fetch.probe({"CODER_AGENT_TOKEN": TOKEN})
    assert status == 1 and said.startswith("server not reachable: ")
