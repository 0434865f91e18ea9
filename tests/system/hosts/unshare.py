"""A container of bare namespaces, where LXC cannot run: user, pid, mount, net, uts, ipc and cgroup.

It has no cgroup file system, no /dev/shm and no console pty of its own: a poorer place than LXC, on
purpose. unshare_main.py does the work in a process of its own; all of it dies with us.
"""
from __future__ import annotations

import json
import os
import select
import sys
from pathlib import Path

from hosts.host import Host, Spec
from hosts.process import HostError, Pipe, Pty, wait_until
from hosts.rootfs import IDS, SHIFT

LAUNCHER = Path(__file__).resolve().parent / "unshare_main.py"


class UnshareHost(Host):
    """See the head of the file. tty: stdio is a terminal, which PID 1's session has as its own."""

    kind = "unshare"
    _go_fd = -1

    @staticmethod
    def missing() -> str:
        """Why there can be no such container here, or ""."""
        if os.geteuid() != 0:
            return "namespaces with shifted ids need root"
        try:
            limit = int(Path("/proc/sys/user/max_user_namespaces").read_text("ascii"))
        except OSError:
            limit = 0
        return "" if limit > 0 else "the kernel allows no user namespaces"

    def _start(self, spec: Spec) -> None:
        for name in ("root", "stage"):
            (self.directory / name).mkdir()
        layers = (self.files, *self.trees.layers)
        told = json.dumps({
            "name": self.name, "directory": str(self.directory), "layers": [str(p) for p in layers],
            "shift": SHIFT, "ids": IDS, "env": dict(spec.env), "init": list(spec.init),
            "tty": spec.tty,
            "mounts": [[str(m.source), m.target, m.read_only] for m in spec.mounts],
        })
        # Over a memfd: the environment may hold secrets.
        fd = os.memfd_create("spec", 0)
        pid_read, pid_write = os.pipe()
        go_read, self._go_fd = os.pipe()
        try:
            os.write(fd, told.encode())
            os.lseek(fd, 0, os.SEEK_SET)
            console: Pty | Pipe = Pty() if spec.tty else Pipe()
            self.console = console
            command = [sys.executable, "-I", "-S", str(LAUNCHER)]
            fds = (fd, pid_write, go_read)
            self._process = console.start([*command, *(str(n) for n in fds)], controlling=False,
                                          pass_fds=fds)
            os.close(pid_write)
            pid_write = -1
            word = os.read(pid_read, 32) if select.select([pid_read], [], [], 30)[0] else b""
            if not word:
                raise HostError(f"the namespaces could not be made\n{self.report()}")
            self.pid = int(word)
        finally:
            for number in (fd, pid_read, pid_write, go_read):
                if number >= 0:
                    os.close(number)

    def _go(self) -> None:
        os.write(self._go_fd, b"g")
        # The launcher's PID 1 is Python until it executes the init.
        wait_until("the init is executed", self._executed, 30, 0.001)

    def _clean(self) -> None:
        if self._go_fd >= 0:
            os.close(self._go_fd)
            self._go_fd = -1

    def _executed(self) -> bool:
        try:
            return os.readlink(f"/proc/{self.pid}/exe") != os.path.realpath(sys.executable)
        except OSError:
            return True  # and ended already
