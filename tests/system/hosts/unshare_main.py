"""Makes the namespaces of an UnshareHost and becomes its PID 1. Run by unshare.py, never by hand.

Three processes: one that keeps the mount namespace with the overlay and writes the id maps, one
that makes the other namespaces, and PID 1. Run as python3 -I -S, it starts in 15 ms.
"""
from __future__ import annotations

import ctypes
import fcntl
import json
import os
import platform
import signal
import socket
import struct
import sys
import termios
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH, PR_SET_PDEATHSIG = 2, 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = (("pts/ptmx", "ptmx"), ("/proc/self/fd", "fd"), ("/proc/self/fd/0", "stdin"),
         ("/proc/self/fd/1", "stdout"), ("/proc/self/fd/2", "stderr"))


def call(what: str, result: int) -> None:
    """OSError if a call of libc failed."""
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    call(f"mount {target}", LIBC.mount(source.encode(), target.encode(), kind.encode() or None,
                                       ctypes.c_ulong(flags), data.encode() or None))


def die_with_parent(parent: int) -> None:
    """SIGKILL when the parent goes; now, if it went already."""
    call("prctl", LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    if os.getppid() != parent:
        os._exit(1)


def leave_as(pid: int) -> None:
    """Ends as a child ends, in the shell's way to say it."""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os._exit(128 - status if status < 0 else status)


def raise_loopback() -> None:
    """Sets lo up in this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def mount_root(spec: dict[str, Any]) -> None:
    """The overlay, in a mount namespace of our own: nothing is left of it when we are gone."""
    stage, root = f"{spec['directory']}/stage", f"{spec['directory']}/root"
    call("unshare", LIBC.unshare(CLONE_NEWNS))
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("stage", stage, "tmpfs", 0, "mode=0755")
    for name in ("upper", "work"):
        os.mkdir(f"{stage}/{name}")
    os.chown(f"{stage}/upper", spec["shift"], spec["shift"])
    mount("root", root, "overlay", 0, f"lowerdir={':'.join(spec['layers'])},"
                                      f"upperdir={stage}/upper,workdir={stage}/work")


def fill_dev(root: str, tty: bool) -> None:
    """A /dev as container runtimes make it."""
    dev = f"{root}/dev"
    mount("dev", dev, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=500000")
    for name in DEVICES:
        os.close(os.open(f"{dev}/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
        mount(f"/dev/{name}", f"{dev}/{name}", "", MS_BIND)
    os.mkdir(f"{dev}/pts")
    mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC,
          "newinstance,ptmxmode=0666,mode=0620,gid=5")
    for target, name in LINKS:
        os.symlink(target, f"{dev}/{name}")
    if tty:
        os.close(os.open(f"{dev}/console", os.O_CREAT | os.O_WRONLY, 0o600))
        mount(os.ttyname(0), f"{dev}/console", "", MS_BIND)


def bind(root: str, source: str, target: str, read_only: bool) -> None:
    """A file or directory of the machine, bound into the container."""
    place = f"{root}/{target.lstrip('/')}"
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(source, place, "", MS_BIND)
    if read_only:
        flags = os.statvfs(place).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
        mount("none", place, "", MS_BIND | MS_REMOUNT | MS_RDONLY | flags)


def become_init(spec: dict[str, Any]) -> None:
    """In PID 1: the file systems, the way into the root, and the init."""
    root = f"{spec['directory']}/root"
    raise_loopback()
    socket.sethostname(spec["name"])
    # A mount that came from a more privileged namespace is locked; a bind of it is not.
    mount(root, root, "", MS_BIND | MS_REC)
    # Both are allowed only while a whole /proc and /sys can be seen, so before the pivot.
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("sysfs", f"{root}/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)
    fill_dev(root, spec["tty"])
    for source, target, read_only in spec["mounts"]:
        bind(root, source, target, read_only)
    os.chdir(root)
    number = PIVOT_ROOT[platform.machine()]
    call("pivot_root", LIBC.syscall(ctypes.c_long(number), b".", b"."))
    call("umount", LIBC.umount2(b".", MNT_DETACH))
    os.chdir("/")
    os.setsid()
    if spec["tty"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def run_init(spec: dict[str, Any], parent: int, ready: int, go: int) -> None:
    """PID 1: sets up, says so, waits, executes."""
    die_with_parent(parent)
    become_init(spec)
    os.write(ready, b"r")
    os.close(ready)
    if not os.read(go, 1):
        os._exit(1)
    os.close(go)
    # Python ignores these two, and what is ignored is inherited.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execve(spec["init"][0], spec["init"], spec["env"])


def make_namespaces(spec: dict[str, Any], parent: int, unshared: int, mapped: int, pid_fd: int,
                    go: int) -> None:
    """Between: makes the namespaces, whose ids the parent maps, and waits for PID 1."""
    call("unshare", LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                                 CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP))
    os.write(unshared, b"u")
    os.close(unshared)
    if not os.read(mapped, 1):
        os._exit(1)
    os.close(mapped)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    die_with_parent(parent)  # only now: a change of ids clears it
    ready_read, ready_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ready_read)
        os.close(pid_fd)
        # getppid() is 0 for PID 1: its parent is in another pid namespace.
        run_init(spec, 0, ready_write, go)
    os.close(ready_write)
    os.close(go)
    if os.read(ready_read, 1):
        os.write(pid_fd, f"{pid}\n".encode())
    os.close(pid_fd)
    leave_as(pid)


def main() -> None:
    """Arguments: fds of the spec, for the pid of PID 1, and to wait on before the init."""
    spec_fd, pid_fd, go = (int(word) for word in sys.argv[1:4])
    with open(spec_fd, encoding="utf-8") as file:
        spec = json.load(file)
    mount_root(spec)
    if spec["tty"]:
        os.fchown(0, spec["shift"], spec["shift"] + 5)
    unshared_read, unshared_write = os.pipe()
    mapped_read, mapped_write = os.pipe()
    me = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(unshared_read)
        os.close(mapped_write)
        make_namespaces(spec, me, unshared_write, mapped_read, pid_fd, go)
    for fd in (unshared_write, mapped_read, pid_fd, go):
        os.close(fd)
    if os.read(unshared_read, 1):
        for kind in ("uid", "gid"):
            with open(f"/proc/{pid}/{kind}_map", "w", encoding="ascii") as file:
                file.write(f"0 {spec['shift']} {spec['ids']}\n")
        os.write(mapped_write, b"m")
    os.close(mapped_write)
    leave_as(pid)


if __name__ == "__main__":
    main()
