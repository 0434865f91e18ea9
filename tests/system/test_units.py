"""Units by name, by template and by another name; how they depend on one another; reload and enable."""
from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from typing import Any

import pytest

from hakim import services, status, supervisor, unit, wait_supervisor, wait_trap, wait_units
from hosts.host import Host
from hosts.process import wait_until

SLEEP = "[Service]\nExecStart=/bin/sleep 1000\n"
SYSTEMD = "/etc/systemd/system"


def system_unit(host: Host, name: str, text: str) -> None:
    """Puts a unit file where systemd has its own."""
    host.put_file(f"{SYSTEMD}/{name}", text)


def refused(host: Host, *words: str) -> str:
    """What hakimctl says when it fails."""
    done = host.exec(["hakimctl", *words], check=False)
    assert done.returncode != 0, f"{words}: {done.stdout}"
    return done.stderr


def sub(found: dict[str, Any], name: str) -> str:
    """The state of a unit in a status, "" if it is not loaded."""
    return found["units"].get(name, {}).get("sub", "")


def test_instances_aliases_and_systemds_own_units_start_by_name(lxc):
    host = lxc()
    unit(host, "echo@.service", "[Service]\nExecStart=/bin/sh -c 'echo I am %i; exec sleep 1000'\n")
    unit(host, "app.service", "[Unit]\nWants=echo@wanted.service\n" + SLEEP)
    system_unit(host, "lazy.service", "[Unit]\nRequires=helper.service\nAfter=helper.service\n" + SLEEP)
    system_unit(host, "helper.service", SLEEP)
    system_unit(host, "never.service", SLEEP + "[Install]\nWantedBy=multi-user.target\n")
    system_unit(host, "multi-user.target.wants/never.service", SLEEP)
    host.start({}, tty=False)
    found = wait_units(host, app="running")
    assert sub(found, "echo@wanted") == "running"
    assert sub(found, "never") == sub(found, "lazy") == ""
    host.exec(["ln", "-s", "lazy.service", f"{SYSTEMD}/other.service"])
    host.exec(["hakimctl", "start", "other.service", "echo@asked"])
    found = status(host)
    assert sub(found, "lazy") == sub(found, "helper") == sub(found, "echo@asked") == "running"
    assert "other" not in found["units"]
    wait_log(host, "echo@asked", "I am asked")
    wait_until("both shells are sleep", lambda: len(services(host, "sleep")) == 5, 10)
    assert "there is no unit nothing" in refused(host, "start", "nothing")
    assert "is a template" in refused(host, "start", "echo@.service")
    assert host.stop() == 0


def test_a_new_supervisor_knows_the_units_that_were_asked_for_by_name(lxc):
    host = lxc()
    system_unit(host, "lazy@.service", SLEEP)
    host.start({}, tty=False)
    status(host)
    host.exec(["hakimctl", "start", "lazy@a", "lazy@b"])
    before = services(host, "sleep")
    host.exec(["hakimctl", "stop", "lazy@b"])
    host.exec(["hakimctl", "reexec"])
    found = wait_units(host, **{"lazy@a": "running", "lazy@b": "dead"})
    assert found["units"]["lazy@a"]["file"] == f"{SYSTEMD}/lazy@.service"
    assert services(host, "sleep")[0] in before
    host.exec(["hakimctl", "restart", "lazy@a"])
    assert supervisor(host)
    assert host.stop() == 0


def wait_log(host: Host, name: str, text: str) -> None:
    """Waits until the log of a unit has the text."""
    wait_until(f"{name} says {text}",
               lambda: text in host.exec(["hakimctl", "logs", name], check=False).stdout, 10)


def test_bound_units_and_parts_stop_with_the_other_one(lxc):
    host = lxc()
    unit(host, "base.service", SLEEP)
    unit(host, "bound.service", "[Unit]\nBindsTo=base.service\nAfter=base.service\n" + SLEEP)
    unit(host, "part.service", "[Unit]\nPartOf=base.service\nAfter=base.service\n" + SLEEP)
    host.start({}, tty=False)
    found = wait_units(host, base="running", bound="running", part="running")
    host.exec(["hakimctl", "restart", "base"])
    again = wait_units(host, base="running", bound="running", part="running")
    for name in ("base", "bound", "part"):
        assert found["units"][name]["pid"] != again["units"][name]["pid"]
    host.exec(["kill", "-9", str(again["units"]["base"]["pid"])])
    found = wait_units(host, base="failed", bound="dead")
    assert sub(found, "part") == "running", "only what is told to the other one is told to a part"
    host.exec(["hakimctl", "start", "bound"])
    wait_units(host, base="running", bound="running")
    host.exec(["hakimctl", "stop", "base"])
    wait_units(host, base="dead", bound="dead", part="dead")
    assert host.stop() == 0


def test_rivals_are_never_up_together(lxc):
    host = lxc()
    slow = "[Service]\nExecStart=/bin/sh -c \"trap 'sleep 0.3; exit 0' TERM; while :; do sleep 0.05; done\"\n"
    unit(host, "one.service", slow)
    unit(host, "two.service", "[Unit]\nConflicts=one.service\n[Service]\n"
         "ExecStart=/bin/sh -c 'hakimctl status --json >/var/seen; exec sleep 1000'\n")
    host.start({}, tty=False)
    found = wait_units(host, one="running")
    assert sub(found, "two") == "dead"
    assert "conflicts with one.service" in found["units"]["two"]["status"]
    wait_trap(host, "one")
    host.exec(["hakimctl", "start", "two"])
    wait_units(host, one="dead", two="running")
    wait_until("two has looked", lambda: host.root("/var/seen").exists() and
               host.read_file("/var/seen").endswith(b"}\n"), 10)
    seen = {u["name"]: u["sub"] for u in json.loads(host.read_file("/var/seen"))["units"]}
    assert seen["one.service"] == "dead", "it had ended before the other one began"
    host.exec(["hakimctl", "start", "one"])
    wait_units(host, one="running", two="dead")
    assert host.stop() == 0


def test_an_end_starts_the_units_that_wait_for_it(lxc):
    host = lxc()
    unit(host, "work.service", "[Unit]\nOnFailure=tell@%n.service\n[Service]\nType=oneshot\nExecStart=/bin/false\n")
    unit(host, "good.service", "[Unit]\nOnSuccess=tell@%p.service\n[Service]\nType=oneshot\nExecStart=/bin/true\n")
    unit(host, "tell@.service", "[Service]\nType=oneshot\nExecStart=/bin/echo it was %i\n")
    unit(host, "round.service", "[Unit]\nOnFailure=trip.service\n[Service]\nType=oneshot\nExecStart=/bin/false\n")
    unit(host, "trip.service", "[Unit]\nOnFailure=round.service\n[Service]\nType=oneshot\nExecStart=/bin/false\n")
    host.start({}, tty=False)
    wait_units(host, work="failed", good="dead", trip="failed")
    wait_log(host, "tell@work.service", "it was work.service")
    wait_log(host, "tell@good", "it was good")
    assert host.stop() == 0


def test_what_is_upheld_comes_back_and_a_requisite_is_not_started(lxc):
    host = lxc()
    unit(host, "keeper.service", "[Unit]\nUpholds=kept.service\n" + SLEEP)
    system_unit(host, "kept.service", SLEEP)
    system_unit(host, "needed.service", SLEEP)
    system_unit(host, "needy.service", "[Unit]\nRequisite=needed.service\nAfter=needed.service\n" + SLEEP)
    host.start({}, tty=False)
    found = wait_units(host, keeper="running", kept="running")
    first = found["units"]["kept"]["pid"]
    host.exec(["kill", "-9", str(first)])
    wait_until("it is there again", lambda: status(host)["units"]["kept"]["pid"] not in (None, first), 10)
    assert "needed.service, which must be up before it, is not" in refused(host, "start", "needy")
    host.exec(["hakimctl", "start", "needed"])
    host.exec(["hakimctl", "start", "needy"])
    host.exec(["hakimctl", "stop", "needed"])
    wait_units(host, needed="dead", needy="dead")
    assert host.stop() == 0


def test_a_target_of_ones_own_pulls_up_and_waits(lxc):
    host = lxc()
    system_unit(host, "set.target", "[Unit]\nRequires=a.service\nWants=b.service\n")
    system_unit(host, "set.target.wants/c.service", SLEEP)
    for name in "abc":
        system_unit(host, f"{name}.service", "[Unit]\nPartOf=set.target\n" + SLEEP)
    host.start({}, tty=False)
    status(host)
    host.exec(["hakimctl", "start", "set.target"])
    found = wait_units(host, a="running", b="running", c="running")
    assert found["units"]["set.target"]["active"] == "active"
    host.exec(["hakimctl", "stop", "set.target"])
    wait_units(host, a="dead", b="dead", c="dead")
    assert status(host)["units"].get("multi-user.target") is None
    assert '"active": "active"' in host.exec(["hakimctl", "status", "--json", "multi-user.target"]).stdout
    assert host.stop() == 0


def boot_again(lxc: Callable[[], Host], host: Host) -> Host:
    """Stops the container, and starts one that has its /etc."""
    again = lxc()
    for part in ("hakim", "systemd"):
        shutil.copytree(host.root(f"/etc/{part}"), again.files / "etc" / part, symlinks=True)
    assert host.stop() == 0
    again.start({}, tty=False)
    return again


def pids(found: dict[str, Any]) -> dict[str, int]:
    """The main process of each unit that has one."""
    return {name: u["pid"] for name, u in found["units"].items() if u["pid"]}


@pytest.mark.timeout(180)
def test_a_reload_touches_only_what_has_changed(lxc):
    host = lxc()
    for i in range(100):
        unit(host, f"n{i}.service", f"[Unit]\nDescription={i}\n" + SLEEP)
    host.start({}, tty=False)
    wait_until("all run", lambda: len(pids(status(host))) == 100, 60)
    before = pids(status(host))
    assert host.exec(["hakimctl", "reload"]).stdout == "nothing has changed\n"
    unit(host, "n42.service", "[Unit]\nDescription=changed\n" + SLEEP)
    dry = host.exec(["hakimctl", "reload", "--dry-run"]).stdout.split()
    assert dry == ["CHANGE", "UNIT", "changed", "n42.service"]
    assert pids(status(host)) == before
    assert host.exec(["hakimctl", "reload"]).stdout.split() == dry
    wait_until("it has another process", lambda: pids(status(host)).get("n42") not in (None, before["n42"]), 10)
    after = pids(status(host))
    assert {name for name in before if before[name] != after[name]} == {"n42"}
    unit(host, "n7.service.d/broken.conf", "[Service]\nKillMode=odd\n")
    unit(host, "n8.service", "[Unit]\nDescription=also changed\n" + SLEEP)
    assert "nothing was changed: /etc/hakim/modules/n7.service.d/broken.conf:2: KillMode" in refused(host, "reload")
    assert pids(status(host)) == after
    host.exec(["rm", "/etc/hakim/modules/n7.service.d/broken.conf", "/etc/hakim/modules/n9.service"])
    unit(host, "extra.service", SLEEP)
    words = host.exec(["hakimctl", "reload"]).stdout.split()
    assert words == ["CHANGE", "UNIT", "new", "extra.service", "changed", "n8.service", "removed", "n9.service"]
    wait_units(host, extra="running", n8="running")
    wait_until("the removed one has gone", lambda: "n9" not in pids(status(host)), 10)
    unit(host, "n1.service", "[Unit]\nDescription=again\n" + SLEEP)
    last = pids(status(host))
    host.exec(["hakimctl", "reload", "--no-restart"])
    assert pids(status(host)) == last
    assert status(host)["units"]["n1"]["description"] == "again"
    assert host.stop() == 0


def test_what_is_enabled_starts_with_the_container(lxc):
    host = lxc()
    install = "[Install]\nWantedBy=multi-user.target\nAlias=web.service\n"
    system_unit(host, "on.service", SLEEP + install)
    system_unit(host, "off.service", SLEEP + install.replace("web", "other"))
    system_unit(host, "plain.service", SLEEP)
    unit(host, "module.service", SLEEP)
    host.start({}, tty=False)
    wait_units(host, module="running")
    said = host.exec(["hakimctl", "enable", "on"]).stdout
    assert said == f"created /etc/hakim/enabled/on.service → {SYSTEMD}/on.service\n"
    assert sub(status(host), "on") == "dead", "enable alone starts nothing"
    host.exec(["hakimctl", "enable", "--now", "off"])
    assert sub(status(host), "off") == "running"
    host.exec(["hakimctl", "disable", "--now", "off", "module"])
    found = status(host)
    assert sub(found, "off") in ("", "dead") and sub(found, "module") == "dead"
    assert "has no [Install]" in host.exec(["hakimctl", "enable", "plain"]).stdout
    assert "there is no unit nothing" in refused(host, "enable", "nothing")
    host = boot_again(lxc, host)
    found = wait_units(host, on="running", module="dead")
    assert "off" not in found["units"]
    assert '"on.service"' in host.exec(["hakimctl", "status", "--json", "web"]).stdout
    host.exec(["hakimctl", "mask", "--now", "on"])
    assert "is masked" in refused(host, "start", "on")
    wait_until("it has ended", lambda: "on" not in pids(status(host)), 10)
    host = boot_again(lxc, host)
    assert "on" not in wait_units(host, module="dead")["units"]
    host.exec(["hakimctl", "unmask", "on"])
    host.exec(["hakimctl", "enable", "--now", "module"])
    assert sub(status(host), "module") == "running"
    host = boot_again(lxc, host)
    wait_units(host, on="running", module="running")
    assert host.stop() == 0


def test_what_follows_from_an_end_is_not_lost_between_two_supervisors(lxc):
    host = lxc()
    unit(host, "work.service", "[Unit]\nOnFailure=tell.service\n" + SLEEP)
    unit(host, "bound.service", "[Unit]\nBindsTo=work.service\nAfter=work.service\n" + SLEEP)
    system_unit(host, "tell.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/echo it failed\n")
    host.start({}, tty=False)
    found = wait_units(host, work="running", bound="running")
    work = found["units"]["work"]["pid"]
    old = supervisor(host)
    os.kill(old, signal.SIGSTOP)
    host.exec(["kill", "-9", str(work)])
    os.kill(old, signal.SIGKILL)
    wait_supervisor(host, old)
    wait_units(host, work="failed", bound="dead", tell="exited")
    assert host.stop() == 0


USER_UNITS = "/home/coder/.config/systemd/user"


def test_the_coder_users_own_units_run_as_this_user(lxc):
    host = lxc()
    host.start({}, tty=False)
    status(host)
    host.exec(["mkdir", "-p", USER_UNITS], user="coder")

    def put(name: str, text: str) -> None:
        host.exec(["sh", "-c", f"cat >{USER_UNITS}/{name}"], user="coder", input=text)

    put("mine.service", "[Unit]\nWants=helper.service\n[Service]\nExecStart=/bin/sh -c 'id -un; pwd; "
        "echo $XDG_RUNTIME_DIR; stat -c %%a:%%U $XDG_RUNTIME_DIR; exec sleep 1000'\n"
        "[Install]\nWantedBy=default.target\n")
    put("helper.service", SLEEP)
    put("root.service", SLEEP + "User=root\n")
    put("plus.service", "[Service]\nExecStart=+/bin/sleep 1000\n")
    put("shadow.service", SLEEP + "EnvironmentFile=/etc/shadow\n")
    host.exec(["ln", "-s", "/etc/shadow", f"{USER_UNITS}/link.service"], user="coder")
    host.exec(["hakimctl", "start", "user:mine"])
    found = status(host)
    assert sub(found, "user:mine") == sub(found, "user:helper") == "running"
    for word in ("coder", "/home/coder", "/run/user/1000", "700:coder"):
        wait_log(host, "user:mine", f" {word}\n")
    assert "gets no rights" in refused(host, "start", "user:root")
    assert "gets no rights" in refused(host, "start", "user:plus")
    assert "Permission denied" in refused(host, "start", "user:shadow")
    assert "Permission denied" in refused(host, "start", "user:link")
    assert "there is no unit user:ssh" in refused(host, "start", "user:ssh")
    said = host.exec(["hakimctl", "enable", "user:mine"]).stdout
    wants = f"{USER_UNITS}/default.target.wants/mine.service"
    assert said == f"created {wants} → {USER_UNITS}/mine.service\n"
    assert host.exec(["stat", "-c", "%U", wants]).stdout == "coder\n", "made by the user's rights"
    systemctl = "/usr/lib/hakim/bin/systemctl"
    host.exec([systemctl, "--user", "stop", "mine"], user="coder")
    host.exec([systemctl, "--user", "enable", "--now", "helper", "mine"], user="coder", check=False)
    assert host.exec([systemctl, "--user", "is-active", "mine"], user="coder").stdout == "active\n"
    again = lxc()
    shutil.copytree(host.root("/home/coder/.config"), again.files / "home/coder/.config", symlinks=True)
    assert host.stop() == 0
    again.start({}, tty=False)
    found = wait_units(again, **{"user:mine": "running", "user:helper": "running"})
    assert "user:root" not in found["units"]
    again.exec(["chown", "-R", "coder:coder", "/home/coder/.config"])
    again.exec(["hakimctl", "disable", "--now", "user:mine"])
    wait_until("it has ended", lambda: "user:mine" not in pids(status(again)), 10)
    assert again.stop() == 0
