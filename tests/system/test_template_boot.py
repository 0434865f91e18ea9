"""From the template's parameters to a workspace that runs, and after a rebuild with a new image to its home again.

The template is evaluated, its script gives the environment and the mounts to the stand-in Proxmox, and what that has
then is a container of LXC: of an image from a real registry, pulled by `hakim`, unpacked as Proxmox does it.
"""
from __future__ import annotations

import os
from pathlib import Path

import pytest
import template_kit
from bootstrap_kit import Site, environment
from hakim import environ, status, wait_units
from hosts.host import Mount
from hosts.oci import ProxmoxHost, read_config
from hosts.rootfs import SHIFT
from proxmox_server import PASSWORD
from test_hakim_boot import place, proxmox_host, pull, registry  # noqa: F401  fixtures
from test_template_chain import HOME, _node, asked  # noqa: F401  fixture
from tree_image import Entry, TreeImage, add, copy
from workspace import TOKEN, URL, Workspace, agent_program  # noqa: F401  fixture

TEXT = 'a=b,c "d" ä'


@pytest.fixture(scope="module", name="archives")
def _archives(place, registry, programs, trees):  # noqa: F811
    """An image, and the one after it: the same layers, and one more."""
    image = TreeImage(place / "image")
    with image.layer("+gzip") as tar:
        copy(tar, trees.tar)
        tar.add(programs / "as-built", ".")
    how = {"Entrypoint": ["/usr/sbin/hakim-init"], "StopSignal": "SIGTERM",
           "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "OF_THE_IMAGE=yes"]}
    first = pull(place, registry, image.config(**how), "first")
    with image.layer("") as tar:
        add(tar, [Entry("etc/of-the-second", b"new")])
    return [first.archive, pull(place, registry, image.config(**how), "second").archive]


def deploy(node: Site, archive: Path, **given: object) -> dict[str, str]:
    """What the provider makes, and then what the script makes of it: the container's configuration."""
    node.ct = node.model.containers.add(300, {"env": "\0".join(read_config(archive).env), "tags": "coder;hakim",
                                              "rootfs": "local-lvm:vm-300-disk-0"}, True)
    template, variables = asked(node, var_proxmox_password=PASSWORD, enable_home_disk=True, image_variant="js",
                                user_env='{"EDITOR": "vim"}', secret_env='{"API_KEY": "k3y"}', **given)
    node.well(**variables)
    assert template.local("container_env").items() <= environment(node.ct.config["env"]).items()
    return dict(node.ct.config)


def boot(host: ProxmoxHost, config: dict[str, str], disk: Path, agent: Path) -> Workspace:
    """Starts it as that configuration says; what the node has at a path is below `disk` here."""
    source, _, options = config["mp0"].partition(",")
    target = dict(option.split("=", 1) for option in options.split(","))["mp"]
    w = Workspace(host, agent)
    host.start(environment(config["env"]), mounts=[Mount(disk / source.lstrip("/"), target)], tty=False,
               before=w.start_server)
    return w


def test_a_workspace_runs_and_a_rebuild_with_a_new_image_finds_its_home(
        archives, node, proxmox_host, place, agent_program, monkeypatch):  # noqa: F811
    # Its Coder is the stand-in in the container's network.
    monkeypatch.setitem(template_kit.WORKSPACE, "access_url", URL)
    monkeypatch.setitem(template_kit.MADE, "coder_agent", {"token": TOKEN})
    home = place / "node" / HOME.lstrip("/")
    home.mkdir(parents=True)
    os.chown(home, SHIFT, SHIFT)  # as the hook makes it
    for generation, archive in enumerate(archives, 1):
        host = proxmox_host(archive)
        w = boot(host, deploy(node, archive, workspace_rebuild_generation=generation), place / "node", agent_program)
        try:
            w.ready()
            wait_units(host, home="exited")
            assert status(host)["manager"]["state"] == "running"
            assert os.stat(home).st_uid == SHIFT + 1000, "given to the user"
            of_init = environ(host.pid)
            assert b"EDITOR=vim" in of_init and b"OF_THE_IMAGE=yes" in of_init
            assert TOKEN.encode() not in of_init and b"k3y" not in of_init
            of_agent = environ(w.agent_pid())
            assert f"CODER_AGENT_TOKEN={TOKEN}".encode() in of_agent and b"EDITOR=vim" in of_agent
            assert host.root("/etc/of-the-second").exists() is (generation == 2)
            if generation == 1:
                host.exec(["sh", "-c", "mkdir -p ~/project && echo mine >~/project/work"], user="coder")
            assert host.read_file("/home/coder/project/work") == b"mine\n"
            assert host.stop() == 0
        finally:
            if w.server:
                w.server.stop()
