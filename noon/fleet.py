"""Which models of a fleet are shown, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from noon.choices import Only, Sort

Model = dict[str, Any]
"""One model as `GET /api/models` tells of it."""
LAST = "9"
"""Sorts behind every instant."""


HEALTH_ORDER = ("failing", "no_champion", "no_data", "healthy")


def chosen(
    models: Iterable[Model], patterns: Sequence[str], only: Sequence[Only], sort: Sort
) -> list[Model]:
    """The models whose name fits one of the patterns, and any of the conditions."""
    named = (
        model
        for model in models
        if not patterns or any(fnmatchcase(model["name"], pattern) for pattern in patterns)
    )
    kept = [model for model in named if not only or any(_HOLDS[each](model) for each in only)]
    return sorted(kept, key=lambda model: (_KEYS[sort](model), model["name"]))


def rolling(model: Model) -> bool:
    """Whether a rollout is under way."""
    return model["rollout"] is not None and not model["rollout"]["ended"]


def needs_attention(model: Model) -> bool:
    """Whether a person should look at it."""
    rollout = model["rollout"]
    came_back = rollout is not None and rollout["phase"] in ("rolled_back", "aborted")
    conditions = (Only.FAILING, Only.PAUSED, Only.REFUSED, Only.OWED)
    return came_back or any(_HOLDS[each](model) for each in conditions)


_HOLDS: dict[Only, Callable[[Model], bool]] = {
    Only.ATTENTION: needs_attention,
    Only.TRAINING: lambda model: model["training"] is not None,
    Only.ROLLOUT: rolling,
    Only.PAUSED: lambda model: rolling(model) and model["rollout"]["paused"],
    Only.FAILING: lambda model: model["health"]["state"] == "failing",
    Only.REFUSED: lambda model: bool(model["last_refusal"]),
    Only.OWED: lambda model: model["slots"]["owed"] is not None,
    Only.NO_CHAMPION: lambda model: model["champion"] is None,
}

_KEYS: dict[Sort, Callable[[Model], Any]] = {
    Sort.NAME: lambda model: model["name"],
    Sort.AGE: lambda model: (model["champion"] or {}).get("promoted_at", LAST),
    Sort.SLOT: lambda model: (model["slots"]["next"] or {}).get("due_at", LAST),
    Sort.HEALTH: lambda model: HEALTH_ORDER.index(model["health"]["state"]),
    Sort.ROLLOUT: lambda model: not rolling(model),
}
