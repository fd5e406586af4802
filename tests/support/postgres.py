"""A private PostgreSQL server for the tests: its own folder, a Unix socket, no port, gone when they end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "mot-de-passe-du-test"  # noqa: S105 - of a server that lives as long as the tests
USER = "sdaasp"
PACKAGES = "postgresql-15-postgis-3 (which brings postgresql-15)"
_START_S = 60


def binaries() -> Path:
    """Return the folder of initdb and postgres; the test is skipped where there is none, or no PostGIS."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    folders += [Path(found).resolve().parent] if found else []
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            extensions = subprocess.run(  # noqa: S603 - a program of the system
                [folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=False
            ).stdout.strip()
            shared = Path(extensions or f"/usr/share/postgresql/{folder.parent.name}")
            if (shared / "extension" / "postgis.control").exists():
                return folder
    pytest.skip(f"no PostgreSQL with PostGIS here; Debian package: {PACKAGES}")


@contextmanager
def server() -> Iterator[str]:
    """Start a server and give the address of its base, with user and password.

    The server refuses to run as root: it then runs as the user ``postgres``, or ``nobody``.
    """
    programs = binaries()
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    prefix = _other_user(folder)
    try:
        secret = folder / "secret"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        data = folder / "data"
        options = ["--username", USER, "--pwfile", str(secret), "--auth", "scram-sha-256", "--no-sync"]
        _run([*prefix, str(programs / "initdb"), "-D", str(data), "-E", "UTF8", "--locale", "C.UTF-8", *options])
        settings = f"-k {folder} -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        control = [*prefix, str(programs / "pg_ctl"), "-D", str(data), "-w", "-t", str(_START_S)]
        _run([*control, "-o", settings, "-l", str(folder / "log"), "start"])
        try:
            yield f"postgresql://{USER}:{PASSWORD}@/postgres?host={folder}"
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other_user(folder: Path) -> list[str]:
    """Return what starts a program as another user when we are root, and give that user the folder."""
    if os.geteuid() != 0:
        return []
    import pwd  # noqa: PLC0415 - absent on Windows, where nobody is root

    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known.get("nobody")
    setpriv = shutil.which("setpriv")
    if entry is None or setpriv is None:
        pytest.skip("PostgreSQL refuses to run as root, and there is no other user or no setpriv here")
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return [setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - programs of the system
        command, capture_output=True, text=True, check=False, cwd="/", timeout=_START_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
