"""Corrections from end to end on the Hautes-Pyrénées: exported, edited as QGIS does, compared, applied, measured."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import msgspec
import numpy as np
import pandas as pd
import pyogrio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from shapely.affinity import translate
from shapely.geometry import Point

from sdaasp_geo.errors import InputError, OutputError
from sdaasp_geo.layers.services import NOT_LOCATED
from sdaasp_geo.outputs.corrections import guarded, write_changes
from sdaasp_geo.outputs.escape import visible_text
from sdaasp_geo.pipeline import measure
from sdaasp_geo.pipeline.areas import competent_areas
from sdaasp_geo.pipeline.corrections import Difference, apply_corrections, diff_corrections, export_corrections
from sdaasp_geo.sources.corrections import read_changes
from sdaasp_geo.study import Measures, Study

DAY = dt.date(2026, 11, 22)
POINTS, COUNTERS = "points_services", "communes_guichets"
MOVED = "fs-0392/france-services"
TWO_KM = 2000.0
Edit = Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]


@pytest.fixture(scope="module")
def exported(study_65: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_corrections(study_65, tmp_path_factory.mktemp("export") / "corrections.gpkg")


@pytest.fixture
def edit(exported: Path, tmp_path: Path) -> Callable[..., Path]:
    """Give a copy of the export, one layer of which was changed."""

    def make(change: Edit, *, layer: str = POINTS) -> Path:
        path = tmp_path / "corrige.gpkg"
        shutil.copy(exported, path)
        rows = change(gpd.read_file(path, layer=layer))
        pyogrio.write_dataframe(rows, path, layer=layer, driver="GPKG")
        return path

    return make


def corrected(study: Study, changes: Path) -> Study:
    """Return a study as `prepare` would give it with this change file."""
    files = msgspec.structs.replace(study.scheme.fichiers, corrections=(str(changes),))
    scheme = msgspec.structs.replace(study.scheme, fichiers=files)
    made = apply_corrections(scheme, study.parameters, study.communes, study.points, study.stops)
    return dataclasses.replace(study, scheme=scheme, points=made.points, corrections=made.changes)


def shifted(rows: gpd.GeoDataFrame, *, key: str = MOVED, east_m: float = TWO_KM) -> gpd.GeoDataFrame:
    here = rows["identifiant"] == key
    return rows.set_geometry(
        gpd.GeoSeries(
            [translate(shape, east_m) if moves else shape for shape, moves in zip(rows.geometry, here, strict=True)],
            crs=rows.crs,
        )
    )


def with_cell(column: str, value: str, *, key: str = MOVED) -> Edit:
    def change(rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return rows.assign(**{column: rows[column].mask(rows["identifiant"] == key, value)})

    return change


def compared(study: Study, edited: Path) -> Difference:
    return diff_corrections(study, edited, edited.with_name("corrections.csv"), date=DAY, motive="visite")


def test_an_export_that_nobody_edits_gives_no_change(study_65: Study, exported: Path, tmp_path: Path) -> None:
    found = diff_corrections(study_65, exported, tmp_path / "c.csv", date=DAY)
    assert (found.changes, found.notes) == (0, ())
    assert (tmp_path / "c.csv").read_bytes() == b"\xef\xbb\xbfobjet,identifiant,champ,ancien,nouveau,motif,date\r\n"
    again = export_corrections(study_65, tmp_path / "encore.gpkg")
    assert again.read_bytes() == exported.read_bytes()
    with pytest.raises(OutputError, match="contient peut-être des corrections"):
        export_corrections(study_65, again)


def test_a_point_moved_by_two_kilometres_moves_the_figures_as_computed_by_hand(
    study_65: Study, measures_65: Measures, edit: Callable[..., Path]
) -> None:
    found = compared(study_65, edit(shifted))
    changes = read_changes(found.path)
    assert changes[["identifiant", "champ", "motif", "date"]].to_numpy().tolist() == [
        [MOVED, "position_lon_lat_deg", "visite", "2026-11-22"]
    ]
    after = corrected(study_65, found.path)
    key = study_65.points["id"] + "/" + study_65.points["service"]
    before, moved = (table.geometry[(key == MOVED).to_numpy()].iloc[0] for table in (study_65.points, after.points))
    assert np.hypot(moved.x - before.x - TWO_KM, moved.y - before.y) < 0.02
    other = (key != MOVED).to_numpy()
    pd.testing.assert_frame_equal(pd.DataFrame(after.points[other]), pd.DataFrame(study_65.points[other]))
    old, new = (table.access[table.access["service"] == "france-services"] for table in (measures_65, measure(after)))
    old, new = (table.set_index("code") for table in (old, new))
    place = MOVED.partition("/")[0]
    held = new.index[(old["place"] == place) & (new["place"] == place)]
    assert len(held) > 3
    expected = by_hand(
        study_65.communes.set_index("code"), held, moved, code=after.points["code_commune"][~other].iloc[0]
    )
    assert np.allclose(new.loc[held, "time_min"], expected, atol=1e-9)
    assert (new.loc[held, "time_min"] - old.loc[held, "time_min"]).abs().max() > 1
    elsewhere = new.index[(old["place"] != place) & (new["place"] != place)]
    assert (new.loc[elsewhere, "time_min"] == old.loc[elsewhere, "time_min"]).all()


def by_hand(communes: pd.DataFrame, codes: pd.Index, place: Point, *, code: str) -> pd.Series:
    """Return minutes by the published formula (docs/straight_line.md), written again with its coefficients."""
    density = communes["population"] / communes["area_km2"]
    distance_km = np.hypot(communes["ref_x"] - place.x, communes["ref_y"] - place.y) / 1000
    ends = (np.log1p(density) + np.log1p(density[code])) / 2
    reach = np.log(distance_km + 0.3)
    return np.exp(0.23803 + 0.9764 * reach + 0.20229 * ends - 0.05567 * ends * reach)[codes]


def test_a_point_is_added_another_deleted_a_cell_changed(study_65: Study, edit: Callable[..., Path]) -> None:
    ground = study_65.communes.set_index("code").loc["65440"]
    new = {"identifiant": "", "id": "fs-neuf", "service": "france-services", "nom": "=Neuf", "format": "fixe"}

    def change(rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        kept = rows[rows["identifiant"] != "fs-0186/france-services"]
        added = gpd.GeoDataFrame([new], geometry=[Point(ground.ref_x, ground.ref_y)], crs=rows.crs)
        return pd.concat([with_cell("motif", "appel")(with_cell("contact", "05 62 00 00 00")(kept)), added])

    found = compared(study_65, edit(change))
    assert found.path.read_text(encoding="utf-8-sig").count(",'=Neuf,") == 1
    after = corrected(study_65, found.path)
    assert after.corrections is not None
    assert len(after.corrections) == found.changes == 2 + 1 + 10
    assert after.corrections.loc[after.corrections["champ"] == "contact", "motif"].tolist() == ["appel"]
    assert len(after.points) == len(study_65.points)
    points = after.points.set_index("id")
    assert "fs-0186" not in points.index
    made = points.loc["fs-neuf"]
    assert (made["nom"], made["code_commune"], made["commune"], made["permanent"], made["position_reason"]) == (
        *("=Neuf", "65440", ground["name"], True, ""),
    )
    assert (made["source"], made["date_maj"], made["licence"]) == (
        "Correction du 2026-11-22",
        "2026-11-22",
        "non précisée",
    )
    assert points.loc["fs-0392", "contact"] == "05 62 00 00 00"


def test_a_counter_that_is_changed_is_the_competent_one(study_65: Study, edit: Callable[..., Path]) -> None:
    key = "réseau france-services/65440"
    found = compared(study_65, edit(with_cell("guichet", "fs-0392", key=key), layer=COUNTERS))
    assert found.changes == 1
    areas, notes = competent_areas(corrected(study_65, found.path))
    assert areas[["operateur", "code_commune", "guichet", "area_reason"]].to_numpy().tolist() == [
        ["réseau france-services", "65440", "fs-0392", ""]
    ]
    assert notes
    assert competent_areas(study_65)[0].empty


def edited_too(path: Path, change: Edit, *, layer: str) -> Path:
    """Change another layer of an edited export."""
    pyogrio.write_dataframe(change(gpd.read_file(path, layer=layer)), path, layer=layer, driver="GPKG")
    return path


def with_new_point(form: str) -> Edit:
    def change(rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        new = {"identifiant": "", "id": "fs-neuf", "service": "france-services", "nom": "Neuf", "format": form}
        here = rows.loc[rows["identifiant"] == MOVED].geometry.iloc[0]
        return pd.concat([rows, gpd.GeoDataFrame([new], geometry=[here], crs=rows.crs)])

    return change


def test_a_counter_is_assigned_by_the_edit_that_adds_it(study_65: Study, edit: Callable[..., Path]) -> None:
    path = edited_too(
        edit(with_new_point("fixe")),
        with_cell("guichet", "fs-neuf", key="réseau france-services/65440"),
        layer=COUNTERS,
    )
    after = corrected(study_65, compared(study_65, path).path)
    areas, _ = competent_areas(after)
    assert areas[["operateur", "code_commune", "guichet", "area_reason"]].to_numpy().tolist() == [
        ["réseau france-services", "65440", "fs-neuf", ""]
    ]


@pytest.mark.parametrize(
    ("change", "counter"),
    [(with_new_point("multisite"), "fs-neuf"), (with_cell("format", "multisite"), "fs-0392")],
    ids=["added", "changed"],
)
def test_what_the_same_edit_makes_no_permanent_place_is_no_counter(
    change: Edit, counter: str, study_65: Study, edit: Callable[..., Path]
) -> None:
    path = edited_too(edit(change), with_cell("guichet", counter, key="réseau france-services/65440"), layer=COUNTERS)
    with pytest.raises(InputError) as caught:
        compared(study_65, path)
    assert [(fault.value, fault.expected) for fault in caught.value.faults] == [
        (counter, "un guichet connu de l'opérateur")
    ]


def test_a_position_may_be_emptied_and_the_point_is_counted_without(study_65: Study, edit: Callable[..., Path]) -> None:
    def emptied(rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return rows.set_geometry(rows.geometry.mask(rows["identifiant"] == MOVED))

    found = compared(study_65, edit(emptied))
    changes = read_changes(found.path)
    assert changes[["identifiant", "champ", "nouveau"]].to_numpy().tolist() == [
        [MOVED, "precision_position", "inconnue"],
        [MOVED, "position_lon_lat_deg", ""],
    ]
    point = corrected(study_65, found.path).points.set_index("id").loc["fs-0392"]
    assert (point["position_reason"], np.isnan(point["lon"]), np.isnan(point["lat"])) == (NOT_LOCATED, True, True)
    home = study_65.communes.set_index("code").loc[point["code_commune"]]
    assert (point.geometry.x, point.geometry.y) == (home["ref_x"], home["ref_y"])


def test_the_corrections_that_the_scheme_uses_are_not_written_over(
    study_65: Study, edit: Callable[..., Path], tmp_path: Path
) -> None:
    first = compared(study_65, edit(shifted)).path
    before = first.read_bytes()
    after = corrected(study_65, first)
    second = export_corrections(after, tmp_path / "suite.gpkg")
    (tmp_path / "lien.csv").symlink_to(first)
    for path in (first, tmp_path / "lien.csv", tmp_path / "." / first.name):
        with pytest.raises(OutputError, match=r"que le schéma applique.*autre nom.*scheme\.toml"):
            diff_corrections(after, second, path, date=DAY)
    assert first.read_bytes() == before
    other = diff_corrections(after, second, tmp_path / "suite.csv", date=DAY)
    assert diff_corrections(after, second, other.path, date=DAY).changes == 0  # its own former file is replaced


def test_what_stands_in_the_place_of_a_change_file_is_said_in_french(tmp_path: Path) -> None:
    rows = pd.DataFrame(columns=["objet", "identifiant", "champ", "ancien", "nouveau", "motif", "date"])
    with pytest.raises(OutputError, match="n'est pas un fichier de corrections"):
        write_changes(rows, tmp_path)
    with pytest.raises(OutputError, match="le nom est trop long"):
        write_changes(rows, tmp_path / f"{'x' * 300}.csv")


def in_the_sea(rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return shifted(rows, east_m=-400_000)


def copied(rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return pd.concat([rows, rows[rows["identifiant"] == MOVED]])


@pytest.mark.parametrize(
    ("change", "layer", "expected"),
    [
        (in_the_sea, POINTS, "une position dans une commune du territoire étudié ou voisine"),
        (with_cell("code_commune", "65999"), POINTS, "une commune du territoire étudié ou voisine"),
        (with_cell("code_commune", "6544"), POINTS, "la forme"),
        (with_cell("format", "camion"), POINTS, "l'une des valeurs"),
        (with_cell("nom", ""), POINTS, "une valeur"),
        (with_cell("service", "caf"), POINTS, "un champ corrigeable"),
        (with_cell("identifiant", "inconnu/caf"), POINTS, "un identifiant connu du schéma"),
        (copied, POINTS, "un identifiant unique"),
        (
            with_cell("guichet", "nulle-part", key="réseau france-services/65440"),
            COUNTERS,
            "un guichet connu de l'opérateur",
        ),
        (with_cell("epci", "200000000", key="réseau france-services/65440"), COUNTERS, "un champ corrigeable"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_nothing_is_written(
    change: Edit, layer: str, expected: str, study_65: Study, edit: Callable[..., Path]
) -> None:
    edited = edit(change, layer=layer)
    with pytest.raises(InputError) as caught:
        compared(study_65, edited)
    assert expected in " ".join(fault.expected for fault in caught.value.faults)
    assert not edited.with_name("corrections.csv").exists()


def test_what_the_scheme_changed_meanwhile_is_a_conflict_on_both_sides(
    study_65: Study, edit: Callable[..., Path], tmp_path: Path
) -> None:
    edited = edit(with_cell("nom", "Nom corrigé"))
    found = compared(study_65, edited)
    names = study_65.points["nom"].mask(study_65.points["id"] == "fs-0392", "Nom du schéma")
    later = dataclasses.replace(study_65, points=study_65.points.assign(nom=names))
    for attempt in (
        lambda: diff_corrections(later, edited, tmp_path / "autre.csv", date=DAY),
        lambda: corrected(later, found.path),
    ):
        with pytest.raises(InputError, match="exportez de nouveau") as caught:
            attempt()
        assert len(caught.value.faults) == 1


def test_a_change_file_says_all_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    header = "objet,identifiant,champ,ancien,nouveau,motif,date\r\n"
    path.write_text(f"{header}lieu,a/b,nom,x,y,,22/11/2026\npoint,,nom,x,y,,2026-11-22\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_changes(path)
    assert [(fault.row, fault.column) for fault in caught.value.faults] == [
        (2, "date"),
        (2, "objet"),
        (3, "identifiant"),
    ]
    path.write_text("objet,champ\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_changes(path)
    assert [fault.column for fault in caught.value.faults] == ["identifiant", "ancien", "nouveau", "motif", "date"]


_LETTERS = st.one_of(
    st.sampled_from("=+-@';, \t\n\r\"\u200b\u202e\uff1d\ufeff<a0é"), st.characters(exclude_categories=["Cs"])
)


@given(value=st.text(_LETTERS).map(str.strip))
@example(value="\u200b=1+1").via("a letter that nobody sees hides the formula")
@example(value="'s Lands; 'x;=1").via("apostrophes that the text owns")
def test_a_text_that_looks_like_a_formula_comes_back_as_it_was(value: str) -> None:
    head = ["objet", "identifiant", "champ", "ancien", "nouveau", "motif", "date"]
    rows = pd.DataFrame([["point", "a/b", "nom", value, "z", "", "2026-11-22"]], columns=head)
    with TemporaryDirectory() as folder:
        path = write_changes(rows, Path(folder) / "c.csv")
        assert read_changes(path)["ancien"].tolist() == [value]
    for cell in re.split("[;\t\n\r]", guarded(value)):
        assert not visible_text(cell).strip().startswith(("=", "+", "-", "@", "\uff1d"))


def test_what_is_not_an_export_is_refused(tmp_path: Path, study_65: Study) -> None:
    plain = tmp_path / "plain.gpkg"
    pyogrio.write_dataframe(gpd.GeoDataFrame({"a": [1]}, geometry=[Point(0, 0)], crs=2154), plain, layer="x")
    for path, expected in ((plain, "une couche points_services"), (tmp_path / "x.geojson", "un GeoPackage")):
        path.touch()
        with pytest.raises(InputError, match=expected):
            diff_corrections(study_65, path, tmp_path / "c.csv", date=DAY)
    other = tmp_path / "notes.csv"
    other.write_text("mes notes\n", encoding="utf-8")
    with pytest.raises(OutputError, match="n'est pas un fichier de corrections"):
        diff_corrections(study_65, export_corrections(study_65, tmp_path / "e.gpkg"), other, date=DAY)
