"""modules/opencode, with the real opencode."""
from __future__ import annotations

import json
import os

from hosts.host import Mount
from module_kit import (check_comes_back, check_port_in_use, check_secret, check_skipped, check_stops, hold_port,
                        volume, wait_ready, wait_said)

OFF = {"START_CODE_SERVER": "0", "START_DOCKER_DAEMON": "0"}
PASSWORD = "correct-horse-battery"


def ask(host, path: str = "/global/health", *options: str, port: int = 4096) -> str:
    """GET: the body and behind it the status."""
    return host.exec(["curl", "-sS", "-m", "10", "-w", " %{http_code}", *options,
                      f"http://127.0.0.1:{port}{path}"]).stdout


def healthy(host, *options: str, port: int = 4096) -> bool:
    body, _, code = ask(host, "/global/health", *options, port=port).rpartition(" ")
    return code == "200" and json.loads(body)["healthy"]


def test_it_serves_the_project_directory_on_loopback_only(modules_host):
    host = modules_host()
    host.start(OFF, tty=False)
    wait_ready(host, "opencode")
    assert healthy(host)
    assert '"/home/coder/project"' in ask(host, "/path"), ask(host, "/path")
    listening = host.exec(["cat", "/proc/net/tcp", "/proc/net/tcp6"]).stdout
    assert "0100007F:1000 00000000:0000 0A" in listening and "00000000:1000 " not in listening
    assert host.stop() == 0


def test_with_a_password_it_is_ready_and_only_its_own_processes_know_it(modules_host):
    host = modules_host()
    host.start({"OPENCODE_SERVER_PASSWORD": PASSWORD}, tty=False)
    wait_ready(host, "opencode")
    wait_ready(host, "code-server")
    assert ask(host).endswith(" 401")
    assert healthy(host, "-u", f"opencode:{PASSWORD}")
    check_secret(host, PASSWORD, "opencode serve")
    assert host.stop() == 0


def test_a_host_name_that_could_not_be_asked_is_refused_and_any_address_is_served_when_it_is_wanted(modules_host):
    host = modules_host()
    host.start({**OFF, "OPENCODE_HOSTNAME": "example.org"}, tty=False)
    wait_said(host, "opencode", "OPENCODE_HOSTNAME=example.org is none of 127.0.0.1,localhost,0.0.0.0")
    assert host.stop() == 0
    host = modules_host()
    host.start({**OFF, "OPENCODE_HOSTNAME": "0.0.0.0", "OPENCODE_PORT": "4100"}, tty=False)
    wait_ready(host, "opencode")
    assert healthy(host, port=4100)
    assert "00000000:1004 00000000:0000 0A" in host.exec(["cat", "/proc/net/tcp"]).stdout
    assert host.stop() == 0


def test_its_port_in_use_is_named_and_taken_when_it_is_free(modules_host):
    host = modules_host()
    hold_port(host, "opencode", 4096)
    host.start(OFF, tty=False)
    check_port_in_use(host, "opencode", "OPENCODE_PORT", 4096)
    assert healthy(host)
    assert host.stop() == 0


def test_it_comes_back_when_it_is_killed_and_is_gone_when_it_is_stopped(modules_host):
    host = modules_host()
    host.start(OFF, tty=False)
    check_comes_back(host, "opencode")
    assert healthy(host)
    check_stops(host, "opencode", "opencode serve")
    assert host.stop() == 0


def test_what_a_killed_container_has_left_does_not_block_it(modules_host):
    with volume() as home:
        for life in range(2):
            host = modules_host()
            os.chown(home, host.id_shift + 1000, host.id_shift + 1000)
            host.start(OFF, tty=False, mounts=[Mount(home, "/home/coder")])
            wait_ready(host, "opencode")
            assert healthy(host)
            assert list((home / ".local/share/opencode").iterdir())
            if life == 0:
                host.kill9()
        assert host.stop() == 0


def test_it_is_skipped_where_it_is_not_installed_or_switched_off(modules_host):
    check_skipped(modules_host, "opencode", OFF, "START_OPENCODE=false")
