"""Every kind of fault at many points of what writes: the former output stays or the new one is whole, always.

``python tests/campaigns/faults.py --size N --jobs run,folder,file,cache --scheme FOLDER``: for each job and each kind
of fault, ``N`` points evenly spread over those of an undisturbed run; all of them where ``N`` is large. After a fault:
(a) the former output is there bit by bit, or the new one is complete, or, after a death between two renamings, the
former one waits aside, whole; (b) the next run succeeds and gives the bytes of an undisturbed run; (c) nothing is left
beside. Full and read-only disks are real ones (tmpfs) where one may mount. ``--kinds "SIGKILL EIO"``: only these.
``--two-renamings``: as on a system that cannot exchange two folders. It prints a table by job and kind, and ends with
an error when one promise was broken.

The job ``run`` is the writing stage of ``sdaasp build`` on a département (what is computed and drawn is kept in memory
from a first run: what is tested is the writing); ``folder`` a small run folder with a page, a table, a workbook and a
GeoPackage; ``file`` one GeoPackage; ``cache`` the graph of a network.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import math
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
import xlsxwriter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from drawn_once import remember_drawings
from faults import DONE, KILLED, KINDS, RAW, REFUSED, Fault, Outcome, in_child, small_disk, start, tree, until, wait

from sdaasp_geo import disk
from sdaasp_geo.outputs.geopackage import write_geopackage
from sdaasp_geo.outputs.layer_model import NONE, POLYGON, Column, MapLayer
from sdaasp_geo.outputs.manifest import write_manifest
from sdaasp_geo.outputs.publish import check_replaceable, published
from sdaasp_geo.travel.road_file import cached_road_graph, save_road_graph
from sdaasp_geo.travel.road_graph import build_road_graph

FORMER, NEW, ASIDE, LOST = "former one intact", "new one complete", "former one aside, whole", "LOST"
_SCHEMA = "sdaasp_geo/manifest/1"


@dataclasses.dataclass(frozen=True)
class Job:
    """Something that writes ``root/name``: ``write(root, edition)``; two editions give different bytes."""

    name: str
    output: str
    write: Callable[[Path, int], object]


@dataclasses.dataclass(frozen=True)
class Result:
    """What one fault did."""

    job: str
    fault: Fault
    outcome: Outcome
    state: str
    broken: str


def layers_of(edition: int) -> list[MapLayer]:
    """Return a layer of 400 squares and a table."""
    squares = [shapely.box(x, y, x + 1.0, y + 1.0) for x in range(20) for y in range(20)]
    rows = gpd.GeoDataFrame(
        {"code": [f"{number:05}" for number in range(400)], "edition": edition},
        geometry=gpd.GeoSeries(shapely.multipolygons([[square] for square in squares]), crs=2154),
    )
    columns = (Column("code", "Code", "", "Code"), Column("edition", "Édition", "", "Édition"))
    plain = pd.DataFrame(rows.drop(columns="geometry"))
    return [
        MapLayer("carres", "Carrés", "Des carrés", POLYGON, ("code",), rows, columns),
        MapLayer("liste", "Liste", "Une liste", NONE, ("code",), plain, columns),
    ]


def write_folder(root: Path, edition: int) -> None:
    """Write a small run: a page, a table in two formats, a workbook, a GeoPackage, the manifest."""
    folder = root / "resultat"
    check_replaceable(folder)
    with published(folder) as beside:
        (beside / "index.html").write_text(f"<p>{edition}</p>" * 2000, encoding="utf-8")
        (beside / "tables").mkdir()
        table = pd.DataFrame(layers_of(edition)[1].rows)
        table.to_csv(beside / "tables" / "liste.csv", index=False)
        table.to_parquet(beside / "tables" / "liste.parquet", index=False)
        with xlsxwriter.Workbook(str(beside / "tables" / "liste.xlsx"), {"in_memory": True}) as book:
            book.set_properties({"created": pd.Timestamp("2026-01-01").to_pydatetime()})
            book.add_worksheet().write_column(0, 0, table["edition"])
        write_geopackage(layers_of(edition), beside / "layers.gpkg")
        write_manifest({"schema": _SCHEMA, "edition": edition}, beside)


def write_file(root: Path, edition: int) -> None:
    """Write one GeoPackage."""
    write_geopackage(layers_of(edition), root / "couches.gpkg")


def write_cache(root: Path, edition: int) -> None:
    """Build a graph where the kept one is stale; edition 0 leaves a stale one."""
    roads = gpd.GeoDataFrame(
        {
            "from_node": range(300),
            "to_node": range(1, 301),
            "road_class": "tertiary",
            "name": "",
            "forward_kmh": 50.0,
            "backward_kmh": 50.0,
            "duration_min": math.nan,
            "length_m": 1000.0,
        },
        geometry=[shapely.LineString([(1000.0 * i, 0), (1000.0 * i + 1000, 0)]) for i in range(300)],
        crs=2154,
    )
    graph = build_road_graph(roads, crs="EPSG:2154", source="essai")
    if edition:
        cached_road_graph(root, fingerprint="graphe", build=lambda: graph)
    else:
        save_road_graph(dataclasses.replace(graph, fingerprint="autre"), root / "graphe.routes")


def run_job(scheme: Path) -> Job:
    """Prepare the writing stage of a scheme: what is computed and drawn is kept from a first run."""
    from sdaasp_geo.outputs.folder import write_run  # noqa: PLC0415 - heavy, and for this job only
    from sdaasp_geo.pipeline import diagnose, measure, prepare  # noqa: PLC0415
    from sdaasp_geo.pipeline.needs import census_with_history  # noqa: PLC0415
    from sdaasp_geo.scheme import read_scheme  # noqa: PLC0415

    study = prepare(read_scheme(str(scheme)))
    measures = measure(study)
    measures = dataclasses.replace(measures, diagnosis=diagnose(study, measures))
    census = census_with_history(study.scheme.millesimes.mesure)
    turns = remember_drawings()

    def write(root: Path, edition: int) -> None:
        for turn in turns:
            turn[0] = 0
        folder = root / "resultat"
        check_replaceable(folder)
        with published(folder) as beside:
            write_run(study, measures, census, beside, version=str(edition), report=lambda _step: None)

    with tempfile.TemporaryDirectory() as place:
        write(Path(place), 0)
    return Job("run", "resultat", write)


class Bench:
    """One job, with its former output and what an undisturbed run gives, in a folder of its own."""

    def __init__(self, job: Job, place: Path) -> None:
        self.job, self.place, self.told = job, place, place / "told"
        self.model, self.root = place / "model", place / "root"
        self.model.mkdir(parents=True)
        self.root.mkdir()
        first = self._child(self.model, 0)
        self.former = tree(self.model / job.output)
        shutil.copytree(self.model, place / "after")
        self.points = self._child(place / "after", 1).points
        self.expected = tree(place / "after" / job.output)
        if first.ending != DONE or self.former == self.expected:
            raise AssertionError(first)

    def _child(self, root: Path, edition: int, fault: Fault = Fault()) -> Outcome:  # noqa: B008
        return in_child(lambda: self.job.write(root, edition), root, fault, told=self.told)

    def reset(self, root: Path) -> None:
        """Put the former output back, alone."""
        for path in root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(self.model, root, dirs_exist_ok=True)

    def try_fault(self, fault: Fault) -> Result:
        """Run under a fault, look, run again, look again."""
        self.reset(self.root)
        return self.judge(fault, self._child(self.root, 1, fault), self.root)

    def state(self, root: Path) -> str:
        """Say what stands under the final name."""
        found = tree(root / self.job.output) if (root / self.job.output).exists() else None
        if found == self.former:
            return FORMER
        if found == self.expected:
            return NEW
        aside = root / f".{self.job.output}.ancien"
        return ASIDE if found is None and aside.exists() and tree(aside) == self.former else LOST

    def judge(self, fault: Fault, outcome: Outcome, root: Path, state: str = "") -> Result:
        """Say what was broken, if anything was; ``state`` is what stood there just after the fault."""
        state = state or self.state(root)
        broken = []
        if state == LOST or (state == ASIDE and outcome.ending != KILLED):
            broken.append(state)
        if outcome.ending == RAW:
            broken.append(outcome.said.strip().splitlines()[-1])
        if outcome.ending == DONE and state != NEW:
            broken.append("said to be written, and is not")
        following = self._child(root, 1)
        if following.ending != DONE or self.state(root) != NEW:
            broken.append(f"next run: {following.ending} {following.said[-300:]}")
        left = sorted(path.name for path in root.iterdir() if path.name != self.job.output)
        # a graph that was finished is not written again: the mark of its lock may stay, empty, until the next one is
        if left and not (self.job.name == "cache" and state == NEW and not any(map(_size, root.glob(".*")))):
            broken.append(f"left beside: {', '.join(left)}")
        return Result(self.job.name, fault, outcome, state, " ; ".join(broken))


def _size(path: Path) -> int:
    return sum(one.stat().st_size for one in [path, *path.rglob("*")] if one.is_file())


def spread(total: int, size: int) -> list[int]:
    """Return at most ``size`` whole numbers from 1 to ``total``, evenly spread, the first and the last included."""
    if size >= total:
        return list(range(1, total + 1))
    return sorted({1 + round(i * (total - 1) / max(1, size - 1)) for i in range(size)})


def point_faults(bench: Bench, size: int, kinds: Sequence[str]) -> Iterator[Result]:
    """Try kinds of errors and signals at points spread over the job."""
    for kind in kinds:
        for at in spread(bench.points, size):
            yield bench.try_fault(Fault(kind, at))


def byte_faults(bench: Bench, size: int) -> Iterator[Result]:
    """Let the kernel kill the process that makes a file longer than this, whoever writes it."""
    longest = max((path.stat().st_size for path in bench.model.rglob("*") if path.is_file()), default=1)
    for at in spread(longest, size):
        yield bench.try_fault(Fault("bytes", at))


def disk_faults(bench: Bench, size: int) -> Iterator[Result]:
    """Fill a real disk at several levels, and make it read-only."""
    disk_root = bench.place / "disk"
    with small_disk(disk_root) as remount:
        bench.reset(disk_root)
        used = sum(path.stat().st_blocks * 512 for path in disk_root.rglob("*"))
        needed = sum(path.stat().st_blocks * 512 for path in (bench.place / "after").rglob("*"))
        levels = [used + needed * share // (size + 1) for share in range(1, size + 1)]
        for kind, at in [*(("full disk", level // 1024) for level in levels), ("read-only disk", 0)]:
            bench.reset(disk_root)
            remount(f"size={at}k" if at else "remount,ro")
            outcome = in_child(lambda: bench.job.write(disk_root, 1), disk_root, told=bench.told)
            remount("rw,size=256m")
            yield bench.judge(Fault(kind, at), outcome, disk_root)


def two_at_once(bench: Bench, size: int) -> Iterator[Result]:
    """Start two runs together: one is written, the other is written after it or refused; never a mixture."""
    for number in range(size):
        bench.reset(bench.root)
        tolds = [bench.place / f"told{which}" for which in range(2)]
        children = [start(lambda: bench.job.write(bench.root, 1), bench.root, told=told) for told in tolds]
        outcomes = [wait(child, told) for child, told in zip(children, tolds, strict=True)]
        if not any(one.ending == DONE for one in outcomes):
            outcome = dataclasses.replace(outcomes[0], ending=RAW)
        else:
            outcome = min(outcomes, key=lambda one: (one.ending != RAW, one.ending != REFUSED))
        yield bench.judge(Fault("two runs at once", number), outcome, bench.root)


def locked_base(bench: Bench) -> Iterator[Result]:
    """Run while another process holds the former GeoPackage: exclusive lock, reader, reader of a journal (WAL)."""
    name = next((path.relative_to(bench.model) for path in bench.model.rglob("*.gpkg")), None)
    for number, statement in enumerate(("BEGIN EXCLUSIVE", "BEGIN", "PRAGMA journal_mode=WAL") if name else ()):
        bench.reset(bench.root)
        ready, go = bench.place / "ready", bench.place / "go"

        def hold(statement: str = statement, ready: Path = ready, go: Path = go) -> None:
            base = sqlite3.connect(bench.root / name, isolation_level=None)
            base.execute(statement)
            base.execute("SELECT count(*) FROM gpkg_contents").fetchall()
            ready.touch()
            until(go.exists)
            base.close()

        holder = start(hold, bench.root, told=bench.place / "held")
        until(ready.exists)
        output = bench.root / bench.job.output
        before = tree(output)  # the one that holds it may have changed it
        outcome = in_child(lambda: bench.job.write(bench.root, 1), bench.root, told=bench.told)
        state = FORMER if output.exists() and tree(output) == before else bench.state(bench.root)
        go.touch()
        wait(holder, bench.place / "held")
        ready.unlink()
        go.unlink()
        yield bench.judge(Fault("GeoPackage held", number), outcome, bench.root, state)


def campaign(jobs: Sequence[Job], size: int, kinds: Sequence[str]) -> Iterator[Result]:
    """Try everything on every job; of points alone where only some kinds are asked for."""
    for job in jobs:
        with tempfile.TemporaryDirectory(prefix="faults-") as place:
            bench = Bench(job, Path(place))
            yield from point_faults(bench, size, kinds or KINDS)
            if kinds:
                continue
            yield from byte_faults(bench, size)
            yield from two_at_once(bench, size)
            yield from locked_base(bench)
            try:
                yield from disk_faults(bench, size)
            except (PermissionError, FileNotFoundError) as error:
                print(f"{job.name}: no real disk here ({error})", file=sys.stderr)


def main() -> int:
    """Run the campaign and print its table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=int, default=10)
    options.add_argument("--jobs", default="folder,file,cache")
    options.add_argument("--kinds", default="")
    options.add_argument("--scheme", type=Path)
    options.add_argument("--json", action="store_true")
    options.add_argument("--two-renamings", action="store_true")
    given = options.parse_args()
    if given.two_renamings:
        disk.exchanged = lambda _made, _path: False
    known = {
        "folder": lambda: Job("folder", "resultat", write_folder),
        "file": lambda: Job("file", "couches.gpkg", write_file),
        "cache": lambda: Job("cache", "graphe.routes", write_cache),
        "run": lambda: run_job(given.scheme),
    }
    results = list(campaign([known[name]() for name in given.jobs.split(",")], given.size, given.kinds.split()))
    broken = [result for result in results if result.broken]
    table = collections.Counter((one.job, one.fault.kind, one.outcome.ending, one.state) for one in results)
    if given.json:
        said = [one.outcome.said for one in results if one.outcome.ending == REFUSED]
        print(json.dumps({"table": [[*key, n] for key, n in table.items()], "said": said, "broken": len(broken)}))
    else:
        for key, number in table.items():
            print(f"{number:5}  " + "  ".join(f"{word:24}" for word in key))
        print(f"{len(results)} faults, {len(broken)} promises broken")
    for one in broken:
        print(f"BROKEN {one.job} {one.fault.kind} at {one.fault.at}: {one.broken}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
