"""Each quirk is made, and found; and where it is not there, it is said to be fine."""
from __future__ import annotations

import os
import re

import pytest

from hosts.host import Mount
from quirk_kit import quirks, row

LXC_ONLY = ("run", "shm", "pts", "loopback", "shared-mounts", "stale-files", "ping", "low-ports", "home", "cgroup",
            "nesting", "fuse", "tun", "keyring", "overlay", "nosuid", "nix", "lxcfs", "oom-score")
OUTCOMES = {"fine", "remedied", "needs-host", "not-applicable", "failed", "off"}


def test_every_row_is_asked_and_the_place_is_known(lxc):
    host = lxc()
    host.start({}, tty=False)
    found = quirks(host)
    assert found["place"]["kind"] == "lxc"
    assert found["place"]["user_namespace"] and found["place"]["outer_uid"] == 100000
    assert found["place"]["cgroup"] == 2 and found["place"]["cgroup_writable"]
    assert found["place"]["boot_id"] == host.read_file("/dev/.lxc-boot-id").decode().strip()
    assert set(LXC_ONLY) < set(found["quirks"])
    for entry in found["quirks"].values():
        assert entry["outcome"] in OUTCOMES - {"not-applicable", "off", "failed"}, entry
        assert entry["text"] and entry["errno"] >= 0
    assert host.stop() == 0


def test_proxmox_is_known_by_its_block_in_hosts(lxc):
    host = lxc()
    host.put_file("/etc/hosts", "127.0.0.1 localhost\n# --- BEGIN PVE ---\n10.0.0.2 box\n# --- END PVE ---\n")
    host.start({}, tty=False)
    assert quirks(host)["place"]["kind"] == "proxmox"


def test_in_podman_rows_of_lxc_are_not_applicable_and_nothing_is_mounted(podman):
    host = podman()
    host.start({}, [], tty=True)
    found = quirks(host)
    assert found["place"]["kind"] == "podman"
    for name in LXC_ONLY:
        assert found["quirks"][name]["outcome"] == "not-applicable", name
    mounts = host.read_file("/proc/1/mounts").decode()
    assert " /run tmpfs " not in mounts
    assert " ro" not in [line for line in mounts.splitlines() if " / " in line][0].split()[3].split(",")


@pytest.mark.parametrize("name", ["run", "shm", "machine-id", "fuse", "cgroup"])
def test_a_row_that_is_switched_off_does_nothing(lxc, name):
    host = lxc()
    host.start({"HAKIM_QUIRKS": f"-nothing,-{name}"}, tty=False)
    found = quirks(host)["quirks"]
    assert found[name]["outcome"] == "off"
    assert [n for n, entry in found.items() if entry["outcome"] == "off"] == [name]
    mounts = host.read_file("/proc/1/mounts").decode()
    assert (" /run tmpfs " in mounts) == (name != "run")
    assert (" /dev/shm tmpfs " in mounts) == (name != "shm")
    assert bool(re.fullmatch(rb"[0-9a-f]{32}\n", host.read_file("/etc/machine-id")
                             if host.root("/etc/machine-id").exists() else b"")) == (name != "machine-id")


def test_a_machine_id_is_made_once(lxc):
    host = lxc().keep()
    host.put_file("/etc/machine-id", "uninitialized\n")
    host.start({}, tty=False)
    assert row(host, "machine-id")["outcome"] == "remedied"
    made = host.read_file("/etc/machine-id")
    assert re.fullmatch(rb"[0-9a-f]{32}\n", made)
    host.kill9()
    host.again()
    assert row(host, "machine-id")["outcome"] == "fine"
    assert host.read_file("/etc/machine-id") == made


def test_what_the_image_has_in_run_stays_and_what_a_dead_boot_left_goes(lxc):
    host = lxc()
    host.put_file("/run/shipped/by-image.conf", "x")
    host.put_file("/run/docker.pid", "1\n")
    host.start({}, tty=False)
    assert row(host, "run")["outcome"] == "remedied"
    assert host.read_file("/run/shipped/by-image.conf") == b"x"
    assert not host.root("/run/docker.pid").exists()


def test_a_run_that_the_admin_has_mounted_stays_and_stale_files_in_it_go_once(lxc):
    host = lxc().keep()
    source = host.directory / "run"
    (source / "sub").mkdir(parents=True)
    for name in ("docker.pid", "sub/containerd.pid", "keep.conf"):
        (source / name).write_text("1\n", "ascii")
    host.put_file("/tmp/.X7-lock", "         1\n")
    source.chmod(0o755)
    for path in [source, *source.rglob("*")]:
        os.chown(path, 100000, 100000)
    host.start({}, tty=False, mounts=[Mount(source, "/run")])
    found = quirks(host)["quirks"]
    assert found["run"]["outcome"] == "fine" and "admin" in found["run"]["text"]
    assert found["stale-files"]["outcome"] == "remedied", found["stale-files"]
    assert not (source / "docker.pid").exists() and not (source / "sub/containerd.pid").exists()
    assert (source / "keep.conf").exists()
    assert not host.root("/tmp/.X7-lock").exists()


def test_the_set_up_costs_no_more_than_a_handful_of_programs(lxc):
    """A ratio: the early rows against the start of /bin/true in the same container, both at their best."""
    early, one = [], []
    for _ in range(5):
        host = lxc()
        host.start({}, tty=False)
        early.append(quirks(host)["early_us"])
        took = host.exec(["bash", "-c", "TIMEFORMAT=%R; time for i in {1..50}; do /bin/true; done"]).stderr
        one.append(float(took) * 1e6 / 50)
        assert host.stop() == 0
    print(f"early rows {min(early)} us, one program {min(one):.0f} us, {min(early) / min(one):.1f} times")
    assert min(early) <= 5 * min(one)
