"""The thirty-six elements of a territorial annex: where each one is, or what is not measured and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sdaasp_geo.french import NBSP, count, listing
from sdaasp_geo.outputs.annexe_criteria import measured_criteria
from sdaasp_geo.outputs.annexe_layout import PARTS
from sdaasp_geo.outputs.annexe_model import Table, Texts, numbered
from sdaasp_geo.outputs.annexe_needs import population_change
from sdaasp_geo.outputs.annexe_plan import own_actions
from sdaasp_geo.outputs.annexe_scope import NONE, Scope, semicolons
from sdaasp_geo.scheme import ROAD_ENGINES

KEY = "elements"
"""Key of the checklist among the tables of an annex."""

_HEADER: Texts = ("N°", "Élément", "Où il se trouve", "Ce qui n'est pas mesuré, et pourquoi")
_NO_BPE = "base permanente des équipements non chargée"
_NO_DIAGNOSIS = "le diagnostic détaillé n'a pas été calculé pour cette édition"

Reason = Callable[[Scope], str]


@dataclass(frozen=True)
class Item:
    """An element of the annex.

    Attributes
    ----------
    number : int
        Its rank in the list of thirty-six.
    label : str
        What it is, in French.
    tables : tuple of str
        Tables that hold it, by key.
    texts : tuple of str
        Paragraphs that hold it, by key.
    picture : bool
        Whether the map shows it.
    reason : callable
        Says what is not measured of it, and why; empty when all is. Where nothing of it is in the annex, why.
    """

    number: int
    label: str
    tables: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    picture: bool = False
    reason: Reason = lambda _: ""


def _said(text: str) -> Reason:
    return lambda _: text


def _needs_plan(scope: Scope) -> str:
    return "" if scope.study.programme else "aucun plan d'actions remis avec le schéma"


def _diagnosed(scope: Scope) -> str:
    return "" if scope.diagnosis else _NO_DIAGNOSIS


def _population(scope: Scope) -> str:
    missing = ["classe de densité de l'INSEE (grille communale non chargée)"]
    if population_change(scope) is None:
        missing.insert(0, "évolution sur cinq ans (population d'il y a cinq ans non chargée)")
    return listing(missing)


def _services(scope: Scope) -> str:
    labels = listing([scope.service(code).plural for code in scope.services])
    return f"services autres que ceux que mesure le schéma ({labels})"


def _basket(code: str) -> Reason:
    """Return why a basket is not measured, unless a criterion that begins with this code is."""
    return lambda scope: "" if _criteria(scope, f"panier-{code}") else _NO_BPE


def _criteria(scope: Scope, prefix: str) -> bool:
    return any(criterion.code.startswith(prefix) for criterion in measured_criteria(scope))


def _doctors(scope: Scope) -> str:
    return "" if _criteria(scope, "apl-") else "indicateur de la DREES (APL) non chargé"


def _isochrones(scope: Scope) -> str:
    roads = scope.study.scheme.mesure.moteur in ROAD_ENGINES
    why = "isochrones non tracées dans l'annexe" if roads else "aucun réseau routier chargé"
    return f"{why}\u202f; la carte donne la classe d'accès de chaque commune, lieux voisins compris"


def _digital(scope: Scope) -> str:
    known = any("mediation" in code for code in scope.services)
    return "" if known else "liste des lieux de médiation numérique non chargée"


def _follow_up(scope: Scope) -> str:
    if scope.study.programme is None:
        return _needs_plan(scope)
    silent = sum(not action.statut for action in own_actions(scope))
    missing = ["dernier compte rendu (aucun n'est chargé)"]
    if silent:
        missing.insert(0, f"état de {count(silent, 'action')} (non renseigné dans le plan remis)")
    return listing(missing)


_MEETINGS = "réunions tenues (aucun compte rendu chargé)"
_CENSUS = "75 ans et plus, moins de 18 ans, 18-29 ans (le recensement chargé n'a que trois classes d'âge)"
_SHARED = "partenaires présents dans chaque lieu, non publiés avec la liste des lieux"
_THEMES = "cartes par thème (un seul service porte des seuils)"
_WITH_CRITERIA = ("criteres",)

ITEMS: tuple[Item, ...] = (
    Item(1, "Carte d'identité du périmètre", ("identite", "perimetre", "limitrophes"), ("perimetre",)),
    Item(2, "Population, densité, évolution sur cinq ans", ("perimetre", "profil"), reason=_population),
    Item(3, "Âges", ("recensement",), reason=_said(_CENSUS)),
    Item(4, "Revenu médian, taux de pauvreté", reason=_said("fichier Filosofi de l'INSEE non chargé")),
    Item(5, "Ménages sans voiture", reason=_said("variable du recensement non chargée")),
    Item(6, "Indice de fragilité numérique", reason=_said("indice non chargé")),
    Item(7, "Profil comparé au département (100)", ("profil",), reason=_said("éléments 4 à 6, absents du profil")),
    Item(8, "Inventaire des services", ("services", "partiel", "communes"), ("services",)),
    Item(9, "Croisement des services et des communes", ("communes",), reason=_services),
    Item(
        10,
        f"Densité de lieux pour 10\u202f000{NBSP}habitants",
        ("profil",),
        reason=_said("comparaison avec la région (lieux de la région non chargés en entier)"),
    ),
    Item(11, "Gammes d'équipements présentes", reason=_said(_NO_BPE)),
    Item(12, "Pôles de services par niveau", reason=_said(_NO_BPE)),
    Item(13, "France services et MSAP par format", ("formats",)),
    Item(14, "Lieux de médiation numérique", reason=_digital),
    Item(15, "Inventaire des mutualisations", reason=_said(_SHARED)),
    Item(16, "Temps d'accès à l'espace France services", ("temps",)),
    Item(17, "Habitants à 20 et 30 minutes au plus", ("seuils",)),
    Item(18, "Temps du panier de la vie courante", _WITH_CRITERIA, reason=_basket("vie-courante")),
    Item(19, "Habitants au-delà du seuil de ce panier", _WITH_CRITERIA, reason=_basket("vie-courante")),
    Item(20, "Panier des jeunes", _WITH_CRITERIA, reason=_basket("jeunes")),
    Item(21, "Paniers des parents et des seniors", _WITH_CRITERIA, reason=_basket("parents")),
    Item(22, "Paniers public et marchands", _WITH_CRITERIA, reason=_basket("public")),
    Item(23, "Équipements de la gamme intermédiaire", reason=_said(_NO_BPE)),
    Item(24, "Déciles et rapport entre déciles", ("deciles",), ("inegalites",), reason=_diagnosed),
    Item(25, "Carte d'isochrones", reason=_isochrones),
    Item(26, "Habitants servis dans un autre EPCI ou département", ("frontieres", "echanges"), ("acces",)),
    Item(27, "Choix entre plusieurs lieux, second lieu", ("choix", "temps"), reason=_diagnosed),
    Item(28, "Accessibilité aux médecins généralistes (APL)", _WITH_CRITERIA, reason=_doctors),
    Item(29, "Ouverture dans la semaine, en soirée, le samedi", ("heures",), ("offre",), reason=_diagnosed),
    Item(30, "Accès sans voiture", reason=_said("horaires des transports non chargés")),
    Item(31, "Tableau des déficits", ("deficits", "zones", "criteres"), ("deficits",)),
    Item(32, "Carte des déficits", picture=True, reason=_said(_THEMES)),
    Item(33, "Actions, écarts et opérateurs", ("ecarts", "plan", "actions"), ("ecarts",), reason=_needs_plan),
    Item(34, "Suivi des actions", ("plan",), reason=_follow_up),
    Item(35, "Gouvernance et représentants de l'EPCI", ("representants",), ("article_3",), reason=_said(_MEETINGS)),
    Item(36, "Encadré méthode", ("regles", "sources"), ("methode",)),
)
"""The thirty-six elements, in order."""

_BY_CRITERION = frozenset({18, 19, 20, 21, 22, 28})
"""Elements that the table of criteria holds only where their own criterion is measured."""


def with_items(tables: Mapping[str, Table], texts: Mapping[str, Texts], scope: Scope) -> dict[str, Table]:
    """Give the tables of an annex their numbers, and fill its checklist, which names them.

    Parameters
    ----------
    tables, texts : mapping
        All of the annex, in order; the checklist holds any row (`stand_in`).
    scope : Scope
        The EPCI.
    """
    ranked = numbered(tables)
    return {**ranked, KEY: replace(items_table(scope, ranked, texts), number=ranked[KEY].number)}


def stand_in() -> Table:
    """Return what holds the place of the checklist until the tables that it names have their numbers."""
    return Table(title="", header=_HEADER, rows=(("",) * len(_HEADER),))


def items_table(scope: Scope, tables: Mapping[str, Table], texts: Mapping[str, Texts]) -> Table:
    """Return the checklist: each of the thirty-six elements, where it is, or « non mesuré » and the reason.

    Parameters
    ----------
    scope : Scope
        The EPCI.
    tables, texts : mapping
        Numbered tables and paragraphs of the annex.
    """
    return Table(
        title="Les trente-six éléments d'une annexe territoriale",
        header=_HEADER,
        rows=tuple(_row(item, scope, tables, texts) for item in ITEMS),
        note=(
            "Liste établie d'après le décret et les diagnostics publiés. Un élément absent, ou une part d'un élément, "
            f"est «{NBSP}non mesuré{NBSP}» avec sa raison, jamais estimé."
        ),
    )


def _row(item: Item, scope: Scope, tables: Mapping[str, Table], texts: Mapping[str, Texts]) -> Texts:
    reason = item.reason(scope)
    absent = item.number in _BY_CRITERION and bool(reason)
    where = NONE if absent else _where(item, tables, texts)
    if where == NONE and not reason:
        reason = _NO_DIAGNOSIS
    return str(item.number), item.label, where, f"Non mesuré{NBSP}: {reason}" if reason else NONE


def _where(item: Item, tables: Mapping[str, Table], texts: Mapping[str, Texts]) -> str:
    """Say in which parts an element is, with the numbers of its tables; a dash where it is in none."""
    said = []
    for part in PARTS:
        keys = [block.key for block in part.blocks if block.kind == "table" and block.key in item.tables]
        ranks = [tables[key].number for key in keys if tables[key].number]
        told = any(block.kind == "texts" and block.key in item.texts and texts[block.key] for block in part.blocks)
        told = told or any(tables[key].empty for key in keys if not tables[key].rows)
        if ranks:
            noun = "tableau" if len(ranks) == 1 else "tableaux"
            said.append(f"{_place(part.title)}, {noun}{NBSP}{listing([str(rank) for rank in ranks])}")
        elif told or (item.picture and any(block.kind == "picture" for block in part.blocks)):
            said.append(_place(part.title))
    return semicolons(said) or NONE


def _place(title: str) -> str:
    """Write where a part is.

    Examples
    --------
    >>> _place("3. Accès aux services").replace(NBSP, " "), _place("Relevé par commune")
    ('Partie 3', 'Relevé par commune')
    """
    rank, dot, _ = title.partition(".")
    return f"Partie{NBSP}{rank}" if dot else title
