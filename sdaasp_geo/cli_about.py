"""The command by which another program knows this one: version, protocol, what can be asked; nothing is computed."""

from __future__ import annotations

import json
import platform
from typing import Any

import click

from sdaasp_geo import __version__
from sdaasp_geo.cli_options import PROTOCOL, THEMES, FrenchCommand, tell
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.french import NBSP
from sdaasp_geo.scheme import embedded_schemes, read_scheme

_GRID = "services/grille-commune.schema.json"


@click.command(cls=FrenchCommand)
@click.option("--json", "as_json", is_flag=True, help="Écrit un objet JSON sur une ligne, pour un autre programme.")
def about(*, as_json: bool) -> None:
    """Dit la version, et ce qui peut être demandé : schémas, services, thèmes."""
    content: dict[str, Any] = {
        "version": __version__,
        "protocol": PROTOCOL,
        "python": platform.python_version(),
        "schemes": [{"code": code, "name": read_scheme(code).nom} for code in embedded_schemes()],
        "services": [{"code": code, "name": name} for code, name in _services().items()],
        "themes": [{"code": code, "name": name} for code, name in THEMES.items()],
    }
    if as_json:
        tell(content)
        return
    click.echo(f"sdaasp {__version__} (protocole {PROTOCOL}, Python {content['python']})")
    for title, key in (("Schémas", "schemes"), ("Services", "services"), ("Thèmes", "themes")):
        click.echo(f"{title}{NBSP}: {', '.join(one['code'] for one in content[key])}")


def _services() -> dict[str, str]:
    """Return the services that the common grid knows; read without the geographic libraries, to answer at once."""
    fields = json.loads(embedded_path(_GRID).read_text(encoding="utf-8"))["fields"]
    known: dict[str, str] = next(field["valeurs_connues"] for field in fields if field["name"] == "service")
    return known
