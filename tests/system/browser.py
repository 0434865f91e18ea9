"""A real browser without a window, in the container, that a test leads.

Chromium speaks its DevTools protocol over two pipes: JSON, each message ended by a NUL.
"""
from __future__ import annotations

import base64
import itertools
import json
import select
import subprocess
import time
from types import TracebackType
from typing import Any

from hosts.host import Host
from hosts.process import end_process, wait_until

# It wants the pipes as 3 and 4. A user namespace of its own for its sandbox is not to be had in every container.
START = ('exec chromium --headless --no-sandbox --disable-gpu --window-size=1200,800 --remote-debugging-pipe '
         '3<&0 4>&1 </dev/null >/dev/null 2>&1')


class Browser:
    """One page, as the coder user sees it. Use it as a context manager."""

    def __init__(self, host: Host) -> None:
        self._process = subprocess.Popen(host.inside(["sh", "-c", START], user="coder"), bufsize=0,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._data = b""
        self._numbers = itertools.count(1)
        self._session = ""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def _message(self, deadline: float) -> dict[str, Any]:
        """The next one that it sends, whatever it is."""
        assert self._process.stdout
        while b"\0" not in self._data:
            if not select.select([self._process.stdout], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise TimeoutError("the browser does not answer")
            data = self._process.stdout.read(65536)
            if not data:
                raise ConnectionError("the browser has ended")
            self._data += data
        message, self._data = self._data.split(b"\0", 1)
        return json.loads(message)

    def _call(self, method: str, timeout: float = 30.0, **parameters: object) -> dict[str, Any]:
        """Calls a method of the protocol; its result."""
        assert self._process.stdin
        number = next(self._numbers)
        call: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if self._session:
            call["sessionId"] = self._session
        self._process.stdin.write(json.dumps(call).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while (answer := self._message(deadline)).get("id") != number:
            pass
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, url: str) -> None:
        """Goes to a page; it may still be loading."""
        failed = self._call("Page.navigate", url=url).get("errorText")
        assert not failed, f"{url}: {failed}"

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript is on the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def wait(self, expression: str, timeout: float = 30.0) -> None:
        """Waits until it is true."""
        wait_until(f"the page has {expression}", lambda: self.value(f"!!({expression})"), timeout, 0.05)

    def picture(self) -> bytes:
        """What is to be seen, as PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot")["data"])

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        end_process(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
