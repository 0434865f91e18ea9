"""From the template's parameters to the container's configuration.

The template is evaluated, its own script is run with what it gives, and the stand-in Proxmox has what was asked for.
"""
from __future__ import annotations

import os

import pytest
from proxmox_server import PASSWORD, TOKEN
from template_kit import TOKEN as AGENT_TOKEN
from template_kit import Template
from test_template_bootstrap import HOOK, Site, has_run_with
from test_template_promises import PROXMOX

HOME = "/var/lib/vz/hakim-homes/alice/my-workspace"


@pytest.fixture(name="node")
def _node(tmp_path):
    """With container 300, and a hook for which the directory of the home is there already."""
    node = Site(tmp_path)
    (tmp_path / "root" / HOME.lstrip("/")).mkdir(parents=True)
    (tmp_path / "root/etc/pve/lxc").mkdir(parents=True)
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\nexit 0\n", "utf-8")
    os.chmod(hook, 0o755)
    node.model.containers.hooks[HOOK] = (hook, {"HAKIM_PVE_DIR": str(tmp_path / "root/etc/pve")})
    yield node
    node.server.shutdown()
    node.server.server_close()


def asked(node, **given):
    """The template, and the environment of its script."""
    template = Template(PROXMOX, **{"var_proxmox_endpoint": f"https://{node.server.address}/", "proxmox_vm_id": 300,
                                    "var_proxmox_api_token": TOKEN, "var_proxmox_insecure": True, **given})
    assert template.complaints() == []
    [script] = template.scope["terraform_data"]["workspace_agent_env"]
    return template, script["provisioner"]["local-exec"][0]["environment"]


def test_a_token_brings_the_whole_environment_to_the_container(node):
    template, variables = asked(node, user_env='{"EDITOR": "vim", "TEXT": "a=b,c \\"d\\" \\u00e4"}', image_variant="js",
                                secret_env='{"API_KEY": "k"}', git_url="https://example.org/a.git")
    said = node.well(**variables)
    now = has_run_with(node.ct)
    assert template.local("container_env").items() <= now.items()
    assert (now["TEXT"], now["HAKIM_SECRET_ENV"], now["PATH"]) == ('a=b,c "d" ä', "API_KEY", "/nix/bin:/usr/bin")
    assert now["CODER_AGENT_BOOTSTRAP"] == variables["CT_AGENT_BOOTSTRAP"]
    assert AGENT_TOKEN not in said and "API_KEY=k" not in said
    assert not [key for key in node.ct.config if key.startswith("mp")] and "hookscript" not in node.ct.config


def test_roots_session_mounts_the_home_and_the_second_time_nothing_changes(node):
    _, variables = asked(node, var_proxmox_password=PASSWORD, enable_home_disk=True)
    node.well(**variables)
    assert (node.ct.config["mp0"], node.ct.config["hookscript"]) == (f"{HOME},mp=/home/coder", HOOK)
    boots = len(node.ct.booted)
    assert node.well(**variables) == "" and len(node.ct.booted) == boots


def test_a_rebuilt_container_gets_all_of_it_again(node):
    _, variables = asked(node, var_proxmox_password=PASSWORD, enable_home_disk=True)
    node.well(**variables)
    first = dict(node.ct.config)
    node.ct = node.model.containers.add(300, {"env": "PATH=/bin", "tags": "coder;hakim",
                                              "rootfs": "local-lvm:vm-300-disk-0"}, True)
    _, variables = asked(node, var_proxmox_password=PASSWORD, enable_home_disk=True, workspace_rebuild_generation=2)
    node.well(**variables)
    assert node.ct.config["mp0"] == first["mp0"] and has_run_with(node.ct)["PATH"] == "/bin"
