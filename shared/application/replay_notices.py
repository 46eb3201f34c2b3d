"""Notices that failed too often: told, and put back on their queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from shared.application.notices import take_notice
from shared.application.outside import Outside
from shared.application.replay import MOST, PAGE, PoisonQueue
from shared.domain.errors import MalformedError
from shared.domain.notices import AlertNotice, Notice


def replay_notices(outside: Outside, queue: PoisonQueue, *, do: bool) -> Iterator[dict[str, Any]]:
    """Tell what each notice would say outside, and send it again if it is to be done."""
    if not do:
        for text in queue.peek(PAGE):
            yield _left(outside, text)[0] | {"done": False}
        return
    for _ in range(MOST // PAGE):
        taken = queue.take(PAGE)
        if not taken:
            return
        for text, receipt in taken:
            told, redo = _left(outside, text)
            redo()
            # Afterwards: between the two it is there twice, never not at all.
            queue.remove(receipt)
            yield told | {"done": True}


def _left(outside: Outside, text: str) -> tuple[dict[str, Any], Callable[[], object]]:
    """The notice as plain data, and how it is taken in again."""
    told: dict[str, Any] = {"source": "notices poison"}
    try:
        notice = outside.read_notice(text)
    except MalformedError as error:
        ignored = {"kind": "ignored", "model": None, "what": str(error), "code": "malformed"}
        return told | ignored, lambda: take_notice(outside, text)
    # It begins anew: the attempts that failed were of another time.
    again = replace(notice, attempt=0)
    return told | _words(notice), lambda: outside.notices.send(again)


def _words(notice: Notice) -> dict[str, Any]:
    if isinstance(notice, AlertNotice):
        alert = notice.alert
        what = f"alert {alert.rule} {alert.condition.value}"
        return {"kind": "tells", "model": alert.model or None, "what": what}
    return {"kind": "tells", "model": notice.model, "what": f"decision {notice.decision}"}
