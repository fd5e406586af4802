"""Write beside, then rename: an output folder or file is complete or absent, and the former one stays until then.

A folder cannot be renamed over another. Linux exchanges the two in one operation. Elsewhere the former run goes aside
as ``.X.ancien`` for the time of two renamings: a process killed between them leaves it there, whole, and
`check_replaceable`, with which every run begins, puts it back.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xlsxwriter.exceptions import FileCreateError

from sdaasp_geo import disk
from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.manifest import is_run


@contextmanager
def published(folder: Path) -> Iterator[Path]:
    """Give a folder to write in, that takes the place of ``folder`` only if all went well.

    Parameters
    ----------
    folder : Path
        The output folder: absent, empty, or an earlier run (which is replaced). One process at a time writes it.

    Yields
    ------
    Path
        The folder to write in, beside the final one.

    Raises
    ------
    OutputError
        When ``folder`` holds something else than a run, another process writes there, or the system refuses (disk
        full, read-only, open elsewhere…); ``folder`` is then as it was.
    """
    folder = _resolved(folder)
    _check_own(folder)
    with _errors_said(folder), disk.staging(folder) as beside:
        _restore(folder)
        yield beside
        disk.sync_tree(beside)
        _check_own(folder)  # someone may have filled it during the run
        _swap(beside, folder)


@contextmanager
def published_file(path: Path) -> Iterator[Path]:
    """Give a file to write, of the same name, that takes the place of ``path`` only if all went well.

    Raises
    ------
    OutputError
        When another process writes it, or the system refuses; the former file is then as it was.
    """
    path = _resolved(path)
    with _errors_said(path), disk.staging(path) as beside:
        made = beside / path.name
        yield made
        disk.put(made, path)


@contextmanager
def added(folder: Path) -> Iterator[Path]:
    """Give a folder to write in, whose files join those of ``folder`` only if all went well.

    Raises
    ------
    OutputError
        When another process writes there, or the system refuses. Each file is then the former one or the new one.
    """
    folder = _resolved(folder)
    with _errors_said(folder), disk.staging(folder) as beside:
        yield beside
        disk.sync_tree(beside)
        for made in sorted(path for path in beside.rglob("*") if path.is_file()):
            path = folder / made.relative_to(beside)
            path.parent.mkdir(parents=True, exist_ok=True)
            disk.put(made, path)


def check_replaceable(folder: Path) -> None:
    """Refuse to replace what is not an earlier run; put back the one that a killed run left aside.

    Raises
    ------
    OutputError
        When ``folder`` is a file, or holds something else than a run; when another run is writing there; when the
        system will not let it be written.
    """
    folder = _resolved(folder)
    _check_own(folder)
    if folder.parent.is_dir():
        with disk.errors_said(folder), disk.locked(folder):
            _restore(folder)


def _resolved(path: Path) -> Path:
    """Return a path without links; links that lead to each other are said, whatever the version of Python does."""
    with disk.errors_said(path):
        try:
            path.stat()
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise
        return Path(os.path.realpath(path))


@contextmanager
def _errors_said(path: Path) -> Iterator[None]:
    with disk.errors_said(path):
        try:
            yield
        except FileCreateError as error:  # xlsxwriter wraps the error of the system
            raise error.args[0] from error


def _check_own(folder: Path) -> None:
    with disk.errors_said(folder):
        if not folder.exists() or (folder.is_dir() and (is_run(folder) or not any(folder.iterdir()))):
            return
    message = (
        f"{folder} existe et n'est pas un résultat de sdaasp{NBSP}: rien n'a été écrit. "
        "Choisissez un autre dossier, ou videz celui-ci."
    )
    raise OutputError(message)


def _swap(beside: Path, folder: Path) -> None:
    """Put a new run in the place of the former one, which comes back if that fails."""
    if folder.exists() and disk.exchanged(beside, folder):
        return
    former = _aside(folder)
    try:
        if folder.exists():
            folder.rename(former)
        beside.rename(folder)
        disk.sync(folder.parent)
    except BaseException:
        if not beside.exists():
            with suppress(OSError):
                folder.rename(beside)
        _restore(folder)
        raise
    _restore(folder)


def _restore(folder: Path) -> None:
    """Put back the former run where nothing took its place; remove it where a run did."""
    former, trash = _aside(folder), folder.with_name(f".{folder.name}.rebut")
    disk.remove(trash)
    if not former.exists():
        return
    if folder.exists() and any(folder.iterdir()):
        former.rename(trash)  # a run half removed never bears the name of a whole one
        disk.remove(trash)
        return
    if folder.exists():
        folder.rmdir()
    former.rename(folder)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.ancien")
