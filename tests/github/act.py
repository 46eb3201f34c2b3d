"""Runs a workflow's jobs on this machine, with stubs for what only GitHub and Azure have.

`act` plays GitHub's runner: it reads the real workflow files, decides which jobs and steps run, and
runs their shell. Actions of others are replaced by ones that write down their inputs, programs of
the cloud by ones that write down their arguments; what a step sees of its environment is kept.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
PROGRAMS = ("az", "docker", "gh", "make", "noon", "python3", "sudo")
SECONDS_MAX = 60

RECORD = """#!{python} -IS
import json, os, pathlib, sys
folder = pathlib.Path({folder!r})
name, arguments = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
if name == "record":
    name, arguments = arguments[0], [json.loads(arguments[1] or "null")]
line = " ".join([name, *map(str, arguments)])
call = {{"job": os.environ.get("GITHUB_JOB"), "name": name, "arguments": arguments, "line": line}}
call["environment"] = dict(os.environ)
with (folder / "calls.jsonl").open("a") as file:
    file.write(json.dumps(call) + "\\n")
for begin, answer in json.loads((folder / "answers.json").read_text()):
    if line.startswith(begin):
        if answer is None:
            sys.exit(line + " fails, as it was told to")
        print(answer)
        break
"""

OUTPUTS = {
    "actions/create-github-app-token": {"token": "token-of-the-app"},
    "docker/build-push-action": {"digest": "sha256:1"},
    "actions/deploy-pages": {"page_url": "https://noon.example.org"},
}
"""What replaced actions give to later steps."""


@dataclass(frozen=True)
class Call:
    """One action that was used, or one program that was started."""

    job: str
    name: str
    arguments: list[Any]
    line: str
    environment: dict[str, str]

    @property
    def inputs(self) -> dict[str, str]:
        """What an action was given."""
        return {name: value for name, value in self.arguments[0].items() if value}


@dataclass(frozen=True)
class Run:
    """How a run of a workflow went."""

    succeeded: bool
    calls: list[Call] = field(repr=False)
    jobs: set[str]
    """Those of which a step ran."""
    log: str = field(repr=False)

    def lines(self, *names: str) -> list[str]:
        """The command lines of these programs, in order."""
        return [call.line for call in self.calls if call.name in names]

    def used(self, action: str) -> list[Call]:
        """The uses of an action."""
        return [call for call in self.calls if call.name == action]


@dataclass
class Runner:
    """A repository of nothing but our workflows, and a machine on which they run."""

    folder: Path
    branch: str = "main"
    answers: list[tuple[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the repository and the stubs."""
        shutil.copytree(ROOT / ".github", self.repository / ".github")
        (self.repository / "reports").mkdir()
        (self.repository / "reports" / "summary.md").write_text("90 % of the lines\n")
        self.bin.mkdir()
        for name in (*PROGRAMS, "record"):
            program = self.bin / name
            program.write_text(RECORD.format(python=sys.executable, folder=str(self.folder)))
            program.chmod(0o755)
        (self.repository / ".venv" / "bin").mkdir(parents=True)
        shutil.copy(self.bin / "noon", self.repository / ".venv" / "bin" / "noon")
        (self.repository / ".noon").mkdir()
        (self.repository / ".noon" / "kept").touch()
        self._git("init", "--quiet", "--initial-branch", self.branch)
        self._git("remote", "add", "origin", "https://github.com/noon/noon.git")
        self._git("add", "--all")
        self._git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "First")

    @property
    def repository(self) -> Path:
        """The clone that workflows run in."""
        return self.folder / "repository"

    @property
    def bin(self) -> Path:
        """The stubs' folder, first on PATH."""
        return self.folder / "bin"

    def answer(self, begin: str, text: str = "") -> None:
        """Let a command line that begins so print this; the newest answer counts."""
        self.answers.insert(0, (begin, text))

    def fail(self, begin: str) -> None:
        """Let a command line that begins so fail."""
        self.answers.insert(0, (begin, None))

    def run(
        self,
        workflow: str,
        event: str,
        payload: dict[str, Any] | None = None,
        variables: dict[str, str] | None = None,
    ) -> Run:
        """Let an event start a workflow."""
        (self.folder / "event.json").write_text(json.dumps(payload or {}))
        (self.folder / "answers.json").write_text(json.dumps(self.answers))
        calls = self.folder / "calls.jsonl"
        calls.write_text("")
        command = [str(Path(sys.executable).parent / "act"), event, "--json"]
        command += ["--workflows", f".github/workflows/{workflow}"]
        command += ["--eventpath", str(self.folder / "event.json")]
        command += ["--platform", "ubuntu-24.04=-self-hosted", "--secret-file", os.devnull]
        command += ["--secret", "GITHUB_TOKEN=token-of-the-run"]
        command += ["--secret", "NOON_APP_PRIVATE_KEY=key-of-the-app", "--concurrent-jobs", "1"]
        for name, value in (variables or {}).items():
            command += ["--var", f"{name}={value}"]
        for action, folder in self._actions(WORKFLOWS / workflow):
            command += ["--local-repository", f"{action}={folder}"]
        done = subprocess.run(
            command,
            cwd=self.repository,
            env={
                "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.folder / "home"),
                "XDG_CACHE_HOME": str(self.folder / "cache"),
            },
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        records = [json.loads(line) for line in calls.read_text().splitlines()]
        told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return Run(
            done.returncode == 0,
            [Call(**record) for record in records],
            {line["jobID"] for line in told if line.get("stage") == "Main"},
            "\n".join([*(line["msg"].rstrip() for line in told), done.stderr]),
        )

    def _actions(self, workflow: Path) -> Iterator[tuple[str, Path]]:
        """Every action that the workflow uses, written anew as one that records its inputs."""
        inputs: dict[str, set[str]] = {}
        for step in steps_of(workflow):
            if uses := step.get("uses"):
                inputs.setdefault(uses, set()).update(step.get("with") or {})
        for uses, names in inputs.items():
            path, _, ref = uses.partition("@")
            owner, name, *below = path.split("/")
            folder = self.folder / "actions" / owner / f"{name}@{ref}"
            place = folder.joinpath(*below)
            place.mkdir(parents=True, exist_ok=True)
            (place / "action.yml").write_text(
                yaml.safe_dump(recording(path, names, self.repository))
            )
            yield f"{owner}/{name}@{ref}", folder

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.repository, check=True)


def recording(action: str, inputs: set[str], repository: Path) -> dict[str, Any]:
    """An action that writes down what it was given."""
    outputs = OUTPUTS.get(action, {})
    script = f'record {action} "$INPUTS"'
    if action == "actions/checkout":
        # act itself checks out what it runs for; another ref comes here.
        script += f"\ncp -R '{repository}/.' ."
    return {
        "name": action,
        "description": "Writes down its inputs",
        "inputs": {name: {"required": False} for name in sorted(inputs)},
        "outputs": {name: {"description": name, "value": text} for name, text in outputs.items()},
        "runs": {
            "using": "composite",
            "steps": [
                {
                    "shell": "bash",
                    "env": {"INPUTS": "${{ toJSON(inputs) }}"},
                    "run": script,
                }
            ],
        },
    }


def steps_of(workflow: Path) -> Iterator[dict[str, Any]]:
    """Every step of every job."""
    for job in yaml.safe_load(workflow.read_text())["jobs"].values():
        yield from job.get("steps", ())
