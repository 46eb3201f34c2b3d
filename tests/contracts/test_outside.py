"""What every AlertStore and NoticeQueue keeps to, and how a notice is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure_emulator.testing import wait_until

from shared.adapters.azure_alerts import AzureTableAlertStore
from shared.adapters.azure_notices import notice_text, parse_notice
from shared.adapters.memory.outside import MemoryAlertStore
from shared.domain.alerts import Alert, AlertRow, Condition
from shared.domain.errors import ConflictError, MalformedError
from shared.domain.notices import AlertNotice, DecisionNotice, Notice
from shared.outlets import AlertStore
from tests.contracts.conftest import QueueUnderTest

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
ROW = AlertRow("a1", NOON, NOON + timedelta(minutes=5), 12, "d1")
DECISION = DecisionNotice("flights", "20261123t120000-0000abcd", "job:j", NOON, 3)
ALERT = AlertNotice(
    Alert("a1", "noon-drift", Condition.RESOLVED, NOON, NOON, "flights", "Sev2", "ü", ("1 > 0",)),
    "20261123t120000-0000abcd",
    NOON,
)


@pytest.fixture(params=["memory", "azure"])
def alert_store(request: pytest.FixtureRequest) -> AlertStore:
    """Nothing known yet."""
    if request.param == "memory":
        return MemoryAlertStore()
    return AzureTableAlertStore(request.getfixturevalue("azure_table"))


def test_row_comes_back_as_it_was_saved(alert_store: AlertStore) -> None:
    """Of each rule and model its own, and one for rules that are about no model."""
    assert alert_store.load("noon-drift", "flights") == (None, "")
    for rule, model in (("noon-drift", "flights"), ("noon-drift", ""), ("a rule/of #others", "f")):
        alert_store.save(rule, model, replace(ROW, alert_id=rule + model), "")
    for rule, model in (("noon-drift", "flights"), ("noon-drift", ""), ("a rule/of #others", "f")):
        row, etag = alert_store.load(rule, model)
        assert row == replace(ROW, alert_id=rule + model)
        assert etag
    open_again = replace(ROW, resolved_at=None)
    alert_store.save("noon-drift", "", open_again, alert_store.load("noon-drift", "")[1])
    assert alert_store.load("noon-drift", "")[0] == open_again


def test_the_first_writer_wins(alert_store: AlertStore) -> None:
    """Whoever read what is no longer so does not write."""
    alert_store.save("r", "flights", ROW, "")
    with pytest.raises(ConflictError):
        alert_store.save("r", "flights", ROW, "")
    _, etag = alert_store.load("r", "flights")
    alert_store.save("r", "flights", replace(ROW, issue=13), etag)
    with pytest.raises(ConflictError):
        alert_store.save("r", "flights", replace(ROW, issue=14), etag)
    row, _ = alert_store.load("r", "flights")
    assert row is not None
    assert row.issue == 13


@pytest.mark.parametrize("notice", [DECISION, ALERT], ids=["decision", "alert"])
def test_notice_arrives_as_it_was_sent(notices: QueueUnderTest, notice: Notice) -> None:
    """What is sent is received, once, and not before its time."""
    notices.queue.send(notice)
    assert notices.receive() == notice
    assert notices.receive() is None
    notices.queue.send(notice, delay_seconds=1)
    assert notices.receive() is None
    notices.pass_seconds(1)
    assert wait_until(notices.receive, what="the delayed notice") == notice


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "not JSON"),
        ("[]", "not an object of schema 1"),
        ('{"schema": 2}', "not an object of schema 1"),
        ('{"schema": 1, "kind": "letter"}', "kind 'letter' is not one of decision, alert"),
        ('{"schema": 1, "kind": "decision"}', "notice: decision: "),
        (notice_text(DECISION).replace('"attempt": 3', '"attempt": "x"'), "decision.attempt"),
        (notice_text(ALERT).replace("resolved", "ended", 1), "notice: alert.alert.condition"),
    ],
)
def test_notice_that_cannot_be_understood_is_refused_by_name(text: str, named: str) -> None:
    """What is wrong with it is said."""
    with pytest.raises(MalformedError, match=named):
        parse_notice(text)
