"""The files of Coder's templates: they parse, their references resolve, they are documented, and what both share is the
same; and the script that sets up the user, run."""
from __future__ import annotations

import os
import re
import subprocess

import pytest
from conftest import ROOT
from template_kit import Template, read, strings

TEMPLATES = ROOT / "coder" / "templates"
DIRECTORIES = [TEMPLATES / "hakim", TEMPLATES / "hakim-proxmox"]
SHARED = ("agent.tf", "apps.tf", "environment.tf", "extras.tf", "modules.tf", "parameters.tf", "variants.tf",
          "workspace.tf", "scripts/services.sh", "scripts/setup-user.sh")
ENDPOINT = {"var_proxmox_endpoint": "https://pve.example.com:8006/"}
EACH = pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda d: d.name)


def whole(directory, **given):
    if directory.name == "hakim-proxmox":
        given = {**ENDPOINT, "var_proxmox_api_token": "me@pve!a=b", **given}
    return Template(directory, **given)


@EACH
def test_it_parses_and_every_reference_resolves(directory):
    assert len(read(directory)) >= 10
    assert whole(directory).unresolved() == []


def test_a_reference_that_does_not_resolve_is_found(tmp_path):
    (tmp_path / "a.tf").write_text('locals { a = local.b.c }\n'
                                   'data "coder_parameter" "x" {\n count = 1\n name = "x"\n}\n'
                                   'locals { d = [data.coder_parameter.x.value, data.coder_parameter.x[0].value,\n'
                                   'var.y, each.key, coder_agent.main[0].id, [for z in local.a : z.name if q.r]] }\n',
                                   "utf-8")
    found = [one.rpartition(": ")[2] for one in Template(tmp_path).unresolved()]
    assert sorted(found) == ["coder_agent.main.[].id", "data.coder_parameter.x.value", "local.b.c", "q.r", "var.y"]


@EACH
@pytest.mark.parametrize("given", [
    {}, {"transition": "stop"}, {"image_variant": "custom"}, {"enable_openclaw_node": True, "enable_vault": True},
    {"enable_tmux": False, "git_url": "https://example.org/a", "git_branch": "b"}], ids=str)
def test_everything_in_it_evaluates(directory, given):
    whole(directory, **given).evaluate_all()


@EACH
def test_every_parameter_is_used(directory):
    template = whole(directory)
    unused = template.blocks["data"]["coder_parameter"].keys() - template.used()
    assert unused == set()


@EACH
def test_every_variable_and_local_is_used(directory):
    template = whole(directory)
    text = " ".join(text for blocks in template.files.values() for _, text in strings(blocks))
    unused = [f"var.{name}" for name in template.variables if not re.search(rf"\bvar\.{name}\b", text)]
    unused += [f"local.{name}" for name in template.locals if not re.search(rf"\blocal\.{name}\b", text)]
    assert [name for name in unused if name not in ("local.runtime_env",)] == []


@EACH
def test_every_parameter_and_variable_is_documented_and_nothing_else(directory):
    template = whole(directory)
    text = (directory / "README.md").read_text("utf-8")
    head, _, _ = text.partition("## Left out")
    rows = [cell for line in head.splitlines() if line.startswith("| `") for cell in line.split("|")[1:2]]
    extra = " ".join(line for line in head.splitlines() if line.startswith("| ") and "with `" in line)
    named = set(re.findall(r"`([a-z0-9_]+)`", " ".join(rows)))
    with_others = set(re.findall(r"`([a-z0-9_]+)`", extra))
    there = template.blocks["data"]["coder_parameter"].keys() | template.variables.keys()
    assert there - named - with_others == set()
    # Of Coder's own module.
    assert named - there - {"enable_nesting", "dotfiles_uri"} == set()


@EACH
def test_every_parameter_has_a_description_and_a_place_of_its_own(directory):
    parameters = whole(directory).blocks["data"]["coder_parameter"]
    assert [name for name, body in parameters.items() if not body["description"] or not body["display_name"]] == []
    assert [name for name, body in parameters.items() if body["mutable"] is not True] == []
    orders = [body["order"] for body in parameters.values()]
    assert len(orders) == len(set(orders))


@EACH
def test_the_head_of_the_readme_is_the_documents(directory):
    head = (directory / "README.md").read_text("utf-8").split("---\n")[1]
    assert re.findall(r"^(\w+):", head, re.M) == ["display_name", "description", "icon", "verified", "tags"]
    if directory.name == "hakim-proxmox":
        assert "display_name: Hakim AI (Proxmox)\n" in head
        assert "description: Proxmox LXC template using OCI images from GHCR\n" in head
        assert "tags: [proxmox, lxc, ai]\n" in head


def test_what_the_published_template_offers_is_kept_or_left_out_with_a_reason():
    text = (TEMPLATES / "hakim-proxmox/README.md").read_text("utf-8")
    for name in ("egress_mode", "enable_docker_data_offload", "enable_nix_store_offload", "home_disk_gb",
                 "proxmox_home_datastore_id", "home_migration_mode", "system_prompt", "enable_vault", "enable_tmux",
                 "enable_zed", "dotfiles_uri", "enable_coder_login", "enable_git_commit_signing", "enable_ssh_keys",
                 "enable_paseo", "enable_t3code", "shekohex_agent_auth", "enable_container_swap", "enable_et",
                 "openclaw_gateway_ws_url", "openclaw_gateway_token"):
        assert f"`{name}`" in text, name


def test_what_does_not_work_is_said_in_the_doctors_own_words():
    text = (TEMPLATES / "hakim-proxmox/README.md").read_text("utf-8")
    rows = (ROOT / "init/quirk_table.c").read_text("utf-8")
    said = {what.replace('\\"', '"'): way for what, way in re.findall(
        r'"((?:[^"\\]|\\.)+)",\s+"pct set <ctid> --(features \w+=1|dev0 [^"]+)"', rows)}
    assert {"features nesting=1", "features fuse=1", "features keyctl=1", "dev0 /dev/net/tun"} == set(said.values())
    assert [words for words in said if words not in text] == []


def test_what_both_share_is_the_same_in_both():
    one, other = DIRECTORIES
    assert [name for name in SHARED if (one / name).read_bytes() != (other / name).read_bytes()] == []
    common = {path.name for path in one.glob("*.tf")} & {path.name for path in other.glob("*.tf")}
    assert common - set(SHARED) == {"main.tf", "variables.tf", "container.tf"}


def test_the_way_from_a_bare_node_has_ten_steps_and_every_question_of_the_document_an_answer():
    text = (ROOT / "docs/proxmox.md").read_text("utf-8")
    assert re.findall(r"^\*\*(\d+)\. ", text, re.M) == [str(number) for number in range(1, 11)]
    asked = re.findall(r"^\*\*([^*]+\?)\*\*", text.partition("## FAQ")[2], re.M)
    for words in ("distrobuilder", "CI publish", "Docker template", "force a template", "pull from GHCR",
                  "refreshed image", "digests", "stopping delete", "over a rebuild", "look like", "get it", "clean up"):
        assert [one for one in asked if words in one], words
    there = whole(DIRECTORIES[1])
    known = there.blocks["data"]["coder_parameter"].keys() | there.variables.keys()
    named = set(re.findall(r"`((?:proxmox|enable|template|custom|workspace|container|image)_[a-z_]+)(?:=[^`]*)?`",
                           text))
    assert {"template_tag", "proxmox_home_volume_id"} <= named <= known


@EACH
def test_coder_can_upload_it(directory):
    """It takes the directory alone, follows no links and takes 1 MiB."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert not [path for path in directory.rglob("*") if path.is_symlink()]
    assert sum(path.stat().st_size for path in files) < 1 << 20


# scripts/setup-user.sh

@pytest.fixture
def set_up(tmp_path):
    """Runs what the coder_script is, in a home of its own."""
    def run(**given):
        script = Template(DIRECTORIES[0], **given).scope["coder_script"]["user"][0]["script"]
        return subprocess.run(["sh", "-c", script], env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
                              capture_output=True, text=True, timeout=20, check=False)
    return run


def git(home, *words):
    return subprocess.run(["git", "config", "--global", *words], env={"HOME": str(home), "PATH": os.environ["PATH"]},
                          capture_output=True, text=True, timeout=20, check=False).stdout.splitlines()


def test_git_is_set_up_and_twice_is_as_once(set_up, tmp_path):
    given = {"git_user_name": "Alice O'Neill $(id)", "git_user_email": "a@example.org",
             "git_credential_helper": "store", "git_global_gitconfig": "[alias]\n\tst = status\n"}
    for _ in range(2):
        done = set_up(**given)
        assert done.returncode == 0, done.stderr
    assert git(tmp_path, "user.name") == ["Alice O'Neill $(id)"]
    assert git(tmp_path, "--get-all", "include.path") == [f"{tmp_path}/.config/hakim/gitconfig"]
    assert git(tmp_path, "--includes", "alias.st") == ["status"]


def test_what_is_empty_leaves_git_as_it_is(set_up, tmp_path):
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Me\n", "utf-8")
    assert set_up().returncode == 0
    assert (tmp_path / ".gitconfig").read_text("utf-8") == "[user]\n\tname = Me\n"


def test_a_tmux_configuration_that_was_changed_by_hand_stays(set_up, tmp_path):
    assert set_up(tmux_config="set -g mouse on").returncode == 0
    assert set_up(tmux_config="set -g mouse off").returncode == 0
    assert (tmp_path / ".tmux.conf").read_text("utf-8") == "set -g mouse off"
    (tmp_path / ".tmux.conf").write_text("mine", "utf-8")
    done = set_up(tmux_config="set -g mouse on")
    assert (done.returncode, (tmp_path / ".tmux.conf").read_text("utf-8")) == (0, "mine")
    assert "changed by hand" in done.stderr


@pytest.mark.parametrize(("answer", "line"), [
    ('{"manager":{"state":"running"},"units":[{"name":"a.service","sub":"running","active":"active","ready":true},'
     '{"name":"b.service","sub":"skipped","active":"inactive","ready":false},'
     '{"name":"c.target","sub":"active","active":"active","ready":true}]}', "1/1 ready"),
    ('{"manager":{"state":"degraded"},"units":[{"name":"a.service","sub":"running","active":"active","ready":true},'
     '{"name":"b.service","sub":"failed","active":"failed","ready":false}]}', "1/2 ready, failed: b"),
    ('{"manager":{"state":"starting"},"units":[{"name":"a.service","sub":"start","active":"activating",'
     '"ready":false}]}', "0/1 ready (starting)")])
def test_the_services_are_one_line(tmp_path, answer, line):
    (tmp_path / "hakimctl").write_text(f"#!/bin/sh\necho '{answer}'\n", "utf-8")
    (tmp_path / "hakimctl").chmod(0o755)
    done = subprocess.run(["sh", str(DIRECTORIES[0] / "scripts/services.sh")], capture_output=True, text=True,
                          timeout=20, check=False, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (done.stdout, done.returncode) == (line + "\n", 0), done.stderr
