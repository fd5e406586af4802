"""Compile ``sdaasp_geo/locale/fr/LC_MESSAGES/messages.po`` to ``messages.mo``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).resolve().parent.parent / "sdaasp_geo" / "locale" / "fr" / "LC_MESSAGES"

DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def main() -> None:
    """Write the catalogue."""
    with (FOLDER / "messages.po").open("rb") as source:
        catalogue = read_po(source, locale="fr")
    catalogue.creation_date = catalogue.revision_date = DAY  # same texts, same bytes
    with (FOLDER / "messages.mo").open("wb") as target:
        write_mo(target, catalogue)


if __name__ == "__main__":
    main()
