"""What can be chosen on command lines about the models that are shown."""

from __future__ import annotations

from enum import StrEnum


class Only(StrEnum):
    """What models have in common that are shown alone."""

    ATTENTION = "attention"
    """A person should look: failing, given up, paused, refused, or a slot is owed."""
    TRAINING = "training"
    ROLLOUT = "rollout"
    PAUSED = "paused"
    FAILING = "failing"
    REFUSED = "refused"
    OWED = "owed"
    NO_CHAMPION = "no-champion"


class Sort(StrEnum):
    """By what models are ordered."""

    NAME = "name"
    AGE = "age"
    """The oldest champion first."""
    SLOT = "slot"
    """Whose slot comes next first."""
    HEALTH = "health"
    """The worst first."""
    ROLLOUT = "rollout"
    """What is under way first."""


class Part(StrEnum):
    """One kind of line of a time line."""

    JOBS = "jobs"
    SLOTS = "slots"
    LANDINGS = "landings"
