"""Who is to get callers, in every state of a rollout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.state import Champion, ModelState, Phase, Rollout
from shared.domain.traffic import step_of, steps_of, wished_shares
from tests.builders import champion, rollout, spec, state

ENDPOINT = spec()
CONTAINER = replace(ENDPOINT, serving="container")


def canary(step: int = 0, **changes: Any) -> Rollout:
    """A rollout of version 2 in this step."""
    return rollout(Phase.CANARY, step=step, **changes)


def at(ruling: Champion | None, rolling: Rollout | None) -> ModelState:
    """A model with this champion and this rollout."""
    return state(champion=ruling, rollout=rolling)


SHARES: dict[str, tuple[Champion | None, Rollout | None, dict[str, int]]] = {
    "nobody": (None, None, {}),
    "the champion": (champion(1), None, {"v1-e1": 100}),
    "before the canary": (champion(1), rollout(Phase.SMOKE), {"v1-e1": 100}),
    "after it": (champion(1), rollout(Phase.SUCCEEDED), {"v1-e1": 100}),
    "the first step": (champion(1), canary(0), {"v1-e1": 90, "v2-e1": 10}),
    "the second": (champion(1), canary(1), {"v1-e1": 50, "v2-e1": 50}),
    "the last": (champion(1), canary(2), {"v2-e1": 100}),
    "behind the last, since the policy has fewer now": (champion(1), canary(9), {"v2-e1": 100}),
    "by the steps that it began with": (
        champion(1),
        canary(0, steps=(25, 100)),
        {"v1-e1": 75, "v2-e1": 25},
    ),
    "on its way back": (champion(1), canary(1, going_back="errors"), {"v1-e1": 100}),
    "without a champion": (None, canary(0), {"v2-e1": 100}),
    "without a champion, on its way back": (None, canary(0, going_back="errors"), {}),
    "at once": (champion(1), canary(0, instant=True), {"v2-e1": 100}),
    "of the champion itself": (champion(2), canary(0), {"v2-e1": 100}),
}


@pytest.mark.parametrize(("ruling", "rolling", "shares"), SHARES.values(), ids=SHARES)
def test_wished_shares(
    ruling: Champion | None, rolling: Rollout | None, shares: dict[str, int]
) -> None:
    """They add up to all or to nothing, and nobody has a share of none."""
    assert wished_shares(at(ruling, rolling), ENDPOINT) == shares
    assert sum(shares.values()) in (0, 100)


def test_a_container_is_switched_at_once() -> None:
    """It has no steps, whatever the policy or the rollout says."""
    rolling = canary(1, steps=(25, 100))
    assert steps_of(rolling, CONTAINER) == ()
    assert step_of(rolling, CONTAINER) is None
    assert wished_shares(at(champion(1), rolling), CONTAINER) == {"v2-e1": 100}


@pytest.mark.parametrize(
    ("rolling", "step", "steps"),
    [
        (canary(1), 1, (10, 50, 100)),
        (canary(7), 2, (10, 50, 100)),
        (canary(0, steps=(25, 100)), 0, (25, 100)),
        (canary(5, steps=(25, 100)), 1, (25, 100)),
        (canary(0, instant=True), None, ()),
        (rollout(Phase.SMOKE), None, (10, 50, 100)),
        (rollout(Phase.ROLLED_BACK, step=2), None, (10, 50, 100)),
    ],
)
def test_the_step_of_a_rollout(rolling: Rollout, step: int | None, steps: tuple[int, ...]) -> None:
    """Only a canary is at a step, and never behind the last."""
    assert step_of(rolling, ENDPOINT) == step
    assert steps_of(rolling, ENDPOINT) == steps
