"""Hours as the French write them (« lundi au jeudi 9h-12h et 14h-17h30, fermé le mercredi »), read without guessing.

A text is cut into words of a small vocabulary. One word out of it, one time that does not pair, and the text is left as
published, with the reason. Conventions, each seen in the published lists:

- ``9:`` is ``9h``: the list of October 2020 had its ``h`` replaced by a colon (« 9: 12:30 / 13:30 18:30 »);
- times without their dash are read two by two when they rise (« 09:00 12:30 / 13:15 17:30 »);
- ``00:00 - 00:00`` is an empty field of the form, not a day of 24 hours (the list of 2024 has it beside real slots);
- ``//`` ends what « sur RDV » or « semaines paires » governs, a single ``/`` does not;
- « lundi-mercredi » is a range, « lundi-mercredi-vendredi » may be a range or a list, and is not read;
- a day of which nothing is said (« lundi ; jeudi 9h-12h ») is neither closed nor open like the next: the text is not
  read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import pandas as pd

from sdaasp_geo.sources.french_words import (
    LINKS,
    SILENT_DAY,
    UNCLEAR_DAYS,
    UNCLEAR_SCOPE,
    UNKNOWN_TEXT,
    UNPAIRED_TIMES,
    UNSTATED_WEEKS,
    NotReadError,
    Word,
    cut_words,
    days_named,
)
from sdaasp_geo.sources.hours import (
    APPOINTMENT_WITHOUT_TIME,
    BLANK_SLOT,
    EVERY_WEEK,
    NOT_PUBLISHED,
    UNREAD,
    Condition,
    Slot,
    Week,
    read_slots,
)


def read_week(days: Mapping[int, str]) -> Week:
    """Read the hours of a week published day by day.

    Parameters
    ----------
    days : mapping
        Day (0 is Monday) to the published text; an empty text, a dash or a slash alone is a closed day.

    Returns
    -------
    Week
        ``NOT_PUBLISHED`` when no day says anything; ``UNREAD`` as soon as one day is not read.

    Examples
    --------
    >>> read_week({0: "9h - 12h / Sur RDV : 14:00 - 17:00", 5: "1er samedi du mois : 9:00 - 12:00"}).full
    'Mo 14:00-17:00 unknown "sur rendez-vous", Sa[1] 09:00-12:00, Mo 09:00-12:00'
    """
    slots: list[Slot] = []
    remarks: list[str] = []
    faults: list[tuple[str, str]] = []
    spoken = {day: text for day, text in days.items() if text.strip()}
    for day, text in sorted(spoken.items()):
        try:
            words = cut_words(text)
            found = [] if _is_stroke(words) else list(_day_slots(words, day=day, remarks=remarks))
        except NotReadError as refused:
            faults.append((text, str(refused)))
            continue
        faults += read_slots(found, value=text).faults
        slots += found
    if not spoken or (faults and len(faults) == len(spoken) and {why for _, why in faults} == {NOT_PUBLISHED}):
        return Week(status=NOT_PUBLISHED)
    return Week(status=UNREAD, faults=tuple(faults)) if faults else read_slots(slots, remarks=remarks)


def read_week_text(text: str) -> Week:
    """Read the hours of a week published in one text, each group of hours after its days.

    Returns
    -------
    Week
        ``NOT_PUBLISHED`` when the text is empty; ``UNREAD`` when a word is not understood.

    Examples
    --------
    >>> read_week_text("Du lundi au jeudi de 9h à midi et de 14h à 17h30 ; samedi 9-12h. Fermé le mercredi").hours
    'Mo-Tu 09:00-12:00,14:00-17:30; Th 09:00-12:00,14:00-17:30; Sa 09:00-12:00'
    """
    if not text.strip():
        return Week(status=NOT_PUBLISHED)
    remarks: list[str] = []
    slots: list[Slot] = []
    closed: set[int] = set()
    try:
        for days, words in _blocks(cut_words(text)):
            if {word.kind for word in words} - LINKS == {"closed"}:
                closed |= set(days)
            slots += [slot for day in days for slot in _day_slots(words, day=day, remarks=remarks)]
    except NotReadError as refused:
        unpublished = str(refused) == NOT_PUBLISHED
        return Week(status=NOT_PUBLISHED) if unpublished else Week(status=UNREAD, faults=((text, str(refused)),))
    return read_slots([slot for slot in slots if slot.day not in closed], remarks=remarks, value=text)


def read_weeks(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Read the hours of a list of places, one column per day.

    Parameters
    ----------
    table : DataFrame
        All text.
    columns : sequence of str
        Columns of the days, from Monday.

    Returns
    -------
    DataFrame
        Same index: ``hours, full, status`` (see `hours.Week`) and ``remarks`` (joined by ``, ``).
    """
    weeks = [_read_row(row) for row in table[list(columns)].itertuples(index=False, name=None)]
    rows = [(week.hours, week.full, week.status, ", ".join(week.remarks)) for week in weeks]
    return pd.DataFrame(rows, index=table.index, columns=["hours", "full", "status", "remarks"], dtype="str")


def unread_values(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Count and list every published value that is not read.

    Returns
    -------
    DataFrame
        ``value, reason, count``, the most frequent first; values of a day, each with its own reason.
    """
    faults = [
        fault for row in table[list(columns)].itertuples(index=False, name=None) for fault in _read_row(row).faults
    ]
    return count_faults(faults)


def count_faults(faults: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Count values that were not read, with their reason: ``value, reason, count``, the most frequent first."""
    listed = pd.DataFrame(list(faults), columns=["value", "reason"], dtype="str")
    counted = listed.groupby(["value", "reason"], sort=True).size().rename("count").reset_index()
    return counted.sort_values(["count", "value"], ascending=[False, True], ignore_index=True)


def _read_row(values: tuple[str, ...]) -> Week:
    return read_week(dict(enumerate(values)))


def _is_stroke(words: list[Word]) -> bool:
    return [word.text for word in words] in (["-"], ["/"])


def _day_slots(words: Sequence[Word], *, day: int, remarks: list[str]) -> Iterator[Slot]:
    """Yield the slots of one day; what says no time goes to the remarks."""
    if any(word.kind in {"day", "everyday"} for word in words):
        raise NotReadError(UNKNOWN_TEXT)
    for word in words:
        if word.condition.nth and days_named(word.text)[-1:] != [day]:
            raise NotReadError(UNSTATED_WEEKS)
    if not any(word.kind in {"time", "closed"} or word.condition.appointment for word in words):
        raise NotReadError(SILENT_DAY)
    parts = _regimes(words)
    _check_closures(parts)
    for condition, part in parts:
        kinds = {word.kind for word in part} - {"separator"}
        if "time" not in kinds:
            _note_timeless(kinds, condition, remarks)
            continue
        for start, end in _pairs(part):
            if start == end == 0:
                remarks.append(BLANK_SLOT)
            else:
                yield Slot(day, start, end, condition)


def _check_closures(parts: Sequence[tuple[Condition, list[Word]]]) -> None:
    """Refuse « semaines impaires : fermé » alone, or beside hours of every week, which it cuts."""
    cut = any(condition != EVERY_WEEK and any(word.kind == "closed" for word in part) for condition, part in parts)
    open_when = {condition for condition, part in parts if any(word.kind == "time" for word in part)}
    if cut and (not open_when or EVERY_WEEK in open_when):
        raise NotReadError(UNCLEAR_SCOPE)


def _note_timeless(kinds: set[str], condition: Condition, remarks: list[str]) -> None:
    """Accept a part without times when it says « fermé », « sur RDV », or nothing."""
    if kinds <= {"vague"} and condition.appointment:
        remarks.append(APPOINTMENT_WITHOUT_TIME)
    elif kinds != {"closed"} and (kinds or condition != EVERY_WEEK):
        raise NotReadError(UNKNOWN_TEXT)


def _regimes(words: Sequence[Word]) -> list[tuple[Condition, list[Word]]]:
    """Group words by the condition that governs them."""
    parts: list[tuple[Condition, list[Word]]] = [(EVERY_WEEK, [])]
    outer: list[Condition] = []
    for position, word in enumerate(words):
        following = words[position + 1].kind if position + 1 < len(words) else ""
        condition, part = parts[-1]
        if word.kind == "condition" and _is_suffix(part, following) and condition == EVERY_WEEK:
            parts[-1:] = [(condition, part[:-3]), (word.condition, part[-3:]), (condition, [])]
        elif word.kind == "condition":
            vague = [part.pop()] if part and part[-1].kind == "vague" else []
            parts.append((word.condition, vague))
        elif word.kind == "open":
            outer.append(condition)
        elif word.kind == "close":
            if not outer:
                raise NotReadError(UNKNOWN_TEXT)
            parts.append((outer.pop(), []))
        elif word.kind == "regimes":
            if condition != EVERY_WEEK and following != "condition":
                raise NotReadError(UNCLEAR_SCOPE)
            parts.append((EVERY_WEEK, []))
        else:
            part.append(word)
    return [(condition, part) for condition, part in parts if part or condition != EVERY_WEEK]


def _is_suffix(part: list[Word], following: str) -> bool:
    """Tell whether a condition closes the range just before it (« 9h-12h sur RDV », « 9h-12h (semaines paires) »)."""
    ends = following in {"", "separator", "regimes", "close"}
    return ends and [word.kind for word in part[-3:]] == ["time", "dash", "time"]


def _pairs(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Pair times: as written when each range has its dash, else two by two when they rise."""
    if any(word.kind == "closed" for word in words):
        raise NotReadError(UNKNOWN_TEXT)
    ranges: list[list[Word]] = [[]]
    for word in (word for word in words if word.kind != "vague"):
        if word.kind == "separator":
            ranges.append([])
        else:
            ranges[-1].append(word)
    written = [part for part in ranges if part]
    if all([word.kind for word in part] == ["time", "dash", "time"] for part in written):
        return [(part[0].minute, part[2].minute) for part in written]
    times = [word.minute for word in words if word.kind == "time"]
    strange = any(word.kind == "separator" and word.text != "/" for word in words)
    if strange or len(times) % 2 or any(later <= earlier for earlier, later in pairwise(times)):
        raise NotReadError(UNPAIRED_TIMES)
    return list(zip(times[::2], times[1::2], strict=True))


def _blocks(words: Sequence[Word]) -> list[tuple[list[int], list[Word]]]:
    """Cut a week into blocks: some days, and what is said of them (after them; or before, « fermé le mercredi »)."""
    blocks: list[tuple[list[int], list[Word]]] = []
    rest, pending, sealed = list(words), list[Word](), True
    while rest:
        word = rest[0]
        if word.kind in {"day", "everyday"} or _day_rank(word):
            sealed = bool(pending)
            blocks.append((_named_days(rest), ([word] if _day_rank(word) else []) + pending))
            pending = []
            continue
        rest.pop(0)
        closes = word.kind == "closed" and bool(rest) and rest[0].kind in {"day", "everyday"}
        # « lundi 9h-12h, fermé le mardi », but not « lundi fermé, mardi 9h-12h »
        if closes and blocks and blocks[-1][1]:
            sealed = True
        if not sealed:
            blocks[-1][1].append(word)
        elif word.kind not in LINKS and (not blocks or word.kind == "closed"):
            pending.append(word)
        elif word.kind not in LINKS:
            raise NotReadError(UNKNOWN_TEXT)
        elif pending:
            pending.append(word)
    if pending or not blocks:
        raise NotReadError(UNKNOWN_TEXT)
    return blocks


def _day_rank(word: Word) -> bool:
    return word.kind == "condition" and bool(word.condition.nth)


def _named_days(rest: list[Word]) -> list[int]:
    """Take the days that begin a list of words: « lundi », « lundi au jeudi », « lundi, mardi et jeudi »."""
    word = rest.pop(0)
    if word.kind == "everyday":
        return list(range(7))
    days = days_named(word.text)[-1:]
    ranged = False
    while not _ends_days(word) and len(rest) > 1 and _links_days(rest[0]) and rest[1].kind == "day":
        link, word = rest.pop(0), rest.pop(0)
        first, last = days[-1], days_named(word.text)[0]
        if ranged and link.kind == "dash":
            raise NotReadError(UNCLEAR_DAYS)
        ranged = link.kind == "dash"
        if ranged and last <= first:
            raise NotReadError(UNKNOWN_TEXT)
        days += range(first + 1, last + 1) if ranged else [last]
    return days


def _ends_days(word: Word) -> bool:
    """Tell whether a day closes its list: « 1er samedi du mois », and « lundi : », where a dash then says closed."""
    return _day_rank(word) or word.text.endswith(":")


def _links_days(word: Word) -> bool:
    """Tell whether a word joins two days: a full stop or a semicolon begins something else."""
    return word.kind == "dash" or (word.kind == "separator" and word.text not in {".", ";"})
