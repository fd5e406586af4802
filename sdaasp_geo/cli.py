"""The command line: it parses, calls ``pipeline`` and prints; nothing else."""

from __future__ import annotations

import datetime as dt
import gettext
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdaasp_geo import __version__, french
from sdaasp_geo.cli_about import about
from sdaasp_geo.cli_all import Everything, all_options, build_everything
from sdaasp_geo.cli_corrections import corrections
from sdaasp_geo.cli_database import database, to_option
from sdaasp_geo.cli_grid import grid
from sdaasp_geo.cli_options import (
    FILE,
    FOLDER,
    JSON,
    FrenchGroup,
    cache_option,
    download,
    echo_decisions,
    engine_option,
    progress,
    progress_option,
    quiet_option,
    roads_option,
    tell_result,
)
from sdaasp_geo.cli_overview import overview
from sdaasp_geo.cli_plan import report
from sdaasp_geo.cli_site import site
from sdaasp_geo.cli_theme import theme
from sdaasp_geo.errors import SdaaspError
from sdaasp_geo.french import NBSP

if TYPE_CHECKING:
    from sdaasp_geo.outputs.folder import Run


def main() -> None:
    """Run the command line, in French; every error of the package ends with exit code 1."""
    os.environ["LANGUAGE"] = "fr"
    gettext.bindtextdomain("messages", str(Path(__file__).with_name("locale")))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is being written is then removed
    try:
        app()
    except SdaaspError as error:
        click.echo(f"Erreur{NBSP}: {error}", err=True)
        sys.exit(1)
    except MemoryError:
        click.echo(
            f"Erreur{NBSP}: la mémoire manque, rien n'a été écrit. Fermez d'autres programmes, puis relancez.", err=True
        )
        sys.exit(1)


@click.group(
    cls=FrenchGroup,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    subcommand_metavar="COMMANDE [ARGUMENTS]…",
)
@click.version_option(__version__, prog_name="sdaasp", help="Affiche la version.")
def app() -> None:
    """Dit qui habite trop loin d'un service public, et prépare la convention de chaque intercommunalité.

    SCHEMA est le nom d'un schéma embarqué (sdaasp schemes) ou un dossier qui contient scheme.toml (sdaasp init).
    """


@app.command()
@click.argument("scheme", metavar="[SCHEMA]", required=False)
@click.option("--out", type=FOLDER, required=True, metavar="DOSSIER", help="Dossier du résultat, complet ou absent.")
@to_option
@all_options
@roads_option
@engine_option
@cache_option
@progress_option
@quiet_option
def build(  # noqa: PLR0913 - one argument for each option of the command
    scheme: str | None,
    out: Path,
    *,
    to: str | None,
    everything: Everything,
    roads: tuple[Path, ...],
    engine: str | None,
    cache: Path | None,
    form: str,
    quiet: bool,
) -> None:
    """Calcule tout : carte, annexes, tableaux, couches ; avec --all, de tous les départements."""
    everything.check(scheme, to=to, roads=roads, engine=engine, cache=cache)
    if everything.every:
        build_everything(everything, out, quiet=quiet, form=form)
        return
    from sdaasp_geo import pipeline  # noqa: PLC0415 - the geographic libraries load only when they serve
    from sdaasp_geo.scheme import read_scheme, with_roads  # noqa: PLC0415

    chosen = read_scheme(scheme or "")
    if roads or engine:
        chosen = with_roads(chosen, *roads, engine=engine or "routes")
    with progress(total=pipeline.BUILD_STEPS, quiet=quiet, form=form) as report:
        result = pipeline.build(chosen, out, report=report, cache=cache, to=to)
    if form == JSON:
        tell_result(out, files=result.files, warnings=result.warnings)
    elif not quiet:
        _tell_build(out, result)


def _tell_build(out: Path, result: Run) -> None:
    """Print what a build wrote, what to know, what is left to decide, and its three figures."""
    click.echo(f"Écrit dans {out}{NBSP}:")
    for name in result.files:
        click.echo(f"  {name}")
    if result.sent is not None:
        click.echo(f"Couches écrites dans {result.sent.address}, schéma {result.sent.schema}.")
        if not result.sent.styles_found:
            click.echo("À savoir\u00a0: QGIS n'y trouvera pas les styles (table layer_styles de public refusée).")
    for warning in result.warnings:
        click.echo(f"À savoir{NBSP}: {warning}")
    echo_decisions(result.decisions)
    click.echo("Trois chiffres" + (" (estimation)" if result.estimate else "") + f"{NBSP}:")
    for figure in result.figures:
        click.echo(f"  {figure.value} {figure.label}")


@app.command()
def schemes() -> None:
    """Liste les schémas embarqués."""
    from sdaasp_geo.scheme import embedded_schemes, read_scheme  # noqa: PLC0415

    for name in embedded_schemes():
        click.echo(f"{name}  {read_scheme(name).nom}")


@app.command()
@click.argument("scheme", metavar="SCHEMA")
def check(scheme: str) -> None:
    """Vérifie les données d'un schéma sans rien écrire.

    Code de sortie 0 si elles sont valides, 1 sinon : tous les défauts sont alors listés.
    """
    from sdaasp_geo import pipeline  # noqa: PLC0415
    from sdaasp_geo.scheme import read_scheme  # noqa: PLC0415

    study = pipeline.prepare(read_scheme(scheme))
    for warning in study.warnings:
        click.echo(f"À savoir{NBSP}: {warning}")
    signing = int((study.epci["role"] == "signataire").sum())
    click.echo(
        f"Données valides{NBSP}: {int(study.communes['inside'].sum())} communes, {signing} EPCI signataires, "
        f"{len(study.points)} points de service, {len(study.neighbours)} EPCI voisins."
    )


@app.command()
@click.argument("scheme", metavar="SCHEMA")
@click.option("--epci", required=True, metavar="SIREN|NOM", help="L'intercommunalité, par son SIREN ou son nom.")
@click.option(
    "--out", type=FOLDER, default=Path(), show_default="dossier courant", metavar="DOSSIER", help="Où l'écrire."
)
@progress_option
@quiet_option
def annex(scheme: str, epci: str, out: Path, *, form: str, quiet: bool) -> None:
    """Écrit l'annexe d'une seule convention (HTML, DOCX et PDF)."""
    from sdaasp_geo import pipeline  # noqa: PLC0415
    from sdaasp_geo.scheme import read_scheme  # noqa: PLC0415

    with progress(total=pipeline.ANNEX_STEPS, quiet=quiet, form=form) as report:
        files = pipeline.annexe(read_scheme(scheme), epci, out, report=report)
    if form == JSON:
        tell_result(out, files=[path.relative_to(out).as_posix() for path in files])
        return
    for path in files:
        click.echo(str(path))


@app.command()
@click.argument("scheme", metavar="SCHEMA")
@click.option("--out", type=FOLDER, required=True, metavar="DOSSIER", help="Dossier du résultat, complet ou absent.")
@click.option("--service", required=True, metavar="CODE", help="Service mesuré par le schéma, comme france-services.")
@click.option(
    "--count",
    type=int,
    default=3,
    show_default="3",
    metavar="NOMBRE",
    help="Lieux nouveaux, au plus (sans tout-couvrir).",
)
@click.option(
    "--threshold",
    type=float,
    default=20.0,
    show_default="20",
    metavar="MINUTES",
    help="Seuil ; un temps égal y satisfait.",
)
@click.option(
    "--aim",
    type=click.Choice(["couvrir", "rapprocher", "tout-couvrir"]),
    default="couvrir",
    show_default="couvrir",
    metavar="BUT",
    help="couvrir (le plus d'habitants), rapprocher (temps moyen) ou tout-couvrir (moins de lieux possible).",
)
@roads_option
@engine_option
@cache_option
@progress_option
@quiet_option
def sites(  # noqa: PLR0913 - one argument for each option of the command
    scheme: str,
    out: Path,
    *,
    service: str,
    count: int,
    threshold: float,
    aim: str,
    roads: tuple[Path, ...],
    engine: str | None,
    cache: Path | None,
    form: str,
    quiet: bool,
) -> None:
    """Propose où implanter de nouveaux lieux, avec la preuve, et dit ce que coûterait chaque fermeture."""
    from sdaasp_geo import pipeline  # noqa: PLC0415
    from sdaasp_geo.scheme import read_scheme, with_roads  # noqa: PLC0415

    chosen = read_scheme(scheme)
    if roads or engine:
        chosen = with_roads(chosen, *roads, engine=engine or "routes")
    question = pipeline.Question(service=service, count=count, threshold_min=threshold, aim=aim)
    with progress(total=pipeline.SITING_STEPS, quiet=quiet, form=form) as report:
        found = pipeline.sites(chosen, out, question, report=report, cache=cache)
    if form == JSON:
        tell_result(out)
    if quiet or form == JSON:
        return
    click.echo(f"Écrit dans {out}. Choix{NBSP}: {found.siting.proof.sentence}.")
    for row in found.siting.sites.itertuples():
        gain = french.count(int(row.gain_population), "habitant gagné", "habitants gagnés")
        click.echo(f"  {row.rank}. {row.place_name}{NBSP}: {gain}")


@app.command()
@click.argument("before", metavar="AVANT")
@click.argument("after", metavar="APRES")
@click.option("--out", type=FOLDER, required=True, metavar="DOSSIER", help="Dossier du résultat, complet ou absent.")
@cache_option
@quiet_option
def compare(before: str, after: str, *, out: Path, cache: Path | None, quiet: bool) -> None:
    """Explique ce qui a changé entre deux éditions : offre, population, périmètre, source.

    AVANT et APRES sont deux schémas du même département.
    """
    from sdaasp_geo import pipeline  # noqa: PLC0415
    from sdaasp_geo.scheme import read_scheme  # noqa: PLC0415

    with progress(total=pipeline.COMPARISON_STEPS, quiet=quiet) as report:
        found = pipeline.compare(read_scheme(before), read_scheme(after), out, report=report, cache=cache)
    if quiet:
        return
    click.echo(f"Écrit dans {out}. Dans le département{NBSP}:")
    for row in found.figures[found.figures["level"] == "departement"].itertuples():
        click.echo(f"  {row.service}, {row.sentence}")
    for note in found.notes:
        click.echo(f"À savoir{NBSP}: {note}")


app.add_command(report)
app.add_command(grid)
app.add_command(database)
app.add_command(site)
app.add_command(overview)
app.add_command(about)
app.add_command(corrections)
app.add_command(theme)


@app.group(subcommand_metavar="COMMANDE [ARGUMENTS]…")
def roads() -> None:
    """Prépare un réseau routier."""


@roads.command("build")
@click.argument("extracts", metavar="EXTRAIT…", type=FILE, nargs=-1, required=True)
@click.option("--departement", required=True, metavar="CODE", help="Département que le réseau doit couvrir.")
@click.option("--speeds", type=FILE, metavar="FICHIER", help="Vitesses qui remplacent celles du paquet (TOML).")
@cache_option
@quiet_option
def roads_build(
    extracts: tuple[Path, ...], departement: str, *, speeds: Path | None, cache: Path | None, quiet: bool
) -> None:
    """Lit un réseau routier (.osm.pbf, BD TOPO, ROUTE 500) et garde son graphe."""
    from sdaasp_geo import pipeline  # noqa: PLC0415

    with progress(total=pipeline.ROAD_STEPS, quiet=quiet) as report:
        built = pipeline.build_roads(extracts, departement=departement, cache=cache, speeds=speeds, report=report)
    if quiet:
        return
    click.echo(built.why_built or "Le réseau était déjà préparé.")
    for name, value in pipeline.describe_roads(built):
        click.echo(f"  {name}{NBSP}: {value}")


@roads.command("fetch")
@click.option("--departement", "departements", required=True, multiple=True, metavar="CODE", help="Code, répétable.")
@cache_option
@quiet_option
def roads_fetch(departements: tuple[str, ...], *, cache: Path | None, quiet: bool) -> None:
    """Télécharge les extraits publics d'OpenStreetMap (reprise possible)."""
    from sdaasp_geo import pipeline  # noqa: PLC0415

    with download(quiet=quiet) as report:
        paths = pipeline.fetch_roads(departements, cache=cache, report=report)
    for path in paths:
        click.echo(str(path))


@app.command()
@click.argument("folder", metavar="DOSSIER", type=FOLDER)
@click.option("--departement", required=True, metavar="CODE", help="Code du département : 48, 2A, 974…")
@click.option(
    "--vintage", type=int, metavar="ANNÉE", help="Millésime des périmètres (par défaut : celui des schémas embarqués)."
)
@click.option(
    "--edition",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="AAAA-MM-JJ",
    help="Date imprimée (par défaut : celle des données).",
)
def init(folder: Path, departement: str, vintage: int | None, edition: dt.datetime | None) -> None:
    """Crée le dossier d'un schéma pour un département de France."""
    from sdaasp_geo import pipeline  # noqa: PLC0415

    day = edition.date() if edition else None
    for path in pipeline.init(folder, departement, vintage=vintage, edition=day):
        click.echo(str(path))
    click.echo(f"Ensuite{NBSP}: sdaasp check {folder}, puis sdaasp build {folder} --out resultat")
