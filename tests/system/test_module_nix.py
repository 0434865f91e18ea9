"""modules/nix-daemon: Debian's real nix-daemon; the installer of an empty /nix is a stand-in on loopback."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hakim import comm, status, wait_units
from hosts.host import Mount
from hosts.process import end_process, wait_until
from workspace import Workspace, agent_program  # noqa: F401

SOCKET = "/nix/var/nix/daemon-socket/socket"
URL = "http://127.0.0.1:8099/nix"
BUILD = """derivation { name = "made"; system = builtins.currentSystem; builder = "/bin/sh";
args = [ "-c" "echo made by $NIX_BUILD_TOP >$out" ]; }"""
# What the real one leaves, as far as the module looks at it, with Debian's program in it.
INSTALLER = """#!/bin/sh
set -eu
[ "$1 $2 $3 $4 $5" = 'install linux --init none --no-confirm' ] && shift 5
[ "$*" = '--diagnostic-endpoint  --extra-conf experimental-features = nix-command flakes' ]
[ -z "${CODER_AGENT_TOKEN:-}" ]
mkdir -p /nix/store /nix/var/nix/profiles/default/bin /nix/var/nix/profiles/default/etc/profile.d /etc/nix
echo 'experimental-features = nix-command flakes' >/etc/nix/nix.conf
: >/nix/var/nix/profiles/default/etc/profile.d/nix-daemon.sh
ln -s /usr/bin/nix /nix/var/nix/profiles/default/bin/nix
ln -s /usr/bin/nix /nix/var/nix/profiles/default/bin/nix-daemon
"""
ENV = {"BOOTSTRAP_NIX_IF_MISSING": "1", "HAKIM_NIX_INSTALLER_URL": URL}


@pytest.fixture
def volume() -> Iterator[Path]:
    """A directory of this machine as /nix."""
    directory = Path(tempfile.mkdtemp(prefix="hakim-nix-", dir="/var/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def site() -> Iterator[Callable[..., Path]]:
    """Makes web servers in a container's network, which serve a directory; site(host) is that directory."""
    servers: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="hakim-site-") as name:
        def new(host) -> Path:
            servers.append(subprocess.Popen(
                [*host.network(), sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", name,
                 "8099"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            wait_until("the web server listens", lambda: subprocess.run(
                [*host.network(), "sh", "-c", "grep -q ':1FA3 .* 0A ' /proc/net/tcp"], check=False).returncode == 0, 10)
            return Path(name)
        yield new
        for server in servers:
            end_process(server)


@pytest.fixture
def nix_host(modules_host, volume, site):
    """Makes containers with that /nix, with or without a nix in their PATH, and with an installer on the net."""
    def make(env: dict[str, str] | None = None, *, installed: bool = False, installer: str = "", files=None):
        host = modules_host()
        if not installed:
            host.put_file("/usr/bin/nix-daemon", "", 0o644)
        for path, text in (files or {}).items():
            host.put_file(path, text)
        os.chown(volume, host.id_shift, host.id_shift)
        host.start(env or {}, tty=False, mounts=[Mount(volume, "/nix")],
                   before=lambda: installer and (site(host) / "nix").write_text(installer))
        return host
    return make


def sh(host, script: str, user: str = "coder", timeout: float = 60) -> str:
    """What a shell of the user says."""
    return host.exec(["sh", "-c", script], user=user, timeout=timeout).stdout.strip()


def left(host) -> list[str]:
    """The daemons that there are."""
    return [name for name in map(comm, host.processes()) if name.startswith("nix")]


def test_the_coder_user_builds_by_the_daemon_which_survives_a_kill_and_stale_files(nix_host, volume):
    files = {"/etc/nix/nix.conf": "sandbox = false\nsubstituters =\nexperimental-features = nix-command\n"}
    host = nix_host(installed=True, files=files)
    wait_units(host, nix_daemon="running", nix_bootstrap="skipped")
    assert "Version: 2." in host.exec(["sh", "-c", "nix store info --store daemon 2>&1"], user="coder").stdout
    made = host.exec(["nix-build", "--no-out-link", "--store", "daemon", "-E", BUILD], user="coder").stdout.strip()
    assert sh(host, f"cat {made}").startswith("made by ")
    old = status(host)["units"]["nix-daemon"]["pid"]
    sh(host, f"kill -9 {old}", user="root")
    wait_until("another one", lambda: status(host)["units"]["nix-daemon"]["pid"] not in (0, None, old), 20)
    wait_units(host, nix_daemon="running")
    wait_until("the old socket is removed", lambda: "removed /nix/var/nix/daemon-socket/socket" in
               sh(host, "hakimctl logs nix-daemon", user="root"), 10)
    host.kill9()
    assert (volume / SOCKET[5:]).is_socket()
    host.close()
    host = nix_host(installed=True, files=files)
    assert wait_units(host, nix_daemon="running")["units"]["nix-daemon"]["restarts"] == 0
    again = host.exec(["nix-build", "--no-out-link", "--store", "daemon", "-E", BUILD], user="coder").stdout.strip()
    assert again == made
    host.exec(["hakimctl", "stop", "nix-daemon"])
    assert left(host) == []
    assert host.stop() == 0


def test_an_empty_nix_is_filled_and_then_the_daemon_is_there(nix_host, volume):
    (volume / "lost+found").mkdir()
    host = nix_host(ENV, installer=INSTALLER)
    found = wait_units(host, nix_daemon="running", nix_bootstrap="exited")["units"]
    assert found["nix-bootstrap"]["status"] == "nix is installed"
    assert sh(host, "readlink /etc/profile.d/nix.sh") == "/nix/var/nix/profiles/default/etc/profile.d/nix-daemon.sh"
    assert "Version: 2." in host.exec(["sh", "-c", "nix store info --store daemon 2>&1"], user="coder").stdout
    assert not (volume / ".hakim-seeding").exists()
    host.stop()
    host.close()
    # A new container with the old volume, whose image has no build users: no installer is there, and none is asked for.
    host = nix_host(ENV, files={"/etc/group": "root:x:0:\nshadow:x:42:\ncoder:x:1000:\nnogroup:x:65534:\n"})
    found = wait_units(host, nix_daemon="running", nix_bootstrap="exited")["units"]
    assert found["nix-bootstrap"]["status"] == "nix is there already"
    assert "nix-command flakes" in sh(host, "cat /etc/nix/nix.conf")
    assert "nixbld" in sh(host, "getent group nixbld")
    assert host.stop() == 0


def test_a_seed_of_the_image_needs_no_network(nix_host):
    host = nix_host({"BOOTSTRAP_NIX_IF_MISSING": "true", "HAKIM_NIX_SEED": "/opt/seed"}, files={
        "/opt/seed/store/x": "x", "/opt/seed/var/nix/profiles/default/bin/README": ""})
    failed = wait_units(host, nix_bootstrap="failed", nix_daemon="skipped")["units"]["nix-bootstrap"]
    assert "/nix/var/nix/profiles/default/bin has no nix" in failed["last_error"]
    sh(host, "ln -s /usr/bin/nix /opt/seed/var/nix/profiles/default/bin/nix-daemon; "
       "hakimctl restart nix-bootstrap && hakimctl start nix-daemon", user="root")
    wait_units(host, nix_bootstrap="exited", nix_daemon="running")
    assert sh(host, "cat /nix/store/x") == "x"
    assert host.stop() == 0


def test_what_was_cut_off_half_way_is_mended_by_the_next_start(nix_host, volume):
    half = "#!/bin/sh\nmkdir -p /nix/store/half /nix/var/nix/profiles/default/bin\nchmod 555 /nix/store/half\n" \
        "ln -s /usr/bin/nix /nix/var/nix/profiles/default/bin/nix-daemon\nexec sleep 1000\n"
    host = nix_host(ENV, installer=half)
    wait_until("it is at it", lambda: (volume / "var/nix/profiles/default/bin/nix-daemon").is_symlink(), 20)
    assert status(host)["units"]["nix-daemon"]["sub"] == "waiting"
    host.kill9()
    host.close()
    assert (volume / "store/half").exists()
    host = nix_host(ENV, installer=INSTALLER)
    wait_units(host, nix_daemon="running", nix_bootstrap="exited")
    wait_until("its log says so", lambda: "an earlier installation was cut off" in
               sh(host, "hakimctl logs nix-bootstrap", user="root"), 10)
    assert not (volume / "store/half").exists()
    assert host.stop() == 0


@pytest.mark.parametrize(("env", "installer", "sentence"), [
    ({}, "<html>log in first</html>", "is no installer: it does not begin with #!"),
    ({}, "#!/bin/sh\nexit 7\n", "the installer of nix failed with status 7"),
    ({"HAKIM_NIX_INSTALLER_URL": "http://127.0.0.1:8099/absent"}, INSTALLER, "could not be downloaded from"),
    ({"HAKIM_NIX_INSTALLER_URL": "http://elsewhere/nix"}, INSTALLER, "is not https"),
    ({}, "#!/bin/sh\nLONG", "could not be downloaded from"),
])
def test_an_installer_that_cannot_be_is_one_sentence_and_the_daemon_is_skipped(nix_host, env, installer, sentence):
    # A name of a test with all of it would be too long for an environment.
    host = nix_host(ENV | env, installer=installer.replace("LONG", "#" * (9 << 20)))
    found = wait_units(host, nix_bootstrap="failed", nix_daemon="skipped", home="exited")["units"]
    assert sentence in found["nix-bootstrap"]["last_error"], found
    assert found["nix-bootstrap"]["restarts"] == 0
    assert sentence in host.exec(["hakimctl", "status"], env={"COLUMNS": "400"}, check=False).stdout
    assert host.stop() == 0


def test_a_nix_that_has_something_in_it_is_never_touched(nix_host, volume):
    (volume / "mine").write_text("mine")
    host = nix_host(ENV, installer=INSTALLER)
    found = wait_units(host, nix_bootstrap="failed", nix_daemon="skipped")["units"]["nix-bootstrap"]
    assert "/nix is not empty and has no nix in it" in found["last_error"]
    assert os.listdir(volume) == ["mine"]
    assert host.stop() == 0


@pytest.mark.parametrize("env", [{}, {"BOOTSTRAP_NIX_IF_MISSING": "0"}])
def test_without_nix_and_without_the_wish_both_are_skipped(nix_host, env):
    host = nix_host(env)
    found = wait_units(host, nix_bootstrap="skipped", nix_daemon="skipped")["units"]
    assert "BOOTSTRAP_NIX_IF_MISSING" in found["nix-bootstrap"]["status"]
    assert "nix-daemon is not installed" in found["nix-daemon"]["status"]
    assert host.stop() == 0


def test_the_agent_is_up_before_the_installer_begins(modules_host, agent_program, site):  # noqa: F811
    w = Workspace(modules_host(), agent_program)
    begun = "#!/bin/sh\nhakimctl status --json coder-agent | grep '\"sub\"' >/run/begun\nexec sleep 1000\n"
    try:
        w.host.put_file("/usr/bin/nix-daemon", "", 0o644)
        old_start = w.start_server
        w.start_server = lambda: (old_start(), (site(w.host) / "nix").write_text(begun))
        w.start(ENV)
        w.ready()
        wait_until("it has begun", lambda: sh(w.host, "cat /run/begun 2>/dev/null || :") != "", 30)
        assert '"running"' in sh(w.host, "cat /run/begun")
        assert w.host.stop() == 0
    finally:
        if w.server:
            w.server.stop()


def test_a_second_container_with_the_same_volume_waits_for_the_first_and_removes_nothing(nix_host, volume):
    (volume / "lost+found").mkdir()
    slow = INSTALLER.replace("ln -s", "while [ ! -e /nix/go ]; do sleep 0.1; done\nln -s", 1)
    first = nix_host(ENV, installer=slow)
    wait_until("it is at it", lambda: (volume / "var/nix/profiles/default/bin").is_dir(), 30)
    # It is of this machine's network what is asked for: the second has no installer, and needs none.
    second = nix_host(ENV)
    wait_until("it waits", lambda: "waiting" in str(status(second)["units"]["nix-bootstrap"]["status"]), 30)
    assert (volume / "var/nix/profiles/default/bin").is_dir()
    (volume / "go").touch()
    wait_units(first, 30, nix_bootstrap="exited", nix_daemon="running")
    wait_units(second, 30, nix_bootstrap="exited")
    assert "cut off" not in sh(second, "hakimctl logs nix-bootstrap", user="root")
    assert (volume / "store").is_dir() and not (volume / ".hakim-seeding").exists()
    assert second.stop() == 0 and first.stop() == 0


def test_what_the_installer_leaves_running_does_not_hold_the_lock(nix_host, volume):
    host = nix_host(ENV, installer=INSTALLER + "sleep 1000 >/dev/null 2>&1 &\n")
    wait_units(host, nix_daemon="running", nix_bootstrap="exited")
    assert (volume / ".hakim-seed.lock").exists()
    assert sh(host, "flock -n /nix/.hakim-seed.lock echo free", user="root") == "free"
    assert host.stop() == 0


@pytest.mark.parametrize("not_yet, over", [
    ("1s/true/false/", "1s/false/true/"),
    ('1s/true/true,"text":"it is being given the image"/', '1s/,"text":"[^"]*"//'),
])
def test_a_late_row_of_the_set_up_is_waited_for(nix_host, volume, not_yet, over):
    host = nix_host(ENV)
    wait_units(host, nix_bootstrap="failed")
    sh(host, f"rm -f /nix/.hakim-seed*; sed -i '{not_yet}' /run/hakim/quirks.json; "
       "hakimctl restart --no-block nix-bootstrap", user="root")
    wait_until("it is at it", lambda: status(host)["units"]["nix-bootstrap"]["sub"] in ("start", "starting"), 10)
    assert os.listdir(volume) == []
    sh(host, "mkdir -p /nix/store /nix/var/nix/profiles/default/bin && ln -s /usr/bin/nix "
       f"/nix/var/nix/profiles/default/bin/nix-daemon && sed -i '{over}' /run/hakim/quirks.json", user="root")
    found = wait_units(host, nix_bootstrap="exited")["units"]["nix-bootstrap"]
    assert found["status"] == "nix is there already" and not (volume / ".hakim-seeding").exists()
    assert host.stop() == 0


def test_the_store_of_the_image_goes_before_the_installer(modules_host, volume, site):
    host = modules_host()
    host.put_file("/usr/bin/nix-daemon", "", 0o644)
    # It takes its time.
    for n in range(2000):
        host.put_file(f"/nix/store/x/{n}", "x" * 4096)
    host.put_file("/nix/var/nix/profiles/default/bin/nix-daemon", "#!/bin/sh\nexec sleep 1000\n", 0o755)
    os.chown(volume, host.id_shift, host.id_shift)
    host.start(ENV, tty=False, mounts=[Mount(volume, "/nix")],
               before=lambda: (site(host) / "nix").write_text("#!/bin/sh\ntouch /nix/installed\nexit 1\n"))
    found = wait_units(host, 30, nix_bootstrap="exited")["units"]["nix-bootstrap"]
    assert found["status"] == "nix is there already"
    assert len(os.listdir(volume / "store/x")) == 2000 and not (volume / "installed").exists()
    assert host.stop() == 0
