"""Priorities of a diagnosis, as action sheets write them, and the criteria or themes that they stand for."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import msgspec

from sdaasp_geo.action_plan import fold
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.toml_files import read_toml

COLUMNS = ("priorite", "critere", "theme", "remarque")
"""Columns of a scheme's own table."""

_SEPARATORS = ",;\t"
_LEADING = ("critere", "criteres", "priorite", "priorites", "thematique", "theme")
_SHORTEST_PLURAL = 4
_NO_CRITERION, _NO_THEME = "l'un des critères", "l'un des thèmes"
_SEVERAL = f"Séparez plusieurs codes par «{NBSP}|{NBSP}»."


class PlainTheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A theme that no criterion measures: its code and its French label."""

    code: str
    label: str


class Priority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A priority of a diagnosis.

    Attributes
    ----------
    label, synonyms : str, tuple of str
        How sheets write it.
    criteria : tuple of str
        Codes of criteria of deficit or of rules of time.
    themes : tuple of str
        Codes of themes: all the criteria in force of each.
    reference, reference_url : str
        Who says so.
    remark : str
        What the analyst who tied it wrote.
    """

    label: str
    reference: str
    synonyms: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    reference_url: str = ""
    remark: str = ""


class Priorities(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Priorities and the themes that only they name; where two share words, the last one stands."""

    version: str = ""
    theme: tuple[PlainTheme, ...] = ()
    priority: tuple[Priority, ...] = ()


def priority_key(words: str) -> str:
    """Return what two writings of a priority have in common: accents, capitals, plurals, a leading « Critère » aside.

    Examples
    --------
    >>> priority_key("Critères - HORAIRES d'ouverture"), priority_key("horaire d’ouverture")
    ('horaire d ouverture', 'horaire d ouverture')
    >>> priority_key("Critère")
    'critere'
    """
    parts = fold(words).split()
    while len(parts) > 1 and parts[0] in _LEADING:
        parts = parts[1:]
    return " ".join(part.removesuffix("s") if len(part) > _SHORTEST_PLURAL else part for part in parts)


def priority_index(priorities: Priorities) -> dict[str, Priority]:
    """Return the priorities by `priority_key` of each of their writings."""
    return {
        priority_key(words): priority
        for priority in priorities.priority
        for words in (priority.label, *priority.synonyms)
    }


def read_priorities(
    path: Path | None = None, *, criteria: Collection[str] = (), themes: Mapping[str, str] | None = None
) -> Priorities:
    """Read the priorities of the package, completed or replaced, word for word, by those of a scheme's own table.

    Parameters
    ----------
    path : Path, optional
        A CSV file (UTF-8 or Windows-1252; comma, semicolon or tab) with the columns `COLUMNS`: one priority a row,
        with codes of criteria (separated by ``|``) or themes (code or label), or both; several rows add up.
    criteria : collection of str
        Codes of the criteria and rules that exist.
    themes : mapping
        Labels of the themes of the criteria by code; those of the package's priorities are added.

    Raises
    ------
    SchemeError
        When the package's table cannot be read.
    InputError
        Faults of the scheme's table, all together: columns missing or unknown, a row without words, tied to nothing,
        or tied to a criterion or a theme that does not exist.
    """
    embedded = _decode(Path(__file__).with_suffix(".toml"))
    if path is None:
        return embedded
    known = {**(themes or {}), **{theme.code: theme.label for theme in embedded.theme}}
    own = _own(path, frozenset(criteria), known)
    return Priorities(
        version=f"{embedded.version} + {path.name}",
        theme=embedded.theme,
        priority=(*embedded.priority, *own),
    )


def _decode(path: Path) -> Priorities:
    fault = f"Priorités illisibles dans {path.name}"
    return read_toml(path, kind=Priorities, fault=fault, remedy="Reprenez la forme de priorities.toml.")


def _own(path: Path, criteria: frozenset[str], themes: Mapping[str, str]) -> tuple[Priority, ...]:
    """Read the rows of a scheme's table and join those of one priority."""
    rows = list(_rows(path))
    spelled = {fold(words): code for code, label in themes.items() for words in (label, code)}
    found: dict[str, Priority] = {}
    faults: list[Fault] = []
    for number, row in rows:
        tied = _cut(row["critere"])
        named = [spelled.get(fold(words), "") for words in _cut(row["theme"])]
        faults += _row_faults(path.name, number, row, criteria=criteria, spelled=spelled, themes=themes)
        key = priority_key(row["priorite"])
        before = found.get(key, Priority(label=row["priorite"], reference=f"Table du schéma ({path.name})"))
        found[key] = msgspec.structs.replace(
            before,
            criteria=tuple(dict.fromkeys((*before.criteria, *tied))),
            themes=tuple(dict.fromkeys((*before.themes, *named))),
            remark=f"{NARROW_NBSP}; ".join(dict.fromkeys(text for text in (before.remark, row["remarque"]) if text)),
        )
    if faults:
        raise InputError(faults)
    return tuple(found.values())


def _row_faults(
    file: str,
    number: int,
    row: Mapping[str, str],
    *,
    criteria: frozenset[str],
    spelled: Mapping[str, str],
    themes: Mapping[str, str],
) -> Iterator[Fault]:
    if not row["priorite"]:
        yield Fault(file, number, "priorite", "", "une priorité", "Écrivez-la comme dans les fiches.")
    if not row["critere"] and not row["theme"]:
        yield Fault(file, number, "critere", "", "un critère ou un thème", "Complétez l'une des deux colonnes.")
    for code in _cut(row["critere"]):
        if code not in criteria:
            yield Fault(file, number, "critere", code, f"{_NO_CRITERION} {', '.join(sorted(criteria))}", _SEVERAL)
    for words in _cut(row["theme"]):
        if fold(words) not in spelled:
            yield Fault(file, number, "theme", words, f"{_NO_THEME} {', '.join(sorted(themes))}", _SEVERAL)


def _cut(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Read the rows of a scheme's table with their number in a spreadsheet, every column of `COLUMNS` as text."""
    table = list(_cells(path))
    header = [fold(cell) for cell in table[0]] if table else []
    while header and not header[-1]:
        header.pop()
    faults = [
        Fault(path.name, 1, name, name, f"les colonnes {', '.join(COLUMNS)}", "Renommez ou retirez cette colonne.")
        for position, name in enumerate(header)
        if name not in COLUMNS or name in header[:position]
    ]
    if "priorite" not in header:
        remedy = f"Donnez un fichier qui commence par la ligne {','.join(COLUMNS)}."
        faults = [Fault(path.name, 1, "priorite", "", "une colonne de ce nom", remedy)]
    if faults:
        raise InputError(faults)
    for number, cells in enumerate(table[1:], start=2):
        if any(cells[len(header) :]):
            remedy = "Vérifiez les séparateurs et les guillemets."
            raise InputError([Fault(path.name, number, "", str(len(cells)), f"{len(header)} cellules", remedy)])
        if any(cells):
            yield number, dict.fromkeys(COLUMNS, "") | dict(zip(header, cells, strict=False))


def _cells(path: Path) -> Iterator[list[str]]:
    content = path.read_bytes()
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        remedy = "Enregistrez le fichier en CSV UTF-8."
        raise InputError([Fault(path.name, None, "", "", "un texte en UTF-8 ou Windows-1252", remedy)])
    separator = max(_SEPARATORS, key=text.split("\n", 1)[0].count)
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            yield [" ".join(cell.split()) for cell in cells]
    except csv.Error as error:
        remedy = "Un guillemet ouvert n'est sans doute pas refermé."
        raise InputError([Fault(path.name, None, "", "", "un fichier CSV lisible", remedy)]) from error
