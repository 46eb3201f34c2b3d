"""That whatever comes in ends in one recorded decision, also when a process dies on the way.

A pass saves what it decided together with the state, and records it at its end. Should it die in
between, the decision still stands in the state's row, and the next pass records it beside its own.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from shared.domain.announcements import concerns_others
from shared.domain.chain_keys import event_key
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.events import Message
from shared.domain.facts import Snapshot
from shared.domain.notices import notice_of
from shared.ports import Ports

UNSAID_MAX = 4
"""Decisions that wait in a state's row; with so many, a pass records them before it decides."""


class Recorded:
    """The decisions that this process knows to be in the log: of each model the newest."""

    def __init__(self) -> None:
        self._known: dict[str, frozenset[str]] = {}

    def missing(self, snapshot: Snapshot) -> tuple[Decision, ...]:
        """Those in a state's row that may not be in the log."""
        return tuple(
            each for each in snapshot.unsaid if each.id not in self._known.get(each.model, ())
        )

    def note(self, model: str, ids: frozenset[str]) -> None:
        """These are in the log."""
        self._known[model] = ids


class PassLog:
    """What one pass records: its own decision, and those that a pass before it left unsaid.

    What concerns others is put on the queue of notices as a part of it: a decision counts as
    recorded once both are done, so that a process that dies in between is made up for by the next.
    """

    def __init__(self, ports: Ports, recorded: Recorded) -> None:
        self._log = ports.decisions
        self._notices = ports.notices
        self._recorded = recorded
        self._saved: tuple[Decision, ...] = ()
        self._tried: Decision | None = None
        self._kept = False
        self.waiting: tuple[Decision, ...] = ()
        """Left unsaid, as far as is known."""

    def saw(self, snapshot: Snapshot) -> None:
        """This is what the pass goes by."""
        self._saved = snapshot.unsaid
        self.waiting = self._recorded.missing(snapshot)

    def make_room(self) -> None:
        """Keep what waits now when the state's row has no place for more."""
        if len(self.waiting) >= UNSAID_MAX:
            *others, newest = self.waiting
            self._log.append(newest, others)
            self._tell(self.waiting)
            self._recorded.note(newest.model, frozenset(each.id for each in self._saved))
            self.waiting = ()

    def append(self, decision: Decision) -> None:
        """Keep it, and with it what waits."""
        self._tried = decision
        also = [each for each in self.waiting if each.id != decision.id]
        self._log.append(decision, also)
        # Of a try it is not known whether it was saved: if so, the next pass finds it unsaid.
        sure = [] if "saved" in decision.facts else [decision]
        self._tell([*also, *sure])
        self._kept = True
        known = {each.id for each in (*self._saved, *sure)}
        self._recorded.note(decision.model, frozenset(known))

    def _tell(self, decisions: Sequence[Decision]) -> None:
        """After the log: who is told of a decision finds it there."""
        if self._notices is not None:
            for each in filter(concerns_others, decisions):
                self._notices.send(notice_of(each))

    def make_up(self, decision: Decision) -> Decision | None:
        """After an error: the decision that was kept, else this one if it can be kept now.

        One that could not be kept is tried once more, the same id being one row. An error here
        would hide the one that matters.
        """
        if not self._kept:
            with suppress(Exception):
                self.append(self._tried or decision)
        return self._tried if self._kept else None


def failed(message: Message, now: datetime, error: Exception) -> Decision:
    """The record of an attempt that ended in an error which nobody foresaw."""
    text = will_retry(error)
    decision = of_message(message, now, Kind.FAILED, Reason("failed", text))
    return replace(decision, outcome=text)


def of_message(message: Message, now: datetime, kind: Kind, *reasons: Reason) -> Decision:
    """A decision that a message ends in."""
    return Decision(
        new_id(now),
        message.model,
        now,
        message.cause,
        kind,
        reasons,
        about=keys_of_event(message.event_id),
    )


def keys_of_event(event_id: str) -> tuple[str, ...]:
    """What a decision is about because of the event behind it, if there is one."""
    return (event_key(event_id),) if event_id else ()


def will_retry(error: Exception) -> str:
    """The error in words, as an outcome."""
    return f"{type(error).__name__}: {error}; will be tried again"


def new_id(now: datetime) -> str:
    """The id of a decision that is taken now."""
    return f"{now:%Y%m%dt%H%M%S}-{random.getrandbits(32):08x}"
