"""The order of an annex, said once: its parts and what each holds, for the page, the document and the PDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.annexe_model import AnnexeFacts

Kind = Literal["heading", "texts", "table", "picture", "signatures"]
Look = Literal["", "box", "list", "keep"]

WIDTH_CM = 17.4
"""Width of the text: A4 less margins of 1.8 cm."""


_HIGHEST_CM = 16.0


def picture_cm(map_png: bytes) -> tuple[float, float]:
    """Return the width and height of the map on the page: as wide as the text, but not too high to stay with it.

    Parameters
    ----------
    map_png : bytes
        A PNG, whose header gives the size in pixels.
    """
    wide, high = (int.from_bytes(map_png[start : start + 4]) for start in (16, 20))
    width = min(WIDTH_CM, _HIGHEST_CM * wide / high)
    return width, width * high / wide


@dataclass(frozen=True)
class Block:
    """A piece of a part.

    Attributes
    ----------
    kind : str
        ``heading``, ``texts`` (paragraphs), ``table``, ``picture`` (the map) or ``signatures``.
    key : str
        Texts or table of the facts; a heading with a key takes its words from there.
    words : str
        Words of a heading.
    level : int
        Level of a heading: 2 or 3 (the title of a part is 1).
    given : str
        A heading stands only where this table has rows, or these texts exist.
    widths : tuple of float
        Widths of the columns of a table, cm; they add up to `WIDTH_CM`.
    right : tuple of int
        Columns of a table that hold figures, from 0.
    look : str
        Of paragraphs: ``box`` (method box), ``list`` (bullets), ``keep`` (with what follows).
    """

    kind: Kind
    key: str = ""
    words: str = ""
    level: int = 2
    given: str = ""
    widths: tuple[float, ...] = ()
    right: tuple[int, ...] = ()
    look: Look = ""


@dataclass(frozen=True)
class Part:
    """A numbered part: identifier (anchor), title, blocks, whether it begins a page, whether it is framed."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    new_page: bool = False
    boxed: bool = False


def _title(words: str, *, level: int = 2, given: str = "", key: str = "") -> Block:
    return Block("heading", words=words, level=level, given=given, key=key)


def _texts(key: str, *, look: Look = "") -> Block:
    return Block("texts", key=key, look=look)


def _table(key: str, widths: Sequence[float], *, right: Sequence[int] = ()) -> Block:
    return Block("table", key=key, widths=tuple(widths), right=tuple(right))


_PLACES = (4.2, 2.2, 1.9, 1.5, 5.0, 2.6)

HEAD: tuple[Block, ...] = (_texts("chapeau"),)
"""What stands between the title and the table of contents."""

PARTS: tuple[Part, ...] = (
    Part(
        "p1",
        "1. Carte d'identité",
        (
            _table("identite", (4.6, 12.8)),
            _table("perimetre", (4.2, 3.3, 3.3, 3.3, 3.3), right=(1, 2, 3, 4)),
            _table("recensement", (6.6, 3.2, 3.2, 4.4), right=(1, 2, 3)),
            _table("profil", (8.0, 3.0, 3.2, 3.2), right=(1, 2, 3)),
            _table("limitrophes", (5.0, 2.3, 2.5, 2.9, 4.7), right=(2, 3)),
            _title(f"Périmètre{NBSP}: différences et évolution"),
            _texts("perimetre"),
        ),
    ),
    Part(
        "p2",
        "2. Les services présents",
        (
            _table("formats", (5.4, 1.7, 2.0, 2.0, 2.0, 2.7, 1.6), right=(1, 2, 3, 4, 5, 6)),
            _table("services", _PLACES),
            _title("Présence partielle"),
            _table("partiel", _PLACES),
            _texts("services"),
        ),
    ),
    Part(
        "p3",
        "3. Accès aux services",
        (
            _table("temps", (5.4, 1.7, 1.7, 2.0, 1.9, 2.6, 2.1), right=(1, 2, 3, 4, 5, 6)),
            _table("deciles", (7.4, 2.3, 2.9, 2.3, 2.5), right=(1, 2, 3, 4)),
            _texts("inegalites"),
            _table("seuils", (7.6, 2.1, 1.7, 1.8, 2.1, 2.1), right=(1, 2, 3, 4, 5)),
            _table("choix", (7.6, 2.5, 2.5, 2.5, 2.3), right=(1, 2, 3, 4)),
            _title("Heures d'accès", given="heures"),
            _table("heures", (7.4, 1.9, 1.9, 2.3, 2.0, 1.9), right=(1, 2, 3, 4, 5)),
            _texts("offre"),
            _title("De part et d'autre des limites", given="frontieres"),
            _texts("acces"),
            _table("frontieres", (5.7, 2.3, 2.1, 2.1, 1.5, 1.8, 1.9), right=(1, 2, 3, 4, 5, 6)),
            _table("echanges", (5.0, 1.9, 1.7, 1.9, 1.7, 5.2), right=(1, 2, 3, 4)),
            _table("guichets", (5.7, 1.9, 1.4, 1.6, 1.8, 1.7, 1.6, 1.7), right=(1, 2, 3, 4, 5, 6, 7)),
            _texts("negociation"),
            _table("lieux", (5.2, 3.7, 4.8, 2.0, 1.7), right=(3, 4)),
        ),
    ),
    Part(
        "p4",
        "4. Communes au-delà d'un seuil ou à vérifier",
        (
            _texts("deficits"),
            _table("deficits", (2.4, 1.6, 1.6, 2.2, 1.6, 8.0), right=(1,)),
            _title("Zones déficitaires"),
            _table("zones", (2.9, 5.2, 2.2, 2.2, 1.7, 3.2), right=(2, 3, 4)),
            _title("Autres critères et autres seuils", given="criteres"),
            _table("criteres", (5.0, 1.8, 1.8, 1.6, 1.6, 1.3, 1.4, 1.4, 1.5), right=(5, 6, 7, 8)),
            _texts("criteres"),
            _table("sensibilite", (4.9, 1.9, 1.7, 1.3, 1.6, 1.5, 1.4, 1.4, 1.7), right=(1, 2, 3, 4, 5, 6, 7, 8)),
            _title("Écarts et actions du schéma"),
            _texts("ecarts"),
            _table("ecarts", (4.4, 2.2, 1.9, 3.6, 2.6, 2.7)),
        ),
    ),
    Part("p5", "5. Carte", (Block("picture", key="carte"),)),
    Part(
        "p6",
        "6. Projet de rédaction des articles de la convention territoriale",
        (
            _title("Article 2 – Engagements spécifiques au territoire"),
            _texts("article_2"),
            _title("3.1. Des réalités spécifiques au territoire", level=3),
            _texts("article_2_1"),
            _title("3.2. Des orientations adaptées à ces spécificités et aux projets du territoire", level=3),
            _texts("article_2_2"),
            _table("orientations", (5.6, 6.6, 5.2)),
            _title("", level=3, key="titre_2_3"),
            _texts("article_2_3"),
            _table("plan", (1.4, 5.6, 3.0, 4.0, 3.4)),
            _texts("article_2_3_propositions"),
            _table("actions", (0.8, 4.9, 4.2, 3.7, 3.8)),
            _texts("article_2_3_fin"),
            _title("Article 3 – Représentants de l'EPCI dans la gouvernance du schéma"),
            _texts("article_3"),
            _table("representants", (5.4, 3.8, 4.5, 3.7)),
            _title("Article 4 – Durée de la convention"),
            _texts("article_4"),
            _title("Signatures"),
            _texts("signature", look="keep"),
            Block("signatures"),
        ),
        new_page=True,
    ),
    Part("p7", "7. Éléments du diagnostic, mesurés ou non", (_table("elements", (0.9, 5.8, 3.9, 6.8)),)),
    Part(
        "p8",
        "8. Encadré méthode",
        (
            _texts("methode", look="box"),
            _table("regles", (4.1, 1.7, 2.1, 1.8, 7.7)),
            _table("sources", (4.0, 6.9, 3.2, 3.3)),
            _title("Avertissements", given="avertissements"),
            _texts("avertissements", look="list"),
        ),
        boxed=True,
    ),
    Part(
        "p9",
        "Relevé par commune",
        (_table("communes", (3.6, 1.6, 1.4, 3.3, 7.5), right=(1, 2)),),
        new_page=True,
    ),
)
"""The parts, in order."""


def stands(facts: AnnexeFacts, block: Block) -> bool:
    """Whether a block has something to show in an annex."""
    if block.kind == "heading":
        table = facts.tables.get(block.given)
        return not block.given or bool(table.rows if table else facts.texts.get(block.given))
    if block.kind == "table":
        return bool(facts.tables[block.key].rows or facts.tables[block.key].empty)
    return block.kind != "texts" or bool(facts.texts[block.key])


def words_of(facts: AnnexeFacts, block: Block) -> str:
    """Return the words of a heading."""
    return facts.texts[block.key][0] if block.key else block.words


def blocks(kind: Kind) -> Iterator[Block]:
    """Yield the blocks of one kind, in the order of the annex."""
    yield from (block for block in HEAD if block.kind == kind)
    yield from (block for part in PARTS for block in part.blocks if block.kind == kind)
