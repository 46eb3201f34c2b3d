"""Who is told of everything that passes through the parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shared.domain.actions import Role
from shared.domain.decision import Decision
from shared.domain.state import ModelState, Subject, Training, Version


class Watcher(Protocol):
    """Who is told of everything that the control plane does."""

    def saving(self, old: ModelState | None, new: ModelState, said: Sequence[Decision]) -> None:
        """A state was written, with the decisions that are to be recorded."""

    def submitting(self, model: str, training: Training) -> None:
        """A job that was not there is about to start."""

    def deploying(self, model: str, subject: Subject) -> None:
        """A deployment that was not there is about to be made."""

    def routing(self, model: str, traffic: dict[str, int]) -> None:
        """A traffic map is about to be written."""

    def deleting(self, model: str, deployment: str) -> None:
        """A deployment is about to be deleted."""

    def registered(self, model: str, version: Version) -> None:
        """A version is new in the registry."""

    def publishing(self, model: str, role: Role, version: int, job: str) -> None:
        """A pointer is about to name a version."""

    def withdrawing(self, model: str, role: Role) -> None:
        """A pointer is about to name nothing."""

    def fate_of(self, model: str, deployment: str) -> str:
        """`sick` fails its callers, `slow` lets them wait, `broken` answers nobody."""

    def recorded(self, decision: Decision, *, late: bool) -> None:
        """A decision was kept, by its own pass or by a later one, since its own had died."""

    def told(self, model: str, decision: str) -> None:
        """A notice of a decision was put on its queue."""
