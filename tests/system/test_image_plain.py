"""An image that has nothing of hakim's but the one static program: Debian, busybox, and one program alone."""
from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import BUILD, containers
from hakim import zombies
from hosts.host import INIT, Trees
from hosts.podman import PodmanHost, PodmanStore
from hosts.process import wait_until
from hosts.programs import MODULES
from hosts.rootfs import make_layers

WAIT = "trap 'echo asked; exit 5' TERM; (sleep 0.05 &); echo here; while :; do sleep 0.02; done"
# The image, then what waits for a signal, and what ends with 7.
IMAGES = {
    "debian": (["sh", "-c", WAIT], ["sh", "-c", "exit 7"]),
    "busybox": (["/bin/busybox", "sh", "-c", WAIT.replace("sleep", "busybox sleep")],
                ["/bin/busybox", "sh", "-c", "exit 7"]),
    "scratch": (["/lone", "wait"], ["/lone", "7"]),
}


def add(tar: tarfile.TarFile, source: Path, name: str) -> None:
    """A program of the machine."""
    info = tarfile.TarInfo(name)
    data = source.read_bytes()
    info.size, info.mode = len(data), 0o755
    tar.addfile(info, io.BytesIO(data))


@pytest.fixture(scope="module")
def images(podman_store: PodmanStore, trees: Trees, helpers: Path) -> Iterator[PodmanStore]:
    """The three of them."""
    for name in IMAGES:
        path = podman_store.directory / f"{name}.tar"
        if name == "debian":
            shutil.copyfile(trees.tar, path)
        with tarfile.open(path, "a" if name == "debian" else "w") as tar:
            add(tar, BUILD / "hakim-init", "usr/sbin/hakim-init")
            if name == "busybox":
                add(tar, make_layers(MODULES)[0] / "usr/bin/busybox", "bin/busybox")
            if name == "scratch":
                add(tar, helpers / "lone", "lone")
        podman_store.podman("import", "--change", f"ENTRYPOINT {json.dumps([INIT])}", "--change", "STOPSIGNAL SIGTERM",
                            "--change", "ENV PATH=/usr/bin:/bin", str(path), f"localhost/plain-{name}", timeout=300)
        path.unlink()
    yield podman_store


@pytest.fixture
def plain(request: pytest.FixtureRequest, trees: Trees,
          images: PodmanStore) -> Iterator[Callable[[str], PodmanHost]]:
    """Makes a container of one of them."""
    made = containers(request, lambda: PodmanHost(trees, images))
    new = next(made)

    def make(name: str) -> PodmanHost:
        host = new()
        host.image = f"localhost/plain-{name}"
        return host
    yield make
    assert next(made, None) is None


@pytest.mark.parametrize("options", [[], ["--plain", "--"]])
@pytest.mark.parametrize("name", IMAGES)
def test_it_runs_the_program_and_has_its_status(plain, name, options):
    assert plain(name).run([*options, *IMAGES[name][1]]) == 7


@pytest.mark.parametrize("options", [[], ["--plain", "--"]])
@pytest.mark.parametrize("name", IMAGES)
def test_it_hands_on_the_signal_and_reaps_what_is_left(plain, name, options):
    host = plain(name)
    host.start({}, [*options, *IMAGES[name][0]], tty=False)
    host.console.expect("here")
    wait_until("the orphan has ended and is reaped", lambda: not zombies(host) and len(host.processes()) <= 4, 5)
    assert host.stop() == 5
    assert "asked" in host.console.text
