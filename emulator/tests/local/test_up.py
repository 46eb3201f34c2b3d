"""`azure-emulator up` and what goes with it, as a person types it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure_emulator.testing import LocalProcess, listening, wait_until

EMULATOR = Path(__file__).resolve().parents[2]
README = (EMULATOR / "README.md").read_text()
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no local Azure has seen yet."""
    return tmp_path_factory.mktemp("up") / "home"


@pytest.fixture(scope="module")
def environment(home: Path) -> dict[str, str]:
    """A shell that points nowhere, with our home."""
    foreign = ("AZURE", "IDENTITY_", "ARM_", "MSI_", "REQUESTS_", "SSL_", "CONTAINER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    path = os.pathsep.join(filter(None, [str(EMULATOR), kept.get("PYTHONPATH", "")]))
    return {**kept, "AZURE_EMULATOR_HOME": str(home), "PYTHONPATH": path}


@pytest.fixture(scope="module")
def run(environment: dict[str, str]) -> Run:
    """Runs one command to its end."""

    def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "azure_emulator", *arguments],
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return command


@pytest.fixture(scope="module")
def exported(run: Run) -> Iterator[dict[str, str]]:
    """What `up --detach` tells the shell to export, while it runs."""
    any_port = [f"--{kind}port=0" for kind in ("", "blob-", "queue-", "table-")]
    started = run("up", "--workspace", "demo", "--operation-seconds", "0", "--detach", *any_port)
    try:
        assert started.returncode == 0, started.stderr
        yield exports(started.stdout)
    finally:
        run("down")


def exports(text: str) -> dict[str, str]:
    """Read `export NAME=VALUE` lines as a shell does."""
    words = [shlex.split(line) for line in text.splitlines()]
    assert all(word[0] == "export" and len(word) == 2 for word in words), text
    return {name: value for name, _, value in (word[1].partition("=") for word in words)}


def described(run: Run) -> dict[str, Any]:
    """What `status --json` says."""
    return dict(json.loads(run("status", "--json").stdout))


def test_nothing_runs_at_first(run: Run, tmp_path: Path) -> None:
    """Without `up` every command says so, or says how to start; none shows a traceback."""
    elsewhere = {"AZURE_EMULATOR_HOME": str(tmp_path / "none")}
    assert run("status", **elsewhere).returncode == 3
    for arguments in (["env"], ["faults", "list"], ["faults", "add", "quota"], ["logs"]):
        said = run(*arguments, **elsewhere)
        assert said.returncode == 1
        assert said.stderr.startswith("azure-emulator: ")
        assert "Traceback" not in said.stderr
    assert "up --home" in run("env", **elsewhere).stderr
    assert run("down", **elsewhere).returncode == 0


def test_the_quick_start_of_the_readme_runs(
    exported: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    """The README's code, unchanged, with what `up` exported and nothing else."""
    code = re.search(r"## Quick start.*?```python\n(.*?)```", README, re.DOTALL)
    assert code
    done = subprocess.run(
        [sys.executable, "-c", code[1]],
        env={**environment, **exported},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "3 rows"


def test_env_is_what_up_printed(exported: dict[str, str], run: Run) -> None:
    """Another shell gets the same words, scripts the same as JSON."""
    assert exports(run("env").stdout) == exported
    assert json.loads(run("env", "--json").stdout) == exported


def test_a_shell_with_a_proxy_goes_past_it(exported: dict[str, str], run: Run) -> None:
    """What the shell excepts from its proxy stays excepted."""
    assert exported["NO_PROXY"].endswith("127.0.0.1,localhost")
    said = exports(run("env", NO_PROXY="example.org").stdout)
    assert said["NO_PROXY"] == "example.org,127.0.0.1,localhost"


def test_status_and_logs_name_what_is_not_supported(exported: dict[str, str], run: Run) -> None:
    """A call that is answered 501 is seen afterwards, by its name."""
    import requests

    before = described(run)
    assert (before["running"], before["workspace"], before["faults"]) == (True, "demo", 0)
    answer = requests.get(f"{before['url']}/dance", verify=exported["REQUESTS_CA_BUNDLE"])
    assert answer.status_code == 501
    assert "GET /dance" in answer.json()["error"]["message"]
    assert described(run)["unsupported"] == {"GET /dance": 1}
    assert "1 x GET /dance" in run("status").stdout
    assert "not implemented: GET /dance" in run("logs").stdout


def test_faults_by_command(exported: dict[str, str], run: Run) -> None:
    """Rules are added by preset or by operation, listed, removed and cleared."""
    assert run("faults", "add", "quota").stdout == "quota\n"
    added = run("faults", "add", "Jobs.Get", "status=500", "count=2", "id=jobs", "--json")
    assert json.loads(added.stdout) == {"id": "jobs"}
    rules = {rule["id"]: rule for rule in json.loads(run("faults", "list", "--json").stdout)}
    assert rules.keys() == {"quota", "jobs"}
    assert (rules["jobs"]["status"], rules["jobs"]["count"]) == (500, 2)
    assert "Jobs.Get" in run("faults", "remove", "jobs").stdout
    assert "quota" in run("faults", "presets").stdout
    run("faults", "clear")
    assert json.loads(run("faults", "list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["faults", "add", "nonsense"], "preset 'nonsense'"),
        (["faults", "add", "Jobs.Get", "status"], "FIELD=VALUE"),
        (["faults", "add", "Jobs.Get", "colour=blue"], "colour"),
        (["faults", "remove", "nobody"], "no such rule"),
        (["up"], "in use by another `up`"),
        (["up", "--detach"], "in use by another `up`"),
        (["reset", "--yes"], "down"),
        (["logs", "nothing-like-it"], "--list"),
    ],
)
def test_a_mistake_is_answered_with_words(
    exported: dict[str, str], run: Run, arguments: list[str], words: str
) -> None:
    """The exit code is 1 and the message says what is wrong or what to do."""
    said = run(*arguments)
    assert said.returncode == 1
    assert said.stderr.startswith("azure-emulator: ")
    assert words in said.stderr
    assert "Traceback" not in said.stderr


def test_a_taken_port_is_said_by_its_option(run: Run, tmp_path: Path) -> None:
    """A given port is not exchanged for another one."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = run("up", "--blob-port", str(port), "--home", str(tmp_path / "taken"))
        assert said.returncode == 1
        assert f"port {port} is taken" in said.stderr
        assert "--blob-port" in said.stderr


def test_a_home_that_cannot_be_written_is_said(run: Run, tmp_path: Path) -> None:
    """Also for a background start."""
    file = tmp_path / "file"
    file.touch()
    for detach in ([], ["--detach"]):
        said = run("up", *detach, "--home", str(file / "home"))
        assert said.returncode == 1
        assert "choose another with --home" in said.stderr
        assert "Traceback" not in said.stderr


def test_in_the_foreground_it_ends_with_its_parts_and_starts_again(
    environment: dict[str, str], run: Run, tmp_path: Path
) -> None:
    """SIGTERM ends storage and emulator; ports and names are remembered; reset forgets the rest."""
    place = tmp_path / "home"
    variables = {**environment, "AZURE_EMULATOR_HOME": str(place)}
    names = {"AZURE_EMULATOR_HOME": str(place)}
    any_port = [f"--{kind}port=0" for kind in ("", "blob-", "queue-", "table-")]
    command = [sys.executable, "-m", "azure_emulator", "up", "--workspace", "w", *any_port]

    def running() -> dict[str, Any]:
        said = json.loads(run("status", "--json", **names).stdout)
        return dict(said) if said["running"] else {}

    first = LocalProcess(command, tmp_path / "first.log", variables)
    try:
        first.wait_ready(lambda: "ready:" in first.last_words())
        ports = json.loads((place / "up.json").read_text())["ports"]
        assert all(listening(port) for port in ports.values())
        os.kill(running()["pid"], signal.SIGTERM)
        wait_until(first.ended, what="the end of up")
        assert not any(listening(port) for port in ports.values())
    finally:
        first.close()
    second = LocalProcess(command[:4], tmp_path / "second.log", variables)
    try:
        second.wait_ready(lambda: "ready:" in second.last_words())
        assert running()["workspace"] == "w"
        assert json.loads((place / "up.json").read_text())["ports"] == ports
    finally:
        second.close()
    assert "emulator.sqlite" in run("reset", "--yes", **names).stderr
    assert {path.name for path in place.iterdir()} == {"tls", "up.json", "up.lock"}


def test_reset_deletes_nothing_that_is_not_ours(run: Run, tmp_path: Path) -> None:
    """A folder without a local Azure in it is left alone."""
    (tmp_path / "thesis.txt").write_text("words")
    said = run("reset", "--yes", "--home", str(tmp_path))
    assert said.returncode == 1
    assert (tmp_path / "thesis.txt").exists()


def test_every_command_explains_itself_by_example(run: Run) -> None:
    """`--help` shows how it is typed."""
    for command in (["up"], ["down"], ["env"], ["status"], ["logs"], ["reset"], ["faults", "add"]):
        text = " ".join(run(*command, "--help").stdout.split())
        assert f"azure-emulator {' '.join(command)}" in text
    shell = {"SHELL": "/bin/bash", "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    assert "_AZURE_EMULATOR_COMPLETE" in run("--show-completion", "bash", **shell).stdout
