"""What is suspicious in a common grid without being a fault: a reader must look, the file stays valid."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from rapidfuzz import fuzz, process

from sdaasp_geo.action_plan import fold
from sdaasp_geo.french import NBSP, date, number
from sdaasp_geo.layers.arrondissements import COMMUNE_OF, whole_communes

COLUMNS = ["kind", "row", "column", "value", "expected", "remedy"]
_Row = tuple[str, int, str, str, str, str]
_NEAR_SERVICE = 60.0
_PHONE = re.compile(r"\+\d[\d .()/-]*")
_FORMULA = ("=", "+", "-", "@")
_NUMBERS = ("lon", "lat")

UNKNOWN_COMMUNE = "commune inconnue"
OTHER_NAME = "nom et code de commune différents"
ABROAD = "position hors de France"
FAR = "position loin de la commune"
NO_POSITION = "position absente"
NO_HOURS = "horaires absents"
TEXT_HOURS = "horaires en texte seulement"
FUTURE = "date à venir"
OLD = "information ancienne"
TWICE = "lieu peut-être répété"
NEW_SERVICE = "code de service inconnu"
FORMULA_LIKE = "cellule qui ressemble à une formule"


@dataclass(frozen=True)
class Known:
    """What a grid is compared with.

    Attributes
    ----------
    communes : DataFrame
        ``code, name`` of the communes of France.
    moves : DataFrame
        ``code_before, code_after, vintage``: official changes of communes.
    services : sequence of str
        Codes of services; the list stays open.
    """

    communes: pd.DataFrame
    moves: pd.DataFrame
    services: Sequence[str]


def grid_warnings(
    table: pd.DataFrame,
    *,
    known: Known,
    proposed_hours: Mapping[str, str],
    distances_m: pd.Series,
    edition: dt.date | None = None,
    old_years: int = 3,
    far_m: float = 5000.0,
) -> pd.DataFrame:
    """Find what is suspicious in a common grid.

    Parameters
    ----------
    table : DataFrame
        Columns of the grid, all text, indexed by the row of the spreadsheet (`sources.grid_files`); those that the file
        lacks are not looked at.
    known : Known
        What the file is compared with.
    proposed_hours : mapping
        Text of hours to what it is in the syntax of the grid, where it was read whole.
    distances_m : Series
        Metres from each located row to its commune (`distances_to_commune`); infinite outside France.
    edition : date, optional
        Day from which dates are judged; without it nothing is in the future, and the latest date of the file stands for
        it.
    old_years : int
        Years after which information is old; exactly as many is not.
    far_m : float
        Metres beyond which a position is far; exactly as many is not.

    Returns
    -------
    DataFrame
        ``kind, row, column, value, expected, remedy``: in French, in reading order.
    """
    rows: list[_Row] = [
        *_communes(table, known.communes, known.moves),
        *_positions(table, distances_m, far_m=far_m),
        *_hours(table, proposed_hours),
        *_dates(table, edition, old_years=old_years),
        *_twice(table),
        *_services(table, known.services),
        *_formulas(table),
    ]
    order = {name: at for at, name in enumerate(table.columns)}
    rows.sort(key=lambda row: (row[1], order.get(row[2], 0), row[0]))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"row": "int64"})


def distances_to_commune(
    lon: pd.Series,
    lat: pd.Series,
    codes: pd.Series,
    shapes: Sequence[gpd.GeoDataFrame],
    *,
    boxes: Sequence[tuple[float, float, float, float]],
) -> pd.Series:
    """Measure the distance from each point to the contour of its commune.

    Parameters
    ----------
    lon, lat : Series of float
        Degrees (EPSG:4326), NaN where not located; same index as ``codes``.
    codes : Series of str
        INSEE codes; an arrondissement is measured to its commune.
    shapes : sequence of GeoDataFrame
        ``code`` and contours, one table by legal CRS (metres).
    boxes : sequence of (west, south, east, north)
        Bounds of the départements, in degrees.

    Returns
    -------
    Series of float
        Metres; 0 inside, infinite outside every box, NaN where there is no point or no contour.
    """
    distance = pd.Series(np.nan, index=codes.index, dtype="float64")
    inside = pd.Series(data=False, index=codes.index)
    for west, south, east, north in boxes:
        inside |= lon.between(west, east) & lat.between(south, north)
    distance[lon.notna() & lat.notna() & ~inside] = np.inf
    codes = whole_communes(codes, {code for layer in shapes for code in layer["code"]})
    for layer in shapes:
        own = codes.isin(layer["code"]) & inside
        if not own.any():
            continue
        points = gpd.GeoSeries(gpd.points_from_xy(lon[own], lat[own]), index=codes.index[own], crs="EPSG:4326")
        contours = gpd.GeoSeries(
            codes[own].map(layer.set_index("code").geometry).to_numpy(), index=codes.index[own], crs=layer.crs
        )
        distance[own] = points.to_crs(layer.crs).distance(contours, align=False)
    return distance


def _filled(table: pd.DataFrame, column: str) -> Iterator[tuple[int, str]]:
    if column in table:
        yield from ((int(row), value) for row, value in table[column].items() if value)


def _communes(table: pd.DataFrame, communes: pd.DataFrame, moves: pd.DataFrame) -> Iterator[_Row]:
    names = dict(zip(communes["code"], communes["name"], strict=True))
    codes: dict[str, list[str]] = {}
    for code, name in names.items():
        codes.setdefault(fold(name), []).append(code)
    changed = moves[(moves["code_before"] != moves["code_after"]) & (moves["code_after"] != "")].sort_values("vintage")
    after = dict(zip(changed["code_before"], changed["code_after"], strict=True))
    names |= {part: names[whole] for part, whole in COMMUNE_OF.items() if whole in names and part not in names}
    for row, code in _filled(table, "code_commune"):
        written = str(table["commune"][row]) if "commune" in table else ""
        alike = [f"{other} ({names[other]})" for other in codes.get(fold(written), [])[:5]]
        if code not in names:
            hint = [f"{after[code]} ({names[after[code]]})"] if names.get(after.get(code, "")) else alike
            remedy = f"Vérifiez le code\u202f; sans doute{NBSP}: {', '.join(hint)}." if hint else "Vérifiez le code."
            yield (UNKNOWN_COMMUNE, row, "code_commune", code, "le code d'une commune de France", remedy)
        elif written and not f"{_spelled(written)} ".startswith(f"{_spelled(names[code])} "):
            own = f"le code {code} est celui de «{NBSP}{names[code]}{NBSP}»"
            other = f" ; «{NBSP}{written}{NBSP}» a le code {', '.join(alike)}" if alike else ""
            yield (OTHER_NAME, row, "commune", written, names[code], f"Vérifiez{NBSP}: {own}{other}.")


def _spelled(name: str) -> str:
    """Return a name of commune folded, « St » and « Ste » spelled out."""
    return " ".join({"st": "saint", "ste": "sainte"}.get(word, word) for word in fold(name).split())


def _positions(table: pd.DataFrame, distances_m: pd.Series, *, far_m: float) -> Iterator[_Row]:
    if not {"lon", "lat"} <= set(table.columns):
        return
    for row in table.index:
        lon, lat = str(table["lon"][row]), str(table["lat"][row])
        distance = float(distances_m.get(row, np.nan))
        if not lon or not lat:
            column = "lat" if lon else "lon"
            remedy = "Relevez longitude et latitude sur une carte, à l'entrée du lieu."
            yield (NO_POSITION, int(row), column, "", "une longitude et une latitude", remedy)
        elif np.isposinf(distance):
            remedy = "Vérifiez longitude et latitude (degrés décimaux, WGS 84)."
            yield (ABROAD, int(row), "lon", f"{lon} ; {lat}", "une position en France", remedy)
        elif distance > far_m:
            away = f"{number(distance / 1000, digits=1)}{NBSP}km"
            remedy = f"Le point est à {away} de la commune déclarée{NBSP}: vérifiez la position ou la commune."
            yield (FAR, int(row), "lon", f"{lon} ; {lat}", "une position dans la commune", remedy)


def _hours(table: pd.DataFrame, proposed: Mapping[str, str]) -> Iterator[_Row]:
    if "horaires" not in table:
        return
    raw = table["horaires_bruts"] if "horaires_bruts" in table else pd.Series("", index=table.index)
    for row in table.index[table["horaires"] == ""]:
        text = str(raw[row])
        form = f"des horaires comme «{NBSP}Mo-Fr 09:00-12:00{NBSP}»"
        if not text:
            yield (NO_HOURS, int(row), "horaires", "", form, "Donnez les horaires, ou leur texte publié.")
        elif proposed.get(text):
            remedy = f"Si c'est exact, copiez dans la cellule{NBSP}: {proposed[text]}"
            yield (TEXT_HOURS, int(row), "horaires", text, form, remedy)
        else:
            remedy = f"Ce texte ne se lit pas exactement{NBSP}: écrivez les horaires dans la forme de la grille."
            yield (TEXT_HOURS, int(row), "horaires", text, form, remedy)


def _dates(table: pd.DataFrame, edition: dt.date | None, *, old_years: int) -> Iterator[_Row]:
    if "date_maj" not in table:
        return
    read = pd.to_datetime(table["date_maj"].replace("", None), format="%Y-%m-%d", errors="coerce").dropna()
    if read.empty:
        return
    day = pd.Timestamp(edition) if edition is not None else read.max()
    oldest = day - pd.DateOffset(years=old_years)
    for row, when in read.items():
        value = str(table["date_maj"][row])
        if when > day:
            expected = f"une date jusqu'au {date(day.date())}"
            yield (FUTURE, int(row), "date_maj", value, expected, "Donnez la date de l'état décrit.")
        elif when < oldest:
            expected = f"une information de moins de {old_years} ans"
            yield (
                OLD,
                int(row),
                "date_maj",
                value,
                expected,
                "Vérifiez que la ligne est encore exacte, puis datez-la.",
            )


def _twice(table: pd.DataFrame) -> Iterator[_Row]:
    keys = ["nom", "code_commune", "service"]
    if not {"id", *keys} <= set(table.columns):
        return
    plain = table[["code_commune", "service"]].assign(nom=table["nom"].map(fold), row=table.index, id=table["id"])
    plain = plain[(plain["nom"] != "") & (plain["code_commune"] != "")]
    for _, group in plain.groupby(keys):
        if len(set(group["id"])) > 1:
            first = int(group["row"].iloc[0])
            for row in group["row"].iloc[1:]:
                remedy = f"Même nom, même commune et même service qu'à la ligne {first}, sous un autre identifiant."
                yield (TWICE, int(row), "id", str(table["id"][row]), "un lieu une seule fois", remedy)


def _services(table: pd.DataFrame, services: Sequence[str]) -> Iterator[_Row]:
    known = set(services)
    for row, code in _filled(table, "service"):
        if code not in known:
            near = process.extract(code, sorted(known), scorer=fuzz.ratio, limit=3, score_cutoff=_NEAR_SERVICE)
            hint = f" Codes proches{NBSP}: {', '.join(name for name, _, _ in near)}." if near else ""
            remedy = f"Gardez ce code s'il est voulu{NBSP}: la liste reste ouverte.{hint}"
            yield (NEW_SERVICE, row, "service", code, "un code de service connu", remedy)


def _formulas(table: pd.DataFrame) -> Iterator[_Row]:
    for column in table.columns:
        if column in _NUMBERS:
            continue
        for row, value in _filled(table, str(column)):
            if value.startswith(_FORMULA) and not _PHONE.fullmatch(value):
                remedy = (
                    f"Le texte est gardé tel quel, jamais calculé{NBSP}: retirez le premier signe s'il est de trop."
                )
                yield (FORMULA_LIKE, row, str(column), value, "un texte qui ne commence ni par = + - @", remedy)


def gaps(table: pd.DataFrame) -> pd.DataFrame:
    """Tell the cells of a grid that nobody filled and that an operator should (bool, same index, same columns).

    Hours without any text, positions and their precision, contact, accessibility unknown, operator not published.
    """
    empty = table == ""
    marks = pd.DataFrame(data=False, index=table.index, columns=table.columns)
    for column in ("operateur", "horaires", "lon", "lat", "contact"):
        marks[column] = empty[column]
    marks["accessibilite"] = table["accessibilite"] == "inconnue"
    marks["precision_position"] = table["precision_position"].isin(["commune", "inconnue"])
    return marks


def gap_words(marks: pd.DataFrame) -> pd.Series:
    """Write what is to verify in each row (« position, contact »); empty where nothing is."""
    columns = [str(column) for column in marks.columns]
    rows = ([column for column, asked in zip(columns, row, strict=True) if asked] for row in marks.to_numpy(dtype=bool))
    words = [", ".join(dict.fromkeys(_GAPS.get(column, column) for column in asked)).capitalize() for asked in rows]
    return pd.Series(words, index=marks.index, dtype="str")


_GAPS = {
    "operateur": "opérateur",
    "accessibilite": "accessibilité",
    **dict.fromkeys(("lon", "lat", "precision_position"), "position"),
}
