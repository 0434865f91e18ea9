"""Each quirk is made, and found; and where it is not there, it is said to be fine."""
from __future__ import annotations

import errno
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from hakim import answers, comm, services, status, unit, wait_units
from hosts.host import Mount
from hosts.process import wait_until
from quirk_kit import quirks, row

LXC_ONLY = ("run", "shm", "pts", "loopback", "shared-mounts", "stale-files", "ping", "low-ports", "home", "cgroup",
            "nesting", "fuse", "tun", "keyring", "overlay", "nosuid", "nix", "lxcfs", "oom-score")
# What LXC's nesting.conf adds.
NESTING = ("lxc.mount.entry = proc dev/.lxc/proc proc create=dir 0 0",
           "lxc.mount.entry = sys dev/.lxc/sys sysfs create=dir 0 0")
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


def test_sockets_of_a_display_that_is_mounted_from_elsewhere_stay(lxc):
    host = lxc()
    host.put_file("/tmp/.X7-lock", "         1\n")
    display = volume(host, "display")
    (display / "X0").write_text("", "ascii")
    os.chown(display / "X0", 100000, 100000)
    host.start({}, tty=False, mounts=[Mount(display, "/tmp/.X11-unix")])
    assert row(host, "stale-files")["outcome"] == "remedied", row(host, "stale-files")
    assert (display / "X0").exists() and not host.root("/tmp/.X7-lock").exists()
    assert host.stop() == 0


def test_a_mount_of_the_same_file_system_is_another_mount_all_the_same(lxc):
    """One tmpfs is /run, /tmp and what is mounted below them: its number tells nothing."""
    host = lxc()
    script = """
        mount -t tmpfs all /opt && cd /opt
        mkdir -p run/bound tmp/.X11-unix tmp/.ICE-unix display alive/sub
        touch run/stale.pid tmp/.ICE-unix/12 display/X0 alive/sub/alive.pid alive/alive.pid bound.pid
        touch run/file.pid
        mount --bind run /run && mount --bind tmp /tmp
        mount --bind display /tmp/.X11-unix && mount --bind alive /run/bound && mount --bind bound.pid /run/file.pid
    """
    host.start({}, tty=False, before=lambda: host.exec(["sh", "-ec", script]))
    assert row(host, "stale-files")["outcome"] == "remedied", row(host, "stale-files")
    assert row(host, "stale-files")["text"].startswith("2 stale "), row(host, "stale-files")
    left = host.exec(["sh", "-c", "cd /opt && find . -type f | sort"]).stdout.split()
    for name in ("alive/alive.pid", "alive/sub/alive.pid", "bound.pid", "display/X0", "run/file.pid"):
        assert f"./{name}" in left, left
    assert "./run/stale.pid" not in left and "./tmp/.ICE-unix/12" not in left
    assert host.stop() == 0


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


def give_network(host, *commands):
    """In the network of the container, from outside: what the host's tools do."""
    for command in commands:
        subprocess.run([*host.network(), "ip", *command.split()], check=True)


@pytest.fixture(name="online")
def _online(lxc):
    """A container with an interface and no address, in which one unit wants a network and the other does not."""
    host = lxc()
    unit(host, "wants.service", "[Unit]\nWants=network-online.target\nAfter=network-online.target\n"
         "[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "only-after.service", "[Unit]\nAfter=network.target\n[Service]\nExecStart=/bin/sleep 1000\n")
    return host


def start_with_interface(host, env):
    host.start(env, tty=False, before=lambda: give_network(
        host, "link add d0 type veth peer name d1", "link set d0 up", "link set d1 up"))


def test_only_units_that_want_a_network_wait_for_it(online):
    start_with_interface(online, {"HAKIM_NETWORK_TIMEOUT": "600"})
    online.put_file("/etc/resolv.conf", "# none yet\n")
    found = wait_units(online, only_after="running", network_online_wait="start")
    assert found["units"]["wants"]["sub"] == "waiting"
    assert row(online, "default-route")["outcome"] == "needs-host"
    give_network(online, "addr add 10.9.9.2/24 dev d0", "route add default via 10.9.9.1 dev d0")
    wait_until("it waits for names", lambda: "resolv.conf" in (
        status(online)["units"]["network-online-wait"]["status"] or ""))
    online.put_file("/etc/resolv.conf", "nameserver 10.9.9.1\n")
    wait_units(online, wants="running", network_online_wait="exited")
    assert online.stop() == 0


def test_a_network_that_never_comes_holds_up_for_so_long_and_no_longer(online):
    start_with_interface(online, {"HAKIM_NETWORK_TIMEOUT": "1"})
    found = wait_units(online, wants="running")
    assert "going on without" in found["units"]["network-online-wait"]["status"]
    assert online.stop() == 0


def test_where_there_is_no_interface_nobody_waits(online):
    online.start({}, tty=False)
    found = wait_units(online, wants="running")
    assert "not waiting" in found["units"]["network-online-wait"]["status"]
    assert online.stop() == 0


def test_a_default_route_is_fine(online):
    online.start({}, tty=False, before=lambda: give_network(
        online, "link add d0 type veth peer name d1", "link set d0 up", "link set d1 up",
        "addr add 10.9.9.2/24 dev d0", "route add default via 10.9.9.1 dev d0", "addr add fd00::2/64 dev d0 nodad"))
    found = quirks(online)["quirks"]
    assert found["default-route"]["outcome"] == "fine"
    assert found["ipv6"]["text"] == "there is an IPv6 address"


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


def volume(host, name="volume"):
    """A directory of this machine that the container's root owns, for a Mount."""
    directory = host.directory / name
    directory.mkdir()
    os.chown(directory, 100000, 100000)
    return directory


def test_an_empty_nix_gets_the_images_store_once(lxc):
    host = lxc().keep()
    host.put_file("/nix/store/abc-hello/bin/hello", "#!/bin/sh\necho hello\n", 0o555)
    host.put_file("/nix/var/nix/profiles/x", "profile")
    store = volume(host)
    mounts = [Mount(store, "/nix")]
    host.start({}, tty=False, mounts=mounts)
    wait_until("it is seeded", lambda: "has the image's store" in row(host, "nix")["text"])
    assert host.exec(["/nix/store/abc-hello/bin/hello"]).stdout == "hello\n"
    assert (store / "var/nix/profiles/x").read_text("ascii") == "profile"
    assert sorted(p.name for p in store.iterdir()) == [".hakim-seed.lock", "store", "var"]
    (store / "store/abc-hello/bin/hello").unlink()
    assert host.stop() == 0
    again = lxc()
    again.put_file("/nix/store/abc-hello/bin/hello", "#!/bin/sh\necho hello\n", 0o555)
    again.start({}, tty=False, mounts=mounts)
    assert row(again, "nix")["outcome"] == "fine"
    assert not (store / "store/abc-hello/bin/hello").exists(), "what people have done to it is theirs"
    assert again.stop() == 0


def test_a_nix_whose_life_was_killed_between_var_and_store_is_finished_by_the_next(lxc):
    host = lxc()
    host.put_file("/nix/store/abc-hello/bin/hello", "#!/bin/sh\necho hello\n", 0o555)
    host.put_file("/nix/var/nix/profiles/x", "the image's")
    host.put_file("/nix/var/nix/db/deep/y", "y", 0o400)
    store = volume(host)
    # As it is after the first rename, and a life later, which has copied again.
    (store / "var/nix/profiles").mkdir(parents=True)
    (store / "var/nix/profiles/x").write_text("moved", "ascii")
    (store / ".hakim-seed/var/nix").mkdir(parents=True)
    (store / ".hakim-seed/store/abc-hello").mkdir(parents=True)
    (store / ".hakim-seed/var/nix/away").symlink_to(host.files / "nix")
    for path in [store, *store.rglob("*")]:
        os.chown(path, 100000, 100000, follow_symlinks=False)
    host.start({}, tty=False, mounts=[Mount(store, "/nix")])
    wait_until("it is seeded", lambda: "has the image's store" in row(host, "nix")["text"], 20)
    assert host.exec(["/nix/store/abc-hello/bin/hello"]).stdout == "hello\n"
    assert (store / "var/nix/profiles/x").read_text("ascii") == "moved"
    assert sorted(p.name for p in store.iterdir()) == [".hakim-seed.lock", "store", "var"]
    assert (host.files / "nix/var/nix/profiles/x").exists(), "through no link"
    assert host.stop() == 0


def test_an_empty_nix_without_a_store_in_the_image_is_left_alone(lxc):
    host = lxc()
    store = volume(host)
    host.start({}, tty=False, mounts=[Mount(store, "/nix")])
    wait_until("it was looked at", lambda: "has no store" in row(host, "nix")["text"])
    assert row(host, "nix")["outcome"] == "fine"


def test_a_home_of_root_is_given_to_its_user_and_nothing_in_it(lxc):
    host = lxc()
    home = volume(host, "home")
    (home / "inside").write_text("x", "ascii")
    os.chown(home / "inside", 100000, 100000)
    host.start({}, tty=False, mounts=[Mount(home, "/home/coder")])
    entry = row(host, "home")
    assert entry["outcome"] == "remedied", entry
    assert home.stat().st_uid == 101000 and (home / "inside").stat().st_uid == 100000


def test_a_home_of_an_unmapped_id_is_for_the_host_to_chown(lxc):
    host = lxc()
    home = volume(host, "home")
    os.chown(home, 5, 5)
    host.start({}, tty=False, mounts=[Mount(home, "/home/coder")])
    entry = row(host, "home")
    assert entry["outcome"] == "needs-host" and "not mapped" in entry["text"], entry
    assert entry["advice"] == "chown 101000:101000 <the directory on the host>"
    assert home.stat().st_uid == 5


def test_a_home_that_is_a_link_is_not_followed(lxc):
    host = lxc()
    target = volume(host, "elsewhere")
    (host.directory / "link").mkdir()
    unit(host, "home.service", "")  # masked: it would make it a home
    host.put_file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nlinked:x:1000:1000::/opt/home:/bin/sh\n")
    (host.files / "opt").mkdir()
    (host.files / "opt/home").symlink_to("/mnt/target")
    host.start({"CODER_USER": "linked"}, tty=False, mounts=[Mount(target, "/mnt/target")])
    assert row(host, "home")["outcome"] == "failed"
    assert target.stat().st_uid == 100000


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


def test_a_mount_with_nosuid_under_sudo_is_told(lxc):
    host = lxc()
    source = volume(host)
    (source / "sudo").write_bytes(b"#!/bin/sh\n")
    (source / "sudo").chmod(0o4755)
    host.start({}, tty=False, mounts=[Mount(source / "sudo", "/usr/bin/sudo")],
               before=lambda: host.exec(["mount", "-o", "remount,bind,nosuid", "/usr/bin/sudo"]))
    entry = row(host, "nosuid")
    assert entry["outcome"] == "needs-host" and "nosuid" in entry["text"], entry


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


def test_a_dangling_resolv_conf_is_told_and_not_repaired(lxc):
    host = lxc()
    (host.files / "etc").mkdir(exist_ok=True)
    (host.files / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    host.start({}, tty=False)
    entry = row(host, "resolv-conf")
    assert entry["outcome"] == "needs-host" and "stub-resolv.conf" in entry["text"], entry
    assert os.readlink(host.root("/etc/resolv.conf")) == "../run/systemd/resolve/stub-resolv.conf"


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


def test_ping_low_ports_and_locale_are_set_and_are_fine_where_they_were(lxc):
    first = lxc()
    first.start({}, tty=False)
    found = quirks(first)["quirks"]
    assert {found[n]["outcome"] for n in ("ping", "low-ports", "environment")} == {"remedied"}
    assert first.exec(["sysctl", "-n", "net.ipv4.ping_group_range"]).stdout.split() == ["0", "65535"]
    assert first.exec(["sysctl", "-n", "net.ipv4.ip_unprivileged_port_start"]).stdout == "0\n"
    second = lxc()
    second.config_lines = ("lxc.sysctl.net.ipv4.ip_unprivileged_port_start = 0",
                           "lxc.sysctl.net.ipv4.ping_group_range = 0 65535")
    second.start({"PATH": "/usr/bin:/bin", "LANG": "C", "HOME": "/root"}, tty=False)
    found = quirks(second)["quirks"]
    assert {found[n]["outcome"] for n in ("ping", "low-ports", "environment")} == {"fine"}, found


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


def test_overlay_is_tried_on_the_file_system_of_the_data_and_leaves_nothing(lxc):
    host = lxc()
    # The root of these containers is an overlay itself, which carries none.
    host.start({}, tty=False)
    entry = row(host, "overlay")
    assert entry["outcome"] == "needs-host" and "/var/lib" in entry["text"], entry
    assert entry["advice"] == "pct set <ctid> --mp<free number> <storage with ext4 or xfs>:32,mp=/var/lib/docker"
    data = lxc()
    data.start({}, tty=False, mounts=[Mount(volume(data), "/var/lib/docker")])
    entry = row(data, "overlay")
    assert entry["outcome"] == "fine", entry
    assert not list((data.directory / "volume").iterdir())
    assert row(host, "overlay")["text"] and not host.root("/var/lib/.hakim-overlay-probe").exists()


def test_a_volume_for_the_images_that_carries_no_overlay_is_told_and_not_replaced(lxc):
    host = lxc()
    (host.files / "opt/images").mkdir(parents=True)
    (host.files / "var/lib/docker").mkdir(parents=True)
    host.start({}, tty=False, before=lambda: host.exec(["mount", "--bind", "/opt/images", "/var/lib/docker"]))
    entry = row(host, "overlay")
    assert entry["outcome"] == "needs-host" and "mounted on /var/lib/docker" in entry["text"], entry
    assert entry["advice"] is None
    other = lxc()
    (other.files / "var/lib/containers").mkdir(parents=True)
    other.start({}, tty=False)
    assert row(other, "overlay")["advice"].endswith(":32,mp=/var/lib/containers")


def test_processes_leave_the_root_group_and_controllers_are_enabled(lxc):
    host = lxc()
    host.start({}, tty=False)
    entry = row(host, "cgroup")
    assert entry["outcome"] == "remedied", entry
    assert host.exec(["cat", "/proc/1/cgroup"]).stdout.splitlines()[-1] == "0::/hakim/init"
    assert host.read_file("/sys/fs/cgroup/cgroup.procs") == b""
    assert host.read_file("/sys/fs/cgroup/cgroup.subtree_control") == \
        host.read_file("/sys/fs/cgroup/cgroup.controllers")


def test_loopback_that_is_down_is_remedied(lxc):
    host = lxc()
    host.host_loopback = False
    host.start({}, tty=False)
    assert row(host, "loopback")["outcome"] == "remedied"
    host.exec(["bash", "-c", "exec 3<>/dev/udp/127.0.0.1/9"])


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


def test_a_missing_devpts_is_mounted_and_terminals_can_be_opened(lxc):
    host = lxc()
    take_away = "umount /dev/ptmx; umount /dev/pts; rm -f /dev/ptmx"
    host.start({}, tty=False, before=lambda: host.exec(["sh", "-c", take_away]))
    entry = row(host, "pts")
    assert entry["outcome"] == "remedied", entry
    assert "works" in host.exec(["script", "-qec", "echo works", "/dev/null"]).stdout
    other = lxc()
    other.start({}, tty=False)
    assert row(other, "pts")["outcome"] == "fine"


def test_private_mounts_become_shared(lxc):
    host = lxc()
    host.start({}, tty=False, before=lambda: host.exec(["mount", "--make-rprivate", "/"]))
    entry = row(host, "shared-mounts")
    assert entry["outcome"] == "remedied", entry
    assert host.exec(["findmnt", "-no", "PROPAGATION", "/"]).stdout.strip() == "shared"
    other = lxc()
    other.start({}, tty=False, before=lambda: other.exec(["mount", "--make-rshared", "/"]))
    assert row(other, "shared-mounts")["outcome"] == "fine"


def test_a_missing_sysfs_is_mounted_where_the_kernel_lets_it_and_it_boots_all_the_same(lxc):
    # The kernel lets a user namespace mount one only while it sees a whole one elsewhere: with nesting.
    for nesting, outcome in (((), "failed"), (NESTING, "remedied")):
        host = lxc()
        host.config_lines = nesting
        host.start({}, tty=False, before=lambda h=host: h.exec(["umount", "-R", "/sys"]))
        found = quirks(host)["quirks"]
        assert found["sys"]["outcome"] == outcome, found["sys"]
        assert host.root("/sys/class/net/lo").exists() == (outcome == "remedied")
        # LXC's cgroups went with it.
        assert found["cgroup"]["outcome"] == "needs-host"
        assert host.stop() == 0


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


def test_ipv6_that_is_switched_off_is_told_and_not_changed(lxc):
    host = lxc()
    host.start({}, tty=False, before=lambda: host.exec(["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"]))
    entry = row(host, "ipv6")
    assert entry["outcome"] == "needs-host", entry
    assert host.exec(["sysctl", "-n", "net.ipv6.conf.all.disable_ipv6"]).stdout == "1\n"


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
