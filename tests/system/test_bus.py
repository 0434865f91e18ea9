"""Debian's own dbus, and services that are up when their name is on it."""
from __future__ import annotations

import os
import signal

from hakim import services, status, unit, wait_supervisor, wait_units
from hosts.process import wait_until

NAME = "org.example.Hakim"
POLICY = f"""<busconfig><policy user="root"><allow own="{NAME}"/></policy></busconfig>
"""


def container(debian, helpers, delay=0, more=""):
    """A container with dbus and a service that takes a name after `delay` ms."""
    host = debian()
    host.put_file("/usr/local/bin/busname", (helpers / "busname").read_bytes(), mode=0o755)
    host.put_file("/etc/dbus-1/system.d/hakim.conf", POLICY)
    unit(host, "named.service", "[Unit]\nAfter=dbus.socket\nRequires=dbus.socket\n[Service]\nType=dbus\n"
         f"BusName={NAME}\nExecStart=/usr/local/bin/busname {NAME} {delay}\n{more}")
    return host


def named(host):
    """The status of the service."""
    return status(host)["units"]["named"]


def test_debians_own_dbus_starts_by_its_socket_and_a_named_service_is_up_with_its_name(debian, helpers):
    host = container(debian, helpers, delay=700)
    host.start({}, tty=False)
    found = wait_units(host, named="running", dbus="running", **{"dbus.socket": "listening"})["units"]
    assert found["dbus"]["file"].endswith("/lib/systemd/system/dbus.service")
    assert found["named"]["ready_us"] - found["named"]["exec_us"] >= 700_000, "it is up with its name, not before"
    assert host.stop() == 0


def test_a_name_that_is_lost_stops_the_service(debian, helpers):
    host = container(debian, helpers, more="Restart=no\n")
    host.start({}, tty=False)
    wait_units(host, named="running")
    os.kill(services(host, "busname")[0], signal.SIGUSR1)
    wait_units(host, named="dead")
    assert host.stop() == 0


def test_a_name_that_never_comes_fails_the_start(debian, helpers):
    host = container(debian, helpers, delay=60000, more="TimeoutStartSec=1\n")
    host.start({}, tty=False)
    wait_units(host, named="failed")
    assert named(host)["result"] == "timeout"
    assert host.stop() == 0


def test_it_survives_the_supervisor_and_a_restart_of_the_bus(debian, helpers):
    host = container(debian, helpers, more="Restart=always\nRestartSec=0\n")
    host.start({}, tty=False)
    wait_units(host, named="running")
    [pid] = services(host, "busname")
    services(host, "")
    old = wait_supervisor(host)
    os.kill(old, signal.SIGKILL)
    wait_supervisor(host, other_than=old)
    wait_units(host, named="running")
    assert services(host, "busname") == [pid], "it is still up, and was not started again"
    # A bus that has gone takes its clients with it; they are up again with the new one.
    for bus in services(host, "dbus-daemon"):
        os.kill(bus, signal.SIGKILL)
    wait_until("the service is a new one", lambda: services(host, "busname") not in ([], [pid]), 20)
    wait_units(host, named="running", dbus="running")
    before = named(host)["restarts"]
    os.kill(services(host, "busname")[0], signal.SIGUSR1)
    wait_until("the new bus is listened to, too", lambda: named(host)["restarts"] > before, 10)
    assert host.stop() == 0
