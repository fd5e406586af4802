"""The command that maps a region or France: it parses, calls ``pipeline`` and prints; nothing else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from sdaasp_geo.cli_options import FILE, FOLDER, FrenchCommand, progress, quiet_option
from sdaasp_geo.french import NBSP, count, number

_BYTES = 1e6


@click.command(cls=FrenchCommand)
@click.option("--region", metavar="CODE", help=f"Code INSEE de la région (76{NBSP}: Occitanie).")
@click.option("--france", is_flag=True, help="La France entière, outre-mer compris.")
@click.option(
    "--service",
    "services",
    multiple=True,
    required=True,
    metavar="CODE",
    help=f"Service mesuré (répétable){NBSP}: mairie, france-services…",
)
@click.option(
    "--services",
    "files",
    type=FILE,
    multiple=True,
    metavar="FICHIER",
    help="Lieux des services (grille commune ou liste de l'ANCT). Les mairies sont embarquées.",
)
@click.option("--out", type=FOLDER, required=True, metavar="DOSSIER", help="Dossier du résultat, complet ou absent.")
@click.option(
    "--edition",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="AAAA-MM-JJ",
    help=f"Date de l'édition (par défaut{NBSP}: la mise à jour la plus récente des lieux).",
)
@quiet_option
def overview(
    *,
    region: str | None,
    france: bool,
    services: tuple[str, ...],
    files: tuple[Path, ...],
    out: Path,
    edition: dt.datetime | None,
    quiet: bool,
) -> None:
    """Dessine l'accès aux services d'une région ou de la France entière, commune par commune.

    Les temps sont estimés en ligne droite calibrée. Écrit une carte en une page, le tableau des communes et celui des
    départements.
    """
    if (region is None) == (not france):
        message = "Donnez soit --region CODE, soit --france."
        raise click.UsageError(message)
    from sdaasp_geo.pipeline import overview as pipeline  # noqa: PLC0415 - the geographic libraries load only to serve

    day = edition.date() if edition else None
    with progress(total=pipeline.STEPS, quiet=quiet) as report:
        drawn = pipeline.overview(out, services=services, region=region, files=files, edition=day, report=report)
    if quiet:
        return
    weight = number((out / pipeline.PAGE).stat().st_size / _BYTES, digits=1)
    communes = count(len(drawn.communes), "commune")
    click.echo(
        f"Écrit dans {out}{NBSP}: {pipeline.PAGE} ({weight}{NBSP}Mo, {communes}), communes.csv, departements.csv."
    )
    for note in drawn.notes:
        click.echo(f"À savoir{NBSP}: {note}")
