"""bootstrap-agent-env.sh where something fails, is killed, or happens twice: nothing is lost."""
from __future__ import annotations

import os
import signal
import threading

import pytest
from bootstrap_kit import _site  # noqa: F401  fixture
from bootstrap_kit import (BOOTSTRAP, HOME, IMAGE, MOUNTED, ROOT, Site, environment, has_run_with,
                           pairs)
from proxmox_server import TOKEN


def test_a_container_that_does_not_stop_is_not_killed_and_the_apply_fails(site: Site) -> None:
    """It keeps running, and the next run does it."""
    site.model.behave(shutdown=["stuck", "ok"])
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


STEPS = ["set config", "create status/shutdown", "set config", "create status/start", "set config"]


# A request that is lost is as one that was never made, so of the others only what comes after is looked at.
@pytest.mark.parametrize("which,done", [(0, False), (0, True), (1, True), (2, True), (3, True), (4, True)])
def test_killed_at_any_change_the_next_run_mends_it(site: Site, which: int, done: bool) -> None:
    """kill -9, when Proxmox has done what was asked, and before its first change."""
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
