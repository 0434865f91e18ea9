"""The host command against a real docker-registry on loopback, and its archives before skopeo and umoci."""
import json
import os
import random
import subprocess
import tarfile
import time

import pytest
from image_kit import HAKIM, Image, Registry, environment, hakim, kill, pull, registry_fixture, sha, sha_of

plain = registry_fixture("plain")
tls = registry_fixture("tls", tls=True)
locked = registry_fixture("locked", tls=True, user="user:hid:den")


@pytest.fixture
def out(tmp_path):
    path = tmp_path / "out"
    path.mkdir()
    return path


def good(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def names(out):
    return sorted(n for n in os.listdir(out) if not n.startswith("."))


HERE = "--platform=linux/amd64"


def test_the_archive_is_what_skopeo_umoci_and_verify_take(plain, out, tmp_path):
    image = Image(sizes=(1000, 100000, 5), Cmd=["/sbin/init"], Env=["A=b"])
    plain.push(image, "a/take:1", tmp_path)
    good(pull(tmp_path, f"{plain.host}/a/take:1", out, "--plain-http", HERE))
    path = out / "take_1.tar"
    assert os.stat(path).st_mode & 0o7777 == 0o644
    assert names(out) == ["take_1.tar"]
    shown = json.loads(subprocess.run(["skopeo", "inspect", f"oci-archive:{path}"], check=True,
                                      capture_output=True).stdout)
    assert shown["Digest"] == sha(image.bytes)
    assert shown["Layers"] == [layer["digest"] for layer in image.layers]
    subprocess.run(["skopeo", "copy", "-q", f"oci-archive:{path}", f"oci:{tmp_path}/layout:x"], check=True)
    subprocess.run(["umoci", "unpack", "--rootless", "--image", f"{tmp_path}/layout:x", f"{tmp_path}/bundle"],
                   check=True, capture_output=True)
    assert sorted(os.listdir(tmp_path / "bundle/rootfs")) == ["file0", "file1", "file2"]
    assert "whole" in good(hakim(tmp_path, "verify", path)).stdout


def test_the_names_are_those_that_proxmox_wants(plain, out, tmp_path):
    image = Image(sizes=(10, 20))
    plain.push(image, "a/names:1", tmp_path)
    good(pull(tmp_path, f"{plain.host}/a/names:1", out, "--plain-http", HERE))
    with tarfile.open(out / "names_1.tar") as tar:
        members = tar.getmembers()
    blobs = sorted(f"blobs/sha256/{d[7:]}" for d in [*image.blobs, sha(image.bytes)])
    assert [m.name for m in members] == ["blobs", "blobs/sha256", *blobs, "index.json", "oci-layout"]
    assert {(m.uid, m.gid, m.mtime, m.uname) for m in members} == {(0, 0, 0, "")}
    with open(out / "names_1.tar", "rb") as f:
        assert f.read()[-1024:] == bytes(1024)


def test_the_same_image_is_the_same_bytes(plain, tmp_path):
    plain.push(Image(sizes=(3000, 200000, 40)), "a/same:1", tmp_path)
    sums = set()
    for jobs in (1, 3, 8):
        out = tmp_path / f"out{jobs}"
        out.mkdir()
        good(pull(tmp_path, f"{plain.host}/a/same:1", out, "--plain-http", HERE, f"--jobs={jobs}"))
        sums.add(sha_of(out / "same_1.tar"))
    assert len(sums) == 1


def test_docker_schema_2_becomes_oci(plain, out, tmp_path):
    plain.push(Image(docker=True), "a/docker:1", tmp_path)
    good(pull(tmp_path, f"{plain.host}/a/docker:1", out, "--plain-http", HERE))
    raw = subprocess.run(["skopeo", "inspect", "--raw", f"oci-archive:{out}/docker_1.tar"], check=True,
                         capture_output=True).stdout
    manifest = json.loads(raw)
    assert manifest["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.oci.image.layer.v1.tar+gzip"}
    good(hakim(tmp_path, "verify", out / "docker_1.tar"))


def test_tls_is_trusted_by_cacert_or_certs_d_or_not_at_all(tls, out, tmp_path):
    plain_image = Image()
    tls.push(plain_image, "a/tls:1", tmp_path)
    ref = f"{tls.host}/a/tls:1"
    refused = hakim(tmp_path, "inspect", ref, HERE)
    assert refused.returncode == 1 and "not trusted" in refused.stderr
    good(hakim(tmp_path, "inspect", ref, HERE, "--cacert", tls.cert))
    good(hakim(tmp_path, "inspect", ref, HERE, "--tls-verify=false"))
    certs = tmp_path / ".config/containers/certs.d" / tls.host
    certs.mkdir(parents=True)
    (certs / "ca.crt").write_bytes(open(tls.cert, "rb").read())
    good(hakim(tmp_path, "inspect", ref, HERE))
    good(pull(tmp_path, ref, out, HERE))


def test_login_is_tried_stored_and_forgotten(locked, out, tmp_path):
    locked.push(Image(), "a/locked:1", tmp_path)
    ref = f"{locked.host}/a/locked:1"
    trust = ("--cacert", locked.cert)
    refused = hakim(tmp_path, "inspect", ref, HERE, *trust)
    assert refused.returncode == 1 and "wants credentials" in refused.stderr
    wrong = hakim(tmp_path, "login", locked.host, "-u", "user", *trust, stdin="wrong\n")
    assert wrong.returncode == 1 and "refuses the credentials" in wrong.stderr
    auth = tmp_path / ".config/containers/auth.json"
    assert not auth.exists()
    good(hakim(tmp_path, "login", locked.host, "-u", "user", *trust, stdin="hid:den\n"))
    assert os.stat(auth).st_mode & 0o777 == 0o600
    good(hakim(tmp_path, "inspect", ref, HERE, *trust))
    good(pull(tmp_path, ref, out, HERE, *trust))
    good(hakim(tmp_path, "logout", locked.host))
    assert json.loads(auth.read_text()) == {"auths": {}}
    assert hakim(tmp_path, "inspect", ref, HERE, *trust).returncode == 1
    assert hakim(tmp_path, "logout", locked.host).returncode == 1
    good(hakim(tmp_path, "inspect", ref, HERE, *trust, "--creds", "user:hid:den"))


def test_login_keeps_what_else_is_in_the_file(locked, tmp_path):
    auth = tmp_path / "auth.json"
    auth.write_text('{"credHelpers":{"x.io":"y"},"auths":{"other.io":{"auth":"dTpw"}}}')
    good(hakim(tmp_path, "login", locked.host, "-u", "user", "--cacert", locked.cert, "--authfile", auth,
               stdin="hid:den\n"))
    kept = json.loads(auth.read_text())
    assert kept["credHelpers"] == {"x.io": "y"} and sorted(kept["auths"]) == sorted(["other.io", locked.host])


def test_a_layer_that_a_template_has_is_not_fetched(plain, out, tmp_path):
    old = Image(sizes=(300000, 1000))
    new = Image(sizes=(300000, 1000, 500))
    plain.push(old, "a/layers:1", tmp_path)
    plain.push(new, "a/layers:2", tmp_path)
    good(pull(tmp_path, f"{plain.host}/a/layers:1", out, "--plain-http", HERE))
    os.rename(out / "layers_1.tar", out / "layers_2.tar")
    before = len(plain.requests())
    good(pull(tmp_path, f"{plain.host}/a/layers:2", out, "--plain-http", HERE, "--force-replace"))
    asked = "".join(plain.requests()[before:])
    assert old.layers[0]["digest"] not in asked and new.layers[2]["digest"] in asked
    good(hakim(tmp_path, "verify", out / "layers_2.tar"))


def test_a_damaged_template_is_no_source(plain, out, tmp_path):
    image = Image(sizes=(300000, 1000))
    plain.push(image, "a/damaged:1", tmp_path)
    good(pull(tmp_path, f"{plain.host}/a/damaged:1", out, "--plain-http", HERE))
    path = out / "damaged_1.tar"
    right = sha_of(path)
    data = bytearray(path.read_bytes())
    at = data.index(image.blobs[image.layers[0]["digest"]][1000:1100])
    data[at] ^= 1
    path.write_bytes(data)
    broken = hakim(tmp_path, "verify", path)
    assert broken.returncode == 1 and "damaged" in broken.stderr
    good(pull(tmp_path, f"{plain.host}/a/damaged:1", out, "--plain-http", HERE, "--force-replace"))
    assert sha_of(path) == right


def test_a_digest_check_is_one_request(plain, out, tmp_path):
    plain.push(Image(), "a/check:1", tmp_path)
    ref = f"{plain.host}/a/check:1"
    good(pull(tmp_path, ref, out, "--plain-http", HERE, "--check-remote-digest"))
    before = len(plain.requests())
    good(pull(tmp_path, ref, out, "--plain-http", HERE, "--check-remote-digest"))
    new = plain.requests()[before:]
    assert len(new) == 1 and "HEAD" in new[0]


@pytest.mark.parametrize("where", ["early", "anywhere"])
def test_kill_9_leaves_the_old_template_whole_and_the_next_run_goes_on(plain, tmp_path, where):
    """Each round kills one pull at a random moment, and lets the next one end."""
    rng = random.Random(where)
    tag = "k" + where
    sizes = (6 << 20, 9 << 20, 200)
    plain.push(Image(sizes=sizes, seed=3, compress=False), f"a/old:{tag}", tmp_path)
    plain.push(Image(sizes=sizes, seed=4, compress=False), f"a/new:{tag}", tmp_path)
    right = {}
    for name in ("old", "new"):
        there = tmp_path / name
        there.mkdir()
        good(pull(tmp_path, f"{plain.host}/a/{name}:{tag}", there, "--plain-http", HERE))
        right[name] = there / f"{name}_{tag}.tar"
    begun = time.monotonic()
    there = tmp_path / "time"
    there.mkdir()
    good(pull(tmp_path, f"{plain.host}/a/new:{tag}", there, "--plain-http", HERE))
    whole = time.monotonic() - begun
    out = tmp_path / "out"
    out.mkdir()
    path = out / f"new_{tag}.tar"
    killed = resumed = 0
    for _ in range(int(os.environ.get("HAKIM_KILLS", "10"))):
        path.write_bytes(right["old"].read_bytes())
        argv = [HAKIM, "pull", "--image", f"{plain.host}/a/new:{tag}", "--output", str(out), "--plain-http",
                "--force-replace", HERE]
        process = subprocess.Popen(argv, env=environment(tmp_path), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, whole * (0.3 if where == "early" else 1.1)))
        killed += process.poll() is None
        kill(process)
        assert sha_of(path) in (sha_of(right["old"]), sha_of(right["new"]))
        resumed += any(n.endswith("-journal") for n in names(out))
        good(pull(tmp_path, f"{plain.host}/a/new:{tag}", out, "--plain-http", HERE, "--force-replace"))
        assert sha_of(path) == sha_of(right["new"])
        assert names(out) == [f"new_{tag}.tar"]
    assert killed


def test_what_an_earlier_run_had_is_not_fetched_again(plain, out, tmp_path):
    """The first pull is as slow as a limit makes it, and is killed; the second asks from the middle on."""
    image = Image(sizes=(20 << 20,), seed=5, compress=False)
    plain.push(image, "a/resume:1", tmp_path)
    argv = [HAKIM, "pull", "--image", f"{plain.host}/a/resume:1", "--output", str(out), "--plain-http", HERE,
            "--limit-rate=24M"]
    process = subprocess.Popen(argv, env=environment(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = out / "resume_1.tar.tmp-hakim-journal"
    deadline = time.monotonic() + 30
    while not journal.exists() or journal.read_text().count("\n") < 2:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    kill(process)
    result = good(pull(tmp_path, f"{plain.host}/a/resume:1", out, "--plain-http", HERE, "--json"))
    assert '"resumed":0' not in result.stdout
    assert " 206 " in [r for r in plain.requests() if image.layers[0]["digest"] in r][-1]
    good(hakim(tmp_path, "verify", out / "resume_1.tar"))


def test_two_pulls_of_one_template_are_one_after_the_other(plain, out, tmp_path):
    plain.push(Image(sizes=(8 << 20,), compress=False), "a/two:1", tmp_path)
    argv = [HAKIM, "pull", "--image", f"{plain.host}/a/two:1", "--output", str(out), "--plain-http", HERE,
            "--force-replace"]
    both = [subprocess.Popen(argv, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0 or "another" in errors, errors
    good(hakim(tmp_path, "verify", out / "two_1.tar"))
    assert names(out) == ["two_1.tar"]


def test_a_directory_that_cannot_be_written_is_named(plain, tmp_path):
    plain.push(Image(), "a/ro:1", tmp_path)
    (tmp_path / "file").write_text("")
    result = pull(tmp_path, f"{plain.host}/a/ro:1", tmp_path / "file/out", "--plain-http", HERE)
    assert result.returncode == 1 and "file/out" in result.stdout + result.stderr


def test_a_full_disk_is_told_before_the_first_byte(plain, tmp_path):
    plain.push(Image(sizes=(3 << 20,), compress=False), "a/full:1", tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", out], check=True)
    try:
        result = pull(tmp_path, f"{plain.host}/a/full:1", out, "--plain-http", HERE)
        assert result.returncode == 1 and "MiB free" in result.stdout + result.stderr
        assert not [n for n in names(out) if "full" in n]
        subprocess.run(["mount", "-o", "remount,ro", out], check=True)
        result = pull(tmp_path, f"{plain.host}/a/full:1", out, "--plain-http", HERE)
        assert result.returncode == 1 and "Read-only" in result.stdout + result.stderr
    finally:
        subprocess.run(["umount", out], check=True)


def test_a_network_that_is_cut_is_waited_for_and_then_gone_on_from(tmp_path):
    (tmp_path / "registry").mkdir()
    registry = Registry(tmp_path / "registry")
    out = tmp_path / "out"
    out.mkdir()
    argv = [HAKIM, "pull", "--image", f"{registry.host}/a/cut:1", "--output", str(out), "--plain-http", HERE]
    journal = out / "cut_1.tar.tmp-hakim-journal"

    def pull_until_it_has_begun(*words):
        process = subprocess.Popen([*argv, "--limit-rate=24M", *words], env=environment(tmp_path),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        lines = journal.read_text().count("\n") if journal.exists() else 0
        deadline = time.monotonic() + 30
        while not journal.exists() or journal.read_text().count("\n") < max(2, lines + 1):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        registry.stop()
        return process
    try:
        registry.push(Image(sizes=(40 << 20,), seed=6, compress=False), "a/cut:1", tmp_path)
        gone = pull_until_it_has_begun("--retries=1")
        assert "cannot connect" in gone.communicate(timeout=60)[1] and gone.returncode == 1
        assert not (out / "cut_1.tar").exists()
        registry.start()
        waits = pull_until_it_has_begun("--retries=8")
        registry.start()
        assert waits.wait(timeout=60) == 0
        assert hakim(tmp_path, "verify", out / "cut_1.tar").returncode == 0
    finally:
        registry.stop()
