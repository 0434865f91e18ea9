"""A file system of FUSE that stops answering: what a dead sshfs or a lost host is to a container.

It is mounted on this machine and has nothing in it but its root directory, which belongs to the
container's root. Until silence() it answers; then whoever asks it anything waits for ever, and can
be killed. The server is a process of its own, so that a hang of it is none of ours.
"""
from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import time
from pathlib import Path

from hosts.process import die_with_us, end_process
from hosts.rootfs import SHIFT

SERVER = Path(__file__).resolve().parent / "dead_fuse_main.py"
LIBC = ctypes.CDLL(None, use_errno=True)


class DeadFuse:
    """See the head of the file; close() takes it away."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-I", "-S", str(SERVER), str(directory), str(SHIFT)]
        self._server = subprocess.Popen(die_with_us(words), stdout=subprocess.PIPE)
        assert self._server.stdout
        if self._server.stdout.readline() != b"mounted\n":
            self.close()
            raise OSError("a FUSE file system cannot be mounted here")

    def silence(self) -> None:
        """From now on nobody answers."""
        self._server.send_signal(signal.SIGSTOP)
        while Path(f"/proc/{self._server.pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "T":
            time.sleep(0.001)

    def close(self) -> None:
        """The end of the server ends all waiting, too."""
        LIBC.umount2(str(self.directory).encode(), 1 | 2)  # MNT_FORCE, MNT_DETACH
        end_process(self._server)
        if self._server.stdout:
            self._server.stdout.close()
        LIBC.umount2(str(self.directory).encode(), 1 | 2)
