"""Regenerate ``maps/``: the published map of each embedded scheme."""

from __future__ import annotations

from pathlib import Path

from sdaasp_geo import embedded_schemes, measure, prepare, read_scheme
from sdaasp_geo.outputs.web_map import render_map

MAPS = Path(__file__).resolve().parent.parent / "maps"


def main() -> None:
    """Write one page per scheme."""
    MAPS.mkdir(exist_ok=True)
    for name in embedded_schemes():
        study = prepare(read_scheme(name))
        page = render_map(study, measure(study))
        path = MAPS / f"{name}.html"
        path.write_text(page, encoding="utf-8")
        print(f"{path.name}: {len(page.encode()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
