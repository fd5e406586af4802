"""A first département in ten minutes: from its name to who lives too far from a France services.

A script in the percent format; ``scripts/build_notebooks.py`` makes the notebook of it.
"""
# ruff: noqa: INP001

# %% [markdown]
# # A first département in ten minutes
#
# From the name of a département to its communes, its services, its minutes and its deficits, then the same for a
# département that the package does not know yet. Nothing is downloaded: contours, populations, EPCI, PETR and mairies
# of the whole of France are in the package.
#
# Times are an **estimation** here (a calibrated straight line): no road network is at hand. A commune whose error band
# contains a threshold is *à vérifier*.

# %%
# ruff: noqa: T201
import tempfile
from pathlib import Path

import pandas as pd

from sdaasp_geo import diagnose, embedded_schemes, init, measure, prepare, read_scheme
from sdaasp_geo.french import minutes, percent
from sdaasp_geo.outputs.notebook import map_html, progress, table_html

embedded_schemes()

# %% [markdown]
# ## Prepare, measure, diagnose
#
# Three functions, each with what the one before returned. `prepare` reads and checks the layers, `measure` computes
# minutes, coverage and deficits, `diagnose` adds borders, competent counters, opening hours, criteria and inequality.
# Each tells its steps to `report`.

# %%
scheme = read_scheme("hautes-pyrenees")
with progress("Hautes-Pyrénées", total=11) as report:
    study = prepare(scheme, report=report)
    measures = measure(study, report=report)
    diagnosis = diagnose(study, measures, report=report)

# %% [markdown]
# What the reader must know comes first: perimeters that differ between sources, communes without convention, points
# that were placed at the mairie. Every output repeats it.

# %%
table_html(pd.DataFrame({"à savoir": study.warnings}), rows=6)

# %% [markdown]
# ## Who is in the département
#
# An EPCI may straddle the border. It has three figures, whole, inside and outside, and they add up.

# %%
headings = {"name": "EPCI", "role": "rôle", "communes": "communes", "communes_outside": "dont hors du département"}
headings |= {"population": "habitants", "population_inside": "dedans", "population_outside": "dehors"}
table_html(study.epci.sort_values("population", ascending=False), headings)

# %% [markdown]
# ## How far is the nearest France services?
#
# The nearest, wherever it is: supply has no border. Marks are the France services within reach; the pointer tells the
# name of each commune and its minutes.

# %%
nearest = measures.access[measures.access["service"] == "france-services"]
inside = study.communes[study.communes["inside"]].merge(nearest[["code", "time_min"]], on="code")
france_services = study.points[study.points["service"] == "france-services"]
map_html(
    inside,
    "time_min",
    title="Minutes en voiture jusqu'à l'espace France services le plus proche (estimation)",
    breaks=(5, 10, 20, 30),
    unit="min",
    points=france_services,
)

# %% [markdown]
# ## How many inhabitants?
#
# Means are weighted by inhabitants. `share_within` is the share of the measured inhabitants at the threshold or under
# it.

# %%
coverage = measures.coverage
whole = coverage[(coverage["level"] == "departement") & (coverage["service"] == "france-services")]
headings = {"part": "partie", "threshold_min": "seuil (min)", "population": "habitants"}
headings |= {"population_within": "dans le seuil", "population_beyond": "au-delà", "population_to_check": "à vérifier"}
table_html(whole[whole["part"] == "dans le département"], headings)

# %%
summary = measures.summary
row = summary[(summary["level"] == "departement") & (summary["service"] == "france-services")].iloc[0]
strictest = min(rule.threshold_min for rule in study.rules)
served = whole[(whole["part"] == "dans le département") & (whole["threshold_min"] == strictest)].iloc[0]
share = percent(served["share_within"])
print(f"Temps moyen : {minutes(row['mean_min'], digits=1)} ; à {minutes(strictest)} ou moins : {share}.")

# %% [markdown]
# ## One sentence per commune
#
# The class, the place, the band and what must be checked, as the annex of the convention prints them.

# %%
farthest = inside.sort_values("time_min", ascending=False).head(3)["code"]
table_html(nearest[nearest["code"].isin(farthest)], {"sentence": "les plus éloignées"})

# %% [markdown]
# ## Another département
#
# `init` writes a scheme folder for any département (`sdaasp init` does the same). Its signing EPCI are proposed, to be
# confirmed; its France services are a file that you give; its mairies are known.

# %%
with tempfile.TemporaryDirectory() as folder:
    written = init(Path(folder), "48")
    print([path.name for path in written])
    with progress("Lozère", total=4) as report:
        lozere = prepare(read_scheme(folder), report=report)
headings = {"name": "EPCI", "communes": "communes", "population": "habitants"}
table_html(lozere.epci[lozere.epci["role"] == "signataire"], headings)

# %% [markdown]
# ## What next
#
# `sdaasp build hautes-pyrenees --out build/65` writes all of it: maps, one annex per convention, tables, layers for
# QGIS. The notebook *From perimeters to deficits* shows what each of the three functions does.
