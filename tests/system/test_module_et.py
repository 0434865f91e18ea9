"""Eternal Terminal's module: the real sshd, and a stand-in for etserver, which Debian does not have."""
from __future__ import annotations

import pytest

from hakim import status, wait_units
from hosts.process import wait_until

ETSERVER = ("#!/bin/sh\n[ \"$1\" = --cfgfile ] || exit 2\n"
            "exec /usr/local/bin/answer tcp \"$(sed -n 's/^port = //p' \"$2\")\"\n")
SSH = ("ssh -o StrictHostKeyChecking=accept-new -o BatchMode=yes -i /home/coder/.ssh/id_test -p 2244 coder@127.0.0.1 ")


@pytest.fixture
def host(modules_host, helpers):
    """A container with a stand-in etserver."""
    made = modules_host().keep()
    made.put_file("/usr/local/bin/answer", (helpers / "answer").read_bytes(), 0o755)
    made.put_file("/usr/local/bin/etserver", ETSERVER, 0o755)
    return made


def ssh(host, command: str):
    """A command by a login with a key."""
    return host.exec(["sh", "-c", SSH + command], user="coder", check=False)


def allow_key(host) -> None:
    """The user makes a key and lets it in."""
    host.exec(["sh", "-c", "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_test && "
               "cat ~/.ssh/id_test.pub >>~/.ssh/authorized_keys"], user="coder")


def host_key(host) -> str:
    """The public host key."""
    return host.read_file("/home/coder/.local/share/hakim-et/ssh_host_ed25519_key.pub").decode()


def test_a_key_logs_in_and_nothing_else_does(host):
    host.start({"START_XVFB": "0"}, tty=False)
    wait_units(host, 30, et="running", et_sshd="running")
    wait_until("it says why nobody comes in",
               lambda: "authorized_keys has no key" in str(status(host)["units"]["et-sshd"]["status"]), 10)
    assert ssh(host, "true").returncode != 0
    allow_key(host)
    done = ssh(host, "'id -un; echo $DBUS_SESSION_BUS_ADDRESS'")
    assert done.stdout.split() == ["coder", "unix:path=/run/user/1000/bus"], done.stderr
    refused = host.exec(["sh", "-c", SSH.replace("-i /home", "-o PubkeyAuthentication=no -i /home") + "true"],
                        user="coder", check=False)
    assert "Permission denied (publickey)" in refused.stderr
    assert host.exec(["sh", "-c", SSH.replace("coder@", "root@") + "true"], user="coder", check=False).returncode != 0
    for name in ("et", "et-sshd"):
        before = status(host)["units"][name]["pid"]
        host.exec(["kill", "-9", str(before)])
        wait_until(f"{name} is back", lambda n=name, b=before: status(host)["units"][n]["pid"] not in (None, b), 10)
        wait_units(host, 15, et="running", et_sshd="running")
    assert ssh(host, "true").returncode == 0
    host.exec(["hakimctl", "stop", "et", "et-sshd"])
    left = host.exec(["sh", "-c", "cat /proc/[0-9]*/comm"]).stdout.split()
    assert not {"sshd", "answer"} & set(left), left
    assert host.stop() == 0


def test_the_host_key_is_made_once_and_a_half_one_is_replaced(host):
    host.start({"START_XVFB": "0"}, tty=False)
    wait_units(host, 30, et="running")
    allow_key(host)
    key = host_key(host)
    host.kill9()
    host.again({"START_XVFB": "0"})
    wait_units(host, 30, et="running")
    assert host_key(host) == key
    assert ssh(host, "true").returncode == 0
    host.exec(["sh", "-c", "echo half >~/.local/share/hakim-et/ssh_host_ed25519_key"], user="coder")
    host.exec(["hakimctl", "restart", "et-sshd"])
    wait_units(host, 30, et="running", et_sshd="running")
    assert host_key(host) != key
    assert host.stop() == 0


def test_a_port_in_use_is_named_with_its_holder(host):
    host.put_file("/etc/hakim/modules/squat.service", "[Service]\nExecStart=/usr/local/bin/answer tcp 2244\n"
                  "[Unit]\nBefore=et-sshd.service\n[X-Hakim]\nReadyTCP=127.0.0.1:2244\n")
    host.start({"ET_PORT": "no", "START_XVFB": "0"}, tty=False)
    wait_units(host, 30, squat="running", dbus="running")
    wait_until("it says so", lambda: "port 2244 is in use by answer" in str(status(host)["units"]["et-sshd"]), 10)
    host.exec(["hakimctl", "stop", "squat"])
    wait_units(host, 30, et_sshd="running")
    host.exec(["hakimctl", "start", "--no-block", "et"])
    wait_until("the port is named", lambda: "ET_PORT=no is no port" in str(status(host)["units"]["et"]), 10)
    assert host.stop() == 0
