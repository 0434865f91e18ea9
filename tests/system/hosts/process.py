"""Small tools of the hosts: waiting, consoles that are always drained, commands, processes.

Nothing here knows which host it serves.
"""
from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

DEADLINE = 15.0


class HostError(Exception):
    """Something of the harness or the machine, never of the program under test."""


def wait_until(what: str, holds: Callable[[], bool], timeout: float = DEADLINE,
               pause: float = 0.005) -> None:
    """Waits until it holds; TimeoutError with `what` if it does not in time."""
    end = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout:g} s in vain: {what}")
        time.sleep(pause)


def run(command: Sequence[str], timeout: float = 60.0, **more: object) -> str:
    """Runs a command of the machine; its stdout, or a HostError with what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                              check=False, **more)  # type: ignore[call-overload]
    except FileNotFoundError as error:
        raise HostError(f"{command[0]} is not installed (make deps)") from error
    except subprocess.TimeoutExpired as error:
        raise HostError(f"{command[0]} did not end within {timeout:g} s") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise HostError(f"{' '.join(command[:3])} … failed with {done.returncode}: {said}")
    return str(done.stdout)


def die_with_us(command: Sequence[str]) -> list[str]:
    """The command, killed by the kernel when the thread that starts it ends."""
    return ["setpriv", "--pdeathsig", "KILL", "--", *command]


def namespace(pid: int, kind: str) -> str:
    """Which namespace a process is in, or "" if there is no such process."""
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return ""


def members(kind: str, name: str) -> list[int]:
    """All processes in a namespace, seen from here; zombies are not in any."""
    pids = (int(p) for p in os.listdir("/proc") if p.isdigit())
    return [p for p in pids if namespace(p, kind) == name]


def children(pid: int) -> list[int]:
    """The children of all threads of a process."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(p) for p in (task / "children").read_text("ascii").split()]
    except OSError:
        pass
    return found


def cgroup_roots() -> list[Path]:
    """Where cgroup hierarchies of any version are mounted on this machine."""
    lines = Path("/proc/self/mounts").read_text("utf-8").splitlines()
    return [Path(line.split()[1]) for line in lines if line.split()[2] in ("cgroup", "cgroup2")]


def remove_groups(tops: Sequence[Path]) -> bool:
    """Removes cgroups with all that are in them; whether all are gone (a process keeps one)."""
    for top in tops:
        for group in sorted([top, *top.glob("**/")], reverse=True):
            try:
                group.rmdir()
            except OSError:
                pass
    return not any(top.exists() for top in tops)


class Console:
    """One side of a pty or pipe, drained by a thread into a buffer; processes have the other."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._data = bytearray()
        self._at = 0
        self._changed = threading.Condition()
        self._closed = False
        self._paused = threading.Event()
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = threading.Thread(target=self._drain, daemon=True, name="console")
        self._thread.start()

    def _drain(self) -> None:
        while True:
            wanted = [self._wake_read] if self._paused.is_set() else [self._wake_read, self._fd]
            ready = select.select(wanted, [], [])[0]
            if self._wake_read in ready and not os.read(self._wake_read, 100):
                return
            if self._fd not in ready:
                continue
            try:
                data = os.read(self._fd, 65536)
            except OSError:
                data = b""  # EIO: nobody has the other side of the pty open any more
            with self._changed:
                self._data += data
                self._closed = not data
                self._changed.notify_all()
            if not data:
                return

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"w")
        except OSError:
            pass

    def pause(self) -> None:
        """Reads nothing from now on, as a person's terminal that went away does."""
        self._paused.set()
        self._wake()

    def resume(self) -> None:
        """Reads again."""
        self._paused.clear()
        self._wake()

    @property
    def raw(self) -> bytes:
        """All that was written so far."""
        with self._changed:
            return bytes(self._data)

    @property
    def text(self) -> str:
        """The same as text, with plain line ends."""
        return self.raw.decode("utf-8", "replace").replace("\r\n", "\n")

    def mark(self) -> None:
        """expect() looks only at what comes from here on."""
        with self._changed:
            self._at = len(self._data)

    def expect(self, pattern: str | bytes, timeout: float = DEADLINE) -> re.Match[bytes]:
        """Waits for a pattern behind the last one that was found."""
        wanted = re.compile(pattern.encode() if isinstance(pattern, str) else pattern)
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                found = wanted.search(self._data, self._at)
                if found:
                    self._at = found.end()
                    return found
                left = end - time.monotonic()
                if self._closed or left <= 0:
                    why = "the console ended" if self._closed else f"not within {timeout:g} s"
                    seen = bytes(self._data[self._at:])[-1500:]
                    raise TimeoutError(f"{wanted.pattern!r}: {why}; seen since: {seen!r}")
                self._changed.wait(left)

    def send(self, data: str | bytes) -> None:
        """Types."""
        rest = data.encode() if isinstance(data, str) else data
        while rest:
            rest = rest[os.write(self._fd, rest):]

    def close(self) -> None:
        """Closes our side, after what is still to be read. Can be called twice."""
        if self._fd < 0:
            return
        self.resume()
        # The other side may be held open by somebody who was left behind: no longer than this.
        self._thread.join(0.5)
        os.close(self._wake_write)
        self._thread.join(5)
        os.close(self._wake_read)
        os.close(self._fd)
        self._fd = -1


class Pty(Console):
    """A terminal. What is started with it has it as its controlling terminal and stdio."""

    def __init__(self, rows: int = 24, columns: int = 80) -> None:
        master, self._slave = os.openpty()
        os.set_inheritable(master, False)
        self._master = master
        self.resize(rows, columns)
        super().__init__(master)

    def resize(self, rows: int, columns: int) -> None:
        """Makes the window another size; its foreground group gets SIGWINCH."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def start(self, command: Sequence[str], env: Mapping[str, str] | None = None,
              pass_fds: Sequence[int] = (), controlling: bool = True) -> subprocess.Popen[bytes]:
        """Starts it in a session of its own, which has this terminal as its own (`controlling`)."""
        words = ["setsid", *(["--ctty"] if controlling else []), *command]
        process = subprocess.Popen(die_with_us(words), env=env,
                                   stdin=self._slave, stdout=self._slave, stderr=self._slave,
                                   pass_fds=pass_fds)
        self.let_go()
        return process

    def let_go(self) -> None:
        """Closes our copy of the far side, so that its end is seen."""
        if self._slave >= 0:
            os.close(self._slave)
            self._slave = -1

    def close(self) -> None:
        self.let_go()
        super().close()


class Pipe(Console):
    """No terminal: stdin is empty, stdout and stderr are one pipe."""

    def __init__(self) -> None:
        read, self._write = os.pipe2(os.O_CLOEXEC)
        super().__init__(read)

    def start(self, command: Sequence[str], env: Mapping[str, str] | None = None,
              pass_fds: Sequence[int] = (), controlling: bool = False) -> subprocess.Popen[bytes]:
        """Starts it in a session of its own; `controlling` means nothing without a terminal."""
        process = subprocess.Popen(die_with_us(["setsid", *command]), env=env,
                                   stdin=subprocess.DEVNULL, stdout=self._write,
                                   stderr=self._write, pass_fds=pass_fds)
        self.let_go()
        return process

    def let_go(self) -> None:
        """Closes our copy of the far side, so that its end is seen."""
        if self._write >= 0:
            os.close(self._write)
            self._write = -1

    def close(self) -> None:
        self.let_go()
        super().close()


def end_process(process: subprocess.Popen[bytes], timeout: float = 5.0) -> None:
    """Kills and reaps one of ours. Can be called twice."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait(timeout)
