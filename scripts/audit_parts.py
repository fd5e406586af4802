"""Ask an index which locked parts have known vulnerabilities, and say how many it could answer for.

An index that knows no part is no clean bill: the script then says that nothing was audited, and does not fail.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-routers.txt")


def main() -> None:
    """Audit each lock; fail on a vulnerability."""
    found = 0
    for lock in LOCKS:
        command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--disable-pip", "--require-hashes"]
        done = subprocess.run([*command, "--format", "json"], cwd=ROOT, capture_output=True, text=True, check=False)
        if not done.stdout.startswith("{"):
            print(f"{lock}: not audited, the index did not answer ({done.stderr.strip().splitlines()[-1]})")
            continue
        parts: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
        skipped = [part for part in parts if "skip_reason" in part]
        known = [f"{part['name']} {part['version']}: {one['id']}" for part in parts for one in part.get("vulns", [])]
        print(
            f"{lock}: {len(parts) - len(skipped)} parts audited, {len(skipped)} unknown to the index, "
            f"{len(known)} vulnerabilities"
        )
        print("".join(f"  {line}\n" for line in known), end="")
        found += len(known)
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
