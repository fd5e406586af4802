"""Indicators of local governance, by EPCI and year: interlocutors, local bodies, meetings, part in the département's.

They are those of sheet 1-B-2. What the governance table does not say is *non renseigné*, never zero; zero is what it
says (« aucun », « à désigner »), or the absence from a list of participants that names other EPCI.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sdaasp_geo.action_plan import BODY, LOCAL, MEETING, fold, items_of
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.layers.names import EPCI, name_keys
from sdaasp_geo.layers.periods import read_period
from sdaasp_geo.layers.territories import SIGNS

MEASURED, NOT_SAID = "mesuré", "non renseigné"
"""Status of a value."""

ELECTED, TECHNICAL, INTERLOCUTORS, COMMITTEE = "elu_referent", "technicien_referent", "interlocuteurs", "comite"
MEETINGS, PARTICIPATION, REPRESENTATIVES = "reunions", "participation", "representants"
INDICATORS = {
    ELECTED: ("Élu référent désigné", "personne"),
    TECHNICAL: ("Technicien référent désigné", "personne"),
    INTERLOCUTORS: ("Interlocuteurs identifiés", "personnes"),
    COMMITTEE: ("Instance locale mise en place", "instance"),
    MEETINGS: ("Réunions annuelles de l'instance locale", "réunions"),
    PARTICIPATION: ("Participation aux réunions des instances départementales", "réunions"),
    REPRESENTATIVES: ("Représentants désignés aux instances départementales", "personnes"),
}
"""Label and unit of each indicator, in French."""

DEPARTEMENT = "departement"
"""Level of the totals; EPCI have the level ``epci``."""

LOCAL_CATEGORY = "locale"
_SEATS = ("representant_conference", "representant_comite_technique")
_NAMES = {
    ELECTED: "élu référent",
    TECHNICAL: "technicien référent",
    _SEATS[0]: "représentant à la Conférence",
    _SEATS[1]: "représentant au Comité technique",
}
_NONE = {
    *("0", "non", "neant", "aucun", "aucune", "vacant", "poste vacant", "sans objet", "en projet", "prevu"),
    *("non designe", "pas designe", "a designer", "a nommer", "non cree", "pas de comite", "a creer", "pas encore"),
}
_EVERY = ("chaque epci", "tous les epci", "toutes les intercommunalites", "ensemble des epci", "l ensemble des epci")
_COLUMNS = ["level", "siren", "epci", "indicator", "label", "year", "value", "unit", "minimum", "status", "reason"]
_NO_MEETING, _NO_YEAR = "aucune réunion consignée", "année incertaine"
_NO_LIST = "aucune liste de participants qui nomme des EPCI"
_WORDS_OF = (
    (PARTICIPATION, ("participation", "gouvernance")),
    (MEETINGS, ("reunion", "instance")),
    (COMMITTEE, ("instance", "mise")),
    (INTERLOCUTORS, ("interlocuteur",)),
)


def governance_indicators(bodies: pd.DataFrame, named: pd.DataFrame, epci: pd.DataFrame) -> pd.DataFrame:
    """Measure what the governance table tells of each EPCI.

    Parameters
    ----------
    bodies : DataFrame
        The layer (`layers.governance.build_governance`).
    named : DataFrame
        `Programme.territories`: codes of the territories that its rows name.
    epci : DataFrame
        ``siren, name, role``: EPCI that sign are measured, and those that have a row of their own.

    Returns
    -------
    DataFrame
        One row per EPCI × indicator, and per year for meetings and participation: ``level`` (``epci``, or
        `DEPARTEMENT`: the sum of the measured values), ``siren`` (empty for a row whose territory is not recognised,
        and for the département), ``epci`` (name), ``indicator`` (`INDICATORS`), ``label``, ``year`` (Int64; missing:
        a state without date, or no meeting at all), ``value`` (float, NaN where not said), ``unit``, ``minimum``
        (meetings asked a year, NaN where none is), ``status`` (`MEASURED` or `NOT_SAID`), ``reason`` (French).
    """
    own = _local_rows(bodies, named, epci)
    rows = [row for local in own for row in _state_rows(local)]
    held = meetings(bodies, named)
    years = sorted({int(year) for year in held["year"].dropna()})
    rows += _meeting_rows(own, held, _body_minimum(bodies, named), years)
    rows += _participation_rows(own, _attendance(bodies, held, named, epci), years)
    table = pd.DataFrame(rows, columns=_COLUMNS)
    table = pd.concat([table, pd.DataFrame(_totals(table), columns=_COLUMNS)], ignore_index=True)
    text = dict.fromkeys(("level", "siren", "epci", "indicator", "label", "unit", "status", "reason"), "str")
    return table.astype({**text, "year": "Int64", "value": "float64", "minimum": "float64"})


def indicator_of(words: str) -> str:
    """Return the indicator that the words of an action ask for, or an empty text.

    Examples
    --------
    >>> indicator_of("Nombre de réunions annuelles des instances locales"), indicator_of("Personnes reçues")
    ('reunions', '')
    """
    folded = fold(words)
    return next((code for code, needed in _WORDS_OF if all(word in folded for word in needed)), "")


@dataclass
class _Local:
    """What the table tells of an EPCI: items of its cells by column, and the meetings it asks a year (NaN: unsaid)."""

    siren: str
    epci: str
    minimum: float
    cells: dict[str, tuple[str, ...]]


def _local_rows(bodies: pd.DataFrame, named: pd.DataFrame, epci: pd.DataFrame) -> list[_Local]:
    """Return what each EPCI has: cells of its rows joined, signatories without a row, rows without EPCI."""
    codes = _codes_of(named, LOCAL)
    names = dict(zip(epci["siren"], epci["name"], strict=True))
    columns = (ELECTED, TECHNICAL, COMMITTEE, *_SEATS)
    signing = epci.loc[epci["role"] == SIGNS, "siren"]
    told = {siren: _Local(siren, names[siren], float("nan"), dict.fromkeys(columns, ())) for siren in signing}
    for row in bodies[bodies["type"] == LOCAL].to_dict("records"):
        found = codes.get(row["code"], [])
        siren = found[0] if len(found) == 1 else ""
        empty = _Local(siren, names.get(siren, row["nom"]), float("nan"), dict.fromkeys(columns, ()))
        known = told.setdefault(siren or f"?{row['code']}", empty)
        known.minimum = row["meetings_min"] if pd.isna(known.minimum) else known.minimum
        for column in columns:
            known.cells[column] += items_of(row[column])
    return list(told.values())


def _codes_of(named: pd.DataFrame, kind: str) -> dict[str, list[str]]:
    """Return the SIREN that the rows of a kind name, by code of the row; territories with a reason name none."""
    own = named[(named["table"] == "gouvernance") & (named["kind"] == kind) & (named["reason"] == "")]
    own = own[(own["territory_kind"] == EPCI) & (own["territory_code"] != "")]
    return {str(code): list(dict.fromkeys(codes)) for code, codes in own.groupby("code")["territory_code"]}


def _state_rows(local: _Local) -> list[tuple[object, ...]]:
    one = {name: _named(local.cells[name]) for name in (ELECTED, TECHNICAL, COMMITTEE, *_SEATS)}
    rows = [_row(local, name, value=one[name], missing="cellule vide") for name in (ELECTED, TECHNICAL)]
    rows.append(_several(local, INTERLOCUTORS, {name: one[name] for name in (ELECTED, TECHNICAL)}))
    rows.append(_row(local, COMMITTEE, value=one[COMMITTEE], missing="cellule vide"))
    rows.append(_several(local, REPRESENTATIVES, {name: one[name] for name in _SEATS}))
    return rows


def _named(texts: tuple[str, ...]) -> float:
    """Return 1 where a cell names someone or something, 0 where it says that there is none, NaN where it is empty."""
    said = [fold(text) not in _NONE for text in texts]
    return float(any(said)) if said else float("nan")


def _several(local: _Local, indicator: str, parts: Mapping[str, float]) -> tuple[object, ...]:
    """Add up what is said of two cells; the one that says nothing is named in the reason."""
    known = [value for value in parts.values() if not pd.isna(value)]
    silent = [_NAMES[name] for name, value in parts.items() if pd.isna(value)]
    reason = f"{' et '.join(silent)}{NBSP}: non renseigné" if silent and known else ""
    value = sum(known) if known else float("nan")
    return _row(local, indicator, value=value, reason=reason, missing="cellules vides")


def _row(
    local: _Local,
    indicator: str,
    *,
    value: float,
    year: int | None = None,
    minimum: float = float("nan"),
    reason: str = "",
    missing: str = "",
) -> tuple[object, ...]:
    label, unit = INDICATORS[indicator]
    told = not pd.isna(value)
    why = reason if told else missing
    if not local.siren:
        why = " ; ".join(part for part in ("territoire non reconnu", why) if part)
    state = MEASURED if told else NOT_SAID
    return ("epci", local.siren, local.epci, indicator, label, year, value, unit, minimum, state, why)


def meetings(bodies: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """List the meetings that the governance table records.

    Returns
    -------
    DataFrame
        ``code, name, body`` (code of the instance), ``category`` (of the instance), ``words, day`` (datetime64[s]),
        ``year`` (Int64, missing where the date is not in one year), ``sirens`` (EPCI that the row names itself),
        ``participants`` (tuple of str).
    """
    own = bodies[bodies["type"] == MEETING]
    category = bodies[bodies["type"] == BODY].set_index("code")["categorie"].map(fold)
    codes = _codes_of(named, MEETING)
    periods = [read_period(text) for text in own["date"]]
    years = [
        period.start.year if period.start and period.end and period.start.year == period.end.year else None
        for period in periods
    ]
    return pd.DataFrame(
        {
            "code": own["code"].tolist(),
            "name": own["nom"].tolist(),
            "body": own["instance"].tolist(),
            "category": [category.get(code, "") for code in own["instance"]],
            "words": own["date"].tolist(),
            "day": own["day"].array,
            "year": pd.array(years, dtype="Int64"),
            "sirens": [tuple(codes.get(code, ())) for code in own["code"]],
            "participants": [items_of(text, commas=True) for text in own["participants"]],
        }
    )


def body_meetings(bodies: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """Count the meetings of each body by year, beside the number asked.

    Returns
    -------
    DataFrame
        ``code, body, category, year`` (Int64; missing: no meeting at all, or one whose year is not told), ``held``
        (Int64, missing where no meeting is recorded that year), ``minimum, maximum`` (a year, NaN where unsaid),
        ``status, reason``. Every body has a row for each year that has a meeting.
    """
    held = meetings(bodies, named)
    years = sorted({int(year) for year in held["year"].dropna()})
    counts = _counted([(code,) for code in held["body"]], held["year"])
    rows = []
    for body in bodies[bodies["type"] == BODY].to_dict("records"):
        for year in _shown(years, undated=(body["code"], None) in counts):
            number = counts.get((body["code"], year))
            reason = _NO_MEETING if number is None else "" if year is not None else _NO_YEAR
            limits = (body["meetings_min"], body["meetings_max"])
            status = NOT_SAID if number is None else MEASURED
            rows.append((body["code"], body["nom"], body["categorie"], year, number, *limits, status, reason))
    columns = ["code", "body", "category", "year", "held", "minimum", "maximum", "status", "reason"]
    return pd.DataFrame(rows, columns=columns).astype(
        {"year": "Int64", "held": "Int64", "minimum": "float64", "maximum": "float64"}
    )


def _body_minimum(bodies: pd.DataFrame, named: pd.DataFrame) -> dict[str, float]:
    """Return the meetings a year that local bodies ask of each EPCI that they name."""
    codes = _codes_of(named, BODY)
    least: dict[str, float] = {}
    own = bodies[(bodies["type"] == BODY) & (bodies["categorie"].map(fold) == LOCAL_CATEGORY)]
    for code, number in zip(own["code"], own["meetings_min"], strict=True):
        least |= {siren: number for siren in codes.get(code, []) if not pd.isna(number) and siren not in least}
    return least


def _meeting_rows(
    own: list[_Local], held: pd.DataFrame, asked: Mapping[str, float], years: Sequence[int]
) -> list[tuple[object, ...]]:
    """Count the meetings of local bodies that name each EPCI, by year; those without a sure year are told apart."""
    local = held[held["category"] == LOCAL_CATEGORY]
    counts = _counted(local["sirens"], local["year"])
    rows = []
    for row in own:
        minimum = asked.get(row.siren, float("nan")) if pd.isna(row.minimum) else row.minimum
        for year in _shown(years, undated=(row.siren, None) in counts):
            value = float(counts.get((row.siren, year), "nan"))
            reason = "" if year is not None else _NO_YEAR
            rows.append(
                _row(row, MEETINGS, value=value, year=year, minimum=minimum, reason=reason, missing=_NO_MEETING)
            )
    return rows


def _counted(sirens: Iterable[tuple[str, ...]], years: Iterable[int]) -> Counter[tuple[str, int | None]]:
    pairs = zip(sirens, years, strict=True)
    return Counter((siren, None if pd.isna(year) else int(year)) for listed, year in pairs for siren in listed)


def _shown(years: Sequence[int], *, undated: bool) -> list[int | None]:
    """Return the years to show: those of the meetings, and none where there is no year, or a meeting without one."""
    return [*years, *([None] if undated or not years else [])]


def _attendance(bodies: pd.DataFrame, held: pd.DataFrame, named: pd.DataFrame, epci: pd.DataFrame) -> pd.DataFrame:
    """List who was at the meetings that are not local: ``year, sirens`` (None: the row names no EPCI)."""
    other = held[held["category"] != LOCAL_CATEGORY]
    spelled = _spellings(bodies, named, epci)
    everyone = tuple(epci.loc[epci["role"] == SIGNS, "siren"])
    there = []
    for names in other["participants"]:
        sirens: list[str] = []
        for name in names:
            sirens += everyone if fold(name) in _EVERY else _siren_of(name, spelled)
        there.append(tuple(dict.fromkeys(sirens)))
    return pd.DataFrame({"year": other["year"].tolist(), "sirens": there}, columns=["year", "sirens"])


def _spellings(bodies: pd.DataFrame, named: pd.DataFrame, epci: pd.DataFrame) -> list[dict[str, str]]:
    """Return the SIREN of each spelling of an EPCI, strictest rules first (`names.name_keys`); shared ones are left."""
    local = _codes_of(named, LOCAL)
    own = bodies[bodies["type"] == LOCAL]
    known = [(name, siren) for name, siren in zip(epci["name"], epci["siren"], strict=True)]
    known += [
        (name, codes[0])
        for code, name in zip(own["code"], own["nom"], strict=True)
        if len(codes := local.get(code, [])) == 1
    ]
    sure = named[(named["territory_kind"] == EPCI) & (named["reason"] == "") & (named["territory_code"] != "")]
    alone = sure.groupby("words")["territory_code"].unique()
    known += [(words, codes[0]) for words, codes in alone.items() if len(codes) == 1]
    levels: list[dict[str, set[str]]] = [{}, {}, {}]
    for name, siren in dict.fromkeys(known):
        for level, keys in zip(levels, name_keys(name, EPCI), strict=False):
            for key in keys:
                level.setdefault(key, set()).add(siren)
    return [{key: min(sirens) for key, sirens in level.items() if len(sirens) == 1} for level in levels]


def _siren_of(name: str, spelled: list[dict[str, str]]) -> list[str]:
    for known, keys in zip(spelled, name_keys(name, EPCI), strict=False):
        found = next((known[key] for key in keys if key in known), None)
        if found:
            return [found]
    return []


def _participation_rows(own: list[_Local], there: pd.DataFrame, years: Sequence[int]) -> list[tuple[object, ...]]:
    """Count the meetings of the département's bodies that each EPCI attended, among those whose list names EPCI."""
    attended = _counted(there["sirens"], there["year"])
    listed = _counted([("",) if sirens else () for sirens in there["sirens"]], there["year"])
    rows = []
    for row in own:
        for year in _shown(years, undated=("", None) in listed):
            number = listed[("", year)]
            value = float(attended[(row.siren, year)]) if number and row.siren else float("nan")
            dated = "" if year is not None else f", {_NO_YEAR}"
            reason = f"sur {count(number, 'réunion')} à participants consignés{dated}"
            rows.append(_row(row, PARTICIPATION, value=value, year=year, reason=reason, missing=_NO_LIST))
    return rows


def _totals(table: pd.DataFrame) -> list[tuple[object, ...]]:
    """Add up the EPCI: the sum of what is measured, and how many EPCI it stands for."""
    rows: list[tuple[object, ...]] = []
    for (indicator, year), own in table.groupby(["indicator", "year"], dropna=False, sort=False):
        known = own[own["status"] == MEASURED]
        label, unit = INDICATORS[indicator]
        value = float(known["value"].sum()) if len(known) else float("nan")
        state = MEASURED if len(known) else NOT_SAID
        reason = f"{count(len(known), 'EPCI renseigné', 'EPCI renseignés')} sur {len(own)}"
        nan = float("nan")
        rows.append((DEPARTEMENT, "", "Département", indicator, label, year, value, unit, nan, state, reason))
    return rows
