"""Public road extracts, fetched only when asked: resumed where a download stopped, checked before they serve."""

from __future__ import annotations

import hashlib
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path

import msgspec

from sdaasp_geo import disk
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP

_BLOCK = 1 << 20
_TIMEOUT_S = 30


class Extracts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where extracts are: address of their folder, and the départements of each."""

    root: str
    regions: dict[str, tuple[str, ...]]


def read_extracts() -> Extracts:
    """Read the table of public extracts."""
    content = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return msgspec.convert(content, Extracts)


def regions_of(departements: Iterable[str], extracts: Extracts) -> list[str]:
    """Return the extracts that hold some départements, sorted."""
    wanted = set(departements)
    return sorted(region for region, held in extracts.regions.items() if wanted & set(held))


def fetch_extract(
    region: str, folder: Path, *, root: str, report: Callable[[int, int], None] = lambda _done, _total: None
) -> Path:
    """Fetch one extract, or return the one already there.

    The part already received is kept in ``<name>.part`` and completed; the file takes its name only when its MD5 is
    that which the server publishes beside it.

    Parameters
    ----------
    region : str
        Name of the extract.
    folder : Path
        Where to keep it.
    root : str
        Address of the folder of extracts.
    report : callable
        Called with bytes received and bytes in all (0: unknown).

    Returns
    -------
    Path
        The extract.

    Raises
    ------
    InputError
        No network, a server that refuses, or a file that is not what the server announces; the message says what to do.
    OutputError
        The system will not let it be written; what was received stays, and is completed the next time.
    """
    path = folder / f"{region}-latest.osm.pbf"
    if path.is_file():
        return path
    with disk.errors_said(path):
        folder.mkdir(parents=True, exist_ok=True)
        with disk.locked(path, wait_s=disk.FOREVER_S):
            if not path.is_file():  # another process may have fetched it while this one waited
                disk.put(_checked(path, root, report), path)
    return path


def _checked(path: Path, root: str, report: Callable[[int, int], None]) -> Path:
    """Receive what is missing of an extract beside its place, and compare the whole with the MD5 of the server."""
    name, part = path.name, path.with_name(f"{path.name}.part")
    try:
        expected = _read(f"{root}{name}.md5").decode("ascii").split()[0]
        _receive(f"{root}{name}", part, report)
    except (urllib.error.URLError, TimeoutError, ConnectionError, UnicodeDecodeError, IndexError) as error:
        remedy = f"Vérifiez la connexion puis relancez, ou donnez vous-même l'extrait à --roads (cause{NBSP}: {error})."
        raise InputError([Fault(name, None, "", "", "un téléchargement complet", remedy)]) from error
    with part.open("rb") as stream:
        found = hashlib.file_digest(stream, "md5").hexdigest()
    if found != expected:
        part.unlink()
        remedy = "Le fichier reçu est abîmé, il a été effacé. Relancez le téléchargement."
        raise InputError([Fault(name, None, "", found, f"l'empreinte {expected}", remedy)])
    return part


def _read(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - the root is a table of the package
        content: bytes = answer.read()
    return content


def _receive(address: str, part: Path, report: Callable[[int, int], None]) -> None:
    """Append what is missing; start again when the server does not resume."""
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={done}-"} if done else {})  # noqa: S310 - see _read
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310 - see _read
    except urllib.error.HTTPError as error:
        if done and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return
        raise
    with answer:
        resumed = answer.status == HTTPStatus.PARTIAL_CONTENT
        done = done if resumed else 0
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length else 0
        with part.open("ab" if resumed else "wb") as stream:
            while block := answer.read(_BLOCK):
                stream.write(block)
                done += len(block)
                report(done, total)
    if total and done < total:
        message = f"{done} octets reçus sur {total}"
        raise ConnectionError(message)
