"""What the tests of `hakimctl logs` share: a log with old files, and one who follows."""
from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from fake_supervisor import END, Packet
from hakimctl_kit import CTL, environment


class Log:
    """A log with rotated files, as the supervisor keeps it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = folder / f"{name}.log"
        self.opened: list[int] = []

    def write(self, text: str | bytes) -> None:
        """Appends."""
        with open(self.path, "ab") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def truncate(self, size: int) -> None:
        """Cuts the file."""
        os.truncate(self.path, size)

    def old(self, number: int) -> Path:
        """An old file, plain or compressed."""
        packed = self.path.with_name(f"{self.name}.log.{number}.zst")
        return packed if packed.exists() else packed.with_suffix("")

    def rotate(self, keep: int = 5) -> None:
        """NAME.log becomes NAME.log.1, and so on."""
        for number in range(keep, 0, -1):
            old = self.old(number)
            if old.exists():
                old.rename(old.with_name(old.name.replace(f".log.{number}", f".log.{number + 1}")))
        if self.path.exists():
            self.path.rename(self.old(1))

    def answer(self, _words: list[str]) -> Iterable[Packet]:
        """The files, newest first."""
        fds: list[int] = []
        current = True
        for file in (self.path, *(self.old(number) for number in range(1, 5))):
            try:
                fds.append(os.open(file, os.O_RDONLY))
            except FileNotFoundError:
                current = current and file != self.path
        self.opened += fds
        full = self.name if self.name == "hakim-supervisor" else f"{self.name}.service"
        yield ({"type": "log", "name": full, "path": str(self.path), "files": len(fds),
                "current": current}, fds)
        yield END

    def close(self) -> None:
        """Closes what was handed out."""
        for fd in self.opened:
            os.close(fd)


def pack(log: Log, number: int) -> None:
    """What the supervisor does with an old file."""
    subprocess.run(["zstd", "-q", "--rm", log.old(number)], check=True)


class Follower:
    """`hakimctl logs -f`, and what it has printed so far."""

    def __init__(self, place: Path, *args: str, before: Sequence[str] = (), **env: str) -> None:
        command = [*before, str(CTL), "logs", "-f", *args]
        self.child = subprocess.Popen(command, env=environment(place, **env), stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE)
        self.got = b""

    def until(self, text: str, seconds: float = 10) -> None:
        """Reads until all that was printed ends in `text`."""
        assert self.child.stdout
        end = time.monotonic() + seconds
        while not self.got.endswith(text.encode()):
            left = end - time.monotonic()
            ready = select.select([self.child.stdout], [], [], max(left, 0))[0]
            assert ready, f"{text!r} has not come: {self.got[-200:]!r}"
            more = os.read(self.child.stdout.fileno(), 65536)
            assert more, f"it has ended: {self.got[-200:]!r}"
            self.got += more

    def stop(self) -> str:
        """Ends it; what it said on stderr."""
        self.child.terminate()
        try:
            return self.child.communicate(timeout=10)[1].decode()
        finally:
            self.child.kill()
