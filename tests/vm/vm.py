"""`make test-vm`: a whole Debian with its own kernel, in qemu, with LXC and its stock AppArmor profiles inside.

Here alone are AppArmor and a pure cgroup2 with memory and pids controllers to be seen. It boots by software
emulation, starts an unprivileged container twice (with the stock profile, and with nesting), and prints what
`hakimctl doctor` says in each. Ends with 0 if both came up and what they say of themselves is true.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "system")]

from hosts import rootfs  # noqa: E402
from hosts.host import own_by_container  # noqa: E402

PACKAGES = ("linux-image-cloud-amd64", "initramfs-tools", "lxc", "apparmor", "kmod", "iproute2", "procps", "util-linux",
            "busybox-static", "uidmap")
MACHINE = rootfs.Recipe(PACKAGES, rootfs.CLEAN)
IMAGE_MIB = 3072
MEMORY_MIB = 2048
SECONDS = 420
LIMIT = 512 << 20
BEGIN, END = "<<<quirks ", ">>>"


def make_image(build: str, directory: Path) -> Path:
    """A disk with the machine, and in it the container's root with our programs."""
    tar, container = rootfs.make_tree(MACHINE)[0], rootfs.make_tree()[1]
    machine = directory / "machine"
    machine.mkdir()
    subprocess.run(["tar", "--extract", "--numeric-owner", "--same-permissions", "--exclude=./dev/*",
                    f"--file={tar}", f"--directory={machine}"], check=True)
    subprocess.run(["cp", "-a", str(container), str(machine / "container")], check=True)
    programs = directory / "programs"
    rootfs.install_programs(build, programs)
    # A container that waits for nothing and starts no program that is not there.
    for file in (programs / "usr/lib/hakim/modules").iterdir():
        file.unlink()
    own_by_container(programs, rootfs.SHIFT)
    subprocess.run(["cp", "-a", f"{programs}/.", str(machine / "container")], check=True)
    shutil.copy(Path(__file__).with_name("init.sh"), machine / "vm-init")
    (machine / "vm-init").chmod(0o755)
    (machine / "etc/subuid").write_text("root:100000:65536\n", "ascii")
    (machine / "etc/subgid").write_text("root:100000:65536\n", "ascii")
    image = directory / "disk"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(machine), str(image), f"{IMAGE_MIB}M"], check=True)
    for name in ("vmlinuz", "initrd.img"):
        [source] = (machine / "boot").glob(f"{name}-*")
        shutil.copy(source, directory / name)
    shutil.rmtree(machine)
    return image


def boot(directory: Path, image: Path) -> str:
    """What the machine has said until it was off."""
    # One processor: the emulation of two trips over the kernel's patching of its own text.
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", str(MEMORY_MIB),
               "-nographic", "-no-reboot", "-nic", "none", "-kernel", str(directory / "vmlinuz"),
               "-initrd", str(directory / "initrd.img"), "-drive", f"file={image},format=raw,if=virtio,cache=unsafe",
               "-append", "console=ttyS0 root=/dev/vda rw init=/vm-init quiet panic=-1 apparmor=1 security=apparmor"]
    said = []
    with subprocess.Popen(["timeout", str(SECONDS), *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, errors="replace") as machine:
        assert machine.stdout
        for line in machine.stdout:
            said.append(line)
            # The JSON is for check() alone.
            if not line.startswith(('{"', '"')):
                print(line, end="", flush=True)
    return "".join(said)


def check(said: str) -> list[str]:
    """What is wrong; empty when all is well."""
    wrong = []
    for kind in ("stock", "nesting"):
        at = said.find(f"{BEGIN}{kind}")
        if at < 0:
            wrong.append(f"{kind}: the container did not come up")
            continue
        text = said[at:].split("\n", 1)[1].split(END, 1)[0]
        if not re.search(rf"^--- {kind}: \S.* \(enforce\)\r?$", said, re.M):
            wrong.append(f"{kind}: AppArmor does not confine PID 1")
        found = json.loads(text.replace("\r", ""))
        rows = {row["name"]: row for row in found["quirks"]}
        if found["place"]["memory_max"] != LIMIT:
            wrong.append(f"{kind}: memory_max is {found['place']['memory_max']}")
        if not {"memory", "pids"} <= set(found["place"]["cgroup_controllers"].split()):
            wrong.append(f"{kind}: controllers are {found['place']['cgroup_controllers']}")
        for name in ("run", "shm", "pts", "cgroup", "ping", "machine-id"):
            if rows[name]["outcome"] not in ("fine", "remedied"):
                wrong.append(f"{kind}: {name} is {rows[name]}")
        # There is no lxcfs on this machine.
        for name, outcome in (("lxcfs", "needs-host"), ("nesting", "needs-host" if kind == "stock" else "fine")):
            if rows[name]["outcome"] != outcome:
                wrong.append(f"{kind}: {name} is {rows[name]}")
    return wrong


def main() -> int:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    options = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("qemu-system-x86_64"):
        print("test-vm: needs root, and the package qemu-system-x86", file=sys.stderr)
        return 1
    directory = Path(tempfile.mkdtemp(prefix="hakim-vm-"))
    try:
        wrong = check(boot(directory, make_image(options.build, directory)))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    for line in wrong:
        print(f"test-vm: {line}", file=sys.stderr)
    print("test-vm: " + ("FAILED" if wrong else "both containers came up, and what they say of themselves is true"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
