"""What the plugin leaves in QGIS, as its window shows it: ``docs/gallery/qgis.png``.

``python scripts/build_qgis_screenshot.py [ALGORITHM]``: a fresh profile in French, the plugin of this checkout, the
package of this interpreter. Needs QGIS and Xvfb (Debian: qgis, xvfb); no screen is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from build_gallery import GALLERY, reduced

ROOT = Path(__file__).resolve().parent.parent
WINDOW = Path(__file__).with_name("_qgis_window.py")
PROGRAMS = ("qgis.bin", "qgis")
ALGORITHM, SCHEME = "frontiere", "hautes-pyrenees"
HIDDEN = "points_services"
INI = """[locale]
overrideFlag=true
userLocale=fr

[PythonPlugins]
processing=true
sdaasp_geo=true

[qgis]
checkVersion=false
newsFeedEnabled=false
"""
LONGEST_S = 900
SCREEN = "1440x900x24"


@contextmanager
def a_display() -> Iterator[str]:
    """Give the name of a screen that nobody sees."""
    out, inside = os.pipe()
    words = ["Xvfb", "-displayfd", str(inside), "-screen", "0", SCREEN, "-nolisten", "tcp"]
    with subprocess.Popen(words, pass_fds=[inside], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        os.close(inside)
        with os.fdopen(out) as told:
            yield f":{told.readline().strip()}"
        server.terminate()


def shoot(program: str, algorithm: str, folder: Path, *, display: str) -> bytes:
    """Return the window as a PNG."""
    profile, runtime, scratch = folder / "profile", folder / "runtime", folder / "scratch"
    picture = folder / "window.png"
    (profile / "profiles" / "default" / "QGIS").mkdir(parents=True)
    (profile / "profiles" / "default" / "QGIS" / "QGIS3.ini").write_text(INI, encoding="utf-8")
    runtime.mkdir(mode=0o700)
    scratch.mkdir()
    environment = {
        "SDAASP_PYTHON": sys.executable,
        **os.environ,
        "PATH": os.defpath,  # QGIS embeds the first Python of the path, and needs its own
        "QT_QPA_PLATFORM": "xcb",
        "DISPLAY": display,
        "XDG_RUNTIME_DIR": str(runtime),
        "QGIS_CUSTOM_CONFIG_PATH": str(profile),
        "QGIS_PLUGINPATH": str(ROOT / "qgis_plugin"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(scratch),  # so that QGIS does not take the run for a temporary one
        "SDAASP_PICTURE": str(picture),
        "SDAASP_ALGORITHM": f"sdaasp:{algorithm}",
        "SDAASP_SCHEME": SCHEME,
        "SDAASP_FOLDER": str(folder / "run"),
        "SDAASP_HIDDEN": HIDDEN,
    }
    words = [program, "--nologo", "--noversioncheck", "--profiles-path", str(profile), "--code", str(WINDOW)]
    subprocess.run(words, check=True, env=environment, timeout=LONGEST_S)
    return picture.read_bytes()


def main(arguments: list[str]) -> int:
    """Write the picture."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None or shutil.which("Xvfb") is None:
        print("QGIS or Xvfb is not installed (on Debian: apt-get install qgis xvfb)")
        return 1
    algorithm = arguments[0] if arguments else ALGORITHM
    with tempfile.TemporaryDirectory() as folder, a_display() as display:
        content = shoot(program, algorithm, Path(folder), display=display)
    path = GALLERY / "qgis.png"
    path.write_bytes(reduced(content))
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
