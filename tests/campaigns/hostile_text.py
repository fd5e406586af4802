"""Hostile texts in every field, through every output: what ran, what was asked for, what a workbook would compute.

``python tests/campaigns/hostile_text.py FOLDER [SHIFTS]``: FOLDER is absent or empty; SHIFTS (1) is how many times the
texts are dealt again, each time one place farther, so that every field shows another text first. Every page is opened
in Chromium, LibreOffice reads every workbook, CSV and document of the first deal, and one study more has names of
10,000 characters. It ends with an error when something ran, was asked for, was computed, or left a page of a PDF or the
picture of shared links.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import openpyxl

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "support")]

from browser import Browser, chromium  # noqa: E402 - the browser that the tests drive
from hostile_files import CHECKS, faults_of, pdf_text, words_beyond  # noqa: E402
from hostile_pages import looked_at, unescaped_runs, watched  # noqa: E402
from hostile_runs import (  # noqa: E402
    measured,
    pages_of,
    texts_beyond,
    write_compared,
    write_grids,
    write_main,
    write_national,
    write_overviews,
    write_published,
    write_sites,
    write_themes,
    write_year,
)
from hostile_text import FORMULAS, LONG, SCRIPTS, TEXTS, Pairs, hostile_study, plain_study  # noqa: E402

SUM = "1+41"
"""What most of `FORMULAS` add up: where LibreOffice shows fewer of them than the file holds, one was computed."""
_READ = "CSV:44,34,76,1,,0,false,true,false,false,false,0,true"
"""How LibreOffice reads a CSV: commas, UTF-8, and formulas computed."""
_SHOW = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
"""How it writes what it shows: a file for each sheet."""


def deal(base: Path, texts: tuple[str, ...], shift: int, *, whole: bool) -> tuple[list[Path], Pairs, list[str]]:
    """Write the outputs of one deal of the texts, and tell which texts leave the picture of shared links.

    ``whole``: those that no text can change in another deal too.
    """
    pairs = Pairs(texts, shift=shift)
    study = hostile_study(plain_study(base / "schema"), pairs)
    measures = measured(study, pairs)
    run = write_main(study, measures, base / "run")
    folders = [run, write_year(study, measures, base / "bilan"), write_sites(study, base / "implantation")]
    folders.append(write_themes(study, measures, base / "themes"))
    folders.append(write_national(run, base / "france", pairs))
    if whole:
        folders.append(write_published(run, base / "site"))
        folders.append(write_grids(base / "grilles-rendues", pairs))
        folders.append(write_compared(study, base / "comparaison", pairs))
        folders.append(write_overviews(base / "region", pairs))
    return folders, pairs, texts_beyond(study, measures)


def look(browser: Browser, folders: list[Path], counts: Counter[str]) -> Iterator[str]:
    """Open every page; count, and yield what is wrong."""
    for page in pages_of(folders):
        seen = looked_at(browser, page)
        counts["pages"] += 1
        counts["cards"] += seen.pop("cards")
        counts["executions"] += len(seen["hits"]) + len(seen["dialogs"])
        counts["requests"] += len(seen["asked"])
        counts["wider than 320 px"] += seen["wider_px"] > 0
        wrong = {what: value for what, value in seen.items() if value and (what != "wider_px" or value > 0)}
        if wrong:
            yield f"{page}: {str(wrong)[:600]}"


def files(folders: list[Path], counts: Counter[str]) -> Iterator[str]:
    """Check every file; count, and yield what is live."""
    for folder in folders:
        counts.update(f"files {path.suffix}" for path in folder.rglob("*") if path.suffix in CHECKS)
        found = faults_of(folder)
        counts["live in files"] += len(found)
        yield from found


def printed(folders: list[Path], counts: Counter[str]) -> Iterator[str]:
    """Yield the words of the PDF that leave their page."""
    if shutil.which("pdftotext") is None:
        print("pdftotext is not installed: where the words of the PDF stand was not looked at")
        return
    for path in (path for folder in folders for path in sorted(folder.rglob("*.pdf"))):
        beyond, shown = words_beyond(path)
        counts["letters in PDF"] += len(shown)
        counts["words beyond a page"] += len(beyond)
        yield from (f"{path.name}: {word}" for word in beyond)


def office(folders: list[Path], base: Path, counts: Counter[str]) -> Iterator[str]:
    """Let LibreOffice read the workbooks, the CSV and the documents; yield those where it computed something."""
    program = shutil.which("soffice")
    if program is None:
        print("LibreOffice is not installed: workbooks were read as XML only")
        return
    given: dict[str, list[Path]] = {".xlsx": [], ".csv": [], ".docx": []}
    for number, path in enumerate(path for folder in folders for path in sorted(folder.rglob("*"))):
        if path.suffix in given:
            given[path.suffix].append(Path(shutil.copy(path, base / f"f{number:04}f{path.suffix}")))
    for suffix, paths in given.items():
        made = base / f"read{suffix}"
        options = ["--infilter=" + _READ] if suffix == ".csv" else []
        wanted = "pdf" if suffix == ".docx" else _SHOW
        command = [program, f"-env:UserInstallation={(base / 'profile').as_uri()}", "--headless", *options]
        command += ["--convert-to", wanted, "--outdir", str(made), *map(str, paths)]
        subprocess.run(command, check=True, capture_output=True, timeout=1200)  # noqa: S603 - a fixed program
        counts[f"read by LibreOffice {suffix}"] += len(paths)
        for path in paths:
            shown = sorted(made.glob(f"{path.stem}*"))
            if not shown:
                yield f"LibreOffice did not read {path.name}"
            elif suffix != ".docx":
                lost = _held(path) - sum(one.read_text(encoding="utf-8").count(SUM) for one in shown)
                counts["computed by LibreOffice"] += max(lost, 0)
                if lost > 0:
                    yield f"{path.name}: LibreOffice computed {lost} cells"


def _held(path: Path) -> int:
    """Count the sums that a workbook or a CSV holds as texts."""
    if path.suffix == ".csv":
        return path.read_text(encoding="utf-8-sig").count(SUM)
    book = openpyxl.load_workbook(path, read_only=True)
    cells = (cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row)
    return sum(cell.count(SUM) for cell in cells if isinstance(cell, str))


def main(base: Path, shifts: int) -> int:
    """Do the whole campaign; return how many things are wrong."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as browser:
        watched(browser)
        counts["vectors that run unescaped"] = len(unescaped_runs(browser, Path(profile)))
        for shift in range(shifts):
            folders, pairs, beyond = deal(base / f"deal-{shift}", TEXTS, shift * 7, whole=shift == 0)
            counts["pairs"] = sum(len(given) for given in pairs.given.values())
            counts["fields"] = max(counts["fields"], len(pairs.given))
            counts["texts beyond the picture"] += len(beyond)
            wrong += [*beyond, *look(browser, folders, counts), *files(folders, counts), *printed(folders, counts)]
            if shift == 0:
                (base / "office").mkdir()
                wrong += office(folders, base / "office", counts)
        folders, _, beyond = deal(base / "long", (LONG, "court"), 0, whole=False)
        counts["texts beyond the picture"] += len(beyond)
        wrong += [*beyond, *look(browser, folders, counts), *files(folders, counts), *printed(folders, counts)]
        counts["PDF that show a long name"] = sum(
            "MartinMartin" in pdf_text(path).replace("\n", "") for folder in folders for path in folder.rglob("*.pdf")
        )
    print("\n".join(wrong))
    print(f"{len(SCRIPTS)} script vectors, {len(FORMULAS)} formulas, {len(TEXTS)} texts")
    print("\n".join(f"{what}: {count}" for what, count in sorted(counts.items())))
    return len(wrong)


if __name__ == "__main__":
    sys.exit(min(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1), 1))
