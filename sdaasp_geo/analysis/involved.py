"""Who is involved, by EPCI and theme: leads and partners of the actions, operators of the service points."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sdaasp_geo.action_plan import ActionPlan
from sdaasp_geo.analysis.answers import SEPARATOR, Answers
from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.criteria import OTHER_THEME

LEAD, PARTNER, HOLDER = "pilote", "partenaire", "opérateur de lieux"
ROLES = (LEAD, PARTNER, HOLDER)
NOT_GIVEN = "non renseigné"
_KEYS = ["level", "territory", "theme", "role", "operator"]


def involved_operators(
    plan: ActionPlan, answers: Answers, points: pd.DataFrame, *, themes: Mapping[str, str], departement: str
) -> pd.DataFrame:
    """List those who lead, join or hold something in each territory, by theme.

    Parameters
    ----------
    plan, answers : ActionPlan, Answers
        From `answers.confront`.
    points : DataFrame
        Service points: ``service, operateur, epci, inside``; those of EPCI that are not studied are left out.
    themes : mapping
        Code of the theme of each service; any other service is under ``autres``.
    departement : str
        Code of the département: its own places, and every action.

    Returns
    -------
    DataFrame
        ``level, territory, theme, role, operator, actions`` (codes), ``places`` (number), ``services`` (codes). An
        empty territory: the action names no known one; an empty theme: none of its priorities is tied. An operator
        that nobody gives is « non renseigné ».
    """
    both = pd.concat([_leads(plan, answers), _holders(answers, points, themes)], ignore_index=True)
    whole = both[both["inside"]].assign(level="departement", territory=departement)
    rows = pd.concat([both.assign(level="epci"), whole], ignore_index=True)
    table = rows.groupby(_KEYS, as_index=False).agg({"actions": _words, "places": "sum", "services": _words})
    table["_role"] = table["role"].map({role: at for at, role in enumerate(ROLES)})
    table["_level"] = table["level"] == "departement"
    ordered = table.sort_values(["_level", "territory", "theme", "_role", "operator"], ignore_index=True)
    return ordered[[*_KEYS, "actions", "places", "services"]]


def _leads(plan: ActionPlan, answers: Answers) -> pd.DataFrame:
    """Return one row per action × territory × theme × lead or partner."""
    people = [
        (action.code, role, name)
        for action in plan.actions
        for role, names in ((LEAD, action.porteurs or (NOT_GIVEN,)), (PARTNER, action.partenaires))
        for name in dict.fromkeys(names)
    ]
    table = pd.DataFrame(people, columns=["action", "role", "operator"], dtype="str")
    where = answers.actions[["action", "territory", "themes"]]
    where = where.assign(theme=where["themes"].str.split(SEPARATOR, regex=False)).explode("theme")
    rows = where.drop(columns="themes").merge(table, on="action").rename(columns={"action": "actions"})
    return rows.assign(places=0, services="", inside=True)


def _holders(answers: Answers, points: pd.DataFrame, themes: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per service point of the territories studied."""
    territory = points["epci"].fillna(NO_TERRITORY).astype("str")
    studied = territory.isin(set(answers.gaps["territory"])) & ((territory != NO_TERRITORY) | points["inside"])
    own = points[studied]
    operator = own["operateur"].fillna("").astype("str").str.strip()
    return pd.DataFrame(
        {
            "territory": territory[studied],
            "theme": own["service"].map(dict(themes)).fillna(OTHER_THEME).astype("str"),
            "role": HOLDER,
            "operator": operator.where(operator != "", NOT_GIVEN),
            "actions": "",
            "places": 1,
            "services": own["service"].astype("str"),
            "inside": own["inside"].astype("bool"),
        }
    )


def _words(column: pd.Series) -> str:
    return SEPARATOR.join(dict.fromkeys(word for word in column if word))
