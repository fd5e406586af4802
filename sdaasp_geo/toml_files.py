"""Files of settings that people write (TOML): of a bounded size, decoded into frozen structures, refused in French."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import TypeVar

import msgspec

from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP

MOST_BYTES = 10_000_000
"""A file of settings is written by hand: the largest one shipped has 30 kB."""

Kind = TypeVar("Kind")

_SHOWN = 120
"""Letters of a key that a message repeats."""

_KEY_PLACE = re.compile(r" - at `\$\.?(?P<key>.*)`$", re.DOTALL)
_TEXT_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_KINDS = {
    "int": "un nombre entier",
    "float": "un nombre",
    "str": "un texte entre guillemets",
    "bool": "true ou false",
    "array": "une liste",
    "object": "une section",
    "date": "une date AAAA-MM-JJ sans guillemets",
    "datetime": "une date avec une heure",
    "time": "une heure",
    "null": "rien",
}
_STRUCTURE = (
    (re.compile(r"Object contains unknown field `(.*)`", re.DOTALL), "la clé {} n'existe pas"),
    (re.compile(r"Object missing required field `(.*)`", re.DOTALL), "il manque la clé {}"),
    (re.compile(r"Invalid (?:enum )?value '(.*)'", re.DOTALL), "la valeur {} n'est pas permise"),
)
_EXPECTED = re.compile(r"Expected `([^`]*)`(?:, got `([^`]*)`)?")
_UNCLOSED = f"un texte n'est pas fermé{NBSP}: il manque un guillemet"
_SYNTAX = (
    ("Illegal character '\\n'", _UNCLOSED),
    ("Unterminated string", _UNCLOSED),
    ("Expected '=' after a key", "il manque le signe = après la clé"),
    ("Expected ']", "il manque un crochet à la fin du nom de la section"),
    ("Expected newline", "il n'y a qu'une clé et sa valeur par ligne"),
    ("Expected ", _UNCLOSED),
    ("Illegal character", "un caractère n'est pas permis"),
    ("Found invalid character", "un caractère n'est pas permis"),
    ("Invalid value", f"la valeur n'est pas comprise{NBSP}: un texte se met entre guillemets"),
    ("Invalid statement", f"la ligne n'est pas comprise{NBSP}: écrivez clé = valeur, ou [section]"),
    ("Invalid initial character", "un nom de clé n'a que des lettres sans accent, des chiffres et des tirets"),
    ("Invalid date or datetime", "la date n'existe pas, ou n'est pas écrite AAAA-MM-JJ"),
    ("Invalid hex value", "le code du caractère n'est pas valide"),
    ("Escaped character is not", "le code du caractère n'est pas valide"),
    ("Unescaped '\\' in a string", "la barre oblique inverse se double entre guillemets"),
    ("Unclosed array", "une liste n'est pas fermée"),
    ("Unclosed inline table", "une accolade n'est pas fermée"),
    ("Duplicate inline table key", "une clé est donnée deux fois"),
    ("Cannot overwrite a value", "une clé est donnée deux fois"),
    ("Cannot ", "une section est donnée deux fois"),
)
_READING = {
    errno.ENOENT: "le fichier est introuvable",
    errno.EACCES: "l'accès au fichier est refusé",
    errno.EPERM: "l'accès au fichier est refusé",
    errno.EISDIR: "un dossier est à la place du fichier",
    errno.EIO: "le disque ou le réseau n'a pas répondu",
}


def read_toml(path: Path, *, kind: type[Kind], fault: str, remedy: str) -> Kind:
    """Decode a file.

    Parameters
    ----------
    path : Path
        The file.
    kind : type
        The structure (msgspec) that it must have.
    fault, remedy : str
        Sentences in French, before and after the cause.

    Raises
    ------
    SchemeError
        When it cannot be read, is too large, nests too deeply, or has another structure.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            message = f"{fault}{NBSP}: plus de {MOST_BYTES // 1_000_000} Mo. {remedy}"
            raise SchemeError(message)
        return msgspec.toml.decode(path.read_bytes(), type=kind)
    except (msgspec.MsgspecError, OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        message = f"{fault}{NBSP}: {_cause_of(error)}. {remedy}"
        raise SchemeError(message) from error


def _cause_of(error: Exception) -> str:
    """Return in French, with its place, why a file is refused: what the libraries say is in English."""
    if isinstance(error, OSError):
        return _READING.get(error.errno or 0, f"le fichier n'a pas pu être lu (erreur {error.errno or 'inconnue'})")
    if isinstance(error, UnicodeDecodeError):
        line = error.object[: error.start].count(b"\n") + 1
        return f"le fichier n'est pas en UTF-8 (ligne{NBSP}{line})"
    if isinstance(error, RecursionError):
        return "des listes ou des sections sont trop imbriquées"
    if isinstance(error, msgspec.ValidationError):
        return _structure_cause(str(error))
    return _syntax_cause(str(error))


def _structure_cause(said: str) -> str:
    """Return what is wrong with a key, and where it stands.

    Examples
    --------
    >>> _structure_cause("Expected `int`, got `str` - at `$.rule[0].minutes`").replace(NBSP, " ")
    '« rule n° 1.minutes » doit être un nombre entier, et non un texte entre guillemets'
    >>> _structure_cause("Object contains unknown field `code` - at `$.mesure`").replace(NBSP, " ")
    "la clé « code » n'existe pas (dans « mesure »)"
    """
    found = _KEY_PLACE.search(said)
    what = said[: found.start()] if found else said
    key = re.sub(r"\[(\d+)\]", lambda rank: f" n°{NBSP}{int(rank[1]) + 1}", found["key"]) if found else ""
    key = key.replace("[...]", ".…")
    expected = _EXPECTED.fullmatch(what)
    if expected and key:
        wanted = f"{_quoted(key)} doit être {_kinds(expected[1])}"
        return f"{wanted}, et non {_kinds(expected[2])}" if expected[2] else wanted
    inside = f" (dans {_quoted(key)})" if key else ""
    for pattern, french in _STRUCTURE:
        if match := pattern.fullmatch(what):
            return f"{french.format(_quoted(match[1]))}{inside}"
    return f"une valeur n'est pas permise{inside}"


def _kinds(said: str) -> str:
    return " ou ".join(_KINDS.get(kind, "une autre valeur") for kind in said.split(" | "))


def _syntax_cause(said: str) -> str:
    r"""Return what is wrong with the writing of a file, with the line and the column.

    Examples
    --------
    >>> _syntax_cause("Illegal character '\\n' (at line 1, column 10)").replace(NBSP, " ")
    "un texte n'est pas fermé : il manque un guillemet (ligne 1, colonne 10)"
    """
    found = _TEXT_PLACE.search(said)
    cause = next((french for start, french in _SYNTAX if said.startswith(start)), "le fichier n'est pas du TOML valide")
    if found is None:
        return cause
    if found["line"] is None:
        return f"{cause} (à la fin du fichier)"
    return f"{cause} (ligne{NBSP}{found['line']}, colonne{NBSP}{found['column']})"


def _quoted(name: str) -> str:
    shown = "".join(letter for letter in name if letter.isprintable() or letter == NBSP)[:_SHOWN]
    return f"«{NBSP}{shown}{NBSP}»"
