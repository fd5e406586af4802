"""Write beside, then rename: an output folder is complete or absent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.manifest import is_run


@contextmanager
def published(folder: Path) -> Iterator[Path]:
    """Give a folder to write in, that takes the place of ``folder`` only if all went well.

    Parameters
    ----------
    folder : Path
        The output folder: absent, empty, or an earlier run (which is replaced).

    Yields
    ------
    Path
        The folder to write in, beside the final one.

    Raises
    ------
    OutputError
        When ``folder`` holds something else than a run, or its parent cannot be written.
    """
    check_replaceable(folder)
    beside = folder.parent / f".{folder.name}.partiel"
    former = folder.parent / f".{folder.name}.ancien"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
    except OSError as error:
        message = f"Impossible d'écrire dans {folder.parent}{NBSP}: {error.strerror}. Choisissez un autre dossier."
        raise OutputError(message) from error
    try:
        yield beside
        shutil.rmtree(former, ignore_errors=True)
        if folder.exists():
            folder.rename(former)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)


def check_replaceable(folder: Path) -> None:
    """Refuse to replace what is not an earlier run.

    Raises
    ------
    OutputError
        When ``folder`` is a file, or holds something else than a run.
    """
    if not folder.exists() or (folder.is_dir() and (is_run(folder) or not any(folder.iterdir()))):
        return
    message = (
        f"{folder} existe et n'est pas un résultat de sdaasp{NBSP}: rien n'a été écrit. "
        "Choisissez un autre dossier, ou videz celui-ci."
    )
    raise OutputError(message)
