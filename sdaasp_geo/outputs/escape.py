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

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_SPACES = re.compile("[\t\n\r\u2028\u2029]+")
_FORMULA = tuple("\t\r\n=+-@\uff1d\uff0b\uff0d\uff20")  # the last four are the wide forms
_STEM_LENGTH = 60
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
NO_NAME = "sans-nom"


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
    return _INVISIBLE.sub("", _SPACES.sub(" ", str(value)))


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
    """Return a value that no spreadsheet takes for a formula; only texts are changed.

    A text that begins with a tab, a line break, ``=``, ``+``, ``-`` or ``@`` (wide forms included, after spaces or
    not) gets a leading apostrophe.

    Examples
    --------
    >>> safe_cell("=1+1"), safe_cell("Tarbes"), safe_cell(-3)
    ("'=1+1", 'Tarbes', -3)
    """
    if isinstance(value, str) and (value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA)):
        return f"'{value}"
    return value


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
