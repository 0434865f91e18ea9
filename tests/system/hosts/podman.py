"""Containers of podman, from an image that is imported once for all tests of a session.

A PodmanStore is a storage of its own and a mount and a pid namespace in which all of podman runs,
so that nothing of it can stay behind. A PodmanHost is one container: a `podman run`.
"""
from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hosts.host import INIT, Host, Spec, Trees
from hosts.process import (HostError, Pipe, Pty, cgroup_roots, children, die_with_us, end_process,
                           remove_groups, run, wait_until)

HOLDER = Path(__file__).resolve().parent / "podman_holder.py"
IMAGE = "localhost/hakim-test"
CGROUP_PARENT = "/hakim-test"


class PodmanStore:
    """See the head of the file."""

    def __init__(self, trees: Trees) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"hakim-p-{os.getpid()}-"))
        self.directory.chmod(0o711)
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", sys.executable, "-I",
                   str(HOLDER)]
        self._unshare = subprocess.Popen(die_with_us(command), stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)
        self.holder = 0
        try:
            assert self._unshare.stdout
            if not select.select([self._unshare.stdout], [], [], 30)[0] or \
                    self._unshare.stdout.readline() != b"ready\n":
                raise HostError("the namespaces for podman could not be made")
            [self.holder] = children(self._unshare.pid)
            self._import(trees)
        except BaseException:
            self.close()
            raise

    @property
    def parent(self) -> str:
        """Our cgroup, which is no one else's."""
        return f"{CGROUP_PARENT}-{os.getpid()}"

    def words(self, *words: str) -> list[str]:
        """The command line of a podman command in this store."""
        # Short names: podman takes no runroot of more than 50 characters.
        place = [f"--root={self.directory}/root", f"--runroot={self.directory}/run",
                 f"--tmpdir={self.directory}/tmp"]
        return ["nsenter", "--target", str(self.holder), "--mount", "--pid", "--", "podman", *place,
                "--cgroup-manager=cgroupfs", "--events-backend=none", *words]

    def podman(self, *words: str, timeout: float = 60.0) -> str:
        """Runs it; its stdout."""
        return run(self.words(*words), timeout, stdin=subprocess.DEVNULL)

    def _import(self, trees: Trees) -> None:
        """One layer: the tree with our programs. Many layers would only make it slower."""
        tar = self.directory / "image.tar"
        shutil.copyfile(trees.tar, tar)
        try:
            if trees.programs:
                # Files alone: containers/storage takes no path twice, not even a directory.
                files = [f"./{p.relative_to(trees.programs)}"
                         for p in sorted(trees.programs.glob("**/*")) if not p.is_dir()]
                run(["tar", "--append", f"--file={tar}", f"--directory={trees.programs}",
                     "--owner=0", "--group=0", "--numeric-owner", "--no-recursion", *files])
            self.podman("import", "--change", f"ENTRYPOINT {json.dumps([INIT])}",
                        "--change", "STOPSIGNAL SIGTERM", str(tar), IMAGE, timeout=300)
        finally:
            tar.unlink(missing_ok=True)

    def cgroups(self) -> list[Path]:
        """Our groups on this machine, one a hierarchy."""
        return [p for p in (root / self.parent[1:] for root in cgroup_roots()) if p.is_dir()]

    def close(self) -> None:
        """Ends all of it. Can be called twice."""
        if self._unshare.stdin:
            self._unshare.stdin.close()  # the holder ends, and is reaped by unshare at once
        try:
            self._unshare.wait(10)
        except subprocess.TimeoutExpired:
            end_process(self._unshare)
        for pipe in (self._unshare.stdin, self._unshare.stdout):
            if pipe:
                pipe.close()
        try:
            wait_until("podman's cgroups are empty", lambda: remove_groups(self.cgroups()), 5)
        except TimeoutError:
            pass  # leaks() tells
        shutil.rmtree(self.directory, ignore_errors=True)

    def leaks(self) -> list[str]:
        """What is left after close(); empty when all is well."""
        left = [f"cgroup {path}" for path in self.cgroups()]
        if self.directory.exists():
            left.append(f"directory {self.directory}")
        return left


class PodmanHost(Host):
    """See the head of the file. `init` is what stands behind the image's name: words for PID 1.

    `entrypoint` replaces the image's, hakim-init. It is executed by podman itself; start(before=)
    is called when it runs already.
    """

    kind = "podman"
    id_shift = 0
    entrypoint: str | None = None
    image = IMAGE
    # What a real podman takes from its configuration; this machine lacks CAP_SYS_RESOURCE for more.
    options: tuple[str, ...] = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=4000:4000")

    def __init__(self, trees: Trees, store: PodmanStore) -> None:
        super().__init__(trees)
        self.store = store

    @staticmethod
    def missing() -> str:
        """Why there can be no such container here, or ""."""
        if os.geteuid() != 0:
            return "podman needs root here"
        if not shutil.which("podman"):
            return "podman is not installed (make deps)"
        return ""

    def run(self, init: Sequence[str] = (), env: Mapping[str, str] | None = None, *,
            tty: bool = False, timeout: float = 30.0) -> int:
        """For a container that ends by itself, perhaps at once: its exit status."""
        self._launch(Spec(env or {}, tuple(init), (), tty))
        return self.wait(timeout)

    def _start(self, spec: Spec) -> None:
        self._launch(spec)
        try:
            wait_until("podman starts the container", self._set_up, 30, 0.01)
        except (TimeoutError, HostError) as error:
            raise HostError(f"{error}\n{self.report()}") from error

    def _launch(self, spec: Spec) -> None:
        # In a file and not in argv: the environment may hold secrets.
        env = self.directory / "env"
        with open(os.open(env, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w",
                  encoding="utf-8") as file:
            for name, value in spec.env.items():
                if "\n" in value:
                    raise ValueError("a value for podman cannot hold a newline")
                file.write(f"{name}={value}\n")
        mounts = [f"--volume={m.source}:{m.target}:{'ro' if m.read_only else 'rw'}"
                  for m in spec.mounts]
        mounts += [f"--volume={file}:/{file.relative_to(self.files)}"
                   for file in self.files.glob("**/*") if file.is_file()]
        # The image's entrypoint is the init: named once more it would be the program that the init is given.
        program = () if tuple(spec.init) == (INIT,) and not self.entrypoint else spec.init
        entrypoint = [f"--entrypoint={json.dumps([self.entrypoint])}"] if self.entrypoint else []
        console: Pty | Pipe = Pty() if spec.tty else Pipe()
        self.console = console
        self._process = console.start(self.store.words(
            "run", "--rm", f"--name={self.name}", "--network=none", f"--env-file={env}",
            f"--cgroup-parent={self.store.parent}", f"--cidfile={self.directory}/id",
            f"--hostname={self.name}", *self.options, *mounts, *entrypoint,
            *(["--interactive", "--tty"] if spec.tty else []), self.image, *program))

    def _set_up(self) -> bool:
        """Finds PID 1 of the container among what runs in the store's pid namespace."""
        if not self.running:
            raise HostError(f"podman ended with {self.process.returncode}")
        try:
            container = (self.directory / "id").read_text("ascii")
        except FileNotFoundError:
            return False
        for monitor in children(self.store.holder):
            try:
                if container.encode() not in Path(f"/proc/{monitor}/cmdline").read_bytes():
                    continue
                for pid in children(monitor):
                    status = Path(f"/proc/{pid}/status").read_text("utf-8")
                    numbers = next(ln for ln in status.splitlines() if ln.startswith("NSpid:"))
                    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                    # Until podman has attached itself and starts it, it is a copy of the runtime.
                    if len(numbers.split()) == 4 and (self.entrypoint or INIT).encode() in words:
                        self.pid = pid
                        return True
            except OSError:
                pass
        return False

    def _go(self) -> None:
        """Nothing: podman has started it already."""

    def inspect(self, what: str) -> str:
        """`podman inspect`, for example "{{.State.Status}}"."""
        return self.store.podman("inspect", "--format", what, self.name).strip()

    def _clean(self) -> None:
        subprocess.run(self.store.words("rm", "--force", "--ignore", "--time=0", self.name),
                       capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
