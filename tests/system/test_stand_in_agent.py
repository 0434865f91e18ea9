"""The stand-in agent must behave as Coder's does; else all other tests prove nothing."""
from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "stand-ins"))

from agent_process import DEADLINE, AgentProcess, until  # noqa: E402
from coder_server import CoderServer  # noqa: E402

AGENT = ROOT / os.environ.get("HAKIM_BUILD", "build") / "stand-ins" / "coder"
TOKEN = "11111111-2222-4333-8444-555555555555"
OTHER_TOKEN = "99999999-2222-4333-8444-555555555555"
ME = "/api/v2/workspaceagents/me/"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and changes its user")


@pytest.fixture(name="server")
def _server() -> Iterator[CoderServer]:
    with CoderServer(AGENT, TOKEN, ping_seconds=0.1) as server:
        yield server


Start = Callable[..., AgentProcess]


@pytest.fixture(name="start")
def _start(tmp_path: Path, server: CoderServer) -> Iterator[Start]:
    agents: list[AgentProcess] = []

    def start(**environment: str) -> AgentProcess:
        agents.append(AgentProcess(AGENT, tmp_path, **{
            "CODER_AGENT_URL": server.url, "CODER_AGENT_TOKEN": TOKEN, **environment}))
        return agents[-1]
    yield start
    for agent in agents:
        agent.process.kill()
        agent.process.wait()


def test_the_agent_says_its_version_as_coder_does() -> None:
    done = subprocess.run([AGENT, "--version"], capture_output=True, text=True, check=True)
    assert re.match(r"Coder v\d+\.\d+\.\d+-standin\+[0-9a-f]+ [A-Z][a-z]{2} ", done.stdout)


def test_the_agent_is_one_static_elf_program() -> None:
    done = subprocess.run(["readelf", "-lW", AGENT], capture_output=True, text=True, check=True)
    assert "INTERP" not in done.stdout and "LOAD" in done.stdout


@pytest.mark.parametrize("environment, says", [
    ({"CODER_AGENT_TOKEN": TOKEN}, "CODER_AGENT_URL"),
    ({"CODER_AGENT_URL": "http://127.0.0.1:1"}, "CODER_AGENT_TOKEN"),
    ({"CODER_AGENT_URL": "http://127.0.0.1:1", "CODER_AGENT_TOKEN_FILE": "/nonexistent"}, "token"),
    ({"CODER_AGENT_URL": "coder.example", "CODER_AGENT_TOKEN": TOKEN}, "not a URL"),
    ({"CODER_AGENT_URL": "http://127.0.0.1:1", "CODER_AGENT_TOKEN": TOKEN,
      "CODER_AGENT_AUTH": "aws-instance-identity"}, "CODER_AGENT_AUTH")])
def test_configuration_errors_end_it_with_1(environment: dict[str, str], says: str) -> None:
    done = subprocess.run([AGENT, "agent", "--no-reap"], env=environment, capture_output=True,
                          text=True, check=False, timeout=DEADLINE)
    assert done.returncode == 1 and says in done.stderr and TOKEN not in done.stderr


@needs_root
def test_as_pid_1_it_insists_on_no_reap() -> None:
    environment = {"PATH": os.environ["PATH"], "CODER_AGENT_URL": "http://127.0.0.1:1",
                   "CODER_AGENT_TOKEN": TOKEN}
    done = subprocess.run(["unshare", "-p", "-f", "--kill-child", AGENT, "agent"], text=True,
                          env=environment, capture_output=True, check=False, timeout=DEADLINE)
    assert done.returncode == 1 and "--no-reap" in done.stderr


@needs_root
def test_it_aborts_where_clone_is_denied_as_go_does() -> None:
    with AGENT.open("rb") as program:  # that user may not be able to reach the file by its name
        done = subprocess.run(["prlimit", "--nproc=1", "setpriv", "--reuid=65533",
                               "--regid=65533", "--clear-groups", "/proc/self/fd/0", "--version"],
                              stdin=program, capture_output=True, check=False, timeout=DEADLINE)
    assert done.returncode == -signal.SIGABRT and b"OS thread" in done.stderr


def test_the_manifest_is_there_after_the_token_was_taken_and_stays(server: CoderServer,
                                                                   start: Start) -> None:
    server.set_mode(token="unauthorized")
    agent = start()
    server.wait_for(lambda seen: any(r["status"] == 401 for r in seen))
    assert agent.get("/debug/manifest")[0] == 500
    assert agent.get("/debug/magicsock") == (500, "network is not ready yet\n")
    assert agent.get("/debug/nothing")[0] == 404
    server.set_mode(token="good")
    agent.connected()
    assert agent.get("/debug/magicsock")[0] == 200
    server.set_mode(download="refused", drop=True)
    until("the loss is seen", lambda: agent.log.count("run exited with error") >= 3)
    assert agent.get("/debug/manifest")[0] == 200 and agent.process.poll() is None
    server.set_mode(download="good")
    until("the agent is back", lambda: server.agents == 1)


@pytest.mark.parametrize("mode, says", [
    ("invalid", "401: Workspace agent token invalid."),
    ("unauthorized", "401: Workspace agent not authorized."),
    ("stale", "403: Agent trying to connect from non-latest build."),
    ("version", "400: Unknown or unsupported API version"), ("502", "502")])
def test_no_refusal_ends_it(server: CoderServer, start: Start, mode: str, says: str) -> None:
    server.set_mode(token=mode)
    agent = start()
    server.wait_for(lambda seen: len(seen) >= 3)
    assert agent.process.poll() is None and f"unexpected status code {says}" in agent.log
    server.set_mode(token="good")
    agent.connected()


def test_one_that_is_newer_than_its_server_tries_for_ever(server: CoderServer,
                                                          start: Start) -> None:
    agent = start(HAKIM_STANDIN_API_VERSION="2.9")
    server.wait_for(lambda seen: len(seen) >= 3)
    assert {r["status"] for r in server.requests} == {400} and agent.process.poll() is None


def test_it_asks_the_real_ones_url_with_its_token(server: CoderServer, start: Start) -> None:
    start().connected()
    seen = server.requests[0]
    assert re.match(re.escape(ME) + r"rpc\?role=agent&version=2\.\d+$", seen["path"])
    assert seen["token_ok"] and seen["status"] == 101 and seen["headers"]["Upgrade"] == "websocket"


def test_it_waits_longer_after_each_failure(server: CoderServer, start: Start) -> None:
    server.set_mode(token="stale")
    start()
    server.wait_for(lambda seen: len(seen) >= 5)
    times = [r["time"] for r in server.requests[:5]]
    gaps = [later - sooner for sooner, later in zip(times, times[1:])]
    for gap, least in zip(gaps, (0.1, 0.2, 0.4, 0.8)):
        assert gap > least * 0.9


def test_it_answers_pings(server: CoderServer, start: Start) -> None:
    start().connected()
    server.wait_for(lambda seen: seen[0].get("pongs", 0) >= 2)
    assert server.agents == 1


def test_a_server_that_says_no_http_is_not_its_end(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)  # less than the 10 s after which it gives up on a silent server
        agent = start(CODER_AGENT_URL=f"http://localhost:{listener.getsockname()[1]}/")
        for answer in (b"\xff\0nonsense\r\n\r\n", b"", b"x" * 9000,
                       b"HTTP/1.1 101 x\r\n\r\n\x89\x80"):
            link, _ = listener.accept()
            with link:
                link.settimeout(DEADLINE)
                while not link.recv(4096).endswith(b"\r\n\r\n"):
                    pass  # all of the request, so that the close is an end and no reset
                link.sendall(answer)
        listener.accept()[0].close()
        assert agent.process.poll() is None


def test_names_and_tls_that_it_does_not_know_are_said_at_each_attempt(start: Start) -> None:
    for url in ("https://127.0.0.1:1", "http://coder.example"):
        agent = start(CODER_AGENT_URL=url)
        until("two attempts", lambda: agent.log.count("run exited with error") >= 2)
        assert agent.process.poll() is None


def test_the_token_may_be_in_a_file(server: CoderServer, start: Start, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"\n {TOKEN}\n")
    agent = start(CODER_AGENT_TOKEN="", CODER_AGENT_TOKEN_FILE=str(path))
    agent.connected()
    out = tmp_path / "environment"
    agent.spawn(f"env > {out}.tmp && mv {out}.tmp {out}")
    until("the session's environment", out.exists)
    assert f"CODER_AGENT_TOKEN={TOKEN}" in out.read_text().splitlines()


def test_the_tokens_variable_wins_over_its_file(server: CoderServer, start: Start,
                                                tmp_path: Path) -> None:
    (tmp_path / "token").write_text(OTHER_TOKEN)
    start(CODER_AGENT_TOKEN_FILE=str(tmp_path / "token")).connected()
    assert server.requests[0]["token_ok"]


def test_a_session_has_the_token_and_its_own_session_and_group(start: Start,
                                                               tmp_path: Path) -> None:
    agent = start(CODER_PROC_PRIO_MGMT="1", OWN="x y")
    out = tmp_path / "environment"
    pid = agent.spawn(f"env > {out}.tmp; mv {out}.tmp {out}; echo noise >&2; exec sleep 1000")
    try:
        until("the session's environment", out.exists)
        lines = out.read_text().splitlines()
        assert f"CODER_AGENT_TOKEN={TOKEN}" in lines and "OWN=x y" in lines
        assert not [ln for ln in lines if ln.startswith(("CODER_AGENT_URL", "CODER_PROC_"))]
        assert os.getsid(pid) == pid and os.getpgid(pid) == pid
        assert os.readlink(f"/proc/{pid}/fd/1") == "/dev/null" and "noise" not in agent.log
        agent.process.kill()
        agent.process.wait()
        os.kill(pid, 0)  # outlives the agent
    finally:
        os.kill(pid, signal.SIGKILL)


def test_the_start_script_runs_once_in_the_background_and_is_measured(
        server: CoderServer, start: Start, tmp_path: Path) -> None:
    go, ran = tmp_path / "go", tmp_path / "ran"
    wait = f"until [ -e {go} ]; do sleep 0.05; done"
    agent = start(HAKIM_STANDIN_START_SCRIPT=f"echo x >> {ran}; {wait}")
    agent.connected()
    assert "startup_script_s{" not in agent.get("/metrics", "prometheus")[1]
    server.set_mode(drop=True)
    until("a second connection", lambda: sum(r["held"] for r in server.requests) == 2)
    go.touch()
    want = 'coderd_agentstats_startup_script_s{success="true"}'
    until("the script's end", lambda: want in agent.get("/metrics", "prometheus")[1])
    assert ran.read_text() == "x\n"


def test_every_process_runs_the_start_script_anew(start: Start, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for n in (1, 2):
        agent = start(HAKIM_STANDIN_START_SCRIPT=f"echo x >> {ran}")
        until("the script ran", lambda: ran.exists() and ran.read_text().count("x") == n)
        agent.process.kill()


def test_a_start_script_that_fails_is_seen(start: Start) -> None:
    agent = start(HAKIM_STANDIN_START_SCRIPT="exit 3")
    want = 'startup_script_s{success="false"}'
    until("the failure", lambda: want in agent.get("/metrics", "prometheus")[1])


def test_sigterm_without_a_stop_script_ends_with_0(start: Start) -> None:
    agent = start()
    agent.connected()
    agent.process.terminate()
    assert agent.process.wait(DEADLINE) == 0


def test_sigterm_waits_for_the_stop_script_whatever_comes(start: Start, tmp_path: Path) -> None:
    began, go, ended = tmp_path / "began", tmp_path / "go", tmp_path / "ended"
    wait = f"until [ -e {go} ]; do sleep 0.05; done"
    agent = start(HAKIM_STANDIN_STOP_SCRIPT=f"touch {began}; {wait};"
                                            f" echo $CODER_AGENT_TOKEN > {ended}")
    agent.connected()
    agent.process.terminate()
    until("the stop script began", began.exists)
    agent.process.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        agent.process.wait(0.5)
    go.touch()
    assert agent.process.wait(DEADLINE) == 0 and ended.read_text().strip() == TOKEN


@pytest.mark.parametrize("sig, status", [
    (signal.SIGINT, -signal.SIGINT), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGQUIT, 1)])
def test_other_signals_end_it_without_the_stop_script(start: Start, tmp_path: Path,
                                                      sig: signal.Signals, status: int) -> None:
    agent = start(HAKIM_STANDIN_STOP_SCRIPT=f"touch {tmp_path}/ran")
    agent.connected()
    agent.process.send_signal(sig)
    assert agent.process.wait(DEADLINE) == status
    assert not (tmp_path / "ran").exists()
    assert ("goroutine" in agent.log) == (sig == signal.SIGQUIT)


def test_sigtrap_dumps_and_it_goes_on(start: Start) -> None:
    agent = start()
    agent.connected()
    agent.process.send_signal(signal.SIGTRAP)
    until("the dump", lambda: "goroutine" in agent.log)
    assert agent.get("/debug/manifest")[0] == 200


def test_it_crashes_and_exits_when_it_is_told(start: Start) -> None:
    agent = start()
    assert agent.get("/_standin/crash")[0] == 200
    assert agent.process.wait(DEADLINE) == -signal.SIGSEGV
    agent = start()
    assert agent.get("/_standin/exit?code=7")[0] == 200
    assert agent.process.wait(DEADLINE) == 7


def test_a_hung_one_answers_nothing_and_hears_no_sigterm(start: Start) -> None:
    agent = start()
    agent.connected()
    port = agent.port("debug")
    assert agent.get("/_standin/hang")[0] == 200
    agent.process.terminate()
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as link:
        link.settimeout(2)
        link.sendall(b"GET /debug/manifest HTTP/1.1\r\n\r\n")
        with pytest.raises(TimeoutError):
            link.recv(1)
    assert agent.process.poll() is None
    agent.process.kill()
    assert agent.process.wait(DEADLINE) == -signal.SIGKILL


def test_a_taken_address_is_logged_and_an_empty_one_disables(server: CoderServer,
                                                             start: Start) -> None:
    agent = start(CODER_AGENT_DEBUG_ADDRESS=f"127.0.0.1:{server.port}",
                  CODER_AGENT_PROMETHEUS_ADDRESS="")
    until("connected", lambda: server.agents == 1)
    assert "Address already in use" in agent.log and "prometheus" not in agent.log
    assert agent.process.poll() is None


def test_more_clients_than_it_has_places_do_not_block_it(start: Start) -> None:
    agent = start()
    port = agent.port("debug")
    with contextlib.ExitStack() as stack:
        links = [stack.enter_context(socket.create_connection(("127.0.0.1", port), DEADLINE))
                 for _ in range(20)]
        links[0].sendall(b"POST / HTTP/1.1\r\n\r\n")
        assert b"405" in links[0].recv(100)
        links[1].sendall(b"x" * 5000)
    agent.connected()


def test_its_log_is_for_people_and_holds_no_secret(server: CoderServer, start: Start) -> None:
    server.set_mode(token="unauthorized", count=1)
    agent = start(HAKIM_STANDIN_START_SCRIPT="true", HAKIM_STANDIN_STOP_SCRIPT="true")
    agent.connected()
    assert "hakim-stand-in-manifest-secret" in agent.get("/debug/manifest")[1]
    agent.process.terminate()
    agent.process.wait(DEADLINE)
    assert TOKEN not in agent.log and "secret" not in agent.log
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[info\]  agent: connected to "
                     r"coordination RPC$", agent.log, re.MULTILINE)


def test_an_idle_agent_does_not_spin(start: Start) -> None:
    agent = start()
    agent.connected()
    stat = Path(f"/proc/{agent.process.pid}/stat")

    def ticks() -> int:
        return sum(int(n) for n in stat.read_text().rpartition(")")[2].split()[11:13])
    before = ticks()
    time.sleep(0.5)  # of idling, not of waiting for something
    assert ticks() - before <= 5
