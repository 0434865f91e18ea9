"""One connection to the stand-in Coder server: what it answers to each request."""
from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
import struct
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from coder_payload import BAD_GATEWAY, LOGIN_PAGE, Delivery, Wire
from coder_state import REFUSED

if TYPE_CHECKING:
    from coder_server import Listener

BUILD_VERSION = "v2.33.0-standin+abcdef"
# Tests look for this word in logs, files and states, where it must not be.
FAKE_SECRET = "hakim-stand-in-private-key"
AGENT_ID = "5a3d7c1e-0000-4000-8000-000000000001"
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
LOG_LIMIT = 1 << 20  # of all logs of one agent together
BODY_LIMIT = 4 << 20
BIN = re.compile(r"/bin/coder-linux-([a-z0-9]+)\Z")
RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
VERSION = re.compile(r"(\d+)\.(\d+)\Z")
SECRET_HEADERS = ("coder-session-token", "cookie", "authorization", "proxy-authorization")
CHUNK = 64 * 1024
ME = "/api/v2/workspaceagents/me/"

# For each token mode: the answer to every call of the agent's API. A stale token's is that of
# ensureLatestBuild in coderd/workspaceagentsrpc.go.
REFUSALS = {
    "invalid": (401, "Workspace agent token invalid."),
    "unauthorized": (401, "Workspace agent not authorized."),
    "stale": (403, "Agent trying to connect from non-latest build."),
}


class CoderHandler(BaseHTTPRequestHandler):
    """Reads requests and answers them by the modes of the server's state."""

    protocol_version = "HTTP/1.1"
    server: Listener
    timeout = 120

    def setup(self) -> None:
        """Starts a connection."""
        super().setup()
        self.state = self.server.state
        self.noted: dict[str, Any] | None = None

    def log_message(self, format: str, *args: Any) -> None:  # pylint: disable=redefined-builtin
        """The log is what the state keeps."""

    def version_string(self) -> str:
        """Coder does not tell who it is."""
        return ""

    # ---- the road of a request

    def handle_one_request(self) -> None:
        """As the base class, and a request whose client went away is noted as ended, too."""
        self.noted = None
        try:
            super().handle_one_request()
        finally:
            if self.noted is not None:
                self.state.update(self.noted, done=True)
                self.noted = None

    def send_response(self, code: int, message: str | None = None) -> None:
        """Notes the status."""
        if self.noted is not None:
            self.state.update(self.noted, status=code)
        super().send_response_only(code, message)
        self.send_header("Date", self.date_time_string())

    def _handle(self) -> None:
        # Not self.path: http.server makes one slash of several at its start.
        target = self.requestline.split(" ")[1]
        url = urllib.parse.urlsplit(target if target.startswith("http") else "")
        if url.netloc:  # we are asked as a proxy
            target = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
        path, _, query = target.partition("?")
        body = self._body()
        if path in ("/_control", "/_log"):
            self._own(path, body)
            return
        token = self._token()
        self.noted = {
            "time": time.time(), "method": self.command, "path": self.state.hide(target),
            "proxied": bool(url.netloc),
            "headers": {name: self.state.hide(value) for name, value in self.headers.items()
                        if name.lower() not in SECRET_HEADERS},
            "token_ok": None if token is None else self._token_good(token),
            "token_in_url": self.state.token in self.requestline,
            "status": None, "sent": 0, "held": False, "done": False,
        }
        self.state.begin(self.noted)
        if body is None:
            self._json(413, {"message": "Request body too large."})
        else:
            self._route(path, urllib.parse.parse_qs(query), body)

    def do_GET(self) -> None:
        """All methods take the same road."""
        self._handle()

    do_HEAD = do_POST = do_PATCH = do_PUT = do_GET

    def _body(self) -> bytes | None:
        """The request's body; None, and the connection is to end, when it is not to be had."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit() or int(length) > BODY_LIMIT:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _route(self, path: str, query: dict[str, list[str]], body: bytes) -> None:
        found = BIN.match(path)
        reads = self.command in ("GET", "HEAD")
        if found and reads and self.state.arch in (None, found[1]):
            self._download()
        elif path.startswith(ME):
            self._agent_api(path[len(ME):], query, body)
        elif path == "/derp" and reads:
            if self._upgrade_asked():
                self._hold_websocket()
            else:
                self._whole(426, b"DERP requires connection upgrade\n", "text/plain")
        elif path == "/derp/latency-check" and reads:
            self._whole(200, b"", "text/plain")
        elif path == "/login" and reads:
            self._whole(200, LOGIN_PAGE, "text/html; charset=utf-8")
        else:
            self._whole(404, b"404 page not found\n", "text/plain; charset=utf-8")

    # ---- answers

    def _whole(self, status: int, body: bytes, kind: str, coder: bool = True,
               **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if coder:
            self.send_header("X-Coder-Build-Version", BUILD_VERSION)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self._put(body)

    def _json(self, status: int, answer: Any) -> None:
        self._whole(status, json.dumps(answer).encode() + b"\n", "application/json; charset=utf-8")

    def _put(self, data: bytes) -> None:
        self.wfile.write(data)
        if self.noted is not None:
            self.state.update(self.noted, sent=self.noted["sent"] + len(data))

    def _own(self, path: str, body: bytes | None) -> None:
        """The endpoints of the stand-in itself; they are not in the log."""
        if path == "/_log" and self.command == "GET":
            self._json(200, self.state.snapshot())
        elif path == "/_control" and self.command == "PUT":
            try:
                change = json.loads(body or b"")
                self.state.switch(**change)
            except (ValueError, TypeError) as error:
                self._json(400, {"error": str(error)})
                return
            self._json(200, {"ok": True})
        else:
            self._json(405, {"error": "PUT /_control or GET /_log"})

    def _until_gone(self) -> None:
        """Keeps the connection, silent, until the client or stop() ends it."""
        self.close_connection = True
        self.connection.settimeout(None)
        while self.connection.recv(4096):
            pass

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # A close, not a shutdown, is what sends the RST; the files hold the socket open, too.
        self.rfile.close()
        self.connection.close()

    # ---- the download

    def _download(self) -> None:
        mode = self.state.take("download")
        if mode == REFUSED:  # on a connection from before
            self._reset()
            return
        with self.state.lock:
            release = self.state.settings.release
        try:
            delivery = self.state.payloads.deliver(mode, release)
        except (OSError, ValueError) as error:
            self._json(500, {"message": f"stand-in: mode {mode}: {error}"})
            return
        if delivery.wire is Wire.RESET:
            self._reset()
        elif delivery.wire is Wire.SILENT:
            self._until_gone()
        elif delivery.proxy_status:
            extra = {"Location": delivery.location} if delivery.location else {}
            self._whole(delivery.proxy_status, delivery.content, "text/html", coder=False, **extra)
        else:
            self._program(delivery)

    def _program(self, delivery: Delivery) -> None:
        etag = f'"{delivery.etag}"'
        if self._matches(etag):
            self.send_response(304)
            self.send_header("ETag", etag)
            self.send_header("X-Coder-Build-Version", BUILD_VERSION)
            self.end_headers()
            return
        packed = self._takes_gzip()
        total = len(delivery.content)
        part = None if packed else self._range(total, etag)
        if part == (0, 0):
            self._whole(416, b"", "text/plain", Content_Range=f"bytes */{total}")
            return
        self.send_response(206 if part else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("ETag", etag)
        self.send_header("X-Original-Content-Length", str(delivery.length))
        self.send_header("X-Coder-Build-Version", BUILD_VERSION)
        first, end = part or (0, total)
        if packed:
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Vary", "Accept-Encoding")
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(end - first))
        if part:
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{total}")
        self.end_headers()
        if self.command != "HEAD":
            self._send_program(delivery, packed, first, end)

    def _send_program(self, delivery: Delivery, packed: bool, first: int, end: int) -> None:
        data, stop = delivery.content, delivery.stop_at
        if packed:
            data = delivery.compressed
            stop, end = stop * len(data) // len(delivery.content), len(data)
        if delivery.wire in (Wire.CUT, Wire.STALL):
            end = max(first, min(end, stop))
        with self.state.lock:
            rate = self.state.settings.rate if delivery.wire is Wire.SLOW else 0
        step = min(CHUNK, max(1, rate // 20)) if rate else CHUNK
        for at in range(first, end, step):
            piece = data[at:min(at + step, end)]
            self._put(b"%x\r\n%s\r\n" % (len(piece), piece) if packed else piece)
            if rate:
                time.sleep(len(piece) / rate)
        if delivery.wire is Wire.CUT:
            self.close_connection = True
        elif delivery.wire is Wire.STALL:
            self._until_gone()
        elif packed:
            self._put(b"0\r\n\r\n")

    def _matches(self, etag: str) -> bool:
        """If-None-Match, which compares weakly."""
        wanted = [tag.strip() for tag in self.headers.get("If-None-Match", "").split(",")]
        return "*" in wanted or any(tag.removeprefix("W/") == etag for tag in wanted)

    def _takes_gzip(self) -> bool:
        for item in self.headers.get("Accept-Encoding", "").split(","):
            name, _, weight = item.replace(" ", "").partition(";q=")
            if name == "gzip" and weight not in ("0", "0.0", "0.00", "0.000"):
                return True
        return False

    def _range(self, total: int, etag: str) -> tuple[int, int] | None:
        """[first, end) of a Range that holds; None for all of it; (0, 0) for one beyond the end."""
        found = RANGE.match(self.headers.get("Range", ""))
        if not found or found[1] == found[2] == "":
            return None
        if self.headers.get("If-Range", etag) != etag:
            return None
        if found[1] == "":
            first, end = max(0, total - int(found[2])), total
        else:
            first, end = int(found[1]), min(total, int(found[2]) + 1) if found[2] else total
        return (first, end) if first < end else (0, 0)

    # ---- the agent's API

    def _token(self) -> str | None:
        """The token of the request: of the header, or of the older cookie."""
        if "Coder-Session-Token" in self.headers:
            return self.headers["Coder-Session-Token"]
        for item in self.headers.get("Cookie", "").split(";"):
            name, _, value = item.strip().partition("=")
            if name == "coder_session_token":
                return value
        return None

    def _token_good(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.state.token.encode())

    def _agent_api(self, call: str, query: dict[str, list[str]], body: bytes) -> None:
        mode = self.state.take("token")
        token = self._token()
        if mode == "502":
            self._whole(502, BAD_GATEWAY, "text/html", coder=False)
            return
        refusal = REFUSALS.get(mode) or REFUSALS.get(self._judge(token))
        if refusal:
            self._json(refusal[0], {"message": refusal[1]})
        elif (self.command, call) == ("GET", "rpc"):
            self._rpc(query, mode == "version")
        elif (self.command, call) == ("GET", "reinit"):
            self._reinit()
        elif (self.command, call) == ("GET", "gitsshkey"):
            private = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{FAKE_SECRET}\n"
            self._json(200, {"public_key": "ssh-ed25519 stand-in", "private_key": private})
        elif (self.command, call) == ("POST", "log-source"):
            self._log_source(body)
        elif (self.command, call) == ("PATCH", "logs"):
            self._logs(body)
        else:
            self._json(404, {"message": "Route not found."})

    def _judge(self, token: str | None) -> str:
        if token is None or not UUID.match(token):
            return "invalid"
        return "good" if self._token_good(token) else "unauthorized"

    def _rpc(self, query: dict[str, list[str]], refuse: bool) -> None:
        found = VERSION.match(query.get("version", [""])[0])
        if refuse or not found or found[1] != "2" or int(found[2]) > self.state.api_minor:
            self._json(400, {"message": "Unknown or unsupported API version"})
        elif not self._upgrade_asked():
            self._json(426, {"message": "WebSocket protocol violation: not an upgrade"})
        else:
            self._hold_websocket()

    def _reinit(self) -> None:
        """An event stream in which nothing happens but pings."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self._put(b"event: ping\ndata: null\n\n")
        self._until_gone()

    def _log_source(self, body: bytes) -> None:
        try:
            asked = json.loads(body)
            self._json(201, {"id": asked["id"], "workspace_agent_id": AGENT_ID,
                             "created_at": "2026-01-05T12:00:00Z",
                             "display_name": asked["display_name"], "icon": asked["icon"]})
        except (ValueError, KeyError, TypeError):
            self._json(400, {"message": "Request body must be valid JSON."})

    def _logs(self, body: bytes) -> None:
        try:
            lines = [str(log["output"]) for log in json.loads(body)["logs"]]
        except (ValueError, KeyError, TypeError):
            self._json(400, {"message": "Request body must be valid JSON."})
            return
        with self.state.lock:
            self.state.log_bytes += sum(len(line.encode()) for line in lines)
            full = self.state.log_bytes > LOG_LIMIT
        if self.noted is not None:
            self.state.update(self.noted, logs=[self.state.hide(line) for line in lines])
        if full:
            self._json(413, {"message": "Logs limit exceeded"})
        else:
            self._json(200, None)

    # ---- WebSocket: no more than what holds it open

    def _upgrade_asked(self) -> bool:
        return (self.headers.get("Upgrade", "").lower() == "websocket"
                and "upgrade" in self.headers.get("Connection", "").lower()
                and bool(self.headers.get("Sec-WebSocket-Key")))

    def _hold_websocket(self) -> None:
        key = self.headers["Sec-WebSocket-Key"].encode()
        digest = hashlib.sha1(key + WEBSOCKET_GUID, usedforsecurity=False).digest()
        self.close_connection = True
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        with self.state.lock:
            self.state.held.add(self.connection)
        try:
            self.end_headers()
            self.state.update(self.noted, held=True, pongs=0)
            self.connection.settimeout(self.state.ping_seconds)
            self._websocket_frames()
        finally:
            with self.state.lock:
                self.state.held.discard(self.connection)

    def _exactly(self, length: int) -> bytes:
        """So many bytes, or ConnectionError. Not by rfile, which no time-out may ever hit."""
        data = b""
        while len(data) < length:
            more = self.connection.recv(length - len(data))
            if not more:
                raise ConnectionError("the agent went away inside a frame")
            data += more
        return data

    def _websocket_frames(self) -> None:
        """Pings, answers pings, and drops what it gets, until either side closes."""
        while True:
            try:
                head = self.connection.recv(1)
            except TimeoutError:
                self._put(b"\x89\x00")
                continue
            if not head:
                return
            opcode, length = head[0] & 15, self._exactly(1)[0] & 127
            if length >= 126:
                length = int.from_bytes(self._exactly(2 if length == 126 else 8), "big")
            mask = self._exactly(4)  # a client's frames are masked
            data = bytes(c ^ mask[i & 3] for i, c in enumerate(self._exactly(length)))
            if opcode == 8:
                self._put(b"\x88" + bytes([len(data)]) + data)
                return
            if opcode == 9:
                self._put(b"\x8a" + bytes([len(data)]) + data)
            if opcode == 10 and self.noted is not None:
                self.state.update(self.noted, pongs=self.noted["pongs"] + 1)
