"""Commands about PostGIS: the option that sends layers to a base, and the command that brings them back."""

from __future__ import annotations

from pathlib import Path

import click

from sdaasp_geo.cli_options import FrenchGroup
from sdaasp_geo.french import NBSP

to_option = click.option(
    "--to",
    metavar="ADRESSE",
    help=f"Écrit aussi les couches dans PostGIS{NBSP}: postgresql://nom@serveur/base (mot de passe dans .pgpass).",
)


@click.group(cls=FrenchGroup, subcommand_metavar="COMMANDE [ARGUMENTS]…")
def database() -> None:
    """Échange des couches avec une base PostGIS."""


@database.command("fetch")
@click.argument("url", metavar="ADRESSE")
@click.option(
    "--schema", required=True, metavar="NOM", help="Schéma de la base, comme sdaasp_hautes_pyrenees_2026_11_22."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FICHIER",
    help="GeoPackage à créer.",
)
def fetch(url: str, *, schema: str, out: Path) -> None:
    """Ramène les couches d'une base dans un GeoPackage, avec leurs styles."""
    from sdaasp_geo.pipeline.database import fetch_layers  # noqa: PLC0415 - loads only when it serves

    click.echo(f"Écrit{NBSP}: {fetch_layers(url, schema, out)}")
