"""Records of the DILA directory of local public services: four published shapes, one record.

- JSON lines of February 2016 (``codeinsee, type, writeAddress, geocode_pr``), and the layer made from them;
- ``FeatureCollection`` of etablissements-publics.api.gouv.fr (2017 to 2022): ``codeInsee, pivotLocal, adresses,
  horaires``;
- the directory of Service-Public.fr (2022 to now): ``pivot, adresse, plage_ouverture, code_insee_commune``, whose cells
  are lists, or lists written as text (exports in CSV and JSON of the interface).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sdaasp_geo.sources.grid_rows import one_line

_TOWN_CLASSES = {"4", "5"}
"""Classes of ``geocode_pr`` taken for the middle of the town (their meaning is not published: docs/interchange.md)."""


class DilaRecord(NamedTuple):
    """A record, all text: ``hours`` is JSON, ``note`` tells the hours in words, ``access`` is ACC, DEM or NAC."""

    id: str
    types: tuple[str, ...]
    name: str
    code: str
    address: str
    town: str
    lon: str
    lat: str
    precision: str
    hours: str
    note: str
    access: str
    date: str
    editor: str
    edition: str


def is_dila_record(record: Mapping[str, Any]) -> bool:
    """Tell whether a record, a feature or a row of a table is of the directory."""
    if isinstance(record.get("properties"), dict):
        return {"pivotLocal", "nom"} <= set(record["properties"])
    return {"nom", "codeinsee", "type"} <= set(record) or {"nom", "pivot", "adresse", "code_insee_commune"} <= set(
        record
    )


def dila_record(record: Mapping[str, Any]) -> DilaRecord:
    """Read one record of any of the shapes.

    Raises
    ------
    AttributeError, TypeError, KeyError, ValueError
        When the record has not the structure of its shape.
    """
    if "properties" in record:
        return _feature(record)
    return _of_2016(record) if "codeinsee" in record else _current(record)


def _of_2016(record: Mapping[str, Any]) -> DilaRecord:
    postal = record.get("writeAddress") or {}
    street = postal.get("streetAddress") or [_text(record.get("adresse"))]
    town = _text(postal.get("addressLocality") or record.get("commune"))
    code = _text(postal.get("postalCode") or record.get("cp"))
    return DilaRecord(
        id=_text(record.get("id")),
        types=(_text(record["type"]),),
        name=_text(record["nom"]),
        code=_text(record["codeinsee"]),
        address=one_line(*map(_text, street), f"{code} {town}"),
        town=town,
        lon=_text(record.get("longitude", record.get("lon"))),
        lat=_text(record.get("latitude", record.get("lat"))),
        precision="commune" if _text(record.get("geocode_pr")) in _TOWN_CLASSES else "adresse",
        hours="",
        note=_text(record.get("commentaire")),
        access=_text(record.get("accessibilite_type")),
        date=_text(record.get("update")),
        editor=_text(record.get("editeursource", record.get("editeur"))),
        edition="2016",
    )


def _feature(record: Mapping[str, Any]) -> DilaRecord:
    said = record["properties"]
    addresses = _list(said.get("adresses"))
    chosen = _physical(addresses, "type")
    lon, lat = ((record.get("geometry") or {}).get("coordinates") or chosen.get("coordonnees") or ["", ""])[:2]
    town = _text(chosen.get("commune"))
    return DilaRecord(
        id=_text(said.get("id")),
        types=(_text(said["pivotLocal"]),),
        name=_text(said["nom"]),
        code=_text(said.get("codeInsee")),
        address=one_line(*map(_text, chosen.get("lignes") or []), f"{_text(chosen.get('codePostal'))} {town}"),
        town=town,
        lon=_text(lon),
        lat=_text(lat),
        precision="adresse",
        hours=json.dumps(_list(said.get("horaires")), ensure_ascii=False),
        note="",
        access="",
        date=_text(said.get("dateMiseAJour")),
        editor="",
        edition="2017-2022",
    )


def _current(record: Mapping[str, Any]) -> DilaRecord:
    pivots = _list(record.get("pivot"))
    chosen = _physical(_list(record.get("adresse")), "type_adresse")
    code = _text(record.get("code_insee_commune")) or next(
        (c for p in pivots for c in p.get("code_insee_commune") or []), ""
    )
    parts = ("complement1", "complement2", "numero_voie", "service_distribution")
    town = _text(chosen.get("nom_commune"))
    return DilaRecord(
        id=_text(record.get("id")),
        types=tuple(dict.fromkeys(_text(pivot.get("type_service_local")) for pivot in pivots)),
        name=_text(record["nom"]),
        code=_text(code),
        address=one_line(*(_text(chosen.get(part)) for part in parts), f"{_text(chosen.get('code_postal'))} {town}"),
        town=town,
        lon=_text(chosen.get("longitude")),
        lat=_text(chosen.get("latitude")),
        precision="adresse",
        hours=json.dumps(_list(record.get("plage_ouverture")), ensure_ascii=False),
        note=_text(record.get("commentaire_plage_ouverture")),
        access=_text(chosen.get("accessibilite")),
        date=_text(record.get("date_modification")) or _text(record.get("date_modification_datetime")),
        editor=_text(record.get("partenaire")),
        edition="2022",
    )


def _physical(addresses: Sequence[Mapping[str, Any]], key: str) -> Mapping[str, Any]:
    """Address of the place rather than that of its mail."""
    places = [
        address for address in addresses if _text(address.get(key)).lower() in {"adresse", "physique", "géopostale"}
    ]
    return next(iter([*places, *addresses]), {})


def _list(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON as published
    if isinstance(value, str):
        value = json.loads(value) if value.strip() else []
    entries = [value] if isinstance(value, dict) else list(value or [])
    if not all(isinstance(entry, dict) for entry in entries):
        message = "a list of objects is expected"
        raise ValueError(message)
    return entries


def _text(value: Any) -> str:  # noqa: ANN401 - JSON as published
    if value is None or value != value or isinstance(value, list | dict):  # noqa: PLR0124 - NaN differs from itself
        return ""
    return " ".join(str(value).split())
