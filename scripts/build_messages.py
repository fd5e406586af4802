"""Compile ``sdaasp_geo/locale/fr/LC_MESSAGES/messages.po`` to ``messages.mo``."""

from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).resolve().parent.parent / "sdaasp_geo" / "locale" / "fr" / "LC_MESSAGES"


def main() -> None:
    """Write the catalogue."""
    with (FOLDER / "messages.po").open("rb") as source:
        catalogue = read_po(source, locale="fr")
    with (FOLDER / "messages.mo").open("wb") as target:
        write_mo(target, catalogue)


if __name__ == "__main__":
    main()
