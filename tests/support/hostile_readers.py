"""Every reader of files of users, with small good files to start from, all invented."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import shapely
from docx import Document
from fuzz_extracts import EXTRACT, extracts, sound_roads
from fuzz_members import GEOPACKAGE, OFFICE, PARQUET
from hostile_mutations import ARCHIVE, JSON, TABLE, TEXT, Change

from sdaasp_geo.criteria import read_criteria
from sdaasp_geo.embedded import data_folder
from sdaasp_geo.layers.geometry_checks import Limits, check_contours
from sdaasp_geo.parameters import read_parameters
from sdaasp_geo.priorities import read_priorities
from sdaasp_geo.road_speeds import read_road_parameters
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.sources.action_sheets import read_action_sheets
from sdaasp_geo.sources.action_tables import read_action_table
from sdaasp_geo.sources.apl import read_apl
from sdaasp_geo.sources.areas import read_areas
from sdaasp_geo.sources.boundaries import layer_schemas, read_boundaries
from sdaasp_geo.sources.cells import read_cells
from sdaasp_geo.sources.french_hours import read_week, read_week_text
from sdaasp_geo.sources.governance_tables import read_governance_table
from sdaasp_geo.sources.grid_files import read_grid_file
from sdaasp_geo.sources.grid_schema import grid_faults
from sdaasp_geo.sources.json_hours import read_json_hours
from sdaasp_geo.sources.mediation import read_osm_week
from sdaasp_geo.sources.minutes import read_minutes
from sdaasp_geo.sources.osm_roads import read_osm_roads
from sdaasp_geo.sources.road_layers import find_mapping, read_mappings, read_road_layer
from sdaasp_geo.sources.services import read_offer
from sdaasp_geo.sources.stops import read_stops

METRES = (0.0, 6_000_000.0, 1_300_000.0, 7_200_000.0)


@dataclass(frozen=True)
class Target:
    """A reader: the name its file must have, how to change files for it, and good files."""

    read: Callable[[Path], object]
    file: str
    changes: Sequence[Change]
    seeds: Sequence[bytes]
    weight: int


def _table(*rows: dict[str, str]) -> bytes:
    return "\n".join(";".join(row) for row in [list(rows[0]), *(list(row.values()) for row in rows)]).encode()


GRID = {
    "id": "caf-1", "nom": "CAF d'essai", "operateur": "CAF", "service": "caf", "format": "fixe",
    "adresse": "1 rue Haute", "code_commune": "04070", "commune": "Digne-les-Bains", "lon": "6,2356", "lat": "44.0925",
    "precision_position": "adresse", "horaires": "Mo-Fr 09:00-12:00", "horaires_bruts": "", "accessibilite": "inconnue",
    "contact": "", "source": "Essai", "date_maj": "2026-01-31", "licence": "Licence Ouverte 2.0",
}  # fmt: skip
ANCT = {
    "id_fs": "12", "insee_dep": "4", "lib_fs": "France services d'essai", "adresse": "1 rue", "complement_adresse": "",
    "insee_com": "4001", "code_postal": "4510", "lib_com": "Aiglun", "latitude": "44.05", "longitude": "6.13",
    "h_lundi": "09:00 - 12:00 / 14:00 - 17:00", "h_mardi": "9h-12h (semaines paires)", "h_mercredi": "", "h_jeudi": "",
    "h_vendredi": "Sur RDV", "h_samedi": "1er samedi du mois : 9:00 - 12:00", "type_fs": "Antenne", "format_fs": "Fixe",
}  # fmt: skip
MEDIATION = {
    "id": "a.1", "nom": "Espace d'essai", "commune": "TARBES", "code_postal": "65000", "code_insee": "65440",
    "adresse": "1 rue", "latitude": "43,2329", "longitude": "0,0741", "horaires": "Mo-Fr 09:00-12:00", "source": "Hub",
    "itinerance": "Fixe", "date_maj": "2024-05-03", "services": "Aide", "modalites_acces": "Se présenter|Téléphoner",
}  # fmt: skip
POINT = {
    "AN": "2024", "NOMRS": "BUREAU", "DEPCOM": "03001", "TYPEQU": "A206", "LAMBERT_X": "700000", "LAMBERT_Y": "6600000",
    "QUALITE_XY": "B",
}  # fmt: skip
COUNT = {"DEPCOM": "65440", "TYPEQU": "A206", "AN": "2021", "NB_EQUIP": "2"}
STOP = {
    "id": "bus-1", "vehicule": "fs-0001", "nom": "Place", "code_commune": "65031", "lon": "0,36", "lat": "42.90",
    "horaires": "week 02-52/2 Tu 09:00-12:00", "source": "Essai", "date_maj": "2026-01-31",
}  # fmt: skip
AREA = {
    "operateur": "CAF", "code_commune": "65001", "guichet": "caf-1", "source": "Essai", "date_maj": "2026-01-31",
}  # fmt: skip
MINUTES = {"origin": "65001", "destination": "65002", "minutes": "12,5"}
CELL = {"idcar_200m": "CRS3035RES200mN2289400E3515400", "ind": "12.5", "men": "3"}
ACTION = {"Code": "1.1", "Intitulé": "Un", "Statut": "en cours", "Porteur(s)": "CAF", "Budget 2018": "10 000 €"}
GOVERNANCE = {"type": "instance", "code": "c", "nom": "Conférence", "animation": "Préfet", "frequence": "1 fois par an"}
APL = """Millésime : 2023;;;
Code commune INSEE;Commune;APL aux médecins;Population standardisée
;;cons.;hab.
65001;A;2,5;30"""
OLD = {
    "id": "p-1", "type": "pole_emploi", "nom": "Essai", "codeinsee": "65258", "latitude": "43.1", "longitude": "0.3",
    "update": "2016-02-08", "writeAddress": {"addressLocality": "L", "postalCode": "65300", "streetAddress": ["1 rue"]},
}  # fmt: skip
FEATURE: dict[str, Any] = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [0.38, 43.12]},
    "properties": {
        "id": "mairie-65258-01", "codeInsee": "65258", "pivotLocal": "mairie", "nom": "Mairie",
        "adresses": [{"type": "géopostale", "lignes": ["1 rue"], "codePostal": "65300", "commune": "L"}],
        "horaires": [{"du": "lundi", "au": "mardi", "heures": [{"de": "09:00:00", "a": "12:00:00"}]}],
    },
}  # fmt: skip
RANGE = {
    "nom_jour_debut": "Lundi", "nom_jour_fin": "Mardi", "valeur_heure_debut_1": "09:00:00",
    "valeur_heure_fin_1": "12:00:00", "valeur_heure_debut_2": "", "valeur_heure_fin_2": "", "commentaire": "sur RDV",
}  # fmt: skip
CURRENT = {
    "id": "x", "nom": "Caf", "plage_ouverture": [RANGE], "pivot": [{"type_service_local": "caf"}],
    "code_insee_commune": "65258", "date_modification": "01/02/2024 10:00:00",
    "adresse": [{"type_adresse": "Adresse", "numero_voie": "1 rue", "longitude": "0.3", "latitude": "43.1"}],
}  # fmt: skip
SHEET = """Fiche action n° 1.2 : Ouvrir une maison
Objectif opérationnel : Aider (à Tarbes)
Porteur(s) : CAF, MSA\n- bus
Calendrier 2018 : étude\nBudget prévu : 10 000 €\nPartenaires : La Poste
Page 1 / 2\n\f
Fiche action n° 1.3\nIntitulé : Deux\nPublic : tous\nPorteur : MSA
"""
HOURS = [
    "Du lundi au jeudi de 9h à midi et de 14h à 17h30 ; samedi 9-12h. Fermé le mercredi",
    "Lundi : 9:00-12:00 (semaines paires) // mardi sur RDV 14h-17h",
    "1er et 3e samedi du mois : 9h30 - 12h",
]
OSM = ["Mo,We 9:00-12:00; Th-Fr 09:00-12:00,14:00-18:30; We off; PH off", "24/7", "Sa-Mo 08:00-12:00"]
JSON_HOURS = [
    json.dumps([RANGE]),
    '[["lundi", "mardi", [["09:00:00", "12:00:00"]]]]',
    json.dumps(FEATURE["properties"]["horaires"]),
]


def _made(write: Callable[[Path], object], name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def _xlsx(*rows: Sequence[object], title: str = "Feuille") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(list(row))
    return _made(book.save, "a.xlsx")


def _ods(*rows: Sequence[str]) -> bytes:
    spaces = "".join(f' xmlns:{key}="urn:{key}"' for key in ("office", "table", "text"))
    cells = [[f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in row] for row in rows]
    body = "".join(f"<table:table-row>{''.join(row)}</table:table-row>" for row in cells)
    content = (
        f'<office:document-content{spaces}><table:table table:name="F">{body}</table:table></office:document-content>'
    )
    return _packed({"content.xml": content})


def _odt() -> bytes:
    lines = "".join(f"<text:p>{line}</text:p>" for line in SHEET.replace("\f", "").splitlines())
    spaces = 'xmlns:office="urn:o" xmlns:text="urn:t"'
    return _packed({"content.xml": f"<office:body {spaces}><office:text>{lines}</office:text></office:body>"})


def _packed(parts: dict[str, str | bytes]) -> bytes:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(zipfile.ZipInfo(name), content)

    return _made(write, "a.zip")


def _docx() -> bytes:
    document = Document()
    for line in SHEET.replace("\f", "").splitlines():
        document.add_paragraph(line)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.docx"
        document.save(path)
        with zipfile.ZipFile(path) as archive:
            kept = {
                name: archive.read(name) for name in archive.namelist() if name.startswith(("word/doc", "[", "_rels"))
            }
    return _packed(kept)


CONTOURS = gpd.GeoDataFrame(
    {"code": ["65001", "65002"], "nom": ["A", "B"]},
    geometry=[shapely.box(460_000, 6_240_000, 461_000, 6_241_000), shapely.box(461_000, 6_240_000, 462_000, 6_241_000)],
    crs="EPSG:2154",
)
ROADS = gpd.GeoDataFrame(
    {
        "nature": ["Route à 1 chaussée"], "importance": ["4"], "sens_de_circulation": ["Double sens"],
        "vitesse_moyenne_vl": [40.0], "acces_vehicule_leger": ["Libre"], "etat_de_l_objet": ["En service"],
    },
    geometry=[shapely.LineString([(0.1, 43.2), (0.2, 43.2)])],
    crs="EPSG:4326",
)  # fmt: skip


def _layer(frame: gpd.GeoDataFrame, name: str) -> bytes:
    return _made(
        frame.to_parquet if name.endswith("parquet") else lambda path: pyogrio.write_dataframe(frame, path), name
    )


def _shapefile() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        pyogrio.write_dataframe(CONTOURS, Path(folder) / "a.shp")
        return _packed({path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())})


def _extract(path: Path, **options: Any) -> object:  # noqa: ANN401 - those of the reader
    roads, report = read_osm_roads(path, speeds=read_road_parameters(), **options)
    return sound_roads(roads), report


def _text(reader: Callable[[str], object]) -> Callable[[Path], object]:
    return lambda path: reader(path.read_bytes().decode("utf-8", "replace"))


def _grid(path: Path) -> object:
    grid = read_grid_file(path)
    return grid_faults(grid.table, file=grid.name)


def _scheme(path: Path) -> object:
    folder = path.parent / "schema"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(path, folder / "scheme.toml")
    return read_scheme(str(folder))


def _roads(path: Path) -> object:
    mapping = find_mapping(path, mappings=read_mappings())
    roads, report = read_road_layer(path, mapping=mapping, speeds=read_road_parameters())
    return sound_roads(roads.to_crs(4326)), report


def _contours(path: Path) -> object:
    layer_schemas(path)
    limits = Limits(area_share=0.01, join_m=1.0)
    return check_contours(read_boundaries(path), crs="EPSG:2154", boxes={}, limits=limits, file=path.name)


def _places() -> gpd.GeoDataFrame:
    table = pd.DataFrame([GRID, GRID | {"id": "caf-2"}])
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy([6.2, 6.3], [44.0, 44.1]), crs=4326)


def _offer(path: Path) -> object:
    offer, notes = read_offer(path)
    assert (offer["lon"].dropna().abs() <= 180).all(), "off the Earth"
    assert (offer["lat"].dropna().abs() <= 90).all(), "off the Earth"
    return offer, notes


def _cells(path: Path) -> object:
    return read_cells(path, bounds=METRES, crs="EPSG:2154")


def _package(name: str) -> bytes:
    return (data_folder().parent / "sdaasp_geo" / name).read_bytes()


def _json(*content: object) -> list[bytes]:
    return [json.dumps(entry, ensure_ascii=False).encode() for entry in content]


PRIORITIES = "priorite;critere;theme;remarque\nAccès aux soins;;mobilite;x\nNumérique;;numerique;".encode()
SCHEME = b"""nom = "Essai"\ndepartement = "65"\nedition = 2026-11-22\n[millesimes]\nconvention = 2018\nmesure = 2024
[mesure]\nservices = ["france-services"]\nregles = []\n[fichiers]\nservices = ["embarque:services/mairies.parquet"]
[convention]\nduree_ans = 2\n"""


def targets() -> dict[str, Target]:
    """Return the readers by name; ``weight`` is the share of a campaign's inputs, cheaper readers having more."""
    return {**_offers(), **_measures(), **_plans(), **_hours(), **_settings(), **_layers()}


def _offers() -> dict[str, Target]:
    grid = list(GRID.values())
    return {
        "grid_csv": Target(read_offer, "lieux.csv", TABLE, [_table(GRID, GRID | {"id": "caf-2"})], 800),
        "grid_loose_csv": Target(_grid, "lieux.csv", TABLE, [_table(GRID, GRID | {"id": "caf-2"})], 600),
        "grid_xlsx": Target(_grid, "lieux.xlsx", OFFICE, [_xlsx(list(GRID), grid)], 300),
        "grid_ods": Target(_grid, "lieux.ods", OFFICE, [_ods(list(GRID), grid)], 800),
        "grid_gpkg": Target(_offer, "lieux.gpkg", GEOPACKAGE, [_layer(_places(), "a.gpkg")], 300),
        "anct": Target(read_offer, "liste-fs-20240801.csv", TABLE, [_table(ANCT, ANCT | {"id_fs": "13"})], 600),
        "mediation_csv": Target(read_offer, "lieux.csv", TABLE, [_table(MEDIATION, MEDIATION | {"id": "b"})], 600),
        "mediation_json": Target(read_offer, "lieux.json", JSON, _json([MEDIATION, MEDIATION | {"id": "b"}]), 600),
        "bpe_points": Target(read_offer, "bpe24.csv", TABLE, [_table(POINT, POINT)], 250),
        "bpe_counts": Target(
            read_offer, "bpe21.csv", TABLE, [_table(COUNT), b"CODGEO;NB_A206;NB_D201\n65440;1;2"], 300
        ),
        "dila_json": Target(
            read_offer, "annuaire-20200101.json", JSON, _json({"service": [CURRENT]}, [OLD], [FEATURE]), 1000
        ),
    }


def _measures() -> dict[str, Target]:
    minutes = pd.DataFrame([MINUTES | {"minutes": 12.5}])
    return {
        "minutes": Target(read_minutes, "m.csv", TABLE, [_table(MINUTES, MINUTES | {"destination": "x"})], 4000),
        "minutes_parquet": Target(read_minutes, "m.parquet", PARQUET, [_made(minutes.to_parquet, "a.parquet")], 2000),
        "areas": Target(read_areas, "a.csv", TABLE, [_table(AREA, AREA | {"code_commune": "65002"})], 2500),
        "stops": Target(read_stops, "s.csv", TABLE, [_table(STOP, STOP | {"id": "bus-2"})], 2500),
        "cells_csv": Target(_cells, "c.csv", TABLE, [_table(CELL, CELL | {"idcar_200m": "1kmN2288E3514"})], 800),
        "cells_parquet": Target(
            _cells, "c.parquet", PARQUET, [_made(pd.DataFrame([CELL]).to_parquet, "a.parquet")], 600
        ),
    }


def _plans() -> dict[str, Target]:
    action = list(ACTION.values())
    return {
        "actions_csv": Target(read_action_table, "a.csv", TABLE, [_table(ACTION, ACTION | {"Code": "2"})], 2500),
        "actions_xlsx": Target(read_action_table, "a.xlsx", OFFICE, [_xlsx(list(ACTION), action)], 300),
        "actions_ods": Target(read_action_table, "a.ods", OFFICE, [_ods(list(ACTION), action)], 4000),
        "governance": Target(read_governance_table, "g.csv", TABLE, [_table(GOVERNANCE, GOVERNANCE)], 2000),
        "sheets_text": Target(read_action_sheets, "f.txt", TEXT, [SHEET.encode()], 3000),
        "sheets_docx": Target(read_action_sheets, "f.docx", OFFICE, [_docx()], 3000),
        "sheets_odt": Target(read_action_sheets, "f.odt", OFFICE, [_odt()], 5000),
        "apl_csv": Target(read_apl, "apl-2023.csv", TABLE, [APL.encode()], 2000),
        "apl_xlsx": Target(
            read_apl, "apl.xlsx", OFFICE, [_xlsx(*(row.split(";") for row in APL.split("\n")), title="APL 2023")], 400
        ),
    }


def _hours() -> dict[str, Target]:
    return {
        "hours_text": Target(_text(read_week_text), "h.txt", TEXT, [text.encode() for text in HOURS], 6000),
        "hours_day": Target(_text(lambda text: read_week({0: text})), "h.txt", TEXT, [ANCT["h_lundi"].encode()], 6000),
        "hours_osm": Target(_text(read_osm_week), "h.txt", TEXT, [text.encode() for text in OSM], 12000),
        "hours_json": Target(_text(read_json_hours), "h.txt", JSON, [text.encode() for text in JSON_HOURS], 29000),
    }


def _settings() -> dict[str, Target]:
    return {
        "scheme": Target(_scheme, "scheme.toml", TEXT, [SCHEME], 8000),
        "parameters": Target(read_parameters, "p.toml", TEXT, [_package("parameters.toml")], 500),
        "criteria": Target(read_criteria, "c.toml", TEXT, [_package("criteria.toml")], 600),
        "priorities": Target(_priorities, "p.csv", TABLE, [PRIORITIES], 1500),
        "road_speeds": Target(read_road_parameters, "r.toml", TEXT, [_package("roads.toml")[:4000]], 500),
    }


def _layers() -> dict[str, Target]:
    return {
        "contours_geojson": Target(_contours, "c.geojson", JSON, [_layer(CONTOURS.to_crs(4326), "a.geojson")], 700),
        "contours_gpkg": Target(_contours, "c.gpkg", GEOPACKAGE, [_layer(CONTOURS, "a.gpkg")], 500),
        "contours_zip": Target(_contours, "c.zip", ARCHIVE, [_shapefile()], 500),
        "contours_parquet": Target(_contours, "c.parquet", PARQUET, [_layer(CONTOURS, "a.parquet")], 600),
        "roads_layer": Target(_roads, "r.geojson", JSON, [_layer(ROADS, "a.geojson")], 300),
        "roads_gpkg": Target(_roads, "r.gpkg", GEOPACKAGE, [_layer(ROADS, "a.gpkg")], 300),
        "roads_osm": Target(_extract, "r.osm.pbf", EXTRACT, extracts(), 1000),
        "roads_osm_near": Target(
            lambda path: _extract(path, bounds=(-0.1, 42.9, 0.2, 43.2)), "r.osm.pbf", EXTRACT, extracts(), 500
        ),
    }


def _priorities(path: Path) -> object:
    return read_priorities(path)
