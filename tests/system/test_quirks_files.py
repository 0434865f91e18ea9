"""The quirks of files and mounts (/run, /home, /nix, /dev): each is made, and found, and fine where it is not there."""
from __future__ import annotations

import os
import re

from hakim import unit
from hosts.host import Mount
from hosts.process import wait_until
from quirk_kit import NESTING, quirks, row, volume


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


def test_a_mount_with_nosuid_under_sudo_is_told(lxc):
    host = lxc()
    source = volume(host)
    (source / "sudo").write_bytes(b"#!/bin/sh\n")
    (source / "sudo").chmod(0o4755)
    host.start({}, tty=False, mounts=[Mount(source / "sudo", "/usr/bin/sudo")],
               before=lambda: host.exec(["mount", "-o", "remount,bind,nosuid", "/usr/bin/sudo"]))
    entry = row(host, "nosuid")
    assert entry["outcome"] == "needs-host" and "nosuid" in entry["text"], entry


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
