"""The Debian trees of the containers: made once by mmdebstrap, cached, unpacked with shifted ids.

In the cache (HAKIM_CACHE, else /var/cache/hakim) are NAME.tar, and NAME.shifted, the same tree
unpacked with all ids moved by 100000, as an unprivileged container needs it. NAME holds a hash of
the recipe. The trees are never written to: a container gets an overlay on them.

There are two recipes here: SMALL is what most tests need, DAEMONS has Debian's own services besides.
Those of the modules' programs are in programs.py.
"""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hosts.process import HostError, run

ROOT = Path(__file__).resolve().parents[3]
SHIFT = 100000
IDS = 65536
SUITE = "trixie"
# The libraries of our dynamic programs, and of those that a sanitizer was built into.
PACKAGES = ("ca-certificates", "tmux", "vim-tiny", "procps", "sudo", "iproute2", "strace",
            "libcurl4t64", "libssl3t64", "libjansson4", "libinih1", "libseccomp2", "libcap2",
            "libasan8", "libubsan1")
# Each is a line of sh with the tree in $1.
USERS = (
    'chroot "$1" groupadd -g 1000 coder',
    'chroot "$1" useradd -m -u 1000 -g 1000 -s /bin/bash coder',
    'mkdir "$1/home/coder/project" && chown 1000:1000 "$1/home/coder/project"',
    'printf "coder ALL=(ALL) NOPASSWD:ALL\\n" >"$1/etc/sudoers.d/coder"',
    'chmod 0440 "$1/etc/sudoers.d/coder"',
)
CLEAN = (
    'rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/var/cache/apt/*.bin',
    'rm -rf "$1"/var/lib/apt/lists/* "$1"/usr/share/doc/* "$1"/usr/share/locale/*',
)
# Debian's own services. What their packages want of systemd is two programs, to be had without the rest of it.
SERVICES = ("systemd-standalone-sysusers", "systemd-standalone-tmpfiles", "openssh-server", "cron", "dbus",
            "nginx-light", "redis-server", "postgresql", "memcached", "docker.io", "docker-cli",
            "busybox-static")
# For tests that install and remove packages where no mirror is reached.
DEBS = "/opt/debs"
KEEP_DEBS = (
    f'mkdir -p "$1{DEBS}" && cd "$1{DEBS}" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -qq '
    '-o APT::Sandbox::User=root download nginx nginx-common memcached libevent-2.1-7t64',
)


@dataclass(frozen=True)
class Recipe:
    """What a tree is made of; `part` is what of it is kept, if not all: paths relative to its root."""

    packages: tuple[str, ...]
    customize: tuple[str, ...]
    part: tuple[str, ...] = ()
    suite: str = SUITE

    @property
    def name(self) -> str:
        """Changes whenever the tree would."""
        part = [self.part] if self.part else []
        recipe = json.dumps([self.suite, self.packages, self.customize, SHIFT, os.uname().machine, *part])
        return f"{self.suite}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


SMALL = Recipe(PACKAGES, (*USERS, *CLEAN))
DAEMONS = Recipe((*PACKAGES, *SERVICES), (*USERS, *KEEP_DEBS, *CLEAN))
# What of this machine's apt configuration the way to its mirror may need.
APT_OPTIONS = ("Acquire::http::", "Acquire::https::", "Acquire::Check-", "Acquire::Retries",
               "Acquire::ForceIPv")


def cache_directory() -> Path:
    """Where trees are kept."""
    return Path(os.environ.get("HAKIM_CACHE") or "/var/cache/hakim")


def host_mirror() -> str:
    """The mirror that this machine itself takes Debian from, or "" for mmdebstrap's own choice."""
    release = dict(line.split("=", 1) for line in
                   Path("/etc/os-release").read_text("utf-8").splitlines() if "=" in line)
    codename = release.get("VERSION_CODENAME", "").strip('"')
    # One answer for all formats of sources, old and new.
    targets = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
                   "Created-By: Packages"])
    for line in targets.splitlines():
        words = line.split()
        if words[1:] == [codename, "main"]:
            return words[0]
    return ""


def host_apt_options() -> str:
    """Proxies, certificates and the like, as lines of apt.conf."""
    dump = run(["apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', "Acquire"])
    lines = [ln for ln in dump.splitlines() if ln.startswith(APT_OPTIONS)]
    return "".join(f"{line}\n" for line in lines)


@contextlib.contextmanager
def locked(*files: Path) -> Iterator[None]:
    """One at a time makes what these are the locks of; the others wait and then find it made."""
    with contextlib.ExitStack() as stack:
        # In one order, so that no two wait for each other.
        for file in sorted(files):
            fcntl.flock(stack.enter_context(open(file, "w", encoding="ascii")), fcntl.LOCK_EX)
        yield


def make_tar(recipe: Recipe, target: Path) -> None:
    """Lets mmdebstrap make the tree."""
    temporary = target.with_name(f".new-{os.getpid()}-{target.name}")
    mirror = host_mirror()
    hooks = list(recipe.customize)
    if recipe.part:
        hooks.append(f'tar -C "$1" --numeric-owner -cf {shlex.quote(str(temporary))} {shlex.join(recipe.part)}')
    with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8") as options:
        options.write(host_apt_options())
        options.flush()
        command = ["mmdebstrap", "--quiet", "--variant=minbase",
                   *([f"--include={','.join(recipe.packages)}"] if recipe.packages else []),
                   "--dpkgopt=path-exclude=/usr/share/man/*", f"--aptopt={options.name}",
                   *(f"--customize-hook={line}" for line in hooks),
                   recipe.suite, os.devnull if recipe.part else str(temporary), *([mirror] if mirror else [])]
        try:
            run(command, timeout=900)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def in_user_namespace(action: Callable[[], int]) -> int:
    """Runs it in a child that is root of a user namespace with our shifted ids; its exit status.

    The map is written by us: newuidmap would insist on a line for root in /etc/subuid.
    """
    ready_read, ready_write = os.pipe()
    go_read, go_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(ready_read)
            os.close(go_write)
            # os.unshare() came only with Python 3.12.
            import ctypes
            if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):  # CLONE_NEWUSER
                raise OSError(ctypes.get_errno(), "unshare")
            os.write(ready_write, b"r")
            if os.read(go_read, 1):
                os.setgroups([])
                os.setresgid(0, 0, 0)
                os.setresuid(0, 0, 0)
                status = action()
        except BaseException as error:  # noqa: B902  # the child must not run on in our code
            print(f"user namespace: {error}", file=sys.stderr)
        finally:
            os._exit(status)
    os.close(ready_write)
    os.close(go_read)
    try:
        if os.read(ready_read, 1):
            for kind in ("uid", "gid"):
                Path(f"/proc/{pid}/{kind}_map").write_text(f"0 {SHIFT} {IDS}\n", "ascii")
            os.write(go_write, b"g")
    finally:
        os.close(ready_read)
        os.close(go_write)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status


def make_shifted(tar: Path, target: Path) -> None:
    """Unpacks the tar with shifted ids; file capabilities become those of the shifted root."""
    temporary = target.with_name(f".new-{os.getpid()}-{target.name}")
    temporary.mkdir()
    os.chown(temporary, SHIFT, SHIFT)
    command = ["tar", "--extract", "--numeric-owner", "--same-permissions", "--xattrs",
               "--xattrs-include=*", "--exclude=./dev/*", "--directory", "."]

    def unpack() -> int:
        return subprocess.run([*command], stdin=source, check=False).returncode

    here = os.getcwd()
    try:
        # The cache may be closed to the shifted root; what is open already is not.
        with open(tar, "rb") as source:
            os.chdir(temporary)
            if in_user_namespace(unpack) != 0:
                raise HostError(f"{tar} could not be unpacked with shifted ids")
        os.replace(temporary, target)
    finally:
        os.chdir(here)
        shutil.rmtree(temporary, ignore_errors=True)


def paths(recipe: Recipe = SMALL) -> tuple[Path, Path]:
    """Where the tar and the shifted tree are, or will be."""
    cache = cache_directory()
    return cache / f"{recipe.name}.tar", cache / f"{recipe.name}.shifted"


@contextlib.contextmanager
def making(*recipes: Recipe) -> Iterator[None]:
    """Nobody else makes these trees, and what a process that has gone left half made is removed."""
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    with locked(*(cache / f"{recipe.name}.lock" for recipe in recipes)):
        for stale in cache.glob(".new-[0-9]*-*"):
            if not Path("/proc", stale.name.split("-")[1]).exists():
                shutil.rmtree(stale, ignore_errors=True)
                stale.unlink(missing_ok=True)
        yield


def make_tree(recipe: Recipe = SMALL) -> tuple[Path, Path]:
    """The tar and the shifted tree, made if they are not there."""
    tar, shifted = paths(recipe)
    with making(recipe):
        if not tar.exists():
            make_tar(recipe, tar)
        if not shifted.is_dir():
            make_shifted(tar, shifted)
    return tar, shifted


def make_layers(*recipes: Recipe) -> list[Path]:
    """Only the shifted trees; those that are not there are made at the same time."""
    with making(*recipes):
        wanted = [recipe for recipe in recipes if not paths(recipe)[1].is_dir()]
        tars = [paths(recipe)[0] for recipe in wanted]
        try:
            with ThreadPoolExecutor(max(len(wanted), 1)) as pool:
                list(pool.map(make_tar, wanted, tars))
            for recipe in wanted:
                make_shifted(*paths(recipe))
        finally:
            # They are large, and only podman wants one.
            for tar in tars:
                tar.unlink(missing_ok=True)
    return [paths(recipe)[1] for recipe in recipes]


def install_programs(build: str, target: Path) -> None:
    """Our programs and modules, as `make install` puts them into a tree; ids as here."""
    sanitize = ["SANITIZE=1"] if Path(build).name == "sanitize" else []
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    run(["make", "--no-print-directory", "-C", str(ROOT), "install", f"DESTDIR={target}",
         "PREFIX=/usr", *sanitize], timeout=600, env=env)
