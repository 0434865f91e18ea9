"""What the tests of the quirks share: /run/hakim/quirks.json of a container."""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from hosts.host import Host
from hosts.process import wait_until

FILE = "/run/hakim/quirks.json"
# What LXC's nesting.conf adds.
NESTING = ("lxc.mount.entry = proc dev/.lxc/proc proc create=dir 0 0",
           "lxc.mount.entry = sys dev/.lxc/sys sysfs create=dir 0 0")


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


def volume(host: Host, name: str = "volume") -> Path:
    """A directory of this machine that the container's root owns, for a Mount."""
    directory = host.directory / name
    directory.mkdir()
    os.chown(directory, 100000, 100000)
    return directory
