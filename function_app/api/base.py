"""What the types of the API have in common: how they are checked, decisions, problems."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.domain.decision import Kind

Share = Annotated[int, Field(ge=0, le=100)]
"""Per cent of the live traffic."""
Count = Annotated[int, Field(ge=0)]
WRITABLE = r"[^\x00-\x1f\x7f]"
"""A character that is no control character."""
VISIBLE = r"[^\s\x00-\x1f\x7f]"
"""One that is no space either."""


class Sent(BaseModel):
    """What is answered: every field is there, and what is not known is null."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Asked(BaseModel):
    """What is asked with a body."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Problem(BaseModel):
    """An error as RFC 9457 has it; the content type is application/problem+json."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    type: str
    """Names the kind of problem, such as `urn:noon:problem:unknown-model`; `about:blank` where
    the title says all, as in the scoring service's own refusals, which are passed on."""
    title: str
    """The kind of problem in a few words."""
    status: int
    """The HTTP status once more."""
    detail: str = ""
    """What is wrong with this very request."""
    what_to_do: str = ""
    """What helps."""
    errors: list[dict[str, JsonValue]] = []
    """Of rows that do not fit the model: row, column and reason of each mistake."""
    error_count: int = 0
    """How many mistakes there are; not all of many are listed."""


class Reason(Sent):
    """Why, twice: a code for machines and a sentence with the numbers for people."""

    code: str
    text: str


class Decision(Sent):
    """One row of the decision log: what was decided about a model, and why."""

    id: str
    model: str
    at: datetime
    cause: str
    """What raised the message that led to it, such as `tick`."""
    kind: Kind
    """How the message ended."""
    reasons: list[Reason]
    actions: list[str]
    """What was ordered outside, in words."""
    outcome: str
    """`done`, or what went wrong while it was carried out."""
    about: list[str]
    """What it is about: `job:…`, `version:…`, `deployment:…`, `slot:…`, `order:…`; what follows
    the colon is an id that `why` knows."""
    facts: dict[str, JsonValue]
    """The numbers that were looked at."""


class Decisions(Sent):
    """A part of a model's decision log, newest first.

    To follow the log, remember `newest` and ask with `since=` from time to time; to look back, ask
    with `before=` and `older` until that is null.
    """

    model: str
    decisions: list[Decision]
    newest: str | None
    """Cursor of the newest decision that was looked at, for `since=`; when nothing is newer than
    what was asked for, that cursor again; null while the log is empty."""
    older: str | None
    """Cursor for `before=` where there may be more that fits; null at the end. With `kind=` an
    answer can hold few decisions, or none, and still have an `older`: so many rows are looked at
    for one request, and no more."""


class Link(Sent):
    """One link of a chain."""

    at: datetime
    kind: Literal[
        "landings",
        "order",
        "manifest",
        "training",
        "job",
        "verdict",
        "check",
        "rollout",
        "traffic",
        "prediction",
        "blob",
        "decision",
    ]
    what: str
    """The link in one sentence."""
    reasons: list[Reason]
    facts: dict[str, JsonValue]
    """The numbers; `decision` is the id of the decision where the link is one."""


class Chain(Sent):
    """The chain of decisions behind an id, oldest link first."""

    asked: str
    what: Literal[
        "job",
        "version",
        "deployment",
        "request",
        "blob",
        "slot",
        "order",
        "data",
        "landing",
        "event",
    ]
    """What the id is the id of."""
    model: str
    """`_events` for an event that belongs to no model."""
    links: list[Link]


class OrderRequest(Asked):
    """An operator's order."""

    because: Annotated[str, Field(max_length=500, pattern=f"^{WRITABLE}*{VISIBLE}{WRITABLE}*$")]
    """Why; it is kept with the decision."""
    who: Annotated[str, Field(max_length=500, pattern=f"^{WRITABLE}*$")] = "unknown"
    """Whose order it is."""


class OrderTaken(Sent):
    """The order is kept and the model is woken; what becomes of it is a decision."""

    order_id: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    """`/api/why/{order_id}?model=…` tells what it came to."""


class CommonAlert(BaseModel):
    """An alert of Azure Monitor in its common alert schema; of its data nothing is told here."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    schemaId: Literal["azureMonitorCommonAlertSchema"]  # noqa: N815 - Azure's name
    data: dict[str, JsonValue]


class AlertTaken(Sent):
    """The alert is on the queue of notices."""

    decision: str
    """Id of the decision that it will end in."""
    alert: str
    """The alert's own id."""


class Health(Sent):
    """The app was loaded and its settings are right."""

    status: Literal["ok"]
