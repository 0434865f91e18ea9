"""What all hosts have in common: a container with an init, which is commanded from outside.

A host owns one container and all that was made for it; close() takes everything away, and leaks()
says what is left all the same.
"""
from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hosts.process import Console, HostError, Pty, end_process, members, namespace, wait_until
from hosts.rootfs import SHIFT

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INIT = "/usr/sbin/hakim-init"
USERS = {"root": (0, "/root"), "coder": (1000, "/home/coder")}
# A read without O_NOFOLLOW of what a container wrote would follow its links into this machine.
READ_LIMIT = 64 << 20


@dataclass(frozen=True)
class Mount:
    """A directory or file of this machine, bound into the container, whose root can reach it."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Trees:
    """What containers are made of: layers of a shifted root, uppermost first; the lowest as tar (for podman)."""

    layers: tuple[Path, ...]
    tar: Path | None = None
    programs: Path | None = None


@dataclass
class Spec:
    """How a container is started."""

    env: Mapping[str, str] = field(default_factory=dict)
    init: Sequence[str] = (INIT,)
    mounts: Sequence[Mount] = ()
    tty: bool = True


class Host:
    """One container. Start it once; use it as a context manager or close() it."""

    kind = "none"
    id_shift = SHIFT
    count = 0

    def __init__(self, trees: Trees) -> None:
        Host.count += 1
        self.name = f"hakim-{os.getpid()}-{Host.count}"
        self.trees = trees
        self.directory = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        # The container's root passes through it; what is secret in it is a file of mode 0600.
        self.directory.chmod(0o711)
        self.files = self.directory / "files"
        self.files.mkdir()
        self.console: Console | None = None
        self.pid = 0
        self.start_seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd = -1
        self._root_fd = -1
        self._pid_namespace = ""
        self._namespace_fd = -1

    # ---- life

    def start(self, env: Mapping[str, str] | None = None, init: Sequence[str] = (INIT,), *,
              mounts: Sequence[Mount] = (), tty: bool = True,
              before: Callable[[], object] | None = None) -> Host:
        """Starts the container with exactly this environment (and what the host adds by itself).

        `before` is called when the container is set up, and just before `init` is executed.
        """
        own_by_container(self.files, self.id_shift)
        began = time.monotonic()
        self._start(Spec(env or {}, tuple(init), tuple(mounts), tty))
        try:
            # The kernel gives the number of a namespace that is gone to the next one: while this is open it is ours.
            self._namespace_fd = os.open(f"/proc/{self.pid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESRCH):
                raise
            # It is gone: told below.
        self._pid_namespace = namespace(self.pid, "pid")
        if self._pid_namespace in ("", namespace(os.getpid(), "pid")):
            self._pid_namespace = ""
            raise HostError(f"PID 1 ended at once, or was not found\n{self.report()}")
        self._pidfd = os.pidfd_open(self.pid)
        self._root_fd = os.open(f"/proc/{self.pid}/root", os.O_PATH | os.O_CLOEXEC)
        if before:
            before()
        self._go()
        self.start_seconds = time.monotonic() - began
        return self

    def _start(self, spec: Spec) -> None:
        """Sets all up; then self.pid (PID 1 as seen from here), console and _process are known."""
        raise NotImplementedError

    def _go(self) -> None:
        """Lets the init, which waits until now, be executed."""
        raise NotImplementedError

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process of this machine that stands for the container and has its exit status."""
        if not self._process:
            raise HostError("the container was not started")
        return self._process

    @property
    def running(self) -> bool:
        """Whether PID 1 is still there."""
        return self._process is not None and self._process.poll() is None

    def kill(self, number: int) -> None:
        """A signal to PID 1 from outside, as the host's tools send it."""
        signal.pidfd_send_signal(self._pidfd, number)

    def stop(self, number: int = signal.SIGTERM, timeout: float = 65.0) -> int:
        """Asks PID 1 to stop; its exit status."""
        self.kill(number)
        return self.wait(timeout)

    def kill9(self) -> int:
        """What `pct stop` does; the exit status."""
        self.kill(signal.SIGKILL)
        return self.wait()

    def wait(self, timeout: float = 15.0) -> int:
        """Waits for the end; the exit status as a shell has it (128+n for a signal)."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"the container still runs after {timeout:g} s\n{self.report()}") \
                from error
        return 128 - status if status < 0 else status

    def report(self) -> str:
        """For a failed test: what it said."""
        said = self.console.text[-4000:] if self.console else "(nothing)"
        return f"--- console of {self.kind} container {self.name}:\n{said}"

    # ---- inside

    def inside(self, command: Sequence[str], user: str = "root",
               env: Mapping[str, str] | None = None) -> list[str]:
        """The words that run a command in the container, with a small, clean environment."""
        uid, home = USERS[user]
        variables = {"PATH": PATH, "HOME": home, "USER": user, "LOGNAME": user, "LANG": "C.UTF-8",
                     "TERM": "xterm", **(env or {})}
        identity = [f"--reuid={uid}", f"--regid={uid}",
                    "--init-groups" if uid else "--clear-groups"]
        return ["nsenter", "--target", str(self.pid), "--all", f"--wdns={home}",
                "/usr/bin/env", "-i", *(f"{k}={v}" for k, v in variables.items()),
                # The kernel kills it when we do: nsenter does not hand on the signals that it gets.
                "/usr/bin/setpriv", *identity, "--pdeathsig", "KILL", "--", *command]

    def exec(self, command: Sequence[str], user: str = "root", *, input: str | bytes | None = None,
             env: Mapping[str, str] | None = None, check: bool = True,
             timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Runs a command in the container; as with lxc-attach, it is not a child of PID 1."""
        data = input.encode() if isinstance(input, str) else input
        done = subprocess.run(self.inside(command, user, env), capture_output=True, timeout=timeout,
                              check=False, **({"input": data} if data is not None else
                                              {"stdin": subprocess.DEVNULL}))
        result = subprocess.CompletedProcess(list(command), done.returncode,
                                             done.stdout.decode("utf-8", "replace"),
                                             done.stderr.decode("utf-8", "replace"))
        if check and result.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {result.returncode}:\n"
                                 f"{result.stdout}{result.stderr}\n{self.report()}")
        return result

    def terminal(self, command: Sequence[str], user: str = "coder",
                 env: Mapping[str, str] | None = None) -> tuple[Pty, subprocess.Popen[bytes]]:
        """A command on a terminal of the container's own; the caller closes and reaps both."""
        pty = Pty()
        # script(1) makes a pty of the container's own /dev/pts: tmux asks for its name.
        words = ["script", "-qec", " ".join(shell_quote(w) for w in command), "/dev/null"]
        return pty, pty.start(self.inside(words, user, env))

    def network(self) -> tuple[str, ...]:
        """The words before a command of this machine that shall see the container's network."""
        return ("nsenter", "--target", str(self.pid), "--net")

    def root(self, path: str) -> Path:
        """A container's path as one of ours, also after its end; absolute symlinks lead astray."""
        base = f"/proc/{self.pid}/root" if self.running else f"/proc/self/fd/{self._root_fd}"
        return Path(base + "/" + path.lstrip("/"))

    def read_file(self, path: str) -> bytes:
        """A file's content. After the end: what was not on a tmpfs of the container's own."""
        with open(self.root(path), "rb") as file:
            return file.read(READ_LIMIT)

    def put_file(self, path: str, content: str | bytes, mode: int = 0o644, owner: int = 0) -> None:
        """Makes a file, before or after the start; missing directories are made."""
        data = content.encode() if isinstance(content, str) else content
        if self.pid:
            script = ('mkdir -p "${1%/*}" && cat >"$1.new~" && chown "$3:$3" "$1.new~" && '
                      'chmod "$2" "$1.new~" && mv "$1.new~" "$1"')
            self.exec(["sh", "-c", script, "sh", path, f"{mode:o}", str(owner)], input=data)
            return
        target = self.files / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        os.chown(target, owner, owner)
        target.chmod(mode)

    def processes(self) -> list[int]:
        """All processes of the container, as we see them."""
        return members("pid", self._pid_namespace) if self._pid_namespace else []

    # ---- the end

    def close(self) -> None:
        """Takes everything away, whatever state it is in. Can be called twice."""
        if self.console:
            self.console.resume()
        if self._pidfd >= 0 and self.running:
            try:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
                self.process.wait(10)
            except (OSError, subprocess.TimeoutExpired):
                pass
        if self._process:
            end_process(self._process)
        if self._pid_namespace:
            try:
                wait_until("the processes are gone", lambda: not self.processes(), 5)
            except TimeoutError:
                pass  # leaks() tells
        self._clean()
        for fd in (self._pidfd, self._root_fd):
            if fd >= 0:
                os.close(fd)
        self._pidfd = self._root_fd = -1
        if self.console:
            self.console.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _clean(self) -> None:
        """What a kind of host has besides."""

    def leaks(self) -> list[str]:
        """What is left after close(); empty when all is well."""
        left = [f"process {pid}" for pid in self.processes()]
        if self.directory.exists():
            left.append(f"directory {self.directory}")
        if self._namespace_fd >= 0:
            os.close(self._namespace_fd)
            self._namespace_fd = -1
        return left

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def shell_quote(word: str) -> str:
    """For sh."""
    return "'" + word.replace("'", "'\\''") + "'"


def own_by_container(tree: Path, shift: int) -> None:
    """Gives what a test put there to the container's ids."""
    for directory, folders, files in os.walk(tree):
        for name in (".", *folders, *files):
            path = os.path.join(directory, name)
            found = os.lstat(path)
            if found.st_uid < shift:
                os.chown(path, found.st_uid + shift, found.st_gid + shift, follow_symlinks=False)
                if not os.path.islink(path):
                    os.chmod(path, found.st_mode & 0o7777)  # chown takes set-id bits away
