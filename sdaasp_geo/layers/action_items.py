"""What the cells of a plan list: territories, budgets by year, calendars, indicators, partners; one row per item."""

from __future__ import annotations

import re
from collections.abc import Collection

import pandas as pd

from sdaasp_geo.action_plan import ACTION, Period, Step, TerritoryName, YearBudget, fold, items_of, unmarked
from sdaasp_geo.layers.periods import WHOLE_SCHEME, read_period
from sdaasp_geo.layers.plan_checks import codes_of, french_number

OUTSIDE = "territoire hors du périmètre du schéma"
COMMA_COLUMNS = ("territoires", "priorites", "porteurs", "scenarios")
"""Columns where commas part items too; elsewhere a comma belongs to the sentence."""

_YEAR_AMOUNT = re.compile(r"\s*(?:en\s+)?(20\d{2})\s*[:=]\s*(.*)", re.IGNORECASE | re.DOTALL)
_HEADED = re.compile(r"(?P<period>[^:]{1,60}?)\s*:\s*(?P<step>.*)")
_LONG = ("tout au long", "pendant toute", "sur toute", "duree du schema", "chaque annee", "tous les ans", "en continu")
_DAY = "datetime64[s]"


def items(layer: pd.DataFrame, column: str) -> pd.DataFrame:
    """List the items of a column.

    Parameters
    ----------
    layer : DataFrame
        From `actions.build_actions` or `governance.build_governance`.
    column : str
        A column of lists, such as ``indicateurs``, ``priorites``, ``partenaires``.

    Returns
    -------
    DataFrame
        The two keys of the layer (``niveau`` or ``type``, and ``code``), ``rank`` (from 1 in its cell), ``item``.
    """
    kind = "niveau" if "niveau" in layer else "type"
    commas = column in COMMA_COLUMNS
    found = [
        (level, code, rank, item)
        for level, code, text in zip(layer[kind], layer["code"], layer[column], strict=True)
        for rank, item in enumerate(items_of(text, commas=commas), start=1)
    ]
    return pd.DataFrame(found, columns=[kind, "code", "rank", "item"])


def territories_of(words: str, codes: str) -> tuple[TerritoryName, ...]:
    """Pair the names of a cell with the codes of another: one code per name, or several codes for a single name.

    Otherwise names and codes stand apart: nothing says which code is whose.
    """
    names, known = items_of(words, commas=True), codes_of(codes)
    if len(names) == len(known):
        return tuple(TerritoryName(name, code, "") for name, code in zip(names, known, strict=True))
    if len(names) == 1 and known:
        return tuple(TerritoryName(names[0], code, "") for code in known)
    return (*(TerritoryName(name) for name in names), *(TerritoryName("", code, "") for code in known))


def territories(layer: pd.DataFrame) -> pd.DataFrame:
    """List the territories of every row, as written, with the codes that the file gives.

    Returns
    -------
    DataFrame
        The two keys of the layer, ``rank`` (from 1 in its cell), ``words``, ``territory_code`` (empty: still to be
        resolved) and ``reason`` (empty once there is a code).
    """
    kind = "niveau" if "niveau" in layer else "type"
    cells = zip(layer[kind], layer["code"], layer["territoires"], layer["territoires_codes"], strict=True)
    found = [
        (level, code, rank, name.words, name.code, name.reason)
        for level, code, words, codes in cells
        for rank, name in enumerate(territories_of(words, codes), start=1)
    ]
    return pd.DataFrame(
        found, columns=[kind, "code", "rank", "words", "territory_code", "reason"], dtype="object"
    ).astype({kind: "str", "code": "str", "rank": "int64", "words": "str", "territory_code": "str", "reason": "str"})


def mark_outside(listed: pd.DataFrame, *, known: Collection[str]) -> pd.DataFrame:
    """Give a reason to the territories that are not of the scheme; none is dropped.

    Parameters
    ----------
    listed : DataFrame
        From `territories`, codes resolved.
    known : collection of str
        Codes of the scheme: its département, its communes, the EPCI and PETR that have a commune in it.
    """
    outside = (listed["territory_code"] != "") & ~listed["territory_code"].isin(set(known))
    return listed.assign(reason=listed["reason"].mask(outside, OUTSIDE))


def budget_of(planned: str, spent: str) -> tuple[tuple[YearBudget, ...], tuple[str, ...]]:
    """Read the budget of an action by year; return the words that are no amount, or repeat a year, apart."""
    sides: tuple[dict[int | None, float], ...] = ({}, {})
    unread: list[str] = []
    for known, text in zip(sides, (planned, spent), strict=True):
        for item in items_of(text):
            found = _YEAR_AMOUNT.fullmatch(item)
            year, amount = (int(found[1]), found[2].strip()) if found else (None, item)
            value, reason = french_number(amount)
            if reason or not amount or year in known:
                unread.append(item)
            else:
                known[year] = value
    years = sorted({*sides[0], *sides[1]}, key=lambda year: (year is None, year or 0))
    return tuple(YearBudget(year, sides[0].get(year), sides[1].get(year)) for year in years), tuple(unread)


def budgets(layer: pd.DataFrame) -> pd.DataFrame:
    """List the budgets of actions by year.

    Returns
    -------
    DataFrame
        ``code, year`` (Int64, missing for an amount without year), ``planned_eur, spent_eur`` (float, NaN where
        unsaid), ``unread`` (words of the cells that are no amount; on a row of its own).
    """
    found = []
    actions = layer[layer["niveau"] == ACTION]
    cells = zip(actions["code"], actions["budget_prevu_eur"], actions["budget_depense_eur"], strict=True)
    for code, planned, spent in cells:
        years, unread = budget_of(planned, spent)
        found += [(code, entry.year, entry.planned_eur, entry.spent_eur, "") for entry in years]
        found += [(code, None, None, None, words) for words in unread]
    table = pd.DataFrame(found, columns=["code", "year", "planned_eur", "spent_eur", "unread"], dtype="object")
    return table.astype({"code": "str", "year": "Int64", "planned_eur": float, "spent_eur": float, "unread": "str"})


def calendar_of(text: str) -> tuple[Step, ...]:
    """Read a calendar: a line that is a period opens it, the lines below are its steps; « 2018 : étude » is both.

    Steps above any period have an empty one.
    """
    found: list[tuple[Period, list[str]]] = []
    for line in re.split(r"\n|\s\|\s", text):
        mark, plain = unmarked(line)
        if not plain:
            continue
        opened = _period_of(plain)
        if opened is None:
            if not found:
                found.append((Period(), []))
            steps = found[-1][1]
            goes_on = not mark and plain[:1].islower() and bool(steps)
            steps[-1:] = [f"{steps[-1]} {plain}"] if goes_on else [*steps[-1:], plain]
            continue
        period, step = opened
        found.append((period, [step] if step else []))
    return tuple(Step(period, tuple(steps)) for period, steps in found)


def _period_of(line: str) -> tuple[Period, str] | None:
    headed = _HEADED.fullmatch(line)
    words, step = (headed["period"], headed["step"]) if headed else (line, "")
    period = read_period(words)
    dated = period.start is not None or period.end is not None
    long = period.reason == WHOLE_SCHEME and fold(words).startswith(_LONG)
    return (period, step) if dated or long else None


def calendars(layer: pd.DataFrame) -> pd.DataFrame:
    """List the steps of the calendars of actions.

    Returns
    -------
    DataFrame
        ``code, rank`` (from 1 in the calendar), ``words`` (the period as written), ``start, end`` (datetime64[s]),
        ``dates_reason, step``; a period without a step has one row, with an empty step.
    """
    found = []
    actions = layer[layer["niveau"] == ACTION]
    for code, text in zip(actions["code"], actions["calendrier"], strict=True):
        lines = [(step.period, line) for step in calendar_of(text) for line in (step.steps or ("",))]
        found += [
            (code, rank, period.words, period.start, period.end, period.reason, line)
            for rank, (period, line) in enumerate(lines, start=1)
        ]
    columns = ["code", "rank", "words", "start", "end", "dates_reason", "step"]
    table = pd.DataFrame(found, columns=columns, dtype="object")
    text = dict.fromkeys(("code", "words", "dates_reason", "step"), "str")
    return table.astype({**text, "rank": "int64", "start": _DAY, "end": _DAY})
