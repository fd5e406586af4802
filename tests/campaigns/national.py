"""Campaign: some départements built alone, in one process, in a pool and on a Dask cluster, with workers killed.

    python tests/campaigns/national.py [--work FOLDER] [CODE ...]

Builds each département alone with the command line, then all of them in the three ways; in the pool a process, and on
the cluster one of the two workers, is killed (SIGKILL) while it writes. Then faults between two runs: one file changed,
one scheme changed, one scheme broken. Prints each check with its figures; exit code 1 when one fails. By default the
three smallest départements: about 15 s of processor each, six times.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from dask_cluster import cluster

from sdaasp_geo.pipeline import national
from sdaasp_geo.pipeline.national import National
from sdaasp_geo.pipeline.national_task import BUILT, KEPT

SMALLEST = ("75", "90", "976")
PROGRAM = "from sdaasp_geo.cli import main; main()"
POLL_S = 0.02
Tree = dict[str, str]


def tree(folder: Path) -> Tree:
    """Hash every file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def build_alone(codes: list[str], work: Path) -> dict[str, Tree]:
    """Build each département as a user does, in a process of its own."""
    found = {}
    for code in codes:
        scheme, out = work / "alone-schemes" / code, work / "alone" / code
        for words in (["init", str(scheme), "--departement", code], ["build", str(scheme), "--out", str(out), "-q"]):
            subprocess.run([sys.executable, "-c", PROGRAM, *words], check=True, capture_output=True)  # noqa: S603
        found[code] = tree(out)
    return found


def at_work(process: int) -> bool:
    """Tell whether a process has a file open in a folder that is being written."""
    with suppress(OSError):
        return any(".partiel" in str(one.readlink()) for one in Path(f"/proc/{process}/fd").iterdir())
    return False


def children(process: int) -> list[int]:
    """Return the processes that a process started."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(word) for path in tasks for word in path.read_text().split()]


@contextmanager
def killer(candidates: Callable[[], list[int]], kill: Callable[[int], None]) -> Iterator[list[int]]:
    """Kill the first process that is seen writing; give the list of the victims."""
    victims: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not victims and not over.is_set():
            for process in candidates():
                if at_work(process):
                    kill(process)
                    victims.append(process)
                    break
            time.sleep(POLL_S)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield victims
    finally:
        over.set()
        thread.join()


class Checks:
    """Checks made, printed as they come."""

    def __init__(self) -> None:
        self.failed = 0

    def __call__(self, what: str, *, holds: bool) -> None:
        """Print one check."""
        self.failed += not holds
        print(f"{'ok  ' if holds else 'FAIL'}  {what}", flush=True)


def states(run: National) -> dict[str, str]:
    """Return what became of each département."""
    return {outcome.code: outcome.state for outcome in run.outcomes}


def three_ways(codes: list[str], work: Path, check: Checks) -> None:
    """Build in the three ways, killing one worker in the last two; compare every byte."""
    alone = build_alone(codes, work)
    national.build_all(work / "here" / "france", codes=codes)
    with killer(lambda: children(os.getpid()), lambda pid: os.kill(pid, 9)) as victims:
        national.build_all(work / "pool" / "france", codes=codes, jobs=2)
    check(f"pool: {len(victims)} process killed while it wrote", holds=len(victims) == 1)
    logs = work / "logs"
    logs.mkdir()
    with cluster(logs, workers=2) as dask:
        own = {process.pid: process for process in dask.workers}
        with killer(lambda: list(own), lambda pid: own[pid].kill()) as victims:
            run = national.build_all(work / "dask" / "france", codes=codes, scheduler=dask.address)
    check(f"cluster: {len(victims)} worker of 2 killed while it wrote", holds=len(victims) == 1)
    check("cluster: every département done", holds=set(states(run).values()) == {BUILT})
    whole = {way: tree(work / way / "france") for way in ("here", "pool", "dask")}
    files = sum(len(found) for found in alone.values())
    for way, found in whole.items():
        same = all(
            {name.removeprefix(f"{code}/"): h for name, h in found.items() if name.startswith(f"{code}/")}
            == alone[code]
            for code in codes
        )
        check(f"{way}: {files} files of {len(codes)} départements, same bytes as alone", holds=same)
        check(f"{way}: report and schemes, same bytes ({len(found)} files)", holds=found == whole["here"])


def faults_between(codes: list[str], work: Path, check: Checks) -> None:
    """Change a file, then a scheme, then break one; see that only what must be done again is."""
    out, first = work / "here" / "france", codes[0]
    before = tree(out)
    run = national.build_all(out, codes=codes)
    check("again: nothing is done again", holds=set(states(run).values()) == {KEPT} and tree(out) == before)
    (out / first / "index.html").write_bytes(b"")
    run = national.build_all(out, codes=codes)
    others = dict.fromkeys(codes[1:], KEPT)
    check("one file emptied: that département only, same bytes", holds=states(run) == {first: BUILT, **others})
    check("one file emptied: same bytes", holds=tree(out) == before)
    scheme = out / national.SCHEMES / first / "scheme.toml"
    text = scheme.read_bytes()
    scheme.write_bytes(b"nom = 3\n")
    run = national.build_all(out, codes=codes)
    check("one scheme broken: one failure, the former result is intact", holds=len(run.report.failed) == 1)
    check(
        "one scheme broken: the others are kept", holds={c: s for c, s in states(run).items() if c != first} == others
    )
    scheme.write_bytes(text)
    run = national.build_all(out, codes=codes)
    check("mended: same bytes, nothing to do again", holds=tree(out) == before and run.kept == len(codes))


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="folder to work in, kept")
    parser.add_argument("codes", nargs="*", default=list(SMALLEST))
    asked = parser.parse_args()
    work = asked.work or Path(tempfile.mkdtemp(prefix="sdaasp-national-"))
    work.mkdir(parents=True, exist_ok=True)
    check = Checks()
    codes = sorted(asked.codes)
    three_ways(codes, work, check)
    faults_between(codes, work, check)
    if not asked.work:
        shutil.rmtree(work)
    sys.exit(bool(check.failed))


if __name__ == "__main__":
    main()
