"""A stand-in Proxmox and a registry for the tests of `hakim`: no container, nothing of the machine."""
from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from image_kit import started
from oci_registry import OciRegistry
from proxmox_model import Model
from proxmox_server import ProxmoxServer

ROOT = Path(__file__).resolve().parents[2]
HAKIM = ROOT / os.environ.get("HAKIM_BUILD", "build") / "hakim"
STAND_INS = ROOT / "tests" / "stand-ins"
VARIANTS = ["base", "php", "dotnet", "js", "rust", "elixir"]


class Run:
    """What a run said."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def last(self) -> str:
        """The last line of the result."""
        return self.out.splitlines()[-1] if self.out else ""


class Proxmox:
    """A node `pve` whose store `local` is a directory, and one `other`; a registry."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.etc, self.vz, self.state = tmp / "etc-pve", tmp / "vz", tmp / "digests.tsv"
        self.cache = self.vz / "template" / "cache"
        self.cache.mkdir(parents=True)
        for node in ("pve", "other"):
            (self.etc / "nodes" / node / "lxc").mkdir(parents=True)
        (self.etc / "local").symlink_to("nodes/pve")
        self.storage(f"dir: local\n\tpath {self.vz}\n\tcontent vztmpl,iso\n")
        self.model = Model(tmp / "model")
        (self.model.root / "store" / "pve").mkdir(parents=True)
        (self.model.root / "store" / "pve" / "local").symlink_to(self.cache)
        self.registry = OciRegistry()
        self.digests: dict[str, str] = {}
        self.path = f"{STAND_INS}:/usr/bin:/bin"

    def storage(self, text: str) -> None:
        """Writes storage.cfg."""
        (self.etc / "storage.cfg").write_text(text)

    def images(self, *names: str, tag: str = "latest", text: str = "one", index: bool = False) -> None:
        """Puts variants into the registry."""
        for name in names:
            self.digests[name] = self.registry.add(f"hakim/hakim-{name}", tag,
                                                   {"etc/os-release": "ID=debian\n", "variant": name + text},
                                                   index=index)

    def container(self, ctid: int, text: str, node: str = "pve") -> None:
        """A container's configuration."""
        (self.etc / "nodes" / node / "lxc" / f"{ctid}.conf").write_text(text)

    def _how(self, words: tuple[str, ...], bare: bool, variables: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        """Its argv and its environment."""
        environment = {"PATH": self.path, "HOME": str(self.tmp), "HAKIM_PVE_DIR": str(self.etc),
                       "HAKIM_STANDIN_PROXMOX": str(self.model.root), "HAKIM_STANDIN_NODE": "pve",
                       "TMPDIR": str(self.tmp), **variables}
        if not bare and words[0] == "pull":
            environment.setdefault("NODE_NAME", "pve")
            environment.setdefault("DIGEST_STATE_FILE", str(self.state))
            environment.setdefault("OCI_REGISTRY_NAMESPACE", f"{self.registry.address}/hakim")
            words = (*words, "--plain-http", "--retries", "0")
        return [str(HAKIM), *words], environment

    def run(self, *words: str, bare: bool = False, **variables: str) -> Run:
        """hakim with these words; `bare` leaves out what makes it pull from our registry."""
        argv, environment = self._how(words, bare, variables)
        return Run(subprocess.run(argv, env=environment, text=True, capture_output=True,
                                  timeout=60, stdin=subprocess.DEVNULL))

    def started(self, *words: str, **variables: str) -> AbstractContextManager[subprocess.Popen[str]]:
        """hakim pull, which goes on while the test does; it does not outlive the block."""
        argv, environment = self._how(("pull", *words), False, variables)
        return started(*argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def template(self, name: str, tag: str = "latest") -> Path:
        """Where it is on node pve."""
        return self.cache / f"hakim-{name}_{tag}.tar"

    def volid(self, name: str, tag: str = "latest") -> str:
        """What Proxmox calls it."""
        return f"local:vztmpl/hakim-{name}_{tag}.tar"

    def state_lines(self) -> list[str]:
        """The state file."""
        return self.state.read_text().splitlines() if self.state.exists() else []

    def leftovers(self) -> list[str]:
        """What lies beside the templates."""
        return sorted(p.name for p in self.cache.iterdir() if p.suffix != ".tar")

    def close(self) -> None:
        """Ends the registry."""
        self.registry.gate.set()
        self.registry.shutdown()
        self.registry.server_close()


@pytest.fixture(name="pve")
def _pve(tmp_path: Path) -> Iterator[Proxmox]:
    """A node with nothing on it."""
    proxmox = Proxmox(tmp_path)
    yield proxmox
    proxmox.close()


@pytest.fixture(name="api")
def _api(pve: Proxmox, tmp_path: Path) -> Iterator[ProxmoxServer]:
    """Its REST API."""
    server = ProxmoxServer(pve.model, tmp_path)
    yield server
    server.shutdown()
    server.server_close()
