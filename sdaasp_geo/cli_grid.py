"""The commands of the common grid: they parse, call ``pipeline`` and print; nothing else."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import click

from sdaasp_geo.cli_options import FILE, FOLDER, JSON, FrenchGroup, progress, progress_option, quiet_option, tell_result
from sdaasp_geo.french import NBSP, count

_WORKBOOK = click.Path(path_type=Path, dir_okay=False)
_MOST = 10


@click.group(cls=FrenchGroup, subcommand_metavar="COMMANDE [ARGUMENTS]…")
def grid() -> None:
    """Échange la grille commune des services avec les opérateurs."""


@grid.command("check")
@click.argument("path", metavar="FICHIER", type=FILE)
@click.option("--out", type=FOLDER, required=True, metavar="DOSSIER", help="Dossier du rapport.")
@click.option(
    "--edition",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="AAAA-MM-JJ",
    help="Jour auquel les dates sont jugées (par défaut : la date la plus récente du fichier).",
)
@progress_option
@quiet_option
def check(path: Path, *, out: Path, edition: dt.datetime | None, form: str, quiet: bool) -> None:
    """Contrôle un fichier rempli (CSV, XLSX, ODS) et écrit un rapport pour le corriger.

    Code de sortie 0 s'il est conforme, 1 sinon ; le rapport est écrit dans les deux cas.
    """
    from sdaasp_geo.pipeline import grid as pipeline  # noqa: PLC0415 - the geographic libraries load only to serve

    day = edition.date() if edition else None
    with progress(total=pipeline.CHECK_STEPS, quiet=quiet, form=form) as report:
        checked = pipeline.check_grid(path, report_folder=out, edition=day, report=report)
    if form == JSON:
        tell_result(out, conforme=not checked.faults, faults=checked.fault_objects())
        sys.exit(1 if checked.faults else 0)
    if not quiet:
        click.echo(f"Rapport écrit dans {out}{NBSP}: rapport.html et une copie du fichier à corriger.")
        click.echo(f"{count(checked.places, 'ligne lue', 'lignes lues')}, {checked.doubts} à vérifier.")
    if not checked.faults:
        if not quiet:
            click.echo("Le fichier est conforme à la grille commune.")
        return
    click.echo(f"{count(checked.faults, 'défaut')} à corriger{NBSP}:", err=True)
    for line in checked.lines(most=_MOST):
        click.echo(f"  {line}", err=True)
    sys.exit(1)


@grid.command("template")
@click.argument("scheme", metavar="[SCHEMA]", required=False)
@click.option("--out", type=_WORKBOOK, required=True, metavar="FICHIER.xlsx", help="Classeur à écrire.")
def template(scheme: str | None, *, out: Path) -> None:
    """Écrit le classeur modèle à remplir, avec ses listes et ses commentaires.

    Avec un schéma, les communes de son département sont dans la liste.
    """
    from sdaasp_geo.pipeline import grid_handout  # noqa: PLC0415
    from sdaasp_geo.scheme import read_scheme  # noqa: PLC0415

    chosen = read_scheme(scheme) if scheme else None
    click.echo(str(grid_handout.write_grid_template(out, scheme=chosen)))


@grid.command("merge")
@click.argument("paths", metavar="FICHIER…", type=FILE, nargs=-1, required=True)
@click.option("--out", type=FOLDER, required=True, metavar="DOSSIER", help="Dossier du résultat, complet ou absent.")
@quiet_option
def merge(paths: tuple[Path, ...], *, out: Path, quiet: bool) -> None:
    """Joint les fichiers de plusieurs opérateurs ou dates, et garde la trace de tout.

    La date de mise à jour la plus récente l'emporte, cellule par cellule ; à date égale, le premier fichier donné.
    """
    from sdaasp_geo.pipeline import grid as pipeline  # noqa: PLC0415

    with progress(total=pipeline.MERGE_STEPS, quiet=quiet) as report:
        merged = pipeline.merge_grid_files(paths, out, report=report)
    if quiet:
        return
    click.echo(f"Écrit dans {out}{NBSP}: {count(len(merged.grid), 'ligne')}.")
    click.echo(f"  Historique{NBSP}: {count(len(merged.history), 'changement')}")
    click.echo(f"  Conflits à trancher{NBSP}: {merged.open_conflicts}")
    click.echo(f"  Doublons probables, gardés{NBSP}: {len(merged.doubles)}")


@grid.command("convert")
@click.argument("path", metavar="FICHIER", type=FILE)
@click.option("--out", type=FOLDER, required=True, metavar="DOSSIER", help="Dossier du résultat, complet ou absent.")
@click.option(
    "--departement", "departements", multiple=True, metavar="CODE", help="Seulement ce département (répétable)."
)
def convert(path: Path, *, out: Path, departements: tuple[str, ...]) -> None:
    """Convertit un fichier publié par d'autres (médiation numérique, BPE, DILA, France services)."""
    from sdaasp_geo.pipeline import grid_convert  # noqa: PLC0415

    for note in grid_convert.convert_grid(path, out, departements=departements):
        click.echo(note)
    click.echo(f"Écrit dans {out}{NBSP}: grille.csv, et les lignes non converties avec leur motif.")


@grid.command("prefill")
@click.argument("scheme", metavar="SCHEMA")
@click.option("--out", type=FOLDER, required=True, metavar="DOSSIER", help="Dossier du résultat, complet ou absent.")
@quiet_option
def prefill(scheme: str, *, out: Path, quiet: bool) -> None:
    """Écrit un classeur de correction prérempli par intercommunalité et par opérateur."""
    from sdaasp_geo.pipeline import grid_handout  # noqa: PLC0415
    from sdaasp_geo.scheme import read_scheme  # noqa: PLC0415

    with progress(total=grid_handout.PREFILL_STEPS, quiet=quiet) as report:
        written = grid_handout.prefill_grids(read_scheme(scheme), out, report=report)
    if quiet:
        return
    click.echo(f"Écrit dans {out}{NBSP}: {count(len(written), 'classeur')} et index.html.")
    for handout in written:
        click.echo(f"  {handout.path}{NBSP}: {count(handout.rows, 'ligne')}, dont {handout.to_verify} à vérifier")
