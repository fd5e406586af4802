"""The command that writes one theme of a scheme: it parses, calls ``pipeline`` and prints; nothing else."""

from __future__ import annotations

from pathlib import Path

import click

from sdaasp_geo.cli_options import (
    FILE,
    FOLDER,
    JSON,
    THEMES,
    FrenchCommand,
    progress,
    progress_option,
    quiet_option,
    tell_result,
)
from sdaasp_geo.french import NBSP


@click.command(cls=FrenchCommand)
@click.argument("scheme", metavar="SCHEMA")
@click.option("--theme", "name", type=click.Choice(list(THEMES)), required=True, metavar="NOM", help=", ".join(THEMES))
@click.option("--out", type=FOLDER, required=True, metavar="DOSSIER", help="Dossier du résultat, complet ou absent.")
@click.option(
    "--services",
    type=FILE,
    multiple=True,
    metavar="FICHIER",
    help="Remplace les points de service du schéma : grille commune, ou couche de points (répétable).",
)
@click.option("--communes", type=FILE, metavar="FICHIER", help="Remplace les contours des communes du schéma.")
@click.option(
    "--corrections",
    type=FILE,
    multiple=True,
    metavar="FICHIER",
    help="Corrections de plus, appliquées après celles du schéma (répétable).",
)
@progress_option
@quiet_option
def theme(
    scheme: str,
    name: str,
    *,
    out: Path,
    services: tuple[Path, ...],
    communes: Path | None,
    corrections: tuple[Path, ...],
    form: str,
    quiet: bool,
) -> None:
    """Mesure un seul thème d'un schéma, et écrit ses couches et ses tableaux.

    Les tableaux sont, octet pour octet, ceux de sdaasp build.
    """
    from sdaasp_geo.pipeline import theme as pipeline  # noqa: PLC0415 - the geographic libraries load only to serve
    from sdaasp_geo.scheme import read_scheme, with_files  # noqa: PLC0415

    chosen = with_files(read_scheme(scheme), services=services, communes=communes, corrections=corrections)
    with progress(total=pipeline.theme_steps(chosen, name), quiet=quiet, form=form) as report:
        done = pipeline.write_theme(chosen, name, out, report=report)
    if form == JSON:
        tell_result(out, files=done.files, warnings=done.warnings)
    elif not quiet:
        click.echo(f"Écrit dans {out}{NBSP}:")
        for file in done.files:
            click.echo(f"  {file}")
        for warning in done.warnings:
            click.echo(f"À savoir{NBSP}: {warning}")
