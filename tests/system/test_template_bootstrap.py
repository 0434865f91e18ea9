"""bootstrap-agent-env.sh: environment and mounts reach the container, once, and whole."""
from __future__ import annotations

import os
import threading
from pathlib import Path

from bootstrap_kit import _site  # noqa: F401  fixture
from bootstrap_kit import (BOOTSTRAP, HOME, HOOK, MOUNTED, ODD, ROOT, SCRIPT, Site, environment,
                           has_run_with, pairs)
from proxmox_server import PASSWORD, TOKEN


def test_the_first_run_gives_bootstrap_and_environment_and_keeps_the_images_own(site: Site) -> None:
    """One payload, one restart, no tag left."""
    said = site.well(CT_RUNTIME_ENV_B64=pairs(EDITOR="vim", GREETING=ODD, EMPTY="", LONG=ODD * 99,
                                              HAKIM_SECRET_ENV="EDITOR"))
    now = has_run_with(site.ct)
    assert now["PATH"] == "/nix/bin:/usr/bin" and now["LANG"] == "C.UTF-8"
    assert now["EDITOR"] == "vim" and now["GREETING"] == ODD and now["EMPTY"] == ""
    assert now["LONG"] == ODD * 99
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
