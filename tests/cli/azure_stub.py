"""An `az` on PATH that writes down how it was called and answers as it was told."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = """#!{python} -I
import json, os, pathlib, sys
folder = pathlib.Path({folder!r})
call = sys.argv[1:]
kept = {{name: value for name, value in os.environ.items() if name.startswith(("AZURE_", "NOON_"))}}
with (folder / "calls.jsonl").open("a") as file:
    file.write(json.dumps({{"call": call, "environment": kept}}) + "\\n")
line = " ".join(call)
for begin, answer, error in json.loads((folder / "answers.json").read_text()):
    if line.startswith(begin):
        if error:
            sys.exit("ERROR: " + error)
        print(json.dumps(answer) if answer is not None else "")
        sys.exit(0)
sys.exit("the stub knows no answer to: " + line)
"""


@dataclass
class AzureCli:
    """The stub in a folder of its own."""

    folder: Path

    def __post_init__(self) -> None:
        """Write the program."""
        self.folder.mkdir(parents=True)
        self._answers: list[tuple[str, Any, str]] = []
        self._write()
        program = self.folder / "az"
        program.write_text(PROGRAM.format(python=sys.executable, folder=str(self.folder)))
        program.chmod(0o755)

    def answers(self, begin: str, answer: Any = None, error: str = "") -> None:
        """Let calls that begin so be answered so; the newest answer counts."""
        self._answers.insert(0, (begin, answer, error))
        self._write()

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of every call, in order."""
        return [record["call"] for record in self._records()]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the last call."""
        found: dict[str, str] = self._records()[-1]["environment"]
        return found

    def _records(self) -> list[dict[str, Any]]:
        file = self.folder / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def _write(self) -> None:
        (self.folder / "answers.json").write_text(json.dumps(self._answers))
