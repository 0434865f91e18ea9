"""The rows of what is downloaded: the agent, an image, and whether an image has changed."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pull
from kit import ROOT
from row import Row, Sample, Samples, in_turns

from coder_process import CoderServerProcess
from image_kit import Image, Registry

BUILD = ROOT / "build"
TOKEN = "11111111-2222-4333-8444-555555555555"
AGENT_BYTES = 64 << 20
LAYERS = [mib << 20 for mib in (60, 50, 40, 30, 20, 16)]
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "amd64")
ACCEPT = "Accept: application/vnd.oci.image.manifest.v1+json"


@contextmanager
def scratch() -> Iterator[Path]:
    """On this machine's disk."""
    directory = Path(tempfile.mkdtemp(prefix="hakim-bench-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def used(words: Sequence[object], work: Path, **env: str) -> dict[str, float]:
    """Wall, CPU, resident and written of a command that must succeed: pull.py's way."""
    argv = [shutil.which(str(words[0])), *map(str, words[1:])]
    done = subprocess.run([sys.executable, "-c", pull.MEASURE, *argv], env={**pull.environment(work), **env},
                          capture_output=True, text=True, check=False)
    if done.returncode != 0 or (found := json.loads(done.stdout))["status"] != 0:
        raise RuntimeError(f"{words[0]} failed: {done.stderr[-500:]}")
    return found


def fresh(work: Path) -> Path:
    """An empty directory, and nothing that still goes to the disk."""
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    os.sync()
    return out


def agent(names: Sequence[str], runs: int) -> Samples:
    """From the stand-in for the Coder server, on loopback."""
    by_hand = 'curl -sf -o "$1" "$2" && sha1sum "$1" && sync "$1"'

    def once(name: str) -> Sample:
        out = fresh(work)
        url = f"{server.url}/bin/coder-linux-{ARCH}"
        fetch = [BUILD / "hakim-agent-fetch", "--once", "--dir", out / "cache", "--baked", out / "none/coder"]
        words = {"hakim-init": fetch, "curl": ["curl", "-sf", "-o", out / "coder", url],
                 "curl, sha1sum, sync": ["sh", "-c", by_hand, "sh", out / "coder", url]}
        found = used(words[name], work, CODER_AGENT_URL=server.url)
        return {"download": found["wall"] * 1e3, "CPU time": found["cpu"] * 1e3}

    with scratch() as work:
        server = CoderServerProcess(BUILD / "stand-ins/coder", TOKEN, options=("--size", str(AGENT_BYTES))).start()
        try:
            return in_turns(names, runs, once)
        finally:
            server.stop()


@contextmanager
def registry_with(sizes: Sequence[int]) -> Iterator[tuple[Path, Registry, Image]]:
    """A docker-registry on loopback that has one image."""
    with scratch() as work:
        registry = Registry(work)
        try:
            image = Image(sizes=sizes, compress=False)
            registry.push(image, "a/big:1", work)
            shutil.rmtree(work / "image-a-big-1")
            yield work, registry, image
        finally:
            registry.stop()


def images(names: Sequence[str], runs: int) -> Samples:
    """An image of six layers."""
    def once(name: str) -> Sample:
        words = pull.commands(registry, image, work / "bare", fresh(work))
        found = used(words[{"hakim-init": "hakim", "skopeo": "skopeo"}.get(name, "bare")], work)
        return {"pull": found["wall"], "CPU time": found["cpu"], "resident, at its most": found["resident"],
                "written": found["written"]}
    with registry_with(LAYERS) as (work, registry, image):
        subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-o", work / "bare", ROOT / "bench/bare_pull.c",
                        "-lcurl", "-lcrypto"], check=True)
        return in_turns(names, runs, once)


def digest(names: Sequence[str], runs: int) -> Samples:
    """Whether what is there is still what the registry has."""
    def once(name: str) -> Sample:
        found = used(words[name], work)
        return {"check": found["wall"] * 1e3, "CPU time": found["cpu"] * 1e3,
                "resident, at its most": found["resident"]}
    with registry_with([1 << 20]) as (work, registry, image):
        out = fresh(work)
        pulled = pull.commands(registry, image, work, out)["hakim"]
        used(pulled, work)
        words = {"hakim-init": pulled,
                 "skopeo": ["skopeo", "inspect", "--tls-verify=false", "--raw", f"docker://{registry.host}/a/big:1"],
                 "curl": ["curl", "-sfI", "-H", ACCEPT, f"http://{registry.host}/v2/a/big/manifests/1"]}
        return in_turns(names, runs, once)


def needs(**programs: str) -> Callable[[str], str]:
    """Who is missing when which program is."""
    def missing(name: str) -> str:
        lacking = [p for p in ("docker-registry" if "skopeo" in programs.values() else "", *(
            program for key, program in programs.items() if name.startswith(key))) if p and not shutil.which(p)]
        return f"{', '.join(lacking)} is not installed (make deps-bench)" if lacking else ""
    return missing


ROWS = (
    Row("agent", "The agent's download", {"download": ("ms", False), "CPU time": ("ms", False)},
        dict.fromkeys(["hakim-init", "curl", "curl, sha1sum, sync"], ""), agent,
        f"{AGENT_BYTES >> 20} MiB from the stand-in for the Coder server (Python) on loopback, to this machine's "
        "disk. hakim-agent-fetch computes the SHA-1 meanwhile, looks at the ELF header, brings it to the disk, runs "
        "`--version` and puts it in place by a rename; `curl -o` only writes it into the page cache; the third does "
        "by hand what is nearest to it.",
        "hash and write at the speed of `curl -o`", needs(curl="curl")),
    Row("pull", "hakim pull", {"pull": ("s", False), "CPU time": ("s", False), "resident, at its most": ("MB", False),
                               "written": ("MiB", False)},
        dict.fromkeys(["hakim-init", "skopeo", "bare libcurl"], ""), images,
        f"An image of {sum(LAYERS) >> 20} MiB in six layers from a docker-registry on loopback into one archive: "
        "hakim, `skopeo copy` to oci-archive, and bench/bare_pull.c, the least that can be done with libcurl, "
        "SHA-256, pwrite and fsync. The registry's own time is in all of them.",
        "at most 1.1 of the bare loop, 0.4 of skopeo's time, 16 MB resident, bytes written once",
        needs(skopeo="skopeo", hakim="skopeo", bare="skopeo"), ("bare libcurl",)),
    Row("digest", "Digest check of an unchanged image", {"check": ("ms", False), "CPU time": ("ms", False),
                                                         "resident, at its most": ("MB", False)},
        dict.fromkeys(["hakim-init", "skopeo", "curl"], ""), digest,
        "`hakim pull` once more; `skopeo inspect --raw` and a HEAD by curl, which only ask, and do not look whether "
        "the archive is still there.",
        "one request with a cached token", needs(skopeo="skopeo", hakim="skopeo", curl="curl")),
)
