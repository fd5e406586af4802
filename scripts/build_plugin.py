"""The plugin of QGIS as a zip that QGIS installs: same sources, same wheels, same bytes.

``python scripts/build_plugin.py --out sdaasp_geo.zip [--wheel FILE.whl]…``: wheels go beside the plugin, where it
installs from. ``--texts`` updates ``i18n/*.ts`` from the code first: texts that have gone leave, new ones come without
translation. ``lrelease`` (Qt), where it is at hand, compiles the translations into the zip; the plugin is in French
without them.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "qgis_plugin" / "sdaasp_geo"
PACKED = {".py", ".txt", ".md", ".svg", ".ts"}
CONTEXT = "SDAASP"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
PLAIN_FILE = 0o644 << 16


def plugin_files() -> dict[str, bytes]:
    """Return the files of the plugin, by their path in the zip."""
    found = [path for path in PLUGIN.rglob("*") if path.suffix in PACKED]
    kept = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    files = {path.relative_to(PLUGIN.parent).as_posix(): path.read_bytes() for path in kept}
    return files | {f"{PLUGIN.name}/LICENSE": (ROOT / "LICENSE").read_bytes()}


def compiled_texts() -> dict[str, bytes]:
    """Return the compiled translations; nothing without ``lrelease``."""
    program = shutil.which("lrelease")
    if program is None:
        return {}
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted((PLUGIN / "i18n").glob("*.ts")):
            target = Path(folder) / f"{source.stem}.qm"
            subprocess.run([program, "-silent", str(source), "-qm", str(target)], check=True)
            made[f"sdaasp_geo/i18n/{target.name}"] = target.read_bytes()
    return made


def write_zip(out: Path, wheels: list[Path]) -> list[str]:
    """Write the zip and return the names that it holds, sorted."""
    files = {**plugin_files(), **compiled_texts()}
    files |= {f"sdaasp_geo/wheels/{wheel.name}": wheel.read_bytes() for wheel in wheels}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system, entry.external_attr = 3, PLAIN_FILE
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return sorted(files)


def texts_of_the_code() -> Iterator[tuple[str, str]]:
    """Give each text that the code passes to ``tr``, with its module."""
    for path in sorted(PLUGIN.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
                yield ast.literal_eval(node.args[0]), path.relative_to(PLUGIN).as_posix()


def update_texts(path: Path) -> int:
    """Write the translation file again, with the translations that it held; return how many are missing."""
    old = {message.findtext("source"): message.findtext("translation") for message in ET.parse(path).iter("message")}  # noqa: S314 - our own file
    root = ET.Element("TS", version="2.1", language=path.stem.rsplit("_", 1)[1], sourcelanguage="fr")
    context = ET.SubElement(root, "context")
    ET.SubElement(context, "name").text = CONTEXT
    missing = 0
    for text, module in dict(sorted(texts_of_the_code())).items():
        message = ET.SubElement(context, "message")
        ET.SubElement(message, "location", filename=f"../{module}")
        ET.SubElement(message, "source").text = text
        translation = ET.SubElement(message, "translation")
        translation.text = old.get(text)
        if not translation.text:
            translation.set("type", "unfinished")
            missing += 1
    ET.indent(root, " ")
    body = ET.tostring(root, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n', encoding="utf-8")
    return missing


def main(arguments: list[str]) -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description="The plugin of QGIS as a zip")
    parser.add_argument("--out", type=Path, help="zip to write")
    parser.add_argument("--wheel", type=Path, action="append", default=[], help="wheel to put in it (repeatable)")
    parser.add_argument("--texts", action="store_true", help="update the translation files from the code")
    asked = parser.parse_args(arguments)
    if asked.texts:
        for path in sorted((PLUGIN / "i18n").glob("*.ts")):
            print(f"{path.name}: {update_texts(path)} without translation")
    if asked.out:
        names = write_zip(asked.out, asked.wheel)
        print(f"{asked.out}: {len(names)} files, {asked.out.stat().st_size / 1000:.0f} kB")
        if not any(name.endswith(".qm") for name in names):
            print("without compiled translations: lrelease (Qt) is not at hand; the plugin is in French only")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
