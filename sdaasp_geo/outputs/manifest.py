"""How a run was made: inputs with their hash, vintages, parameters, method, counts. And whether a folder is a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from sdaasp_geo.layers.geometry_checks import repair_counts
from sdaasp_geo.study import Decision, Diagnosis, Measures, Programme, Study
from sdaasp_geo.travel.engine import REACHED, Method

MANIFEST = "manifest.json"
_DATA_LICENCE = "Licence Ouverte 2.0 (IGN, INSEE, DGCL, ANCT, DILA)"


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def build_manifest(study: Study, measures: Measures, *, version: str, decisions: Iterable[Decision]) -> dict[str, Any]:
    """Describe a run.

    Parameters
    ----------
    version : str
        Version of the package.
    decisions : iterable of Decision
        What people must still decide before signing.

    Returns
    -------
    dict
        Ready for JSON; nothing in it depends on the clock, the machine or the output folder.
    """
    return {
        **describe_run(study, measures.method, version=version),
        "counts": _counts(study, measures),
        "warnings": list(warnings_of(study, measures)),
        "decisions": [{"document": one.document, "what": one.what, "places": list(one.places)} for one in decisions],
    }


def build_theme_manifest(
    study: Study, measures: Measures, *, theme: str, version: str, rows: dict[str, int]
) -> dict[str, Any]:
    """Describe a run of one theme; ``rows`` are those of each of its layers and tables."""
    return {
        **describe_run(study, measures.method, version=version),
        "theme": theme,
        "counts": {"rows": rows, **correction_counts(study), **repaired_contours(study)},
        "warnings": list(warnings_of(study, measures)),
    }


def correction_counts(study: Study) -> dict[str, Any]:
    """Count the corrections applied, by object and field; nothing where the scheme gives none."""
    if study.corrections is None:
        return {}
    sizes = study.corrections.groupby(["objet", "champ"]).size()
    return {"corrections": {f"{thing}: {field}": int(size) for (thing, field), size in sizes.items()}}


def repaired_contours(study: Study) -> dict[str, Any]:
    """Count the repairs of the scheme's own contours, by kind; nothing where it gives none."""
    return {} if study.repairs is None else {"contours": repair_counts(study.repairs)}


def describe_run(study: Study, method: Method, *, version: str) -> dict[str, Any]:
    """Describe what any run starts from: scheme, vintages, method, rules, settings, inputs with their hash."""
    scheme = study.scheme
    return {
        "schema": "sdaasp_geo/manifest/1",
        "version": version,
        "scheme": {
            "code": scheme.code,
            "name": scheme.nom,
            "departement": scheme.departement,
            "edition": scheme.edition.isoformat(),
            "reference": scheme.reference,
        },
        "vintages": {"convention": scheme.millesimes.convention, "mesure": scheme.millesimes.mesure},
        "method": {
            "code": method.code,
            "label": method.label,
            "estimate": method.estimate,
            "description": method.description,
            "source": method.source,
        },
        "rules": [msgspec.to_builtins(rule) for rule in study.rules],
        "settings": [msgspec.to_builtins(setting) for setting in study.parameters.setting],
        "licence": _DATA_LICENCE,
        "inputs": [{"name": name, "sha256": sha256(path), "bytes": path.stat().st_size} for name, path in study.inputs],
    }


def warnings_of(study: Study, measures: Measures) -> tuple[str, ...]:
    """Return what the reader must know, in French: of the layers, then of the measures."""
    return (*study.warnings, *(measures.diagnosis.notes if measures.diagnosis else ()))


def _counts(study: Study, measures: Measures) -> dict[str, Any]:
    reasons = study.points["position_reason"].replace("", "placé").value_counts().sort_index()
    reached = measures.access.groupby(["service", "reason"]).size()
    cells = {} if measures.cells is None else _cell_counts(measures.cells)
    return {
        "communes": int(study.communes["inside"].sum()),
        "communes_studied": int(study.communes["studied"].sum()),
        "epci_signing": int((study.epci["role"] == "signataire").sum()),
        "neighbours": len(study.neighbours),
        "service_points": {
            str(key): int(value) for key, value in study.points["service"].value_counts().sort_index().items()
        },
        "service_points_position": {str(key): int(value) for key, value in reasons.items()},
        "access": {f"{service}: {reason}": int(size) for (service, reason), size in reached.items()},
        "not_reached": int((measures.access["reason"] != REACHED).sum()),
        "reference_points": {
            str(k): int(v)
            for k, v in study.communes.loc[study.communes["studied"], "ref_source"].value_counts().sort_index().items()
        },
        **cells,
        **correction_counts(study),
        **repaired_contours(study),
        **({} if study.programme is None else {"plan": _plan_counts(study.programme)}),
        **({} if measures.diagnosis is None else _diagnosis_counts(measures.diagnosis)),
    }


def _diagnosis_counts(diagnosis: Diagnosis) -> dict[str, Any]:
    classes = diagnosis.criteria.groupby(["criterion", "class"]).size()
    hours = diagnosis.opening.loc[diagnosis.opening["reason"] != "", "reason"].value_counts().sort_index()
    return {
        "pairs": {str(k): int(v) for k, v in diagnosis.pairs["service"].value_counts().sort_index().items()},
        "criteria": {f"{criterion}: {name}": int(size) for (criterion, name), size in classes.items()},
        "opening_reasons": {str(reason): int(size) for reason, size in hours.items()},
    }


def _plan_counts(programme: Programme) -> dict[str, Any]:
    """Count the rows of the plan and of the governance, and the territories that they name, by status."""
    statuses = programme.territories["status"].value_counts().sort_index()
    return {
        **{str(k): int(v) for k, v in programme.actions["niveau"].value_counts().sort_index().items()},
        **{f"gouvernance: {k}": int(v) for k, v in programme.bodies["type"].value_counts().sort_index().items()},
        **{f"territoires: {status}": int(size) for status, size in statuses.items()},
        "contradictions": len(programme.contradictions),
    }


def _cell_counts(cells: pd.DataFrame) -> dict[str, Any]:
    reached = cells.groupby(["service", "reason"]).size()
    return {
        "cells": int(cells["cell"].nunique()),
        "cell_access": {f"{service}: {reason}": int(size) for (service, reason), size in reached.items()},
    }


def write_manifest(manifest: dict[str, Any], folder: Path) -> Path:
    """Write the manifest, with the hash of every other file of the folder."""
    outputs = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    listed = [{"name": path.relative_to(folder).as_posix(), "sha256": sha256(path)} for path in outputs]
    path = folder / MANIFEST
    content = json.dumps({**manifest, "outputs": listed}, ensure_ascii=False, indent=1, sort_keys=False)
    path.write_text(content + "\n", encoding="utf-8")
    return path


def is_run(folder: Path) -> bool:
    """Tell whether a folder holds an earlier run, and so may be replaced."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and str(content.get("schema", "")).startswith("sdaasp_geo/manifest/")
