"""Where the data that the package ships lies: inside an installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path


def data_folder() -> Path:
    """Return the folder of the embedded data (``boundaries/``, ``services/``, ``schemes/``…)."""
    package = Path(__file__).resolve().parent
    installed = package / "data"
    return installed if installed.is_dir() else package.parent / "data"


def embedded_path(name: str) -> Path:
    """Return the path of one embedded file, such as ``boundaries/communes.parquet``."""
    return data_folder() / name
