"""Weekly opening of places: the intervals during which each one receives, and what is not known or not counted."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]  # not in its stub

PERMANENT, STOP, NOT_COUNTED = "permanente", "halte", ""
"""A permanent site; a stop of a bus, or a site of a shared reception, with hours of its own; neither."""

WITHOUT_STOPS = "itinérant sans haltes publiées"
SHARED_HOURS = "multisite sans horaires propres au site"
AT_STOPS = "compté à ses haltes"
APPOINTMENT_ONLY = "accueil sur rendez-vous seulement"
OTHER_FORMAT = "format non compté comme permanent"
UNKNOWN_VEHICLE = "halte d'un service absent de la table des lieux"
REPEATED = "identifiant déjà employé"

NO_HOURS = "horaires non publiés"
NOT_CONVERTED = "horaires publiés, non convertis"
BAD_SYNTAX = "horaires hors de la syntaxe opening_hours"
NOT_A_WEEK = "horaires sans semaine déterminée (vacances scolaires, année, soleil, fin ouverte, plage vide)"
NO_REGULAR_HOURS = "aucune ouverture de chaque semaine, sans condition"

_DAY_MIN = 1440
_WEEK_MIN = 7 * _DAY_MIN
_FORMAT_REASONS = {"itinerant": WITHOUT_STOPS, "multisite": SHARED_HOURS, "rendez-vous": APPOINTMENT_ONLY}
_DAYS = "Mo|Tu|We|Th|Fr|Sa|Su"
_SIMPLE = re.compile(rf"[ ,;:0-9-]*(?:(?:{_DAYS})[ ,;:0-9-]*)*")
_DEPENDS = re.compile(
    r"\b(?:SH|easter|sunrise|sunset|dawn|dusk)\b|\b(?:19|20)\d\d\b(?!:)|\d\+|(\d\d?:\d\d)-\1\b", re.IGNORECASE
)
_INTERVALS = ["place", "day", "start_min", "end_min"]

Minutes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Opening:
    """What is known of the opening of some places in a week.

    Attributes
    ----------
    places : DataFrame
        One row per place: ``place, presence`` (`PERMANENT`, `STOP` or `NOT_COUNTED`), ``hours`` (empty where not
        counted), ``hours_known`` (False where they are missing or unread), ``reason`` (why it is not counted, or has
        no interval; else empty). Sorted by place.
    intervals : DataFrame
        ``place, day`` (0 is Monday), ``start_min, end_min`` (minutes of the day, 0 to 1440, end excluded): open every
        week, without condition. Merged, cut at midnight, sorted.
    occasional : DataFrame
        The same and ``share`` (of the weeks of the period), ``appointment`` (on appointment or under another
        condition): the rest, never counted as presence.
    """

    places: pd.DataFrame
    intervals: pd.DataFrame
    occasional: pd.DataFrame


def weekly_presence(
    points: pd.DataFrame,
    *,
    permanent_formats: Collection[str],
    monday: dt.date,
    stops: pd.DataFrame | None = None,
    weeks: int = 52,
) -> Opening:
    """Say where and when one service is present in a week.

    A row whose format is not permanent (bus, shared reception) never counts by itself: its hours are those of the
    whole round, its position is that of its base. Its *stops* count, each at its own place, during its own slots.

    Parameters
    ----------
    points : DataFrame
        Rows of the common grid for one service: ``id, format, horaires, horaires_bruts``.
    permanent_formats : collection of str
        Formats that count as a permanent site.
    monday : date
        First day of the period on which hours are evaluated. It has no public holidays.
    stops : DataFrame, optional
        ``id`` (of the place where it stops), ``vehicle`` (``id`` of its row in ``points``), ``horaires``.
    weeks : int
        Length of the period, for hours that change from week to week; 52 holds 26 even and 26 odd weeks.

    Returns
    -------
    Opening
        One row of ``places`` per row of ``points`` and of ``stops``: nothing is dropped.
    """
    halts = _stops(stops, points)
    at_stops = [] if stops is None else stops.loc[halts["presence"] == STOP, "vehicle"].tolist()
    places = pd.concat([_sites(points, permanent_formats, at_stops), halts], ignore_index=True)
    places = places.sort_values("place", kind="stable", ignore_index=True)
    open_, occasional, reasons = evaluate_hours(places["hours"], monday=monday, weeks=weeks)
    known = places["hours"].map(reasons)
    counted = places["presence"] != NOT_COUNTED
    raw = (known == NO_HOURS) & (places.pop("published") != "")
    reason = known.mask(raw, NOT_CONVERTED).where(counted, places["reason"])
    read = counted & known.isin(["", NO_REGULAR_HOURS])
    places = places.assign(hours_known=read, reason=reason.astype("str"))
    columns = ["place", "presence", "hours", "hours_known", "reason"]
    return Opening(places[columns], _spread(places, open_), _spread(places, occasional))


def _sites(points: pd.DataFrame, permanent_formats: Collection[str], at_stops: Collection[str]) -> pd.DataFrame:
    permanent = points["format"].isin(list(permanent_formats))
    hours = points["horaires"].fillna("").where(permanent, "")
    why = points["format"].map(_FORMAT_REASONS).fillna(OTHER_FORMAT).mask(points["id"].isin(list(at_stops)), AT_STOPS)
    reason = why.where(~permanent, "")
    return pd.DataFrame(
        {
            "place": points["id"].astype("str"),
            "presence": np.where(permanent, PERMANENT, NOT_COUNTED),
            "hours": hours.astype("str"),
            "published": points["horaires_bruts"].fillna(""),
            "reason": reason.astype("str"),
        }
    )


def _stops(stops: pd.DataFrame | None, points: pd.DataFrame) -> pd.DataFrame:
    if stops is None:
        stops = pd.DataFrame({"id": [], "vehicle": [], "horaires": []}, dtype="str")
    taken = stops["id"].isin(points["id"]) | stops["id"].duplicated(keep=False)
    reason = np.select([taken, ~stops["vehicle"].isin(points["id"])], [REPEATED, UNKNOWN_VEHICLE], "")
    return pd.DataFrame(
        {
            "place": stops["id"].astype("str"),
            "presence": np.where(reason == "", STOP, NOT_COUNTED),
            "hours": stops["horaires"].fillna("").where(reason == "", "").astype("str"),
            "published": "",
            "reason": pd.array(reason, dtype="str"),
        },
        index=stops.index,
    )


def _spread(places: pd.DataFrame, by_text: pd.DataFrame) -> pd.DataFrame:
    """Give each place the intervals of its text."""
    table = places.loc[places["presence"] != NOT_COUNTED, ["place", "hours"]].merge(by_text, on="hours")
    return table.drop(columns="hours").sort_values(_INTERVALS, ignore_index=True)


def evaluate_hours(
    hours: Iterable[str], *, monday: dt.date, weeks: int = 52
) -> tuple[pd.DataFrame, pd.DataFrame, Mapping[str, str]]:
    """Evaluate texts of the OpenStreetMap ``opening_hours`` syntax over a period of whole weeks.

    The library ``opening-hours`` reads and evaluates the text, without position, and without public holidays: rules for
    them (``PH off``) have no effect. What it would evaluate without what it needs (school holidays, the sun, one given
    year), an open end and a slot that ends when it begins are refused. Open with a comment counts as a condition, as
    the state *unknown* does.

    Parameters
    ----------
    hours : iterable of str
        Texts; each is evaluated once.
    monday : date
        First day of the period.
    weeks : int
        Weeks of the period.

    Returns
    -------
    intervals, occasional : DataFrame
        ``hours, day, start_min, end_min``; and ``share, appointment`` for what is not of every week (`Opening`).
    reasons : mapping
        Text → empty, or why it gives no interval.

    Raises
    ------
    ValueError
        When the period does not begin on a Monday.
    """
    if monday.weekday() != 0:
        message = f"{monday} is not a Monday"
        raise ValueError(message)
    start = dt.datetime.combine(monday, dt.time())
    rows: list[tuple[str, int, int, int, float, bool]] = []
    reasons: dict[str, str] = {}
    for text in sorted(set(hours)):
        found, reasons[text] = _evaluate(text, start=start, weeks=weeks)
        rows += [(text, *row) for row in found]
    columns = ["hours", "day", "start_min", "end_min", "share", "appointment"]
    kinds = {"hours": "str", "day": "int64", "start_min": "int64", "end_min": "int64", "share": "float64"}
    table = pd.DataFrame(rows, columns=columns).astype({**kinds, "appointment": "bool"})
    regular = (table["share"] == 1.0) & ~table["appointment"]
    intervals = table.loc[regular, columns[:4]].reset_index(drop=True)
    return intervals, table[~regular].reset_index(drop=True), reasons


def _evaluate(text: str, *, start: dt.datetime, weeks: int) -> tuple[list[tuple[int, int, int, float, bool]], str]:
    if not text.strip():
        return [], NO_HOURS
    if _DEPENDS.search(text):
        return [], NOT_A_WEEK
    try:
        opening = OpeningHours(text)
    except ParserError:
        return [], BAD_SYNTAX
    period = 1 if _SIMPLE.fullmatch(text) else weeks
    free, conditional = (np.zeros(_WEEK_MIN, dtype=np.int64) for _ in range(2))
    for first, last, state, comment in opening.intervals(start, start + dt.timedelta(weeks=period)):
        if str(state) != "closed":
            counts = free if str(state) == "open" and not comment else conditional
            _add(counts, _minute(first, start), min(_minute(last, start), period * _WEEK_MIN))
    regular = [(day, a, b, count / period, False) for day, a, b, count in _runs(free)]
    rest = [(day, a, b, count / period, True) for day, a, b, count in _runs(conditional)]
    every_week = any(share == 1.0 for *_, share, _ in regular)
    return regular + rest, "" if every_week else NO_REGULAR_HOURS


def _minute(time: dt.datetime, start: dt.datetime) -> int:
    return int((time - start).total_seconds()) // 60


def _add(counts: Minutes, first: int, last: int) -> None:
    """Count one more week open during some minutes of the period."""
    while first < last:
        week, begin = divmod(first, _WEEK_MIN)
        end = min(last - week * _WEEK_MIN, _WEEK_MIN)
        counts[begin:end] += 1
        first = week * _WEEK_MIN + end


def _runs(counts: Minutes) -> list[tuple[int, int, int, int]]:
    """List the runs of equal counts, above zero, within a day: day, start, end, count."""
    changes = (np.flatnonzero(counts[1:] != counts[:-1]) + 1).tolist()
    bounds = sorted({*changes, *range(0, _WEEK_MIN, _DAY_MIN)})
    runs = zip(bounds, [*bounds[1:], _WEEK_MIN], strict=True)
    return [
        (first // _DAY_MIN, first % _DAY_MIN, (last - 1) % _DAY_MIN + 1, int(counts[first]))
        for first, last in runs
        if counts[first]
    ]


def stops_at_once(opening: Opening, stops: pd.DataFrame) -> pd.DataFrame:
    """List the slots that a vehicle would spend at two stops at once: a fault of its timetable, to correct.

    Parameters
    ----------
    opening : Opening
        Made with these stops (`weekly_presence`).
    stops : DataFrame
        ``id, vehicle``.

    Returns
    -------
    DataFrame
        ``vehicle, day, start_min, end_min`` (the common minutes), ``place, other`` (``place`` < ``other``).
    """
    names = opening.places.loc[opening.places["presence"] == STOP, "place"]
    intervals = opening.intervals[opening.intervals["place"].isin(names)]
    own = intervals.merge(stops[["id", "vehicle"]], left_on="place", right_on="id").drop(columns="id")
    both = own.merge(own, on=["vehicle", "day"], suffixes=("", "_other"))
    both = both[both["place"] < both["place_other"]]
    start = both[["start_min", "start_min_other"]].max(axis=1)
    end = both[["end_min", "end_min_other"]].min(axis=1)
    table = both.assign(start_min=start, end_min=end)[start < end].rename(columns={"place_other": "other"})
    columns = ["vehicle", "day", "start_min", "end_min", "place", "other"]
    return table[columns].sort_values(columns, ignore_index=True)
