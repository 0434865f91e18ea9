"""What a person's session has: the buses, the keyring, the display, tmux, the project; with the real programs."""
from __future__ import annotations

import re

from hakim import status, wait_units
from hosts.process import wait_until

SET = {"dbus": "running", "session_bus": "running", "keyring": "running", "xvfb": "running", "tmux": "running"}
SESSION = {"XDG_RUNTIME_DIR": "/run/user/1000", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus",
           "DISPLAY": ":99"}


def ask(host, command: str, check: bool = True):
    """A command of a person in a session, as the agent would start it."""
    return host.exec(["sh", "-c", command], user="coder", env=SESSION, check=check)


def all_answer(host) -> None:
    """Each of them answers its own client."""
    assert "org.freedesktop.DBus" in ask(host, "dbus-send --system --print-reply --dest=org.freedesktop.DBus / "
                                         "org.freedesktop.DBus.ListNames").stdout
    ask(host, "printf s3cret | secret-tool store --label=x of test && test $(secret-tool lookup of test) = s3cret")
    assert "1280x1024" in ask(host, "xdpyinfo").stdout
    assert ask(host, "tmux list-sessions -F '#S'").stdout.split() == ["default"]


def main_pid(host, name: str) -> int:
    """The main process of a service, in the container's numbers."""
    return status(host)["units"][name]["pid"]


def test_they_answer_come_back_when_killed_and_leave_nothing_when_stopped(modules_host):
    host = modules_host()
    host.start({}, tty=False)
    wait_units(host, 30, **SET)
    all_answer(host)
    for name in (unit.replace("_", "-") for unit in SET):
        before = main_pid(host, name)
        host.exec(["kill", "-9", str(before)])
        wait_until(f"{name} is back", lambda n=name, b=before: main_pid(host, n) not in (None, b), 10)
        wait_units(host, 15, **SET)
    all_answer(host)
    host.exec(["hakimctl", "stop", *(n.replace("_", "-") for n in SET)])
    # A person's shell in tmux is the person's.
    left = host.exec(["sh", "-c", "cat /proc/[0-9]*/comm"]).stdout.split()
    assert not {"dbus-daemon", "gnome-keyring-d", "Xvfb", "tmux: server"} & set(left), left
    assert host.stop() == 0


def test_a_container_that_was_killed_comes_up_with_what_is_left_of_its_last_life(modules_host):
    host = modules_host().keep()
    host.start({}, tty=False)
    wait_units(host, 30, **SET)
    all_answer(host)
    host.kill9()
    host.again()
    wait_units(host, 30, **SET)
    assert host.exec(["test", "-e", "/tmp/.X99-lock"]).returncode == 0
    all_answer(host)
    assert host.stop() == 0


def test_each_is_off_by_its_variable_and_says_what_stands_in_its_way(modules_host):
    host = modules_host()
    host.start({"START_DBUS": "0", "START_SECRET_SERVICE": "no", "START_TMUX": "off", "XVFB_SCREEN": "big"}, tty=False)
    found = wait_units(host, 30, dbus="skipped", session_bus="skipped", keyring="skipped", tmux="skipped",
                       git_clone="skipped", et="skipped", et_sshd="skipped")["units"]
    assert found["dbus"]["status"] == "START_DBUS=0 switches it off"
    wait_until("the screen is named", lambda: "XVFB_SCREEN=big makes no sense: it is something like 1280x1024x24" in
               str(status(host)["units"]["xvfb"]), 20)
    assert host.stop() == 0


def test_another_display_is_not_ours(modules_host):
    host = modules_host()
    host.start({"DISPLAY": "elsewhere:0"}, tty=False)
    wait_units(host, 30, xvfb="skipped", dbus="running")
    assert host.stop() == 0


def test_the_agents_sessions_get_the_addresses(modules_host):
    host = modules_host()
    host.put_file("/usr/local/bin/show", "#!/bin/sh\nenv\necho the end\nexec sleep 1000\n", 0o755)
    host.put_file("/etc/hakim/modules/coder-agent.service.d/x.conf",
                  "[Unit]\nConditionEnvironment=\n[Service]\nExecStartPre=\nExecStart=\nExecStart=/usr/local/bin/show\n"
                  "[X-Hakim]\nReadyHTTP=\nStatusExec=\n")
    host.start({"START_XVFB": "0"}, tty=False)
    wait_units(host, 30, coder_agent="running")
    wait_until("it has spoken", lambda: "the end" in host.exec(["hakimctl", "logs", "coder-agent"]).stdout, 10)
    said = host.exec(["hakimctl", "logs", "coder-agent"]).stdout
    assert "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus" in said
    assert "GNOME_KEYRING_CONTROL=/run/user/1000/keyring" in said
    assert not re.search(r" DISPLAY=", said)
    assert host.stop() == 0


def test_the_display_follows_no_link_that_somebody_has_put_in_the_place_of_its_directory(modules_host):
    host = modules_host().keep()
    host.start({"START_XVFB": "0"}, tty=False)
    wait_units(host, 30, xvfb="skipped", dbus="running")
    host.exec(["sh", "-c", "mkdir /srv/private && chmod 700 /srv/private && rm -rf /tmp/.X11-unix"])
    host.exec(["ln", "-s", "/srv/private", "/tmp/.X11-unix"], user="coder")
    host.stop()
    host.again({})
    wait_until("it says so", lambda: "/tmp/.X11-unix is in the way and is no directory" in
               str(status(host)["units"]["xvfb"]), 20)
    assert host.exec(["stat", "-c", "%a", "/srv/private"]).stdout == "700\n"
    host.exec(["rm", "/tmp/.X11-unix"])
    wait_units(host, 40, xvfb="running")
    assert host.exec(["stat", "-c", "%a", "/tmp/.X11-unix"]).stdout == "1777\n"
    assert host.stop() == 0
