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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from subprocess import CompletedProcess
from threading import RLock, Thread
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from azure_emulator.testing import wait_until

from shared.application.orders import take_order
from shared.application.problems import Answer
from shared.application.status import status
from shared.application.why import answer as why_answer
from tests.application.conftest import World, world
from tests.application.test_canary import rolling, rollout_of, traffic
from tests.cli.conftest import cli_environment

__all__ = ["rolling", "world"]

Cli = Callable[..., CompletedProcess[str]]
KEYS = {"status": "function-key", "rollout": "rollout-key"}


@dataclass
class App:
    """A function app whose control plane lives in memory; `lock` is held while it works."""

    world: World
    url: str
    lock: RLock

    @property
    def settings(self) -> dict[str, str]:
        """What a shell needs to reach it."""
        return {
            "NOON_URL": self.url,
            "NOON_FUNCTION_KEY": KEYS["status"],
            "NOON_ROLLOUT_KEY": KEYS["rollout"],
        }

    def go_on(self, minutes: int = 1) -> None:
        """Time passes, with callers."""
        with self.lock:
            self.world.go_on(minutes, callers=200)


def answered(world: World, method: str, path: str, body: bytes) -> Answer:
    """What the function of this route answers."""
    parts = urlsplit(path)
    match (method, *parts.path.strip("/").split("/")):
        case ("GET", "api", "status"):
            return Answer(200, json.dumps(status(world.plane)).encode())
        case ("GET", "api", "why", *thing):
            named = parse_qs(parts.query).get("model", [""])[0]
            return why_answer(world.plane, unquote("/".join(thing)), named)
        case ("POST", "api", "models", model, "rollout", verb):
            return take_order(world.plane, model, verb, body)
    return Answer(404, b"{}")


@pytest.fixture
def app(rolling: World) -> Iterator[App]:
    """A version has just been given its first share of the traffic."""
    lock = RLock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(KEYS["status"])

        def do_POST(self) -> None:
            self._answer(KEYS["rollout"])

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Be quiet."""

        def _answer(self, key: str) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = Answer(401, b"")
            if self.headers.get("x-functions-key") == key:
                with lock:
                    answer = answered(rolling, self.command, self.path, body)
            self.send_response(answer.status)
            self.send_header("content-type", answer.content_type)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield App(rolling, f"http://127.0.0.1:{server.server_port}", lock)
        server.shutdown()
        thread.join()


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
        "of at least 600 s and 100 requests",
        "no data at 10 %: ",
        "v2-e1 60 requests, 0 failed, p95 12 ms, v1-e1 540 requests, 0 failed",
    ):
        assert words in text
    assert "\x1b" not in shown.stdout


def test_rollout_for_scripts(app: App, noon_cli: Cli) -> None:
    """Scripts get everything as one JSON object."""
    app.go_on(4)
    told = json.loads(noon_cli("rollout", "flights", "--json", **app.settings).stdout)
    assert (told["model"], told["champion"]["version"], told["warm"]) == ("flights", 1, None)
    rollout = told["rollout"]
    assert (rollout["phase"], rollout["step"], rollout["steps"]) == ("canary", 1, [10, 50, 100])
    assert rollout["traffic"] == {"v1-e1": 90, "v2-e1": 10}
    assert rollout["checks"][-1]["counts"]["v2-e1"]["requests"] == 60


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
    assert "there is no model 'ships'; known are diabetes, flights" in shown.stderr
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

    def told(self) -> list[dict[str, object]]:
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


def test_watch_tells_every_change_until_the_rollout_ends(app: App, watching: Watching) -> None:
    """Watched into a file a rollout is a line for each change, and success is exit code 0."""
    for step in (2, 3):
        while rollout_of(app.world).step + 1 < step:
            app.go_on()
        wait_until(lambda step=step: watching.told()[-1]["step"] == step, what=f"step {step}")
    app.go_on(40)
    assert watching.process.wait(30) == 0
    told = watching.told()
    assert told[0]["step"] == 1
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
