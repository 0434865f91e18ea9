"""The REST API of a stand-in Proxmox: https with a certificate that nobody signed, tokens and sessions."""
from __future__ import annotations

import hashlib
import json
import re
import ssl
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from proxmox_model import Model, Refused

TOKEN = "hakim@pve!pull=0b8a2c7e-5b1f-4f0e-9d5e-3f1c2b7a9d10"
PASSWORD = 'pass "word"\\ & 100%'


class Handler(BaseHTTPRequestHandler):
    """Answers as pveproxy does: errors are in the reason phrase."""

    protocol_version = "HTTP/1.1"
    server: ProxmoxServer

    def log_message(self, *_args: Any) -> None:
        """Says nothing."""

    def _answer(self, number: int, phrase: str, body: dict[str, Any]) -> None:
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        self.send_response(number, phrase)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _form(self) -> dict[str, str]:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/form-data"):
            return dict(parse_qsl(body.decode(), keep_blank_values=True))
        fields: dict[str, str] = {}
        for part in body.split(b"--" + kind.split("boundary=")[1].encode())[1:-1]:
            head, _, value = part.partition(b"\r\n\r\n")
            name = re.search(rb'name="([^"]*)"', head)
            file = re.search(rb'filename="([^"]*)"', head)
            assert name
            if file:
                self.server.file = value[:-2]
                fields["file"] = file[1].decode()
            else:
                fields[name[1].decode()] = value[:-2].decode()
        return fields

    def _do(self, verb: str) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path.removeprefix("/api2/json"))
        params = dict(parse_qsl(url.query)) if verb == "get" else self._form()
        model = self.server.model
        if path == "/access/ticket":
            self._log_in(params)
            return
        user = self._user(verb)
        if not user:
            return
        if self.server.at and not self.server.at(verb, path, False):
            self.close_connection = True
            return
        try:
            if m := re.fullmatch(r"/nodes/([^/]+)/storage/([^/]+)/upload", path):
                data: Any = model.upload(m[1], m[2], params["file"], self.server.file, params["checksum"], user)
            else:
                data = model.call(verb, path, params, user)
        except Refused as e:
            errors = {"errors": e.errors} if e.errors else {}
            self._answer(e.number, e.text, {"data": None, "message": e.text + "\n", **errors})
            return
        if self.server.at and not self.server.at(verb, path, True):
            self.close_connection = True
            return
        self._answer(200, "OK", {"data": data})

    def _log_in(self, params: dict[str, str]) -> None:
        self.server.logins += 1
        if params.get("username") != "root@pam" or params.get("password") != PASSWORD:
            self._answer(401, "authentication failure", {"data": None})
            return
        ticket = f"PVE:root@pam:{self.server.logins:08X}::c2lnbmF0dXJl+/=="
        tfa = {"NeedTFA": 1} if self.server.tfa else {}
        self.server.tickets[ticket] = self.server.ticket_uses
        self._answer(200, "OK", {"data": {"ticket": ticket, "CSRFPreventionToken": "6789:YWJj+/=", **tfa}})

    def _user(self, verb: str) -> str:
        """Who asks; nobody was answered."""
        if self.headers.get("Authorization") == f"PVEAPIToken={TOKEN}":
            return TOKEN.split("=")[0]
        ticket = self.headers.get("Cookie", "").removeprefix("PVEAuthCookie=")
        uses = self.server.tickets.get(ticket, 0)
        if not uses:
            why = "permission denied - invalid PVE ticket" if ticket else "invalid token value!"
            self._answer(401, why, {"data": None})
            return ""
        if verb != "get" and self.headers.get("CSRFPreventionToken") != "6789:YWJj+/=":
            self._answer(401, "permission denied - invalid csrf token", {"data": None})
            return ""
        self.server.tickets[ticket] = uses - 1
        return "root@pam"

    def do_PUT(self) -> None:  # noqa: N802
        """PUT."""
        self._do("set")

    def do_GET(self) -> None:  # noqa: N802
        """GET."""
        self._do("get")

    def do_POST(self) -> None:  # noqa: N802
        """POST."""
        self._do("create")

    def do_DELETE(self) -> None:  # noqa: N802
        """DELETE."""
        self._do("delete")


class ProxmoxServer(ThreadingHTTPServer):
    """On a port of the loopback; `fingerprint` and `cert` are what a client may check it by."""

    daemon_threads = True

    def __init__(self, model: Model, where: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.model, self.file = model, b""
        # Of sessions: how many calls one lasts; whether there is a second factor; how many there were.
        self.tickets: dict[str, int] = {}
        self.ticket_uses, self.tfa, self.logins = 1000, False, 0
        # Asked before and after a call is done; False: the connection breaks.
        self.at: Callable[[str, str, bool], bool] | None = None
        self.cert = where / "pve.pem"
        key = where / "pve.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-keyout", key, "-out", self.cert, "-days", "2", "-subj", "/CN=pve",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        der = ssl.PEM_cert_to_DER_cert(self.cert.read_text())
        print_ = hashlib.sha256(der).hexdigest().upper()
        self.fingerprint = ":".join(print_[i:i + 2] for i in range(0, 64, 2))
        self.address = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()
