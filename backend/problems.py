"""Refusals as values, and how they look on the wire (RFC 9457 problem details)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from starlette.responses import Response

ERRORS_LISTED_MAX = 100
"""A body can hold a million mistakes; the first hundred are enough to find the cause."""

MEDIA_TYPE = "application/problem+json"


class CellError(msgspec.Struct, frozen=True):
    """One thing wrong with the rows: where (as far as known) and why."""

    row: int | None
    column: str | None
    reason: str


@dataclass(slots=True)
class CellErrors:
    """Counts every mistake and keeps the first hundred."""

    listed: list[CellError] = field(default_factory=list)
    count: int = 0

    def add(self, row: int | None, column: str | None, reason: str) -> None:
        """Note one mistake."""
        self.count += 1
        if len(self.listed) < ERRORS_LISTED_MAX:
            self.listed.append(
                CellError(row, None if column is None else shortened(column), reason)
            )


@dataclass(frozen=True, slots=True)
class Problem:
    """A request that is refused: the status, a title, and for bad rows each mistake."""

    status: int
    title: str
    detail: str | None = None
    errors: CellErrors | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def content(self) -> bytes:
        """The refusal as the body of an answer."""
        return msgspec.json.encode(self._document())

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The refusal as an HTTP response."""
        return Response(
            self.content(), self.status, {**dict(self.headers), **(headers or {})}, MEDIA_TYPE
        )

    def _document(self) -> dict[str, object]:
        document: dict[str, object] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
        }
        if self.detail is not None:
            document["detail"] = self.detail
        if self.errors is not None:
            document["error_count"] = self.errors.count
            document["errors"] = self.errors.listed
        return document


def bad_rows(errors: CellErrors) -> Problem:
    """The refusal of a body whose rows do not fit the model."""
    title = f"{errors.count} mistake{'s' if errors.count != 1 else ''} in the request"
    listed = len(errors.listed)
    detail = f"The first {listed} are listed." if listed < errors.count else None
    return Problem(422, title, detail, errors)


def shortened(text: str, length_max: int = 100) -> str:
    """The caller's own text, cut so that an answer cannot be as large as the body."""
    return text if len(text) <= length_max else f"{text[:length_max]}…"
