"""`hakim list`, `prune` and `home` on a stand-in node."""
from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from proxmox_kit import _pve  # noqa: F401  fixtures
from proxmox_kit import Proxmox
from proxmox_server import TOKEN, ProxmoxServer


def aged(pve: Proxmox, name: str, days: float) -> Path:
    """A file beside the templates, so old."""
    path = pve.cache / name
    path.write_text("x" * 10)
    when = time.time() - days * 86400
    os.utime(path, (when, when))
    return path


def prune(pve: Proxmox, *words: str) -> str:
    """What prune says."""
    run = pve.run("prune", "-n", "pve", "--state-file", str(pve.state), *words)
    assert run.status == 0, run.err
    return run.out


def test_home_prints_the_source_exactly(pve: Proxmox) -> None:
    """The two examples of the document's FAQ, on whatever node they are; nothing else."""
    pve.container(300, "arch: amd64\nmp0: local-lvm:subvol-300-disk-1,mp=/home/coder,backup=1,size=30G\n")
    pve.container(301, "mp0: /x,mp=/nix\nmp1: /mnt/pve/data/coder-homes/ws-raptors,mp=/home/coder,backup=1\n", "other")
    run = pve.run("home", "300")
    assert (run.status, run.out, run.err) == (0, "local-lvm:subvol-300-disk-1\n", "")
    assert pve.run("home", "301").out == "/mnt/pve/data/coder-homes/ws-raptors\n"


@pytest.mark.parametrize(("ctid", "status", "text"), [
    ("302", 1, "container 302 has no mount at /home/coder"),
    ("999", 1, "there is no container 999"),
    ("<300>", 2, "is no number of a container"),
    ("../300", 2, "is no number of a container"),
])
def test_home_says_what_is_wrong(pve: Proxmox, ctid: str, status: int, text: str) -> None:
    """And prints nothing on standard output."""
    pve.container(302, "rootfs: local:1\n[before]\nmp0: a:b,mp=/home/coder\n")
    run = pve.run("home", ctid)
    assert (run.status, run.out) == (status, "") and text in run.err


def test_home_by_rest(pve: Proxmox, tmp_path: Path) -> None:
    """From anywhere."""
    server = ProxmoxServer(pve.model, tmp_path)
    (pve.model.root / "resources.json").write_text(json.dumps([{"vmid": 300, "node": "other", "type": "lxc"}]))
    (pve.model.root / "lxc-300.json").write_text(json.dumps({"mp0": "s:v,mp=/home/coder", "memory": 512}))
    run = pve.run("home", "300", "--api", server.address, "--api-cacert", str(server.cert), PVE_API_TOKEN=TOKEN)
    assert (run.status, run.out) == (0, "s:v\n"), run.err
    server.shutdown()
    server.server_close()


def test_prune_shows_first_and_removes_with_yes(pve: Proxmox) -> None:
    """The newest stay, and every tag that a container of any node names."""
    for days, tag in enumerate(["v5", "v4", "v3", "V2-rc", "v1"]):
        aged(pve, f"hakim-js_{tag}.tar", days + 1)
    aged(pve, "hakim-php_v1.tar", 9)
    aged(pve, "debian-12-standard_12.7-1_amd64.tar.zst", 900)
    aged(pve, "mine_1.tar", 900)
    pve.container(300, "tags: coder;hakim;js;template-v2-rc\n", "other")
    pve.state.write_text(f"{pve.volid('js', 'v1')} sha256:{'a' * 64}\n")
    before = sorted(pve.cache.iterdir())
    out = prune(pve)
    assert sorted(pve.cache.iterdir()) == before
    assert [line.split()[2] for line in out.splitlines() if line.startswith("would remove")] == [
        pve.volid("js", "v3"), pve.volid("js", "v1")]
    prune(pve, "--yes")
    assert sorted(p.name for p in pve.cache.iterdir()) == sorted([
        "hakim-js_v5.tar", "hakim-js_v4.tar", "hakim-js_V2-rc.tar", "hakim-php_v1.tar",
        "debian-12-standard_12.7-1_amd64.tar.zst", "mine_1.tar"])
    assert pve.state_lines() == []
    prune(pve, "--keep", "0", "--yes")
    assert not pve.template("js", "v5").exists() and pve.template("js", "V2-rc").exists()


def test_prune_drops_what_runs_have_left_behind(pve: Proxmox) -> None:
    """When they are long over; a fresh one may be resumed."""
    for name in ("hakim-js_a.tar.tmp-hakim", "hakim-js_a.tar.tmp-hakim-journal", "hakim-tmp-7-hakim-js_a.tar"):
        aged(pve, name, 3)
    fresh = aged(pve, "hakim-js_b.tar.tmp-hakim", 0)
    assert prune(pve).count("would remove") == 2
    prune(pve, "--yes")
    assert list(pve.cache.iterdir()) == [fresh]


def test_prune_removes_nothing_when_containers_cannot_be_read(pve: Proxmox) -> None:
    """What nobody seems to use is removed: so it must be known."""
    for days in range(4):
        aged(pve, f"hakim-js_{days}.tar", days)
    (pve.etc / "nodes/other/lxc/300.conf").mkdir()
    run = pve.run("prune", "-n", "pve", "--yes", "--keep", "0")
    assert run.status == 1 and len(list(pve.cache.iterdir())) == 4


def test_list_says_what_is_current(pve: Proxmox) -> None:
    """Variant, tag, digest; other templates are none of ours."""
    pve.images("js", "php")
    assert pve.run("pull", "--variants", "js,php").status == 0
    aged(pve, "debian-12-standard_12.7-1_amd64.tar.zst", 1)
    pve.images("js", text="two")
    run = pve.run("list", "-n", "pve", "--state-file", str(pve.state), "--check-remote", "--plain-http", "-r",
                  f"{pve.registry.address}/hakim", "--json")
    assert run.status == 0, run.err
    rows = {row["name"]: row for row in map(json.loads, run.out.splitlines())}
    assert {name: row["remote"] for name, row in rows.items()} == {"hakim-js": "outdated", "hakim-php": "current"}
    assert rows["hakim-php"]["digest"] == pve.digests["php"]
    assert rows["hakim-php"]["size"] == pve.template("php").stat().st_size
    text = pve.run("list", "-n", "pve", "--state-file", str(pve.state)).out
    assert "js" in text and pve.volid("php") in text and "debian" not in text
