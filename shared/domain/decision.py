"""A decision: what is to be done, why, and from which facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.domain.actions import Action
from shared.domain.state import ModelState

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Kind(StrEnum):
    """How a message ended; the one that says most comes last."""

    IGNORED = "ignored"
    """Not ours, or nothing to do with any model."""
    DUPLICATE = "duplicate"
    """Had its effect before."""
    COALESCED = "coalesced"
    """Another pass, running or to come, takes care of it."""
    HELD = "held"
    """Nothing can be done yet."""
    ACTED = "acted"
    """Something was ordered or changed."""
    REFUSED = "refused"
    """Data, a model or an order was turned down."""
    FAILED = "failed"
    """Something went wrong outside."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, twice: a code for machines and a sentence with the numbers for people."""

    code: str
    text: str


PRIVATE_REASONS = frozenset({"data_refused", "smoke_failed", "smoke_no_data", "rolled_back"})
"""Codes of reasons whose words can hold values of rows: what `prepare` found in them, or what a
deployment answered to them. `noon why` shows them to whoever may see those; nobody else is told."""


def public_words(reason: Reason) -> str:
    """What may leave the installation of a reason."""
    if reason.code in PRIVATE_REASONS:
        return f"{reason.code.replace('_', ' ')} (`noon why` has the words)"
    return reason.text


@dataclass(frozen=True, slots=True)
class Step:
    """What one part of a pass decided: the state it wishes, the orders, the reasons."""

    state: ModelState
    kind: Kind
    reasons: tuple[Reason, ...]
    actions: tuple[Action, ...] = ()
    about: tuple[str, ...] = ()
    """Keys under which `why` finds it: `job:…`, `version:…`, `deployment:…`, `slot:…`."""
    facts: Mapping[str, Json] = field(default_factory=dict, hash=False)
    """The numbers that were looked at."""
    due_at: datetime | None = None
    """When to look again at the latest, if nothing happens before."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the decision log."""

    id: str
    model: str
    at: datetime
    cause: str
    kind: Kind
    reasons: tuple[Reason, ...]
    actions: tuple[str, ...] = ()
    outcome: str = "done"
    """`done`, or what went wrong while applying."""
    about: tuple[str, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a model's log: at this decision, which itself is neither before nor after it."""

    at: datetime
    id: str


OUTCOME_UNKNOWN = "not known: the process ended before it could say"
"""Of a decision that was saved, and whose pass died before it could record how the orders went."""


_STRENGTH = {kind: strength for strength, kind in enumerate(Kind)}


def strongest(kinds: list[Kind]) -> Kind:
    """The kind that says most; `held` when there is none."""
    return max(kinds, key=_STRENGTH.__getitem__, default=Kind.HELD)
