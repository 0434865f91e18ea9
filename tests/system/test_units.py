"""Units by name, by template and by another name; how they depend on one another; reload and enable."""
from __future__ import annotations

from typing import Any

from hakim import services, status, supervisor, unit, wait_units
from hosts.host import Host

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
    assert "I am asked" in host.exec(["hakimctl", "logs", "echo@asked"]).stdout
    assert len(services(host, "sleep")) == 5
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
