"""`hakimctl doctor`: what it says in containers, and of files that nobody has written well."""
from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from hakim import unit, wait_units
from hakimctl_kit import _ctl, _place, _serve  # noqa: F401  fixtures
from hakimctl_kit import EVIL, MANAGER, NOT_RAW, Run, on_terminal, scripted
from hakimctl_kit import unit as packet
from hosts.host import Host
from quirk_kit import quirks

PLACE = {"kind": "proxmox", "user_namespace": True, "outer_uid": 100000, "ids": 65536, "nesting": False, "cgroup": 2,
         "cgroup_writable": True, "cgroup_controllers": "cpu memory pids", "memory_max": None, "kernel": "6.8.12-1-pve",
         "boot_id": "x"}


def quirk(name: str, outcome: str = "fine", **more: Any) -> dict[str, Any]:
    """A row of the file."""
    return {"name": name, "outcome": outcome, "text": f"about {name}", "advice": None, "without": None, "errno": 0,
            "took_us": 1, **more}


def write(place: Path, *rows: dict[str, Any], complete: bool = True, **facts: Any) -> None:
    """quirks.json in the directory of the supervisor."""
    (place / "quirks.json").write_text(json.dumps({
        "version": 1, "complete": complete, "place": {**PLACE, **facts}, "quirks": list(rows)}), "utf-8")


NEEDS = quirk("fuse", "needs-host", text="there is no /dev/fuse", advice="pct set <ctid> --features fuse=1",
              without="sshfs does not work")


# ---- in containers

def test_in_lxc_it_names_what_the_host_must_do_and_the_line_for_it(lxc: Any) -> None:
    host: Host = lxc()
    unit(host, "broken.service", "[Service]\nExecStart=/bin/false\n")
    host.start({}, tty=False)
    wait_units(host, broken="failed")
    file = quirks(host)
    done = host.exec(["hakimctl", "doctor"], check=False)
    assert done.returncode == 1 and done.stderr == "" and "\x1b" not in done.stdout
    assert done.stdout.startswith("Place    plain LXC, in a user namespace: uid 0 is 100000 outside, 65536 ids")
    assert f"Kernel   Linux {file['place']['kernel']}\n" in done.stdout
    rows = re.findall(r"^  (\S+) +(needs the host|failed|remedied|fine|off|not applicable)  ", done.stdout, re.M)
    assert {name for name, _ in rows[:len(file["quirks"])]} == set(file["quirks"])
    needs = [name for name, row in file["quirks"].items() if row["outcome"] == "needs-host"]
    assert "fuse" in needs and [outcome for _, outcome in rows[:len(needs)]] == ["needs the host"] * len(needs)
    advised = done.stdout.split("To be set on the host\n")[1]
    for name in needs:
        assert f"  {name}: {file['quirks'][name]['without']}\n" in advised
    assert re.search(r"^  broken +failed +\S", done.stdout, re.M)
    assert host.stop() == 0


def test_in_lxc_the_coder_user_sees_the_same_and_json_has_it_all(lxc: Any) -> None:
    host: Host = lxc()
    host.start({}, tty=False)
    wait_units(host, home="exited")
    file = quirks(host)
    text = host.exec(["hakimctl", "doctor"], check=False, user="coder")
    assert text.returncode == 1 and "To be set on the host" in text.stdout
    done = host.exec(["hakimctl", "doctor", "--json"], check=False, user="coder")
    answer = json.loads(done.stdout)
    assert done.returncode == 1 and answer["no_supervisor"] is None and answer["complete"]
    assert answer["place"] == file["place"] and answer["ctid"] is None
    assert {row["name"]: row["outcome"] for row in answer["quirks"]} == \
        {name: row["outcome"] for name, row in file["quirks"].items()}
    assert answer["needs_host"] == sum(row["outcome"] == "needs-host" for row in answer["quirks"])


def test_without_a_supervisor_it_still_shows_the_file(lxc: Any) -> None:
    host: Host = lxc()
    host.start({"HAKIM_SUPERVISOR": "/nowhere"}, ["/usr/sbin/hakim-init", "sleep", "infinity"], tty=False)
    quirks(host)
    done = host.exec(["hakimctl", "doctor"], check=False)
    assert done.returncode == 1 and "To be set on the host" in done.stdout
    assert "Nothing is known of units: " in done.stdout


def test_in_podman_nothing_that_is_of_lxc_needs_the_host(podman: Any) -> None:
    host: Host = podman()
    host.start({}, [], tty=True)
    wait_units(host, home="exited")
    file = quirks(host)["quirks"]
    needs = {name for name, row in file.items() if row["outcome"] == "needs-host"}
    done = host.exec(["hakimctl", "doctor"], check=False)
    assert done.returncode == bool(needs)
    assert done.stdout.startswith("Place    podman")
    assert re.search(r"^  fuse +not applicable  ", done.stdout, re.M)
    assert "\n  fuse: " not in done.stdout


# ---- --fix

def test_fix_remedies_at_run_time_what_can_be_and_shows_what_has_changed(lxc: Any) -> None:
    host: Host = lxc()
    host.start({}, tty=False)
    wait_units(host, home="exited")
    before = quirks(host)
    assert before["quirks"]["loopback"]["outcome"] == "fine"
    host.exec(["ip", "link", "set", "lo", "down"])
    host.exec(["rm", "/etc/machine-id"])
    host.exec(["sh", "-c", "echo 1 0 >/proc/sys/net/ipv4/ping_group_range; echo 1 >/run/a.pid"])
    mounts = host.read_file("/proc/1/mounts")
    done = host.exec(["hakimctl", "doctor", "--fix"], check=False)
    assert done.stderr == "" and done.returncode == 1, done
    changed = done.stdout.split("What has changed\n")[1].split("\n  Units that")[0]
    assert "  loopback: fine -> remedied: lo was down: it is up\n" in changed + "\n"
    assert all(not line.startswith(f"  {name}:") for name in ("run", "stale-files", "fuse")
               for line in changed.split("\n"))
    assert ",UP" in host.exec(["ip", "link", "show", "lo"]).stdout
    assert re.fullmatch(rb"[0-9a-f]{32}\n", host.read_file("/etc/machine-id"))
    assert host.exec(["cat", "/proc/sys/net/ipv4/ping_group_range"]).stdout.split() == ["0", "65535"]
    # What runs keeps what it has.
    assert host.read_file("/proc/1/mounts") == mounts and host.read_file("/run/a.pid") == b"1\n"
    after = quirks(host)
    assert after["quirks"]["loopback"]["outcome"] == "remedied"
    assert set(after["quirks"]) == set(before["quirks"]) and after["early_us"] == before["early_us"]
    assert after["quirks"]["run"] == before["quirks"]["run"] and after["quirks"]["nofile"] == before["quirks"]["nofile"]
    assert after["place"] == before["place"]
    again = host.exec(["hakimctl", "doctor", "--fix"], check=False)
    assert again.stdout.startswith("All was asked again, and nothing has changed.\n\nPlace ")
    answer = json.loads(host.exec(["hakimctl", "doctor", "--fix", "--json"], check=False).stdout)
    assert answer["changed"] == []
    assert host.stop() == 0


def test_fix_sees_the_mounts_of_pid_1_whoever_asks(lxc: Any) -> None:
    host: Host = lxc()
    host.start({}, tty=False)
    wait_units(host, home="exited")
    quirks(host)
    host.exec(["umount", "/dev/shm"])
    done = host.exec(["unshare", "--mount", "hakimctl", "doctor", "--fix"], check=False)
    assert re.search(r"^  shm: \S+ -> remedied: ", done.stdout, re.M), done
    assert " /dev/shm tmpfs " in host.read_file("/proc/1/mounts").decode()


def test_fix_leaves_alone_what_is_switched_off(lxc: Any) -> None:
    host: Host = lxc()
    host.start({"HAKIM_QUIRKS": "-loopback"}, tty=False)
    quirks(host)
    host.exec(["ip", "link", "set", "lo", "down"])
    done = host.exec(["hakimctl", "doctor", "--fix"], check=False)
    assert re.search(r"^  loopback +off  ", done.stdout, re.M)
    assert ",UP" not in host.exec(["ip", "link", "show", "lo"]).stdout


def test_fix_is_for_root(lxc: Any) -> None:
    host: Host = lxc()
    host.start({}, tty=False)
    wait_units(host, home="exited")
    file = quirks(host)
    done = host.exec(["hakimctl", "doctor", "--fix"], check=False, user="coder")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "hakimctl: doctor --fix is for root: 'sudo hakimctl doctor --fix'\n"
    # And so is what it asks.
    asked = host.exec(["hakim-init", "--quirks"], check=False, user="coder")
    assert asked.returncode == 1 and asked.stderr.startswith("hakim-init: --quirks needs root")
    assert quirks(host) == file


def test_in_podman_fix_asks_again_and_mounts_nothing(podman: Any) -> None:
    host: Host = podman()
    host.start({}, [], tty=True)
    wait_units(host, home="exited")
    before = quirks(host)
    mounts = host.read_file("/proc/1/mounts")
    done = host.exec(["hakimctl", "doctor", "--fix"], check=False)
    assert done.stderr == "" and "What has changed" not in done.stdout, done
    assert host.read_file("/proc/1/mounts") == mounts
    assert {n: r["outcome"] for n, r in quirks(host)["quirks"].items()} == \
        {n: r["outcome"] for n, r in before["quirks"].items()}


def test_fix_where_pid_1_is_another_is_one_sentence(place: Path, serve: Any, ctl: Run) -> None:
    write(place, quirk("run"))
    serve(scripted(MANAGER))
    done = ctl("doctor", "--fix")
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(r"hakimctl: (PID 1 is [^\n]*, not hakim-init: nothing can be asked again"
                        r"|/proc/1/exe cannot be read: [^\n]*)\n", done.stderr)


# ---- of scripted files

def test_all_well_is_status_0_and_says_so(place: Path, serve: Any, ctl: Run) -> None:
    write(place, quirk("run"), quirk("shm", "remedied"))
    serve(scripted(MANAGER, packet("a")))
    done = ctl("doctor")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.endswith("\n1 unit, and nothing is wrong with any.\n")
    assert "on the host" not in done.stdout


def test_a_broken_unit_is_a_line_and_no_reason_for_status_1(place: Path, serve: Any, ctl: Run) -> None:
    write(place, quirk("run"))
    serve(scripted(MANAGER, packet("a", "failed", last_error="exited with status 3"), packet("b")))
    done = ctl("doctor")
    assert done.returncode == 0
    assert re.search(r"^  a +failed +exited with status 3$", done.stdout, re.M)


def test_colours_are_for_terminals_and_no_line_to_paste_is_cut(place: Path, serve: Any, ctl: Run) -> None:
    write(place, {**NEEDS, "advice": "pct set <ctid> --features fuse=1  # " + "x" * 60})
    serve(scripted(MANAGER))
    assert "\x1b" not in ctl("doctor").stdout
    shown = on_terminal(place, "doctor", columns=40).decode()
    assert "\x1b[" in shown and "x" * 60 in shown
    assert "\x1b" not in on_terminal(place, "doctor", columns=40, NO_COLOR="1").decode()


def test_without_a_file_it_is_status_5_and_one_sentence(place: Path, serve: Any, ctl: Run) -> None:
    if Path("/run/hakim/quirks.json").exists():
        pytest.skip("this machine is a container of hakim-init itself")
    serve(scripted(MANAGER, packet("a", "failed", last_error="exited with status 3")))
    done = ctl("doctor")
    assert done.returncode == 5
    assert re.fullmatch(r"hakimctl: there is no /run/hakim/quirks.json: [^\n]*\n", done.stderr)
    assert re.search(r"^  a +failed +exited with status 3$", done.stdout, re.M)
    assert json.loads(ctl("doctor", "--json").stdout)["place"] is None


def test_a_wrong_word_is_status_2(ctl: Run) -> None:
    assert ctl("doctor", "me").returncode == 2
    assert ctl("doctor", "--nothing").returncode == 2


def test_late_rows_are_waited_for(place: Path, serve: Any, ctl: Run) -> None:
    serve(scripted(MANAGER))
    write(place, quirk("run"), complete=False)

    def complete() -> None:
        (place / "new").mkdir()
        write(place / "new", quirk("run"), NEEDS)
        (place / "new/quirks.json").rename(place / "quirks.json")
    later = threading.Timer(0.5, complete)
    later.start()
    done = ctl("doctor")
    later.join()
    assert done.returncode == 1 and "there is no /dev/fuse" in done.stdout
    assert "have not been asked yet" not in done.stdout


def test_late_rows_that_do_not_come_are_not_waited_for_for_long(place: Path, serve: Any, ctl: Run) -> None:
    serve(scripted(MANAGER))
    write(place, quirk("run"), complete=False)
    done = ctl("doctor", timeout=10)
    assert done.returncode == 0 and "have not been asked yet" in done.stdout


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"quirks":[],"place":null}', "\x00" * 100])
def test_a_file_of_nonsense_is_one_sentence(place: Path, serve: Any, ctl: Run, text: str) -> None:
    (place / "quirks.json").write_text(text, "utf-8")
    serve(scripted(MANAGER))
    done = ctl("doctor")
    assert done.returncode == 5
    assert re.fullmatch(r"hakimctl: [^\n]* is no file of hakim-init\n", done.stderr)


def test_evil_text_does_nothing_to_a_terminal(place: Path, serve: Any, ctl: Run) -> None:
    evil = quirk(EVIL, "needs-host", text=EVIL, advice=EVIL, without=EVIL)
    write(place, evil, quirk("x", EVIL), kind=EVIL, kernel=EVIL, cgroup_controllers=EVIL)
    serve(scripted({**MANAGER, "notes": [EVIL]}, packet("a", "failed", last_error=EVIL)))
    done = ctl("doctor")
    assert done.returncode == 1 and not NOT_RAW.search(done.stdout.encode())
