"""What is written on the disk: whole or not at all, by one process at a time, and why the system refused, in French.

To write ``X``, a process holds the lock of ``.X.verrou``, works in the folder ``.X.partiel`` beside ``X``, and renames
what it made. The lock is one of the operating system: that of a process that died is free, without any clock. What a
killed process left is removed by the next one that writes there.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NBSP

SHORT_S = 1.0
"""How long to wait for a lock that is only being tried, in seconds."""

FOREVER_S = -1.0
"""Wait as long as the other process works."""

_ELSEWHERE = "Choisissez un autre dossier, puis relancez."
_NAMED = "Choisissez un autre nom ou un autre dossier, puis relancez."
_OPEN = "Fermez les programmes qui l'ont ouvert (QGIS, tableur, explorateur), ou choisissez un autre dossier"
_FULL = "Libérez de la place, ou choisissez un autre disque, puis relancez."
_CAUSES = {
    errno.ENOSPC: ("le disque est plein", _FULL),
    errno.EDQUOT: ("votre quota de disque est atteint", _FULL),
    errno.EFBIG: ("le fichier dépasse la taille permise sur ce disque", _FULL),
    errno.EROFS: ("ce disque est en lecture seule", _ELSEWHERE),
    errno.EACCES: ("l'accès est refusé (droits, ou fichier ouvert ailleurs)", f"{_OPEN}, puis relancez."),
    errno.EPERM: ("l'accès est refusé (droits, ou fichier ouvert ailleurs)", f"{_OPEN}, puis relancez."),
    errno.EBUSY: ("il est utilisé, ou c'est un point de montage", f"{_OPEN} ou un sous-dossier, puis relancez."),
    errno.EMFILE: ("trop de fichiers sont ouverts à la fois", "Fermez d'autres programmes, puis relancez."),
    errno.ENFILE: ("trop de fichiers sont ouverts à la fois", "Fermez d'autres programmes, puis relancez."),
    errno.EIO: ("le disque ou le réseau n'a pas répondu", "Vérifiez le disque et sa connexion, puis relancez."),
    errno.ENAMETOOLONG: ("le nom est trop long", "Choisissez un dossier au nom plus court, puis relancez."),
    errno.ENOENT: ("un fichier ou un dossier a disparu", "Vérifiez le disque et sa connexion, puis relancez."),
    errno.ENOTDIR: ("un fichier est à la place d'un dossier", _ELSEWHERE),
    errno.EEXIST: ("un fichier est à la place d'un dossier", _ELSEWHERE),
    errno.EISDIR: ("un dossier est à la place d'un fichier", _NAMED),
    errno.ENOTEMPTY: ("le dossier n'est pas vide", _ELSEWHERE),
    errno.EINVAL: ("ce disque n'accepte pas ce nom ou cette opération", _NAMED),
    errno.EILSEQ: ("ce disque n'accepte pas les caractères de ce nom", _NAMED),
    errno.ELOOP: ("des liens renvoient l'un à l'autre sans fin", _ELSEWHERE),
    errno.ESTALE: ("le disque du réseau n'est plus là", "Vérifiez sa connexion, puis relancez."),
    errno.EXDEV: ("une partie du chemin est sur un autre disque", _ELSEWHERE),
}
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
_NO_EXCHANGE = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})
_NO_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS})


def cause_of(error: OSError) -> str:
    """Return, in French, why the system refused and what to do, as a cause and a remedy."""
    number = f" (erreur {error.errno})" if error.errno else ""
    cause, remedy = _CAUSES.get(error.errno or 0, (f"le système l'a refusé{number}", _ELSEWHERE))
    return f"{cause}. {remedy}"


@contextmanager
def errors_said(path: Path) -> Iterator[None]:
    """Turn the errors of the system met while writing ``path`` into `OutputError`, in French, with the remedy."""
    try:
        yield
    except OSError as error:
        message = f"Impossible d'écrire {path}{NBSP}: {cause_of(error)}"
        raise OutputError(message) from error


@contextmanager
def locked(path: Path, *, wait_s: float = SHORT_S) -> Iterator[None]:
    """Hold the right to write ``path``, a file or a folder; its parent must exist.

    Parameters
    ----------
    path : Path
        What is to be written.
    wait_s : float
        How long to wait for another process, in seconds; `FOREVER_S`: until it ends.

    Raises
    ------
    OutputError
        When another process is still writing there.
    """
    mark = path.with_name(f".{path.name}.verrou")
    lock = FileLock(mark)
    try:
        lock.acquire(timeout=wait_s)
    except Timeout as error:
        message = (
            f"Un autre calcul écrit en ce moment dans {path}{NBSP}: rien n'a été écrit. "
            "Attendez qu'il finisse puis relancez, ou choisissez un autre dossier."
        )
        raise OutputError(message) from error
    try:
        yield
    finally:
        _unlock(lock, mark)


def _unlock(lock: FileLock, mark: Path) -> None:
    """Free a lock and remove its file: before it is free where the system allows it, else as soon as it is."""
    with suppress(OSError):
        mark.unlink()
    lock.release()
    if os.name == "nt":
        with suppress(OSError):  # another process may hold it already
            mark.unlink()


@contextmanager
def staging(path: Path, *, wait_s: float = SHORT_S) -> Iterator[Path]:
    """Give an empty folder beside ``path`` to one process at a time, removed at the end with what is left in it.

    Parameters
    ----------
    path : Path
        What is to be written; its parent is made where it is missing.
    wait_s : float
        See `locked`.

    Yields
    ------
    Path
        The folder, on the same disk as ``path``: what it holds is put in place by a renaming (`put`).

    Raises
    ------
    OutputError
        When another process is writing there.
    OSError
        When the system refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path, wait_s=wait_s):
        folder = path.with_name(f".{path.name}.partiel")
        try:
            remove(folder)
            folder.mkdir()
            yield folder
        finally:
            remove(folder)


def put(made: Path, path: Path) -> None:
    """Give a finished file its place: flushed to the disk, then renamed over the former one.

    Raises
    ------
    OSError
        When the system refuses; the former file is then as it was.
    """
    sync(made)
    made.replace(path)
    sync(path.parent)


def exchanged(made: Path, path: Path) -> bool:
    """Exchange two folders in one operation, and flush it: nobody ever sees neither nor both.

    Returns
    -------
    bool
        False, and nothing done, where the system cannot: anything but Linux, and some of its disks.

    Raises
    ------
    OSError
        When the system refuses; both folders are then as they were.

    References
    ----------
    renameat2(2), RENAME_EXCHANGE, Linux 3.15.
    """
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    if exchange is None:
        return False
    sys.audit("os.rename", str(made), str(path), -1, -1)  # as any other renaming: it can be watched
    here = ctypes.c_int(_HERE)
    if exchange(here, os.fsencode(made), here, os.fsencode(path), ctypes.c_uint(_EXCHANGE)):
        number = ctypes.get_errno()
        if number in _NO_EXCHANGE:
            return False
        raise OSError(number, os.strerror(number), str(path))
    try:
        sync(path.parent)
    except OSError:
        exchange(here, os.fsencode(made), here, os.fsencode(path), ctypes.c_uint(_EXCHANGE))
        raise
    return True


def remove(folder: Path) -> None:
    """Remove a folder and what it holds, as far as the system allows it."""
    shutil.rmtree(folder, ignore_errors=True)


def sync_tree(folder: Path) -> None:
    """Flush to the disk all the files of a folder, so that a power cut after the renaming finds them whole."""
    for root, _, files in os.walk(folder, topdown=False):
        for name in files:
            sync(Path(root, name))
        sync(Path(root))


def sync(path: Path) -> None:
    """Flush a file, or the list of a folder, to the disk.

    Raises
    ------
    OSError
        When the disk refuses what a file holds (full, broken). Systems that cannot flush a folder are left alone.
    """
    folder = path.is_dir()
    if folder and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(handle)
