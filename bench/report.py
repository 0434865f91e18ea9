"""What was measured, as a table (Markdown) and as a picture (SVG). Nothing is judged by an absolute number.

ours / theirs is the ratio of the medians, turned so that below 1 hakim-init is ahead, whether less or more is better.
Behind is where the ratio is above 1 and the quartiles of the two do not overlap: by more than the run's own spread.
"""
from __future__ import annotations

import math
import statistics
from html import escape
from typing import Any

OURS = "hakim-init"
WORDS = {"ahead": "ahead", "level": "within the spread", "behind": "**behind**", "reference": "no peer"}
COLOURS = {"ahead": "#1b7f79", "level": "#8a8f98", "behind": "#c8501e", "reference": "#c9ccd1"}
BAR, LEFT, WIDTH = 17, 330, 1000
LIMIT = 64.0  # a longer bar says nothing more


def summary(values: list[float]) -> dict[str, float]:
    """Median and quartiles."""
    middle = statistics.median(values)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else (middle,) * 3
    return {"median": middle, "low": low, "high": high, "least": min(values), "most": max(values), "runs": len(values)}


def compare(ours: dict[str, float], theirs: dict[str, float], more: bool) -> tuple[float, str]:
    """The ratio, and ahead, level or behind."""
    a, b = (theirs["median"], ours["median"]) if more else (ours["median"], theirs["median"])
    ratio = 1.0 if a == b else a / b if b else math.inf
    apart = ours["low"] > theirs["high"] or ours["high"] < theirs["low"]
    return ratio, "level" if not apart or ratio == 1 else "ahead" if ratio < 1 else "behind"


def number(value: float) -> str:
    """Three digits that mean something."""
    if value == 0 or value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def quartiles(values: dict[str, float]) -> str:
    """The lower and the upper."""
    return f"{number(values['low'])} – {number(values['high'])}"


def times(ratio: float) -> str:
    """A ratio."""
    return "∞" if math.isinf(ratio) else f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.2f}"


def peers(row: dict[str, Any], metric: dict[str, Any]) -> list[tuple[str, dict[str, float], float, str]]:
    """Each with what was measured, and how we compare; the best first."""
    ours = metric["values"][OURS]
    found = []
    for name, theirs in metric["values"].items():
        ratio, verdict = compare(ours, theirs, metric["more"])
        if name != OURS:
            found.append((name, theirs, ratio, "reference" if name in row["references"] else verdict))
    return sorted(found, key=lambda p: p[1]["median"], reverse=metric["more"])


def markdown(found: dict[str, Any]) -> str:
    """The table; what it says of each row is what the row says of itself."""
    out = ["# hakim-init beside its peers", "",
           "Written by `make bench`; [docs/bench.md](../../docs/bench.md) says how each row is measured and how to",
           "read this. *Ours to theirs* is the ratio of the medians: below 1 hakim-init is ahead. It is called *ahead*",
           "or *behind* only where the quartiles do not overlap.",
           "", "![the ratios](bench.svg)", "", f"Machine: {found['machine']}.", ""]
    if found["versions"]:
        out += [f"Peers: {', '.join(f'{k} {v}' for k, v in sorted(found['versions'].items()))}.", ""]
    for row in found["rows"]:
        out += [f"## {row['title']}", "", row["note"], ""]
        if row["budget"]:
            out += [f"Budget of the design: {row['budget']}.", ""]
        out += [f"{row['runs']} runs in turns, {row['date']}; load of the machine {row['load'][0]:.1f} before, "
                f"{row['load'][1]:.1f} after.", "",
                "| | | median | quartiles | ours to theirs | |", "| --- | --- | --: | --- | --: | --- |"]
        for metric in row["metrics"]:
            ours = metric["values"].get(OURS)
            if not ours:
                continue
            what = f"{metric['name']}, {metric['unit']}"
            out.append(f"| {what} | **{OURS}** | **{number(ours['median'])}** | {quartiles(ours)} | | |")
            out += [f"| | {name} | {number(theirs['median'])} | {quartiles(theirs)} | {times(ratio)} "
                    f"| {WORDS[verdict]} |"
                    for name, theirs, ratio, verdict in peers(row, metric)]
        out += ["", *(f"Not measured: {name}: {why}." for name, why in row["missing"].items())]
        out += [""] if row["missing"] else []
    return "\n".join(out).rstrip() + "\n"


def bars(found: dict[str, Any]) -> list[tuple[str, str, float, str]]:
    """("title", text, …), ("metric", text, …) or ("bar", peer, ratio, verdict), from top to bottom."""
    lines: list[tuple[str, str, float, str]] = []
    for row in found["rows"]:
        lines.append(("title", row["title"], 0, ""))
        for metric in row["metrics"]:
            if OURS not in metric["values"]:
                continue
            ours = metric["values"][OURS]["median"]
            lines.append(("metric", f"{metric['name']}: {number(ours)} {metric['unit']}", 0, ""))
            lines += [("bar", name, ratio, verdict) for name, _, ratio, verdict in peers(row, metric)]
    return lines


def svg(found: dict[str, Any]) -> str:
    """Bars by ratio, on a scale where twice and half are as long: to the right where the peer needs more."""
    lines = bars(found)
    height = 96 + sum(34 if kind == "title" else 24 if kind == "metric" else BAR for kind, *_ in lines) + 16
    middle, reach = 640.0, 270.0
    scale = reach / math.log(LIMIT)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" '
           f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
           'font-family="sans-serif" font-size="12" fill="#20242a">',
           f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
           '<text x="16" y="30" font-size="20" font-weight="bold">hakim-init beside its peers</text>',
           '<text x="16" y="50" fill="#5b616b">How many times hakim-init the peer is, by what is better there. '
           'Logarithmic; grey is within the spread of the run.</text>']
    for factor in (1 / 64, 1 / 16, 1 / 4, 1, 4, 16, 64):
        x = middle + math.log(factor) * scale
        name = "level" if factor == 1 else f"{factor:.0f} ×" if factor > 1 else f"1/{1 / factor:.0f}"
        stroke = "#20242a" if factor == 1 else "#e3e6ea"
        out += [f'<line x1="{x:.1f}" y1="86" x2="{x:.1f}" y2="{height - 10}" stroke="{stroke}"/>',
                f'<text x="{x:.1f}" y="80" text-anchor="middle" font-size="11" fill="#5b616b">{name}</text>']
    for x, anchor, words, verdict in ((middle - 40, "end", "← the peer is better", "behind"),
                                      (middle + 40, "start", "hakim-init is better →", "ahead")):
        out.append(f'<text x="{x}" y="66" text-anchor="{anchor}" font-size="11" fill="{COLOURS[verdict]}">'
                   f'{words}</text>')
    y = 96.0
    for kind, text, ratio, verdict in lines:
        if kind == "title":
            y += 34
            out.append(f'<text x="16" y="{y - 8}" font-size="14" font-weight="bold">{escape(text)}</text>')
            continue
        if kind == "metric":
            y += 24
            out.append(f'<text x="28" y="{y - 6}" fill="#5b616b">{escape(text)}</text>')
            continue
        y += BAR
        times_ours = math.inf if ratio == 0 else 1 / ratio
        length = math.log(min(LIMIT, max(1 / LIMIT, times_ours))) * scale
        x = middle + min(length, 0)
        label = f"{times(times_ours)} ×"
        place = f'x="{middle + length + 5:.1f}"' if length >= 0 else f'x="{middle + length - 5:.1f}" text-anchor="end"'
        out += [f'<text x="{LEFT - 50}" y="{y - 4}" text-anchor="end">{escape(text)}</text>',
                f'<rect x="{x:.1f}" y="{y - BAR + 3}" width="{max(abs(length), 1):.1f}" height="{BAR - 4}" '
                f'fill="{COLOURS[verdict]}"/>',
                f'<text {place} y="{y - 4}" font-size="11">{label}</text>']
    return "\n".join([*out, "</svg>"]) + "\n"
