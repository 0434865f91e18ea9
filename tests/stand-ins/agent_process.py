"""The stand-in agent as a process of a test."""
from __future__ import annotations

import contextlib
import http.client
import os
import re
import subprocess
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

DEADLINE = 15.0


def until(what: str, holds: Callable[[], bool]) -> None:
    """Waits until it holds; fails with `what` if it does not in time."""
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, f"in vain waited for: {what}"
        time.sleep(0.02)


class AgentProcess:
    """The stand-in agent as a process, its listeners on ports of their own."""

    def __init__(self, program: Path, directory: Path, **environment: str) -> None:
        self.log_path = directory / "agent.log"
        base = {"PATH": os.environ["PATH"], "HOME": str(directory),
                "CODER_AGENT_DEBUG_ADDRESS": "127.0.0.1:0",
                "CODER_AGENT_PROMETHEUS_ADDRESS": "127.0.0.1:0"}
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen([program, "agent", "--no-reap"],
                                            env={**base, **environment}, stderr=log,
                                            stdin=subprocess.DEVNULL)

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return self.log_path.read_text(encoding="utf-8")

    def port(self, name: str) -> int:
        """Of a listener, once it listens."""
        pattern = re.compile(rf"listening  name={name}  port=(\d+)")
        until(f"{name} listens", lambda: bool(pattern.search(self.log)))
        found = pattern.search(self.log)
        assert found
        return int(found[1])

    def get(self, path: str, name: str = "debug") -> tuple[int, str]:
        """Status and body of a request to a listener."""
        link = http.client.HTTPConnection("127.0.0.1", self.port(name), timeout=DEADLINE)
        with contextlib.closing(link):
            link.request("GET", path)
            answer = link.getresponse()
            return answer.status, answer.read().decode()

    def spawn(self, command: str) -> int:
        """Runs a command as a session; its pid."""
        status, body = self.get("/_standin/spawn?cmd=" + urllib.parse.quote_plus(command))
        assert status == 200
        return int(body)

    def connected(self) -> None:
        """Waits until it has its manifest."""
        until("the manifest", lambda: self.get("/debug/manifest")[0] == 200)
