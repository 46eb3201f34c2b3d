"""`make lint-infra`: checkov over the Bicep files, with every file really read.

checkov skips what its parser (pycep) does not understand and still ends with 0. So each file is
parsed here first, in a copy in which lists of a type are `array`, which is all that pycep knows.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from pycep import BicepParser

ROOT = Path(__file__).resolve().parents[2]
LISTS = re.compile(r"^(param \w+) (?:\w+|\{[^}]*\})\[\]", re.M)


def main() -> int:
    """Give 0 when every file was read and no policy is broken that is not skipped with a reason."""
    skipped = tomllib.loads((Path(__file__).parent / "policies.toml").read_text())["skipped"]
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "infra"
        shutil.copytree(ROOT / "infra", plain)
        unread = [path for path in sorted(plain.rglob("*.bicep")) if not read(path)]
        broken = checkov(plain)
    for path in unread:
        print(f"{path.name}: no resource was read")
    told = {check for check, _ in broken}
    wrong = [f"{where}: {check}" for check, where in broken if check not in skipped]
    wrong += [f"policies.toml: {check} no longer speaks" for check in skipped if check not in told]
    print("\n".join(sorted(wrong)) or f"infra: no policy broken, {len(skipped)} skipped by reason")
    return 1 if unread or wrong else 0


def read(path: Path) -> bool:
    """Write the file in the words that pycep knows; say whether a resource was read in it."""
    path.write_text(LISTS.sub(r"\1 array", path.read_text()))
    try:
        parsed = BicepParser().parse(file_path=path)
    except Exception as error:  # what the grammar's library raises is its own affair
        print(f"{path.name}: {str(error).splitlines()[0]}")
        return False
    return bool(parsed.get("resources") or parsed.get("modules"))


def checkov(folder: Path) -> list[tuple[str, str]]:
    """Give the broken policies with the resources that break them."""
    command = [str(Path(sys.executable).parent / "checkov"), "--directory", str(folder)]
    options = ["--framework", "bicep", "--compact", "--quiet", "--output", "json"]
    shown = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    report = json.loads(shown.stdout)
    if report["summary"]["parsing_errors"] or not report["summary"]["resource_count"]:
        sys.exit(f"checkov could not read the files: {report['summary']}")
    failed = report["results"]["failed_checks"]
    return [(each["check_id"], f"{each['file_path']} {each['resource']}") for each in failed]


if __name__ == "__main__":
    sys.exit(main())
