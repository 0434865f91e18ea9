"""modules/openclaw-node, with a stand-in for openclaw and its gateway."""
from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hakim import unit, wait_units
from hosts.host import Mount
from hosts.process import wait_until
from module_kit import (check_comes_back, check_secret, check_stops, found, hide, volume, wait_ready, wait_said,
                        with_command)

PROGRAM = (Path(__file__).resolve().parents[1] / "stand-ins/openclaw.js").read_bytes()
OFF = {"START_CODE_SERVER": "0", "START_OPENCODE": "0", "START_DOCKER_DAEMON": "0"}
ON = {**OFF, "OPENCLAW_BRIDGE_HOST": "127.0.0.1"}
GATEWAY = "[Service]\nExecStart=/usr/local/bin/openclaw gateway 18790\nKillSignal=SIGKILL\n" \
    "[X-Hakim]\nReadyTCP=127.0.0.1:18790\n"
# As the unit's own, but in less time.
HASTE = "[X-Hakim]\nHealthIntervalSec=200ms\nHealthStartPeriodSec=5\n"


@pytest.fixture
def installed(modules_host):
    """Makes containers that have the stand-in, and its gateway as gateway.service."""
    def new(gateway: bool = True):
        host = modules_host()
        host.put_file("/usr/local/bin/openclaw", PROGRAM, 0o755)
        host.put_file("/etc/hakim/modules/openclaw-node.service.d/haste.conf", HASTE)
        if gateway:
            unit(host, "gateway.service", GATEWAY)
            host.put_file("/etc/hakim/modules/openclaw-node.service.d/late.conf", "[Unit]\nAfter=gateway.service\n")
        return host
    return new


def hellos(host) -> list[dict]:
    """What nodes have said to the gateway."""
    log = host.exec(["hakimctl", "logs", "gateway"]).stdout
    return [json.loads(line.partition("node: ")[2]) for line in log.splitlines() if "node: {" in line]


def healthy(host) -> bool:
    health = found(host, "openclaw-node").get("health") or {}
    return health.get("text") == "connected to 127.0.0.1:18790" and health["state"] == "healthy"


def test_each_variable_is_an_option_and_the_token_is_none(installed):
    host = installed()
    host.start({**ON, "OPENCLAW_DISPLAY_NAME": "my work space", "OPENCLAW_BRIDGE_TLS": "yes",
                "OPENCLAW_BRIDGE_TLS_FINGERPRINT": "ab" * 32, "OPENCLAW_GATEWAY_TOKEN": "token-battery"}, tty=False)
    wait_ready(host, "openclaw-node")
    wait_until("it has come", lambda: hellos(host), 20)
    assert hellos(host)[0] == {
        "token": "with a token",
        "args": ["node", "run", "--host", "127.0.0.1", "--port", "18790", "--tls", "--tls-fingerprint", "ab" * 32,
                 "--display-name", "my work space"]}
    wait_until("it is healthy", lambda: healthy(host), 20)
    check_secret(host, "token-battery", "openclaw node run")
    assert host.stop() == 0


def test_a_node_that_lives_on_without_its_connection_is_started_anew(installed):
    host = installed()
    host.start(ON, tty=False)
    old = wait_ready(host, "openclaw-node")["pid"]
    wait_until("it is healthy", lambda: healthy(host), 20)
    assert len(hellos(host)) == 1
    host.exec(["hakimctl", "kill", "--signal=USR1", "gateway"])
    # It says why only until the next one runs.
    said = "it has no connection to 127.0.0.1:18790, which can be reached"
    wait_until("it is told", lambda: said in json.dumps(found(host, "openclaw-node")), 20)
    wait_until("another one has come", lambda: len(hellos(host)) == 2, 30)
    assert wait_ready(host, "openclaw-node")["pid"] != old
    wait_until("it is healthy", lambda: healthy(host), 20)
    assert len(with_command(host, "openclaw node run")) == 2, "nothing is left of the old one"
    assert host.stop() == 0


def test_a_node_that_ends_to_be_started_anew_is(installed):
    host = installed()
    host.start(ON, tty=False)
    wait_ready(host, "openclaw-node")
    wait_until("it has come", lambda: hellos(host), 20)
    host.exec(["hakimctl", "kill", "--signal=USR2", "gateway"])
    wait_until("another one has come", lambda: len(hellos(host)) == 2, 20)
    assert host.stop() == 0


def test_a_gateway_that_is_not_there_is_no_fault_of_the_node(installed):
    host = installed()
    host.start(ON, tty=False)
    wait_ready(host, "openclaw-node")
    wait_until("it is healthy", lambda: healthy(host), 20)
    old = found(host, "openclaw-node")
    host.exec(["hakimctl", "stop", "gateway"])
    # Far more rounds than it takes to end it.
    done = host.exec(["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do MAINPID=$1 OPENCLAW_BRIDGE_HOST=127.0.0.1 "
                      "/usr/lib/hakim/hakim-openclaw-node connected || exit 1; sleep 0.2; done",
                      "sh", str(old["pid"])], user="coder").stdout
    assert done.count("127.0.0.1:18790 is not reached: Connection refused") == 8
    wait_until("it has been asked", lambda: (found(host, "openclaw-node")["health"] or {}).get("text") ==
               "127.0.0.1:18790 is not reached: Connection refused", 10)
    now = found(host, "openclaw-node")
    assert (now["pid"], now["health"]["state"]) == (old["pid"], "healthy")
    host.exec(["hakimctl", "start", "gateway"])
    wait_until("another one has come", lambda: len(hellos(host)) == 2, 30)
    assert host.stop() == 0


def test_it_comes_back_when_it_is_killed_and_is_gone_when_it_is_stopped(installed):
    host = installed()
    host.start(ON, tty=False)
    wait_ready(host, "openclaw-node")
    wait_until("it has come", lambda: hellos(host), 20)
    check_comes_back(host, "openclaw-node")
    wait_until("both have come", lambda: len(hellos(host)) == 2, 20)
    assert len(with_command(host, "openclaw node run")) == 2, "the one that starts itself again"
    check_stops(host, "openclaw-node", "openclaw node run")
    assert host.stop() == 0


def test_it_comes_up_again_in_a_container_that_was_killed(installed):
    with volume() as home:
        for life in range(2):
            host = installed()
            os.chown(home, host.id_shift + 1000, host.id_shift + 1000)
            host.start(ON, tty=False, mounts=[Mount(home, "/home/coder")])
            wait_ready(host, "openclaw-node")
            wait_until("it has come", lambda h=host: hellos(h), 20)
            if life == 0:
                host.kill9()
        assert host.stop() == 0


@pytest.mark.parametrize("variables, says", [
    ({"OPENCLAW_BRIDGE_HOST": "ws://gw"}, "OPENCLAW_BRIDGE_HOST=ws://gw is no host"),
    ({"OPENCLAW_BRIDGE_PORT": "99999"}, "OPENCLAW_BRIDGE_PORT=99999 is no port"),
    ({"OPENCLAW_BRIDGE_TLS": "perhaps"}, "OPENCLAW_BRIDGE_TLS=perhaps is neither yes nor no"),
    ({"OPENCLAW_BRIDGE_TLS_FINGERPRINT": "ab" * 32}, "OPENCLAW_BRIDGE_TLS is not: set it to 1"),
])
def test_a_wrong_variable_is_one_sentence(installed, variables, says):
    host = installed(gateway=False)
    host.start({**ON, **variables}, tty=False)
    wait_said(host, "openclaw-node", says)
    assert host.stop() == 0


def test_it_is_skipped_without_a_gateway_or_without_the_program(installed, modules_host):
    for variables in ({}, {"OPENCLAW_BRIDGE_HOST": ""}):
        host = installed(gateway=False)
        host.start({**OFF, **variables}, tty=False)
        wait_units(host, openclaw_node="skipped")
        assert host.stop() == 0
    host = modules_host()
    hide(host, "openclaw")
    host.start(ON, tty=False)
    found_unit = wait_units(host, openclaw_node="skipped")["units"]["openclaw-node"]
    assert "the program openclaw is not installed" in str(found_unit)
    assert host.stop() == 0


@pytest.mark.timeout(240)
def test_the_real_program_is_connected_to_the_real_gateway_and_comes_back(openclaw_host):
    host = openclaw_host()
    unit(host, "gateway.service", "[Service]\nUser=coder\nPassEnvironment=OPENCLAW_GATEWAY_TOKEN\n"
         "ExecStart=openclaw gateway run --allow-unconfigured --port 18790 --bind loopback\n"
         "KillSignal=SIGKILL\nTimeoutStartSec=100\n[X-Hakim]\nReadyTCP=127.0.0.1:18790\n")
    # It takes its time: with the start period of the unit.
    host.put_file("/etc/hakim/modules/openclaw-node.service.d/often.conf", "[X-Hakim]\nHealthIntervalSec=1\n")
    host.start({**ON, "START_XVFB": "0", "OPENCLAW_GATEWAY_TOKEN": "token-battery"}, tty=False)
    wait_units(host, 100, gateway="running", openclaw_node="running")
    wait_until("it is healthy", lambda: healthy(host), 60, 0.2)
    check_secret(host, "token-battery", "openclaw")
    # The gateway goes and comes: the node, or its health's restart, finds it again.
    host.exec(["hakimctl", "restart", "gateway"], timeout=100)
    wait_until("it is healthy again", lambda: healthy(host), 90, 0.2)
    check_comes_back(host, "openclaw-node")
    wait_until("it is healthy again", lambda: healthy(host), 60, 0.2)
    host.exec(["hakimctl", "stop", "gateway"])
    check_stops(host, "openclaw-node", "openclaw")
    assert host.stop() == 0
