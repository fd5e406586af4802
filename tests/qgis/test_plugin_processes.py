"""How the plugin runs the package: its lines, its end, its children, stopping. Without QGIS."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from qgis_host import plugin_module


def test_the_environment_of_the_package_is_not_that_of_qgis() -> None:
    foreign = {"PYTHONHOME": "/q", "PYTHONPATH": "/q", "QGIS_PREFIX_PATH": "/q", "GDAL_DATA": "/q", "PROJ_LIB": "/q"}
    kept = {"PATH": "/bin", "HOME": "/h", "HTTPS_PROXY": "x"}
    clean = plugin_module("runner").clean_environment(
        {**foreign, **kept, "LD_LIBRARY_PATH": "/q", "QT_PLUGIN_PATH": "/q"}
    )
    assert clean == {**kept, "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8", "LANGUAGE": "fr"}


def test_a_run_gives_its_lines_as_they_come_and_its_code() -> None:
    runner = plugin_module("runner")
    lines: list[str] = []
    notes: list[str] = []
    program = "import sys; print('é'); print('note', file=sys.stderr); print('fin'); sys.exit(3)"
    words = [sys.executable, "-X", "utf8", "-c", program]
    code = runner.run(words, on_line=lines.append, on_note=notes.append, stopped=lambda: False)
    assert (code, lines, notes) == (3, ["é", "fin"], ["note"])


def test_a_program_that_is_not_there_is_an_error_of_the_system() -> None:
    runner = plugin_module("runner")
    with pytest.raises(OSError, match="nulle-part"):
        runner.run(["/nulle-part/python"], on_line=print, on_note=print, stopped=lambda: False)
    assert runner.ask(["/nulle-part/python"]) == ""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("obeys", [True, False], ids=["obeys", "ignores"])
def test_stopping_ends_the_process_and_its_children(obeys: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    runner = plugin_module("runner")
    monkeypatch.setattr(runner, "PATIENCE_S", 0.5)
    deaf = "" if obeys else "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    child = f"{deaf}import time; time.sleep(600)"
    program = f"""{deaf}import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {child!r}])
time.sleep(0.3)
print(os.getpid(), child.pid, flush=True)
time.sleep(600)"""
    seen: list[str] = []
    words = [sys.executable, "-c", program]
    with pytest.raises(runner.Stopped):
        runner.run(words, on_line=seen.append, on_note=print, stopped=lambda: bool(seen))
    for number in seen[0].split():
        assert gone(int(number))


ORPHAN = """import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(os.getpid(), child.pid, flush=True)
sys.exit(7)"""


@pytest.mark.skipif(os.name == "nt", reason="groups of processes of POSIX")
def test_stopping_ends_a_child_whose_parent_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = plugin_module("runner")
    monkeypatch.setattr(runner, "PATIENCE_S", 60.0)
    seen: list[str] = []
    begun = time.monotonic()
    with pytest.raises(runner.Stopped):
        runner.run(
            [sys.executable, "-c", ORPHAN],
            on_line=seen.append,
            on_note=print,
            stopped=lambda: bool(seen) and gone(int(seen[0].split()[0])),
        )
    assert time.monotonic() - begun < 30
    assert gone(int(seen[0].split()[1]))


@pytest.mark.skipif(os.name == "nt", reason="groups of processes of POSIX")
def test_a_child_that_outlives_the_process_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = plugin_module("runner")
    monkeypatch.setattr(runner, "PATIENCE_S", 0.5)
    seen: list[str] = []
    begun = time.monotonic()
    code = runner.run([sys.executable, "-c", ORPHAN], on_line=seen.append, on_note=print, stopped=lambda: False)
    assert code == 7
    assert time.monotonic() - begun < 30
    assert gone(int(seen[0].split()[1]))


@pytest.mark.skipif(os.name == "nt", reason="sessions of POSIX")
def test_a_child_out_of_reach_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = plugin_module("runner")
    monkeypatch.setattr(runner, "PATIENCE_S", 0.5)
    monkeypatch.setattr(runner, "JOIN_S", 0.1)
    seen: list[str] = []
    program = ORPHAN.replace('600)"]', '600)"], start_new_session=True')
    begun = time.monotonic()
    code = runner.run([sys.executable, "-c", program], on_line=seen.append, on_note=print, stopped=lambda: False)
    assert code == 7
    assert time.monotonic() - begun < 30
    os.kill(int(seen[0].split()[1]), signal.SIGKILL)


def test_a_process_that_closes_its_streams_can_still_be_stopped() -> None:
    runner = plugin_module("runner")
    seen: list[str] = []
    program = "import os, time; print(os.getpid(), flush=True); os.close(1); os.close(2); time.sleep(600)"
    asked = iter(range(1000))
    with pytest.raises(runner.Stopped):
        runner.run(
            [sys.executable, "-c", program],
            on_line=seen.append,
            on_note=print,
            stopped=lambda: bool(seen) and next(asked) > 5,
        )
    assert gone(int(seen[0]))


def test_lines_of_a_dead_process_are_all_given(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = plugin_module("runner")
    monkeypatch.setattr(runner, "PATIENCE_S", 0.5)
    seen: list[str] = []

    def slow(line: str) -> None:
        seen.append(line)
        time.sleep(0.003)

    words = [sys.executable, "-c", "for n in range(500): print(n)"]
    assert runner.run(words, on_line=slow, on_note=print, stopped=lambda: False) == 0
    assert seen == [str(n) for n in range(500)]


def gone(pid: int) -> bool:
    """Whether a process is dead (a zombie that nobody waits for is dead too), within two seconds."""
    for _ in range(40):
        status = Path(f"/proc/{pid}/status")
        if not status.exists() or "State:\tZ" in status.read_text(encoding="utf-8"):
            return True
        time.sleep(0.05)
    return False
