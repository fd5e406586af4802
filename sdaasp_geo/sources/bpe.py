"""The Base permanente des équipements of INSEE, points or counts by commune, brought to the common grid."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from pyproj import Transformer

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import number
from sdaasp_geo.sources.france import read_departements
from sdaasp_geo.sources.grid_rows import (
    BAD_COORDINATES,
    COLUMNS,
    LEFT_COLUMNS,
    NO_CODE,
    NO_COORDINATES,
    Conversion,
    commune_code,
    commune_names,
    one_line,
    said_format,
)
from sdaasp_geo.sources.service_types import UNKNOWN_TYPE, BpeType, bpe_types, label_key

LICENCE = "Licence Ouverte 2.0"
OLDER = "millésime plus ancien du même fichier"
WIDER = "total d'un territoire qui n'est pas une commune"
BREAKDOWN = "ventilation ou autre mesure d'un nombre déjà compté"
NO_NUMBER = "nombre d'équipements illisible"
NONE = "nombre d'équipements nul"
UNNAMED = "de communes dont le nom n'est pas connu (ancien code)"
_ALIASES = {"CODGEO": "DEPCOM", "GEO": "DEPCOM", "EQUIPEMENT": "TYPEQU", "FACILITY_TYPE": "TYPEQU"}
_ALIASES |= {"NB_EQUIP": "NB", "OBS_VALUE": "NB", "TIME_PERIOD": "AN"}
_STREET = ("NUMVOIE", "INDREP", "TYPVOIE", "LIBVOIE")
_PLACE = ("LAMBERT_X", "LAMBERT_Y", "LONGITUDE", "LATITUDE", "EPSG", "QUALITE_XY", "QUALITE_GEOLOC")
COLUMNS_READ = frozenset(
    {"DEPCOM", "TYPEQU", "NB", "AN", "NOMRS", "CNOMRS", "CADR", "CODPOS", "LIBCOM", "TYPE", "ITINERANCE"}
    | {"GEO_OBJECT", "BPE_MEASURE", *_STREET, *_PLACE}
)
_WIDE = re.compile(r"NB_([A-G]\d{3})")
_FILE_YEAR = re.compile(r"bpe[_-]?(20\d{2}|\d{2})(?!\d)|(?<!\d)(20\d{2})(?!\d)", re.IGNORECASE)
_FORMATS = {"MO": "itinerant", "MS": "multisite", "ANT": "antenne", "LF": "fixe"}
_TOTAL, _COUNT = "_T", "FACILITIES"
_MOST_OF_A_TYPE, _MOST_ROWS = 10_000, 20_000_000
"""More than a commune, and than France, has: a number is unpacked into as many rows."""


def bpe_names(columns: pd.Index) -> dict[str, str]:
    """Return the name that this module gives to each column (vintages differ: ``codgeo``, ``GEO``, ``nb_equip``…)."""
    upper = {str(name): str(name).upper() for name in columns}
    own = set(upper.values())
    return {name: _ALIASES[text] if _ALIASES.get(text, text) not in own else text for name, text in upper.items()}


def is_bpe(columns: pd.Index) -> bool:
    """Tell whether a table has the columns of the BPE: a commune, a type, and a position or a number."""
    known = set(bpe_names(columns).values())
    typed = {"DEPCOM", "TYPEQU"} <= known and bool(known & {"NB", "LAMBERT_X", "LONGITUDE"})
    return typed or ("DEPCOM" in known and any(_WIDE.fullmatch(name) for name in known))


def bpe_to_grid(table: pd.DataFrame, *, file: str) -> Conversion:
    """Bring a file of the BPE to the common grid: one row per equipment and service.

    Parameters
    ----------
    table : DataFrame
        All text. Points: ``DEPCOM, TYPEQU, LAMBERT_X, LAMBERT_Y`` (legal CRS of the département, or that of the column
        ``EPSG``) or ``LONGITUDE, LATITUDE``. Counts: ``DEPCOM, TYPEQU, NB_EQUIP``, the columns of ``DS_BPE`` (``GEO,
        GEO_OBJECT, FACILITY_TYPE, BPE_MEASURE, TIME_PERIOD, OBS_VALUE``), or one column ``NB_<type>`` per type. The
        type may be given by its label.
    file : str
        Name of the file, which gives the vintage where no column ``AN`` does.

    Returns
    -------
    Conversion
        Counts give as many rows as equipments, without position. The rank of an identifier
        (``bpe-2021-65440-A206-1``) does not depend on the order of the lines of points.

    Raises
    ------
    InputError
        No vintage, in the table nor in the name.
    """
    lines = _narrow(table.rename(columns=bpe_names(table.columns)))
    lines = lines.mask(lines.isin(["_Z", "_U"]), "")
    years = _years(lines, file)
    vintage = int(years.max()) if len(years) else 0
    kinds, other = bpe_types(vintage)
    reason = _reasons(lines, years, kinds, other)
    kept = lines[reason == ""].copy()
    kept["kind"] = kept["TYPEQU"].map(lambda text: kinds.get(text) or kinds[label_key(text)])
    if "NB" in kept.columns:
        kept = _one_by_one(kept, file=file)
    counts = "NB" in lines.columns
    grid, remarks = _grid(kept, vintage, with_remarks=not counts)
    title = f"Insee, Base permanente des équipements {vintage}, {'nombres par commune' if counts else 'points'}"
    return Conversion(title, len(table), grid, _left(lines, reason), remarks)


def _narrow(table: pd.DataFrame) -> pd.DataFrame:
    """One line per commune and type: a column per type becomes lines, of which the empty ones say nothing."""
    wide = [name for name in table.columns if _WIDE.fullmatch(name)]
    if not wide or "TYPEQU" in table.columns:
        return table
    table = table.drop(columns="NB", errors="ignore")  # a total, where columns give each type
    long = table.melt(
        [name for name in ("DEPCOM", "AN") if name in table.columns], wide, "TYPEQU", "NB", ignore_index=False
    )
    long["TYPEQU"] = long["TYPEQU"].str[3:]
    return long[~long["NB"].isin(["", "0"])].sort_index(kind="stable")


def _one_by_one(kept: pd.DataFrame, *, file: str) -> pd.DataFrame:
    """Repeat each line as many times as it counts equipments."""
    times = pd.to_numeric(kept["NB"]).astype("int64")
    if times.sum() > _MOST_ROWS:
        remedy = "Reprenez le fichier tel que l'Insee le publie, ou limitez-le à des départements."
        expected = f"au plus {number(_MOST_ROWS)} équipements"
        raise InputError([Fault(file, None, "NB", number(float(times.sum())), expected, remedy)])
    return kept.loc[kept.index.repeat(times)]


def _years(lines: pd.DataFrame, file: str) -> pd.Series:
    found = _FILE_YEAR.search(file)
    named = next((part for part in found.groups() if part), "") if found else ""
    fallback = float(named if len(named) == 4 else f"20{named}") if named else np.nan  # noqa: PLR2004 - a full year
    years = pd.to_numeric(_text(lines, "AN").str[:4], errors="coerce").astype("float64").fillna(fallback)
    if years.isna().any():
        remedy = "Gardez le nom publié, qui porte le millésime."
        raise InputError([Fault(file, None, "AN", "", "un millésime (colonne AN, ou nom comme bpe21.csv)", remedy)])
    return years


def _reasons(
    lines: pd.DataFrame, years: pd.Series, kinds: Mapping[str, BpeType], other: Mapping[str, str]
) -> pd.Series:
    """Say why each line is not converted; empty where it is."""
    types = {text: other.get(text, UNKNOWN_TYPE) for text in lines["TYPEQU"].unique()}
    types |= dict.fromkeys((text for text in types if text in kinds or label_key(text) in kinds), "")
    codes = {text: commune_code(text) for text in lines["DEPCOM"].unique()}
    stated = pd.to_numeric(lines.get("NB", pd.Series(1, lines.index)), errors="coerce")
    area = lines.get("GEO_OBJECT", pd.Series("COM", lines.index))
    apart = (lines["TYPEQU"] == _TOTAL) | (lines.get("BPE_MEASURE", pd.Series(_COUNT, lines.index)) != _COUNT)
    for name in [name for name in lines.columns if name not in COLUMNS_READ and not name.startswith("FACILITY_")]:
        if (lines[name] == _TOTAL).any():
            apart |= lines[name] != _TOTAL
    kind = lines["TYPEQU"].map(types)
    checks = [
        (area != "COM", WIDER),
        (apart, BREAKDOWN),
        (lines["DEPCOM"].map(codes) == "", NO_CODE),
        (years < years.max(), OLDER),
        (kind != "", kind),
        (stated.isna() | (stated < 0) | (stated > _MOST_OF_A_TYPE) | (stated % 1 != 0), NO_NUMBER),
        (stated == 0, NONE),
    ]
    chosen = np.select([wrong for wrong, _ in checks], [reason for _, reason in checks], "")
    return pd.Series(chosen, index=lines.index, dtype="str")


def _grid(kept: pd.DataFrame, vintage: int, *, with_remarks: bool) -> tuple[pd.DataFrame, dict[str, int]]:
    lines = kept.reset_index(names="row")
    lines["code"] = lines["DEPCOM"].map({text: commune_code(text) for text in lines["DEPCOM"].unique()})
    known = commune_names()
    lines["name"] = [
        known.get(code) or said or f"commune {code}"
        for code, said in zip(lines["code"], _text(lines, "LIBCOM"), strict=True)
    ]
    lon, lat, place_remarks = _positions(lines)
    kinds: list[BpeType] = lines["kind"].tolist()
    codes = pd.Series([kind.code for kind in kinds], lines.index, dtype="str")
    rank = _ranks(lines, codes)
    names = [
        one_line(said) if kind.institution and said else f"{kind.label}, {name}"
        for kind, said, name in zip(kinds, _text(lines, "NOMRS"), lines["name"], strict=True)
    ]
    columns = {
        "id": "bpe-" + str(vintage) + "-" + lines["code"] + "-" + codes + "-" + rank.astype("str"),
        "nom": names,
        "operateur": [kind.operator for kind in kinds],
        "service": [kind.services for kind in kinds],
        "format": _formats(lines, kinds),
        "adresse": _addresses(lines),
        "code_commune": lines["code"],
        "commune": lines["name"],
        "lon": lon,
        "lat": lat,
        "precision_position": np.where(lon == "", "inconnue", np.where(_precise(lines), "adresse", "commune")),
        "source": f"Insee, BPE {vintage} (" + codes + ")",
        "date_maj": f"{vintage}-01-01",
        "licence": LICENCE,
        "accessibilite": "inconnue",
    }
    grid = pd.DataFrame(columns, index=lines.index).reindex(columns=list(COLUMNS), fill_value="")
    grid = grid.set_axis(pd.Index(lines["row"], name="row"), axis="index").explode("service")
    if not grid.index.is_unique:
        grid.index = pd.RangeIndex(2, len(grid) + 2, name="row")
    unnamed = int((lines["name"] == "commune " + lines["code"]).sum())
    remarks = {**(place_remarks if with_remarks else {}), **({UNNAMED: unnamed} if unnamed else {})}
    return grid.astype("str"), remarks


def _text(lines: pd.DataFrame, name: str) -> pd.Series:
    return lines[name] if name in lines.columns else pd.Series("", lines.index, dtype="str")


def _numbers(lines: pd.DataFrame, name: str) -> pd.Series:
    return pd.to_numeric(_text(lines, name).str.replace(",", ".", regex=False), errors="coerce").astype("float64")


def _ranks(lines: pd.DataFrame, codes: pd.Series) -> pd.Series:
    """Rank of each equipment among those of its commune and type, by position then name, whatever the order given."""
    keys = pd.DataFrame({"x": _numbers(lines, "LAMBERT_X"), "y": _numbers(lines, "LAMBERT_Y")})
    keys = keys.assign(lon=_numbers(lines, "LONGITUDE"), lat=_numbers(lines, "LATITUDE"), name=_text(lines, "NOMRS"))
    ordered = keys.assign(code=lines["code"], kind=codes).sort_values(["x", "y", "lon", "lat", "name"], kind="stable")
    return ordered.groupby(["code", "kind"], sort=False).cumcount().add(1).reindex(lines.index)


def _formats(lines: pd.DataFrame, kinds: list[BpeType]) -> list[str]:
    columns = (_text(lines, name) for name in ("TYPE", "ITINERANCE", "NOMRS"))
    return [
        ("itinerant" if moving == "1" else "")
        or _FORMATS.get(said)
        or (said_format(name) if kind.institution else "")
        or kind.format
        for kind, said, moving, name in zip(kinds, *columns, strict=True)
    ]


def _addresses(lines: pd.DataFrame) -> list[str]:
    if "LIBVOIE" not in lines.columns:
        return [""] * len(lines)
    columns = [_text(lines, name) for name in (*_STREET, "CADR", "CODPOS")]
    return [
        one_line(" ".join(parts[:4]), parts[4], f"{parts[5]} {name}") if any(parts) else ""
        for name, *parts in zip(lines["name"], *columns, strict=True)
    ]


def _precise(lines: pd.DataFrame) -> pd.Series:
    """Tell the positions INSEE calls good or acceptable: the others lie anywhere in the commune."""
    good = _text(lines, "QUALITE_XY").str.upper().str[:1].isin(["B", "A"])
    return good & (_text(lines, "QUALITE_GEOLOC") != "33")


def _positions(lines: pd.DataFrame) -> tuple[pd.Series, pd.Series, dict[str, int]]:
    """Longitude and latitude as text, WGS 84, empty where there is none; and how many are missing, by reason."""
    lon, lat = _numbers(lines, "LONGITUDE"), _numbers(lines, "LATITUDE")
    x, y = _numbers(lines, "LAMBERT_X"), _numbers(lines, "LAMBERT_Y")
    systems = _systems(lines)
    for system in sorted(set(systems) - {""}):
        here = (systems == system) & lon.isna() & x.notna() & y.notna()
        if here.any():
            moved = Transformer.from_crs(system, "EPSG:4326", always_xy=True).transform(x[here], y[here])
            lon[here], lat[here] = np.round(moved[0], 6), np.round(moved[1], 6)
    sound = np.isfinite(lon) & np.isfinite(lat) & lon.abs().le(180) & lat.abs().le(90) & ~((lon == 0) & (lat == 0))
    said = pd.concat([_text(lines, name) for name in _PLACE[:4]], axis="columns").ne("").any(axis="columns")
    counted = {NO_COORDINATES: int((~sound & ~said).sum()), BAD_COORDINATES: int((~sound & said).sum())}
    written = [values.map("{:.10g}".format).where(sound, "") for values in (lon, lat)]
    return written[0], written[1], {reason: number for reason, number in counted.items() if number}


def _systems(lines: pd.DataFrame) -> pd.Series:
    """CRS of each line: that of the column EPSG, else the legal one of the département."""
    legal = {code: departement.crs for code, departement in read_departements().items()}
    departement = lines["code"].str[:2].where(~lines["code"].str.startswith("97"), lines["code"].str[:3])
    own = _text(lines, "EPSG").str.extract(r"^(2154|2972|2975|4471|5490|32620)$", expand=False)
    return ("EPSG:" + own).fillna(departement.map(legal)).fillna("")


def _left(lines: pd.DataFrame, reason: pd.Series) -> pd.DataFrame:
    spurned = lines[reason != ""]
    columns = {"row": spurned.index, "id": "", "nom": "", "type": spurned["TYPEQU"], "code_commune": spurned["DEPCOM"]}
    table = pd.DataFrame({**columns, "reason": reason[reason != ""]}, columns=list(LEFT_COLUMNS))
    return table.astype({name: "int64" if name == "row" else "str" for name in LEFT_COLUMNS}).reset_index(drop=True)
