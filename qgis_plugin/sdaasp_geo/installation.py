"""The interpreter that computes: which Python can make it, which wheels lie here, what pip would fetch."""

from __future__ import annotations

import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from .runner import ask
from .texts import tr

OLDEST = (3, 11)
"""Oldest Python that the package runs on."""

PROGRAMS = ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python")
PACKAGE = "sdaasp_geo"
_IDENTITY = "import sys; print('%d.%d' % sys.version_info[:2], sys.base_prefix)"
_NAME = re.compile(r"^[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Wheels:
    """The wheels beside the plugin.

    ``package`` is that of the package (None where there is none); ``needs`` are the packages it requires; ``missing``
    those of them that have no wheel here: pip would fetch them.
    """

    folder: Path
    package: Path | None
    needs: tuple[str, ...]
    missing: tuple[str, ...]


def read_wheels(folder: Path) -> Wheels:
    """Look at the wheels of a folder; of several of the package, the last by name serves."""
    found = sorted(folder.glob("*.whl"))
    held = {_plain(path.name.split("-")[0]) for path in found}
    own = [path for path in found if _plain(path.name.split("-")[0]) == _plain(PACKAGE)]
    if not own:
        return Wheels(folder, None, (), ())
    needs = wheel_needs(own[-1])
    return Wheels(folder, own[-1], needs, tuple(name for name in needs if _plain(name) not in held))


def wheel_needs(wheel: Path) -> tuple[str, ...]:
    """Return the names of the packages that a wheel requires, extras left out, sorted."""
    with zipfile.ZipFile(wheel) as archive:
        inside = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(inside).decode("utf-8"))
    lines = [line for line in metadata.get_all("Requires-Dist") or [] if "extra ==" not in line]
    return tuple(sorted({match.group() for match in map(_NAME.match, lines) if match}))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def find_python(chosen: str = "", *, which: Callable[[str], str | None] = shutil.which) -> str:
    """Return a Python that can run the package: the chosen one, or one that is recent enough; empty for none.

    That of QGIS (on Linux, often the system's) serves only where there is no other.
    """
    candidates = [chosen] if chosen else [*filter(None, map(which, PROGRAMS)), sys.executable]
    recent = [path for path in dict.fromkeys(candidates) if path and is_recent(path)]
    return next((path for path in recent if not is_of_qgis(path)), recent[0] if recent else "")


def is_recent(python: str) -> bool:
    """Whether a program is a Python that is recent enough; any other program says nothing and is not."""
    identity = _identity(python)
    return identity is not None and identity[0] >= OLDEST


def is_of_qgis(python: str) -> bool:
    """Whether a program is the Python that QGIS itself runs: the same version in the same place."""
    return _identity(python) == (sys.version_info[:2], os.path.realpath(sys.base_prefix))


def _identity(python: str) -> tuple[tuple[int, int], str] | None:
    """Return the version of a Python and where it is installed; None for any other program."""
    if not Path(python).name.lower().startswith("python"):
        return None
    found = re.fullmatch(r"(\d+)\.(\d+) (.*)", ask([python, "-I", "-X", "utf8", "-c", _IDENTITY]).strip())
    return ((int(found[1]), int(found[2])), os.path.realpath(found[3])) if found else None


def python_of(environment: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    inside = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return environment.joinpath(*inside)


def venv_command(python: str, environment: Path) -> list[str]:
    """Return the command that makes the environment, empty."""
    return [python, "-I", "-m", "venv", "--clear", str(environment)]


@contextmanager
def replaced(environment: Path, *, works: Callable[[], bool]) -> Iterator[None]:
    """Set an environment aside while another one takes its place: it comes back if the block does not end well.

    Parameters
    ----------
    environment : Path
        Folder of the environment; there may be none yet.
    works : callable
        Whether the environment in place is whole; asked only where one was left aside (QGIS died during the block).

    Raises
    ------
    OSError
        The former environment cannot be moved (on Windows, it is running): nothing has changed.
    """
    aside = environment.with_name(f"{environment.name}.avant")
    if aside.exists():
        if works():
            shutil.rmtree(aside)
        else:
            _put_back(aside, environment)
    if environment.exists():
        environment.rename(aside)
    try:
        yield
    except BaseException:
        _put_back(aside, environment)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _put_back(aside: Path, environment: Path) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    if aside.exists():
        aside.rename(environment)


def pip_command(python: str, wheels: Wheels, *, fetch: bool) -> list[str]:
    """Return the command that installs the package; without ``fetch`` pip looks nowhere but in the wheels' folder."""
    words = [python, "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-color"]
    where = ["--find-links", str(wheels.folder)]
    return [*words, *([] if fetch else ["--no-index"]), *where, str(wheels.package)]


def refusal(wheels: Wheels, python: str, *, fetch: bool) -> str:
    """Say what prevents the installation, with the remedy; empty where nothing does."""
    if wheels.package is None:
        return tr(
            "Il n'y a pas de paquet sdaasp_geo (fichier .whl) dans {folder}. Déposez-y celui qui accompagne "
            "l'extension, ou choisissez un interpréteur qui a déjà le paquet (Préférences › Options › SDAASP)."
        ).format(folder=wheels.folder)
    if not python:
        return tr(
            "Aucun Python {oldest} ou plus récent n'a été trouvé. Installez-en un (celui de QGIS n'est jamais "
            "modifié), ou indiquez son emplacement dans « Python de base »."
        ).format(oldest=".".join(map(str, OLDEST)))
    if wheels.missing and not fetch:
        return tr(
            "Paquets qui ne sont pas fournis avec l'extension, et que pip téléchargerait : {names}. Cochez « Autoriser "
            "le téléchargement », ou déposez leurs fichiers .whl dans {folder}."
        ).format(names=", ".join(wheels.missing), folder=wheels.folder)
    return ""
