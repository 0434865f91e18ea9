"""hakim-agent-fetch and the stand-in server: nothing bad is run, and the good comes in the end."""
from __future__ import annotations

import contextlib
import http.server
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from coder_handler import FAKE_SECRET
from coder_server import CoderServer

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("HAKIM_BUILD", "build")
AGENT = BUILD / "stand-ins" / "coder"
TOKEN = "11111111-2222-4333-8444-555555555555"
SIZE = 3_000_000
ARCH = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armv7"}[os.uname().machine]
PATIENCE = 3.0
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes its user")

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


def until(what: str, holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits until it holds; fails with `what` if it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"in vain waited for: {what}"
        time.sleep(0.02)


class Fetch:
    """The program with a cache of its own."""

    def __init__(self, directory: Path, url: str) -> None:
        self.cache = directory / "cache"
        self.baked = directory / "image" / "coder"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(directory),
                            "CODER_AGENT_URL": url}
        self.program = BUILD / "hakim-agent-fetch"
        self._log = directory / "log"
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *options: str, **extra: Any) -> subprocess.Popen[str]:
        """Starts it; its stderr goes to the log."""
        with self._log.open("a") as log:
            process = subprocess.Popen(
                [str(self.program), "--dir", str(self.cache), "--baked", str(self.baked), *options],
                env=self.environment, stderr=log, stdout=subprocess.DEVNULL, text=True, **extra)
        self._started.append(process)
        return process

    def stop(self) -> None:
        """Ends what a failed test has left."""
        for process in self._started:
            process.kill()
            process.wait()

    def run(self, *options: str, timeout: float = 60, **extra: Any) -> int:
        """Runs it to its end."""
        return self.start(*options, **extra).wait(timeout)

    def probe(self, secrets: dict[str, str]) -> tuple[int, str]:
        """--probe-token, with these secrets in a pipe."""
        read, write = os.pipe()
        os.write(write, b"".join(f"{k}={v}\0".encode() for k, v in secrets.items()))
        os.close(write)
        environment = {**self.environment, "HAKIM_SECRET_FD": str(read)}
        done = subprocess.run([str(self.program), "--probe-token"], env=environment, text=True,
                              pass_fds=(read,), capture_output=True, timeout=60)
        os.close(read)
        assert done.stderr == "" and done.stdout.count("\n") == 1
        return done.returncode, done.stdout.strip()

    @property
    def said(self) -> str:
        """All lines so far."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def current(self) -> Path:
        """What the unit's ExecStart= would run."""
        return self.cache / "current" / "coder"

    @property
    def partials(self) -> list[Path]:
        """Downloads under way."""
        return list(self.cache.glob("*.partial"))

    @property
    def versions(self) -> set[str]:
        """The programs in the cache, by their directories."""
        return {path.parent.name for path in self.cache.glob("*/coder")
                if path.parent.name != "current"}


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[CoderServer]:
    with CoderServer(AGENT, TOKEN, proof=str(tmp_path / "proof"), size=SIZE) as server:
        yield server


@pytest.fixture(name="fetch")
def _fetch(tmp_path: Path, server: CoderServer) -> Iterator[Fetch]:
    fetch = Fetch(tmp_path, server.url)
    yield fetch
    fetch.stop()
    assert not (tmp_path / "proof").exists(), (tmp_path / "proof").read_text()
    assert not list(tmp_path.rglob("*.executed"))
    assert "HAKIM MARKER" not in fetch.said and "Sanitizer" not in fetch.said


def good(release: str = "") -> bytes:
    """The stand-in server's true program."""
    return AGENT.read_bytes().ljust(SIZE, b"\0") + release.encode()


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


def bake(fetch: Fetch) -> bytes:
    """Puts another agent into the image."""
    fetch.baked.parent.mkdir()
    shutil.copy(AGENT, fetch.baked)
    with fetch.baked.open("ab") as program:
        program.write(b"the image's")
    return fetch.baked.read_bytes()


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


# ---- the way to the server


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY"])
def test_a_proxy_is_used(server: CoderServer, fetch: Fetch, variable: str) -> None:
    fetch.environment |= {"CODER_AGENT_URL": "http://coder.example", variable: server.url}
    assert fetch.run("--once") == 0
    assert server.requests[0]["proxied"]


def test_no_proxy_is_asked_for_this_host(server: CoderServer, fetch: Fetch) -> None:
    fetch.environment["http_proxy"] = "http://127.0.0.1:1"
    assert fetch.run("--once") == 0
    assert not server.requests[0]["proxied"]


def test_names_are_looked_up_within_the_filter(server: CoderServer, fetch: Fetch) -> None:
    fetch.environment["CODER_AGENT_URL"] = server.url.replace("127.0.0.1", "localhost")
    assert fetch.run("--once") == 0


@needs_root
def test_a_dead_dns_server_costs_no_more_than_the_patience(fetch: Fetch, tmp_path: Path) -> None:
    bake(fetch)
    fetch.environment["CODER_AGENT_URL"] = "https://coder.example"
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: dns\n")
    # A network of its own, in which port 53 is bound and silent.
    script = f"""
        set -e
        ip link set lo up
        for f in resolv.conf nsswitch.conf; do
            mount --bind -n {tmp_path}/$f "$(readlink -f /etc/$f)"
        done
        exec {sys.executable} -c '
import socket, subprocess, sys
dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
dns.bind(("127.0.0.1", 53))
status = subprocess.run(sys.argv[1:]).returncode
dns.settimeout(1)
assert b"coder" in dns.recv(512)
sys.exit(status)' "$@"
        """
    begin = time.monotonic()
    done = subprocess.run(["unshare", "-mn", "sh", "-c", script, "sh", str(fetch.program), "--dir",
                           str(fetch.cache), "--baked", str(fetch.baked)],
                          env=fetch.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "the server does not answer" in done.stderr
    # 6.05 s were seen once, and not explained. What must not be waited for is the 30 s of the resolver.
    assert time.monotonic() - begin < PATIENCE * 4


def certificate(directory: Path) -> tuple[str, str]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    cert, key = str(directory / "cert.pem"), str(directory / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return cert, key


def test_tls_needs_a_certificate_that_ssl_cert_file_knows(tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    with CoderServer(AGENT, TOKEN, size=SIZE, tls=tls) as server:
        fetch = Fetch(tmp_path, server.url)
        assert fetch.run("--once") == 1
        assert "certificate" in fetch.said
        assert not server.requests
        fetch.environment["SSL_CERT_FILE"] = tls[0]
        assert fetch.run("--once") == 0
        assert fetch.current.read_bytes() == good()


def with_secrets(fetch: Fetch, **secrets: str) -> int:
    """Runs it once with a pipe of secrets."""
    read, write = os.pipe()
    os.write(write, b"".join(f"{k}={v}\0".encode() for k, v in secrets.items()))
    os.close(write)
    fetch.environment["HAKIM_SECRET_FD"] = str(read)
    try:
        return fetch.run("--once", pass_fds=(read,))
    finally:
        os.close(read)


def test_extra_headers_are_sent_and_never_printed(server: CoderServer, fetch: Fetch) -> None:
    fetch.environment["CODER_AGENT_HEADER_COMMAND"] = "echo X-Where=$CODER_URL"
    assert with_secrets(fetch, CODER_AGENT_HEADER="X-Secret=s3cret,X-Other=o") == 0
    headers = server.requests[0]["headers"]
    assert (headers["X-Secret"], headers["X-Other"]) == ("s3cret", "o")
    assert headers["X-Where"] == server.url
    assert "s3cret" not in fetch.said


def test_a_header_command_that_fails_is_named(server: CoderServer, fetch: Fetch) -> None:
    fetch.environment["CODER_AGENT_HEADER_COMMAND"] = "echo X-A=1; exit 3"
    assert fetch.run("--once") == 1
    assert "CODER_AGENT_HEADER_COMMAND: it exited with 3" in fetch.said
    assert not server.requests


@contextlib.contextmanager
def redirecting(to: str) -> Iterator[str]:
    """A server that redirects everything; its URL."""
    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers 302."""

        def do_GET(self) -> None:
            """The only method."""
            self.send_response(302)
            self.send_header("Location", to + self.path)
            self.end_headers()
            self.wfile.write(b"moved")

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_redirect_is_followed_without_the_secret_headers(server: CoderServer,
                                                           fetch: Fetch) -> None:
    with redirecting(server.url) as url:
        fetch.environment["CODER_AGENT_URL"] = url
        assert with_secrets(fetch, CODER_AGENT_HEADER="X-Secret=s3cret") == 0
    assert "X-Secret" not in server.requests[0]["headers"]
    assert fetch.current.read_bytes() == good()


def test_a_redirect_to_a_file_is_not_followed(server: CoderServer, fetch: Fetch) -> None:
    with redirecting("file://") as url:
        fetch.environment["CODER_AGENT_URL"] = url
        assert fetch.run("--once") == 1
    assert "neither http nor https" in fetch.said


def test_a_password_in_the_url_is_never_printed(server: CoderServer, fetch: Fetch) -> None:
    fetch.environment["CODER_AGENT_URL"] = server.url.replace("//", "//me:s3cret@")
    server.set_mode(download="502", count=1)
    assert fetch.run() == 0
    assert "s3cret" not in fetch.said and f"asking {server.url}" in fetch.said


@pytest.mark.parametrize("url", ["", "coder.example", "file:///etc/passwd"])
def test_a_wrong_url_is_a_usage_error(fetch: Fetch, url: str) -> None:
    fetch.environment["CODER_AGENT_URL"] = url
    assert fetch.run() == 2
    assert "CODER_AGENT_URL" in fetch.said


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
