"""bootstrap-agent-env.sh against a stand-in Proxmox: environment and mounts reach the container, once, and whole."""
from __future__ import annotations

import base64
import os
import signal
import subprocess
import threading
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


def test_the_first_run_gives_bootstrap_and_environment_and_keeps_the_images_own(site: Site) -> None:
    """One payload, one restart, no tag left."""
    said = site.well(CT_RUNTIME_ENV_B64=pairs(EDITOR="vim", GREETING=ODD, EMPTY="", HAKIM_SECRET_ENV="EDITOR"))
    now = has_run_with(site.ct)
    assert now["PATH"] == "/nix/bin:/usr/bin" and now["LANG"] == "C.UTF-8"
    assert now["EDITOR"] == "vim" and now["GREETING"] == ODD and now["EMPTY"] == ""
    assert now["CODER_AGENT_BOOTSTRAP"] == BOOTSTRAP and now["CODER_RUNTIME_ENV_SHA"] == "one"
    assert now["HAKIM_SECRET_ENV"] == "EDITOR"
    assert len(site.ct.booted) == 2 and site.ct.config["tags"] == "coder;hakim"
    assert site.changes().count("set config") == 2, "the environment, and the tag's end"
    assert BOOTSTRAP not in said and "vim" not in said


def test_nothing_changed_changes_nothing(site: Site) -> None:
    """Twice is once."""
    values = pairs(A="1", TEXT=ODD)
    site.well(CT_RUNTIME_ENV_B64=values)
    before = len(site.changes())
    assert site.well(CT_RUNTIME_ENV_B64=values) == ""
    assert len(site.changes()) == before and len(site.ct.booted) == 2


def test_a_changed_environment_replaces_ours_only(site: Site) -> None:
    """What we no longer give goes, what the image gave stays."""
    site.well(CT_RUNTIME_ENV_B64=pairs(OLD="1", KEPT="2"))
    site.well(CT_RUNTIME_ENV_B64=pairs(KEPT="3", NEW="4"), CT_RUNTIME_ENV_SHA="two")
    now = has_run_with(site.ct)
    assert "OLD" not in now and (now["KEPT"], now["NEW"], now["PATH"]) == ("3", "4", "/nix/bin:/usr/bin")
    assert now["CODER_RUNTIME_ENV_SHA"] == "two" and len(site.ct.booted) == 3


def test_a_stopped_container_stays_stopped_and_has_all_of_it_at_its_next_start(site: Site) -> None:
    """Only what runs is started anew."""
    site.ct.running = False
    site.well(**MOUNTED)
    assert not site.ct.running and site.changes() == ["set config"]
    assert environment(site.ct.config["env"])["EDITOR"] == "vim" and site.ct.config["mp0"] == f"{HOME},mp=/home/coder"


def test_mounts_and_the_hook_are_set_while_it_is_stopped(site: Site) -> None:
    """Put over a running container's home they would hide it from what runs."""
    site.ct.config["mp1"] = "local-lvm:vm-301-disk-3,mp=/data"
    # With the hook itself, which makes the directory of the home.
    homes = site.tmp / "vz" / "hakim-homes"
    homes.parent.mkdir()
    (site.tmp / "pve" / "lxc").mkdir(parents=True)
    site.model.containers.root = Path("/")
    site.model.containers.hooks[HOOK] = (SCRIPT.with_name("hakim-home-hook"),
                                         {"HAKIM_PVE_DIR": str(site.tmp / "pve"), "HAKIM_HOMES_DIR": str(homes)})
    home = f"{homes}/me/ws"
    wants = {**ROOT, "PVE_HOME_SOURCE": home, "PVE_HOOKSCRIPT_ID": HOOK, "PVE_DOCKER_SOURCE": "local-lvm:vm-900-disk-1",
             "PVE_DOCKER_TARGET": "/var/lib/docker"}
    site.well(**wants)
    assert has_run_with(site.ct)["EDITOR"] == "vim" and not site.ct.mounted
    assert Path(home).is_dir()
    assert site.ct.config["mp0"] == f"{home},mp=/home/coder" and site.ct.config["hookscript"] == HOOK
    assert site.ct.config["mp1"] == "local-lvm:vm-301-disk-3,mp=/data"
    assert site.ct.config["mp2"] == "local-lvm:vm-900-disk-1,mp=/var/lib/docker,backup=1"
    before = len(site.changes())
    site.well(**wants)
    assert len(site.changes()) == before


def test_another_home_that_is_mounted_is_never_taken_off(site: Site) -> None:
    """A volume that is taken off is destroyed with the container."""
    site.ct.config["mp0"] = "local-lvm:vm-300-disk-7,mp=/home/coder,backup=1,size=30G"
    status, said = site.run(**MOUNTED)
    assert status == 1 and "mounts local-lvm:vm-300-disk-7 at /home/coder" in said
    assert not site.changes() or site.changes() == ["create /access/ticket"]


def test_a_home_that_the_container_owns_is_refused(site: Site) -> None:
    """Its end would free it, and does in this Proxmox, too."""
    status, said = site.run(**ROOT, PVE_HOME_SOURCE="local-lvm:vm-300-disk-1")
    assert status == 1 and "would be destroyed with it" in said and site.changes() == []
    site.model.containers.volumes = {"local-lvm:vm-300-disk-1", "local-lvm:vm-900-disk-1"}
    site.ct.running = False
    site.well(**ROOT, PVE_HOME_SOURCE="local-lvm:vm-900-disk-1")
    site.model.call("delete", "/nodes/pve/lxc/300", {})
    assert site.model.containers.volumes == {"local-lvm:vm-900-disk-1"}


def test_what_proxmox_cannot_hold_is_left_to_the_agent_with_a_warning(site: Site) -> None:
    """Lines, other names, blanks at the end; by name and without the value."""
    said = site.well(CT_RUNTIME_ENV_B64=pairs(**{
        "LINES": "geheim\nzwei", "my-name": "geheim", "END": "geheim ", "LAST": "geheim\n", "DEL": "geheim\x7f",
        "GOOD": "yes", "CODER_AGENT_BOOTSTRAP": "geheim"}))
    now = has_run_with(site.ct)
    assert now["GOOD"] == "yes" and now["CODER_AGENT_BOOTSTRAP"] == BOOTSTRAP
    for name in ("LINES", "my-name", "END", "LAST", "DEL"):
        assert name not in now and f"cannot hold {name} " in said
    assert "geheim" not in said


@pytest.mark.parametrize("how", ["stuck"])
def test_a_container_that_does_not_stop_is_not_killed_and_the_apply_fails(site: Site, how: str) -> None:
    """It keeps running, and the next run does it."""
    site.model.behave(shutdown=[how, "ok"])
    status, said = site.run(**MOUNTED, TASK_TIMEOUT_SEC="3")
    assert status == 1 and "did not stop within 3 s (container did not stop)" in said and "lxc-stop: timeout" in said
    assert site.ct.running and not site.ct.killed and len(site.ct.booted) == 1
    assert not site.model.calls("status/stop")
    assert site.model.calls("status/shutdown")[0]["params"] == {"timeout": "3"}
    site.well(**MOUNTED)
    assert has_run_with(site.ct)["EDITOR"] == "vim" and site.ct.config["tags"] == "coder;hakim"


def test_a_failing_start_is_told_with_its_log_and_mended_by_the_next_run(site: Site) -> None:
    """The environment is there all the same."""
    site.model.behave(start=["fail", "warnings"])
    status, said = site.run()
    assert status == 1 and "startup for container '300' failed" in said and "Script exited with status 1" in said
    assert not site.ct.running
    site.well()
    assert has_run_with(site.ct)["EDITOR"] == "vim" and site.ct.config["tags"] == "coder;hakim"


@pytest.mark.parametrize("how,words", [("forbidden", "403 Permission check failed (/vms/300, VM.Config.Options)"),
                                       ("locked", "500 CT is locked (backup)")])
def test_an_error_says_what_proxmox_says_and_leaves_the_container_alone(site: Site, how: str, words: str) -> None:
    """And nothing secret."""
    site.model.behave(put=how)
    status, said = site.run()
    assert status == 1 and words in said
    assert site.ct.running and len(site.ct.booted) == 1 and site.ct.config["env"] == IMAGE
    assert TOKEN.split("=")[1] not in said and BOOTSTRAP not in said


def test_without_the_right_to_tags_it_goes_on_without_one(site: Site) -> None:
    """The tag only helps a run after one that was killed."""
    site.model.behave(put="no-tags")
    assert "warning: Proxmox allows no tag" in site.well()
    assert has_run_with(site.ct)["EDITOR"] == "vim"


def test_a_token_may_set_no_path_and_is_told_so(site: Site) -> None:
    """The container runs on, or is started again by the next run."""
    status, said = site.run(PVE_HOME_SOURCE=HOME)
    assert status == 1 and "only allowed for root@pam" in said
    site.well(**MOUNTED)
    assert has_run_with(site.ct)["EDITOR"] == "vim" and "mp0" in site.ct.config


def test_a_session_that_ends_in_the_middle_is_renewed(site: Site) -> None:
    """Each lasts for five calls here."""
    site.server.ticket_uses = 5
    site.well(**MOUNTED)
    assert site.server.logins > 2 and has_run_with(site.ct)["EDITOR"] == "vim" and len(site.ct.booted) == 2


def test_wrong_credentials_and_a_second_factor_are_named(site: Site) -> None:
    """Without the password."""
    status, said = site.run(**{**ROOT, "PVE_PASSWORD": "geheim"})
    assert status == 1 and "does not let root@pam in (401 authentication failure)" in said and "geheim" not in said
    status, said = site.run(PVE_API_TOKEN="x@pve!y=geheim")
    assert status == 1 and "401 invalid token value!" in said and "geheim" not in said
    site.server.tfa = True
    status, said = site.run(**ROOT)
    assert status == 1 and "two-factor" in said
    assert site.ct.config["env"] == IMAGE and not site.changes()


def test_no_secret_is_in_an_argument_or_a_file(site: Site) -> None:
    """While it calls, its processes are looked at."""
    seen: list[str] = []

    def look(_verb: str, _path: str, _done: bool) -> bool:
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(path.name)) == process.pid:
                    seen.append((path / "cmdline").read_bytes().decode())
                    if b"curl" in (path / "cmdline").read_bytes().split(b"\0")[0]:
                        seen.append((path / "environ").read_bytes().decode())
            except OSError:
                pass
        return True

    gate = threading.Event()
    site.server.at = lambda *words: gate.wait(10) and look(*words)
    process = site.start(**MOUNTED, TMPDIR=str(site.tmp))
    gate.set()
    with process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert any("curl" in x for x in seen)
    for secret in (TOKEN, PASSWORD, "PVE:root@pam", BOOTSTRAP, pairs(EDITOR="vim"), "EDITOR=vim"):
        assert not [x for x in seen if secret in x], secret
    assert not [p.name for p in site.tmp.iterdir() if p.name.startswith(("tmp.", "sh-"))]


STEPS = ["set config", "create status/shutdown", "set config", "create status/start", "set config"]


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("which", range(5))
def test_killed_at_any_change_the_next_run_mends_it(site: Site, which: int, done: bool) -> None:
    """kill -9, before or after Proxmox has done what was asked."""
    count = 0

    def kill(verb: str, path: str, after: bool) -> bool:
        nonlocal count
        if verb == "get" or after != done:
            return True
        count += 1
        if count - 1 != which:
            return True
        assert f"{verb} {path}".startswith(STEPS[which].split()[0]) and path.endswith(STEPS[which].split()[1])
        os.killpg(process.pid, signal.SIGKILL)
        return False

    gate = threading.Event()
    site.server.at = lambda *words: gate.wait(10) and kill(*words)
    process = site.start(**MOUNTED)
    gate.set()
    with process:
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    site.server.at = None
    seen = environment(site.ct.config["env"])
    assert seen["PATH"] == "/nix/bin:/usr/bin", "whole at any time"
    assert ("EDITOR" in seen) == ("CODER_AGENT_BOOTSTRAP" in seen)
    site.well(**MOUNTED)
    now = has_run_with(site.ct)
    assert now["EDITOR"] == "vim" and now["PATH"] == "/nix/bin:/usr/bin"
    assert site.ct.config["mp0"] == f"{HOME},mp=/home/coder" and site.ct.config["tags"] == "coder;hakim"


@pytest.mark.parametrize("same", [True, False], ids=["the same", "another"])
def test_two_at_once_leave_one_whole_environment_and_a_running_container(site: Site, same: bool) -> None:
    """The one that was later, or both the same."""
    site.model.containers.takes = 0.3
    values = ["one", "one"] if same else ["one", "two"]
    runs = [site.start(**MOUNTED, TASK_POLL_SEC="0.3", CT_RUNTIME_ENV_B64=pairs(WHO=v, AND=v)) for v in values]
    said = [r.communicate(timeout=60)[1] for r in runs]
    if same:
        assert [r.returncode for r in runs] == [0, 0], said
        assert len(site.ct.booted) == 2, "not more often than by one"
    else:
        assert 0 in [r.returncode for r in runs], said
    now = has_run_with(site.ct)
    assert now["WHO"] == now["AND"] and now["PATH"] == "/nix/bin:/usr/bin" and now["CODER_AGENT_BOOTSTRAP"] == BOOTSTRAP
    assert site.ct.config["mp0"] == f"{HOME},mp=/home/coder" and site.ct.config["tags"] == "coder;hakim"


def test_a_proxmox_that_is_not_there_or_is_another_server_is_an_error(site: Site) -> None:
    """With curl's words."""
    status, said = site.run(PVE_ENDPOINT="https://127.0.0.1:1")
    assert status == 1 and "curl: (7)" in said
    status, said = site.run(PVE_INSECURE="false")
    assert status == 1 and "certificate" in said
    status, said = site.run(PVE_VM_ID="301")
    assert status == 1 and "lxc/301.conf' does not exist" in said
    assert site.changes() == []
