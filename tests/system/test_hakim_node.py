"""`hakim pull` where the node pulls, by pvesh and by REST: nothing is claimed that has not happened."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from proxmox_kit import _api, _pve  # noqa: F401  fixtures
from proxmox_kit import Proxmox
from proxmox_server import TOKEN, ProxmoxServer


def far(server: ProxmoxServer) -> tuple[list[str], dict[str, str]]:
    """The words and variables that reach it."""
    return ["--api", server.address, "--fingerprint", server.fingerprint], {"PVE_API_TOKEN": TOKEN}


def files(pve: Proxmox, node: str = "other") -> list[str]:
    """The templates of a node."""
    return sorted(p.name for p in pve.model.store(node).iterdir())


def test_another_node_is_asked_by_pvesh(pve: Proxmox) -> None:
    """Its name without .tar, which Proxmox adds; its log; the digest that was asked for before."""
    pve.images("js")
    run = pve.run("pull", "-v", "js", "-n", "other", "--check-remote-digest")
    assert (run.status, run.last) == (0, "done: pulled=1 skipped=0"), run.err
    assert files(pve) == ["hakim-js_latest.tar"]
    call, = pve.model.calls("create", "oci-registry-pull")
    assert call["params"]["filename"] == "hakim-js_latest"
    assert run.err.count("pulling 127.0.0.1") == 1
    assert f"{pve.volid('js')} {pve.digests['js']}" in pve.state_lines()
    assert pve.run("pull", "-v", "js", "-n", "other", "--check-remote-digest").last == "done: pulled=0 skipped=1"
    # The same volume of another node is another file.
    assert pve.run("pull", "-v", "js", "--check-remote-digest").last == "done: pulled=1 skipped=0"


@pytest.mark.parametrize(("how", "text"), [
    ("fail", "manifest unknown"),
    ("nothing", "says OK, but there is no local:vztmpl/"),
    ("empty", "says OK, but there is no local:vztmpl/"),
    ("half", "write failed"),
    ("forbidden", "Datastore.AllocateTemplate on /storage/local"),
    ("no-network", "Sys.AccessNetwork on /nodes/other"),
])
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("way", ["pvesh", "api"])
def test_a_pull_that_failed_is_never_claimed(pve: Proxmox, api: ProxmoxServer, how: str, text: str, there: bool,
                                             way: str) -> None:
    """pvesh ends with 0 all the same. The old template stays, no digest is written, nothing is left."""
    pve.images("js")
    words, variables = far(api) if way == "api" else ([], {})
    old = pve.model.store("other") / "hakim-js_latest.tar"
    if there:
        old.write_text("old")
    pve.model.behave(pull=how)
    run = pve.run("pull", "-v", "js", "-n", "other", "-f", "--check-remote-digest", *words, **variables)
    assert (run.status, run.last) == (1, "done: pulled=0 skipped=0 failed=1")
    assert text in run.err
    assert pve.state_lines() == []
    assert files(pve) == (["hakim-js_latest.tar"] if there else [])
    assert not there or old.read_text() == "old"


@pytest.mark.parametrize("way", ["pvesh", "api"])
def test_a_task_that_hangs_is_stopped(pve: Proxmox, api: ProxmoxServer, way: str) -> None:
    """After --task-timeout without a word."""
    pve.images("js")
    words, variables = far(api) if way == "api" else ([], {})
    pve.model.behave(pull="hang")
    run = pve.run("pull", "-v", "js", "-n", "other", "--task-timeout", "1", *words, **variables)
    assert (run.status, run.last) == (1, "done: pulled=0 skipped=0 failed=1")
    assert "has said nothing for 1 seconds" in run.err
    task, = [json.loads(p.read_text()) for p in (pve.model.root / "tasks").iterdir()]
    assert task["status"] == "stopped"


def test_warnings_are_a_success(pve: Proxmox) -> None:
    """WARNINGS: 2."""
    pve.model.behave(pull="warnings")
    run = pve.run("pull", "-v", "js", "-n", "other")
    assert run.last == "done: pulled=1 skipped=0"
    assert "WARNINGS: 2" in run.err


def test_here_the_new_one_is_renamed_over_the_old_one(pve: Proxmox) -> None:
    """There is no gap where the directory can be reached: nothing is removed, one pull."""
    pve.template("js").write_text("old")
    run = pve.run("pull", "-v", "js", "-f", "--via", "pvesh")
    assert run.last == "done: pulled=1 skipped=0", run.err
    assert pve.template("js").read_text() != "old"
    assert len(pve.model.calls("oci-registry-pull")) == 1 and pve.model.calls("delete") == []
    assert files(pve, "pve") == ["hakim-js_latest.tar"]


def test_elsewhere_the_new_one_is_proven_first_and_the_gap_is_said(pve: Proxmox) -> None:
    """Under another name, then in its place; nothing else stays."""
    old = pve.model.store("other") / "hakim-js_latest.tar"
    old.write_text("old")
    run = pve.run("pull", "-v", "js", "-n", "other", "-f")
    assert run.last == "done: pulled=1 skipped=0", run.err
    assert "until then it is missing" in run.err
    assert files(pve) == ["hakim-js_latest.tar"] and old.read_text() != "old"
    order = [(c["verb"], "hakim-tmp" in json.dumps(c)) for c in pve.model.calls() if c["verb"] != "get"]
    assert order == [("create", True), ("delete", False), ("create", False), ("delete", True)]


def test_a_failure_in_the_gap_keeps_what_was_pulled(pve: Proxmox) -> None:
    """It was whole under its other name, and the error says which; a short failure is tried again."""
    old = pve.model.store("other") / "hakim-js_latest.tar"
    old.write_text("old")
    pve.model.behave(pull=["ok", "fail", "ok"])
    assert pve.run("pull", "-v", "js", "-n", "other", "-f").last == "done: pulled=1 skipped=0"
    pve.model.behave(pull=["ok", "fail"])
    run = pve.run("pull", "-v", "js", "-n", "other", "-f")
    assert run.last == "done: pulled=0 skipped=0 failed=1"
    kept, = files(pve)
    assert kept.startswith("hakim-tmp-") and f"local:vztmpl/{kept}" in run.err
    assert "is missing now" in run.err


def test_a_template_that_cannot_be_removed_stays(pve: Proxmox) -> None:
    """pvesm free and the API's delete say so by their tasks only."""
    old = pve.model.store("other") / "hakim-js_latest.tar"
    old.write_text("old")
    pve.model.behave(delete="stay")
    run = pve.run("pull", "-v", "js", "-n", "other", "-f")
    assert (run.status, run.last) == (1, "done: pulled=0 skipped=0 failed=1")
    assert "cannot remove local:vztmpl/hakim-js_latest.tar" in run.err
    assert old.read_text() == "old"


def test_credentials_are_refused_where_a_node_would_not_have_them(pve: Proxmox, api: ProxmoxServer) -> None:
    """By name, with what helps."""
    words, variables = far(api)
    run = pve.run("pull", "-v", "js", "-n", "other", "--creds", "a:s3cret")
    assert run.status == 1 and "no credentials for the registry" in run.err and "upload" in run.err
    run = pve.run("pull", "-v", "js", "-n", "other", "--via", "api", "--creds", "a:s3cret", *words, **variables)
    assert run.status == 1 and "use --via upload" in run.err
    assert "s3cret" not in run.err and pve.model.calls() == []


def test_a_node_cannot_pull_by_digest(pve: Proxmox) -> None:
    """And is not asked to."""
    reference = f"{pve.registry.address}/a/b:c@sha256:{'a' * 64}"
    run = pve.run("pull", "-i", reference, "-n", "other")
    assert run.status == 1 and "cannot pull by digest" in run.err and pve.model.calls() == []


def test_rest_pulls_on_several_nodes_at_once(pve: Proxmox, api: ProxmoxServer) -> None:
    """Each says its name, and each counts."""
    words, variables = far(api)
    run = pve.run("pull", "--variants", "js,php", "-n", "pve,other", *words, **variables)
    assert (run.status, run.last) == (0, "done: pulled=4 skipped=0"), run.err
    assert files(pve, "pve") == files(pve) == ["hakim-js_latest.tar", "hakim-php_latest.tar"]
    assert f"other: pulled {pve.volid('js')}" in run.out and f"pve: pulled {pve.volid('js')}" in run.out


def test_upload_sends_the_archive_with_its_checksum(pve: Proxmox, api: ProxmoxServer) -> None:
    """The node needs no registry; the digest is the tag's."""
    pve.images("js", index=True)
    words, variables = far(api)
    run = pve.run("pull", "-v", "js", "-n", "other", "--via", "upload", *words, **variables)
    assert (run.status, run.last) == (0, "done: pulled=1 skipped=0"), run.err
    direct = pve.run("pull", "-v", "js")
    assert direct.status == 0
    assert (pve.model.store("other") / "hakim-js_latest.tar").read_bytes() == pve.template("js").read_bytes()
    assert f"other/{pve.volid('js')} {pve.digests['js']}" in pve.state_lines()
    assert [p.name for p in pve.tmp.glob("hakim-0/*")] == []
    pve.images("js", index=True, text="two")
    pve.model.behave(upload="fail")
    run = pve.run("pull", "-v", "js", "-n", "other", "-f", "--via", "upload", *words, **variables)
    assert run.status == 1 and files(pve) == ["hakim-js_latest.tar"]
    assert (pve.model.store("other") / "hakim-js_latest.tar").read_bytes() == pve.template("js").read_bytes()


def test_the_certificate_is_checked(pve: Proxmox, api: ProxmoxServer, tmp_path: Path) -> None:
    """By a CA or a fingerprint, and never not at all; the token goes to no other."""
    words = ["pull", "-v", "js", "-n", "other", "--api", api.address]
    variables = {"PVE_API_TOKEN": TOKEN}
    run = pve.run(*words, **variables)
    assert run.status == 1 and "is not trusted" in run.err and "--fingerprint" in run.err
    run = pve.run(*words, "--fingerprint", "AA:" * 31 + "AA", **variables)
    assert run.status == 1 and "is not the one of --fingerprint" in run.err
    assert pve.run(*words, "--fingerprint", "AA", **variables).status == 1
    assert pve.model.calls() == []
    assert pve.run(*words, "--api-cacert", str(api.cert), **variables).status == 0
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    assert pve.run(*words, "-f", "--api-cacert", str(api.cert), "--api-token-file", str(token)).status == 0


def test_a_token_that_is_not_taken_is_not_shown(pve: Proxmox, api: ProxmoxServer) -> None:
    """401, and one that is no token."""
    words, _ = far(api)
    run = pve.run("pull", "-v", "js", "-n", "other", *words, PVE_API_TOKEN="a@pve!b=s3cret")
    assert run.status == 1 and "does not take the token" in run.err and "s3cret" not in run.err
    run = pve.run("pull", "-v", "js", "-n", "other", *words, PVE_API_TOKEN="s3cret")
    assert run.status == 1 and "USER@REALM!ID=SECRET" in run.err and "s3cret" not in run.err


def test_no_node_and_no_pvesh_is_said(pve: Proxmox) -> None:
    """With what helps."""
    run = pve.run("pull", "-v", "js", "-n", "other", PATH="/nonexistent")
    assert run.status == 1 and "no pvesh" in run.err and "--output" in run.err
