"""What the user's document promises of the two templates, one assertion a promise, evaluated where it is a value."""
from __future__ import annotations

import base64
import json
import re
import subprocess

import pytest
from conftest import ROOT
from hcl_functions import Refused
from template_kit import TOKEN, Template

TEMPLATES = ROOT / "coder" / "templates"
PROXMOX, DOCKER = TEMPLATES / "hakim-proxmox", TEMPLATES / "hakim"
PULLED = subprocess.run([str(ROOT / "scripts/variants"), "--list", "pulled"], capture_output=True, text=True,
                        check=True).stdout.split()
TOKEN_ONLY = {"var_proxmox_endpoint": "https://pve.example.com:8006/", "var_proxmox_api_token": "me@pve!coder=secret"}
AS_ROOT = {**TOKEN_ONLY, "var_proxmox_password": "a password"}
HOME = {**AS_ROOT, "enable_home_disk": True}
ANY_SOURCE = {**HOME, "var_proxmox_mount_sources": ["local-lvm:", "/mnt/pve/data/"]}


def proxmox(**given):
    """The template with a token, and whatever else."""
    return Template(PROXMOX, **{**TOKEN_ONLY, **given})


def docker(**given):
    return Template(DOCKER, **given)


def container(**given):
    return proxmox(**given).scope["proxmox_virtual_environment_container"]["workspace"]


def environment(template):
    """What the container gets."""
    return template.local("container_env")


def complaint(**given):
    """What is said of the only thing that is wrong."""
    [said] = proxmox(**given).complaints()
    head, *lines = said.split("\n")
    assert head == "The workspace cannot be made:" and len(lines) == 1, said
    return lines[0]


# The container.

def test_it_is_unprivileged_and_nesting_is_off_by_default():
    made = container()
    assert made["unprivileged"] is True
    assert made["features"] == [{"nesting": False, "fuse": False, "keyctl": False}]


def test_without_nesting_dockerd_does_not_start_and_with_it_does():
    assert environment(proxmox())["START_DOCKER_DAEMON"] == "0"
    assert environment(proxmox(enable_nesting=True))["START_DOCKER_DAEMON"] == "1"
    assert environment(proxmox(enable_nesting=True, enable_docker=False))["START_DOCKER_DAEMON"] == "0"


@pytest.mark.parametrize("directory", [PROXMOX, DOCKER], ids=lambda d: d.name)
def test_no_storage_driver_is_fixed(directory):
    assert not [file for file in directory.rglob("*.tf") if re.search(r"vfs|STORAGE_DRIVER", file.read_text("utf-8"))]


def test_the_host_gives_the_address():
    [interface] = container()["network_interface"]
    assert interface["host_managed"] is True
    assert container()["initialization"][0]["ip_config"] == [{"ipv4": [{"address": "dhcp"}]}]


def test_bridge_vlan_and_firewall_are_the_variables():
    [interface] = container(var_proxmox_network_bridge="vmbr7", var_proxmox_vlan_id=12,
                            var_proxmox_network_firewall=True)["network_interface"]
    assert (interface["bridge"], interface["vlan_id"], interface["firewall"]) == ("vmbr7", 12, True)
    assert container()["network_interface"][0]["vlan_id"] is None


@pytest.mark.parametrize("variant", PULLED)
def test_the_template_file_is_the_variant_and_the_tag(variant):
    made = container(image_variant=variant, template_tag="v2026.02.14", var_proxmox_template_datastore_id="nas")
    assert made["operating_system"][0]["template_file_id"] == f"nas:vztmpl/hakim-{variant}_v2026.02.14.tar"
    assert container()["operating_system"][0]["template_file_id"] == "local:vztmpl/hakim-base_latest.tar"


def test_a_custom_template_is_taken_as_it_is():
    made = container(image_variant="custom", custom_template_file_id="local:vztmpl/hakim-elixir_v2.tar")
    assert made["operating_system"][0]["template_file_id"] == "local:vztmpl/hakim-elixir_v2.tar"
    assert made["tags"] == ["coder", "custom", "hakim", "template-v2"]


def test_sizes_number_pool_node_and_stores_are_what_was_set():
    made = container(container_cores=6, container_memory_mb=8192, container_swap_mb=0, container_disk_gb=64,
                     proxmox_vm_id=321, var_proxmox_pool_id="coder", var_proxmox_node_names=["a", "bigboss"],
                     proxmox_node_name="bigboss", var_proxmox_container_datastore_id="tank")
    assert made["cpu"] == [{"cores": 6}]
    assert made["memory"] == [{"dedicated": 8192, "swap": 0}]
    assert made["disk"] == [{"datastore_id": "tank", "size": 64}]
    assert (made["vm_id"], made["pool_id"], made["node_name"]) == (321, "coder", "bigboss")


def test_started_follows_the_transition_and_nothing_is_removed_on_stop():
    running, stopped = proxmox(), proxmox(transition="stop")
    bodies = [t.scope["proxmox_virtual_environment_container"]["workspace"] for t in (running, stopped)]
    assert [body.pop("started") for body in bodies] == [True, False]
    assert [body.pop("start_on_boot") for body in bodies] == [True, False]
    assert bodies[0] == bodies[1]
    assert running.scope["terraform_data"]["rebuild"] == stopped.scope["terraform_data"]["rebuild"]
    assert "count" not in running.blocks["resource"]["proxmox_virtual_environment_container"]["workspace"]


def test_a_stop_takes_longer_than_hakim_init_needs():
    assert container()["timeout_delete"] - 5 > 60, "the provider kills five seconds before that"


@pytest.mark.parametrize("change", [
    {"template_tag": "v2"}, {"workspace_rebuild_generation": 2}, {"image_variant": "js"}, {"enable_home_disk": True},
    {"enable_nesting": True}], ids=str)
def test_what_makes_the_container_anew(change):
    first = proxmox(**AS_ROOT).scope["terraform_data"]["rebuild"]["triggers_replace"]
    assert proxmox(**AS_ROOT, **change).scope["terraform_data"]["rebuild"]["triggers_replace"] != first
    [lifecycle] = proxmox().blocks["resource"]["proxmox_virtual_environment_container"]["workspace"]["lifecycle"]
    assert lifecycle["replace_triggered_by"] == ["${terraform_data.rebuild}"]


@pytest.mark.parametrize("change", [{"container_cores": 4}, {"user_env": '{"A": "b"}'}, {"preview_port": 8080}],
                         ids=str)
def test_what_does_not(change):
    first = proxmox().scope["terraform_data"]["rebuild"]["triggers_replace"]
    assert proxmox(**change).scope["terraform_data"]["rebuild"]["triggers_replace"] == first


def test_tags_are_as_proxmox_keeps_them_and_name_the_image():
    tags = container(image_variant="js", template_tag="v3")["tags"]
    assert tags == sorted(tags) == ["coder", "hakim", "js", "template-v3"]


# Who may do what.

def test_a_token_alone_is_enough_without_home_and_fuse():
    template = proxmox(enable_nesting=True)
    assert template.complaints() == []
    provider = template.value(template.files["main.tf"]["provider"]["proxmox"][0])
    assert (provider["api_token"], provider["username"], provider["password"]) == ("me@pve!coder=secret", None, None)


@pytest.mark.parametrize("given", [{"enable_home_disk": True}, {"enable_fuse": True}, {"enable_keyctl": True}], ids=str)
def test_root_is_asked_for_where_proxmox_wants_it(given):
    assert "proxmox_password must be set" in complaint(**given) and next(iter(given)) in complaint(**given)
    template = proxmox(**AS_ROOT, **given)
    assert template.complaints() == []
    provider = template.value(template.files["main.tf"]["provider"]["proxmox"][0])
    assert (provider["api_token"], provider["username"], provider["password"]) == (None, "root@pam", "a password")
    assert "root@pam" in complaint(**AS_ROOT, **given, var_proxmox_username="me@pve")


@pytest.mark.parametrize(("given", "names"), [
    ({"var_proxmox_api_token": ""}, "proxmox_api_token"),
    ({"image_variant": "custom"}, "custom_template_file_id"),
    ({"image_variant": "custom", "custom_template_file_id": "hakim-base_latest.tar"}, "custom_template_file_id"),
    ({**HOME, "var_proxmox_home_bind_hook_script_id": ""}, "proxmox_home_bind_hook_script_id"),
    ({"enable_openclaw_node": True}, "openclaw_bridge_host"),
    ({"enable_openclaw_node": True, "openclaw_bridge_host": "h", "openclaw_bridge_tls_fingerprint": "a"},
     "openclaw_bridge_tls"),
    ({"user_env": "[1]"}, "user_env"), ({"user_env": '{"A": {"b": 1}}'}, "user_env"),
    ({"secret_env": "{"}, "secret_env"),
    ({"user_env": '{"CODER_AGENT_TOKEN": "x"}'}, "CODER_AGENT_TOKEN"),
], ids=str)
def test_a_precondition_names_what_is_missing(given, names):
    assert names in complaint(**given)


def test_the_endpoint_must_be_https():
    with pytest.raises(Refused, match="proxmox_endpoint must begin with https"):
        proxmox(var_proxmox_endpoint="http://pve:8006/").evaluate_all()


# The home.

def test_the_home_is_a_directory_of_owner_and_workspace_that_the_hook_makes():
    template = proxmox(**HOME)
    assert template.local("home_source") == "/var/lib/vz/hakim-homes/alice/my-workspace"
    made = template.scope["proxmox_virtual_environment_container"]["workspace"]
    assert made["hook_script_file_id"] == "local:snippets/hakim-home-hook"
    assert container()["hook_script_file_id"] is None


@pytest.mark.parametrize("source", ["local-lvm:subvol-300-disk-1", "/mnt/pve/data/coder-homes/ws-raptors"])
def test_an_existing_home_is_the_source_of_the_document(source):
    template = proxmox(**ANY_SOURCE, proxmox_home_volume_id=source, proxmox_vm_id=400)
    assert template.complaints() == []
    assert template.scope["terraform_data"]["workspace_agent_env"][0]["provisioner"]["local-exec"][0]["environment"][
        "PVE_HOME_SOURCE"] == source


def test_no_home_is_mounted_while_the_image_is_unpacked():
    """Proxmox would write the image's /home/coder over it."""
    body = proxmox().blocks["resource"]["proxmox_virtual_environment_container"]["workspace"]
    assert "mount_point" not in body and "mount_point" not in body.get("dynamic", {})
    assert "${mount_point}" in body["lifecycle"][0]["ignore_changes"]


@pytest.mark.parametrize("source", ["/var/lib/vz/hakim-homes/bob/his", "/etc", "tank:subvol-300-disk-1"])
def test_a_user_cannot_name_another_home(source):
    assert "proxmox_mount_sources" in complaint(**HOME, proxmox_home_volume_id=source, proxmox_vm_id=400)


def test_nor_reach_one_by_dots():
    assert ".." in complaint(**HOME, proxmox_home_volume_id="/var/lib/vz/hakim-homes/alice/../bob/his")


@pytest.mark.parametrize("source", ["local-lvm:vm-300-disk-1,ro=1", "/mnt/pve/data/a,mp=/etc"])
def test_nor_add_options_to_the_mount(source):
    assert "is no mount source" in complaint(**ANY_SOURCE, proxmox_home_volume_id=source, proxmox_vm_id=400)


@pytest.mark.parametrize("source", ["local-lvm:subvol-300-disk-1", "local-lvm:vm-300-disk-0",
                                    "local-lvm:300/vm-300-disk-1.raw"])
def test_a_destroy_never_frees_the_home(source):
    """Proxmox frees what the container's number owns: it must be another one."""
    own = {**ANY_SOURCE, "proxmox_home_volume_id": source}
    assert "move-volume" in complaint(**own, proxmox_vm_id=300)
    assert "proxmox_vm_id must be set" in complaint(**own)
    assert proxmox(**own, proxmox_vm_id=301).complaints() == []


def test_a_home_of_one_node_keeps_the_workspace_there():
    moved = {**HOME, "var_proxmox_node_names": ["one", "two"], "proxmox_node_name": "two"}
    [said] = proxmox(**moved, home_node="one").complaints()
    assert said.startswith("proxmox_node_name cannot be changed to two")
    assert proxmox(**moved, home_node="two").complaints() == []
    everywhere = {**moved, "proxmox_home_volume_id": "/mnt/pve/nas/alice", "home_node": "one",
                  "var_proxmox_mount_sources": ["/mnt/pve/nas/"], "var_proxmox_shared_sources": ["/mnt/pve/nas/"]}
    assert proxmox(**everywhere).complaints() == []
    body = proxmox().blocks["resource"]["terraform_data"]["home_node"]
    assert body["lifecycle"] == [{"ignore_changes": ["${input}"]}], "it stays what it was first"


def test_docker_and_nix_have_volumes_of_their_own():
    template = proxmox(**ANY_SOURCE, proxmox_docker_volume_id="/mnt/pve/data/docker", proxmox_vm_id=400,
                       proxmox_nix_store_volume_id="local-lvm:vm-300-disk-2")
    given = template.scope["terraform_data"]["workspace_agent_env"][0]["provisioner"]["local-exec"][0]["environment"]
    assert (given["PVE_DOCKER_SOURCE"], given["PVE_DOCKER_TARGET"]) == ("/mnt/pve/data/docker", "/var/lib/docker")
    assert given["PVE_NIX_SOURCE"] == "local-lvm:vm-300-disk-2"
    assert environment(template)["BOOTSTRAP_NIX_IF_MISSING"] == "1"


# The environment and the agent.

def bootstrap(template):
    [one] = template.scope["terraform_data"]["workspace_agent_env"]
    return one["provisioner"]["local-exec"][0]


def test_the_agent_gets_its_address_and_token_as_one_variable():
    given = bootstrap(proxmox())["environment"]
    assert base64.b64decode(given["CT_AGENT_BOOTSTRAP"]).decode() == f"https://coder.example.org|{TOKEN}"


def test_the_script_is_called_as_it_is_named_and_nothing_secret_is_in_its_arguments():
    made = bootstrap(proxmox(**HOME))
    assert made["command"] == f"bash {PROXMOX}/scripts/bootstrap-agent-env.sh"
    assert {"PVE_ENDPOINT", "PVE_NODE_NAME", "PVE_VM_ID", "PVE_API_TOKEN", "PVE_USERNAME", "PVE_PASSWORD",
            "PVE_INSECURE", "CT_AGENT_BOOTSTRAP", "CT_RUNTIME_ENV_B64", "CT_RUNTIME_ENV_SHA",
            "TASK_TIMEOUT_SEC"} <= made["environment"].keys()
    assert made["environment"]["PVE_ENDPOINT"] == "https://pve.example.com:8006"


def test_the_script_knows_all_that_it_is_given_and_is_given_all_that_it_needs():
    text = (PROXMOX / "scripts/bootstrap-agent-env.sh").read_text("utf-8")
    known = set(re.findall(r"\b((?:PVE|CT|TASK)_[A-Z0-9_]+)", re.search(r"usage\(\) \{(.*?)\n\}", text, re.S)[1]))
    given = bootstrap(proxmox())["environment"].keys()
    assert given - known == set() and known - given == {"TASK_POLL_SEC"}


def test_a_token_and_a_session_are_never_given_together():
    given = bootstrap(proxmox(**HOME))["environment"]
    assert (given["PVE_API_TOKEN"], given["PVE_USERNAME"], given["PVE_PASSWORD"]) == ("", "root@pam", "a password")
    given = bootstrap(proxmox(**AS_ROOT))["environment"]
    assert (given["PVE_API_TOKEN"], given["PVE_USERNAME"], given["PVE_PASSWORD"]) == ("me@pve!coder=secret", "", "")


def decoded(template):
    """What the script would put onto the container."""
    pairs = (one.split("=", 1) for one in bootstrap(template)["environment"]["CT_RUNTIME_ENV_B64"].split(","))
    return {name: base64.b64decode(value).decode() for name, value in pairs}


def test_the_environment_reaches_container_and_agent_and_secrets_are_named():
    template = proxmox(user_env='{"EDITOR": "vim", "N": 3}', secret_env='{"API_KEY": "k=1,2", "A": "b"}')
    env = decoded(template)
    assert (env["EDITOR"], env["N"], env["API_KEY"]) == ("vim", "3", "k=1,2")
    assert env["HAKIM_SECRET_ENV"] == "A API_KEY"
    [agent] = template.scope["coder_agent"]["main"]
    assert agent["env"] == {"EDITOR": "vim", "N": "3", "API_KEY": "k=1,2", "A": "b"}


@pytest.mark.parametrize(("name", "value"), [("MULTI", "a\nb"), ("with-dash", "x"), ("ESC", "\x1b[1m")])
def test_what_proxmox_refuses_goes_to_the_agent_only_with_a_warning(name, value):
    template = proxmox(user_env=json.dumps({name: value, "TAB": "a\tb"}))
    assert name not in decoded(template) and decoded(template)["TAB"] == "a\tb"
    assert template.scope["coder_agent"]["main"][0]["env"][name] == value
    [warning] = template.warnings()
    assert name in warning


def test_a_changed_environment_and_a_new_token_run_the_script_again():
    sha = bootstrap(proxmox())["environment"]["CT_RUNTIME_ENV_SHA"]
    assert bootstrap(proxmox(user_env='{"A": "b"}'))["environment"]["CT_RUNTIME_ENV_SHA"] != sha
    assert proxmox().scope["terraform_data"]["workspace_agent_env"][0]["triggers_replace"][0] == sha


def test_on_a_stop_there_is_no_agent_and_no_script():
    template = proxmox(transition="stop")
    assert template.scope["coder_agent"]["main"] == [] == template.scope["terraform_data"]["workspace_agent_env"]
    assert template.scope["coder_app"]["app"] == {}


# What both are promised.

BOTH = pytest.mark.parametrize("make", [proxmox, docker], ids=lambda m: m.__name__)


@BOTH
def test_the_apps_are_code_server_opencode_openchamber_and_the_preview_with_health_checks(make):
    apps = make(preview_port=5173).scope["coder_app"]["app"]
    assert {slug: app["healthcheck"][0]["url"] for slug, app in apps.items()} == {
        "code-server": "http://localhost:13337/healthz",
        "opencode": "http://localhost:4096/global/health",
        "openchamber": "http://localhost:6904/health",
        "preview": "http://localhost:5173/"}


@BOTH
def test_code_server_needs_no_wildcard_address_and_is_told_of_one(make):
    apps = make().scope["coder_app"]["app"]
    assert [slug for slug, app in apps.items() if not app["subdomain"]] == ["code-server"]
    assert "VSCODE_PROXY_URI" not in environment(make())
    assert environment(make(var_coder_wildcard_host="*.c.example.org"))["VSCODE_PROXY_URI"] == (
        "https://{{port}}--main--my-workspace--alice.c.example.org")


@BOTH
def test_a_health_check_asks_what_the_unit_asks(make):
    apps = make().scope["coder_app"]["app"]
    for name in ("code-server", "opencode", "openchamber"):
        unit = (ROOT / f"modules/{name}/{name}.service").read_text("utf-8")
        [path] = re.findall(r"^ReadyHTTP=http://[^/]+(/\S+)", unit, re.M)
        [port] = set(re.findall(rf"\b{name.replace('-', '_').upper()}_PORT=(\d+)", unit))
        assert apps[name]["healthcheck"][0]["url"] == f"http://localhost:{port}{path}"


@BOTH
def test_the_preview_is_the_owners_unless_he_says_otherwise(make):
    assert make().scope["coder_app"]["app"]["preview"]["share"] == "owner"
    assert make(preview_share="public").scope["coder_app"]["app"]["preview"]["share"] == "public"


@BOTH
def test_every_switch_is_a_modules_and_its_button_goes_with_it(make):
    off = make(enable_code_server=False, enable_opencode=False, enable_openchamber=False, enable_nix=False,
               enable_et=False, enable_tmux=False, enable_desktop=False)
    switches = {name: value for name, value in environment(off).items() if name.startswith("START_")}
    assert set(switches.values()) == {"0"} and off.scope["coder_app"]["app"].keys() == {"preview"}
    known = (ROOT / "docs/modules/README.md").read_text("utf-8")
    assert all(f"`{name}`" in known for name in environment(make(
        git_url="https://example.org/a", git_branch="main", enable_openclaw_node=True, openclaw_bridge_host="h",
        openclaw_bridge_tls=True, openclaw_bridge_tls_fingerprint="aa")) if name != "VSCODE_PROXY_URI")


@BOTH
def test_no_script_starts_what_hakim_init_supervises(make):
    template = make()
    programs = ("code-server", "opencode", "openchamber", "openclaw", "dockerd", "nix-daemon", "etserver", "sshd",
                "Xvfb", "dbus-daemon", "gnome-keyring")
    [script], [agent] = template.scope["coder_script"]["user"], template.scope["coder_agent"]["main"]
    scripts = " ".join([script["script"], *(one["script"] for one in agent["metadata"])])
    assert [name for name in programs if name in scripts] == []
    assert len(template.blocks["resource"]["coder_script"]) == 1
    assert "startup_script" not in template.blocks["resource"]["coder_agent"]["main"]
    assert {body["source"].rsplit("/", 2)[1] for body in template.modules.values()} == {
        "dotfiles", "coder-login", "git-commit-signing", "zed", "vault-github"}


@BOTH
def test_metadata_comes_from_hakimctl(make):
    [agent] = make().scope["coder_agent"]["main"]
    scripts = [one["script"] for one in agent["metadata"]]
    assert any("hakimctl status --json" in one for one in scripts)


@BOTH
def test_a_repository_is_cloned_by_the_module(make):
    env = environment(make(git_url=" https://example.org/a.git ", git_branch="dev"))
    assert (env["GIT_CLONE_URL"], env["GIT_CLONE_BRANCH"]) == ("https://example.org/a.git", "dev")
    assert "GIT_CLONE_URL" not in environment(make())


@BOTH
def test_there_is_an_option_and_a_preset_for_each_variant(make):
    template = make()
    body = template.blocks["data"]["coder_parameter"]["image_variant"]
    assert [one["value"] for one in body["option"]] == [*PULLED, "custom"]
    presets = template.blocks["data"]["coder_workspace_preset"]
    assert {name: one["parameters"]["image_variant"] for name, one in presets.items()} == {n: n for n in PULLED}
    assert [name for name, one in presets.items() if one["default"]] == ["base"]


@BOTH
def test_openclaw_is_told_where_its_gateway_is(make):
    env = environment(make(enable_openclaw_node=True, openclaw_bridge_host="10.0.0.5", openclaw_bridge_port=999,
                           openclaw_bridge_tls=True))
    assert (env["OPENCLAW_BRIDGE_HOST"], env["OPENCLAW_BRIDGE_PORT"], env["OPENCLAW_BRIDGE_TLS"]) == (
        "10.0.0.5", "999", "1")


# The Docker twin.

def test_in_docker_hakim_init_is_the_entrypoint_and_the_home_outlives_the_container():
    [made] = docker().scope["docker_container"]["workspace"]
    assert (made["entrypoint"], made["command"]) == (["/usr/sbin/hakim-init"], [])
    assert {"container_path": "/home/coder", "volume_name": "coder-my-id-home"} in made["volumes"]
    stopped = docker(transition="stop")
    assert stopped.scope["docker_container"]["workspace"] == []
    assert stopped.scope["docker_volume"]["home"]["name"] == "coder-my-id-home"


def test_in_docker_the_agent_gets_its_variables_and_dockerd_is_off():
    [made] = docker(image_variant="js", template_tag="v2").scope["docker_container"]["workspace"]
    assert {f"CODER_AGENT_TOKEN={TOKEN}", "CODER_AGENT_URL=https://coder.example.org",
            "START_DOCKER_DAEMON=0"} <= set(made["env"])
    assert docker(image_variant="js", template_tag="v2").local("image") == "ghcr.io/shekohex/hakim-js:v2"


def test_in_docker_the_hosts_socket_is_given_only_when_the_administrator_says_so():
    assert len(docker().scope["docker_container"]["workspace"][0]["volumes"]) == 1
    [made] = docker(var_docker_socket="/var/run/docker.sock").scope["docker_container"]["workspace"]
    assert made["volumes"][1]["host_path"] == "/var/run/docker.sock"
