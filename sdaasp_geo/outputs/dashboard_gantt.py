"""The calendar of actions as bars on real dates: one row per action, dated ones first, undated ones listed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from sdaasp_geo.analysis.followup import DATED, OPEN_ENDED, SHOWN_STATUSES, UNDATED
from sdaasp_geo.outputs.escape import plain_text

WIDTH, HEIGHT = 1000, 32
"""Units of the axis, and of the height of a row."""

_TOP, _THICK, _MIDDLE = 10, 12, 16
_LEAST, _TICKS = 4, 12


@dataclass(frozen=True)
class Axis:
    """The axis of the calendar: whole years.

    Attributes
    ----------
    first, last : date
        First and last day; the axis holds both whole.
    ticks : tuple of (int, float)
        Years written, and where they start (percent of the width).
    day : float
        Where the day of reference is, in units; it is always on the axis.
    """

    first: dt.date
    last: dt.date
    ticks: tuple[tuple[int, float], ...]
    day: float


@dataclass(frozen=True)
class Bar:
    """One action of the calendar: texts, and its drawing as SVG path data (empty where it has no date)."""

    code: str
    title: str
    status: str
    rank: int
    start: str
    end: str
    words: str
    note: str
    vague: bool
    solid: str
    dashed: str


def calendar_axis(stand: pd.DataFrame, *, day: dt.date) -> Axis:
    """Return the axis that holds every date and the day of reference.

    Parameters
    ----------
    stand : DataFrame
        ``start, end`` (`analysis.followup.followed`).
    """
    known = pd.concat([stand["start"], stand["end"]]).dropna()
    years = [day.year, *(int(year) for year in known.dt.year.unique())]
    first, last = dt.date(min(years), 1, 1), dt.date(max(years), 12, 31)
    step = -(-(last.year - first.year + 1) // _TICKS)
    axis = Axis(first, last, (), 0.0)
    ticks = [(year, _place(axis, dt.date(year, 1, 1)) * 100 / WIDTH) for year in range(first.year, last.year + 1, step)]
    return Axis(first, last, tuple(ticks), _place(axis, day))


def _place(axis: Axis, day: dt.date, *, after: bool = False) -> float:
    """Return where a day begins (or ends) on the axis, in units."""
    days = (axis.last - axis.first).days + 1
    return round(WIDTH * ((day - axis.first).days + after) / days, 1)


def grid_path(axis: Axis) -> str:
    """Return the lines between years, as SVG path data."""
    return "".join(f"M{_short(at * WIDTH / 100)} 0V{HEIGHT}" for _, at in axis.ticks if at)


def day_path(axis: Axis) -> str:
    """Return the line of the day of reference, as SVG path data."""
    return f"M{_short(axis.day)} 0V{HEIGHT}"


def calendar_bars(stand: pd.DataFrame, axis: Axis) -> tuple[list[Bar], list[Bar]]:
    """Return the actions that have a date, by first date, then those that have none, in the order of the plan."""
    anchor = stand["start"].fillna(stand["end"])
    ordered = stand.assign(_anchor=anchor).sort_values(["_anchor", "end"], kind="stable")
    dated = ordered[ordered["dating"] != UNDATED]
    return _bars(dated, axis), _bars(stand[stand["dating"] == UNDATED], axis)


def _bars(rows: pd.DataFrame, axis: Axis) -> list[Bar]:
    ranks = {status: rank for rank, status in enumerate(SHOWN_STATUSES)}
    columns = ["code", "title", "status", "start", "end", "words", "dating", "dates_reason"]
    found = []
    for code, title, status, start, end, words, dating, reason in rows[columns].itertuples(index=False, name=None):
        first, last = (None if pd.isna(day) else day.date() for day in (start, end))
        solid, dashed = _drawing(axis, first, last)
        found.append(
            Bar(
                code=plain_text(code),
                title=plain_text(title),
                status=status,
                rank=ranks[status],
                start=_day(first),
                end=_day(last),
                words=plain_text(words),
                note=reason if dating != DATED else "",
                vague=dating not in {DATED, OPEN_ENDED, UNDATED},
                solid=solid,
                dashed=dashed,
            )
        )
    return found


def _drawing(axis: Axis, first: dt.date | None, last: dt.date | None) -> tuple[str, str]:
    """Draw a bar between two days; from or to one day only, a short mark and a dashed line to the end of the axis."""
    begins = _place(axis, first) if first else None
    ends = _place(axis, last, after=True) if last else None
    if begins is None and ends is None:
        return "", ""
    if begins is not None and ends is not None:
        width = max(ends - begins, _LEAST)
        return _box(min(begins, WIDTH - width), width), ""
    if begins is not None:
        return _box(min(begins, WIDTH - _LEAST), _LEAST), f"M{_short(begins)} {_MIDDLE}H{WIDTH}"
    return _box(max((ends or 0.0) - _LEAST, 0.0), _LEAST), f"M0 {_MIDDLE}H{_short(ends or 0.0)}"


def _box(start: float, width: float) -> str:
    return f"M{_short(start)} {_TOP}h{_short(width)}v{_THICK}h-{_short(width)}z"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def short_date(day: dt.date) -> str:
    """Write a date in figures: 30/06/2019."""
    return f"{day:%d/%m/%Y}"


def _day(day: dt.date | None) -> str:
    return short_date(day) if day else "non précisé"
