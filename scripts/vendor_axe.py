"""Make ``tests/vendor/``: axe-core, the accessibility engine that the tests run in Chromium.

Source: the npm package ``axe-core`` 4.14.1 (MPL-2.0; the parts of others that it holds are under MIT). Writes
``axe.min.js`` as published, ``AXE-LICENSE`` and ``AXE-LICENSE-3RD-PARTY.txt``. It is in no output and in no wheel.
Run as ``python scripts/vendor_axe.py``; same bytes every time.
"""

from __future__ import annotations

import tarfile

from _packages import ROOT, npm_archive

VERSION = "4.14.1"
SHA256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
TARGET = ROOT / "tests" / "vendor"
MEMBERS = {
    "axe.min.js": "axe.min.js",
    "LICENSE": "AXE-LICENSE",
    "LICENSE-3RD-PARTY.txt": "AXE-LICENSE-3RD-PARTY.txt",
}


def main() -> None:
    """Write the vendored files."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tarfile.open(npm_archive("axe-core", VERSION, SHA256)) as archive:
        for member, name in MEMBERS.items():
            stream = archive.extractfile(f"package/{member}")
            if stream is None:
                message = f"axe-core {VERSION} has no file {member}"
                raise SystemExit(message)
            content = stream.read()
            (TARGET / name).write_bytes(content)
            print(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
