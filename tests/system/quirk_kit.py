"""What the tests of the quirks share: /run/hakim/quirks.json of a container."""
from __future__ import annotations

import json
from typing import Any

from hosts.host import Host
from hosts.process import wait_until

FILE = "/run/hakim/quirks.json"


def quirks(host: Host) -> dict[str, Any]:
    """The whole file once all rows were asked; "quirks" by name."""
    found: dict[str, Any] = {}

    def complete() -> bool:
        try:
            found.update(json.loads(host.read_file(FILE)))
        except FileNotFoundError:
            return False
        return bool(found["complete"])
    wait_until("all quirks were asked", complete, 20, 0.01)
    found["quirks"] = {row["name"]: row for row in found["quirks"]}
    return found


def row(host: Host, name: str) -> dict[str, Any]:
    """One row."""
    return quirks(host)["quirks"][name]
