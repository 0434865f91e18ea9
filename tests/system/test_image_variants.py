"""One folder is a variant: what is generated from it, what the Dockerfile keeps to, what build.sh refuses."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from conftest import BUILD, ROOT

VARIANTS = ROOT / "scripts" / "variants"
GENERATED = ("README.md", "Dockerfile", "image/variants.c", "completion/hakim.bash", "completion/_hakim",
             "coder/templates/hakim/variants.tf", "coder/templates/hakim-proxmox/variants.tf")
NAMES = sorted(path.name for path in (ROOT / "image" / "variants").iterdir() if path.is_dir())


def run(*words: str | Path, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """What it says."""
    return subprocess.run([str(word) for word in words], cwd=cwd, env={**os.environ, **env}, text=True,
                          capture_output=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Path]:
    """A copy of what scripts/variants and build.sh read and write."""
    for name in ("image", "completion", "scripts", "docs", "devcontainers", ".github", "coder"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("Dockerfile", "README.md", "Makefile"):
        shutil.copy(ROOT / name, tmp_path / name)
    yield tmp_path


def new_variant(root: Path, name: str, env: str) -> None:
    """A folder as docs/new-variant.md has it."""
    folder = root / "image" / "variants" / name
    folder.mkdir()
    (folder / "variant.env").write_text(env, "utf-8")
    (folder / "install.sh").write_text('#!/bin/sh\n. /tmp/hakim/recipe.sh\napt_install "golang=$GO_VERSION"\ntidy\n',
                                       "utf-8")
    (folder / "smoke.sh").write_text("#!/bin/sh\n. /smoke/kit.sh\ntool go go version\n", "utf-8")


GO = 'TITLE="Go"\nDESCRIPTION="Go"\nORDER=80\nFROM=tooling\n'


def test_a_new_folder_is_a_variant_everywhere(copied):
    with open(copied / "image/versions.env", "a", encoding="utf-8") as file:
        file.write("GO_VERSION=1.24\n")
    new_variant(copied, "go", GO)
    assert run(copied / "scripts/variants", "--check", cwd=copied).returncode == 1
    done = run(copied / "scripts/variants", cwd=copied)
    assert done.returncode == 0, done.stderr
    dockerfile = (copied / "Dockerfile").read_text("utf-8")
    assert "FROM tooling-root AS go-root\n" in dockerfile and "FROM go-root AS go\n" in dockerfile
    [stanza] = re.findall(r"AS go-root\n(.*?)AS go\n", dockerfile, re.S)
    assert "ARG GO_VERSION\n" in stanza, "what its script uses of the versions"
    assert '"go",' in (copied / "image/variants.c").read_text("utf-8")
    for completion in ("hakim.bash", "_hakim"):
        assert " go" in (copied / "completion" / completion).read_text("utf-8")
    assert run(copied / "scripts/variants", "--check", cwd=copied).returncode == 0
    assert run(copied / "scripts/variants", "--list", "pulled", cwd=copied).stdout.split()[-1] == "go"


@pytest.mark.parametrize("path", GENERATED)
def test_what_was_edited_by_hand_is_not_current(copied, path):
    text = (copied / path).read_text("utf-8")
    (copied / path).write_text(text.replace("elixir", "erlang"), "utf-8")
    done = run(copied / "scripts/variants", "--check", cwd=copied)
    assert (done.returncode, f"{path} is not current" in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize(("env", "says"), [
    (GO.replace("FROM=tooling", "FROM=nothing"), "FROM=nothing is no variant of a lower ORDER"),
    (GO.replace("ORDER=80\n", ""), "has no ORDER"),
    (GO + "COLOUR=red\n", "unknown: COLOUR"),
    (GO + "what is this\n", "this is no KEY=value"),
])
def test_a_folder_that_is_wrong_is_said(copied, env, says):
    new_variant(copied, "go", env)
    done = run(copied / "scripts/variants", cwd=copied)
    assert (done.returncode, says in done.stderr) == (1, True), done.stderr


def test_all_that_the_issue_names_is_a_target():
    assert {"base", "tooling", "php", "dotnet", "js", "rust", "elixir"} <= set(NAMES)
    targets = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.M)
    assert set(NAMES) <= set(targets)


def test_the_dockerfile_keeps_to_what_proxmox_can_start():
    lines = [line.strip() for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines()
             if not line.lstrip().startswith("#")]
    words = [line.split()[0] for line in lines if line]
    assert "USER" not in words, "Proxmox would start PID 1 as that user"
    assert {line for line in lines if line.startswith("ENTRYPOINT")} == {'ENTRYPOINT ["/usr/sbin/hakim-init"]'}
    assert {line for line in lines if line.startswith("CMD")} == {"CMD []"}
    assert {line for line in lines if line.startswith("STOPSIGNAL")} == {"STOPSIGNAL SIGTERM"}
    assert words.count("ENTRYPOINT") == words.count("STOPSIGNAL") == len(NAMES)


def test_the_builder_gets_all_that_make_install_wants(tmp_path):
    """What is new there must be copied by the Dockerfile, too, and be let through by .dockerignore."""
    stage = (ROOT / "Dockerfile").read_text("utf-8").split("AS builder\n")[1].split("\nFROM ")[0]
    through = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    for line in re.findall(r"^COPY (.*)$", stage, re.M):
        *sources, target = line.split()
        if not target.startswith("/src"):
            continue
        for source in (path for word in sources for path in ROOT.glob(word)):
            name = str(source.relative_to(ROOT))
            assert any(fnmatch(name, one) or name.startswith(one + "/") for one in through), f"{name}: .dockerignore"
            if source.is_dir():
                shutil.copytree(source, tmp_path / target[len("/src/"):])
            else:
                (tmp_path / target[len("/src/"):]).mkdir(parents=True, exist_ok=True)
                shutil.copy(source, tmp_path / target[len("/src/"):] / source.name)
    done = run("make", "-s", "install", "-o", "all", f"BUILD={BUILD}", f"DESTDIR={tmp_path}/out", "PREFIX=/usr",
               cwd=tmp_path, MAKEFLAGS="")
    assert done.returncode == 0, done.stderr


def test_no_mirror_but_the_official_ones_is_written_down():
    versions = (ROOT / "image/versions.env").read_text("utf-8")
    urls = re.findall(r"https?://([^/\s]+)", versions + (ROOT / "Dockerfile").read_text("utf-8"))
    assert set(urls) <= {"deb.debian.org", "registry.npmjs.org", "github.com", "builds.dotnet.microsoft.com",
                         "repo.packagist.org"}


@pytest.mark.parametrize(("words", "says"), [
    (["--coder-version", "2.35"], "no agent is in the images any more"),
    (["--chrome-version", "152"], "Debian's Chromium"),
    (["--fetch-latest"], "pinned in image/versions.env"),
    (["--cache-repo", "x"], "--cache-repo"), (["--cache-to-registry"], "--cache-to-registry"),
    (["--builder", "x"], "--builder"),
    (["--frobnicate"], "there is no option --frobnicate"),
    (["--registry"], "--registry wants a value"),
    (["--registry", "https://ghcr.io/x"], "without http://"),
    (["--variant", "android"], "there is no variant android; these are: base tooling"),
    (["--set", "NO_SUCH=1"], "NO_SUCH is not in image/versions.env"),
    (["--set", "NODE_VERSION=1 --privileged"], "characters that no version"),
])
def test_build_refuses_by_name_what_it_does_not_take(words, says):
    done = run("scripts/build.sh", *words, ENGINE="buildah")
    assert (done.returncode, says in done.stderr) == (1, True), done.stderr


def test_build_tells_the_tool_what_the_document_says(tmp_path):
    """With a buildah that only says what it was asked."""
    tool = tmp_path / "buildah"
    tool.write_text('#!/bin/sh\nprintf "%s " "$@"\necho\n', "utf-8")
    tool.chmod(0o755)
    done = run("scripts/build.sh", "--registry", "reg.example/x", "--ref", "v1", "--base-image", "debian:13",
               "--variant", "js", "--node-version", "24.1.0", "--code-version", "4.100.2", "--push",
               PATH=f"{tmp_path}:/usr/bin:/bin", ENGINE="", CA_FILE="")
    assert done.returncode == 0, done.stderr
    build, *pushes = done.stdout.splitlines()
    for words in ("--tag reg.example/x/hakim-js:latest --tag reg.example/x/hakim-js:v1 --target js ",
                  "--build-arg BASE_IMAGE=debian:13 ", "--build-arg NODE_VERSION=24.1.0 ",
                  "--build-arg CODE_SERVER_VERSION=4.100.2 "):
        assert words in build
    assert [push.split()[-1] for push in pushes] == ["docker://reg.example/x/hakim-js:v1",
                                                     "docker://reg.example/x/hakim-js:latest"]
