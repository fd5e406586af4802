"""The layer of governance: bodies, EPCI, conventions and what hangs on them, checked, with their dates and numbers."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from sdaasp_geo.action_plan import (
    AMENDMENT,
    BODY,
    COMMITMENT,
    CONVENTION,
    KINDS,
    LOCAL,
    MEETING,
    SIGNATORY,
    Period,
    fold,
    governance_fields,
)
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.layers.periods import NO_END, REVERSED, read_period, span_of
from sdaasp_geo.layers.plan_checks import (
    code_faults,
    faults_where,
    french_number,
    repeated_faults,
    required_faults,
    settle,
)

NUMBERS = {
    "reunions_min": "meetings_min",
    "reunions_max": "meetings_max",
    "duree_ans": "years",
    "perimetre": "perimeter_year",
    "nombre": "number",
}
"""Columns of numbers, as written and as read."""

END_FROM_DURATION = "fin calculée d'après la durée"
_HANGS_ON = {"convention": (CONVENTION, (SIGNATORY, COMMITMENT, AMENDMENT)), "instance": (BODY, (MEETING,))}
_KEYS = ("type", "code")
_DAY = "datetime64[s]"
_LABELS = {
    "instance": ("instance", None),
    "epci": ("EPCI", "EPCI"),
    "convention": ("convention", None),
    "signataire": ("signataire", None),
    "engagement": ("engagement", None),
    "avenant": ("avenant", None),
    "reunion": ("réunion", None),
    "echeance": ("échéance", None),
    "decision": ("décision", None),
    "effectif": ("effectif annoncé", "effectifs annoncés"),
}


def build_governance(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Check the rows of a table of governance and read what they hold.

    Parameters
    ----------
    table : DataFrame
        The columns of ``governance.schema.json`` and ``origine``, all text, from `sources.governance_tables`, joined
        where there are several (`plan_checks.merge_tables`); the index is the row.

    Returns
    -------
    DataFrame
        The same rows, in order of type, then of the file; every column stays as written but ``type``, ``convention``
        and ``instance`` (brought to the codes of the table), and beside them stand:

        - ``day`` : datetime64[s], the (last) day of ``date``; ``date_reason``: why it is missing;
        - ``start, end`` : datetime64[s], validity; ``dates_reason``: why one is missing, or that the end comes from the
          duration (the day before the anniversary);
        - ``meetings_min, meetings_max`` (a year), ``years``, ``perimeter_year``, ``number`` : float, NaN where unsaid.
    list of str
        Notes in French: how many rows of each type, and what is still to be named or dated.

    Raises
    ------
    InputError
        All together: empty type, code or name, code given twice in a type, type out of the list, number that is none,
        end before start, codes of territories that are none, row of a convention or body that does not exist.
    """
    kind, kind_faults = settle(table, next(field for field in governance_fields() if field.name == "type"))
    rows = table.assign(type=kind)
    numbers = {column: [french_number(text) for text in rows[column]] for column in NUMBERS}
    periods = [span_of(read_period(a), read_period(b)) for a, b in zip(rows["debut"], rows["fin"], strict=True)]
    backwards = pd.Series([period.reason == REVERSED for period in periods], index=rows.index, dtype="bool")
    faults = [
        *kind_faults,
        *required_faults(table, ["type", "code", "nom"]),
        *repeated_faults(rows, _KEYS, "Donnez un code à chaque ligne d'un même type."),
        *faults_where(rows, backwards, "fin", "une fin après le début", "Vérifiez les deux dates."),
        *code_faults(rows),
        *_number_faults(rows, numbers),
    ]
    for column, (target, kinds) in _HANGS_ON.items():
        rows[column], hanging = _hung(rows, column, target, kinds)
        faults += hanging
    if faults:
        raise InputError(sorted(faults, key=lambda fault: (fault.file, fault.row or 0, fault.column)))
    for column, pairs in numbers.items():
        rows[NUMBERS[column]] = pd.Series([value for value, _ in pairs], index=rows.index, dtype="float64")
    layer = _ordered(_with_dates(rows, periods))
    return layer, _notes(layer)


def _number_faults(rows: pd.DataFrame, numbers: dict[str, list[tuple[float, str]]]) -> list[Fault]:
    faults: list[Fault] = []
    for column, pairs in numbers.items():
        wrong = pd.Series([reason != "" or value < 0 for value, reason in pairs], index=rows.index, dtype="bool")
        faults += faults_where(rows, wrong, column, "un nombre", "Donnez un nombre, sans mot.")
    low, high = (
        pd.Series([value for value, _ in numbers[name]], index=rows.index) for name in ("reunions_min", "reunions_max")
    )
    remedy = "Vérifiez les deux nombres de réunions."
    return faults + faults_where(rows, low > high, "reunions_max", "au moins le nombre minimal", remedy)


def _hung(rows: pd.DataFrame, column: str, target: str, kinds: tuple[str, ...]) -> tuple[pd.Series, list[Fault]]:
    """Bring the references of a column to the codes of the rows they name; find those that name none."""
    known = {fold(code): code for code in rows.loc[rows["type"] == target, "code"]}
    found = rows[column].map(lambda text: known.get(fold(text), ""))
    missing = (found == "") & ((rows[column] != "") | rows["type"].isin(kinds))
    remedy = f"Ajoutez une ligne de type «{NBSP}{target}{NBSP}», ou reprenez le code de l'une d'elles."
    expected = f"le code d'une ligne de type «{NBSP}{target}{NBSP}»"
    return found.astype("str"), faults_where(rows, missing, column, expected, remedy)


def _with_dates(rows: pd.DataFrame, periods: list[Period]) -> pd.DataFrame:
    dates = [read_period(text) for text in rows["date"]]
    ended = [_from_duration(period, years) for period, years in zip(periods, rows["years"], strict=True)]
    return rows.assign(
        day=pd.array([date.end for date in dates], dtype=_DAY),
        date_reason=pd.array([date.reason if date.end is None else "" for date in dates], dtype="str"),
        start=pd.array([period.start for period in ended], dtype=_DAY),
        end=pd.array([period.end for period in ended], dtype=_DAY),
        dates_reason=pd.array([period.reason for period in ended], dtype="str"),
    )


def _from_duration(period: Period, years: float) -> Period:
    """Give a period its end from its duration in whole years: the day before the anniversary of its start."""
    if period.start is None or period.end is not None or period.reason != NO_END or not float(years).is_integer():
        return period
    later = period.start.year + int(years)
    leap = (period.start.month, period.start.day) == (2, 29)
    anniversary = dt.date(later, 3, 1) if leap else period.start.replace(year=later)
    return Period(period.words, period.start, anniversary - dt.timedelta(days=1), END_FROM_DURATION)


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    rank = rows["type"].map({kind: at for at, kind in enumerate(KINDS)})
    return rows.assign(_rank=rank).sort_values("_rank", kind="stable").drop(columns="_rank")


def _notes(layer: pd.DataFrame) -> list[str]:
    sizes = layer["type"].value_counts()
    listed = [count(int(sizes[kind]), *_LABELS[kind]) for kind in KINDS if kind in sizes.index]
    notes = [f"Gouvernance{NBSP}: {', '.join(listed)}."] if listed else []
    local, conventions = layer[layer["type"] == LOCAL], layer[layer["type"] == CONVENTION]
    empty = {
        ("EPCI sans élu référent", "EPCI sans élu référent"): local["elu_referent"] == "",
        ("EPCI sans technicien référent", "EPCI sans technicien référent"): local["technicien_referent"] == "",
        ("EPCI sans comité local", "EPCI sans comité local"): local["comite"] == "",
        ("convention sans date de signature", "conventions sans date de signature"): conventions["day"].isna(),
    }
    return notes + [
        f"Gouvernance{NBSP}: {count(int(lack.sum()), *what)}." for what, lack in empty.items() if lack.any()
    ]
