"""`noon up` for real: one stack with ten days of flights, and every command against it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from azure_emulator.testing import listening, wait_until

from examples.flights import day_files
from noon.client import AppClient
from noon.home import Home
from noon.models import feature_kinds
from noon.rows import csv_chunks

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
DAYS = "10"
READY = "Ctrl-C stops everything"
ELSEWHERE = {"down", "drill"}
"""Commands of pages that another test runs: one below, which ends the stack, and tests/drills."""


def stack_environment(home: Path) -> dict[str, str]:
    """The environment of a shell in which nothing but the stack's folder is said."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NOON_", "AZURE_"))}
    path = os.pathsep.join([str(ROOT), str(ROOT / "emulator")])
    return {**kept, "PYTHONPATH": path, "NOON_HOME": str(home)}


@dataclass
class RunningStack:
    """A `noon up` in a terminal of its own, and commands in another."""

    home: Home
    output: Path
    process: subprocess.Popen[bytes]

    def noon(
        self, *arguments: str, text: str = "", **values: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command against the stack, with further variables if need be."""
        return subprocess.run(
            [sys.executable, "-m", "noon", *arguments],
            cwd=self.home.path,
            env={**stack_environment(self.home.path), **values},
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        """Runs a command that must succeed, and reads its JSON."""
        shown = self.noon(*arguments, "--json")
        assert shown.returncode == 0, shown.stderr
        return json.loads(shown.stdout)

    @property
    def ports(self) -> list[int]:
        """The ports of the stack."""
        record = self.home.record()
        assert record is not None
        return list(record.ports.values())


def up(home: Path, output: Path) -> RunningStack:
    """Starts the stack and returns when it has answered its first prediction."""
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "noon", "up", "--plain", "--days", DAYS],
            cwd=ROOT,
            env=stack_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: READY in output.read_text() or process.poll() is not None,
            timeout_seconds=240,
            what="the first prediction",
        )
        assert process.poll() is None, output.read_text()
    except BaseException:
        process.terminate()
        process.wait(60)
        raise
    return RunningStack(Home(home), output, process)


@pytest.fixture(scope="module")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack whose champion answers."""
    folder = tmp_path_factory.mktemp("stack")
    stack = up(folder / "home", folder / "up.txt")
    yield stack
    if stack.process.poll() is None:
        stack.process.send_signal(signal.SIGINT)
    stack.process.wait(60)


def test_every_stage_of_the_start_is_told(running_stack: RunningStack) -> None:
    """Without a terminal the story comes as lines, each stage with its end."""
    told = running_stack.output.read_text()
    for stage in ("Storage", "Components", "Function app", "Flights land", "Gate", "Rollout"):
        assert f"done    {stage}" in told
    assert "First prediction: easy: late with " in told
    assert re.search(rf"NOON_HOME={running_stack.home.path} \S*noon status", told)


def test_status_tells_the_champion(running_stack: RunningStack) -> None:
    """People read a sentence, scripts read JSON; both say the same."""
    [flights] = running_stack.json("status")["models"]
    champion = flights["champion"]
    assert (champion["version"], flights["name"]) == (1, "flights")
    shown = running_stack.noon("status")
    assert f"version 1 ({champion['deployment']})" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_rollout_is_told_and_its_orders_have_a_key_of_their_own(
    running_stack: RunningStack,
) -> None:
    """The stack's record opens the orders of rollouts; one without a purpose is kept and told."""
    rollout = running_stack.json("rollout", "flights")["rollout"]
    assert (rollout["phase"], rollout["ended"]) == ("succeeded", True)
    running_stack.json("pause", "flights", "--because", "a drill")

    def refused() -> bool:
        told = running_stack.noon("decisions", "flights", "--kind", "refused", "--json").stdout
        rows = [json.loads(line) for line in told.splitlines()]
        return "order_not_possible" in [reason["code"] for row in rows for reason in row["reasons"]]

    wait_until(refused, what="the refusal of an order without a rollout")


def test_a_prediction_is_told_from_its_landing_on(running_stack: RunningStack) -> None:
    """The id in an answer leads to the data, the verdict and the traffic behind it."""
    record = running_stack.home.record()
    assert record is not None
    [(name, content)] = day_files(date(2013, 1, 9), date(2013, 1, 9))
    rows = next(csv_chunks(StringIO(content.decode()), name, feature_kinds("flights"), 3))
    answer = AppClient(record.urls["app"], record.keys["function"]).predict("flights", rows)
    links = running_stack.json("why", answer["request_id"])
    kinds = {link["kind"] for link in links}
    assert {"landings", "manifest", "training", "verdict", "rollout", "traffic"} <= kinds
    assert (links[-1]["kind"], links[-1]["facts"]["share"]) == ("prediction", 100)
    assert (
        "flights/2013-01-09.csv is in the data since"
        in running_stack.noon("why", "flights/2013-01-09.csv").stdout
    )


def test_what_has_landed_is_skipped(running_stack: RunningStack) -> None:
    """Pushing the same days again lands nothing."""
    counts = running_stack.json(
        "data", "push", "flights", "--from", "2013-01-01", "--to", "2013-01-03"
    )
    assert (counts["uploaded"], counts["skipped"]) == (0, 3)


def test_a_file_is_scored_in_chunks(running_stack: RunningStack, tmp_path: Path) -> None:
    """Every row of a landed file gets its answer, in order, however the file is cut."""
    [(name, content)] = day_files(date(2013, 1, 9), date(2013, 1, 9))
    file = tmp_path / name
    file.write_bytes(content)
    command = ("predict", "flights", "--csv", str(file))
    whole = running_stack.noon(*command)
    assert whole.returncode == 0, whole.stderr
    lines = whole.stdout.splitlines()
    assert lines[0] == "label,probability_false,probability_true"
    assert len(lines) == len(content.splitlines())
    cut = running_stack.noon(*command, "--chunk", "97", "--json")
    objects = [json.loads(line) for line in cut.stdout.splitlines()]
    late = [f"{float(line.split(',')[2]):.6f}" for line in lines[1:]]
    assert [f"{one['probabilities']['true']:.6f}" for one in objects] == late


def test_one_row_is_answered_with_its_model(running_stack: RunningStack) -> None:
    """A single question can be asked by hand; what is missing is named by column."""
    file = json.dumps({"origin": "JFK"})
    shown = running_stack.noon("predict", "flights", "--row", file)
    assert shown.returncode == 1
    assert "row 0, column 'carrier'" in shown.stderr
    assert "Traceback" not in shown.stderr


REFUSED = {
    "unknown model": (["train", "ships", "--because", "test"], "ships"),
    "unknown model asked": (["predict", "ships", "--row", "{}"], "ships"),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_is_exit_code_1(
    running_stack: RunningStack, arguments: list[str], words: str
) -> None:
    """What the app refuses is told in the app's words."""
    shown = running_stack.noon(*arguments)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert words in shown.stderr
    assert "Traceback" not in shown.stderr


def commands_of(page: str) -> list[list[str]]:
    """The `noon` commands of a page's shell blocks, those on rollouts first."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(), re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    commands = [shlex.split(line, comments=True) for line in lines]
    ours = [words[1:] for words in commands if words and words[0] == ".venv/bin/noon"]
    # A training that an example starts would make the rollouts of later examples wait for it.
    return sorted(ours, key=lambda words: words[0] in ("data", "train"))


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_the_commands_of_a_page_run(running_stack: RunningStack, page: str) -> None:
    """What a newcomer copies works."""
    commands = commands_of(page)
    assert {words[0] for words in commands} >= {"status", "data", "train", "rollout", "down"}
    write_asked_day(running_stack.home.path)
    for words in commands:
        if words[0] not in ELSEWHERE:
            # Of a page's many histories the first one: tests/simulation plays others.
            few = ["--seeds", "1"] if words[0] == "simulate" else []
            shown = running_stack.noon(*words, *few)
            assert shown.returncode == 0, (words, shown.stderr)


def write_asked_day(folder: Path) -> None:
    """Write the day that the tutorial asks about, as its own command does."""
    lines = (ROOT / "docs/tutorial.md").read_text().splitlines()
    [line] = [each for each in lines if "-m examples.flights" in each]
    module, *arguments = shlex.split(line)[2:]
    subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=stack_environment(folder),
        check=True,
        timeout=60,
    )


def test_a_table_of_ones_own_lands(running_stack: RunningStack, tmp_path: Path) -> None:
    """The files that a page about it names; a second time they are there already."""
    page = (ROOT / "docs/own-table.md").read_text()
    [write, push] = re.findall(r"^\.venv/bin/(?:python -m|noon) (.*diabetes.*)$", page, re.M)
    module, *arguments = shlex.split(write)
    environment = stack_environment(running_stack.home.path)
    command = [sys.executable, "-m", module, *arguments]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)
    words = shlex.split(push)
    files = sorted(str(path) for path in tmp_path.glob(words.pop()))
    models = {"NOON_MODELS_DIR": str(ROOT / "examples" / "diabetes")}
    for expected in ((26, 0), (0, 26)):
        shown = running_stack.noon(*words, *files, "--json", **models)
        assert shown.returncode == 0, shown.stderr
        counts = json.loads(shown.stdout)
        assert (counts["uploaded"], counts["skipped"]) == expected


def test_a_second_stack_in_the_folder_is_refused(running_stack: RunningStack) -> None:
    """Two stacks on one state would destroy it, so the second says who runs and ends."""
    shown = running_stack.noon("up", "--plain")
    assert shown.returncode == 3
    assert f"runs already (process {running_stack.process.pid})" in shown.stderr


def test_a_stack_stops_starts_again_and_is_cleared(
    running_stack: RunningStack, tmp_path: Path
) -> None:
    """Down ends everything, up goes on where it was, a dead child ends it, reset forgets."""
    ports = running_stack.ports
    down = running_stack.noon("down")
    assert (down.returncode, running_stack.process.wait(60)) == (0, 0), down.stderr
    assert [port for port in ports if listening(port)] == []
    again = up(running_stack.home.path, tmp_path / "again.txt")
    try:
        assert again.ports == ports
        [flights] = again.json("status")["models"]
        assert flights["champion"]["version"] >= 1
        record = again.home.record()
        assert record is not None
        os.kill(record.pids["app"], signal.SIGTERM)
        assert again.process.wait(60) == 1
        assert "app ended by itself with exit code" in again.output.read_text()
        assert [port for port in ports if listening(port)] == []
    finally:
        if again.process.poll() is None:
            again.process.terminate()
        again.process.wait(60)
    assert again.noon("reset", "--yes").returncode == 0
    assert [path.name for path in again.home.path.iterdir()] == ["stack.lock"]
