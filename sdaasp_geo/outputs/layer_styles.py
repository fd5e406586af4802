"""The styles of each layer, so that a desktop GIS opens it ready to read: same classes and colours as the maps.

One style opens by default; others show a theme where its columns are in the layer. The classes are those of
`palette.legend_entries`, and so those of the interactive map, of the printed ones and of the tables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from sdaasp_geo.analysis.deficits import NOT_MEASURED, NOT_MEASURED_LABEL, SERVED
from sdaasp_geo.criteria import Criterion
from sdaasp_geo.french import NBSP, minutes, number
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.layer_model import LayerStyle, MapLayer, catalogue_entry, style_name
from sdaasp_geo.outputs.style_model import DOTS, SLASH, Condition, Fill, Labels, Marker, StyleRule, StyleSpec
from sdaasp_geo.outputs.style_qml import render_qml
from sdaasp_geo.outputs.style_sld import render_sld
from sdaasp_geo.parameters import service_names, words_setting
from sdaasp_geo.study import Study

_EDGE, _EDGE_MM = "#ffffff", 0.1
_GREY = "#77776f"
_POINT_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#1b1b1b")
_POINT_SHAPES = ("circle", "square", "triangle", "diamond", "star")
_COMMUNE_NAMES, _SMALL_POINTS = 150_000, 400_000
_STUDIED = Condition("etudiee", "=", value=True)
_SIDES = (
    ("propre EPCI", "Plus proche dans l'EPCI"),
    ("autre EPCI", "Plus proche dans un autre EPCI"),
    ("autre département", "Plus proche dans un autre département"),
)


def _outline(
    name: str, label: str, fill: Fill, *, labels: Labels | None = None, tip: str = ""
) -> tuple[StyleSpec, ...]:
    return (StyleSpec(name, label, (StyleRule(label, fill),), labels=labels, tip=tip),)


_FIXED = {
    "departement": _outline("Contour", "Département", Fill(outline=palette.DEPARTEMENT_COLOUR, outline_mm=0.9)),
    "epci_voisins": _outline(
        "Voisins",
        "EPCI voisin",
        Fill(palette.NEIGHBOUR_COLOUR, outline=_GREY, outline_mm=0.3, opacity=0.6),
        labels=Labels("nom", 8, palette.MUTED),
    ),
    "petr": _outline(
        "Contours",
        "PETR",
        Fill(outline=palette.PETR_COLOUR, outline_mm=0.8, dashed=True),
        labels=Labels("nom", 10, palette.PETR_COLOUR, bold=True),
    ),
    "epci": (
        StyleSpec(
            "Contours",
            "Contours et noms des EPCI",
            (
                StyleRule(
                    "EPCI signataire", Fill(outline=palette.INK, outline_mm=0.5), (Condition("role", "=", SIGNS),)
                ),
                StyleRule("EPCI sans convention ici", Fill(outline=_GREY, outline_mm=0.4, dashed=True)),
            ),
            labels=Labels("nom", 9, palette.INK, bold=True),
        ),
    ),
    "zones": _outline(
        "Zones",
        "Zone déficitaire",
        Fill(hatch=SLASH, hatch_colour=palette.ZONE_COLOUR, outline=palette.ZONE_COLOUR, outline_mm=0.7),
        tip="noms",
    ),
}
"""Styles that no figure changes."""


def criterion_column(criterion: Criterion) -> str:
    """Return the published column that holds the class of a criterion in the layer of communes."""
    return f"critere_{criterion.code.replace('-', '_')}"


def layer_styles(layer: MapLayer, study: Study, criteria: Sequence[Criterion] = ()) -> tuple[LayerStyle, ...]:
    """Return the styles of a layer, the one that opens first; none for a table.

    Parameters
    ----------
    layer : MapLayer
        The layer, its columns under published names.
    study : Study
        Rules and names of services.
    criteria : sequence of Criterion
        Those whose class is in the layer of communes.
    """
    columns = {column.name for column in layer.columns}
    styles: list[LayerStyle] = []
    for spec in _specs(layer, study, criteria):
        if not _columns_of(spec) <= columns:
            continue
        name = style_name(spec.name, [style.name for style in styles])
        styles.append(LayerStyle(name, spec.description, render_qml(spec, layer.columns), render_sld(layer.name, spec)))
    return tuple(styles)


def _specs(layer: MapLayer, study: Study, criteria: Sequence[Criterion]) -> Sequence[StyleSpec]:
    if layer.name == "communes":
        return _communes(study, criteria)
    if layer.name == "carreaux":
        return _cells(study)
    if layer.name == "points_services":
        return _points(study, sorted(set(layer.rows["service"])))
    return _FIXED.get(layer.name, ())


def _columns_of(spec: StyleSpec) -> set[str]:
    """Return the columns that a style reads."""
    shown = {spec.tip, spec.labels.column if spec.labels else ""} - {""}
    return shown | {test.column for rule in spec.rules for test in rule.tests}


def _communes(study: Study, criteria: Sequence[Criterion]) -> list[StyleSpec]:
    bounds = [float(bound) for bound in words_setting(study.parameters, "classes-penalite")]
    hours = [float(bound) for bound in catalogue_entry("classes")["presence_hours"]]
    label = service_names(study.parameters, study.scheme.mesure.services[0]).label
    return [
        _access(study, label),
        _themed("Frontière", f"Où est le lieu «{NBSP}{label}{NBSP}» le plus proche", _sides()),
        _themed(
            "Pénalité administrative",
            "Minutes de plus pour aller au guichet compétent qu'au plus proche",
            _penalty(bounds),
        ),
        _themed(
            "Présence hebdomadaire",
            "Heures d'ouverture à portée, par semaine",
            _presence(hours),
        ),
        *(_themed(one.code, one.label, _criterion(one)) for one in criteria),
    ]


def _access(study: Study, label: str) -> StyleSpec:
    """Class of access to the main service: the style that opens."""
    main = [rule for rule in study.rules if rule.service == study.scheme.mesure.services[0]]
    rules = [
        StyleRule(
            f"{entry.label} ({entry.span})" if entry.span else entry.label,
            _area(entry.colour),
            (_STUDIED, Condition("classe", "=", entry.code)),
        )
        for entry in palette.legend_entries(main)
        if entry.code != NOT_MEASURED
    ]
    doubt = StyleRule(
        "À vérifier (la bande d'erreur contient un seuil)",
        Fill(hatch=DOTS, hatch_colour=palette.INK),
        (_STUDIED, Condition("a_verifier", "=", value=True)),
        over=True,
    )
    return StyleSpec(
        "Accès",
        f"Classe d'accès{NBSP}: {label}",
        (_around(), *rules, _not_measured(), doubt),
        labels=Labels("nom", 8, palette.INK, farthest=_COMMUNE_NAMES),
        tip="explication",
    )


def _themed(name: str, description: str, rules: Sequence[StyleRule]) -> StyleSpec:
    """Style of communes by a theme: those around in grey, those not measured hatched."""
    names = Labels("nom", 8, palette.INK, farthest=_COMMUNE_NAMES)
    return StyleSpec(name, description, (_around(), *rules, _not_measured()), labels=names)


def _sides() -> list[StyleRule]:
    colours = palette.class_colours(len(_SIDES))
    return [
        StyleRule(label, _area(colour), (_STUDIED, Condition("cote", "=", value)))
        for (value, label), colour in zip(_SIDES, colours, strict=True)
    ]


def _criterion(criterion: Criterion) -> list[StyleRule]:
    light, dark = palette.class_colours(2)
    column = criterion_column(criterion)
    return [
        StyleRule("Satisfait", _area(light), (_STUDIED, Condition(column, "=", SERVED))),
        StyleRule(criterion.beyond_label, _area(dark), (_STUDIED, Condition(column, "=", criterion.beyond))),
    ]


def _penalty(bounds: Sequence[float]) -> list[StyleRule]:
    """Classes of penalty; a bound belongs to the class below it, as a time equal to a threshold satisfies it."""
    column, colours = "penalite_min", palette.class_colours(len(bounds) + 1)
    tests = [
        (Condition(column, "<=", bounds[0]),),
        *((Condition(column, ">", low), Condition(column, "<=", high)) for low, high in pairwise(bounds)),
        (Condition(column, ">", bounds[-1]),),
    ]
    between = [f"{number(low)} à {minutes(high)}" for low, high in pairwise(bounds)]
    labels = ["Aucune", *between, f"Plus de {minutes(bounds[-1])}"]
    return _ranked(labels, colours, tests)


def _presence(bounds: Sequence[float]) -> list[StyleRule]:
    """Classes of hours a week, from none to many; a bound belongs to the class above: so many hours are enough."""
    column = "heures_ouvertes"
    tests = [
        (Condition(column, "<=", 0.0),),
        (Condition(column, ">", 0.0), Condition(column, "<", bounds[0])),
        *((Condition(column, ">=", low), Condition(column, "<", high)) for low, high in pairwise(bounds)),
        (Condition(column, ">=", bounds[-1]),),
    ]
    between = [f"De {number(low)} à moins de {_hours(high)}" for low, high in pairwise(bounds)]
    labels = ["Aucune heure", f"Moins de {_hours(bounds[0])}", *between, f"{_hours(bounds[-1])} et plus"]
    return _ranked(labels, palette.class_colours(len(tests))[::-1], tests)


def _ranked(labels: Sequence[str], colours: Sequence[str], tests: Sequence[tuple[Condition, ...]]) -> list[StyleRule]:
    return [
        StyleRule(label, _area(colour), (_STUDIED, *conditions))
        for label, colour, conditions in zip(labels, colours, tests, strict=True)
    ]


def _hours(value: float) -> str:
    return f"{number(value)}{NBSP}h"


def _area(colour: str) -> Fill:
    return Fill(colour, outline=_EDGE, outline_mm=_EDGE_MM)


def _around() -> StyleRule:
    fill = Fill(palette.NEIGHBOUR_COLOUR, outline="#d9d9d4", outline_mm=_EDGE_MM)
    return StyleRule("Commune non étudiée", fill, (Condition("etudiee", "=", value=False),))


def _not_measured() -> StyleRule:
    hatched = Fill(palette.NOT_MEASURED_COLOUR, SLASH, palette.MUTED, outline=_EDGE, outline_mm=_EDGE_MM)
    return StyleRule(NOT_MEASURED_LABEL, hatched)


def _cells(study: Study) -> list[StyleSpec]:
    main = [rule for rule in study.rules if rule.service == study.scheme.mesure.services[0]]
    rules = []
    for entry in palette.legend_entries(main):
        if entry.code == NOT_MEASURED:
            continue
        tests = [Condition("temps_min", ">", entry.above_min)] if not math.isinf(entry.above_min) else []
        if not math.isinf(entry.up_to_min):
            tests.append(Condition("temps_min", "<=", entry.up_to_min))
        rules.append(StyleRule(f"{entry.label} ({entry.span})", Fill(entry.colour, opacity=0.8), tuple(tests)))
    hatched = StyleRule(NOT_MEASURED_LABEL, Fill(palette.NOT_MEASURED_COLOUR, SLASH, palette.MUTED))
    return [StyleSpec("Accès", "Classe d'accès de chaque carreau habité", (*rules, hatched))]


def _points(study: Study, present: Sequence[str]) -> list[StyleSpec]:
    """Places by service, those of the scheme first, in its order: the main one is the largest, others come close up."""
    measured = [code for code in study.scheme.mesure.services if code in present]
    services = [*measured, *(code for code in present if code not in measured)]
    rules = []
    for rank, code in enumerate(services):
        colour = _POINT_COLOURS[rank % len(_POINT_COLOURS)]
        shape = _POINT_SHAPES[rank % len(_POINT_SHAPES)]
        marker = Marker(shape, colour, 3.4 if rank == 0 else 1.8)
        label = service_names(study.parameters, code).label
        farthest = 0 if rank == 0 else _SMALL_POINTS
        rules.append(StyleRule(label, marker, (Condition("service", "=", code),), farthest=farthest))
    return [StyleSpec("Services", "Points par service", tuple(rules), tip="nom")] if rules else []
