"""Devcontainers by the real CLI: an image that has hakim-init, the Feature that puts it into one, both together."""
from __future__ import annotations

import functools
import hashlib
import http.server
import shutil
import subprocess
import threading

import pytest

from hosts.devcontainer import Devcontainer, node_tree
from hosts.podman import IMAGE, PodmanHost
from hosts.process import children, run, wait_until

from conftest import BUILD, ROOT

FEATURE = ROOT / "devcontainers/.devcontainer/features/hakim-init"
PLAIN = "localhost/hakim-test-plain"
# The CLI builds images, and asks podman dozens of times.
pytestmark = pytest.mark.timeout(400)
# Ready two seconds after its start: a lifecycle command that did not wait would be earlier.
SLOW = """[Service]
ExecStart=/bin/sh -c 'sleep 2; touch /run/slow-is-ready; exec sleep 1000'
ExecStop=/bin/sh -c 'echo stopped >/home/coder/slow-stopped'
[X-Hakim]
ReadyExec=test -e /run/slow-is-ready
"""


@pytest.fixture(scope="session")
def package():
    """The package of hakim-init, which a release lays beside the Feature's install.sh."""
    words = ["SANITIZE=1"] if BUILD.name == "sanitize" else []
    run(["make", "--no-print-directory", "-s", "-C", str(ROOT), "deb-init", *words], timeout=600)
    [deb] = BUILD.glob("hakim-init_*.deb")
    return deb


@pytest.fixture(scope="session")
def plain_image(podman_store, trees):
    """A Debian without anything of ours, with Debian's own command."""
    podman_store.podman("import", "--change", 'CMD ["bash"]', str(trees.tar), PLAIN, timeout=300)
    return PLAIN


@pytest.fixture(scope="session")
def tree():
    """Node and the CLI."""
    return node_tree()


@pytest.fixture
def devcontainer(podman_store, tree, tmp_path):
    """Makes one: devcontainer(image, further words of devcontainer.json); the Feature's folder is ./hakim-init."""
    made = []

    def new(image, **config):
        tmp_path.chmod(0o755)
        slow = tmp_path / "slow.service"
        slow.write_text(SLOW, "utf-8")
        one = Devcontainer(podman_store, tree, tmp_path, {
            "image": image, "remoteUser": "coder", "overrideCommand": False,
            "mounts": [f"source={slow},target=/etc/hakim/modules/slow.service,type=bind"],
            "postCreateCommand": "hakimctl wait slow && test -e /run/slow-is-ready && id -un >/home/coder/created",
            **config})
        shutil.copytree(FEATURE, one.folder / ".devcontainer/hakim-init")
        made.append(one)
        return one

    yield new
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def with_feature(podman_store, tree, package, tmp_path_factory):
    """An image with the Feature, built once by the CLI; what the Feature says goes into its label."""
    built = {}

    def build(image):
        if image not in built:
            one = Devcontainer(podman_store, tree, tmp_path_factory.mktemp("build"), {
                "image": image, "remoteUser": "coder", "features": {"./hakim-init": {}}})
            shutil.copytree(FEATURE, one.folder / ".devcontainer/hakim-init")
            shutil.copy(package, one.folder / ".devcontainer/hakim-init")
            one.cli("build", "--image-name", f"{image}-feature")
            built[image] = f"{image}-feature"
        return built[image]

    return build


def names(one):
    """comm by pid of what runs in the container."""
    text = one.root("sh", "-c", "cd /proc; for p in [0-9]*; do read -r c <$p/comm && echo $p $c; done 2>/dev/null")
    return {int(pid): comm for pid, comm in (line.split(maxsplit=1) for line in text.splitlines())}


def check_life(one, pid1):
    """What must be true of each of them, from `devcontainer up` to `podman stop`."""
    up = one.up()
    assert up["outcome"] == "success", up["log"]
    assert one.root("cat", "/home/coder/created") == "coder\n"
    assert one.exec("sh", "-c", "id -un; hakimctl wait slow && echo up").stdout.split() == ["coder", "up"]
    found = names(one)
    assert found[1] == pid1
    assert sorted(found.values()).count("hakim-init") == 1 and list(found.values()).count("hakim-superviso") == 1
    # podman kills what has not ended after 10 s: the status is 137 then.
    one.store.podman("stop", one.container)
    assert one.inspect("{{.State.Status}} {{.State.ExitCode}}") == "exited 0"
    wait_until("nothing is left", lambda: not children(one.store.holder), 5)
    copied = one.folder.parent / "stopped"
    one.store.podman("cp", f"{one.container}:/home/coder/slow-stopped", str(copied))
    assert copied.read_text() == "stopped\n"


def test_an_image_with_hakim_init_is_a_devcontainer(devcontainer):
    check_life(devcontainer(IMAGE), "hakim-init")


@pytest.mark.parametrize("override, pid1", [(False, "hakim-init"), (True, "sh")])
def test_the_feature_makes_one_of_a_plain_debian(devcontainer, with_feature, plain_image, override, pid1):
    check_life(devcontainer(with_feature(plain_image), overrideCommand=override), pid1)


def test_image_and_feature_together_start_one(devcontainer, with_feature):
    check_life(devcontainer(with_feature(IMAGE), overrideCommand=True), "sh")


def test_privileged_and_with_an_init_of_the_runtime_it_is_the_same(devcontainer, with_feature, plain_image):
    check_life(devcontainer(with_feature(plain_image), privileged=True, init=True), "podman-init")


def test_one_that_was_stopped_or_killed_comes_up_again_with_one(devcontainer, with_feature, plain_image):
    one = devcontainer(with_feature(plain_image), overrideCommand=True, postStartCommand="hakimctl wait slow")
    one.up()
    for command in ("stop", "kill"):
        one.store.podman(command, one.container)
        wait_until("it has ended", lambda: one.inspect("{{.State.Status}}") == "exited", 10)
        before = one.container
        assert one.up()["containerId"] == before
        found = list(names(one).values())
        assert found.count("hakim-init") == 1 and found.count("hakim-superviso") == 1


@pytest.mark.parametrize("given, becomes", [
    (["/usr/sbin/hakim-init"], ["/usr/sbin/hakim-init"]),
    (["hakim-init", "bash"], ["hakim-init", "bash"]),
    (["bash"], ["/usr/sbin/hakim-init"]),
    (["/bin/sh"], ["/usr/sbin/hakim-init"]),
    (["bash", "-c", "x y"], ["/usr/sbin/hakim-init", "bash", "-c", "x y"]),
    (["node", "a b"], ["/usr/sbin/hakim-init", "node", "a b"]),
])
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_features_entrypoint_goes_before_what_the_image_would_run(shell, given, becomes):
    script = f'. {FEATURE}/entrypoint.sh\nprintf "%s\\n" "$@" "$CODER_USER"'
    done = subprocess.run([shell, "-c", script, "-", *given], capture_output=True, text=True, check=True,
                          stdin=subprocess.DEVNULL, env={"CODER_USER": "jane", "PATH": "/usr/bin:/bin"})
    assert done.stdout.splitlines() == [*becomes, "jane"]


@pytest.mark.parametrize("options, says", [
    ({}, "no package for amd64 lies beside install.sh: give the options url and sha256"),
    ({"URL": "https://127.0.0.1:1/x_{arch}.deb"}, "url needs the option sha256: 64 hex digits"),
    ({"URL": "https://127.0.0.1:1/x.deb", "SHA256": "arm64=" + "0" * 64}, "'amd64=… arm64=…' with one for amd64"),
    ({"URL": "file:///x.deb", "SHA256": "0" * 64}, "the url must begin with https:// or http://"),
])
def test_the_feature_says_what_it_lacks(options, says):
    # With a dpkg of one architecture, on whatever machine this is.
    script = ("mount -t tmpfs none /mnt && printf '#!/bin/sh\\necho amd64\\n' >/mnt/dpkg && chmod 755 /mnt/dpkg && "
              f"PATH=/mnt:$PATH exec sh {FEATURE}/install.sh")
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **options})
    assert done.returncode == 1 and says in done.stderr


def test_the_feature_fetches_the_package_by_its_digest_only(podman_store, plain_image, package, tmp_path):
    tmp_path.chmod(0o755)
    shutil.copytree(FEATURE, tmp_path / "feature")
    (tmp_path / "served").mkdir()
    shutil.copy(package, tmp_path / "served/pack_amd64.deb")
    shutil.copy(package, tmp_path / "served/pack_arm64.deb")
    good = hashlib.sha256(package.read_bytes()).hexdigest()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/pack_{{arch}}.deb"

        def install(sha256):
            return subprocess.run(podman_store.words(
                "run", "--rm", "--network=host", *PodmanHost.options, f"--cgroup-parent={podman_store.parent}",
                f"--volume={tmp_path}/feature:/f:ro", f"--env=URL={url}", f"--env=SHA256={sha256}",
                "--entrypoint=/bin/sh", plain_image, "-c",
                "touch /etc/ssl/certs/ca-certificates.crt; sh /f/install.sh; echo status=$?; ls /usr/sbin/hakim-init"),
                capture_output=True, text=True, timeout=90, check=False, stdin=subprocess.DEVNULL)
        wrong = install("0" * 64)
        right = install(f"arm64={good} amd64={good}")
        server.shutdown()
    assert "could not be fetched, or its SHA-256 is another" in wrong.stderr and "status=1\n" in wrong.stdout
    assert "No such file" in wrong.stderr
    assert "status=0\n/usr/sbin/hakim-init\n" in right.stdout, right.stderr
