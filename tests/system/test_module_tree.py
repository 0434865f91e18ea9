"""The tree of the modules' real programs: each of them runs in an unprivileged LXC container."""
from __future__ import annotations

import subprocess

from browser import Browser
from hakim import status
from hosts.process import end_process, wait_until
from hosts.programs import VERSIONS

# What is run, and what it must say.
RUNS = {
    "code-server --version": VERSIONS["code-server"],
    "opencode --version": VERSIONS["opencode"],
    "node --version": "v20.",
    "dockerd --version": "Docker version",
    "fuse-overlayfs --version": "fuse-overlayfs: version",
    "xvfb-run -a xdpyinfo | grep vendor": "The X.Org Foundation",
    "gnome-keyring-daemon --version": "gnome-keyring",
    "dbus-daemon --version": "D-Bus Message Bus Daemon",
    "/usr/sbin/sshd -V": "OpenSSH",
    "nix-daemon --version": "nix-daemon (Nix)",
    "chromium --version": "Chromium",
    "tmux -V": "tmux",
    "git --version": "git version",
}


def test_each_of_the_modules_programs_runs_as_the_coder_user(modules_host):
    host = modules_host()
    host.start({}, tty=False)
    status(host)
    said = {}
    for command in RUNS:
        done = host.exec(["sh", "-c", f"{command} 2>&1"], user="coder", check=False, timeout=60)
        said[command] = done.stdout.strip()
        print(f"{command}: {said[command]}")
    assert {c: text for c, text in said.items() if RUNS[c] not in text} == {}
    assert host.stop() == 0


def test_a_browser_sees_the_page_of_code_server_at_work(modules_host):
    host = modules_host()
    host.start({}, tty=False)
    server = subprocess.Popen(host.inside(["code-server", "--auth", "none", "--bind-addr", "127.0.0.1:13337"],
                                          user="coder"), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    health = ["curl", "--silent", "--fail", "--max-time", "2", "http://127.0.0.1:13337/healthz"]
    try:
        wait_until("it is there", lambda: host.exec(health, check=False).returncode == 0, 30, 0.1)
        with Browser(host) as browser:
            browser.open("http://127.0.0.1:13337/?folder=/home/coder")
            # It is drawn by scripts, and the tree of files is what the server says over a WebSocket.
            browser.wait("document.querySelector('.explorer-folders-view .monaco-list-row[aria-label=project]')")
            browser.wait("document.title.endsWith('code-server')")
            assert browser.picture().startswith(b"\x89PNG")
    finally:
        end_process(server)
    assert host.stop() == 0
