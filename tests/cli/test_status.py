"""`noon status`, `runs`, `decisions` and `logs` against the application over memory."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from azure_emulator.testing import wait_until
from rich.console import Console

from noon.choices import Only, Sort
from noon.failures import UsageError
from noon.fleet import chosen
from noon.fleet_view import Shown, table
from noon.log_files import LogFile
from noon.since import instant
from tests.application.conftest import World, world
from tests.application.test_canary import rolling
from tests.cli.conftest import cli_environment
from tests.cli.memory_app import App, serving

__all__ = ["rolling", "world"]

Cli = Callable[..., CompletedProcess[str]]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def app(rolling: World) -> Iterator[App]:
    """Flights has a canary with its first share of the traffic; diabetes was never trained."""
    with serving(rolling) as app:
        yield app


def test_fleet_is_told_with_what_is_next(app: App, noon_cli: Cli) -> None:
    """A row for each model, and below, since they are few, each in full."""
    app.go_on(4)
    shown = noon_cli("status", **app.settings)
    assert (shown.returncode, shown.stderr) == (0, "")
    header, *rows = shown.stdout.splitlines()
    assert header.split("  ")[0] == "model"
    assert "next, and why not now" in header
    [flights] = [row for row in rows if row.split()[:2] == ["flights", "v1-e1"]]
    assert "v2 canary 10 %" in flights
    assert "advance rollout" in flights
    assert "2 of 2 models" in shown.stdout
    assert "champion      version 1 (v1-e1), " in shown.stdout
    assert re.search(r"answers +v1-e1: \d+ requests, 0 failed, p95 \d+ ms", shown.stdout)
    assert "\x1b" not in shown.stdout


def test_fleet_for_scripts(app: App, noon_cli: Cli) -> None:
    """Filters and order hold for JSON too; each model is what the API says of it."""
    told = json.loads(noon_cli("status", "--json", **app.settings).stdout)
    assert [model["name"] for model in told["models"]] == ["diabetes", "flights"]
    rolling_alone = noon_cli("status", "--json", "--only", "rollout", **app.settings)
    [flights] = json.loads(rolling_alone.stdout)["models"]
    assert (flights["name"], flights["rollout"]["share"]) == ("flights", 10)
    none = noon_cli("status", "--only", "failing", **app.settings)
    assert none.returncode == 0
    assert none.stdout.splitlines()[-1].startswith("0 of 2 models")


def test_unknown_model_of_a_status_is_named(app: App, noon_cli: Cli) -> None:
    """A pattern that no name fits is a mistake, told with the names that there are."""
    shown = noon_cli("status", "--model", "ship*", **app.settings)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "no model is called ship*; there are: diabetes, flights" in shown.stderr


def test_canary_held_beside_a_sick_champion_names_the_way_out(app: App, noon_cli: Cli) -> None:
    """Who reads why nothing moves reads which order would change that."""
    app.world.sick.add("v1-e1")
    app.go_on(15)
    shown = noon_cli("status", "--model", "flights", **app.settings).stdout
    assert "the champion itself fails (noon proceed judges the canary by itself)" in shown
    assert "failing" in shown


@pytest.fixture
def started(
    app: App, cli_home: Path, tmp_path: Path
) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], Path]]]:
    """Starts commands that go on, with their output in a file."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[bytes], Path]:
        output = tmp_path / f"told-{len(running)}.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "noon", *arguments],
                env=cli_environment(cli_home, **app.settings),
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        running.append(process)
        return process, output

    yield start
    for process in running:
        process.kill()
        process.wait(30)


def lines(output: Path) -> list[dict[str, Any]]:
    """Every line of a file as JSON."""
    return [json.loads(line) for line in output.read_text().splitlines()]


def test_watch_costs_no_body_while_nothing_changes(app: App, started: Any) -> None:
    """Unchanged, the app answers 304 and nothing is printed; a change is a line; an app that is
    away for a moment ends nothing."""
    process, output = started("status", "--watch", "--json", "--interval", "1")
    wait_until(lambda: app.asked[-2:] == [("/api/models", 304)] * 2, what="two looks in vain")
    assert len(lines(output)) == 1
    app.broken = True
    before = len(app.asked)
    wait_until(lambda: len(app.asked) > before, what="a look that fails")
    app.broken = False
    app.go_on(60)
    wait_until(lambda: len(lines(output)) == 2, what="the change")
    [_, flights] = lines(output)[-1]["models"]
    assert flights["rollout"]["phase"] == "succeeded"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


def test_terminal_is_filled_and_not_more(app: App, cli_home: Path) -> None:
    """On a terminal of 80 by 24 the picture is drawn anew in its own screen, and left behind."""
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "noon", "status", "--watch", "--interval", "1"],
        env=cli_environment(cli_home, **app.settings, TERM="xterm", COLUMNS="80", LINES="24"),
        stdout=inner,
    )
    os.close(inner)
    seen = b""
    try:
        while b"advance rollout" not in seen:
            seen += os.read(terminal, 10_000)
        assert b"\x1b[?1049h" in seen
        app.go_on(60)
        while b"succeeded" not in seen:
            seen += os.read(terminal, 10_000)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(30)
        os.close(terminal)


def test_runs_tell_slots_landings_and_jobs(app: App, noon_cli: Cli) -> None:
    """The newest first, with what came of each; the schedule stands above."""
    shown = noon_cli("runs", "flights", **app.settings)
    assert shown.returncode == 0, shown.stderr
    head, *rows = shown.stdout.splitlines()
    assert "the next slot is 11-24 12:00" in head
    text = "\n".join(rows)
    assert "landing" in text
    assert "verdict promote as version 2" in text
    jobs = noon_cli("runs", "flights", "--only", "jobs", "--limit", "1", **app.settings).stdout
    assert "landing" not in jobs
    assert "1 older ones" in jobs
    told = json.loads(noon_cli("runs", "flights", "--json", **app.settings).stdout)
    assert [job["version"] for job in told["jobs"]] == [2, 1]
    empty = noon_cli("runs", "diabetes", "--only", "jobs", **app.settings)
    assert "nothing yet" in empty.stdout


def test_decisions_are_told_oldest_first(app: App, noon_cli: Cli) -> None:
    """As a log is read; kinds, spans and numbers narrow it, and JSON is a line each."""
    shown = noon_cli("decisions", **app.settings)
    assert shown.returncode == 0, shown.stderr
    assert "flights 11-23 " in shown.stdout
    assert "ordered: " in shown.stdout
    rows = [
        json.loads(line)
        for line in noon_cli("decisions", "flights", "--json", **app.settings).stdout.splitlines()
    ]
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    made = [each for each in app.world.decisions.decisions if each.model == "flights"]
    assert len(rows) == len(made)
    acted = noon_cli("decisions", "--kind", "acted", "--limit", "2", "--json", **app.settings)
    kinds = [json.loads(line)["kind"] for line in acted.stdout.splitlines()]
    assert kinds == ["acted", "acted"]
    at = rows[-1]["at"]
    newest = noon_cli("decisions", "flights", "--since", at, "--json", **app.settings).stdout
    last = [row["id"] for row in rows if row["at"] >= at]
    assert [json.loads(line)["id"] for line in newest.splitlines()] == last
    none = noon_cli("decisions", "diabetes", "--kind", "failed", **app.settings)
    assert (none.returncode, none.stdout) == (0, "no such decision: see --since and --kind\n")


@pytest.mark.parametrize("model", [["flights"], []], ids=["one model", "all models"])
def test_decisions_are_followed(app: App, started: Any, model: list[str]) -> None:
    """What comes is told once, in order, and by whichever way it is followed."""
    command = ["decisions", *model, "--follow", "--json", "--interval", "1", "--kind", "acted"]
    process, output = started(*command)
    wait_until(lambda: len(app.asked) > 3, what="a second look")
    before = len(lines(output))
    app.go_on(60)
    acted = [d.id for d in app.world.decisions.decisions if d.kind.value == "acted"]
    wait_until(lambda: len(lines(output)) >= len(acted), what="the decisions of an hour")
    assert len(lines(output)) > before
    assert [line["id"] for line in lines(output)] == acted
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


SPANS = {
    "90min": NOW - timedelta(minutes=90),
    "2h": NOW - timedelta(hours=2),
    "1.5d": NOW - timedelta(hours=36),
    "2026-11-01": datetime(2026, 11, 1, tzinfo=UTC),
    "2026-11-01T06:00+02:00": datetime(2026, 11, 1, 4, tzinfo=UTC),
}


@pytest.mark.parametrize(("text", "expected"), SPANS.items())
def test_instants_as_people_write_them(text: str, expected: datetime) -> None:
    """A span before now, a day, or an instant; without an offset it is UTC."""
    assert instant(text, NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "", "5 parsecs", "-2h", "99999999999999w"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    """A span that nobody understands is told with ones that would do."""
    with pytest.raises(UsageError, match="neither a span such as 90min"):
        instant(text, NOW)


def glance(name: str, **known: Any) -> dict[str, Any]:
    """A model at a glance, well and idle but for what is known."""
    slot = {"key": "20261124t1200", "due_at": "2026-11-24T12:00:00Z"}
    score = {"metric": "roc_auc", "value": 0.71, "low": None, "high": None}
    champion = {
        "version": 3,
        "deployment": "v3-e1",
        "promoted_at": "2026-11-20T12:00:00Z",
        "score": score | {"compared_with": "champion 2", "trained_rows": 9},
        "accepted": None,
    }
    return {
        "name": name,
        "champion": champion,
        "training": None,
        "rollout": None,
        "slots": {"last": None, "owed": None, "next": slot},
        "health": {"state": "healthy", "deployments": []},
        "next": {
            "action": "train",
            "at": slot["due_at"],
            "why_not_now": "the slot is to come",
        },
        "last_refusal": None,
        "decision": None,
        **known,
    }


FAILING = {"state": "failing", "deployments": []}
PAUSED = {"version": 4, "phase": "canary", "ended": False, "paused": True, "share": 10}
BACK = {"version": 4, "phase": "rolled_back", "ended": True, "paused": False, "share": 0}
FLEET = [
    glance("ants", rollout=PAUSED),
    glance("bees", health=FAILING),
    glance("cats", champion=None),
    glance("dogs", rollout=BACK),
    glance("eels", training={"cause": "slot", "planned_at": "2026-11-23T11:00:00Z"}),
    glance("foxes"),
]
CHOICES: list[tuple[list[str], list[Only], Sort, str]] = [
    ([], [], Sort.NAME, "ants bees cats dogs eels foxes"),
    (["*s", "x"], [Only.ATTENTION], Sort.NAME, "ants bees dogs"),
    ([], [Only.TRAINING, Only.NO_CHAMPION], Sort.NAME, "cats eels"),
    ([], [Only.PAUSED], Sort.NAME, "ants"),
    ([], [Only.ROLLOUT], Sort.NAME, "ants"),
    (["f*", "a*"], [], Sort.NAME, "ants foxes"),
    ([], [], Sort.HEALTH, "bees ants cats dogs eels foxes"),
    ([], [], Sort.AGE, "ants bees dogs eels foxes cats"),
    ([], [], Sort.ROLLOUT, "ants bees cats dogs eels foxes"),
]


@pytest.mark.parametrize(("patterns", "only", "sort", "names"), CHOICES)
def test_models_are_chosen_and_ordered(
    patterns: list[str], only: list[Only], sort: Sort, names: str
) -> None:
    """Names fit any pattern, conditions hold for any of them, and equals go by name."""
    assert [m["name"] for m in chosen(FLEET, patterns, only, sort)] == names.split()


def drawn(models: list[dict[str, Any]], width: int, height: int | None = None) -> list[str]:
    """The lines of a picture of models."""
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(table(Shown(models, len(models), NOW), width, height))
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 60, 99, 100, 149, 150, 240])
def test_every_width_has_a_picture(width: int) -> None:
    """No line is wider than the terminal, every model is named, and why is always there."""
    told = drawn(FLEET, width, 24)
    assert max(len(line) for line in told) <= width
    assert len(told) <= 24
    for model in FLEET:
        assert any(line.startswith(model["name"]) for line in told)
    assert any("train" in line for line in told)


@pytest.mark.parametrize("width", [80, 200])
def test_a_hundred_models_fit_in_a_terminal(width: int) -> None:
    """What does not fit in is counted, with the ways to see it."""
    fleet = [glance(f"model-{number:03}") for number in range(120)]
    told = drawn(fleet, width, 40)
    assert len(told) <= 40
    assert "120 of 120 models" in told[-1]
    assert "do not fit in: --only" in told[-1]
    assert len(drawn(fleet, 240)) >= 121


def test_logs_are_read_from_their_ends(tmp_path: Path) -> None:
    """The last lines, then what is added; half a line waits for its end, and a log that is begun
    anew is read from its beginning."""
    path = tmp_path / "app.log"
    path.write_text("one\ntwo ERROR\n\x1b[31mthree\x1b[0m\n")
    log = LogFile(path)
    assert log.last(2, trouble=False) == ["two ERROR", "three"]
    assert log.last(9, trouble=True) == ["two ERROR"]
    with path.open("a") as file:
        file.write("four\nfi")
        file.flush()
        assert list(log.added()) == ["four"]
        file.write("ve\n")
    assert list(log.added()) == ["five"]
    path.unlink()
    assert list(log.added()) == []
    path.write_text("anew\n")
    assert list(log.added()) == ["anew"]


def test_logs_of_the_local_stack_are_shown(noon_cli: Cli, cli_home: Path) -> None:
    """Each line says whose it is; a process that there is not is named with those there are."""
    (cli_home / "logs").mkdir(parents=True)
    (cli_home / "logs" / "app.log").write_text("started\nit failed\n")
    (cli_home / "logs" / "storage.log").write_text("listening\n")
    assert noon_cli("logs").stdout.splitlines() == [
        "app     | started",
        "app     | it failed",
        "storage | listening",
    ]
    told = noon_cli("logs", "app", "--errors", "--json").stdout
    assert json.loads(told) == {"process": "app", "line": "it failed"}
    shown = noon_cli("logs", "web")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "there is no log of 'web'; there are: app, storage" in shown.stderr


def test_logs_of_an_app_elsewhere_are_a_query(noon_cli: Cli) -> None:
    """What is not on this machine is in Application Insights, and a name cannot end its text."""
    told = noon_cli("logs", "--model", 'a" or "b', "--errors", NOON_URL="https://noon.example")
    assert told.returncode == 0
    steps = told.stdout.splitlines()
    assert steps[0] == "union traces, exceptions"
    assert '| where tostring(customDimensions["noon.model"]) == "a\\" or \\"b"' in steps
    assert steps[-1] == "| take 30"
