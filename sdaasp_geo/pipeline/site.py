"""Part of the pipeline: a finished run becomes a site for any static host."""

from __future__ import annotations

from pathlib import Path

from sdaasp_geo.errors import OutputError
from sdaasp_geo.outputs import publish
from sdaasp_geo.outputs.site_copy import SiteCopy, base_address, check_run, copy_run


def publish_site(run: Path, folder: Path, *, base_url: str = "", changes: Path | None = None) -> SiteCopy:
    """Copy a finished run for a static host, complete or not at all.

    Parameters
    ----------
    run : Path
        Folder of a run, as ``sdaasp build`` wrote it; it is checked against its manifest and never changed.
    folder : Path
        Absent, empty, or an earlier site or run, which is replaced.
    base_url : str
        Public address of the site, empty when not known.
    changes : Path, optional
        Folder of a comparison that ends at this edition (``sdaasp compare``).

    Raises
    ------
    OutputError
        When ``run`` is no run, ``folder`` holds something else, is ``run``, holds it or lies in it, or the address is
        not one.
    InputError
        One fault per file of the run that is missing or changed.
    """
    sources = [run, *([changes] if changes is not None else [])]
    target = folder.resolve()
    for source in (path.resolve() for path in sources):
        if source == target or source in target.parents or target in source.parents:
            message = f"{folder} touche à {source.name}, qui est à copier. Choisissez un dossier à part."
            raise OutputError(message)
    publish.check_replaceable(folder)
    if base_url:
        base_address(base_url)
    for source in sources:
        check_run(source)
    with publish.published(folder) as beside:
        return copy_run(run, beside, base_url=base_url, changes=changes)
