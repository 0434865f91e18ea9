"""The stand-in Coder server in a process of its own, which may live in another network namespace.

It is commanded over its stdin, since HTTP does not cross namespaces; when the test dies, stdin ends
and so does the server.
"""
from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

from coder_server import Request, Waiting

PROGRAM = Path(__file__).resolve().parent / "coder_server.py"


class CoderServerProcess(Waiting):
    """As CoderServer. `enter` are words before the command, as nsenter -t PID -n."""

    def __init__(self, binary: Path | str, token: str, *, enter: tuple[str, ...] = (),
                 options: tuple[str, ...] = ()) -> None:
        self._command = [*enter, sys.executable, str(PROGRAM), "--control-stdin",
                         "--binary", str(binary), *options]
        self._environment = {**os.environ, "HAKIM_STANDIN_TOKEN": token}
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.port = 0

    def start(self, timeout: float = 20.0) -> CoderServerProcess:
        """Starts it and waits until it listens."""
        self._process = subprocess.Popen(self._command, env=self._environment, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            hello = self._answer(timeout)
        except BaseException:
            self.stop()
            raise
        self.url, self.port = hello["url"], hello["port"]
        return self

    @property
    def pid(self) -> int:
        """The process, as we see it."""
        assert self._process
        return self._process.pid

    def _answer(self, timeout: float) -> dict[str, Any]:
        assert self._process and self._process.stdout
        # One line is one answer, and each is asked for: nothing stays behind in the buffer.
        if not select.select([self._process.stdout], [], [], timeout)[0]:
            raise TimeoutError("the stand-in server does not answer")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the stand-in server ended with {self._process.wait(5)}")
        return json.loads(line)

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._process and self._process.stdin
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = self._answer(20.0)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    @property
    def requests(self) -> list[Request]:
        return self._ask({"log": True})["requests"]

    def set_mode(self, **change: Any) -> None:
        self._ask({"set": change})

    def stop(self) -> None:
        """Ends it: politely, else by SIGKILL. Can be called twice."""
        if not self._process:
            return
        process, self._process = self._process, None
        assert process.stdin and process.stdout
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def __enter__(self) -> CoderServerProcess:
        return self if self._process else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
