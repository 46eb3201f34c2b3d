"""What operators ask for over HTTP: checked, kept as a row, and answered at once."""

from __future__ import annotations

import json

from shared.application.intake import ControlPlane, order_training
from shared.application.predict import Answer, problem
from shared.domain.errors import NotFoundError

WORDS_MAX = 500
"""Characters of a reason or a name; they stand in tables and tags."""


def train(plane: ControlPlane, model: str, body: bytes) -> Answer:
    """Take an order `{"because": …, "who": …}`; 202 with its id, or a problem."""
    try:
        order = json.loads(body)
    except ValueError as error:
        return problem(400, "not JSON", f"the body must be a JSON object: {error}")
    if not isinstance(order, dict):
        return problem(422, "wrong order", "the body must be a JSON object")
    wrong = _wrong(order)
    if wrong:
        return problem(422, "wrong order", wrong)
    who = order.get("who") or "unknown"
    try:
        kept = order_training(plane, model, who.strip(), order["because"].strip())
    except NotFoundError as error:
        return problem(404, "unknown model", str(error))
    return Answer(202, json.dumps({"order_id": kept.order_id}).encode())


def _wrong(order: dict[str, object]) -> str:
    unknown = sorted(set(order) - {"because", "who"})
    if unknown:
        return f"{unknown[0]} is not known; allowed are because, who"
    because, who = order.get("because"), order.get("who", "unknown")
    if not isinstance(because, str) or not because.strip():
        return "because must say why, as a text"
    if not isinstance(who, str):
        return "who must be a text"
    if max(len(because), len(who)) > WORDS_MAX:
        return f"because and who may have {WORDS_MAX} characters each"
    return ""
