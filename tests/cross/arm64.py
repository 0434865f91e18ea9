"""Everything for arm64 on an amd64 machine: compiled with aarch64-linux-gnu-gcc against Debian 13's own libraries for
arm64 (multiarch), and the unit tests under qemu-user.

In a Debian of its own, which mmdebstrap makes once, because Debian 12 has these libraries, but not of 13. The programs
are then in build/aarch64-linux-gnu. qemu-user is no kernel: what it cannot do is in UNTOLD, a test that fails there
tells nothing, and one that does not fail is taken off the list.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "system")]

from hosts.rootfs import SUITE, cache_directory, host_apt_options, host_mirror, making  # noqa: E402

TRIPLET = "aarch64-linux-gnu"
BUILD = ROOT / "build" / TRIPLET
PACKAGES = ("gcc-aarch64-linux-gnu", "make", "qemu-user", "libc6-dev:arm64",
            *(f"lib{name}-dev:arm64" for name in ("inih", "cap", "seccomp", "curl4-openssl", "ssl", "jansson", "zstd",
                                                  "cmocka")), "zlib1g-dev:arm64")
SECCOMP = "qemu-user has no seccomp"
UNTOLD = {
    "a_child_has_none_of_it": "qemu-user carries out no MADV_DONTFORK",
    "who_listens_is_named": "the name of every process is qemu's",
    "a_helper_is_asked": "qemu-user's vfork() is a fork(), so posix_spawn() cannot say that there is no program",
    "a_filter_forbids_what_it_says_in_the_way_it_says": SECCOMP,
    "a_unit_with_the_same_words_gets_the_same_filters": SECCOMP,
    "other_words_are_never_given_another_ones_filters": SECCOMP,
}
NOT_RUN = "the system tests, which need a kernel of that architecture (clone3, CLONE_PARENT, seccomp, namespaces)"
MOUNTS = """set -eu
mount --make-rprivate /
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mkdir -p "$1/src"
mount --bind "$2" "$1/src"
cd /
root=$1
shift 2
exec chroot "$root" "$@"
"""


def make_debian() -> Path:
    """The tree with the compiler, the libraries and qemu."""
    name = hashlib.sha256(json.dumps([SUITE, PACKAGES]).encode()).hexdigest()[:12]
    target = cache_directory() / f"arm64-{name}"
    with making():
        if target.is_dir():
            return target
        new = target.with_name(f".new-{os.getpid()}-{target.name}")
        mirror = host_mirror()
        print("a Debian with the libraries of arm64, once", flush=True)
        with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8") as options:
            options.write(host_apt_options())
            options.flush()
            subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--architectures=amd64,arm64",
                            f"--include={','.join(PACKAGES)}", "--dpkgopt=path-exclude=/usr/share/man/*",
                            "--dpkgopt=path-exclude=/usr/share/doc/*", f"--aptopt={options.name}", SUITE, str(new),
                            *([mirror] if mirror else [])], check=True)
        os.replace(new, target)
    return target


def inside(tree: Path, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
    """A command in the tree, with the checkout at /src."""
    return subprocess.run(["unshare", "--mount", "sh", "-c", MOUNTS, "-", str(tree), str(ROOT), *words],
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}, text=True, check=False,
                          stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload]


def run_test(tree: Path, program: str) -> tuple[int, set[str], set[str], str]:
    """One program of the unit tests: its status, what passed, what failed, and all that it said."""
    done = inside(tree, "sh", "-c", f"cd /src && exec timeout 120 qemu-aarch64 build/{TRIPLET}/unit/{program}",
                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return (done.returncode, set(re.findall(r"^\[       OK \] (\w+)$", done.stdout, re.M)),
            set(re.findall(r"^\[  FAILED  \] (\w+)$", done.stdout, re.M)), done.stdout)


def run_tests(tree: Path) -> int:
    """All of them; 1 if one fails that qemu is not to blame for."""
    good, untold, wrong = 0, set(), []
    for program in sorted(p.name for p in (BUILD / "unit").iterdir() if os.access(p, os.X_OK) and p.is_file()):
        status, passed, failed, said = run_test(tree, program)
        good += len(passed)
        untold |= failed & UNTOLD.keys()
        wrong += [f"{program}: {name}" for name in sorted(failed - UNTOLD.keys())]
        wrong += [f"{program}: {name} passes now: take it off UNTOLD" for name in sorted(passed & UNTOLD.keys())]
        if status and not failed:
            wrong.append(f"{program} ended with {status}")
        if status and (not failed or failed - UNTOLD.keys()):
            print(said)
    print(f"unit tests under qemu-user: {good} passed, {len(untold)} tell nothing there, {len(wrong)} failed")
    for name in sorted(untold):
        print(f"  not told: {name}: {UNTOLD[name]}")
    print(f"  not run: {NOT_RUN}")
    for line in wrong:
        print(f"  FAILED: {line}")
    return 1 if wrong else 0


def check_programs() -> int:
    """They are for arm64, PID 1 is static, and how large they are."""
    for name in ("hakim-init", "hakim-supervisor", "hakimctl", "hakim", "hakim-agent-fetch"):
        head = (BUILD / name).read_bytes()
        if head[:4] != b"\x7fELF" or int.from_bytes(head[18:20], "little") != 183:  # EM_AARCH64
            print(f"{name} is no program for arm64")
            return 1
        if name == "hakim-init" and b"/lib/ld-linux-aarch64.so.1" in head:
            print("hakim-init is not static")
            return 1
        print(f"  {name}: {len(head)} bytes")
    return 0


def main() -> int:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-tests", action="store_true", help="only compile")
    args = parser.parse_args()
    if os.uname().machine != "x86_64":
        print("this is for an amd64 machine: on one of arm64 make all test-unit does it")
        return 1
    for program in ("mmdebstrap", "unshare"):
        if not shutil.which(program):
            print(f"{program} is missing: make deps")
            return 1
    tree = make_debian()
    began = time.monotonic()
    done = inside(tree, "make", "--no-print-directory", "-C", "/src", f"-j{os.cpu_count()}", f"CROSS={TRIPLET}-",
                  "all", *([] if args.no_tests else ["unit-tests"]))
    if done.returncode:
        return 1
    print(f"compiled in {time.monotonic() - began:.0f} s")
    return check_programs() or (0 if args.no_tests else run_tests(tree))


if __name__ == "__main__":
    sys.exit(main())
