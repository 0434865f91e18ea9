"""The ways to a registry: proxies, rates, certificates of both sides; and images that are for several machines."""
from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_proxy import HttpProxy
from image_kit import HAKIM, Image, Registry, as_json, environment, free_port, hakim, pull, registry_fixture, sha

plain = registry_fixture("plain")
tls = registry_fixture("tls", tls=True)
locked = registry_fixture("locked", tls=True, user="user:hid:den")
HERE = "--platform=linux/amd64"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.mkdir()
    return path


@pytest.fixture
def proxy() -> Iterator[HttpProxy]:
    with HttpProxy() as made:
        yield made


def good(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result


# ---- proxies

@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy", "ALL_PROXY"])
def test_plain_http_goes_through_the_proxy_of_the_environment(plain, proxy, out, tmp_path, variable):
    image = Image(sizes=(3000, 200000))
    plain.push(image, "n/proxy:1", tmp_path)
    # A name that only the proxy knows.
    good(pull(tmp_path, f"registry.invalid:{plain.port}/n/proxy:1", out, "--plain-http", HERE,
              env={variable: proxy.url}))
    asked = " ".join(path for _, path, _ in proxy.seen)
    for digest in image.blobs:
        assert f"http://registry.invalid:{plain.port}/v2/n/proxy/blobs/{digest}" in asked


def test_the_variable_that_a_request_could_set_is_not_read(plain, proxy, out, tmp_path):
    """HTTP_PROXY is what a web server makes of a header: libcurl does not read it."""
    result = pull(tmp_path, f"registry.invalid:{plain.port}/n/proxy:1", out, "--plain-http", HERE, "--retries=0",
                  env={"HTTP_PROXY": proxy.url})
    assert result.returncode == 1 and proxy.seen == []


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_https_goes_through_a_tunnel_that_sees_nothing(locked, proxy, out, tmp_path, variable):
    locked.push(Image(), "n/tunnel:1", tmp_path)
    good(pull(tmp_path, f"{locked.host}/n/tunnel:1", out, HERE, "--cacert", locked.cert, "--creds", "user:hid:den",
              env={variable: proxy.url}))
    assert set(proxy.seen) == {("CONNECT", locked.host, None)}, "and no Authorization"


def test_no_proxy_names_who_is_spoken_to_directly(plain, proxy, tmp_path):
    plain.push(Image(), "n/direct:1", tmp_path)
    ref = f"{plain.host}/n/direct:1"
    dead = f"http://127.0.0.1:{free_port()}"
    words = ("inspect", ref, "--plain-http", HERE, "--retries=0")
    gone = hakim(tmp_path, *words, env={"http_proxy": dead})
    assert gone.returncode == 1 and "cannot connect" in gone.stderr
    for name in ("no_proxy", "NO_PROXY"):
        for value in ("127.0.0.1", "example.org,127.0.0.1", "*"):
            good(hakim(tmp_path, *words, env={"http_proxy": dead, name: value}))
    good(hakim(tmp_path, *words, env={"http_proxy": proxy.url, "no_proxy": "example.org"}))
    assert proxy.seen != []


def test_proxmoxs_own_proxy_counts_where_the_environment_has_none(plain, proxy, out, tmp_path):
    plain.push(Image(), "n/pve:1", tmp_path)
    etc = tmp_path / "pve"
    etc.mkdir()
    dead = f"http://127.0.0.1:{free_port()}"
    ref = f"{plain.host}/n/pve:1"
    words = ("--plain-http", HERE, "--retries=0", "--force-replace")
    (etc / "datacenter.cfg").write_text(f"keyboard: de\nhttp_proxy: {dead}\n")
    where = {"HAKIM_PVE_DIR": str(etc)}
    assert pull(tmp_path, ref, out, *words, env=where).returncode == 1
    good(pull(tmp_path, ref, out, *words, env={**where, "http_proxy": proxy.url}))
    assert proxy.seen != []
    good(pull(tmp_path, ref, out, *words, env={**where, "no_proxy": "127.0.0.1"}))
    proxy.seen.clear()
    (etc / "datacenter.cfg").write_text(f"http_proxy: {proxy.url}\n")
    good(pull(tmp_path, ref, out, *words, env=where))
    assert proxy.seen != []
    proxy.seen.clear()
    good(hakim(tmp_path, "inspect", ref, "--plain-http", HERE, env=where))
    assert proxy.seen != []


def test_proxmoxs_own_proxy_is_a_tunnel_for_https(tls, proxy, out, tmp_path):
    tls.push(Image(), "n/pve:1", tmp_path)
    etc = tmp_path / "pve"
    etc.mkdir()
    (etc / "datacenter.cfg").write_text(f"http_proxy: {proxy.url}\n")
    good(pull(tmp_path, f"{tls.host}/n/pve:1", out, HERE, "--cacert", tls.cert, env={"HAKIM_PVE_DIR": str(etc)}))
    assert {method for method, _, _ in proxy.seen} == {"CONNECT"}


# ---- the rate

@pytest.mark.parametrize("sizes", [(6 << 20,), (2 << 20, 2 << 20, 2 << 20), (5 << 20, 1 << 20)])
def test_a_limited_pull_takes_as_long_as_its_bytes_need(plain, out, tmp_path, sizes):
    """However many connections there are: the limit is that of all."""
    name = f"n/rate{len(sizes)}-{sizes[0]}"
    plain.push(Image(sizes=sizes, compress=False), f"{name}:1", tmp_path)
    began = time.monotonic()
    good(pull(tmp_path, f"{plain.host}/{name}:1", out, "--plain-http", HERE, "--limit-rate=2M"))
    took = time.monotonic() - began
    assert 0.8 < took / (sum(sizes) / (2 << 20)) < 1.7, took


# ---- certificates

def sign(path: Path, name: str, ca: Path | None = None, *more: str) -> Path:
    """A certificate NAME.cert and its key, by itself or by a CA."""
    by = ["-CA", f"{ca}.cert", "-CAkey", f"{ca}.key"] if ca else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-keyout", f"{path / name}.key", "-out", f"{path / name}.cert", *by, *more], check=True,
                   capture_output=True)
    return path / name


@pytest.fixture(scope="module")
def mutual(tmp_path_factory) -> Iterator[tuple[Registry, Path, Path]]:
    """A registry that wants a certificate of its clients, one that it takes, and one that it does not."""
    path = tmp_path_factory.mktemp("mutual")
    ca = sign(path, "ca")
    registry = Registry(path, tls=True, client_ca=f"{ca}.cert")
    yield registry, sign(path, "client", ca, "-addext", "extendedKeyUsage=clientAuth"), sign(path, "stranger")
    registry.stop()


def lay_down(directory: Path, registry: Registry, client: Path | None) -> None:
    """What an owner puts into certs.d."""
    directory.mkdir(parents=True)
    (directory / "ca.crt").write_bytes(Path(registry.cert).read_bytes())
    if client:
        for kind in ("cert", "key"):
            (directory / f"client.{kind}").write_bytes(Path(f"{client}.{kind}").read_bytes())


def test_a_clients_certificate_of_certs_d_is_shown(mutual, out, tmp_path):
    registry, client, stranger = mutual
    for home in ("none", "stranger", "client"):
        (tmp_path / home).mkdir()
    lay_down(tmp_path / "none/.config/containers/certs.d" / registry.host, registry, None)
    lay_down(tmp_path / "stranger/.config/containers/certs.d" / registry.host, registry, stranger)
    lay_down(tmp_path / "client/.config/containers/certs.d" / registry.host, registry, client)
    image = Image()
    image.write_directory(tmp_path / "image")
    subprocess.run(["skopeo", "copy", "-q", "--preserve-digests",
                    "--dest-cert-dir", str(tmp_path / "client/.config/containers/certs.d" / registry.host),
                    f"dir:{tmp_path}/image", f"docker://{registry.host}/n/mutual:1"], check=True)
    for home in ("none", "stranger"):
        result = pull(tmp_path / home, f"{registry.host}/n/mutual:1", out, HERE, "--retries=0")
        assert result.returncode == 1 and list(out.iterdir()) == [], result.stdout
    good(pull(tmp_path / "client", f"{registry.host}/n/mutual:1", out, HERE))


def test_a_certificate_without_its_key_is_told(mutual, out, tmp_path):
    registry, client, _ = mutual
    where = tmp_path / ".config/containers/certs.d" / registry.host
    lay_down(where, registry, client)
    (where / "client.key").unlink()
    result = pull(tmp_path, f"{registry.host}/n/mutual:1", out, HERE, "--retries=0")
    assert result.returncode == 1 and "certificate" in result.stderr, result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="lays a directory over /etc")
@pytest.mark.parametrize("below", ["containers", "docker"])
def test_certs_d_below_etc_counts(mutual, out, tmp_path, below):
    """Over this machine's /etc, in a mount namespace of its own."""
    registry, client, _ = mutual
    lay_down(tmp_path / "etc" / below / "certs.d" / registry.host, registry, client)
    image = Image()
    image.write_directory(tmp_path / "image")
    subprocess.run(["skopeo", "copy", "-q", "--preserve-digests", "--dest-cert-dir",
                    str(tmp_path / "etc" / below / "certs.d" / registry.host), f"dir:{tmp_path}/image",
                    f"docker://{registry.host}/n/etc:1"], check=True)
    words = [HAKIM, "pull", "--image", f"{registry.host}/n/etc:1", "--output", str(out), HERE, "--retries=0"]
    assert subprocess.run(words, env=environment(tmp_path), capture_output=True).returncode == 1
    script = f"mount -t overlay -o lowerdir={tmp_path}/etc:/etc overlay /etc && exec \"$@\""
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", *words], env=environment(tmp_path),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- layers that lie, and images for several machines

def test_verify_layers_refuses_what_unpacks_to_something_else(plain, out, tmp_path):
    image = Image(sizes=(3000, 70000))
    image.config["rootfs"]["diff_ids"][1] = sha(b"something else")
    image.manifest["config"] = image.add(as_json(image.config), image.config_descriptor["mediaType"])
    plain.push(image, "n/lie:1", tmp_path)
    ref = f"{plain.host}/n/lie:1"
    result = pull(tmp_path, ref, out, "--plain-http", HERE, "--verify-layers")
    assert result.returncode == 1 and "layer 2: its content is not what the configuration says" in result.stderr
    assert list(out.iterdir()) == []
    # Its digests are right, which is all that is looked at without.
    good(pull(tmp_path, ref, out, "--plain-http", HERE))
    plain.push(Image(), "n/truth:1", tmp_path)
    good(pull(tmp_path, f"{plain.host}/n/truth:1", out, "--plain-http", HERE, "--verify-layers"))
    assert hakim(tmp_path, "verify", out / "lie_1.tar").returncode == 1


@pytest.fixture(scope="module")
def several(plain, tmp_path_factory):
    """An index of two images and an attestation in the registry; the images by their machine, the index's digest."""
    path = tmp_path_factory.mktemp("several")
    images = {arch: Image(sizes=(2000, 50000 + i), architecture=arch, seed=20 + i)
              for i, arch in enumerate(("amd64", "arm64"))}
    attestation = Image(sizes=(100,), seed=30)
    attestation.config.update(architecture="unknown", os="unknown")
    attestation.manifest["config"] = attestation.add(as_json(attestation.config),
                                                     attestation.config_descriptor["mediaType"])
    entries = []
    for arch, image in [*images.items(), ("unknown", attestation)]:
        image.write_directory(path / "all")
        (path / "all" / f"{sha(image.bytes)[7:]}.manifest.json").write_bytes(image.bytes)
        platform = {"os": "unknown" if arch == "unknown" else "linux", "architecture": arch}
        entries.append({"mediaType": image.type, "digest": sha(image.bytes), "size": len(image.bytes),
                        "platform": {**platform, **({"variant": "v8"} if arch == "arm64" else {})}})
    entries[2]["annotations"] = {"vnd.docker.reference.type": "attestation-manifest",
                                 "vnd.docker.reference.digest": entries[0]["digest"]}
    index = as_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    (path / "all/manifest.json").write_bytes(index)
    subprocess.run(["skopeo", "copy", "-q", "--all", "--preserve-digests", "--dest-tls-verify=false",
                    f"dir:{path}/all", f"docker://{plain.host}/n/several:1"], check=True)
    return images, sha(index)


@pytest.mark.parametrize(("platform", "machine"), [
    ("linux/amd64", "amd64"), ("linux/arm64", "arm64"), ("linux/arm64/v8", "arm64"), (None, None)])
def test_of_an_index_the_platform_that_is_wanted_is_pulled(plain, several, out, tmp_path, platform, machine):
    images, digest = several
    machine = machine or {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    result = good(pull(tmp_path, f"{plain.host}/n/several:1", out, "--plain-http", "--check-remote-digest",
                       *([f"--platform={platform}"] if platform else [])))
    path = out / "several_1.tar"
    shown = json.loads(subprocess.run(["skopeo", "inspect", "--override-arch", machine, f"oci-archive:{path}"],
                                      check=True, capture_output=True).stdout)
    assert shown["Architecture"] == machine and shown["Digest"] == sha(images[machine].bytes)
    good(hakim(tmp_path, "verify", path))
    # The tag's digest is the index's, so that one HEAD tells whether it has moved.
    before = len(plain.requests())
    result = good(pull(tmp_path, f"{plain.host}/n/several:1", out, "--plain-http", "--check-remote-digest",
                       *([f"--platform={platform}"] if platform else [])))
    assert "skipped=1" in result.stdout
    assert ["HEAD" in line for line in plain.wait_for("HEAD", since=before)] == [True]
    assert any(digest in file.read_text() for file in out.iterdir() if file != path and file.is_file())


def test_a_platform_that_is_not_there_is_told_with_those_that_are(plain, several, out, tmp_path):
    result = pull(tmp_path, f"{plain.host}/n/several:1", out, "--plain-http", "--platform=linux/s390x")
    assert result.returncode == 1 and list(out.iterdir()) == []
    assert "linux/amd64" in result.stderr and "linux/arm64" in result.stderr and "unknown" not in result.stderr
    shown = json.loads(good(hakim(tmp_path, "inspect", f"{plain.host}/n/several:1", "--json", "--plain-http",
                                  "--platform=linux/arm64")).stdout)
    assert shown["platforms"] == ["linux/amd64", "linux/arm64/v8"] or \
        shown["platforms"] == ["linux/amd64", "linux/arm64"]
    assert shown["digest"] == several[1]
