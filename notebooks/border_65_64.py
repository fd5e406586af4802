"""One real border: 65 / 64 around Pays de Nay and Adour Madiran, told with the functions of the package.

A script in the percent format; ``scripts/build_notebooks.py`` makes the notebook of it. Its text is for negotiators,
hence in French. Sentences are written by the computation; the last cell finds every figure again in the tables.
"""
# ruff: noqa: INP001

# %% [markdown]
# # Une vraie frontière, 65 / 64, autour du Pays de Nay et d'Adour Madiran
#
# Deux intercommunalités sont à cheval sur la limite entre les Hautes-Pyrénées et les Pyrénées-Atlantiques, Adour
# Madiran et le Pays de Nay. Une troisième, le Nord Est Béarn, la borde. Ce carnet prépare la discussion avec
# elles&nbsp;: qui habite de chaque côté, où est l'accueil France services le plus proche, ce que coûterait un
# secteur qui s'arrête à la limite, quand les accueils sont ouverts, ce que ferait perdre une fermeture, où une
# permanence servirait.
#
# Rien n'est téléchargé, tout vient des données du paquet. **Aucun chiffre n'est saisi**&nbsp;: le calcul écrit
# les phrases, et la dernière cellule retrouve chaque chiffre dans les tableaux que le département publie
# (`tables/`).
#
# Les temps sont des **estimations en ligne droite**, qui ne voient pas les cols. Lire la section « Limites »
# avant de citer un temps de montagne.

# %%
# ruff: noqa: T201, S101
import dataclasses
import datetime as dt
import math
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import matplotlib.pyplot as plt
import pandas as pd
import shapely
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from pandas.testing import assert_frame_equal

from sdaasp_geo import diagnose, measure, prepare, read_scheme
from sdaasp_geo.analysis.border import border_access, border_balance, border_exchanges, border_pairs
from sdaasp_geo.analysis.competence import FROM_RULE, competent_access
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.analysis.levels import territory_members
from sdaasp_geo.analysis.lifecycle import RENAMED, break_flag
from sdaasp_geo.analysis.negotiation import negotiation_rows, negotiation_totals
from sdaasp_geo.analysis.presence import presence_shares
from sdaasp_geo.analysis.sensitivity import sensitivity
from sdaasp_geo.analysis.siting import Siting, cover_most
from sdaasp_geo.analysis.siting_tables import closures
from sdaasp_geo.french import NBSP, count, listing, minutes, number, percent, threshold
from sdaasp_geo.outputs.diagnosis_tables import diagnosis_tables
from sdaasp_geo.outputs.notebook import progress
from sdaasp_geo.outputs.tables import build_tables, describe_column, with_names, write_tables
from sdaasp_geo.parameters import number_setting

HERE, THERE = "65", "64"
SERVICE, NETWORK = "france-services", "réseau"
ADOUR_MADIRAN, PAYS_DE_NAY, NORD_EST_BEARN = "200072106", "246401756", "200067296"
BORDER_EPCI = (ADOUR_MADIRAN, PAYS_DE_NAY, NORD_EST_BEARN)
WHOLE, INSIDE, OUTSIDE = PARTS

cited: dict[str, Any] = {}
shown: list[tuple[str, pd.DataFrame]] = []
derived: dict[str, pd.DataFrame] = {}
names: dict[str, str] = {}


def say(text: str) -> None:
    """Print a paragraph, with the no-break spaces of French."""
    for mark in (":", ";", "?", "!", "»"):
        text = text.replace(f" {mark}", f"{NBSP}{mark}")
    print(textwrap.fill(text.replace("« ", f"«{NBSP}"), width=100, break_on_hyphens=False), end="\n\n")


def cite(name: str, value: Any, form: Callable[[Any], str] = number) -> str:  # noqa: ANN401 - figures, names
    """Keep a figure under a name for the last cell, and return it as the text says it."""
    assert name not in cited, name
    cited[name] = value
    return form(value)


def communes(quantity: int) -> str:
    """Write a number of communes."""
    return count(quantity, "commune")


def people(quantity: int) -> str:
    """Write a number of inhabitants."""
    return count(quantity, "habitant")


def tenths(time_min: float) -> str:
    """Write minutes and tenths."""
    return minutes(time_min, digits=1)


def in_words(value: object, *, digits: int) -> str:
    """Write a cell of a table in French; a code that has a name is replaced by it."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, int | float):
        return "–" if math.isnan(value) else number(value, digits=digits)
    return names.get(str(value), str(value))


def print_table(rows: pd.DataFrame, headings: dict[str, str]) -> None:
    """Print some columns of a table under French headings; text is on the left, figures on the right.

    Whole numbers have no decimals, gains have two: one just under the threshold must not look equal to it.
    """
    printed = []
    for column, heading in headings.items():
        is_text = pd.api.types.is_string_dtype(rows[column])
        whole = is_text or not (rows[column] % 1).any()
        digits = 0 if whole else 2 if column == "gain_min" else 1
        cells = [heading, *(in_words(value, digits=digits) for value in rows[column].tolist())]
        wide = max(map(len, cells))
        printed.append([cell.ljust(wide) if is_text else cell.rjust(wide) for cell in cells])
    print("\n".join("  ".join(line).rstrip() for line in zip(*printed, strict=True)), end="\n\n")


def show(table: str, rows: pd.DataFrame, headings: dict[str, str]) -> None:
    """Print a slice of a published table, and keep it for the last cell."""
    shown.append((table, rows[list(headings)]))
    print_table(rows, headings)


def show_derived(name: str, rows: pd.DataFrame, headings: dict[str, str]) -> None:
    """Print a table computed here, and keep it for the last cell."""
    derived[name] = rows
    print_table(rows, headings)


# %%
scheme = read_scheme("hautes-pyrenees")
with progress(scheme.nom, total=11) as report:
    study = prepare(scheme, report=report)
    measures = measure(study, report=report)
    diagnosis = diagnose(study, measures, report=report)
measures = dataclasses.replace(measures, diagnosis=diagnosis)
names |= diagnosis.epci_names
commune = study.communes.set_index("code")

vintage = cite("millésime", scheme.millesimes.mesure, str)
say(f"{scheme.nom} : périmètres et populations de {vintage}.")
say(measures.method.description)

# %% [markdown]
# ## Qui est de quel côté
#
# Trois chiffres par territoire, entier, dans le département, hors du département. L'annexe d'une convention ne
# parle que des communes du département, mais les habitants, eux, vivent dans l'intercommunalité entière.

# %%
straddling = study.epci[study.epci["siren"].isin(BORDER_EPCI)]
headings = {"name": "EPCI", "role": "rôle", "communes": "communes", "communes_inside": "dont 65"}
headings |= {"communes_outside": "dont 64", "population": "habitants", "population_inside": "dont 65"}
headings |= {"population_outside": "dont 64"}
show("epci", straddling, headings)
beside = study.neighbours[study.neighbours["siren"] == NORD_EST_BEARN]
headings = {"name": "EPCI voisin", "communes": "communes", "population": "habitants"}
show("voisins", beside, headings | {"border_km": "frontière (km)", "border_communes": "communes frontalières"})

assert set(straddling["siren"]) == {ADOUR_MADIRAN, PAYS_DE_NAY}
assert beside["departements"].tolist() == [THERE]
both = straddling.set_index("siren")
for column in ("communes", "population"):
    assert (both[column] == both[f"{column}_inside"] + both[f"{column}_outside"]).all()
madiran = both.loc[ADOUR_MADIRAN]
say(
    f"{madiran['name']} : {cite('AM communes', madiran['communes'], communes)} "
    f"({cite('AM habitants', madiran['population'], people)}), dont "
    f"{cite('AM communes 64', madiran['communes_outside'])} dans le 64 "
    f"({cite('AM habitants 64', madiran['population_outside'], people)})."
)
orphans = commune[(commune["epci"] == PAYS_DE_NAY) & commune["inside"]]
say(
    f"{both.loc[PAYS_DE_NAY, 'name']} : sur {cite('Nay communes', both.loc[PAYS_DE_NAY, 'communes'], communes)}, "
    f"{cite('Nay communes 65', sorted(orphans['name']), listing)} "
    f"({cite('Nay habitants 65', orphans['population'].sum(), people)}) sont dans le 65. Leur intercommunalité ne "
    "signe pas de convention ici : elles ne sont dans aucune annexe. Première question à poser : qui parle pour elles ?"
)

# %% [markdown]
# ## Où vont les habitants
#
# L'accueil France services permanent le plus proche, où qu'il soit, comparé au plus proche du même département
# (ou de la même intercommunalité). Le gain est la différence des deux temps.

# %%
pairs = diagnosis.exchanges
across = pairs[
    (pairs["level"] == "departement") & pairs["home"].isin([HERE, THERE]) & pairs["host"].isin([HERE, THERE])
]
ways = {"home": "habitent", "host": "servis dans", "communes": "communes", "population": "habitants"}
show("frontiere_paires", across, ways | {"saved_min": "gain moyen (min)"})
near = (pairs["level"] == "epci") & (pairs["home"].isin(BORDER_EPCI) | pairs["host"].isin(BORDER_EPCI))
show("frontiere_paires", pairs[near], ways | {"communes_inside": "dont 65", "saved_min": "gain moyen (min)"})

ours = border_exchanges(across, territory=HERE).iloc[0]
say(
    f"Du 65 vers le 64 : {cite('65>64 communes', ours['communes_out'], communes)} et "
    f"{cite('65>64 habitants', ours['population_out'], people)}, qui y gagnent "
    f"{cite('65>64 gain', ours['saved_out_min'], tenths)} en moyenne. Du 64 vers le 65 : "
    f"{cite('64>65 communes', ours['communes_in'], communes)} et "
    f"{cite('64>65 habitants', ours['population_in'], people)}, qui y gagnent "
    f"{cite('64>65 gain', ours['saved_in_min'], tenths)}."
)
balance = diagnosis.balance[diagnosis.balance["territory"] == ADOUR_MADIRAN].set_index("part")
loyal = balance.loc[OUTSIDE, "population_own_epci_other_departement"]
say(
    "Les deux flux se valent, mais ils ne se ressemblent pas. Vers le 65, "
    f"{cite('AM fidèles', loyal, people)} changent de département sans quitter leur intercommunalité, Adour Madiran : "
    "l'accueil est le leur. Vers le 64, tous quittent leur intercommunalité : c'est là qu'il y a à négocier."
)
assert abs(ours["population_net"]) < min(ours["population_in"], ours["population_out"]) / 10
leaving = diagnosis.border[diagnosis.border["inside"] & (diagnosis.border["place_departement"] == THERE)]
assert set(leaving["side"]) == {"autre département"}

# %% [markdown]
# ## Le miroir
#
# Le même calcul du point de vue du 64. « Dedans » et « dehors » s'échangent, rien d'autre ne change&nbsp;: les
# deux départements peuvent partir des mêmes chiffres. Le miroir vaut pour ce couple seulement&nbsp;; les
# habitants des autres voisins du 64 ne sont pas dans ce calcul.

# %%
ORIGIN = ["code", "name", "epci", "departement", "inside", "population"]


def seen_from_64(
    border: pd.DataFrame, places: pd.DataFrame, trips: pd.DataFrame, members: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the exchanges of the 64, and the balance of Adour Madiran, with the 64 as the département inside."""
    origins = border[ORIGIN].assign(inside=border["departement"] == THERE)
    access = border_access(origins, places, trips, service=SERVICE)
    exchanged = border_exchanges(border_pairs(access, level="departement"), territory=THERE)
    turned = members.assign(inside=members["departement"] == THERE)
    balance = border_balance(access, turned[turned["territory"] == ADOUR_MADIRAN], level="epci")
    return exchanged[exchanged["neighbour"] == HERE], balance


def members_of(layer: pd.DataFrame, petr_members: pd.DataFrame) -> pd.DataFrame:
    """Return the communes of the three EPCI, as functions by territory take them."""
    studied = layer[layer["studied"]]
    members = territory_members(studied, petr_members, epci=set(BORDER_EPCI), departement=HERE)["epci"]
    return members[members["territory"].isin(BORDER_EPCI)]


def counters(points: pd.DataFrame) -> pd.DataFrame:
    """Return the permanent places of France services, one network for everyone."""
    permanent = points[(points["service"] == SERVICE) & points["permanent"]]
    return pd.DataFrame(permanent.assign(operateur=NETWORK))


places = counters(study.points)
trips = diagnosis.pairs[diagnosis.pairs["service"] == SERVICE]
members = members_of(study.communes, study.petr_members)
theirs, turned = seen_from_64(diagnosis.border, places, trips, members)
ways = {"communes_out": "communes qui partent", "population_out": "habitants qui partent"}
ways |= {"communes_in": "communes qui viennent", "population_in": "habitants qui viennent", "population_net": "solde"}
show_derived("miroir", theirs, {"territory": "vu du", **ways})

for figure in ("communes_{}", "population_{}", "saved_{}_min"):
    assert theirs[figure.format("out")].iloc[0] == ours[figure.format("in")]
    assert theirs[figure.format("in")].iloc[0] == ours[figure.format("out")]
figures = ["communes", "population", "population_own_epci", "population_other_departement"]
turned = turned.set_index("part")[figures]
assert turned.loc[[WHOLE, INSIDE, OUTSIDE]].to_numpy().tolist() == (
    balance.loc[[WHOLE, OUTSIDE, INSIDE], figures].to_numpy().tolist()
)
say(f"Vu du 64, le solde est de {cite('solde 64', theirs['population_net'].iloc[0])} ; vu du 65, l'opposé.")

# %%
IN_OWN, IN_OWN_ACROSS = "dans leur intercommunalité", "dans leur intercommunalité, autre département"
IN_OTHER, IN_OTHER_ACROSS = "dans une autre, même département", "dans une autre, autre département"
CLASSES = {IN_OWN: ("#fdebb3", ""), IN_OWN_ACROSS: ("#c9b36b", "////")}
CLASSES |= {IN_OTHER: ("#7c9fb0", "...."), IN_OTHER_ACROSS: ("#00306f", "")}
LIMIT, MOVES, DASHES, MARGIN_M = "#b3261e", "#d6006c", (0, (4, 2)), 2500
HALO = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}

negotiated = diagnosis.negotiation[diagnosis.negotiation["neighbour"].isin(BORDER_EPCI)]
listed = negotiated[negotiated["listed"]]
side = diagnosis.border.set_index("code")[["side", "other_departement"]]
layer = study.communes.join(side, on="code")
layer["served"] = layer["side"].map(
    {"propre EPCI": IN_OWN, "autre EPCI": IN_OTHER, "autre département": IN_OTHER_ACROSS}
)
layer.loc[(layer["side"] == "propre EPCI") & layer["other_departement"].eq(other=True), "served"] = IN_OWN_ACROSS
three = layer[layer["epci"].isin(BORDER_EPCI)]
west, south, east, north = three.buffer(MARGIN_M).total_bounds
layer = layer.cx[west:east, south:north]

figure, axes = plt.subplots(figsize=(7.5, 10.5), layout="constrained")
layer.plot(ax=axes, color="#f1f1ee", edgecolor="#d0d0cc", linewidth=0.3)
for served, (colour, hatch) in CLASSES.items():
    drawn = layer[layer["served"] == served]
    drawn.plot(ax=axes, facecolor=colour, edgecolor="white", linewidth=0.3, hatch=hatch)
limits = gpd.GeoSeries([shapely.line_merge(three.dissolve("epci").boundary.union_all())], crs=three.crs)
limits.plot(ax=axes, color="black", linewidth=1.2, linestyle=DASHES)
study.departement.boundary.plot(ax=axes, color=LIMIT, linewidth=2.2)
layer[layer["code"].isin(listed["code"])].boundary.plot(ax=axes, color=MOVES, linewidth=2)
spots = study.points[study.points["id"].isin(places["id"])].cx[west:east, south:north]
spots.plot(ax=axes, marker="P", color="white", edgecolor="black", markersize=80, linewidth=1, zorder=5)


def label(text: str, point: shapely.Point, shift: float, style: str = "normal") -> None:
    """Write a name above or under a point of the map."""
    placed = {"xytext": (0, shift), "textcoords": "offset points", "ha": "center"}
    axes.annotate(text, (point.x, point.y), **placed, fontsize=8, fontstyle=style, bbox=HALO, zorder=6)


for spot in spots[spots["epci"].isin(BORDER_EPCI)].sort_values("id").itertuples():
    label(spot.commune, spot.geometry, -18 if spot.commune.startswith("Rabastens") else 9)
for one in layer[layer["code"].isin({*listed["code"], *orphans.index})].sort_values("code").itertuples():
    label(one.name, one.geometry.representative_point(), -3, "italic")
axes.set_xlim(west, east)
axes.set_ylim(south, north)
least = number_setting(study.parameters, "gain-negociation-min")
keys = [Patch(facecolor=colour, edgecolor="#888888", hatch=hatch) for colour, hatch in CLASSES.values()]
keys += [Patch(facecolor="none", edgecolor=MOVES, linewidth=2), Line2D([], [], color=LIMIT, linewidth=2.2)]
keys += [Line2D([], [], color="black", linewidth=1.2, linestyle=DASHES)]
keys += [Line2D([], [], marker="P", color="white", markeredgecolor="black", markersize=9, linestyle="")]
texts = [*CLASSES, f"gagnerait {threshold(least)} ou plus", "limite des Hautes-Pyrénées"]
texts += ["les trois intercommunalités", "France services permanent"]
figure.legend(keys, texts, loc="outside lower center", ncols=2, frameon=False, fontsize=8.5)
axes.set_title(
    f"Où est le France services le plus proche{NBSP}?\nTemps estimés en ligne droite ; gris : hors du calcul"
)
axes.set_axis_off()

# %% [markdown]
# ## Guichet compétent et guichet le plus proche
#
# Un opérateur (CAF, CPAM, MSA…) ne répond souvent qu'aux habitants de son secteur. Aucun fichier de secteurs
# n'est donné ici. **Hypothèse**&nbsp;: le guichet compétent est le plus proche *dans le département de la
# commune*. Une France services accueille tout le monde&nbsp;; la *pénalité administrative* dit donc ce que
# coûterait un partenaire qui s'arrêterait à la limite, pas ce que les habitants subissent aujourd'hui. Avec les
# secteurs d'un opérateur, le même calcul dit le réel.

# %%
penalty = diagnosis.penalty[diagnosis.penalty["level"] == "epci"]
assert penalty.loc[penalty["mean_min"].idxmax(), ["territory", "part"]].tolist() == [ADOUR_MADIRAN, OUTSIDE]
penalty = diagnosis.penalty[diagnosis.penalty["territory"].isin([*BORDER_EPCI, HERE])]
penalty = penalty[(penalty["level"] == "epci") | (penalty["part"] == INSIDE)]
headings = {"territory_name": "territoire", "part": "partie", "population": "habitants"}
headings |= {"population_penalised": "pénalisés", "mean_min": "moyenne (min)", "max_min": "la plus forte"}
show("penalite", with_names(study, penalty), headings)
classes = diagnosis.penalty_classes
classes = classes[(classes["level"] == "departement") & (classes["part"] == INSIDE)]
show("penalite_classes", classes, {"penalty_class": "pénalité, 65", "communes": "communes", "population": "habitants"})

assert set(diagnosis.competence["assignment"]) == {FROM_RULE}  # the hypothesis, everywhere
row = penalty.set_index(["territory", "part"])
lost = row.loc[(HERE, INSIDE)]
abroad = row.loc[(ADOUR_MADIRAN, OUTSIDE)]
say(
    f"Dans le 65, {cite('65 pénalisés', lost['population_penalised'], people)} sur "
    f"{cite('65 habitants', lost['population'])} ont un France services plus proche que celui de leur département ; "
    f"la plus forte pénalité est de {cite('65 pénalité max', lost['max_min'], tenths)}."
)
say(
    "De toutes les intercommunalités, c'est la partie d'Adour Madiran située dans le 64 qui perdrait le plus : "
    f"{cite('AM 64 pénalisés', abroad['population_penalised'], people)} sur {cite('AM 64', abroad['population'])}, "
    f"{cite('AM 64 moyenne', abroad['mean_min'], tenths)} en moyenne, si l'accueil de leur propre intercommunalité "
    "leur était fermé parce qu'il est de l'autre côté."
)

# %% [markdown]
# ## La fiche de négociation
#
# Une commune est *retenue* quand le guichet le plus proche est chez l'autre et que le gain atteint le seuil des
# paramètres. `sdaasp build` écrit pour chaque voisin une fiche en HTML et en XLSX, à lui remettre&nbsp;; voici
# son contenu.

# %%
totals = diagnosis.negotiation_totals
totals = totals[totals["neighbour"].isin(BORDER_EPCI)]
headings = {
    "neighbour": "voisin",
    "direction": "sens",
    "communes_border": "touchent",
    "communes_there": "plus proche là-bas",
}
headings |= {"communes_listed": "retenues", "population_listed": "habitants", "gain_mean_min": "gain moyen (min)"}
show("negociation_bilan", totals, headings)
headings = {"name": "commune", "departement": "dép.", "population": "habitants", "competent_place_commune": "compétent"}
headings |= {"competent_time_min": "min", "nearest_place_commune": "le plus proche", "nearest_time_min": "min "}
show("negociation", negotiated[negotiated["nearest_there"]], headings | {"gain_min": "gain", "listed": "retenue"})
said = diagnosis.negotiation_sentences.set_index("neighbour")["sentence"]
for neighbour in (NORD_EST_BEARN, PAYS_DE_NAY):
    say(cite(f"phrase {neighbour}", said[neighbour], str))
way = totals.set_index(["neighbour", "direction"])
there = way.loc[(NORD_EST_BEARN, "vers le voisin")]
say(
    f"Le Nord Est Béarn touche {cite('NEB touchent', there['communes_border'], communes)} du 65. Le plus proche y est "
    f"pour {cite('NEB là-bas', there['communes_there'], communes)} du 65, limitrophes ou non ; "
    f"{cite('NEB retenues', there['communes_listed'])} sont à retenir : "
    f"{cite('NEB noms', sorted(listed.loc[listed['neighbour'] == NORD_EST_BEARN, 'name']), listing)}."
)
itself = way.loc[(ADOUR_MADIRAN, "depuis le voisin")]
say(
    "Adour Madiran est ici son propre voisin : pour "
    f"{cite('AM retenues', itself['communes_listed'], communes)} du 64 "
    f"({cite('AM retenus', itself['population_listed'], people)}), c'est au 64 qu'il faut faire reconnaître "
    "l'accueil d'Adour Madiran."
)

home = commune.index[commune["epci"] == NORD_EST_BEARN]
rows = negotiation_rows(diagnosis.competence, study.communes, study.borders, ours=home, least_gain_min=least)
their_rows = rows[rows["listed"] & (rows["direction"] == "depuis le voisin") & (rows["departement"] == HERE)]
our_rows = listed[(listed["neighbour"] == NORD_EST_BEARN) & (listed["direction"] == "vers le voisin")]
gains = their_rows["gain_min"].sort_values().tolist()
assert gains == our_rows["gain_min"].sort_values().tolist()
assert set(their_rows["code"]) == set(our_rows["code"])
say(
    "La fiche que le Nord Est Béarn écrirait de son côté retient les mêmes communes du 65, avec les mêmes gains : "
    f"{cite('fiche miroir', gains, lambda found: listing([tenths(gain) for gain in found]))}."
)

# %% [markdown]
# ## Présence dans la semaine
#
# Un accueil à portée mais fermé ne sert pas. Habitants qui ont, dans le délai de la règle la plus exigeante, un
# accueil ouvert au moins une fois en soirée, ou le samedi. Le Nord Est Béarn n'est pas dans les tableaux par
# territoire du 65&nbsp;; il est recalculé ici depuis les heures par commune.

# %%
limit_min = min(rule.threshold_min for rule in study.rules if rule.service == SERVICE)


def weekly(members: pd.DataFrame, reachable: pd.DataFrame) -> pd.DataFrame:
    """Return who finds an open place in the evening and on Saturday, within the limit, by EPCI and part."""
    found = reachable[(reachable["service"] == SERVICE) & (reachable["limit_min"] == limit_min)]
    return presence_shares(members, found, level="epci")


week = weekly(members, diagnosis.reachable)
headings = {"territory": "territoire", "part": "partie", "population": "habitants", "population_evening": "en soirée"}
headings |= {"population_saturday": "le samedi", "mean_hours": "heures par semaine"}
show_derived("semaine", week[week["population"] > 0], headings)
published = diagnosis.presence[
    (diagnosis.presence["service"] == SERVICE) & (diagnosis.presence["limit_min"] == limit_min)
]
published = published[published["territory"].isin(BORDER_EPCI)].reset_index(drop=True)
assert_frame_equal(week[week["territory"] != NORD_EST_BEARN].reset_index(drop=True), published[week.columns])

whole = week[week["part"] == WHOLE].set_index("territory")
evening = dt.time(*divmod(int(number_setting(study.parameters, "soir-min") * 60), 60)).strftime(f"%H{NBSP}h{NBSP}%M")
for territory in BORDER_EPCI:
    figures = whole.loc[territory]
    say(
        f"{names[territory]}, à {threshold(limit_min)} : "
        f"{cite(f'{territory} soir', figures['share_evening'], percent)} des habitants en soirée "
        f"(après {evening}), "
        f"{cite(f'{territory} samedi', figures['share_saturday'], percent)} le samedi."
    )

# %% [markdown]
# ## Si un accueil ferme, et où une permanence servirait
#
# Chaque accueil ferme seul, les autres restant ouverts&nbsp;; on compte les habitants des deux côtés qui n'auraient
# plus rien dans le délai. Puis on cherche, dans les trois intercommunalités et les communes du 65 qui les touchent ou
# qui y vont, les deux mairies où une permanence ramènerait le plus d'habitants dans ce délai. Le choix est prouvé
# optimal, ou l'écart à l'optimum est dit. Une permanence hebdomadaire n'est pas un accueil permanent&nbsp;: les deux
# comptes ne s'ajoutent pas.

# %%
SITE = {"id": "place", "nom": "place_name", "commune": "place_commune", "departement": "place_departement"}
SITE |= {"epci": "place_epci"}


def lost_by_closing(
    border: pd.DataFrame, pairs: pd.DataFrame, points: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what the closing of each place of the three EPCI would lose, and for whom."""
    known = counters(points).rename(columns=SITE)[list(SITE.values())]
    trips = pairs[pairs["service"] == SERVICE]
    demand = border[["code", "population"]]
    reach_min = number_setting(study.parameters, "portee-trajets-min")
    table, losses = closures(demand, trips, existing=known, threshold_min=limit_min, cap_min=reach_min)
    return table[table["place_epci"].isin(BORDER_EPCI)], losses[losses["gain_population"] < 0]


def best_town_halls(
    layer: pd.DataFrame, negotiation: pd.DataFrame, pairs: pd.DataFrame, points: pd.DataFrame
) -> Siting:
    """Return the two town halls, on either side, where a stop would bring most inhabitants within the limit."""
    towns = set(negotiation.loc[negotiation["neighbour"].isin(BORDER_EPCI), "code"])
    zone = layer[layer["epci"].isin(BORDER_EPCI) | layer["code"].isin(towns)]
    halls = points[(points["service"] == "mairie") & points["code_commune"].isin(zone["code"])]
    candidates, known = (
        pd.DataFrame(table).rename(columns=SITE)[list(SITE.values())] for table in (halls, counters(points))
    )
    return cover_most(
        pd.DataFrame(zone[["code", "population"]]),
        pairs,
        candidates=candidates,
        existing=known,
        count=2,
        threshold_min=limit_min,
        cap_min=float(pairs.loc[pairs["service"] == "mairie", "time_min"].max()),
    )


closed, losses = lost_by_closing(diagnosis.border, diagnosis.pairs, study.points)
headings = {"place_name": "ferme", "place_departement": "dép.", "nearest_population": "est le plus proche de"}
headings |= {"residual_population": "n'auraient plus rien", "nearest_lost_min": "allongement (min)"}
show_derived("fermetures", closed, headings)
pontacq = closed.loc[closed["place_commune"] == "Pontacq"].iloc[0]
left = commune.loc[losses.loc[losses["place"] == pontacq["place"], "code"]]
assert left["inside"].all()
say(
    f"Si {pontacq['place_name']} (64) ferme, {cite('Pontacq résidu', pontacq['residual_population'], people)} n'ont "
    f"plus d'accueil à {threshold(limit_min)} ou moins, tous dans le 65 : "
    f"{cite('Pontacq communes', sorted(left['name']), listing)}. L'accueil est d'un côté, "
    "ceux qui y perdraient le plus sont de l'autre."
)

found = best_town_halls(study.communes, diagnosis.negotiation, diagnosis.pairs, study.points)
headings = {
    "rank": "rang",
    "place_name": "permanence",
    "place_departement": "dép.",
    "gain_population": "habitants ramenés",
}
show_derived("permanences", found.sites, headings)
before = found.demand.loc[~found.demand["within_before"], "population"].sum()
say(
    f"De part et d'autre, {cite('au-delà', before, people)} sont à plus de {threshold(limit_min)}. "
    f"Choix {cite('preuve', found.proof.sentence, str)}. À égalité d'habitants ramenés, il retient la mairie qui fait "
    "gagner le plus de minutes à tous."
)
helped = found.steps[found.steps["gain_population"] > 0]
for site in found.sites.itertuples():
    towns = sorted(commune.loc[helped.loc[helped["rank"] == site.rank, "code"], "name"])
    say(
        f"{cite(f'permanence {site.rank}', site.place_name, str)} ({site.place_departement}) ramène "
        f"{cite(f'ramenées {site.rank}', towns, listing)} "
        f"({cite(f'habitants ramenés {site.rank}', site.gain_population, people)})."
    )
assert set(found.sites["place_departement"]) == {THERE}
assert commune.loc[helped["code"], "inside"].all()
say(
    "Les deux fois, la mairie est dans le 64 et ceux qu'elle ramène sont dans le 65. Arthez-d'Asson est dans la vallée "
    "d'Arbéost et de Ferrières : ce choix-là n'a pas de col à passer."
)

# %% [markdown]
# ## Vie des périmètres
#
# Ce qui a changé entre les périmètres de la convention et ceux de la mesure. Une rupture interdit de comparer les
# deux bouts d'une série.

# %%
PETR = "val-d-adour"
years = diagnosis.lifecycle[["vintage_before", "vintage_after"]].iloc[0].tolist()
series = pd.DataFrame([(territory, year) for territory in (*BORDER_EPCI, PETR) for year in years])
flags = break_flag(series.set_axis(["territory", "vintage"], axis="columns"), diagnosis.lifecycle)
flags = flags[flags["vintage"] == years[1]]
names[PETR] = study.petr.set_index("petr").loc[PETR, "name"]
show_derived("ruptures", flags, {"territory": "territoire", "perimeter_break": "rupture", "break_reason": "pourquoi"})
assert not flags.loc[flags["territory"] != PETR, "perimeter_break"].any()

gained = diagnosis.lifecycle[
    (diagnosis.lifecycle["territory"] == PETR) & (diagnosis.lifecycle["event"] == "commune gagnée")
]
assert set(commune.loc[gained["code"], "epci"]) == {NORD_EST_BEARN}
say(
    f"De {cite('millésime avant', years[0], str)} à {cite('millésime après', years[1], str)}, aucune des trois "
    f"intercommunalités ne change. Mais le {names[PETR]} gagne {cite('PETR communes', len(gained), communes)}, toutes "
    "du Nord Est Béarn : la discussion peut se tenir dans ce pôle. À confirmer, car la date d'entrée n'est pas établie."
)
renamed = study.evolution[study.evolution["code"].isin(three["code"])].assign(change=RENAMED)
show("evolution_perimetre", renamed, {"code": "code", "name": "avant", "change": "changement", "after": "code après"})
say(
    f"{cite('ancien nom', renamed['name'].iloc[0], str)} s'appelle désormais "
    f"{cite('nouveau nom', commune.loc[renamed['after'].iloc[0], 'name'], str)} : même code, mêmes limites, "
    "pas de rupture."
)

# %% [markdown]
# ## Sensibilité au seuil
#
# Habitants au-delà de chaque seuil, et *à vérifier* quand la bande d'erreur du temps contient le seuil.

# %%
thresholds = sorted(diagnosis.sensitivity["threshold_min"].unique())


def beyond(members: pd.DataFrame, access: pd.DataFrame) -> pd.DataFrame:
    """Count who is beyond each threshold, by EPCI and part."""
    table = sensitivity(members, access[access["service"] == SERVICE], thresholds=thresholds, level="epci")
    return table[(table["part"] == WHOLE) & (table["population"] > 0)]


table = beyond(members, measures.access)
headings = {"territory": "territoire", "threshold_min": "seuil (min)", "communes_beyond": "communes au-delà"}
headings |= {"population_beyond": "habitants au-delà", "population_to_check": "habitants à vérifier"}
show_derived("seuils", table, headings)
own = diagnosis.sensitivity[
    (diagnosis.sensitivity["service"] == SERVICE) & (diagnosis.sensitivity["level"] == "departement")
]
show("sensibilite", own[own["part"] == INSIDE], headings)
for threshold_min in thresholds:
    row = own[(own["part"] == INSIDE) & (own["threshold_min"] == threshold_min)].iloc[0]
    say(
        f"Dans le 65, à {threshold(threshold_min)} : "
        f"{cite(f'au-delà {threshold_min:g}', row['population_beyond'], people)} au-delà, "
        f"{cite(f'à vérifier {threshold_min:g}', row['population_to_check'], people)} à vérifier."
    )

# %% [markdown]
# ## Limites
#
# **La ligne droite ne voit pas les cols.** Arbéost et Ferrières sont dans la vallée de l'Ouzom, qui descend vers
# Nay. Vers Pierrefitte-Nestalas, il faut passer le col du Soulor. L'estimation les y rattache pourtant, à vol
# d'oiseau par-dessus la crête. Ce rattachement est **à ne pas citer** tant que personne n'a mesuré la route, ni
# la fiche du Pays de Nay, qui ne trouve rien à négocier pour cette raison.
#
# On refait le calcul en écartant, pour ces deux communes, les accueils du 65.

# %%


def without_the_pass(
    border: pd.DataFrame, points: pd.DataFrame, trips: pd.DataFrame, orphans: pd.Index
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure again without the places of the 65 for the communes beyond the pass."""
    places = counters(points)
    of_65 = trips["place"].isin(places.loc[places["departement"] == HERE, "id"])
    kept = trips[~(of_65 & trips["code"].isin(orphans))]
    areas = pd.DataFrame(columns=["operateur", "code_commune", "guichet", "area_reason"], dtype="str")
    access = border_access(border[ORIGIN], places, kept, service=SERVICE)
    return access, competent_access(border[ORIGIN], places, kept, areas, service=SERVICE)


estimate = diagnosis.border.set_index("code").loc[orphans.index]
access, competence = without_the_pass(diagnosis.border, study.points, trips, orphans.index)
again = access.set_index("code").loc[orphans.index]
headings = {"name": "commune", "place_commune": "le plus proche", "time_min": "min", "low_min": "au moins"}
show("frontiere_acces", estimate, headings | {"high_min": "au plus", "own_epci_place_commune": "dans l'EPCI"})
show_derived("sans le col", again, headings | {"high_min": "au plus", "side": "où"})
say(
    "L'estimation ne les départage même pas : "
    f"{cite('Pierrefitte', estimate['time_min'].mean(), tenths)} en moyenne vers "
    f"{cite('plus proche estimé', sorted(set(estimate['place_commune'])), listing)}, "
    f"{cite('Nay', again['time_min'].mean(), tenths)} vers "
    f"{cite('sans le col', sorted(set(again['place_commune'])), listing)}, "
    "un écart bien moindre que la bande d'erreur."
)
assert (again["time_min"] < estimate["high_min"]).all()
assert (estimate["time_min"] > again["low_min"]).all()

flow = border_pairs(access, level="departement").set_index(["home", "host"]).loc[(HERE, THERE)]
rows = negotiation_rows(
    competence, study.communes, study.borders, ours=commune.index[commune["inside"]], least_gain_min=least
)
sheet = negotiation_totals(rows).set_index(["neighbour", "direction"]).loc[(PAYS_DE_NAY, "vers le voisin")]
say(
    f"Sans le col, {cite('sans col 65>64', flow['population'], people)} du 65 ont leur plus proche dans le 64, et la "
    f"fiche du Pays de Nay retient {cite('sans col retenues', sheet['communes_listed'], communes)} "
    f"({cite('sans col habitants', sheet['population_listed'], people)}), sans temps connu vers le guichet compétent. "
    "Mesurer ces deux trajets sur la route (`sdaasp build --roads`) peut donc changer la conclusion."
)

# %%
with tempfile.TemporaryDirectory() as folder:
    tables = [*build_tables(study, measures), *diagnosis_tables(study, measures)]
    write_tables(tables, Path(folder), edition=scheme.edition)
    read = {table.name: pd.read_parquet(Path(folder) / f"{table.name}.parquet") for table in tables}


def read_back(table: str) -> pd.DataFrame:
    """Return a published table under the names that the functions take."""
    columns = next(one for one in tables if one.name == table).rows.columns
    assert list(read[table]) == [describe_column(table, column)["name"] for column in columns]
    return read[table].set_axis(columns, axis="columns").rename(columns={"commune_name": "name"})


for table, rows in shown:  # every line that was shown is a line of the published table
    every = read_back(table)[list(rows.columns)].drop_duplicates()
    assert len(rows.merge(every, on=list(rows.columns))) == len(rows), table

names_of = ("communes", "points_services", "frontiere_acces", "trajets", "petr_communes")
layer, points, border, pairs, petr_members = map(read_back, names_of)
trips, members = pairs[pairs["service"] == SERVICE], members_of(layer, petr_members)
found = best_town_halls(layer, read_back("negociation"), pairs, points)
access, _ = without_the_pass(border, points, trips, orphans.index)
flags = break_flag(series.set_axis(["territory", "vintage"], axis="columns"), read_back("vie_perimetres"))
again = {
    "miroir": seen_from_64(border, counters(points), trips, members)[0],
    "semaine": (week := weekly(members, read_back("heures_acces")))[week["population"] > 0],
    "fermetures": lost_by_closing(border, pairs, points)[0],
    "permanences": found.sites,
    "ruptures": flags[flags["vintage"] == years[1]],
    "seuils": beyond(members, read_back("acces")),
    "sans le col": access.set_index("code").loc[orphans.index],
}
assert list(again) == list(derived)
for name, rows in derived.items():
    assert_frame_equal(again[name], rows, obj=name)


def rows_of(table: str, **wanted: object) -> pd.DataFrame:
    """Return the rows of a published table that have these values."""
    rows = read[table]
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def mean(rows: pd.DataFrame, figure: str) -> float:
    """Return a mean weighted by inhabitants."""
    return float((rows[figure] * rows["population"]).sum() / rows["population"].sum())


# The figures of the text, from the published tables under their published names, without the functions.
town = read["communes"].set_index("code_commune")
away = rows_of("frontiere_acces", departement=HERE, lieu_departement=THERE)
come = rows_of("frontiere_acces", departement=THERE, lieu_departement=HERE)
madiran_64 = rows_of("communes", siren_epci=ADOUR_MADIRAN, departement=THERE)
nay_65 = rows_of("communes", siren_epci=PAYS_DE_NAY, departement=HERE)
counter = rows_of("guichets", departement=HERE)
counter_64 = rows_of("guichets", departement=THERE, siren_epci=ADOUR_MADIRAN)
sheet = rows_of("negociation", voisin=NORD_EST_BEARN, sens="vers le voisin")
itself = rows_of("negociation", voisin=ADOUR_MADIRAN, sens="depuis le voisin", retenue=True)
recomputed = {
    "millésime": int(town["millesime"].iloc[0]),
    "AM communes": len(rows_of("communes", siren_epci=ADOUR_MADIRAN)),
    "AM habitants": rows_of("communes", siren_epci=ADOUR_MADIRAN)["population"].sum(),
    "AM communes 64": len(madiran_64),
    "AM habitants 64": madiran_64["population"].sum(),
    "Nay communes": len(rows_of("communes", siren_epci=PAYS_DE_NAY)),
    "Nay communes 65": sorted(nay_65["nom"]),
    "Nay habitants 65": nay_65["population"].sum(),
    "65>64 communes": len(away),
    "65>64 habitants": away["population"].sum(),
    "65>64 gain": mean(away, "gain_sur_departement_min"),
    "64>65 communes": len(come),
    "64>65 habitants": come["population"].sum(),
    "64>65 gain": mean(come, "gain_sur_departement_min"),
    "AM fidèles": rows_of("frontiere_acces", departement=THERE, siren_epci=ADOUR_MADIRAN, lieu_departement=HERE)
    .query("lieu_siren_epci == siren_epci")["population"]
    .sum(),
    "solde 64": away["population"].sum() - come["population"].sum(),
    "65 pénalisés": counter.loc[counter["penalite_min"] > 0, "population"].sum(),
    "65 habitants": counter["population"].sum(),
    "65 pénalité max": counter["penalite_min"].max(),
    "AM 64 pénalisés": counter_64.loc[counter_64["penalite_min"] > 0, "population"].sum(),
    "AM 64": counter_64["population"].sum(),
    "AM 64 moyenne": mean(counter_64, "penalite_min"),
    "NEB touchent": (sheet["frontiere_km"] > 0).sum(),
    "NEB là-bas": sheet["plus_proche_chez_l_autre"].sum(),
    "NEB retenues": sheet["retenue"].sum(),
    "NEB noms": sorted(sheet.loc[sheet["retenue"], "nom"]),
    "fiche miroir": sorted(sheet.loc[sheet["retenue"], "gain_min"]),
    "AM retenues": len(itself),
    "AM retenus": itself["population"].sum(),
}
for neighbour in (NORD_EST_BEARN, PAYS_DE_NAY):
    recomputed[f"phrase {neighbour}"] = rows_of("negociation_phrases", voisin=neighbour)["explication"].item()

hours = rows_of("heures_acces", service=SERVICE, delai_min=limit_min).drop(columns="commune")
hours = hours.join(town[["siren_epci", "population"]], on="code_commune")
for territory in BORDER_EPCI:
    own = hours[hours["siren_epci"] == territory]
    for moment in ("soir", "samedi"):
        recomputed[f"{territory} {moment}"] = own.loc[own[moment], "population"].sum() / own["population"].sum()

place = read["points_services"].set_index("id")
trip = rows_of("trajets", service=SERVICE).set_index(["code_commune", "lieu"])["temps_min"]
within = trip[trip <= limit_min].reset_index()
alone = within[~within["code_commune"].duplicated(keep=False)]
left = town.loc[alone.loc[alone["lieu"].map(place["commune"]) == "Pontacq", "code_commune"]]
recomputed |= {"Pontacq résidu": left["population"].sum(), "Pontacq communes": sorted(left["nom"])}

frontier = set(read["negociation"].loc[read["negociation"]["voisin"].isin(BORDER_EPCI), "code_commune"])
zone = town[town["siren_epci"].isin(BORDER_EPCI) | town.index.isin(frontier)]
far = zone[~zone.index.isin(within["code_commune"])]
hall = rows_of("trajets", service="mairie")
recomputed |= {"au-delà": far["population"].sum(), "preuve": found.proof.sentence}
for rank, site in enumerate(found.sites["place"], start=1):
    near = hall.loc[(hall["lieu"] == site) & (hall["temps_min"] <= limit_min), "code_commune"]
    brought, far = far[far.index.isin(near)], far[~far.index.isin(near)]
    recomputed |= {f"permanence {rank}": place.loc[site, "nom"], f"ramenées {rank}": sorted(brought["nom"])}
    recomputed[f"habitants ramenés {rank}"] = brought["population"].sum()

life = read["vie_perimetres"]
renamed = rows_of("evolution_perimetre", changement=RENAMED).iloc[0]
recomputed |= {
    "millésime avant": int(life["millesime_avant"].min()),
    "millésime après": int(life["millesime_apres"].max()),
    "PETR communes": len(rows_of("vie_perimetres", territoire=PETR, evenement="commune gagnée")),
    "ancien nom": renamed["nom"],
    "nouveau nom": town.loc[renamed["apres"], "nom"],
}
time = rows_of("acces", service=SERVICE, departement=HERE)
for limit in thresholds:
    doubt = (time["temps_bas_min"] <= limit) & (limit < time["temps_haut_min"])
    recomputed[f"au-delà {limit:g}"] = time.loc[time["temps_min"] > limit, "population"].sum()
    recomputed[f"à vérifier {limit:g}"] = time.loc[doubt, "population"].sum()

estimate = rows_of("frontiere_acces").set_index("code_commune").loc[nay_65["code_commune"]]
other = trip.loc[list(nay_65["code_commune"])].reset_index()
other = other[other["lieu"].map(place["departement"]) != HERE]
other = other.loc[other.groupby("code_commune")["temps_min"].idxmin()]
there = other[other["lieu"].map(place["siren_epci"]) == PAYS_DE_NAY]
recomputed |= {
    "Pierrefitte": estimate["temps_min"].mean(),
    "plus proche estimé": sorted(set(estimate["lieu_commune"])),
    "Nay": other["temps_min"].mean(),
    "sans le col": sorted(set(other["lieu"].map(place["commune"]))),
    "sans col 65>64": away["population"].sum() + town.loc[there["code_commune"], "population"].sum(),
    "sans col retenues": len(there),
    "sans col habitants": town.loc[there["code_commune"], "population"].sum(),
}


def same(first: Any, second: Any) -> bool:  # noqa: ANN401 - figures, names
    """Tell whether two figures, names or lists are equal; means add up in another order, to the last bits."""
    if isinstance(first, list) and len(first) == len(second):
        return all(map(same, first, second))
    return math.isclose(first, second, rel_tol=1e-12) if isinstance(first, float) else bool(first == second)


assert set(recomputed) == set(cited)
different = {name: (value, recomputed[name]) for name, value in cited.items() if not same(value, recomputed[name])}
assert not different, different
say(
    f"{count(len(cited), 'chiffre ou nom cité', 'chiffres ou noms cités')} et {len(shown) + len(derived)} tableaux "
    f"montrés, tous retrouvés dans les {len(read)} tables publiées."
)
