"""Access to public services, deficits and convention annexes for a SDAASP.

The public names are those of ``__all__``; each is documented where it is defined. Layers are tables in, tables out::

    scheme = read_scheme("hautes-pyrenees")
    study = prepare(scheme)
    measures = measure(study)
    diagnosis = diagnose(study, measures)
    build(scheme, Path("build/65"))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdaasp_geo.errors import Fault, InputError, SchemeError, SdaaspError
    from sdaasp_geo.parameters import Parameters, Rule, read_parameters
    from sdaasp_geo.pipeline import annexe, build, diagnose, init, measure, prepare
    from sdaasp_geo.scheme import Scheme, embedded_schemes, read_scheme
    from sdaasp_geo.study import Diagnosis, Measures, Study

__version__ = "0.1.0"

_HOMES = {
    "errors": ("Fault", "InputError", "SchemeError", "SdaaspError"),
    "parameters": ("Parameters", "Rule", "read_parameters"),
    "pipeline": ("annexe", "build", "diagnose", "init", "measure", "prepare"),
    "scheme": ("Scheme", "embedded_schemes", "read_scheme"),
    "study": ("Diagnosis", "Measures", "Study"),
}

__all__ = [
    "Diagnosis",
    "Fault",
    "InputError",
    "Measures",
    "Parameters",
    "Rule",
    "Scheme",
    "SchemeError",
    "SdaaspError",
    "Study",
    "annexe",
    "build",
    "diagnose",
    "embedded_schemes",
    "init",
    "measure",
    "prepare",
    "read_parameters",
    "read_scheme",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module attribute may be anything
    """Import a public name at its first use: the command line must start without the geographic libraries."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
