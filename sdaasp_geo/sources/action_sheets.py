"""Action sheets as people write them (text, DOCX, ODT), read by their labels; what is not recognised is in ``reste``.

Accents, spaces, plurals, bullets and page breaks vary; one letter may be wrong. A file may hold several sheets. No word
is lost: each is in a field, in ``reste``, or is the label of the field it opens.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from sdaasp_geo.action_plan import ACTION, ORIGIN, action_fields, fold, unmarked
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.document_text import PAGE_BREAK, read_document
from sdaasp_geo.sources.labels import Label, Labels

_CODE = r"\d{1,3}(?:[-.][A-Za-z0-9]{1,3}){1,3}|[A-Z]{1,2}\d{0,2}(?:[-.]\d{1,3}){1,3}"
_WORD = r"(?:fiche(?:[ -]action)?|action)\s*(?:n\s*[°\u00ba]|num[ée]ro)?"
_HEADINGS = (
    re.compile(
        rf"(?P<word>{_WORD})[\s:]*(?P<code>{_CODE}|\d{{1,3}}[a-z]?)(?!\w)\s*[:.–—-]*\s*(?P<titre>.*)", re.IGNORECASE
    ),
    re.compile(rf"(?P<word>)(?P<code>{_CODE})\s*[:.–—-]*\s+(?P<titre>\S.*)"),
)
_LABEL = re.compile(r"(?P<label>[^:\t]{1,80}?)\s*[:\t]\s*(?P<rest>.*)", re.DOTALL)
_PAGE = re.compile(r"(?:page\s*)?\d{1,3}(?:\s*(?:/|sur)\s*\d{1,3})?", re.IGNORECASE)
_MARKDOWN = re.compile(r"^#{1,6}\s+|\*\*|__")
_DASHES = "-\u2013\u2014\u2212\u2043"
_NEAR = 8
"""Lines, empty ones aside, between a heading and the first label of its sheet."""


@dataclass(frozen=True)
class ActionSheet:
    """One sheet: the line it begins at, its fields as text, and the words read as labels, which no field repeats."""

    line: int
    fields: dict[str, str]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    label: Label | None = None
    written: str = ""
    heading: re.Match[str] | None = None
    aside: bool = False


def read_action_sheets(path: Path) -> pd.DataFrame:
    """Read the action sheets of a text, DOCX or ODT file.

    Returns
    -------
    DataFrame
        One row per sheet: the columns of ``actions.schema.json``, all text, and ``origine`` (the file); the index is
        the line the sheet begins at. Lists keep one item per line, with its bullet.

    Raises
    ------
    InputError
        Another format, a damaged, hostile or empty file, or no label of an action sheet in it.
    """
    document = read_document(path)
    sheets = parse_sheets(document.lines, aside=document.aside)
    if not any(set(sheet.fields) - {"niveau", "code", "titre", "reste"} for sheet in sheets):
        expected = (
            f"des libellés de fiche action («{NBSP}Objectif opérationnel{NBSP}:{NBSP}», «{NBSP}Calendrier…{NBSP}»)"
        )
        remedy = f"Faites précéder chaque rubrique de son libellé, suivi de deux-points{NBSP}; une rubrique par ligne."
        raise InputError([Fault(path.name, None, "", "", expected, remedy)])
    columns = [field.name for field in action_fields()]
    rows = [{name: sheet.fields.get(name, "") for name in columns} for sheet in sheets]
    index = pd.Index([sheet.line for sheet in sheets], name="row")
    return pd.DataFrame(rows, index=index, columns=columns, dtype="str").assign(**{ORIGIN: path.name})


def parse_sheets(lines: Sequence[str], *, aside: Sequence[str] = ()) -> list[ActionSheet]:
    """Read sheets from lines.

    Parameters
    ----------
    lines : sequence of str
        Lines of a document, `PAGE_BREAK` among them.
    aside : sequence of str
        Headers, footers and notes: kept in ``reste`` of the first sheet.
    """
    read = _classified(lines)
    starts = [0, *_starts(read)]
    parts = [read[start:end] for start, end in zip(starts, [*starts[1:], len(read)], strict=True)]
    sheets = [_sheet(part) for part in parts]
    if aside:
        first = sheets[0]
        rest = "\n".join(text for text in (first.fields.get("reste", ""), *aside) if text)
        sheets[0] = ActionSheet(first.line, first.fields | {"reste": rest}, first.labels)
    return sheets


def _classified(lines: Sequence[str]) -> list[_Line]:
    """Say of each line whether it is a running head, a label with its value, a heading, or text."""
    labels = Labels([field for field in action_fields() if field.name not in ("niveau", "reste")])
    bulleted = not any(_labelled(labels, line, bulleted=False) for line in lines)
    read = []
    for number, raw in enumerate(lines, start=1):
        text = raw if raw == PAGE_BREAK else _MARKDOWN.sub("", raw.strip())
        found = _labelled(labels, text, bulleted=bulleted)
        if found:
            label, written, rest = found
            read.append(_Line(number, rest, label=label, written=written))
        else:
            matches = (heading.fullmatch(unmarked(text)[1]) for heading in _HEADINGS)
            read.append(_Line(number, text, heading=next((match for match in matches if match), None)))
    running = _running_heads(read)
    return [replace(line, aside=True) if line.number in running else line for line in read]


def _labelled(labels: Labels, line: str, *, bulleted: bool) -> tuple[Label, str, str] | None:
    """Return the label that opens a line, as written (without what it adds to the value), and the rest of the line."""
    mark, text = unmarked(_MARKDOWN.sub("", line))
    if mark and not bulleted:
        return None
    found = _LABEL.fullmatch(text)
    written, rest = (found["label"], found["rest"]) if found else (text, "")
    label = labels.match(written) if found else labels.exact(written)
    if label is None or (not found and (label.year or label.aside)):
        return None
    if label.year:
        return label, written.replace(label.year, " ", 1), f"{label.year}{NBSP}: {rest}"
    if label.aside:
        return label, written[: written.rindex("(")], f"({label.aside}) {rest}"
    return label, written, rest


def _running_heads(read: Sequence[_Line]) -> set[int]:
    """Return the numbers of the first and last lines of pages that are page numbers, or come back on every page."""
    pages: list[list[_Line]] = [[]]
    for line in read:
        if line.text == PAGE_BREAK:
            pages.append([])
        elif line.text.strip() or line.label:
            pages[-1].append(line)
    if len(pages) == 1:
        return set()
    found: set[int] = set()
    for at in (0, -1):
        edges = [page[at] for page in pages if len(page) > 1]
        texts = [_unnumbered(line.text) for line in edges]
        found |= {
            line.number
            for line, plain in zip(edges, texts, strict=True)
            if not line.label
            and not line.heading
            and (_PAGE.fullmatch(line.text) or (plain and texts.count(plain) == len(texts) > 1))
        }
    return found


def _unnumbered(text: str) -> str:
    return re.sub(r"\d+", "", fold(text)).strip()


def _starts(read: Sequence[_Line]) -> list[int]:
    """Return where further sheets begin: a heading, or a page, soon followed by a label already seen."""
    starts: list[int] = []
    seen: set[str] = set()
    first = ""
    candidate, distance = -1, 0
    for at, line in enumerate(read):
        distance += bool(line.text.strip())
        if line.label is None:
            if line.heading is not None or line.text == PAGE_BREAK:
                candidate, distance = at, 0
            continue
        field = line.label.field
        near = candidate >= 0 and distance <= _NEAR
        opens = first in ("code", "titre") and field == first
        headed = near and (read[candidate].heading is not None or field == first)
        if field in seen and (opens or headed):
            starts.append(candidate if headed else at)
            seen, first = set(), ""
        first = first or field
        seen.add(field)
        candidate = -1
    return starts


def _sheet(part: Sequence[_Line]) -> ActionSheet:
    values: dict[str, list[str]] = defaultdict(list)
    labels: list[str] = []
    opening = next((at for at, line in enumerate(part) if line.label), len(part))
    _read_opening(
        part[:opening], values, labels, titled=any(line.label and line.label.field == "titre" for line in part)
    )
    current = "reste"
    for line in part[opening:]:
        if line.label:
            current = line.label.field
            labels.append(line.written)
        if line.text != PAGE_BREAK:
            values["reste" if line.aside else current].append(_tidy(line.text))
    fields = {name: text for name, written in values.items() if (text := _joined(written))}
    if "code" not in fields and "titre" in fields:
        found = next((match for heading in _HEADINGS if (match := heading.fullmatch(fields["titre"]))), None)
        if found and found["titre"]:
            fields |= {"code": found["code"], "titre": _tidy(found["titre"])}
            labels.append(found["word"])
    begin = next((line.number for line in part if line.text.strip()), 1)
    return ActionSheet(begin, {"niveau": ACTION, **fields}, tuple(word for word in labels if word))


def _read_opening(part: Sequence[_Line], values: dict[str, list[str]], labels: list[str], *, titled: bool) -> None:
    """Read what stands above the first label: the heading with its code, the title and its wrapped end, the rest."""
    heading = next((line.heading for line in part if line.heading and not line.aside), None)
    state = "before" if heading is not None else "open"
    for line in part:
        text = line.text.strip()
        if line.aside or not text:
            values["reste"].append(_tidy(line.text))
        elif heading is not None and line.heading is heading:
            labels.append(heading["word"])
            values["code"].append(heading["code"])
            values["titre"].append(_tidy(heading["titre"]))
            state = "title" if heading["titre"] else "open"
        elif (state == "open" and not titled) or (state == "title" and text[:1].islower()):
            values["titre"] = [f"{' '.join(values['titre'])} {text}".strip()]
            state = "title"
        else:
            values["reste"].append(_tidy(line.text))
            state = "before" if state == "before" else "done"


def _tidy(line: str) -> str:
    """Write a line with one space between words and one of two bullets."""
    mark, text = unmarked(line)
    bullet = ("- " if mark[0] in _DASHES else "• ") if mark else ""
    return bullet + re.sub(r"[ \t]+", " ", text)


def _joined(lines: Sequence[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.replace(PAGE_BREAK, "") for line in lines)).strip()
