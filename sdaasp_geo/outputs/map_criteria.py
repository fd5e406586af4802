"""The map of deficits: one view per criterion, by theme."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo.analysis.deficits import NOT_MEASURED
from sdaasp_geo.criteria import Criterion, criteria_in_force, read_criteria
from sdaasp_geo.criteria import Theme as CriteriaTheme
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.annexe_criteria import criterion_threshold
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.map_ground import after_name, by_commune, commune_theme, texts
from sdaasp_geo.outputs.map_model import Theme, View, named_classes
from sdaasp_geo.study import Diagnosis, Study

_SATISFIED = "Critère satisfait"
_METHOD = (
    "Chaque critère a un seuil, une période de validité et une référence. Une valeur égale au seuil le satisfait. "
    f"«{NBSP}À vérifier{NBSP}»{NBSP}: la réponse peut changer dans la bande d'erreur, ou des horaires sont inconnus."
)
_BRIEF = ("oui", "non", "non mesuré")
_UNKNOWN = 2


def criteria_theme(study: Study, diagnosis: Diagnosis) -> Theme | None:
    """Return the theme of deficits; None where no criterion applies."""
    if diagnosis.criteria.empty:
        return None
    sheet = read_criteria(study.scheme.path(study.scheme.fichiers.criteres) if study.scheme.fichiers.criteres else None)
    in_force = criteria_in_force(sheet, study.rules, date=study.scheme.edition)
    known = {criterion.code: criterion for criterion in in_force}
    order = [code for code in known if code in set(diagnosis.criteria["criterion"])]
    themes = {theme.code: theme for theme in sheet.theme}
    views = [_view(study, diagnosis.criteria, known[code], themes) for code in order]
    ranked = sorted(views, key=lambda view: not (view.ranks != _UNKNOWN).any())
    return commune_theme(
        study,
        ranked,
        code="deficits",
        title=f"Déficits d'accès aux services{NBSP}: {study.departement_name}",
        label="Déficits par thème et par critère",
        note="Communes qui satisfont chaque critère, ou non\u202f; critère au choix.",
        choice="Critère",
        method=(_METHOD,),
    )


def _view(study: Study, table: pd.DataFrame, criterion: Criterion, themes: dict[str, CriteriaTheme]) -> View:
    rows = by_commune(study, table[table["criterion"] == criterion.code])
    names = study.communes.set_index("code")["name"].reindex(rows["code"])
    known = rows["satisfied"].notna() & (rows["class"] != NOT_MEASURED)
    ranks = (~rows["satisfied"].astype("boolean").fillna(value=True)).astype("int64").where(known, _UNKNOWN)
    classes = named_classes((_SATISFIED, plain_text(criterion.beyond_label)))
    named = [classes[rank].name for rank in ranks]
    checks = rows["to_check"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    sentences = [after_name(sentence, name) for sentence, name in zip(rows["sentence"], names, strict=True)]
    theme = themes[criterion.theme].label if criterion.theme in themes else criterion.theme
    missing = "" if known.any() else f" Non mesuré{NBSP}: {plain_text(rows['reason'].iloc[0])}."
    return View(
        code=criterion.code,
        label=plain_text(criterion.label) + ("" if known.any() else " (non mesuré)"),
        group=plain_text(theme),
        title=plain_text(criterion.label),
        classes=classes,
        ranks=ranks.to_numpy(dtype="int64"),
        checks=checks,
        terms=("Classe", "À vérifier"),
        cells=(texts(named), tuple("oui" if check else "non" for check in checks)),
        brief=texts(
            f"{_BRIEF[rank]}{', à vérifier' if check else ''}" for rank, check in zip(ranks, checks, strict=True)
        ),
        sentences=texts(sentences),
        note=plain_text(
            f"Seuil{NBSP}: {criterion_threshold(criterion)}. Référence{NBSP}: {criterion.reference}.{missing}"
        ),
        services=criterion.services if len(criterion.services) == 1 else (),
    )
