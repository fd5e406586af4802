"""The commands of corrections: they parse, call ``pipeline`` and print; nothing else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from sdaasp_geo.cli_options import FILE, JSON, FrenchGroup, progress, progress_option, quiet_option, tell_result
from sdaasp_geo.french import NBSP, count

_NEW = click.Path(path_type=Path, dir_okay=False)


@click.group(cls=FrenchGroup, subcommand_metavar="COMMANDE [ARGUMENTS]…")
def corrections() -> None:
    """Corrige dans QGIS les points de service et les guichets compétents."""


@corrections.command("export")
@click.argument("scheme", metavar="SCHEMA")
@click.option("--out", type=_NEW, required=True, metavar="FICHIER.gpkg", help="GeoPackage à écrire, absent.")
@progress_option
@quiet_option
def export(scheme: str, *, out: Path, form: str, quiet: bool) -> None:
    """Écrit les points de service et les guichets compétents dans un GeoPackage à corriger."""
    from sdaasp_geo.pipeline import corrections as pipeline  # noqa: PLC0415 - loads only when it serves
    from sdaasp_geo.pipeline.preparation import prepare  # noqa: PLC0415
    from sdaasp_geo.scheme import read_scheme  # noqa: PLC0415

    chosen = read_scheme(scheme)
    with progress(total=pipeline.EXPORT_STEPS, quiet=quiet, form=form) as report:
        study = prepare(chosen, report=report)
        pipeline.export_corrections(study, out, report=report)
    if form == JSON:
        tell_result(out.parent, files=[out.name], warnings=study.warnings)
    elif not quiet:
        click.echo(f"Écrit{NBSP}: {out}. Corrigez-le dans QGIS, puis{NBSP}:")
        click.echo(f"  sdaasp corrections diff {scheme} --edited {out} --out corrections.csv --date AAAA-MM-JJ")


@corrections.command("diff")
@click.argument("scheme", metavar="SCHEMA")
@click.option("--edited", type=FILE, required=True, metavar="FICHIER.gpkg", help="L'export, corrigé.")
@click.option("--out", type=_NEW, required=True, metavar="FICHIER.csv", help="Fichier de corrections à écrire.")
@click.option(
    "--date", type=click.DateTime(["%Y-%m-%d"]), required=True, metavar="AAAA-MM-JJ", help="Jour des corrections."
)
@click.option("--motif", "motive", default="", metavar="TEXTE", help="Motif, pour les objets qui n'en donnent pas.")
@progress_option
@quiet_option
def diff(scheme: str, *, edited: Path, out: Path, date: dt.datetime, motive: str, form: str, quiet: bool) -> None:
    """Compare l'export corrigé au schéma, contrôle chaque changement et écrit le fichier de corrections."""
    from sdaasp_geo.pipeline import corrections as pipeline  # noqa: PLC0415 - loads only when it serves
    from sdaasp_geo.pipeline.preparation import prepare  # noqa: PLC0415
    from sdaasp_geo.scheme import read_scheme  # noqa: PLC0415

    chosen = read_scheme(scheme)
    with progress(total=pipeline.DIFFERENCE_STEPS, quiet=quiet, form=form) as report:
        study = prepare(chosen, report=report)
        found = pipeline.diff_corrections(study, edited, out, date=date.date(), motive=motive, report=report)
    if form == JSON:
        tell_result(out.parent, files=[out.name], warnings=found.notes, changes=found.changes)
    elif not quiet:
        click.echo(f"Écrit{NBSP}: {out}, {count(found.changes, 'changement')}.")
        for note in found.notes:
            click.echo(f"À savoir{NBSP}: {note}")
        listed = ", ".join(f'"{name}"' for name in dict.fromkeys([*chosen.fichiers.corrections, out.name]))
        click.echo(f"Pour les appliquer, dans scheme.toml, sous [fichiers]{NBSP}: corrections = [{listed}]")
