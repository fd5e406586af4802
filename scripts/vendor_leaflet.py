"""Build ``sdaasp_geo/outputs/vendor/``: Leaflet, for maps that make no request.

Source: the npm package ``leaflet`` 1.9.4 (BSD-2-Clause). Writes ``leaflet.js`` without its source map line,
``leaflet.css`` with its images inlined, and ``LEAFLET-LICENSE``. Run as ``python scripts/vendor_leaflet.py``; same
bytes every time.
"""

from __future__ import annotations

import base64
import re
import tarfile

from _packages import ROOT, npm_archive

VERSION = "1.9.4"
SHA256 = "84c65a256e50657896f54c33bd857b6849ebe94c817803be818bf32a3dde0b77"
TARGET = ROOT / "sdaasp_geo" / "outputs" / "vendor"


def read_members() -> dict[str, bytes]:
    """Read the files of the archive by their path inside ``package/``."""
    with tarfile.open(npm_archive("leaflet", VERSION, SHA256)) as archive:
        streams = {member.name: archive.extractfile(member) for member in archive.getmembers() if member.isfile()}
        return {name.removeprefix("package/"): stream.read() for name, stream in streams.items() if stream}


def inline_images(css: str, members: dict[str, bytes]) -> str:
    """Replace the images that a style sheet of ``dist/`` names by data URIs."""

    def data_uri(match: re.Match[str]) -> str:
        image = base64.b64encode(members[f"dist/{match.group(1)}"]).decode("ascii")
        return f"url(data:image/png;base64,{image})"

    return re.sub(r"url\((images/[^)]+)\)", data_uri, css)


def main() -> None:
    """Write the vendored files."""
    members = read_members()
    script = members["dist/leaflet.js"].decode("utf-8").replace("\r\n", "\n")
    script = re.sub(r"\n//# sourceMappingURL=[^\n]*", "", script)
    style = members["dist/leaflet.css"].decode("utf-8").replace("\r\n", "\n")
    TARGET.mkdir(parents=True, exist_ok=True)
    texts = {
        "leaflet.js": f"{script.rstrip()}\n",
        "leaflet.css": inline_images(style, members),
        "LEAFLET-LICENSE": members["LICENSE"].decode("utf-8").replace("\r\n", "\n"),
    }
    for name, text in sorted(texts.items()):
        (TARGET / name).write_bytes(text.encode("utf-8"))
        print(f"{name}: {len(text.encode('utf-8'))} bytes")


if __name__ == "__main__":
    main()
