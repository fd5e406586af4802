"""The gazetteer: EPCI, PETR, départements and communes of several vintages, with every name they were known by."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.layers.names import COMMUNE, DEPARTEMENT, EPCI, KINDS, PETR, name_keys

Key = tuple[str, str]
"""A territory: its kind and its code."""


@dataclass(frozen=True)
class Territory:
    """A territory: its names with the years that used them, the years it exists, the départements of its communes."""

    kind: str
    code: str
    names: tuple[tuple[str, tuple[int, ...]], ...]
    years: frozenset[int]
    departements: frozenset[str]

    def name_in(self, vintage: int) -> str:
        """Return its name in a year, or in the closest year it is known in (the later of two)."""
        return min(self.names, key=lambda named: min((abs(year - vintage), -year) for year in named[1]))[0]


@dataclass(frozen=True)
class Gazetteer:
    """Territories by kind and code, the keys of their names (`names.name_keys`), and their codes.

    Attributes
    ----------
    vintages : tuple of int
        Vintages of communes and EPCI, oldest first.
    territories : mapping
        ``(kind, code)`` → `Territory`.
    by_name : mapping
        ``(kind, rank of the key, key)`` → territories that have it.
    by_code : mapping
        INSEE code, SIREN, code of département, identifier of PETR → territories.
    communes, petr, moves : DataFrame
        The tables it was built from, for perimeters.
    """

    vintages: tuple[int, ...]
    territories: Mapping[Key, Territory]
    by_name: Mapping[tuple[str, int, str], tuple[Key, ...]]
    by_code: Mapping[str, tuple[Key, ...]]
    communes: pd.DataFrame
    petr: pd.DataFrame
    moves: pd.DataFrame

    def named(self, key: Key, vintage: int) -> str:
        """Write a territory for a reader: name in that year, and code."""
        return f"{self.territories[key].name_in(vintage)} ({key[1]})"


_NO_MOVES = pd.DataFrame(columns=["vintage", "code_before", "name_before", "code_after"])
_ASIDE = re.compile(r"\s*[(\[][^)\]]*[)\]]")


def build_gazetteer(
    *,
    communes: pd.DataFrame,
    epci: pd.DataFrame,
    petr: pd.DataFrame,
    departements: Mapping[str, str],
    moves: pd.DataFrame = _NO_MOVES,
    other_names: pd.DataFrame | None = None,
) -> Gazetteer:
    """Build the gazetteer of some vintages.

    Parameters
    ----------
    communes : DataFrame
        Communes of every vintage, stacked: ``vintage, code, name, departement, epci`` (SIREN or missing),
        ``population`` (inhabitants).
    epci : DataFrame
        EPCI of every vintage, stacked: ``vintage, siren, name``.
    petr : DataFrame
        Dated members (``petr, siren, name, valid_from, valid_to, member, departements``, text): the PETR of a
        vintage are those of its 1 January. The code of a PETR is its ``petr``; its SIREN is understood too.
    departements : mapping
        Code → name.
    moves : DataFrame
        Changes of communes (``vintage, code_before, name_before, code_after``), to find what became of a commune;
        those of the first vintage also give the names of the year before it.
    other_names : DataFrame, optional
        Spellings that someone has confirmed: ``kind, code, name``. They are names like the others.

    Raises
    ------
    InputError
        An other name of no known territory.
    """
    vintages = tuple(sorted(int(year) for year in communes["vintage"].unique()))
    territories = {
        **_communes(communes, moves),
        **_epci(epci, communes),
        **_petr(petr, vintages),
        **{
            (DEPARTEMENT, code): Territory(
                DEPARTEMENT, code, ((name, vintages),), frozenset(vintages), frozenset({code})
            )
            for code, name in departements.items()
        },
    }
    extra = _other_names(other_names, territories)
    by_code: defaultdict[str, list[Key]] = defaultdict(list)
    for key in territories:
        by_code[key[1]].append(key)
    for siren, code in sorted(set(zip(petr["siren"], petr["petr"], strict=True))):
        if siren and (PETR, code) in territories:
            by_code[siren].append((PETR, code))
    return Gazetteer(
        vintages=vintages,
        territories=territories,
        by_name=_index(territories, extra),
        by_code={code: tuple(keys) for code, keys in by_code.items()},
        communes=communes[["vintage", "code", "departement", "epci", "population"]],
        petr=petr,
        moves=moves,
    )


def _territories(
    kind: str, rows: Iterable[tuple[int, str, str]], places: Mapping[str, Iterable[str]]
) -> dict[Key, Territory]:
    """Gather rows (vintage, code, name) by code."""
    found: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for vintage, code, name in rows:
        found[code][name].append(int(vintage))
    return {
        (kind, code): Territory(
            kind,
            code,
            tuple((name, tuple(years)) for name, years in names.items()),
            frozenset(year for years in names.values() for year in years),
            frozenset(places.get(code, ())),
        )
        for code, names in found.items()
    }


def _communes(communes: pd.DataFrame, moves: pd.DataFrame) -> dict[Key, Territory]:
    places: dict[str, tuple[str, ...]] = {
        code: (place,) for code, place in zip(communes["code"], communes["departement"], strict=True)
    }
    first = communes["vintage"].min()
    before = moves[moves["vintage"] == first].drop_duplicates("code_before")
    for row in before.itertuples(index=False):
        places.setdefault(str(row.code_before), places.get(str(row.code_after), ()))
    known = zip(communes["vintage"], communes["code"], communes["name"], strict=True)
    older = zip(before["vintage"] - 1, before["code_before"], before["name_before"], strict=True)
    return _territories(COMMUNE, [*older, *known], places)


def _epci(epci: pd.DataFrame, communes: pd.DataFrame) -> dict[Key, Territory]:
    pairs = communes.dropna(subset=["epci"]).drop_duplicates(["epci", "departement"])
    places: defaultdict[str, list[str]] = defaultdict(list)
    for siren, place in zip(pairs["epci"], pairs["departement"], strict=True):
        places[siren].append(place)
    return _territories(EPCI, zip(epci["vintage"], epci["siren"], epci["name"], strict=True), places)


def _petr(petr: pd.DataFrame, vintages: tuple[int, ...]) -> dict[Key, Territory]:
    rows, places = [], defaultdict(set)
    for row in petr.itertuples(index=False):
        code, name = str(row.petr), str(row.name)
        places[code].update(str(row.departements).split())
        rows += [(year, code, name) for year in vintages if _in_force(row.valid_from, row.valid_to, year)]
    return _territories(PETR, sorted(set(rows)), places)


def _in_force(start: object, end: object, vintage: int) -> bool:
    day = f"{vintage}-01-01"
    return (not start or str(start) <= day) and (not end or str(end) >= day)


def _other_names(table: pd.DataFrame | None, territories: Mapping[Key, Territory]) -> list[tuple[Key, str]]:
    if table is None:
        return []
    rows = [(str(row.kind), str(row.code), str(row.name)) for row in table.itertuples(index=False)]
    faults = [
        Fault(
            "autres noms", number, "code", code, f"le code d'un territoire connu ({', '.join(KINDS)})", "Corrigez-le."
        )
        for number, (kind, code, _) in enumerate(rows, 2)
        if (kind, code) not in territories
    ]
    if faults:
        raise InputError(faults)
    return [((kind, code), name) for kind, code, name in rows]


def _index(
    territories: Mapping[Key, Territory], extra: list[tuple[Key, str]]
) -> dict[tuple[str, int, str], tuple[Key, ...]]:
    """Give each key of each name, with and without what is in parentheses, its territories."""
    index: defaultdict[tuple[str, int, str], dict[Key, None]] = defaultdict(dict)
    every = [(key, name) for key, territory in territories.items() for name, _ in territory.names]
    for key, name in [*every, *extra]:
        for written in dict.fromkeys((name, _ASIDE.sub(" ", name))):
            for rank, tier in enumerate(name_keys(written, key[0])):
                for words in tier:
                    index[key[0], rank, words][key] = None
    return {entry: tuple(sorted(keys)) for entry, keys in index.items()}


def successors(gazetteer: Gazetteer, key: Key, vintage: int) -> list[Key]:
    """Return the territories of a vintage that hold what a territory of another vintage held, most communes first."""
    kind, code = key
    territory = gazetteer.territories[key]
    last = max((year for year in territory.years if year < vintage), default=min(territory.years))
    if kind == COMMUNE:
        return [(COMMUNE, found) for found in _followed(gazetteer, code, last, vintage)]
    if kind == PETR:
        petr = gazetteer.petr
        members = set(petr.loc[petr["petr"] == code, "member"])
        heirs = petr[petr["member"].isin(members) & (petr["petr"] != code)]
        counted = Counter((PETR, str(heir)) for heir in heirs["petr"])
    else:
        table = gazetteer.communes
        held = set(table.loc[(table["vintage"] == last) & (table["epci"] == code), "code"])
        now = table[(table["vintage"] == vintage) & table["code"].isin(held)]
        counted = Counter((EPCI, str(siren)) for siren in now["epci"].dropna())
    known = (heir for heir, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0])))
    return [heir for heir in known if heir in gazetteer.territories and vintage in gazetteer.territories[heir].years]


def _followed(gazetteer: Gazetteer, code: str, last: int, vintage: int) -> list[str]:
    """Follow a commune forward through the moves."""
    moves = gazetteer.moves
    codes = {code}
    for year in range(last + 1, vintage + 1):
        of_year = moves[(moves["vintage"] == year) & moves["code_before"].isin(codes)]
        codes = (codes - set(of_year["code_before"])) | set(of_year["code_after"])
    return sorted(
        found
        for found in codes
        if (COMMUNE, found) in gazetteer.territories and vintage in gazetteer.territories[COMMUNE, found].years
    )
