"""Commands on the plan itself: the yearly report."""

from __future__ import annotations

from pathlib import Path

import click

from sdaasp_geo.cli_options import FOLDER, FrenchCommand, cache_option, progress, quiet_option
from sdaasp_geo.french import NBSP


@click.command(cls=FrenchCommand)
@click.argument("scheme", metavar="SCHEMA")
@click.option("--year", type=click.IntRange(1990, 2100), required=True, metavar="ANNÉE", help="Année du bilan.")
@click.option("--out", type=FOLDER, required=True, metavar="DOSSIER", help="Dossier du résultat, complet ou absent.")
@click.option(
    "--before", metavar="SCHEMA", help="Édition précédente, du même département : ce qui a changé est alors expliqué."
)
@cache_option
@quiet_option
def report(scheme: str, *, year: int, out: Path, before: str | None, cache: Path | None, quiet: bool) -> None:
    """Écrit le bilan annuel pour la Conférence, et une page par Journée des services.

    Les faits de l'année viennent des dates et des statuts du plan d'actions, jamais de la date du jour.
    """
    from sdaasp_geo.pipeline import yearly  # noqa: PLC0415 - the geographic libraries load only when they serve
    from sdaasp_geo.scheme import read_scheme  # noqa: PLC0415

    chosen = read_scheme(scheme)
    former = read_scheme(before) if before else None
    total = yearly.REPORT_STEPS_BEFORE if former else yearly.REPORT_STEPS
    with progress(total=total, quiet=quiet) as step:
        found = yearly.yearly_report(chosen, year, out, before=former, report=step, cache=cache)
    if quiet:
        return
    click.echo(f"Écrit dans {out}. {found.title}{NBSP}:")
    for figure in found.figures:
        click.echo(f"  {figure.value} {figure.label}")
    for part in found.parts:
        if part.key == "decisions":
            click.echo(f"{part.title}{NBSP}:")
            for item in part.items:
                click.echo(f"  {item}")
    for note in found.notes:
        click.echo(f"À savoir{NBSP}: {note}")
