"""How the pipeline tells its steps."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]
"""Called with the French name of each step as it begins."""


def quiet(_message: str) -> None:
    """Report nothing."""
