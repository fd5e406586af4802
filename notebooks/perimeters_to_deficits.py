"""From perimeters to deficits: each step of a diagnosis, on plain tables.

A script in the percent format; ``scripts/build_notebooks.py`` makes the notebook of it.
"""
# ruff: noqa: INP001, B018

# %% [markdown]
# # From perimeters to deficits
#
# What `prepare`, `measure` and `diagnose` do, step by step, on the Alpes-de-Haute-Provence: which communes count, for
# which territory, at how many minutes, beyond which rule, in which *zone déficitaire*. Each step is a function, tables
# in, tables out, that may be used alone.

# %%
# ruff: noqa: S101, T201
import pandas as pd

from sdaasp_geo import diagnose, measure, prepare, read_scheme
from sdaasp_geo.analysis.coverage import cover
from sdaasp_geo.analysis.deficits import classes_of, classify
from sdaasp_geo.analysis.inequality import gini
from sdaasp_geo.analysis.levels import territory_members
from sdaasp_geo.analysis.sensitivity import sensitivity
from sdaasp_geo.analysis.zones import deficit_zones
from sdaasp_geo.outputs.notebook import map_html, progress, table_html

SERVICE = "france-services"

scheme = read_scheme("alpes-de-haute-provence")
with progress("Alpes-de-Haute-Provence", total=11) as report:
    study = prepare(scheme, report=report)
    measures = measure(study, report=report)
    diagnosis = diagnose(study, measures, report=report)

# %% [markdown]
# ## Perimeters have a date
#
# The convention was signed on the perimeters of one year, and is measured on those of another. What happened between
# the two is a table, not a footnote.

# %%
print(f"Convention : {scheme.millesimes.convention}, mesure : {scheme.millesimes.mesure}.")
table_html(study.evolution, {"code": "code", "name": "commune", "change": "changement", "before": "avant"})

# %% [markdown]
# ## Which commune counts for which territory
#
# Studied communes are those of the département, and those of the EPCI and PETR that reach into it.
# `territory_members` gives the members of each level; a commune of the département that is in no EPCI, or in no PETR,
# counts for `aucun`, so that every level adds up to the département.

# %%
studied = study.communes[study.communes["studied"]].reset_index(drop=True)
members = territory_members(studied, study.petr_members, epci=set(study.epci["siren"]), departement=scheme.departement)
sums = {level: table.loc[table["inside"], "population"].sum() for level, table in members.items() if level != "commune"}
assert len(set(sums.values())) == 1
sums

# %% [markdown]
# ## Minutes, with their doubt
#
# One row per commune and service: the nearest place, the second, the nearest *inside* the département, each with its
# error band. A pair that was not reached has a reason and no number.

# %%
access = measures.access[measures.access["service"] == SERVICE]
named = access.merge(studied[["code", "name"]], on="code")
headings = {"name": "commune", "place_commune": "le plus proche à", "time_min": "min", "low_min": "au moins"}
headings |= {"high_min": "au plus", "inside_place_commune": "dans le 04 à", "inside_time_min": "min, dans le 04"}
table_html(named.sort_values("time_min", ascending=False), headings, rows=8)

# %% [markdown]
# ## Rules are data
#
# A rule has a threshold, a date and a reference (`sdaasp_geo/parameters.toml`). A time **equal** to the threshold
# satisfies it.

# %%
rules = [rule for rule in study.rules if rule.service == SERVICE]
table_html(
    pd.DataFrame([{"règle": rule.label, "seuil": rule.threshold_min, "référence": rule.reference} for rule in rules])
)

# %%
at_threshold = access.head(2).assign(time_min=[20.0, 20.001], low_min=[19.0, 20.001], high_min=[20.0, 20.001])
found = classify(at_threshold, rules)
assert found["class"].tolist() == ["desservie", "eloigne"]
found

# %% [markdown]
# ## Deficits on the map

# %%
layer = studied[studied["inside"]].merge(access[["code", "class"]], on="code")
map_html(
    layer,
    "class",
    title="Accès aux espaces France services, Alpes-de-Haute-Provence (estimation)",
    labels={code: label for code, label in classes_of(rules).items() if code in set(access["class"])},
    points=study.points[study.points["service"] == SERVICE],
)

# %% [markdown]
# ## Zones déficitaires
#
# Communes in deficit that touch each other are one zone: shared borders come from the coverage of the contours, so
# that two communes that meet at a point are two zones.

# %%
zones, zone_members = deficit_zones(studied, access, study.borders, rules)
assert len(zones) == len(measures.zones[measures.zones["service"] == SERVICE])
headings = {"names": "communes", "population": "habitants", "max_min": "au plus (min)", "threshold_min": "seuil"}
table_html(zones.sort_values("population", ascending=False), headings)

# %% [markdown]
# ## Coverage by territory
#
# `cover` counts inhabitants on both sides of each threshold, for the whole EPCI and for its part in the département.

# %%
names = study.epci.set_index("siren")["name"]
by_epci = cover(members["epci"], access, rules, level="epci")
by_epci = by_epci.assign(name=by_epci["territory"].map(names))
beyond = by_epci[(by_epci["part"] == "dans le département") & (by_epci["threshold_min"] == rules[0].threshold_min)]
headings = {"name": "EPCI", "population": "habitants", "population_beyond": "au-delà de 20 min"}
headings |= {"population_to_check": "à vérifier"}
table_html(beyond.sort_values("population_beyond", ascending=False), headings)

# %% [markdown]
# ## What if the threshold were another?
#
# A laxer threshold never adds a deficit. `population_to_check` says how many inhabitants the error band leaves in
# doubt.

# %%
table = sensitivity(members["departement"], access, thresholds=[15.0, 20.0, 30.0], level="departement")
own = table[table["part"] == "dans le département"]
assert own["population_beyond"].is_monotonic_decreasing
headings = {"threshold_min": "seuil (min)", "communes_beyond": "communes", "population_beyond": "habitants"}
table_html(own, headings | {"population_to_check": "à vérifier"})

# %% [markdown]
# ## Who bears the distance?
#
# The Gini coefficient of minutes between inhabitants: 0 when everyone is as far as everyone else.

# %%
timed = studied.merge(access[["code", "time_min"]], on="code").dropna(subset=["time_min"])
timed = timed[timed["inside"] & (timed["population"] > 0)]
round(gini(timed["time_min"].to_numpy(), timed["population"].to_numpy(dtype=float)), 3)

# %% [markdown]
# ## Criteria, one row per commune
#
# Rules of time are one kind of criterion. Others count places, opening hours or a basket of services
# (`docs/criteria.md`); a criterion that could not be measured says why.

# %%
criteria = diagnosis.criteria
counted = criteria.groupby(["criterion", "class"]).size().rename("communes").reset_index()
table_html(counted.rename(columns={"criterion": "critère", "class": "classe"}), rows=20)
