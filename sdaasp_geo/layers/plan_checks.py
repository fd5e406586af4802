"""What the tables of a plan (actions, governance) have in common: located faults, lists of values, numbers, merging."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from sdaasp_geo.action_plan import ORIGIN, Field, fold, value_of
from sdaasp_geo.errors import Fault
from sdaasp_geo.french import NBSP

NOT_A_NUMBER = "nombre non reconnu"
AMBIGUOUS_NUMBER = "nombre ambigu (milliers ou décimales)"
COMPLETE = "Complétez la cellule."
CONTRADICTION_COLUMNS = ("column", "value", "origin", "row", "other_value", "other_origin", "other_row")

_CODE = re.compile(r"(?:\d{2}|2[AB])\d{3}|\d{9}|\d{2}|2[AB]|97\d")
_UNITS = re.compile(r"(?:€|euros?|eur|%|ans?|ttc|ht)$", re.IGNORECASE)
_SCALES = {"k": 1_000.0, "m": 1_000_000.0}


def faults_where(table: pd.DataFrame, wrong: pd.Series, column: str, expected: str, remedy: str) -> list[Fault]:
    """Return one fault per row at fault; the file is the row's ``origine``, the row its index."""
    rows = table[wrong]
    return [
        Fault(str(origin), int(row), column, str(value), expected, remedy)
        for row, origin, value in zip(rows.index, rows[ORIGIN], rows[column], strict=True)
    ]


def required_faults(table: pd.DataFrame, columns: Sequence[str]) -> list[Fault]:
    """Find the empty cells of columns that must be filled."""
    return [
        fault
        for column in columns
        for fault in faults_where(table, table[column] == "", column, "une valeur", COMPLETE)
    ]


def settle(table: pd.DataFrame, field: Field, *, default: str = "") -> tuple[pd.Series, list[Fault]]:
    """Bring a column to the values of its list, and find the cells that stand for none of them.

    Parameters
    ----------
    table : DataFrame
        With the column and ``origine``.
    field : Field
        The column, its values and their synonyms.
    default : str
        Value of an empty cell.
    """
    words = table[field.name]
    known = {text: default if text == "" else value_of(text, field) for text in words.unique()}
    values = words.map(known.get)
    allowed = ", ".join(str(value) for value in field.constraints["enum"])
    remedy = "Choisissez l'une des valeurs permises, ou videz la cellule."
    faults = faults_where(table, values.isna(), field.name, f"l'une des valeurs {allowed}", remedy)
    return words.map(lambda text: known[text] or "").astype("str"), faults


def repeated_faults(table: pd.DataFrame, keys: Sequence[str], remedy: str) -> list[Fault]:
    """Find the rows whose key, accents and capitals aside, is that of a row above; the fault names that row."""
    folded = pd.DataFrame({key: table[key].map(fold) for key in keys}).set_axis(table.index)
    filled = (table[list(keys)] != "").all(axis="columns")
    first: dict[tuple[str, ...], tuple[str, int]] = {}
    faults = []
    places = zip(folded.itertuples(index=False, name=None), table[ORIGIN], table.index, table[keys[-1]], strict=True)
    for kept, (key, origin, row, value) in zip(filled, places, strict=True):
        if not kept:
            continue
        if key in first:
            where, line = first[key]
            expected = f"un code unique (déjà donné{NBSP}: {where}, ligne {line})"
            faults.append(Fault(str(origin), int(row), keys[-1], str(value), expected, remedy))
        else:
            first[key] = (str(origin), int(row))
    return faults


def code_faults(table: pd.DataFrame, column: str = "territoires_codes") -> list[Fault]:
    """Find the cells that hold something else than codes of communes, EPCI, PETR or départements."""
    wrong = table[column].map(lambda text: not all(_CODE.fullmatch(code) for code in codes_of(text)))
    remedy = f"Donnez les codes en texte, séparés par «{NBSP}|{NBSP}»{NBSP}: un nombre perd son zéro de tête."
    expected = "des codes de communes (5 caractères), d'EPCI ou de PETR (9 chiffres) ou de départements"
    return faults_where(table, wrong.astype("bool"), column, expected, remedy)


def codes_of(text: str) -> list[str]:
    """Cut a cell of codes, whatever separates them."""
    return [code for code in re.split(r"[\s,;|]+", text) if code]


def french_number(text: str) -> tuple[float, str]:
    """Read a number as people write it: decimal comma, thousands apart, a unit after it, k€ or M€.

    Returns
    -------
    float
        NaN where there is none.
    str
        Why, in French; empty for a number or an empty text.

    Examples
    --------
    >>> french_number("12 000,50 €"), french_number("1,5 M€"), french_number("50 %")
    ((12000.5, ''), (1500000.0, ''), (50.0, ''))
    """
    plain = re.sub(r"\s", "", text)
    scale = 1.0
    while (unit := _UNITS.search(plain)) is not None:
        plain = plain[: unit.start()]
        if unit.group() == "€" and plain[-1:].lower() in _SCALES:
            scale, plain = _SCALES[plain[-1].lower()], plain[:-1]
    if not plain:
        return float("nan"), NOT_A_NUMBER if text.strip() else ""
    if re.fullmatch(r"-?\d{1,3}(?:[.,]\d{3})", plain):
        return float("nan"), AMBIGUOUS_NUMBER
    if re.fullmatch(r"-?\d{1,3}(?:\.\d{3})+,\d+|-?\d{1,3}(?:\.\d{3}){2,}", plain):
        plain = plain.replace(".", "")
    if re.fullmatch(r"-?\d+(?:[.,]\d+)?", plain):
        return round(float(plain.replace(",", ".")) * scale, 6), ""
    return float("nan"), NOT_A_NUMBER


def merge_tables(
    tables: Sequence[pd.DataFrame], fields: Sequence[Field], *, keys: Sequence[str], default: str = ""
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join tables that tell of the same rows: empty cells are completed, and contradictions are listed.

    Parameters
    ----------
    tables : sequence of DataFrame
        From readers (``origine`` and the row as index), the one that prevails first.
    fields : sequence of Field
        Columns of their Table Schema.
    keys : sequence of str
        The list column (its synonyms count as its values), then the code.
    default : str
        Value of an empty list cell.

    Returns
    -------
    DataFrame
        Every row of every table, rows of the same key in different tables being one; a key repeated within one table
        is left for the contract to refuse.
    DataFrame
        One row per cell that two tables give differently: the keys and ``CONTRADICTION_COLUMNS``. The value of the
        table that comes first stands in the joined table.
    """
    listed = next(field for field in fields if field.name == keys[0])
    records: list[dict[str, str]] = []
    rows: list[int] = []
    at_key: dict[tuple[str, str], int] = {}
    contradictions = []
    for table in tables:
        fresh: dict[tuple[str, str], int] = {}
        for row, record in zip(table.index, table.to_dict("records"), strict=True):
            kind = value_of(record[keys[0]], listed) or record[keys[0]] or default
            key = (fold(kind), fold(record[keys[1]]))
            known = at_key.get(key) if key[1] else None
            if known is None:
                fresh.setdefault(key, len(records))
                records.append({**record, keys[0]: kind})
                rows.append(int(row))
            else:
                contradictions += _complete(records[known], rows[known], record, int(row), keys)
        at_key |= fresh
    columns = [*(field.name for field in fields), ORIGIN]
    merged = pd.DataFrame(records, columns=columns, index=pd.Index(rows, name="row", dtype="int64"), dtype="str")
    return merged, pd.DataFrame(contradictions, columns=[*keys, *CONTRADICTION_COLUMNS])


def _complete(
    kept: dict[str, str], kept_row: int, other: dict[str, str], other_row: int, keys: Sequence[str]
) -> list[dict[str, str | int]]:
    """Fill the empty cells of a record with those of another; return the cells that differ."""
    found: list[dict[str, str | int]] = []
    for column, value in other.items():
        if column in (*keys, ORIGIN) or not value or fold(value) == fold(kept[column]):
            continue
        if not kept[column]:
            kept[column] = value
            continue
        names: dict[str, str | int] = {key: kept[key] for key in keys}
        told = (column, kept[column], kept[ORIGIN], kept_row, value, other[ORIGIN], other_row)
        found.append(names | dict(zip(CONTRADICTION_COLUMNS, told, strict=True)))
    return found
