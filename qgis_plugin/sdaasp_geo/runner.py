"""Runs the package in its own interpreter, reads what it says and stops it when asked. Without QGIS."""

from __future__ import annotations

import math
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

WAIT_S = 0.1
PATIENCE_S = 5.0
"""How long a process that is asked to end may take, and how long a child of a dead one may hold its streams."""

JOIN_S = 1.0
ABOUT_S = 60.0

_FOREIGN = (
    "PYTHON",
    "__PYVENV",
    "VIRTUAL_ENV",
    "QGIS",
    "QT_",
    "GDAL_",
    "OGR_",
    "PROJ_",
    "GRASS",
    "GISBASE",
    "OSGEO4W",
    "LD_LIBRARY_PATH",
    "DYLD_",
)
_OWN = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8", "LANGUAGE": "fr"}


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """The user asked to stop; the process is dead."""


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the package: that of QGIS without what would lead it to the libraries of QGIS."""
    kept = {name: value for name, value in environment.items() if not name.upper().startswith(_FOREIGN)}
    return {**kept, **_OWN}


def package_command(python: str, words: Iterable[str]) -> list[str]:
    """Return the command that runs the package: isolated (no user site, no current folder), in UTF-8."""
    return [python, "-I", "-X", "utf8", "-m", "sdaasp_geo", *words]


def run(
    command: Sequence[str],
    *,
    on_line: Callable[[str], None],
    on_note: Callable[[str], None],
    stopped: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a command to its end and return its exit code.

    A child that outlives the command and holds its streams is not waited for: it is ended after `PATIENCE_S`.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; no shell reads them.
    on_line, on_note : callable
        Called with each line of the standard output, and of the standard error, in this thread.
    stopped : callable
        Asked ten times a second; when it is true the process and its children are ended.
    environment : mapping, optional
        By default that of QGIS, cleaned.

    Raises
    ------
    Stopped
        The user stopped it.
    OSError
        The program cannot be started.
    """
    process = _start(command, clean_environment(os.environ) if environment is None else dict(environment))
    lines: queue.Queue[tuple[Callable[[str], None], str] | None] = queue.Queue()
    readers = [
        threading.Thread(target=_read, args=(stream, call, lines), daemon=True)
        for stream, call in ((process.stdout, on_line), (process.stderr, on_note))
    ]
    complete = False
    try:
        for reader in readers:
            reader.start()
        complete = _follow(process, lines, stopped, open_streams=len(readers))
    finally:
        if not complete:
            end(process)  # dead or not: a child of it may live
        for reader in readers:
            if reader.ident is not None:
                reader.join(timeout=JOIN_S)
    return int(process.returncode)


def _follow(process: subprocess.Popen, lines: queue.Queue, stopped: Callable[[], bool], *, open_streams: int) -> bool:
    """Hand over each line as it comes until the process is dead; return whether its streams were read to their end."""
    given_up = math.inf
    while open_streams or process.poll() is None:
        if stopped():
            raise Stopped
        if given_up == math.inf and process.poll() is not None:
            given_up = time.monotonic() + PATIENCE_S
        late = time.monotonic() > given_up
        for _ in range(lines.qsize() if late else 1):  # what the process wrote before it died is there by then
            open_streams -= _hand_over(lines)
        if late:
            return not open_streams
    return True


def _hand_over(lines: queue.Queue) -> int:
    """Hand over the next line, if one comes in time; return how many streams have ended."""
    try:
        item = lines.get(timeout=WAIT_S)
    except queue.Empty:
        return 0
    if item is None:
        return 1
    call, line = item
    call(line)
    return 0


def _read(stream: IO[str], call: Callable[[str], None], lines: queue.Queue) -> None:
    """Read a stream to its end, then close it: nobody else does, as closing waits for the one that reads."""
    try:
        with stream:
            for line in stream:
                lines.put((call, line.rstrip("\r\n")))
    finally:
        lines.put(None)


def _start(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen:
    """Start a process in a group of its own, so that it can be ended with its children; no window on Windows."""
    own_group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own_group = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        cwd=str(Path.home()),
        **own_group,
    )


def end(process: subprocess.Popen) -> None:
    """End a process and its children, even those that outlive it: asked first, then killed."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
        process.wait()
        return
    with suppress(ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=PATIENCE_S)
    with suppress(ProcessLookupError, PermissionError):  # children that did not obey, or that nobody told
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def ask(command: Sequence[str], *, timeout_s: float = ABOUT_S) -> str:
    """Run a short command and return its standard output; empty where it fails or does not answer in time."""
    own: dict[str, Any] = {}
    if sys.platform == "win32":
        own = {"creationflags": subprocess.CREATE_NO_WINDOW}
    try:
        answer = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env=clean_environment(os.environ),
            cwd=str(Path.home()),
            **own,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.decode("utf-8", errors="replace") if answer.returncode == 0 else ""
