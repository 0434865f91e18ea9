"""`hakimctl boot`: the boot as bars, as JSON and as a picture, and the chain that the last unit waited for."""
from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ElementTree

import pytest

from hakim import unit, wait_units

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def booted(lxc):
    """30 services: a chain, some that need a while, one that fails."""
    host = lxc()
    for i in range(30):
        text = f"[Service]\nExecStartPre=/bin/sleep 0.{i % 5}\nExecStart=/bin/sleep 1000\n"
        if 10 <= i < 14:
            text = f"[Unit]\nAfter=s{i - 1:02}.service\n" + text
        if i == 20:
            text = "[Service]\nExecStartPre=/bin/sleep 0.2\nExecStart=/bin/false\n"
        unit(host, f"s{i:02}.service", text)
    host.start({}, tty=False)
    wait_units(host, **{f"s{i:02}": "failed" if i == 20 else "running" for i in range(30)})
    return host


def test_the_timeline_has_every_unit_and_the_chain_that_was_waited_for(booted):
    told = json.loads(booted.exec(["hakimctl", "boot", "--json"]).stdout)
    units = {u["name"].removesuffix(".service"): u for u in told["units"]}
    assert {f"s{i:02}" for i in range(30)} <= set(units)
    assert [name for name, u in units.items() if u["critical"]] == [f"s{i:02}" for i in range(9, 14)]
    assert units["s20"]["failed"] and not units["s21"]["failed"]
    for one in units.values():
        assert one["queued_us"] <= one["started_us"] <= one["finished_us"] <= told["end_us"]
    assert 0 < told["setup_us"] < min(u["started_us"] for u in units.values())
    text = booted.exec(["hakimctl", "boot"]).stdout
    bars = [line for line in text.splitlines() if line.startswith("s")]
    assert len(bars) == 30
    assert any(line.startswith("s20") and "X" in line for line in bars)
    assert text.splitlines()[0].startswith("3") and "= PID 1 sets up" in text
    axis = next(i for i, line in enumerate(text.splitlines()) if line.lstrip().startswith("|0.0 ms"))
    assert text.splitlines()[axis].count("|") >= 3, "marks with times over the bars"
    assert text.splitlines()[axis + 1].startswith("PID 1 ") and "=" in text.splitlines()[axis + 1]
    chain = text[text.index("critical chain"):]
    assert [chain.index(f"s{i:02}") for i in range(13, 8, -1)] == sorted(chain.index(f"s{i:02}") for i in range(9, 14))
    booted.exec(["hakimctl", "restart", "s04"])
    later = json.loads(booted.exec(["hakimctl", "boot", "--json"]).stdout)
    assert later["end_us"] == told["end_us"], "what is started later is no part of the boot"
    assert booted.stop() == 0


def test_the_picture_is_well_formed_and_names_each_unit_once(booted):
    picture = booted.exec(["hakimctl", "boot", "--svg"]).stdout
    if "HAKIM_PICTURE" in os.environ:
        with open(os.environ["HAKIM_PICTURE"], "w", encoding="utf-8") as file:
            file.write(picture)
    root = ElementTree.fromstring(picture)
    assert root.tag == f"{SVG}svg"
    names = [text.text for text in root.iter(f"{SVG}text")]
    assert any(text and text.startswith("PID 1 sets up (") for text in names)
    for i in range(30):
        assert names.count(f"s{i:02}") == 1
    assert len([r for r in root.iter(f"{SVG}rect") if r.get("class") == "mark"]) == 5, "the critical chain"
    width = float(root.get("width"))
    for rect in root.iter(f"{SVG}rect"):
        if rect.get("x"):
            assert 0 <= float(rect.get("x")) <= width
            assert float(rect.get("x")) + float(rect.get("width")) <= width
    booted.exec(["hakimctl", "boot", "--svg=/root/boot.svg"])
    ElementTree.fromstring(booted.read_file("/root/boot.svg"))
    assert booted.stop() == 0
