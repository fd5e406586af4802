"""Deficit rules: the class of each commune, whether it must be checked, and why, in one French sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.french import NBSP
from sdaasp_geo.parameters import Rule, Service
from sdaasp_geo.travel.engine import NOT_MEASURED as UNKNOWN
from sdaasp_geo.travel.engine import REACHED, Method

SERVED, SERVED_LABEL = "desservie", "Desservie"
NOT_MEASURED, NOT_MEASURED_LABEL = "non-mesure", "Non mesuré"


def classes_of(rules: Sequence[Rule]) -> dict[str, str]:
    """Return the classes (code → French label) that some rules of one service give, best first."""
    return {
        SERVED: SERVED_LABEL,
        **{rule.beyond: rule.beyond_label for rule in rules},
        NOT_MEASURED: NOT_MEASURED_LABEL,
    }


def classify(access: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """Give each commune the class of the highest threshold that its time exceeds.

    Parameters
    ----------
    access : DataFrame
        Access to one service (`measure_access`).
    rules : sequence of Rule
        Rules of that service, by rising threshold; a time equal to a threshold satisfies it.

    Returns
    -------
    DataFrame
        ``code, service, class, rule`` (code of the highest rule exceeded, empty when served), ``threshold_min``
        (of that rule, or of the first one), ``to_check`` (a threshold lies in the error band), ``check_rules``
        (codes of the rules to check, separated by spaces).
    """
    time = access["time_min"].to_numpy(dtype="float64")
    low, high = access["low_min"].to_numpy(dtype="float64"), access["high_min"].to_numpy(dtype="float64")
    measured = (access["reason"] == REACHED).to_numpy()
    label = np.where(measured, SERVED, NOT_MEASURED).astype(object)
    rule_code = np.full(len(access), "", dtype=object)
    threshold = np.full(len(access), rules[0].threshold_min if rules else np.nan)
    check = [[] for _ in range(len(access))]  # type: list[list[str]]
    for rule in sorted(rules, key=lambda candidate: candidate.threshold_min):
        beyond = measured & ~(time <= rule.threshold_min)
        label[beyond], rule_code[beyond], threshold[beyond] = rule.beyond, rule.code, rule.threshold_min
        in_band = measured & (low <= rule.threshold_min) & (rule.threshold_min < high)
        for position in np.flatnonzero(in_band):
            check[position].append(rule.code)
    return pd.DataFrame(
        {
            "code": access["code"],
            "service": access["service"],
            "class": pd.array(label, dtype="str"),
            "rule": pd.array(rule_code, dtype="str"),
            "threshold_min": threshold,
            "to_check": [bool(codes) for codes in check],
            "check_rules": pd.array([" ".join(codes) for codes in check], dtype="str"),
        }
    )


def explain(
    access: pd.DataFrame,
    classes: pd.DataFrame,
    names: pd.Series,
    *,
    rules: Sequence[Rule],
    service: Service,
    method: Method,
) -> pd.Series:
    """Write, for each commune, the sentence that explains its class.

    Parameters
    ----------
    access, classes : DataFrame
        Of the same communes, in the same order.
    names : Series
        Names of communes by code.

    Returns
    -------
    Series of str
        French sentences, indexed like ``access``.
    """
    labels = classes_of(rules)
    rows = zip(access.to_dict("records"), classes.to_dict("records"), strict=True)
    sentences = [
        _sentence(row | given, names[row["code"]], labels=labels, rules=rules, service=service, method=method)
        for row, given in rows
    ]
    return pd.Series(sentences, index=access.index, dtype="str")


def _sentence(
    row: dict[str, Any], name: str, *, labels: dict[str, str], rules: Sequence[Rule], service: Service, method: Method
) -> str:
    if row["class"] == NOT_MEASURED:
        why = "" if row["reason"] == UNKNOWN else f" ({row['reason']})"
        return f"{name}{NBSP}: accès non mesuré{why}."
    where = f"à {row['place_commune']} ({row['place_departement']})"
    place = f"{service.nearest} ({row['place_name']}, {where})"
    time = f"est à {_rounded(row, estimate=method.estimate)}"
    if method.estimate:
        time += f" (estimation{NBSP}: de {french.number(row['low_min'])} à {french.minutes(row['high_min'])})"
    return f"{name}{NBSP}: {place} {time}{_verdict(row, labels=labels, rules=rules)}"


def _rounded(row: dict[str, Any], *, estimate: bool) -> str:
    """Write the time in whole minutes, without seeming to satisfy a threshold that it exceeds."""
    time, threshold = row["time_min"], row["threshold_min"]
    minutes = french.minutes(time)
    if row["class"] != SERVED and time > threshold and minutes == french.minutes(threshold):
        return f"un peu plus de {minutes}"
    return f"environ {minutes}" if estimate else minutes


def _verdict(row: dict[str, Any], *, labels: dict[str, str], rules: Sequence[Rule]) -> str:
    if not rules:
        return "."
    limit = french.threshold(row["threshold_min"])
    if row["class"] == SERVED:
        text = f", dans le seuil de {limit}."
    else:
        text = f", au-delà du seuil de {limit}{NBSP}: {labels[row['class']].lower()}."
    if row["to_check"]:
        doubtful = [french.threshold(rule.threshold_min) for rule in rules if rule.code in row["check_rules"].split()]
        noun = "le seuil" if len(doubtful) == 1 else "les seuils"
        text += f" À vérifier{NBSP}: la bande d'erreur contient {noun} de {french.listing(doubtful)}."
    return text
