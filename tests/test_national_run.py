"""All the départements: whoever does the work, one that fails or is killed stops no other; each commune counts once."""

from __future__ import annotations

import csv
import dataclasses
import json
import pickle
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from dask_cluster import Cluster, cluster
from national_stub import DOOMED, SLOW, marks, stub_work
from shared_runs import SharedRun

from sdaasp_geo import __version__
from sdaasp_geo.cli_all import Everything, all_options, build_everything
from sdaasp_geo.errors import OutputError, ReconciliationError, SchemeError, SdaaspError
from sdaasp_geo.outputs import national_figures as figures
from sdaasp_geo.pipeline import national, national_workers
from sdaasp_geo.pipeline.national_task import BUILT, FAILED, KEPT, Outcome, Task, build_departement, is_current
from sdaasp_geo.scheme import find_scheme, read_scheme
from sdaasp_geo.sources import france

PATIENCE_S = 60.0


def test_a_task_is_pickled_plainly() -> None:
    task = Task("65", "/a/65", "/b/65")
    assert pickle.loads(pickle.dumps(task)) == task  # noqa: S301 - our own bytes
    assert pickle.loads(pickle.dumps(build_departement)) is build_departement  # noqa: S301
    assert all(type(value) is str for value in dataclasses.asdict(task).values())


def test_another_version_is_refused_by_the_worker(tmp_path: Path) -> None:
    outcome = build_departement(Task("65", "hautes-pyrenees", str(tmp_path / "65"), version="0.0.0"))
    assert outcome.state == FAILED
    assert "0.0.0" in outcome.reason
    assert not list(tmp_path.iterdir())


def test_a_defect_of_the_program_is_an_outcome_with_its_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "boum"
        raise ZeroDivisionError(message)

    monkeypatch.setattr("sdaasp_geo.pipeline.national_task.build", broken)
    outcome = build_departement(Task("65", "hautes-pyrenees", str(tmp_path / "65")))
    assert outcome.state == FAILED
    assert "ZeroDivisionError" in outcome.reason
    assert "in broken" in outcome.trace


def test_a_killed_process_of_the_pool_takes_no_other_with_it(tmp_path: Path) -> None:
    tasks = [Task("01", DOOMED, str(tmp_path)), Task("02", "", str(tmp_path))]
    found = {outcome.code: outcome for outcome in national_workers.run_pool(tasks, jobs=2, work=stub_work)}
    assert found["02"].state == BUILT
    assert found["01"].state == FAILED
    assert "signal 9" in found["01"].reason
    assert len(marks(tmp_path, "01")) == national_workers.ATTEMPTS
    assert len(marks(tmp_path, "02")) == 1


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("distributed", reason="the extra « cluster » is not installed")
    support = Path(__file__).parent / "support"
    with cluster(tmp_path_factory.mktemp("dask"), workers=2, path=(support,)) as made:
        yield made


def test_a_killed_worker_of_the_cluster_is_survived(tmp_path: Path, dask: Cluster) -> None:
    """With stub tasks: real départements are the campaign's (``tests/campaigns/national.py``)."""
    tasks = [Task(f"{number:02}", SLOW, str(tmp_path)) for number in range(1, 7)]
    own = {process.pid: process for process in dask.workers}
    victims: list[int] = []

    def kill_one_at_work() -> None:
        end = time.monotonic() + PATIENCE_S
        while not victims and time.monotonic() < end:
            begun = {pid for task in tasks for pid in marks(tmp_path, task.code)}
            if begun == set(own):  # both are at work
                victims.append(min(begun))
                own[victims[0]].kill()
                own[victims[0]].wait()
            time.sleep(0.02)
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill_one_at_work)
    killer.start()
    outcomes = list(national_workers.run_cluster(tasks, address=dask.address, work=stub_work))
    killer.join()
    assert victims
    assert sorted(outcome.code for outcome in outcomes) == [task.code for task in tasks]
    assert {outcome.state for outcome in outcomes} == {BUILT}
    begun_by_both = [task.code for task in tasks if len(marks(tmp_path, task.code)) == 2]
    assert len(begun_by_both) == 1  # the one that the victim had in hand was done again by the other


def test_without_scheduler_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra « cluster » is not installed")
    monkeypatch.setattr(national_workers, "CONNECTION_S", 0.5)
    with pytest.raises(SdaaspError, match="Aucun répartiteur Dask"):
        list(national_workers.run_cluster([Task("01", "", "")], address="tcp://127.0.0.1:1"))


def test_without_the_extra_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(SdaaspError, match=r"pip install 'sdaasp_geo\[cluster\]'"):
        list(national_workers.run_cluster([Task("01", "", "")], address="tcp://127.0.0.1:1"))


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, built: Callable[[str], SharedRun]) -> tuple[Path, Path]:
    """Folder of schemes by code, and a national folder where 65 is already done."""
    base = tmp_path_factory.mktemp("national")
    schemes, out = base / "mes-schemas", base / "france"
    schemes.mkdir()
    (schemes / "65").symlink_to(find_scheme("hautes-pyrenees"))
    (schemes / "04").mkdir()
    (schemes / "04" / "scheme.toml").write_text('departement = "12"', encoding="utf-8")
    shutil.copytree(built("hautes-pyrenees").folder, out / "65")
    return schemes, out


def test_one_that_fails_stops_no_other_and_the_report_says_all(ground: tuple[Path, Path]) -> None:
    schemes, out = ground
    said: list[str] = []
    run = national.build_all(out, codes=["65", "04"], schemes=schemes, report=said.append)
    assert [(one.code, one.state) for one in run.outcomes] == [("04", FAILED), ("65", KEPT)]
    assert len(said) == 2
    legal = france.read_membership(2024)
    populations = legal.groupby("departement")["population"].sum()
    data = json.loads((out / "rapport.json").read_text(encoding="utf-8"))
    assert data["total"]["communes"] == 469
    assert data["total"]["population"] == populations["65"]
    assert data["reconciliation"]["population_asked"] == populations["65"] + populations["04"]
    assert data["reconciliation"]["population_missing"] == populations["04"]
    assert data["reconciliation"]["communes_counted_twice"] == []
    rows = list(csv.DictReader((out / "rapport.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [(row["code"], row["etat"], row["habitants"]) for row in rows[:2]] == [
        ("04", "échec", ""),
        ("65", "fait", str(populations["65"])),
    ]
    sides = [int(rows[1][f"france-services-20:{side}"]) for side in ("dans_seuil", "hors_seuil", "non_mesures")]
    assert sum(sides) == populations["65"]
    page = (out / "rapport.html").read_text(encoding="utf-8")
    assert 'href="65/index.html"' in page
    assert "Départements à refaire" in page


def test_the_report_is_always_the_same_bytes(ground: tuple[Path, Path]) -> None:
    schemes, out = ground
    names = ("rapport.csv", "rapport.html", "rapport.json")
    national.build_all(out, codes=["65"], schemes=schemes)
    first = [(out / name).read_bytes() for name in names]
    national.build_all(out, codes=["65"], schemes=schemes, jobs=2)
    assert [(out / name).read_bytes() for name in names] == first


def test_what_is_there_is_kept_only_as_it_would_be_built_now(ground: tuple[Path, Path], tmp_path: Path) -> None:
    scheme, run = read_scheme("hautes-pyrenees"), ground[1] / "65"
    assert is_current(scheme, run)
    assert not is_current(scheme, tmp_path)
    own = tmp_path / "autre"
    shutil.copytree(scheme.folder, own)
    with (own / "scheme.toml").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert not is_current(read_scheme(str(own)), run)
    changed = run / "tables" / "communes.csv"
    before = changed.read_bytes()
    changed.write_bytes(before + b"\n")
    assert not is_current(scheme, run)
    changed.write_bytes(before)
    assert is_current(scheme, run)


def test_another_version_is_built_again(ground: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdaasp_geo.pipeline.national_task.__version__", f"{__version__}.post1")
    assert not is_current(read_scheme("hautes-pyrenees"), ground[1] / "65")


def test_each_commune_counts_once(ground: tuple[Path, Path]) -> None:
    found = figures.read_communes(ground[1] / "65")
    legal = france.read_membership(2024).set_index(["departement", "code"])["population"].loc["65"]
    figures.check_communes(found, legal)
    with pytest.raises(ReconciliationError, match="communes absentes"):
        figures.check_communes(found.iloc[1:], legal)
    with pytest.raises(ReconciliationError, match="deux fois"):
        figures.check_communes(found.loc[[found.index[0], *found.index]], legal)
    with pytest.raises(ReconciliationError, match="populations différentes"):
        figures.check_communes(found + (found.index == found.index[3]), legal)


def test_what_is_not_ours_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "rapport.csv").write_text("à moi", encoding="utf-8")
    with pytest.raises(OutputError, match=r"rapport\.csv"):
        national.build_all(tmp_path, codes=["75"])
    assert [path.name for path in tmp_path.iterdir()] == ["rapport.csv"]


def test_schemes_that_no_departement_bears_are_said(tmp_path: Path) -> None:
    (tmp_path / "4").mkdir()
    (tmp_path / "4" / "scheme.toml").touch()
    with pytest.raises(SchemeError, match="nomme 4"):
        national.build_all(tmp_path / "out", schemes=tmp_path)


@click.command()
@click.argument("scheme", required=False)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--to")
@all_options
def build(scheme: str | None, out: Path, *, to: str | None, everything: Everything) -> None:
    everything.check(scheme, to=to)
    if everything.every:
        build_everything(everything, out, quiet=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Donnez un schéma, ou --all"),
        (["65", "--jobs", "2"], "--jobs demande --all"),
        (["65", "--all"], "--all ne prend pas SCHEMA"),
        (["--all", "--to", "postgresql://x"], "--all ne prend pas --to"),
        (["--all", "--jobs", "2", "--scheduler", "tcp://x:1"], "--jobs (cette machine) ou --scheduler"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: list[str], said: str) -> None:
    result = CliRunner().invoke(build, [*words, "--out", "x"])
    assert result.exit_code == 2
    assert said in result.output


def test_the_exit_code_says_whether_one_failed(ground: tuple[Path, Path], tmp_path: Path) -> None:
    schemes, out = ground
    words = ["--all", "--out", str(out), "--schemes", str(schemes), "--departement", "65"]
    measures = tmp_path / "mesures.csv"
    fine = CliRunner().invoke(build, [*words, "--measures", str(measures)])
    assert fine.exit_code == 0, fine.output
    assert measures.read_text(encoding="utf-8-sig").splitlines()[1].startswith("65,déjà fait")
    failed = CliRunner().invoke(build, [*words, "--departement", "04"])
    assert failed.exit_code == 1
    assert "Échec\u00a0: 04 Alpes-de-Haute-Provence" in failed.output


def test_traces_are_kept_until_the_departement_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "erreurs"
    national._write_traces([Outcome("65", FAILED, "r", "Traceback…")], folder)  # noqa: SLF001 - no public way breaks
    assert (folder / "65.txt").read_text(encoding="utf-8") == "Traceback…"
    national._forget_traces([Outcome("04", KEPT)], folder)  # noqa: SLF001
    assert (folder / "65.txt").exists()
    national._forget_traces([Outcome("65", KEPT)], folder)  # noqa: SLF001
    assert not folder.exists()
