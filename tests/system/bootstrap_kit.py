"""bootstrap-agent-env.sh on a stand-in Proxmox with one container, for its tests."""
from __future__ import annotations

import base64
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from proxmox_containers import Container
from proxmox_model import Model
from proxmox_server import PASSWORD, TOKEN, ProxmoxServer

SCRIPT = Path(__file__).resolve().parents[2] / "coder/templates/hakim-proxmox/scripts/bootstrap-agent-env.sh"
IMAGE = "PATH=/nix/bin:/usr/bin\0LANG=C.UTF-8\0GREETING=from the image"
BOOTSTRAP = base64.b64encode(b"https://coder.example|11111111-secret-token").decode()
HOME = "/var/lib/vz/hakim-homes/me/ws"
HOOK = "local:snippets/hakim-home-hook"
ODD = "öä \"x\" \\ / % & = + , \t."


def pairs(**values: str) -> str:
    """As the template gives them."""
    return ",".join(f"{k}={base64.b64encode(v.encode()).decode()}" for k, v in values.items())


class Site:
    """A node with container 300 as the provider has made it: started, with the image's environment."""

    def __init__(self, tmp: Path) -> None:
        self.model = Model(tmp / "model")
        self.server = ProxmoxServer(self.model, tmp)
        self.model.containers.root = tmp / "root"
        (tmp / "root" / HOME.lstrip("/")).mkdir(parents=True)
        self.tmp = tmp
        config = {"env": IMAGE, "tags": "coder;hakim", "rootfs": "local-lvm:vm-300-disk-0"}
        self.ct = self.model.containers.add(300, config, True)

    def start(self, **variables: str) -> subprocess.Popen[str]:
        """The script, with its own process group."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.tmp), "PVE_API_TOKEN": TOKEN,
                       "PVE_ENDPOINT": f"https://{self.server.address}/", "PVE_INSECURE": "true",
                       "PVE_NODE_NAME": "pve", "PVE_VM_ID": "300", "CT_AGENT_BOOTSTRAP": BOOTSTRAP,
                       "CT_RUNTIME_ENV_B64": pairs(EDITOR="vim"), "CT_RUNTIME_ENV_SHA": "one",
                       "TASK_TIMEOUT_SEC": "20", "TASK_POLL_SEC": "0.02", **variables}
        return subprocess.Popen(["bash", str(SCRIPT)], env=environment, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def run(self, **variables: str) -> tuple[int, str]:
        """Its status, and what it said."""
        with self.start(**variables) as process:
            try:
                out, err = process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        assert out == ""
        return process.returncode, err

    def well(self, **variables: str) -> str:
        """It must end well; what it said."""
        status, said = self.run(**variables)
        assert status == 0, said
        return said

    def changes(self) -> list[str]:
        """What changed something."""
        return [c["verb"] + " " + c["path"].removeprefix("/nodes/pve/lxc/300/") for c in self.model.calls()
                if c["verb"] != "get"]


def environment(text: str) -> dict[str, str]:
    """A NUL-joined one."""
    return dict(x.split("=", 1) for x in text.split("\0"))


def has_run_with(ct: Container) -> dict[str, str]:
    """The environment of the container that runs now."""
    assert ct.running and not ct.killed
    return environment(ct.booted[-1])


ROOT = {"PVE_API_TOKEN": "", "PVE_USERNAME": "root@pam", "PVE_PASSWORD": PASSWORD}
MOUNTED = {**ROOT, "PVE_HOME_SOURCE": HOME}


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.server.shutdown()
    site.server.server_close()
