"""Part of the pipeline: the schemes of all the départements, one folder each, and a report of every one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdaasp_geo import __version__, disk, french
from sdaasp_geo.errors import ReconciliationError, SchemeError, SdaaspError
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs import national_figures as figures
from sdaasp_geo.outputs import national_report, publish
from sdaasp_geo.outputs.national_figures import Line
from sdaasp_geo.outputs.national_report import Report as NationalReport
from sdaasp_geo.pipeline import production
from sdaasp_geo.pipeline.national_task import BUILT, FAILED, KEPT, Outcome, Task, is_current
from sdaasp_geo.pipeline.national_workers import run_cluster, run_here, run_pool
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.scheme import SCHEME_FILE, Scheme, embedded_schemes, read_scheme
from sdaasp_geo.sources import france

SCHEMES = "schemas"
"""Folder, in the output, of the schemes made for the départements for which none was given."""

TRACES = "erreurs"
"""Folder, in the output, of what the program said where it broke: to send with a report of a defect."""


@dataclass(frozen=True)
class National:
    """A national run.

    Attributes
    ----------
    report : NationalReport
        What was published.
    outcomes : tuple of Outcome
        What became of each département in this run, by code, with times and memory.
    files : tuple of str
        Files of the report.
    """

    report: NationalReport
    outcomes: tuple[Outcome, ...]
    files: tuple[str, ...]

    @property
    def built(self) -> int:
        """Départements that this run built."""
        return sum(outcome.state == BUILT for outcome in self.outcomes)

    @property
    def kept(self) -> int:
        """Départements that were already there."""
        return sum(outcome.state == KEPT for outcome in self.outcomes)


def wanted(codes: Collection[str] = ()) -> dict[str, france.Departement]:
    """Return the départements of some codes, or of all France, by code.

    Raises
    ------
    SchemeError
        When a code is not that of a département.
    """
    known = france.read_departements()
    return {code: france.find_departement(code) for code in sorted(set(codes) or known)}


def build_all(
    folder: Path,
    *,
    codes: Collection[str] = (),
    schemes: Path | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    report: Report = quiet,
) -> National:
    """Build the scheme of each département in its own folder, and a report of all; one that fails stops no other.

    Parameters
    ----------
    folder : Path
        Each département is in ``folder/<code>``; one that is already there, whole, of the same version and inputs, is
        not done again.
    codes : collection of str
        Départements to restrict to; empty: all.
    schemes : Path, optional
        Schemes of the user, in folders named by code; for the others a scheme is made in ``folder/schemas/<code>``, as
        `production.init` does, and kept there.
    jobs : int
        Local processes; 1: this one.
    scheduler : str, optional
        Address of a Dask scheduler, instead of local processes. Its workers must see ``folder`` and ``schemes`` under
        the same paths.
    report : callable
        Called with a French line for each département, as they come.

    Returns
    -------
    National
        The same report, to the byte, whatever the way; its ``failed`` are said.

    Raises
    ------
    SdaaspError
        Unknown code, folder that holds something else, no scheduler.
    """
    root, chosen = folder.resolve(), wanted(codes)
    given = _given(schemes)
    national_report.check_folder(root)
    tasks = [Task(code, str(given.get(code, root / SCHEMES / code)), str(root / code)) for code in chosen]
    outcomes: dict[str, Outcome] = {}
    for outcome in _outcomes(tasks, jobs=jobs, scheduler=scheduler):
        outcomes[outcome.code] = outcome
        report(_sentence(outcome, chosen, done=len(outcomes)))
    summary = _summary(tasks, chosen, outcomes, root=root)
    with publish.added(root) as beside:
        files = national_report.write_report(summary, beside)
        _write_traces(outcomes.values(), beside / TRACES)
    _forget_traces(outcomes.values(), root / TRACES)
    return National(summary, tuple(outcomes[code] for code in chosen), tuple(files))


def write_measures(run: National, path: Path) -> None:
    """Write times and memory of the départements as a table, apart from the report because they always change.

    Raises
    ------
    OutputError
        When the system refuses.
    """
    rows = [
        {
            "code": one.code,
            "etat": one.state,
            "secondes": _rounded(one.elapsed_s),
            "secondes_processeur": _rounded(one.processor_s),
            "memoire_mo": _rounded(one.peak_mb),
        }
        for one in run.outcomes
    ]
    with publish.published_file(path) as made:
        national_report.write_measures(rows, made)


def _rounded(value: float) -> float | str:
    return "" if math.isnan(value) else round(value, 1)


def _given(schemes: Path | None) -> dict[str, Path]:
    """Find the schemes of the user, by code.

    Raises
    ------
    SchemeError
        When the folder does not exist, or has a scheme whose folder is not named by the code of a département.
    """
    if schemes is None:
        return {}
    found = sorted(path.parent for path in schemes.resolve().glob(f"*/{SCHEME_FILE}"))
    known = france.read_departements()
    foreign = [path.name for path in found if path.name not in known]
    if not found or foreign:
        what = f"nomme {french.listing(foreign)}" if foreign else "ne contient aucun schéma"
        message = (
            f"{schemes} {what}{NBSP}: un dossier par département est attendu, qui porte son code (04, 2A, 974…) et "
            f"contient {SCHEME_FILE}."
        )
        raise SchemeError(message)
    return {path.name: path for path in found}


def _outcomes(tasks: Sequence[Task], *, jobs: int, scheduler: str | None) -> Iterator[Outcome]:
    """Give what becomes of each task: kept, failed before it began, or done by a worker, the largest first."""
    left = []
    for task in tasks:
        try:
            _make_scheme(task)
            kept = is_current(read_scheme(task.scheme), Path(task.out))
        except SdaaspError as error:
            yield Outcome(task.code, FAILED, str(error))
            continue
        if kept:
            yield Outcome(task.code, KEPT)
        else:
            left.append(task)
    if not left:
        return
    sizes = france.read_membership(_default_vintage())["departement"].value_counts()
    left.sort(key=lambda task: (-int(sizes.get(task.code, 0)), task.code))
    if scheduler is not None:
        yield from run_cluster(left, address=scheduler)
    elif jobs > 1:
        yield from run_pool(left, jobs=jobs)
    else:
        yield from run_here(left)


def _make_scheme(task: Task) -> None:
    """Make the scheme of a département where there is none, whole or not at all."""
    folder = Path(task.scheme)
    if (folder / SCHEME_FILE).is_file():
        return
    with disk.errors_said(folder), disk.staging(folder) as beside:
        production.init(beside / task.code, task.code)
        (beside / task.code).rename(folder)


def _default_vintage() -> int:
    return read_scheme(embedded_schemes()[0]).millesimes.mesure


def _sentence(outcome: Outcome, chosen: Mapping[str, france.Departement], *, done: int) -> str:
    """Say what became of a département, how long it took and how much memory."""
    facts = [outcome.state]
    if not math.isnan(outcome.elapsed_s):
        facts.append(f"{french.number(outcome.elapsed_s)}{NBSP}s")
    if not math.isnan(outcome.peak_mb):
        facts.append(f"{french.number(outcome.peak_mb)}{NBSP}Mo")
    name = f"{outcome.code} {chosen[outcome.code].name}"
    return f"{name}{NBSP}: {', '.join(facts)} ({done}/{len(chosen)})"


def _write_traces(outcomes: Iterable[Outcome], folder: Path) -> None:
    """Write where the program broke."""
    for outcome in outcomes:
        if outcome.trace:
            folder.mkdir(exist_ok=True)
            (folder / f"{outcome.code}.txt").write_text(outcome.trace, encoding="utf-8", errors="backslashreplace")


def _forget_traces(outcomes: Iterable[Outcome], folder: Path) -> None:
    """Remove what former runs said of the départements that went well in this one."""
    with disk.errors_said(folder):
        for outcome in outcomes:
            if not outcome.trace:
                (folder / f"{outcome.code}.txt").unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _summary(
    tasks: Sequence[Task],
    chosen: Mapping[str, france.Departement],
    outcomes: Mapping[str, Outcome],
    *,
    root: Path,
) -> NationalReport:
    """Read every result as this process sees it, and reconcile it with the legal populations."""
    populations: dict[int, pd.Series] = {}
    lines, expected, counted = [], {}, []
    for task in tasks:
        scheme = _readable(task)
        vintage = scheme.millesimes.mesure if scheme else _default_vintage()
        if vintage not in populations:
            populations[vintage] = france.read_membership(vintage).set_index(["departement", "code"])["population"]
        legal = populations[vintage].loc[task.code]
        expected[task.code] = (len(legal), int(legal.sum()))
        line = Line(
            task.code, chosen[task.code].name, outcomes[task.code].reason.replace(str(root), root.name), vintage
        )
        if outcomes[task.code].state != FAILED:
            line, communes = _line(line, scheme, Path(task.out), legal)
            counted.append(communes)
        lines.append(line)
    codes = pd.Index([]).append([communes.index for communes in counted])
    return NationalReport(__version__, lines, expected, sorted(codes[codes.duplicated()]))


def _readable(task: Task) -> Scheme | None:
    """Read a scheme; None when it is not valid, or of a vintage that is not embedded, which the task has said."""
    try:
        scheme = read_scheme(task.scheme)
    except SdaaspError:
        return None
    return scheme if scheme.millesimes.mesure in france.vintages() else None


def _line(line: Line, scheme: Scheme | None, out: Path, legal: pd.Series) -> tuple[Line, pd.Series]:
    """Read the figures of a result; say why when it is not here as it should be."""
    nothing = legal.iloc[:0]
    if scheme is None or not is_current(scheme, out):
        reason = (
            "Le résultat n'est pas ici celui qui est attendu. Les exécutants doivent voir le même dossier et avoir les "
            "mêmes données\u202f; un fichier du schéma a pu changer pendant le calcul. Relancez la même commande."
        )
        return dataclasses.replace(line, reason=reason), nothing
    try:
        communes = figures.read_communes(out)
        figures.check_communes(communes, legal)
        own = figures.read_figures(out, communes)
    except ReconciliationError as error:
        return dataclasses.replace(line, reason=str(error)), nothing
    return dataclasses.replace(line, figures=own, manifest=figures.manifest_hash(out)), communes
