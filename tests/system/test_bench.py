"""The bench runs, and says of each contestant either what it has measured or why not. No number is judged."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import pytest

from hosts.lxc import LxcHost
from hosts.unshare import UnshareHost

ROOT = Path(__file__).resolve().parents[2]
ROWS = {"size": ("hakim-init", "tini"), "true": ("hakim-init", "tini"), "boot": ("hakim-init", "runit")}


def bench(output: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs it once."""
    return subprocess.run([sys.executable, ROOT / "bench/bench.py", "--runs", "1", "--output", output, *words],
                          capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.skipif(os.environ.get("HAKIM_BUILD", "build") != "build", reason="it measures what is in build/")
@pytest.mark.skipif(os.geteuid() != 0 or bool(LxcHost.missing() and UnshareHost.missing()), reason="needs containers")
def test_the_bench_measures_its_rows_and_keeps_those_of_earlier_runs(tmp_path):
    done = bench(tmp_path, "--rows", "boot", "--only", "hakim-init,runit")
    assert done.returncode == 0, done.stderr
    done = bench(tmp_path, "--rows", "size,true", "--only", "hakim-init,tini")
    assert done.returncode == 0, done.stderr
    rows = {row["row"]: row for row in json.loads((tmp_path / "bench.json").read_text())["rows"]}
    assert rows.keys() == ROWS.keys()
    for name, contestants in ROWS.items():
        for who in contestants:
            found = [metric["values"][who]["median"] for metric in rows[name]["metrics"] if who in metric["values"]]
            assert all(value > 0 for value in found)
            assert bool(found) != (who in rows[name]["missing"])
    table = (tmp_path / "bench.md").read_text()
    assert all(f"## {row['title']}" in table for row in rows.values())
    xml.etree.ElementTree.parse(tmp_path / "bench.svg")


def test_a_row_that_there_is_not_is_named_with_those_that_there_are(tmp_path):
    done = bench(tmp_path, "--rows", "size,speed")
    assert done.returncode == 2
    assert "no row speed; there are size, true, " in done.stderr
    assert not any(tmp_path.iterdir())
