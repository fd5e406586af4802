"""Deficits and actions face to face as tables to publish, under the names of ``columns_answers.toml``."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo.outputs.answers_model import Facing
from sdaasp_geo.outputs.tables import Table

DICTIONARY = "columns_answers.toml"


def facing_tables(facing: Facing) -> list[Table]:
    """Gather the tables, in reading order; names of territories, themes and criteria stand beside their codes."""
    answers = facing.answers
    links = answers.links.drop(columns=["measured"])
    return [
        Table("ecarts", "Déficits et actions qui y répondent, par critère", _named(facing, answers.gaps)),
        Table("ecarts_themes", "Déficits et actions qui y répondent, par thème", _named(facing, answers.cells)),
        Table("ecarts_actions", "Actions et déficits qu'elles visent, par EPCI", _named(facing, answers.actions)),
        Table("ecarts_reponses", "Ce qui relie chaque action à chaque critère", _named(facing, links)),
        Table("ecarts_priorites", "Priorités du plan et ce qui les mesure", answers.priorities),
        Table(
            "ecarts_operateurs", "Opérateurs concernés, par territoire et par thème", _named(facing, facing.operators)
        ),
    ]


def _named(facing: Facing, table: pd.DataFrame) -> pd.DataFrame:
    """Put the label of each territory, theme and criterion beside its code."""
    named = table.copy()
    labels = {"territory": facing.territories, "theme": facing.themes, "criterion": facing.criteria}
    for column, known in labels.items():
        if column in named.columns:
            words = named[column].map(known).fillna("").astype("str")
            named.insert(list(named.columns).index(column) + 1, f"{column}_name", words)
    return named
