"""What of a decision is told outside, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.announcements import (
    Announcement,
    EventType,
    announcements,
    concerns_others,
    ended_deployment,
    found_under,
    rollout_ended,
    version_of,
)
from shared.domain.decision import Decision, Kind, Reason, public_words, strongest
from shared.domain.errors import BusyError
from shared.domain.notices import DecisionNotice, notice_of
from shared.domain.state import Phase
from tests.builders import NOON

JOB = "flights-slot-20261123t1200-a1"
SEEN: dict[str, Any] = {
    "metric": "roc_auc",
    "challenger": 0.73,
    "champion": 0.72,
    "baseline": 0.5,
    "difference": [0.005, 0.01, 0.017],
    "holdout_rows": 1200,
}
OF_JOB: dict[str, Any] = {
    "job": JOB,
    "metric": "roc_auc",
    "challenger": 0.73,
    "champion": 0.72,
    "baseline": 0.5,
    "difference": {"low": 0.005, "mean": 0.01, "high": 0.017},
    "holdout_rows": 1200,
}
NOTHING_SEEN = dict.fromkeys(OF_JOB) | {
    "job": JOB,
    "difference": {"low": None, "mean": None, "high": None},
}
PROMOTED = ("job:flights-data-9-a1", f"ended:job:{JOB}", "version:12", "begun:version:12")


def decision(
    *codes: str, about: tuple[str, ...] = (), facts: dict[str, Any] | None = None
) -> Decision:
    """A decision of the model flights with these reasons."""
    reasons = tuple(Reason(code, f"words of {code}") for code in codes)
    return Decision(
        "d1", "flights", NOON, "tick", Kind.ACTED, reasons, (), "done", about, facts or {}
    )


def event(
    kind: EventType, codes: dict[str, str], event_id: str = "d1", **data: Any
) -> Announcement:
    """An event with what all of them have, and its own data."""
    common: dict[str, Any] = {
        "schema": 1,
        "model": "flights",
        "decision": "d1",
        "decided_at": "2026-11-23T12:00:00+00:00",
        "reasons": [{"code": code, "text": text} for code, text in codes.items()],
    }
    return Announcement(event_id, kind, "flights", NOON, common | data)


BETTER = {"better": "words of better"}
SLOTS = {"first": "20261101t1200", "last": "20261122t1200", "count": 22}
TABLE: dict[str, tuple[Decision, list[Announcement]]] = {
    "of most it is none": (decision("nothing_due"), []),
    "a version": (
        decision("better", about=PROMOTED, facts={"verdict": "promote", **SEEN}),
        [event(EventType.MODEL_PROMOTED, BETTER, version=12, **OF_JOB)],
    ),
    "a refusal": (
        decision("worse", about=(f"job:{JOB}",), facts={"verdict": "retain", **SEEN}),
        [
            event(
                EventType.MODEL_REFUSED,
                {"worse": "words of worse"},
                verdict="retain",
                **OF_JOB,
            )
        ],
    ),
    "a verdict over what could not be read": (
        decision("no_metrics", about=(f"job:{JOB}",), facts={"verdict": "halt"}),
        [
            event(
                EventType.MODEL_REFUSED,
                {"no_metrics": "words of no_metrics"},
                verdict="halt",
                **NOTHING_SEEN,
            )
        ],
    ),
    "a rollback, in public words": (
        decision("rolled_back", about=("version:12", "deployment:v12-e3", "deployment:v13-e3")),
        [
            event(
                EventType.ROLLED_BACK,
                {"rolled_back": "rolled back (`noon why` has the words)"},
                deployment="v12-e3",
                version=12,
            )
        ],
    ),
    "a rollback without a rollout is nothing": (decision("rolled_back"), []),
    "a rollout that succeeded raises no event": (
        decision("succeeded", about=("deployment:v12-e3",)),
        [],
    ),
    "one skipped slot": (
        decision("slot_skipped", about=("run", "slot:20261123t1200")),
        [
            event(
                EventType.SLOT_SKIPPED,
                {"slot_skipped": "words of slot_skipped"},
                slots={"first": "20261123t1200", "last": "20261123t1200", "count": 1},
            )
        ],
    ),
    "slots that were missed, and the newest has its training": (
        decision("slots_missed", about=("slot:20261123t1200",), facts={"slots_missed": SLOTS}),
        [
            event(
                EventType.SLOT_SKIPPED, {"slots_missed": "words of slots_missed"}, slots=dict(SLOTS)
            )
        ],
    ),
    "slots that were missed, and the newest is skipped": (
        decision(
            "slot_skipped",
            "slots_missed",
            about=("slot:20261123t1200",),
            facts={"slots_missed": SLOTS},
        ),
        [
            event(
                EventType.SLOT_SKIPPED,
                {
                    "slot_skipped": "words of slot_skipped",
                    "slots_missed": "words of slots_missed",
                },
                slots={"first": "20261101t1200", "last": "20261123t1200", "count": 23},
            )
        ],
    ),
}


@pytest.mark.parametrize(("decided", "expected"), TABLE.values(), ids=TABLE)
def test_a_decision_stands_for_events(decided: Decision, expected: list[Announcement]) -> None:
    """Type, id, time and all of the data."""
    found = announcements(decided)
    assert list(found) == expected
    # `hash=False` leaves the data out of nothing but the hash.
    assert [dict(each.data) for each in found] == [dict(each.data) for each in expected]


def test_the_second_event_of_a_decision_has_an_id_of_its_own() -> None:
    """Both name the decision, and a subscriber can tell them apart."""
    about = ("slot:20261123t1200", "deployment:v12-e3")
    first, second = announcements(decision("rolled_back", "slot_skipped", about=about))
    assert (first.type, first.event_id) == (EventType.ROLLED_BACK, "d1")
    assert (second.type, second.event_id) == (EventType.SLOT_SKIPPED, "d1.2")
    assert first.data["decision"] == second.data["decision"] == "d1"


@pytest.mark.parametrize(
    ("codes", "ended"),
    [
        (("succeeded",), Phase.SUCCEEDED),
        (("nothing_due", "rolled_back"), Phase.ROLLED_BACK),
        (("aborted",), Phase.ABORTED),
        (("canary",), None),
        ((), None),
    ],
)
def test_how_a_rollout_ended(codes: tuple[str, ...], ended: Phase | None) -> None:
    """By a reason that is the name of an end, of a decision about a deployment."""
    assert rollout_ended(decision(*codes, about=("deployment:v12-e3",))) is ended
    assert rollout_ended(decision(*codes, about=("version:12",))) is None


@pytest.mark.parametrize(
    "decided",
    [
        decision("worse", facts={"verdict": "retain"}),
        decision("slot_skipped"),
        decision("nothing_due", "slots_missed"),
        decision("succeeded"),
        decision("rolled_back"),
        decision("aborted"),
    ],
)
def test_what_concerns_others(decided: Decision) -> None:
    """Verdicts, slots without a training, and ends of rollouts."""
    assert concerns_others(decided)


@pytest.mark.parametrize("codes", [(), ("nothing_due",), ("canary", "smoke", "pending")])
def test_what_concerns_nobody_else(codes: tuple[str, ...]) -> None:
    """Everything else; so most decisions put nothing on the queue of notices."""
    assert not concerns_others(decision(*codes, facts={"step": 10}))


def test_a_notice_says_where_the_decision_is_found() -> None:
    """By the first of its keys; it holds nothing of the decision itself."""
    about = ("version:12", "deployment:v12-e3")
    assert notice_of(decision("rolled_back", about=about)) == DecisionNotice(
        "flights", "d1", "version:12", NOON, 0
    )
    assert found_under(decision("x")) == ""


def test_deployments_say_their_version() -> None:
    """A rollout that begins in the same pass comes behind the one that ended."""
    both = decision("aborted", about=("deployment:v12-e3", "deployment:v13-e10"))
    assert ended_deployment(both) == "v12-e3"
    assert [version_of(name) for name in ("v12-e3", "v9-e10", "v10-e9")] == [12, 9, 10]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("worse", "words of it"),
        ("data_refused", "data refused (`noon why` has the words)"),
        ("smoke_failed", "smoke failed (`noon why` has the words)"),
        ("smoke_no_data", "smoke no data (`noon why` has the words)"),
        ("rolled_back", "rolled back (`noon why` has the words)"),
    ],
)
def test_words_that_can_hold_values_of_rows_stay_here(code: str, words: str) -> None:
    """What `prepare` or a deployment said of rows is for those who may see them."""
    assert public_words(Reason(code, "words of it")) == words


def test_the_kind_that_says_most_counts() -> None:
    """From ignored up to failed; without any, it is held."""
    assert strongest([Kind.HELD, Kind.REFUSED, Kind.ACTED]) is Kind.REFUSED
    assert strongest([Kind.IGNORED, Kind.DUPLICATE]) is Kind.DUPLICATE
    assert strongest([]) is Kind.HELD


def test_who_is_busy_can_say_for_how_long() -> None:
    """Its words are the error's, and without a time it asks for none."""
    assert (str(BusyError("429", 30)), BusyError("429", 30).retry_after_seconds) == ("429", 30)
    assert (str(BusyError()), BusyError().retry_after_seconds) == ("", 0)
