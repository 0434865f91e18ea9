"""The stand-in server must behave as Coder does; else all other tests prove nothing."""
from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "stand-ins"))

from agent_process import DEADLINE, until  # noqa: E402
from coder_handler import FAKE_SECRET  # noqa: E402
from coder_payload import DOWNLOADS  # noqa: E402
from coder_process import CoderServerProcess  # noqa: E402
from coder_server import CoderServer  # noqa: E402

BUILD = ROOT / os.environ.get("HAKIM_BUILD", "build")
AGENT = BUILD / "stand-ins" / "coder"
TOKEN = "11111111-2222-4333-8444-555555555555"
OTHER_TOKEN = "99999999-2222-4333-8444-555555555555"
ARCH = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armv7"}[os.uname().machine]
BIN = f"/bin/coder-linux-{ARCH}"
ME = "/api/v2/workspaceagents/me/"
RPC = f"{ME}rpc?role=agent&version=2.7"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
AUTH = {"Coder-Session-Token": TOKEN}
TRUNCATING = ("truncated", "cut")
PROGRAMS = ("corrupted", "wrong-etag", "oversize", "truncated", "short", "not-elf")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and changes its user")


def sha1(data: bytes) -> str:
    """As Coder's ETag."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


class Answer:
    """Status, headers and body of a request; the body may be cut."""

    def __init__(self, server: CoderServer, path: str, method: str = "GET", body: bytes = b"",
                 **headers: str) -> None:
        link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
        with contextlib.closing(link):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            link.request(method, path, body or None, named)
            answer = link.getresponse()
            self.status, self.headers, self.cut = answer.status, answer.headers, False
            try:
                self.body = answer.read()
            except http.client.IncompleteRead as error:
                self.body, self.cut = error.partial, True

    def json(self) -> dict[str, object]:
        """The body's JSON."""
        return json.loads(self.body)


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[CoderServer]:
    server = CoderServer(AGENT, TOKEN, state_dir=tmp_path / "state", proof=str(tmp_path / "proof"),
                         ping_seconds=0.1)
    with server:
        yield server


# ---- the server: the download


def test_the_program_comes_with_its_sha1_as_etag_and_its_size(server: CoderServer) -> None:
    got = Answer(server, BIN)
    assert got.status == 200 and got.body == AGENT.read_bytes()
    assert got.headers["ETag"] == f'"{sha1(got.body)}"'
    assert got.headers["Content-Length"] == str(len(got.body))
    assert got.headers["X-Original-Content-Length"] == str(len(got.body))
    assert got.headers["X-Coder-Build-Version"].startswith("v2.")


def test_head_has_the_headers_of_get_and_no_body(server: CoderServer) -> None:
    head, get = Answer(server, BIN, "HEAD"), Answer(server, BIN)
    assert head.status == 200 and head.body == b""
    for name in ("ETag", "Content-Length", "X-Original-Content-Length"):
        assert head.headers[name] == get.headers[name]


def test_a_known_etag_gives_304_and_another_one_200(server: CoderServer) -> None:
    etag = Answer(server, BIN).headers["ETag"]
    assert Answer(server, BIN, If_None_Match=etag).status == 304
    assert Answer(server, BIN, If_None_Match=f'"x", W/{etag}').status == 304
    assert Answer(server, BIN, If_None_Match='"x"').status == 200


def test_a_range_gives_206_only_for_the_same_etag(server: CoderServer) -> None:
    whole = Answer(server, BIN)
    etag, size = whole.headers["ETag"], len(whole.body)
    rest = Answer(server, BIN, Range="bytes=1000-", If_Range=etag)
    assert rest.status == 206 and rest.body == whole.body[1000:]
    assert rest.headers["Content-Range"] == f"bytes 1000-{size - 1}/{size}"
    assert Answer(server, BIN, Range="bytes=10-19").body == whole.body[10:20]
    assert Answer(server, BIN, Range="bytes=-5").body == whole.body[-5:]
    assert Answer(server, BIN, Range="bytes=1000-", If_Range='"x"').status == 200
    assert Answer(server, BIN, Range=f"bytes={size}-").status == 416


def test_gzip_is_chunked_without_a_length(server: CoderServer) -> None:
    got = Answer(server, BIN, Accept_Encoding="br;q=1.0, gzip")
    assert got.headers["Content-Encoding"] == "gzip" and "Content-Length" not in got.headers
    assert gzip.decompress(got.body) == AGENT.read_bytes()
    assert got.headers["X-Original-Content-Length"] == str(AGENT.stat().st_size)
    assert "Content-Encoding" not in Answer(server, BIN, Accept_Encoding="gzip;q=0").headers


@pytest.mark.parametrize("path", [f"/{BIN}", f"{BIN}/", "/bin/coder-linux-mips", "/bin/coder"])
def test_other_paths_are_404(server: CoderServer, path: str) -> None:
    assert Answer(server, path).status == 404


def test_a_proxy_request_is_answered_and_noted(server: CoderServer) -> None:
    assert Answer(server, f"http://coder.example{BIN}", "HEAD").status == 200
    assert server.requests[0]["proxied"] and server.requests[0]["path"] == BIN


def test_size_and_release_make_other_programs_that_still_run(tmp_path: Path) -> None:
    with CoderServer(AGENT, TOKEN, size=3_000_000) as server:
        first = Answer(server, BIN)
        server.set_mode(release="2")
        second = Answer(server, BIN)
    assert len(first.body) == 3_000_000 and first.headers["ETag"] != second.headers["ETag"]
    program = tmp_path / "coder"
    program.write_bytes(second.body)
    program.chmod(0o755)
    done = subprocess.run([program, "--version"], capture_output=True, check=True)
    assert b"Coder" in done.stdout


@pytest.mark.parametrize("mode", ["html", "502", "redirect"])
def test_a_proxy_answers_without_the_signs_of_coder(server: CoderServer, mode: str) -> None:
    server.set_mode(download=mode)
    got = Answer(server, BIN)
    assert got.status == {"html": 200, "502": 502, "redirect": 302}[mode]
    for name in ("ETag", "X-Coder-Build-Version", "X-Original-Content-Length"):
        assert name not in got.headers


def test_a_mode_with_a_count_ends_by_itself(server: CoderServer) -> None:
    server.set_mode(download="502", count=2)
    assert [Answer(server, BIN).status for _ in range(3)] == [502, 502, 200]


@pytest.mark.parametrize("mode", TRUNCATING)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_broken_body_is_shorter_than_promised(server: CoderServer, mode: str,
                                                encoding: str) -> None:
    server.set_mode(download=mode)
    got = Answer(server, BIN, Accept_Encoding=encoding)
    assert got.status == 200 and got.cut
    assert 0 < len(got.body) < AGENT.stat().st_size


def test_what_was_cut_can_be_resumed(server: CoderServer) -> None:
    server.set_mode(download="cut", count=1)
    first = Answer(server, BIN)
    rest = Answer(server, BIN, Range=f"bytes={len(first.body)}-", If_Range=first.headers["ETag"])
    assert rest.status == 206 and sha1(first.body + rest.body) in first.headers["ETag"]


@pytest.mark.parametrize("mode, same_size, same_hash", [
    ("corrupted", True, False), ("wrong-etag", True, False), ("oversize", False, True),
    ("short", False, False), ("wrong-arch", True, True), ("not-elf", True, True),
    ("bad-version", True, True)])
def test_a_bad_body_is_bad_in_one_way(server: CoderServer, mode: str, same_size: bool,
                                      same_hash: bool) -> None:
    server.set_mode(download=mode)
    got = Answer(server, BIN)
    assert got.status == 200 and not got.cut
    assert (got.headers["X-Original-Content-Length"] == str(len(got.body))) == same_size
    assert (got.headers["ETag"] == f'"{sha1(got.body)}"') == same_hash
    assert (got.body[:4] == b"\x7fELF") == (mode != "not-elf")
    assert (got.body[18:20] == AGENT.read_bytes()[18:20]) == (mode not in ("wrong-arch", "not-elf"))


def test_corrupted_is_one_bit_away_from_its_etag(server: CoderServer) -> None:
    server.set_mode(download="corrupted")
    got = Answer(server, BIN)
    mended = got.body[:-1] + bytes([got.body[-1] ^ 1])
    assert got.headers["ETag"] == f'"{sha1(mended)}"'


@pytest.mark.parametrize("mode", PROGRAMS)
def test_a_bad_program_that_runs_leaves_proof(server: CoderServer, mode: str,
                                              tmp_path: Path) -> None:
    server.set_mode(download=mode)
    program = tmp_path / "bad"
    program.write_bytes(Answer(server, BIN).body)
    program.chmod(0o755)
    done = subprocess.run([program, "--version"], capture_output=True, check=False)
    assert done.returncode == 99 and b"HAKIM MARKER" in done.stderr and b"Coder" not in done.stdout
    assert "HAKIM MARKER" in (tmp_path / "proof").read_text()
    assert mode == "not-elf" or mode in (tmp_path / "bad.executed").read_text()


def test_wrong_arch_cannot_run_at_all(server: CoderServer, tmp_path: Path) -> None:
    server.set_mode(download="wrong-arch")
    program = tmp_path / "bad"
    program.write_bytes(Answer(server, BIN).body)
    program.chmod(0o755)
    with pytest.raises(OSError, match="Exec format error"):
        subprocess.run([program, "--version"], check=False)


def test_bad_version_answers_version_and_leaves_proof_of_anything_else(server: CoderServer,
                                                                       tmp_path: Path) -> None:
    server.set_mode(download="bad-version")
    program = tmp_path / "bad"
    program.write_bytes(Answer(server, BIN).body)
    program.chmod(0o755)
    asked = subprocess.run([program, "--version"], capture_output=True, check=True)
    assert asked.stdout and b"Coder" not in asked.stdout
    assert not (tmp_path / "proof").exists() and not (tmp_path / "bad.executed").exists()
    assert subprocess.run([program, "agent"], capture_output=True, check=False).returncode == 99
    assert (tmp_path / "proof").exists()


def test_slow_is_slow_and_whole(server: CoderServer) -> None:
    size = AGENT.stat().st_size
    server.set_mode(download="slow", rate=2 * size)
    began = time.monotonic()
    assert Answer(server, BIN).body == AGENT.read_bytes()
    assert time.monotonic() - began > 0.4


@pytest.mark.parametrize("mode, some", [("stall", True), ("silent", False)])
def test_stalled_connections_stay_until_the_server_stops(server: CoderServer, mode: str,
                                                         some: bool) -> None:
    server.set_mode(download=mode)
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE) as link:
        link.sendall(f"GET {BIN} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        got = b""
        want = AGENT.stat().st_size // 2 if some else 0
        while len(got) < want:
            got += link.recv(65536)
        server.wait_for(lambda seen: len(seen) == 1)
        assert (b"200 OK" in got[:20]) == some and not server.requests[0]["done"]
        assert Answer(server, "/login").status == 200
        server.stop()
        while link.recv(65536):
            pass


def test_reset_is_a_reset(server: CoderServer) -> None:
    server.set_mode(download="reset")
    with pytest.raises(ConnectionResetError):
        Answer(server, BIN)


def test_refused_refuses_and_comes_back_on_the_same_port(server: CoderServer) -> None:
    port = server.port
    server.set_mode(download="refused")
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            Answer(server, BIN)
    server.set_mode(download="good")
    assert Answer(server, BIN).status == 200 and server.port == port


def test_refused_over_http_comes_back_by_itself(server: CoderServer) -> None:
    change = json.dumps({"download": "refused", "seconds": 0.3}).encode()
    assert Answer(server, "/_control", "PUT", change).status == 200
    with pytest.raises(ConnectionRefusedError):
        Answer(server, BIN)

    def back() -> bool:
        with contextlib.suppress(ConnectionRefusedError):
            return Answer(server, BIN).status == 200
        return False
    until("the listener is back", back)


def test_an_unknown_mode_changes_nothing(server: CoderServer) -> None:
    for change in (b'{"download": "bad"}', b'{"token": "502", "x": 1}', b"[]", b"{", b'"a"'):
        assert Answer(server, "/_control", "PUT", change).status == 400
    with pytest.raises(ValueError, match="count"):
        server.set_mode(download="502", count=0)
    assert Answer(server, BIN).status == 200


def test_a_taken_port_is_an_error(server: CoderServer) -> None:
    with pytest.raises(OSError):
        CoderServer(AGENT, TOKEN, listen=("127.0.0.1", server.port)).start()


def test_tls_serves_with_the_given_certificate(tmp_path: Path) -> None:
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-keyout", key, "-out",
                    cert, "-subj", "/CN=stand-in", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    with CoderServer(AGENT, TOKEN, tls=(cert, key)) as server:
        trusting = ssl.create_default_context(cafile=cert)
        with urllib.request.urlopen(server.url + BIN, context=trusting, timeout=DEADLINE) as got:
            assert got.read() == AGENT.read_bytes()
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(server.url + BIN, timeout=DEADLINE)
        with urllib.request.urlopen(server.url + BIN, context=trusting, timeout=DEADLINE) as got:
            assert got.status == 200


# ---- the server: the agent's API


@pytest.mark.parametrize("token, status, message", [
    ("", 401, "Workspace agent token invalid."), ("abc", 401, "Workspace agent token invalid."),
    (OTHER_TOKEN, 401, "Workspace agent not authorized."), (TOKEN, 200, None)])
@pytest.mark.parametrize("way", ["header", "cookie"])
def test_a_token_is_judged(server: CoderServer, token: str, status: int, message: str | None,
                           way: str) -> None:
    headers = {"Coder_Session_Token": token} if way == "header" else {
        "Cookie": f"a=b; coder_session_token={token}"}
    got = Answer(server, f"{ME}gitsshkey", **headers)
    assert got.status == status and got.json().get("message") == message
    assert (FAKE_SECRET in got.body.decode()) == (status == 200)


@pytest.mark.parametrize("mode, status, message", [
    ("invalid", 401, "Workspace agent token invalid."),
    ("unauthorized", 401, "Workspace agent not authorized."),
    ("stale", 403, "Agent trying to connect from non-latest build.")])
def test_token_modes_refuse_a_good_token(server: CoderServer, mode: str, status: int,
                                         message: str) -> None:
    server.set_mode(token=mode, count=2)
    for path in (RPC, f"{ME}gitsshkey"):
        got = Answer(server, path, **AUTH, **UPGRADE)
        assert got.status == status and got.json()["message"] == message
    assert Answer(server, f"{ME}gitsshkey", **AUTH).status == 200


def test_an_unknown_api_version_is_refused_by_rpc_only(server: CoderServer) -> None:
    for version in ("2.9", "3.0", "1.0", "x", ""):
        got = Answer(server, f"{ME}rpc?role=agent&version={version}", **AUTH, **UPGRADE)
        assert got.status == 400
        assert got.json()["message"] == "Unknown or unsupported API version"
    server.set_mode(token="version")
    assert Answer(server, RPC, **AUTH, **UPGRADE).status == 400
    assert Answer(server, f"{ME}gitsshkey", **AUTH).status == 200
    server.set_mode(token="good")
    assert Answer(server, RPC, **AUTH).status == 426


def test_the_websocket_is_held_and_pinged_and_dropped(server: CoderServer) -> None:
    head = f"GET {RPC} HTTP/1.1\r\nHost: x\r\nCoder-Session-Token: {TOKEN}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE) as link:
        link.sendall((head + "\r\n").encode())
        got = b""
        while b"\x89\x00" not in got:
            more = link.recv(4096)
            assert more
            got += more
        # The key and its answer are RFC 6455's example.
        assert got.startswith(b"HTTP/1.1 101") and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in got
        until("one agent", lambda: server.agents == 1)
        link.sendall(b"\x89\x82\x01\x02\x03\x04" + bytes([ord("h") ^ 1, ord("i") ^ 2]))
        while b"\x8a\x02hi" not in got:
            more = link.recv(4096)
            assert more
            got += more
        server.set_mode(drop=True)
        while link.recv(4096):
            pass
    until("no agent", lambda: server.agents == 0)


def test_logs_are_taken_up_to_one_megabyte(server: CoderServer) -> None:
    source = {"id": OTHER_TOKEN, "display_name": "Hakim", "icon": "x"}
    got = Answer(server, f"{ME}log-source", "POST", json.dumps(source).encode(), **AUTH)
    assert got.status == 201 and got.json()["display_name"] == "Hakim"
    logs = json.dumps({"log_source_id": OTHER_TOKEN, "logs": [
        {"created_at": "2026-01-05T12:00:00Z", "level": "info", "output": "x" * 600_000}]}).encode()
    assert Answer(server, f"{ME}logs", "PATCH", logs, **AUTH).status == 200
    assert Answer(server, f"{ME}logs", "PATCH", logs, **AUTH).status == 413
    assert Answer(server, f"{ME}logs", "PATCH", b"{}", **AUTH).status == 400


def test_derp_and_reinit_are_there(server: CoderServer) -> None:
    assert Answer(server, "/derp").status == 426
    assert Answer(server, "/derp/latency-check").status == 200
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    with contextlib.closing(link):
        link.request("GET", f"{ME}reinit?wait=true", headers=AUTH)
        got = link.getresponse()
        assert got.headers["Content-Type"] == "text/event-stream"
        assert got.readline() == b"event: ping\n"


def test_the_log_tells_all_but_the_token(server: CoderServer, tmp_path: Path) -> None:
    Answer(server, BIN, If_None_Match='"x"', X_Own="y")
    Answer(server, f"{ME}gitsshkey", **AUTH)
    Answer(server, f"{ME}gitsshkey", Cookie=f"coder_session_token={OTHER_TOKEN}")
    Answer(server, f"/?x={TOKEN}", X_Leak=TOKEN)
    Answer(server, f"{ME}gitsshkey", Coder_Session_Token=OTHER_TOKEN)
    server.wait_for(lambda seen: len(seen) == 5 and all(r["done"] for r in seen))
    shown = Answer(server, "/_log").body.decode()
    journal = (tmp_path / "state" / "requests.jsonl").read_text()
    for text in (shown, journal):
        assert TOKEN not in text and OTHER_TOKEN not in text
    seen = json.loads(shown)
    assert [r["token_ok"] for r in seen] == [None, True, False, None, False]
    assert [r["token_in_url"] for r in seen] == [False, False, False, True, False]
    assert [r["status"] for r in seen] == [200, 200, 401, 404, 401]
    assert seen[0]["headers"]["If-None-Match"] == '"x"' and seen[0]["headers"]["X-Own"] == "y"
    assert seen[0]["sent"] == AGENT.stat().st_size and len(journal.splitlines()) == 5


# ---- the server as a process


def test_the_process_does_what_the_thread_does(tmp_path: Path) -> None:
    proof = ("--proof", str(tmp_path / "proof"), "--state-dir", str(tmp_path))
    with CoderServerProcess(AGENT, TOKEN, options=proof) as server:
        assert json.loads((tmp_path / "server.json").read_text())["url"] == server.url
        with urllib.request.urlopen(server.url + BIN, timeout=DEADLINE) as got:
            assert got.read() == AGENT.read_bytes()
        server.set_mode(download="refused")
        with pytest.raises(OSError):
            urllib.request.urlopen(server.url + BIN, timeout=DEADLINE)
        with pytest.raises(ValueError, match="not possible"):
            server.set_mode(download="nonsense")
        server.set_mode(download="good")
        urllib.request.urlopen(server.url + BIN, timeout=DEADLINE).close()
        assert [r["status"] for r in server.requests] == [200, 200]
        assert TOKEN not in Path(f"/proc/{server.pid}/cmdline").read_text()


@needs_root
def test_the_process_works_in_another_network_namespace() -> None:
    enter = ("unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    options = ("--listen", "127.0.0.1:3000")
    with CoderServerProcess(AGENT, TOKEN, enter=enter, options=options) as server:
        asked = subprocess.run(
            ["nsenter", "-t", str(server.pid), "-n", sys.executable, "-c",
             "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).status)",
             server.url + BIN], capture_output=True, text=True, check=True, timeout=DEADLINE)
        assert server.port == 3000 and asked.stdout == "200\n"
        assert len(server.requests) == 1
        with pytest.raises(OSError):
            urllib.request.urlopen(server.url + BIN, timeout=DEADLINE)


@pytest.mark.parametrize("arguments, says", [
    (["--token", "abc"], "must be a UUID"), (["--token", TOKEN, "--listen", "x"], "ADDRESS:PORT"),
    (["--token", TOKEN, "--listen", "192.0.2.1:1"], "cannot listen")])
def test_wrong_arguments_are_said(arguments: list[str], says: str) -> None:
    program = ROOT / "tests" / "stand-ins" / "coder_server.py"
    done = subprocess.run([sys.executable, str(program), "--binary", str(AGENT), *arguments],
                          capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert done.returncode != 0 and says in done.stderr and not done.stdout


def test_the_process_ends_on_sigterm() -> None:
    program = ROOT / "tests" / "stand-ins" / "coder_server.py"
    with subprocess.Popen([sys.executable, str(program), "--binary", str(AGENT), "--token", TOKEN],
                          stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stdout and json.loads(process.stdout.readline())["port"] > 0
        process.terminate()
        assert process.wait(DEADLINE) == 0


def test_every_mode_is_tested() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [mode for mode in DOWNLOADS if text.count(f'"{mode}"') == 0] == []
