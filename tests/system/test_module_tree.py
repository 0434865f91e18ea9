"""The tree of the modules' real programs: each of them runs in an unprivileged LXC container."""
from __future__ import annotations

from hakim import status
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
