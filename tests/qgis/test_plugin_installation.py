"""How the plugin makes the environment that computes: wheels, base Python, the former environment. Without QGIS."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from qgis_host import plugin_module
from wheels import write_wheel


def test_what_pip_would_fetch_is_said_before(tmp_path: Path) -> None:
    installation = plugin_module("installation")
    nothing = installation.read_wheels(tmp_path)
    assert nothing.package is None
    assert "Il n'y a pas de paquet sdaasp_geo" in installation.refusal(nothing, sys.executable, fetch=True)
    needs = ("click>=8.2", "python-docx>=1.1", 'fiona>=1.10; python_version < "3.14"', 'numba; extra == "roads"')
    own = write_wheel(tmp_path, "sdaasp_geo", needs)
    write_wheel(tmp_path, "python_docx")
    wheels = installation.read_wheels(tmp_path)
    assert wheels.package == own
    assert wheels.needs == ("click", "fiona", "python-docx")
    assert wheels.missing == ("click", "fiona")
    told = installation.refusal(wheels, sys.executable, fetch=False)
    assert "pip téléchargerait\u00a0: click, fiona." in told
    assert installation.refusal(wheels, sys.executable, fetch=True) == ""
    assert "Aucun Python 3.11" in installation.refusal(wheels, "", fetch=True)
    assert "--no-index" in installation.pip_command("p", wheels, fetch=False)
    assert "--no-index" not in installation.pip_command("p", wheels, fetch=True)


def test_only_a_recent_python_makes_the_environment(tmp_path: Path) -> None:
    installation = plugin_module("installation")
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\necho 3.9\n", encoding="utf-8")
    old.chmod(0o755)
    assert installation.find_python(str(old)) == ""
    assert installation.find_python(which={"python3": str(old), "python": sys.executable}.get) == sys.executable
    assert not installation.is_recent("/bin/sh")


def identity(folder: Path, version: str, prefix: str) -> str:
    """Write a program that answers as the Python of that version installed there."""
    folder.mkdir()
    program = folder / "python3"
    program.write_text(f"#!/bin/sh\necho '{version} {prefix}'\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


@pytest.mark.skipif(os.name == "nt", reason="a script stands for a Python")
def test_the_python_of_qgis_is_the_base_only_where_there_is_no_other(tmp_path: Path) -> None:
    installation = plugin_module("installation")
    running = "{}.{}".format(*sys.version_info[:2])
    own = identity(tmp_path / "own", running, sys.base_prefix)
    other = identity(tmp_path / "other", running, str(tmp_path))
    assert installation.is_of_qgis(own)
    assert installation.is_of_qgis(sys.executable)
    assert not installation.is_of_qgis(other)
    assert not installation.is_of_qgis("/bin/sh")
    assert installation.find_python(which={"python3.14": own, "python": other}.get) == other
    assert installation.find_python(which={"python3.14": own}.get) == own
    assert installation.find_python(which=lambda _: None) == sys.executable
    assert installation.find_python(own, which={"python": other}.get) == own


def environment(folder: Path, content: str) -> Path:
    """Make what stands for an environment."""
    folder.mkdir()
    (folder / "is").write_text(content, encoding="utf-8")
    return folder


@pytest.mark.parametrize("cause", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("begun", [True, False])
def test_the_former_environment_comes_back_after_a_failure(
    cause: type[BaseException],
    begun: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    installation = plugin_module("installation")
    place = environment(tmp_path / "python", "former")

    def fail() -> None:
        with installation.replaced(place, works=lambda: False):
            assert not place.exists()
            if begun:
                environment(place, "half")
            raise cause

    with pytest.raises(cause):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["python"]
    assert (place / "is").read_text(encoding="utf-8") == "former"


def test_a_first_environment_that_fails_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "python"

    def fail() -> None:
        with plugin_module("installation").replaced(place, works=lambda: False):
            environment(place, "half")
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - the one raised above
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("works", "kept"), [(False, "former"), (True, "new")])
def test_what_an_interrupted_installation_left_is_sorted_out(works: bool, kept: str, tmp_path: Path) -> None:  # noqa: FBT001
    installation = plugin_module("installation")
    environment(tmp_path / "python.avant", "former")
    place = environment(tmp_path / "python", "new")
    with pytest.raises(KeyError), installation.replaced(place, works=lambda: works):
        raise KeyError
    assert (place / "is").read_text(encoding="utf-8") == kept
    with installation.replaced(place, works=lambda: works):
        environment(place, "newer")
    assert [path.name for path in tmp_path.iterdir()] == ["python"]
    assert (place / "is").read_text(encoding="utf-8") == "newer"
