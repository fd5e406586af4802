"""Where to put the next bus stop: candidates, choice, proof, and what is lost when a place closes.

A script in the percent format; ``scripts/build_notebooks.py`` makes the notebook of it.
"""
# ruff: noqa: INP001

# %% [markdown]
# # Where to put the next bus stop
#
# A France services bus goes out on three half-days a week. In which communes should it stop, so that as many
# inhabitants as possible, among those who have no France services within 15 minutes, have one of its stops within
# 15 minutes? The answer comes with its proof: how far from the best possible it may be.
#
# A weekly stop is not a permanent place: the two counts stand beside each other and are **never added**.

# %%
# ruff: noqa: S101, T201
import pandas as pd

from sdaasp_geo import measure, prepare, read_scheme
from sdaasp_geo.analysis.presence import reachable_hours
from sdaasp_geo.analysis.siting import cover_most
from sdaasp_geo.french import count, percent
from sdaasp_geo.layers.opening import STOP
from sdaasp_geo.outputs.notebook import map_html, progress, table_html
from sdaasp_geo.pipeline import Question, choose_sites

SERVICE, THRESHOLD_MIN, STOPS, NINE_H, HALF_DAY_H = "france-services", 15.0, 3, 9, 3

with progress("Alpes-de-Haute-Provence", total=9) as report:
    study = prepare(read_scheme("alpes-de-haute-provence"), report=report)
    measures = measure(study, report=report)
    question = Question(service=SERVICE, count=STOPS, threshold_min=THRESHOLD_MIN)
    answer = choose_sites(study, question, report=report)

# %% [markdown]
# ## The choice
#
# `choose_sites` takes every commune of the département as a candidate and keeps the permanent places open, those of
# the neighbours too. Rank 1 is the site that gains most alone, rank 2 the one that adds most to it: a budget that
# stops earlier keeps the first ranks.

# %%
proof = answer.siting.proof
print(f"Choix {proof.sentence} : écart au meilleur possible d'au plus {percent(proof.gap)}.")
headings = {"rank": "rang", "place_commune": "commune", "gain_population": "habitants gagnés"}
table_html(answer.siting.sites, headings | {"cumulative_population": "dans le seuil, en tout"})

# %% [markdown]
# ## On the map

# %%
demand = answer.siting.demand
state = pd.Series("beyond", index=demand.index).mask(demand["within_after"], "brought")
state = state.mask(demand["within_before"], "within")
layer = study.communes[study.communes["inside"]].merge(demand[["code"]].assign(state=state), on="code")
stops = study.communes.set_index("code").loc[answer.siting.sites["place"].str.removeprefix("commune:")]
stops = stops.set_geometry(stops.geometry.representative_point()).rename(columns={"name": "nom"})
map_html(
    layer,
    "state",
    title=f"{STOPS} arrêts de bus, à {THRESHOLD_MIN:g} minutes au plus (estimation)",
    labels={
        "within": "France services permanent dans le seuil",
        "brought": "un arrêt du bus dans le seuil",
        "beyond": "au-delà du seuil",
    },
    points=stops,
)

# %% [markdown]
# ## One stop more, one stop less
#
# Each stop brings less than the one before. The curve tells where to stop; asked again for each number, the choice is
# the best of that number (`docs/siting.md`).

# %%
before = int(demand.loc[demand["within_before"], "population"].sum())
curve = []
for stops_asked in range(1, 6):
    asked = choose_sites(study, Question(service=SERVICE, count=stops_asked, threshold_min=THRESHOLD_MIN))
    reached = int(asked.siting.demand.loc[asked.siting.demand["within_after"], "population"].sum())
    curve.append({"arrêts": stops_asked, "habitants gagnés": reached - before, "preuve": asked.siting.proof.sentence})
gained = [row["habitants gagnés"] for row in curve]
assert gained == sorted(gained)
table_html(pd.DataFrame(curve))

# %% [markdown]
# ## What a stop is worth in hours
#
# A stop of three hours, on Tuesday, Wednesday or Thursday morning, is three hours a week, where a permanent place
# gives some thirty. The same function measures both: places, the intervals of their week, and who is within reach.

# %%
intervals = pd.DataFrame(
    {
        "place": answer.siting.sites["place"],
        "day": [1, 2, 3],  # Monday is 0
        "start_min": NINE_H * 60,
        "end_min": (NINE_H + HALF_DAY_H) * 60,
    }
)
places = pd.DataFrame({"place": intervals["place"], "presence": STOP, "hours_known": True})
steps = answer.siting.steps
near = steps.rename(columns={"after_min": "time_min"})[["code", "place", "time_min"]]
hours = reachable_hours(demand[["code"]], near, places, intervals, limit_min=THRESHOLD_MIN, evening_h=17.5)
newly = demand.loc[~demand["within_before"] & demand["within_after"], "code"]
assert (hours.set_index("code").loc[newly, "open_hours"] >= HALF_DAY_H).all()
communes = count(len(newly), "commune")
print(f"{communes} : {HALF_DAY_H} heures par semaine au moins, là où rien n'était dans le seuil.")

# %% [markdown]
# ## The same question, on your own tables
#
# The solver knows neither communes nor France services: two tables are enough, who lives where and how far each
# candidate is. Here two hamlets share a stop between them, and a third has its own.

# %%
hamlets = pd.DataFrame({"code": ["A", "B", "C"], "population": [120, 80, 150]})
minutes = pd.DataFrame(
    [("A", "col", 8.0), ("B", "col", 15.0), ("C", "pont", 4.0), ("A", "pont", 40.0)],
    columns=["code", "place", "time_min"],
)
candidates = pd.DataFrame({"place": ["col", "pont"]})
found = cover_most(
    hamlets, minutes, candidates=candidates, existing=candidates.head(0), count=1, threshold_min=15.0, cap_min=60.0
)
assert found.sites["place"].tolist() == ["col"]  # 15 minutes are within 15 minutes: 200 inhabitants against 150
table_html(found.sites)

# %% [markdown]
# ## And if a place closed?
#
# The other way round: who loses what if each existing place closes, alone. The list is the order in which to defend
# them, or where a stop would stand in.

# %%
headings = {"place_name": "lieu", "nearest_population": "le plus proche de (hab.)"}
headings |= {"residual_population": "seul dans le seuil pour (hab.)", "nearest_lost_min": "min perdues"}
table_html(answer.closures, headings, rows=8)
