"""modules/code-server, with the real code-server and a real browser."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from browser import Browser
from hosts.host import Mount
from module_kit import (check_comes_back, check_port_in_use, check_skipped, check_stops, hold_port, volume,
                        wait_ready, wait_said)

PORT = 13337
OFF = {"START_OPENCODE": "0", "START_DOCKER_DAEMON": "0"}
SOCKET = ".local/share/code-server/code-server-ipc.sock"


def healthz(host, port: int = PORT) -> str:
    return host.exec(["curl", "-sS", "-m", "10", "-w", " %{http_code}", f"http://127.0.0.1:{port}/healthz"]).stdout


@pytest.mark.timeout(240)
def test_a_browser_sees_the_workbench_in_the_project_directory(modules_host):
    host = modules_host()
    host.put_file("/home/coder/project/hello.txt", "hello")
    # A container sets these for other programs; without a password the editor must not follow them.
    host.start({"PORT": "5555", "CODE_SERVER_HOST": "0.0.0.0", "OPENCODE_SERVER_PASSWORD": "x"}, tty=False)
    wait_ready(host, "code-server")
    assert healthz(host).endswith(" 200")
    listening = host.exec(["cat", "/proc/net/tcp", "/proc/net/tcp6"]).stdout
    assert f"0100007F:{PORT:04X} 00000000:0000 0A" in listening
    assert f"00000000:{PORT:04X} 00000000:0000 0A" not in listening and ":15B3 " not in listening
    with Browser(host) as browser:
        browser.open(f"http://127.0.0.1:{PORT}/")
        # It is drawn by scripts, and the tree of files is what the server says over a WebSocket.
        browser.wait("document.querySelector('.monaco-workbench')", 60)
        browser.wait("document.querySelector('.explorer-folders-view .monaco-list-row[aria-label=\"hello.txt\"]')", 60)
        assert browser.value("location.search") == "?folder=/home/coder/project"
        if keep := os.environ.get("HAKIM_KEEP_PICTURES"):
            Path(keep, "code-server.png").write_bytes(browser.picture())
    assert host.stop() == 0


def test_its_port_in_use_is_named_and_taken_when_it_is_free(modules_host):
    host = modules_host()
    hold_port(host, "code-server", 13400)
    host.start({"CODE_SERVER_PORT": "13400", **OFF}, tty=False)
    check_port_in_use(host, "code-server", "CODE_SERVER_PORT", 13400)
    assert healthz(host, 13400).endswith(" 200")
    assert host.stop() == 0


def test_it_comes_back_when_it_is_killed_and_is_gone_when_it_is_stopped(modules_host):
    host = modules_host()
    host.start(OFF, tty=False)
    check_comes_back(host, "code-server")
    assert healthz(host).endswith(" 200")
    check_stops(host, "code-server", "code-server")
    assert host.stop() == 0


def test_what_a_killed_container_has_left_does_not_block_it(modules_host):
    with volume() as home:
        mounts = [Mount(home, "/home/coder")]
        for life in range(2):
            host = modules_host()
            os.chown(home, host.id_shift + 1000, host.id_shift + 1000)
            host.start(OFF, tty=False, mounts=mounts)
            wait_ready(host, "code-server")
            assert healthz(host).endswith(" 200")
            assert (home / SOCKET).is_socket()
            if life == 0:
                host.kill9()
                assert (home / SOCKET).is_socket(), "the killed one has left its socket"
        assert host.stop() == 0


def test_it_is_skipped_where_it_is_not_installed_or_switched_off(modules_host):
    check_skipped(modules_host, "code-server", OFF, "START_CODE_SERVER=no")


def test_a_wrong_port_is_one_sentence_and_the_others_run(modules_host):
    host = modules_host()
    host.start({"CODE_SERVER_PORT": "http"}, tty=False)
    wait_said(host, "code-server", "CODE_SERVER_PORT=http is no port: set it to a number from 1 to 65535")
    wait_ready(host, "opencode")
    assert host.stop() == 0
