"""How hakim-agent-fetch finds the server: proxies, names, silence, certificates, headers, redirects."""
from __future__ import annotations

import contextlib
import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from coder_server import CoderServer
from fetch_kit import (AGENT, ARCH, PATIENCE, SIZE, TOKEN, Fetch, _fetch, _server, bake, good,  # noqa: F401
                       needs_root, until)


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
    assert time.monotonic() - begin < PATIENCE * 2


def test_a_server_that_goes_silent_within_the_patience_costs_no_second_one(fetch: Fetch) -> None:
    bake(fetch)
    with socket.socket() as late:
        # Bound and not listening it refuses; then the kernel accepts what nobody takes.
        late.bind(("127.0.0.1", 0))
        fetch.environment["CODER_AGENT_URL"] = f"http://127.0.0.1:{late.getsockname()[1]}"
        begin = time.monotonic()
        process = fetch.start()
        # The next one is the last.
        until("it was refused twice", lambda: fetch.said.count("next try in") >= 2)
        late.listen()
        assert process.wait(30) == 0
        assert "the server does not answer" in fetch.said
        assert time.monotonic() - begin < PATIENCE * 1.5


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
