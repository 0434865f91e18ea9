"""A registry of a few images in memory, over plain http: what was asked of it is remembered."""
from __future__ import annotations

import gzip
import hashlib
import io
import json
import ssl
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OCI = "application/vnd.oci.image."


def digest_of(data: bytes) -> str:
    """As a registry names it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Manifests and blobs, HEAD and GET."""

    protocol_version = "HTTP/1.1"
    server: OciRegistry

    def log_message(self, *_args: Any) -> None:
        """Says nothing."""

    def _do(self) -> None:
        registry = self.server
        # As a proxy it is asked for whole addresses.
        if self.path.startswith("http://"):
            self.path = "/" + self.path.split("/", 3)[3]
            registry.proxied += 1
        registry.requests.append((self.command, self.path))
        registry.gate.wait()
        found = registry.things.get(self.path)
        broken = self.path in registry.broken
        if self.path == "/v2/":
            found = ("application/json", b"{}")
        if not found or (broken and self.command == "HEAD"):
            found = ("application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
            self.send_response(404)
        else:
            self.send_response(200)
        kind, data = found
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Docker-Content-Digest", digest_of(data))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[::-1] if broken else data)

    do_GET = do_HEAD = _do  # noqa: N815


class OciRegistry(ThreadingHTTPServer):
    """On a port of the loopback, or where it is told to be."""

    daemon_threads = True

    def __init__(self, where: tuple[str, int] = ("127.0.0.1", 0), tls: ssl.SSLContext | None = None) -> None:
        super().__init__(where, Handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.things: dict[str, tuple[str, bytes]] = {}
        self.requests: list[tuple[str, str]] = []
        self.broken: set[str] = set()  # paths whose bytes are the wrong ones
        self.proxied = 0
        self.gate = threading.Event()  # while it is not set, every answer is held
        self.gate.set()
        self.address = f"{where[0]}:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def add(self, name: str, tag: str, files: dict[str, str], *, index: bool = False) -> str:
        """An image with one layer; the digest of its tag."""
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as tar:
            for path, text in files.items():
                info = tarfile.TarInfo(path)
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
        layer = gzip.compress(raw.getvalue(), mtime=0)
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": [digest_of(raw.getvalue())]}}).encode()
        for blob in (layer, config):
            self.things[f"/v2/{name}/blobs/{digest_of(blob)}"] = ("application/octet-stream", blob)

        def described(kind: str, data: bytes) -> dict[str, Any]:
            return {"mediaType": OCI + kind, "digest": digest_of(data), "size": len(data)}

        manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                               "config": described("config.v1+json", config),
                               "layers": [described("layer.v1.tar+gzip", layer)]}).encode()
        top, kind = manifest, OCI + "manifest.v1+json"
        self.things[f"/v2/{name}/manifests/{digest_of(manifest)}"] = (kind, manifest)
        if index:
            entry = {**described("manifest.v1+json", manifest), "platform": {"os": "linux", "architecture": "amd64"}}
            kind = OCI + "index.v1+json"
            top = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [entry]}).encode()
            self.things[f"/v2/{name}/manifests/{digest_of(top)}"] = (kind, top)
        self.things[f"/v2/{name}/manifests/{tag}"] = (kind, top)
        self.layer = f"/v2/{name}/blobs/{digest_of(layer)}"
        return digest_of(top)
