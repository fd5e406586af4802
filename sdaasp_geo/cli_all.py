"""The options of ``sdaasp build --all``, and what it prints: it parses, calls ``pipeline`` and prints; nothing else."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sdaasp_geo.cli_options import JSON, progress, tell_result
from sdaasp_geo.french import NBSP, count, number

_OPTIONS = (
    click.option(
        "--all", "every", is_flag=True, help="Tous les départements, chacun dans DOSSIER/CODE, et un rapport."
    ),
    click.option("--departement", "codes", multiple=True, metavar="CODE", help="Avec --all, ceux-là (répétable)."),
    click.option(
        "--schemes",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="DOSSIER",
        help="Avec --all, schémas à vous, un dossier par code ; pour les autres, celui de sdaasp init.",
    ),
    click.option("--jobs", type=click.IntRange(min=1), metavar="NOMBRE", help="Avec --all, processus en même temps."),
    click.option(
        "--scheduler",
        metavar="ADRESSE",
        help=f"Avec --all, répartiteur Dask à qui confier le travail{NBSP}: tcp://hôte:port.",
    ),
    click.option(
        "--measures",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FICHIER",
        help="Avec --all, durées et mémoire par département (CSV).",
    ),
)


@dataclass(frozen=True)
class Everything:
    """What the options of ``--all`` say."""

    every: bool
    codes: tuple[str, ...]
    schemes: Path | None
    jobs: int | None
    scheduler: str | None
    measures: Path | None

    def check(self, scheme: str | None, **unfit: object) -> None:
        """Refuse options that do not go together.

        Parameters
        ----------
        scheme : str or None
            The scheme given as an argument.
        **unfit
            Options of one build, by name, that ``--all`` does not take.

        Raises
        ------
        click.UsageError
            In French.
        """
        own: dict[str, object] = {"--departement": self.codes, "--schemes": self.schemes, "--jobs": self.jobs}
        own |= {"--scheduler": self.scheduler, "--measures": self.measures}
        if not self.every:
            given = [name for name, value in own.items() if value]
            if given:
                message = f"{given[0]} demande --all."
                raise click.UsageError(message)
            if scheme is None:
                message = "Donnez un schéma, ou --all pour tous les départements."
                raise click.UsageError(message)
            return
        refused = ["SCHEMA"] if scheme is not None else [f"--{name}" for name, value in unfit.items() if value]
        if refused:
            message = (
                f"--all ne prend pas {refused[0]}{NBSP}: ce que chaque département a de propre est dans son schéma."
            )
            raise click.UsageError(message)
        if self.jobs and self.scheduler:
            message = "Choisissez --jobs (cette machine) ou --scheduler (un répartiteur Dask)."
            raise click.UsageError(message)


def all_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of ``--all``: its parameter ``everything`` holds them."""

    @functools.wraps(command)
    def told(
        *args: Any,  # noqa: ANN401
        every: bool,
        codes: tuple[str, ...],
        schemes: Path | None,
        jobs: int | None,
        scheduler: str | None,
        measures: Path | None,
        **others: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401 - what the command takes and gives
        return command(*args, everything=Everything(every, codes, schemes, jobs, scheduler, measures), **others)

    for option in reversed(_OPTIONS):
        told = option(told)
    return told


def build_everything(asked: Everything, out: Path, *, quiet: bool, form: str = "") -> None:
    """Build the départements, print what became of them, and leave with exit code 1 when one has no result."""
    from sdaasp_geo.pipeline import national  # noqa: PLC0415 - the geographic libraries load only when they serve

    total = len(national.wanted(asked.codes))
    with progress(total=total, quiet=quiet, form=form) as report:
        run = national.build_all(
            out,
            codes=asked.codes,
            schemes=asked.schemes,
            jobs=asked.jobs or 1,
            scheduler=asked.scheduler,
            report=report,
        )
    if asked.measures is not None:
        national.write_measures(run, asked.measures)
    failed = run.report.failed
    if form == JSON:
        tell_result(out, files=run.files, warnings=[f"{line.code} {line.name}{NBSP}: {line.reason}" for line in failed])
    elif not quiet:
        click.echo(f"Écrit dans {out}{NBSP}: {', '.join(run.files)}.")
        click.echo(
            f"{count(total - len(failed), 'département fait', 'départements faits')} sur {number(total)} "
            f"({count(run.built, 'calculé')}, {count(run.kept, 'déjà là', 'déjà là')})."
        )
    for line in failed:
        click.echo(f"Échec{NBSP}: {line.code} {line.name}{NBSP}: {line.reason}", err=True)
    if failed:
        sys.exit(1)
