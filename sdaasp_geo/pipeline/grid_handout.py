"""Workbooks handed to operators: the empty template of the common grid, and prefilled correction files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdaasp_geo import __version__
from sdaasp_geo.action_plan import Field
from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NBSP, number
from sdaasp_geo.layers import grid_checks
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs import publish
from sdaasp_geo.outputs.escape import plain_text, safe_file_stem
from sdaasp_geo.outputs.grid_page import FOOTER, Page, figure, render_page, section
from sdaasp_geo.outputs.grid_template import Choices, render_template
from sdaasp_geo.outputs.manifest import sha256, write_manifest
from sdaasp_geo.pipeline.grid import all_columns, check_untouched, service_labels
from sdaasp_geo.pipeline.preparation import prepare
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.sources import france
from sdaasp_geo.sources.grid_schema import examples, grid_columns, optional_columns
from sdaasp_geo.study import Study

PREFILL_STEPS = 4
"""Steps that `prefill_grids` reports."""

NO_OPERATOR, NO_SIGNATORY = "operateur-non-publie", "hors-epci-signataire"
_BY_EPCI, _BY_OPERATOR = "epci", "operateurs"
_TITLE = "Grille d'information commune"
_REST = "reste"


@dataclass(frozen=True)
class Handout:
    """A correction file: its path in the folder, whose it is, its rows and those with something to verify."""

    path: str
    name: str
    rows: int
    to_verify: int


def write_grid_template(path: Path, *, scheme: Scheme | None = None) -> Path:
    """Write the template workbook of the common grid; with a scheme, its list has the communes of the département.

    Raises
    ------
    OutputError
        When the file exists (someone may have filled it) or cannot be written.
    """
    if path.exists():
        message = f"{path} existe déjà{NBSP}: rien n'a été écrit. Choisissez un autre nom."
        raise OutputError(message)
    communes = () if scheme is None else _communes(scheme.departement, scheme.millesimes.mesure)
    choices = Choices(services=tuple(service_labels().items()), communes=communes)
    content = render_template((*grid_columns(), *_asked()), examples(), choices, title=_TITLE)
    with publish.published_file(path) as beside:
        beside.write_bytes(content)
    return path


def prefill_grids(scheme: Scheme, folder: Path, *, report: Report = quiet) -> list[Handout]:
    """Write one correction workbook per signing EPCI and per operator, filled with what the scheme knows.

    Places are those of the département and of the EPCI that sign, whole; what lies in no signing EPCI has its own file,
    and so have the places whose operator is not published.

    Raises
    ------
    SdaaspError
        Any error of the inputs or of the folder; nothing is left behind.
    """
    check_untouched(folder, inputs=[])
    study = prepare(scheme, report=report)
    report("Classeurs de correction")
    rows = _rows(study)
    vintage = scheme.millesimes.mesure
    choices = Choices(services=tuple(service_labels().items()), communes=_communes(scheme.departement, vintage))
    with publish.published(folder) as beside:
        written = [
            _write_handout(beside / f"{path}.xlsx", rows.loc[chosen], choices, name=name, place=path)
            for path, name, chosen in _groups(study, rows)
        ]
        (beside / "index.html").write_text(render_page(_page(study, rows, written)), encoding="utf-8")
        inputs = [{"name": name, "sha256": sha256(path), "bytes": path.stat().st_size} for name, path in study.inputs]
        manifest = {
            "schema": "sdaasp_geo/manifest/1",
            "version": __version__,
            "scheme": {"code": scheme.code, "name": scheme.nom, "edition": scheme.edition.isoformat()},
            "inputs": inputs,
            "counts": {"rows": len(rows), "files": len(written)},
        }
        write_manifest(manifest, beside)
    return written


def _asked() -> tuple[Field, ...]:
    """Return the optional columns that a template asks for."""
    return tuple(field for field in optional_columns() if field.name != _REST)


def _communes(departement: str, vintage: int) -> tuple[tuple[str, str], ...]:
    table = france.read_membership(vintage)
    own = table[table["departement"] == departement]
    return tuple(zip(own["code"], own["name"], strict=True))


def _rows(study: Study) -> pd.DataFrame:
    """Return the places of the département and of the signing EPCI as rows of the grid, with their EPCI."""
    signing = set(study.epci.loc[study.epci["role"] == SIGNS, "siren"])
    points = pd.DataFrame(study.points.drop(columns="geometry"))
    own = points[points["inside"] | points["epci"].isin(signing)].reset_index(drop=True)
    columns = [field.name for field in all_columns()]
    text = own.reindex(columns=columns).apply(lambda column: column.map(_text))
    return text.astype("str").assign(epci=own["epci"].where(own["epci"].isin(signing), ""))


def _text(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN differs from itself
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def _groups(study: Study, rows: pd.DataFrame) -> list[tuple[str, str, pd.Series]]:
    """Return each file: its path without extension, whose it is, and its rows."""
    signing = study.epci[study.epci["role"] == SIGNS].sort_values("siren")
    groups = [
        (f"{_BY_EPCI}/{safe_file_stem(siren, name)}", str(name), rows["epci"] == siren)
        for siren, name in signing[["siren", "name"]].itertuples(index=False, name=None)
    ]
    groups.append((f"{_BY_EPCI}/{NO_SIGNATORY}", "Hors des EPCI signataires", rows["epci"] == ""))
    taken: dict[str, int] = {NO_OPERATOR: 1}
    for operator in sorted(set(rows["operateur"]) - {""}):
        stem = safe_file_stem("", operator)
        taken[stem] = taken.get(stem, 0) + 1
        stem = stem if taken[stem] == 1 else f"{stem}-{taken[stem]}"
        groups.append((f"{_BY_OPERATOR}/{stem}", operator, rows["operateur"] == operator))
    groups.append((f"{_BY_OPERATOR}/{NO_OPERATOR}", "Opérateur non publié", rows["operateur"] == ""))
    return [
        (path, name, chosen)
        for path, name, chosen in groups
        if chosen.any() or not path.endswith((NO_OPERATOR, NO_SIGNATORY))
    ]


def _write_handout(path: Path, rows: pd.DataFrame, choices: Choices, *, name: str, place: str) -> Handout:
    fields = (*grid_columns(), *_asked())
    used = [*fields, *(field for field in optional_columns() if field.name == _REST and (rows[_REST] != "").any())]
    table = rows[[field.name for field in used]].sort_values(["service", "commune", "nom", "id"])
    marks = grid_checks.gaps(table)
    words = grid_checks.gap_words(marks)
    path.parent.mkdir(exist_ok=True)
    title = f"{_TITLE}{NBSP}– {name}"
    content = render_template(used, examples(), choices, rows=table, marks=marks, to_verify=words, title=title)
    path.write_bytes(content)
    return Handout(path=f"{place}.xlsx", name=name, rows=len(table), to_verify=int((words != "").sum()))


def _page(study: Study, rows: pd.DataFrame, written: list[Handout]) -> Page:
    files = [
        (plain_text(handout.name), handout.path, number(handout.rows), number(handout.to_verify)) for handout in written
    ]
    header = ("Destinataire", "Fichier", "Lignes", "Lignes à vérifier")
    by_epci = [row for row in files if row[1].startswith(f"{_BY_EPCI}/")]
    by_operator = [row for row in files if row[1].startswith(f"{_BY_OPERATOR}/")]
    note = "Une ligne par classeur\u202f; les cellules à vérifier y sont colorées."
    return Page(
        title="Classeurs de correction de la grille commune",
        subtitle=plain_text(study.scheme.nom),
        figures=(
            figure(len(rows), "ligne (un lieu et un service)", "lignes (un lieu et un service)"),
            figure(len(by_epci), "classeur par intercommunalité", "classeurs par intercommunalité"),
            figure(len(by_operator), "classeur par opérateur", "classeurs par opérateur"),
        ),
        footer=FOOTER,
        intro=(
            "Envoyez à chacun son classeur. Il corrige les cellules, met à jour la date de la ligne et le renvoie.",
            f"Au retour{NBSP}: «{NBSP}sdaasp grid check{NBSP}» contrôle, «{NBSP}sdaasp grid merge{NBSP}» joint.",
        ),
        sections=(
            section("Par intercommunalité", header, by_epci, note=note, empty="Aucun classeur."),
            section("Par opérateur", header, by_operator, note=note, empty="Aucun classeur."),
        ),
    )
