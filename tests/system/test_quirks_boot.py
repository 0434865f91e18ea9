"""The set-up hangs, is killed, and boots on."""
from __future__ import annotations

import json
import os
import random
import signal
import threading
import time

import pytest

from hakim import comm, status, supervisor, unit, wait_units
from hosts.dead_fuse import DeadFuse
from hosts.host import Mount
from hosts.process import wait_until
from quirk_kit import FILE, quirks

BOOTS = int(os.environ.get("HAKIM_BOOTS", "200"))
SLEEPER = "[Service]\nExecStart=/bin/sleep 1000\n"


@pytest.fixture(name="dead")
def _dead():
    """Makes file systems that can be silenced."""
    made = []

    def make(directory):
        made.append(DeadFuse(directory))
        return made[-1]

    yield make
    for one in made:
        one.close()


def start_with_dead(host, dead, targets):
    """Starts it with file systems that are silent when the init begins, and returns them."""
    silent = [dead(host.directory / f"dead{i}") for i in range(len(targets))]

    def silence():
        for one in silent:
            one.silence()

    host.start({}, tty=False, before=silence, mounts=[Mount(one.directory, target)
                                                      for one, target in zip(silent, targets)])
    # Without it hakimctl looks for the socket below /tmp.
    wait_until("there is a control socket", lambda: host.root("/run/hakim/control.sock").exists(), 20, 0.01)
    return silent


def test_three_rows_that_hang_for_ever_do_not_keep_it_from_booting(lxc, dead):
    host = lxc()
    unit(host, "one.service", SLEEPER)
    began = time.monotonic()
    silent = start_with_dead(host, dead, ("/tmp", "/nix", "/var/lib/docker"))
    wait_units(host, one="running")
    took = time.monotonic() - began
    found = quirks(host)
    rows = found["quirks"]
    print(f"early rows {found['early_us']} us, up after {took:.2f} s")
    for name in ("run", "shm", "machine-id", "ping", "home"):
        assert rows[name]["outcome"] in ("fine", "remedied"), rows[name]
    for name in ("stale-files", "nix", "overlay"):
        assert rows[name]["errno"] == 110, rows[name]
        assert rows[name]["outcome"] == "failed" and "hangs" in rows[name]["text"], rows[name]
    assert found["early_us"] < 1.5 * rows["stale-files"]["took_us"], "the others were done meanwhile"
    for one in silent:
        one.close()
    assert host.stop() == 0


def test_a_home_and_a_tmp_that_hang_cost_one_deadline_together(lxc, dead):
    host = lxc()
    unit(host, "one.service", SLEEPER)
    silent = start_with_dead(host, dead, ("/tmp", "/home/coder", "/var/lib/hakim"))
    wait_units(host, one="running")
    found = quirks(host)
    rows = found["quirks"]
    hung = sorted(name for name, entry in rows.items() if entry["errno"] == 110)
    print(f"hung: {hung}, early rows {found['early_us']} us")
    assert hung == ["home", "stale-files"]
    longest = max(rows[name]["took_us"] for name in hung)
    assert found["early_us"] < 1.5 * longest, "they hang at the same time"
    assert any("home" in note for note in status(host)["manager"]["notes"])
    for one in silent:
        one.close()
    assert host.stop() == 0


def test_rows_that_would_wait_for_the_same_file_system_cost_one_deadline(lxc, dead):
    host = lxc()
    silent = start_with_dead(host, dead, ("/var/lib",))
    found = quirks(host)
    rows = found["quirks"]
    print(f"early rows {found['early_us']} us")
    assert rows["directories"]["errno"] == 110 and "hangs" in rows["directories"]["text"], rows["directories"]
    assert rows["stale-files"]["errno"] == 110 and "not asked" in rows["stale-files"]["text"], rows["stale-files"]
    for name in ("run", "shm", "machine-id", "ping", "home"):
        assert rows[name]["outcome"] in ("fine", "remedied"), rows[name]
    assert found["early_us"] < 1.5 * rows["directories"]["took_us"]
    silent[0].close()
    assert host.stop() == 0


def killer(host, seconds, seen):
    """Kills PID 1 so long after it is executed, and notes how far it had come."""
    def run():
        while comm(host.pid) not in ("hakim-init", ""):
            time.sleep(0.0002)
        time.sleep(seconds)
        there = supervisor(host)
        host.kill(signal.SIGKILL)
        seen.append("up" if there else "set-up")

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.timeout(600)
def test_after_every_kill_of_a_boot_at_a_random_moment_the_next_one_comes_up(lxc):
    """BOOTS lives of one container, each killed with -9 somewhere in its boot; every tenth and the last come up."""
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    host = lxc().keep()
    unit(host, "one.service", SLEEPER)
    seen: list[str] = []
    print(f"seed {seed}")
    for life in range(BOOTS):
        # Most of them within the set-up, the others until all is up.
        seconds = chance.choice([chance.uniform(0, 0.003), chance.uniform(0, 0.01), chance.uniform(0, 0.06)])
        threads = []

        def arm(seconds=seconds, threads=threads):
            threads.append(killer(host, seconds, seen))

        if life:
            host.again({}, before=arm)
        else:
            host.start({}, tty=False, before=arm)
        threads[0].join()
        host.wait()
        if life % 10 == 9:
            host.again({})
            wait_units(host, one="running")
            host.kill9()
    host.again({})
    wait_units(host, one="running")
    found = quirks(host)["quirks"]
    assert not [entry for entry in found.values() if entry["outcome"] == "failed"], found
    left = host.exec(["find", "/etc", "/var/lib", "/run", "-xdev", "-name", "*hakim~"]).stdout
    assert not left.strip(), f"left behind: {left}"
    assert len(host.read_file("/etc/machine-id")) == 33
    print({word: seen.count(word) for word in sorted(set(seen))})
    assert seen.count("set-up") >= BOOTS // 20
    assert host.stop() == 0


def test_a_stop_leaves_nothing_that_the_next_start_must_clean(lxc):
    host = lxc().keep()
    unit(host, "one.service", SLEEPER)
    host.start({}, tty=False)
    wait_units(host, one="running")
    quirks(host)
    assert host.stop() == 0
    host.again({})
    wait_units(host, one="running")
    found = quirks(host)["quirks"]
    assert found["stale-files"]["outcome"] == "fine"
    assert found["machine-id"]["outcome"] == "fine"
    assert host.stop() == 0


def test_the_file_is_whole_at_every_moment(lxc, dead):
    host = lxc()
    seen: dict[bool, dict] = {}
    broken = []
    enough = threading.Event()

    def read():
        while not enough.is_set():
            try:
                text = host.read_file(FILE)
            except FileNotFoundError:
                continue
            try:
                found = json.loads(text)
                seen.setdefault(found["complete"], found)
            except (ValueError, KeyError) as error:
                broken.append((error, text))
                return

    reader = threading.Thread(target=read)
    # A late row that hangs: for so long the file is there, and not complete.
    silent = dead(host.directory / "dead")

    def before():
        silent.silence()
        reader.start()

    try:
        host.start({}, tty=False, before=before, mounts=[Mount(silent.directory, "/nix")])
        wait_until("all were asked", lambda: bool(True in seen or broken), 20)
    finally:
        enough.set()
        if reader.ident:
            reader.join()
    assert not broken
    assert False in seen, "no file was seen while a row hung"
    first, last = seen[False], seen[True]
    names = [entry["name"] for entry in last["quirks"]]
    assert "nix" in names and "home" in names
    early = {entry["name"]: entry for entry in first["quirks"]}
    assert "home" in early and "nix" not in early, "the early rows, whole"
    assert all(entry in last["quirks"] for entry in first["quirks"])
    silent.close()
    assert host.stop() == 0


def test_a_dead_file_system_where_a_pod_has_its_secrets_does_not_hold_pid_1(unshare_host, dead):
    """Nothing in the environment says where it is, so the files are looked for."""
    host = unshare_host()
    unit(host, "one.service", SLEEPER)
    silent = dead(host.directory / "dead")
    host.start({}, tty=False, before=silent.silence, mounts=[Mount(silent.directory, "/run/secrets")])
    found = wait_units(host, one="running")
    assert found["manager"]["place"] == "unknown"
    silent.close()
    assert host.stop() == 0
