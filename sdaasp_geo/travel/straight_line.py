"""The engine without a road network: a straight line calibrated on measured car trips, with its error."""

from __future__ import annotations

import tomllib
from typing import Any

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.errors import TravelError
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel.engine import NOT_MEASURED, Engine, Method, TimeMatrix, reasons
from sdaasp_geo.travel.straight_line_model import band_min, density_km2, distance_matrix_km, from_mapping, predict_min


def straight_line_engine(calibration: str, *, coverage: float) -> Engine:
    """Make the engine from its calibration.

    Parameters
    ----------
    calibration : str
        Text of ``data/travel/straight_line.toml``.
    coverage : float
        Share of trips that the error band must hold (setting ``bande-erreur``).

    Returns
    -------
    Engine
        Times are estimates, with their band; a pair is ``non mesuré`` where a point has no place or a commune no
        density.

    Raises
    ------
    TravelError
        When the calibration's band is not for that coverage.
    """
    content = tomllib.loads(calibration)
    model = from_mapping(content)
    if content["band"]["coverage"] != coverage:
        message = (
            f"La bande d'erreur calée couvre {french.percent(content['band']['coverage'], digits=0)} des trajets, et "
            f"le paramètre bande-erreur en demande {french.percent(coverage, digits=0)}. Reprenez la valeur calée."
        )
        raise TravelError(message)
    method = _method(content)

    def engine(origins: pd.DataFrame, places: pd.DataFrame) -> TimeMatrix:
        time_min = predict_min(
            model,
            distance_km=distance_matrix_km(origins[["ref_x", "ref_y"]], places[["x", "y"]]),
            origin_density_km2=density_km2(origins["population"], origins["area_km2"])[:, None],
            place_density_km2=density_km2(places["commune_population"], places["commune_area_km2"]),
        )
        low_min, high_min = band_min(model, time_min)
        return TimeMatrix(origins, places, time_min, low_min, high_min, reasons(time_min, missing=NOT_MEASURED), method)

    return engine


def _method(content: dict[str, Any]) -> Method:
    figures, trips = content["validation"]["all"], content["trips"]
    error = french.number(figures["mean_absolute_error_min"], digits=1)
    covered = french.percent(content["band"]["coverage"], digits=0)
    wrong = french.percent(figures["wrong_side_of_30_min"], digits=0)
    description = (
        f"Estimation{NBSP}: minutes en voiture déduites de la distance à vol d'oiseau entre la mairie et le lieu et de "
        f"la densité des deux communes, calées sur {french.number(trips['used'])} trajets domicile-travail mesurés en "
        f"Occitanie. Erreur moyenne de {error}{NBSP}min\u202f; {wrong} des trajets sont du mauvais côté de 30{NBSP}min "
        f"(validation croisée par département). La bande d'erreur contient {covered} des trajets. Hors d'Occitanie, "
        "c'est une extrapolation. Cette estimation ne connaît ni le relief, ni le réseau routier, ni la circulation."
    )
    return Method(
        code="ligne-droite",
        label="ligne droite calibrée",
        estimate=True,
        description=description,
        source=content["model"]["source_fr"],
    )
