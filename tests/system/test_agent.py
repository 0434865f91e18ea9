"""The agent: its download, its sessions, what the server says of its token."""
from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from hakim import comm, services, status, unit, wait_units
from hosts.process import wait_until
from workspace import agent_program, workspace  # noqa: F401

PROOF = "/tmp/hakim-executed"
# The server's own words for each way in which a download can be bad; and what the status must name.
BAD = {
    "html": "login|HTML|html",
    "502": "502",
    "stall": "stall|slow|answer|bytes|no data",
    "silent": "answer|server",
    "reset": "reset|closed|recv|Recv",
    "truncated": "trunc|short|bytes|size|closed|partial",
    "short": "size|bytes|sha1|ETag",
    "corrupted": "sha1|ETag|hash",
    "wrong-etag": "sha1|ETag|hash",
    "wrong-arch": "machine|arch|x86|ELF",
    "not-elf": "ELF",
    "bad-version": "version|Coder",
}


def marker_options(helpers: Path) -> tuple[str, ...]:
    """Each bad program, if it is ever executed, leaves a proof."""
    return ("--marker", str(helpers / "marker"), "--proof", PROOF)


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_download_is_named_never_executed_and_the_next_good_one_starts_the_agent(
        workspace, helpers, bad):  # noqa: F811
    w = workspace(*marker_options(helpers)).start(mode={"download": bad})
    said = ""

    def named() -> bool:
        nonlocal said
        found = status(w.host)["units"]["coder-agent"]
        said = f"{found['status']} {found['last_error']}"
        said += w.host.exec(["sh", "-c", "cat /var/log/hakim/coder-agent.log || :"]).stdout
        return any(word in said for word in BAD[bad].split("|"))
    try:
        wait_until(f"{bad} is named", named, 40, 0.1)
    except TimeoutError as error:
        raise TimeoutError(f"{error}: {said}") from error
    assert w.agent_pid() == 0
    w.server.set_mode(download="good")
    w.ready(60)
    assert not os.path.lexists(w.host.root(PROOF)), "a bad download was executed"
    assert w.host.stop() == 0


def test_a_server_that_comes_late_is_waited_for(workspace):  # noqa: F811
    w = workspace().start(with_server=False)
    wait_until("the fetcher tries", lambda: status(w.host)["units"]["coder-agent"]["sub"] == "start-pre")
    w.start_server()
    w.ready(60)
    assert w.host.stop() == 0


def test_a_persons_tmux_survives_the_agents_crash_and_its_restart(workspace):  # noqa: F811
    w = workspace().start()
    w.ready()
    w.spawn("tmux new-session -d -s work 'sleep 4000'")

    def sleepers() -> list[int]:
        return [p for p in w.host.processes() if comm(p) == "sleep"]
    wait_until("the person's build runs", lambda: len(sleepers()) == 1)
    [build] = sleepers()
    first = w.agent_pid()
    os.kill(first, signal.SIGSEGV)
    wait_until("another agent runs", lambda: w.agent_pid() not in (0, first))
    w.ready()
    w.host.exec(["hakimctl", "restart", "coder-agent"], timeout=60)
    w.ready()
    assert sleepers() == [build]
    assert "work" in w.host.exec(["tmux", "ls"], user="coder").stdout
    assert w.host.stop() == 0


def test_the_agents_end_touches_no_other_service(workspace):  # noqa: F811
    w = workspace()
    unit(w.host, "other.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    w.start()
    w.ready()
    [other] = services(w.host, "sleep")
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGQUIT):
        old = w.agent_pid()
        os.kill(old, number)
        wait_until("another agent runs", lambda o=old: w.agent_pid() not in (0, o))
        w.ready()
    assert services(w.host, "sleep") == [other]
    assert wait_units(w.host, other="running")["units"]["other"]["restarts"] == 0
    assert w.host.stop() == 0


@pytest.mark.parametrize("token, says", [
    ("unauthorized", "waiting for the build to finish"),
    ("stale", "rebuild the workspace"),
])
def test_what_the_server_says_of_the_token_is_shown(workspace, token, says):  # noqa: F811
    w = workspace().start(mode={"token": token})
    wait_until(f"the status says: {says}",
               lambda: says in (status(w.host)["units"]["coder-agent"]["status"] or ""), 30, 0.1)
    assert w.agent_pid(), "it runs and waits"
    w.server.set_mode(token="good")
    w.ready()
    assert w.host.stop() == 0


def test_the_cached_agent_starts_while_the_server_is_away(workspace):  # noqa: F811
    w = workspace().start()
    w.ready()
    w.server.set_mode(download="refused")
    old = w.agent_pid()
    w.host.exec(["hakimctl", "restart", "--no-block", "coder-agent"])
    wait_until("the cached one runs", lambda: w.agent_pid() not in (0, old), 30)
    assert w.host.stop() == 0
