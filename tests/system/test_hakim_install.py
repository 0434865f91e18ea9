"""The package on a minimal Debian that looks like a Proxmox node: it installs, and the user's document is followed.

The node is a root of its own, with its own /etc/pve and store. What it calls ghcr.io is a registry here, over TLS, by a
CA that the node trusts; its pvesh and pvesm are stand-ins.
"""
from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts.rootfs import Recipe, making, make_tar, paths
from oci_registry import OciRegistry
from proxmox_kit import HAKIM, ROOT, STAND_INS, VARIANTS

SCRIPT = "./coder/templates/hakim-proxmox/scripts/pull-oci-templates.sh"
# What the package depends on, and what only the stand-ins and the document's own commands need.
DEPENDS = {"bookworm": "libcurl4 libssl3 libjansson4 zlib1g libzstd1 ca-certificates",
           "trixie": "libcurl4t64 libssl3t64 libjansson4 zlib1g libzstd1 ca-certificates"}
TOOLS = "python3 ripgrep"
HERE = "127.0.77.7"
ALL = VARIANTS


def recipe(suite: str) -> Recipe:
    """A root with nothing but what is essential, and packages in /opt that are not installed."""
    def download(where: str, what: str) -> str:
        return ('export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"; apt-get -qq clean; '
                f'apt-get -qq -y --download-only --no-install-recommends install {what} >&2; mkdir -p '
                f'"$1/opt/{where}"; cp "$1"/var/cache/apt/archives/*.deb "$1/opt/{where}"; apt-get -qq clean')
    return Recipe((), (download("depends", DEPENDS[suite]), download("tools", f"{DEPENDS[suite]} {TOOLS}"),
                       'rm -rf "$1"/var/lib/apt/lists/*'), suite=suite)


class Node:
    """A root of its own, where commands run as root of a host that is called bigboss."""

    def __init__(self, suite: str, root: Path) -> None:
        self.root = root
        tar = paths(recipe(suite))[0]
        with making():
            if not tar.exists():
                make_tar(recipe(suite), tar)
        subprocess.run(["tar", "-C", root, "--numeric-owner", "-xf", tar, "--exclude=./dev/*"], check=True)
        (root / "dev/null").touch()

    def run(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A line of sh, in root's directory with the repository."""
        script = ('echo bigboss >/proc/sys/kernel/hostname && mount --bind /dev/null "$0/dev/null" && '
                  'mount -t proc proc "$0/proc" && exec chroot "$0" /bin/sh -c "cd /root/hakim && $1"')
        env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "HAKIM_STANDIN_PROXMOX": "/opt/model",
               "HAKIM_STANDIN_NODE": "bigboss", **variables}
        return subprocess.run(["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "sh", "-c", script,
                               str(self.root), command], env=env, capture_output=True, text=True, timeout=100)

    def good(self, command: str) -> str:
        """Its standard output."""
        done = self.run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file of it."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def minimal(request: pytest.FixtureRequest) -> Iterator[Node]:
    """The package installed, and nothing else."""
    if os.geteuid() != 0:
        pytest.skip("a root of its own needs root")
    root = Path(tempfile.mkdtemp(prefix=f"hakim-node-{os.getpid()}-"))
    try:
        node = Node(request.param, root)
        (root / "root/hakim/build").mkdir(parents=True)
        shutil.copytree(ROOT / "coder", root / "root/hakim/coder")
        (root / "opt/build").mkdir()
        shutil.copy(HAKIM, root / "opt/build/hakim")
        subprocess.run(["sh", "packaging/deb.sh", root / "opt/build", "1.0"], check=True, cwd=ROOT, capture_output=True)
        (root / "opt/build/hakim").unlink()
        yield node
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def node(minimal: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The same as a node of Proxmox, and its registry."""
    n = minimal
    n.good("apt-get -qq install -y --no-install-recommends /opt/depends/*.deb /opt/build/*.deb")
    n.good("apt-get -qq install -y --no-install-recommends /opt/tools/*.deb")
    n.write("etc/pve/storage.cfg", "dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl,backup\n")
    n.write("etc/pve/nodes/bigboss/lxc/300.conf", "arch: amd64\nmp0: local-lvm:subvol-300-disk-1,mp=/home/coder,"
            "backup=1,size=30G\nhostname: ws\n")
    (n.root / "etc/pve/local").symlink_to("nodes/bigboss")
    (n.root / "var/lib/vz/template/cache").mkdir(parents=True)
    shutil.copytree(STAND_INS, n.root / "opt/stand-ins", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pvesh", "pvesm"):
        (n.root / "usr/bin" / name).symlink_to(f"/opt/stand-ins/{name}")
    (n.root / "opt/model/store/bigboss").mkdir(parents=True)
    (n.root / "opt/model/store/bigboss/local").symlink_to("/var/lib/vz/template/cache")
    n.write("usr/bin/gh", "#!/bin/sh\n[ \"$1 $2\" = \"auth token\" ] && echo token\n", 0o755)
    n.write("usr/bin/pct", "#!/bin/sh\ncat /etc/pve/local/lxc/$2.conf\n", 0o755)
    path = tmp_path_factory.mktemp("ca")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ghcr.io",
                    "-addext", "subjectAltName=DNS:ghcr.io", "-keyout", path / "key", "-out", path / "cert"],
                   check=True, capture_output=True)
    n.write("usr/local/share/ca-certificates/test.crt", (path / "cert").read_text())
    n.good("update-ca-certificates")
    n.write("etc/hosts", f"127.0.0.1 localhost\n{HERE} ghcr.io\n")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path / "cert", path / "key")
    registry = OciRegistry((HERE, 443), tls)
    for tag in ("latest", "v2026.02.14"):
        for variant in VARIANTS:
            registry.add(f"shekohex/hakim-{variant}", tag, {"etc/os-release": "ID=debian\n", "v": variant + tag})
    yield n
    registry.shutdown()
    registry.server_close()


def test_it_installs_by_apt_with_what_it_names_and_runs(minimal):
    """Without a network: all that it needs is in its Depends."""
    without = minimal.run("dpkg -i /opt/build/*.deb; dpkg --purge hakim")
    assert "depends on libcurl4" in without.stderr
    minimal.good("apt-get -qq install -y --no-install-recommends /opt/depends/*.deb /opt/build/*.deb")
    assert minimal.good("hakim version").startswith("hakim ")
    assert minimal.good("dpkg --audit") == "" and "usage" in minimal.good("hakim help").lower()
    # The trees of the tests leave manuals out.
    assert [x for x in minimal.run("dpkg -V hakim").stdout.splitlines() if "/usr/share/man" not in x] == []


@pytest.mark.parametrize(("command", "names", "counts"), [
    (SCRIPT, [f"hakim-{v}_latest.tar" for v in ALL], "pulled=6 skipped=0"),
    (f"{SCRIPT} --variant js --tag latest", ["hakim-js_latest.tar"], "pulled=1 skipped=0"),
    (f"{SCRIPT} --variants base,js,elixir --tag latest",
     ["hakim-base_latest.tar", "hakim-elixir_latest.tar", "hakim-js_latest.tar"], "pulled=3 skipped=0"),
    (f"{SCRIPT} --image ghcr.io/shekohex/hakim-elixir:latest", ["hakim-elixir_latest.tar"], "pulled=1 skipped=0"),
    (f"{SCRIPT} --variants base,js --tag latest --force-replace",
     ["hakim-base_latest.tar", "hakim-js_latest.tar"], "pulled=2 skipped=0"),
    (f"{SCRIPT} --variants base,php,dotnet,js,rust,elixir --tag latest --check-remote-digest --use-gh-auth-token",
     [f"hakim-{v}_latest.tar" for v in ALL], "pulled=6 skipped=0"),
    (f"NODE_NAME=bigboss DATASTORE_ID=local {SCRIPT}", [f"hakim-{v}_latest.tar" for v in ALL], "pulled=6 skipped=0"),
    (f"NODE_NAME=bigboss DATASTORE_ID=local TEMPLATE_TAG=v2026.02.14 {SCRIPT}",
     [f"hakim-{v}_v2026.02.14.tar" for v in ALL], "pulled=6 skipped=0"),
])
def test_the_pulls_of_the_document_run_as_they_are_written(node, command, names, counts):
    cache = node.root / "var/lib/vz/template/cache"
    for path in cache.iterdir():
        path.unlink()
    assert node.good(command).splitlines()[-1] == f"done: {counts}"
    assert sorted(p.name for p in cache.glob("*.tar")) == sorted(names)
    # Once more: nothing is pulled that is there, unless it is forced.
    again = node.good(command).splitlines()[-1]
    assert again == (f"done: {counts}" if "force" in command else f"done: pulled=0 skipped={len(names)}")
    listed = node.good("pvesm list local --content vztmpl | rg 'hakim-.*_latest.tar' || true")
    assert len(listed.splitlines()) == len([n for n in names if "latest" in n])


def test_the_rest_of_the_document_runs_too(node):
    assert "--check-remote-digest" in node.good(f"{SCRIPT} --help")
    node.good("bash -n coder/templates/hakim-proxmox/scripts/pull-oci-templates.sh")
    words = "pct config 300 | rg '^mp[0-9]+:.*mp=/home/coder'"
    assert node.good(words) == "mp0: local-lvm:subvol-300-disk-1,mp=/home/coder,backup=1,size=30G\n"
    assert node.good(f"{words} | cut -d' ' -f2 | cut -d',' -f1") == "local-lvm:subvol-300-disk-1\n"
    assert node.good("hakim home 300") == "local-lvm:subvol-300-disk-1\n"


def test_the_timer_of_the_package_pulls(node):
    """What its service would execute."""
    unit = node.good("cat /usr/share/doc/hakim/examples/hakim-pull.service")
    command = next(line.partition("=")[2] for line in unit.splitlines() if line.startswith("ExecStart="))
    assert node.good(command).splitlines()[-1].startswith("done: pulled=")
    assert node.good("hakim list").count("hakim-js_latest.tar") == 1
