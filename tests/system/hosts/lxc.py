"""An unprivileged LXC container as Proxmox VE makes it: shifted ids, a delegated cgroup2.

All mounts are made in a mount namespace of its own, so that nothing is left of them, however we
end. The container dies with lxc-start (LXC sets a parent death signal), and lxc-start with us.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from hosts.host import Host, Mount, Spec
from hosts.process import (HostError, Pipe, Pty, cgroup_roots, end_process, remove_groups,
                           run, wait_until)
from hosts.rootfs import IDS, SHIFT

# In $1 the container's directory, in $2 the layers, then the command. What is mounted: /etc/subuid
# and subgid (newuidmap insists on a line for root, and the machine's own files are not ours to
# change), the root, and on a host with v1 or hybrid cgroups a pure cgroup2, as Proxmox has it.
STAGE = """set -eu
directory=$1 layers=$2
shift 2
for file in subuid subgid; do
    [ -e "/etc/$file" ] || : >"/etc/$file"
    mount --bind "$directory/subid" "/etc/$file"
done
mount -t tmpfs -o mode=0755 stage "$directory/stage"
mkdir "$directory/stage/upper" "$directory/stage/work"
chown 100000:100000 "$directory/stage/upper"
upper=$directory/stage/upper work=$directory/stage/work
mount -t overlay -o "lowerdir=$layers,upperdir=$upper,workdir=$work" root "$directory/root"
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
    umount -R /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
exec "$@"
"""
# LXC runs it on the host when all is set up, immediately before the init, and waits for it. In $1
# the container's directory. `lxc.net.0.type = empty` leaves even lo down, and a server of a test
# that is there before the init needs it.
HOOK = """#!/bin/sh
set -eu
directory=$1
[ -e "$directory/host-network" ] || nsenter --target "$LXC_PID" --net ip link set lo up
echo "$LXC_PID" >"$directory/pid.new"
mv "$directory/pid.new" "$directory/pid"
until [ -e "$directory/go" ] || [ ! -e "$directory/pid" ]; do sleep 0.002; done
"""
# What Proxmox denies to an unprivileged container: keyctl (without keyctl=1), AF_ALG, and more.
SECCOMP = """2
denylist
[all]
keyctl errno 38
open_by_handle_at errno 1
init_module errno 1
finit_module errno 1
delete_module errno 1
kexec_load errno 1
socket errno 97 [0,38,SCMP_CMP_EQ]
"""


class LxcHost(Host):
    """See the head of the file. start() with tty=False gives a container without a console."""

    kind = "lxc"
    halt_signal = "SIGTERM"
    host_network = False
    host_loopback = True  # lo is up before the init is executed
    config_lines: tuple[str, ...] = ()  # more of LXC's configuration
    seccomp = SECCOMP
    _holder: subprocess.Popen[bytes] | None = None

    def keep(self) -> LxcHost:
        """Before the start: its files outlive it, and again() starts it once more with them."""
        self._keep = True
        return self

    _keep = False

    def again(self, env: Mapping[str, str] | None = None, *,
              before: Callable[[], object] | None = None) -> LxcHost:
        """The same container, which has ended, once more: with the files that its last life has left on its disk."""
        assert self._holder and not self.running, "keep() it before, and end it"
        wait_until("the last life is over", lambda: not self.processes(), 10)
        self._clean()
        for name in ("pid", "go", "config"):
            (self.directory / name).unlink(missing_ok=True)
        if self.console:
            self.console.close()
        for fd in (self._pidfd, self._root_fd, self._namespace_fd):
            os.close(fd)
        self._pidfd = self._root_fd = self._namespace_fd = -1
        self.start(env, tty=False, before=before)
        return self

    @staticmethod
    def missing() -> str:
        """Why there can be no such container here, or ""."""
        if os.geteuid() != 0:
            return "LXC needs root"
        if not shutil.which("lxc-start"):
            return "lxc-start is not installed (make deps)"
        try:
            run(["unshare", "--mount", "--propagation", "private", "sh", "-c", "set -e; "
                 '[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || '
                 "{ umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; }"])
        except HostError as error:
            return f"no cgroup2 for LXC: {error}"
        return ""

    @property
    def config(self) -> Path:
        """The container's configuration; it holds secrets and only root can read it."""
        return self.directory / "config"

    def _write_config(self, spec: Spec) -> None:
        lines = [
            f"lxc.uts.name = {self.name}",
            f"lxc.rootfs.path = dir:{self.directory}/root",
            f"lxc.idmap = u 0 {SHIFT} {IDS}",
            f"lxc.idmap = g 0 {SHIFT} {IDS}",
            "lxc.apparmor.profile = unconfined",
            f"lxc.seccomp.profile = {self.directory}/seccomp",
            f"lxc.init.cmd = {' '.join(spec.init)}",
            f"lxc.hook.start-host = {self.directory}/hook {self.directory}",
            f"lxc.signal.halt = {self.halt_signal}",
            "lxc.tty.max = 2",
            "lxc.pty.max = 1024",
        ]
        if self.host_network:
            # sysfs can be mounted only by the owner of the network namespace.
            lines += ["lxc.net.0.type = none", "lxc.mount.auto = proc:mixed cgroup:mixed",
                      "lxc.mount.entry = /sys sys none rbind,ro,create=dir 0 0"]
        else:
            lines += ["lxc.net.0.type = empty",
                      "lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed"]
        if not spec.tty:
            lines.append("lxc.console.path = none")
        lines += [f"lxc.environment = {k}={one_line(v)}" for k, v in spec.env.items()]
        lines += [mount_entry(mount) for mount in spec.mounts]
        lines += self.config_lines
        with open(os.open(self.config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w",
                  encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def _start(self, spec: Spec) -> None:
        for name in ("root", "stage", "lxc"):
            (self.directory / name).mkdir(exist_ok=True)
        (self.directory / "subid").write_text(f"root:{SHIFT}:{IDS}\n", "ascii")
        (self.directory / "seccomp").write_text(self.seccomp, "ascii")
        (self.directory / "hook").write_text(HOOK, "ascii")
        (self.directory / "hook").chmod(0o755)
        if self.host_network or not self.host_loopback:
            (self.directory / "host-network").touch()
        self._write_config(spec)
        layers = ":".join(str(layer) for layer in (self.files, *self.trees.layers))
        # Without a console of its own PID 1 gets lxc-start's stdio.
        console: Pty | Pipe = Pty() if spec.tty else Pipe()
        self.console = console
        stage = ["unshare", "--mount", "--propagation", "private", "sh", "-c", STAGE, "sh",
                 str(self.directory), layers]
        if self._keep:
            stage = self._stage(stage)
        self._process = console.start(
            [*stage, "lxc-start", "--name", self.name,
             "--lxcpath", str(self.directory / "lxc"), "--rcfile", str(self.config), "--foreground",
             "--logfile", str(self.directory / "log"), "--logpriority", "INFO",
             # lxc.init.cmd is cut at every space, which Proxmox's users have to live with.
             *(["--", *spec.init] if any(" " in word for word in spec.init) else [])])
        try:
            wait_until("LXC sets the container up", self._set_up, 30, 0.001)
        except (TimeoutError, HostError) as error:
            raise HostError(f"{error}\n{self.report()}") from error

    def _stage(self, stage: list[str]) -> list[str]:
        """The words that run a command where the mounts are, which a process of their own keeps."""
        if not self._holder:
            self._holder = subprocess.Popen([*stage, "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE)
            assert self._holder.stdout and self._holder.stdout.readline(), "the mounts cannot be made"
        return ["nsenter", "--target", str(self._holder.pid), "--mount"]

    def _set_up(self) -> bool:
        """The hook has written the pid of what will be the init."""
        if not self.running:
            raise HostError(f"lxc-start ended with {self.process.returncode}")
        try:
            self.pid = int((self.directory / "pid").read_text("ascii"))
        except FileNotFoundError:
            return False
        return True

    def _go(self) -> None:
        (self.directory / "go").touch()
        wait_until("LXC executes the init", self._executed, 30, 0.001)

    def _executed(self) -> bool:
        try:
            return not os.readlink(f"/proc/{self.pid}/exe").endswith("/lxc-start")
        except OSError:
            return True  # and ended already

    def wait(self, timeout: float = 15.0) -> int:
        """As Host.wait; lxc-start itself ends with 0, but its log knows (lxc: src/lxc/error.c)."""
        status = super().wait(timeout)
        ends = re.findall(rf"Child <{self.pid}> ended on (error|signal) [^\n]*\((\d+)\)",
                          (self.directory / "log").read_text("utf-8", "replace"))
        if not ends:
            return status
        return int(ends[-1][1]) + (128 if ends[-1][0] == "signal" else 0)

    def report(self) -> str:
        try:
            lines = (self.directory / "log").read_text("utf-8", "replace").splitlines()
            log = "\n".join(ln for ln in lines if " WARN " in ln or " ERROR " in ln)[-3000:]
        except OSError:
            log = "(none)"
        return f"{super().report()}\n--- log of lxc-start:\n{log}"

    def lxc(self, tool: str, *words: str,
            timeout: float = 70.0) -> subprocess.CompletedProcess[str]:
        """One of LXC's own tools on this container, for example lxc("lxc-stop", "--nokill")."""
        command = [tool, "--name", self.name, "--lxcpath", str(self.directory / "lxc"), *words]
        return subprocess.run(["nsenter", "--target", str(self.process.pid), "--mount", *command],
                              capture_output=True, text=True, timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL)

    def cgroups(self) -> list[Path]:
        """The container's groups on this machine."""
        return [path for root in cgroup_roots() for path in root.glob(f"lxc.*.{self.name}")]

    def _clean(self) -> None:
        remove_groups(self.cgroups())  # LXC does it itself, unless lxc-start was killed

    def close(self) -> None:
        super().close()
        if self._holder:
            end_process(self._holder)
            for pipe in (self._holder.stdin, self._holder.stdout):
                if pipe:
                    pipe.close()
            self._holder = None
            shutil.rmtree(self.directory, ignore_errors=True)

    def leaks(self) -> list[str]:
        return super().leaks() + [f"cgroup {path}" for path in self.cgroups()]


def one_line(value: str) -> str:
    """LXC's configuration has no way to write a newline."""
    if "\n" in value or "\0" in value:
        raise ValueError("a value for LXC cannot hold a newline")
    return value


def mount_entry(mount: Mount) -> str:
    """A line for a bind mount, as Proxmox's mpN."""
    if " " in f"{mount.source}{mount.target}":
        raise ValueError("a path for LXC cannot hold a space")
    kind = "dir" if mount.source.is_dir() else "file"
    options = ",".join(["bind", f"create={kind}", *(["ro"] if mount.read_only else [])])
    return f"lxc.mount.entry = {mount.source} {mount.target.lstrip('/')} none {options} 0 0"
