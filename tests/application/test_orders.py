"""Orders over HTTP."""

from __future__ import annotations

import json

import pytest

from shared.application.orders import take_order
from tests.application.conftest import World
from tests.application.story import land

REFUSED: list[tuple[str, str, bytes, int, str]] = [
    ("unknown_model", "ghost", b'{"because":"x"}', 404, "known are diabetes, flights"),
    ("no_json", "flights", b"because", 400, "JSON"),
    ("a_list", "flights", b"[]", 422, "object"),
    ("no_reason", "flights", b"{}", 422, "because must say why"),
    ("blank_reason", "flights", b'{"because":" "}', 422, "because must say why"),
    ("number", "flights", b'{"because":1}', 422, "because must say why"),
    ("who", "flights", b'{"because":"x","who":1}', 422, "who must be a text"),
    ("extra", "flights", b'{"because":"x","when":1}', 422, "when is not known"),
    ("long", "flights", json.dumps({"because": "x" * 501}).encode(), 422, "500 characters"),
]


@pytest.mark.parametrize(
    ("name", "model", "body", "code", "words"), REFUSED, ids=[row[0] for row in REFUSED]
)
def test_wrong_order_is_refused(
    world: World, name: str, model: str, body: bytes, code: int, words: str
) -> None:
    """A wrong order says what is wrong and leaves nothing behind."""
    answer = take_order(world.plane, model, "train", body)
    assert answer.status == code
    assert words in json.loads(answer.body)["detail"]
    assert world.queue.waiting == []


def test_order_is_kept_and_answered_at_once(world: World) -> None:
    """An order is a row and a message; its id can be asked about."""
    answer = take_order(world.plane, "flights", "train", b'{"because":"new labels","who":"ada"}')
    assert answer.status == 202
    order_id = json.loads(answer.body)["order_id"]
    land(world, "a.csv")
    world.go_on(1)
    (training,) = world.jobs.running
    assert "ada asked: new labels" in training.because
    assert world.decisions.about("flights", f"order:{order_id}", 5)


def test_rollout_orders_are_orders_like_any_other(world: World) -> None:
    """A pause is kept, answered and, with nothing to pause, refused in the log."""
    answer = take_order(world.plane, "flights", "pause", b'{"because":"a holiday"}')
    assert answer.status == 202
    world.work_off()
    assert "order_not_possible" in world.codes()
    unknown = take_order(world.plane, "flights", "explode", b'{"because":"x"}')
    assert unknown.status == 404
    assert "pause, resume, abort, rollback" in json.loads(unknown.body)["detail"]
