"""The one place where text of the data is made inert: in HTML, in scripts, in spreadsheets, in file names.

Names of communes, services and EPCI come from files that anyone may have written. Every output passes them
through one of these functions; nothing else in the package escapes anything.
"""

from __future__ import annotations

import html
import re
from typing import TypeVar

from slugify import slugify

Value = TypeVar("Value")

_HIDDEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # no letters
    "\u00ad\u180e\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # without width
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # order of letters
)
_INVISIBLE = re.compile(f"[{_HIDDEN}]")
_CARRIAGE = re.compile("\r\n?")
_SPACES = re.compile("[\t\n\r\u2028\u2029]+")
_INNER_CELL = re.compile(r"([;\t\n]\s*)(?=[=+@\uff1d\uff0b\uff20]|-\S)")
_FORMULA = tuple("\t\r\n=+-@\uff1d\uff0b\uff0d\uff20")  # the last four are the wide forms
_STEM_LENGTH = 60
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
NO_NAME = "sans-nom"


def visible_text(text: str) -> str:
    r"""Return a text without control characters nor marks that reorder or hide others; its lines stay.

    Joiners (U+200C, U+200D) stay: emoji and several scripts need them. Letters written from right to left stay too:
    without marks, a line goes on in its own order after them.

    Examples
    --------
    >>> visible_text("Tar\u202ebes\r\n(65)\x00")
    'Tarbes\n(65)'
    """
    return _INVISIBLE.sub("", _CARRIAGE.sub("\n", text))


def plain_text(value: object) -> str:
    r"""Return a text on one line, without control characters nor marks that reorder or hide other characters.

    No-break spaces stay. A missing value (None or NaN) gives an empty text.

    Examples
    --------
    >>> plain_text("Tar\u202ebes\n(65)\x00")
    'Tarbes (65)'
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN, of any type, is the value that differs from itself
        return ""
    return visible_text(_SPACES.sub(" ", str(value)))


def html_text(value: object) -> str:
    """Return a text that HTML shows as it is, in an element or in a quoted attribute.

    Backticks, ``$`` and braces are escaped too, so that the text is inert inside a JavaScript template literal,
    where folium puts some of its texts, and in a Jinja template.

    Examples
    --------
    >>> html_text("<b>&`${x}`")
    '&lt;b&gt;&amp;&#96;&#36;&#123;x&#125;&#96;'
    """
    escaped = html.escape(plain_text(value), quote=True)
    for character in "`${}\\":
        escaped = escaped.replace(character, f"&#{ord(character)};")
    return escaped


def inline_script(text: str) -> str:
    """Return a script that may stand between ``<script>`` tags; refuse one that could leave them.

    Raises
    ------
    ValueError
        When the text closes its element or opens a comment: a defect of the caller, which must encode its data.
    """
    if re.search(r"</script|<script|<!--", text, re.IGNORECASE):
        message = "a script must not contain </script, <script or <!--"
        raise ValueError(message)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def safe_cell(value: Value) -> Value | str:
    r"""Return a value that no spreadsheet takes for a formula; only texts are changed.

    A text that begins with a tab, a line break, ``=``, ``+``, ``-`` or ``@`` (wide forms included, after spaces and
    characters that nobody sees, or not) gets a leading apostrophe. So does what follows a semicolon, a tab or a line
    break: a French spreadsheet that opens a CSV with commas cuts a cell there. Carriage returns become line breaks: a
    CSV does not always quote them, and what follows would begin a row.

    Examples
    --------
    >>> safe_cell("=1+1"), safe_cell("Tarbes\r=1+1"), safe_cell("a; =1+1"), safe_cell(-3)
    ("'=1+1", "Tarbes\n'=1+1", "a; '=1+1", -3)
    """
    if not isinstance(value, str):
        return value
    text = _INNER_CELL.sub(r"\1'", _CARRIAGE.sub("\n", value))
    if text.startswith(_FORMULA) or visible_text(text).lstrip().startswith(_FORMULA):
        return f"'{text}"
    return text


def csv_cell(value: Value) -> Value | str:
    r"""Return a value as a CSV for people holds it: `safe_cell` of the `visible_text`; only texts are changed.

    Examples
    --------
    >>> csv_cell("\u200b=1+1"), csv_cell("Tar\u202ebes"), csv_cell("a;\u200b=1+1"), csv_cell(-3)
    ("'=1+1", 'Tarbes', "a;'=1+1", -3)
    """
    return safe_cell(visible_text(value)) if isinstance(value, str) else value


def safe_file_stem(code: object, name: object) -> str:
    """Return a file name without extension: the code (SIREN) then a slug of the name, ASCII, never a path.

    Examples
    --------
    >>> safe_file_stem("200069300", "CA Tarbes-Lourdes-Pyrénées")
    '200069300-ca-tarbes-lourdes-pyrenees'
    >>> safe_file_stem("1", "../../etc"), safe_file_stem("", "")
    ('1-etc', 'sans-nom')
    """
    parts = [slugify(plain_text(part), max_length=_STEM_LENGTH, word_boundary=True) for part in (code, name)]
    stem = "-".join(part for part in parts if part)
    if not stem:
        return NO_NAME
    return f"{NO_NAME}-{stem}" if _RESERVED.fullmatch(stem) else stem
