"""The plugin of QGIS under test: its modules without QGIS, and a QGIS of its own, in a fresh profile."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))  # the builder of the plugin is one of the scripts
PLUGIN = ROOT / "qgis_plugin" / "sdaasp_geo"
PROGRAM = "qgis_process.bin"
"""Debian's wrapper ``qgis_process`` fails on one of its own options: the program itself is run."""

_ALIAS = "plugin_under_test"
_ABSENT = f"QGIS is not installed ({PROGRAM} is not on the PATH); on Debian: apt-get install qgis"
_SYSTEM_PYTHON = "/usr/bin/python3"
_WAIT_S = 300


def system_path() -> str:
    """Return the folder of QGIS and those of the system: QGIS embeds the first Python found there, its own."""
    return os.pathsep.join([str(Path(shutil.which(PROGRAM) or "/usr/bin/x").parent), os.defpath])


def plugin_module(name: str) -> ModuleType:
    """Import a module of the plugin that does not need QGIS, beside the package of the same name."""
    if _ALIAS not in sys.modules:
        spec = spec_from_file_location(_ALIAS, PLUGIN / "__init__.py", submodule_search_locations=[str(PLUGIN)])
        assert spec is not None
        assert spec.loader is not None
        package = module_from_spec(spec)
        sys.modules[_ALIAS] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"{_ALIAS}.{name}")


class Qgis:
    """A QGIS without window, in a profile of its own, where the plugin is enabled.

    Parameters
    ----------
    folder : Path
        Where the profile lies.
    plugins : Path
        The folder that holds the plugin's folder.
    python : str
        Interpreter that runs the package; empty for none.
    locale : str
        Locale of QGIS.
    """

    def __init__(
        self, folder: Path, *, plugins: Path = PLUGIN.parent, python: str = sys.executable, locale: str = "C.UTF-8"
    ) -> None:
        if shutil.which(PROGRAM) is None:
            pytest.skip(_ABSENT)
        self.profile, runtime = folder / "profile", folder / "runtime"
        self.profile.mkdir(parents=True)
        runtime.mkdir(mode=0o700)
        self.environment = {
            **{name: os.environ[name] for name in ("HOME",) if name in os.environ},
            "PATH": system_path(),
            "QT_QPA_PLATFORM": "offscreen",
            "XDG_RUNTIME_DIR": str(runtime),
            "QGIS_CUSTOM_CONFIG_PATH": str(self.profile),
            "QGIS_PLUGINPATH": str(plugins),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": locale,
            "TMPDIR": str(folder),
        }
        if python:
            self.environment["SDAASP_PYTHON"] = python
        self.call("plugins", "enable", "sdaasp_geo")

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``qgis_process``."""
        return self._run([PROGRAM, *words])

    def run(self, algorithm: str, **parameters: object) -> dict[str, Any]:
        """Run an algorithm that must succeed, and return what it gives."""
        done = self.attempt(algorithm, **parameters)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        results: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])["results"]
        return results

    def attempt(self, algorithm: str, **parameters: object) -> subprocess.CompletedProcess[str]:
        """Run an algorithm, whatever comes of it."""
        words = [f"{name}={value}" for name, value in parameters.items()]
        return self.call("--json", "run", f"sdaasp:{algorithm}", "--", *words)

    def script(self, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script in the Python of QGIS, as its console would."""
        return self._run([_SYSTEM_PYTHON, "-W", "ignore", str(path), *arguments])

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the programs of QGIS, words of the tests
            command,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env=self.environment,
            timeout=_WAIT_S,
        )
