"""Small wheels, written by hand."""

from __future__ import annotations

import zipfile
from pathlib import Path


def write_wheel(folder: Path, name: str, requires: tuple[str, ...] = (), modules: dict[str, str] | None = None) -> Path:
    """Write a wheel, version 0.1.0, that holds those files (an empty package by default)."""
    path = folder / f"{name}-0.1.0-py3-none-any.whl"
    inside = f"{name}-0.1.0.dist-info"
    needs = "".join(f"Requires-Dist: {need}\n" for need in requires)
    files = {
        **(modules or {f"{name}/__init__.py": ""}),
        f"{inside}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n{needs}",
        f"{inside}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{inside}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{inside}/RECORD": record}.items():
            archive.writestr(file, text)
    return path
