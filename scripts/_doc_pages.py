"""Pages of the documentation that are made, not written: API, data dictionary, thresholds, notebooks."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sdaasp_geo
from sdaasp_geo.outputs.tables import describe_column

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sdaasp_geo"
ROOMS = {
    "pipeline": "Pipeline: where stages meet",
    "analysis": "Analysis: figures",
    "travel": "Travel: minutes",
    "layers": "Layers: checked tables of the domain",
    "sources": "Sources: what is read",
}
FOUNDATIONS = (
    *("study", "scheme", "parameters", "criteria", "priorities", "action_plan", "road_speeds", "errors", "embedded"),
    "french",
)
SHOWING = ("outputs.notebook", "outputs.escape", "outputs.publish")
NOTEBOOKS = (
    *("first_departement", "perimeters_to_deficits", "border_65_64", "next_bus_stop", "own_source"),
    "andorra_roads",
)
DICTIONARIES = {
    "columns": "Access, perimeters, places",
    "columns_diagnosis": "Diagnosis: borders, counters, presence, criteria, figures",
    "columns_plan": "Plan of actions and governance",
    "columns_answers": "Deficits and actions face to face",
}
SCHEMAS = {
    "services/grille-commune.schema.json": "Common grid of service points",
    "schemes/actions.schema.json": "Plan of actions",
    "schemes/governance.schema.json": "Governance",
    "schemes/corrections.schema.json": "Corrections",
}
_PREFIXED = ("second_", "inside_", "own_epci_", "own_departement_", "competent_", "nearest_")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$])")


def text(value: object) -> str:
    """Return a text that Markdown shows as it is, in a cell of a table."""
    return _MARKUP.sub(r"\\\1", " ".join(str(value).split()))


def grid(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table; cells are Markdown already."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in row)} |" for row in lines) + "\n"


def toctree(pages: Iterable[str]) -> str:
    """List pages that follow this one."""
    return "```{toctree}\n:maxdepth: 1\n\n" + "\n".join(pages) + "\n```\n"


def public_names() -> str:
    """Table of the names that the package gives, and where each is documented."""
    rows = []
    for name in sdaasp_geo.__all__:
        found = getattr(sdaasp_geo, name)
        role = "class" if inspect.isclass(found) else "func"
        first = (inspect.getdoc(found) or "").split("\n", maxsplit=1)[0]
        rows.append((f"{{py:{role}}}`{name} <{found.__module__}.{found.__qualname__}>`", text(first.replace("``", ""))))
    return grid(("name", "what"), rows)


def api_pages() -> dict[str, str]:
    """Page of each room, its modules in alphabetical order."""
    pages = {}
    for room, title in ROOMS.items():
        package = importlib.import_module(f"sdaasp_geo.{room}")
        modules = [f"{room}.{one.name}" for one in pkgutil.iter_modules(package.__path__) if one.name[0] != "_"]
        pages[f"api_{room}"] = _api_page(title, modules)
    pages["api_foundations"] = _api_page("Foundations: structures, parameters, errors, French", FOUNDATIONS)
    pages["api_outputs"] = _api_page("Outputs: what notebooks and new outputs use", SHOWING)
    return pages


def _api_page(title: str, modules: Iterable[str]) -> str:
    parts = [
        f"## {module.rpartition('.')[2]}\n\n```{{eval-rst}}\n.. automodule:: sdaasp_geo.{module}\n   :members:\n```\n"
        for module in modules
    ]
    return "\n".join([f"# {title}\n", *parts])


def data_dictionary() -> str:
    """Columns of the published tables, then the Table Schemas."""
    parts = ["## Published tables\n", _prefixes()]
    for path in sorted(PACKAGE.glob("outputs/columns*.toml")):
        known = tomllib.loads(path.read_text(encoding="utf-8"))
        parts += [f"### {DICTIONARIES.get(path.stem, path.stem)}\n", _columns(known)]
    parts.append("## Files that you give\n")
    for name, title in SCHEMAS.items():
        schema = json.loads((ROOT / "data" / name).read_text(encoding="utf-8"))
        parts += [f"### {title}\n", f"`{Path(name).name}`. {text(schema.get('description', ''))}\n", _fields(schema)]
    parts += ["## Embedded data\n", _resources()]
    return "\n".join(parts)


def _prefixes() -> str:
    rows = [
        (f"`{given['name']}`", text(given["label"]))
        for given in (describe_column("acces", f"{prefix}time_min") for prefix in _PREFIXED)
    ]
    return "Columns about another place than the nearest begin with a prefix:\n\n" + grid(("example", "label"), rows)


def _columns(known: Mapping[str, Mapping[str, str]]) -> str:
    rows = []
    for key, given in known.items():
        table, _, column = key.rpartition(".")
        name = f"`{given.get('name', column)}`" + (f" (in `{table}`)" if table else "")
        unit = f" ({given['unit']})" if given.get("unit") else ""
        rows.append((name, text(given.get("label", "") + unit), text(given.get("meaning", "")), f"`{column}`"))
    return grid(("column", "label (unit)", "meaning", "in Python"), rows)


def _fields(schema: Mapping[str, Any]) -> str:
    optional = schema.get("optionalFields", [])
    rows = []
    for field in [*schema["fields"], *optional]:
        rule = field.get("constraints", {})
        need = "optional column" if field in optional else "required" if rule.get("required") else "may be empty"
        said = [field.get("description", "")]
        said += [f"One of: {', '.join(map(str, rule['enum']))}."] if "enum" in rule else []
        said += [f"{name.capitalize()}: {rule[name]}." for name in ("pattern", "minimum", "maximum") if name in rule]
        said += [f"Example: {field['example']}"] if "example" in field else []
        rows.append(
            (f"`{field['name']}`", *map(text, (field.get("title", ""), f"{field['type']}, {need}", " ".join(said))))
        )
    return grid(("column", "title", "type", "meaning"), rows)


def _resources() -> str:
    package = json.loads((ROOT / "data" / "datapackage.json").read_text(encoding="utf-8"))
    rows = [
        (f"`{one['path']}`", text(one["title"]), text(one.get("vintage", "")), text(_sources(one)))
        for one in package["resources"]
    ]
    return grid(("file", "what", "vintage", "sources"), rows)


def _sources(resource: Mapping[str, Any]) -> str:
    return "; ".join(source["title"] for source in resource.get("sources", ()))


def thresholds() -> str:
    """Rules, settings and criteria, with their dates and references."""
    parameters = tomllib.loads((PACKAGE / "parameters.toml").read_text(encoding="utf-8"))
    criteria = tomllib.loads((PACKAGE / "criteria.toml").read_text(encoding="utf-8"))["criterion"]
    rules = [
        (f"`{one['code']}`", text(one["label"]), text(f"{one['threshold_min']:g} min"), *_dated(one))
        for one in parameters["rule"]
    ]
    settings = [
        (f"`{one['code']}`", text(_value(one["value"])), text(one.get("unit", "")), *_dated(one))
        for one in parameters["setting"]
    ]
    asked = [
        (f"`{one['code']}`", text(one["label"]), f"{text(one['kind'])} {one['threshold']:g}", *_dated(one))
        for one in criteria
    ]
    dates = ("from", "reference")
    return "\n".join(
        [
            *("## Rules of time\n", grid(("rule", "label", "threshold", *dates), rules)),
            *("## Conventions of measure\n", grid(("setting", "value", "unit", *dates), settings)),
            *("## Criteria\n", grid(("criterion", "label", "kind and threshold", *dates), asked)),
        ]
    )


def _dated(one: Mapping[str, Any]) -> tuple[str, str]:
    return text(one.get("valid_from", "")), text(one.get("reference", ""))


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def notebook_page(book: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Turn a notebook into a page; give also its pictures (PNG, base64) by file name.

    The title of the notebook is that of the page; outputs appear where the notebook was executed.
    """
    parts, pictures = [], {}
    for number, cell in enumerate(book["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        shown = re.sub(r"^# ruff: noqa.*\n", "", source)
        parts.append(f"```python\n{shown}\n```")
        for output in cell["outputs"]:
            picture = output.get("data", {}).get("image/png")
            if picture:
                name = f"cell-{cell['id']}-{number}.png"
                pictures[name] = picture
                parts.append(f"![Figure drawn by the cell above]({name})")
            else:
                parts += _shown(output)
    return "\n\n".join(parts) + "\n", pictures


def _shown(output: Mapping[str, Any]) -> list[str]:
    data = output.get("data", {})
    if "text/html" in data:
        return [f"````{{raw}} html\n{''.join(data['text/html'])}\n````"]
    said = "".join(data.get("text/plain", "")) or ("".join(output["text"]) if output.get("name") == "stdout" else "")
    return [f"````text\n{said.rstrip()}\n````"] if said.strip() else []
