"""A supervisor for hakimctl that says what a test tells it to, by docs/control.md or against it."""
from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

Packet = dict[str, Any] | bytes | tuple[dict[str, Any], Sequence[int]] | Callable[[], None]
Answer = Callable[[list[str]], Iterable[Packet]]

END: dict[str, Any] = {"type": "end", "ok": True}


class Hang(Exception):
    """An answer that raises it says nothing more, and leaves the connection open."""


class Gone(Exception):
    """An answer that raises it closes the connection."""


def refuse(error: str) -> dict[str, Any]:
    """The end of a request that failed."""
    return {"type": "end", "ok": False, "error": error}


class FakeSupervisor:
    """Serves each connection in a thread; `answer` gives the packets for the words of a request."""

    def __init__(self, directory: Path, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[list[str]] = []
        self.failure: Exception | None = None
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(directory / "control.sock"))
        self._listener.listen(16)
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> FakeSupervisor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in self._open:
            link.close()
        self._thread.join(5)
        assert self.failure is None, self.failure

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(link)
            # Room for the packets that are too large on purpose; only root can have it.
            with contextlib.suppress(PermissionError):
                link.setsockopt(socket.SOL_SOCKET, 32, 4 << 20)  # SO_SNDBUFFORCE
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        try:
            while request := link.recv(65536):
                assert request.endswith(b"\0"), request
                words = request[:-1].decode().split("\0")
                self.requests.append(words)
                for packet in self.answer(words):
                    self._send(link, packet)
        except Hang:
            pass
        except Gone:
            link.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the client has gone
        except Exception as error:  # noqa: B902  a fault of the test; told at the end
            self.failure = error

    @staticmethod
    def _send(link: socket.socket, packet: Packet) -> None:
        if isinstance(packet, bytes):
            link.send(packet)
        elif isinstance(packet, tuple):
            socket.send_fds(link, [json.dumps(packet[0]).encode()], packet[1])
        elif callable(packet):
            packet()
        else:
            link.send(json.dumps(packet).encode())
