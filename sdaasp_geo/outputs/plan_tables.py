"""The tables of the scheme itself: its plan, its governance, where actions apply, and what is left to decide."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from sdaasp_geo.outputs.tables import Table, epci_labels
from sdaasp_geo.study import Decision, Study


def plan_tables(study: Study) -> list[Table]:
    """Gather the plan of actions, the governance and the territories that they name, where the scheme gives them."""
    programme = study.programme
    if programme is None:
        return []
    labels = epci_labels(study)
    reach = programme.reach.assign(epci_name=programme.reach["siren"].map(labels))
    tables = [
        Table("actions", "Plan d'actions du schéma", programme.actions),
        Table("gouvernance", "Gouvernance et conventions du schéma", programme.bodies),
        Table("actions_epci", "Où s'applique chaque action", reach),
        Table("territoires_nommes", "Territoires nommés par le plan et la gouvernance", programme.territories),
        Table("contradictions", "Cellules que deux fichiers donnent différemment", programme.contradictions),
    ]
    return [table for table in tables if len(table.rows)]


def decisions_table(decisions: Iterable[Decision]) -> Table:
    """Return what people must still decide, one row for each thing and place."""
    rows = [(decision.document, decision.what, place) for decision in decisions for place in (decision.places or ("",))]
    table = pd.DataFrame(rows, columns=["document", "decision", "place_concerned"], dtype="str")
    return Table("a_decider", "Ce qui reste à décider", table)
