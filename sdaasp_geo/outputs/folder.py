"""The output folder of a run: map, annexes, tables, layers, index and manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs import (
    annexe,
    annexe_docx,
    annexe_html,
    annexe_pdf,
    geopackage,
    layer_metadata,
    site,
    static_map,
    tables,
)
from sdaasp_geo.outputs.annexe_model import blanks_in, texts_of
from sdaasp_geo.outputs.answers import answers_tables, write_answers
from sdaasp_geo.outputs.answers_model import Facing, face
from sdaasp_geo.outputs.conventions import convention_decisions, convention_documents, write_conventions
from sdaasp_geo.outputs.dashboard import write_dashboard
from sdaasp_geo.outputs.diagnosis_tables import diagnosis_tables
from sdaasp_geo.outputs.escape import safe_file_stem
from sdaasp_geo.outputs.headline import Figure, headline_figures
from sdaasp_geo.outputs.manifest import build_manifest, warnings_of, write_manifest
from sdaasp_geo.outputs.map_atlas import write_maps
from sdaasp_geo.outputs.negotiation import NegotiationLink, write_negotiations
from sdaasp_geo.outputs.penalty_map import draw_penalty_map
from sdaasp_geo.outputs.plan_tables import decisions_table, plan_tables
from sdaasp_geo.outputs.postgis import Written
from sdaasp_geo.outputs.site import AnnexeLink
from sdaasp_geo.study import Decision, Measures, Study

STEPS = 5
"""Steps that `write_run` reports."""

ANNEXES = "Annexes"
MAP = "maps/carte.html"
PENALTY_MAP = "penalite.png"


@dataclass(frozen=True)
class Run:
    """What a run wrote: files (relative to the folder), the figures that matter, warnings, what people must decide.

    ``sent`` says what went to a PostGIS base, where one was asked for.
    """

    files: tuple[str, ...]
    figures: tuple[Figure, ...]
    warnings: tuple[str, ...]
    decisions: tuple[Decision, ...]
    estimate: bool
    sent: Written | None = None


def write_run(
    study: Study, measures: Measures, census: pd.DataFrame, folder: Path, *, version: str, report: Callable[[str], None]
) -> Run:
    """Write everything a run leaves, in an existing empty folder.

    Parameters
    ----------
    study, measures : Study, Measures
        The layers and what was measured.
    census : DataFrame
        Ages and dwellings by commune.
    folder : Path
        Where to write.
    version : str
        Version of the package, for the manifest.
    report : callable
        Called with the French name of each step.
    """
    report("Cartes")
    maps = _maps(study, measures, folder / "maps")
    report("Annexes des conventions")
    signing = study.epci.loc[study.epci["role"] == SIGNS, "siren"]
    facing = face(study, measures)
    links = [write_annexe(study, measures, census, folder / "annexes", siren=siren, facing=facing) for siren in signing]
    report("Conventions")
    documents = convention_documents(study, measures, census=census)
    conventions = write_conventions(documents, folder / "conventions")
    plan = [
        *(write_dashboard(study, folder / "plan") if study.programme else []),
        *write_answers(study, measures, folder / "plan", facing=facing),
    ]
    report("Tableaux et couches")
    blanks = joined_decisions((*annexe_decisions(study, links), *convention_decisions(documents)))
    decisions = (*blanks, *(study.programme.decisions if study.programme else ()))
    published = _tables(study, measures, facing, decisions, folder / "tables")
    _layers(study, measures, folder)
    report("Page d'accueil et manifeste")
    contents = site.Contents(
        maps=tuple(maps),
        annexes=tuple(links),
        conventions=tuple(conventions),
        plan=tuple(plan),
        negotiations=tuple(_negotiations(study, measures, folder)),
        decisions=decisions,
        tables=tuple(published),
        epci_map=MAP,
    )
    site.write_site(study, measures, contents, folder)
    write_manifest(build_manifest(study, measures, version=version, decisions=decisions), folder)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return Run(
        files=tuple(files),
        figures=tuple(headline_figures(study, measures)),
        warnings=warnings_of(study, measures),
        decisions=decisions,
        estimate=measures.method.estimate,
    )


def _maps(study: Study, measures: Measures, folder: Path) -> list[dict[str, str]]:
    """Write the interactive maps and the printed ones; return what a home page links to, the main map first."""
    folder.mkdir()
    pages = write_maps(study, measures, folder)
    (folder / "departement.png").write_bytes(static_map.draw_departement_map(study, measures))
    penalty = draw_penalty_map(study, measures.diagnosis) if measures.diagnosis else None
    if penalty is not None:
        (folder / PENALTY_MAP).write_bytes(penalty)
    first = sorted(pages, key=lambda page: page["href"] != MAP)
    return [page | {"note": f"{NBSP}: {page['note'][:1].lower()}{page['note'][1:]}"} for page in first]


def _tables(
    study: Study, measures: Measures, facing: Facing, decisions: tuple[Decision, ...], folder: Path
) -> list[tables.Table]:
    published = [
        *tables.build_tables(study, measures),
        *diagnosis_tables(study, measures),
        *plan_tables(study),
        *answers_tables(study, measures, facing=facing),
        decisions_table(decisions),
    ]
    tables.write_tables(published, folder, edition=study.scheme.edition)
    return published


def _layers(study: Study, measures: Measures, folder: Path) -> None:
    layers = geopackage.build_layers(study, measures)
    geopackage.write_geopackage(layers, folder / "layers.gpkg")
    layer_metadata.write_metadata(layers, folder / "metadata")


def annexe_decisions(study: Study, links: Sequence[AnnexeLink]) -> tuple[Decision, ...]:
    """List what the annexes leave blank: each thing once, with the EPCI concerned."""
    names = dict(zip(study.epci["siren"], study.epci["name"], strict=True))
    places: dict[str, list[str]] = {}
    for link in links:
        for what in link.blanks:
            places.setdefault(what, []).append(names[link.siren])
    return tuple(Decision(ANNEXES, what, tuple(concerned)) for what, concerned in places.items())


def joined_decisions(decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """Say once what several documents leave blank for the same places; documents in the order of their first blank."""
    documents: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for decision in decisions:
        documents.setdefault((decision.what, tuple(sorted(decision.places))), []).append(decision.document)
    joined = [
        Decision(f"{names[0]}{''.join(f' et {name.lower()}' for name in names[1:])}", what, places)
        for (what, places), names in documents.items()
    ]
    order = list(dict.fromkeys(decision.document for decision in joined))
    return tuple(sorted(joined, key=lambda decision: order.index(decision.document)))


def _negotiations(study: Study, measures: Measures, folder: Path) -> list[NegotiationLink]:
    diagnosis = measures.diagnosis
    if diagnosis is None:
        return []
    return write_negotiations(
        study,
        measures.method,
        rows=diagnosis.negotiation,
        totals=diagnosis.negotiation_totals,
        sentences=diagnosis.negotiation_sentences,
        names=diagnosis.epci_names,
        folder=folder / "negociations",
    )


def write_annexe(
    study: Study,
    measures: Measures,
    census: pd.DataFrame,
    folder: Path,
    *,
    siren: str,
    facing: Facing | None = None,
) -> AnnexeLink:
    """Write the annex of one EPCI, as HTML, DOCX and PDF, and return its addresses relative to the run.

    Raises
    ------
    NameNotResolvedError
        When the EPCI is not in the study.
    """
    folder.mkdir(parents=True, exist_ok=True)
    facts = annexe.annexe_facts(study, measures, siren=siren, census=census, facing=facing)
    picture = static_map.draw_epci_map(study, measures, siren=siren)
    alt = static_map.alt_text(study, measures, siren=siren)
    stem = f"annexe-{safe_file_stem(siren, facts.epci)}"
    (folder / f"{stem}.html").write_text(annexe_html.render_html(facts, map_png=picture, alt=alt), encoding="utf-8")
    (folder / f"{stem}.docx").write_bytes(annexe_docx.render_docx(facts, map_png=picture, alt=alt))
    (folder / f"{stem}.pdf").write_bytes(annexe_pdf.render_pdf(facts, map_png=picture, alt=alt))
    html, docx, pdf = (f"annexes/{stem}.{suffix}" for suffix in ("html", "docx", "pdf"))
    return AnnexeLink(siren=siren, html=html, docx=docx, blanks=blanks_in(texts_of(facts)), pdf=pdf)
