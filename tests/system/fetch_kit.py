"""hakim-agent-fetch with a cache of its own, and its stand-in server: what its tests share."""
from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from coder_server import CoderServer

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("HAKIM_BUILD", "build")
AGENT = BUILD / "stand-ins" / "coder"
TOKEN = "11111111-2222-4333-8444-555555555555"
SIZE = 3_000_000
ARCH = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armv7"}[os.uname().machine]
PATIENCE = 3.0
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes its user")


def until(what: str, holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits until it holds; fails with `what` if it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"in vain waited for: {what}"
        time.sleep(0.02)


class Fetch:
    """The program with a cache of its own."""

    def __init__(self, directory: Path, url: str) -> None:
        self.cache = directory / "cache"
        self.baked = directory / "image" / "coder"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(directory),
                            "CODER_AGENT_URL": url}
        self.program = BUILD / "hakim-agent-fetch"
        self._log = directory / "log"
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *options: str, **extra: Any) -> subprocess.Popen[str]:
        """Starts it; its stderr goes to the log."""
        with self._log.open("a") as log:
            process = subprocess.Popen(
                [str(self.program), "--dir", str(self.cache), "--baked", str(self.baked), *options],
                env=self.environment, stderr=log, stdout=subprocess.DEVNULL, text=True, **extra)
        self._started.append(process)
        return process

    def stop(self) -> None:
        """Ends what a failed test has left."""
        for process in self._started:
            process.kill()
            process.wait()

    def run(self, *options: str, timeout: float = 60, **extra: Any) -> int:
        """Runs it to its end."""
        return self.start(*options, **extra).wait(timeout)

    def probe(self, secrets: dict[str, str]) -> tuple[int, str]:
        """--probe-token, with these secrets in a pipe."""
        read, write = os.pipe()
        os.write(write, b"".join(f"{k}={v}\0".encode() for k, v in secrets.items()))
        os.close(write)
        environment = {**self.environment, "HAKIM_SECRET_FD": str(read)}
        done = subprocess.run([str(self.program), "--probe-token"], env=environment, text=True,
                              pass_fds=(read,), capture_output=True, timeout=60)
        os.close(read)
        assert done.stderr == "" and done.stdout.count("\n") == 1
        return done.returncode, done.stdout.strip()

    @property
    def said(self) -> str:
        """All lines so far."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def current(self) -> Path:
        """What the unit's ExecStart= would run."""
        return self.cache / "current" / "coder"

    @property
    def partials(self) -> list[Path]:
        """Downloads under way."""
        return list(self.cache.glob("*.partial"))

    @property
    def versions(self) -> set[str]:
        """The programs in the cache, by their directories."""
        return {path.parent.name for path in self.cache.glob("*/coder")
                if path.parent.name != "current"}


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[CoderServer]:
    with CoderServer(AGENT, TOKEN, proof=str(tmp_path / "proof"), size=SIZE) as server:
        yield server


@pytest.fixture(name="fetch")
def _fetch(tmp_path: Path, server: CoderServer) -> Iterator[Fetch]:
    fetch = Fetch(tmp_path, server.url)
    yield fetch
    fetch.stop()
    assert not (tmp_path / "proof").exists(), (tmp_path / "proof").read_text()
    assert not list(tmp_path.rglob("*.executed"))
    assert "HAKIM MARKER" not in fetch.said and "Sanitizer" not in fetch.said


def good(release: str = "") -> bytes:
    """The stand-in server's true program."""
    return AGENT.read_bytes().ljust(SIZE, b"\0") + release.encode()


def bake(fetch: Fetch) -> bytes:
    """Puts another agent into the image."""
    fetch.baked.parent.mkdir()
    shutil.copy(AGENT, fetch.baked)
    with fetch.baked.open("ab") as program:
        program.write(b"the image's")
    return fetch.baked.read_bytes()
