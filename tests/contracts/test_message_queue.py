"""What every MessageQueue keeps to, and how a message is read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from azure_emulator.testing import wait_until

from shared.adapters.azure_queues import message_text, parse_message
from shared.domain.errors import MalformedError
from shared.domain.events import Message

MESSAGE = Message("flights", "landing 20261123t120000 ü", "00-abc-def-01")


def test_message_arrives_as_it_was_sent(message_queue) -> None:
    """What is sent is received, once."""
    message_queue.queue.send(MESSAGE)
    assert message_queue.receive() == MESSAGE
    assert message_queue.receive() is None


def test_delayed_message_is_not_seen_before_its_time(message_queue) -> None:
    """A delay hides a message until it is over."""
    message_queue.queue.send(MESSAGE, delay_seconds=2)
    assert message_queue.receive() is None
    message_queue.pass_seconds(2)
    assert wait_until(message_queue.receive, what="the delayed message") == MESSAGE


def test_message_survives_its_text() -> None:
    """A message read from its own text is the same."""
    again = replace(MESSAGE, event_id="e7", attempt=3)
    assert parse_message(message_text(MESSAGE)) == MESSAGE
    assert parse_message(message_text(again)) == again


def test_unknown_fields_are_left_alone() -> None:
    """A later version may say more without being misread."""
    text = json.dumps({"schema": 1, "model": "flights", "cause": "tick", "new": [1]})
    assert parse_message(text) == Message("flights", "tick")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"model":"flights","cause":"tick"}', "schema None"),
        ('{"schema":2,"model":"flights","cause":"tick"}', "schema 2"),
        ('{"schema":1,"cause":"tick"}', "model must"),
        ('{"schema":1,"model":"","cause":"tick"}', "model must"),
        ('{"schema":1,"model":"flights","cause":7}', "cause must"),
        ('{"schema":1,"model":"flights","cause":"tick","traceparent":1}', "traceparent must"),
        ('{"schema":1,"model":"flights","cause":"tick","attempt":"1"}', "attempt must"),
        ('{"schema":1,"model":"flights","cause":"tick","attempt":-1}', "attempt must"),
        ('{"schema":1,"model":"flights","cause":"tick","attempt":true}', "attempt must"),
    ],
)
def test_message_that_cannot_be_understood_is_refused_by_name(text: str, named: str) -> None:
    """What is wrong with a message is said."""
    with pytest.raises(MalformedError, match=named):
        parse_message(text)
