"""The conventions of a scheme as editable documents: the framework convention, and one per EPCI that signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs.convention_docx import render_convention
from sdaasp_geo.outputs.convention_framework import framework_document
from sdaasp_geo.outputs.convention_model import FRAMEWORK, Document, blanks
from sdaasp_geo.outputs.convention_territorial import territorial_document
from sdaasp_geo.study import Decision, Measures, Study

__all__ = ["ConventionLink", "blanks", "convention_decisions", "convention_documents", "write_conventions"]

_LABELS = {FRAMEWORK: "Convention-cadre"}


@dataclass(frozen=True)
class ConventionLink:
    """A convention written in a run.

    Attributes
    ----------
    kind, siren, party, title : str
        See `convention_model.Document`.
    docx : str
        Address, relative to the run.
    blanks : tuple of str
        What remains to fill in, in order.
    """

    kind: str
    siren: str
    party: str
    title: str
    docx: str
    blanks: tuple[str, ...]


def convention_documents(study: Study, measures: Measures, *, census: pd.DataFrame) -> list[Document]:
    """Write every convention of a scheme: the framework one, then that of each EPCI that signs.

    Parameters
    ----------
    study, measures : Study, Measures
        The layers, the programme where the scheme gives one, and the figures.
    census : DataFrame
        See `annexe.annexe_facts`.
    """
    signing = study.epci.loc[study.epci["role"] == SIGNS, "siren"]
    own = [territorial_document(study, measures, siren=str(siren), census=census) for siren in signing]
    return [framework_document(study), *own]


def convention_decisions(documents: Sequence[Document]) -> tuple[Decision, ...]:
    """Gather what remains to fill in: each blank once by kind of convention, with the parties concerned."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for document in documents:
        for what in blanks(document):
            kind = _LABELS.get(document.kind, "Conventions territoriales")
            found.setdefault((kind, what), {})[document.party] = None
    return tuple(Decision(kind, what, tuple(parties)) for (kind, what), parties in found.items())


def write_conventions(documents: Sequence[Document], folder: Path) -> list[ConventionLink]:
    """Write conventions as DOCX.

    Parameters
    ----------
    documents : sequence of Document
        From `convention_documents`.
    folder : Path
        ``conventions`` of the run; made when absent.

    Returns
    -------
    list of ConventionLink
        Addresses relative to the folder above, with the blanks of each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    links = []
    for document in documents:
        name = f"{document.stem}.docx"
        (folder / name).write_bytes(render_convention(document))
        links.append(
            ConventionLink(
                kind=document.kind,
                siren=document.siren,
                party=document.party,
                title=document.title,
                docx=f"{folder.name}/{name}",
                blanks=blanks(document),
            )
        )
    return links
