"""Change good files at random and give them to every reader: each must answer, or refuse with a remedy, within 5 s.

``python tests/campaigns/fuzz.py --inputs 100000 --seed 1`` runs the whole campaign and prints one line per reader; a
reader may be named. Each reader runs in a process of its own with bounded memory, so that a crash is seen and said (so
is a library that does not come back within 30 s), and warnings are errors. ``--why`` also counts what was expected
where an input is refused, and what error said so. What fails goes to ``--found`` (one file per kind of defect),
to be added to ``tests/corpus/``.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from hostile_mutations import mutate
from hostile_readers import Target, targets

from sdaasp_geo.errors import InputError, SdaaspError

MOST_S, LOST_S = 5.0, 30.0
MOST_BYTES = 6_000_000_000
MOST_MB = 1_500
"""Memory of a process that reads small files: twice what it takes on good ones."""
Result = dict[str, int | float | str | list[str]]


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class HungError(BaseException):
    """Too slow; not an Exception, so that no reader catches it."""


def _hung(_number: int, _frame: FrameType | None) -> None:
    raise HungError


def peak_mb() -> int:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def defect(target: Target, content: bytes, folder: Path) -> tuple[str, str]:
    """Read one input: ``accepted`` or ``refused``, and what went wrong (empty: nothing)."""
    return _answer(target, content, folder)[:2]


def _answer(target: Target, content: bytes, folder: Path) -> tuple[str, str, str]:
    """Read one input: as `defect`, then what a refusal expected."""
    path = folder / target.file
    path.write_bytes(content)
    signal.setitimer(signal.ITIMER_REAL, MOST_S)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            target.read(path)
    except SdaaspError as error:
        faults = error.faults if isinstance(error, InputError) else ()
        mute = not str(error).strip() or any(not (fault.remedy and fault.expected) for fault in faults)
        expected = faults[0].expected if faults else str(error)
        return "refused", "no remedy" if mute else "", f"{expected[:60]} ({type(error.__cause__).__name__})"
    except (Exception, HungError) as error:  # noqa: BLE001 - whatever else a reader lets out is a defect
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "sdaasp_geo" in frame.filename]
        last = frames[-1] if frames else None
        place = f"{Path(last.filename).name}:{last.lineno}" if last else ""
        return "defect", f"{type(error).__name__} at {place}: {str(error)[:100]}", ""
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "accepted", "", ""


def campaign(name: str, target: Target, *, inputs: int, seed: int, found: Path | None = None) -> Result:
    """Give a reader a number of changed files."""
    rng = random.Random(f"{seed} {name}")  # noqa: S311 - repeatable, not secret
    tally: Counter[str] = Counter()
    why: Counter[str] = Counter()
    kinds: dict[str, str] = {}
    slowest, most_mb = 0.0, max(peak_mb(), MOST_MB)
    signal.signal(signal.SIGALRM, _hung)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(inputs):
            content = rng.choice(target.seeds) if number == 0 else mutate(rng, target.seeds, target.changes)
            if found:
                (found / f"{name}.last").write_bytes(content)
                faulthandler.dump_traceback_later(LOST_S, exit=True)
            start = time.perf_counter()
            answer, wrong, expected = _answer(target, content, Path(folder))
            took = time.perf_counter() - start
            slowest = max(slowest, took)
            tally[answer] += 1
            why[expected] += bool(expected)
            if took > MOST_S and not wrong:
                wrong = f"{took:.1f} s"
            if found and peak_mb() > most_mb:
                most_mb = peak_mb()
                wrong = wrong or f"memory: {most_mb} MB"
            kind = wrong.split(": ")[0]
            if wrong and kind not in kinds:
                kinds[kind] = wrong
                if found:
                    _keep(found / name, target.file, content)
    faulthandler.cancel_dump_traceback_later()
    return {
        "reader": name,
        "inputs": inputs,
        "accepted": tally["accepted"],
        "refused": tally["refused"],
        "defects": sorted(kinds.values()),
        "slowest_s": round(slowest, 3),
        "peak_mb": peak_mb(),
        "why": [f"{count} × {expected}" for expected, count in why.most_common(12)],
    }


def _keep(folder: Path, file: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(content).hexdigest()[:12]
    (folder / f"{digest}{''.join(Path(file).suffixes)}").write_bytes(content)


def _apart(name: str, *, inputs: int, seed: int, found: Path) -> Result:
    """Run the campaign of one reader in a process of its own."""
    command = [sys.executable, __file__, "--child", "--inputs", str(inputs), "--seed", str(seed), "--found", str(found)]
    last = found / f"{name}.last"
    last.unlink(missing_ok=True)
    done = subprocess.run([*command, name], capture_output=True, text=True, check=False)  # noqa: S603 - this script
    if done.returncode:
        if last.is_file():
            _keep(found / name, targets()[name].file, last.read_bytes())
        crash = f"crash {done.returncode}: {done.stderr[-300:]}"
        return {"reader": name, "inputs": inputs, "accepted": 0, "refused": 0, "defects": [crash]} | {
            "slowest_s": 0.0,
            "peak_mb": 0,
            "why": [],
        }
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--inputs", type=int, default=100_000, help="shared by the readers, by weight")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=Path, default=Path(tempfile.gettempdir()) / "sdaasp-fuzz")
    parser.add_argument("--why", action="store_true", help="count what refusals expected")
    parser.add_argument("--child", action="store_true", help="inputs are those of the one reader named")
    return parser.parse_args()


def main() -> int:
    """Run the campaign; the exit code is 1 when a reader has a defect."""
    options = _options()
    options.found.mkdir(parents=True, exist_ok=True)
    known = targets()
    if options.child:
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        (name,) = options.readers
        say(json.dumps(campaign(name, known[name], inputs=options.inputs, seed=options.seed, found=options.found)))
        return 0
    names = options.readers or sorted(known)
    total = sum(known[name].weight for name in names)
    tally: Counter[str] = Counter()
    heads = ["reader", "inputs", "accepted", "refused", "defects", "slowest (s)", "whole (s)", "MB"]
    say(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name in names:
        start = time.perf_counter()
        share = -(-options.inputs * known[name].weight // total)
        result = _apart(name, inputs=share, seed=options.seed, found=options.found)
        defects, why = result["defects"], result["why"]
        assert isinstance(defects, list)
        assert isinstance(why, list)
        shown = [result[key] for key in ("reader", "inputs", "accepted", "refused")]
        shown += [len(defects), result["slowest_s"], round(time.perf_counter() - start), result["peak_mb"]]
        say(f"| {' | '.join(map(str, shown))} |")
        for line in [*defects, *(why if options.why else [])]:
            say(f"  {line}")
        tally.update(inputs=share, defects=len(defects))
    say(f"{tally['inputs']} inputs, {tally['defects']} defects")
    return 1 if tally["defects"] else 0


if __name__ == "__main__":
    sys.exit(main())
