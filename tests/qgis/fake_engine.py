"""Stands for an interpreter with the package: speaks the protocol, slowly, and starts a child of its own.

A copy of it, made executable, is the interpreter. A file beside it, ``behaviour.json``, chooses what it does:
``protocol``, ``pids`` (file where it writes the process numbers), ``answer`` (its last line), ``code``.
"""

# ruff: noqa: T201 - it answers on its standard output

import json
import os
import subprocess
import sys
import time
from pathlib import Path

behaviour = json.loads(Path(__file__).with_name("behaviour.json").read_text(encoding="utf-8"))
if "about" in sys.argv:
    print(json.dumps({"version": "9.9.9", "protocol": behaviour.get("protocol", 1), "python": "3.11.2", "schemes": []}))
    sys.exit(0)
print(json.dumps({"step": 1, "steps": 4, "label": "Première étape"}), flush=True)
if "pids" in behaviour:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(behaviour["pids"]).write_text(f"{os.getpid()} {child.pid}", encoding="utf-8")
print(json.dumps({"step": 2, "steps": 4, "label": "Deuxième étape"}), flush=True)
time.sleep(600 if "pids" in behaviour else 0)
print("une bibliothèque qui bavarde", file=sys.stderr)
if "answer" in behaviour:
    print(json.dumps(behaviour["answer"]))
sys.exit(behaviour.get("code", 0))
