"""A PostGIS base to write in: its address, which is never shown whole, a transaction, and errors in French.

A password is never in a message: of the address given, only the server and the name of the base are ever shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from slugify import slugify

from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.scheme import Scheme

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

OWNER = "sdaasp_geo"
CATALOGUE = "couches"
"""Table of the layers of a schema; a schema that has it holds a run."""

_LONGEST = 63
_SCHEMA = re.compile(r"[a-z][a-z0-9_]{2,62}")
_RESERVED = ("public", "information_schema", "topology", "tiger")
_TIMEOUT_S = 10


def schema_name(scheme: Scheme) -> str:
    """Return the schema of an edition of a scheme: ``sdaasp_<code>_<edition>``."""
    start = slugify(f"sdaasp-{scheme.code}", separator="_", max_length=_LONGEST - 11)
    return f"{start}_{scheme.edition:%Y_%m_%d}"


def safe_address(url: str) -> str:
    """Return the server and the base of an address, without user nor password; empty where it cannot be told apart.

    Examples
    --------
    >>> safe_address("postgresql://moi:secret@serveur:5433/sig")
    'serveur:5433/sig'
    >>> safe_address("postgresql://moi:mot/de@passe@serveur/sig")
    ''
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or parse_qs(parts.query).get("host", [""])[0], parts.port
    except ValueError:
        return ""
    if "@" in parts.path + parts.query + parts.fragment:
        return ""
    return f"{host}{f':{port}' if port else ''}{parts.path}"


def _psycopg() -> Any:  # noqa: ANN401 - a module
    try:
        import psycopg  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        message = (
            f"L'écriture dans PostGIS demande des paquets en plus{NBSP}: "
            "pip install 'sdaasp_geo[postgis]', puis relancez la commande."
        )
        raise OutputError(message) from error
    return psycopg


@contextmanager
def transaction(url: str, *, schema: str) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection whose work is undone unless it is committed; its errors become ours, in French."""
    if not _SCHEMA.fullmatch(schema) or schema in _RESERVED or schema.startswith("pg_"):
        message = f"«{NBSP}{schema}{NBSP}» n'est pas un nom de schéma{NBSP}: minuscules, chiffres et tirets bas."
        raise OutputError(message)
    if not url.startswith(("postgresql://", "postgres://")):
        message = f"L'adresse d'une base commence par postgresql://{NBSP}: postgresql://utilisateur@serveur/base."
        raise OutputError(message)
    library = _psycopg()
    shown = safe_address(url)
    try:
        base = library.connect(url, connect_timeout=_TIMEOUT_S, application_name=OWNER)
    except (library.Error, ValueError, UnicodeError):
        where = f" {shown}" if shown else ""
        message = (
            f"Impossible de se connecter à la base{where}. Vérifiez le serveur, le nom de la base, l'utilisateur et "
            "le mot de passe (fichier .pgpass ou variable PGPASSWORD), puis relancez."
        )
        raise OutputError(message) from None
    try:
        yield base
    except library.Error as error:
        raise OutputError(_explained(library, error, schema)) from error
    finally:
        base.close()


def _explained(library: Any, error: psycopg.Error, schema: str) -> str:  # noqa: ANN401 - a module
    """Say in French what the base refused and what to do; nothing was changed."""
    errors = library.errors
    if isinstance(error, errors.InsufficientPrivilege):
        said = f"l'utilisateur n'a pas le droit d'écrire. Demandez GRANT CREATE ON DATABASE, ou le schéma {schema}"
    elif isinstance(error, errors.DependentObjectsStillExist):
        said = f"des objets (vues…) dépendent des tables du schéma {schema}. Supprimez-les, puis relancez"
    else:
        said = error.diag.message_primary or "la connexion a été perdue"
    return f"La base a refusé l'écriture, rien n'y a été changé{NBSP}: {said}."


def statement(text: str, *names: str | tuple[str, ...]) -> sql.Composed:
    """Return a statement whose ``{}`` are quoted identifiers."""
    from psycopg import sql  # noqa: PLC0415 - an optional dependency

    quoted = [sql.Identifier(*name) if isinstance(name, tuple) else sql.Identifier(name) for name in names]
    return sql.SQL(text).format(*quoted)


def exists(base: psycopg.Connection[Any], schema: str, table: str) -> bool:
    """Tell whether a schema holds a table."""
    found = base.execute("SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = %s", (schema, table))
    return found.fetchone() is not None


def prepare(base: psycopg.Connection[Any], schema: str) -> None:
    """Make sure of PostGIS and of the schema, that no other run is writing; refuse a schema that is not a run."""
    base.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"{OWNER}/{schema}",))
    if base.execute("SELECT 1 FROM pg_extension WHERE extname = 'postgis'").fetchone() is None:
        _create_extension(base)
    base.execute("SET LOCAL client_min_messages = warning")
    if base.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone() is None:
        base.execute(statement("CREATE SCHEMA {}", schema))
        base.execute(statement("COMMENT ON SCHEMA {} IS 'Couches de sdaasp_geo'", schema))
    elif not exists(base, schema, CATALOGUE):
        used = base.execute("SELECT 1 FROM pg_class WHERE relnamespace = %s::regnamespace LIMIT 1", (schema,))
        if used.fetchone() is not None:
            message = (
                f"Le schéma «{NBSP}{schema}{NBSP}» existe et n'est pas un résultat de sdaasp{NBSP}: "
                "rien n'a été écrit. Renommez-le, ou choisissez une autre base."
            )
            raise OutputError(message)


def _create_extension(base: psycopg.Connection[Any]) -> None:
    library = _psycopg()
    try:
        base.execute("CREATE EXTENSION postgis")
    except library.Error as error:
        message = (
            f"La base n'a pas PostGIS, et il n'a pas pu y être ajouté{NBSP}: "
            "demandez à son administrateur CREATE EXTENSION postgis."
        )
        raise OutputError(message) from error


def styles_schema(base: psycopg.Connection[Any]) -> str | None:
    """Return the schema of ``layer_styles`` as QGIS finds it, by the search path; None where there is none."""
    query = (
        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.oid = to_regclass('layer_styles')"
    )
    row = base.execute(query).fetchone()
    return None if row is None else str(row[0])
