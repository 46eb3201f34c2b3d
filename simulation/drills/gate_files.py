"""Drills of the gate in which metrics.json itself is not as it should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from shared.domain.places import output_path
from simulation.drills.drill import Drill, Found
from simulation.drills.happenings import (
    against,
    complete,
    end,
    first_champion,
    interval,
    metrics_of,
)
from simulation.drills.verdict import ask_for_training, quiet_world, verdict_on

BETTER = against(1, 0.75, 0.05, 0.03, 0.07)
Spoil = Callable[[dict[str, Any]], str | None]


def _planted(spoil: Spoil, age: timedelta = timedelta(hours=2)) -> Found:
    """A challenger that would be promoted, but for what is done to its metrics.json."""
    world = first_champion(quiet_world())
    training = ask_for_training(world, age)
    end(world, spoil(metrics_of(training, **BETTER)))
    return verdict_on(world, training)


def _as_it_is(metrics: dict[str, Any]) -> str:
    return json.dumps(metrics)


def _changed(**changes: Any) -> Spoil:
    return lambda metrics: json.dumps(metrics | changes)


def _in_place_of(number: str) -> Spoil:
    """The challenger's value as this text."""
    return lambda metrics: json.dumps(metrics | {"challenger": {"value": "@"}}).replace(
        '"@"', number
    )


def _without_value(metrics: dict[str, Any]) -> str:
    return json.dumps(metrics | {"challenger": {}})


def _truncated(metrics: dict[str, Any]) -> str:
    text = json.dumps(metrics)
    return text[: len(text) // 2]


def _swapped(metrics: dict[str, Any]) -> str:
    """Champion and challenger change places, and the difference stays as it was."""
    theirs, ours = metrics["champion"]["value"], metrics["challenger"]["value"]
    champion = metrics["champion"] | {"value": ours}
    return json.dumps(metrics | {"challenger": {"value": theirs}, "champion": champion})


def _turned(metrics: dict[str, Any]) -> str:
    """A worse challenger whose difference was computed the wrong way round."""
    worse = against(1, 0.75, -0.05, -0.07, -0.03) | {"versus_champion": interval(0.05, 0.03, 0.07)}
    return json.dumps(metrics | worse)


def _other_holdout() -> Found:
    """Metrics over other rows than those that this job's prepare held out."""
    world = first_champion(quiet_world())
    training = ask_for_training(world)
    prepared = {"schema": 1, "holdout": {"digest": "2" * 64}}
    place = output_path(training.job, "report", "prepared.json")
    world.files.write_once(place, json.dumps(prepared).encode())
    complete(world, **BETTER)
    return verdict_on(world, training)


def _nine_and_ten(scored: int) -> Found:
    """Version 10 follows 9; then a challenger that was scored against this champion."""
    world = quiet_world()
    world.go_on(1)
    snapshot = world.state.load("flights")
    world.state.save(replace(world.at(), last_version=8), snapshot.etag)
    first_champion(world)
    ask_for_training(world)
    complete(world, **against(9, 0.75, 0.05, 0.03, 0.07))
    world.go_on(90, callers=200)
    if world.champion() != 10:
        return Found(f"version {world.champion()} rules", world.rollout().reason)
    training = ask_for_training(world)
    anchored = {"anchor": None, "versus_anchor": None}
    complete(world, **(against(scored, 0.8, 0.05, 0.03, 0.07) | anchored))
    found = verdict_on(world, training)
    return replace(found, reason=f"asked for champion {training.champion}; {found.reason}")


def _unjudged() -> Found:
    """A job that says it completed, without any metrics.json."""
    world = first_champion(quiet_world())
    training = ask_for_training(world)
    end(world, None)
    return verdict_on(world, training)


DRILLS = (
    Drill("metrics as they should be", "Promote: better", partial(_planted, _as_it_is)),
    Drill("metric NaN", "Halt: malformed", partial(_planted, _in_place_of("NaN"))),
    Drill("metric infinite", "Halt: malformed", partial(_planted, _in_place_of("Infinity"))),
    Drill("metric too large a number", "Halt: malformed", partial(_planted, _in_place_of("1e999"))),
    Drill("metric null", "Halt: malformed", partial(_planted, _in_place_of("null"))),
    Drill("metric as a text", "Halt: malformed", partial(_planted, _in_place_of('"0.9"'))),
    Drill("metric missing", "Halt: malformed", partial(_planted, _without_value)),
    Drill("metrics.json truncated", "Halt: malformed", partial(_planted, _truncated)),
    Drill("metrics.json empty", "Halt: malformed", partial(_planted, lambda _: "")),
    Drill("metrics.json missing", "Halt: malformed", _unjudged),
    Drill(
        "metrics.json with an extra field",
        "Halt: malformed",
        partial(_planted, _changed(deploy_flag=1)),
    ),
    Drill(
        "metrics.json with an extra field inside",
        "Halt: malformed",
        partial(_planted, _changed(challenger={"value": 0.9, "passed": True})),
    ),
    Drill("another holdout digest", "Halt: wrong_holdout", _other_holdout),
    Drill(
        "no holdout digest",
        "Halt: malformed",
        partial(_planted, _changed(holdout={"digest": "", "rows": 2000, "from": "a", "to": "b"})),
    ),
    Drill(
        "metrics over other data", "Halt: wrong_data", partial(_planted, _changed(data_version="x"))
    ),
    Drill(
        "metrics of another job", "Halt: wrong_job", partial(_planted, _changed(job_name="other"))
    ),
    Drill(
        "champion missing",
        "Halt: wrong_champion",
        partial(_planted, _changed(champion=None, versus_champion=None)),
    ),
    Drill(
        "difference to the champion missing",
        "Halt: malformed",
        partial(_planted, _changed(versus_champion=None)),
    ),
    Drill("arguments swapped: the values", "Halt: contradiction", partial(_planted, _swapped)),
    Drill("arguments swapped: the difference", "Halt: contradiction", partial(_planted, _turned)),
    Drill(
        "version 9 against 10: compared with 9", "Halt: wrong_champion", partial(_nine_and_ten, 9)
    ),
    Drill("version 9 against 10: compared with 10", "Promote: better", partial(_nine_and_ten, 10)),
)
