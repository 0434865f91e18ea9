"""Each quirk is made, and found; and where it is not there, it is said to be fine."""
from __future__ import annotations

import errno
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from hakim import answers, comm, services, unit, wait_units
from hosts.host import Mount
from hosts.process import wait_until
from quirk_kit import NESTING, quirks, row

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


def test_where_it_is_is_always_asked_since_the_other_rows_go_by_it(lxc):
    host = lxc()
    host.start({"HAKIM_QUIRKS": "-place,-fuse"}, tty=False)
    found = quirks(host)
    assert found["quirks"]["place"]["outcome"] == "fine"
    assert found["place"]["outer_uid"] == 100000 and found["place"]["boot_id"]
    assert found["quirks"]["cgroup"]["outcome"] == "remedied", found["quirks"]["cgroup"]
    assert [n for n, entry in found["quirks"].items() if entry["outcome"] == "off"] == ["fuse"]


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


def test_services_are_killed_for_memory_before_the_agent_where_nothing_can_be_lowered(lxc):
    host = lxc()
    unit(host, "other.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "own.service", "[Service]\nExecStart=/bin/sleep 2000\nOOMScoreAdjust=0\n")
    host.start({}, tty=False)
    wait_units(host, other="running", own="running")
    assert row(host, "oom-score")["outcome"] == "remedied"
    scores = {cmdline: int(Path(f"/proc/{pid}/oom_score_adj").read_text("ascii")) for pid in services(host, "sleep")
              for cmdline in [Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1].decode()]}
    own = int(Path(f"/proc/{host.pid}/oom_score_adj").read_text("ascii"))
    assert scores == {"1000": own + 100, "2000": 0}
    agent = host.read_file("/usr/lib/hakim/modules/coder-agent.service").decode()
    assert "\nOOMScoreAdjust=0\n" in agent
    assert host.stop() == 0


@pytest.mark.parametrize("name, path", [("fuse", "/dev/fuse"), ("tun", "/dev/net/tun")])
def test_a_device_that_the_host_gives_is_fine_and_one_that_it_does_not_give_is_told(lxc, name, path):
    without = lxc()
    without.start({}, tty=False)
    entry = row(without, name)
    assert entry["outcome"] == "needs-host" and entry["errno"] == errno.ENOENT
    assert entry["advice"].startswith("pct set <ctid> --")
    source = without.directory / name
    if name == "fuse":
        os.mknod(source, 0o666 | 0o020000, os.makedev(10, 229))
    else:
        os.mknod(source, 0o666 | 0o020000, os.makedev(10, 200))
    source.chmod(0o666)
    given = lxc()
    given.start({}, tty=False, mounts=[Mount(source, path)])
    entry = row(given, name)
    if entry["errno"] in (errno.ENXIO, errno.ENODEV):
        pytest.skip(f"this machine's kernel has no {name}")
    assert entry["outcome"] == "fine", entry


def test_lxcfs_is_missed_where_proc_shows_more_than_the_containers_limit(lxc):
    for total, outcome in ((64 << 20, "needs-host"), (1 << 20, "fine")):
        host = lxc()
        # After LXC, which mounts its cgroups last.
        script = (f"mount -t tmpfs groups /sys/fs/cgroup && cd /sys/fs/cgroup && echo {1 << 30} >memory.max && "
                  "printf 'low 0\\nhigh 7\\nmax 0\\n' >memory.events")
        meminfo = host.directory / "meminfo"
        meminfo.write_text(f"MemTotal: {total} kB\n", "ascii")
        host.start({}, tty=False, mounts=[Mount(meminfo, "/proc/meminfo")],
                   before=lambda h=host, s=script: h.exec(["sh", "-c", s]))
        found = quirks(host)
        assert found["place"]["memory_max"] == 1 << 30
        assert found["quirks"]["lxcfs"]["outcome"] == outcome, found["quirks"]["lxcfs"]
        assert found["quirks"]["memory-high"]["outcome"] == "needs-host"
        assert "7 times" in found["quirks"]["memory-high"]["text"]
        assert f"size={1 << 29}" in found["quirks"]["shm"]["text"]
        assert host.exec(["df", "-B1", "--output=size", "/dev/shm"]).stdout.split()[1] == str(1 << 29)


def test_a_low_limit_of_open_files_is_told_and_a_low_soft_one_raised(lxc):
    host = lxc()
    host.config_lines = ("lxc.prlimit.nofile = 1024:4096",)
    unit(host, "limit.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'ulimit -n'\n")
    host.start({}, tty=False)
    wait_units(host, limit="exited")
    entry = row(host, "nofile")
    assert entry["outcome"] == "needs-host" and "4096" in entry["text"], entry
    log = host.root("/var/log/hakim/limit.log")
    wait_until("it has said its limit", lambda: log.exists() and b" 4096\n" in log.read_bytes(), 10)


def test_keyrings_that_seccomp_denies_are_told_and_others_are_fine(lxc):
    denied = lxc()
    denied.start({}, tty=False)
    entry = row(denied, "keyring")
    assert entry["outcome"] == "needs-host" and entry["errno"] == errno.ENOSYS
    assert entry["advice"] == "pct set <ctid> --features keyctl=1"
    given = lxc()
    given.seccomp = given.seccomp.replace("keyctl errno 38\n", "")
    given.start({}, tty=False)
    assert row(given, "keyring")["outcome"] == "fine"


def test_namespaces_that_are_denied_are_told_and_nesting_is_fine(lxc):
    denied = lxc()
    # CLONE_NEWUSER is 0x10000000.
    denied.seccomp += "unshare errno 1 [0,268435456,SCMP_CMP_MASKED_EQ,268435456]\n"
    denied.start({}, tty=False)
    entry = row(denied, "nesting")
    assert entry["outcome"] == "needs-host" and entry["errno"] == errno.EPERM, entry
    assert entry["advice"] == "pct set <ctid> --features nesting=1"
    given = lxc()
    given.config_lines = NESTING
    given.start({}, tty=False)
    found = quirks(given)
    assert found["quirks"]["nesting"]["outcome"] == "fine", found["quirks"]["nesting"]
    assert found["place"]["nesting"]


def test_processes_leave_the_root_group_and_controllers_are_enabled(lxc):
    host = lxc()
    host.start({}, tty=False)
    entry = row(host, "cgroup")
    assert entry["outcome"] == "remedied", entry
    assert host.exec(["cat", "/proc/1/cgroup"]).stdout.splitlines()[-1] == "0::/hakim/init"
    assert host.read_file("/sys/fs/cgroup/cgroup.procs") == b""
    assert host.read_file("/sys/fs/cgroup/cgroup.subtree_control") == \
        host.read_file("/sys/fs/cgroup/cgroup.controllers")


def test_as_a_user_in_bare_namespaces_nothing_is_changed_and_it_says_so(tmp_path):
    """unshare -Ur: root in name only, of one id, and no container's manager."""
    build = Path(__file__).resolve().parents[2] / os.environ.get("HAKIM_BUILD", "build")
    tmp_path.chmod(0o777)
    # The directories down to it are pytest's own, for root alone.
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.getuid() and "pytest" in str(parent):
            parent.chmod(0o755)
    script = ("mount -t tmpfs run /run && mount -t tmpfs log /var/log && cp /proc/mounts \"$2/before\" && "
              "exec \"$1/hakim-init\" sh -c 'until grep -q complete.:true /run/hakim/quirks.json; do sleep 0.01; done; "
              "cat /run/hakim/quirks.json >\"$0/quirks.json\"; cat /proc/mounts >\"$0/after\"' \"$2\"")
    subprocess.run(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "env", "-i",
                    "PATH=/usr/bin:/bin", f"HAKIM_SUPERVISOR={build}/hakim-supervisor",
                    "unshare", "-Urpmf", "--mount-proc", "sh", "-c", script, "sh", str(build), str(tmp_path)],
                   check=True, timeout=60, stdin=subprocess.DEVNULL)
    found = json.loads((tmp_path / "quirks.json").read_text("ascii"))
    rows = {entry["name"]: entry for entry in found["quirks"]}
    assert found["place"]["user_namespace"] and found["place"]["ids"] == 1
    for name in LXC_ONLY:
        assert rows[name]["outcome"] == "not-applicable", rows[name]
    assert (tmp_path / "before").read_text("utf-8") == (tmp_path / "after").read_text("utf-8")


def test_the_file_is_absent_where_it_is_not_root(podman):
    host = podman()
    host.options = (*host.options, "--user=1000:1000")
    own = host.directory / "own"
    own.mkdir()
    os.chown(own, 1000, 1000)
    host.start({}, ["sleep", "1000"], tty=False, mounts=[Mount(own, "/run/hakim")])
    wait_until("sleep runs", lambda: services(host, "sleep") != [])
    wait_until("the supervisor answers", lambda: answers(host))
    assert (own / "control.sock").exists(), "it could have been written"
    wait_until("nothing of the set-up is at work", lambda: "hakim-quirks" not in map(comm, host.processes()), 40)
    assert not (own / "quirks.json").exists()


@pytest.mark.parametrize("value, outcome", [("8192", "needs-host"), ("524288", "fine")])
def test_limits_of_inotify_are_told_with_the_line_for_the_host(lxc, value, outcome):
    host = lxc()
    limit = host.directory / "watches"
    limit.write_text(f"{value}\n", "ascii")
    host.start({}, tty=False, mounts=[Mount(limit, "/proc/sys/fs/inotify/max_user_watches")])
    entry = row(host, "inotify")
    assert entry["outcome"] == outcome, entry
    if outcome == "needs-host":
        assert "8192" in entry["text"] and "fs.inotify.max_user_watches=524288" in entry["advice"]


def test_in_podman_what_is_for_all_places_is_asked(podman):
    host = podman()
    host.start({}, [], tty=True)
    found = quirks(host)["quirks"]
    assert found["proc"]["outcome"] == "fine" and found["sys"]["outcome"] == "fine"
    assert found["nofile"]["outcome"] == "needs-host", "podman's own limit is 1024 here"
    assert found["machine-id"]["outcome"] in ("fine", "remedied")
    asked = {found[n]["outcome"] for n in ("inotify", "memory-high", "directories")}
    assert asked <= {"fine", "remedied", "needs-host"}


def test_a_condition_on_the_place_holds_in_that_place_alone(lxc):
    host = lxc()
    for name, condition in (("lxc", "lxc"), ("podman", "podman"), ("nspawn", "systemd-nspawn"),
                            ("users", "private-users")):
        unit(host, f"{name}.service", f"[Unit]\nConditionVirtualization={condition}\n"
             "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    found = wait_units(host, lxc="running", users="running", podman="skipped", nspawn="skipped")
    assert found["manager"]["place"] == "lxc"


def asked_again(host, *options):
    """`hakim-init --quirks`: its rows by name."""
    return {entry["name"]: entry for entry in
            json.loads(host.exec(["hakim-init", "--quirks", *options]).stdout)["quirks"]}


def test_rows_can_be_asked_again_in_a_running_container_and_only_fix_changes_anything(lxc):
    host = lxc()
    host.start({"HAKIM_QUIRKS": "-fuse"}, tty=False)
    at_boot = host.read_file("/run/hakim/quirks.json") if quirks(host) else b""
    host.exec(["umount", "/dev/shm"])
    host.exec(["rm", "/etc/machine-id"])
    found = asked_again(host)
    assert "shm" not in found and "run" not in found and "nofile" not in found
    assert found["fuse"]["outcome"] == "off" and found["tun"]["outcome"] == "needs-host"
    assert not host.root("/etc/machine-id").exists()
    found = asked_again(host, "--fix")
    assert found["shm"]["outcome"] == found["machine-id"]["outcome"] == "remedied"
    assert found["ping"]["outcome"] == found["cgroup"]["outcome"] == "fine", found["cgroup"]
    assert "run" not in found and "stale-files" not in found
    assert " /dev/shm tmpfs " in host.read_file("/proc/1/mounts").decode()
    assert host.read_file("/run/hakim/quirks.json") == at_boot
    assert host.exec(["hakim-init", "--quirks"], user="coder", check=False).returncode == 1
    assert host.exec(["hakim-init", "--fix"], check=False).returncode == 2
    assert host.exec(["hakim-init", "--quirks", "true"], check=False).returncode == 2
    assert host.stop() == 0
