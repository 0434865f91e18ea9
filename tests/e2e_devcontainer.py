"""`make e2e-devcontainer`: the real devcontainer CLI with the image of a variant (js), in rootful podman.

The image is built by scripts/build.sh, or taken as it is with --image. Then, with the variant's own devcontainer.json:
`devcontainer up` with a postCreateCommand that waits for code-server and opencode, `devcontainer exec` as coder, what
they answer, and `podman stop`, which must end in order and leave nothing. Ends with 0 only if all of it went well.
"""
from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "system")]

from hosts.devcontainer import Devcontainer, node_tree  # noqa: E402
from hosts.host import Trees  # noqa: E402
from hosts.podman import PodmanStore  # noqa: E402
from hosts.process import HostError, children, wait_until  # noqa: E402

REGISTRY = "localhost"
WAITED = ("code-server", "opencode")
ASK = {
    "http://127.0.0.1:13337/healthz": '"status"',
    "http://127.0.0.1:4096/global/health": '"healthy":true',
}


class Failure(Exception):
    """A sentence for the person who runs us."""


class ImageStore(PodmanStore):
    """A store that reads the images of this machine's own one, and writes nothing there."""

    def __init__(self) -> None:
        super().__init__(Trees(()))

    def words(self, *words: str) -> list[str]:
        return super().words("--storage-opt=additionalimagestore=/var/lib/containers/storage", *words)

    def _import(self, trees: Trees) -> None:
        """Nothing is copied."""


def say(text: str, began: float) -> None:
    """A step, and how long it took."""
    print(f"e2e-devcontainer: {text}: {time.monotonic() - began:.1f} s", flush=True)


def life(one: Devcontainer, variant: str) -> None:
    """From up to stop."""
    began = time.monotonic()
    up = one.up()
    if up["outcome"] != "success" or up.get("remoteUser") != "coder":
        raise Failure(f"devcontainer up answered {up}")
    say(f"devcontainer up of {variant}, with the wait for {' and '.join(WAITED)}", began)
    who = one.exec("sh", "-c", "id -un; cat /proc/1/comm; cat ~/waited").stdout.split()
    if who != ["coder", "hakim-init", "waited"]:
        raise Failure(f"devcontainer exec answered {who}")
    for url, want in ASK.items():
        answer = one.exec("curl", "-fsS", "--max-time", "10", url).stdout
        if want not in answer.replace(" ", ""):
            raise Failure(f"{url} answered {answer}")
    status = json.loads(one.exec("hakimctl", "status", "--json").stdout)
    states = {u["name"].removesuffix(".service"): u["sub"] for u in status["units"]}
    print(f"e2e-devcontainer: {', '.join(f'{name} {sub}' for name, sub in sorted(states.items()))}")
    for unit in status["units"]:
        if unit.get("last_error"):
            print(f"e2e-devcontainer: {unit['name']}: {unit['last_error']}")
    began = time.monotonic()
    one.store.podman("stop", one.container)
    say("podman stop", began)
    # Killed by podman after 10 s it would be 137.
    ended = one.inspect("{{.State.Status}} {{.State.ExitCode}}")
    if ended != "exited 0":
        raise Failure(f"after podman stop the container is {ended}")
    wait_until("no process is left", lambda: not children(one.store.holder), 5)


def main() -> int:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", default="js")
    parser.add_argument("--image", help="one that is here already, instead of a build")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("make e2e-devcontainer: rootful podman needs root", file=sys.stderr)
        return 1
    image = options.image or f"{REGISTRY}/hakim-{options.variant}:latest"
    directory = Path(tempfile.mkdtemp(prefix="hakim-dev-"))
    directory.chmod(0o755)
    store = None
    try:
        began = time.monotonic()
        if not options.image:
            subprocess.run([ROOT / "scripts/build.sh", "--registry", REGISTRY, "--variant", options.variant,
                            "--no-downloads"], check=True, env={**os.environ, "ENGINE": "buildah"},
                           stdin=subprocess.DEVNULL)
            say(f"build {options.variant}", began)
        store = ImageStore()
        file = ROOT / f"devcontainers/.devcontainer/images/{options.variant}/.devcontainer/devcontainer.json"
        config = json.loads(file.read_text("utf-8"))
        config |= {"image": image,
                   "postCreateCommand": f"hakimctl wait --timeout=90 {' '.join(WAITED)} && echo waited >~/waited"}
        one = Devcontainer(store, node_tree(), directory, config)
        try:
            life(one, options.variant)
        finally:
            one.close()
        print("e2e-devcontainer: all is well")
        return 0
    except (Failure, HostError, AssertionError, TimeoutError, subprocess.SubprocessError) as error:
        print(f"make e2e-devcontainer: {error}", file=sys.stderr)
        return 1
    finally:
        if store:
            store.close()
            for left in store.leaks():
                print(f"left behind: {left}", file=sys.stderr)
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
