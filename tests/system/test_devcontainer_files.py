"""scripts/devcontainers: one folder of image/variants/ is one devcontainer.json."""
from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from conftest import ROOT

FILES = "devcontainers/.devcontainer/images"


@pytest.fixture
def tree(tmp_path):
    """A copy of what the script reads and writes."""
    for name in ("scripts", "image/variants", FILES):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def devcontainers(tree, *words):
    """Runs it."""
    return subprocess.run([str(tree / "scripts/devcontainers"), *words], capture_output=True, text=True, check=False)


def test_a_new_folder_is_a_new_file_and_one_that_is_gone_takes_it_along(tree):
    assert devcontainers(tree, "--check").returncode == 0
    shutil.copytree(tree / "image/variants/js", tree / "image/variants/go")
    (tree / "image/variants/go/variant.env").write_text("TITLE='Go'\nORDER=90\n", "utf-8")
    shutil.rmtree(tree / "image/variants/rust")
    asked = devcontainers(tree, "--check")
    assert asked.returncode == 1
    assert [line.split("/")[3] for line in asked.stderr.splitlines()] == ["go", "rust"]
    assert devcontainers(tree).returncode == 0
    written = json.loads((tree / FILES / "go/.devcontainer/devcontainer.json").read_text("utf-8"))
    assert written["name"] == "Hakim Go" and written["image"].endswith("/hakim-go:latest")
    assert written["overrideCommand"] is False and written["remoteUser"] == "coder"
    assert "dbaeumer.vscode-eslint" in written["customizations"]["vscode"]["extensions"]
    assert not (tree / FILES / "rust").exists()
    assert devcontainers(tree, "--check").returncode == 0


@pytest.mark.parametrize("text, says", [
    ('{"overrideCommand": true}', "must not say overrideCommand: that is the same for all"),
    ("[]", "must be an object"),
    ('{"a":', "image/variants/js/devcontainer.json: "),
])
def test_what_a_variant_may_not_say_is_refused_in_a_sentence(tree, text, says):
    (tree / "image/variants/js/devcontainer.json").write_text(text, "utf-8")
    done = devcontainers(tree)
    assert done.returncode == 1 and says in done.stderr and "Traceback" not in done.stderr
