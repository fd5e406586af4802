"""What stands after a fault: the former output or the new one, whole; and what the next run makes of what was left."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from sdaasp_geo import disk
from sdaasp_geo.errors import OutputError
from sdaasp_geo.outputs.geopackage import write_geopackage
from sdaasp_geo.outputs.publish import added, check_replaceable, published, published_file
from sdaasp_geo.sources.extracts import fetch_extract
from sdaasp_geo.travel.road_file import cached_road_graph
from sdaasp_geo.travel.road_graph import RoadGraph, build_road_graph

CAMPAIGN = Path(__file__).resolve().parent / "campaigns" / "faults.py"
MANIFEST = '{"schema": "sdaasp_geo/manifest/1"}'
WHOLE = {"former one intact", "new one complete", "former one aside, whole"}
HOLD = """
import os, signal, sys
from pathlib import Path
from sdaasp_geo import disk
with disk.locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read() or os.kill(os.getpid(), signal.SIGKILL)
"""


def write_run(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(MANIFEST)
    (folder / "index.html").write_text(text)


def publish(folder: Path, text: str) -> None:
    with published(folder) as beside:
        write_run(beside, text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="faults are put in forked processes")
def test_no_fault_spoils_an_output() -> None:
    campaign = [sys.executable, str(CAMPAIGN), "--json", "--size", "2"]
    done = subprocess.run([*campaign, "--jobs", "folder"], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    rows = [dict(zip(("job", "kind", "ending", "state", "number"), row, strict=True)) for row in told["table"]]
    assert sum(row["number"] for row in rows) >= 25
    assert {row["state"] for row in rows} <= WHOLE
    assert {"SIGKILL", "SIGTERM", "bytes", "ENOSPC", "EROFS", "GeoPackage held", "two runs at once"} <= {
        row["kind"] for row in rows
    }
    assert {row["ending"] for row in rows if row["kind"] in {"SIGKILL", "bytes"}} == {"killed"}
    assert told["said"]
    assert all(said.startswith(("Impossible d'écrire", "Un autre calcul écrit")) for said in told["said"])
    assert all(said.endswith(("relancez.", "choisissez un autre dossier.")) for said in told["said"])


def test_the_second_run_in_a_folder_is_refused(tmp_path: Path) -> None:
    publish(tmp_path / "out", "former")
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", HOLD, str(tmp_path / "out")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        for refused in (check_replaceable, lambda folder: publish(folder, "new")):
            with pytest.raises(OutputError, match=r"Un autre calcul écrit .*Attendez qu'il finisse"):
                refused(tmp_path / "out")
        assert (tmp_path / "out" / "index.html").read_text() == "former"
        other.stdin.close()  # it kills itself, its lock held
    assert names(tmp_path) == [".out.verrou", "out"]
    publish(tmp_path / "out", "new")
    assert (tmp_path / "out" / "index.html").read_text() == "new"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("empty", [False, True])
def test_a_run_left_aside_comes_back(tmp_path: Path, empty: bool) -> None:  # noqa: FBT001
    write_run(tmp_path / ".out.ancien", "former")
    write_run(tmp_path / ".out.partiel", "half")
    if empty:
        (tmp_path / "out").mkdir()
    check_replaceable(tmp_path / "out")
    assert (tmp_path / "out" / "index.html").read_text() == "former"
    publish(tmp_path / "out", "new")
    assert names(tmp_path) == ["out"]


def test_a_run_left_aside_is_removed_where_a_new_one_stands(tmp_path: Path) -> None:
    write_run(tmp_path / ".out.ancien", "former")
    write_run(tmp_path / "out", "new")
    check_replaceable(tmp_path / "out")
    assert (tmp_path / "out" / "index.html").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_what_another_run_left_aside_does_not_cost_this_one(tmp_path: Path) -> None:
    publish(tmp_path / "out", "former")
    write_run(tmp_path / ".out.ancien", "older")  # another run died after it took its place
    write_run(tmp_path / ".out.rebut", "half removed")
    publish(tmp_path / "out", "new")
    assert (tmp_path / "out" / "index.html").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_work_put_in_the_folder_during_a_run_stays(tmp_path: Path) -> None:
    def run() -> None:
        with published(tmp_path / "out") as beside:
            write_run(beside, "new")
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "thesis.txt").write_text("years of work")

    with pytest.raises(OutputError, match="n'est pas un résultat"):
        run()
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == ["thesis.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="folders are exchanged in one operation on Linux only")
def test_a_run_takes_the_place_of_the_former_one_in_one_operation(tmp_path: Path) -> None:
    publish(tmp_path / "out", "former")
    seen = set[str]()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                seen.add((tmp_path / "out" / "index.html").read_text())
            except OSError as error:
                seen.add(str(error))

    watcher = threading.Thread(target=look)
    watcher.start()
    for turn in range(50):
        publish(tmp_path / "out", f"run {turn}")
    over.set()
    watcher.join()
    assert len(seen) > 1
    assert seen <= {"former", *(f"run {turn}" for turn in range(50))}
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("able", [True, False])
def test_a_flush_that_fails_leaves_the_former_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, able: bool
) -> None:
    publish(tmp_path / "out", "former")
    if not able:
        monkeypatch.setattr(disk, "exchanged", lambda _made, _path: False)

    def broken(path: Path) -> None:
        if path == tmp_path:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk, "sync", broken)
    with pytest.raises(OutputError, match="le disque ou le réseau n'a pas répondu"):
        publish(tmp_path / "out", "new")
    monkeypatch.undo()
    assert (tmp_path / "out" / "index.html").read_text() == "former"
    assert names(tmp_path) == ["out"]


def test_the_former_run_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path / "out", "former")
    monkeypatch.setattr(disk, "exchanged", lambda _made, _path: False)  # as on a system that cannot
    rename = Path.rename

    def busy(self: Path, target: Path) -> Path:
        if self.name == ".out.partiel":
            raise PermissionError(errno.EACCES, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", busy)
    with pytest.raises(OutputError, match=r"fichier ouvert ailleurs.*QGIS"):
        publish(tmp_path / "out", "new")
    assert (tmp_path / "out" / "index.html").read_text() == "former"
    assert names(tmp_path) == ["out"]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    publish(tmp_path / "disk" / "run", "former")
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "run")
    publish(tmp_path / "out", "new")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "run" / "index.html").read_text() == "new"
    assert names(tmp_path / "disk") == ["run"]


def test_a_file_is_replaced_whole_or_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"

    def write(text: str, fault: OSError | None = None) -> None:
        with published_file(path) as made:
            assert made.name == path.name
            made.write_text(text)
            if fault:
                raise fault

    write("former")
    with pytest.raises(OutputError, match=r"disque est plein. Libérez de la place"):
        write("new", OSError(errno.ENOSPC, "No space left on device"))
    assert (names(tmp_path), path.read_text()) == (["a.txt"], "former")
    write("new")
    assert (names(tmp_path), path.read_text()) == (["a.txt"], "new")


def test_added_files_join_those_that_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "annexes"
    write_run(folder, "former")

    def add(*, fails: bool) -> None:
        with added(folder) as beside:
            (beside / "index.html").write_text("new")
            (beside / "maps").mkdir()
            (beside / "maps" / "b.txt").write_text("b")
            if fails:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(fails=True)
    assert (names(tmp_path), names(folder)) == (["annexes"], ["index.html", "manifest.json"])
    assert (folder / "index.html").read_text() == "former"
    add(fails=False)
    assert (names(tmp_path), names(folder)) == (["annexes"], ["index.html", "manifest.json", "maps"])
    assert (folder / "index.html").read_text() == "new"


def test_a_geopackage_with_a_journal_is_left_alone(tmp_path: Path) -> None:
    for name in ("a.gpkg", "a.gpkg-wal"):
        (tmp_path / name).write_bytes(b"former")
    with pytest.raises(OutputError, match=r"ouvert dans un autre programme.*a.gpkg-wal"):
        write_geopackage([], tmp_path / "a.gpkg")
    assert names(tmp_path) == ["a.gpkg", "a.gpkg-wal"]
    assert (tmp_path / "a.gpkg").read_bytes() == b"former"


def test_of_two_that_want_a_graph_one_builds_it(tmp_path: Path, road_graph: RoadGraph) -> None:
    built: list[int] = []

    def build() -> RoadGraph:
        built.append(1)
        time.sleep(0.3)
        return road_graph

    found: list[RoadGraph] = []

    def want() -> None:
        found.append(cached_road_graph(tmp_path, fingerprint="a", build=build)[0])

    threads = [threading.Thread(target=want) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(built)) == (3, 1)
    assert names(tmp_path) == ["a.routes"]


@pytest.fixture
def road_graph() -> RoadGraph:
    row = {"from_node": [0], "to_node": [1], "road_class": "tertiary", "name": "", "forward_kmh": 50.0}
    row |= {"backward_kmh": 50.0, "duration_min": 1.0, "length_m": 1000.0}
    lines = [shapely.LineString([(700_000, 6_500_000), (701_000, 6_500_000)])]
    return build_road_graph(gpd.GeoDataFrame(row, geometry=lines, crs=2154), crs="EPSG:2154", source="essai")


def test_an_extract_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="un fichier est à la place d'un dossier"):
        fetch_extract("x", tmp_path / "file", root="http://127.0.0.1:9/")


SAID = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EMFILE, errno.EIO, errno.EISDIR, errno.ENOTEMPTY, errno.EINVAL}
SAID |= {errno.ELOOP, errno.ESTALE, errno.EILSEQ, errno.EXDEV}


@pytest.mark.parametrize("number", [*sorted(SAID), 9999])
def test_every_refusal_of_the_system_has_a_remedy(number: int) -> None:
    said = disk.cause_of(OSError(number, "english words"))
    assert said.endswith("relancez.")
    assert said.count(". ") == 1
    assert "english" not in said
    assert ("(erreur 9999)" in said) == (number == 9999)


def test_a_refusal_without_number_keeps_no_english() -> None:
    assert disk.cause_of(OSError("english words")) == (
        "le système l'a refusé. Choisissez un autre dossier, puis relancez."
    )


@pytest.mark.parametrize("name", ["turn", "turn/below"])
def test_links_that_lead_to_each_other_are_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "turn").symlink_to("back")
    (tmp_path / "back").symlink_to("turn")
    path = tmp_path / name
    for write in (check_replaceable, lambda folder: publish(folder, "new"), write_one, write_beside):
        with pytest.raises(OutputError, match="des liens renvoient l'un à l'autre sans fin"):
            write(path)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "back", tmp_path / "turn"]


def write_one(path: Path) -> None:
    with published_file(path) as made:
        made.write_text("new")


def write_beside(folder: Path) -> None:
    with added(folder) as beside:
        write_run(beside, "new")
