"""PID 1 of the namespaces in which a PodmanStore lives: reaps what podman leaves.

It ends when stdin does, and with it all of podman (whose monitors daemonize themselves) and all
of its mounts.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys

# Where the unified hierarchy is mounted beside v1, crun mixes them up.
MOUNTS = """set -eu
mount --make-rprivate /
mount -t proc proc /proc
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] && mountpoint -q /sys/fs/cgroup/unified; then
    umount /sys/fs/cgroup/unified
fi
"""


def reap(*_: object) -> None:
    """Takes all that ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def main() -> int:
    """Run by podman.py under `unshare --mount --pid --fork --kill-child`."""
    subprocess.run(["sh", "-c", MOUNTS], check=True, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGCHLD, reap)
    print("ready", flush=True)
    sys.stdin.buffer.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
