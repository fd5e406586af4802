"""All the départements: time, memory and size of each, as ``sdaasp build --all`` makes them.

    python benchmarks/national.py FOLDER [CODE ...] [--jobs 2]

Builds in FOLDER what is not there yet (a run that was stopped goes on), one process for each département, prints a line
as each comes, then the table of ``README.md``. Times and memory are kept in ``FOLDER.csv``: a département that is
already there is not measured again. Elapsed time depends on who else uses the machine; processor time much less.
"""

from __future__ import annotations

import argparse
import csv
import statistics
from pathlib import Path

from sdaasp_geo.outputs.national_figures import Line
from sdaasp_geo.outputs.national_report import Report
from sdaasp_geo.pipeline import national

NUMBERS = ("secondes", "secondes_processeur", "memoire_mo")
HEADER = "| département | communes | EPCI | elapsed | processor | peak memory | output |\n|---|---|---|---|---|---|---|"
MEGABYTE = 1e6


def size_mb(folder: Path) -> float:
    """Return the size of what a département leaves, in megabytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MEGABYTE


def remember(path: Path) -> dict[str, dict[str, str]]:
    """Read what former runs measured, by département."""
    if not path.exists():
        return {}
    rows = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
    return {row["code"]: row for row in rows if row["secondes"]}


def measured(folder: Path, *, jobs: int, codes: list[str]) -> tuple[Report, dict[str, dict[str, str]]]:
    """Build what is missing, and give the report with the measures of this run and of former ones."""
    kept = folder.with_name(f"{folder.name}.csv")
    before = remember(kept)
    run = national.build_all(folder, codes=codes, jobs=jobs, report=lambda text: print(text, flush=True))
    latest = folder.with_name(f"{folder.name}.latest.csv")
    national.write_measures(run, latest)
    known = before | {code: row for code, row in remember(latest).items() if row["etat"] == "calculé"}
    latest.unlink()
    with kept.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["code", "etat", *NUMBERS], lineterminator="\n")
        table.writeheader()
        table.writerows(known[code] for code in sorted(known))
    return run.report, known


def row_of(line: Line, row: dict[str, str], folder: Path) -> str:
    """Write one line of the table."""
    own = line.figures
    counts = f"{own.communes} | {own.epci}" if own else "failed | "
    elapsed, processor, memory = (float(row[name]) for name in NUMBERS)
    spent = f"{elapsed:.0f} s | {processor:.0f} s | {memory:.0f} MB | {size_mb(folder / line.code):.0f} MB"
    return f"| {line.code} {line.name} | {counts} | {spent} |"


def main() -> None:
    """Build and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=2, help="two at least: each département has its own process")
    parser.add_argument("codes", nargs="*")
    asked = parser.parse_args()
    report, known = measured(asked.folder, jobs=max(2, asked.jobs), codes=asked.codes)
    print(HEADER)
    for line in report.lines:
        if line.code in known:
            print(row_of(line, known[line.code], asked.folder))
    for name in NUMBERS if known else ():
        values = [float(row[name]) for row in known.values()]
        print(f"{name}: median {statistics.median(values):.0f}, most {max(values):.0f}, sum {sum(values):.0f}")
    print(f"{len(report.lines) - len(report.failed)} of {len(report.lines)} départements done")
    for line in report.failed:
        print(f"failed: {line.code} {line.name}: {line.reason}")


if __name__ == "__main__":
    main()
