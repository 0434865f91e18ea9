"""SECURITY.md claims nothing without a test, and each test that it names is there."""
from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A test of pytest, or one of cmocka, whose names are sentences.
NAME = re.compile(r"`([a-z0-9]+(?:_[a-z0-9]+){2,})`")
TARGET = re.compile(r"[Ff]uzz targets? `([a-z_]+)`")


def test_each_test_that_the_page_names_is_there():
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    sources = "\n".join(path.read_text("utf-8") for place in ("tests/system", "tests/unit")
                        for path in (ROOT / place).glob("test_*.[pc]*"))
    named = set(NAME.findall(page))
    missing = {name for name in named if not re.search(rf"(?:def|void) {name}\(", sources)}
    assert len(named) > 30 and not missing, missing
    for target in TARGET.findall(page):
        assert (ROOT / f"tests/fuzz/fuzz_{target}.c").is_file(), target
