"""`hakim pull` where a node replaces a template: whatever fails, is cut off or is another's, one whole one stays."""
from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from proxmox_kit import _api, _pve  # noqa: F401  fixtures
from proxmox_kit import Proxmox
from proxmox_server import TOKEN, ProxmoxServer

FILE = "hakim-js_latest.tar"
FAILED = "done: pulled=0 skipped=0 failed=1"


def put(pve: Proxmox, text: str) -> Path:
    """A template on the other node."""
    path = pve.model.store("other") / FILE
    path.write_text(text)
    return path


def files(pve: Proxmox) -> list[str]:
    """The templates of the other node."""
    return sorted(p.name for p in pve.model.store("other").iterdir())


@pytest.mark.parametrize("again", ["ok", "forbidden"])
def test_one_of_the_two_stays_when_the_list_fails_after_the_removal(pve: Proxmox, again: str) -> None:
    """The old one is gone then, and that it was not seen to be gone is no reason to lose the new one."""
    put(pve, "old")
    # Looked before the pull, looked for the new one, looked whether the old one is gone, and once more.
    pve.model.behave(content=["ok", "ok", "forbidden", again, "ok"])
    run = pve.run("pull", "-v", "js", "-n", "other", "-f")
    assert run.last == FAILED
    kept, = files(pve)
    assert kept.startswith("hakim-tmp-") and f"local:vztmpl/{kept}" in run.err
    assert "missing" in run.err


def test_the_new_one_goes_when_the_old_one_is_still_there(pve: Proxmox) -> None:
    """Nothing is lost then, and nothing is left behind."""
    old = put(pve, "old")
    pve.model.behave(delete=["stay", "ok"])
    assert pve.run("pull", "-v", "js", "-n", "other", "-f").last == FAILED
    assert files(pve) == [FILE] and old.read_text() == "old"


def test_what_is_half_made_goes_also_after_sigterm(pve: Proxmox, api: ProxmoxServer) -> None:
    """The run is cancelled, and so would be the clean-up, if it asked."""
    old = put(pve, "old")
    pve.model.behave(pull="hang-half")
    with pve.started("-v", "js", "-n", "other", "-f", "--api", api.address, "--fingerprint", api.fingerprint,
                     PVE_API_TOKEN=TOKEN) as run:
        deadline = time.monotonic() + 20
        while len(files(pve)) < 2 or not pve.model.calls("get", "/status"):
            assert run.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        run.send_signal(signal.SIGTERM)
        out, err = run.communicate(timeout=20)
    assert run.returncode != 0 and "was interrupted" in err, out + err
    assert files(pve) == [FILE] and old.read_text() == "old"


@pytest.mark.parametrize("way", ["pvesh", "api"])
@pytest.mark.parametrize("how", ["ok", "forbidden", "no-network"])
def test_a_template_of_another_run_is_not_removed(pve: Proxmox, api: ProxmoxServer, how: str, way: str) -> None:
    """It came after this run had looked: the task says so, or there was no task of ours at all."""
    other = put(pve, "of another run")
    pve.model.behave(content=["before", "ok"], pull=how)
    words, variables = ([], {}) if way == "pvesh" else (["--api", api.address, "--fingerprint", api.fingerprint],
                                                        {"PVE_API_TOKEN": TOKEN})
    run = pve.run("pull", "-v", "js", "-n", "other", *words, **variables)
    assert run.last == FAILED
    assert files(pve) == [FILE] and other.read_text() == "of another run"
