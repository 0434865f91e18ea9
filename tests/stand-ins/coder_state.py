"""What the threads of a stand-in Coder server share: the modes, and the requests that were seen."""
from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coder_payload import DOWNLOADS, Payloads

TOKENS = ("good", "invalid", "unauthorized", "stale", "version", "502")
# "refused" is no answer to a request: nobody listens while it lasts.
REFUSED = "refused"
DEFAULT_RATE = 256 * 1024

Request = dict[str, Any]


@dataclass
class Settings:
    """What can be switched at run time. `*_left`: for how many more requests; None for ever."""

    download: str = "good"
    download_left: int | None = None
    token: str = "good"
    token_left: int | None = None
    rate: int = DEFAULT_RATE
    release: str = ""

    def take(self, what: str) -> str:
        """The mode of the next request; after the last one that was asked for it is "good"."""
        mode, left = getattr(self, what), getattr(self, f"{what}_left")
        if left is not None:
            setattr(self, f"{what}_left", left - 1)
            if left <= 1:
                setattr(self, what, "good")
                setattr(self, f"{what}_left", None)
        return mode


def checked(change: dict[str, Any]) -> dict[str, Any]:
    """The change, when each of its keys and values is one that we know; else ValueError."""
    known: dict[str, Callable[[Any], bool]] = {
        "download": lambda v: v in DOWNLOADS or v == REFUSED,
        "token": lambda v: v in TOKENS,
        "count": lambda v: isinstance(v, int) and v > 0,
        "seconds": lambda v: isinstance(v, (int, float)) and 0 < v <= 3600,
        "rate": lambda v: isinstance(v, int) and v > 0,
        "release": lambda v: isinstance(v, str) and len(v) < 100,
        "drop": lambda v: isinstance(v, bool),
    }
    for key, value in change.items():
        if key not in known:
            raise ValueError(f"unknown key {key}; known: {', '.join(known)}")
        if not known[key](value):
            raise ValueError(f"{key}: {value!r} is not possible")
    return change


@dataclass
class State:
    """What all threads of a server share; every access holds the lock."""

    token: str = field(repr=False)
    payloads: Payloads
    api_minor: int
    ping_seconds: float
    journal: Path | None
    arch: str | None
    lock: threading.Lock = field(default_factory=threading.Lock)
    settings: Settings = field(default_factory=Settings)
    requests: list[Request] = field(default_factory=list)
    held: set[socket.socket] = field(default_factory=set)
    log_bytes: int = 0
    switch: Callable[..., None] = field(default=lambda **_: None)

    def hide(self, text: str) -> str:
        """The text without the token, which is in no log."""
        return text.replace(self.token, "<token>")

    def take(self, what: str) -> str:
        """The mode for a request that came now."""
        with self.lock:
            return self.settings.take(what)

    def begin(self, request: Request) -> None:
        """Notes a request when it came, so that one that never ends is seen, too."""
        with self.lock:
            self.requests.append(request)

    def update(self, request: Request, **fields: Any) -> None:
        """Changes what is noted of a request; with `done`, the journal gets it."""
        with self.lock:
            request.update(fields)
            if self.journal and fields.get("done"):
                with self.journal.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(request) + "\n")

    def snapshot(self) -> list[Request]:
        """A copy of all requests so far."""
        with self.lock:
            return json.loads(json.dumps(self.requests))
