"""The command that publishes a run as a site: it parses, calls ``pipeline`` and prints; nothing else."""

from __future__ import annotations

from pathlib import Path

import click

from sdaasp_geo.cli_options import FOLDER, FrenchCommand, quiet_option
from sdaasp_geo.french import NBSP, count

_RUN = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command(cls=FrenchCommand)
@click.argument("run", metavar="RESULTAT", type=_RUN)
@click.option("--out", type=FOLDER, required=True, metavar="DOSSIER", help="Dossier du site, complet ou absent.")
@click.option(
    "--base-url",
    default="",
    metavar="ADRESSE",
    help="Adresse publique du site, comme https://exemple.fr/sdaasp/ : plan du site et image des liens partagés.",
)
@click.option(
    "--changes", type=_RUN, metavar="DOSSIER", help="Comparaison avec l'édition précédente (sdaasp compare), à joindre."
)
@quiet_option
def site(run: Path, *, out: Path, base_url: str, changes: Path | None, quiet: bool) -> None:
    """Publie un résultat de sdaasp build : une copie pour n'importe quel hébergeur de pages.

    Le résultat est d'abord vérifié : un fichier modifié ou manquant est refusé, un fichier inconnu n'est pas copié.
    """
    from sdaasp_geo.pipeline.site import publish_site  # noqa: PLC0415 - the geographic libraries load only to serve

    copied = publish_site(run, out, base_url=base_url, changes=changes)
    if quiet:
        return
    click.echo(f"Écrit dans {out}{NBSP}: {count(len(copied.files), 'fichier')}, {count(len(copied.pages), 'page')}.")
    for name in copied.left_out:
        click.echo(f"À savoir{NBSP}: {name} n'est pas du résultat et n'a pas été copié.")
    if not base_url:
        click.echo(f"À savoir{NBSP}: sans --base-url, les liens partagés n'ont pas d'image et le plan du site manque.")
