"""The rows of a thematic map: communes or EPCI, with what does not depend on the view."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sdaasp_geo.french import NBSP, minutes, number
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.map_model import COMMUNE, EPCI, NOT_COUNTED, Theme, View
from sdaasp_geo.outputs.web_map_text import studied_communes
from sdaasp_geo.study import Study

YES, NO = "Oui", "Non"


def commune_theme(
    study: Study,
    views: Sequence[View],
    *,
    code: str,
    title: str,
    label: str,
    note: str,
    choice: str,
    method: Sequence[str] = (),
) -> Theme:
    """Return a theme whose rows are the studied communes, in the order of `web_map_text.studied_communes`.

    The legend counts those of the département.
    """
    communes = studied_communes(study)
    people = ["non connue" if row.population_reason else number(row.population) for row in communes.itertuples()]
    counted = communes["population"].where(communes["inside"], NOT_COUNTED)
    return Theme(
        code=code,
        title=plain_text(title),
        label=plain_text(label),
        note=plain_text(note),
        choice=choice,
        level=COMMUNE,
        names=texts(
            f"{row.name} ({row.departement})" for row in communes[["name", "departement"]].itertuples(index=False)
        ),
        identity=(("EPCI", texts(communes["epci_name"])), ("Habitants", texts(people))),
        counted=tuple(int(value) for value in counted),
        rows=tuple(range(len(communes))),
        views=tuple(views),
        method=texts(method),
        main_services=services_of(views),
    )


def epci_theme(
    study: Study,
    views: Sequence[View],
    *,
    code: str,
    title: str,
    label: str,
    note: str,
    choice: str,
    method: Sequence[str] = (),
) -> Theme:
    """Return a theme whose rows are the EPCI of the study, in order; each commune has the row of its EPCI, or none."""
    epci = study.epci
    row_of = {siren: row for row, siren in enumerate(epci["siren"])}
    return Theme(
        code=code,
        title=plain_text(title),
        label=plain_text(label),
        note=plain_text(note),
        choice=choice,
        level=EPCI,
        names=texts(epci["name"]),
        identity=(
            ("Convention", texts(epci["role"])),
            ("Communes", texts(map(number, epci["communes"]))),
            ("Habitants", texts(map(number, epci["population"]))),
        ),
        counted=tuple(int(value) for value in epci["population"]),
        rows=tuple(row_of.get(siren, NOT_COUNTED) for siren in studied_communes(study)["epci"]),
        views=tuple(views),
        method=texts(method),
        main_services=services_of(views),
    )


def services_of(views: Sequence[View]) -> tuple[str, ...]:
    """Return the services whose places the views draw, in order, once each."""
    return tuple(dict.fromkeys(service for view in views for service in view.services))


def by_commune(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Put the rows of a table, one by ``code``, in the order of the studied communes; absent ones are missing."""
    return table.set_index("code").reindex(studied_communes(study)["code"]).reset_index()


def texts(values: object) -> tuple[str, ...]:
    """Return inert texts on one line each."""
    return tuple(plain_text(value) for value in values)  # type: ignore[attr-defined] # any iterable: Series, list, map


def minutes_or(value: float, otherwise: object) -> str:
    """Write minutes, or why there are none."""
    return (plain_text(otherwise) or "non mesuré") if pd.isna(value) else minutes(value)


def place_or_none(commune: object, departement: object = "") -> str:
    """Write where a place is."""
    if pd.isna(commune):
        return "aucun"
    return f"{commune} ({departement})" if departement else str(commune)


def after_name(sentence: object, name: object) -> str:
    """Return a sentence without the name of the commune that begins it: the card has it as its title."""
    text = plain_text(sentence).removeprefix(f"{plain_text(name)}{NBSP}: ")
    return text[:1].upper() + text[1:]
