#!/usr/bin/env python3
"""How many of Debian's own .service files load: `tests/debian_units.py` prints each, and the figure.

Takes the packages below from the mirror that this machine's apt uses, in the suite of the test tree,
and asks `hakimctl check` about every .service file in them. What is unpacked of them is kept in
HAKIM_CACHE. Ends with 0 if at least 90 % load with no error, with 1 if fewer do, and with 2 and a
sentence if they cannot be had.
"""
from __future__ import annotations

import argparse
import collections
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "system"))

from hosts.process import HostError, run  # noqa: E402
from hosts.rootfs import SUITE, cache_directory, host_apt_options, host_mirror, locked  # noqa: E402

NEEDED = 90.0
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# By popularity (popcon.debian.org) and by what people run in development containers. Not systemd itself: its
# units are its own parts.
PACKAGES = tuple("""
    accountsservice acpid anacron apache2 apt at avahi-daemon bind9 bluez chrony colord containerd cron
    cups-browsed cups-daemon dbus dnsmasq docker.io dovecot-core dpkg e2fsprogs exim4-daemon-light fail2ban
    fwupd haproxy irqbalance iwd lightdm lighttpd lm-sensors logrotate mariadb-server man-db
    memcached modemmanager monit mosquitto network-manager nfs-kernel-server nfs-common nginx-common ntpsec
    opendkim openssh-server openvpn packagekit php8.4-fpm podman polkitd postfix postgresql-common
    prometheus-node-exporter rabbitmq-server redis-server rpcbind rsync rsyslog rtkit samba smartmontools
    snmpd squid strongswan-starter supervisor syncthing sysstat tomcat10 tor transmission-daemon udisks2
    unattended-upgrades unbound upower uwsgi-emperor varnish wireguard-tools wpasupplicant xrdp zabbix-agent
""".split())
DIRECTORIES = ("usr/lib/systemd/system", "lib/systemd/system")


def cached() -> Path:
    """Where the unit files are, a folder a package; changes when the packages do."""
    recipe = json.dumps([SUITE, PACKAGES, os.uname().machine])
    return cache_directory() / f"units-{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def apt_options(place: Path) -> list[str]:
    """An apt of its own, so that neither this machine's lists nor its suite matter."""
    for name in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"):
        (place / name).mkdir(parents=True)
    (place / "state/status").touch()
    (place / "sources.list").write_text(
        f"deb [signed-by={KEYRING}] {host_mirror() or 'http://deb.debian.org/debian'} {SUITE} main\n", "utf-8")
    (place / "apt.conf").write_text(host_apt_options(), "utf-8")
    settings = {"Dir::State": place / "state", "Dir::State::status": place / "state/status",
                "Dir::Cache": place / "cache", "Dir::Etc::sourcelist": place / "sources.list",
                "Dir::Etc::sourceparts": "-", "Dir::Etc::preferencesparts": place / "etc/preferences.d",
                "APT::Architecture": run(["dpkg", "--print-architecture"]).strip(),
                "Acquire::Languages": "none", "Acquire::Retries": "2", "APT::Sandbox::User": "root",
                "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false"}
    return ["-c", str(place / "apt.conf"), *(f"-o{key}={value}" for key, value in settings.items())]


def take_units(deb: Path, target: Path) -> int:
    """Writes the unit files of a package as regular files; links and drop-ins are left out. How many there are."""
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(deb)], capture_output=True, check=True).stdout
    found = 0
    with tarfile.open(fileobj=io.BytesIO(tar)) as members:
        for member in members:
            path = Path(member.name)
            if str(path.parent) not in DIRECTORIES or not member.isfile() or not member.size:
                continue
            target.mkdir(parents=True, exist_ok=True)
            content = members.extractfile(member)
            assert content
            (target / path.name).write_bytes(content.read())
            found += path.suffix == ".service"
    return found


def download(target: Path) -> None:
    """All packages from the mirror, one after the other, so that the disk holds one of them at a time."""
    with tempfile.TemporaryDirectory(prefix=".new-units-", dir=target.parent) as name:
        place = Path(name)
        units = place / "units"
        units.mkdir()
        apt = apt_options(place)
        without = []
        run(["apt-get", *apt, "-qq", "update"], timeout=180)
        for package in PACKAGES:
            debs = place / "debs"
            debs.mkdir()
            run(["apt-get", *apt, "-qq", "download", package], timeout=180, cwd=debs)
            [deb] = debs.glob("*.deb")
            if not take_units(deb, units / package):
                without.append(package)
            shutil.rmtree(debs)
        if without:
            raise HostError(f"these of {SUITE} have no .service file any more, take them out of the list: {without}")
        os.replace(units, target)


def unit_files() -> list[Path]:
    """Every .service file, in order; downloaded if they are not there."""
    target = cached()
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.parent / "units.lock"):
        if not target.is_dir():
            print(f"taking {len(PACKAGES)} packages of {SUITE} from the mirror, once", flush=True)
            download(target)
    return sorted(target.glob("*/*.service"))


def errors_of(ctl: Path, file: Path) -> list[str]:
    """The sentences that keep a file from loading."""
    done = subprocess.run([ctl, "check", "--json", file], capture_output=True, text=True, timeout=20, check=False)
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        return [f"hakimctl check ended with {done.returncode}: {done.stderr.strip()[-300:]}"]
    found = [p["text"] for p in answer["problems"] if p["fatal"]]
    return found or ([] if answer["ok"] else ["hakimctl check says that it is not ok, and not why"])


def directives_of(errors: list[str]) -> Iterator[str]:
    """The directives that the sentences begin with, each once."""
    yield from sorted({match[1] for text in errors if (match := re.match(r"[^ ]*:\d+: ([A-Za-z]+)", text))})


def main() -> int:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.environ.get("HAKIM_BUILD", "build"), help="where make has put hakimctl")
    parser.add_argument("--quiet", action="store_true", help="print the figure and what does not load, no more")
    options = parser.parse_args()
    try:
        files = unit_files()
    except (HostError, OSError, subprocess.SubprocessError) as error:
        print(f"debian_units: Debian's packages cannot be had from this machine's mirror: {error}", file=sys.stderr)
        return 2
    ctl = ROOT / options.build / "hakimctl"
    bad: collections.Counter[str] = collections.Counter()
    loaded = 0
    for file in files:
        name = f"{file.parent.name}/{file.name}"
        errors = errors_of(ctl, file)
        loaded += not errors
        bad.update(directives_of(errors))
        if not errors:
            if not options.quiet:
                print(f"ok    {name}")
            continue
        print(f"error {name}")
        for text in errors:
            print(f"        {text.removeprefix(str(file))}")
    if bad:
        print("what keeps how many files from loading: " + ", ".join(f"{k}= {n}" for k, n in bad.most_common()))
    share = 100 * loaded / len(files)
    print(f"{loaded} of {len(files)} .service files of {len(PACKAGES)} packages of {SUITE} load: {share:.1f} % "
          f"(needed: {NEEDED:g} %)")
    return 0 if share >= NEEDED else 1


if __name__ == "__main__":
    sys.exit(main())
