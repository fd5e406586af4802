"""Faults put in a child process at a chosen moment: an error of the system, a signal, a full disk; then what is left.

A *point* is a moment at which the child touches the disk below a root: it opens a file or a base to write, makes,
renames or removes something, or flushes a file. Python tells them by its audit events; nothing of the
package is replaced.
"""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sdaasp_geo.errors import SdaaspError

DONE, REFUSED, SIGNALLED, RAW, KILLED = "written", "refused in French", "stopped", "TRACEBACK", "killed"
ERRORS = {name: getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EIO", "EMFILE", "EBUSY")}
KINDS = (*ERRORS, "MemoryError", "KeyboardInterrupt", "SIGTERM", "SIGKILL")
_CODES = {0: DONE, 1: REFUSED, 3: SIGNALLED}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_EVENTS = frozenset({"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "sqlite3.connect"})
_UNDOING = frozenset({"os.remove", "os.rmdir", "os.rename"})
_ALWAYS_ALLOWED = frozenset({"ENOSPC", "EDQUOT", "EMFILE"})


@dataclass(frozen=True)
class Fault:
    """A fault: its kind (`KINDS`, ``bytes`` or ``none``) and the point, or the size of file, at which it begins."""

    kind: str = "none"
    at: int = 0


@dataclass(frozen=True)
class Outcome:
    """How a child ended (`DONE`, `REFUSED`, `SIGNALLED`, `KILLED`, `RAW`), what it said, and the points it met."""

    ending: str
    said: str
    points: int


def tree(folder: Path) -> dict[str, str]:
    """Return the files of a folder with the hash of their bytes, folders included; of a file, itself."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "/"
        for path in [folder, *sorted(folder.rglob("*"))]
    }


def in_child(job: Callable[[], object], root: Path, fault: Fault = Fault(), *, told: Path) -> Outcome:
    """Run a job in a forked child, under a fault, and say how it ended.

    Parameters
    ----------
    job : callable
        What to run.
    root : Path
        Where points are counted.
    fault : Fault
        What goes wrong.
    told : Path
        A file outside the root, for what the child says.
    """
    return wait(start(job, root, fault, told=told), told)


def start(job: Callable[[], object], root: Path, fault: Fault = Fault(), *, told: Path) -> int:
    """Start a job in a forked child; return its number, for `wait`."""
    told.unlink(missing_ok=True)
    child = os.fork()
    if child:
        return child
    code, said = 9, ""
    count = [0]
    try:
        signal.signal(signal.SIGTERM, _stop)
        arm(fault, root, count, told)
        job()
        code = 0
    except SdaaspError as error:
        code, said = 1, str(error)
    except (MemoryError, KeyboardInterrupt, SystemExit) as error:
        code, said = 3, type(error).__name__
    except BaseException:  # noqa: BLE001 - it is what the campaign looks for
        said = traceback.format_exc()
    finally:
        fault_off()
        told.write_text(f"{count[0]}\n{said}", encoding="utf-8")
        os._exit(code)


def wait(child: int, told: Path) -> Outcome:
    """Wait for a child and say how it ended."""
    _, status = os.waitpid(child, 0)
    lines = told.read_text(encoding="utf-8") if told.exists() else "0\n"
    points, _, said = lines.partition("\n")
    if os.WIFSIGNALED(status):
        return Outcome(KILLED, signal.Signals(os.WTERMSIG(status)).name, int(points))
    return Outcome(_CODES.get(os.WEXITSTATUS(status), RAW), said, int(points))


def _stop(_number: int, _frame: object) -> None:
    sys.exit(143)


_armed = [True]


def fault_off() -> None:
    """Let the child work normally again."""
    _armed[0] = False
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if soft != hard else soft, hard))


def arm(fault: Fault, root: Path, count: list[int], told: Path) -> None:
    """Count the points below a root in this process, and begin the fault at its point, for good."""
    start_of = str(root) + os.sep
    if fault.kind == "bytes":  # the kernel kills the process that makes a file longer than this, whoever writes it
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.at, resource.RLIM_INFINITY))

    def point(event: str) -> None:
        count[0] += 1
        if fault.kind not in {"none", "bytes"} and count[0] >= fault.at:
            _begin(fault, event, told, first=count[0] == fault.at, count=count[0])

    def hook(event: str, args: tuple[object, ...]) -> None:
        if _armed[0] and _touches(event, args, start_of):
            point(event)

    sys.addaudithook(hook)
    flush = os.fsync

    def counted_flush(handle: int) -> None:
        if _armed[0]:
            point("fsync")
        flush(handle)

    os.fsync = counted_flush


def _touches(event: str, args: tuple[object, ...], start_of: str) -> bool:
    if event == "open":
        path, mode, flags = args[0], args[1], args[2]
        writes = any(letter in str(mode) for letter in "wax+") or bool(isinstance(flags, int) and flags & _WRITING)
        return writes and str(path).startswith(start_of)
    if event not in _EVENTS:
        return False
    path = os.fsdecode(args[0]) if isinstance(args[0], (str, bytes, os.PathLike)) else ""
    return path.startswith(start_of) or not Path(path).is_absolute()  # relative: inside a folder that is being removed


def _begin(fault: Fault, event: str, told: Path, *, first: bool, count: int) -> None:
    if fault.kind in ERRORS:
        if first or not (fault.kind in _ALWAYS_ALLOWED and event in _UNDOING):
            number = ERRORS[fault.kind]
            raise OSError(number, os.strerror(number))
    elif first:
        if fault.kind == "MemoryError":
            raise MemoryError
        if fault.kind == "KeyboardInterrupt":
            raise KeyboardInterrupt
        if fault.kind == "SIGKILL":
            told.write_text(f"{count}\n", encoding="utf-8")
        os.kill(os.getpid(), getattr(signal, fault.kind))


@contextmanager
def small_disk(place: Path) -> Iterator[Callable[[str], None]]:
    """Mount a disk of its own on a folder, and give the function that changes how it is mounted (``size=1m``, ``ro``).

    Raises
    ------
    PermissionError
        When this user may not mount.
    """
    place.mkdir(parents=True, exist_ok=True)

    def mount(options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - fixed words
        if done.returncode:
            raise PermissionError(done.stderr.decode(errors="replace"))

    mount("size=256m")
    try:
        yield lambda options: mount(f"remount,{options}")
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)  # noqa: S603, S607 - fixed words


def until(ready: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait until something is true."""
    for _ in range(int(seconds / 0.01)):
        if ready():
            return
        time.sleep(0.01)
    raise TimeoutError
