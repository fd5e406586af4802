"""What the site of a run leads to: addresses relative to the folder of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdaasp_geo.french import in_order
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs.conventions import ConventionLink
from sdaasp_geo.outputs.negotiation import NegotiationLink
from sdaasp_geo.outputs.tables import Table
from sdaasp_geo.study import Decision, Study

INDEX, DECISIONS, DATA = "index.html", "a-decider.html", "tables/index.html"
"""Pages of the site, beside those of `epci_page`."""

CHANGES_FOLDER = "changements"
"""Where a site holds the comparison with the edition before."""

NO_CHANGES = "<p>Aucune comparaison avec une édition précédente n'est jointe.</p>"
CHANGES = f'<p><a href="{CHANGES_FOLDER}/{INDEX}">Ce qui a changé depuis la dernière édition, et pourquoi</a></p>'


@dataclass(frozen=True)
class AnnexeLink:
    """The files of one annex (``pdf`` is empty where there is none), and what they leave to fill in."""

    siren: str
    html: str
    docx: str
    blanks: tuple[str, ...] = ()
    pdf: str = ""


@dataclass(frozen=True)
class Contents:
    """What a run wrote, for the pages that lead to it.

    Attributes
    ----------
    maps, plan : tuple of mapping
        ``href, label, note`` of the maps (the main one first) and of the pages of the scheme itself.
    annexes, conventions, negotiations
        Documents, in the order written.
    decisions : tuple of Decision
        What people must still decide.
    tables : tuple of Table
        Published tables, for the page of the data dictionary.
    epci_map : str
        Address of the map that the page of an EPCI opens, centred on it by a fragment (``#carte=zoom/lat/lon``).
    changes : bool
        Whether a comparison lies in ``changements/``.
    """

    maps: tuple[Mapping[str, str], ...]
    annexes: tuple[AnnexeLink, ...] = ()
    conventions: tuple[ConventionLink, ...] = ()
    plan: tuple[Mapping[str, str], ...] = ()
    negotiations: tuple[NegotiationLink, ...] = ()
    decisions: tuple[Decision, ...] = ()
    tables: tuple[Table, ...] = ()
    epci_map: str = "maps/carte.html"
    changes: bool = False


def epci_page(siren: str) -> str:
    """Return the permanent address of the page of an EPCI, relative to the run."""
    return f"epci/{siren}/{INDEX}"


def annexe_files(contents: Contents, siren: str) -> list[dict[str, str]]:
    """Return the files of the annex of an EPCI: ``href``, ``format``, ``label``."""
    for link in contents.annexes:
        if link.siren == siren:
            files = (
                ("HTML", "page HTML", link.html),
                ("PDF", "document PDF", link.pdf),
                ("DOCX", _EDITABLE, link.docx),
            )
            return [{"format": name, "label": label, "href": href} for name, label, href in files if href]
    return []


def convention_files(contents: Contents, siren: str) -> list[dict[str, str]]:
    """Return the files of the convention of an EPCI; of the framework convention for an empty SIREN."""
    return [
        {"format": "DOCX", "label": _EDITABLE, "href": link.docx}
        for link in contents.conventions
        if link.siren == siren
    ]


_EDITABLE = "document modifiable DOCX"


def territories(study: Study) -> list[dict[str, object]]:
    """Return the EPCI that have a commune in the département, in alphabetical order: rows of ``study.epci``."""
    rows = {f"{row['name']}\n{row['siren']}": row for row in study.epci.drop(columns="geometry").to_dict("records")}
    return [{**rows[key], "signs": rows[key]["role"] == SIGNS} for key in in_order(rows)]
