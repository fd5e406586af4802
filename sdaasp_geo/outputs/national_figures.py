"""What a national report says of each département, read from its published folder, and the totals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdaasp_geo.errors import ReconciliationError
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.outputs.manifest import MANIFEST, sha256

_SHOWN = 5
_LEVEL, _PART = "departement", "entier"


@dataclass(frozen=True)
class Within:
    """Inhabitants on each side of the threshold of a rule; together, those of the territory."""

    within: int
    beyond: int
    not_measured: int


@dataclass(frozen=True)
class Figures:
    """Figures of one département, or of several.

    Attributes
    ----------
    communes, population : int
        Communes of the territory, and their legal municipal population.
    epci, points : int
        EPCI that sign, and service points that lie in the communes.
    warnings, decisions : int
        Things to know, and to decide before signing.
    rules : mapping
        Inhabitants by rule.
    """

    communes: int
    population: int
    epci: int
    points: int
    warnings: int
    decisions: int
    rules: Mapping[str, Within]


@dataclass(frozen=True)
class Line:
    """One département of the report.

    Attributes
    ----------
    code, name : str
        The département.
    reason : str
        Why there is no result; empty when there is one.
    vintage : int
        Vintage of its perimeters and populations.
    figures : Figures or None
        None when there is no result.
    manifest : str
        SHA-256 of its manifest, which holds that of every other file; empty when there is no result.
    """

    code: str
    name: str
    reason: str
    vintage: int
    figures: Figures | None = None
    manifest: str = ""


def manifest_hash(folder: Path) -> str:
    """Return the SHA-256 of the manifest of a run."""
    return sha256(folder / MANIFEST)


def read_communes(folder: Path) -> pd.Series:
    """Read the communes of the département of a run: population (inhabitants) by code, of communes inside only."""
    columns = ["code_commune", "dans_le_departement", "population"]
    table = pd.read_parquet(folder / "tables" / "communes.parquet", columns=columns)
    return table[table["dans_le_departement"]].set_index("code_commune")["population"]


def read_figures(folder: Path, communes: pd.Series) -> Figures:
    """Read the figures of a run.

    Parameters
    ----------
    folder : Path
        A whole run.
    communes : Series
        Its communes (`read_communes`).

    Raises
    ------
    ReconciliationError
        When the inhabitants of a rule are not those of the communes.
    """
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    population = int(communes.sum())
    points = pd.read_parquet(folder / "tables" / "points_services.parquet", columns=["code_commune"])
    coverage = pd.read_parquet(folder / "tables" / "couverture.parquet")
    own = coverage[(coverage["niveau"] == _LEVEL) & (coverage["partie"] == _PART)].sort_values("regle")
    rules = {
        str(row.regle): Within(
            int(row.population_dans_seuil), int(row.population_hors_seuil), int(row.population_non_mesuree)
        )
        for row in own.itertuples()
    }
    for rule, people in rules.items():
        found = people.within + people.beyond + people.not_measured
        if found != population:
            message = f"{rule}{NBSP}: {count(found, 'habitant')}, et {count(population, 'habitant')} dans les communes."
            raise ReconciliationError(message)
    return Figures(
        communes=len(communes),
        population=population,
        epci=int(manifest["counts"]["epci_signing"]),
        points=int(points["code_commune"].isin(communes.index).sum()),
        warnings=len(manifest["warnings"]),
        decisions=len(manifest["decisions"]),
        rules=rules,
    )


def check_communes(found: pd.Series, expected: pd.Series) -> None:
    """Check that a result has each commune of its département once, with its population.

    Parameters
    ----------
    found, expected : Series
        Population by code of commune: of the result, and of the legal populations.

    Raises
    ------
    ReconciliationError
        When they differ; the first communes concerned are named.
    """
    twice = found.index[found.index.duplicated()]
    missing, foreign = expected.index.difference(found.index), found.index.difference(expected.index)
    both = found[~found.index.duplicated()].reindex(expected.index.intersection(found.index))
    other = both.index[both != expected[both.index]]
    faults = [
        f"{what}{NBSP}: {', '.join(codes[:_SHOWN])}{'…' if len(codes) > _SHOWN else ''}"
        for what, codes in (
            ("communes comptées deux fois", twice),
            ("communes absentes", missing),
            ("communes d'ailleurs", foreign),
            ("populations différentes", other),
        )
        if len(codes)
    ]
    if faults:
        message = f"Le résultat ne compte pas les communes de son département{NBSP}; {' ; '.join(faults)}."
        raise ReconciliationError(message)


def add_up(lines: Iterable[Line]) -> Figures:
    """Add up the figures of the départements that have some."""
    known = [line.figures for line in lines if line.figures is not None]
    rules: dict[str, Within] = {}
    for figures in known:
        for rule, people in figures.rules.items():
            so_far = rules.get(rule, Within(0, 0, 0))
            rules[rule] = Within(
                so_far.within + people.within,
                so_far.beyond + people.beyond,
                so_far.not_measured + people.not_measured,
            )
    return Figures(
        communes=sum(one.communes for one in known),
        population=sum(one.population for one in known),
        epci=sum(one.epci for one in known),
        points=sum(one.points for one in known),
        warnings=sum(one.warnings for one in known),
        decisions=sum(one.decisions for one in known),
        rules=dict(sorted(rules.items())),
    )
