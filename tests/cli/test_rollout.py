"""`noon rollout` and the orders, against the application over memory behind real HTTP."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from azure_emulator.testing import wait_until

from tests.application.conftest import World, world
from tests.application.test_canary import rolling, rollout_of, traffic
from tests.cli.conftest import cli_environment
from tests.cli.memory_app import KEYS, App, serving

__all__ = ["rolling", "world"]

Cli = Callable[..., CompletedProcess[str]]


@pytest.fixture
def app(rolling: World) -> Iterator[App]:
    """A version has just been given its first share of the traffic."""
    with serving(rolling) as app:
        yield app


def test_rollout_is_told_with_the_numbers_that_its_checks_saw(app: App, noon_cli: Cli) -> None:
    """Phase, step, traffic, soak and the last checks are told to people."""
    app.go_on(4)
    shown = noon_cli("rollout", "flights", **app.settings)
    assert shown.returncode == 0, shown.stderr
    text = " ".join(shown.stdout.split())
    for words in (
        "version 2 as v2-e1",
        "canary, step 1 of 3 (10 %)",
        "v1-e1 90 %, v2-e1 10 % (as wished)",
        "judged on 100 requests or more",
        "no data at 10 %: ",
        "v2-e1 60 requests, 0 failed, p95 12 ms, v1-e1 540 requests, 0 failed",
    ):
        assert words in text
    assert "\x1b" not in shown.stdout


def test_rollout_for_scripts(app: App, noon_cli: Cli) -> None:
    """Scripts get everything as one JSON object."""
    app.go_on(4)
    told = json.loads(noon_cli("rollout", "flights", "--json", **app.settings).stdout)
    assert (told["model"], told["champion"], told["warm"]) == ("flights", "v1-e1", None)
    rollout = told["rollout"]
    assert rollout["phase"] == "canary"
    steps = [(step["share"], step["state"]) for step in rollout["steps"]]
    assert steps == [(10, "present"), (50, "to_come"), (100, "to_come")]
    shares = {each["deployment"]: each["percent"] for each in told["traffic"]}
    assert shares == {"v1-e1": 90, "v2-e1": 10}
    seen = {each["deployment"]: each["requests"] for each in rollout["checks"][0]["deployments"]}
    assert seen["v2-e1"] == 60


def test_model_without_rollout_says_so(app: App, noon_cli: Cli) -> None:
    """A model that never had a rollout is no error, watched or not."""
    for watch in ([], ["--watch"]):
        shown = noon_cli("rollout", "diabetes", *watch, **app.settings)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "no rollout yet" in shown.stdout
    assert (
        json.loads(noon_cli("rollout", "diabetes", "--json", **app.settings).stdout)["rollout"]
        is None
    )


def test_unknown_model_is_named(app: App, noon_cli: Cli) -> None:
    """Who mistypes a name is told the right ones, by either command."""
    shown = noon_cli("rollout", "ships", **app.settings)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "there is no model 'ships'" in shown.stderr
    assert "diabetes, flights" in shown.stderr
    shown = noon_cli("abort", "a/b c", "--because", "x", **app.settings)
    assert (shown.returncode, shown.stdout) == (1, "")


ORDERS: dict[str, tuple[str, dict[str, int]]] = {
    "pause": ("canary, step 1 of 3 (10 %), paused", {"v1-e1": 90, "v2-e1": 10}),
    "proceed": ("by itself  the champion is sick; ", {"v1-e1": 50, "v2-e1": 50}),
    "abort": ("aborted", {"v1-e1": 100}),
    "rollback": ("rolled back", {"v1-e1": 100}),
}


@pytest.mark.parametrize("verb", ORDERS)
def test_order_is_obeyed(app: App, noon_cli: Cli, verb: str) -> None:
    """What an operator orders happens with the next pass, with who and why."""
    ordered = noon_cli(verb, "flights", "--because", "customers call", "--json", **app.settings)
    assert ordered.returncode == 0, ordered.stderr
    order_id = json.loads(ordered.stdout)["order_id"]
    app.go_on(20)
    words, shares = ORDERS[verb]
    shown = noon_cli("rollout", "flights", **app.settings).stdout
    assert words in shown
    assert traffic(app.world) == shares
    (decision,) = app.world.decisions.about("flights", f"order:{order_id}", 5)
    assert "customers call" in " ".join(reason.text for reason in decision.reasons)


def test_paused_rollout_goes_on_when_it_is_resumed(app: App, noon_cli: Cli) -> None:
    """A pause ends with a resume, and people are told how to watch."""
    noon_cli("pause", "flights", "--because", "a holiday", **app.settings)
    app.go_on(40)
    assert rollout_of(app.world).paused
    shown = noon_cli("resume", "flights", "--because", "back", **app.settings)
    assert "noon rollout flights --watch" in shown.stdout
    app.go_on(60)
    assert traffic(app.world) == {"v2-e1": 100}
    told = json.loads(noon_cli("rollout", "flights", "--json", **app.settings).stdout)
    assert (told["rollout"]["phase"], told["warm"]["deployment"]) == ("succeeded", "v1-e1")


def test_key_of_orders_is_a_key_of_its_own(app: App, noon_cli: Cli) -> None:
    """The key that opens predictions orders nothing; the key of orders will do for all of them."""
    settings = {**app.settings, "NOON_ROLLOUT_KEY": ""}
    refused = noon_cli("pause", "flights", "--because", "x", **settings)
    assert refused.returncode == 1
    assert "NOON_ROLLOUT_KEY (pause, resume, proceed, abort, rollback, accept)" in refused.stderr
    settings["NOON_ORDERS_KEY"] = KEYS["rollout"]
    assert noon_cli("pause", "flights", "--because", "x", **settings).returncode == 0


@dataclass
class Watching:
    """A `noon rollout --watch` that runs, and what it has told."""

    process: subprocess.Popen[bytes]
    output: Path

    def told(self) -> list[dict[str, Any]]:
        """Every line that it told in JSON."""
        return [json.loads(line)["rollout"] for line in self.output.read_text().splitlines()]


@pytest.fixture
def watching(app: App, cli_home: Path, tmp_path: Path) -> Iterator[Watching]:
    """Somebody watches the rollout of flights into a file."""
    output = tmp_path / "watched.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "noon", "rollout", "flights", "--watch", "--json"],
            env=cli_environment(cli_home, **app.settings),
            stdout=file,
        )
    watching = Watching(process, output)
    try:
        wait_until(watching.told, what="the first line")
        yield watching
    finally:
        process.kill()
        process.wait(30)


def present(watching: Watching) -> int | None:
    """The step, counted from 1, that was told last."""
    states = [step["state"] for step in watching.told()[-1]["steps"]]
    return states.index("present") + 1 if "present" in states else None


def test_watch_tells_every_change_until_the_rollout_ends(app: App, watching: Watching) -> None:
    """Watched into a file a rollout is a line for each change, and success is exit code 0."""
    for step in (2, 3):
        while rollout_of(app.world).step + 1 < step:
            app.go_on()
        wait_until(lambda step=step: present(watching) == step, what=f"step {step}")
    app.go_on(40)
    assert watching.process.wait(30) == 0
    told = watching.told()
    assert told[0]["steps"][0]["state"] == "present"
    assert told[-1]["phase"] == "succeeded"
    assert all(one != other for one, other in pairwise(told))


def test_watched_rollout_that_comes_back_is_exit_code_1(app: App, watching: Watching) -> None:
    """A script that waits for a version learns that it did not make it, and why."""
    app.world.sick.add("v2-e1")
    app.go_on(10)
    assert watching.process.wait(30) == 1
    last = watching.told()[-1]
    assert last["phase"] == "rolled_back"
    assert "v2-e1" in str(last["reason"])
    assert "failed" in str(last["reason"])


def test_watch_ends_quietly_with_ctrl_c(watching: Watching) -> None:
    """Who has seen enough leaves without an error."""
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(30) == 0


def test_terminal_is_redrawn(app: App, cli_home: Path) -> None:
    """On a terminal there is one picture, drawn anew, and its last state stays."""
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "noon", "rollout", "flights", "--watch"],
        env=cli_environment(cli_home, **app.settings, TERM="xterm", COLUMNS="120", LINES="40"),
        stdout=inner,
    )
    os.close(inner)
    seen = b""
    try:
        while b"step 1 of 3" not in seen:
            seen += os.read(terminal, 10_000)
        app.go_on(60)
        while b"succeeded" not in seen:
            seen += os.read(terminal, 10_000)
        assert process.wait(30) == 0
        assert b"\x1b[2K" in seen
    finally:
        process.kill()
        process.wait(30)
        os.close(terminal)
