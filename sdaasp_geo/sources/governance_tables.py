"""Governance and conventions from a table: CSV, XLSX or ODS (``data/schemes/governance.schema.json``)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sdaasp_geo.action_plan import governance_fields
from sdaasp_geo.sources.plan_tables import read_plan_table


def read_governance_table(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a table of governance; its content is checked by `layers.governance.build_governance`.

    Returns
    -------
    DataFrame
        The columns of ``governance.schema.json``, in order, all text, and ``origine`` (file and sheet); the index is
        the row that a spreadsheet shows. A header alone is an empty table.
    list of str
        Notes in French: what was not recognised.

    Raises
    ------
    InputError
        Another format, a damaged, hostile or empty file, no header that names a type.
    """
    return read_plan_table(path, governance_fields(), keys=("type",))
