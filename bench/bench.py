#!/usr/bin/python3
"""Each row of the design's budgets beside its peers: make bench, or bench/bench.py [--rows size,memory] [--runs 7].

A row measures all its contestants in turns, beginning with another one each time, so that what else the machine does
befalls all of them. What is written to bench/results/ (--output) is the whole table: the rows that ran now, and those
that ran earlier. It ends with an error only if something could not be measured.
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import report
import rows_logs
import rows_programs
import rows_services
import rows_transfer
from row import Row

from hosts.process import HostError

ROOT = Path(__file__).resolve().parents[1]
ROWS: tuple[Row, ...] = (*rows_programs.ROWS, *rows_services.ROWS, *rows_logs.ROWS, *rows_transfer.ROWS)
PACKAGES = ("tini", "dumb-init", "catatonit", "runit", "s6", "supervisor", "skopeo", "curl", "docker-registry")


def machine() -> str:
    """What it was measured on: no names."""
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
                  if line.startswith("model name")), os.uname().machine)
    return f"{os.cpu_count()} × {model}, Linux {os.uname().release.split('-')[0]}"


def versions() -> dict[str, str]:
    """Of Debian's packages."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES],
                          capture_output=True, text=True, check=False)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def measure(row: Row, runs: int, only: Sequence[str]) -> dict[str, Any]:
    """One row of the result; only these contestants, if any are named."""
    before = os.getloadavg()[0]
    began = time.monotonic()
    missing = row.missing()
    names = [name for name in row.contestants if name not in missing and (not only or name in only)]
    samples = row.measure(names, runs)
    metrics = []
    for name, (unit, more) in row.metrics.items():
        values = {who: report.summary(found[name]) for who, found in samples.items() if found.get(name)}
        metrics.append({"name": name, "unit": unit, "more": more, "values": values})
    print(f"{row.name}: {time.monotonic() - began:.0f} s, load {before:.1f} to {os.getloadavg()[0]:.1f}", flush=True)
    return {"row": row.name, "title": row.title, "note": row.note, "budget": row.budget, "runs": runs,
            "metrics": metrics, "references": row.references, "missing": missing,
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "load": [before, os.getloadavg()[0]]}


def tell(row: dict[str, Any]) -> None:
    """For whoever waits."""
    for metric in row["metrics"]:
        print(f"  {metric['name']}, {metric['unit']}")
        if report.OURS not in metric["values"]:
            continue
        ours = metric["values"][report.OURS]
        print(f"    {report.OURS:22} {report.number(ours['median']):>10}")
        for name, theirs, ratio, verdict in report.peers(row, metric):
            print(f"    {name:22} {report.number(theirs['median']):>10}  {report.times(ratio):>7}  {verdict}")
    for name, why in row["missing"].items():
        print(f"  not measured: {name}: {why}", flush=True)


def write(output: Path, rows: list[dict[str, Any]]) -> None:
    """The three files, with what earlier runs have found of the rows that did not run now."""
    output.mkdir(parents=True, exist_ok=True)
    file = output / "bench.json"
    known = {row["row"]: row for row in (json.loads(file.read_text("utf-8"))["rows"] if file.exists() else [])}
    known.update((row["row"], row) for row in rows)
    for row in ROWS:
        if row.name in known:
            known[row.name].update(title=row.title, note=row.note, budget=row.budget, references=row.references)
    found = {"machine": machine(), "versions": versions(),
             "rows": [known[row.name] for row in ROWS if row.name in known]}
    file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (output / "bench.md").write_text(report.markdown(found), "utf-8")
    (output / "bench.svg").write_text(report.svg(found), "utf-8")


def main() -> int:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description="hakim-init beside its peers.")
    parser.add_argument("--rows", default=",".join(row.name for row in ROWS), help="which, with commas between")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--output", type=Path, default=ROOT / "bench/results")
    parser.add_argument("--only", default="", help="only these contestants, with commas between")
    options = parser.parse_args()
    known = {row.name: row for row in ROWS}
    wanted = options.rows.split(",")
    if unknown := [name for name in wanted if name not in known]:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(known)}")
    failed = []
    for name in wanted:
        try:
            row = measure(known[name], options.runs, options.only.split(",") if options.only else [])
        except (HostError, OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            failed.append(name)
            continue
        tell(row)
        write(options.output, [row])
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
