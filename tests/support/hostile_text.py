"""Hostile texts, and one study whose every text of the users' data is hostile."""

from __future__ import annotations

import dataclasses
import datetime as dt
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import msgspec
import pandas as pd

from sdaasp_geo.action_plan import Period, TerritoryName
from sdaasp_geo.layers import territories
from sdaasp_geo.pipeline import init, prepare
from sdaasp_geo.scheme import find_scheme, read_scheme
from sdaasp_geo.study import Decision, Programme, Study

CALL = "__ran"
"""Function of the page that a script vector calls with its number."""

HOST = "hostile.invalid"
"""Host that other vectors ask for."""

_SCRIPTS = (
    "<script>RUN</script>",
    "<img src=x onerror=RUN>",
    "<svg/onload=RUN>",
    '"><img src=x onerror="RUN',
    "'><img src=x onerror='RUN",
    '" onfocus="RUN" autofocus tabindex="1" x="',
    "' onfocus='RUN' autofocus tabindex='1' x='",
    "x onfocus=RUN autofocus tabindex=1",
    "${RUN}",
    "`+RUN+`",
    '\\";RUN;//\u2028RUN//',
    "\\';RUN;//\u2029RUN//",
    "</script><script>RUN</script>",
    "</title></style><script>RUN</script>",
    "</textarea></noscript></select><img src=x onerror=RUN>",
    "--><script>RUN</script><!--",
    "]]><script>RUN</script><![CDATA[",
    "javascript:RUN",
    "java\tscript:RUN",
    "data:text/html,<script>parent.RUN</script>",
    '<a href="javascript:RUN" autofocus onfocus=RUN>lien</a>',
    '<iframe srcdoc="<script>parent.RUN</script>"></iframe>',
    "<details open ontoggle=RUN>",
    "{{constructor.constructor('RUN')()}}{{7*7}}{% raw %}{# #}{{ config }}{%tr for x in y %}",
    "&lt;img src=x onerror=RUN&gt;",
    "&amp;lt;img src=x onerror=RUN&amp;gt;",
    "<scr\x00ipt>RUN</scr\x00ipt><im\x00g src=x oner\x00ror=RUN>",
    "<im\u202eg src=x one\u200brror=RUN>",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=RUN>",
    "<svg><style><img src=x onerror=RUN></style></svg>",
    '<p style="width:expression(RUN);background:url(//HOST/css)">x</p>',
    '<base href="https://HOST/base/">',
    '<meta http-equiv="refresh" content="0;url=https://HOST/meta">',
    '<link rel=stylesheet href=//HOST/link><style>@import"//HOST/import";</style>',
)
SCRIPTS = tuple(
    text.replace("RUN", f"{CALL}({number})").replace("HOST", f"{HOST}/{number}")
    for number, text in enumerate(_SCRIPTS, start=1)
)
"""Vectors that a page would run, or that would make it ask for an address; `CALL` is given their number, from 1."""

FORMULAS = (
    "=cmd|' /C calc'!A0",
    "=1+41",
    "+1+41",
    "-1+41",
    "@SUM(1+41)",
    "\t=1+41",
    "\r=1+41",
    "\n=1+41",
    "   =1+41",
    "\u00a0=1+41",
    "\uff1d1+41",
    "\uff0b1+41",
    "\u200b=1+41",
    "\ufeff=1+41",
    "\x00=1+41",
    '=HYPERLINK("https://hostile.invalid/f","lien")',
    '=WEBSERVICE("https://hostile.invalid/w")',
    '",=1+41,"',
    ';=1+41;"=1+41',
    "{=1+41}",
    "Mairie\n=1+41\nde Tarbes",
    "Mairie\t=1+41\tde Tarbes",
)
"""Texts that a spreadsheet could take for a formula."""

MARKUP = (
    '#read("/etc/passwd")',
    "#sys.version $x^2$ @ref <label> #{1+41}",
    '#link("https://hostile.invalid/t")[lien] https://hostile.invalid/auto',
    "= Titre\n== Titre *gras* _it_ `code` \\ // commentaire",
    "</w:t></w:r><w:fldSimple w:instr=\"DDEAUTO cmd\"/><w:altChunk r:id='x'/>",
    "<!ENTITY x SYSTEM 'file:///etc/passwd'>&x;&#0;&#xFFFF;",
    "'; DROP TABLE gpkg_contents; --",
    '"); DROP TABLE communes; --',
)
"""Texts that a document, a style or a base could take for its own language."""

NAMES = (
    "../../x",
    "..\\..\\x",
    "/etc/passwd",
    "CON",
    "nul.",
    "x. . .",
    "a:b*c?d|e<f>g",
    "\u202egnp.\u2066exe\u2069 (65)",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 123 \u05e2\u05d1\u05e8\u05d9\u05ea",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1eb\U0001f1f7 e\u0301\u0301\u0301\u0301",
    "N\x00U\x0bL\x1b[31m\x7f\x85\ufffe",
    "\u061c\u206a\ufff9\ufffb\U000e0041\u00ad\u180e",
)
"""Texts that a file system, a terminal or the order of letters could trip on."""

TEXTS = (*SCRIPTS, *FORMULAS, *MARKUP, *NAMES)
LONG = "Saint-" + "Martin" * 1666
"""A name of 10,002 characters without a space."""

ENCODABLE = "\ud800"
"""A lone surrogate, which no file of text holds; it is given to functions alone."""


class Pairs:
    """Gives texts to the rows of fields, and counts which field received which.

    Attributes
    ----------
    given : dict
        Texts received by each field, by the name of the field.
    """

    def __init__(self, texts: Iterable[str] = TEXTS, *, shift: int = 0) -> None:
        texts = tuple(texts)
        self.texts = texts[shift % len(texts) :] + texts[: shift % len(texts)]
        self.given: dict[str, set[str]] = {}

    def give(self, field: str, rows: int) -> list[str]:
        """Return the texts of the rows of a field: every text goes to a row, several to one where rows are fewer."""
        if not rows:
            return []
        size = len(self.texts)
        self.given.setdefault(field, set()).update(self.texts)
        if rows >= size:
            return [self.texts[row % size] for row in range(rows)]
        return [" ".join(self.texts[row::rows]) for row in range(rows)]

    def frame(self, name: str, table: Any, columns: Iterable[str]) -> Any:  # noqa: ANN401 - either kind of frame
        """Return a table whose columns are hostile."""
        given = {column: pd.array(self.give(f"{name}.{column}", len(table)), dtype="str") for column in columns}
        return table.assign(**given)

    def structs(self, name: str, rows: tuple[Any, ...], keys: Iterable[str]) -> tuple[Any, ...]:
        """Return structures whose every text that is no key is hostile, lists and periods included."""
        changed = [{} for _ in rows]
        for field in msgspec.structs.fields(type(rows[0])) if rows else ():
            if field.name in keys:
                continue
            if all(_takes_text(getattr(row, field.name)) for row in rows):
                for rank, text in enumerate(self.give(f"{name}.{field.name}", len(rows))):
                    changed[rank][field.name] = _with_text(getattr(rows[rank], field.name), field.type, text)
        return tuple(msgspec.structs.replace(row, **own) for row, own in zip(rows, changed, strict=True))


def _takes_text(value: object) -> bool:
    return isinstance(value, str | Period | TerritoryName) or (
        isinstance(value, tuple) and all(isinstance(item, str | TerritoryName) for item in value)
    )


def _with_text(value: Any, kind: object, text: str) -> Any:  # noqa: ANN401 - a value of a structure
    if isinstance(value, str):
        return text
    if isinstance(value, Period):
        return msgspec.structs.replace(value, words=text, reason=text)
    if isinstance(value, TerritoryName):
        return msgspec.structs.replace(value, words=text)
    if "TerritoryName" in str(kind):
        return tuple(msgspec.structs.replace(item, words=text) for item in value)
    return (text,)


def plain_study(folder: Path, *, signing: tuple[str, ...] = ("200069052",)) -> Study:
    """Return a small study of the Territoire de Belfort: plan, governance, a bus, areas, corrections, a PETR.

    Parameters
    ----------
    folder : Path
        Where to write its scheme; absent.
    signing : tuple of str
        EPCI that sign.
    """
    init(folder, "90")
    _write_inputs(folder)
    text = (folder / "scheme.toml").read_text(encoding="utf-8")
    files = 'services = ["services.csv"]\nactions = ["actions.csv"]\ngouvernance = ["governance.csv"]\n'
    more = 'haltes = "haltes.csv"\nsecteurs = "secteurs.csv"\ncorrections = ["corrections.csv"]\n'
    text = text.replace('services = ["services.csv"]\n', files + more)
    (folder / "scheme.toml").write_text(text, encoding="utf-8")
    scheme = read_scheme(str(folder))
    own = msgspec.structs.replace(scheme.convention, signataires=signing)
    study = prepare(msgspec.structs.replace(scheme, convention=own))
    return _near(_with_petr(study))


def _write_inputs(folder: Path) -> None:
    example = find_scheme("exemple-fictif")
    day = dt.date(2025, 11, 22).isoformat()
    header = (folder / "services.csv").read_text(encoding="utf-8-sig").strip()
    rows = [
        f"g{number},Lieu {number},Opérateur,france-services,{kind},,{code},X,,,inconnue,Mo-Fr 09:00-12:00,du lundi,"
        f"inconnue,,Essai,{day},Licence Ouverte 2.0"
        for number, (code, kind) in enumerate([("90010", "fixe"), ("90033", "antenne"), ("90052", "itinerant")])
    ]
    (folder / "services.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    (folder / "haltes.csv").write_text(
        "id;vehicule;nom;code_commune;lon;lat;horaires;source;date_maj\n"
        + "".join(f"h{rank};g2;Place;{code};;;Tu 09:00-12:00;Essai;{day}\n" for rank, code in enumerate(_CODES)),
        encoding="utf-8",
    )
    areas = "".join(f"Opérateur;{code};g0;Essai;{day}\n" for code in _CODES)
    (folder / "secteurs.csv").write_text(f"operateur;code_commune;guichet;source;date_maj\n{areas}", encoding="utf-8")
    change = f"point,g0/france-services,contact,,rien,visite,{day}\n"
    (folder / "corrections.csv").write_text(
        f"objet,identifiant,champ,ancien,nouveau,motif,date\n{change}", encoding="utf-8"
    )
    for name in ("actions", "governance"):
        table = pd.read_csv(example / f"{name}.csv", dtype="str", keep_default_na=False)
        if name == "governance":
            table = table[(table["type"] != "epci") | ~table.duplicated("type")]
        everywhere = table["territoires"].where(table["territoires"] == "", "Tout le département")
        epci = table[table.columns[0]] == "epci"
        table = table.assign(territoires=everywhere.mask(epci, "CC du Sud Territoire"), territoires_codes="")
        table.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8")


_CODES = ("90010", "90033", "90052")


def _with_petr(study: Study) -> Study:
    """Give the study a PETR of one of its EPCI: there is none in this département."""
    own = study.communes[study.communes["epci"] == "249000241"]
    columns = ["vintage", "code", "name", "departement", "epci", "population", "population_year", "inside"]
    members = own[columns].assign(petr="essai", petr_siren="249000241", petr_name="PETR d'essai")
    members = pd.DataFrame(members)[list(study.petr_members.columns)].reset_index(drop=True)
    return dataclasses.replace(study, petr_members=members, petr=territories.build_petr(study.communes, members))


def _near(study: Study) -> Study:
    """Keep the communes and the places around the département: the study is one of texts."""
    around = study.communes["studied"] | study.communes["epci"].isin(study.neighbours["siren"])
    kept = study.communes[around].reset_index(drop=True)
    codes = set(kept["code"])
    return dataclasses.replace(
        study,
        communes=kept,
        points=study.points[study.points["code_commune"].isin(codes)].reset_index(drop=True),
        borders=study.borders[study.borders["left"].isin(codes) & study.borders["right"].isin(codes)],
    )


POINT_TEXTS = ("nom", "operateur", "adresse", "commune", "horaires_bruts", "contact", "source", "licence")
NAMED = ("communes", "departement", "epci", "petr", "neighbours")
_KEYS = ("code", "orientation", "objectif", "fusionnee_dans", "statut", "kind", "instance", "convention", "categorie")
_FREE_ACTION = [
    "titre",
    "description",
    "public",
    "porteurs",
    "partenaires",
    "calendrier",
    "lieux",
    "financements",
    "liens_schemas",
    "indicateurs",
    "scenarios",
    "territoires",
    "financeurs",
    "referents",
    "etapes",
    "bilan",
    "blocage",
    "remarques",
    "reste",
    "source",
    "date_maj",
    "origine",
    "priorites",
]
_FREE_BODY = [
    "nom",
    "territoires",
    "animation",
    "composition",
    "participants",
    "frequence",
    "missions",
    "elu_referent",
    "technicien_referent",
    "comite",
    "representant_conference",
    "representant_comite_technique",
    "remarques",
    "reste",
    "source",
    "date_maj",
    "origine",
]


def hostile_study(study: Study, pairs: Pairs) -> Study:
    """Return the study with every text of the users' data hostile; keys, codes and lists of values stay."""
    frames = {name: pairs.frame(name, getattr(study, name), ["name"]) for name in NAMED}
    stops, corrections = study.stops, study.corrections
    assert stops is not None
    assert corrections is not None
    return dataclasses.replace(
        study,
        **frames,
        scheme=_scheme(study, pairs),
        parameters=_parameters(study, pairs),
        rules=pairs.structs("rules", study.rules, ("code", "service", "beyond")),
        departement_name=pairs.give("departement_name", 1)[0],
        region_name=pairs.give("region_name", 1)[0],
        petr_members=pairs.frame("petr_members", study.petr_members, ["name", "petr_name"]),
        points=gpd.GeoDataFrame(pairs.frame("points", study.points, POINT_TEXTS)),
        stops=gpd.GeoDataFrame(pairs.frame("stops", stops, ["nom", "operateur", "adresse", "commune", "source"])),
        corrections=pairs.frame("corrections", corrections, ["ancien", "nouveau", "motif"]),
        warnings=tuple(pairs.give("warnings", 3)),
        programme=_programme(study, pairs),
    )


def _scheme(study: Study, pairs: Pairs) -> Any:  # noqa: ANN401 - a structure
    scheme = study.scheme
    convention = msgspec.structs.replace(
        scheme.convention,
        periode=pairs.give("convention.periode", 1)[0],
        orientations=tuple(pairs.give("convention.orientations", 3)),
        engagements=tuple(pairs.give("convention.engagements", 3)),
    )
    return msgspec.structs.replace(
        scheme,
        nom=pairs.give("scheme.nom", 1)[0],
        reference=pairs.give("scheme.reference", 1)[0],
        convention=convention,
    )


def _parameters(study: Study, pairs: Pairs) -> Any:  # noqa: ANN401 - a structure
    given = study.parameters
    return msgspec.structs.replace(
        given,
        service=pairs.structs("parameters.service", given.service, ("code",)),
        setting=pairs.structs("parameters.setting", given.setting, ("code", "value", "unit")),
        rule=pairs.structs("parameters.rule", given.rule, ("code", "service", "beyond")),
    )


def _programme(study: Study, pairs: Pairs) -> Programme:
    programme = study.programme
    assert programme is not None
    plan, governance = programme.plan, programme.governance
    changed_plan: dict[str, Any] = {
        name: pairs.structs(f"plan.{name}", getattr(plan, name), _KEYS)
        for name in ("orientations", "objectifs", "actions")
    }
    changed_governance = {
        name: pairs.structs(f"governance.{name}", getattr(governance, name), _KEYS)
        for name in ("instances", "epci", "conventions", "evenements")
    }
    contradiction = dict.fromkeys(programme.contradictions.columns, "1") | {"table": "actions", "kind": "action"}
    texts = ["value", "origin", "other_value", "other_origin"]
    contradictions = pd.DataFrame([contradiction] * len(pairs.texts)).astype(programme.contradictions.dtypes)
    words = pairs.frame("territories", programme.territories, ["words", "note", "candidates", "territory_name"])
    return dataclasses.replace(
        programme,
        plan=msgspec.structs.replace(plan, **changed_plan),
        governance=msgspec.structs.replace(governance, **changed_governance),
        actions=pairs.frame("actions", programme.actions, _FREE_ACTION),
        bodies=pairs.frame("bodies", programme.bodies, _FREE_BODY),
        territories=words,
        contradictions=pairs.frame("contradictions", contradictions, texts),
        notes=tuple(pairs.give("programme.notes", 2)),
        decisions=tuple(
            Decision("Plan d'actions", text, (text,)) for text in pairs.give("programme.decisions", len(pairs.texts))
        ),
    )


def letters(text: str) -> str:
    """Return the letters and figures of a text, which no output may lose."""
    return "".join(letter for letter in text if unicodedata.category(letter)[0] in "LN")
