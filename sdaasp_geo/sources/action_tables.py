"""Orientations, objectives and actions from a table: CSV, XLSX or ODS (``data/schemes/actions.schema.json``)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sdaasp_geo.action_plan import action_fields
from sdaasp_geo.sources.plan_tables import read_plan_table


def read_action_table(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a table of actions; its content is checked by `layers.actions.build_actions`.

    Returns
    -------
    DataFrame
        The columns of ``actions.schema.json``, in order, all text, and ``origine`` (file and sheet); the index is the
        row that a spreadsheet shows. A header alone is an empty table.
    list of str
        Notes in French: what was not recognised.

    Raises
    ------
    InputError
        Another format, a damaged, hostile or empty file, no header that names a code or a title.
    """
    return read_plan_table(path, action_fields(), keys=("code", "titre"))
