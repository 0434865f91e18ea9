#!/usr/bin/env python3
"""A stand-in for a Coder server: the download of the agent, its token, its WebSocket; and failures.

It answers as coder's site/bin.go, httpmw/workspaceagent.go and coderd/workspaceagents*.go do,
as far as an agent and hakim-agent-fetch can see. CoderServer runs in a thread of a test;
coder_process.CoderServerProcess runs this file in a process, also in another network namespace.
"""
from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import socketserver
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coder_handler import UUID, CoderHandler
from coder_payload import DOWNLOADS, Payloads
from coder_state import REFUSED, TOKENS, Request, State, checked

HTTP_REFUSED_SECONDS = 3.0
ROOT = Path(__file__).resolve().parents[2]
MARKER = ROOT / os.environ.get("HAKIM_BUILD", "build") / "helpers" / "marker"


class Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts on a socket that was made before; a thread a connection, where also TLS begins."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, sock: socket.socket, state: State, tls: ssl.SSLContext | None) -> None:
        super().__init__(sock.getsockname()[:2], CoderHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = sock
        self.state = state
        self.tls = tls
        self.connections: set[socket.socket] = set()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Does what the base class does, with the handshake before it."""
        try:
            request.settimeout(30)
            if self.tls:
                request = self.tls.wrap_socket(request, server_side=True)
        except (OSError, ssl.SSLError):
            request.close()
            return
        with self.state.lock:
            self.connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self.state.lock:
                self.connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is daily life; anything else is a bug of ours."""
        if not isinstance(sys.exc_info()[1], (OSError, ssl.SSLError)):
            super().handle_error(request, client_address)


class Waiting:
    """What a test asks of a server, wherever it runs."""

    @property
    def requests(self) -> list[Request]:
        """All requests so far, the oldest first, as GET /_log shows them."""
        raise NotImplementedError

    def set_mode(self, **change: Any) -> None:
        """Switches modes: the keys of PUT /_control."""
        raise NotImplementedError

    def wait_for(self, found: Callable[[list[Request]], bool], timeout: float = 10.0) -> None:
        """Waits until `found` holds for the requests; TimeoutError if it never does."""
        end = time.monotonic() + timeout
        while not found(self.requests):
            if time.monotonic() > end:
                raise TimeoutError(f"not seen by the stand-in server: {self.requests}")
            time.sleep(0.02)


class CoderServer(Waiting):
    """The server in a thread of this process."""

    def __init__(self, binary: Path | str, token: str, *,
                 listen: tuple[str, int] = ("127.0.0.1", 0),
                 tls: tuple[str, str] | None = None, state_dir: Path | str | None = None,
                 marker: Path | str = MARKER, proof: str = "/tmp/hakim-executed", size: int = 0,
                 api_minor: int = 8, ping_seconds: float = 15.0) -> None:
        good = Path(binary).read_bytes()
        # A real agent has 40 to 80 MB; behind an ELF program there may be anything.
        payloads = Payloads(good.ljust(size, b"\0"), Path(marker), proof)
        directory = Path(state_dir) if state_dir else None
        if directory:
            directory.mkdir(parents=True, exist_ok=True)
        self._state = State(token, payloads, api_minor, ping_seconds,
                            directory / "requests.jsonl" if directory else None, payloads.arch)
        self._state.switch = self._switch_over_http
        self._address = listen
        self._tls: ssl.SSLContext | None = None
        if tls:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*tls)
        # Bound, never listening: keeps the port ours while connections shall be refused.
        self._holder: socket.socket | None = None
        self._listeners: list[Listener] = []
        self._open = False
        self._reopen: threading.Timer | None = None
        self._switching = threading.RLock()

    @property
    def port(self) -> int:
        """The port, once it was started."""
        return self._address[1]

    @property
    def url(self) -> str:
        """What belongs into CODER_AGENT_URL."""
        host = f"[{self._address[0]}]" if ":" in self._address[0] else self._address[0]
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def requests(self) -> list[Request]:
        return self._state.snapshot()

    @property
    def agents(self) -> int:
        """How many agents hold their WebSocket open."""
        return sum(1 for r in self.requests if r.get("held") and not r["done"])

    def _bind(self, port: int, shared: bool) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
            sock.bind((self._address[0], port))
        except OSError:
            sock.close()
            raise
        return sock

    def start(self) -> CoderServer:
        """Binds and listens; OSError when the address is taken."""
        if self._address[1]:
            # SO_REUSEPORT would hide another server on this port; this bind does not.
            with self._bind(self._address[1], shared=False) as probe:
                probe.listen()
        self._holder = self._bind(self._address[1], shared=True)
        self._address = (self._address[0], self._holder.getsockname()[1])
        self._listen()
        return self

    def _listen(self) -> None:
        if self._open:
            return
        sock = self._bind(self.port, shared=True)
        sock.listen(64)
        listener = Listener(sock, self._state, self._tls)
        self._listeners.append(listener)
        self._open = True
        threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True,
                         name="stand-in coder server").start()

    def _unlisten(self) -> None:
        if not self._open:
            return
        self._listeners[-1].shutdown()
        self._listeners[-1].server_close()
        self._open = False

    def _back(self) -> None:
        """The end of a "refused" of so many seconds."""
        self.set_mode(download="good")

    def set_mode(self, **change: Any) -> None:
        checked(change)
        with self._switching:
            with self._state.lock:
                settings, count = self._state.settings, change.get("count")
                for key in ("download", "token"):
                    if key in change:
                        setattr(settings, key, change[key])
                        setattr(settings, f"{key}_left", count)
                settings.rate = change.get("rate", settings.rate)
                settings.release = change.get("release", settings.release)
                refused = settings.download == REFUSED
                dropped = list(self._state.held) if change.get("drop") else []
            for sock in dropped:
                hang_up(sock)
            if self._reopen and "download" in change:
                self._reopen.cancel()
                self._reopen = None
            if not refused:
                self._listen()
                return
            self._unlisten()
            if "seconds" in change:
                self._reopen = threading.Timer(change["seconds"], self._back)
                self._reopen.daemon = True
                self._reopen.start()

    def _switch_over_http(self, **change: Any) -> None:
        """As set_mode; but who refuses connections cannot be told over HTTP to stop it."""
        if change.get("download") == REFUSED:
            change.setdefault("seconds", HTTP_REFUSED_SECONDS)
        self.set_mode(**change)

    def stop(self) -> None:
        """Ends all: the listener, and every connection, held or stalled. Can be called twice."""
        with self._switching:
            if self._reopen:
                self._reopen.cancel()
            self._unlisten()
            with self._state.lock:
                connections = [sock for li in self._listeners for sock in li.connections]
            for sock in connections:
                hang_up(sock)
            if self._holder:
                self._holder.close()
                self._holder = None

    def __enter__(self) -> CoderServer:
        return self if self._holder else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def hang_up(sock: socket.socket) -> None:
    """Ends a connection under the thread that reads from it."""
    try:
        # Not SSLSocket's own, which takes the TLS object away from the reader.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        pass


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="A stand-in Coder server. Prints {\"url\", \"port\", \"pid\"} when it listens.",
        epilog=f"Download modes: {', '.join((*DOWNLOADS, REFUSED))}. Token modes: "
               f"{', '.join(TOKENS)}. Switched by PUT /_control, as JSON: download, token, count "
               "(of requests, then good), seconds (of refused, then good), rate (of slow, bytes a "
               "second), release (any text: another program and ETag), drop (true: hang up on all "
               "agents). GET /_log: all requests. The token is in neither.")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDRESS:PORT")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--binary", required=True, help="the agent, e.g. build/stand-ins/coder")
    parser.add_argument("--size", type=int, default=0, help="pad the agent to so many bytes")
    parser.add_argument("--marker", default=str(MARKER), help="the body of bad downloads")
    parser.add_argument("--proof", default="/tmp/hakim-executed", help="where a marker writes")
    parser.add_argument("--token", help="a UUID; else that in HAKIM_STANDIN_TOKEN")
    parser.add_argument("--state-dir", help="gets server.json and requests.jsonl")
    parser.add_argument("--api-minor", type=int, default=8, help="N of the newest rpc version 2.N")
    parser.add_argument("--ping", type=float, default=15.0, metavar="SECONDS")
    parser.add_argument("--control-stdin", action="store_true",
                        help="commands as lines of JSON on stdin, answers on stdout: {\"set\": "
                             "{...}} or {\"log\": true}; ends when stdin ends")
    options = parser.parse_args()
    options.token = options.token or os.environ.get("HAKIM_STANDIN_TOKEN", "")
    if not UUID.match(options.token):
        parser.error("the token must be a UUID")
    host, _, port = options.listen.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        parser.error("--listen must be ADDRESS:PORT")
    options.listen = (host.strip("[]") or "127.0.0.1", int(port))
    return options


def obey(server: CoderServer) -> None:
    """Does what stdin says until it ends."""
    for line in sys.stdin:
        try:
            command = json.loads(line)
            if "set" in command:
                server.set_mode(**command["set"])
                answer: dict[str, Any] = {"ok": True}
            else:
                answer = {"requests": server.requests}
        except (ValueError, TypeError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


def leave(*_: object) -> None:
    """SIGTERM and SIGINT end us as they should."""
    raise SystemExit(0)


def main() -> int:
    """Serves until it is told to end."""
    options = arguments()
    server = CoderServer(options.binary, options.token, listen=options.listen, tls=options.tls,
                         state_dir=options.state_dir, marker=options.marker, proof=options.proof,
                         size=options.size, api_minor=options.api_minor,
                         ping_seconds=options.ping)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    try:
        server.start()
    except OSError as error:
        print(f"coder_server: cannot listen on {options.listen}: {error}", file=sys.stderr)
        return 1
    with server:
        hello = json.dumps({"url": server.url, "port": server.port, "pid": os.getpid()})
        if options.state_dir:
            Path(options.state_dir, "server.json").write_text(hello + "\n", encoding="utf-8")
        print(hello, flush=True)
        if options.control_stdin:
            obey(server)
        else:
            while True:
                signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
