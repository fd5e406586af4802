"""What a layer must be before GDAL sees it: checks that read its bytes only, on a private copy that nobody changes.

GDAL recognises a format by content, follows what it finds (other files, addresses, virtual tables of SQLite) and opens
the files beside the one it is given. So the file and the few companions of its format are copied to a folder of our
own; the checks, then the load, look at that copy and nothing else. A format passes when its first bytes are those that
its name announces, and when nothing in it names another source:

- GeoJSON: one JSON object, no key given twice, a CRS that is a plain identifier;
- GeoPackage: whole transactions, tables and their R-trees; no view, virtual table, computed column or coordinate system
  that names a file (GDAL would open it at once);
- Shapefile: its five usual parts; of an archive, only these are unpacked, within limits.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.limits import LAYER_MB, TABLE_MB, check_file, limit_bytes, read_content, too_large
from sdaasp_geo.sources.vector_crs import elsewhere, names_elsewhere

DRIVERS = {
    ".gpkg": ("GPKG", (b"SQLite format 3\x00",)),
    ".shp": ("ESRI Shapefile", (b"\x00\x00\x27\x0a",)),
    ".zip": ("ESRI Shapefile", (b"PK\x03\x04",)),
    ".geojson": ("GeoJSON", (b"{", b"\xef\xbb\xbf{")),
    ".json": ("GeoJSON", (b"{", b"\xef\xbb\xbf{")),
    ".parquet": ("Parquet", (b"PAR1",)),
    ".geoparquet": ("Parquet", (b"PAR1",)),
}
"""Name's end → driver of GDAL (or ``Parquet``, which pyarrow reads), and the first bytes of such a file."""

_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_RATIO, _MOST_ENTRIES = 200, 10_000
_GEOJSON_TYPES = ("FeatureCollection", "Feature")
_COMMAND = b"gdal_streamed_alg"
_OTHER_FORMATS = {"conformsTo", "coordRefSys", "command_line"}
_CRS_NAME = re.compile(r"(?:urn:(?:x-)?ogc:def:crs:|https?://www\.opengis\.net/def/crs/)?[A-Za-z0-9]+[\w.:/-]*")
_PLAIN_SQL = re.compile(
    r"|\s*CREATE\s+(?:(?:TABLE|INDEX|UNIQUE\s+INDEX|TRIGGER)\b.*"
    r"|VIRTUAL\s+TABLE\s+(?:\w{1,300}|\"[^\"]{1,300}\")\s+USING\s+rtree\s*\([^()]*\)\s*)",
    re.IGNORECASE | re.DOTALL,
)
"""What the schema of a GeoPackage may say; SQLite obeys the text of an entry, whatever type the entry declares."""

_SQL = "SELECT type, name, coalesce(sql, '') FROM sqlite_master"
_COUNTS = "gpkg_ogr_contents"
_SYSTEMS = "gpkg_spatial_ref_sys"
_SYSTEM_TEXTS = ("definition", "organization")
_ALONE = "Enregistrez la couche seule dans un nouveau GeoPackage."
_WAIT_S = 2.0
_WRITING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
_WAL_HEADER = b"\x02"
"""Byte 18 of a base whose changes wait in a file beside it."""


def private_copy(path: Path, folder: Path) -> Path:
    """Copy a layer to a folder of our own, checked; return the copy.

    Parameters
    ----------
    path : Path
        The file of the user.
    folder : Path
        An empty folder that only this process writes.

    Raises
    ------
    InputError
        Another format than the name's, a file too large, being written, or that names another source.
    """
    expected = f"l'un des formats {', '.join(sorted(DRIVERS))}"
    suffix = path.suffix.lower()
    if suffix not in DRIVERS:
        raise InputError([Fault(path.name, None, "", path.suffix, expected, "Enregistrez la couche en GeoPackage.")])
    check_file(path, megabytes=LAYER_MB)
    driver, magics = DRIVERS[suffix]
    fault = disguised(path.name, driver)
    _check_magic(path, magics, fault)
    copy = folder / path.name  # of a Parquet, which GDAL does not open, the name stays
    if driver != "Parquet":
        copy = folder / f"{_plain(path.stem)}{'.shp' if suffix == '.zip' else suffix}"
    try:
        _COPIERS[suffix](path, copy, fault)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise InputError([fault]) from error
    return next(iter(folder.glob("*.shp")), copy)


def disguised(file: str, driver: str) -> Fault:
    """Return the fault of a file whose content is not what its name announces."""
    remedy = "Le contenu n'est pas celui que le nom annonce. Enregistrez la couche en GeoPackage."
    return Fault(file, None, "", "", f"un fichier {driver}", remedy)


def _plain(stem: str) -> str:
    """Return a name that no driver takes for an instruction; GDAL makes it the name of the layer."""
    return re.sub(r"[^\w .()'-]", "_", stem).strip(". ")[:100] or "couche"


def _check_magic(path: Path, magics: tuple[bytes, ...], fault: Fault) -> None:
    try:
        with path.open("rb") as stream:
            head = stream.read(64).lstrip(b" \t\r\n")
    except OSError as error:
        raise InputError([fault]) from error
    if not head.startswith(magics):
        raise InputError([fault])


def _copy_geojson(path: Path, copy: Path, fault: Fault) -> None:
    raw = read_content(path, megabytes=LAYER_MB)
    try:
        content = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_keys_once)
    except (ValueError, RecursionError) as error:
        raise InputError([fault]) from error
    if _COMMAND in raw or not isinstance(content, dict) or content.get("type") not in _GEOJSON_TYPES:
        raise InputError([fault])
    if _OTHER_FORMATS & content.keys():
        raise InputError([fault])
    _check_crs(content.get("crs"), file=path.name)
    copy.write_bytes(raw)


def _keys_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a key is given twice"
        raise ValueError(message)
    return found


def _check_crs(crs: Any, *, file: str) -> None:  # noqa: ANN401 - JSON as given
    """Accept a CRS by identifier; GDAL would fetch the address of a link, and read the files that a text names."""
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if isinstance(name, str) and crs == {"type": "name", "properties": {"name": name}} and _CRS_NAME.fullmatch(name):
        return
    remedy = "Écrivez un identifiant, comme urn:ogc:def:crs:EPSG::2154, ou enregistrez la couche en GeoPackage."
    raise InputError([Fault(file, None, "crs", str(name or "")[:60], "un CRS désigné par son identifiant", remedy)])


def _copy_parquet(path: Path, copy: Path, _fault: Fault) -> None:
    check_file(path, megabytes=TABLE_MB)
    shutil.copyfile(path, copy)


def _copy_geopackage(path: Path, copy: Path, fault: Fault) -> None:
    """Copy a GeoPackage, with what QGIS has written beside it and not yet in it."""
    _copy_base(path.resolve(), copy, file=path.name)
    if copy.stat().st_size > limit_bytes(LAYER_MB):
        raise InputError([too_large(path.name, copy.stat().st_size, limit_bytes(LAYER_MB))])
    with closing(_sqlite(copy)) as database:
        entries = database.execute(_SQL).fetchall()
        faults = [_entry_fault(path.name, *map(str, entry)) for entry in entries]
        if found := [fault for fault in faults if fault]:
            raise InputError(found)
        tables = {str(name) for kind, name, _ in entries if kind == "table"}
        if "gpkg_contents" not in tables:
            raise InputError([fault])
        if _SYSTEMS in {name.lower() for name in tables} and _systems_elsewhere(database):
            raise InputError([elsewhere(path.name)])
        computed = [name for name in sorted(tables) if _computed(database, name)]
    if computed:
        expected = "des tables sans colonne calculée"
        raise InputError([Fault(path.name, None, "", name, expected, _ALONE) for name in computed])
    _forget_counts(copy, tables)


def _forget_counts(copy: Path, tables: Iterable[str]) -> None:
    """Drop the numbers of rows that a copy states: GDAL reserves memory for them before it looks; it counts without."""
    stated = [name for name in tables if name.lower() == _COUNTS]
    with closing(sqlite3.connect(copy)) as database:
        for name in stated:
            database.execute(f'DROP TABLE "{name}"')  # the name differs by case only
        database.commit()


def _copy_base(base: Path, copy: Path, *, file: str) -> None:
    """Copy an SQLite base as its last whole transaction left it, under its lock; refuse one that is half written.

    A base whose changes wait beside it, and where none does, is read as it is: SQLite would leave files beside it.
    """
    journal, waiting = (base.with_name(f"{base.name}-{end}") for end in ("journal", "wal"))
    if _first_byte(journal) not in (b"", b"\0"):
        raise InputError([_being_written(file)])
    if _size(waiting) > limit_bytes(LAYER_MB):
        raise InputError([too_large(file, _size(waiting), limit_bytes(LAYER_MB))])
    still = not _size(waiting) and _first_byte(base, skipped=18) == _WAL_HEADER
    before = base.stat().st_size, base.stat().st_mtime_ns
    try:
        with closing(_sqlite(base, immutable=still)) as source, closing(sqlite3.connect(copy)) as target:
            source.execute("BEGIN")
            source.execute("PRAGMA schema_version").fetchone()  # takes the lock: backup() would wait for it forever
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in _WRITING:
            raise InputError([_being_written(file)]) from error
        raise
    if still and (_size(waiting) or before != (base.stat().st_size, base.stat().st_mtime_ns)):
        raise InputError([_being_written(file)])


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _first_byte(path: Path, *, skipped: int = 0) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as stream:
        stream.seek(skipped)
        return stream.read(1)


def _being_written(file: str) -> Fault:
    remedy = (
        "Fermez le programme qui l'ouvre\u202f; s'il s'est arrêté en écrivant, ouvrez la couche dans QGIS et fermez-la."
    )
    return Fault(file, None, "", "", "un GeoPackage que rien n'est en train d'écrire", remedy)


def _sqlite(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}"
    database = sqlite3.connect(address, uri=True, timeout=_WAIT_S)
    database.execute("PRAGMA trusted_schema = OFF")
    database.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return database


def _entry_fault(file: str, kind: str, name: str, sql: str) -> Fault | None:
    """Refuse what SQLite would compute or fetch from elsewhere while a layer is read."""
    if kind in ("table", "index", "trigger") and _PLAIN_SQL.fullmatch(sql):
        return None
    return Fault(file, None, "", name[:60], "une table, et non une vue ou une table virtuelle", _ALONE)


def _systems_elsewhere(database: sqlite3.Connection) -> bool:
    """Tell whether a coordinate system of a GeoPackage names a file or an address, used or not."""
    read = database.execute(f"SELECT * FROM {_SYSTEMS}")  # noqa: S608 - a fixed name
    texts = [at for at, (name, *_) in enumerate(read.description) if name.lower().startswith(_SYSTEM_TEXTS)]
    return any(names_elsewhere(str(row[at])) for row in read for at in texts)


def _computed(database: sqlite3.Connection, table: str) -> bool:
    quoted = table.replace('"', '""')
    return any(column[-1] in (2, 3) for column in database.execute(f'PRAGMA table_xinfo("{quoted}")'))


def _copy_shapefile(path: Path, copy: Path, _fault: Fault) -> None:
    """Copy the parts of a Shapefile that lie beside it; a link that leads to another folder is no part of it."""
    around = {path.parent.resolve(), path.resolve().parent}
    total = 0
    for part in sorted(path.parent.iterdir()):
        suffix = part.suffix.lower()
        if part.stem != path.stem or suffix not in _PARTS or (suffix == ".shp" and part.name != path.name):
            continue
        if part.is_symlink() and part.resolve().parent not in around:
            remedy = f"Copiez {part.name} dans le dossier de {path.name}."
            raise InputError([Fault(path.name, None, "", part.name, "un fichier, et non un lien", remedy)])
        check_file(part, megabytes=LAYER_MB)
        total += part.stat().st_size
        shutil.copyfile(part, copy.with_suffix(suffix))
    if total > limit_bytes(LAYER_MB):
        raise InputError([too_large(path.name, total, limit_bytes(LAYER_MB))])
    _check_projection(copy, file=path.name)


def _check_projection(shapefile: Path, *, file: str) -> None:
    """Refuse a .prj that names files or addresses: PROJ would open the grids of a text."""
    described = shapefile.with_suffix(".prj")
    if described.is_file() and names_elsewhere(described.read_bytes().decode("latin-1")):
        remedy = "Remplacez le .prj par celui d'un système de coordonnées publié (EPSG), ou enregistrez en GeoPackage."
        raise InputError([Fault(file, None, ".prj", "", "un système de coordonnées sans fichier ni adresse", remedy)])


def _copy_archive(path: Path, copy: Path, fault: Fault) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            faults = archive_faults(path.name, entries)
            if faults:
                raise InputError(faults)
            shape = next(entry for entry in entries if entry.filename.lower().endswith(".shp"))
            copy = copy.with_name(f"{_plain(PurePosixPath(shape.filename).stem)}.shp")
            for entry in _same_stem(entries, shape):
                target = copy.with_suffix(PurePosixPath(entry.filename).suffix.lower())
                with archive.open(entry) as source, target.open("wb") as stream:
                    shutil.copyfileobj(source, stream)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise InputError([fault]) from error
    _check_magic(copy, DRIVERS[".shp"][1], fault)
    _check_projection(copy, file=path.name)


def _same_stem(entries: Iterable[zipfile.ZipInfo], shape: zipfile.ZipInfo) -> list[zipfile.ZipInfo]:
    stem = shape.filename[: -len(".shp")]
    names = {stem.lower() + suffix for suffix in _PARTS}
    return [entry for entry in entries if entry.filename.lower() in names]


def archive_faults(file: str, entries: list[zipfile.ZipInfo]) -> list[Fault]:
    """Return the faults of the contents of an archive of one Shapefile, judged before anything is unpacked."""
    remedy = "Déposez dans l'archive les seuls fichiers .shp, .shx, .dbf, .prj et .cpg d'une couche."
    faults = [
        Fault(file, None, "", entry.filename, "un nom de fichier simple", remedy)
        for entry in entries[:_MOST_ENTRIES]
        if entry.filename.startswith(("/", "\\")) or ".." in entry.filename.replace("\\", "/").split("/")
    ]
    total = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    if total > limit_bytes(LAYER_MB) or total / packed > _RATIO or len(entries) > _MOST_ENTRIES:
        faults.append(Fault(file, None, "", f"{total} octets décompressés", "une archive raisonnable", remedy))
    if sum(entry.filename.lower().endswith(".shp") for entry in entries) != 1:
        faults.append(Fault(file, None, "", "", "un seul fichier .shp", remedy))
    return faults


_COPIERS = {
    ".gpkg": _copy_geopackage,
    ".shp": _copy_shapefile,
    ".zip": _copy_archive,
    ".geojson": _copy_geojson,
    ".json": _copy_geojson,
    ".parquet": _copy_parquet,
    ".geoparquet": _copy_parquet,
}
