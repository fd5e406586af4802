"""One negotiation sheet per neighbouring EPCI, to hand to the neighbour: a self-contained page and a workbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.french import NBSP, number
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs.annexe_html import TEMPLATES
from sdaasp_geo.outputs.annexe_scope import NONE
from sdaasp_geo.outputs.escape import safe_file_stem
from sdaasp_geo.outputs.negotiation_model import DIGITS, Sheet, make_sheet
from sdaasp_geo.outputs.negotiation_workbook import render_workbook
from sdaasp_geo.outputs.tables import epci_labels
from sdaasp_geo.study import Study
from sdaasp_geo.travel.engine import Method

TEMPLATE = "negociation.html.j2"


@dataclass(frozen=True)
class NegotiationLink:
    """The files of one negotiation sheet, relative to the folder that holds theirs.

    Attributes
    ----------
    siren, epci : str
        The neighbouring EPCI.
    html, xlsx : str
        Addresses of the page and of the workbook.
    communes_out, communes_in : int
        Communes that would win minutes with a counter of the neighbour, and the neighbour's with one of ours.
    """

    siren: str
    epci: str
    html: str
    xlsx: str
    communes_out: int
    communes_in: int


def write_negotiations(
    study: Study,
    method: Method,
    *,
    rows: pd.DataFrame,
    totals: pd.DataFrame,
    sentences: pd.DataFrame,
    names: Mapping[str, str],
    folder: Path,
) -> list[NegotiationLink]:
    """Write the negotiation sheet of each neighbouring EPCI, as HTML and XLSX.

    Parameters
    ----------
    study, method : Study, Method
        The checked layers, and how times were obtained.
    rows, totals, sentences : DataFrame
        `negotiation_rows`, `negotiation_totals` and `negotiation_sentences` (`analysis.negotiation`), with the communes
        of the département as ``ours``. Without any row, nothing is written.
    names : mapping
        Names of EPCI by SIREN, beside those of the study; an EPCI without name is called by its SIREN.
    folder : Path
        Where to write ``<siren>-<name>.html`` and ``.xlsx``; made where there is something to write.

    Returns
    -------
    list of NegotiationLink
        Sorted by SIREN.
    """
    names = {**epci_labels(study), **names}
    links = []
    for siren in neighbours_of(study, rows):
        sheet = make_sheet(study, method, siren=siren, rows=rows, totals=totals, sentences=sentences, names=names)
        folder.mkdir(parents=True, exist_ok=True)
        stem = safe_file_stem(siren, names.get(siren, ""))
        (folder / f"{stem}.html").write_text(render_page(sheet, workbook=f"{stem}.xlsx"), encoding="utf-8")
        (folder / f"{stem}.xlsx").write_bytes(render_workbook(sheet, edition=study.scheme.edition))
        yours, ours = (len({case.code for case in direction.listed}) for direction in sheet.directions)
        links.append(
            NegotiationLink(
                siren=siren,
                epci=sheet.epci,
                html=f"{folder.name}/{stem}.html",
                xlsx=f"{folder.name}/{stem}.xlsx",
                communes_out=ours,
                communes_in=yours,
            )
        )
    return links


def neighbours_of(study: Study, rows: pd.DataFrame) -> list[str]:
    """Return the EPCI that get a sheet, sorted: those of the rows and those that share a border, signatories apart.

    An EPCI that signs a convention here is never its own neighbour, even where it has communes elsewhere; communes in
    no EPCI have no one to hand a sheet to. Both stay in the rows.
    """
    if rows.empty:
        return []
    signatories = set(study.epci.loc[study.epci["role"] == SIGNS, "siren"])
    return sorted((set(rows["neighbour"]) | set(study.neighbours["siren"])) - signatories - {NO_TERRITORY})


def render_page(sheet: Sheet, *, workbook: str) -> str:
    """Write a negotiation sheet as an HTML page that requests nothing.

    Parameters
    ----------
    sheet : Sheet
        What it says (`negotiation_model.make_sheet`).
    workbook : str
        Address of its workbook.

    Returns
    -------
    str
        The page; every text from the data is escaped.
    """
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(TEMPLATE).render(
        sheet=sheet, workbook=workbook, whole=number, decimal=_decimal, nbsp=NBSP, dash=NONE
    )


def _decimal(value: float | None) -> str:
    return NONE if value is None else number(value, digits=DIGITS, beside=(value,))
