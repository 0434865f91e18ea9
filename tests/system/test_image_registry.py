"""The host command against a real docker-registry on loopback, and its archives before skopeo and umoci."""
import json
import os
import random
import subprocess
import tarfile
import time
from contextlib import ExitStack, contextmanager

import pytest
from hosts.process import wait_until
from image_kit import HAKIM, Image, Registry, environment, hakim, kill, pull, registry_fixture, sha, sha_of, started

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
    return sorted(os.listdir(out))


def resumed_bytes(result):
    """What the pull says that it had of an earlier one."""
    event, = [e for e in map(json.loads, result.stdout.splitlines()) if e["event"] == "pulled"]
    return event["resumed"]


def noted(journal):
    """How often a journal says that bytes are there: its first line says of what only."""
    return max(journal.read_text().count("\n") - 1, 0) if journal.exists() else 0


def wait_for_bytes(journal, process, times=1):
    wait_until("bytes are noted", lambda: process.poll() is not None or noted(journal) >= times, 30, 0.02)
    assert process.poll() is None


def quiet(home, *argv):
    return started(*argv, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


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
    blobs = [f"blobs/sha256/{d[7:]}" for d in [*image.blobs, sha(image.bytes)]]  # the layers first
    assert [m.name for m in members] == ["blobs", "blobs/sha256", *blobs, "index.json", "oci-layout"]
    assert {(m.uid, m.gid, m.mtime, m.uname) for m in members} == {(0, 0, 0, "")}
    with open(out / "names_1.tar", "rb") as f:
        assert f.read()[-1024:] == bytes(1024)


@pytest.fixture(name="sharing")
def sharing_fixture(tmp_path):
    """A directory on a file system that can share what two files have in common."""
    image, place = tmp_path / "btrfs.img", tmp_path / "btrfs"
    with open(image, "wb") as f:
        f.truncate(160 << 20)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "btrfs", "-o", "loop", image, place], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"this kernel has no btrfs or no loop device: {mounted.stderr}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_layer_that_the_old_template_has_is_shared_with_it(plain, sharing, tmp_path):
    for size in (10, 20):
        plain.push(Image(sizes=(6 << 20, size)), "a/shares:1", tmp_path / str(size))
        good(pull(tmp_path, f"{plain.host}/a/shares:1", sharing, "-f", "--plain-http", HERE))
        if size == 10:
            os.link(sharing / "shares_1.tar", sharing / "old.tar")
    (sharing / "old.tar").chmod(0o600)
    subprocess.run(["sync", "-f", sharing], check=True)
    told = subprocess.run(["btrfs", "filesystem", "du", "--raw", "-s", sharing / "shares_1.tar"], check=True,
                          text=True, capture_output=True).stdout.splitlines()[-1].split()
    assert int(told[0]) > 6 << 20 and int(told[1]) < 1 << 20, told
    assert hakim(tmp_path, "verify", sharing / "shares_1.tar").returncode == 0


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
    before = len(plain.wait_for(*old.blobs))
    good(pull(tmp_path, f"{plain.host}/a/layers:2", out, "--plain-http", HERE, "--force-replace"))
    asked = "".join(plain.wait_for(new.layers[2]["digest"], since=before))
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
    image = Image(seed=7)
    plain.push(image, "a/check:1", tmp_path)
    ref = f"{plain.host}/a/check:1"
    good(pull(tmp_path, ref, out, "--plain-http", HERE, "--check-remote-digest"))
    before = len(plain.wait_for(*image.blobs))
    good(pull(tmp_path, ref, out, "--plain-http", HERE, "--check-remote-digest"))
    new = plain.wait_for("HEAD", since=before)
    assert len(new) == 1 and "HEAD" in new[0]


@pytest.mark.parametrize("where", ["early", "anywhere"])
def test_kill_9_leaves_the_old_template_whole_and_the_next_run_goes_on(plain, tmp_path, where):
    """Each round kills one pull at a random moment, and lets the next one end; the first one is killed when some
    bytes of it are noted, so that there is one to go on from."""
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
    partial, journal = out / f"{path.name}.tmp-hakim", out / f"{path.name}.tmp-hakim-journal"
    killed = resumed = 0
    for round in range(int(os.environ.get("HAKIM_KILLS", "10"))):
        path.write_bytes(right["old"].read_bytes())
        argv = [HAKIM, "pull", "--image", f"{plain.host}/a/new:{tag}", "--output", str(out), "--plain-http",
                "--force-replace", HERE]
        with quiet(tmp_path, *argv, *([] if round else ["--limit-rate=4M"])) as process:
            if round:
                time.sleep(rng.uniform(0, whole * (0.3 if where == "early" else 1.1)))
            else:
                wait_for_bytes(journal, process)
            killed += process.poll() is None
            kill(process)
        assert sha_of(path) in (sha_of(right["old"]), sha_of(right["new"]))
        # A journal without its file is of a pull that was as good as done, one line of a pull that had nothing yet.
        there = partial.exists() and noted(journal) > 0
        resumed += there
        result = good(pull(tmp_path, f"{plain.host}/a/new:{tag}", out, "--plain-http", HERE, "--force-replace",
                           "--json"))
        assert (resumed_bytes(result) > 0) == there, result.stdout
        assert sha_of(path) == sha_of(right["new"])
        assert names(out) == [f"new_{tag}.tar"]
    assert killed and resumed


def test_what_an_earlier_run_had_is_not_fetched_again(plain, out, tmp_path):
    """The first pull is as slow as a limit makes it, and is killed; the second asks from the middle on."""
    image = Image(sizes=(20 << 20,), seed=5, compress=False)
    plain.push(image, "a/resume:1", tmp_path)
    argv = [HAKIM, "pull", "--image", f"{plain.host}/a/resume:1", "--output", str(out), "--plain-http", HERE,
            "--limit-rate=8M"]
    layer = image.layers[0]["digest"]
    with quiet(tmp_path, *argv) as process:
        wait_for_bytes(out / "resume_1.tar.tmp-hakim-journal", process)
        kill(process)
    result = good(pull(tmp_path, f"{plain.host}/a/resume:1", out, "--plain-http", HERE, "--json"))
    assert resumed_bytes(result) > 0
    # The answer to the one that was killed may be logged last.
    wait_until("the log has a part of it", lambda: any(layer in r and " 206 " in r for r in plain.requests()))
    good(hakim(tmp_path, "verify", out / "resume_1.tar"))


def test_two_pulls_of_one_template_are_one_after_the_other(plain, out, tmp_path):
    plain.push(Image(sizes=(8 << 20,), compress=False), "a/two:1", tmp_path)
    argv = [HAKIM, "pull", "--image", f"{plain.host}/a/two:1", "--output", str(out), "--plain-http", HERE,
            "--force-replace"]
    with ExitStack() as stack:
        for process in [stack.enter_context(started(*argv, env=environment(tmp_path), stdout=subprocess.PIPE,
                                                    stderr=subprocess.PIPE, text=True)) for _ in range(2)]:
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

    @contextmanager
    def pull_until_it_has_begun(*words):
        before = noted(journal)
        with started(*argv, "--limit-rate=8M", *words, env=environment(tmp_path), stdout=subprocess.DEVNULL,
                     stderr=subprocess.PIPE, text=True) as process:
            wait_for_bytes(journal, process, before + 1)
            registry.stop()
            yield process
    try:
        registry.push(Image(sizes=(40 << 20,), seed=6, compress=False), "a/cut:1", tmp_path)
        with pull_until_it_has_begun("--retries=1") as gone:
            assert "cannot connect" in gone.communicate(timeout=60)[1] and gone.returncode == 1
        assert not (out / "cut_1.tar").exists()
        registry.start()
        with pull_until_it_has_begun("--retries=8") as waits:
            registry.start()
            errors = waits.communicate(timeout=60)[1]
            assert waits.returncode == 0, errors
        assert hakim(tmp_path, "verify", out / "cut_1.tar").returncode == 0
    finally:
        registry.stop()
