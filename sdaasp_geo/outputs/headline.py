"""What heads every page: the figures that matter, and the line of sources."""

from __future__ import annotations

from dataclasses import dataclass

from sdaasp_geo import french
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.french import NBSP
from sdaasp_geo.parameters import Rule, service_names
from sdaasp_geo.study import Measures, Study

SOURCES = (
    "Sources{nbsp}: IGN (contours), INSEE (codes, populations légales, recensement), DGCL (intercommunalités), ANCT "
    "(espaces France services), DILA (mairies), Licence Ouverte 2.0. Populations et périmètres au 1er janvier "
    "{vintage}. Édition du {edition}."
)


@dataclass(frozen=True)
class Figure:
    """A figure that matters: its value and what it is, in French."""

    value: str
    label: str


def headline_figures(study: Study, measures: Measures) -> list[Figure]:
    """Return the three figures that matter, for the main service that has rules.

    Share of inhabitants within the first threshold, share within the last one (mean time where there is only one),
    communes beyond or to check.
    """
    rules = headline_rules(study)
    if not rules:
        return [Figure(french.number(int(study.departement["communes"].iloc[0])), "communes du département")]
    names = service_names(study.parameters, rules[0].service)
    own = measures.coverage
    own = own[(own["level"] == "departement") & (own["part"] == PARTS[0])].set_index("rule")
    unmeasured = int(own["population_not_measured"][rules[0].code])
    people = "habitants mesurés" if unmeasured else "habitants"
    rest = f" ; {french.count(unmeasured, 'habitant')} non mesurés" if unmeasured else ""
    figures = [
        Figure(
            french.percent(own["share_within"][rule.code]),
            f"des {people} à {french.threshold(rule.threshold_min)} au plus ({names.label}){rest}",
        )
        for rule in dict.fromkeys((rules[0], rules[-1]))
    ]
    if len(figures) == 1:
        times = measures.summary[(measures.summary["level"] == "departement") & (measures.summary["part"] == PARTS[0])]
        mean = times.set_index("service")["mean_min"][rules[0].service]
        figures.append(
            Figure(french.minutes(mean, digits=1), f"en moyenne, pondérée par la population ({names.label})")
        )
    access = measures.access[measures.access["service"] == rules[0].service].set_index("code")
    inside = study.communes.loc[study.communes["inside"], ["code", "population"]].set_index("code")
    beyond = (access["rule"] != "").reindex(inside.index) | access["to_check"].reindex(inside.index)
    concerned = french.count(int(inside["population"][beyond].sum()), "habitant")
    label = f"au-delà d'un seuil ou à vérifier ({concerned})"
    return [*figures, Figure(french.count(int(beyond.sum()), "commune"), label)]


def headline_rules(study: Study) -> list[Rule]:
    """Return the rules of the first service that has some, by rising threshold."""
    for service in study.scheme.mesure.services:
        rules = [rule for rule in study.rules if rule.service == service]
        if rules:
            return rules
    return []


def sources_line(study: Study) -> str:
    """Return the line of sources, vintages and edition that every page carries."""
    edition = french.date(study.scheme.edition)
    return SOURCES.format(nbsp=NBSP, vintage=study.scheme.millesimes.mesure, edition=edition)
