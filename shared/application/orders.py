"""What operators ask for over HTTP: checked, kept as a row, and answered at once."""

from __future__ import annotations

import json
import re

from shared.application.intake import order
from shared.application.plane import ControlPlane
from shared.application.problems import COME_AGAIN, Answer, problem
from shared.domain.errors import NoonError, NotFoundError
from shared.domain.events import Verb

WORDS_MAX = 500
"""Characters of a reason or a name; they stand in tables and tags."""
UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Tables, tags and terminals would choke on them."""


def take_order(plane: ControlPlane, model: str, verb: str, body: bytes) -> Answer:
    """Take an order `{"because": …, "who": …}`; 202 with its id, or a problem."""
    if verb not in list(Verb):
        return problem(404, "unknown order", f"{verb!r} is not one of {', '.join(Verb)}")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        return problem(400, "not JSON", f"the body must be a JSON object: {error}")
    if not isinstance(asked, dict):
        return problem(422, "wrong order", "the body must be a JSON object")
    wrong = _wrong(asked)
    if wrong:
        return problem(422, "wrong order", wrong)
    who = asked.get("who") or "unknown"
    try:
        kept = order(plane, model, Verb(verb), who.strip(), asked["because"].strip())
    except NotFoundError as error:
        return problem(404, "unknown model", str(error))
    except NoonError as error:
        return problem(503, "cannot keep the order", str(error), COME_AGAIN)
    return Answer(202, json.dumps({"order_id": kept.order_id}).encode())


def _wrong(asked: dict[str, object]) -> str:
    unknown = sorted(set(asked) - {"because", "who"})
    if unknown:
        return f"{unknown[0]} is not known; allowed are because, who"
    because = asked.get("because")
    if not isinstance(because, str) or not because.strip():
        return "because must say why, as a text"
    if "who" in asked and not isinstance(asked["who"], str):
        return "who must be a text"
    if any(len(str(words)) > WORDS_MAX for words in asked.values()):
        return f"because and who may have {WORDS_MAX} characters each"
    if any(UNWRITABLE.search(str(words)) for words in asked.values()):
        return "because and who may have no control characters"
    return ""
