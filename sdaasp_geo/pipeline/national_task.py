"""One département of a national run: built in its own folder, or kept when it already is as it would be."""

from __future__ import annotations

import dataclasses
import math
import os
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdaasp_geo import __version__
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import SchemeError, SdaaspError
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.manifest import sha256
from sdaasp_geo.outputs.site_copy import check_run
from sdaasp_geo.pipeline.production import build
from sdaasp_geo.scheme import EMBEDDED_PREFIX, Scheme, input_files, read_scheme

BUILT, KEPT, FAILED = "calculé", "déjà fait", "échec"
"""What became of a département in this run."""

_PEAK_RESET = "5"
_ALONE = threading.Lock()  # plotting is not made for threads: a Dask worker that has several builds one at a time


@dataclass(frozen=True)
class Task:
    """What a worker needs: plain texts, so that any process of any machine that sees the same folders can do it.

    Attributes
    ----------
    code : str
        The département.
    scheme, out : str
        Absolute folders of the scheme and of the result.
    version : str
        Version of the package that asks.
    """

    code: str
    scheme: str
    out: str
    version: str = __version__


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes
    ----------
    code, state : str
        The département; `BUILT`, `KEPT` or `FAILED`.
    reason : str
        Why it failed, in French.
    trace : str
        Where in the program, when the failure is not one that the package foresees.
    elapsed_s, processor_s, peak_mb : float
        Seconds and peak of the memory of the process; NaN where they are not known. Never published.
    """

    code: str
    state: str
    reason: str = ""
    trace: str = ""
    elapsed_s: float = math.nan
    processor_s: float = math.nan
    peak_mb: float = math.nan


def build_departement(task: Task) -> Outcome:
    """Build one département; never raise: a failure is an outcome, so that the others go on.

    A result that is already there, of the same version and inputs, is kept: a task that is done twice, because the
    worker that held its answer was lost, costs nothing the second time.
    """
    with _ALONE:
        _reset_peak()
        start = time.perf_counter(), time.process_time()
        outcome = _attempt(task)
        return dataclasses.replace(
            outcome,
            elapsed_s=time.perf_counter() - start[0],
            processor_s=time.process_time() - start[1],
            peak_mb=_peak_mb(),
        )


def _attempt(task: Task) -> Outcome:
    try:
        scheme, folder = read_scheme(task.scheme), Path(task.out)
        _check_task(task, scheme)
        if is_current(scheme, folder):
            return Outcome(task.code, KEPT)
        build(scheme, folder)
    except SdaaspError as error:
        return Outcome(task.code, FAILED, str(error))
    except Exception as error:  # noqa: BLE001 - one département never stops the others; the trace is kept
        reason = f"Défaut du programme{NBSP}: {type(error).__name__}{NBSP}: {error}"
        return Outcome(task.code, FAILED, reason, traceback.format_exc())
    return Outcome(task.code, BUILT)


def _check_task(task: Task, scheme: Scheme) -> None:
    """Refuse another version of the package, and a scheme whose folder bears the code of another département."""
    if task.version != __version__:
        message = f"Version {__version__} chez l'exécutant, {task.version} demandée. Installez partout la même."
        raise SchemeError(message)
    if scheme.departement != task.code:
        message = (
            f"Le dossier de schéma {task.code} contient le schéma du département {scheme.departement}. "
            "Donnez au dossier le code de son département."
        )
        raise SchemeError(message)


def is_current(scheme: Scheme, folder: Path) -> bool:
    """Tell whether a folder holds the whole result of this version and of the inputs as they are now."""
    try:
        manifest = check_run(folder)
    except SdaaspError:
        return False
    try:
        same = manifest["version"] == __version__ and manifest["scheme"]["code"] == scheme.code
        return bool(same and _same_inputs(scheme, manifest))
    except (KeyError, TypeError, OSError):  # a manifest of another shape, an input that is no longer there
        return False


def _same_inputs(scheme: Scheme, manifest: dict[str, Any]) -> bool:
    """Compare the inputs that a manifest lists with the files of the scheme and the embedded ones."""
    given = sorted((str(one["name"]), str(one["sha256"])) for one in manifest["inputs"])
    own = input_files(scheme)
    named = {name for name, _ in own}
    embedded = [
        (name, embedded_path(name.removeprefix(EMBEDDED_PREFIX)))
        for name, _ in given
        if name.startswith(EMBEDDED_PREFIX) and name not in named
    ]
    return given == sorted((name, sha256(path)) for name, path in (*own, *embedded))


def _reset_peak() -> None:
    """Forget the peak of memory of what this process did before, where the system allows it (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text(_PEAK_RESET, encoding="ascii")


def _peak_mb() -> float:
    """Return the peak of the memory of this process in megabytes; NaN where the system does not say."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1.024e-3
    if os.name != "posix":
        return math.nan
    import resource  # noqa: PLC0415 - absent from Windows

    unit = 1e-6 if sys.platform == "darwin" else 1.024e-3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
