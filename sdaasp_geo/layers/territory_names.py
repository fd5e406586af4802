"""Territories written in words, to codes: rules decide, likeness only proposes, nothing is guessed.

In a notebook::

    from sdaasp_geo.layers.territory_names import resolve_territories

    resolve_territories(["Département 04, CC Sisteronais-Buëch", "Chaque EPCI"], known, departement="04", vintage=2024)

A mention is *reconnu* only when its code, or its name under the rules of spelling of `names.name_keys`, is that of one
territory of the vintage. Otherwise it is *ambigu* (several), *à confirmer* (one doubt, said in ``note``) or *inconnu*.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.gazetteer import Gazetteer
from sdaasp_geo.layers.mentions import (
    AMBIGUOUS,
    BESIDE,
    EMPTY,
    KNOWN,
    NO_NAME,
    SEVERAL,
    TO_CONFIRM,
    UNKNOWN,
    WHAT,
    Reader,
    Reading,
    is_own_name,
    propose,
    read_mention,
)
from sdaasp_geo.layers.names import DEPARTEMENT, EPCI, KINDS, PETR, Part, cut_lines, cut_parts, fold, read_form

_COLUMNS = ["position", "text", "kind", "codes", "names", "score", "status", "note", "candidates", "candidate_codes"]
_VERY_LIKE, _WINDOW = 92.0, 8
_LABELS = {**WHAT, "departement": DEPARTEMENT}


def resolve_territories(
    texts: Sequence[str],
    gazetteer: Gazetteer,
    *,
    departement: str | None,
    vintage: int,
    kinds: Collection[str] = KINDS,
    signatories: Collection[str] | None = None,
) -> pd.DataFrame:
    """Read the territories that texts name, lists included.

    Parameters
    ----------
    texts : sequence of str
        As written: a name, or a list (commas, « et », slashes, line breaks, bullets), with or without codes.
    gazetteer : Gazetteer
        `gazetteer.build_gazetteer`.
    departement : str or None
        Code of the département spoken of: its territories are understood, the others are to confirm. None: France.
    vintage : int
        Codes are those of the territories of 1 January of this year. Names of other years are understood.
    kinds : collection of str
        Kinds that the texts can name, among ``epci, petr, departement, commune``: a column of EPCI is better read
        with ``("epci",)``, since « Blaye » is also a commune.
    signatories : collection of str, optional
        SIREN that « tous les EPCI » stands for; by default those that have most of their population in the département.

    Returns
    -------
    DataFrame
        One row per mention, in the order of the texts: ``position`` (of the text, from 0), ``text`` (of the
        mention), ``kind`` (a kind, one of `ALL_OF`, or empty), ``codes`` (separated by spaces; empty unless
        *reconnu*), ``names`` (official names of the vintage, separated by ``" ; "``), ``score`` (100: a name by the
        rules; less: likeness of the best candidate, 0-100), ``status`` (one of `STATUSES`), ``note`` (French; why
        it is not *reconnu*), ``candidates`` (for a reader), ``candidate_codes``, ``vintage``. Every text has a row.

    Raises
    ------
    SchemeError
        The vintage or the département is not in the gazetteer.
    """
    _check(gazetteer, departement, vintage)
    wanted = tuple(kind for kind in KINDS if kind in set(kinds))
    signing = None if signatories is None else tuple(sorted(signatories))
    reader = Reader(gazetteer, departement, vintage, wanted, signing, {}, {})
    read: dict[str, list[tuple[str, Reading]]] = {}
    rows = []
    for position, text in enumerate(texts):
        if text not in read:
            read[text] = [found for line in cut_lines(text) for found in _read_line(reader, line)]
        mentions = read[text] or [(text, Reading(UNKNOWN, note=EMPTY, score=0.0))]
        rows += [_row(reader, position, mention, reading) for mention, reading in mentions]
    table = pd.DataFrame(rows, columns=_COLUMNS).astype({"position": "int64", "score": "float64"})
    text_columns = [column for column in _COLUMNS if column not in {"position", "score"}]
    return table.astype(dict.fromkeys(text_columns, "str")).assign(vintage=vintage)


def _check(gazetteer: Gazetteer, departement: str | None, vintage: int) -> None:
    if vintage not in gazetteer.vintages:
        known = ", ".join(str(year) for year in gazetteer.vintages)
        message = f"Millésime {vintage} absent des noms connus. Millésimes disponibles{NBSP}: {known}."
        raise SchemeError(message)
    if departement is not None and (DEPARTEMENT, departement) not in gazetteer.territories:
        message = f"Département «{NBSP}{departement}{NBSP}» inconnu{NBSP}: un code comme 04, 2A ou 974 est attendu."
        raise SchemeError(message)


def _row(reader: Reader, position: int, text: str, reading: Reading) -> tuple[object, ...]:
    gazetteer, keys = reader.gazetteer, reading.keys
    kinds = {key[0] for key in keys}
    kind = reading.kind or (kinds.pop() if len(kinds) == 1 else "")
    codes = " ".join(key[1] for key in keys)
    names = " ; ".join(gazetteer.territories[key].name_in(reader.vintage) for key in keys)
    shown = " ; ".join(gazetteer.named(key, reader.vintage) for key in keys)
    known = reading.status == KNOWN
    sure = (kind, codes, names) if known else (kind, "", "")
    return (
        position,
        text,
        *sure,
        reading.score,
        reading.status,
        reading.note,
        *(("", "") if known else (shown, codes)),
    )


def _read_line(reader: Reader, line: str) -> list[tuple[str, Reading]]:
    """Read a line, cut into mentions; what rules do not read gets proposals."""
    label, colon, rest = line.partition(":")
    stated = _LABELS.get(fold(label).removesuffix("s"), "") if colon and fold(rest) else ""
    text = rest.strip() if stated else line
    carried = stated or _carried(text)
    found = _cut(reader, text, carried)
    if len(found) > 1 and len(found) <= _WINDOW and not all(reading.sure for _, reading in found):
        whole = propose(reader, text, carried)
        if whole.score >= _VERY_LIKE:
            return [(text, whole)]
    return [
        (mention, propose(reader, mention, carried) if reading.note == NO_NAME else reading)
        for mention, reading in _spread_doubt(found)
    ]


def _read(reader: Reader, text: str, carried: str) -> Reading:
    if (text, carried) not in reader.seen:
        reader.seen[text, carried] = read_mention(reader, text, carried)
    return reader.seen[text, carried]


def _carried(text: str) -> str:
    """Return the kind that a plural states for the whole list (« communes de Banon, Manosque et Castellane »)."""
    parts = cut_parts(text)
    form = read_form(fold(text[parts[0].start : parts[0].end]))
    return form.kind if form.several and len(parts) > 1 else ""


def _cut(reader: Reader, text: str, carried: str) -> list[tuple[str, Reading]]:
    """Cut a line; a dash cuts only where everything is then understood."""
    for dashes in (True, False):
        parts = cut_parts(text, dashes=dashes)
        found = [
            (text[parts[start].start : parts[end - 1].end], reading)
            for start, end, reading in _best_cut(reader, text, parts, carried)
        ]
        if all(reading.sure for _, reading in found):
            return found
    return found


def _best_cut(reader: Reader, text: str, parts: Sequence[Part], carried: str) -> list[tuple[int, int, Reading]]:
    """Cut by dynamic programming: least parts not understood (half when to confirm), then least mentions."""
    singles = [_read(reader, text[part.start : part.end], carried) for part in parts]
    best: list[tuple[tuple[float, int], list[tuple[int, int, Reading]]]] = [((0.0, 0), [])]
    for end in range(1, len(parts) + 1):
        options = []
        for start in range(max(0, end - _WINDOW), end):
            run = singles[start:end]
            reading = run[0] if len(run) == 1 else _joined(reader, text, parts[start:end], run, carried)
            if reading is None:
                continue
            missed = 0.0 if reading.sure else 0.5 if reading.ruled else float(len(run))
            (before_missed, mentions), before = best[start]
            options.append(((before_missed + missed, mentions + 1), [*before, (start, end, reading)]))
        best.append(min(options, key=lambda option: option[0]))
    return best[-1][1]


def _joined(
    reader: Reader, text: str, parts: Sequence[Part], singles: Sequence[Reading], carried: str
) -> Reading | None:
    """Read parts as one mention, or return None when they are not one.

    Where the parts are names too, the whole must be written as it is named, links included; else it is a list
    (commas) or ambiguous (« l'Indre et la Loire »: Indre-et-Loire, or the two).
    """
    whole = text[parts[0].start : parts[-1].end]
    reading = _read(reader, whole, carried)
    commas = any("," in part.joint for part in parts[1:])
    named = [name for key in reading.keys for name, _ in reader.gazetteer.territories[key].names]
    if not reading.ruled:
        alone = not commas and not any(single.ruled for single in singles)
        formed = any(single.formed for single in singles[1:])
        return reading if alone and not formed else None
    if not all(single.sure for single in singles) or is_own_name(reader, whole, reading):
        return reading
    if not reading.sure or (commas and not any("," in name for name in named)):
        return None
    keys = dict.fromkeys((*reading.keys, *(key for single in singles for key in single.keys)))
    return Reading(AMBIGUOUS, tuple(keys), SEVERAL)


def _spread_doubt(found: Sequence[tuple[str, Reading]]) -> list[tuple[str, Reading]]:
    """Doubt a name without form that follows an EPCI or PETR not understood: it may be the end of its name."""
    told, doubt = [], False
    for text, reading in found:
        missed = not reading.ruled and read_form(fold(text)).kind in {EPCI, PETR}
        doubt = missed or (doubt and not reading.formed)
        doubted = doubt and reading.status == KNOWN
        told.append((text, reading._replace(status=TO_CONFIRM, note=BESIDE) if doubted else reading))
    return told
