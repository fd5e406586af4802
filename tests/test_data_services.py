"""Embedded service points (common grid) and PETR: the schema, the counts and the facts they must hold."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import frictionless
import pandas as pd
import pytest

DATA = Path(__file__).resolve().parent.parent / "data"
SERVICES = DATA / "services"
TABLES = ("france_services", "msap_2018")

_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_SLOTS = rf"{_TIME}-(?:{_TIME}|24:00)(?:,{_TIME}-(?:{_TIME}|24:00))*"
_DAY = r"(?:Mo|Tu|We|Th|Fr|Sa|Su)"
_RULE = rf"{_DAY}(?:-{_DAY})? {_SLOTS}"
HOURS = re.compile(rf"{_RULE}(?:; {_RULE})*")
DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
CODE = re.compile(r"(?:\d{2}|2[AB])\d{3}")
PERSONAL = re.compile(r"@|\b0\d(?:[ .]?\d\d){4}\b")


def rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file as text."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def table(name: str) -> pd.DataFrame:
    """Read a table of service points: text, and numbers in ``lon`` and ``lat``."""
    if name == "mairies":
        return pd.read_parquet(SERVICES / "mairies.parquet")
    frame = pd.read_csv(SERVICES / f"{name}.csv", dtype="str", keep_default_na=False)
    return frame.assign(lon=pd.to_numeric(frame["lon"]), lat=pd.to_numeric(frame["lat"]))


def descriptor() -> dict[str, Any]:
    """Read the published Table Schema."""
    described: dict[str, Any] = json.loads((SERVICES / "grille-commune.schema.json").read_text(encoding="utf-8"))
    return described


def in_order(value: str) -> bool:
    """Check the syntax of opening hours, and the order of days and of slots."""
    if not HOURS.fullmatch(value):
        return False
    days: list[int] = []
    for rule in value.split("; "):
        span, slots = rule.split(" ")
        first, *last = (DAYS.index(day) for day in span.split("-"))
        times = re.split("[-,]", slots)
        if times != sorted(times) or (last and last[0] <= first):
            return False
        days.extend(range(first, (last or [first])[0] + 1))
    return days == sorted(set(days))


def test_schema_is_a_valid_table_schema() -> None:
    """The grid is a Frictionless Table Schema with the agreed columns, in order."""
    schema = frictionless.Schema.from_descriptor(descriptor())
    assert schema.field_names == [
        "id", "nom", "operateur", "service", "format", "adresse", "code_commune", "commune", "lon", "lat",
        "precision_position", "horaires", "horaires_bruts", "accessibilite", "contact", "source", "date_maj", "licence",
    ]  # fmt: skip
    assert all(field["title"] and field["description"] for field in descriptor()["fields"])
    assert schema.primary_key == ["id", "service"]


@pytest.mark.parametrize("name", TABLES)
def test_csv_tables_satisfy_the_schema(name: str) -> None:
    """Frictionless finds nothing to say on the CSV tables."""
    schema = frictionless.Schema.from_descriptor(descriptor())
    resource = frictionless.Resource(path=f"{name}.csv", basepath=str(SERVICES), schema=schema)
    report = resource.validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "note"])


@pytest.mark.parametrize("departement", ["04", "2A", "65", "974"])
def test_mairies_satisfy_the_schema(departement: str, tmp_path: Path) -> None:
    """A département of the Parquet table, written as CSV, satisfies the same schema."""
    mairies = table("mairies")
    mairies = mairies[mairies["code_commune"].str.startswith(departement)]
    mairies.to_csv(tmp_path / "mairies.csv", index=False)
    schema = frictionless.Schema.from_descriptor(descriptor())
    report = frictionless.Resource(path="mairies.csv", basepath=str(tmp_path), schema=schema).validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "note"])


@pytest.mark.parametrize("name", [*TABLES, "mairies"])
def test_tables_are_sorted_unique_and_anonymous(name: str) -> None:
    """Sorted by identifier, no duplicate, whole codes, no telephone nor e-mail."""
    found = table(name)
    assert list(found.columns) == [field["name"] for field in descriptor()["fields"]]
    assert found["id"].is_unique
    assert found["id"].is_monotonic_increasing
    assert found["code_commune"].map(lambda code: CODE.fullmatch(code) is not None).all()
    assert (found["contact"] == "").all()
    assert not found["adresse"].map(lambda text: PERSONAL.search(text) is not None).any()


@pytest.mark.parametrize("name", [*TABLES, "mairies"])
def test_opening_hours_are_strict(name: str) -> None:
    """Hours are in a strict subset of the OpenStreetMap syntax; the raw text is kept only where they are not."""
    found = table(name)
    assert [value for value in found["horaires"].unique() if value and not in_order(value)] == []
    assert not ((found["horaires"] != "") & (found["horaires_bruts"] != "")).any()


@pytest.mark.parametrize("name", [*TABLES, "mairies"])
def test_positions_are_in_france_or_declared_unknown(name: str) -> None:
    """Longitude and latitude are not swapped; a missing position is declared."""
    found = table(name)
    unknown = found["precision_position"] == "inconnue"
    assert (found["lon"].isna() == unknown).all()
    assert (found["lat"].isna() == unknown).all()
    overseas = found["code_commune"].str.startswith("97")
    mainland = found[~overseas & ~unknown]
    assert mainland["lon"].between(-5.3, 9.7).all()
    assert mainland["lat"].between(41.2, 51.2).all()
    boxes = {"971": (-61.9, 15.8, -61.0, 16.6), "972": (-61.3, 14.3, -60.8, 15.0), "973": (-54.7, 2.1, -51.5, 5.9)}
    boxes |= {"974": (55.1, -21.5, 55.9, -20.8), "976": (44.9, -13.1, 45.4, -12.5)}
    for departement, (west, south, east, north) in boxes.items():
        there = found[found["code_commune"].str.startswith(departement)]
        assert there["lon"].between(west, east).all()
        assert there["lat"].between(south, north).all()


def test_france_services_counts() -> None:
    """Sites of August 2024 in and around the two schemes."""
    found = table("france_services")
    departements = found["code_commune"].str[:2].value_counts()
    assert (len(found), departements["65"], departements["04"]) == (148, 25, 16)
    assert found["format"].value_counts().to_dict() == {"fixe": 116, "multisite": 17, "antenne": 8, "itinerant": 7}
    assert ((found["horaires"] != "").sum(), (found["horaires_bruts"] != "").sum()) == (144, 0)
    assert set(found["precision_position"]) == {"adresse"}
    arreau = found.set_index("code_commune").loc["65031"]
    assert arreau["horaires"] == "Mo-Th 09:00-12:00,13:30-16:30; Fr 09:45-12:00,13:30-16:30; Sa 09:00-12:00"


def test_msap_of_2018_stand_at_their_mairie() -> None:
    """Six MSAP in 65 and eight in 04, at commune level."""
    found = table("msap_2018")
    assert found["commune"].tolist() == [
        "Allos", "Banon", "Barcelonnette", "Forcalquier", "Reillanne", "Saint-André-les-Alpes", "Seyne", "Valensole",
        "Arreau", "Pierrefitte-Nestalas", "Rabastens-de-Bigorre", "Saint-Lary-Soulan", "Trie-sur-Baïse",
        "Vic-en-Bigorre",
    ]  # fmt: skip
    mairies = table("mairies").set_index("code_commune").loc[found["code_commune"]]
    assert found["lon"].tolist() == mairies["lon"].tolist()
    assert found["lat"].tolist() == mairies["lat"].tolist()


def test_mairies_cover_every_code_since_2020() -> None:
    """One mairie per commune code, those of former communes included, overseas collectivities left out."""
    found = table("mairies").set_index("code_commune")
    departement = found.index.str.slice(0, 2)
    assert (len(found), (departement == "65").sum(), (departement == "04").sum()) == (34_983, 469, 198)
    assert found["precision_position"].value_counts().to_dict() == {
        "adresse": 33_337, "rue": 1_465, "commune": 180, "inconnue": 1,
    }  # fmt: skip
    assert not found.index.str.startswith(("975", "977", "978", "98")).any()
    assert ((found["horaires"] != "").sum(), (found["horaires_bruts"] != "").sum()) == (34_517, 67)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("01001", "Mairie de l'Abergement-Clémenciat"),
        ("17300", "Mairie de la Rochelle"),
        ("31395", "Mairie de Muret"),
        ("65011", "Mairie des Angles"),
        ("65031", "Mairie d'Arreau"),
        ("72181", "Mairie du Mans"),
    ],
)
def test_mairies_are_named_in_french(code: str, name: str) -> None:
    """Articles and elisions are those of the official names."""
    filters = [("code_commune", "==", code)]
    assert pd.read_parquet(SERVICES / "mairies.parquet", filters=filters)["nom"].tolist() == [name]


def petr_members(day: str) -> dict[str, set[str]]:
    """Find the members of each PETR on a day (ISO date)."""
    found: dict[str, set[str]] = {}
    for row in rows(DATA / "boundaries" / "petr.csv"):
        if (row["valid_from"] or day) <= day <= (row["valid_to"] or day):
            found.setdefault(row["petr"], set()).add(row["member"])
    return found


def test_petr_of_2018() -> None:
    """The five PETR that the scheme of Hautes-Pyrénées lists."""
    assert petr_members("2018-07-01") == {
        "coeur-de-bigorre": {"246500482"},
        "coteaux": {"200070803", "200070795"},
        "lourdes-vallees-des-gaves": {"200070811", "200069300"},
        "nestes": {"246500573", "200070787", "200070829"},
        "val-d-adour": {"200072106", "200035632", "243200508"},
    }


def test_petr_of_2024() -> None:
    """Cœur de Bigorre and Lourdes et Vallées des Gaves have become one."""
    found = petr_members("2024-07-01")
    assert set(found) == {"coteaux", "nestes", "plaines-et-vallees-de-bigorre", "val-d-adour"}
    assert found["plaines-et-vallees-de-bigorre"] == {"200069300", "246500482", "200070811"}
    assert found["val-d-adour"] - petr_members("2018-07-01")["val-d-adour"] == {"200067296"}


def test_petr_table_is_sound() -> None:
    """Columns, codes, dates; Val d'Adour straddles three départements in both years."""
    found = rows(DATA / "boundaries" / "petr.csv")
    keys = [tuple(row[name] for name in ("petr", "siren", "name", "valid_from", "member")) for row in found]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    for row in found:
        assert re.fullmatch(r"(?:\d{9})?", row["siren"])
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", row["valid_from"])
        assert re.fullmatch(r"(?:\d{4}-\d{2}-\d{2})?", row["valid_to"])
        assert (row["member_kind"], len(row["member"])) in {("epci", 9), ("commune", 5)}
        assert row["source"]
    straddled = {code for row in found if row["petr"] == "val-d-adour" for code in row["departements"].split()}
    assert straddled == {"32", "64", "65"}
