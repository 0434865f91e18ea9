"""A proxy for the tests: whole addresses over http, and tunnels by CONNECT. What it was asked for is remembered."""
from __future__ import annotations

import select
import socket
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOP = ("connection", "proxy-connection", "keep-alive", "transfer-encoding")


class Handler(BaseHTTPRequestHandler):
    """One request, or one tunnel."""

    protocol_version = "HTTP/1.1"
    server: HttpProxy

    def log_message(self, *_args: Any) -> None:
        """Says nothing."""

    def _note(self) -> None:
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization")))

    def _address(self, host: str, port: int) -> tuple[str, int]:
        """Names that no resolver knows are this machine's: only who asks the proxy gets there."""
        return ("127.0.0.1" if host.endswith(".invalid") else host), port

    def _forward(self) -> None:
        self._note()
        at = urlsplit(self.path)
        connection = HTTPConnection(*self._address(at.hostname or "", at.port or 80), timeout=20)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
        connection.request(self.command, self.path.split(at.netloc, 1)[1], headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in HOP:
                self.send_header(key, value)
        if answer.getheader("Content-Length") is None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        connection.close()

    do_GET = do_HEAD = do_POST = _forward  # noqa: N815

    def do_CONNECT(self) -> None:  # noqa: N802
        """A tunnel: bytes both ways until one side ends."""
        self._note()
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection(self._address(host, int(port)), 20) as far:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: far, far: self.connection}
            while ends:
                for one in select.select(list(ends), [], [])[0]:
                    try:
                        data = one.recv(1 << 16)
                    except ConnectionResetError:
                        data = b""
                    if not data:
                        self.close_connection = True
                        return
                    ends[one].sendall(data)


class HttpProxy(ThreadingHTTPServer):
    """On a port of the loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __enter__(self) -> HttpProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
