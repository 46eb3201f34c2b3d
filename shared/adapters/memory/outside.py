"""Notices, alert rows, issues and events in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.alerts import AlertRow
from shared.domain.announcements import Announcement
from shared.domain.errors import ConflictError
from shared.domain.notices import Notice
from shared.outlets import IssueDraft
from shared.ports import Clock


class MemoryNoticeQueue:
    """Notices with the instant from which they can be seen."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.waiting: list[tuple[datetime, Notice]] = []

    def send(self, notice: Notice, delay_seconds: int = 0) -> None:
        """Enqueue; it becomes visible after the delay."""
        self.waiting.append((self._clock.now() + timedelta(seconds=delay_seconds), notice))

    def receive(self) -> Notice | None:
        """Take the next notice that can be seen; None when there is none."""
        for entry in sorted(self.waiting, key=lambda each: each[0]):
            if entry[0] <= self._clock.now():
                self.waiting.remove(entry)
                return entry[1]
        return None


class MemoryAlertStore:
    """Rows by rule and model, with a counter as etag."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[AlertRow, str]] = {}
        self._writes = 0

    def load(self, rule: str, model: str) -> tuple[AlertRow | None, str]:
        """The row and its etag; None and "" before the first word."""
        return self._rows.get((rule, model), (None, ""))

    def save(self, rule: str, model: str, row: AlertRow, etag: str) -> None:
        """Write it if it is still that of `etag`."""
        if etag != self.load(rule, model)[1]:
            raise ConflictError(f"save {rule} of {model or 'no model'}: somebody else wrote first")
        self._writes += 1
        self._rows[rule, model] = (row, f"etag-{self._writes}")

    def forget(self, rule: str, model: str) -> None:
        """Lose the row."""
        self._rows.pop((rule, model), None)


@dataclass
class MemoryIssue:
    """An issue as people see it."""

    draft: IssueDraft
    is_open: bool = True
    comments: list[tuple[str, str]] = field(default_factory=list)
    """Marker and text."""


class MemoryIssueTracker:
    """Issues by number, from 1."""

    def __init__(self) -> None:
        self.issues: dict[int, MemoryIssue] = {}
        self._made = 0

    def find(self, marker: str, label: str) -> int | None:
        """The number of the oldest issue with the marker; None if none has it."""
        found = (
            number
            for number, issue in self.issues.items()
            if marker in issue.draft.body and label in issue.draft.labels
        )
        return min(found, default=None)

    def create(self, draft: IssueDraft) -> int:
        """Open it; gives its number."""
        self._made += 1
        self.issues[self._made] = MemoryIssue(draft)
        return self._made

    def change(self, number: int, draft: IssueDraft, *, is_open: bool) -> bool:
        """Make it as the draft says; False when there is no such issue any more."""
        issue = self.issues.get(number)
        if issue is None:
            return False
        issue.draft, issue.is_open = draft, is_open
        return True

    def say(self, number: int, marker: str, text: str, since: datetime) -> None:  # noqa: ARG002
        """Comment, unless a comment has the marker."""
        comments = self.issues[number].comments
        if all(marker != known for known, _ in comments):
            comments.append((marker, text))


class MemoryEventPublisher:
    """Events in the order in which they were sent."""

    def __init__(self) -> None:
        self.published: list[Announcement] = []

    def publish(self, events: Sequence[Announcement]) -> None:
        """Send them."""
        self.published += events
