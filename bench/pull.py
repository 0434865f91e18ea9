#!/usr/bin/python3
"""One image of 1 GiB from a docker-registry on loopback: skopeo, a bare loop of libcurl, and hakim, in turns.

    python3 bench/pull.py [ROUNDS] [DIRECTORY]

Prints for each the median wall time, the CPU time, the peak of resident memory and what it wrote, and fails when hakim
is over its limits: 0.4 of skopeo's time, 1.1 of the bare loop's, half of skopeo's bytes, 16 MB.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/system"))

from image_kit import HAKIM, Image, Registry, environment  # noqa: E402

SIZES = [mib << 20 for mib in (240, 220, 200, 180, 120, 64)]
JOBS = 3

# A small process starts it: what a child of a big one has used at its most is what its parent had.
MEASURE = """
import json, os, sys, time
begun = time.monotonic()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", 1, 0)])
_, status, used = os.wait4(pid, 0)
print(json.dumps({"wall": time.monotonic() - begun, "cpu": used.ru_utime + used.ru_stime, "status": status,
                  "resident": used.ru_maxrss / 1024, "written": used.ru_oublock / 2048}))
"""


def measure(argv, home):
    argv = [shutil.which(argv[0]), *map(str, argv[1:])]
    out = subprocess.run([sys.executable, "-c", MEASURE, *argv], env=environment(home), capture_output=True, text=True)
    result = json.loads(out.stdout)
    assert result["status"] == 0, out.stderr
    return result


def commands(registry, image, bare, out):
    at, words = 0, []
    for layer in image.layers:
        words += [f"http://{registry.host}/v2/a/big/blobs/{layer['digest']}", at]
        at += layer["size"]
    return {
        "skopeo": ["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{registry.host}/a/big:1",
                   f"oci-archive:{out}/x.tar"],
        "bare": [str(bare), f"{out}/x", at, JOBS, *words],
        "hakim": [HAKIM, "pull", "--image", f"{registry.host}/a/big:1", "--output", out, "--plain-http", "--quiet",
                  f"--jobs={JOBS}", "--platform=linux/amd64"],
    }


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    work = Path(tempfile.mkdtemp(prefix="hakim-pull-", dir=sys.argv[2] if len(sys.argv) > 2 else None))
    bare = work / "bare_pull"
    subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-o", bare, ROOT / "bench/bare_pull.c", "-lcurl", "-lcrypto"],
                   check=True)
    registry = Registry(work)
    results = {"skopeo": [], "bare": [], "hakim": []}
    try:
        image = Image(sizes=SIZES, compress=False)
        registry.push(image, "a/big:1", work)
        shutil.rmtree(work / "image-a-big-1")
        for _ in range(rounds):
            for name in results:
                out = work / "out"
                out.mkdir()
                os.sync()
                results[name].append(measure(commands(registry, image, bare, out)[name], work))
                shutil.rmtree(out)
    finally:
        registry.stop()
        shutil.rmtree(work)
    median = {name: {key: statistics.median(r[key] for r in rows) for key in rows[0]}
              for name, rows in results.items()}
    for name, row in median.items():
        print(f"{name:7} {row['wall']:6.2f} s   {row['cpu']:6.2f} s cpu   {row['resident']:5.1f} MB   "
              f"{row['written']:5.0f} MiB written")
    hakim = median["hakim"]
    limits = {"of skopeo's time": (hakim["wall"] / median["skopeo"]["wall"], 0.4),
              "of the bare loop's": (hakim["wall"] / median["bare"]["wall"], 1.1),
              "of skopeo's bytes": (hakim["written"] / median["skopeo"]["written"], 0.51),
              "MB resident": (hakim["resident"], 16)}
    for name, (value, limit) in limits.items():
        print(f"{value:5.2f} {name} (at most {limit}){'' if value <= limit else '   OVER'}")
    return any(value > limit for value, limit in limits.values())


if __name__ == "__main__":
    sys.exit(main())
