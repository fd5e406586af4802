"""Foreign formats of service points, recognised by what they hold and brought to the common grid.

Recognised: places of médiation numérique, the BPE of INSEE, the directory of DILA. The list of France services has its
own reader (`anct`). ``docs/interchange.md`` tells the correspondences, and what each loses.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count, listing
from sdaasp_geo.sources.bpe import COLUMNS_READ, bpe_names, bpe_to_grid, is_bpe
from sdaasp_geo.sources.delimited import decode, read_delimited
from sdaasp_geo.sources.dila import dila_to_grid
from sdaasp_geo.sources.dila_records import is_dila_record
from sdaasp_geo.sources.grid_rows import Conversion, commune_code
from sdaasp_geo.sources.limits import TABLE_MB, check_file, check_parquet, read_content, read_text_table
from sdaasp_geo.sources.mediation import is_mediation_list, mediation_to_grid
from sdaasp_geo.sources.vector_files import load_layer, optional_fiona

_TEXT = {".csv", ".txt", ".tsv"}
_JSON = {".json", ".geojson", ".jsonl", ".ndjson", ".sjson"}
_HEAD = 65_536
_CHUNK = 200_000
_SEPARATORS = ",;\t|"
_HALVES = re.compile(r"\\u[dD][89a-fA-F]")


def read_foreign(path: Path, *, departements: Collection[str] = ()) -> tuple[pd.DataFrame, list[str]] | None:
    """Read a file of a foreign format as rows of the common grid.

    Parameters
    ----------
    path : Path
        CSV, JSON (or JSON lines), Parquet or GeoPackage.
    departements : collection of str
        Only these (``65``, ``2A``, ``974``); empty: all. The BPE of France has 2.8 million lines: name them.

    Returns
    -------
    table : DataFrame
        Columns of the grid, all text, not yet checked; the index is the line of the file, or the row of the table once
        saved where a line gave several.
    notes : list of str
        In French: what was read, what was not converted and why, what was lost.
    None
        When the format is not one of those.

    Raises
    ------
    InputError
        A damaged file, or a BPE without vintage.
    """
    conversion = convert_foreign(path, departements=departements)
    return None if conversion is None else (conversion.table, conversion_notes(conversion))


def convert_foreign(path: Path, *, departements: Collection[str] = ()) -> Conversion | None:
    """Read a file as `read_foreign` does, and return also the list of the lines that were not converted."""
    suffix = path.suffix.lower()
    if suffix in _TEXT:
        return _convert_text(path, departements)
    if suffix in _JSON:
        return _convert_json(path, departements)
    if suffix == ".parquet":
        return _convert_parquet(path, departements)
    return _convert_layer(path, departements) if suffix == ".gpkg" else None


def conversion_notes(conversion: Conversion) -> list[str]:
    """Say in French what a conversion read, left and lost; every line that is left is counted, by reason."""
    converted = conversion.lines - len(conversion.left)
    read, kept = count(conversion.lines, "ligne lue", "lignes lues"), count(converted, "convertie")
    rows = count(len(conversion.table), "ligne", "lignes")
    notes = [f"{conversion.title}{NBSP}: {read}, {kept} en {rows} de la grille commune."]
    if len(conversion.left):
        tally = conversion.left.groupby("reason").size().sort_index().sort_values(ascending=False, kind="stable")
        reasons = listing([f"{reason} ({number})" for reason, number in tally.items()])
        left = count(len(conversion.left), "ligne non convertie", "lignes non converties")
        notes.append(f"{left}{NBSP}: {reasons}.")
    lost = [f"{count(number, 'lieu', 'lieux')} {reason}" for reason, number in sorted(conversion.remarks.items())]
    return [*notes, *(f"{sentence}." for sentence in lost)]


def _convert_text(path: Path, departements: Collection[str]) -> Conversion | None:
    check_file(path, megabytes=TABLE_MB)
    with path.open("rb") as stream:
        head = stream.readline(_HEAD)
    line = decode(head, file=path.name).strip()
    separator = max(_SEPARATORS, key=line.count)
    columns = pd.Index([name.strip().strip('"') for name in line.split(separator)])
    if is_bpe(columns):
        return bpe_to_grid(_read_bpe(path, columns, separator, departements), file=path.name)
    if is_mediation_list(columns):
        return mediation_to_grid(_only(read_delimited(path), "code_insee", departements))
    if is_dila_record(dict.fromkeys(columns)):
        table = _only(read_delimited(path), _code_column(columns), departements)
        records = zip((int(row) for row in table.index), table.to_dict("records"), strict=True)
        return dila_to_grid(records, file=path.name)
    return None


def _read_bpe(path: Path, columns: pd.Index, separator: str, departements: Collection[str]) -> pd.DataFrame:
    """Read a file of the BPE by pieces; of points, only the columns that serve (there are up to 89)."""
    names = bpe_names(columns)
    counted = "NB" in names.values() or "LAMBERT_X" not in names.values()
    used = [name for name in columns if counted or names[name] in COLUMNS_READ]
    commune = next(name for name in columns if names[name] == "DEPCOM")
    options = {
        "sep": separator,
        "dtype": "str",
        "keep_default_na": False,
        "skip_blank_lines": False,
        "index_col": False,
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # lines longer than the header
            with pd.read_csv(path, usecols=used, chunksize=_CHUNK, encoding="utf-8-sig", **options) as pieces:
                table = pd.concat([_only(piece, commune, departements) for piece in pieces])
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError) as error:
        remedy = "Reprenez le fichier tel que l'Insee le publie (CSV UTF-8)."
        raise InputError([Fault(path.name, None, "", "", "un fichier CSV lisible", remedy)]) from error
    return table.set_axis(pd.Index(table.index + 2, name="row"), axis="index")


def _convert_json(path: Path, departements: Collection[str]) -> Conversion | None:
    text = decode(read_content(path), file=path.name)
    records = list(_records(text))
    first = next((record for _, record in records if record), {})
    if is_dila_record(first):
        return dila_to_grid(_only_records(records, departements), file=path.name)
    if is_mediation_list(pd.Index(list(first))):
        rows = [{name: _cell(value) for name, value in record.items()} for _, record in records]
        table = pd.DataFrame(rows, index=pd.Index([number for number, _ in records], name="row"), dtype="object")
        return mediation_to_grid(_only(table.fillna("").astype("str"), "code_insee", departements))
    return None


def _records(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the objects of a JSON text, whatever holds them, or of JSON lines; a broken line is an empty object."""
    try:
        content = _parsed(text)
    except (ValueError, RecursionError):
        yield from ((number, _object(line)) for number, line in enumerate(text.splitlines(), start=1) if line.strip())
        return
    for key in ("service", "features", "results"):
        if isinstance(content, dict) and isinstance(content.get(key), list):
            content = content[key]
    entries = content if isinstance(content, list) else [content]
    yield from ((number, entry if isinstance(entry, dict) else {}) for number, entry in enumerate(entries, start=1))


def _parsed(text: str) -> Any:  # noqa: ANN401 - JSON as published
    """Parse a JSON text; half a character (a lone surrogate), which no file can hold, becomes a question mark."""
    content = json.loads(text)
    if not _HALVES.search(text):
        return content
    return json.loads(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def _object(line: str) -> Mapping[str, Any]:
    try:
        entry = _parsed(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _cell(value: Any) -> str:  # noqa: ANN401 - JSON as published
    if isinstance(value, list):
        return "|".join(str(part) for part in value)
    return "" if value is None else str(value).strip()


def _convert_parquet(path: Path, departements: Collection[str]) -> Conversion | None:
    try:
        columns = pd.Index(check_parquet(path).names)
    except InputError:
        return None
    if not is_bpe(columns):
        return None
    text = read_text_table(path)
    names = bpe_names(columns)
    commune = next(name for name in columns if names[name] == "DEPCOM")
    chosen = _only(text.set_axis(pd.RangeIndex(2, len(text) + 2, name="row"), axis="index"), commune, departements)
    return bpe_to_grid(chosen, file=path.name)


def _convert_layer(path: Path, departements: Collection[str]) -> Conversion | None:
    table = load_layer(path, layer="", setting="services", fiona=optional_fiona())
    attributes = pd.DataFrame(table.drop(columns=table.geometry.name)) if hasattr(table, "geometry") else table
    if not is_dila_record(dict.fromkeys(attributes.columns)):
        return None
    chosen = _only(attributes, _code_column(attributes.columns), departements)
    records = zip((int(row) + 2 for row in chosen.index), chosen.to_dict("records"), strict=True)
    return dila_to_grid(records, file=path.name)


def _code_column(columns: pd.Index) -> str:
    return "codeinsee" if "codeinsee" in columns else "code_insee_commune"


def _only(table: pd.DataFrame, column: str, departements: Collection[str]) -> pd.DataFrame:
    """Keep the rows of some départements; a row whose code is not one is kept, to be said."""
    if not departements or column not in table.columns:
        return table
    within = {text: _is_within(text, departements) for text in table[column].unique()}
    return table[table[column].map(within)]


def _only_records(
    records: list[tuple[int, Mapping[str, Any]]], departements: Collection[str]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, record in records:
        said = record.get("properties") or record
        code = next(
            (str(said[name]) for name in ("codeinsee", "codeInsee", "code_insee_commune") if said.get(name)), ""
        )
        if not departements or _is_within(code, departements):
            yield number, record


def _is_within(text: str, departements: Collection[str]) -> bool:
    code = commune_code(str(text))
    return not code or (code[:3] if code.startswith("97") else code[:2]) in departements
