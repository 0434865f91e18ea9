"""modules/openchamber, with a stand-in: the real program is not to be had. opencode is the real one."""
from __future__ import annotations

import json
import os
from pathlib import Path

from hakim import unit, wait_units
from hosts.host import Mount
from hosts.process import wait_until
from module_kit import (check_comes_back, check_port_in_use, check_secret, check_skipped, check_stops, found,
                        hold_port, volume, wait_ready, wait_said)

PROGRAM = (Path(__file__).resolve().parents[1] / "stand-ins/openchamber.js").read_bytes()
OFF = {"START_CODE_SERVER": "0", "START_OPENCODE": "0", "START_DOCKER_DAEMON": "0"}
PID_FILE = ".config/openchamber/run/openchamber-6904.pid"
# Another program of the same user, which has the number that the pid file names.
STRANGER = ("[Unit]\nAfter=home.service\n[Service]\nUser=coder\nExecStart=/bin/sh -c "
            f"'echo $$$$ | tee /tmp/named >/home/coder/{PID_FILE}; echo named; exec sleep 1000'\n"
            "[X-Hakim]\nReadyLog=named\n")


def installed(host):
    host.put_file("/usr/local/bin/openchamber", PROGRAM, 0o755)
    return host


def ask(host, path: str = "/health", *options: str) -> str:
    return host.exec(["curl", "-sS", "-m", "10", "-w", " %{http_code}", *options,
                      f"http://127.0.0.1:6904{path}"]).stdout


def test_it_comes_after_opencode_and_asks_it_with_its_password(modules_host):
    host = installed(modules_host())
    secrets = {"OPENCHAMBER_UI_PASSWORD": "ui-battery-staple", "OPENCODE_SERVER_PASSWORD": "server-horse"}
    host.start({"START_CODE_SERVER": "0", "OPENCHAMBER_HOST": "0.0.0.0", **secrets}, tty=False)
    units = wait_units(host, 60, openchamber="running", opencode="running")["units"]
    assert units["openchamber"]["pid"] and ask(host).endswith(" 200")
    assert ask(host, "/").endswith(" 401")
    body, _, code = ask(host, "/", "-H", "x-password: ui-battery-staple").rpartition(" ")
    assert code == "200" and json.loads(body)["healthy"]
    assert "0100007F:1AF8 00000000:0000 0A" in host.exec(["cat", "/proc/net/tcp"]).stdout
    check_secret(host, "ui-battery-staple", "openchamber serve")
    check_secret(host, "server-horse", "openchamber serve", "opencode serve")
    assert host.stop() == 0


def test_it_comes_up_where_opencode_is_skipped(modules_host):
    host = installed(modules_host())
    host.start(OFF, tty=False)
    wait_units(host, openchamber="running", opencode="skipped")
    assert ask(host).endswith(" 200")
    assert ask(host, "/").endswith("ECONNREFUSED 502")
    assert host.stop() == 0


def test_its_port_in_use_is_named_and_taken_when_it_is_free(modules_host):
    host = installed(modules_host())
    hold_port(host, "openchamber", 6904)
    host.start(OFF, tty=False)
    check_port_in_use(host, "openchamber", "OPENCHAMBER_PORT", 6904)
    assert ask(host).endswith(" 200")
    assert host.stop() == 0


def test_it_comes_back_when_it_is_killed_and_is_gone_when_it_is_stopped(modules_host):
    host = installed(modules_host())
    host.start(OFF, tty=False)
    check_comes_back(host, "openchamber")
    assert ask(host).endswith(" 200")
    check_stops(host, "openchamber", "openchamber serve")
    assert found(host, "openchamber")["result"] == "success", "143 is a good end"
    assert host.stop() == 0


def test_a_pid_file_of_a_killed_container_that_names_a_stranger_does_not_block_it(modules_host):
    with volume() as home:
        for life in range(2):
            host = installed(modules_host())
            os.chown(home, host.id_shift + 1000, host.id_shift + 1000)
            if life:
                unit(host, "stranger.service", STRANGER)
                host.put_file("/etc/hakim/modules/openchamber.service.d/late.conf", "[Unit]\nAfter=stranger.service\n")
            host.start(OFF, tty=False, mounts=[Mount(home, "/home/coder")])
            wait_ready(host, "openchamber")
            assert ask(host).endswith(" 200")
            if life == 0:
                host.kill9()
                assert (home / PID_FILE).exists()
        # The stranger lives, and the pid file named it.
        wait_until("the stranger is no shell any more", lambda: host.exec(
            ["sh", "-c", "cat /proc/$(cat /tmp/named)/comm"]).stdout == "sleep\n", 10)
        assert (home / PID_FILE).read_text("ascii") not in ("", host.read_file("/tmp/named").decode().strip())
        assert host.stop() == 0


def test_it_is_skipped_where_it_is_not_installed_or_switched_off_and_a_bad_word_is_named(modules_host):
    check_skipped(modules_host, "openchamber", OFF, "START_OPENCHAMBER=0", installed)
    host = installed(modules_host())
    host.start({**OFF, "OPENCODE_SKIP_START": "maybe"}, tty=False)
    wait_said(host, "openchamber", "OPENCODE_SKIP_START=maybe is none of true,false")
    assert host.stop() == 0
