"""`hakim inspect --layers` and `hakim verify` look into layers: what Proxmox would choke on is told, and cheaply."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest
from image_kit import HAKIM, environment, hakim, pull, registry_fixture, started
from tree_image import Entry, TreeImage, add, copy

plain = registry_fixture("plain")
HERE = "--platform=linux/amd64"
DEBIAN = Entry("etc/os-release", b'NAME="Debian GNU/Linux"\nID=debian\n')


def image_of(tmp_path: Path, *layers: list[Entry], packed: str = "+gzip") -> TreeImage:
    """One layer each."""
    image = TreeImage(tmp_path / "image")
    for entries in layers:
        with image.layer(packed) as tar:
            add(tar, entries)
    return image.config(Entrypoint=["/init"])


def told(result, text: str) -> list[str]:
    """The warnings of verify (on stderr) or inspect (a line each)."""
    assert result.returncode == 0, result.stderr
    return [line for line in (result.stdout + result.stderr).splitlines() if text in line]


def both(plain, tmp_path: Path, image: TreeImage, name: str):
    """What inspect says of it in the registry, and verify of its archive."""
    plain.push(image, f"l/{name}:1", str(tmp_path))
    out = tmp_path / "out"
    out.mkdir()
    ref = f"{plain.host}/l/{name}:1"
    pulled = pull(tmp_path, ref, out, "--plain-http", HERE)
    assert pulled.returncode == 0, pulled.stderr
    return (hakim(tmp_path, "inspect", ref, "--layers", "--plain-http", HERE),
            hakim(tmp_path, "verify", out / f"{name}_1.tar"))


@pytest.mark.parametrize("packed", ["", "+gzip", "+zstd"])
def test_owners_above_65535_are_told_however_the_layer_is_packed(plain, tmp_path, packed):
    image = image_of(tmp_path, [DEBIAN, Entry("srv/last", owner=(65535, 65535))],
                     [Entry("srv/user", owner=(65536, 0)), Entry("srv/group/", owner=(0, 4000000))], packed=packed)
    for result in both(plain, tmp_path, image, "owners" + packed[1:]):
        line, = told(result, "owner above 65535")
        assert "2 entries" in line and "srv/user of 65536:0" in line
        assert not told(result, "os-release")


def test_without_os_release_it_is_told(plain, tmp_path):
    image = image_of(tmp_path, [DEBIAN], [Entry("etc/.wh.os-release")])
    for result in both(plain, tmp_path, image, "without"):
        line, = told(result, "there is no os-release")
        assert "Proxmox does not know" in line
        assert not told(result, "owner above")


def test_a_distribution_that_proxmox_does_not_know_is_told(plain, tmp_path):
    image = image_of(tmp_path, [DEBIAN], [Entry("etc/os-release", b"ID=plan9\n")])
    for result in both(plain, tmp_path, image, "plan9"):
        assert told(result, "os-release has ID=plan9")


def test_a_real_root_has_nothing_to_be_told(plain, tmp_path, trees):
    """Debian's, with its links and hard links, names and owners; counted as tarfile counts them."""
    image = TreeImage(tmp_path / "image")
    with image.layer("+zstd") as tar:
        copy(tar, trees.tar)
    plain.push(image.config(Entrypoint=["/init"]), "l/debian:1", str(tmp_path))
    shown = hakim(tmp_path, "inspect", f"{plain.host}/l/debian:1", "--layers", "--json", "--plain-http", HERE)
    assert shown.returncode == 0, shown.stderr
    answer = json.loads(shown.stdout)
    assert answer["warnings"] == []
    with tarfile.open(trees.tar) as tar:
        assert answer["entries"] == len([n for n in tar.getnames() if not n.startswith("./dev/")])


def test_without_the_switch_no_layer_is_fetched(plain, tmp_path):
    image = image_of(tmp_path, [Entry("a", b"x")])
    plain.push(image, "l/unfetched:1", str(tmp_path))
    before = len(plain.requests())
    result = hakim(tmp_path, "inspect", f"{plain.host}/l/unfetched:1", "--plain-http", HERE)
    assert result.returncode == 0 and not told(result, "os-release") and "unpacked" not in result.stdout
    asked = "".join(plain.wait_for(image.manifest["config"]["digest"], since=before))
    assert image.layers[0]["digest"] not in asked


def test_what_is_no_tar_is_no_layer(plain, tmp_path):
    image = image_of(tmp_path, [DEBIAN])
    blob = tmp_path / "image" / "blob"
    blob.write_bytes(b"this is no tar archive " * 100)
    image.layers.append(image._keep(blob, "application/vnd.oci.image.layer.v1.tar"))
    image.diff_ids.append(image.layers[-1]["digest"])
    plain.push(image.config(), "l/no-tar:1", str(tmp_path))
    out = tmp_path / "out"
    out.mkdir()
    ref = f"{plain.host}/l/no-tar:1"
    assert pull(tmp_path, ref, out, "--plain-http", HERE).returncode == 0
    for result in (hakim(tmp_path, "inspect", ref, "--layers", "--plain-http", HERE),
                   hakim(tmp_path, "verify", out / "no-tar_1.tar")):
        assert result.returncode == 1 and "layer 2: it is no tar archive" in result.stderr


def test_bytes_that_are_not_what_the_digest_says_are_refused(plain, tmp_path):
    image = image_of(tmp_path, [DEBIAN, Entry("file", os.urandom(100000))], packed="")
    plain.push(image, "l/liar:1", str(tmp_path))
    digest = image.layers[0]["digest"][7:]
    data = Path(plain.path, "data/docker/registry/v2/blobs/sha256", digest[:2], digest, "data")
    wrong = bytearray(data.read_bytes())
    wrong[5000] ^= 1
    data.write_bytes(wrong)
    result = hakim(tmp_path, "inspect", f"{plain.host}/l/liar:1", "--layers", "--plain-http", HERE, "--retries=0")
    assert result.returncode == 1 and "layer 1: it is not what its digest says" in result.stderr


def big(tmp_path: Path, plain, name: str, size: int) -> str:
    """An image whose layer unpacks to `size` bytes, and is small."""
    image = TreeImage(tmp_path / "image")
    zeros = tmp_path / "zeros"
    with open(zeros, "wb") as file:
        file.truncate(size)
    with image.layer("+zstd") as tar:
        add(tar, [DEBIAN])
        tar.add(zeros, "zeros")
    zeros.unlink()
    plain.push(image.config(), f"l/{name}:1", str(tmp_path))
    return f"{plain.host}/l/{name}:1"


def test_memory_does_not_grow_with_a_layer(plain, tmp_path):
    ref = big(tmp_path, plain, "big", 600 << 20)
    script = "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); " \
             "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(r.returncode)"
    done = subprocess.run(["/usr/bin/python3", "-c", script, HAKIM, "inspect", ref, "--layers", "--plain-http", HERE],
                          env=environment(tmp_path), capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    if "sanitize" not in HAKIM:
        assert int(done.stdout) < 24 << 10, "KiB"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once(plain, tmp_path, number):
    """And nothing is left, since nothing is written."""
    image = TreeImage(tmp_path / "image")
    with image.layer("") as tar:
        add(tar, [Entry("random", os.urandom(4 << 20))])
    plain.push(image.config(), f"l/signal{int(number)}:1", str(tmp_path))
    ref = f"{plain.host}/l/signal{int(number)}:1"
    home = tmp_path / "home"
    home.mkdir()
    before = len(plain.requests())
    with started(HAKIM, "inspect", ref, "--layers", "--plain-http", HERE, "--limit-rate=100K", cwd=home,
                 env={**environment(home), "TMPDIR": str(home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                 text=True) as process:
        plain.wait_for(image.manifest["config"]["digest"], since=before)
        # What it has left to do is the layer, which takes 40 s.
        assert process.poll() is None
        process.send_signal(number)
        out, _ = process.communicate(timeout=3)
    assert process.returncode == -number and out == "" and list(home.iterdir()) == []
