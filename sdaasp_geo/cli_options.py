"""What the commands share: types and options of the command line, and how progress is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdaasp_geo.french import NBSP

if TYPE_CHECKING:
    from sdaasp_geo.study import Decision

_SHOWN = 3
_TABLES = ("Plan d'actions", "Gouvernance")

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
roads_option = click.option(
    "--roads",
    type=FILE,
    multiple=True,
    metavar="EXTRAIT",
    help="Mesure sur ce réseau routier (.osm.pbf, .gpkg, .shp).",
)
engine_option = click.option(
    "--engine",
    type=click.Choice(["routes", "osrm", "valhalla"]),
    metavar="MOTEUR",
    help=f"Moteur des temps par la route{NBSP}: routes (par défaut avec --roads), osrm ou valhalla.",
)
cache_option = click.option("--cache", type=FOLDER, metavar="DOSSIER", help="Où garder les réseaux routiers préparés.")
quiet_option = click.option("--quiet", "-q", is_flag=True, help="N'affiche que les erreurs.")


@contextmanager
def progress(*, total: int, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Give a function that shows each step: a bar on a terminal, plain lines elsewhere, nothing when quiet."""
    if quiet:
        yield _silent
    elif sys.stderr.isatty():
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=total)
            yield lambda step: bar.update(task, advance=1, description=step)
    else:
        yield lambda step: click.echo(step, err=True)


@contextmanager
def download(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows bytes received: a bar on a terminal, nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda _name, _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda name, done, total: bar.update(task, description=name, completed=done, total=total or None)


def echo_decisions(decisions: Iterable[Decision]) -> None:
    """Print what people must still decide, grouped by document."""
    document = ""
    for decision in decisions:
        if not document:
            click.echo(f"Reste à décider avant signature{NBSP}:")
        if decision.document != document:
            document = decision.document
            click.echo(f"  {document}")
        click.echo(f"    {decision.what}{_concerned(decision)}")
    if document:
        click.echo("  Le détail est dans tables/a_decider.csv.")


def _concerned(decision: Decision) -> str:
    places = decision.places
    if not places:
        return ""
    noun = "lignes" if decision.document in _TABLES else "territoires"
    return f" ({', '.join(places)})" if len(places) <= _SHOWN else f" ({len(places)} {noun})"


def _silent(_step: str) -> None:
    """Show nothing."""
