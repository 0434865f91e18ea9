"""What the stand-in Coder server delivers for /bin/coder-linux-<arch>: good, and in all bad ways.

Every bad program here is build/helpers/marker, patched with its mode's name and the path at which
it leaves a proof when it is executed: so a test can show that nothing bad ever ran. Never hand a
body of this module to anything but a test.
"""
from __future__ import annotations

import enum
import functools
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

MARKER_MAGIC = b"HAKIM-MARKER-01\0"
MARKER_FIELD = 256
# e_machine of the ELF header, by the names that Coder gives to them.
MACHINES = {"amd64": 62, "arm64": 183, "armv7": 40}
LOGIN_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"
BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head></html>\n"


class Wire(enum.Enum):
    """How the bytes go out."""

    WHOLE = "as they should"
    SLOW = "at `rate` bytes a second"
    STALL = "up to a point, then nothing; the connection stays"
    CUT = "up to a point, then the connection ends"
    SILENT = "not at all; the connection stays"
    RESET = "not at all; the connection is reset"


@dataclass(frozen=True)
class Delivery:
    """One answer to a download, before Range, conditions and compression are looked at."""

    content: bytes = field(repr=False)
    etag: str = ""
    length: int = 0
    wire: Wire = Wire.WHOLE
    stop_at: int = 0
    # Set when it is not Coder that answers, but a proxy before it.
    proxy_status: int = 0
    location: str = ""

    @functools.cached_property
    def compressed(self) -> bytes:
        """The content as gzip."""
        return gzip.compress(self.content, 1, mtime=0)


def sha1(data: bytes) -> str:
    """The hex digest that Coder uses as ETag."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def machine_of(content: bytes) -> int | None:
    """e_machine of a little-endian ELF program, None when it is none."""
    if content[:4] != b"\x7fELF" or len(content) < 20:
        return None
    return int.from_bytes(content[18:20], "little")


class Payloads:
    """Makes the deliveries of one server, and keeps the last few; many threads may ask."""

    def __init__(self, good: bytes, marker_path: Path, proof: str) -> None:
        self._good = good
        self._marker_path = marker_path
        self.proof = proof
        self.deliver = functools.lru_cache(maxsize=4)(self._deliver)

    @functools.cached_property
    def _marker(self) -> bytes:
        return self._marker_path.read_bytes()

    @property
    def arch(self) -> str | None:
        """The architecture of the good program; None when it is no program, or of another one."""
        number = machine_of(self._good)
        return next((name for name, machine in MACHINES.items() if machine == number), None)

    def marker(self, mode: str, polite: bool = False) -> bytes:
        """The marker program that knows it was delivered by `mode`."""
        where = self._marker.find(MARKER_MAGIC)
        if where < 0 or self._marker.find(MARKER_MAGIC, where + 1) >= 0:
            raise ValueError("the marker program holds its magic word not exactly once")
        config = MARKER_MAGIC
        for text in (mode, self.proof):
            raw = text.encode()
            if len(raw) >= MARKER_FIELD:
                raise ValueError(f"too long for the marker program: {text}")
            config += raw.ljust(MARKER_FIELD, b"\0")
        config += (b"yes" if polite else b"no").ljust(16, b"\0")
        return self._marker[:where] + config + self._marker[where + len(config):]

    def disguised(self, mode: str, length: int) -> bytes:
        """The marker program, made as long as the good one."""
        program = self.marker(mode)
        if len(program) >= length:
            raise ValueError("the good program must be larger than the marker (see --size)")
        return program.ljust(length, b"\0")

    def _deliver(self, mode: str, release: str) -> Delivery:
        """The answer of `mode`; `release` makes another program (and ETag) of the same file."""
        good = self._good + release.encode()
        return DOWNLOADS[mode](self, mode, good)

    def middle(self, good: bytes) -> int:
        """Where broken bodies end: behind the marker, so that a part of a bad program can run."""
        return (max(len(self._marker), len(good) // 2) + len(good)) // 2


Maker = Callable[[Payloads, str, bytes], Delivery]


def _good(wire: Wire) -> Maker:
    """The true program; only the way it is sent differs."""
    def make(payloads: Payloads, mode: str, good: bytes) -> Delivery:
        stop_at = len(good) // 2
        return Delivery(good, sha1(good), len(good), wire, stop_at)
    return make


def _proxy(status: int, page: bytes, location: str = "") -> Maker:
    """Something before Coder answers."""
    def make(payloads: Payloads, mode: str, good: bytes) -> Delivery:
        return Delivery(page, proxy_status=status, location=location)
    return make


# Each bad program is to be caught by one check only, where that is possible: so where the body is
# whole, the ETag is the body's own.
def _truncated(payloads: Payloads, mode: str, good: bytes) -> Delivery:
    body = payloads.disguised(mode, len(good))
    return Delivery(body, sha1(good), len(good), Wire.CUT, payloads.middle(good))


def _short(payloads: Payloads, mode: str, good: bytes) -> Delivery:
    body = payloads.disguised(mode, len(good))[:payloads.middle(good)]
    return Delivery(body, sha1(good), len(good))


def _oversize(payloads: Payloads, mode: str, good: bytes) -> Delivery:
    body = payloads.disguised(mode, len(good)) + b"\0" * 4096
    return Delivery(body, sha1(body), len(good))


def _corrupted(payloads: Payloads, mode: str, good: bytes) -> Delivery:
    body = bytearray(payloads.disguised(mode, len(good)))
    honest = sha1(bytes(body))
    body[-1] ^= 1
    return Delivery(bytes(body), honest, len(good))


def _wrong_etag(payloads: Payloads, mode: str, good: bytes) -> Delivery:
    return Delivery(payloads.disguised(mode, len(good)), sha1(b"another file"), len(good))


def _wrong_arch(payloads: Payloads, mode: str, good: bytes) -> Delivery:
    body = bytearray(payloads.marker(mode))
    other = MACHINES["arm64"] if machine_of(bytes(body)) != MACHINES["arm64"] else MACHINES["amd64"]
    body[18:20] = other.to_bytes(2, "little")
    return Delivery(bytes(body), sha1(bytes(body)), len(body))


def _not_elf(payloads: Payloads, mode: str, good: bytes) -> Delivery:
    text = f"echo 'HAKIM MARKER: a script was executed' | tee -a '{payloads.proof}' >&2"
    body = f"#!/bin/sh\n{text}\nexit 99\n".encode()
    return Delivery(body, sha1(body), len(body))


def _bad_version(payloads: Payloads, mode: str, good: bytes) -> Delivery:
    body = payloads.marker(mode, polite=True)
    return Delivery(body, sha1(body), len(body))


DOWNLOADS: dict[str, Maker] = {
    "good": _good(Wire.WHOLE),
    "slow": _good(Wire.SLOW),
    "stall": _good(Wire.STALL),
    "cut": _good(Wire.CUT),
    "silent": _good(Wire.SILENT),
    "reset": _good(Wire.RESET),
    "html": _proxy(200, LOGIN_PAGE),
    "502": _proxy(502, BAD_GATEWAY),
    "redirect": _proxy(302, b"", "/login"),
    "truncated": _truncated,
    "short": _short,
    "oversize": _oversize,
    "corrupted": _corrupted,
    "wrong-etag": _wrong_etag,
    "wrong-arch": _wrong_arch,
    "not-elf": _not_elf,
    "bad-version": _bad_version,
}
