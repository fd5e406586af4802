"""One mention of a territory, read by rules: what it stands for, or why it is not sure, and what it may be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz, process

from sdaasp_geo.layers.gazetteer import Gazetteer, Key, successors
from sdaasp_geo.layers.names import COMMUNE, DEPARTEMENT, EPCI, NUMBERS, PETR, Form, fold, name_keys, read_form
from sdaasp_geo.layers.territories import majority_epci

KNOWN, TO_CONFIRM, AMBIGUOUS, UNKNOWN = "reconnu", "à confirmer", "ambigu", "inconnu"
STATUSES = (KNOWN, TO_CONFIRM, AMBIGUOUS, UNKNOWN)
ALL_OF = {EPCI: "tous les EPCI", PETR: "tous les PETR", COMMUNE: "toutes les communes"}
"""Kind of a mention of every territory of a kind."""

EMPTY = "aucun texte"
NO_NAME = "aucun territoire de ce nom"
NEAR = "orthographe proche, à vérifier"
SEVERAL = "plusieurs territoires de ce nom"
OUTSIDE = "hors du département"
OTHER_YEAR = "n'existe pas dans ce millésime"
OTHER_FORM = "autre forme juridique"
BARE_WORD = "un seul mot, sans forme juridique"
DISAGREE = "le nom et le code ne concordent pas"
NO_ZERO = "zéro manquant devant le code"
NO_CODE = "code absent de ce millésime"
ASIDE = "précision entre parenthèses non comprise"
BESIDE = "à la suite d'un nom non reconnu"
WHICH_DEPARTEMENT = "département à préciser"
ALL_OR_SOME = "tous ou certains seulement, à préciser"


EXACT = 100.0
_SHOWN, _LIKE, _ALMOST, _POSTAL_CODE = 5, 75.0, 99.9, 5
_SIGNS = " \u00a0\u202f:,-–"
_LINKS = re.compile(r"^(?:(?:la|le|les|l|du|de|des|d) )+")
_EMPTY_ASIDE = re.compile(r"[(\[]\W*[)\]]")
_CODE = re.compile(r"(?<![\dA-Za-z])(?:\d{3}[\s.]?\d{3}[\s.]?\d{3}|\d{5}|2[ABab]\d{3})(?![\dA-Za-z])")
_PLACE = r"0[1-9]|[1-9]\d|2[ABab]|97[1-6]"
_PLACE_CODE = re.compile(rf"[(\[]\s*({_PLACE})\s*[)\]]|^\W*({_PLACE})(?=\W|$)|(?<=\s)({_PLACE})\W*$")
_LABEL = re.compile(r"\b(?:siren|insee|cog|code)\b|\bn°", re.IGNORECASE)
_ASIDE = re.compile(r"[(\[]([^)\]]*)[)\]]")
_PREFIX = re.compile(
    r"^(?:sur |dans |pour |a )*(?:(?:tout|toute|l ensemble|ensemble|la totalite|l integralite|l echelle|territoires?"
    r"|perimetre|le territoire|le perimetre) (?:du|de|des|d|le|la|l) )+(?:la |le |l |les )?"
)
_WHOLE = re.compile(
    r"^(?:sur |dans |pour |a |tout |toute |le |la |l |du |de |ensemble |totalite |integralite |echelle |territoire )*"
    r"(?:departement(?: entier| tout entier| dans son ensemble)?|departementale?)$"
)
_ALL = re.compile(
    r"^(?:sur |dans |pour |a )?(?P<all>chaque |chacun des |tous les |toutes les |l ensemble des |ensemble des "
    r"|la totalite des )?(?:les )?(?:(?P<count>\d+|"
    + "|".join(NUMBERS.values())
    + r") )?(?P<what>epci|intercommunalites?|petr|communes?)(?: (?:du|de|des|de la|de l|d) (?P<where>.+))?$"
)
WHAT = {"epci": EPCI, "intercommunalite": EPCI, "petr": PETR, "commune": COMMUNE}

_NO_ZERO = re.compile(r"\W*(?:d[ée]p[a-zé]*\W*)?(\d|\d{4})\W*", re.IGNORECASE)


class Reader(NamedTuple):
    """What readings stand on; ``near`` keeps the names to propose, by kind, and ``seen`` what was read."""

    gazetteer: Gazetteer
    departement: str | None
    vintage: int
    kinds: tuple[str, ...]
    signatories: tuple[str, ...] | None
    near: dict[str, tuple[list[str], list[Key]]]
    seen: dict[tuple[str, str], Reading]


class Reading(NamedTuple):
    """What a text stands for: its territories when they are sure, candidates otherwise."""

    status: str
    keys: tuple[Key, ...] = ()
    note: str = ""
    score: float = EXACT
    kind: str = ""
    formed: bool = False

    @property
    def sure(self) -> bool:
        """Whether rules found territories, one or several of one name."""
        return self.status in {KNOWN, AMBIGUOUS}

    @property
    def ruled(self) -> bool:
        """Whether rules found territories, sure or to confirm."""
        return self.score == EXACT


def read_mention(reader: Reader, text: str, carried: str = "") -> Reading:
    """Read a text as one mention, by rules alone.

    Parameters
    ----------
    reader : Reader
        Gazetteer, département, vintage, kinds.
    text : str
        The mention.
    carried : str
        Kind stated before, for a name that states none (« communes de Banon, *Manosque* »).
    """
    folded = fold(text)
    reading = _read_whole(reader, folded) or _by_name(reader, text, carried) or _by_code(reader, text, carried)
    if reading is not None:
        return reading
    asides = _ASIDE.findall(text)
    if asides:
        return _without_asides(reader, text, asides, carried)
    shorter = _PREFIX.sub("", folded)
    if shorter and shorter != folded:
        return read_mention(reader, shorter, carried)
    return Reading(UNKNOWN, note=NO_NAME, score=0.0, formed=bool(read_form(folded).kind))


def _read_whole(reader: Reader, folded: str) -> Reading | None:
    """Read « tout le département », « chaque EPCI », « les 5 PETR », « toutes les communes »."""
    here = () if reader.departement is None else ((DEPARTEMENT, reader.departement),)
    if _WHOLE.match(folded) and DEPARTEMENT in reader.kinds:
        status = KNOWN if here else TO_CONFIRM
        return Reading(status, here, "" if here else WHICH_DEPARTEMENT, formed=True, kind=DEPARTEMENT)
    match = _ALL.match(folded)
    if match is None:
        return None
    what = WHAT[match["what"].removesuffix("s")]
    if what not in reader.kinds or not _is_here(reader, match["where"] or ""):
        return None
    if not here:
        return Reading(TO_CONFIRM, (), WHICH_DEPARTEMENT, formed=True, kind=ALL_OF[what])
    keys = tuple(_every(reader, what))
    told = {word: int(digits) for digits, word in NUMBERS.items()}.get(match["count"] or "", match["count"])
    reading = Reading(KNOWN, keys, formed=True, kind=ALL_OF[what])
    if told is not None and int(told) != len(keys):
        return reading._replace(status=TO_CONFIRM, note=f"{told} annoncés, {len(keys)} connus")
    return reading if match["all"] or told else reading._replace(status=TO_CONFIRM, note=ALL_OR_SOME)


def _is_here(reader: Reader, where: str) -> bool:
    if where in {"", "departement", "territoire"}:
        return True
    found = _lookup(reader, DEPARTEMENT, where)
    return [key[1] for key in found] == [reader.departement] or where == reader.departement


def _every(reader: Reader, kind: str) -> list[Key]:
    gazetteer, place = reader.gazetteer, str(reader.departement)
    if kind == EPCI:
        current = gazetteer.communes[gazetteer.communes["vintage"] == reader.vintage]
        signing = reader.signatories or majority_epci(current, departement=place)
        return [(EPCI, siren) for siren in signing if (EPCI, siren) in gazetteer.territories]
    return sorted(
        key
        for key, territory in gazetteer.territories.items()
        if key[0] == kind and reader.vintage in territory.years and place in territory.departements
    )


def _lookup(reader: Reader, kind: str, name: str) -> tuple[Key, ...]:
    """Return the territories of one kind whose name has a key of this one, by the strictest key that has any."""
    for rank, tier in enumerate(name_keys(name, kind)):
        found = {key for words in tier for key in reader.gazetteer.by_name.get((kind, rank, words), ())}
        if found:
            alive = {key for key in found if reader.vintage in reader.gazetteer.territories[key].years}
            return tuple(sorted(alive or found))
    return ()


def _kinds(reader: Reader, form: Form, carried: str) -> tuple[str, ...]:
    told = form.kind or carried
    return tuple(kind for kind in reader.kinds if not told or kind == told)


def _by_name(reader: Reader, text: str, carried: str, *, place: str | None = None) -> Reading | None:
    """Read a name by the rules of spelling; ``place`` keeps the territories of one département."""
    folded = fold(text)
    form = read_form(folded)
    found = [key for kind in _kinds(reader, form, carried) for key in _lookup(reader, kind, text)]
    if place is not None:
        found = [key for key in found if place in _places(reader, key)]
    if not found:
        return None
    reading = _settle(reader, tuple(found))._replace(formed=bool(form.kind))
    if reading.status != KNOWN:
        return reading
    key = reading.keys[0]
    free = not form.kind and not carried and len(reader.kinds) > 1
    if free and key[0] in {EPCI, PETR} and len(folded.split()) == 1:
        return reading._replace(status=TO_CONFIRM, note=BARE_WORD)
    if key[0] == EPCI and reader.departement is None and place is None and _other_form(reader, form, key):
        return reading._replace(status=TO_CONFIRM, note=OTHER_FORM)
    return reading


def _settle(reader: Reader, found: tuple[Key, ...]) -> Reading:
    """Choose among territories of one name: those of the vintage and of the département, or none."""
    territories = reader.gazetteer.territories
    alive = tuple(key for key in found if reader.vintage in territories[key].years)
    if not alive:
        heirs = dict.fromkeys(heir for key in found for heir in successors(reader.gazetteer, key, reader.vintage))
        return Reading(TO_CONFIRM, tuple(heirs), OTHER_YEAR)
    place = reader.departement
    here = tuple(key for key in alive if place is None or place in territories[key].departements)
    if not here:
        return Reading(TO_CONFIRM, alive, OUTSIDE)
    return Reading(KNOWN, here) if len(here) == 1 else Reading(AMBIGUOUS, here, SEVERAL)


def is_own_name(reader: Reader, text: str, reading: Reading) -> bool:
    """Tell whether a text has every word of a name, links included: whole, or after the legal form."""
    folded = fold(text)
    rest = _LINKS.sub("", read_form(folded).rest)
    names = (fold(name) for key in reading.keys for name, _ in reader.gazetteer.territories[key].names)
    return any(folded == name or (reading.formed and rest == _LINKS.sub("", read_form(name).rest)) for name in names)


def _other_form(reader: Reader, form: Form, key: Key) -> bool:
    legal = {read_form(fold(name)).legal for name, _ in reader.gazetteer.territories[key].names}
    return bool(form.legal) and "" not in legal and form.legal not in legal


def _by_code(reader: Reader, text: str, carried: str) -> Reading | None:
    """Read a code, alone or with a name, which must agree."""
    lost = _NO_ZERO.fullmatch(text)
    if lost:
        keys = tuple(key for key in reader.gazetteer.by_code.get(f"0{lost[1]}", ()) if key[0] in reader.kinds)
        return Reading(TO_CONFIRM, keys, NO_ZERO, formed=True) if keys else None
    codes = [re.sub(r"[\s.]", "", code).upper() for code in _CODE.findall(text)]
    if not codes:
        return _by_place(reader, text, carried)
    rest = _EMPTY_ASIDE.sub(" ", _LABEL.sub(" ", _CODE.sub(" ", text))).strip(_SIGNS)
    return _agree(reader, list(dict.fromkeys(codes)), rest, carried)


def _by_place(reader: Reader, text: str, carried: str) -> Reading | None:
    """Read the code of a département, alone or after a name, which it places."""
    match = _PLACE_CODE.search(text)
    if match is None:
        return None
    place = next(group for group in match.groups() if group).upper()
    rest = _EMPTY_ASIDE.sub(" ", text.replace(match.group(), " ", 1)).strip(_SIGNS)
    if read_form(fold(rest)).kind == DEPARTEMENT or not fold(rest):
        return _agree(reader, [place], rest, carried)
    return _by_name(reader, rest, carried, place=place)


def _agree(reader: Reader, codes: Sequence[str], rest: str, carried: str) -> Reading | None:
    """Settle codes and the name written with them."""
    form = read_form(fold(rest))
    allowed = _kinds(reader, form, carried)
    coded = tuple(key for code in codes for key in reader.gazetteer.by_code.get(code, ()) if key[0] in allowed)
    if not form.rest and coded and len(codes) == 1:
        return _settle(reader, coded)._replace(formed=True)
    named = _by_name(reader, rest, carried) if form.rest else None
    both = tuple(key for key in coded if named and key in named.keys)
    if len(both) == 1 == len(codes):
        return _settle(reader, both)._replace(formed=True)
    if named and not coded and len(codes) == 1 and len(codes[0]) == _POSTAL_CODE:
        near = tuple(key for key in named.keys if codes[0].startswith(tuple(_places(reader, key))))
        if near:
            return _settle(reader, near)._replace(formed=True)
    candidates = tuple(dict.fromkeys((*coded, *(named.keys if named else ()))))
    if not candidates:
        return Reading(UNKNOWN, note=NO_CODE, score=0.0, formed=True)
    return Reading(TO_CONFIRM, candidates, DISAGREE if coded else NO_CODE, formed=True)


def _places(reader: Reader, key: Key) -> frozenset[str]:
    return reader.gazetteer.territories[key].departements


def _without_asides(reader: Reader, text: str, asides: Sequence[str], carried: str) -> Reading:
    """Read a text without what is in parentheses: an acronym says nothing more, a département chooses."""
    bare = _ASIDE.sub(" ", text)
    if not fold(bare):
        return read_mention(reader, " ".join(asides), carried)
    places = [key[1] for aside in asides for key in _lookup(reader, DEPARTEMENT, aside)]
    if len(asides) == len(places) == 1:
        placed = _by_name(reader, bare, carried, place=places[0])
        if placed is not None:
            return placed
    reading = read_mention(reader, bare, carried)
    if reading.status == KNOWN and not all(_is_acronym(aside, bare) for aside in asides):
        return reading._replace(status=TO_CONFIRM, note=ASIDE)
    return reading


def _is_acronym(aside: str, name: str) -> bool:
    """Tell whether letters are initials of a name, in its order (``CCPB`` of « CC du Pays Bellegardien »)."""
    letters, folded = fold(aside), fold(name)
    words = folded.replace("cc ", "communaute communes ", 1).replace("ca ", "communaute agglomeration ", 1).split()
    initials = iter([word[0] for word in words])
    return " " not in letters and len(letters) > 1 and all(letter in initials for letter in letters)


def propose(reader: Reader, text: str, carried: str = "") -> Reading:
    """Propose the names most like a text: never more than *à confirmer*.

    The score is the mean of two likenesses of rapidfuzz (0-100): all the words in any order, and the words in common.
    """
    form = read_form(fold(text))
    nothing = Reading(UNKNOWN, note=NO_NAME, score=0.0, formed=bool(form.kind))
    tiers = name_keys(text, EPCI)
    best: dict[Key, float] = {}
    for kind in _kinds(reader, form, carried) if tiers else ():
        known, keys = _near(reader, kind)
        if not known:
            continue
        words = list(tiers[1])
        every = process.cdist(words, known, scorer=fuzz.token_sort_ratio, dtype=np.float64)[0]
        common = process.cdist(words, known, scorer=fuzz.token_set_ratio, dtype=np.float64)[0]
        scores = (every + common) / 2
        for i in np.argsort(-scores, kind="stable")[: 4 * _SHOWN]:
            if scores[i] >= _LIKE:
                best[keys[i]] = max(best.get(keys[i], 0.0), float(scores[i]))
    if not best:
        return nothing
    shown = tuple(sorted(best, key=lambda key: (-best[key], key))[:_SHOWN])
    score = min(round(best[shown[0]], 1), _ALMOST)
    return Reading(TO_CONFIRM, shown, NEAR, score, formed=bool(form.kind))


def _near(reader: Reader, kind: str) -> tuple[list[str], list[Key]]:
    """List the names of one kind that may be proposed: territories of the vintage, in the département."""
    if kind not in reader.near:
        pairs = [
            (words, key)
            for (of, rank, words), keys in reader.gazetteer.by_name.items()
            if of == kind and rank == 1
            for key in keys
            if reader.vintage in reader.gazetteer.territories[key].years
            and (reader.departement is None or reader.departement in _places(reader, key))
        ]
        reader.near[kind] = [words for words, _ in pairs], [key for _, key in pairs]
    return reader.near[kind]
