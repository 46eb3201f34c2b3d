"""What is told outside, and what comes back: ports beside those of a pass.

Like `shared.ports`: one attempt a call, and calls that change something can be repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.alerts import AlertRow
from shared.domain.announcements import Announcement
from shared.domain.notices import Notice


class NoticeQueue(Protocol):
    """Notices on their way out, delivered at least once."""

    def send(self, notice: Notice, delay_seconds: int = 0) -> None:
        """Enqueue; it becomes visible after the delay."""


class AlertStore(Protocol):
    """What is known of each rule and model."""

    def load(self, rule: str, model: str) -> tuple[AlertRow | None, str]:
        """The row and its etag; None and "" before the first word."""

    def save(self, rule: str, model: str, row: AlertRow, etag: str) -> None:
        """Write it if it is still that of `etag` ("" = none yet); raises ConflictError."""


@dataclass(frozen=True, slots=True)
class IssueDraft:
    """An issue as it should be."""

    marker: str
    """Hidden in the body; by it the issue is found again."""
    title: str
    body: str
    labels: tuple[str, ...]


class IssueTracker(Protocol):
    """The repository's issues.

    Raises BusyError with the seconds to wait where the tracker says them, UnavailableError, and
    RefusedError for a no.
    """

    def find(self, marker: str, label: str) -> int | None:
        """The number of the oldest issue with the marker, open or closed; None if none has it."""

    def create(self, draft: IssueDraft) -> int:
        """Open it; gives its number. Twice is two issues: look for the marker before."""

    def change(self, number: int, draft: IssueDraft, *, is_open: bool) -> bool:
        """Make it as the draft says, open or closed; False when there is no such issue any more."""

    def say(self, number: int, marker: str, text: str, since: datetime) -> None:
        """Comment, unless a comment from `since` on has the marker."""


class EventPublisher(Protocol):
    """Where Noon's own events go."""

    def publish(self, events: Sequence[Announcement]) -> None:
        """Send them; who gets one twice knows it by its id."""
