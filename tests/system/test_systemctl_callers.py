"""What installers and maintainer scripts do with systemctl, in the forms in which they do it."""
from __future__ import annotations

import json

import pytest

from conftest import ROOT
from hakim import status, unit, wait_units

PATH = {"PATH": "/usr/lib/hakim/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
SERVICE = "[Unit]\nDescription=Of an installer\n[Service]\nExecStart=/bin/sleep 1000\nRestart=always\n" \
          "[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture(name="host")
def _host(lxc):
    host = lxc()
    unit(host, "low.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "top.service", "[Unit]\nRequires=low.service\nAfter=low.service\n[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "talk.socket", "[Socket]\nListenStream=/run/talk.sock\nListenStream=127.0.0.1:7071\n")
    unit(host, "talk.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    wait_units(host, low="running", top="running")
    yield host
    assert host.stop() == 0


def sh(host, script: str, good: int = 0) -> str:
    """Runs a script with our systemctl in its PATH; every line must do (set -e)."""
    got = host.exec(["/bin/sh", "-ec", script], check=False, env=PATH)
    assert got.returncode == good, f"{script}: {got.returncode}: {got.stdout}{got.stderr}"
    return got.stdout


def install(host, name: str, directory: str = "/etc/systemd/system") -> None:
    sh(host, f"mkdir -p {directory}; cat >{directory}/{name} <<'END'\n{SERVICE}END\n")


def test_a_script_that_writes_its_unit_and_enables_it(host):
    """ollama, k3s, code-server: write, reload, enable, restart, look."""
    install(host, "tool.service")
    out = sh(host, """
        systemctl is-system-running --wait >/dev/null || systemctl is-system-running | grep -q degraded
        systemctl daemon-reload
        systemctl enable tool >/dev/null
        systemctl restart tool
        systemctl is-active --quiet tool
        systemctl is-enabled --quiet tool.service
        systemctl --no-pager --full status tool | head -n 1
        systemctl list-unit-files | grep '^tool.service'
        systemctl list-unit-files --type=service --no-legend --no-pager tool.service | awk '{print $2}'
        systemctl list-units --full --all --plain --no-legend tool.service | awk '{print $3, $4}'
        systemctl cat tool.service | grep -c '^ExecStart='
        systemctl show -p LoadState --value tool
        systemctl show tool --property=ActiveState,UnitFileState
    """).splitlines()
    assert out[0] == "● tool.service - Of an installer" or out[0] == "* tool.service - Of an installer"
    assert out[1].split()[:2] == ["tool.service", "enabled"]
    assert out[2:] == ["enabled", "active running", "1", "loaded", "ActiveState=active", "UnitFileState=enabled"]


def test_a_script_that_asks_before_it_acts_and_removes_what_it_put_there(host):
    """get.docker.com and uninstallers: is there such a unit, stop it, disable it, forget it."""
    # Not "! …": set -e does not look at what is negated.
    for question in ("cat nosuch.service >/dev/null 2>&1", "is-active --quiet nosuch",
                     "list-unit-files --no-legend nosuch.service", "-q is-enabled nosuch"):
        sh(host, f"if systemctl {question}; then exit 1; fi")
    install(host, "gone.service", "/usr/lib/systemd/system")
    sh(host, "systemctl enable --now gone.service 2>/dev/null; systemctl is-active gone")
    sh(host, """
        systemctl disable --now gone.service
        if systemctl is-active -q gone; then exit 1; fi
        rm /usr/lib/systemd/system/gone.service
        systemctl daemon-reload
        systemctl reset-failed
        test "$(systemctl is-enabled gone)" = not-found
    """)
    sh(host, "systemctl reset-failed gone", good=1)


def test_a_maintainer_script(host):
    """What Debian's postinst, prerm and postrm ask, and the forms of older ones."""
    install(host, "deb.service", "/usr/lib/systemd/system")
    sh(host, """
        systemctl --system daemon-reload >/dev/null || true
        systemctl unmask deb.service >/dev/null
        systemctl preset deb.service
        systemctl --quiet enable deb.service
        systemctl start deb.service
        systemctl condrestart deb.service
        systemctl try-reload-or-restart deb.service
        systemctl reload-or-restart deb.service
        systemctl kill --signal=CONT --kill-whom=main deb.service
        systemctl daemon-reexec
        systemctl mask deb.service
        test "$(systemctl is-enabled deb.service || :)" = masked
        systemctl stop deb.service
        systemctl unmask deb.service
        systemctl --no-reload disable deb.service
        test "$(systemctl is-enabled deb.service || :)" = disabled
        systemctl get-default | grep -qx multi-user.target
    """)


def test_enable_and_disable_say_what_they_did(host):
    install(host, "told.service")
    said = host.exec(["/usr/lib/hakim/bin/systemctl", "enable", "told"]).stderr
    assert said.startswith("Created symlink '/etc/hakim/enabled/told.service' ")
    said = host.exec(["/usr/lib/hakim/bin/systemctl", "disable", "told"]).stderr
    assert said == "Removed '/etc/hakim/enabled/told.service'.\n"
    assert host.exec(["/usr/lib/hakim/bin/systemctl", "--quiet", "enable", "told"]).stderr == ""


def test_units_of_the_user_are_asked_for_by_user_and_global(host):
    home = host.exec(["/bin/sh", "-c", "getent passwd coder | cut -d: -f6"]).stdout.strip()
    install(host, "mine.service", f"{home}/.config/systemd/user")
    sh(host, f"chown -R coder: {home}/.config")
    sh(host, """
        systemctl --user daemon-reload
        systemctl --user enable --now mine
        systemctl --user is-active -q mine
        systemctl --global is-enabled -q mine
        systemctl --user list-unit-files --no-legend mine.service | grep -q enabled
        if systemctl is-active -q mine; then exit 1; fi
        systemctl --user disable --now mine
    """)


def test_the_words_of_is_enabled(host):
    sh(host, """
        mkdir -p /opt/far /run/systemd/system-none
        printf '[Service]\\nExecStart=/bin/true\\n' >/usr/lib/systemd/system/still.service
        printf '[Service]\\nExecStart=/bin/true\\n[Install]\\nAlso=still.service\\n' \\
            >/usr/lib/systemd/system/indirect.service
        printf '[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' >/opt/far/far.service
        ln -s /opt/far/far.service /etc/systemd/system/far.service
        ln -s /usr/lib/systemd/system/still.service /etc/systemd/system/other.service
        ln -s /nowhere/lost.service /etc/systemd/system/lost.service
        ln -s /dev/null /etc/systemd/system/hidden.service
    """)
    for name, word, code in (("still", "static", 0), ("indirect", "indirect", 0), ("far", "linked", 1),
                             ("other", "alias", 0), ("lost", "bad", 1), ("hidden", "masked", 1),
                             ("low", "enabled", 0), ("nosuch", "not-found", 4)):
        got = host.exec(["/usr/lib/hakim/bin/systemctl", "is-enabled", name], check=False)
        assert (got.stdout, got.returncode) == (word + "\n", code), name


def test_dependencies_as_a_tree_and_as_a_list(host):
    env = PATH | {"LANG": "C", "LC_ALL": "C"}

    def lines(*words: str) -> list[str]:
        return host.exec(["systemctl", "list-dependencies", *words], env=env).stdout.splitlines()
    assert lines("top") == ["top.service", "* `-low.service"]
    assert lines("--plain", "top.service") == ["top.service", "  low.service"]
    assert lines("--reverse", "low", "--no-pager") == ["low.service", "* `-top.service"]
    assert lines("--before", "--plain", "low") == ["low.service", "  top.service"]
    assert lines("nosuch") == ["nosuch.service"]
    whole = lines("--plain")
    assert whole[0] == "default.target" and "  top.service" in whole and "  low.service" not in whole
    assert "  low.service" in lines("--plain", "--all", "default.target")
    host.exec(["systemctl", "start", "multi-user.target"], env=env, check=False)
    assert lines("--plain", "multi-user.target")[1:] == whole[1:], "also when the target itself is loaded"
    sh(host, "printf '[Unit]\\nWants=low.service\\n[Service]\\nExecStart=/bin/true\\n' "
       ">/etc/systemd/system/new.service")
    assert lines("new") == ["new.service", "* `-low.service"], "of a unit that is not loaded its file is read"


def test_lists_of_sockets_and_timers_and_lists_as_json(host):
    assert [line.split() for line in sh(host, "systemctl list-sockets --no-legend").splitlines()] == [
        ["/run/talk.sock", "talk.socket", "talk.service"], ["127.0.0.1:7071", "talk.socket", "talk.service"]]
    assert sh(host, "systemctl list-timers --all").splitlines()[0].split() == \
        ["NEXT", "LEFT", "LAST", "PASSED", "UNIT", "ACTIVATES"]
    assert json.loads(sh(host, "systemctl list-timers -o json")) == []
    units = json.loads(sh(host, "systemctl list-units --output=json --type=service"))
    assert {"unit": "top.service", "load": "loaded", "active": "active", "sub": "running",
            "description": units[-1]["description"]} in units
    files = json.loads(sh(host, "systemctl list-unit-files --output=json top.service"))
    assert files[0]["unit_file"] == "top.service" and files[0]["state"] == "enabled"
    assert json.loads(sh(host, "systemctl list-sockets --output=json"))[0]["listen"] == "/run/talk.sock"


def test_what_there_is_not_says_what_to_do_instead(host):
    systemctl = "/usr/lib/hakim/bin/systemctl"
    got = host.exec([systemctl, "edit", "top"], check=False)
    assert got.returncode == 1 and got.stderr.startswith("edit is not supported by hakim-init: write ")
    assert host.exec([systemctl, "set-default", "x.target"], check=False).returncode == 1
    got = host.exec([systemctl, "--root=/mnt", "enable", "top"], check=False)
    assert got.returncode == 1 and "--root" in got.stderr
    assert status(host)["units"]["top"]["sub"] == "running"


def test_without_a_supervisor_the_files_alone_are_changed(host):
    """As in an image that is being built."""
    install(host, "built.service")
    script = "mount -t tmpfs none /run/hakim; systemctl daemon-reload; systemctl enable built; " \
             "systemctl is-enabled built"
    got = host.exec(["unshare", "-m", "/bin/sh", "-ec", script], env=PATH, check=False)
    assert got.returncode == 0 and got.stdout == "enabled\n", got.stderr
    assert got.stderr.startswith("No supervisor runs here, ignoring command 'daemon-reload'")
    assert host.exec(["unshare", "-m", "/bin/sh", "-c", "mount -t tmpfs none /run/hakim; systemctl start built"],
                     env=PATH, check=False).returncode == 1


def complete(host, *words: str) -> list[str]:
    """What bash would offer for the last word."""
    line = " ".join(f"'{word}'" for word in words)
    script = f". /usr/lib/hakim/completion/systemctl; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); " \
             "_hakim_systemctl; printf '%s\\n' \"${COMPREPLY[@]}\""
    return host.exec(["bash", "-c", script], env=PATH).stdout.split()


def test_completion_knows_the_commands_the_units_and_the_values(host):
    said = sh(host, "systemctl --help")
    known = [line.split()[0] for line in said.splitlines() if line.startswith("  ")]
    assert sorted(complete(host, "systemctl", "")) == sorted(known)
    zsh = (ROOT / "completion/_systemctl").read_text()
    assert not [name for name in known if f"'{name}:" not in zsh]
    assert complete(host, "systemctl", "is-en") == ["is-enabled"]
    assert complete(host, "systemctl", "--quiet", "stop", "to") == ["top.service"]
    assert "talk.service" in complete(host, "systemctl", "start", "t")
    assert "talk.service" not in complete(host, "systemctl", "stop", "t"), "it does not run"
    assert complete(host, "systemctl", "list-units", "--type", "=", "so") == ["socket"]
    assert "--now" in complete(host, "systemctl", "enable", "--n")
