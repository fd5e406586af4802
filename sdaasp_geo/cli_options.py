"""What the commands share: types and options of the command line, and how progress is shown."""

from __future__ import annotations

import dataclasses
import functools
import json
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdaasp_geo.errors import InputError, SdaaspError
from sdaasp_geo.french import NARROW_NBSP, NBSP, spaced

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

JSON = "json"
"""Form of progress that another program reads: one JSON object per line on stdout, and nothing else there."""

PROTOCOL = 1
"""Version of these objects; another program refuses one that it does not know."""


class FrenchHelp(click.HelpFormatter):
    """Help in which no line begins with a colon or a semicolon, whatever its width."""

    def write_heading(self, heading: str) -> None:
        """Write the title of a part."""
        super().write_heading(f"{heading}{NBSP}")

    def write_text(self, text: str) -> None:
        """Write a text."""
        super().write_text(_unbroken(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write options or commands, each with its meaning."""
        told = [(name, _unbroken(meaning)) for name, meaning in rows]
        super().write_dl(told, col_max=col_max, col_spacing=col_spacing)


def _unbroken(text: str) -> str:
    """Put no-break spaces, the one that every code page of a French console has."""
    return spaced(text).replace(NARROW_NBSP, NBSP)


class FrenchContext(click.Context):
    """What a command is called with; its help is `FrenchHelp`."""

    formatter_class = FrenchHelp


class FrenchCommand(click.Command):
    """A command whose help is `FrenchHelp`."""

    context_class = FrenchContext


class FrenchGroup(click.Group):
    """Commands whose help is `FrenchHelp`, and its own too."""

    context_class = FrenchContext
    command_class = FrenchCommand
    group_class = type


_STOPPED = 143  # 128 + SIGTERM, as shells count


def progress_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option ``--progress json``: its parameter ``form`` is then `JSON`, else empty.

    With it an error of the package is an object too, with exit code 1, and a request to stop (SIGTERM) leaves as an
    error does: nothing half written.
    """

    @functools.wraps(command)
    def told(*args: Any, form: str | None, **options: Any) -> Any:  # noqa: ANN401 - what the command takes and gives
        if form != JSON:
            return command(*args, form="", **options)
        signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(_STOPPED))
        try:
            return command(*args, form=JSON, **options)
        except SdaaspError as error:
            tell({"error": {"message": str(error), "faults": fault_objects(error)}})
            sys.exit(1)

    words = "Écrit l'avancement et le résultat en JSON, une ligne par objet, pour un autre programme."
    return click.option("--progress", "form", type=click.Choice([JSON]), metavar=JSON, help=words)(told)


def fault_objects(error: SdaaspError) -> list[dict[str, Any]]:
    """Return the faults of an error as objects: ``file, row, column, value, expected, remedy``; none for others."""
    return [dataclasses.asdict(fault) for fault in error.faults] if isinstance(error, InputError) else []


def tell(content: dict[str, Any]) -> None:
    """Print one object on one line of stdout, at once; ASCII only, so that no encoding can spoil it."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def tell_result(
    folder: Path, *, files: Sequence[str] | None = None, warnings: Sequence[str] = (), **more: object
) -> None:
    """Print what a command wrote: the folder, its files (relative), their layers, and what the reader must know.

    Without ``files``, all those of the folder.
    """
    from sdaasp_geo.outputs.layer_list import list_layers  # noqa: PLC0415 - loads only when it serves

    if files is None:
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    layers = [layer for name in files if name.endswith(".gpkg") for layer in list_layers(folder / name, name=name)]
    result = {"folder": str(folder.resolve()), "files": list(files), "layers": layers, "warnings": list(warnings)}
    tell({"result": {**result, **more}})


THEMES = {"perimetres": "Périmètres", "acces": "Accès aux services", "deficits": "Déficits", "frontiere": "Frontière"}
"""Themes of ``sdaasp theme``, with their French names; `pipeline.theme` measures them."""


@contextmanager
def progress(*, total: int, quiet: bool, form: str = "") -> Iterator[Callable[[str], None]]:
    """Give a function that shows each step: a bar on a terminal, plain lines elsewhere, nothing when quiet.

    ``form`` is what `progress_option` gives: JSON objects on stdout, quiet or not.
    """
    if form == JSON:
        steps = iter(range(1, sys.maxsize))
        yield lambda step: tell({"step": next(steps), "steps": total, "label": step})
    elif quiet:
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
