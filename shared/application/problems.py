"""Answers over HTTP: what is sent, and errors as RFC 9457 has them, with what helps."""

from __future__ import annotations

import json
from typing import NamedTuple

TYPE = "urn:noon:problem:"
COME_AGAIN = "5"
"""In so many seconds, when storage does not answer."""

WHAT_TO_DO = {
    "not JSON": "Send a JSON object, with Content-Type: application/json.",
    "wrong order": 'Send {"because": "…", "who": "…"}; because is needed.',
    "unknown order": "Use one of the orders that are named.",
    "unknown model": "Use one of the models that are named, or deploy the model's file.",
    "wrong parameter": "Correct the parameter that is named, or leave it out.",
    "unclear question": "Ask with an id of one of the forms that are named, and with its model.",
    "nothing found": "Check the id; decisions are kept for NOON_DECISION_DAYS days.",
    "cannot keep the order": "Come again in a moment: the order was not taken.",
    "cannot look it up": "Come again in a moment; if it stays so, look at the storage account.",
    "cannot look up the model": "Come again in a moment; if it stays so, look at the storage "
    "account.",
    "no champion yet": "Train the model and wait for its first rollout: `noon status` tells how "
    "far it is.",
    "no model folder": "Train the model again: the files of its job are gone.",
    "body too large": "Send fewer rows.",
    "too many requests": "Come again after Retry-After, with fewer requests at once.",
    "too late": "Send fewer rows, or come again.",
    "cannot sign in to the endpoint": "Look at the identity of the function app: `noon doctor`.",
    "endpoint does not answer": "Come again in a moment; `noon status` tells how it does.",
    "endpoint refuses this app": "Give the function app's identity leave to score.",
    "not an alert": "Turn on the common alert schema for the receiver of the action group.",
    "alert too large": "Send one alert, in the common alert schema.",
    "cannot take it in now": "Come again in a moment, as Azure Monitor does by itself.",
    "endpoint answers nonsense": "Look at the deployment's log: `noon status` names it.",
}
"""What helps, by the kind of problem."""


class Answer(NamedTuple):
    """Status, body and its type, ready to be sent; a tuple, since each prediction makes one."""

    status: int
    body: bytes
    content_type: str = "application/json"
    retry_after: str = ""
    """When to come again, if that is said."""
    deployment: str = ""
    """Whose answer it is, if a deployment's; callers read it in the body."""


def problem(status: int, title: str, detail: str, retry_after: str = "") -> Answer:
    """An error as RFC 9457 has it."""
    content: dict[str, object] = {
        "type": TYPE + title.lower().replace(" ", "-"),
        "title": title,
        "status": status,
        "detail": detail,
    }
    if title in WHAT_TO_DO:
        content["what_to_do"] = WHAT_TO_DO[title]
    body = json.dumps(content).encode()
    return Answer(status, body, "application/problem+json", retry_after)
