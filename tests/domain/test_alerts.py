"""Alerts as a table: what is known of a rule and a model, the next word, what it comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from shared.domain.alerts import Alert, AlertRow, AlertRuling, Condition, rule_alert
from shared.domain.decision import Kind, Reason
from tests.builders import NOON, minutes

FIRED = Alert("a1", "no slot", Condition.FIRED, NOON, model="flights")
RESOLVED = replace(FIRED, condition=Condition.RESOLVED, resolved_at=NOON + minutes(30))
LATER = replace(FIRED, alert_id="a2", fired_at=NOON + minutes(60))
LATER_RESOLVED = replace(
    LATER, condition=Condition.RESOLVED, resolved_at=LATER.fired_at + minutes(5)
)
EARLIER = replace(FIRED, alert_id="a0", fired_at=NOON - minutes(60))
SAME_TIME = replace(FIRED, alert_id="a0")

OPEN = AlertRow("a1", NOON, None, 7, "d1")
CLOSED = replace(OPEN, resolved_at=NOON + minutes(30))


def ruling(kind: Kind, code: str, text: str, row: AlertRow, wish: str = "") -> AlertRuling:
    """What a word comes to."""
    return AlertRuling(kind, Reason(code, text), row, wish)  # type: ignore[arg-type]


OVERTAKEN = ruling(
    Kind.IGNORED,
    "alert_overtaken",
    "alert a0 of the rule no slot of flights is older than a1, which fired 2026-11-23 12:00:00Z",
    OPEN,
)
TABLE: dict[str, tuple[AlertRow | None, Alert, AlertRuling]] = {
    "the first one opens": (
        None,
        FIRED,
        ruling(
            Kind.ACTED,
            "alert_fired",
            "alert a1 of the rule no slot of flights fired 2026-11-23 12:00:00Z",
            AlertRow("a1", NOON),
            "open",
        ),
    ),
    "one that is about no model": (
        None,
        replace(FIRED, model=""),
        ruling(
            Kind.ACTED,
            "alert_fired",
            "alert a1 of the rule no slot fired 2026-11-23 12:00:00Z",
            AlertRow("a1", NOON),
            "open",
        ),
    ),
    "an end before its beginning": (
        None,
        RESOLVED,
        ruling(
            Kind.IGNORED,
            "alert_never_open",
            "alert a1 of the rule no slot of flights was resolved before it was known to fire: "
            "nothing is to be open",
            AlertRow("a1", NOON, NOON + minutes(30)),
            "close",
        ),
    ),
    "its end closes": (
        OPEN,
        RESOLVED,
        ruling(
            Kind.ACTED,
            "alert_resolved",
            "alert a1 of the rule no slot of flights was resolved 2026-11-23 12:30:00Z",
            CLOSED,
            "close",
        ),
    ),
    "an end that does not say when": (
        OPEN,
        replace(RESOLVED, resolved_at=None),
        ruling(
            Kind.ACTED,
            "alert_resolved",
            "alert a1 of the rule no slot of flights was resolved",
            OPEN,
            "close",
        ),
    ),
    "the same beginning again": (
        OPEN,
        FIRED,
        ruling(
            Kind.DUPLICATE,
            "alert_repeated",
            "alert a1 of the rule no slot of flights fired, as decision d1 knew already",
            OPEN,
        ),
    ),
    "the same end again": (
        CLOSED,
        RESOLVED,
        ruling(
            Kind.DUPLICATE,
            "alert_repeated",
            "alert a1 of the rule no slot of flights resolved, as decision d1 knew already",
            CLOSED,
        ),
    ),
    "a beginning after its end": (
        CLOSED,
        FIRED,
        ruling(
            Kind.DUPLICATE,
            "alert_late",
            "alert a1 of the rule no slot of flights fired, which is said late: it was resolved",
            CLOSED,
        ),
    ),
    "the next one opens the same issue": (
        CLOSED,
        LATER,
        ruling(
            Kind.ACTED,
            "alert_fired",
            "alert a2 of the rule no slot of flights fired 2026-11-23 13:00:00Z",
            AlertRow("a2", LATER.fired_at, None, 7),
            "open",
        ),
    ),
    "the next one's end before its beginning": (
        CLOSED,
        LATER_RESOLVED,
        ruling(
            Kind.IGNORED,
            "alert_never_open",
            "alert a2 of the rule no slot of flights was resolved before it was known to fire: "
            "nothing is to be open",
            AlertRow("a2", LATER.fired_at, LATER_RESOLVED.resolved_at, 7),
            "close",
        ),
    ),
    "the next one's end while this one is open": (
        OPEN,
        LATER_RESOLVED,
        ruling(
            Kind.ACTED,
            "alert_resolved",
            "alert a2 of the rule no slot of flights was resolved, and with it the older a1",
            AlertRow("a2", LATER.fired_at, LATER_RESOLVED.resolved_at, 7),
            "close",
        ),
    ),
    "one that fired before": (
        OPEN,
        EARLIER,
        OVERTAKEN,
    ),
    "one that fired in the same instant has its place, too": (
        OPEN,
        SAME_TIME,
        OVERTAKEN,
    ),
    "and so has one that comes behind it": (
        replace(OPEN, alert_id="a0"),
        FIRED,
        ruling(
            Kind.ACTED,
            "alert_fired",
            "alert a1 of the rule no slot of flights fired 2026-11-23 12:00:00Z",
            AlertRow("a1", NOON, None, 7),
            "open",
        ),
    ),
}


@pytest.mark.parametrize(("row", "alert", "expected"), TABLE.values(), ids=TABLE)
def test_a_word_comes_to(row: AlertRow | None, alert: Alert, expected: AlertRuling) -> None:
    """Kind, reason, what is known afterwards and how the issue is to stand."""
    assert rule_alert(row, alert) == expected


@pytest.mark.parametrize(
    "words",
    [
        [FIRED, RESOLVED, LATER],
        [FIRED, RESOLVED, LATER, LATER_RESOLVED],
        [EARLIER, FIRED, RESOLVED, replace(EARLIER, condition=Condition.RESOLVED)],
    ],
    ids=["ends open", "ends closed", "ends with the newest"],
)
def test_words_in_any_order_end_in_the_same(words: list[Alert]) -> None:
    """Late and doubled ones change nothing: the newest episode counts, and its end is final."""
    ends = set()
    for order in permutations([*words, words[0]]):
        row: AlertRow | None = None
        for alert in order:
            row = rule_alert(row, alert).row
        assert row is not None
        ends.add((row.alert_id, row.fired_at, row.resolved_at))
    newest = max(words, key=lambda each: each.fired_at)
    ends_at = [each.resolved_at for each in words if each.alert_id == newest.alert_id]
    assert ends == {(newest.alert_id, newest.fired_at, ends_at[-1])}


def test_a_year_is_told_in_full() -> None:
    """Instants are said to the second, by UTC."""
    at = NOON + timedelta(days=400, seconds=7)
    reason = rule_alert(None, replace(FIRED, fired_at=at)).reason
    assert reason.text.endswith("fired 2027-12-28 12:00:07Z")
