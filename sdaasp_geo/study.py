"""A study: the checked layers of one scheme, and what is measured on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo.action_plan import ActionPlan, Governance
from sdaasp_geo.analysis.siting import Siting
from sdaasp_geo.parameters import Parameters, Rule
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.travel.engine import Method


@dataclass(frozen=True)
class Decision:
    """Something that people must still decide, fill in or confirm.

    Attributes
    ----------
    document : str
        Where it is missing, in French: a kind of document (« Annexes »), a table (« Plan d'actions »).
    what : str
        What is missing, in French.
    places : tuple of str
        Names concerned: EPCI, codes of actions, rows.
    """

    document: str
    what: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Programme:
    """The scheme itself: what it plans, who decides, who signs, and where each action applies.

    Attributes
    ----------
    plan, governance : ActionPlan, Governance
        Structures of `action_plan`, territories with their codes where names were recognised.
    actions, bodies : DataFrame
        The layers they come from (`layers.actions`, `layers.governance`).
    territories : DataFrame
        One row per territory that a row of either layer names, and per code it stands for: ``table`` (``actions`` or
        ``gouvernance``), ``kind`` (``niveau`` or ``type`` of the row), ``code``, ``rank``, ``words``,
        ``territory_kind`` (``departement, petr, epci, commune``, or empty), ``territory_code``, ``territory_name``,
        ``status`` (`layers.mentions`: reconnu, à confirmer, ambigu, inconnu), ``note``, ``candidates``, ``reason``
        (empty, or why the row counts nowhere: name not recognised, territory outside the scheme).
    reach : DataFrame
        One row per action × EPCI of the study where it applies (`analysis.reach`): ``code`` (of the action),
        ``siren``, ``via`` (French: how the action reaches it), ``level`` (kind of the territory named).
    contradictions : DataFrame
        Cells that two files give differently (`layers.plan_checks.merge_tables`), both tables together; ``table``,
        ``kind``, ``code``, then ``plan_checks.CONTRADICTION_COLUMNS``.
    notes : tuple of str
        What the reader must know, in French.
    decisions : tuple of Decision
        What people must still decide or confirm in the plan and the governance.
    """

    plan: ActionPlan
    governance: Governance
    actions: pd.DataFrame
    bodies: pd.DataFrame
    territories: pd.DataFrame
    reach: pd.DataFrame
    contradictions: pd.DataFrame
    notes: tuple[str, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True)
class Study:
    """The layers of a scheme, after every contract was checked.

    Attributes
    ----------
    scheme, parameters, rules : Scheme, Parameters, tuple of Rule
        What is studied, and the rules that apply.
    departement_name, region_name : str
        Names of the département and of its region.
    communes : GeoDataFrame
        Communes of the département and around it; ``studied`` tells those that are measured: inside the
        département, or in an EPCI or a PETR that reaches into it.
    departement, epci, petr, neighbours, points : GeoDataFrame
        Other layers (`layers.territories`, `layers.services`); ``points`` are the service points within reach.
    petr_members : DataFrame
        Communes of each PETR.
    borders : DataFrame
        Shared borders of communes.
    differences : DataFrame
        Communes whose EPCI differs between two sources.
    evolution : DataFrame
        Communes whose EPCI, code or name changed between the convention's vintage and the measure's.
    warnings : tuple of str
        What the reader must know, in French.
    inputs : tuple of (str, Path)
        Files read, by name.
    cells : GeoDataFrame, optional
        Inhabited cells of the studied communes (`layers.cells`), where the scheme gives some.
    stops : GeoDataFrame, optional
        Stops of buses and sessions (`layers.stops`), where the scheme gives some.
    programme : Programme, optional
        The scheme itself, where it gives its actions or its governance.
    corrections : DataFrame, optional
        Changes applied to the service points and to the areas of operators (`layers.corrections`), where the scheme
        gives some.
    repairs : DataFrame, optional
        What was repaired in the contours of the scheme, and the gaps left (`layers.geometry_checks`), where it gives
        its own contours.
    """

    scheme: Scheme
    parameters: Parameters
    rules: tuple[Rule, ...]
    departement_name: str
    region_name: str
    communes: gpd.GeoDataFrame
    departement: gpd.GeoDataFrame
    epci: gpd.GeoDataFrame
    petr: gpd.GeoDataFrame
    petr_members: pd.DataFrame
    neighbours: gpd.GeoDataFrame
    points: gpd.GeoDataFrame
    borders: pd.DataFrame
    differences: pd.DataFrame
    evolution: pd.DataFrame
    warnings: tuple[str, ...]
    inputs: tuple[tuple[str, Path], ...]
    cells: gpd.GeoDataFrame | None = None
    stops: gpd.GeoDataFrame | None = None
    programme: Programme | None = None
    corrections: pd.DataFrame | None = None
    repairs: pd.DataFrame | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What is measured beyond the nearest place: borders, competent counters, presence, choice, criteria, figures.

    Attributes
    ----------
    pairs : DataFrame
        Commune × place within reach, by service (`travel.pairs`): what most of the rest is computed from.
    border, balance, exchanges : DataFrame
        `analysis.border`: nearest anywhere and inside, by commune; inhabitants by territory; ordered pairs.
    competence, penalty, penalty_classes : DataFrame
        `analysis.competence`.
    negotiation, negotiation_totals, negotiation_sentences : DataFrame
        `analysis.negotiation`.
    opening, intervals, reachable, presence, curve : DataFrame
        `layers.opening` and `analysis.presence`.
    counts, choice : DataFrame
        `analysis.choice`.
    criteria : DataFrame
        `analysis.criteria`: commune × criterion.
    sensitivity, distribution, inequality, contributions : DataFrame
        `analysis.sensitivity`, `analysis.distribution`, `analysis.inequality`.
    catchment, catchment_places : DataFrame
        `analysis.catchment`: hours a week for 1,000 inhabitants.
    dimensions : DataFrame
        `analysis.dimensions`: which of the seven dimensions of accessibility are measured, by EPCI and service.
    lifecycle : DataFrame
        `analysis.lifecycle`, between the convention and the measure.
    epci_names : dict
        Names of the EPCI of France by SIREN: neighbours may lie farther than the layers.
    notes : tuple of str
        What the reader must know, in French.
    """

    pairs: pd.DataFrame
    border: pd.DataFrame
    balance: pd.DataFrame
    exchanges: pd.DataFrame
    competence: pd.DataFrame
    penalty: pd.DataFrame
    penalty_classes: pd.DataFrame
    negotiation: pd.DataFrame
    negotiation_totals: pd.DataFrame
    negotiation_sentences: pd.DataFrame
    opening: pd.DataFrame
    intervals: pd.DataFrame
    reachable: pd.DataFrame
    presence: pd.DataFrame
    curve: pd.DataFrame
    counts: pd.DataFrame
    choice: pd.DataFrame
    criteria: pd.DataFrame
    sensitivity: pd.DataFrame
    distribution: pd.DataFrame
    inequality: pd.DataFrame
    contributions: pd.DataFrame
    catchment: pd.DataFrame
    catchment_places: pd.DataFrame
    dimensions: pd.DataFrame
    lifecycle: pd.DataFrame
    epci_names: dict[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class NewSites:
    """New sites of a service, and what the existing ones are worth.

    Attributes
    ----------
    service, aim, count
        What was asked (`pipeline.siting.Question`).
    siting : Siting
        `analysis.siting.Siting`: sites by rank, demand before and after, proof.
    gains, coverage : DataFrame
        Gain of each site by territory; each territory before and after (`analysis.siting_tables`).
    closures, closure_losses : DataFrame
        What is lost if each existing site closes, in all and by territory.
    method : Method
        How times were obtained.
    """

    service: str
    aim: str
    count: int
    siting: Siting
    gains: pd.DataFrame
    coverage: pd.DataFrame
    closures: pd.DataFrame
    closure_losses: pd.DataFrame
    method: Method


@dataclass(frozen=True)
class Comparison:
    """What changed between two editions of a scheme, explained (`pipeline.compare_editions`).

    Attributes
    ----------
    before, after : Study
        The two editions.
    methods : tuple of Method
        How times were obtained before and after.
    services : tuple of str
        Services that both measure.
    figures : DataFrame
        One row per level × territory × service × indicator: ``level, territory, service, indicator``
        (``population_within`` or ``mean_min``), ``threshold_min`` (NaN for the mean), ``before_value``,
        ``constant_value`` (the edition before on the perimeter of the one after), ``after_value``, rounded
        ``change_value, supply_effect, population_effect, perimeter_effect, source_effect`` (they add up),
        ``before_share, after_share`` (of the measured population), ``perimeter_break, break_reason, sentence``.
    effects : DataFrame
        The same by factor, exact and rounded: ``level, territory, service, indicator, threshold_min, factor, effect,
        before, after, effect_rounded``.
    communes : DataFrame
        Studied communes of the edition after × service: both populations and both times, restated on it.
    places : DataFrame
        Places that opened, closed, moved, or were put elsewhere.
    lifecycle : DataFrame
        Events of perimeters between the two vintages (`analysis.lifecycle`); empty where they are one.
    notes : tuple of str
        What the reader must know, in French.
    """

    before: Study
    after: Study
    methods: tuple[Method, Method]
    services: tuple[str, ...]
    figures: pd.DataFrame
    effects: pd.DataFrame
    communes: pd.DataFrame
    places: pd.DataFrame
    lifecycle: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Measures:
    """What was measured on a study.

    Attributes
    ----------
    access : DataFrame
        One row per studied commune × service (`analysis.access`), with its class, whether it is to check and its
        sentence (`analysis.deficits`).
    coverage : DataFrame
        Inhabitants within each threshold, by level and territory (`analysis.coverage`).
    summary : DataFrame
        Times by level and territory, weighted by inhabitants.
    zones : GeoDataFrame
        Zones déficitaires; ``zone_members`` lists their communes.
    method : Method
        How times were obtained.
    cells, cell_coverage, cell_summary : DataFrame, optional
        Access of each inhabited cell, and the same coverage and times counted from cells (`analysis.cells`).
    diagnosis : Diagnosis, optional
        What `pipeline.diagnose` adds.
    """

    access: pd.DataFrame
    coverage: pd.DataFrame
    summary: pd.DataFrame
    zones: gpd.GeoDataFrame
    zone_members: pd.DataFrame
    method: Method
    cells: pd.DataFrame | None = None
    cell_coverage: pd.DataFrame | None = None
    cell_summary: pd.DataFrame | None = None
    diagnosis: Diagnosis | None = None
