"""One EPCI seen from the study: its communes, its access rows and the names that its annex needs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.analysis.deficits import NOT_MEASURED
from sdaasp_geo.errors import NameNotResolvedError
from sdaasp_geo.french import NARROW_NBSP, NBSP, count, listing, minutes, number
from sdaasp_geo.parameters import Rule, Service, service_names, words_setting
from sdaasp_geo.study import Diagnosis, Measures, Study
from sdaasp_geo.travel.engine import REACHED

WHOLE, INSIDE, OUTSIDE = PARTS
NONE = "–"
"""Written where a figure has no object, such as a part of the territory that does not exist."""

PART_LABELS = {WHOLE: "EPCI entier", INSIDE: "Dans le département", OUTSIDE: "Hors du département"}

_KINDS = {"CC": "communauté de communes", "CA": "communauté d'agglomération", "CU": "communauté urbaine"}
MANY = 8
"""Names beyond which a sentence counts instead of listing."""

_BY_TERRITORY = ("balance", "penalty", "presence", "choice", "sensitivity", "distribution", "inequality")
"""Tables of the diagnosis with one or several rows by level, territory and part."""

Row = dict[Hashable, Any]


@dataclass(frozen=True)
class Scope:
    """What an annex looks at.

    Attributes
    ----------
    study, measures : Study, Measures
        The layers and the figures.
    siren : str
        The EPCI.
    epci : dict
        Its row of the layer of EPCI.
    members : DataFrame
        Its communes, by code.
    access : DataFrame
        Access of its communes, with ``name, population, inside, departement`` of the commune.
    census : DataFrame
        Ages and dwellings of the census, for every commune.
    points : DataFrame
        Service points that lie in it, of the measured services.
    names : dict
        Names of the EPCI known to the study, by SIREN.
    coverage_rows, summary_rows, cell_rows : dict
        Rows of the figures of the EPCI and of the département, by level, service, part (and rule).
    """

    study: Study
    measures: Measures
    siren: str
    epci: Row
    members: pd.DataFrame
    access: pd.DataFrame
    census: pd.DataFrame
    points: pd.DataFrame
    names: dict[str, str]
    coverage_rows: dict[tuple[str, str, str, str], Row]
    summary_rows: dict[tuple[str, str, str], Row]
    cell_rows: dict[tuple[str, str, str, str], Row]

    @property
    def departement(self) -> str:
        """Code of the scheme's département."""
        return self.study.scheme.departement

    @property
    def departement_label(self) -> str:
        """Name and code of the scheme's département."""
        return f"{self.study.departement_name} ({self.departement})"

    @property
    def vintage(self) -> str:
        """First day of the measure's vintage, in words."""
        return f"1er{NBSP}janvier{NBSP}{self.study.scheme.millesimes.mesure}"

    @property
    def straddles(self) -> bool:
        """Whether the EPCI has communes outside the département."""
        return int(self.epci["communes_outside"]) > 0

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of the territory that exist."""
        return PARTS if self.straddles else (WHOLE,)

    @property
    def services(self) -> tuple[str, ...]:
        """Codes of the measured services, the main one first."""
        return self.study.scheme.mesure.services

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What is measured beyond the nearest place, where it is."""
        return self.measures.diagnosis

    @property
    def shared_services(self) -> tuple[str, ...]:
        """Codes of the measured services that an inhabitant may look for in another commune than his own."""
        communal = set(words_setting(self.study.parameters, "services-communaux"))
        return tuple(service for service in self.services if service not in communal)

    @property
    def main(self) -> str:
        """Code of the main service."""
        return self.services[0]

    def service(self, code: str) -> Service:
        """Return the names of a service."""
        return service_names(self.study.parameters, code)

    def rules(self, service: str) -> list[Rule]:
        """Return the rules of a service, by rising threshold."""
        return [rule for rule in self.study.rules if rule.service == service]

    def thresholds(self, service: str) -> list[float]:
        """Return the thresholds of a service in minutes, rising: figures written beside them show their side."""
        return [rule.threshold_min for rule in self.rules(service)]

    def of_service(self, service: str) -> pd.DataFrame:
        """Return the access rows of one service."""
        return self.access[self.access["service"] == service]

    def epci_name(self, siren: object) -> str:
        """Return the name of an EPCI of the study or around it, its SIREN where the name is not loaded."""
        if not isinstance(siren, str):
            return "aucun EPCI"
        farther = self.diagnosis.epci_names if self.diagnosis else {}
        return self.names.get(siren) or farther.get(siren, f"EPCI{NBSP}{siren}")

    def coverage(self, service: str, part: str, rule: str, *, departement: bool = False) -> Row | None:
        """Return the coverage row of a part of the EPCI, or of the département."""
        return self.coverage_rows.get(("departement" if departement else "epci", service, part, rule))

    def cell_coverage(self, service: str, part: str, rule: str) -> Row | None:
        """Return the coverage row of a part of the EPCI counted from inhabited cells, where there are some."""
        return self.cell_rows.get(("epci", service, part, rule))

    def summary(self, service: str, part: str, *, departement: bool = False) -> Row | None:
        """Return the summary row of a part of the EPCI, or of the département."""
        return self.summary_rows.get(("departement" if departement else "epci", service, part))

    def sides(self, label: str) -> list[tuple[str, str, bool]]:
        """Return what the rows of a table compare: its heading, its part, and whether it is the département.

        The parts of the EPCI that exist, then the département.
        """
        own = [(f"{label}{NBSP}– {PART_LABELS[part]}", part, False) for part in self.parts]
        return [*own, (f"{label}{NBSP}– {self.departement_label}", INSIDE, True)]

    @cached_property
    def diagnosis_rows(self) -> dict[str, list[Row]]:
        """Rows of the EPCI and of the département in the tables of the diagnosis that are by territory, by name."""
        if self.diagnosis is None:
            return {}
        tables = {name: getattr(self.diagnosis, name) for name in _BY_TERRITORY}
        return {name: _figures(self.study, table, siren=self.siren) for name, table in tables.items() if len(table)}

    @cached_property
    def criteria_rows(self) -> pd.DataFrame:
        """Commune × criterion of the EPCI (``own``) and of the département, with ``name, inside, population, met``."""
        table = self.diagnosis.criteria if self.diagnosis else pd.DataFrame()
        if table.empty:
            return table
        communes = self.study.communes[["code", "name", "epci", "inside", "population"]]
        table = table.merge(communes, on="code")
        own = table["epci"] == self.siren
        return table.assign(own=own, met=table["satisfied"].fillna(value=False).astype("bool"))[own | table["inside"]]

    @cached_property
    def measured_criteria_rows(self) -> list[tuple[str, pd.DataFrame]]:
        """Criteria measured somewhere in the EPCI, each with its rows of `criteria_rows`."""
        table = self.criteria_rows
        groups = table.groupby("criterion", sort=False) if len(table) else ()
        return [(str(code), rows) for code, rows in groups if (rows.loc[rows["own"], "class"] != NOT_MEASURED).any()]

    def found(self, name: str, part: str, *, departement: bool = False, **keys: object) -> list[Row]:
        """Return the rows of a table of the diagnosis for a part of the EPCI, or of the département.

        Parameters
        ----------
        name : str
            A table by territory of `study.Diagnosis`, such as ``presence``; without a diagnosis it has no row.
        part, departement
            Whose rows.
        **keys
            Values of other columns, such as ``service``.
        """
        wanted = {"level": "departement" if departement else "epci", "part": part, **keys}
        rows = self.diagnosis_rows.get(name, [])
        return [row for row in rows if all(row[column] == value for column, value in wanted.items())]

    def limits(self, name: str, service: str, column: str = "limit_min") -> list[float]:
        """Return the limits of time that a table of the diagnosis holds for a service, rising."""
        return sorted({float(row[column]) for row in self.found(name, WHOLE, service=service)})


def make_scope(study: Study, measures: Measures, *, siren: str, census: pd.DataFrame) -> Scope:
    """Gather what the annex of an EPCI looks at.

    Raises
    ------
    NameNotResolvedError
        When the EPCI is not in the study.
    """
    rows = study.epci[study.epci["siren"] == siren].drop(columns="geometry").to_dict("records")
    if not rows:
        known = [f"{code} ({name})" for code, name in zip(study.epci["siren"], study.epci["name"], strict=True)]
        raise NameNotResolvedError(siren, known)
    members = pd.DataFrame(study.communes.drop(columns="geometry"))
    members = members[members["epci"] == siren].sort_values("code", ignore_index=True)
    identity = members[["code", "name", "population", "inside", "departement"]]
    own = measures.access[measures.access["code"].isin(set(members["code"]))]
    coverage, summary = (_figures(study, table, siren=siren) for table in (measures.coverage, measures.summary))
    by_cell = [] if measures.cell_coverage is None else _figures(study, measures.cell_coverage, siren=siren)
    return Scope(
        study=study,
        measures=measures,
        siren=siren,
        epci=rows[0],
        members=members,
        access=own.merge(identity, on="code", how="inner"),
        census=census,
        points=_points(study, siren),
        names=_names(study),
        coverage_rows={(row["level"], row["service"], row["part"], row["rule"]): row for row in coverage},
        summary_rows={(row["level"], row["service"], row["part"]): row for row in summary},
        cell_rows={(row["level"], row["service"], row["part"], row["rule"]): row for row in by_cell},
    )


def _figures(study: Study, table: pd.DataFrame, *, siren: str) -> list[Row]:
    """Return the rows of the EPCI and of the département."""
    wanted = {"epci": siren, "departement": study.scheme.departement}
    rows: list[Row] = table[table["level"].map(wanted) == table["territory"]].to_dict("records")
    return rows


def _points(study: Study, siren: str) -> pd.DataFrame:
    """Return the service points that lie in an EPCI, of the measured services."""
    points = study.points
    own = points[(points["epci"] == siren) & points["service"].isin(study.scheme.mesure.services)]
    table = pd.DataFrame(own.drop(columns="geometry")).sort_values(["service", "commune", "id"], ignore_index=True)
    words = [column for column in table.columns if not pd.api.types.is_numeric_dtype(table[column])]
    return table.assign(**{column: filled(table[[column]])[column] for column in words})


def filled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose missing values are empty texts."""
    return frame.astype("object").where(frame.notna(), "")


def _names(study: Study) -> dict[str, str]:
    """Return the names of the EPCI known to the study, by SIREN."""
    known: dict[str, str] = {}
    for side in ("epci_second", "epci"):
        labels = study.differences[[side, f"{side}_name"]].dropna()
        known |= dict(zip(labels[side].astype(str), labels[f"{side}_name"].astype(str), strict=True))
    for table in (study.neighbours, study.epci):
        known |= dict(zip(table["siren"].astype(str), table["name"].astype(str), strict=True))
    return known


def full_name(name: str, kind: str) -> str:
    """Write the name of an EPCI with its kind in full.

    Examples
    --------
    >>> full_name("CC Adour Madiran", "CC")
    'Communauté de communes Adour Madiran'
    """
    prefix = f"{kind} "
    if kind in _KINDS and name.startswith(prefix):
        return f"{_KINDS[kind].capitalize()} {name.removeprefix(prefix)}"
    return name


def subject_name(name: str, kind: str) -> str:
    """Write the name of an EPCI as the subject of a sentence.

    Examples
    --------
    >>> subject_name("CC Adour Madiran", "CC")
    'La communauté de communes Adour Madiran'
    """
    full = full_name(name, kind)
    return f"La {full[0].lower()}{full[1:]}" if full != name else f"L'EPCI {name}"


def kind_label(kind: str) -> str:
    """Return the French name of a kind of EPCI."""
    return _KINDS.get(kind, "métropole" if kind.startswith("MET") else kind).capitalize()


def singular(service: Service) -> str:
    """Return the singular name of a service, from its « nearest » form.

    Examples
    --------
    >>> singular(Service("mairie", "Mairie", "la mairie la plus proche", "mairies"))
    'mairie'
    """
    text = service.nearest.removesuffix(" la plus proche").removesuffix(" le plus proche")
    for article in ("l'", "la ", "le "):
        if text.startswith(article):
            return text.removeprefix(article)
    return text


def people(quantity: float) -> str:
    """Write a number of inhabitants; none is said in words."""
    return count(int(quantity), "habitant") if quantity else "aucun habitant"


def band(row: Row, *, prefix: str = "", beside: Sequence[float] = ()) -> str:
    """Write minutes and, where they are estimated, their error band; beside thresholds, minutes show their side."""
    if row[f"{prefix}reason"] != REACHED:
        return f"non mesuré ({row[f'{prefix}reason']})"
    time = minutes(row[f"{prefix}time_min"], digits=1, beside=beside)
    low, high = row[f"{prefix}low_min"], row[f"{prefix}high_min"]
    if low == high:
        return time
    return f"{time} ({number(low)}{NBSP}à{NBSP}{number(high)})"


def some(names: Sequence[str], noun: str = "commune", *, where: str = f"listées en partie{NBSP}4") -> str:
    """Name communes when they are few, count them when they are many."""
    if len(names) <= MANY:
        return listing(list(names))
    return f"{count(len(names), noun)}, {where}"


def capitalised(text: str) -> str:
    """Begin a text with a capital letter."""
    return text[:1].upper() + text[1:]


def semicolons(parts: Sequence[str]) -> str:
    """Join parts with a semicolon, spaced as in French."""
    return f"{NARROW_NBSP}; ".join(parts)
