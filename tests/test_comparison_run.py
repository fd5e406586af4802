"""Two editions compared: effects add up, are nil where nothing changed, and figures are those that each publishes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from sdaasp_geo import read_scheme
from sdaasp_geo.analysis.access import service_places
from sdaasp_geo.analysis.change import MEAN, WITHIN
from sdaasp_geo.cli import app
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import InputError, OutputError, SchemeError
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.outputs.comparison import comparison_tables, sentence
from sdaasp_geo.outputs.tables import describe_column
from sdaasp_geo.pipeline import compare, compare_editions, measure, prepare
from sdaasp_geo.pipeline.measurement import study_engine
from sdaasp_geo.pipeline.reporting import quiet
from sdaasp_geo.scheme import SCHEME_FILE, Scheme, find_scheme
from sdaasp_geo.sources import france
from sdaasp_geo.study import Comparison, Measures, Study

SERVICE = "france-services"
GRID = "services/france_services.csv"
LUZ = "fs-1725"  # Luz-Saint-Sauveur, alone in its valley
KEYS = ["level", "territory", "service", "indicator", "threshold_min"]
EFFECTS = ["supply_effect", "population_effect", "perimeter_effect", "source_effect"]


def places() -> pd.DataFrame:
    """Read the embedded list of France services as text."""
    return pd.read_csv(embedded_path(GRID), dtype="str", keep_default_na=False)


def edition(folder: Path, *changes: tuple[str, str], grid: pd.DataFrame | None = None) -> Scheme:
    """Write a copy of the scheme of 65, with some words and its list of places changed."""
    folder.mkdir(parents=True)
    text = (find_scheme("hautes-pyrenees") / SCHEME_FILE).read_text(encoding="utf-8")
    text = text.replace('actions = ["actions.csv"]\ngouvernance = ["governance.csv"]\n', "")
    if grid is not None:
        grid.to_csv(folder / "lieux.csv", index=False, encoding="utf-8")
        changes = (*changes, (f"embarque:{GRID}", "lieux.csv"))
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / SCHEME_FILE).write_text(text, encoding="utf-8")
    return read_scheme(str(folder))


ONE_SERVICE = (f'["{SERVICE}", "mairie"]', f'["{SERVICE}"]')
YEAR_2023 = ("mesure = 2024", "mesure = 2023")
MATRIX = [
    ONE_SERVICE,
    ('moteur = "ligne-droite"', 'moteur = "matrice"'),
    ("[fichiers]", '[fichiers]\nminutes = "minutes.csv"'),
]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Compare the scheme of 65 with a copy where one site has closed."""
    grid = places()
    after = edition(tmp_path_factory.mktemp("closed") / "after", grid=grid[grid["id"] != LUZ])
    return compare_editions(read_scheme("hautes-pyrenees"), after)


@pytest.fixture(scope="module")
def vintages(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Compare the perimeters and populations of 2023 with those of 2024."""
    before = edition(tmp_path_factory.mktemp("vintages") / "before", YEAR_2023, ONE_SERVICE)
    return compare_editions(before, read_scheme("hautes-pyrenees"))


def by_factor(found: Comparison, indicator: str | None = None) -> pd.DataFrame:
    """Return the exact effects: one column for each factor."""
    own = found.effects if indicator is None else found.effects[found.effects["indicator"] == indicator]
    return own.assign(threshold_min=own["threshold_min"].fillna(0)).set_index([*KEYS, "factor"])["effect"].unstack()  # noqa: PD010 - keys are a MultiIndex


def published(measures: Measures) -> pd.DataFrame:
    """Return what an edition publishes by itself, under the keys of a comparison."""
    within = measures.coverage.rename(columns={"population_within": "value"}).assign(indicator=WITHIN)
    mean = measures.summary.rename(columns={"mean_min": "value"}).assign(indicator=MEAN, threshold_min=0.0)
    both = pd.concat([table[[*KEYS, "part", "value"]] for table in (within, mean)])
    return both[(both["part"] == "entier") & (both["level"] != "commune")].set_index(KEYS)["value"].astype("float64")


def compared(found: Comparison, column: str) -> pd.Series:
    return found.figures.assign(threshold_min=found.figures["threshold_min"].fillna(0)).set_index(KEYS)[column]


def assert_published(found: Comparison, measures: Measures, column: str) -> None:
    """Check that a comparison says of an edition what the edition says itself."""
    expected = published(measures)
    expected = expected[expected.index.isin(found.services, level="service")]
    own = compared(found, column)
    assert own.reindex(expected.index).tolist() == pytest.approx(expected.tolist(), nan_ok=True)
    others = own.drop(expected.index)
    assert ((others == 0) | others.isna()).all()  # territories that only the other edition has


def assert_adds_up(found: Comparison) -> None:
    effects = by_factor(found)
    change = compared(found, "after_value") - compared(found, "before_value")
    known = change.dropna().index
    assert effects.sum(axis="columns").reindex(known).tolist() == pytest.approx(change[known].tolist(), abs=1e-9)
    figures = found.figures.dropna(subset=["change_value"])
    assert figures[EFFECTS].sum(axis="columns").tolist() == pytest.approx(figures["change_value"].tolist(), abs=1e-9)
    people = figures[figures["indicator"] == WITHIN]
    assert (people["change_value"] == people["after_value"] - people["before_value"]).all()


def test_a_closed_site_is_an_effect_of_supply_only(closed: Comparison) -> None:
    effects = by_factor(closed)
    assert (effects[["population", "périmètre", "source"]] == 0).all(axis=None)
    assert_adds_up(closed)
    people, minutes = (by_factor(closed, name)["offre"] for name in (WITHIN, MEAN))
    assert (people <= 0).all()
    assert (minutes >= 0).all()
    assert minutes.loc["departement", "65", SERVICE].item() > 0
    assert (minutes.xs("mairie", level="service") == 0).all()
    assert closed.places[["place", "place_change", "factor"]].to_numpy().tolist() == [[LUZ, "fermé", "offre"]]
    assert closed.notes == ()
    assert closed.lifecycle.empty
    assert not closed.figures["perimeter_break"].any()


def test_figures_are_those_of_each_edition(closed: Comparison, measures_65: Measures) -> None:
    assert_published(closed, measures_65, "before_value")
    assert_published(closed, measure(closed.after), "after_value")
    assert compared(closed, "constant_value").equals(compared(closed, "before_value").rename("constant_value"))


def test_epci_add_up_to_the_departement(closed: Comparison) -> None:
    inside = closed.communes[(closed.communes["service"] == SERVICE) & closed.communes["inside"]]
    lost = inside[(inside["before_min"] <= 20) & (inside["after_min"] > 20)]
    whole = closed.figures[(closed.figures["level"] == "departement") & (closed.figures["threshold_min"] == 20)].iloc[0]
    assert whole["change_value"] == -lost["population_after"].sum() < 0


def test_two_vintages_are_effects_of_population_and_perimeter(vintages: Comparison) -> None:
    assert_adds_up(vintages)
    effects = by_factor(vintages)
    assert (effects[["offre", "source"]].fillna(0) == 0).all(axis=None)
    assert (effects.loc[["epci", "departement"], "périmètre"] == 0).all()  # no commune of 65 changed EPCI in 2024
    people = by_factor(vintages, WITHIN)["population"].loc["departement", "65", SERVICE]
    known = {year: france.read_membership(year) for year in (2023, 2024)}
    legal = {year: table.loc[table["departement"] == "65", "population"].sum() for year, table in known.items()}
    assert people.loc[WITHIN, 30.0] == legal[2024] - legal[2023]  # all live within 30 minutes


def test_petr_that_changed_are_flagged(vintages: Comparison) -> None:
    flagged = vintages.figures.loc[vintages.figures["perimeter_break"], ["level", "territory"]].drop_duplicates()
    assert set(flagged["level"]) == {"petr"}
    assert {"coeur-de-bigorre", "plaines-et-vallees-de-bigorre"} <= set(flagged["territory"])
    assert "nestes" not in set(flagged["territory"])
    reasons = vintages.figures.set_index("territory")["break_reason"]
    assert "fusion dans un autre" in reasons["coeur-de-bigorre"].iloc[0]
    new = vintages.figures.query("territory == 'plaines-et-vallees-de-bigorre' and threshold_min == 30").iloc[0]
    assert new["before_value"] == 0
    assert (
        new["perimeter_effect"] == (new["constant_value"] + new["after_value"]) / 2
    )  # with one population, or the other
    assert new["population_effect"] == (new["after_value"] - new["constant_value"]) / 2


def test_figures_of_two_vintages_are_those_of_each_edition(vintages: Comparison, measures_65: Measures) -> None:
    assert_published(vintages, measures_65, "after_value")
    assert_published(vintages, measure(vintages.before), "before_value")


def test_constant_figures_are_recomputed_from_the_communes(vintages: Comparison) -> None:
    communes = vintages.communes[vintages.communes["service"] == SERVICE]
    within = communes[communes["before_min"] <= 20].groupby("epci")["population_before"].sum()
    figures = vintages.figures.query("level == 'epci' and threshold_min == 20").set_index("territory")
    assert figures["constant_value"].to_dict() == within.reindex(figures.index).to_dict()


def test_exchanging_the_editions_changes_every_sign(vintages: Comparison) -> None:
    back = compare_editions(vintages.after.scheme, vintages.before.scheme)
    one, other = by_factor(vintages), by_factor(back).reindex(by_factor(vintages).index)
    assert one.to_numpy().ravel().tolist() == pytest.approx((-other).to_numpy().ravel().tolist(), abs=1e-9, nan_ok=True)
    for column in ("change_value", *EFFECTS):
        there, here = compared(vintages, column), compared(back, column)
        assert there.equals(-here.reindex(there.index) + 0.0)
    assert compared(vintages, "before_value").equals(
        compared(back, "after_value").reindex(compared(vintages, "before_value").index).rename("before_value")
    )
    assert back.lifecycle.equals(vintages.lifecycle)
    breaks = (compared(found, "perimeter_break").groupby("territory").any() for found in (vintages, back))
    assert next(breaks).equals(next(breaks))


def write_minutes(folder: Path, study: Study, *, factor: float = 1.0, more: Iterable[str] = ()) -> None:
    """Write the matrix of the straight line, multiplied, with the same times for some more origins."""
    surroundings = pd.DataFrame(study.communes[["code", "population", "area_km2"]])
    origins = pd.DataFrame(study.communes[study.communes["studied"]]).reset_index(drop=True)
    offer = service_places(study.points, surroundings, service=SERVICE)
    matrix = study_engine(study, report=quiet, cache=None)(origins, offer)
    table = pd.DataFrame(matrix.time_min * factor, index=origins["code"], columns=offer["id"])
    for code in more:
        table.loc[code] = table.iloc[0]
    rows = table.rename_axis("origin").reset_index()
    rows = rows.melt(id_vars="origin", var_name="destination", value_name="minutes")
    rows.to_csv(folder / "minutes.csv", index=False)


def matrix_edition(folder: Path, study: Study, *, factor: float = 1.0, more: Iterable[str] = ()) -> Scheme:
    folder.mkdir(parents=True)
    write_minutes(folder, study, factor=factor, more=more)
    written = edition(folder / "scheme", *MATRIX[:2], ("[fichiers]", '[fichiers]\nminutes = "../minutes.csv"'))
    return read_scheme(written.folder)


def test_another_engine_is_an_effect_of_the_source_only(study_65: Study, tmp_path: Path) -> None:
    after = matrix_edition(tmp_path / "slower", study_65, factor=1.25)
    found = compare_editions(read_scheme("hautes-pyrenees"), after)
    assert_adds_up(found)
    effects = by_factor(found)
    assert (effects[["offre", "population", "périmètre"]] == 0).all(axis=None)
    slower = by_factor(found, MEAN)["source"].to_numpy()
    before = compared(found, "before_value").xs(MEAN, level="indicator").to_numpy()
    assert slower.tolist() == pytest.approx((before / 4).tolist())
    assert found.notes == (f"Services mesurés par une seule édition, non comparés{NBSP}: mairie.",)
    assert [method.code for method in found.methods] == ["ligne-droite", "matrice"]


def test_the_same_times_by_another_engine_change_nothing(study_65: Study, tmp_path: Path) -> None:
    found = compare_editions(read_scheme("hautes-pyrenees"), matrix_edition(tmp_path / "same", study_65))
    assert by_factor(found).to_numpy().ravel().tolist() == pytest.approx([0.0] * by_factor(found).size, abs=1e-9)


def test_a_place_that_the_other_source_does_not_know_is_said(study_65: Study, tmp_path: Path) -> None:
    before = matrix_edition(tmp_path / "before", study_65, factor=1.25)
    opened = places()
    new = opened[opened["id"] == LUZ].assign(id="fs-nouveau", code_commune="65192", commune="Gavarnie-Gèdre")
    new = new.assign(lon="-0.0090", lat="42.7350")
    after = edition(tmp_path / "after", ONE_SERVICE, grid=pd.concat([opened, new], ignore_index=True))
    found = compare_editions(before, after)
    assert_adds_up(found)
    assert any("fs-nouveau" in note and "aucun temps" in note for note in found.notes)
    assert (by_factor(found)[["population", "périmètre"]] == 0).all(axis=None)


def test_a_position_corrected_in_its_commune_is_an_effect_of_the_source(tmp_path: Path) -> None:
    grid = places()
    luz = grid["id"] == LUZ
    corrected = grid.assign(lat=grid["lat"].mask(luz, "42.8600"))
    found = compare_editions(
        edition(tmp_path / "a", ONE_SERVICE, grid=grid), edition(tmp_path / "b", ONE_SERVICE, grid=corrected)
    )
    assert found.places[["place", "place_change", "factor"]].to_numpy().tolist() == [[LUZ, "autre position", "source"]]
    effects = by_factor(found)
    assert (effects[["offre", "population", "périmètre"]] == 0).all(axis=None)
    assert effects["source"].abs().max() > 0
    assert any("autre position" in note for note in found.notes)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"code_commune": "65192", "commune": "Gavarnie-Gèdre", "lon": "-0.0090", "lat": "42.7350"}, "autre commune"),
        ({"format": "itinerant"}, "n'est plus permanent"),
    ],
)
def test_a_place_that_moved_or_lost_its_desk_is_an_effect_of_supply(
    changes: dict[str, str], kind: str, tmp_path: Path
) -> None:
    grid = places()
    luz = grid["id"] == LUZ
    moved = grid.assign(**{column: grid[column].mask(luz, value) for column, value in changes.items()})
    found = compare_editions(
        edition(tmp_path / "a", ONE_SERVICE, grid=grid), edition(tmp_path / "b", ONE_SERVICE, grid=moved)
    )
    assert found.places[["place_change", "factor"]].to_numpy().tolist() == [[kind, "offre"]]
    effects = by_factor(found)
    assert (effects[["population", "périmètre", "source"]] == 0).all(axis=None)
    assert effects["offre"].abs().max() > 0


def test_all_four_factors_at_once_still_add_up(study_65: Study, tmp_path: Path) -> None:
    grid = places()
    before = edition(tmp_path / "a", YEAR_2023, ONE_SERVICE, grid=grid[grid["id"] != LUZ])
    found = compare_editions(before, matrix_edition(tmp_path / "b", study_65, factor=1.25))
    assert_adds_up(found)
    assert (by_factor(found).abs().max() > 0).all()
    assert_published(found, measure(found.before), "before_value")
    assert_published(found, measure(found.after), "after_value")


CANTAL = """
nom = "Cantal"
departement = "15"
edition = 2026-01-01
[millesimes]
convention = 2024
mesure = {year}
[mesure]
services = ["mairie"]
regles = ["mairie-15"]
"""


def test_a_commune_that_is_established_again_keeps_its_inhabitants(tmp_path: Path) -> None:
    schemes = []
    for year in (2024, 2025):
        folder = tmp_path / str(year)
        folder.mkdir()
        (folder / SCHEME_FILE).write_text(CANTAL.format(year=year), encoding="utf-8")
        schemes.append(read_scheme(str(folder)))
    found = compare_editions(*schemes)
    assert_adds_up(found)
    assert_published(found, measure(prepare(schemes[0])), "before_value")
    assert_published(found, measure(prepare(schemes[1])), "after_value")
    inside = found.communes[found.communes["inside"]]
    former = france.read_membership(2024)
    assert inside["population_before"].sum() == former.loc[former["departement"] == "15", "population"].sum()
    shared = inside.loc[inside["population_estimated"], "code"]
    assert "15141" in set(shared)
    assert any(f"{len(shared)}{NBSP}communes dont la population d'avant" in note for note in found.notes)
    assert (by_factor(found)[["offre", "source"]] == 0).all(axis=None)


def test_a_matrix_of_another_vintage_is_refused_with_its_communes(study_65: Study, tmp_path: Path) -> None:
    gone = sorted(set(france.read_membership(2023)["code"]) - set(france.read_membership(2024)["code"]))[:2]
    mixed = matrix_edition(tmp_path / "mixed", study_65, more=gone)
    with pytest.raises(InputError) as refused:
        compare_editions(mixed, mixed)
    assert [fault.value for fault in refused.value.faults] == gone
    assert "millésime 2024" in str(refused.value)
    assert "minutes.csv" in str(refused.value)


def test_editions_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    own = read_scheme("hautes-pyrenees")
    with pytest.raises(SchemeError, match="même département"):
        compare(own, read_scheme("alpes-de-haute-provence"), tmp_path / "out")
    other = edition(
        tmp_path / "msap",
        (f'["{SERVICE}", "mairie"]', '["msap"]'),
        ('["france-services-20", "france-services-30"]', "[]"),
    )
    with pytest.raises(SchemeError, match="aucun service en commun"):
        compare(own, other, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_column_is_described(vintages: Comparison) -> None:
    tables = comparison_tables(vintages)
    assert [table.name for table in tables][-1] == "vie_perimetres"
    undescribed = {
        (table.name, column)
        for table in tables
        for column in table.rows.columns
        if not describe_column(table.name, column)["meaning"]
    }
    assert undescribed == set()


def test_a_run_writes_page_tables_and_manifest(tmp_path: Path) -> None:
    grid = places()
    grid.loc[grid["id"] == "fs-0390", "nom"] = '=1+1<img src="x">'
    before = edition(tmp_path / "before", YEAR_2023, ONE_SERVICE, grid=grid)
    after = edition(tmp_path / "after", ONE_SERVICE, grid=grid[grid["id"] != "fs-0390"])
    found = compare(before, after, tmp_path / "one")
    compare(before, after, tmp_path / "two")
    manifest = (tmp_path / "one" / "manifest.json").read_bytes()
    assert manifest == (tmp_path / "two" / "manifest.json").read_bytes()
    content = json.loads(manifest)
    assert [content[side]["vintages"]["mesure"] for side in ("before", "after")] == [2023, 2024]
    assert content["counts"]["places"] == {"france-services: fermé": 1}
    page = (tmp_path / "one" / "index.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "PETR Cœur de Bigorre" in page
    for text in found.figures.loc[found.figures["level"] == "departement", "sentence"]:
        assert f"{text}.</li>" in page
    figures = pd.read_parquet(tmp_path / "one" / "tables" / "comparaison.parquet")
    rounded = figures[["effet_offre", "effet_population", "effet_perimetre", "effet_source"]].sum(axis="columns")
    assert rounded[figures["variation"].notna()].tolist() == pytest.approx(figures["variation"].dropna().tolist())
    assert (tmp_path / "one" / "tables" / "sdaasp.xlsx").is_file()


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"x")
    own = read_scheme("hautes-pyrenees")
    with pytest.raises(OutputError):
        compare(own, own, tmp_path)


def test_the_command_tells_the_departement(tmp_path: Path) -> None:
    edition(tmp_path / "after", ONE_SERVICE)
    arguments = ["compare", "hautes-pyrenees", str(tmp_path / "after"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    told = result.stdout.replace(NBSP, " ")
    assert "0 habitant à 20 min : offre 0, population 0, périmètre 0, source 0" in told
    assert "mairie" in result.stdout
    assert (tmp_path / "out" / "index.html").is_file()


def test_a_sentence_reads_as_people_say_it() -> None:
    row = {
        "indicator": WITHIN,
        "threshold_min": 20.0,
        "change_value": 1240.0,
        **dict(zip(EFFECTS, (1300.0, -60.0, 0.0, 0.0), strict=True)),
    }
    plain = sentence(row).replace(NBSP, " ").replace(NARROW_NBSP, " ").replace("\N{MINUS SIGN}", "-")
    assert plain == "+1 240 habitants à 20 min : offre +1 300, population -60, périmètre 0, source 0"
    assert sentence({**row, "change_value": 1.0}).startswith(f"+1{NBSP}habitant à")
    assert sentence({**row, "change_value": float("nan")}).startswith("Variation non mesurée")
