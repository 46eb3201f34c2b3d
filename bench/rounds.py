"""Starts everybody, drives them in alternating rounds, and gives what was seen."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from azure_emulator.testing import free_port

from bench.contestant import Contestant
from bench.load import Load, Target, drive
from bench.model import Model
from bench.places import HOME, BenchError
from bench.server import Server, ask

CLOSE = 1e-4
"""Probabilities this near are the same: the exported file computes in float32."""

WARM_UP_SECONDS = 1.0

REFUSALS = frozenset({400, 403, 415, 422})
"""No start that is not over yet, but a question that is wrong."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often."""

    loads: tuple[Load, ...]
    rounds: int
    seconds: float


@dataclass
class Running:
    """A contestant that is up, and how it is asked for each load."""

    contestant: Contestant
    server: Server
    targets: dict[str, Target]
    figures: dict[str, Any]

    def measure(self, load: Load, seconds: float) -> None:
        """One run under one load."""
        before = self.server.cpu_seconds()
        run = drive(load, self.targets[load.name], seconds)
        used = self.server.cpu_seconds() - before
        seen = {"per_second": run["requests"] / run["seconds"]}
        if run["requests"]:
            seen |= {"p50_ms": run["p50_ms"], "p99_ms": run["p99_ms"]}
            seen["cpu_us"] = used / run["requests"] * 1e6
        kept = self.figures["loads"].setdefault(load.name, {"bad": 0, "lost": 0})
        for name, value in seen.items():
            kept.setdefault(name, []).append(round(value, 4))
        for name in ("bad", "lost"):
            kept[name] += run[name]


def compared(contestants: Sequence[Contestant], model: Model, plan: Plan) -> list[dict[str, Any]]:
    """The figures of each contestant, or the reason why there are none."""
    with ExitStack() as running:
        found = [_started(contestant, model, running) for contestant in contestants]
        up = [each for each in found if isinstance(each, Running)]
        for each in up:
            # All together: who computes with threads of its own warms them up, too.
            for load in plan.loads:
                drive(load, each.targets[load.name], WARM_UP_SECONDS)
        for number in range(plan.rounds):
            _say(f"round {number + 1} of {plan.rounds}")
            # Another one begins each time: who comes first has the cooler machine.
            first = number % max(1, len(up))
            for load in plan.loads:
                for each in up[first:] + up[:first]:
                    each.measure(load, plan.seconds)
        for each in up:
            each.figures["memory_mb"] = round(each.server.megabytes(), 1)
    return [each.figures if isinstance(each, Running) else each for each in found]


def _started(contestant: Contestant, model: Model, running: ExitStack) -> Running | dict[str, Any]:
    """Up and answering rightly, or what is told instead."""
    figures: dict[str, Any] = {"name": contestant.name, "kind": contestant.kind}
    _say(f"starting {contestant.name}")
    try:
        environment = contestant.installed()
        figures["version"] = environment.version(contestant.package) if contestant.package else ""
        if contestant.kind != "limit":
            figures["install_mb"] = round(contestant.megabytes(environment), 1)
        port = free_port()
        variables = contestant.environment(environment)
        if contestant.prepare:
            contestant.prepare(environment, variables, port)
        command = contestant.command(environment, port)
        log = HOME / "logs" / f"{contestant.slug}.log"
        server = Server(command, variables, contestant.folder, log, contestant.counted)
        targets = _targets(contestant, model, port)
        server.start()
        running.callback(server.stop)
        ready = server.ready(_first_answer(contestant, targets["1"]))
        figures["ready_seconds"] = round(ready, 3)
        if contestant.headers:
            targets = {n: replace(t, headers=contestant.headers()) for n, t in targets.items()}
        for name, target in targets.items():
            _check(contestant, model, target, 1 if name != "batch" else len(model.rows))
    except BenchError as error:
        _say(f"{contestant.name}: {error}")
        return figures | {"reason": str(error)}
    return Running(contestant, server, targets, figures | {"loads": {}})


def _targets(contestant: Contestant, model: Model, port: int) -> dict[str, Target]:
    folder = HOME / "bodies"
    folder.mkdir(parents=True, exist_ok=True)
    targets = {}
    for name, rows in (("1", model.rows[:1]), ("batch", model.rows)):
        path = folder / f"{contestant.slug}-{len(rows)}.json"
        path.write_text(json.dumps(contestant.body(rows)))
        targets[name] = Target(port, contestant.path, path, {})
    return {"16": targets["1"], "64": targets["1"], **targets}


def _first_answer(contestant: Contestant, target: Target) -> Callable[[], bool]:
    body = target.body.read_bytes()

    def asked() -> bool:
        headers = contestant.headers() if contestant.headers else {}
        status, content = ask(target.port, target.path, body, headers)
        if status in REFUSALS:
            text = content[:200].decode("latin-1")
            raise BenchError(f"refuses the row with {status}: {text}")
        return status == 200

    return asked


def _check(contestant: Contestant, model: Model, target: Target, rows: int) -> None:
    """Who answers something else is not compared."""
    status, content = ask(target.port, target.path, target.body.read_bytes(), target.headers)
    if status != 200:
        raise BenchError(f"answers {status} to {rows} rows: {content[:200].decode('latin-1')}")
    if contestant.answers is None:
        return
    try:
        answers = contestant.answers(json.loads(content))
    except (ValueError, LookupError, TypeError) as error:
        text = f"{type(error).__name__} in {content[:200].decode('latin-1')}"
        raise BenchError(f"answers nonsense: {text}") from None
    expected = model.expected[:rows]
    if len(answers) != rows:
        raise BenchError(f"gives {len(answers)} answers to {rows} rows")
    worst = max(abs(a - b) for a, b in zip(answers, expected, strict=True))
    if not (math.isfinite(worst) and worst < CLOSE):
        raise BenchError(f"is wrong by up to {worst:.3g}")


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
