"""The quirks of the network: each is made, and found; and where it is not there, it is said to be fine."""
from __future__ import annotations

import os
import subprocess

import pytest

from hakim import status, unit, wait_units
from hosts.process import wait_until
from quirk_kit import quirks, row


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


def test_a_dangling_resolv_conf_is_told_and_not_repaired(lxc):
    host = lxc()
    (host.files / "etc").mkdir(exist_ok=True)
    (host.files / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    host.start({}, tty=False)
    entry = row(host, "resolv-conf")
    assert entry["outcome"] == "needs-host" and "stub-resolv.conf" in entry["text"], entry
    assert os.readlink(host.root("/etc/resolv.conf")) == "../run/systemd/resolve/stub-resolv.conf"


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


def test_loopback_that_is_down_is_remedied(lxc):
    host = lxc()
    host.host_loopback = False
    host.start({}, tty=False)
    assert row(host, "loopback")["outcome"] == "remedied"
    host.exec(["bash", "-c", "exec 3<>/dev/udp/127.0.0.1/9"])


def test_ipv6_that_is_switched_off_is_told_and_not_changed(lxc):
    host = lxc()
    host.start({}, tty=False, before=lambda: host.exec(["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"]))
    entry = row(host, "ipv6")
    assert entry["outcome"] == "needs-host", entry
    assert host.exec(["sysctl", "-n", "net.ipv6.conf.all.disable_ipv6"]).stdout == "1\n"
