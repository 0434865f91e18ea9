"""`hakim pull` on a stand-in node: flags and variables of the old script, digests, and what is refused."""
from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from contextlib import ExitStack

import pytest
from hosts.process import wait_until
from proxmox_kit import _pve  # noqa: F401  fixtures
from proxmox_kit import HAKIM, ROOT, VARIANTS, Proxmox


def test_the_default_variants_are_pulled_in_their_order(pve: Proxmox) -> None:
    """Six templates, readable by an unprivileged container, and the script's last line."""
    pve.images(*VARIANTS)
    run = pve.run("pull")
    assert (run.status, run.last) == (0, "done: pulled=6 skipped=0"), run.err
    assert [line.split()[1] for line in run.out.splitlines()[:-1]] == [pve.volid(v) for v in VARIANTS]
    for variant in VARIANTS:
        assert stat.S_IMODE(pve.template(variant).stat().st_mode) == 0o644
    assert pve.leftovers() == []


def test_what_is_there_is_skipped(pve: Proxmox) -> None:
    """Without a flag nothing is asked and nothing is replaced."""
    pve.template("js").write_text("mine")
    run = pve.run("pull", "--variant", "js")
    assert (run.status, run.last) == (0, "done: pulled=0 skipped=1")
    assert f"skip {pve.volid('js')} (already exists)" in run.out
    assert pve.template("js").read_text() == "mine"
    assert pve.registry.requests == []


def test_an_unchanged_digest_costs_one_request_each(pve: Proxmox) -> None:
    """--check-remote-digest of six variants that have not changed: six HEADs."""
    pve.images(*VARIANTS, index=True)
    assert pve.run("pull").status == 0
    pve.registry.requests.clear()
    run = pve.run("pull", "--check-remote-digest")
    assert run.last == "done: pulled=0 skipped=6"
    assert [method for method, _ in pve.registry.requests] == ["HEAD"] * 6


def test_a_moved_tag_is_pulled_again(pve: Proxmox) -> None:
    """The state has the tag's new digest afterwards, and each volume once."""
    pve.images("js", "base")
    assert pve.run("pull", "--variants", "js,base").status == 0
    before = pve.template("js").read_bytes()
    pve.images("js", text="two")
    run = pve.run("pull", "--variants", "js,base", "--check-remote-digest")
    assert run.last == "done: pulled=1 skipped=1", run.err
    assert pve.template("js").read_bytes() != before
    assert pve.state_lines().count(f"{pve.volid('js')} {pve.digests['js']}") == 1
    assert len([x for x in pve.state_lines() if x.startswith(pve.volid("js"))]) == 1


@pytest.mark.parametrize("index", [False, True])
def test_without_a_stored_digest_the_template_itself_is_compared(pve: Proxmox, index: bool) -> None:
    """Nothing is fetched again, and the state is in step afterwards."""
    pve.images("js", index=index)
    assert pve.run("pull", "-v", "js").status == 0
    pve.state.unlink()
    pve.registry.requests.clear()
    run = pve.run("pull", "-v", "js", "--check-remote-digest")
    assert run.last == "done: pulled=0 skipped=1", run.err
    assert pve.registry.layer not in [path for _, path in pve.registry.requests]
    assert f"{pve.volid('js')} {pve.digests['js']}" in pve.state_lines()


def test_a_stored_digest_of_the_script_is_read(pve: Proxmox) -> None:
    """Its plain lines count, also where there are several nodes."""
    pve.images("js")
    pve.template("js").write_text("whatever it is")
    pve.state.write_text(f"{pve.volid('js')} {pve.digests['js']}\n")
    assert pve.run("pull", "-v", "js", "--check-remote-digest").last == "done: pulled=0 skipped=1"


def test_a_digest_that_cannot_be_had_means_skip(pve: Proxmox) -> None:
    """As the script: what is there stays; what is not there is tried."""
    pve.template("js").write_text("mine")
    run = pve.run("pull", "-v", "js", "--check-remote-digest")
    assert (run.status, run.last) == (0, "done: pulled=0 skipped=1")
    assert "remote digest unavailable" in run.err


def test_force_beats_the_digest(pve: Proxmox) -> None:
    """An unchanged template is replaced."""
    pve.images("js")
    assert pve.run("pull", "-v", "js").status == 0
    inode = pve.template("js").stat().st_ino
    run = pve.run("pull", "-v", "js", "--check-remote-digest", "-f")
    assert run.last == "done: pulled=1 skipped=0"
    assert pve.template("js").stat().st_ino != inode


def test_a_failed_pull_costs_nothing_and_writes_no_digest(pve: Proxmox) -> None:
    """The others are done, the status is 1, the old template and its digest stay."""
    pve.images("js", "base")
    assert pve.run("pull", "--variants", "js,base").status == 0
    old, lines = pve.template("js").read_bytes(), [x for x in pve.state_lines() if "js" in x]
    pve.images("base", text="two")
    pve.images("js", text="two")
    pve.registry.broken.add(pve.registry.layer)
    run = pve.run("pull", "--variants", "js,base", "--check-remote-digest")
    assert (run.status, run.last) == (1, "done: pulled=1 skipped=0 failed=1"), run.err
    assert pve.template("js").read_bytes() == old
    assert [x for x in pve.state_lines() if "js" in x] == lines


def test_every_variable_of_the_script(pve: Proxmox) -> None:
    """The tag, the store, the state file, VARIANTS, booleans in any case."""
    big = pve.tmp / "big"
    (big / "template/cache").mkdir(parents=True)
    pve.storage(f"dir: big\n\tpath {big}\n\tcontent vztmpl\n")
    pve.images("js", tag="v1")
    state = pve.tmp / "sub" / "state.tsv"
    environment = {"DATASTORE_ID": "big", "TEMPLATE_TAG": "v1", "DIGEST_STATE_FILE": str(state), "VARIANTS": " js ,"}
    assert pve.run("pull", **environment, DRY_RUN="Yes").out.startswith("[dry-run] pull")
    assert not state.exists()
    assert pve.run("pull", **environment).last == "done: pulled=1 skipped=0"
    assert (big / "template/cache/hakim-js_v1.tar").exists()
    assert f"big:vztmpl/hakim-js_v1.tar {pve.digests['js']}" in state.read_text()
    assert pve.run("pull", **environment, CHECK_REMOTE_DIGEST="ON").last == "done: pulled=0 skipped=1"
    assert pve.run("pull", **environment, FORCE_REPLACE="true").last == "done: pulled=1 skipped=0"
    assert pve.run("pull", **environment, FORCE_REPLACE="maybe").last == "done: pulled=0 skipped=1"


def test_an_image_is_called_by_its_basename_and_tag(pve: Proxmox) -> None:
    """--image, also with blanks as the script dropped them."""
    pve.images("js", tag="v2")
    run = pve.run("pull", "-i", f" {pve.registry.address}/hakim/hakim-js:v2 ")
    assert run.status == 0, run.err
    assert pve.template("js", "v2").exists()


@pytest.mark.parametrize(("words", "text"), [
    (["-v", "android"], "unsupported variant: android"),
    (["-v", "../x"], "unsupported variant"),
    (["-i", "ghcr.io/a/b"], "tag"),
    (["-i", "ghcr.io/A/b:c"], "ghcr.io/A/b:c"),
    (["-i", "a/../b:c"], ".."),
    (["-i", "x.io/a/b:c", "-i", "y.io/d/b:c"], "would both become the template b_c.tar"),
    (["-v", "js", "-v", "js"], "would both become"),
    (["--variants", ","], "no targets to pull"),
    (["-n", "../pve"], "no name of a node"),
    (["-s", "a/b"], "no name of a store"),
    (["--via", "ssh"], "--via takes"),
    (["-t"], "missing value for -t"),
    (["--what"], "no option --what"),
    (["-t", "a/b"], '"a/b" is no tag'),
    (["word"], "takes options only"),
])
def test_bad_words_are_refused_before_anything_is_touched(pve: Proxmox, words: list[str], text: str) -> None:
    """Status 2, one sentence, no request, no file."""
    environment = {"PATH": pve.path, "HAKIM_PVE_DIR": str(pve.etc), "NODE_NAME": "pve",
                   "HAKIM_STANDIN_PROXMOX": str(pve.model.root), "HAKIM_STANDIN_NODE": "pve",
                   "OCI_REGISTRY_NAMESPACE": f"{pve.registry.address}/hakim"}
    done = subprocess.run([HAKIM, "pull", "--plain-http", *words], env=environment, text=True, capture_output=True,
                          timeout=30)
    assert done.returncode == 2
    assert text in done.stderr and done.stderr.count("\n") == 1
    assert list(pve.cache.iterdir()) == [] and pve.model.calls() == [] and pve.registry.requests == []


@pytest.mark.parametrize(("config", "words", "text"), [
    ("dir: local\n\tpath {vz}\n\tcontent vztmpl\n\tdisable\n", [], "the store local is disabled"),
    ("dir: local\n\tpath {vz}\n\tcontent iso\n", [], "the store local does not hold templates"),
    ("dir: local\n\tpath {vz}\n\tcontent vztmpl\n\tis_mountpoint 1\n", [], "the store local is not mounted"),
    ("dir: local\n\tpath {vz}\n\tcontent vztmpl\n\tis_mountpoint /proc/x\n", [], "nothing is mounted at /proc/x"),
    ("dir: local\n\tpath {vz}\n\tcontent vztmpl\n\tnodes a,b\n", [], "the store local is not there on node pve"),
    ("dir: local\n\tpath {vz}/no\n\tcontent vztmpl\n", [], "the store local"),
    ("dir: local\n\tpath {vz}\n\tcontent vztmpl\n", ["-s", "x"], "there is no store x"),
    ("lvmthin: x\n\tthinpool data\n", ["-s", "x"], "of kind lvmthin"),
    ("dir: local\n\tpath {vz}\n\tcontent vztmpl\n", ["-n", "other", "--via", "direct"],
     "the store local of node other is not on this machine"),
    ("nfs: n\n\tserver s\n\texport /e\n\tpath {vz}\n\tcontent vztmpl\n", ["-s", "n"], "the store n is not mounted"),
])
def test_a_store_that_cannot_have_it_is_refused_by_name(pve: Proxmox, config: str, words: list[str], text: str) -> None:
    """Before the registry is asked."""
    pve.storage(config.format(vz=pve.vz))
    run = pve.run("pull", "-v", "js", *words)
    assert (run.status, run.last) == (1, "done: pulled=0 skipped=0 failed=1")
    assert text in run.err
    assert pve.registry.requests == [] and list(pve.cache.iterdir()) == []


def test_a_store_that_is_read_only_is_refused_by_name(pve: Proxmox) -> None:
    """A mount, since root may write whatever the mode is."""
    pve.images("js")
    pve.template("js").write_text("old")
    script = f"mount -t tmpfs x {pve.vz} && mkdir -p {pve.cache} && mount -o remount,ro {pve.vz} && exec \"$@\""
    environment = {"PATH": pve.path, "HAKIM_PVE_DIR": str(pve.etc), "NODE_NAME": "pve"}
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", HAKIM, "pull", "-v", "js"], env=environment,
                          text=True, capture_output=True, timeout=30)
    assert done.returncode == 1
    assert "the store local cannot be written to" in done.stderr and "Read-only" in done.stderr
    assert pve.template("js").read_text() == "old"


def test_content_dirs_say_where_templates_are(pve: Proxmox) -> None:
    """And the directory is made."""
    pve.storage(f"dir: local\n\tpath {pve.vz}\n\tcontent vztmpl\n\tcontent-dirs vztmpl=my/own\n")
    pve.images("js")
    assert pve.run("pull", "-v", "js").status == 0
    assert (pve.vz / "my/own/hakim-js_latest.tar").exists()


def test_a_template_of_the_old_name_goes_after_a_success(pve: Proxmox) -> None:
    """x.tar.tar is what the script made; its digest is read, and it is removed by a pull only."""
    pve.images("js")
    legacy = pve.cache / "hakim-js_latest.tar.tar"
    legacy.write_text("old")
    pve.state.write_text(f"{pve.volid('js')}.tar {pve.digests['js']}\n")
    assert pve.run("pull", "-v", "js", "--check-remote-digest").last == "done: pulled=0 skipped=1"
    pve.registry.broken.add(pve.registry.layer)
    assert pve.run("pull", "-v", "js", "-f").status == 1
    assert legacy.exists()
    pve.registry.broken.clear()
    assert pve.run("pull", "-v", "js", "-f").status == 0
    assert not legacy.exists() and pve.template("js").exists()


def test_output_needs_no_proxmox(pve: Proxmox) -> None:
    """Files in a directory, which is made; no traces besides them."""
    pve.images("js")
    out = pve.tmp / "out" / "here"
    run = pve.run("pull", "-v", "js", "--output", str(out), "--plain-http", "-r", f"{pve.registry.address}/hakim",
                  bare=True)
    assert (run.status, run.last) == (0, "done: pulled=1 skipped=0"), run.err
    assert [p.name for p in out.iterdir()] == ["hakim-js_latest.tar"]


def test_two_pulls_of_one_template_at_once_end_with_a_whole_one(pve: Proxmox) -> None:
    """The second waits, or is done; neither is left half."""
    pve.images("js")
    with ExitStack() as stack:
        for run in [stack.enter_context(pve.started("-v", "js", "-f")) for _ in range(4)]:
            out, err = run.communicate(timeout=50)
            assert run.returncode == 0 and out.endswith("done: pulled=1 skipped=0\n"), err
    assert subprocess.run(["tar", "-tf", pve.template("js")], capture_output=True).returncode == 0
    assert pve.leftovers() == []
    assert pve.state_lines().count(f"{pve.volid('js')} {pve.digests['js']}") == 1


def test_json_is_one_event_a_line(pve: Proxmox) -> None:
    """And nothing else on standard output."""
    pve.images("js")
    run = pve.run("pull", "--variants", "js,php", "--json")
    events = [json.loads(line) for line in run.out.splitlines()]
    assert events[-1] == {"event": "done", "pulled": 1, "skipped": 0, "failed": 1}
    assert {e["event"] for e in events} >= {"begin", "pulled", "failed", "done"}
    assert next(e for e in events if e["event"] == "failed")["kind"] == "not-found"


def test_a_token_is_asked_of_gh_and_never_shown(pve: Proxmox) -> None:
    """--use-gh-auth-token and --gh-token: in no output, no argv of a child, no environment."""
    pve.images("js")
    tools = pve.tmp / "tools"
    tools.mkdir()
    (tools / "gh").write_text("#!/bin/sh\necho s3cret-of-gh\n")
    real = pve.path.split(":")[0]
    (tools / "pvesh").write_text(f"#!/bin/sh\n(echo \"$@\"; env) >>{pve.tmp}/seen\nexec {real}/pvesh \"$@\"\n")
    for name in ("gh", "pvesh"):
        (tools / name).chmod(0o755)
    path = f"{tools}:{pve.path}"
    run = pve.run("pull", "-v", "js", "--use-gh-auth-token", PATH=path)
    assert run.status == 0 and "s3cret" not in run.out + run.err
    run = pve.run("pull", "-v", "js", "-f", "--via", "pvesh", "--gh-token", "s3cret-too", GH_TOKEN="s3cret-env",
                  PATH=path)
    assert run.status == 0, run.err
    assert "GH_TOKEN" in run.err and "s3cret" not in run.out + run.err
    assert "s3cret" not in (pve.tmp / "seen").read_text()
    image = f"{pve.registry.address}/hakim/hakim-js"
    for words in (["pull", "-v", "js"], ["list", "--check-remote", "-n", "pve"],
                  ["inspect", f"{image}:latest", "--plain-http"], ["tags", image, "--plain-http"]):
        run = pve.run(*words, "--use-gh-auth-token", PATH="/nonexistent")
        assert run.status == 1 and "needs the program gh" in run.err, words


def test_help_names_every_flag_of_the_script(pve: Proxmox) -> None:
    """And its variables."""
    run = pve.run("pull", "--help", bare=True)
    assert run.status == 0
    for flag in ("-n, --node", "-s, --datastore", "-t, --tag", "-r, --registry", "--local-registry", "-v, --variant",
                 "--variants", "-i, --image", "-f, --force-replace", "--check-remote-digest", "--state-file",
                 "--use-gh-auth-token", "--gh-token", "--gh-username", "--dry-run", "-h, --help"):
        assert flag in run.out
    for name in ("NODE_NAME", "DATASTORE_ID", "TEMPLATE_TAG", "OCI_REGISTRY_NAMESPACE", "DIGEST_STATE_FILE",
                 "FORCE_REPLACE", "CHECK_REMOTE_DIGEST", "USE_GH_AUTH_TOKEN", "DRY_RUN", "GH_TOKEN", "GH_USERNAME",
                 "VARIANTS"):
        assert name in run.out


def test_a_full_standard_output_is_no_success(pve: Proxmox) -> None:
    """/dev/full."""
    pve.images("js")
    with open("/dev/full", "w") as full:
        done = subprocess.run([HAKIM, "pull", "--help"], env=dict(os.environ), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1


@pytest.mark.parametrize(("words", "pulled"), [
    ([], 6),
    (["--variant", "js", "--tag", "latest"], 1),
    (["--variants", "base,js,elixir", "--tag", "latest"], 3),
    (["--image", "REGISTRY/hakim/hakim-elixir:latest"], 1),
    (["--variants", "base,js", "--tag", "latest", "--force-replace"], 2),
    (["--variants", "base,php,dotnet,js,rust,elixir", "--tag", "latest", "--check-remote-digest",
      "--use-gh-auth-token"], 6),
])
def test_the_commands_of_the_document_run_as_they_are_written(pve: Proxmox, words: list[str], pulled: int) -> None:
    """By the script's name, which finds hakim in build/; only the registry is another one."""
    pve.images(*VARIANTS)
    tools = pve.tmp / "tools"
    tools.mkdir()
    # The stand-in registry speaks http, which the script's words do not say.
    (tools / "hakim").write_text(f"#!/bin/sh\nexec {HAKIM} \"$@\" --plain-http --retries 0\n")
    (tools / "gh").write_text("#!/bin/sh\necho token\n")
    for name in ("hakim", "gh"):
        (tools / name).chmod(0o755)
    environment = {"PATH": f"{tools}:{pve.path}", "HAKIM_PVE_DIR": str(pve.etc), "HOME": str(pve.tmp),
                   "NODE_NAME": "pve", "DATASTORE_ID": "local", "DIGEST_STATE_FILE": str(pve.state),
                   "OCI_REGISTRY_NAMESPACE": f"{pve.registry.address}/hakim"}
    script = ROOT / "coder/templates/hakim-proxmox/scripts/pull-oci-templates.sh"
    done = subprocess.run([script, *[w.replace("REGISTRY", pve.registry.address) for w in words]], env=environment,
                          text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"done: pulled={pulled} skipped=0"


def test_the_script_without_hakim_names_the_package(pve: Proxmox) -> None:
    """Where there is neither a package nor a build."""
    script = pve.tmp / "a/b/c/d/pull.sh"
    script.parent.mkdir(parents=True)
    script.write_text((ROOT / "coder/templates/hakim-proxmox/scripts/pull-oci-templates.sh").read_text())
    done = subprocess.run(["sh", script], env={"PATH": "/usr/bin:/bin"}, text=True, capture_output=True)
    assert done.returncode == 1 and "install the package hakim" in done.stderr


def test_the_proxy_of_proxmox_is_taken_where_the_environment_names_none(pve: Proxmox) -> None:
    """http_proxy of datacenter.cfg."""
    pve.images("js")
    (pve.etc / "datacenter.cfg").write_text(f"keyboard: de\nhttp_proxy: http://{pve.registry.address}\n")
    run = pve.run("pull", "-i", "registry.invalid/hakim/hakim-js:latest")
    assert run.last == "done: pulled=1 skipped=0", run.err
    assert pve.registry.proxied > 0


def test_an_interrupted_pull_says_so_and_keeps_the_old_one(pve: Proxmox) -> None:
    """SIGTERM while an answer is held: all that was not done counts as failed, the old one stays, nothing is
    recorded."""
    pve.images("js", "php")
    pve.template("js").write_text("old")
    pve.registry.gate.clear()
    with pve.started("--variants", "js,php", "-f") as run:
        wait_until("the registry is asked", lambda: pve.registry.requests != [])
        run.send_signal(signal.SIGTERM)
        out, err = run.communicate(timeout=30)
    # The gate is shut to the end: it did not wait for an answer.
    assert run.returncode == 1 and out.endswith("done: pulled=0 skipped=0 failed=2\n"), err
    assert "pull 127.0.0.1" in err
    assert pve.template("js").read_text() == "old" and pve.state_lines() == []
    assert not pve.template("php").exists()
