"""What a notebook shows: French tables, maps whose class is that of their legend, steps; nothing from elsewhere."""

from __future__ import annotations

import re

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.notebook import Html, map_html, progress, table_html

HOSTILE = "<img src=x onerror=alert(1)>"


def squares(values: list[object], column: str = "time_min") -> gpd.GeoDataFrame:
    """Squares of one kilometre side by side, with a value each."""
    shapes = [shapely.box(1000 * rank, 0, 1000 * rank + 1000, 1000) for rank in range(len(values))]
    return gpd.GeoDataFrame(
        {"name": [f"commune {rank}" for rank in range(len(values))], column: values}, geometry=shapes, crs="EPSG:2154"
    )


def fills(page: str) -> list[str]:
    return re.findall(r'<path [^>]*fill="(#[0-9a-f]{6})"', page)


def legend(page: str) -> list[tuple[str, str, int]]:
    found = re.findall(r"background:(#[0-9a-f]{6})\"></span> (.*?) \((\d+)\)</li>", page)
    return [(colour, label.replace("\u00a0", " "), int(number)) for colour, label, number in found]


def test_a_value_equal_to_a_break_is_under_it() -> None:
    page = map_html(squares([10.0, 10.001, 20.0, 20.001]), "time_min", title="T", breaks=(10, 20), unit="min")
    low, middle, high = palette.class_colours(3)
    assert fills(page) == [low, middle, middle, high]
    assert legend(page) == [
        (low, "10 min au plus", 1),
        (middle, "plus de 10 min à 20 min", 2),
        (high, "plus de 20 min", 1),
    ]


def test_what_was_not_measured_is_said() -> None:
    page = map_html(squares([5.0, float("nan")]), "time_min", title="T", breaks=(7.5,), unit="min")
    assert fills(page)[1] == palette.NOT_MEASURED_COLOUR
    assert legend(page)[-1] == (palette.NOT_MEASURED_COLOUR, "non mesuré ou hors du calcul", 1)
    assert "7,5" in legend(page)[0][1]


def test_codes_take_the_label_of_the_legend() -> None:
    layer = squares(["deficit", "desservie", "autre"], "class")
    page = map_html(layer, "class", title="T", labels={"desservie": "Desservie", "deficit": "En déficit"})
    served, deficit = palette.class_colours(2)
    assert fills(page) == [deficit, served, palette.NOT_MEASURED_COLOUR]
    assert [(colour, label) for colour, label, _ in legend(page)][:2] == [
        (served, "Desservie"),
        (deficit, "En déficit"),
    ]


def test_neither_both_nor_too_many_classes() -> None:
    layer = squares([1.0])
    with pytest.raises(ValueError, match="at most 5"):
        map_html(layer, "time_min", title="T")
    with pytest.raises(ValueError, match="at most 5"):
        map_html(layer, "time_min", title="T", breaks=(1,), labels={"a": "A"})
    with pytest.raises(ValueError, match="at most 5"):
        map_html(layer, "time_min", title="T", breaks=(1, 2, 3, 4, 5))


def test_points_outside_the_drawing_are_not_drawn() -> None:
    places = gpd.GeoDataFrame(
        {"nom": [HOSTILE, "loin", "sans position"]},
        geometry=[shapely.Point(500, 500), shapely.Point(9000, 500), None],
        crs="EPSG:2154",
    )
    page = map_html(squares([1.0, 2.0]), "time_min", title="T", breaks=(1,), points=places)
    assert page.count("<circle") == 1
    assert HOSTILE not in page
    assert "loin" not in page


def test_shapes_without_contour_are_left_out() -> None:
    layer = squares([1.0, 2.0])
    layer.loc[1, "geometry"] = None
    assert len(fills(map_html(layer, "time_min", title="T", breaks=(1,)))) == 1


def test_hostile_texts_stay_texts() -> None:
    layer = squares([1.0]).assign(name=HOSTILE)
    page = map_html(layer, "time_min", title=HOSTILE, breaks=(1,), unit=HOSTILE)
    shown = table_html(layer, {"name": HOSTILE})
    assert "<img" not in page + shown
    assert "&lt;img" in page
    assert "&lt;img" in shown


def test_the_same_layer_gives_the_same_map() -> None:
    layer = squares([1.0, 2.0])
    first, second = (map_html(layer, "time_min", title="T", breaks=(1,)) for _ in range(2))
    assert first == second
    assert "://" not in first


def test_a_table_speaks_french() -> None:
    table = pd.DataFrame({"time_min": [12.25, float("nan")], "people": [1234, 5], "inside": [True, False]})
    shown = table_html(table, {"time_min": "minutes", "people": "habitants", "inside": "dedans"})
    assert re.findall(r"<td[^>]*>([^<]*)</td>", shown) == ["12,2", "1\u202f234", "oui", "–", "5", "non"]
    assert re.findall(r"<th[^>]*>([^<]*)</th>", shown) == ["minutes", "habitants", "dedans"]


def test_a_long_table_counts_what_it_leaves() -> None:
    table = pd.DataFrame({"a": range(15)})
    shown = table_html(table, rows=12)
    assert shown.count("<tr>") == 13
    assert "3\u00a0autres lignes" in shown
    assert "autre" not in table_html(table, rows=15)


def test_geometry_is_not_a_column() -> None:
    assert "POLYGON" not in table_html(squares([1.0]))


def test_html_is_shown_by_notebooks_and_text_elsewhere() -> None:
    assert Html("<b>")._repr_html_() == "<b>"
    assert str(Html("<b>")) == "<b>"


def test_steps_are_lines_outside_a_notebook(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(__import__("sys").modules, "ipykernel", raising=False)
    with progress("Mesure", total=1) as report:
        report("Communes")
        report("Services")
    told = capsys.readouterr()
    assert told.err == "Mesure\u00a0: Communes\nMesure\u00a0: Services\n"
    assert told.out == ""
