"""A finished run, copied for a static host: checked first, then with what a public address asks for."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from sdaasp_geo.errors import Fault, InputError, OutputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.escape import html_text
from sdaasp_geo.outputs.manifest import MANIFEST, is_run, sha256, write_manifest
from sdaasp_geo.outputs.page_shell import SHARE_PICTURE, policy
from sdaasp_geo.outputs.page_templates import page_template
from sdaasp_geo.outputs.site_model import CHANGES, CHANGES_FOLDER, INDEX, NO_CHANGES

NOT_FOUND, SITEMAP, NO_JEKYLL = "404.html", "sitemap.xml", ".nojekyll"
"""Files added for hosts: page of unknown addresses, list of pages, and « take these files as they are »."""

_ADDED = frozenset({NOT_FOUND, SITEMAP, NO_JEKYLL})
_TEMPLATES = Path(__file__).resolve().parent / "templates"
_SHARED = re.compile(
    r'<meta property="og:(?:image(?::width|:height)?|url)" content="[^"]*">\n?|<link rel="canonical" href="[^"]*">\n?'
)
_HEAD_END = re.compile(r"</head>", re.IGNORECASE)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


@dataclass(frozen=True)
class SiteCopy:
    """What was copied: files and pages, and the files of the run that its manifest does not know, left out."""

    files: tuple[str, ...]
    pages: tuple[str, ...]
    left_out: tuple[str, ...]


def check_run(folder: Path) -> dict[str, Any]:
    """Check that a folder is a whole run, exactly as it was written, and return its manifest.

    Raises
    ------
    OutputError
        When the folder is no run.
    InputError
        One fault per file that is missing, changed, or that lies outside the folder.
    """
    if not is_run(folder):
        message = f"{folder} n'est pas un résultat de sdaasp{NBSP}: manifest.json manque ou n'est pas lisible."
        raise OutputError(message)
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    faults = [fault for given in _listed(manifest) if (fault := _fault(folder, given)) is not None]
    if not (folder / INDEX).is_file():
        faults.append(Fault(INDEX, None, "", "", "une page d'accueil", "Refaites le résultat avec sdaasp build."))
    if faults:
        raise InputError(faults)
    return manifest


def _listed(manifest: dict[str, Any]) -> list[dict[str, str]]:
    given = manifest.get("outputs")
    if not isinstance(given, list) or not all(
        isinstance(one, dict) and {"name", "sha256"} <= one.keys() for one in given
    ):
        message = "manifest.json ne donne pas la liste des fichiers du résultat. Refaites-le avec sdaasp build."
        raise OutputError(message)
    return given


def _fault(folder: Path, given: dict[str, str]) -> Fault | None:
    name = str(given["name"])
    path = folder / name
    again = "Refaites le résultat avec sdaasp build."
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or not path.resolve().is_relative_to(folder.resolve()):
        return Fault(name, None, "", "", "un fichier du résultat, et non d'un autre dossier,", again)
    if not path.is_file():
        return Fault(name, None, "", "", "ce fichier, qui manque,", again)
    if sha256(path) != given["sha256"]:
        return Fault(name, None, "", "", "le fichier tel qu'il a été écrit", f"Il a été modifié. {again}")
    return None


def base_address(url: str) -> str:
    """Return the address of a site, ending in ``/``.

    Raises
    ------
    OutputError
        When it is not an ``http`` or ``https`` address of a folder.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        message = (
            f"«{NBSP}{url}{NBSP}» n'est pas l'adresse d'un site. Donnez-la entière, comme https://exemple.fr/sdaasp/."
        )
        raise OutputError(message)
    return f"{parts.scheme}://{parts.netloc}{quote(parts.path, safe='/%')}".rstrip("/") + "/"


def copy_run(run: Path, folder: Path, *, base_url: str = "", changes: Path | None = None) -> SiteCopy:
    """Copy a run in an existing empty folder, ready for any static host.

    Adds ``.nojekyll``, ``404.html`` and, with an address, ``sitemap.xml``, canonical addresses and the picture shown
    with a shared address. The manifest of the copy lists the files as they are in the copy.

    Parameters
    ----------
    run : Path
        A run; `check_run` must accept it.
    folder : Path
        Where to copy.
    base_url : str
        Address of the site, empty when not known; `base_address` must accept it.
    changes : Path, optional
        Folder of a comparison that ends at this edition (``sdaasp compare``), copied to ``changements/``.

    Raises
    ------
    OutputError, InputError
        See `check_run`, `base_address`; or the comparison is not about this edition.
    """
    manifest = check_run(run)
    address = base_address(base_url) if base_url else ""
    names = _copy_listed(run, manifest, folder)
    if changes is not None:
        compared = check_run(changes)
        _check_same_edition(manifest, compared)
        _copy_listed(changes, compared, folder / CHANGES_FOLDER)
        shutil.copyfile(changes / MANIFEST, folder / CHANGES_FOLDER / MANIFEST)
        _link_changes(folder / INDEX)
    pages = tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html")))
    pages = tuple(page for page in pages if page != NOT_FOUND)
    if address:
        for page in pages:
            _give_address(folder / page, page=page, address=address)
        (folder / SITEMAP).write_text(_sitemap(pages, address, day=manifest["scheme"]["edition"]), encoding="utf-8")
    (folder / NO_JEKYLL).write_bytes(b"")
    (folder / NOT_FOUND).write_text(_not_found(address), encoding="utf-8")
    kept = {key: value for key, value in manifest.items() if key not in {"outputs", "site"}}
    write_manifest({**kept, "site": {"base_url": address, "changes": changes is not None}}, folder)
    files = tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()))
    return SiteCopy(files=files, pages=pages, left_out=_left_out(run, names))


def _copy_listed(run: Path, manifest: dict[str, Any], folder: Path) -> set[str]:
    """Copy the files that a manifest lists, but those that a former copy added, and return their names."""
    names = {given["name"] for given in _listed(manifest)}
    for name in sorted(names - _ADDED):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run / name, target)
    return names


def _left_out(run: Path, names: set[str]) -> tuple[str, ...]:
    found = (path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file() and path.name != MANIFEST)
    return tuple(sorted(name for name in found if name not in names))


def _check_same_edition(manifest: dict[str, Any], compared: dict[str, Any]) -> None:
    after = compared.get("after")
    if not isinstance(after, dict) or after.get("scheme") != manifest["scheme"]:
        message = (
            "La comparaison donnée n'aboutit pas à cette édition de ce schéma. Faites-la avec sdaasp compare, "
            "l'édition publiée en second."
        )
        raise OutputError(message)


def _link_changes(index: Path) -> None:
    text = index.read_text(encoding="utf-8")
    index.write_text(text.replace(NO_CHANGES, CHANGES), encoding="utf-8")


def _give_address(path: Path, *, page: str, address: str) -> None:
    """Put in the head of a page its own address, and that of the picture shown with it."""
    text = _SHARED.sub("", path.read_text(encoding="utf-8"))
    own = html_text(f"{address}{quote(page.removesuffix(INDEX))}")
    lines = [
        f'<link rel="canonical" href="{own}">',
        f'<meta property="og:url" content="{own}">',
        f'<meta property="og:image" content="{html_text(address + SHARE_PICTURE)}">',
        '<meta property="og:image:width" content="1200">',
        '<meta property="og:image:height" content="630">',
    ]
    title = _TITLE.search(text)
    if 'property="og:title"' not in text and title:
        lines.insert(0, f'<meta property="og:title" content="{html_text(html.unescape(title.group(1)).strip())}">')
    added = "\n".join(lines)
    path.write_text(_HEAD_END.sub(lambda end: f"{added}\n{end.group()}", text, count=1), encoding="utf-8")


def _sitemap(pages: Sequence[str], address: str, *, day: str) -> str:
    places = (html.escape(address + quote(page.removesuffix(INDEX))) for page in pages)
    rows = [f"<url><loc>{place}</loc><lastmod>{html.escape(day)}</lastmod></url>" for place in places]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return "\n".join([head, *rows, "</urlset>", ""])


def _not_found(address: str) -> str:
    css = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    return page_template("404.html.j2").render(
        title="Page introuvable",
        policy=policy(css),
        css=Markup(css),  # noqa: S704 - our own file
        home=address,
    )
