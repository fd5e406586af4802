"""Contracts of the domain tables: what each layer must hold, checked whole before anything is measured."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from sdaasp_geo.errors import Fault, InputError

_COMMUNE = r"^(?:\d{2}|2[AB])\d{3}$"
_SIREN = r"^\d{9}$"

COMMUNES = pa.DataFrameSchema(
    {
        "code": pa.Column(str, pa.Check.str_matches(_COMMUNE), unique=True),
        "name": pa.Column(str, pa.Check.str_length(min_value=1)),
        "departement": pa.Column(str, pa.Check.str_matches(r"^(?:\d{2,3}|2[AB])$")),
        "inside": pa.Column(bool),
        "epci": pa.Column(str, pa.Check.str_matches(_SIREN), nullable=True),
        "population": pa.Column("int64", pa.Check.ge(0)),
        "vintage": pa.Column("int64"),
        "ref_source": pa.Column(str),
    },
    checks=[
        pa.Check(
            lambda table: table["epci"].notna() | (table["epci_reason"] != ""),
            name="epci ou motif",
            error="epci ou motif",
        ),
        pa.Check(
            lambda table: table["vintage"] == table["vintage"].min(),
            name="un seul millésime",
            error="un seul millésime",
        ),
    ],
    name="communes",
)
"""Communes: a code, a name, an EPCI or the reason why not, one vintage."""

EPCI = pa.DataFrameSchema(
    {
        "siren": pa.Column(str, pa.Check.str_matches(_SIREN), unique=True),
        "name": pa.Column(str, pa.Check.str_length(min_value=1)),
        "population": pa.Column("int64", pa.Check.ge(0)),
    },
    checks=[
        pa.Check(
            lambda table: table["population"] == table["population_inside"] + table["population_outside"],
            name="entier = dedans + dehors",
            error="entier = dedans + dehors",
        )
    ],
    name="epci",
)
"""EPCI: a SIREN, a name, and a whole that is inside plus outside."""

SERVICE_POINTS = pa.DataFrameSchema(
    {
        "id": pa.Column(str, pa.Check.str_length(min_value=1)),
        "service": pa.Column(str, pa.Check.str_matches(r"^[a-z0-9-]+$")),
        "nom": pa.Column(str, pa.Check.str_length(min_value=1)),
        "format": pa.Column(str),
        "code_commune": pa.Column(str, pa.Check.str_matches(_COMMUNE)),
        "permanent": pa.Column(bool),
        "position_reason": pa.Column(str),
    },
    unique=["id", "service"],
    name="points de service",
)
"""Service points: an identifier per place, a service code, a commune, a format."""

CELLS = pa.DataFrameSchema(
    {
        "cell": pa.Column(
            str,
            pa.Check.str_matches(
                r"^(?:(?:CRS\d{4,5}RES\d{3,6}m|\d{1,4}k?m|(?:LAEA|UTM40S)200M_)N\d{1,8}E\d{1,8}|commune:(?:\d{2}|2[AB])\d{3})$"
            ),
            unique=True,
        ),
        "code": pa.Column(str, pa.Check.str_matches(_COMMUNE)),
        "population": pa.Column("int64", pa.Check.ge(0)),
        "population_source": pa.Column(float, pa.Check.ge(0)),
        "cell_reason": pa.Column(str),
        "x": pa.Column(float, nullable=True),
        "y": pa.Column(float, nullable=True),
    },
    checks=[
        pa.Check(
            lambda table: (table["x"].notna() & table["y"].notna()) | (table["cell_reason"] != ""),
            name="position ou motif",
            error="position ou motif",
        )
    ],
    name="carreaux",
)
"""Inhabited cells: an identifier, a commune, whole inhabitants, a centre or the reason why not."""

_REMEDY = "Corrigez la donnée d'origine, puis relancez."


def check_layer(layer: pd.DataFrame, contract: pa.DataFrameSchema) -> None:
    """Check a layer against its contract, whole.

    Parameters
    ----------
    layer : DataFrame or GeoDataFrame
        The layer; its geometry is not looked at here.
    contract : DataFrameSchema
        ``COMMUNES``, ``EPCI``, ``SERVICE_POINTS`` or ``CELLS``.

    Raises
    ------
    InputError
        Every fault, together; the row is the position in the layer, from 1.
    """
    columns = [column for column in layer.columns if column != "geometry"]
    attributes = pd.DataFrame(layer[columns])
    try:
        contract.validate(attributes, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise InputError([_fault(contract.name or "", row) for row in error.failure_cases.itertuples()]) from error


def _fault(layer: str, case: object) -> Fault:
    values = {name: getattr(case, name, None) for name in ("index", "column", "failure_case", "check")}
    index = values["index"]
    row = int(index) + 1 if isinstance(index, int | float) and not pd.isna(index) else None
    column = "" if values["column"] in (None, layer) else str(values["column"])
    return Fault(f"couche {layer}", row, column, str(values["failure_case"]), str(values["check"]), _REMEDY)
