"""Corrections as tables: what is compared, what is refused, and that applying a difference gives what was edited."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from sdaasp_geo.layers.correction_checks import Known, change_faults
from sdaasp_geo.layers.corrections import (
    ABSENT,
    CHANGE_COLUMNS,
    COMMUNE,
    EXISTENCE,
    POINT,
    POSITION,
    PRESENT,
    SHOWN,
    Edited,
    apply_to_areas,
    apply_to_grid,
    communes_at,
    compare,
    counter_texts,
    point_texts,
)

FIELDS = ["id", "service", "nom", "code_commune", "horaires"]
TEXT = st.text("aé=' -+@,1\n", max_size=8).map(str.strip)


def communes() -> gpd.GeoDataFrame:
    """Two communes of 10 km side by side, near Tarbes; the sea is everywhere else."""
    shapes = [box(460_000, 6_240_000, 470_000, 6_250_000), box(470_000, 6_240_000, 480_000, 6_250_000)]
    rows = {"code": ["65001", "65002"], "name": ["A", "B"], "epci": ["1", "2"], "studied": [True, True]}
    return gpd.GeoDataFrame(rows, geometry=shapes, crs="EPSG:2154")


def points(names: list[str], hours: list[str]) -> gpd.GeoDataFrame:
    """Return places along a line in the first commune; the last has no position of its own."""
    rows = pd.DataFrame(
        {
            "id": [f"p{rank}" for rank in range(len(names))],
            "service": "caf",
            "nom": names,
            "code_commune": "65001",
            "horaires": hours,
        }
    )
    places = gpd.GeoSeries([Point(461_000 + 100 * rank, 6_245_000) for rank in range(len(names))], crs="EPSG:2154")
    degrees = places.to_crs("EPSG:4326")
    located = rows.index < len(names) - 1
    return gpd.GeoDataFrame(rows.assign(lon=degrees.x.where(located), lat=degrees.y.where(located)), geometry=places)


def edited(texts: pd.DataFrame, added: pd.DataFrame | None = None) -> Edited:
    new = texts.iloc[:0] if added is None else added
    keys = [*texts.index, *new.index]
    return Edited(texts, new, {key: rank for rank, key in enumerate(keys, start=2)}, dict.fromkeys(keys, ""))


def difference(thing: str, base: pd.DataFrame, back: Edited, current: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    told = {"file": "e.gpkg", "date": "2026-11-22", "motive": "visite"}
    changes, faults = compare(thing, base=base, edited=back, current=current, **told)
    return changes, [str(fault) for fault in faults]


def known(layer: gpd.GeoDataFrame, **more: object) -> Known:
    given_ = {"services": {"caf"}, "counters": {("caf", "p1")}, "vehicles": set(), **more}
    return Known(communes=layer, **given_)  # type: ignore[arg-type]


def changes_of(*rows: tuple[str, ...]) -> pd.DataFrame:
    table = [(*row, "", "2026-11-22") for row in rows]
    return pd.DataFrame(table, columns=list(CHANGE_COLUMNS), index=range(2, len(rows) + 2), dtype="str")


@settings(max_examples=15)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=2, max_size=5), st.data())
def test_applying_a_difference_gives_what_was_edited(rows: list[tuple[str, str]], data: st.DataObject) -> None:
    layer = points([name for name, _ in rows], [hours for _, hours in rows])
    base = point_texts(layer, FIELDS)
    wanted = base.copy()
    for key in base.index:
        if data.draw(st.booleans()):
            wanted.loc[key, "nom"] = data.draw(TEXT)
        if data.draw(st.booleans()):
            wanted.loc[key, [POSITION, SHOWN]] = f"0.{data.draw(st.integers(1, 9))}000000 43.2000000"
    wanted = wanted.drop(index=[key for key in base.index if data.draw(st.booleans())])
    new = base.iloc[[0]].assign(id="neuf", nom=data.draw(TEXT)).set_axis(["neuf/caf"])
    new[[POSITION, SHOWN]] = "0.5000000 43.2000000"
    changes, faults = difference(POINT, base, edited(wanted, new), base)
    assert faults == []
    made = apply_to_grid(layer.drop(columns="geometry"), changes)
    drawn = gpd.GeoSeries(gpd.points_from_xy(made["lon"], made["lat"]), crs="EPSG:4326")
    drawn = drawn.mask(made["lon"].isna(), None)
    found = point_texts(gpd.GeoDataFrame(made, geometry=drawn), FIELDS).drop(columns=SHOWN)
    pd.testing.assert_frame_equal(
        found.sort_index(), pd.concat([wanted, new]).drop(columns=SHOWN).sort_index(), check_names=False
    )


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5))
def test_nothing_edited_is_nothing_changed(rows: list[tuple[str, str]]) -> None:
    base = point_texts(points([name for name, _ in rows], [hours for _, hours in rows]), FIELDS)
    changes, faults = difference(POINT, base, edited(base.assign(**{POSITION: base[SHOWN]})), base)
    assert (len(changes), faults) == (0, [])


def test_a_point_without_position_that_stays_where_it_is_drawn_has_not_moved() -> None:
    base = point_texts(points(["a", "b"], ["", ""]), FIELDS)
    assert base.loc["p1/caf", POSITION] == ""
    moved = base.assign(**{POSITION: base[SHOWN]})
    moved.loc["p1/caf", [POSITION, SHOWN]] = "0.5000000 43.2000000"
    changes, _ = difference(POINT, base, edited(moved), base)
    assert changes[["champ", "ancien", "nouveau"]].to_numpy().tolist() == [[POSITION, "", "0.5000000 43.2000000"]]


@pytest.mark.parametrize(
    ("today", "count", "conflict"),
    [("avant", 1, False), ("voulu", 0, False), ("autre", 0, True), (None, 0, True)],
)
def test_a_value_that_changed_meanwhile_is_a_conflict(today: str | None, count: int, conflict: bool) -> None:  # noqa: FBT001 - a case
    base = point_texts(points(["avant", "b"], ["", ""]), FIELDS)
    wanted = base.copy()
    wanted.loc["p0/caf", "nom"] = "voulu"
    current = base.drop(index="p0/caf") if today is None else base.copy()
    if today is not None:
        current.loc["p0/caf", "nom"] = today
    changes, faults = difference(POINT, base, edited(wanted), current)
    assert (len(changes), bool(faults)) == (count, conflict)
    if conflict:
        assert "exportez de nouveau" in faults[0]
        assert "ligne 2" in faults[0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((POINT, "absent/caf", "nom", "a", "z"), "un identifiant connu du schéma"),
        ((POINT, "p0/caf", "nom", "périmé", "z"), "la valeur présente"),
        ((POINT, "p0/caf", "id", "p0", "p9"), "un champ corrigeable"),
        ((POINT, "p0/caf", "epci", "1", "2"), "un champ corrigeable"),
        ((POINT, "p0/caf", "code_commune", "65001", "99999"), "une commune du territoire étudié ou voisine"),
        ((POINT, "p0/caf", POSITION, "", "-4.0000000 46.0000000"), "une position dans une commune"),
        ((POINT, "p0/caf", POSITION, "", "43.2000000 0.5000000"), "une position dans une commune"),
        ((POINT, "neuf/bureau", EXISTENCE, ABSENT, PRESENT), "un service connu"),
        ((POINT, "bus/caf", EXISTENCE, PRESENT, ABSENT), "un point dont aucune halte ne dépend"),
        ((COMMUNE, "caf/65001", "guichet", "", "inconnu"), "un guichet connu de l'opérateur"),
        ((COMMUNE, "caf/65001", "epci", "1", "2"), "un champ corrigeable"),
        ((COMMUNE, "caf/65999", "guichet", "", "p1"), "un identifiant connu du schéma"),
    ],
)
def test_each_change_is_checked(change: tuple[str, ...], expected: str) -> None:
    layer = communes()
    areas = pd.DataFrame(columns=["operateur", "code_commune", "guichet"], dtype="str")
    texts = point_texts(points(["a", "b", "c"], ["", "", ""]), FIELDS)
    texts = pd.concat([texts, texts.iloc[[0]].set_axis(["bus/caf"])])
    if change[2] == POSITION:
        texts[POSITION] = ""
    faults = change_faults(
        changes_of(change),
        points=texts,
        counters=counter_texts(layer, areas, ["caf"]),
        known=known(layer, vehicles={"bus"}),
        file="c.csv",
    )
    assert [fault.row for fault in faults] == [2]
    assert faults[0].expected.startswith(expected)


def test_faults_come_all_together_and_a_field_changes_once() -> None:
    layer = communes()
    texts = point_texts(points(["a", "b"], ["", ""]), FIELDS)
    changes = changes_of(
        (POINT, "p0/caf", "nom", "a", "x"), (POINT, "p0/caf", "nom", "a", "y"), (POINT, "zz/caf", "nom", "a", "x")
    )
    faults = change_faults(changes, points=texts, counters=texts.iloc[:0], known=known(layer), file="c.csv")
    assert [(fault.row, fault.column) for fault in faults] == [(3, "champ"), (4, "identifiant")]


@pytest.mark.parametrize(("value", "refused"), [("", False), ("0.1000000", True), ("ailleurs", True)])
def test_a_position_is_emptied_but_not_garbled(value: str, refused: bool) -> None:  # noqa: FBT001 - a case
    texts = point_texts(points(["a", "b"], ["", ""]), FIELDS)
    change = changes_of((POINT, "p0/caf", POSITION, texts.loc["p0/caf", POSITION], value))
    faults = change_faults(change, points=texts, counters=texts.iloc[:0], known=known(communes()), file="c.csv")
    assert [fault.value for fault in faults] == [value] * refused


def test_a_point_that_loses_its_position_is_of_unknown_precision_unless_told() -> None:
    layer = points(["a", "b", "c"], ["", "", ""]).assign(precision_position="adresse")
    base = point_texts(layer, [*FIELDS, "precision_position"])
    back = base.copy()
    back.loc[["p0/caf", "p1/caf"], [POSITION, SHOWN]] = ""
    back.loc["p1/caf", "precision_position"] = "commune"
    changes, _ = difference(POINT, base, edited(back), base)
    found = changes.set_index(["identifiant", "champ"])["nouveau"].to_dict()
    assert found == {
        ("p0/caf", POSITION): "",
        ("p0/caf", "precision_position"): "inconnue",
        ("p1/caf", POSITION): "",
        ("p1/caf", "precision_position"): "commune",
    }


def test_a_position_is_given_its_commune_and_the_shared_edge_goes_to_the_first() -> None:
    layer = communes()
    places = gpd.GeoSeries([Point(465_000, 6_245_000), Point(475_000, 6_245_000)], crs=2154).to_crs(4326)
    texts = pd.Series([f"{point.x:.7f} {point.y:.7f}" for point in places] + ["", "0.0000000 0.0000000"])
    assert communes_at(texts, layer).tolist() == ["65001", "65002", "", ""]


def test_a_counter_is_set_changed_and_given_back_to_the_rule() -> None:
    areas = pd.DataFrame(
        [("caf", "65001", "p0", "CAF", "2026-01-01"), ("caf", "65002", "p0", "CAF", "2026-01-01")],
        columns=["operateur", "code_commune", "guichet", "source", "date_maj"],
        index=[2, 3],
    )
    changes = changes_of(
        (COMMUNE, "caf/65001", "guichet", "p0", "p1"),
        (COMMUNE, "caf/65002", "guichet", "p0", ""),
        (COMMUNE, "msa/65001", "guichet", "", "m1"),
    )
    made = apply_to_areas(areas, changes)
    found = made[["operateur", "code_commune", "guichet"]].to_numpy().tolist()
    assert found == [["caf", "65001", "p1"], ["msa", "65001", "m1"]]
    assert made.index.is_unique
    assert areas["guichet"].tolist() == ["p0", "p0"]
    texts = counter_texts(communes(), made, ["caf"])
    assert texts["guichet"].to_dict() == {"caf/65001": "p1", "caf/65002": "", "msa/65001": "m1", "msa/65002": ""}
