"""What neither Debian nor npm has: the install.sh of the variants against a stand-in of each download.

They run in a Debian of the tests, as while an image is built, but without apt; Debian's mix and composer are stand-ins,
too. A server on loopback has what is downloaded, and local repositories what is cloned.
"""
from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import ROOT, unavailable
from hosts.programs import MODULES
from hosts.rootfs import make_layers

# In $1 the tree, in $2 a directory for what is written; then the command, in the tree.
ENTER = """set -eu
tree=$1 place=$2
shift 2
mount -t overlay -o "lowerdir=$tree,upperdir=$place/upper,workdir=$place/work" root "$place/root"
mount --bind /dev "$place/root/dev"
mount -t proc proc "$place/root/proc"
exec env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
"""
NO_APT = '\napt_install() { echo "apt: $*"; }\n'
VERSIONS = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "image/versions.env").read_text("utf-8"), re.M))


class Quiet(SimpleHTTPRequestHandler):
    """Without a log on stderr."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A directory and its address."""
    directory = tmp_path / "served"
    directory.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(directory)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield directory, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Builder:
    """A Debian in which one install.sh after the other runs."""

    def __init__(self, tmp: Path) -> None:
        self._place = tmp / "place"
        for name in ("upper", "work", "root"):
            (self._place / name).mkdir(parents=True)
        # The newest layer is Debian with the programs of the modules: it has curl and git.
        [self._tree] = make_layers(MODULES)
        recipe = (ROOT / "image/recipe.sh").read_text("utf-8") + NO_APT
        self.put("/tmp/hakim/recipe.sh", recipe)
        self.put("/usr/local/bin/apt-get", "#!/bin/sh\n")
        self.put("/smoke/kit.sh", (ROOT / "image/smoke.sh").read_text("utf-8"))

    def put(self, path: str, text: str) -> None:
        """A file in it, which can be executed."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        target.chmod(0o755)

    def path(self, path: str) -> Path:
        """Where a file is that was made in it."""
        return self._place / "upper" / path.lstrip("/")

    def sh(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """What a shell in it says."""
        words = [f"{key}={value}" for key, value in {**VERSIONS, **variables}.items()]
        return subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "sh",
                               str(self._tree), str(self._place), *words, "chroot", str(self._place / "root"),
                               "sh", "-c", script], text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL)

    def install(self, variant: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a variant's script, as the Dockerfile does."""
        self.put("/tmp/hakim/install.sh", (ROOT / f"image/variants/{variant}/install.sh").read_text("utf-8"))
        return self.sh("sh /tmp/hakim/install.sh", **variables)


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[Builder]:
    """It needs root, as building does."""
    if os.geteuid() != 0:
        unavailable("a chroot needs root")
    yield Builder(tmp_path)
    shutil.rmtree(tmp_path / "place")


def machine(amd64: str, arm64: str) -> str:
    """As recipe.sh's."""
    return arm64 if os.uname().machine == "aarch64" else amd64


def tarball(path: Path, files: dict[str, str]) -> None:
    """A .tar.gz of programs."""
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text), 0o755
            tar.addfile(info, io.BytesIO(text.encode()))


def sum_of(path: Path, kind: str) -> str:
    """Of a file."""
    return hashlib.new(kind, path.read_bytes()).hexdigest()


def says(version: str) -> str:
    """A program that says its version."""
    return f"#!/bin/sh\necho 'stand-in {version}'\n"


@pytest.fixture
def dotnet(served: tuple[Path, str]) -> dict[str, str]:
    """What the tarball of .NET's SDK is called by Microsoft, with its checksum."""
    directory, url = served
    version, arch = VERSIONS["DOTNET_SDK_VERSION"], machine("x64", "arm64")
    path = directory / version / f"dotnet-sdk-{version}-linux-{arch}.tar.gz"
    tarball(path, {"./dotnet": says(version), "./sdk/readme": "x"})
    return {"DOTNET_SDK_URL": url, f"DOTNET_SDK_SHA512_{machine('AMD64', 'ARM64')}": sum_of(path, "sha512")}


def test_the_sdk_of_dotnet_is_what_was_pinned_and_can_be_run(builder, dotnet):
    done = builder.install("dotnet", **dotnet)
    assert done.returncode == 0, done.stderr
    assert "apt: libicu76" in done.stdout
    assert builder.sh("dotnet --version").stdout == f"stand-in {VERSIONS['DOTNET_SDK_VERSION']}\n"
    smoke = (ROOT / "image/variants/dotnet/smoke.sh").read_text("utf-8").split("left_out", 1)[1]
    done = builder.sh(f". /smoke/kit.sh\nleft_out{smoke}", DOTNET_ROOT="/usr/share/dotnet")
    assert done.stdout == f"version: dotnet {VERSIONS['DOTNET_SDK_VERSION']}\n", done.stderr


def test_another_tarball_than_was_pinned_is_not_unpacked(builder, dotnet):
    name = f"DOTNET_SDK_SHA512_{machine('AMD64', 'ARM64')}"
    done = builder.install("dotnet", **{**dotnet, name: VERSIONS[name]})
    assert done.returncode != 0
    assert "is not what was pinned" in done.stderr and dotnet[name] in done.stderr
    assert not builder.path("/usr/share/dotnet").exists()


def test_without_a_checksum_nothing_is_downloaded(builder, dotnet):
    done = builder.install("dotnet", **{**dotnet, f"DOTNET_SDK_SHA512_{machine('AMD64', 'ARM64')}": ""})
    assert done.returncode != 0 and "no checksum is pinned for" in done.stderr
    assert not builder.path("/usr/share/dotnet").exists()


def test_a_server_that_has_it_not_fails_the_build(builder, dotnet, served):
    shutil.rmtree(served[0] / VERSIONS["DOTNET_SDK_VERSION"])
    done = builder.install("dotnet", **dotnet)
    assert done.returncode != 0 and "404" in done.stderr


def test_what_is_left_out_is_written_into_the_image(builder):
    done = builder.install("dotnet", DOWNLOADS="no")
    assert done.returncode == 0, done.stderr
    assert builder.path("/usr/share/hakim/image/left-out").read_text("utf-8") == \
        f".NET SDK {VERSIONS['DOTNET_SDK_VERSION']}\n"
    assert builder.sh(". /smoke/kit.sh; left_out '.NET SDK'").returncode == 0
    assert builder.sh(". /smoke/kit.sh; left_out mise").returncode == 1


def test_mise_is_what_was_pinned(builder, served):
    directory, url = served
    version, arch = VERSIONS["MISE_VERSION"], machine("x64", "arm64")
    path = directory / f"v{version}" / f"mise-v{version}-linux-{arch}"
    path.parent.mkdir()
    path.write_text(says(version), "utf-8")
    builder.sh("mkdir -p /opt/node/bin; touch /opt/node/bin/node")
    done = builder.install("tooling", MISE_URL=url,
                           **{f"MISE_SHA256_{machine('AMD64', 'ARM64')}": sum_of(path, "sha256")})
    assert done.returncode == 0, done.stderr
    assert builder.sh("mise --version").stdout == f"stand-in {version}\n"
    assert builder.sh("readlink /usr/local/bin/node").stdout == "/opt/node/bin/node\n"


@pytest.fixture
def repository(builder: Builder) -> Callable[[str, dict[str, str]], tuple[str, str]]:
    """Makes a repository in the builder; its URL and its commit."""
    def make(name: str, files: dict[str, str]) -> tuple[str, str]:
        root = builder.path(f"/srv/{name}")
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, "utf-8")
        for words in (["init", "-q"], ["config", "uploadpack.allowAnySHA1InWant", "true"], ["add", "-A"],
                      ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x"],
                      # It is not what the branch has any more: the commit is what counts.
                      ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "y", "--allow-empty"]):
            subprocess.run(["git", "-C", root, *words], check=True, capture_output=True)
        commit = subprocess.run(["git", "-C", root, "rev-parse", "HEAD^"], check=True, capture_output=True, text=True)
        return f"file:///srv/{name}", commit.stdout.strip()
    return make


MIX = """#!/bin/sh
set -eu
case $1 in
archive.build) tar -cf "$3" -C "$PWD" . ;;
archive.install) mkdir -p "$MIX_HOME/archives" && cp "$3" "$MIX_HOME/archives/" ;;
esac
"""
COMPOSER = """#!/bin/sh
set -eu
echo "$*" >>/tmp/composer.log
[ "$1" != install ] || { [ -f composer.json ] && mkdir -p vendor; }
"""


def test_hex_and_phoenix_are_built_from_the_pinned_commits(builder, repository):
    builder.put("/usr/bin/mix", MIX)
    hex_url, hex_commit = repository("hex", {"mix.exs": "hex"})
    phx_url, phx_commit = repository("phoenix", {"installer/mix.exs": "phx"})
    done = builder.install("elixir", HEX_URL=hex_url, HEX_COMMIT=hex_commit, PHOENIX_URL=phx_url,
                           PHOENIX_COMMIT=phx_commit)
    assert done.returncode == 0, done.stderr
    for home in ("/etc/skel", "/home/coder"):
        names = builder.sh(f"ls {home}/.mix/archives").stdout.split()
        assert names == [f"hex-{VERSIONS['HEX_VERSION']}.ez", f"phx_new-{VERSIONS['PHOENIX_VERSION']}.ez"], home
    assert builder.sh("tar -tf /etc/skel/.mix/archives/phx_new-*.ez").stdout.split() == ["./", "./mix.exs"]


def test_laravels_installer_is_the_pinned_commit(builder, repository):
    builder.put("/usr/bin/composer", COMPOSER)
    builder.put("/usr/sbin/phpdismod", "#!/bin/sh\n")
    url, commit = repository("installer", {"composer.json": "{}", "bin/laravel": says("5")})
    builder.sh("chmod 755 /srv/installer/bin/laravel")
    done = builder.install("php", LARAVEL_INSTALLER_URL=url, LARAVEL_INSTALLER_COMMIT=commit,
                           PACKAGIST_URL="http://packagist.example")
    assert done.returncode == 0, done.stderr
    assert builder.sh("sh /usr/local/bin/laravel").stdout == "stand-in 5\n"
    assert not builder.path("/opt/laravel-installer/.git").exists()


@pytest.mark.parametrize(("commit", "why"), [("0" * 40, "0" * 40), ("", "no commit is pinned for")])
def test_another_commit_than_was_pinned_is_not_taken(builder, repository, commit, why):
    builder.put("/usr/bin/mix", MIX)
    url, _ = repository("hex", {"mix.exs": "hex"})
    done = builder.install("elixir", HEX_URL=url, HEX_COMMIT=commit)
    assert done.returncode != 0 and why in done.stderr
    assert not builder.path("/etc/skel/.mix").exists()
