"""Debian packages that come, change and go in a running container: their services follow, without systemd."""
from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from hakim import comm, status, unit, wait_units
from hosts import rootfs
from hosts.host import Host, Mount
from hosts.process import wait_until

SETUP = "/usr/lib/hakim/dpkg/setup"
HOOK = "/usr/lib/hakim/dpkg/hook"
QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
UNIT = "[Unit]\nDescription=A program\n[Service]\nExecStart=/usr/bin/prog 1000\n[Install]\nWantedBy=multi-user.target\n"


def sh(host: Host, text: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs a line of sh in the container."""
    return host.exec(["sh", "-c", text], env=QUIET, check=check, timeout=60)


@pytest.fixture(name="booted")
def _booted(lxc: Callable[[], Host]) -> Iterator[Callable[..., Host]]:
    """Makes containers with dpkg/setup done, and .deb files in /opt/debs."""
    debs = rootfs.make_tree(rootfs.DAEMONS)[1] / rootfs.DEBS.lstrip("/")

    def boot(*before: tuple[str, str, int]) -> Host:
        host = lxc()
        for path, text, mode in before:
            host.put_file(path, text, mode)
        host.start({}, tty=False, mounts=[Mount(debs, rootfs.DEBS, True)])
        status(host)
        host.exec([SETUP])
        return host
    yield boot


def main_pid(host: Host, name: str) -> int:
    """Of systemctl show; 0 when it does not run."""
    return int(sh(host, f"systemctl show -P MainPID {name}").stdout)


def web(host: Host) -> str:
    """What answers on port 80, "" when nobody does."""
    done = host.exec(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/80 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && "
                      "head -1 <&3"], check=False)
    return done.stdout


def build_deb(host: Host, name: str, version: str, scripts: dict[str, str], systemd_unit: str = UNIT) -> str:
    """Builds a package in the container with a copy of sleep as /usr/bin/prog; the path of the .deb."""
    tree = f"/tmp/{name}-{version}"
    host.put_file(f"{tree}/DEBIAN/control", f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
                  "Maintainer: A <a@example.org>\nDescription: A program\n")
    for script, text in scripts.items():
        host.put_file(f"{tree}/DEBIAN/{script}", f"#!/bin/sh\nset -e\n{text}\n", 0o755)
    host.put_file(f"{tree}/usr/lib/systemd/system/{name}.service", systemd_unit)
    sh(host, f"mkdir -p {tree}/usr/bin && cp /bin/sleep {tree}/usr/bin/prog && chmod -R go-w {tree} && "
       f"dpkg-deb --root-owner-group -b {tree} {tree}.deb >/dev/null")
    return f"{tree}.deb"


ENABLE = "deb-systemd-helper enable 'mine.service' >/dev/null || true\n"
RESTART = ("if [ -d /run/systemd/system ]; then\n_dh_action=restart\n"
           "deb-systemd-invoke $_dh_action 'mine.service' >/dev/null || true\nfi\n")


def test_nginx_runs_after_its_installation_and_after_a_restart_of_the_container(booted, lxc):
    host = booted()
    done = sh(host, f"dpkg -i {rootfs.DEBS}/nginx*.deb")
    assert "error" not in done.stderr
    assert sh(host, "systemctl is-active nginx").stdout == "active\n"
    assert "200 OK" in web(host)
    assert sh(host, "test -e /run/systemd", check=False).returncode == 1, "that would switch others' behaviour"
    assert sh(host, f"cat /proc/{main_pid(host, 'nginx')}/comm").stdout == "nginx\n"
    # A restart of the container: what was written to its root is there again.
    enabled = sh(host, "readlink /etc/hakim/enabled/nginx.service").stdout.strip()
    assert enabled == "/usr/lib/systemd/system/nginx.service"
    sh(host, "tar -C / -cf /var/tmp/all.tar etc usr/sbin/nginx usr/lib/systemd usr/share/nginx "
       "var/lib/nginx var/log/nginx var/www")
    saved = host.read_file("/var/tmp/all.tar")
    assert host.stop() == 0
    again = lxc()
    again.put_file("/var/tmp/all.tar", saved)
    again.start({}, tty=False, init=("/bin/sh", "-c", "tar -C / -xf /var/tmp/all.tar; exec /usr/sbin/hakim-init"))
    wait_units(again, nginx="running")
    assert "200 OK" in web(again)
    assert again.stop() == 0


def test_an_update_restarts_nginx_once_and_its_removal_stops_it(booted):
    host = booted()
    sh(host, f"dpkg -i {rootfs.DEBS}/nginx*.deb")
    first = main_pid(host, "nginx")
    sh(host, f"dpkg -i {rootfs.DEBS}/nginx*.deb")
    second = main_pid(host, "nginx")
    assert second not in (0, first)
    sh(host, "dpkg -r nginx nginx-common")
    assert sh(host, "systemctl is-active nginx", check=False).stdout == "inactive\n"
    assert not [p for p in host.processes() if comm(p) == "nginx"]
    sh(host, f"dpkg -i {rootfs.DEBS}/nginx*.deb")
    assert sh(host, "systemctl is-active nginx").stdout == "active\n"
    assert sh(host, "systemctl is-enabled nginx").stdout == "enabled\n", "it was removed, not purged"
    sh(host, "dpkg -P nginx nginx-common")
    assert sh(host, "ls -A /etc/hakim/enabled").stdout == ""
    assert host.stop() == 0


def test_policy_rc_d_keeps_a_service_from_its_start(booted):
    host = booted(("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755))
    sh(host, f"dpkg -i {rootfs.DEBS}/nginx*.deb")
    assert sh(host, "systemctl is-active nginx", check=False).stdout == "inactive\n"
    assert web(host) == ""
    assert sh(host, "systemctl is-enabled nginx").stdout == "enabled\n", "policy is about now, not about the next boot"
    assert host.stop() == 0


def test_apt_get_install_starts_it_too(booted):
    host = booted()
    sh(host, f"apt-get install -y -q {rootfs.DEBS}/nginx_*.deb {rootfs.DEBS}/nginx-common_*.deb")
    assert "200 OK" in web(host)
    assert host.stop() == 0


def test_a_package_that_calls_only_debhelpers_lines_is_started_restarted_and_stopped(booted):
    host = booted()
    sh(host, f"dpkg -i {build_deb(host, 'mine', '1', {'postinst': ENABLE + RESTART})}")
    first = main_pid(host, "mine")
    assert first > 0
    sh(host, f"dpkg -i {build_deb(host, 'mine', '2', {'postinst': ENABLE + RESTART})}")
    assert main_pid(host, "mine") not in (0, first), "its package asks for a restart"
    sh(host, "dpkg -r mine")
    assert not [p for p in host.processes() if comm(p) == "prog"]
    assert host.stop() == 0


def test_a_service_whose_package_wants_no_restart_goes_on(booted):
    host = booted()
    start_only = ENABLE + "if [ -d /run/systemd/system ]; then deb-systemd-invoke start 'mine.service'; fi\n"
    sh(host, f"dpkg -i {build_deb(host, 'mine', '1', {'postinst': start_only})}")
    first = main_pid(host, "mine")
    sh(host, f"dpkg -i {build_deb(host, 'mine', '2', {'postinst': start_only})}")
    assert main_pid(host, "mine") == first > 0
    assert host.stop() == 0


def test_one_whose_program_was_replaced_and_whose_package_says_nothing_is_restarted(booted):
    host = booted()
    sh(host, f"dpkg -i {build_deb(host, 'mine', '1', {'postinst': ENABLE})}")
    first = main_pid(host, "mine")
    assert first > 0
    sh(host, f"dpkg -i {build_deb(host, 'mine', '2', {'postinst': ENABLE})}")
    assert main_pid(host, "mine") not in (0, first)
    assert host.stop() == 0


def test_a_broken_service_never_fails_dpkg(booted):
    host = booted()
    broken = UNIT.replace("/usr/bin/prog 1000", "/usr/bin/false").replace("[Service]", "[Service]\nType=oneshot")
    sh(host, f"dpkg -i {build_deb(host, 'mine', '1', {'postinst': ENABLE + RESTART}, broken)}")
    assert sh(host, "systemctl is-failed mine").stdout == "failed\n"
    nonsense = "[Service]\nExecStart=nonsense/relative\n[Install]\nWantedBy=multi-user.target\n"
    sh(host, f"dpkg -i {build_deb(host, 'mine', '2', {'postinst': ENABLE + RESTART}, nonsense)}")
    assert host.stop() == 0


def test_an_installer_that_writes_a_unit_and_enables_it_now(booted):
    host = booted()
    host.put_file("/tmp/install.sh", "set -e\ncat >/etc/systemd/system/theirs.service <<END\n"
                  + UNIT.replace("/usr/bin/prog", "/bin/sleep") + "END\nsystemctl daemon-reload\n"
                  "systemctl enable --now theirs\nsystemctl is-active --quiet theirs\n", 0o755)
    sh(host, "sh /tmp/install.sh")
    assert sh(host, "systemctl is-enabled theirs").stdout == "enabled\n"
    assert main_pid(host, "theirs") > 0
    sh(host, "systemctl disable --now theirs")
    assert sh(host, "systemctl is-active theirs", check=False).returncode == 3
    assert sh(host, "systemctl is-enabled theirs", check=False).stdout == "disabled\n"
    assert host.stop() == 0


def test_setup_can_be_run_twice_and_taken_back(booted):
    host = booted()
    what = "sha256sum /usr/sbin/invoke-rc.d /usr/bin/deb-systemd-invoke; ls /etc/dpkg/dpkg.cfg.d; dpkg-divert --list"
    sh(host, f"{SETUP} && {SETUP}")
    assert sh(host, "readlink /usr/sbin/invoke-rc.d").stdout == "/usr/lib/hakim/dpkg/invoke-rc.d\n"
    sh(host, f"{SETUP} --undo")
    undone = sh(host, what).stdout
    assert "hakim" not in undone and "/usr/sbin/invoke-rc.d.debian" not in undone
    assert sh(host, "test -e /usr/bin/systemctl", check=False).returncode == 1
    changed = sh(host, "dpkg -V init-system-helpers", check=False).stdout
    assert "/usr/bin/" not in changed and "/usr/sbin/" not in changed, "as the package has them"
    sh(host, f"{SETUP} --undo")
    assert sh(host, what).stdout == undone
    assert host.stop() == 0


def test_the_completion_of_systemctl_never_stands_in_the_way_of_systemds(booted):
    host = booted()
    path = "/usr/share/bash-completion/completions/systemctl"
    assert sh(host, f"readlink {path}").stdout == "/usr/lib/hakim/completion/systemctl\n"
    deb = build_deb(host, "other", "1", {})
    sh(host, f"mkdir -p /tmp/other-1{path.rpartition('/')[0]} && echo theirs >/tmp/other-1{path} && "
             f"dpkg-deb -b /tmp/other-1 {deb} && dpkg -i {deb}")
    assert sh(host, f"cat {path}").stdout == "theirs\n", "a package that brings it replaces the link"
    sh(host, f"{SETUP} && {SETUP} --undo")
    assert sh(host, f"cat {path}").stdout == "theirs\n"
    assert sh(host, "test -e /usr/share/zsh/vendor-completions/_systemctl", check=False).returncode == 1
    assert host.stop() == 0


def test_the_hook_is_fast_when_nothing_has_changed_and_silent_without_a_supervisor(booted):
    host = booted()
    for i in range(30):
        unit(host, f"s{i}.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    sh(host, "hakimctl reload")
    best = []
    for _ in range(5):
        began = time.monotonic()
        sh(host, f"DPKG_HOOK_ACTION=configure {HOOK} pre; DPKG_HOOK_ACTION=configure {HOOK} post")
        best.append(time.monotonic() - began)
    assert min(best) < 0.15, best
    done = sh(host, f"HAKIM_RUNTIME_DIR=/nowhere; mv /run/hakim/control.sock /run/hakim/away; {HOOK} pre; {HOOK} post; "
              "invoke-rc.d nosuch status; mv /run/hakim/away /run/hakim/control.sock", check=False)
    assert "hakim" not in done.stdout + done.stderr
    wait_until("it answers again", lambda: host.exec(["hakimctl", "status"], check=False).returncode == 0)
    assert host.stop() == 0
