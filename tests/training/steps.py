"""Runs a training component as Azure ML would: its folder alone, its own command line."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPONENTS = ROOT / "training_components"


def spec_of(toml: Path) -> dict[str, Any]:
    """The specification that a model's toml stands for."""
    document = tomllib.loads(toml.read_text(encoding="utf-8"))
    evaluation = document["evaluation"]
    return {
        "schema": 1,
        "model": document["name"],
        "task": document["task"],
        **{key: document["data"][key] for key in ("time_column", "holdout_days", "target")},
        "features": document["features"],
        "identifiers": document["data"]["identifiers"],
        "slices": evaluation.pop("slices"),
        "metric": evaluation.pop("metric"),
        "training": document["training"],
        "evaluation": evaluation,
    }


def manifest_of(landing: Path, model: str) -> dict[str, Any]:
    """A manifest that pins every file below the model's prefix as it is now."""
    files = []
    for path in sorted((landing / model).rglob("*")):
        content = path.read_bytes()
        md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
        name = path.relative_to(landing).as_posix()
        files.append({"path": name, "size": len(content), "md5": md5, "etag": "0x1"})
    version = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    return {"schema": 1, "model": model, "data_version": version, "files": files}


@dataclass(frozen=True)
class Ran:
    """How a step ended."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Job:
    """The folders of one pipeline job, and its steps to run one by one."""

    home: Path
    landing: Path
    spec: dict[str, Any]
    manifest: dict[str, Any]
    name: str = "flights-slot-20130201t1200-a1"
    earlier: dict[str, str] = field(default_factory=dict)

    def step(self, component: str, **inputs: str | Path) -> Ran:
        """Runs a component with the job's folders and these inputs beside."""
        self.home.mkdir(parents=True, exist_ok=True)
        for name in ("manifest", "spec"):
            (self.home / f"{name}.json").write_text(json.dumps(getattr(self, name)))
        folders = {name: str(self.home / name) for name in ("data", "draft", "model", "report")}
        values = {
            **folders,
            "manifest": str(self.home / "manifest.json"),
            "spec": str(self.home / "spec.json"),
            "landing": str(self.landing),
            "job_name": self.name,
            "code_commit": "0123abc",
            **self.earlier,
            **{name: str(value) for name, value in inputs.items()},
        }
        code = self.home / "code" / component
        if not code.exists():
            shutil.copytree(COMPONENTS / component, code)
        done = subprocess.run(
            command_of(code / "component.yml", values),
            cwd=code,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def succeed(self, *components: str, **inputs: str | Path) -> Job:
        """Runs components that must succeed."""
        for component in components:
            ran = self.step(component, **inputs)
            assert ran.code == 0, ran.errors
        return self

    def read(self, path: str) -> Any:
        """A JSON file that the job wrote."""
        return json.loads((self.home / path).read_text(encoding="utf-8"))


def command_of(component: Path, values: dict[str, str]) -> list[str]:
    """The component's command with its inputs and outputs filled in."""
    declared = yaml.safe_load(component.read_text(encoding="utf-8"))
    optional = {name for name, about in declared["inputs"].items() if about.get("optional")}
    given = {name: shlex.quote(value) for name, value in values.items()}

    def fill(text: str) -> str:
        return re.sub(r"\$\{\{(?:inputs|outputs)\.(\w+)\}\}", lambda name: given[name[1]], text)

    def part(match: re.Match[str]) -> str:
        named = re.findall(r"inputs\.(\w+)", match[1])
        assert set(named) <= optional, f"{named} may not stand in an optional part"
        return fill(match[1]) if set(named) <= set(given) else ""

    command = fill(re.sub(r"\$\[\[(.*?)\]\]", part, declared["command"]))
    program, *arguments = shlex.split(command)
    assert program == "python"
    return [sys.executable, *arguments]
