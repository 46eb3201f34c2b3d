"""The queue of notices in an Azure storage queue, and how a notice travels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shared.adapters.azure_queues import AzureTextQueue
from shared.domain.errors import MalformedError
from shared.domain.notices import NOTICE_SCHEMA, AlertNotice, DecisionNotice, Notice

KINDS: dict[str, type[DecisionNotice | AlertNotice]] = {
    "decision": DecisionNotice,
    "alert": AlertNotice,
}


class AzureNoticeQueue(AzureTextQueue):
    """Notices on their way out."""

    def send(self, notice: Notice, delay_seconds: int = 0) -> None:
        """Enqueue; it becomes visible after the delay."""
        self.send_text(notice_text(notice), delay_seconds)


def notice_text(notice: Notice) -> str:
    """The notice as the text that travels."""
    from pydantic import TypeAdapter

    kind = next(name for name, each in KINDS.items() if isinstance(notice, each))
    content = TypeAdapter(type(notice)).dump_python(notice, mode="json")
    return json.dumps({"schema": NOTICE_SCHEMA, "kind": kind, kind: content})


def parse_notice(text: str) -> Notice:
    """The notice in a text; raises MalformedError that says what is wrong with it."""
    from pydantic import TypeAdapter, ValidationError

    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"notice: not JSON: {error}") from None
    if not isinstance(content, Mapping) or content.get("schema") != NOTICE_SCHEMA:
        raise MalformedError(f"notice: not an object of schema {NOTICE_SCHEMA}")
    kind = KINDS.get(str(content.get("kind")))
    if kind is None:
        raise MalformedError(
            f"notice: kind {content.get('kind')!r} is not one of {', '.join(KINDS)}"
        )
    try:
        notice: Notice = TypeAdapter(kind).validate_python(content.get(content["kind"]))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (content["kind"], *first["loc"]))
        raise MalformedError(f"notice: {where}: {first['msg']}") from None
    return notice
