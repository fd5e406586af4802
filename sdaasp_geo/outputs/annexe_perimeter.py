"""Part 1 of an annex: differences of perimeter between sources, and what happened to it since the convention."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.lifecycle import COMMUNE, EPCI, GAINED, LOST, PETR
from sdaasp_geo.french import NBSP, count, listing
from sdaasp_geo.outputs.annexe_scope import Scope, filled


def perimeter_notes(scope: Scope) -> tuple[str, ...]:
    """Say the differences of sources and the changes of perimeter that concern the EPCI."""
    study = scope.study
    codes = set(scope.members["code"])
    texts = []
    different = study.differences[
        study.differences["code"].isin(codes) | (study.differences["epci_second"] == scope.siren)
    ]
    texts += [
        f"Différence de périmètre à trancher{NBSP}: {row.name_} ({row.code}) relève de "
        f"{row.epci_name or 'aucun EPCI'} dans "
        f"la source retenue et de {row.epci_second_name or 'un autre EPCI'} dans la liste de "
        f"{row.second_vintage} de la "
        "source des contours. Les chiffres de cette annexe suivent la source retenue."
        for row in filled(different).rename(columns={"name": "name_"}).itertuples(index=False)
    ]
    changes = filled(study.evolution)
    mine = (
        changes["code"].isin(codes)
        | changes["before"].isin({scope.siren, *codes})
        | changes["after"].isin({scope.siren, *codes})
    )
    names = study.communes.set_index("code")["name"]
    texts += [_change(scope, row, names) for row in changes[mine].to_dict("records")]
    if not texts:
        since = study.scheme.millesimes.convention
        texts.append(
            f"Aucune différence de périmètre entre sources et aucun changement de commune relevé depuis {since}."
        )
    return tuple(texts)


def _change(scope: Scope, row: dict[str, str], names: pd.Series) -> str:
    """Write one change of perimeter, name or code."""
    label = f"{row['name']} ({row['code']})"
    later = names.get(row["after"], row["after"])
    if row["change"] == "changement d'EPCI":
        before, after = scope.epci_name(row["before"] or None), scope.epci_name(row["after"] or None)
        return f"{label} a changé d'EPCI{NBSP}: {before}, puis {after}."
    if row["change"] == "changement_de_nom":
        return f"{label} se nomme désormais {later}."
    if row["change"] == "fusion" and row["before"] == row["after"]:
        return f"{label} est devenue, par fusion, la commune {french.of(str(later))}."
    if row["change"] == "fusion":
        return f"{label} a fusionné dans la commune {french.of(str(later))} ({row['after']})."
    if row["change"] == "retablissement":
        return f"{label} a été modifiée par un rétablissement de commune ({later}, {row['after']})."
    return f"{label}{NBSP}: {row['change'].replace('_', ' ')} ({later}, {row['after']})."


def lifecycle_sentences(scope: Scope) -> tuple[str, ...]:
    """Say what happened to the EPCI, to its PETR and to its communes between the convention and the measure."""
    events = scope.diagnosis.lifecycle if scope.diagnosis else pd.DataFrame()
    if events.empty:
        return ()
    years = f"entre {events['vintage_before'].iloc[0]} et {events['vintage_after'].iloc[0]}"
    return (*_epci_events(scope, events, years), *_petr_events(scope, events, years), *_communes(scope, events, years))


def _epci_events(scope: Scope, events: pd.DataFrame, years: str) -> list[str]:
    """Tell the events of the EPCI itself; the communes that it gained or lost are told one by one elsewhere."""
    own = events[(events["level"] == EPCI) & (events["territory"] == scope.siren)]
    return [
        f"EPCI{NBSP}: {row['event']} {years} ({_told(row['before'], row['after'])})."
        for row in own[~own["event"].isin([GAINED, LOST])].to_dict("records")
    ]


def _told(before: str, after: str) -> str:
    return f"«{NBSP}{before}{NBSP}», puis «{NBSP}{after}{NBSP}»" if before and after else before or after


def _petr_events(scope: Scope, events: pd.DataFrame, years: str) -> list[str]:
    """Count the communes of the EPCI that entered a PETR, and those that left one for none."""
    petr = events[events["level"] == PETR]
    names = dict(zip(petr["territory"], petr["name"], strict=True))
    own = petr[petr["code_after"].isin(set(scope.members["code"]))]
    texts = []
    for (territory, before), group in own[own["event"] == GAINED].groupby(["territory", "before"]):
        origin = listing([names.get(code, code) for code in str(before).split()]) or "aucun PETR connu"
        size = count(len(group), "commune de l'EPCI", "communes de l'EPCI")
        belong = "relève" if len(group) == 1 else "relèvent"
        texts.append(f"{size} {belong} désormais du {names[territory]} ({years}{NBSP}; auparavant{NBSP}: {origin}).")
    left = own[(own["event"] == LOST) & (own["after"] == "")]
    for territory, group in left.groupby("territory"):
        size = count(len(group), "commune de l'EPCI a", "communes de l'EPCI ont")
        texts.append(f"{size} quitté {years} le {names[territory]}.")
    return [text.replace(f"{NBSP};", "\u202f;") for text in texts]


def _communes(scope: Scope, events: pd.DataFrame, years: str) -> list[str]:
    """Tell the events of communes that the comparison of vintages did not tell already."""
    told = set(scope.study.evolution["code"])
    own = events[(events["level"] == COMMUNE) & events["code_after"].isin(set(scope.members["code"]))]
    return [
        f"{row['commune']} ({row['code']}){NBSP}: {row['event']} {years} ({row['after'] or row['code_after']})."
        for row in own[~own["code"].isin(told)].to_dict("records")
    ]
