"""Inhabited cells as INSEE publishes them (Filosofi « carreaux »): squares rebuilt from their identifiers.

The identifier of a cell says everything of its square: ``CRS3035RES200mN2029800E4252400`` is the square of 200 m whose
lower left corner is at north 2 029 800, east 4 252 400 in EPSG:3035. Two other forms are read: the short form of
INSPIRE, ``200mN20298E42524`` (hundreds of metres; kilometres from ``1km`` up), and that of 2010,
``LAEA200M_N10149E21262`` (units of 200 m), both of EPSG:3035. Published sizes are 200 m, 1, 2, 4, 8, 16 and 32 km; a
corner is a multiple of its size, so squares are nested.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyogrio
import pyproj
import shapely

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count, number
from sdaasp_geo.sources.delimited import decode
from sdaasp_geo.sources.limits import TABLE_MB, check_file, check_parquet, read_parquet_table, text_columns
from sdaasp_geo.sources.vector_files import CheckedLayer, checked, field_names, one_layer, optional_fiona

_CELL_NAMES = (
    *("idcar_200m", "idinspire", "id_inspire", "id_carr200m", "idcar_1km", "id_carr1km"),
    *("idcar_nat", "id_carr_n", "id_carreau", "cell", "grd_id", "id"),
)
"""Usual names of the identifier, finest first: a file of 200 m names its squares of 1 km too."""

_POPULATION_NAMES = ("ind", "ind_c", "population", "pop")
_SIZES_M = (200, 1000, 2000, 4000, 8000, 16000, 32000)
_GRID_CRS = (3035, 2975, 5490, 4559, 2973, 2972, 4471)
"""Mainland, La Réunion, Antilles (RGAF09, RRAF 1991, and Martinique 1938 in 2010), Guyane, Mayotte."""

_INSPIRE = r"^CRS(?P<crs>\d{4,5})RES(?P<size>\d{3,6})mN(?P<north>\d{1,8})E(?P<east>\d{1,8})$"
_SHORT = r"^(?P<size>\d{1,4})(?P<unit>k?m)N(?P<north>\d{1,6})E(?P<east>\d{1,6})$"
_OLD = r"^(?P<grid>LAEA|UTM40S)200M_N(?P<north>\d{1,6})E(?P<east>\d{1,6})$"
_NUMBER = r"^[+-]?\d+(\.\d*)?([eE][+-]?\d{1,2})?$"
_MOST_INHABITANTS = 1e8
"""More than France holds: beyond, the column is not a population."""

_TEXT_SUFFIXES, _SEPARATORS = (".csv", ".txt", ".tsv"), ",;\t|"
_HEADER_BYTES, _BLOCK_BYTES = 1 << 20, 1 << 24
_LISTED = 100
"""Faults of one kind that are listed; a last one counts the others."""


def read_cells(
    path: Path, *, bounds: tuple[float, float, float, float], crs: str, layer: str = ""
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Read gridded population, and keep the cells whose centre is within some bounds.

    Parameters
    ----------
    path : Path
        The file as published: CSV (comma, semicolon or tab; decimal point or comma), Parquet, or any layer that
        `sources.vector_files` reads. Its geometry, if any, is not looked at: squares come from the identifiers.
    bounds : tuple of float
        Left, bottom, right, top **in** ``crs`` (metres), borders included: the bounds of the communes to measure.
    crs : str
        Legal CRS of the territory, to which squares are brought.
    layer : str
        Layer of a file that holds several; empty: the only one.

    Returns
    -------
    GeoDataFrame
        ``cell`` (identifier as in the file), ``population_source`` (inhabitants, float), ``x``, ``y`` (centre of the
        square, brought to ``crs``, metres), geometry (the square, its four corners brought to ``crs``); sorted by cell.
    list of str
        Notes in French: cells left out of the bounds, with their inhabitants.

    Raises
    ------
    InputError
        Unreadable or disguised file, missing or ambiguous column, no row, unreadable or repeated identifiers, squares
        that overlap, populations that are not a number of inhabitants, no cell within the bounds: all together.
    """
    columns, rows, names = _load(path, layer)
    cells, stated = _trimmed(columns[0]), columns[1]
    squares = _squares(cells)
    inhabitants = _inhabitants(stated)
    faults = _cell_faults(squares, cells, rows, file=path.name, column=names[0])
    with np.errstate(invalid="ignore"):
        wrong = ~((inhabitants >= 0) & (inhabitants <= _MOST_INHABITANTS))
    remedy = "Reprenez la valeur publiée."
    expected = "un nombre d'habitants, zéro ou plus"
    faults += _listed(wrong, stated, rows, file=path.name, column=names[1], expected=expected, remedy=remedy)
    if faults:
        raise InputError(faults)
    x, y = _centres(squares, crs)
    left, bottom, right, top = bounds
    here = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    if not here.any():
        raise InputError([_elsewhere(path.name, names[0], str(cells[0].as_py()))])
    table = pd.DataFrame({"cell": cells.filter(pa.array(here)).to_pandas().astype("str").to_numpy()})
    table = table.assign(population_source=inhabitants[here], x=x[here], y=y[here])
    kept = gpd.GeoDataFrame(table, geometry=_polygons(squares[here], crs), crs=crs)
    columns_kept = ["cell", "population_source", "x", "y", "geometry"]
    return kept[columns_kept].sort_values("cell", ignore_index=True), _notes(here, inhabitants)


def _load(path: Path, layer: str) -> tuple[tuple[Any, Any], npt.NDArray[np.int64], tuple[str, str]]:
    """Return identifiers and populations as stated, the number of each row (header = 1), and the columns' names."""
    if path.suffix.lower() in _TEXT_SUFFIXES:
        check_file(path, megabytes=TABLE_MB)
        table, rows = _from_text(path)
    else:
        with checked(path, fiona=optional_fiona()) as source:
            table = _from_parquet(source.path) if source.driver == "Parquet" else _from_layer(source, layer)
        rows = np.arange(2, len(table) + 2, dtype="int64")
    if not len(table):
        remedy = "Donnez le fichier des carreaux tel que l'Insee le publie."
        raise InputError([Fault(path.name, None, "", "", "au moins un carreau", remedy)])
    return (table.column(0), table.column(1)), rows, (table.column_names[0], table.column_names[1])


def _from_text(path: Path) -> tuple[Any, npt.NDArray[np.int64]]:
    """Read two columns of a large delimited file, and nothing else of it; rows where both are empty are blank lines."""
    with path.open("rb") as stream:
        line = decode(stream.readline(_HEADER_BYTES), file=path.name).rstrip("\r\n")
    separator = max(_SEPARATORS, key=line.count)
    header = _header(line, separator, file=path.name)
    chosen = _choose(header, file=path.name)
    odd: list[tuple[int, int]] = []

    def note(row: Any) -> str:  # noqa: ANN401 - pyarrow carries no type information
        odd.append((row.number, row.actual_columns if row.text.strip() else 0))
        return "skip"

    # names of columns are positions, because pyarrow refuses to tell apart two columns of one name
    places = [str(header.index(name)) for name in chosen]
    read = pa_csv.ReadOptions(
        column_names=[str(place) for place in range(len(header))],
        skip_rows=1,
        use_threads=False,  # rows are numbered in the order of the file only so
        block_size=_BLOCK_BYTES,
    )
    parse = pa_csv.ParseOptions(delimiter=separator, ignore_empty_lines=False, invalid_row_handler=note)
    convert = pa_csv.ConvertOptions(include_columns=places, column_types=dict.fromkeys(places, pa.string()))
    try:
        table = pa_csv.read_csv(path, read_options=read, parse_options=parse, convert_options=convert)
    except pa.ArrowException as error:
        remedy = "Un guillemet ouvert n'est sans doute pas refermé, ou le texte n'est pas en UTF-8."
        raise InputError([Fault(path.name, None, "", "", "un fichier CSV lisible", remedy)]) from error
    remedy = "Vérifiez les séparateurs et les guillemets."
    uneven = [(row, cells) for row, cells in odd if cells]
    expected = f"{len(header)} cellules"
    faults = [Fault(path.name, row, "", str(cells), expected, remedy) for row, cells in uneven[:_LISTED]]
    if faults:
        raise InputError(faults + _others(len(uneven), file=path.name, column="", expected=expected, remedy=remedy))
    rows = np.delete(np.arange(2, len(table) + len(odd) + 2, dtype="int64"), [row - 2 for row, _ in odd])
    stated = pc.or_(*(pc.not_equal(_trimmed(table.column(place)), "") for place in range(2)))
    return table.rename_columns(chosen).filter(stated), rows[stated.to_numpy()]


def _header(line: str, separator: str, *, file: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error as error:
        remedy = "Donnez le fichier des carreaux tel que l'Insee le publie."
        raise InputError([Fault(file, 1, "", "", "une ligne d'en-têtes", remedy)]) from error


def _from_parquet(path: Path) -> Any:  # noqa: ANN401 - pyarrow carries no type information
    chosen = _choose(check_parquet(path).names, file=path.name)
    return text_columns(read_parquet_table(path, columns=chosen), file=path.name).select(chosen)


def _from_layer(source: CheckedLayer, layer: str) -> Any:  # noqa: ANN401 - pyarrow carries no type information
    """Read two attributes of a layer that passed the gates, without its geometry."""
    name = one_layer(source, layer=layer, setting="la couche")
    chosen = _choose(field_names(source, layer=name), file=source.name)
    _, table = pyogrio.read_arrow(source.target, layer=name, columns=chosen, read_geometry=False)
    return table.select(chosen)


def _choose(names: Sequence[str], *, file: str) -> list[str]:
    """Return the columns of the identifier and of the population, whatever their case."""
    faults, chosen = [], []
    for role, usual in (("identifiant de carreau", _CELL_NAMES), ("population", _POPULATION_NAMES)):
        wanted = next((name for name in usual if name in {found.lower() for found in names}), "")
        matching = [name for name in names if wanted and name.lower() == wanted]
        if len(matching) == 1:
            chosen += matching
            continue
        expected = f"une colonne de {role} ({', '.join(usual)})"
        shown = ", ".join(name[:30] for name in names[:50])
        remedy = f"Nommez-en une ainsi, et une seule. Colonnes présentes{NBSP}: {shown or 'aucune'}."
        faults.append(Fault(file, None, "", ", ".join(matching), expected, remedy))
    if faults:
        raise InputError(faults)
    return chosen


def _trimmed(values: Any) -> Any:  # noqa: ANN401 - pyarrow carries no type information
    """Return text without outer spaces, empty where missing; what is not text stays unreadable, and is a fault."""
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type):
        return pa.chunked_array([pa.array([""] * len(values), pa.string())])
    return pc.utf8_trim_whitespace(pc.fill_null(values.cast(pa.string()), ""))


def _inhabitants(stated: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401 - pyarrow carries no type information
    """Return populations; NaN where the value is not a number, whose decimals follow a point or a comma."""
    if pa.types.is_integer(stated.type) or pa.types.is_floating(stated.type) or pa.types.is_decimal(stated.type):
        figures = stated.cast(pa.float64(), safe=False)  # a figure that a float cannot hold is no count of inhabitants
    else:
        text = pc.replace_substring(_trimmed(stated), ",", ".")
        figures = pc.if_else(pc.match_substring_regex(text, _NUMBER), text, pa.scalar(None, pa.string()))
        figures = figures.cast(pa.float64())
    return np.asarray(pc.fill_null(figures, float("nan")).to_numpy(), dtype="float64")


def _squares(cells: Any) -> pd.DataFrame:  # noqa: ANN401 - pyarrow carries no type information
    """Return ``crs`` (EPSG number; 0 if unreadable), ``size``, ``north``, ``east`` (metres) of every cell."""
    found = {name: np.zeros(len(cells), dtype="int64") for name in ("crs", "size", "north", "east")}
    for pattern in (_INSPIRE, _SHORT, _OLD):
        rest = np.flatnonzero(found["crs"] == 0)
        parts = pc.extract_regex(cells.take(pa.array(rest)), pattern).combine_chunks()
        read = parts.is_valid().to_numpy(zero_copy_only=False)
        part = parts.filter(parts.is_valid())
        field = {name: part.field(name) for name in part.type.names}
        values = {name: _integers(field[name]) for name in ("crs", "size", "north", "east") if name in field}
        if pattern == _SHORT:
            values["size"] = values["size"] * np.where(_equal(field["unit"], "km"), 1000, 1)
            unit = np.where(values["size"] == _SIZES_M[0], 100, 1000)
            values |= {"crs": np.full(len(part), 3035), "north": values["north"] * unit, "east": values["east"] * unit}
        elif pattern == _OLD:
            epsg, size = np.where(_equal(field["grid"], "LAEA"), 3035, 2975), np.full(len(part), 200)
            values = {"crs": epsg, "size": size, "north": values["north"] * 200, "east": values["east"] * 200}
        for name, value in values.items():
            found[name][rest[read]] = value
    return pd.DataFrame(found)


def _equal(texts: Any, wanted: str) -> npt.NDArray[np.bool_]:  # noqa: ANN401 - pyarrow carries no type information
    return np.asarray(pc.equal(texts, wanted).to_numpy(zero_copy_only=False), dtype="bool")


def _integers(texts: Any) -> npt.NDArray[np.int64]:  # noqa: ANN401 - pyarrow carries no type information
    return np.asarray(texts.cast(pa.int64()).to_numpy(), dtype="int64")


def _cell_faults(
    squares: pd.DataFrame,
    cells: Any,  # noqa: ANN401 - pyarrow carries no type information
    rows: npt.NDArray[np.int64],
    *,
    file: str,
    column: str,
) -> list[Fault]:
    known = squares["crs"].isin(_GRID_CRS) & squares["size"].isin(_SIZES_M)
    size = squares["size"].where(known, 1)
    readable = known & (squares["north"] % size == 0) & (squares["east"] % size == 0)
    repeated = readable & squares.where(readable).duplicated()
    inside = _overlapping(squares, readable & ~repeated)
    kinds = (
        (~readable, "un identifiant de carreau comme CRS3035RES200mN2029800E4252400", "Reprenez l'identifiant publié."),
        (repeated, "un carreau unique", "Ôtez la ligne en double."),
        (inside, "un carreau qui n'en recouvre pas un autre", "Gardez un seul niveau de carreaux à cet endroit."),
    )
    return [
        fault
        for wrong, expected, remedy in kinds
        for fault in _listed(wrong.to_numpy(), cells, rows, file=file, column=column, expected=expected, remedy=remedy)
    ]


def _overlapping(squares: pd.DataFrame, wanted: pd.Series) -> pd.Series:
    """Tell the squares that lie in a larger one of the file; corners are multiples of sizes, so they are nested."""
    inside = pd.Series(data=False, index=squares.index)
    for _, grid in squares[wanted].groupby("crs"):
        for size in np.unique(grid["size"])[1:]:
            large, small = grid[grid["size"] == size], grid[grid["size"] < size]
            corners = _keys(large["north"], large["east"])
            found = np.isin(_keys(small["north"] // size * size, small["east"] // size * size), corners)
            inside[small.index[found]] = True
    return inside


def _keys(north: pd.Series, east: pd.Series) -> npt.NDArray[np.int64]:
    """Return one number for each corner: coordinates have 8 digits at most."""
    return np.asarray(north.to_numpy() * 10**8 + east.to_numpy(), dtype="int64")


def _listed(
    wrong: npt.NDArray[np.bool_],
    values: Any,  # noqa: ANN401 - pyarrow carries no type information
    rows: npt.NDArray[np.int64],
    *,
    file: str,
    column: str,
    expected: str,
    remedy: str,
) -> list[Fault]:
    """Return the first faults of one kind, and one that counts the others."""
    where = np.flatnonzero(wrong)
    shown = ["" if (value := values[int(place)].as_py()) is None else str(value)[:60] for place in where[:_LISTED]]
    faults = [
        Fault(file, int(rows[place]), column, value, expected, remedy)
        for place, value in zip(where[:_LISTED], shown, strict=True)
    ]
    return faults + _others(len(where), file=file, column=column, expected=expected, remedy=remedy)


def _others(total: int, *, file: str, column: str, expected: str, remedy: str) -> list[Fault]:
    if total <= _LISTED:
        return []
    return [Fault(file, None, column, count(total - _LISTED, "autre ligne", "autres lignes"), expected, remedy)]


def _elsewhere(file: str, column: str, example: str) -> Fault:
    remedy = "Donnez le fichier des carreaux qui couvre le territoire étudié (métropole ou outre-mer)."
    return Fault(file, None, column, example, "au moins un carreau dans l'emprise du territoire", remedy)


def _centres(squares: pd.DataFrame, crs: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the centres of the squares in ``crs``; infinite where the CRS does not reach them."""
    x, y = np.full(len(squares), np.inf), np.full(len(squares), np.inf)
    for epsg, grid in squares.groupby("crs"):
        transform = pyproj.Transformer.from_crs(epsg, crs, always_xy=True).transform
        half = grid["size"].to_numpy() / 2
        where = grid.index.to_numpy()
        x[where], y[where] = transform(grid["east"].to_numpy() + half, grid["north"].to_numpy() + half)
    return x, y


def _polygons(squares: pd.DataFrame, crs: str) -> npt.NDArray[np.object_]:
    """Return the squares as polygons of four corners in ``crs``."""
    shapes = np.empty(len(squares), dtype="object")
    for epsg, grid in squares.reset_index(drop=True).groupby("crs"):
        west, south = grid["east"].to_numpy(), grid["north"].to_numpy()
        size = grid["size"].to_numpy()
        boxes = gpd.GeoSeries(shapely.box(west, south, west + size, south + size), crs=epsg)
        shapes[grid.index.to_numpy()] = boxes.to_crs(crs).to_numpy()
    return shapes


def _notes(here: npt.NDArray[np.bool_], inhabitants: npt.NDArray[np.float64]) -> list[str]:
    if here.all():
        return []
    cells = count(int((~here).sum()), "carreau", "carreaux")
    people = number(float(inhabitants[~here].sum()))
    return [f"{cells} du fichier ({people}{NBSP}habitants) hors de l'emprise étudiée, sans effet sur le calcul."]
